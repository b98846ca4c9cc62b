//! The service as a whole: started, listening, stopped.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use effusion_broker::{AuthenticationHandler, Broker, Config, Peer, Snapshot, bootstrap};
use effusion_host::password;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tracing::{debug, error, warn};

use crate::address::{ConnectionLimits as AddressLimits, Connections};
use crate::cli::{Args, LimitArgs};
use crate::clock::Clock;
use crate::connection::ConnectionLimits;
use crate::credentials::Checks;
use crate::http::{self, Caller, Service};
use crate::hub::{Completions, Hub};
use crate::memory::Memory;
use crate::origin::{AllowedOrigins, Origin};
use crate::outbox::OutboxLimits;
use crate::password::Passwords;
use crate::store::{Database, Opened, StoreError, Writer};
use crate::tls::{self, Certificates, TlsError};
use crate::token::{TokenKeyError, TokenSource, TokenVerifier};

/// Passwords that may wait to be checked.
const PASSWORDS_WAITING: usize = 256;
/// The longest that a principal's owner waits, at an address that is new to the service, because others guess at the
/// password: in milliseconds.
const PRINCIPAL_WAIT_MS: u64 = 5_000;
/// How long connections have to close when the service stops.
const STOP_TIMEOUT: Duration = Duration::from_secs(3);
/// Bytes of a request's head, at most: a query holds credentials and session properties.
const MAX_HEAD: usize = 64 * 1024;
/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1024;

/// What to start.
#[derive(Clone, Debug)]
pub struct Options {
    /// Hosts and ports to listen on.
    pub listen: Vec<String>,
    /// The data folder; `None` keeps everything in memory.
    pub data: Option<PathBuf>,
    /// A built page.
    pub files: Option<PathBuf>,
    /// Certificate and key.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Pages that may connect, besides those of the same host and of this machine.
    pub allow_origin: Vec<Origin>,
    /// Whose tokens are accepted.
    pub tokens: Option<TokenSource>,
    /// Listen where others can reach it, default principals or not.
    pub allow_default_principals: bool,
    /// A file with what the wall clock is off by.
    pub clock_offset: Option<PathBuf>,
    /// Bounds.
    pub limits: LimitArgs,
}

impl From<Args> for Options {
    fn from(args: Args) -> Self {
        Self {
            listen: args.listen,
            data: args.data,
            files: args.r#static,
            tls: args.tls_cert.zip(args.tls_key),
            allow_origin: args.allow_origin,
            tokens: args.tokens.source(),
            allow_default_principals: args.allow_default_principals,
            clock_offset: args.clock_offset,
            limits: args.limits,
        }
    }
}

/// Why the service could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The stored state cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// There is no such folder.
    #[error("the folder to serve, {folder}, is not a folder with an index.html", folder = .0.display())]
    Files(PathBuf),
    /// Tokens cannot be checked.
    #[error(transparent)]
    Tokens(#[from] TokenKeyError),
    /// A place to listen makes no sense.
    #[error("cannot listen on {place}: {error}")]
    Listen {
        /// The place.
        place: String,
        /// Why not.
        error: std::io::Error,
    },
    /// Others could sign in with a well-known password.
    #[error(
        "{address} can be reached by others, and the principals {principals} still have the password \"password\": \
         change their passwords (or remove them) while listening on 127.0.0.1, or allow it with \
         --allow-default-principals",
        principals = .principals.join(", ")
    )]
    DefaultPrincipals {
        /// The address that others can reach.
        address: SocketAddr,
        /// Who has the password.
        principals: Vec<String>,
    },
    /// There is no randomness.
    #[error("the operating system gives no random numbers: {0}")]
    Random(getrandom::Error),
}

/// A running service.
#[derive(Debug)]
pub struct Server {
    addresses: Vec<SocketAddr>,
    secure: bool,
    default_principals: Vec<String>,
    listeners: JoinSet<()>,
    alive: mpsc::Receiver<()>,
    stop: oneshot::Sender<()>,
    hub: JoinHandle<()>,
}

