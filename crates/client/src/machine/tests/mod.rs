//! The machine against a service made by hand, message by message.

mod calls;
#[cfg(not(target_arch = "wasm32"))]
mod chance;
mod connecting;
mod live;
mod recovering;

use bytes::Bytes;
use effusion_protocol::{ConnectRequest, ErrorReport, ServiceId};

use super::{CallId, Event, Machine, Output, SessionState, Ticket};
use crate::{RequestError, TransportError, TransportErrorKind, machine::SessionOptions};

/// The bytes of hexadecimal text; spaces are for the reader.
pub(super) fn hex(text: &str) -> Bytes {
    let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b' ').collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// A success from the SDK's handshake (`docs/protocol.md`, 1.2): version 29, a ping period of 90 s, no largest message.
pub(super) const CONNECTED: &str = "23 1d 64 c11fef06b0c921fc 0000000000000001 \
    746d2b5132776b2b646579683032523838574d6e326c4141 0000000000015f90 7fffffff";

/// A success of a 6.1 server, from `v61ws.jsonl`: version 14.
pub(super) const CONNECTED_14: &str = "23 0e 64 c11fef06698e55de 0000000300000000 \
    386a2f714d6b7854384977326477716546413967457a7041 0000000000015f90";

/// The same session again, by code 105: the service expects message number `expected`.
pub(super) fn reconnected(code: u8, expected: u32) -> Bytes {
    let mut bytes = hex(CONNECTED).to_vec();
    bytes[2] = code;
    bytes.truncate(51);
    bytes.extend_from_slice(&expected.to_be_bytes());
    Bytes::from(bytes)
}

/// A machine, the time it is told, and what it has put out.
pub(super) struct Bench {
    pub(super) machine: Machine,
    pub(super) now: u64,
    pub(super) opened: Vec<ConnectRequest>,
    pub(super) sent: Vec<Bytes>,
    pub(super) closed: usize,
    pub(super) events: Vec<Event>,
}

impl Bench {
    pub(super) fn new(options: SessionOptions) -> Self {
        let mut bench = Self {
            machine: Machine::new(options, 1_000, 7),
            now: 1_000,
            opened: Vec::new(),
            sent: Vec::new(),
            closed: 0,
            events: Vec::new(),
        };
        bench.drain();
        bench
    }

    /// A session that is open, with everything before forgotten.
    pub(super) fn connected(options: SessionOptions) -> Self {
        let mut bench = Self::new(options);
        bench.opens();
        bench.receives(CONNECTED);
        assert!(bench.state().is_connected(), "{:?}", bench.events);
        bench.forget();
        bench
    }

    pub(super) fn forget(&mut self) {
        self.opened.clear();
        self.sent.clear();
        self.events.clear();
        self.closed = 0;
    }

    fn drain(&mut self) {
        while let Some(output) = self.machine.poll_output() {
            match output {
                Output::Open { query } => {
                    self.opened
                        .push(ConnectRequest::from_query(&query).unwrap());
                }
                Output::Send(message) => self.sent.push(message),
                Output::Close => self.closed += 1,
                Output::Event(event) => self.events.push(event),
            }
        }
    }

    pub(super) fn opens(&mut self) {
        self.machine.opened(self.now);
        self.drain();
    }

    pub(super) fn gets(&mut self, message: Bytes) {
        self.machine.received(self.now, message);
        self.drain();
    }

    pub(super) fn receives(&mut self, message: &str) {
        self.gets(hex(message));
    }

    pub(super) fn loses(&mut self) {
        self.machine.lost(self.now, closed());
        self.drain();
    }

    /// The service ends the session, and the connection with it.
    pub(super) fn is_aborted(&mut self, why: TransportErrorKind) {
        self.receives("1c");
        self.machine.lost(self.now, why.into());
        self.drain();
    }

    pub(super) fn closes(&mut self) {
        self.machine.close(self.now);
        self.drain();
    }

    /// Lets the machine's next timeout come.
    pub(super) fn waits(&mut self) {
        self.now = self.machine.next_timeout().unwrap().max(self.now);
        self.machine.tick(self.now);
        self.drain();
    }

    /// Tells the machine the time.
    pub(super) fn ticks(&mut self) {
        self.machine.tick(self.now);
        self.drain();
    }

    pub(super) fn answers_call(&mut self, call: CallId, answer: Result<Bytes, ErrorReport>) {
        self.machine.answer_call(call, answer);
        self.drain();
    }

    pub(super) fn asks(&mut self, service: ServiceId, body: &str) -> Ticket {
        let ticket = self.machine.request(self.now, service, hex(body));
        self.drain();
        ticket
    }

    pub(super) fn selects(&mut self, selector: &str, select: bool) -> Ticket {
        let ticket = self.machine.select(self.now, selector, select);
        self.drain();
        ticket
    }

    /// The last state that was reported.
    pub(super) fn state(&self) -> SessionState {
        let last = self.events.iter().rev().find_map(|event| match event {
            Event::State(state) => Some(state.clone()),
            _ => None,
        });
        last.unwrap_or_else(|| panic!("no state in {:?}", self.events))
    }

    /// The answers to a request.
    pub(super) fn answers(&self, wanted: Ticket) -> Vec<Result<Bytes, RequestError>> {
        let answers = self.events.iter().filter_map(|event| match event {
            Event::Answer { ticket, result } if *ticket == wanted => Some(result.clone()),
            _ => None,
        });
        answers.collect()
    }

    /// The last message that was sent, as hexadecimal text.
    pub(super) fn last_sent(&self) -> String {
        self.sent
            .last()
            .map(|message| to_hex(message))
            .unwrap_or_default()
    }
}

/// Why a connection is lost in these tests.
pub(super) fn closed() -> TransportError {
    TransportErrorKind::Closed.into()
}

pub(super) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
