use super::*;
use crate::features::diagnostics::decoder::tests::{V, recorded, request, response, subscription};
use bytes::Bytes;
use effusion_protocol::body::{RequestBody, ResponseBody};
use effusion_protocol::value::Json;
use effusion_protocol::{TopicId, TopicType};

#[path = "../../../../crates/protocol/examples/inspect/capture.rs"]
#[allow(dead_code, missing_docs, reason = "the example's own code")]
mod capture;
#[path = "../../../../crates/protocol/examples/inspect/inspector.rs"]
#[allow(dead_code, missing_docs, reason = "the example's own code")]
mod inspector;
#[path = "../../../../crates/protocol/examples/inspect/show.rs"]
#[allow(dead_code, missing_docs, reason = "the example's own code")]
mod show;

#[test]
fn a_capture_is_read_by_inspect() {
    let session = RecordedSession {
        id: SessionId {
            server: 0xc11f_ef06_b0c9_21fc,
            local: 7,
        },
        version: V,
        principal: "user".to_owned(),
    };
    let value = Json::object(&[("text", Json::text("hello"))]);
    let secret = RequestBody::UpdateSystemAuthentication(String::new());
    let value = Message::TopicValue {
        topic: TopicId(3),
        value: value.as_cbor().clone(),
    };
    let confirmed = ResponseBody::SubscriptionNotification(());
    let updated = ResponseBody::UpdateSystemAuthentication(Vec::new());
    let messages = [
        (false, 0, response(&ResponseBody::UserPing(()), 1)),
        (true, 0, request(&RequestBody::UserPing(()), 2)),
        (false, 0, response(&ResponseBody::UserPing(()), 2)),
        (
            false,
            0,
            subscription(TopicId(3), "Chat/Tea", TopicType::Json),
        ),
        (true, 0, response(&confirmed, 90)),
        (false, 0, value),
        (true, 40, request(&secret, 4)),
        (false, 0, response(&updated, 4)),
    ];
    let record = |(number, (sent, hidden, message)): (usize, &(bool, usize, Message))| Recorded {
        number,
        session: 1 + number / 6,
        ..recorded(*sent, *hidden, message)
    };
    let mut messages: Vec<Recorded> = messages.iter().enumerate().map(record).collect();
    messages.push(Recorded {
        bytes: Bytes::from_static(&[0x77]),
        hidden: 0,
        ..messages[0].clone()
    });
    let text = write(&messages, |_| Some(&session));
    let mut inspector = inspector::Inspector::default();
    let shown: Vec<String> = text
        .lines()
        .map(|line| inspector.line(line).unwrap())
        .collect();
    // The answer to what is not there, what is hidden and its answer, and what is no message are left out.
    assert_eq!(shown.len(), 2 + 5 + 2 + 2, "{shown:#?}");
    assert!(
        shown[6].ends_with(r#"value of Chat/Tea: {"text":"hello"}"#),
        "{shown:#?}"
    );
    assert!(shown[1].contains("c11fef06b0c921fc"), "{shown:#?}");
}
