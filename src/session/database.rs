//! What is stored on this device beyond a few settings: records by key, in the browser's database. Where the browser forbids
//! that, they are kept for as long as the page is open.

use leptos::prelude::*;
use std::cell::{Cell, RefCell};

use js_sys::{Array, Promise, Uint8Array};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    IdbDatabase, IdbKeyRange, IdbObjectStore, IdbOpenDbRequest, IdbRequest, IdbTransactionMode,
};

/// What the database is called.
pub(super) const NAME: &str = "effusion";
const VERSION: u32 = 1;

/// A kind of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Store {
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

type Record = (Store, String, Vec<u8>);

thread_local! {
    static DATABASE: RefCell<Option<IdbDatabase>> = const { RefCell::new(None) };
    static FORBIDDEN: Cell<bool> = const { Cell::new(false) };
    /// What there is where the browser forbids a database.
    static HERE: RefCell<Vec<Record>> = const { RefCell::new(Vec::new()) };
}

/// Stores a record, in the place of one with the same key.
pub(super) async fn put(store: Store, key: String, record: Vec<u8>) {
    let Some(records) = open(store, IdbTransactionMode::Readwrite).await else {
        HERE.with_borrow_mut(|here| {
            here.retain(|(at, known, _)| (*at, known) != (store, &key));
            here.push((store, key, record));
        });
        return;
    };
    let bytes = Uint8Array::from(record.as_slice());
    // A device that is full keeps what it has; the message is sent all the same.
    if let Ok(request) = records.put_with_key(&bytes, &JsValue::from_str(&key)) {
        let _ = done(&request).await;
    }
}

/// Removes a record.
pub(super) async fn remove(store: Store, key: String) {
    let Some(records) = open(store, IdbTransactionMode::Readwrite).await else {
        HERE.with_borrow_mut(|here| here.retain(|(at, known, _)| (*at, known) != (store, &key)));
        return;
    };
    if let Ok(request) = records.delete(&JsValue::from_str(&key)) {
        let _ = done(&request).await;
    }
}

/// Removes all records.
pub(super) async fn clear(store: Store) {
    HERE.with_borrow_mut(|here| here.retain(|(at, ..)| *at != store));
    if let Some(records) = open(store, IdbTransactionMode::Readwrite).await
        && let Ok(request) = records.clear()
    {
        let _ = done(&request).await;
    }
}

/// The records whose keys begin like this, in the order of their keys.
pub(super) async fn all(store: Store, prefix: &str) -> Vec<(String, Vec<u8>)> {
    let Some(records) = open(store, IdbTransactionMode::Readonly).await else {
        let mut found: Vec<_> = HERE.with_borrow(|here| {
            let fits = |(at, key, _): &&Record| *at == store && key.starts_with(prefix);
            let found = here.iter().filter(fits);
            found
                .map(|(_, key, record)| (key.clone(), record.clone()))
                .collect()
        });
        found.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        return found;
    };
    read(&records, prefix).await.unwrap_or_default()
}

async fn read(records: &IdbObjectStore, prefix: &str) -> Option<Vec<(String, Vec<u8>)>> {
    let last = [prefix, "\u{ffff}"].concat();
    let range = IdbKeyRange::bound(&JsValue::from_str(prefix), &JsValue::from_str(&last)).ok()?;
    let keys = records.get_all_keys_with_key(&range).ok()?;
    let values = records.get_all_with_key(&range).ok()?;
    let keys: Array = done(&keys).await?.unchecked_into();
    let values: Array = done(&values).await?.unchecked_into();
    let pairs = keys.iter().zip(values.iter());
    Some(
        pairs
            .filter_map(|(key, value)| {
                let bytes = value.dyn_into::<Uint8Array>().ok()?.to_vec();
                Some((key.as_string()?, bytes))
            })
            .collect(),
    )
}

async fn open(store: Store, mode: IdbTransactionMode) -> Option<IdbObjectStore> {
    if FORBIDDEN.get() {
        return None;
    }
    let known = DATABASE.with_borrow(Option::clone);
    let database = match known {
        Some(database) => database,
        None => match open_database().await {
            Some(database) => {
                DATABASE.set(Some(database.clone()));
                database
            }
            None => {
                FORBIDDEN.set(true);
                return None;
            }
        },
    };
    let transaction = database.transaction_with_str_and_mode(store.name(), mode);
    match transaction.and_then(|it| it.object_store(store.name())) {
        Ok(records) => Some(records),
        Err(_) => {
            // Somebody has deleted the database under the page's feet.
            FORBIDDEN.set(true);
            None
        }
    }
}

async fn open_database() -> Option<IdbDatabase> {
    let request: IdbOpenDbRequest = window()
        .indexed_db()
        .ok()??
        .open_with_u32(NAME, VERSION)
        .ok()?;
    let opening = request.clone();
    let upgrade = Closure::<dyn FnMut()>::new(move || {
        if let Ok(database) = opening.result() {
            let database: IdbDatabase = database.unchecked_into();
            for store in Store::ALL {
                // The database is new: there is none of that name.
                let _ = database.create_object_store(store.name());
            }
        }
    });
    request.set_onupgradeneeded(Some(upgrade.as_ref().unchecked_ref()));
    Some(done(&request).await?.unchecked_into())
}

/// What a request comes to.
async fn done(request: &IdbRequest) -> Option<JsValue> {
    let ready = Promise::new(&mut |resolve, reject| {
        request.set_onsuccess(Some(&resolve));
        request.set_onerror(Some(&reject));
    });
    JsFuture::from(ready).await.ok()?;
    request.result().ok()
}