impl Server {
    /// Opens the store and listens. When it returns, clients can connect.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let certificates = match &options.tls {
            Some((certificate, key)) => Some(Certificates::load(certificate, key)?),
            None => None,
        };
        let acceptor = certificates
            .as_ref()
            .map(Certificates::acceptor)
            .transpose()?;
        if let Some(folder) = &options.files
            && !folder.join("index.html").is_file()
        {
            return Err(StartError::Files(folder.clone()));
        }
        let tokens = match &options.tokens {
            Some(source) => Some(TokenVerifier::load(&source.settings()?)?),
            None => None,
        };
        let data = options.data.clone();
        let (store, nobody) = tokio::task::spawn_blocking(move || {
            let nobody = password::hash("nobody").map_err(initial)?;
            Ok::<_, StoreError>((open(data.as_deref())?, nobody))
        })
        .await
        .map_err(initial)??;
        let places = resolve(&options.listen).await?;
        if !options.allow_default_principals
            && !store.default_principals.is_empty()
            && let Some(address) = places
                .iter()
                .flat_map(|(_, addresses)| addresses)
                .find(|address| !is_loopback(address))
        {
            return Err(StartError::DefaultPrincipals {
                address: *address,
                principals: store.default_principals,
            });
        }
        let mut listeners = Vec::new();
        for (place, addresses) in places {
            listeners.extend(listen_at(place, &addresses)?);
        }

        let completions = Completions::new();
        let mut tasks = JoinSet::new();
        if let Some(certificates) = certificates {
            tasks.spawn(certificates.keep_current(tls::CHECK_EVERY));
        }
        let writer = match store.database {
            None => None,
            Some((database, folder)) => {
                let data = folder.clone();
                let writer = Writer::start(
                    database,
                    Box::new(move || Database::reopen(&folder)),
                    completions.on_stored(),
                    completions.on_lost(),
                )?;
                #[cfg(unix)]
                crate::control::listen(&data, writer.backups(), &mut tasks);
                Some(writer)
            }
        };
        let clock = Clock::start();
        if let Some(file) = &options.clock_offset {
            clock.follow(file.clone());
        }
        let mut broker = Broker::new(
            config(&options, writer.is_some())?,
            store.snapshot,
            clock.now(),
        );
        for notice in broker.take_notices() {
            warn!("{notice}");
        }
        let (stop, stopped) = oneshot::channel();
        let memory = Memory::of(&options.limits);
        let (hub, hub_task) = Hub::start(
            broker,
            clock,
            writer,
            completions,
            Checks::new(Passwords::new(cores(), PASSWORDS_WAITING), &nobody, tokens),
            memory.hub,
            stopped,
        );

        let (alive_sender, alive) = mpsc::channel(1);
        let limits = &options.limits;
        let io_timeout = Duration::from_secs(limits.io_timeout.into());
        let service = Service {
            hub,
            limits: ConnectionLimits {
                outbox: OutboxLimits {
                    messages: limits.max_queue_messages as usize,
                    bytes: memory.queue,
                },
                write_timeout: io_timeout,
                messages_a_second: limits.max_message_rate,
            },
            pending: Connections::new(AddressLimits {
                total: limits.max_pending,
                per_address: limits.max_pending.div_ceil(4),
            }),
            origins: Arc::new(AllowedOrigins::new(options.allow_origin.clone())),
            max_message_size: limits.max_message_size as usize,
            alive: alive_sender,
        };
        let acceptor = Acceptor {
            router: http::router(service, options.files.as_deref()),
            tls: acceptor,
            connections: Connections::new(AddressLimits {
                total: limits.max_connections,
                per_address: limits.max_connections_per_address,
            }),
            io_timeout,
        };
        let mut server = Self {
            addresses: Vec::new(),
            secure: acceptor.tls.is_some(),
            default_principals: store.default_principals,
            listeners: tasks,
            alive,
            stop,
            hub: hub_task,
        };
        for listener in listeners {
            let address = listener.local_addr().map_err(|error| StartError::Listen {
                place: "a socket".to_owned(),
                error,
            })?;
            server.addresses.push(address);
            server.listeners.spawn(acceptor.clone().run(listener));
        }
        Ok(server)
    }

    /// Where it listens: with the ports that the system chose.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The addresses for clients.
    pub fn urls(&self) -> impl Iterator<Item = String> {
        let scheme = if self.secure { "wss" } else { "ws" };
        let addresses = self.addresses.iter();
        addresses.map(move |address| format!("{scheme}://{address}{}", http::PATH))
    }

    /// The principals that have the well-known password.
    #[must_use]
    pub fn default_principals(&self) -> &[String] {
        &self.default_principals
    }

    /// Waits until the service fails by itself, which it should never do. Whoever started it should then end, so that
    /// nobody waits for answers that will not come.
    pub async fn failed(&mut self) -> String {
        match (&mut self.hub).await {
            Ok(()) => "the service ended by itself".to_owned(),
            Err(error) => format!("the service failed: {error}"),
        }
    }

    /// Stops: no new connections, sessions closed, everything written.
    pub async fn stop(mut self) {
        self.listeners.shutdown().await;
        // If the hub is gone already, there is nothing to close.
        let _ = self.stop.send(());
        let closed = async { while self.alive.recv().await.is_some() {} };
        if timeout(STOP_TIMEOUT, closed).await.is_err() {
            warn!("some connections did not close in time: they are cut");
        }
        if let Err(error) = self.hub.await {
            error!(%error, "the service did not stop in order");
        }
    }
}

