use super::*;
use std::time::Instant;

use std::collections::BTreeSet;
use std::ops::Bound;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use bytes::Bytes;
use effusion_broker::{
    AnonymousPolicy, AuthenticationPolicy, Creator, Principal, SecurityStore, Snapshot, StoredTopic,
};
use effusion_protocol::time_series::{Event, EventMetadata};
use effusion_protocol::{TopicSpecification, TopicType};
use redb::backends::FileBackend;
use redb::{BackendError, ReadableDatabase as _, StorageBackend};

fn open(folder: &Path) -> Opened {
    Database::open(folder, || Ok(initial())).unwrap()
}

fn initial() -> Snapshot {
    Snapshot {
        principals: vec![principal("admin")],
        ..Snapshot::default()
    }
}

fn principal(name: &str) -> Principal {
    Principal {
        name: name.to_owned(),
        password_hash: "$argon2id$…".to_owned(),
        roles: ["CLIENT".to_owned()].into(),
        locked_by: None,
        revoked_ms: None,
    }
}

fn topic(value: Option<&'static str>) -> StoredTopic {
    StoredTopic {
        specification: TopicSpecification::new(TopicType::Json).with("PERSISTENT", "true"),
        created_ms: 1_700_000_000_000,
        creator: Creator {
            session: "0000000000000001-0000000000000002".to_owned(),
            roles: ["TOPIC_CONTROL".to_owned()].into(),
            principal: Some("ada".to_owned()),
        },
        value: value.map(Bytes::from),
        events: Vec::new(),
    }
}

fn event(sequence: u64, original: Option<u64>) -> Event {
    let metadata = |sequence| EventMetadata {
        sequence,
        timestamp: 1_700_000_000_000_u64.wrapping_add(sequence),
        author: "jürgen".to_owned(),
    };
    Event {
        metadata: metadata(sequence),
        original: original.map(metadata),
        value: Bytes::from(format!("event {sequence}")),
    }
}

fn append(path: &str, sequence: u64) -> StoreOp {
    StoreOp::AppendEvent {
        path: path.to_owned(),
        event: event(sequence, None),
    }
}

fn put_topic(path: &str, value: Option<&'static str>) -> StoreOp {
    StoreOp::PutTopic {
        path: path.to_owned(),
        topic: topic(value),
    }
}

fn topic_at<'s>(snapshot: &'s Snapshot, path: &str) -> Option<&'s StoredTopic> {
    let mut topics = snapshot.topics.iter();
    topics.find(|(key, _)| key == path).map(|(_, topic)| topic)
}

fn sequences(snapshot: &Snapshot, path: &str) -> Vec<u64> {
    let events = &topic_at(snapshot, path).unwrap().events;
    events.iter().map(|event| event.metadata.sequence).collect()
}

#[test]
fn what_is_written_is_there_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let mut opened = open(folder.path());
    assert!(opened.first_start);
    assert_eq!(opened.snapshot, initial());

    let policy = AuthenticationPolicy {
        anonymous: AnonymousPolicy::Allow(["CLIENT".to_owned()].into()),
        ..AuthenticationPolicy::default()
    };
    let security = SecurityStore {
        named_roles: BTreeSet::from(["NAMED".to_owned()]),
        ..SecurityStore::default()
    };
    let operations = [
        put_topic("Chat/room", Some("old")),
        StoreOp::PutValue {
            path: "Chat/room".to_owned(),
            value: Bytes::from_static(b"\0new"),
        },
        put_topic("Chat/empty", None),
        put_topic("Chat/history", None),
        append("Chat/history", 0),
        append("Chat/history", 1),
        StoreOp::AppendEvent {
            path: "Chat/history".to_owned(),
            event: event(2, Some(0)),
        },
        append("Chat/history", 300),
        StoreOp::RemoveEvents {
            path: "Chat/history".to_owned(),
            sequences: vec![1, 7],
        },
        StoreOp::PutPrincipal(principal("alice")),
        StoreOp::RemovePrincipal {
            name: "admin".to_owned(),
        },
        StoreOp::PutAuthentication(policy.clone()),
        StoreOp::PutSecurity(security.clone()),
    ];
    opened.database.apply(&operations).unwrap();
    drop(opened);

    let opened = Database::open(folder.path(), || panic!("it is there already")).unwrap();
    assert!(!opened.first_start);
    assert_eq!(opened.database.batch(), 2);
    let snapshot = opened.snapshot;
    assert_eq!(
        topic_at(&snapshot, "Chat/room"),
        Some(&topic(Some("\0new")))
    );
    assert_eq!(topic_at(&snapshot, "Chat/empty"), Some(&topic(None)));
    assert_eq!(
        topic_at(&snapshot, "Chat/history").unwrap().events,
        [event(0, None), event(2, Some(0)), event(300, None)]
    );
    assert_eq!(snapshot.principals, [principal("alice")]);
    assert_eq!(snapshot.authentication, policy);
    assert_eq!(snapshot.security, security);
}

