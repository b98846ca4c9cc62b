//! Who writes and who reads: clients as a chat has them, that go on whatever happens.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use effusion_client::{
    ConnectOptions, Json, ReconnectStrategy, Renew, RequestError, ServiceAddress, Session,
    SessionId, SessionState, StreamEvent, TimeSeriesEvent,
};
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use tokio::time::sleep;

use super::ledger::{Attempt, BoardView, Ledger, Mark, Outcome, Put, Reader, Seen};
use crate::random::Random;

/// The time series that everybody writes to and reads.
pub const ROOM: &str = "Chat/trial";
/// A JSON topic with one writer: its values are deltas, mostly.
pub const BOARD: &str = "Chat/trial board";

/// Bytes that are said in a room at most, in texts. A newcomer is given all of it at once, and for one client only so much may
/// wait (twice the sandbox's `--max-queue-bytes`): with more, it would be sent away, and come again, for ever.
const MOST_SAID: u64 = 16 << 20;

/// What all members of a run share.
pub struct Company {
    pub proxy: SocketAddr,
    pub ledger: RefCell<Ledger>,
    /// Whether writers are to say anything new.
    pub is_open: Cell<bool>,
    /// Bytes of texts that were said, each again for each try.
    pub said: Cell<u64>,
    /// Writers that still have something to say.
    pub busy: Cell<usize>,
    /// What was put on the board.
    pub board: RefCell<Vec<Put>>,
    /// What each reader sees on the board.
    pub boards: RefCell<Vec<BoardView>>,
    /// How far each writer has come, by its name.
    pub writers: RefCell<BTreeMap<String, Standing>>,
}

/// How far a writer has come, to be told if something is wrong.
#[derive(Default)]
pub struct Standing {
    session: Option<Session>,
    sent: Option<Said>,
    acknowledged: Option<Said>,
}

/// Something that a writer said.
struct Said {
    what: String,
    session: Option<SessionId>,
}

impl Company {
    /// A writer says something in its session.
    fn sends(&self, writer: &str, what: impl fmt::Display, session: &Session) {
        let mut writers = self.writers.borrow_mut();
        let standing = writers.entry(writer.to_owned()).or_default();
        standing.sent = Some(Said::now(what, session));
        standing.session = Some(session.clone());
    }

    /// The service acknowledged what a writer said.
    fn is_acknowledged(&self, writer: &str, what: impl fmt::Display, session: &Session) {
        let mut writers = self.writers.borrow_mut();
        let standing = writers.entry(writer.to_owned()).or_default();
        standing.acknowledged = Some(Said::now(what, session));
    }
}

impl Said {
    fn now(what: impl fmt::Display, session: &Session) -> Self {
        Self {
            what: what.to_string(),
            session: session.info().map(|info| info.id),
        }
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.session {
            Some(session) => write!(f, "{} (session {session})", self.what),
            None => write!(f, "{} (without a session)", self.what),
        }
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said =
            |said: &Option<Said>| said.as_ref().map_or("nothing".to_owned(), Said::to_string);
        write!(
            f,
            "sent {} last, was acknowledged {} last",
            said(&self.sent),
            said(&self.acknowledged)
        )?;
        match &self.session {
            Some(session) => write!(f, "; its session is now {:?}", session.state()),
            None => Ok(()),
        }
    }
}

/// What a client has to get along with.
pub fn options(random: &mut Random) -> ConnectOptions {
    ConnectOptions::new()
        .principal("control")
        .password("password")
        .renew(Renew::WhenLost)
        .reconnect_timeout(Duration::from_millis(
            random.pick(&[60_000, 60_000, 2_000, 0]),
        ))
        .connect_timeout(Duration::from_secs(3))
        .request_timeout(Some(Duration::from_millis(
            random.pick(&[60_000, 60_000, 2_500]),
        )))
        .recovery_buffer(random.pick(&[256, 256, 8]))
        .reconnect(ReconnectStrategy::backoff(
            Duration::from_millis(40),
            Duration::from_millis(600),
        ))
        .ping(
            Duration::from_millis(random.pick(&[300, 1_000])),
            Duration::from_secs(1),
        )
}

