//! A network that breaks: TCP between clients and the sandbox, cut, stalled, split, delayed and half-closed by seed.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::totals::Faults;
use crate::random::Random;

/// Bytes that are taken from a socket at a time.
const CHUNK: usize = 4096;
/// How long a connection that is closed on one side lives on.
const HALF_CLOSED: Duration = Duration::from_millis(1500);

/// The network's front: clients connect to [`Proxy::address`].
pub struct Proxy {
    pub address: SocketAddr,
    shared: Rc<Shared>,
}

struct Shared {
    /// Where the sandbox listens, while it does.
    target: Cell<Option<SocketAddr>>,
    /// Whether the network works as it should.
    calm: watch::Sender<bool>,
    /// Counts up when every connection is to be cut.
    cuts: watch::Sender<u64>,
    faults: RefCell<Faults>,
    random: Random,
    connections: Cell<u64>,
}

impl Proxy {
    /// Listens on a port of its own. Must be called in a `LocalSet`.
    pub async fn start(random: Random) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let shared = Rc::new(Shared {
            target: Cell::new(None),
            calm: watch::Sender::new(true),
            cuts: watch::Sender::new(0),
            faults: RefCell::default(),
            random,
            connections: Cell::new(0),
        });
        let accepting = Rc::clone(&shared);
        tokio::task::spawn_local(async move {
            loop {
                let Ok((client, _)) = listener.accept().await else {
                    sleep(Duration::from_millis(10)).await;
                    continue;
                };
                tokio::task::spawn_local(connection(Rc::clone(&accepting), client));
            }
        });
        Ok(Self { address, shared })
    }

    /// Where the sandbox listens now.
    pub fn lead_to(&self, target: Option<SocketAddr>) {
        self.shared.target.set(target);
    }

    /// Begins or ends the faults.
    pub fn set_calm(&self, calm: bool) {
        self.shared.calm.send_replace(calm);
    }

    /// Cuts every connection there is.
    pub fn cut_all(&self) {
        self.shared.cuts.send_modify(|cuts| *cuts += 1);
        self.shared.faults.borrow_mut().cuts += 1;
    }

    pub fn faults(&self) -> Faults {
        *self.shared.faults.borrow()
    }
}

/// Why a direction of a connection ended.
enum Ended {
    /// Its sender is done; the other direction goes on.
    Orderly,
    /// The connection is to end with it.
    Broken,
}

async fn connection(shared: Rc<Shared>, client: TcpStream) {
    let number = shared.connections.get() + 1;
    shared.connections.set(number);
    let mut cuts = shared.cuts.subscribe();
    let Some(target) = shared.target.get() else {
        return;
    };
    let Ok(server) = TcpStream::connect(target).await else {
        return;
    };
    for stream in [&client, &server] {
        if stream.set_nodelay(true).is_err() {
            return;
        }
    }
    let mut random = shared.random.part(number);
    // Some connections are good: without them, nothing would ever get done.
    let harshness = random.pick(&[0, 1, 2, 2, 4]);
    let (client_read, client_write) = client.into_split();
    let (server_read, server_write) = server.into_split();
    let up = Lane::new(&shared, random.part(1), harshness);
    let down = Lane::new(&shared, random.part(2), harshness);
    let both = async {
        let (mut up, mut down) = (
            std::pin::pin!(up.carry(client_read, server_write)),
            std::pin::pin!(down.carry(server_read, client_write)),
        );
        // What one side says after the other is done still matters, but not for ever.
        tokio::select! {
            ended = &mut up => if matches!(ended, Ended::Orderly) {
                let _ = timeout(HALF_CLOSED, &mut down).await;
            },
            ended = &mut down => if matches!(ended, Ended::Orderly) {
                let _ = timeout(HALF_CLOSED, &mut up).await;
            },
        }
    };
    tokio::select! {
        () = both => {}
        _ = cuts.changed() => {}
    }
}

/// One direction of a connection.
struct Lane {
    shared: Rc<Shared>,
    calm: watch::Receiver<bool>,
    random: Random,
    /// 0 is a lane without faults.
    harshness: u64,
}

