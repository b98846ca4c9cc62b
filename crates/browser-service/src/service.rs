//! The service as a whole: started when the first page asks, and started anew with other records.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::rc::Rc;

use bytes::Bytes;
use effusion_broker::{ConnectionId, bootstrap};
use effusion_host::archive::ArchiveError;
use effusion_host::password::DEVELOPMENT_HASH;
use effusion_host::record::{self, Change, Restorer};
use effusion_host::{archive, close};
use futures_util::FutureExt as _;
use futures_util::future::{LocalBoxFuture, Shared, join};
use gloo_timers::future::TimeoutFuture;
use js_sys::{Function, Reflect, Uint8Array};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::MessagePort;

use crate::clock;
use crate::hub::Hub;
use crate::identity::{self, Origin};
use crate::port::{Incoming, Port};
use crate::store::{self, Store, StoreError};

/// How often a lock that another worker has is asked for, at first and later, and how long to wait in between, in milliseconds: the
/// worker of a tab that is loaded again lets go of it soon. If it has not, another tab has it, and nobody is kept waiting.
const LOCK_TRIES: (u32, u32) = (10, 2);
const LOCK_PAUSE: u32 = 150;

/// Why there is no service.
#[derive(Clone, Debug, thiserror::Error)]
enum Problem {
    /// Another tab, or another version of the page, has the database.
    #[error("another tab of this browser has the service")]
    Busy,
    /// Where tabs cannot agree on who has the database, it is left alone.
    #[error("this browser cannot keep two tabs from writing at the same time")]
    NoLocks,
    /// What is stored cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file cannot be used. Nothing has changed.
    #[error(transparent)]
    File(StoreError),
    /// What a service starts with could not be made.
    #[error("the service could not be started: {0}")]
    Start(String),
}

impl Problem {
    /// The word that the page knows it by.
    const fn word(&self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Store(StoreError::Full) => "full",
            Self::File(StoreError::Archive(ArchiveError::NotOurs)) => "foreign",
            Self::File(StoreError::Archive(ArchiveError::Excess)) => "excess",
            Self::File(_) => "damaged",
            _ => "failed",
        }
    }
}

/// What runs, and where it stores.
#[derive(Clone)]
struct Running {
    hub: Rc<Hub>,
    store: Rc<Store>,
    /// The lock that pages know the worker by.
    lock: Rc<str>,
}

type Starting = Shared<LocalBoxFuture<'static, Result<Running, Problem>>>;

/// The service of this worker.
#[derive(Default)]
struct Service {
    running: RefCell<Option<Starting>>,
    /// Whether no other worker can have the database.
    is_alone: Cell<bool>,
    /// Whether another worker had the database for longer than one that ends.
    was_busy: Cell<bool>,
}

/// Takes ports from `assets/browser-service.js`, and starts the service so that it is there for the first of them.
pub fn start() {
    let service = Rc::new(Service::default());
    let first = service.running();
    spawn_local(async move { drop(first.await) });
    let accept = Closure::<dyn Fn(MessagePort)>::new(move |port| service.accept(port));
    let global = js_sys::global();
    let serve = Reflect::get(&global, &"serve".into());
    if let Ok(serve) = serve.and_then(|serve| serve.dyn_into::<Function>()) {
        // It hands over the ports that wait, and those that come.
        let _ = serve.call1(&global, accept.as_ref());
    }
    accept.forget();
}

/// What a port is used for.
enum Use {
    /// Nothing was asked yet.
    Nothing,
    /// What came while the service is being started.
    Opening(Vec<Incoming>),
    /// A connection.
    Connection(Rc<Hub>, ConnectionId),
    /// Nothing any more.
    Done,
}

/// A port, and what it is used for. The port keeps it, and it the port, until that is released.
struct Client {
    port: RefCell<Option<Rc<Port>>>,
    purpose: RefCell<Use>,
}

impl Service {
    fn accept(self: &Rc<Self>, port: MessagePort) {
        let client = Rc::new(Client {
            port: RefCell::default(),
            purpose: RefCell::new(Use::Nothing),
        });
        let (service, taker) = (Rc::clone(self), Rc::clone(&client));
        let port = Port::new(port, move |incoming| taker.take(&service, incoming));
        *client.port.borrow_mut() = Some(Rc::new(port));
    }