/// Opens a session, however often it takes.
async fn connect(proxy: SocketAddr, options: &ConnectOptions) -> Session {
    loop {
        let address = ServiceAddress::new(&proxy.ip().to_string()).port(proxy.port());
        match options.clone().connect(address).await {
            Ok(session) => return session,
            Err(_) => sleep(Duration::from_millis(100)).await,
        }
    }
}

/// A message, with the mark of the try and something to make it longer.
fn message(mark: &Mark, length: u64) -> Json {
    let text = "x".repeat(usize::try_from(length).unwrap_or(0));
    Json::object(&[
        ("mark", Json::text(&write_mark(mark))),
        ("text", Json::text(&text)),
    ])
}

fn write_mark(mark: &Mark) -> String {
    format!("{}/{}/{}", mark.writer, mark.message, mark.attempt)
}

fn read_mark(json: &Json) -> Option<Mark> {
    let text = json.member("mark")?.as_text()?;
    let mut parts = text.split('/');
    Some(Mark {
        writer: parts.next()?.parse().ok()?,
        message: parts.next()?.parse().ok()?,
        attempt: parts.next()?.parse().ok()?,
    })
}

/// An event as the ledger has it. One without a mark is none of ours, which the ledger will notice.
pub fn seen(event: &TimeSeriesEvent<Json>) -> Seen {
    Seen {
        sequence: event.metadata.sequence,
        mark: read_mark(&event.value).unwrap_or(Mark {
            writer: usize::MAX,
            message: 0,
            attempt: 0,
        }),
    }
}

/// What became of a try.
fn outcome<T>(result: &Result<T, RequestError>, sequence: impl Fn(&T) -> u64) -> Outcome {
    match result {
        Ok(answer) => Outcome::Acknowledged(sequence(answer)),
        Err(error) if error.may_have_happened() => Outcome::Unknown,
        Err(_) => Outcome::NotDone,
    }
}

/// Counts a member's sessions, one after the other.
#[derive(Default)]
struct Sessions {
    count: usize,
    newest: Option<SessionId>,
}

impl Sessions {
    /// The number of the session that there is now. Without one, a number of its own.
    fn count(&mut self, session: &Session) -> usize {
        let id = session.info().map(|info| info.id);
        if id.is_none() || id != self.newest {
            self.count += 1;
            self.newest = id;
        }
        self.count
    }
}

/// Says things in the room, each again until it is acknowledged.
///
/// `window` messages are on their way at a time: one is what the outbox of a chat does.
pub async fn write(company: Rc<Company>, writer: usize, window: usize, mut random: Random) {
    company.busy.set(company.busy.get() + 1);
    if window == 1 {
        company.ledger.borrow_mut().serial.insert(writer);
    }
    let name = format!("writer {writer}");
    let options = options(&mut random);
    let mut session = connect(company.proxy, &options).await;
    let mut sessions = Sessions::default();
    let mut next = 0;
    // What is to be said again, with the number of the try.
    let mut again: Vec<(u64, u32)> = Vec::new();
    while company.is_open.get() || !again.is_empty() {
        if session.state().is_closed() {
            session = connect(company.proxy, &options).await;
        }
        let spoken_in = sessions.count(&session);
        let mut batch = std::mem::take(&mut again);
        while company.is_open.get() && batch.len() < window && company.said.get() < MOST_SAID {
            batch.push((next, 0));
            next += 1;
        }
        let responses: Vec<_> = batch
            .iter()
            .map(|(number, attempt)| {
                let mark = Mark {
                    writer,
                    message: *number,
                    attempt: *attempt,
                };
                let length = random.pick(&[0, 20, 20, 200, 3_000, 20_000]);
                company.said.set(company.said.get() + length);
                company.sends(&name, write_mark(&mark), &session);
                let response = session.time_series().append(ROOM, &message(&mark, length));
                async move { (mark, response.await) }
            })
            .collect();
        // In the order in which they were sent, whatever the order of the answers.
        for (mark, result) in join_all(responses).await {
            let outcome = outcome(&result, |metadata| metadata.sequence);
            if matches!(outcome, Outcome::Acknowledged(_)) {
                company.is_acknowledged(&name, write_mark(&mark), &session);
            } else {
                again.push((mark.message, mark.attempt + 1));
            }
            company.ledger.borrow_mut().attempts.push(Attempt {
                mark,
                session: spoken_in,
                outcome,
            });
        }
        let pause = random.pick(&[0, 5, 20, 60]);
        sleep(Duration::from_millis(if again.is_empty() {
            pause
        } else {
            80
        }))
        .await;
    }
    company.busy.set(company.busy.get() - 1);
    session.close().await;
}