/// What becomes of a chunk.
#[derive(Clone, Copy, Default)]
enum Fate {
    #[default]
    Pass,
    Split,
    Delay,
    Stall,
    Cut,
    Reset,
    HalfClose,
}

impl Lane {
    fn new(shared: &Rc<Shared>, random: Random, harshness: u64) -> Self {
        Self {
            shared: Rc::clone(shared),
            calm: shared.calm.subscribe(),
            random,
            harshness,
        }
    }

    fn fate(&mut self) -> Fate {
        if *self.calm.borrow() || self.harshness == 0 {
            return Fate::Pass;
        }
        // In a thousand chunks of a lane of harshness 1.
        let roll = self.random.between(0, 1000);
        match roll / self.harshness {
            0..60 => Fate::Split,
            60..100 => Fate::Delay,
            100..112 => Fate::Stall,
            112..118 => Fate::Cut,
            118..124 => Fate::Reset,
            124..130 => Fate::HalfClose,
            _ => Fate::Pass,
        }
    }

    /// Waits, unless the faults end before.
    async fn pause(&mut self, milliseconds: u64) {
        let calm = self.calm.wait_for(|calm| *calm);
        let _ = timeout(Duration::from_millis(milliseconds), calm).await;
    }

    async fn carry(mut self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) -> Ended {
        let mut buffer = vec![0; CHUNK];
        loop {
            let chunk = match from.read(&mut buffer).await {
                Ok(0) => {
                    let _ = to.shutdown().await;
                    return Ended::Orderly;
                }
                Ok(count) => buffer.get(..count).unwrap_or_default(),
                Err(_) => return Ended::Broken,
            };
            let fate = self.fate();
            let shared = Rc::clone(&self.shared);
            let count = |what: fn(&mut Faults) -> &mut usize| {
                *what(&mut shared.faults.borrow_mut()) += 1;
            };
            // Faults fall anywhere in a frame.
            let (first, rest) = chunk.split_at(
                usize::try_from(self.random.between(0, chunk.len() as u64 + 1)).unwrap_or(0),
            );
            let written = match fate {
                Fate::Pass => to.write_all(chunk).await,
                Fate::Split => {
                    count(|faults| &mut faults.splits);
                    self.split(chunk, &mut to).await
                }
                Fate::Delay => {
                    count(|faults| &mut faults.delays);
                    let delay = self.random.between(1, 60);
                    self.pause(delay).await;
                    to.write_all(chunk).await
                }
                Fate::Stall => {
                    count(|faults| &mut faults.stalls);
                    let stall = self.random.pick(&[200, 600, 1_500, 4_000]);
                    match to.write_all(first).await {
                        Ok(()) => {
                            self.pause(stall).await;
                            to.write_all(rest).await
                        }
                        Err(error) => Err(error),
                    }
                }
                Fate::Cut => {
                    count(|faults| &mut faults.cuts);
                    let _ = to.write_all(first).await;
                    return Ended::Broken;
                }
                Fate::Reset => {
                    count(|faults| &mut faults.resets);
                    // What is on its way is lost as well.
                    let _ = to.as_ref().set_zero_linger();
                    return Ended::Broken;
                }
                Fate::HalfClose => {
                    count(|faults| &mut faults.half_closes);
                    let _ = to.write_all(first).await;
                    let _ = to.shutdown().await;
                    return Ended::Orderly;
                }
            };
            if written.is_err() {
                return Ended::Broken;
            }
        }
    }

    /// Writes a chunk in small pieces, each a packet of its own.
    async fn split(&mut self, chunk: &[u8], to: &mut OwnedWriteHalf) -> io::Result<()> {
        let mut rest = chunk;
        while !rest.is_empty() {
            let longest = (rest.len() as u64).min(40);
            let length = usize::try_from(self.random.between(1, longest + 1)).unwrap_or(1);
            // A long chunk is not worth a thousand packets.
            let length = if chunk.len() - rest.len() > 400 {
                rest.len()
            } else {
                length
            };
            let (piece, after) = rest.split_at(length.min(rest.len()));
            to.write_all(piece).await?;
            tokio::task::yield_now().await;
            rest = after;
        }
        Ok(())
    }
}
