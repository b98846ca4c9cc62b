//! What must hold whatever comes: nonsense from the service, at any point, in any order.

use bytes::Bytes;
use effusion_protocol::ServiceId;
use proptest::prelude::*;

use super::{Bench, CONNECTED, hex, reconnected};
use crate::machine::Event;
use crate::{Renew, machine::SessionOptions};

#[derive(Clone, Debug)]
enum Step {
    Opened,
    Lost,
    Wait,
    Ask,
    Select,
    Close,
    /// Answers the last call that was reported.
    Answer,
    Receive(Bytes),
}

/// Messages that mean something, so that the steps get beyond the first refusal.
fn message() -> impl Strategy<Value = Bytes> {
    prop_oneof![
        4 => Just(hex(CONNECTED)),
        2 => (100u8..=120, 0u32..20).prop_map(|(code, expected)| reconnected(code, expected)),
        1 => (13u8..=30, 100u8..=127).prop_map(|(version, code)| Bytes::copy_from_slice(&[0x23, version, code])),
        4 => (0u8..20).prop_map(|conversation| Bytes::copy_from_slice(&[6, conversation])),
        2 => (0u8..20).prop_map(|conversation| Bytes::copy_from_slice(&[7, conversation, 0, 103])),
        2 => Just(hex("00 57 01 01 01 61 0f 00")),
        2 => Just(hex("00 2a 02 01 02")),
        2 => proptest::collection::vec(any::<u8>(), 0..12).prop_map(|value| {
            let mut bytes = hex("04 00000001").to_vec();
            bytes.extend(value);
            bytes.into()
        }),
        2 => proptest::collection::vec(any::<u8>(), 0..12).prop_map(|delta| {
            let mut bytes = hex("05 00000001").to_vec();
            bytes.extend(delta);
            bytes.into()
        }),
        1 => Just(hex("1c")),
        1 => Just(hex("00 37 01")),
        2 => (0u8..20).prop_map(|conversation| Bytes::copy_from_slice(&[0, 0x58, conversation, 1])),
        1 => proptest::collection::vec(any::<u8>(), 0..40).prop_map(Bytes::from),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => Just(Step::Opened),
        1 => Just(Step::Lost),
        2 => Just(Step::Wait),
        3 => Just(Step::Ask),
        1 => Just(Step::Select),
        1 => Just(Step::Answer),
        8 => message().prop_map(Step::Receive),
    ]
}

fn listening(options: SessionOptions) -> Bench {
    let mut bench = Bench::new(options);
    bench
        .machine
        .accept_calls(ServiceId::MessagingReceiverClient);
    bench
}

fn answer(bench: &mut Bench) {
    let last = bench.events.iter().rev().find_map(|event| match event {
        Event::Called(call) => Some(call.id),
        _ => None,
    });
    if let Some(call) = last {
        bench.answers_call(call, Ok(hex("04 6a736f6e 00")));
    }
}

fn renew() -> impl Strategy<Value = Renew> {
    prop_oneof![
        Just(Renew::Never),
        Just(Renew::WhenLost),
        Just(Renew::Always)
    ]
}

proptest! {
    #[test]
    fn every_request_is_answered_once(
        steps in proptest::collection::vec(step(), 0..80),
        renew in renew(),
        recovery_buffer in 0usize..6,
    ) {
        let mut bench = listening(SessionOptions {
            renew,
            recovery_buffer,
            request_timeout: 5_000,
            ..SessionOptions::default()
        });
        let mut tickets = Vec::new();
        for step in steps.into_iter().chain([Step::Close, Step::Lost]) {
            match step {
                Step::Opened => bench.opens(),
                Step::Lost => bench.loses(),
                Step::Wait if bench.machine.next_timeout().is_some() => bench.waits(),
                Step::Wait => {}
                Step::Ask => tickets.push(bench.asks(ServiceId::SetTopic, "")),
                Step::Select => tickets.push(bench.selects(">a", true)),
                Step::Close => bench.closes(),
                Step::Answer => answer(&mut bench),
                Step::Receive(message) => bench.gets(message),
            }
        }
        prop_assert!(bench.state().is_closed());
        prop_assert_eq!(bench.machine.next_timeout(), None);
        for ticket in tickets {
            prop_assert_eq!(bench.answers(ticket).len(), 1);
        }
    }

    #[test]
    fn the_same_inputs_give_the_same_outputs(steps in proptest::collection::vec(step(), 0..40)) {
        let run = || {
            let mut bench = listening(SessionOptions { renew: Renew::Always, ..SessionOptions::default() });
            for step in &steps {
                match step {
                    Step::Opened => bench.opens(),
                    Step::Lost => bench.loses(),
                    Step::Wait if bench.machine.next_timeout().is_some() => bench.waits(),
                    Step::Ask => drop(bench.asks(ServiceId::SetTopic, "")),
                    Step::Select => drop(bench.selects(">a", true)),
                    Step::Receive(message) => bench.gets(message.clone()),
                    Step::Answer => answer(&mut bench),
                    Step::Wait | Step::Close => {}
                }
            }
            (bench.sent, bench.events, bench.now)
        };
        prop_assert_eq!(run(), run());
    }
}