#[test]
fn a_topic_takes_its_events_with_it_and_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let mut opened = open(folder.path());
    let paths = ["a", "a/b", "aa", "b", "c"];
    for path in paths {
        let operations = [
            put_topic(path, Some("x")),
            append(path, 0),
            append(path, u64::MAX),
        ];
        opened.database.apply(&operations).unwrap();
    }
    let operations = [
        StoreOp::RemoveTopic {
            path: "a".to_owned(),
        },
        put_topic("b", None),
    ];
    opened.database.apply(&operations).unwrap();
    drop(opened);
    let snapshot = open(folder.path()).snapshot;
    assert_eq!(topic_at(&snapshot, "a"), None);
    assert_eq!(
        topic_at(&snapshot, "b"),
        Some(&topic(None)),
        "added anew: empty"
    );
    for path in ["a/b", "aa", "c"] {
        assert_eq!(sequences(&snapshot, path), [0, u64::MAX], "{path}");
    }
}

#[test]
fn operations_can_be_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let mut opened = open(folder.path());
    let operations = [
        put_topic("a", None),
        append("a", 0),
        append("a", 1),
        StoreOp::RemoveEvents {
            path: "a".to_owned(),
            sequences: vec![0],
        },
        StoreOp::RemovePrincipal {
            name: "nobody".to_owned(),
        },
        StoreOp::RemoveTopic {
            path: "nothing".to_owned(),
        },
    ];
    opened.database.apply(&operations).unwrap();
    opened.database.apply(&operations).unwrap();
    drop(opened);
    assert_eq!(sequences(&open(folder.path()).snapshot, "a"), [1]);
}

#[test]
fn two_cannot_use_one_folder() {
    let folder = tempfile::tempdir().unwrap();
    let _first = open(folder.path());
    let problem = Database::open(folder.path(), || Ok(initial())).unwrap_err();
    assert!(matches!(problem, StoreError::InUse(_)), "{problem:?}");
    assert!(problem.to_string().starts_with("another sandbox uses"));
}

#[test]
fn a_first_start_that_was_interrupted_begins_anew() {
    let leftover = |name: &str, content: &[u8]| {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(name), content).unwrap();
        folder
    };
    let half_made = leftover("sandbox.redb.4711", &[0; 8192]);
    let empty = leftover("sandbox.redb", b"");
    let without_tables = tempfile::tempdir().unwrap();
    drop(redb::Database::create(without_tables.path().join("sandbox.redb")).unwrap());
    for folder in [half_made, empty, without_tables] {
        assert!(open(folder.path()).first_start);
        assert!(!open(folder.path()).first_start);
        let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
        assert_eq!(names.len(), 1, "{names:?}");
    }
    // What cannot be made leaves nothing that stands in the way.
    let folder = tempfile::tempdir().unwrap();
    let failed = Database::open(folder.path(), || Err(StoreError::FailedBefore));
    assert!(failed.is_err());
    assert!(open(folder.path()).first_start);
}

