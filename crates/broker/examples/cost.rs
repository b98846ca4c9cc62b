//! How long the broker works on the largest of what it accepts, at a time: others are served between two such times.
//!
//! `cargo run --release -p effusion-broker --example cost [WORD]` prints a line for each kind of input with this word in its
//! name: the longest time in milliseconds, what that was for (the input itself, or the n-th slice after it), how many slices there
//! were, and what all of it took. Figures mean something on an idle core alone, or by `nice -n -20` (with `chrt`, Linux stops the program
//! for a twentieth of each second). Each kind is measured three times, and the shortest of the longest times is shown.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a tool for measuring"
)]

#[path = "../tests/common/mod.rs"]
mod common;

use bytes::Bytes;
use common::{Client, World, hash, topics};
use effusion_broker::{Config, Creator, StoredTopic, bootstrap};
use effusion_protocol::body::{
    ApplyJsonPatchRequest, Call, CloseClientRequest, ConstraintOperator, ConstraintValueKind,
    FetchRequest, SelectRequest, SendToFilterRequest, SetSessionPropertiesFilterRequest,
    SetTopicRequest, TopicNotificationSelection, UpdateConstraint, ValueComparison, call,
};
use effusion_protocol::time_series::{
    Event, EventMetadata, QueryRange, QueryType, RangeAnchor, RangeQueryRequest, RangeSpan,
};
use effusion_protocol::{
    CloseReason, ConversationId, TopicSpecification, TopicType, encode, property,
};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// What took how long.
#[derive(Debug, Default)]
struct Times {
    longest: Duration,
    longest_at: usize,
    slices: usize,
    total: Duration,
}

impl Times {
    fn add(&mut self, world: &mut World, work: impl FnOnce(&mut World)) {
        let start = Instant::now();
        work(world);
        world.carry_out();
        let took = start.elapsed();
        if took > self.longest {
            (self.longest, self.longest_at) = (took, self.slices);
        }
        self.slices += 1;
        self.total += took;
    }

    /// Works until nothing is left to do.
    fn settle(&mut self, world: &mut World) {
        while world.broker.has_work() {
            self.add(world, |world| world.broker.work(world.now));
        }
    }

    /// Keeps it, unless there is a shorter one of the name.
    fn keep(self, name: &str, note: Option<String>) {
        let mut kept = KEPT.lock().unwrap();
        match kept.iter_mut().find(|it| it.0 == name) {
            Some((_, times, _)) if times.longest <= self.longest => {}
            Some((_, times, _)) => *times = self,
            None => kept.push((name.to_owned(), self, note)),
        }
    }
}

/// The names of what was measured, how long it took, and how it was refused, if it was.
static KEPT: Mutex<Vec<(String, Times, Option<String>)>> = Mutex::new(Vec::new());

fn print_kept() {
    let milliseconds = |it: Duration| it.as_secs_f64() * 1e3;
    for (name, times, note) in KEPT.lock().unwrap().drain(..) {
        println!(
            "{name:<52} {:>7.1} ms at {:>4} of {:>5}, {:>8.1} ms in all{}",
            milliseconds(times.longest),
            times.longest_at,
            times.slices,
            milliseconds(times.total),
            note.map_or(String::new(), |note| format!(", refused: {note}"))
        );
    }
}

/// A message of a request.
fn message<C: Call>(client: &Client, body: &C::Request) -> Bytes {
    effusion_protocol::Message::Request {
        service: C::SERVICE,
        conversation: ConversationId(1_000_000),
        body: encode(body, client.version),
    }
    .encode(client.version)
}

fn time<C: Call>(name: &str, world: &mut World, client: &mut Client, body: &C::Request) {
    let message = message::<C>(client, body);
    let connection = client.connection;
    let mut times = Times::default();
    times.add(world, |world| {
        world.broker.receive(world.now, connection, message)
    });
    times.settle(world);
    // What is done is answered, or an error says why not.
    let refusal = client.read_all(world).into_iter().find_map(|it| match it {
        common::Incoming::Answer(_, Err(report)) => Some(report.message.chars().take(40).collect()),
        _ => None,
    });
    times.keep(name, refusal);
}