    /// The service, which is started if it does not run.
    fn running(self: &Rc<Self>) -> Starting {
        let mut running = self.running.borrow_mut();
        let starting = running.get_or_insert_with(|| {
            let this = Rc::clone(self);
            let starting = async move {
                let started = this.open().await;
                if started.is_err() {
                    // Whoever asks next tries again.
                    this.running.take();
                }
                started
            };
            starting.boxed_local().shared()
        });
        starting.clone()
    }

    /// Opens the database that nobody else has, and starts with what is in it.
    async fn open(&self) -> Result<Running, Problem> {
        let path = clock::worker().location().pathname();
        let name = store::own_name(&path);
        let (is_alone, lock) = join(self.take_lock(&name), store::lock_of_own(&name)).await;
        is_alone?;
        let store = Store::open(&name).await?;
        // What is in memory is not what is stored any more; whoever connects next gets another worker.
        store.on_close(|| clock::end_worker("the browser has closed the database"));
        start_hub(Rc::new(store), lock.into()).await
    }

    /// The lock stays with this worker until it ends, also if the rest of the start fails.
    async fn take_lock(&self, name: &str) -> Result<(), Problem> {
        if self.is_alone.get() {
            return Ok(());
        }
        let (first, later) = LOCK_TRIES;
        let tries = if self.was_busy.get() { later } else { first };
        for attempt in 1..=tries {
            let is_alone = match store::lock(name).await {
                Some(is_granted) => is_granted,
                // A shared worker is the only one of its address.
                None if is_shared() => true,
                None => return Err(Problem::NoLocks),
            };
            if is_alone {
                self.is_alone.set(true);
                return Ok(());
            }
            if attempt < tries {
                TimeoutFuture::new(LOCK_PAUSE).await;
            }
        }
        self.was_busy.set(true);
        Err(Problem::Busy)
    }

    /// Puts other records in the place of all, and starts anew with them.
    async fn replace(self: &Rc<Self>, changes: Vec<Change>, origin: Origin) -> Result<(), Problem> {
        let Running { hub, store, lock } = self.running().await?;
        hub.stop();
        let this = Rc::clone(self);
        let starting = async move {
            let replaced = store.replace(changes, &new_identity(origin)).await;
            let running = start_hub(store, lock).await;
            if running.is_err() {
                this.running.take();
            }
            // All is as it was, and runs, if nothing was replaced; who asked is told.
            (replaced, running)
        };
        let both = starting.boxed_local().shared();
        let running = both.clone().map(|(_, running)| running);
        *self.running.borrow_mut() = Some(running.boxed_local().shared());
        let (replaced, running) = both.await;
        running?;
        Ok(replaced?)
    }

    async fn command(self: &Rc<Self>, command: &str, file: Bytes) -> Result<JsValue, Problem> {
        match command {
            "status" => return Ok(self.running().await?.hub.identity().into()),
            "export" => {
                let store = self.running().await?.store;
                let file = store.export().await?;
                return Ok(Uint8Array::from(file.as_slice()).into());
            }
            "import" => {
                let changes = changes_of(file).map_err(Problem::File)?;
                self.replace(changes, Origin::Import).await?;
            }
            "reset" => {
                let changes = initial_changes()?;
                self.replace(changes, Origin::Start).await?;
            }
            _ => return Err(Problem::Start("there is no such command".to_owned())),
        }
        Ok(JsValue::UNDEFINED)
    }
}

