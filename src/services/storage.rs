//! What is stored on this device beyond a few settings: JSON texts by key, in the browser's database. Where the browser
//! forbids a database, they are kept for as long as the page is open.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use effusion_client::Json;
use futures_util::future::try_join;
use futures_util::lock::Mutex;
use idb::{
    Database, DatabaseEvent, Error, Factory, KeyRange, ObjectStore, ObjectStoreParams, Transaction,
    TransactionMode,
};
use js_sys::Uint8Array;
use leptos::task::spawn_local;
use wasm_bindgen::{JsCast, JsValue};

use super::preferences::For;
use crate::platform::{clock, storage};

/// What the database is called.
const NAME: &str = "effusion";
const VERSION: u32 = 1;

/// A kind of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    /// Messages that are not acknowledged.
    Outbox,
    /// Copies of rooms, to be read without a connection.
    Copies,
}

impl Store {
    const ALL: [Self; 2] = [Self::Outbox, Self::Copies];

    const fn name(self) -> &'static str {
        match self {
            Self::Outbox => "outbox",
            Self::Copies => "copies",
        }
    }
}

/// Messages that the database did not have yet when their page was left, by the keys of their records.
const LEFT: &str = "effusion.left";

/// A change that waits for those before it.
#[derive(Clone)]
enum Change {
    Put(Store, String, String),
    Remove(Store, String),
    Clear(Store),
}

/// The device's database.
#[derive(Default)]
pub struct Storage {
    /// Opened when it is first needed; `None` where the browser forbids it.
    database: OnceCell<Option<Database>>,
    /// What is stored where there is no database.
    here: RefCell<Vec<(Store, String, String)>>,
    changes: RefCell<VecDeque<Change>>,
    /// The change that is being made.
    current: RefCell<Option<Change>>,
    is_writing: Cell<bool>,
    /// The keys of what was kept because the page may be gone before the database has it.
    left: RefCell<Vec<String>>,
    /// Whose turn it is to use the database.
    turn: Mutex<()>,
}

impl Storage {
    /// Stores a record in the place of one with the same key.
    pub fn put(self: &Rc<Self>, store: Store, key: String, record: String) {
        self.write(Change::Put(store, key, record));
    }

    /// Removes a record.
    pub fn remove(self: &Rc<Self>, store: Store, key: String) {
        let is_put = |change: &Change| matches!(change, Change::Put(at, put, _) if (*at, put) == (store, &key));
        // What was not stored yet need not be.
        self.changes.borrow_mut().retain(|change| !is_put(change));
        self.write(Change::Remove(store, key));
    }

    /// Removes all records of all kinds.
    pub fn clear(self: &Rc<Self>) {
        self.changes.borrow_mut().clear();
        For::Device.store_text(LEFT, None);
        for store in Store::ALL {
            self.write(Change::Clear(store));
        }
    }

    /// The records whose keys begin like this, in the order of their keys.
    pub async fn all(&self, store: Store, prefix: &str) -> Vec<(String, String)> {
        if store == Store::Outbox {
            self.take_left(prefix);
        }
        self.write_all().await;
        let _turn = self.turn.lock().await;
        let mut all = match self.open().await {
            Some(database) => read(database, store, prefix).await.unwrap_or_default(),
            None => Vec::new(),
        };
        let here = self.here.borrow();
        let here = here
            .iter()
            .filter(|(at, key, _)| *at == store && key.starts_with(prefix));
        all.extend(here.map(|(_, key, record)| (key.clone(), record.clone())));
        all.sort();
        all
    }

    /// Takes what a lock would give where the browser has none: one page at a time has a name, until it gives it back or a time in
    /// milliseconds has passed. False while another page has it. Where there is no database, pages share nothing.
    pub async fn claim(&self, name: &str, holder: &str, lease: i64) -> bool {
        let _turn = self.turn.lock().await;
        match self.open().await {
            Some(database) => claim(database, name, holder, lease).await.unwrap_or(true),
            None => true,
        }
    }

    /// Gives a name back that was claimed.
    pub fn give_back(self: &Rc<Self>, name: &str) {
        self.write(Change::Remove(Store::Outbox, claim_key(name)));
    }

    /// The page is being left, and perhaps before the database has what was written last: keeps its messages where they are at once.
    pub fn keep_left(&self) {
        let (current, waiting) = (self.current.borrow(), self.changes.borrow());
        let mut messages: Vec<(String, String)> = Vec::new();
        for change in current.iter().chain(waiting.iter()) {
            match change {
                Change::Put(Store::Outbox, key, record) => {
                    messages.push((key.clone(), record.clone()));
                }
                Change::Remove(Store::Outbox, key) => messages.retain(|(put, _)| put != key),
                Change::Clear(Store::Outbox) => messages.clear(),
                _ => {}
            }
        }
        if messages.is_empty() {
            return;
        }
        let keys = messages.iter().map(|(key, _)| key.clone());
        self.left.borrow_mut().extend(keys);
        let mut left = For::Device.load_pairs(LEFT);
        left.extend(messages);
        For::Device.store(LEFT, Some(&left));
    }

    /// Puts the messages that a page left behind where the others are.
    fn take_left(&self, prefix: &str) {
        let left = For::Device.load_pairs(LEFT);
        let (taken, others): (Vec<_>, Vec<_>) =
            (left.into_iter()).partition(|(key, _)| key.starts_with(prefix));
        if !taken.is_empty() {
            let puts = taken.into_iter();
            let puts = puts.map(|(key, record)| Change::Put(Store::Outbox, key, record));
            self.changes.borrow_mut().extend(puts);
            For::Device.store(LEFT, Some(&others).filter(|others| !others.is_empty()));
        }
    }