#[test]
fn a_copy_has_all_that_is_stored_and_is_made_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut opened = open(folder.path());
    let operations = [put_topic("a", Some("1")), append("a", 0), append("a", 1)];
    opened.database.apply(&operations).unwrap();
    let stored = opened.database.read().unwrap();
    opened.database.apply(&[append("a", 2)]).unwrap();
    let copies = tempfile::tempdir().unwrap();
    let file = copies.path().join("sandbox.redb");
    std::fs::write(copies.path().join("sandbox.redb.unfinished"), "x").unwrap();
    backup::write(&stored, &file).unwrap();
    let again = backup::write(&stored, &file);
    assert!(matches!(again, Err(StoreError::Exists(_))), "{again:?}");
    let copy = open(copies.path());
    assert!(!copy.first_start);
    assert_eq!(sequences(&copy.snapshot, "a"), [0, 1]);
    assert_eq!(copy.snapshot.principals, initial().principals);
    assert_eq!(std::fs::read_dir(copies.path()).unwrap().count(), 1);
    // A folder that is in use is copied by whoever uses it.
    let other = copies.path().join("other");
    assert!(matches!(
        backup::of_folder(folder.path(), &other),
        Err(StoreError::InUse(_))
    ));
    drop(stored);
    drop(opened);
    backup::of_folder(folder.path(), &other).unwrap();
    assert!(backup::of_folder(&copies.path().join("nowhere"), &folder.path().join("x")).is_err());
}

#[test]
fn a_newer_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    change(folder.path(), |transaction| {
        let mut meta = transaction.open_table(schema::META).unwrap();
        meta.insert(schema::META_SCHEMA, schema::VERSION + 1)
            .unwrap();
    });
    let problem = Database::open(folder.path(), || Ok(initial())).unwrap_err();
    assert!(
        matches!(problem, StoreError::Newer { found, known } if found == known + 1),
        "{problem:?}"
    );
}

#[test]
fn a_damaged_record_is_named() {
    for (table, definition, key) in [
        ("topic", schema::TOPICS, "Chat/room"),
        ("principal", schema::PRINCIPALS, "admin"),
        ("policy", schema::POLICIES, schema::POLICY_SECURITY),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut opened = open(folder.path());
        opened
            .database
            .apply(&[put_topic("Chat/room", None)])
            .unwrap();
        drop(opened);
        change(folder.path(), |transaction| {
            let mut table = transaction.open_table(definition).unwrap();
            table.insert(key, b"{\"topic".as_slice()).unwrap();
        });
        let problem = Database::open(folder.path(), || Ok(initial())).unwrap_err();
        let text = problem.to_string();
        assert!(text.contains(table) && text.contains(key), "{text}");
    }
}

#[test]
fn a_file_that_is_no_database_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    let file = folder.path().join("sandbox.redb");
    let whole = std::fs::read(&file).unwrap();
    let mut zeroed = whole.clone();
    zeroed[..4096].fill(0);
    for bad in [b"not a database".to_vec(), vec![0xff; 100_000], zeroed] {
        std::fs::write(&file, &bad).unwrap();
        assert!(Database::open(folder.path(), || Ok(initial())).is_err());
        assert_eq!(std::fs::read(&file).unwrap(), bad, "it is left as it was");
    }
}

#[test]
fn a_damaged_page_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let mut opened = open(folder.path());
    let mut operations = vec![put_topic("a", None)];
    operations.extend((0..2000).map(|sequence| append("a", sequence)));
    opened.database.apply(&operations).unwrap();
    drop(opened);
    let file = folder.path().join("sandbox.redb");
    let mut bytes = std::fs::read(&file).unwrap();
    let needle = b"event 1000";
    let at = bytes
        .windows(needle.len())
        .position(|window| window == needle)
        .unwrap();
    bytes[at] ^= 0x20;
    std::fs::write(&file, &bytes).unwrap();
    let problem = Database::open(folder.path(), || Ok(initial())).unwrap_err();
    assert!(matches!(problem, StoreError::Database(_)), "{problem:?}");
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("new/data");
    drop(open(&folder));
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&folder.join("sandbox.redb")), 0o600);
}

