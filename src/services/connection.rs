//! The session in use: opening one, following its state, and putting another one in its place.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use effusion_client::{
    ConnectError, ConnectOptions, ProtocolVersion, Renew, ServiceAddress, Session, SessionState,
};
use futures_util::StreamExt;
use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::traffic::Traffic;
use super::{browser, fault};
use crate::features::diagnostics::decoder::type_name;
use crate::features::join::form::SignIn;
use crate::features::join::service::ServiceIdentity;
use crate::features::timeline::Reader;
use crate::platform::tasks::Tasks;
use crate::platform::{clock, page};
use crate::state::{self, App, Fault};

/// How long the service is asked to wait for a lost connection. A person whose page has crashed is listed as
/// present for that long; one who comes back later gets another session, and the rooms again.
const RECONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// After how much silence the service is asked for a sign of life, and how long that may take: nobody is to believe for more
/// than ten seconds that they are connected when they are not.
const PING: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(4));

/// Opens a session; a test puts a service in memory behind it.
pub type Connector = Rc<
    dyn Fn(
        ServiceAddress,
        ConnectOptions,
    ) -> Pin<Box<dyn Future<Output = Result<Session, ConnectError>>>>,
>;

/// The session in use, if there is one.
pub struct Connection {
    app: App,
    traffic: Rc<Traffic>,
    connect: Connector,
    current: RefCell<Option<(Session, Tasks)>>,
    epoch: Cell<usize>,
    countdown: RefCell<Option<Tasks>>,
    /// The identity of the service in this browser when a session was last opened with it.
    in_browser: RefCell<ServiceIdentity>,
    /// When this page was told that the service in this browser was replaced, in milliseconds since 1970.
    replaced: Cell<i64>,
}

/// What the session is like inside, as plain data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionSnapshot {
    /// The session's id.
    pub id: String,
    /// The protocol version that both sides speak.
    pub version: u8,
    /// The largest message that the service reads, in bytes.
    pub largest: Option<usize>,
    /// Messages and bytes from the service.
    pub received: (u64, u64),
    /// Messages and bytes to the service.
    pub sent: (u64, u64),
    /// How many requests have no answer yet.
    pub open_requests: usize,
    /// Selectors that were used, in order: `true` selects.
    pub selections: Vec<(String, bool)>,
    /// Topics: path, type, size of the newest value in bytes.
    pub topics: Vec<(String, String, Option<usize>)>,
}

impl Connection {
    pub(super) fn new(app: App, traffic: &Rc<Traffic>, connect: Connector) -> Self {
        Self {
            app,
            traffic: Rc::clone(traffic),
            connect,
            current: RefCell::default(),
            epoch: Cell::new(0),
            countdown: RefCell::default(),
            in_browser: RefCell::default(),
            replaced: Cell::new(0),
        }
    }

    /// The session in use.
    pub fn session(&self) -> Option<Session> {
        let current = self.current.borrow();
        current.as_ref().map(|(session, _)| session.clone())
    }

    /// Whether what is requested now goes to the service at once.
    pub fn is_up(&self) -> bool {
        *self.app.connection.read_untracked() == state::Connection::Connected
    }

    /// Tells the session in use from those before it.
    pub(super) fn epoch(&self) -> usize {
        self.epoch.get()
    }

