//! What is stored on this device beyond a few settings: JSON texts by key, in the browser's database. Where the browser
//! forbids a database, they are kept for as long as the page is open.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
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

/// What the database is called.
const NAME: &str = "effusion";
const VERSION: u32 = 1;

/// A kind of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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

/// A change that waits for those before it.
enum Change {
    Put(Store, String, String),
    Remove(Store, String),
    Clear(Store),
}

/// The device's database.
#[derive(Default)]
pub struct Storage {
    database: RefCell<Option<Rc<Database>>>,
    is_forbidden: Cell<bool>,
    /// What is stored where there is no database.
    here: RefCell<BTreeMap<(Store, String), String>>,
    changes: RefCell<VecDeque<Change>>,
    is_writing: Cell<bool>,
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
        for store in Store::ALL {
            self.write(Change::Clear(store));
        }
    }

    /// The records whose keys begin like this, in the order of their keys.
    pub async fn all(&self, store: Store, prefix: &str) -> Vec<(String, String)> {
        self.write_all().await;
        let _turn = self.turn.lock().await;
        let Some(database) = self.open().await else {
            let here = self.here.borrow();
            let from = here.range((store, prefix.to_owned())..);
            return from
                .take_while(|((at, key), _)| *at == store && key.starts_with(prefix))
                .map(|((_, key), record)| (key.clone(), record.clone()))
                .collect();
        };
        read(&database, store, prefix).await.unwrap_or_default()
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
    async fn write_all(&self) {
        let _turn = self.turn.lock().await;
        loop {
            let change = self.changes.borrow_mut().pop_front();
            let Some(change) = change else { return };
            match self.open().await {
                // A device that is full keeps what it has; a message is sent all the same.
                Some(database) => drop(apply(&database, &change).await),
                None => self.apply_here(change),
            }
        }
    }

    fn apply_here(&self, change: Change) {
        let mut here = self.here.borrow_mut();
        match change {
            Change::Put(store, key, record) => drop(here.insert((store, key), record)),
            Change::Remove(store, key) => drop(here.remove(&(store, key))),
            Change::Clear(store) => here.retain(|(at, _), _| *at != store),
        }
    }

    async fn open(&self) -> Option<Rc<Database>> {
        if self.is_forbidden.get() {
            return None;
        }
        let known = self.database.borrow().clone();
        if known.is_some() {
            return known;
        }
        match open_database().await {
            Ok(database) => {
                let database = Rc::new(database);
                self.database.replace(Some(Rc::clone(&database)));
                Some(database)
            }
            Err(_) => {
                self.is_forbidden.set(true);
                None
            }
        }
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