/// What the broker starts with.
struct Store {
    database: Option<(Database, PathBuf)>,
    snapshot: Snapshot,
    default_principals: Vec<String>,
}

/// The database of a folder that nothing else uses, made if it is not there, and the principals in it.
///
/// # Errors
/// As [`Database::open`].
pub(crate) fn open_folder(folder: &Path) -> Result<(Database, Snapshot), StoreError> {
    let Opened {
        database, snapshot, ..
    } = Database::open(folder, development)?;
    Ok((database, snapshot))
}

fn development() -> Result<Snapshot, StoreError> {
    bootstrap::development_snapshot(password::hash).map_err(initial)
}

fn open(data: Option<&Path>) -> Result<Store, StoreError> {
    let (database, snapshot, first_start) = match data {
        None => (None, development()?, true),
        Some(folder) => {
            let Opened {
                database,
                snapshot,
                first_start,
            } = Database::open(folder, development)?;
            (Some((database, folder.to_owned())), snapshot, first_start)
        }
    };
    let default_principals = bootstrap::development_named(&snapshot)
        .filter(|principal| {
            first_start
                || password::verify(&principal.password_hash, bootstrap::DEVELOPMENT_PASSWORD)
                    == Ok(true)
        })
        .map(|principal| principal.name.clone())
        .collect();
    Ok(Store {
        database,
        snapshot,
        default_principals,
    })
}

fn initial(error: impl ToString) -> StoreError {
    StoreError::Initial(error.to_string())
}

fn config(options: &Options, durable: bool) -> Result<Config, StartError> {
    let limits = &options.limits;
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(StartError::Random)?;
    let mut config = Config::new(seed);
    config.durable = durable;
    if options.tokens.is_some() {
        let store = config
            .authentication
            .iter()
            .position(|handler| *handler == AuthenticationHandler::Store);
        config
            .authentication
            .insert(store.unwrap_or_default(), AuthenticationHandler::Token);
    }
    config.limits.checks_at_once = cores();
    config.limits.sessions = limits.max_sessions as usize;
    config.limits.message_bytes = limits.max_message_size as usize;
    // Sessions that wait for their clients count, so there are more of them than connections.
    let sessions_per_address = limits.max_sessions_per_address.unwrap_or_else(|| {
        limits
            .max_connections_per_address
            .saturating_mul(2)
            .max(100)
    });
    config.limits.sessions_per_address = sessions_per_address as usize;
    config.limits.topics = limits.max_topics as usize;
    let memory = Memory::of(limits);
    config.limits.topic_bytes = memory.topics;
    config.limits.topic_bytes_per_principal = memory.topics_per_principal;
    config.limits.waiting_bytes = memory.waiting;
    config.limits.answer_bytes = memory.answer;
    config.limits.deferred_bytes = memory.deferred;
    config.limits.selection_bytes = memory.selections;
    config.limits.session_bytes = memory.sessions;
    config.limits.topics_per_principal = limits.max_topics_per_principal as usize;
    config.attempts.free = limits.sign_in_attempts;
    config.attempts.free_per_address = limits.sign_in_attempts.saturating_mul(4);
    config.attempts.free_per_principal = limits.sign_in_attempts.saturating_mul(10);
    config.attempts.longest_wait_ms = u64::from(limits.sign_in_wait) * 1000;
    config.attempts.longest_wait_per_principal_ms =
        config.attempts.longest_wait_ms.min(PRINCIPAL_WAIT_MS);
    // What waits in an outbox, and as much again on its way through the network.
    config.limits.recovery_messages = 2 * limits.max_queue_messages as usize;
    config.limits.recovery_bytes = 2 * memory.queue;
    // An outbox is never full by what the broker has on its way: the rest waits there, where it can be conflated.
    config.limits.window_messages = limits.max_queue_messages as usize / 2;
    config.limits.window_bytes = memory.queue / 2;
    config.limits.confirm_messages = config
        .limits
        .confirm_messages
        .min(config.limits.window_messages / 2);
    config.limits.confirm_bytes = config
        .limits
        .confirm_bytes
        .min(config.limits.window_bytes / 2);
    Ok(config)
}