    /// The page is still here, and the database has what was kept.
    fn forget_left(&self) {
        let keys = self.left.take();
        if !keys.is_empty() {
            let mut left = For::Device.load_pairs(LEFT);
            left.retain(|(key, _)| !keys.contains(key));
            For::Device.store(LEFT, Some(&left).filter(|left| !left.is_empty()));
        }
    }

    fn write(self: &Rc<Self>, change: Change) {
        self.changes.borrow_mut().push_back(change);
        if self.is_writing.replace(true) {
            return;
        }
        let this = Rc::clone(self);
        spawn_local(async move {
            this.write_all().await;
            this.is_writing.set(false);
        });
    }

    /// Makes the changes that wait, one after the other. Each has been committed before the next one is made.
    pub async fn write_all(&self) {
        let _turn = self.turn.lock().await;
        loop {
            let change = self.changes.borrow_mut().pop_front();
            let Some(change) = change else {
                return self.forget_left();
            };
            self.current.replace(Some(change.clone()));
            let database = self.open().await;
            let is_done = match database {
                Some(database) => apply(database, &change).await.is_ok(),
                None => false,
            };
            let is_put = matches!(change, Change::Put(..));
            if !is_done && (is_put || database.is_none()) {
                // A device that is full keeps what it has; the rest is here for as long as the page is.
                storage::refused();
                self.apply_here(change);
            } else {
                // What the database has, or has no longer, is not kept here, too.
                self.apply_here(match change {
                    Change::Put(store, key, _) => Change::Remove(store, key),
                    change => change,
                });
            }
            self.current.take();
        }
    }

    fn apply_here(&self, change: Change) {
        let mut here = self.here.borrow_mut();
        let is_changed = |at: &Store, it: &String| match &change {
            Change::Put(store, key, _) | Change::Remove(store, key) => at == store && it == key,
            Change::Clear(store) => at == store,
        };
        here.retain(|(at, key, _)| !is_changed(at, key));
        if let Change::Put(store, key, record) = change {
            here.push((store, key, record));
        }
    }

    /// Opens the database, if that was not tried before. Only for whoever has the turn.
    async fn open(&self) -> Option<&Database> {
        if self.database.get().is_none() {
            // Nobody else can have set it meanwhile.
            let _ = self.database.set(open_database().await.ok());
        }
        self.database.get()?.as_ref()
    }
}

async fn open_database() -> Result<Database, Error> {
    let mut request = Factory::new()?.open(NAME, Some(VERSION))?;
    request.on_upgrade_needed(|event| {
        if let Ok(database) = event.database() {
            for store in Store::ALL {
                // The database is new: there is none of that name.
                let _ = database.create_object_store(store.name(), ObjectStoreParams::new());
            }
        }
    });
    request.await
}

fn begin(
    database: &Database,
    store: Store,
    mode: TransactionMode,
) -> Result<(Transaction, ObjectStore), Error> {
    let transaction = database.transaction(&[store.name()], mode)?;
    let records = transaction.object_store(store.name())?;
    Ok((transaction, records))
}

async fn apply(database: &Database, change: &Change) -> Result<(), Error> {
    let (Change::Put(store, ..) | Change::Remove(store, _) | Change::Clear(store)) = change;
    let (transaction, records) = begin(database, *store, TransactionMode::ReadWrite)?;
    match change {
        Change::Put(_, key, record) => {
            drop(records.put(&record.as_str().into(), Some(&key.as_str().into()))?);
        }
        Change::Remove(_, key) => drop(records.delete(JsValue::from_str(key))?),
        Change::Clear(_) => drop(records.clear()?),
    }
    transaction.await.map(drop)
}

/// No record of the outbox begins so.
fn claim_key(name: &str) -> String {
    ["claim ", name].concat()
}

/// Claims a name, if it is free, in one transaction: no other page comes in between.
async fn claim(database: &Database, name: &str, holder: &str, lease: i64) -> Result<bool, Error> {
    let (transaction, records) = begin(database, Store::Outbox, TransactionMode::ReadWrite)?;
    let (key, now) = (claim_key(name), clock::now());
    let known = records.get(JsValue::from_str(&key))?.await?;
    let known = known
        .and_then(|claim| claim.as_string())
        .unwrap_or_default();
    let is_free = known.split_once(' ').is_none_or(|(until, by)| {
        // Nobody has it for longer than a lease: if it seems so, the clock was set back.
        let is_held = |until: i64| (now..=now + lease).contains(&until);
        by == holder || until.parse().is_ok_and(|until| !is_held(until))
    });
    if is_free {
        let claim = [&(now + lease).to_string(), " ", holder].concat();
        drop(records.put(&claim.into(), Some(&key.into()))?);
    }
    transaction.await?;
    Ok(is_free)
}

async fn read(
    database: &Database,
    store: Store,
    prefix: &str,
) -> Result<Vec<(String, String)>, Error> {
    let (_transaction, records) = begin(database, store, TransactionMode::ReadOnly)?;
    let last = [prefix, "\u{ffff}"].concat();
    let range = KeyRange::bound(&prefix.into(), &last.as_str().into(), None, None)?;
    let keys = records.get_all_keys(Some(range.clone().into()), None)?;
    let values = records.get_all(Some(range.into()), None)?;
    let (keys, values) = try_join(keys.into_future(), values.into_future()).await?;
    let pairs = keys.iter().zip(values);
    Ok(pairs
        .filter_map(|(key, value)| Some((key.as_string()?, text(value)?)))
        .collect())
}

/// The JSON text of a record. The first versions of the page stored it as CBOR.
fn text(value: JsValue) -> Option<String> {
    value.as_string().or_else(|| {
        let bytes = value.dyn_into::<Uint8Array>().ok()?.to_vec();
        Json::from_cbor(bytes.into()).to_text().ok()
    })
}