/// Changes the file behind the database's back.
fn change(folder: &Path, change: impl FnOnce(&redb::WriteTransaction)) {
    let database = redb::Database::open(folder.join("sandbox.redb")).unwrap();
    let transaction = database.begin_write().unwrap();
    change(&transaction);
    transaction.commit().unwrap();
}

/// A disk that can fail.
#[derive(Debug, Default)]
struct Disk {
    /// Nothing can be written.
    full: AtomicBool,
    /// Files cannot grow.
    no_growth: AtomicBool,
}

/// A file on a disk that can fail.
#[derive(Debug)]
struct FaultyDisk {
    file: FileBackend,
    disk: Arc<Disk>,
}

impl FaultyDisk {
    fn check(&self) -> std::io::Result<()> {
        if self.disk.full.load(Ordering::SeqCst) {
            return Err(std::io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }
}

impl StorageBackend for FaultyDisk {
    fn len(&self) -> std::io::Result<u64> {
        self.file.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> std::io::Result<()> {
        self.file.read(offset, out)
    }
    fn set_len(&self, len: u64) -> std::io::Result<()> {
        self.check()?;
        if self.disk.no_growth.load(Ordering::SeqCst) && len > self.file.len()? {
            return Err(std::io::ErrorKind::StorageFull.into());
        }
        self.file.set_len(len)
    }
    fn sync_data(&self) -> std::io::Result<()> {
        self.check()?;
        self.file.sync_data()
    }
    fn write(&self, offset: u64, data: &[u8]) -> std::io::Result<()> {
        self.check()?;
        self.file.write(offset, data)
    }
    fn close(&self) -> std::io::Result<()> {
        self.file.close()
    }
    // As for the real file, nobody else can open it at the same time.
    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_range(start, end)
    }
    fn try_lock_shared_range(
        &self,
        start: Bound<u64>,
        end: Bound<u64>,
    ) -> Result<bool, BackendError> {
        self.file.try_lock_shared_range(start, end)
    }
    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.lock_range(start, end)
    }
    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.lock_shared_range(start, end)
    }
    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.unlock_range(start, end)
    }
    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.query_lock_range(start, end)
    }
}

type Stored = Arc<Mutex<Vec<(u64, bool)>>>;

/// Stands for the word that nobody can tell what is on the disk.
const LOST: (u64, bool) = (u64::MAX, false);

fn start_writer(folder: &Path, disk: &Arc<Disk>) -> (Writer, Stored) {
    let file = folder.join("faulty.redb");
    let disk = Arc::clone(disk);
    let open = {
        let file = file.clone();
        move || -> Result<redb::Database, StoreError> {
            let file = FaultyDisk {
                file: FileBackend::new(
                    std::fs::OpenOptions::new()
                        .read(true)
                        .write(true)
                        .create(true)
                        .truncate(false)
                        .open(&file)
                        .unwrap(),
                )?,
                disk: Arc::clone(&disk),
            };
            Ok(database::builder().create_with_backend(file)?)
        }
    };
    let opened = Database::start(open().unwrap(), || Ok(initial()), &file).unwrap();
    let stored = Stored::default();
    let on_stored = {
        let stored = Arc::clone(&stored);
        Box::new(move |ticket: Ticket, result: Result<(), EffectError>| {
            stored.lock().unwrap().push((ticket.0, result.is_ok()));
        })
    };
    let reopen = Box::new(move || open().and_then(Database::resume));
    let on_lost = {
        let stored = Arc::clone(&stored);
        Box::new(move || stored.lock().unwrap().push(LOST))
    };
    let writer = Writer::start(opened.database, reopen, on_stored, on_lost).unwrap();
    (writer, stored)
}