impl Client {
    fn take(self: &Rc<Self>, service: &Rc<Service>, incoming: Incoming) {
        let mut purpose = self.purpose.borrow_mut();
        match (&mut *purpose, incoming) {
            (Use::Nothing, Incoming::Open(address)) => {
                *purpose = Use::Opening(Vec::new());
                spawn_local(Rc::clone(self).open(Rc::clone(service), address));
            }
            (Use::Nothing, Incoming::Command(command, file)) => {
                *purpose = Use::Done;
                spawn_local(Rc::clone(self).answer(Rc::clone(service), command, file));
            }
            (Use::Opening(waiting), incoming) => waiting.push(incoming),
            (Use::Connection(hub, connection), incoming) => {
                let (hub, connection) = (Rc::clone(hub), *connection);
                match incoming {
                    Incoming::Message(message) => hub.receive(connection, message),
                    incoming => {
                        *purpose = Use::Done;
                        match incoming {
                            Incoming::Closed => hub.disconnected(connection),
                            _ => hub.fail(connection),
                        }
                        self.forget();
                    }
                }
            }
            _ => self.forget(),
        }
    }

    async fn open(self: Rc<Self>, service: Rc<Service>, address: String) {
        let running = service.running().await;
        let Some(port) = self.port.borrow().clone() else {
            return;
        };
        let hub = match running {
            Ok(Running { hub, lock, .. }) => {
                port.open(&lock);
                hub
            }
            Err(problem) => {
                *self.purpose.borrow_mut() = Use::Done;
                port.close(close::GOING_AWAY, &problem.to_string());
                self.forget();
                return;
            }
        };
        let connection = hub.connect(&port, &address);
        let next = connection.map_or(Use::Done, |it| Use::Connection(hub, it));
        let before = self.purpose.replace(next);
        if let Use::Opening(waiting) = before {
            for incoming in waiting {
                self.take(&service, incoming);
            }
        }
    }

    async fn answer(self: Rc<Self>, service: Rc<Service>, command: String, file: Bytes) {
        let answer = service.command(&command, file).await;
        if let Some(port) = self.port.borrow().as_ref() {
            match answer {
                Ok(value) => port.answer("ok", &value),
                Err(problem) => port.answer(problem.word(), &problem.to_string().into()),
            }
        }
        self.forget();
    }

    /// Nothing that still comes from the port matters.
    fn forget(&self) {
        if let Some(port) = self.port.borrow().as_ref() {
            port.release();
        }
    }
}

async fn start_hub(store: Rc<Store>, lock: Rc<str>) -> Result<Running, Problem> {
    let snapshot = match store.load().await? {
        Some(snapshot) => snapshot,
        None => {
            store.write(initial_changes()?).await?;
            let snapshot = store.load().await?;
            snapshot.ok_or_else(|| Problem::Start("nothing was stored".to_owned()))?
        }
    };
    // A full device must not keep an old service, which has no identity yet, from starting.
    let identity = store.identity(new_identity(Origin::Start)).await;
    let hub = Hub::start(Rc::clone(&store), snapshot, identity.unwrap_or_default());
    let hub = hub.map_err(|error| Problem::Start(error.to_string()))?;
    Ok(Running { hub, store, lock })
}

fn new_identity(origin: Origin) -> String {
    let random = js_sys::Math::random().to_bits();
    identity::new(origin, clock::now().wall_ms, random)
}

fn is_shared() -> bool {
    Reflect::has(&js_sys::global(), &"onconnect".into()).unwrap_or(false)
}

/// What a new store starts with, as the sandbox's.
fn initial_changes() -> Result<Vec<Change>, Problem> {
    // The password is public: a salt for each principal would hide nothing, and hashing would take most of the first start.
    let hash = |_: &str| Ok::<_, Infallible>(DEVELOPMENT_HASH.to_owned());
    let Ok(snapshot) = bootstrap::development_snapshot(hash);
    let operations = record::operations_of(snapshot);
    let changes: Result<Vec<_>, _> = operations.iter().map(record::changes).collect();
    let changes = changes.map_err(StoreError::from)?;
    Ok(changes.into_iter().flatten().collect())
}

/// The records of a file, once it is known that a service can start with them.
fn changes_of(file: Bytes) -> Result<Vec<Change>, StoreError> {
    let mut restorer = Restorer::default();
    let mut changes = Vec::new();
    for record in archive::read(file)? {
        let (key, value) = record?;
        restorer.add(&key, value.clone())?;
        changes.push(Change::Put(key, value));
    }
    restorer.finish()?;
    Ok(changes)
}