/// Counts up on the board.
pub async fn write_board(company: Rc<Company>, mut random: Random) {
    company.busy.set(company.busy.get() + 1);
    let options = options(&mut random);
    let mut session = connect(company.proxy, &options).await;
    let filler = "what was on the board before, and is still there ".repeat(6);
    let mut number = 0;
    let mut sessions = Sessions::default();
    loop {
        if session.state().is_closed() {
            session = connect(company.proxy, &options).await;
        }
        let asked_in = sessions.count(&session);
        number += 1;
        let value = Json::object(&[
            ("filler", Json::text(&filler)),
            ("number", Json::text(&number.to_string())),
        ]);
        company.sends("writer of the board", number, &session);
        let set = session.topic_update().set(BOARD, &value).await;
        let outcome = outcome(&set, |_| number);
        if set.is_ok() {
            company.is_acknowledged("writer of the board", number, &session);
        }
        company.board.borrow_mut().push(Put {
            number,
            asked_in,
            answered_in: sessions.count(&session),
            outcome,
        });
        // The last word is one that was acknowledged.
        if set.is_ok() && !company.is_open.get() {
            break;
        }
        sleep(Duration::from_millis(random.pick(&[0, 10, 40]))).await;
    }
    company.busy.set(company.busy.get() - 1);
    session.close().await;
}

/// Reads the room and the board, for ever.
pub async fn read(company: Rc<Company>, mut random: Random) {
    let index = {
        let mut ledger = company.ledger.borrow_mut();
        ledger.readers.push(Reader::default());
        company.boards.borrow_mut().push(BoardView::default());
        ledger.readers.len() - 1
    };
    let options = options(&mut random);
    loop {
        let session = connect(company.proxy, &options).await;
        let room = format!(">{ROOM}");
        let board = format!(">{BOARD}");
        let (Ok(mut events), Ok(mut values)) = (
            session.add_stream::<TimeSeriesEvent<Json>>(&room),
            session.add_stream::<Json>(&board),
        ) else {
            return;
        };
        for selector in [&room, &board] {
            // An unknown outcome is settled by selecting again, which changes nothing.
            while session.topics().select(selector).await.is_err() && !session.state().is_closed() {
                sleep(Duration::from_millis(50)).await;
            }
        }
        loop {
            tokio::select! {
                Some(event) = events.next() => {
                    if matches!(event, StreamEvent::Closed(_)) {
                        break;
                    }
                    hear(&company, index, event);
                }
                Some(event) = values.next() => look(&company, index, event),
                else => break,
            }
        }
        if !matches!(session.state(), SessionState::Closed(_)) {
            session.close().await;
        }
    }
}

fn hear(company: &Company, index: usize, event: StreamEvent<TimeSeriesEvent<Json>>) {
    let mut ledger = company.ledger.borrow_mut();
    let Some(reader) = ledger.readers.get_mut(index) else {
        return;
    };
    match event {
        StreamEvent::Subscribed { .. } => reader.subscriptions.push(Vec::new()),
        StreamEvent::Value { new, .. } => {
            if let Some(events) = reader.subscriptions.last_mut() {
                events.push(seen(&new));
            }
        }
        _ => {}
    }
}

/// The number on the board.
pub fn number(board: &Json) -> Option<u64> {
    board.member("number")?.as_text()?.parse().ok()
}

fn look(company: &Company, index: usize, event: StreamEvent<Json>) {
    let mut boards = company.boards.borrow_mut();
    let Some(view) = boards.get_mut(index) else {
        return;
    };
    match event {
        StreamEvent::Subscribed { .. } => view.number = None,
        StreamEvent::Value { new, .. } => {
            let number = number(&new);
            match (view.number, number) {
                (_, None) => view.unreadable += 1,
                (Some(before), Some(now)) if now <= before => view.backwards.push((before, now)),
                _ => {}
            }
            view.number = number;
        }
        StreamEvent::Unreadable { .. } => view.unreadable += 1,
        _ => {}
    }
}