    /// Runs a task until it is done or the session in use is replaced; without a session, not at all.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        if let Some((_, tasks)) = self.current.borrow().as_ref() {
            tasks.spawn(task);
        }
    }

    /// Opens a session, without using it.
    pub(super) async fn open(&self, sign_in: &SignIn, renew: Renew) -> Result<Session, Fault> {
        let service = &sign_in.service;
        service.check_allowed_from(page::is_secure())?;
        let address = ServiceAddress::new(&service.host)
            .port(service.port)
            .path(&service.path)
            .secure(service.secure);
        let mut options = ConnectOptions::new()
            .principal(&sign_in.credentials.principal)
            .password(&sign_in.credentials.password)
            .reconnect_timeout(RECONNECT_TIMEOUT)
            .ping(PING.0, PING.1)
            .renew(renew);
        if let Some(version) = service.version.and_then(ProtocolVersion::new) {
            options = options.version(version);
        }
        let opened = if service.in_browser {
            // The worker says in words what keeps it from running.
            let identity = browser::identity().await?;
            let before = self.in_browser.replace(identity.clone());
            let is_known = |it| it != &ServiceIdentity::default();
            let is_replaced = before != identity && [&before, &identity].into_iter().all(is_known);
            if is_replaced && self.app.me.read_untracked().is_some() {
                return Err(Fault::StartedAfresh);
            }
            browser::connect(&identity, options).await
        } else {
            self.in_browser.take();
            (self.connect)(address, options).await
        };
        let session = opened.map_err(|error| fault::of_connecting(&error, sign_in))?;
        self.traffic
            .record(&session, &sign_in.credentials.principal);
        Ok(session)
    }

    /// The service in this browser was replaced: what was written until now was written for the one before.
    pub(super) fn note_replaced(&self) {
        self.replaced.set(clock::now());
    }

    /// Whether something written at this time was written for a service that has been replaced.
    pub(super) fn is_younger_than(&self, written_ms: i64) -> bool {
        let (identity, replaced) = (self.in_browser.borrow(), self.replaced.get());
        let now = clock::now();
        let is_before = *identity != ServiceIdentity::default() && written_ms < replaced;
        is_before && replaced <= now || identity.is_younger_than(written_ms, now)
    }

    /// Puts a session in the place of the one before, which is closed, and shows its state.
    pub(super) fn adopt(self: &Rc<Self>, session: Session, sign_in: SignIn) {
        let mut states = session.states();
        self.replace(Some(session));
        self.app.connection.set(state::Connection::Connected);
        self.app.me.set(Some(sign_in.clone()));
        let this = Rc::clone(self);
        self.spawn(async move {
            while let Some(state) = states.next().await {
                this.show(state, &sign_in);
            }
        });
    }

    fn show(&self, state: SessionState, sign_in: &SignIn) {
        self.stop_countdown();
        match state {
            SessionState::Connecting => self.app.connection.set(state::Connection::Connecting),
            SessionState::Connected(_) => self.app.connection.set(state::Connection::Connected),
            SessionState::Recovering { retry_in, .. } => {
                let until = clock::now().saturating_add_unsigned(retry_in.as_millis() as u64);
                self.count_down(until, Box::new(|| {}));
            }
            SessionState::Closed(reason) => {
                if let Some(fault) = fault::of_closing(&reason, sign_in) {
                    self.app.connection.set(state::Connection::Lost(fault));
                }
            }
        }
    }

    /// Puts a session, or none, in the place of the one before, which is closed and whose tasks end.
    pub(super) fn replace(&self, session: Option<Session>) {
        self.stop_countdown();
        let new = session.map(|session| (session, Tasks::default()));
        if let Some((old, _)) = self.current.replace(new) {
            spawn_local(async move { old.close().await });
        }
        self.epoch.set(self.epoch.get() + 1);
    }

    /// Says goodbye while the page is being left; the session stays in place, in case the browser shows the page again.
    pub(super) fn say_goodbye(&self) {
        if let Some(session) = self.session() {
            spawn_local(async move { session.close().await });
        }
    }

    /// Shows the seconds until the next attempt, and does something then.
    pub(super) fn count_down(&self, until: i64, then: Box<dyn FnOnce()>) {
        let tasks = Tasks::default();
        let shown = self.app.connection;
        tasks.spawn(async move {
            loop {
                let left = until.saturating_sub(clock::now()).clamp(0, 3_600_000) as u32;
                shown.set(state::Connection::Recovering {
                    seconds: left.div_ceil(1000),
                });
                if left == 0 {
                    break;
                }
                TimeoutFuture::new((left - 1) % 1000 + 1).await;
            }
            then();
        });
        self.countdown.replace(Some(tasks));
    }

    /// What waits for its time to try waits no longer.
    pub(super) fn stop_countdown(&self) {
        self.countdown.replace(None);
    }

    /// What the session is like inside; none without a session.
    pub fn snapshot(&self) -> Option<SessionSnapshot> {
        let session = self.session()?;
        let info = session.info()?;
        let diagnostics = session.diagnostics();
        let traffic = diagnostics.traffic;
        let topics = diagnostics.topics.into_iter().map(|known| {
            let kind = type_name(known.topic.specification.topic_type);
            (known.topic.path.clone(), kind, known.value_size)
        });
        Some(SessionSnapshot {
            id: info.id.to_string(),
            version: info.version.number(),
            largest: info.maximum_message_size,
            received: (traffic.messages_received, traffic.bytes_received),
            sent: (traffic.messages_sent, traffic.bytes_sent),
            open_requests: diagnostics.open_requests,
            selections: diagnostics.selections,
            topics: topics.collect(),
        })
    }

    /// The protocol version by which messages are to be read.
    pub fn version(&self) -> ProtocolVersion {
        let info = self.session().and_then(|session| session.info());
        info.map_or(ProtocolVersion::NEWEST, |info| info.version)
    }

    /// Measures the time that a message takes to the service and back, in milliseconds.
    pub fn measure(&self, round_trip: ArcRwSignal<Option<u64>>) {
        if let Some(session) = self.session() {
            spawn_local(async move {
                let measured = session.ping().await.ok();
                let measured = measured.map(|round_trip| round_trip.as_millis() as u64);
                round_trip.set(measured);
            });
        }
    }
}

/// Who reads, for timelines.
pub(super) fn reader(sign_in: &SignIn) -> Reader {
    Reader {
        name: sign_in.name.clone(),
        principal: sign_in.credentials.principal.clone(),
    }
}

/// Who reads now, for timelines.
pub(super) fn current_reader(app: App) -> Reader {
    let me = app.me.read_untracked();
    me.as_ref().map(reader).unwrap_or_default()
}
