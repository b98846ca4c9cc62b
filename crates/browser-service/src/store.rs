//! What survives: records by key in the browser's database.
//!
//! The broker's changes wait in the hub while a transaction is under way; then all of them go into the next one. A change is
//! acknowledged once its transaction has completed, with the strictest durability that the browser offers.

use bytes::Bytes;
use effusion_broker::Snapshot;
use effusion_host::archive;
use effusion_host::record::{self, Change, Restorer};
use futures_channel::oneshot;
use futures_util::future::try_join;
use idb::{
    Database, DatabaseEvent as _, Factory, KeyRange, ObjectStore, ObjectStoreParams, Query,
    Transaction, TransactionMode,
};
use js_sys::{Array, Function, Object, Reflect, Uint8Array};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{IdbDatabase, IdbTransaction};

/// The only store of the database.
const RECORDS: &str = "records";
/// The version of the database: of what [`record`] writes.
const VERSION: u32 = 1;
/// The key of the service's identity. The keys of records are texts, so neither an export nor an earlier version reads it.
const IDENTITY: u32 = 0;
/// Records that are read at a time.
const READ_AT_ONCE: u32 = 1_000;
/// What a browser calls the error when a page's space is used up.
const QUOTA: &str = "QuotaExceededError";

/// Why the store cannot be used, or did not take something.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The browser has no space left for this page. The page looks for these words.
    #[error("the browser has no space left for this page")]
    Full,
    /// The database failed, in the browser's words.
    #[error("the browser's database failed: {0}")]
    Failed(String),
    /// What is stored cannot be read.
    #[error(transparent)]
    Record(#[from] record::RecordError),
    /// A file is no export of a service, or not as it was written.
    #[error(transparent)]
    Archive(#[from] archive::ArchiveError),
}

impl From<idb::Error> for StoreError {
    fn from(error: idb::Error) -> Self {
        let words = error.to_string();
        if words.contains(QUOTA) {
            Self::Full
        } else {
            Self::Failed(words)
        }
    }
}

/// An open database.
pub struct Store {
    database: Database,
    /// The same, for what idb does not offer.
    browsers: IdbDatabase,
}

impl Store {
    /// Opens a database, and makes it if it is not there.
    ///
    /// # Errors
    /// If the browser allows none, or it was made by a newer version.
    pub async fn open(name: &str) -> Result<Self, StoreError> {
        let mut request = Factory::new()?.open(name, Some(VERSION))?;
        request.on_upgrade_needed(|event| {
            if let Ok(database) = event.database() {
                // The database is new: there is none of that name.
                let _ = database.create_object_store(RECORDS, ObjectStoreParams::new());
            }
        });
        let browsers: IdbDatabase = request.await?.into();
        Ok(Self {
            database: browsers.clone().into(),
            browsers,
        })
    }

    /// Has something done once the browser has taken the database away, as when its user clears the data of the site.
    pub fn on_close(&self, act: impl FnOnce() + 'static) {
        let callback = Closure::once_into_js(act);
        self.browsers.set_onclose(Some(callback.unchecked_ref()));
    }

    /// What is stored; nothing if the database is new.
    ///
    /// # Errors
    /// If it cannot be read.
    pub async fn load(&self) -> Result<Option<Snapshot>, StoreError> {
        let mut restorer = Restorer::default();
        self.read(|key, record| Ok(restorer.add(&key, record)?))
            .await?;
        if restorer.is_empty() {
            return Ok(None);
        }
        Ok(Some(restorer.finish()?))
    }

    /// Everything, as one file.
    ///
    /// # Errors
    /// If it cannot be read.
    pub async fn export(&self) -> Result<Vec<u8>, StoreError> {
        let mut file = archive::Writer::default();
        self.read(|key, record| Ok(file.add(&key, &record)?))
            .await?;
        Ok(file.finish())
    }

    /// Makes changes in one transaction. Once it returns, they are durable.
    ///
    /// # Errors
    /// If none of them was made.
    pub async fn write(&self, changes: impl IntoIterator<Item = Change>) -> Result<(), StoreError> {
        self.transact(|records| {
            changes
                .into_iter()
                .try_for_each(|change| apply(records, change))
        })
        .await
    }

    /// The identity of the service. If there is none yet, it is this one from now on.
    ///
    /// # Errors
    /// If it cannot be read, or not be stored.
    pub async fn identity(&self, new: String) -> Result<String, StoreError> {
        let transaction = self
            .database
            .transaction(&[RECORDS], TransactionMode::ReadOnly)?;
        let records = transaction.object_store(RECORDS)?;
        let known = records.get(JsValue::from(IDENTITY))?.await?;
        if let Some(known) = known.and_then(|it| it.as_string()) {
            return Ok(known);
        }
        self.transact(|records| put_identity(records, &new)).await?;
        Ok(new)
    }

    /// Puts these changes in the place of everything that is stored: another service, with this identity.
    ///
    /// # Errors
    /// If all is as it was.
    pub async fn replace(
        &self,
        changes: impl IntoIterator<Item = Change>,
        identity: &str,
    ) -> Result<(), StoreError> {
        self.transact(|records| {
            drop(records.clear()?);
            put_identity(records, identity)?;
            changes
                .into_iter()
                .try_for_each(|change| apply(records, change))
        })
        .await
    }

    async fn transact(
        &self,
        change: impl FnOnce(&ObjectStore) -> Result<(), idb::Error>,
    ) -> Result<(), StoreError> {
        let transaction = strict_transaction(&self.browsers).map_err(failed)?;
        let done = completion(transaction.clone());
        let idbs = Transaction::from(transaction.clone());
        let records = idbs.object_store(RECORDS)?;
        if let Err(error) = change(&records) {
            // Nothing of it is to count.
            let _ = transaction.abort();
            let _ = done.await;
            return Err(error.into());
        }
        // The browser need not wait for more. If it cannot be told so, it finds out.
        drop(idbs.commit());
        if done.await {
            return Ok(());
        }
        match transaction.error() {
            Some(error) if error.name() == QUOTA => Err(StoreError::Full),
            Some(error) => Err(StoreError::Failed(error.message())),
            None => Err(StoreError::Failed("the transaction was aborted".to_owned())),
        }
    }

    async fn read(
        &self,
        mut take: impl FnMut(String, Bytes) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut last = JsValue::from_str("");
        loop {
            let transaction = self
                .database
                .transaction(&[RECORDS], TransactionMode::ReadOnly)?;
            let records = transaction.object_store(RECORDS)?;
            let range = || KeyRange::lower_bound(&last, Some(true)).map(Query::from);
            let keys = records.get_all_keys(Some(range()?), Some(READ_AT_ONCE))?;
            let values = records.get_all(Some(range()?), Some(READ_AT_ONCE))?;
            let (keys, values) = try_join(keys.into_future(), values.into_future()).await?;
            let Some(newest) = keys.last().cloned() else {
                return Ok(());
            };
            for (key, value) in keys.iter().zip(values) {
                let key = key.as_string().unwrap_or_default();
                let value = value.dyn_ref::<Uint8Array>().map(Uint8Array::to_vec);
                take(key, value.unwrap_or_default().into())?;
            }
            last = newest;
        }
    }
}

fn apply(records: &ObjectStore, change: Change) -> Result<(), idb::Error> {
    match change {
        Change::Put(key, record) => {
            let record = Uint8Array::from(record.as_ref());
            drop(records.put(&record, Some(&key.as_str().into()))?);
        }
        Change::Remove(key) => drop(records.delete(JsValue::from_str(&key))?),
        Change::RemoveRange(first, last) => {
            let range = KeyRange::bound(&first.as_str().into(), &last.as_str().into(), None, None)?;
            drop(records.delete(range)?);
        }
    }
    Ok(())
}

fn put_identity(records: &ObjectStore, identity: &str) -> Result<(), idb::Error> {
    drop(records.put(&identity.into(), Some(&IDENTITY.into()))?);
    Ok(())
}

/// A transaction that completes once the disk has it, where the browser offers that: idb and web-sys do not know the option.
fn strict_transaction(database: &IdbDatabase) -> Result<IdbTransaction, JsValue> {
    let options = Object::new();
    Reflect::set(&options, &"durability".into(), &"strict".into())?;
    let transaction: Function = Reflect::get(database, &"transaction".into())?.dyn_into()?;
    let made = transaction.call3(database, &RECORDS.into(), &"readwrite".into(), &options)?;
    made.dyn_into()
}

/// Whether a transaction completes. Unlike idb, it waits for the end of one that fails: only then is it known that nothing of
/// it counts.
fn completion(transaction: IdbTransaction) -> impl Future<Output = bool> {
    let (sender, receiver) = oneshot::channel();
    let sender = std::rc::Rc::new(std::cell::Cell::new(Some(sender)));
    let tell = |completed: bool| {
        let sender = sender.clone();
        Closure::<dyn FnMut()>::new(move || {
            if let Some(sender) = sender.take() {
                // Whoever waits for it may be gone.
                let _ = sender.send(completed);
            }
        })
    };
    let (complete, abort) = (tell(true), tell(false));
    transaction.set_oncomplete(Some(complete.as_ref().unchecked_ref()));
    transaction.set_onabort(Some(abort.as_ref().unchecked_ref()));
    async move {
        let completed = receiver.await.unwrap_or(false);
        transaction.set_oncomplete(None);
        transaction.set_onabort(None);
        drop((complete, abort));
        completed
    }
}

fn failed(error: JsValue) -> StoreError {
    let text = error.dyn_ref::<js_sys::Error>().map(js_sys::Error::message);
    StoreError::Failed(text.map_or_else(|| format!("{error:?}"), String::from))
}

/// The name of a lock or a database that no page at another path of this host has.
pub fn own_name(path: &str) -> String {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    format!("effusion-service {folder}/")
}

/// Takes a lock that no other worker ever has, and returns its name: whoever else is granted it knows that this worker has ended. The
/// name is empty where the browser has no locks.
pub async fn lock_of_own(name: &str) -> String {
    let own = format!("{name} {:016x}", js_sys::Math::random().to_bits());
    match lock(&own).await {
        Some(true) => own,
        _ => String::new(),
    }
}

/// Asks for the lock of a name, to hold it until the worker ends. `None` where the browser has no locks: it has none for a page
/// that did not come by `https:` and is not of this machine.
pub async fn lock(name: &str) -> Option<bool> {
    let navigator = Reflect::get(&js_sys::global(), &"navigator".into()).ok()?;
    let locks = Reflect::get(&navigator, &"locks".into()).ok()?;
    let request: Function = Reflect::get(&locks, &"request".into())
        .ok()?
        .dyn_into()
        .ok()?;
    let options = Object::new();
    Reflect::set(&options, &"ifAvailable".into(), &true.into()).ok()?;
    let (sender, receiver) = oneshot::channel();
    let granted = Closure::once_into_js(move |lock: JsValue| {
        let is_granted = !lock.is_null();
        // Whoever waits for it may be gone.
        let _ = sender.send(is_granted);
        if is_granted {
            // It is held for as long as this promise is not kept.
            js_sys::Promise::new(&mut |_, _| {}).into()
        } else {
            JsValue::UNDEFINED
        }
    });
    let arguments = Array::of3(&name.into(), &options, &granted);
    request.apply(&locks, &arguments).ok()?;
    receiver.await.ok()
}