/// How many passwords can be checked at the same time.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// A place and what its name stands for.
type Place = (String, Vec<SocketAddr>);

async fn resolve(places: &[String]) -> Result<Vec<Place>, StartError> {
    let mut resolved = Vec::new();
    for place in places {
        let found = tokio::net::lookup_host(place).await;
        let found = found.map_err(|error| StartError::Listen {
            place: place.clone(),
            error,
        })?;
        resolved.push((place.clone(), found.collect()));
    }
    Ok(resolved)
}

/// A name may stand for an address that this machine does not have (`localhost` without IPv6): one is enough.
fn listen_at(place: String, addresses: &[SocketAddr]) -> Result<Vec<TcpListener>, StartError> {
    let mut listeners = Vec::new();
    let mut problem = std::io::ErrorKind::AddrNotAvailable.into();
    for address in addresses {
        match listen(*address) {
            Ok(listener) => listeners.push(listener),
            Err(error) => problem = error,
        }
    }
    if listeners.is_empty() {
        return Err(StartError::Listen {
            place,
            error: problem,
        });
    }
    Ok(listeners)
}

fn is_loopback(address: &SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // A service that is started again at once finds its port still held by closed connections.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Takes connections.
#[derive(Clone)]
struct Acceptor {
    router: Router,
    tls: Option<TlsAcceptor>,
    connections: Connections,
    io_timeout: Duration,
}

impl Acceptor {
    async fn run(self, listener: TcpListener) {
        // Dropped with the listener, so that HTTP connections end with the service. A WebSocket connection is a task of
        // its own by then.
        let mut tasks = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                Some(_) = tasks.join_next(), if !tasks.is_empty() => continue,
            };
            match accepted {
                Ok((stream, address)) => {
                    let Ok(local) = stream.local_addr() else {
                        // It is gone already.
                        continue;
                    };
                    // One that gets no answer is dropped here.
                    if let Some(counted) = self.connections.join(address.ip()) {
                        let caller = Caller {
                            peer: Peer {
                                address: address.ip().to_canonical().to_string(),
                                connector: "Client Connector".to_owned(),
                                secure: self.tls.is_some(),
                            },
                            address: address.ip(),
                            local: local.ip(),
                            counted: Arc::new(counted),
                        };
                        tasks.spawn(self.clone().connection(stream, caller));
                    }
                }
                Err(error) => {
                    // Mostly: too many open files. It passes when some are closed.
                    warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    async fn connection(self, stream: TcpStream, caller: Caller) {
        // Messages are small, and batched before they are written.
        if let Err(error) = stream.set_nodelay(true) {
            debug!(%error, "TCP_NODELAY");
        }
        match &self.tls {
            None => self.http(stream, caller).await,
            Some(tls) => match timeout(self.io_timeout, tls.accept(stream)).await {
                Ok(Ok(stream)) => self.http(stream, caller).await,
                Ok(Err(error)) => debug!(address = %caller.peer.address, %error, "no TLS"),
                Err(_) => debug!(address = %caller.peer.address, "no TLS in time"),
            },
        }
    }

    async fn http(
        &self,
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        caller: Caller,
    ) {
        let address = caller.peer.address.clone();
        let router = self.router.clone().layer(axum::Extension(caller));
        let service = TowerToHyperService::new(router);
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.io_timeout)
            .max_buf_size(MAX_HEAD)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        if let Err(error) = connection.await {
            debug!(%address, %error, "an HTTP connection ended early");
        }
    }
}