/// A world with topics, and without the usual limits of one address.
fn world(topics: Vec<(String, StoredTopic)>) -> World {
    let mut snapshot =
        bootstrap::development_snapshot(|password| Ok::<_, ()>(hash(password))).unwrap();
    snapshot.topics = topics;
    let mut config = Config::new([7; 32]);
    config.limits.sessions_per_address = usize::MAX;
    config.durable = false;
    World::with(config, snapshot)
}

fn topic(specification: TopicSpecification, value: Option<Bytes>) -> StoredTopic {
    StoredTopic {
        specification,
        created_ms: 0,
        creator: Creator::default(),
        value,
        events: Vec::new(),
    }
}

fn json_topic(value: Bytes) -> StoredTopic {
    topic(TopicSpecification::new(TopicType::Json), Some(value))
}

fn crowded(count: usize) -> World {
    let topics = (0..count).map(|number| {
        let path = format!("many/{}/branch/{number}", number % 10);
        (path, json_topic(topics::json("1")))
    });
    world(topics.collect())
}

fn series(events: u64, edits_every: u64) -> World {
    let range = "limit 100000";
    let specification = TopicSpecification::new(TopicType::TimeSeries)
        .with(property::TIME_SERIES_EVENT_VALUE_TYPE, "json")
        .with(property::TIME_SERIES_RETAINED_RANGE, range)
        .with(property::TIME_SERIES_SUBSCRIPTION_RANGE, range);
    let metadata = |sequence| EventMetadata {
        sequence,
        timestamp: sequence,
        author: "somebody".to_owned(),
    };
    let mut stored = topic(specification, None);
    stored.events = (0..events)
        .map(|sequence| Event {
            metadata: metadata(sequence),
            original: (sequence % edits_every == edits_every - 1)
                .then(|| metadata(sequence - sequence % edits_every)),
            value: topics::json(r#""a message of some length""#),
        })
        .collect();
    let mut world = world(vec![("s".to_owned(), stored)]);
    let obsolete = "set \"ADMINISTRATOR\" default path permissions \
                    [READ_TOPIC, SELECT_TOPIC, QUERY_OBSOLETE_TIME_SERIES_EVENTS]";
    topics::run_script(&mut world, obsolete);
    world
}

fn query(query_type: QueryType, view: (RangeAnchor, RangeSpan)) -> RangeQueryRequest {
    RangeQueryRequest {
        path: "s".to_owned(),
        query_type,
        view: QueryRange {
            anchor: view.0,
            span: view.1,
        },
        edits: QueryRange::ALL,
        limit: RangeQueryRequest::NO_LIMIT,
    }
}

fn answers(name: &str) {
    for (kind, edits_every) in [("", u64::MAX), (", edited", 2)] {
        for count in [50_000, 100_000] {
            for query_type in [
                QueryType::Values,
                QueryType::AllEdits,
                QueryType::LatestEdits,
            ] {
                let mut world = series(count, edits_every);
                let mut admin = world.client("admin");
                let all = query(query_type, (RangeAnchor::Start, RangeSpan::UntilLast(0)));
                let name = format!("{name}: {query_type:?} of {count} events{kind}");
                time::<call::RangeQuery>(&name, &mut world, &mut admin, &all);
            }
        }
    }
    let mut world = series(100_000, u64::MAX);
    let mut reader = world.client("client");
    let all = SelectRequest::new(">s");
    time::<call::Subscribe>(&format!("{name}: subscribe"), &mut world, &mut reader, &all);
}

fn fetches(name: &str) {
    let mut world = crowded(100_000);
    let mut admin = world.client("admin");
    let mut fetch = FetchRequest::new("?.*//");
    time::<call::Fetch>(
        &format!("{name}: paths of 100000"),
        &mut world,
        &mut admin,
        &fetch,
    );
    fetch.with_values = true;
    fetch.with_properties = true;
    fetch.with_sizes = true;
    time::<call::Fetch>(
        &format!("{name}: all of 100000"),
        &mut world,
        &mut admin,
        &fetch,
    );
    fetch.deep_branch_depth = 1;
    fetch.deep_branch_limit = 1_000;
    time::<call::Fetch>(
        &format!("{name}: deep branches"),
        &mut world,
        &mut admin,
        &fetch,
    );
    fetch.limit = -1_000;
    time::<call::Fetch>(&format!("{name}: the last"), &mut world, &mut admin, &fetch);
}

fn subscriptions(name: &str) {
    let mut world = crowded(100_000);
    let mut admin = world.client("admin");
    let mut reader = world.client("admin");
    let all = SelectRequest::new("?.*//");
    time::<call::Subscribe>(&format!("{name}: to 100000"), &mut world, &mut reader, &all);
    time::<call::Unsubscribe>(&format!("{name}: ended"), &mut world, &mut reader, &all);
    time::<call::Subscribe>(&format!("{name}: again"), &mut world, &mut reader, &all);
    let close = CloseClientRequest {
        session: reader.session,
        reason: None,
    };
    time::<call::CloseClient>(&format!("{name}: closed"), &mut world, &mut admin, &close);
    let mut reader = world.client("admin");
    let select = TopicNotificationSelection {
        listener: ConversationId(5),
        selector: "?.*//".to_owned(),
    };
    let listened = format!("{name}: notifications of 100000");
    time::<call::TopicNotificationSelection>(&listened, &mut world, &mut reader, &select);
    let mut reader = world.client("admin");
    reader.request_unsettled::<call::Subscribe>(&mut world, &all);
    let mut times = Times::default();
    times.settle(&mut world);
    let connection = reader.connection;
    times.add(&mut world, |world| {
        world
            .broker
            .failed(world.now, connection, CloseReason::ConnectionLost)
    });
    times.settle(&mut world);
    times.keep(&format!("{name}: subscribed and failed"), None);
    time::<call::RemoveTopics>(
        &format!("{name}: topics removed"),
        &mut world,
        &mut admin,
        &"?.*//".to_owned(),
    );
}

fn sessions(name: &str) {
    let mut world = world(vec![(
        "passing".to_owned(),
        topic(
            TopicSpecification::new(TopicType::Json).with(property::DONT_RETAIN_VALUE, "true"),
            None,
        ),
    )]);
    let mut control = world.client("admin");
    let mut readers: Vec<Client> = (0..20_000 - 1).map(|_| world.client("user")).collect();
    for reader in &mut readers {
        reader.request::<call::Subscribe>(&mut world, &SelectRequest::new("?a//"));
        reader.request::<call::Subscribe>(&mut world, &SelectRequest::new(">passing"));
        let select = TopicNotificationSelection {
            listener: ConversationId(5),
            selector: "?a//".to_owned(),
        };
        reader.request::<call::TopicNotificationSelection>(&mut world, &select);
    }
    let name = |what: &str| format!("{name}: {what}");
    time::<call::SetTopic>(
        &name("an update"),
        &mut world,
        &mut control,
        &topics::set("passing", "1"),
    );
    time::<call::SetTopic>(
        &name("another"),
        &mut world,
        &mut control,
        &topics::set("passing", "2"),
    );
    let add = topics::add("a/b", &TopicSpecification::new(TopicType::Json));
    time::<call::AddTopic>(&name("a topic"), &mut world, &mut control, &add);
    let remove = ">a/b".to_owned();
    time::<call::RemoveTopics>(&name("it is removed"), &mut world, &mut control, &remove);
    let send = SendToFilterRequest {
        filter: "$Principal is 'user'".to_owned(),
        conversation: ConversationId(9),
        path: "a".to_owned(),
        data_type: "binary".to_owned(),
        value: Bytes::from(vec![0; 100]),
    };
    time::<call::MessagingFilterSend>(&name("a message"), &mut world, &mut control, &send);
    let set = SetSessionPropertiesFilterRequest {
        filter: "all".to_owned(),
        set: Some(
            (0..100)
                .map(|it| (format!("key{it}"), "value".to_owned()))
                .collect(),
        ),
        remove: None,
    };
    time::<call::SetSessionPropertiesFilter>(&name("properties"), &mut world, &mut control, &set);
    let filter = vec!["$Principal is 'x'"; 200].join(" or ");
    time::<call::CloseClientFilter>(&name("a long filter"), &mut world, &mut control, &filter);
    let pattern = format!("$Principal matches '{}'", "(a|b|ab)*".repeat(30));
    time::<call::CloseClientFilter>(&name("a pattern"), &mut world, &mut control, &pattern);
    let filter = "$Principal is 'user'".to_owned();
    let closing = name("all are closed");
    time::<call::CloseClientFilter>(&closing, &mut world, &mut control, &filter);
}

fn patch(name: &str, value: &str, patch: &str) {
    let mut world = world(vec![("a".to_owned(), json_topic(topics::json(value)))]);
    let mut admin = world.client("admin");
    let request = ApplyJsonPatchRequest {
        path: "a".to_owned(),
        patch: patch.to_owned(),
        constraint: UpdateConstraint::Unconstrained,
    };
    time::<call::ApplyJsonPatch>(&format!("patch: {name}"), &mut world, &mut admin, &request);
}

fn patches() {
    let list = |item: &str, bytes: usize| format!("[{}]", vec![item; bytes / 2].join(","));
    let zeros = list("0", 250_000);
    let empty = list("[]", 250_000);
    let object = |count: usize| {
        let members: Vec<String> = (0..count).map(|it| format!(r#""{it:x}":0"#)).collect();
        format!("{{{}}}", members.join(","))
    };
    let members = object(45_000);
    patch("nothing", &zeros, "[]");
    patch("nothing, lists", &empty, "[]");
    patch("nothing, members", &members, "[]");
    let many = |operation: &str, count: usize| format!("[{}]", vec![operation; count].join(","));
    let first = r#"{"op":"remove","path":"/0"}"#;
    for count in [4, 8, 1_000] {
        patch(&format!("{count} removed"), &zeros, &many(first, count));
        patch(
            &format!("{count} lists removed"),
            &empty,
            &many(first, count),
        );
        let to_end = r#"{"op":"move","from":"/0","path":"/0"}"#;
        patch(&format!("{count} moved"), &zeros, &many(to_end, count));
    }
    for count in [10, 20, 40] {
        let removed: Vec<String> = (0..count)
            .map(|it| format!(r#"{{"op":"remove","path":"/{it:x}"}}"#))
            .collect();
        patch(
            &format!("{count} members removed"),
            &members,
            &format!("[{}]", removed.join(",")),
        );
    }
    for (kind, item) in [("numbers", "0"), ("lists", "[]"), ("texts", r#""""#)] {
        for bytes in [20_000, 100_000, 250_000] {
            let test = r#"{"op":"copy","from":"","path":"/0"}"#;
            let value = list(item, bytes);
            for count in [1, 2, 3, 4] {
                patch(
                    &format!("{count} copies of {bytes} of {kind}"),
                    &value,
                    &many(test, count),
                );
            }
        }
        let value = list(item, 100_000);
        let value_there = format!(r#"[{{"op":"test","path":"","value":{value}}}]"#);
        patch(&format!("a test of {kind}"), &value, &value_there);
        let replace = format!(
            r#"[{{"op":"replace","path":"","value":{}}}]"#,
            list(item, 120_000)
        );
        patch(&format!("all replaced by {kind}"), &value, &replace);
    }
    let deep = "[".repeat(100) + &"]".repeat(100);
    let value = vec![deep.as_str(); 1_200].join(",");
    patch(
        "deep",
        &format!("[{value}]"),
        &many(r#"{"op":"copy","from":"/0","path":"/1"}"#, 1_000),
    );
    let pointer = "/0".repeat(100);
    let walk = format!(r#"{{"op":"test","path":"{pointer}","value":1}}"#);
    patch("long pointers", &format!("[{value}]"), &many(&walk, 600));
    let escapes = format!(
        r#"{{"op":"add","path":"/{}","value":1}}"#,
        "~1".repeat(100_000)
    );
    patch("escapes", "{}", &format!("[{escapes}]"));
    let numbers = list("1.2345678901234567e-300", 24_000);
    patch("long numbers", &numbers, "[]");
}

fn constraints(name: &str) {
    let text = "x".repeat(1_000_000);
    let string = topic(
        TopicSpecification::new(TopicType::String),
        Some(Bytes::from(
            [&[0x7a, 0, 0x0f, 0x42, 0x40][..], text.as_bytes()].concat(),
        )),
    );
    let json = json_topic(topics::json(&format!(r#"{{"a":"{text}"}}"#)));
    let mut world = world(vec![
        ("string".to_owned(), string),
        ("json".to_owned(), json),
    ]);
    let mut admin = world.client("admin");
    let comparison = || ValueComparison {
        operator: ConstraintOperator::NotEqual,
        kind: ConstraintValueKind::String,
        value: Bytes::from_static(b"\x61b"),
    };
    let whole = (0..10_000).fold(
        UpdateConstraint::Value(comparison()),
        |so_far, _| match so_far {
            UpdateConstraint::Conjunction(mut all) => {
                all.push(UpdateConstraint::Value(comparison()));
                UpdateConstraint::Conjunction(all)
            }
            first => UpdateConstraint::Conjunction(vec![first]),
        },
    );
    let parts = UpdateConstraint::PartialJson {
        with: (0..10_000)
            .map(|_| ("/a".to_owned(), comparison()))
            .collect(),
        without: Vec::new(),
    };
    for (kind, path, topic_type, constraint) in [
        ("whole value", "string", TopicType::String, whole),
        ("parts", "json", TopicType::Json, parts),
    ] {
        let set = SetTopicRequest {
            path: path.to_owned(),
            topic_type,
            value: Bytes::from_static(b"\x61b"),
            constraint,
        };
        time::<call::SetTopic>(&format!("{name}: {kind}"), &mut world, &mut admin, &set);
    }
}

fn stores(name: &str) {
    let mut world = world(Vec::new());
    let mut admin = world.client("admin");
    let lines = |count: usize, line: &dyn Fn(usize) -> String| {
        (0..count).map(line).collect::<Vec<_>>().join("\n")
    };
    let roles = lines(900, &|it| {
        format!("set \"r{it}\" permissions [REGISTER_HANDLER]")
    });
    time::<call::UpdateSecurity>(&format!("{name}: roles"), &mut world, &mut admin, &roles);
    let paths = lines(900, &|it| {
        format!("set \"ADMINISTRATOR\" path \"a/{it}\" permissions [READ_TOPIC, SELECT_TOPIC]")
    });
    time::<call::UpdateSecurity>(&format!("{name}: paths"), &mut world, &mut admin, &paths);
    let includes = lines(1_000, &|it| {
        format!("set \"r{it}\" includes [\"r{}\"]", it + 1)
    });
    time::<call::UpdateSecurity>(
        &format!("{name}: includes"),
        &mut world,
        &mut admin,
        &includes,
    );
    let accounts = lines(1_000, &|it| {
        format!("add principal \"p{it}\" \"password\" [\"r0\", \"r1\"]")
    });
    time::<call::UpdateSystemAuthentication>(
        &format!("{name}: accounts"),
        &mut world,
        &mut admin,
        &accounts,
    );
    time::<call::GetSystemAuthentication>(&format!("{name}: read"), &mut world, &mut admin, &());
    time::<call::GetSecurity>(&format!("{name}: rights read"), &mut world, &mut admin, &());
}

fn large_stores(name: &str) {
    let mut snapshot =
        bootstrap::development_snapshot(|password| Ok::<_, ()>(hash(password))).unwrap();
    let more = (0..49_000).map(|it| common::principal(&format!("p{it}"), &["CLIENT"]));
    snapshot.principals.extend(more);
    let mut config = Config::new([7; 32]);
    config.durable = false;
    let mut world = World::with(config, snapshot);
    let mut admin = world.client("admin");
    let name = |what: &str| format!("{name}: {what}");
    let script = "remove principal \"p5\"".to_owned();
    time::<call::UpdateSystemAuthentication>(&name("a script"), &mut world, &mut admin, &script);
    time::<call::GetSystemAuthentication>(&name("read"), &mut world, &mut admin, &());
}

fn values(name: &str) {
    let mut world = world(vec![
        ("a".to_owned(), json_topic(topics::json("1"))),
        (
            "hard".to_owned(),
            topic(
                TopicSpecification::new(TopicType::Json).with(property::COMPRESSION, "high"),
                Some(topics::json("1")),
            ),
        ),
    ]);
    let mut admin = world.client("admin");
    let mut reader = world.client("admin");
    reader.request::<call::Subscribe>(&mut world, &SelectRequest::new("?.*//"));
    let list = |item: &str| {
        let count = 1_000_000 / (item.len() + 1);
        format!("[{}]", vec![item; count].join(","))
    };
    for (kind, items) in [
        ("numbers", ["0", "1"]),
        ("lists", ["[]", "{}"]),
        (
            "texts",
            [
                r#""aaaaaaaaaaaaaaaaaaaaaaaaaaaaab""#,
                r#""aaaaaaaaaaaaaaaaaaaaaaaaaaaaac""#,
            ],
        ),
    ] {
        for path in ["a", "hard"] {
            for item in items {
                let set = topics::set(path, &list(item));
                time::<call::SetTopic>(
                    &format!("{name}: {kind} at {path}"),
                    &mut world,
                    &mut admin,
                    &set,
                );
                reader.read_all(&mut world);
            }
        }
    }
    // Runs that are just long enough, with differences that are just too long.
    let runs = |other: char| {
        let items = (0..28_000).map(|it| format!("\"{it:020}{}\"", String::from(other).repeat(8)));
        format!("[{}]", items.collect::<Vec<_>>().join(","))
    };
    for other in ['a', 'b'] {
        let set = topics::set("a", &runs(other));
        time::<call::SetTopic>(&format!("{name}: runs"), &mut world, &mut admin, &set);
        reader.read_all(&mut world);
    }
    let mut noise = 1_u64;
    for _ in 0..2 {
        let bytes: Vec<String> = (0..300_000)
            .map(|_| {
                noise = noise
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                (noise >> 57).to_string()
            })
            .collect();
        let set = topics::set("hard", &format!("[{}]", bytes.join(",")));
        time::<call::SetTopic>(&format!("{name}: noise"), &mut world, &mut admin, &set);
        let set = topics::set("a", &format!("[{}]", bytes.join(",")));
        time::<call::SetTopic>(
            &format!("{name}: noise, deltas"),
            &mut world,
            &mut admin,
            &set,
        );
        reader.read_all(&mut world);
    }
}

fn main() {
    let word = std::env::args().nth(1).unwrap_or_default();
    let kinds = [
        ("range query", answers as fn(&str)),
        ("fetch", fetches),
        ("subscriptions", subscriptions),
        ("20000 sessions", sessions),
        ("patch", |_| patches()),
        ("constraint", constraints),
        ("store", stores),
        ("49000 principals", large_stores),
        ("value", values),
    ];
    for (name, measure) in kinds {
        if name.contains(&word) {
            for _ in 0..3 {
                measure(name);
            }
            print_kept();
        }
    }
}