fn wait_for(stored: &Stored, count: usize) {
    let start = Instant::now();
    while stored.lock().unwrap().len() < count {
        assert!(start.elapsed() < Duration::from_secs(10), "{stored:?}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn changes_complete_in_their_order_and_are_written_when_it_stops() {
    let folder = tempfile::tempdir().unwrap();
    let (writer, stored) = start_writer(folder.path(), &Arc::default());
    writer
        .submit(Ticket(0), vec![put_topic("a", None)])
        .unwrap();
    for number in 0..10_000 {
        writer
            .submit(Ticket(number + 1), vec![append("a", number)])
            .unwrap();
    }
    writer.stop();
    let stored = stored.lock().unwrap();
    assert!(
        stored
            .iter()
            .copied()
            .eq((0..=10_000).map(|ticket| (ticket, true)))
    );
    let database = redb::Database::open(folder.path().join("faulty.redb")).unwrap();
    let transaction = database.begin_read().unwrap();
    let meta = transaction.open_table(schema::META).unwrap();
    let batches = meta.get(schema::META_BATCH).unwrap().unwrap().value();
    assert!(batches < 1000, "they share transactions: {batches}");
}

#[test]
fn a_full_disk_refuses_changes_until_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(Disk::default());
    let (writer, stored) = start_writer(folder.path(), &disk);
    let submit = |ticket, operation| writer.submit(Ticket(ticket), vec![operation]).unwrap();
    submit(1, put_topic("a", None));
    submit(2, append("a", 0));
    wait_for(&stored, 2);
    disk.full.store(true, Ordering::SeqCst);
    submit(3, append("a", 1));
    // It is tried again for some time whether the database can be opened.
    std::thread::sleep(2 * REOPEN_PAUSE);
    disk.full.store(false, Ordering::SeqCst);
    submit(4, append("a", 2));
    wait_for(&stored, 4);
    assert_eq!(writer.waiting_bytes(), 0);
    writer.stop();
    assert_eq!(
        *stored.lock().unwrap(),
        [(1, true), (2, true), (3, false), (4, true)]
    );
    let file = folder.path().join("faulty.redb");
    let database = redb::Database::open(&file).unwrap();
    let opened = Database::start(database, || panic!("it is there already"), &file).unwrap();
    assert_eq!(sequences(&opened.snapshot, "a"), [0, 2]);
}

#[test]
fn a_file_that_cannot_grow_refuses_what_does_not_fit_and_nothing_is_uncertain() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(Disk::default());
    let (writer, stored) = start_writer(folder.path(), &disk);
    let submit = |ticket, operation| writer.submit(Ticket(ticket), vec![operation]).unwrap();
    submit(0, put_topic("a", None));
    wait_for(&stored, 1);
    disk.no_growth.store(true, Ordering::SeqCst);
    let large = || StoreOp::PutValue {
        path: "a".to_owned(),
        value: vec![0; 8 << 20].into(),
    };
    for ticket in 1..=3 {
        submit(ticket, large());
        wait_for(&stored, usize::try_from(ticket).unwrap() + 1);
    }
    // What fits is stored all the same.
    submit(4, append("a", 0));
    wait_for(&stored, 5);
    disk.no_growth.store(false, Ordering::SeqCst);
    submit(5, large());
    wait_for(&stored, 6);
    writer.stop();
    assert_eq!(
        *stored.lock().unwrap(),
        [
            (0, true),
            (1, false),
            (2, false),
            (3, false),
            (4, true),
            (5, true)
        ]
    );
}

#[test]
fn what_nobody_can_tell_is_neither_stored_nor_refused() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(Disk::default());
    let (writer, stored) = start_writer(folder.path(), &disk);
    let submit = |ticket, operation| writer.submit(Ticket(ticket), vec![operation]);
    submit(1, put_topic("a", None)).unwrap();
    wait_for(&stored, 1);
    disk.full.store(true, Ordering::SeqCst);
    submit(2, append("a", 0)).unwrap();
    wait_for(&stored, 2);
    assert_eq!(*stored.lock().unwrap(), [(1, true), LOST]);
    // What comes later is surely not stored.
    assert!(submit(3, append("a", 1)).is_err());
    writer.stop();
}
