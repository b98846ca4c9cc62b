//! The messages that the broker sends.
//!
//! Topic messages and notifications are the same bytes in every protocol version, so that one encoding serves all
//! sessions that receive them.

use bytes::Bytes;
use effusion_protocol::body::{
    Call, SubscriptionNotification, TopicDescendantEvent, TopicNotificationEvent,
    UnsubscriptionNotification, call,
};
use effusion_protocol::{
    ConversationId, ErrorReport, Message, ProtocolVersion, Reader, ServiceId, Wire, Writer, encode,
};

/// For messages that are the same in every version.
const ANY: ProtocolVersion = ProtocolVersion::NEWEST;

/// Notifications are requests whose answer nobody waits for; captured servers give them all this number.
pub(crate) const UNANSWERED: ConversationId = ConversationId(0);

pub(crate) fn notification(body: &SubscriptionNotification) -> Bytes {
    notify::<call::SubscriptionNotification>(body)
}

pub(crate) fn unsubscription(body: &UnsubscriptionNotification) -> Bytes {
    notify::<call::UnsubscriptionNotification>(body)
}

pub(crate) fn topic_event(body: &TopicNotificationEvent) -> Bytes {
    notify::<call::TopicNotificationEvent>(body)
}

pub(crate) fn descendant_event(body: &TopicDescendantEvent) -> Bytes {
    notify::<call::TopicDescendantEvent>(body)
}

/// The path of the topic that a message notifies a listener of, if it does.
pub(crate) fn notified_path(message: &Bytes) -> Option<String> {
    let Message::Request { service, body, .. } = Message::decode(message.clone(), ANY).ok()? else {
        return None;
    };
    let events = [
        call::TopicNotificationEvent::SERVICE,
        call::TopicDescendantEvent::SERVICE,
    ];
    let mut reader = Reader::new(body, ANY);
    // Both begin with the listener.
    let listener = events
        .contains(&service)
        .then(|| ConversationId::read(&mut reader));
    listener?.ok()?;
    reader.string().ok()
}

fn notify<C: Call>(body: &C::Request) -> Bytes {
    request(C::SERVICE, UNANSWERED, body, ANY)
}

pub(crate) fn request<B: Wire>(
    service: ServiceId,
    conversation: ConversationId,
    body: &B,
    version: ProtocolVersion,
) -> Bytes {
    Message::Request {
        service,
        conversation,
        body: encode(body, version),
    }
    .encode(version)
}

pub(crate) fn response(
    service: ServiceId,
    conversation: ConversationId,
    body: Bytes,
    version: ProtocolVersion,
) -> Bytes {
    Message::Response {
        service: Some(service),
        conversation,
        body,
    }
    .encode(version)
}

/// The service is a number here, because a service that does not exist is answered too.
pub(crate) fn error(
    service: u64,
    conversation: ConversationId,
    report: &ErrorReport,
    version: ProtocolVersion,
) -> Bytes {
    let message = Message::Error {
        service: ServiceId::from_code(service),
        conversation,
        body: encode(report, version),
    };
    if version.answers_without_service() || ServiceId::from_code(service).is_some() {
        return message.encode(version);
    }
    let mut writer = Writer::new(version);
    writer.byte(effusion_protocol::MessageKind::ServiceError as u8);
    writer.varint64(service);
    conversation.write(&mut writer);
    report.write(&mut writer);
    writer.finish()
}

/// The service and the conversation of a request, even if the service does not exist.
pub(crate) fn request_head(
    message: &Bytes,
    version: ProtocolVersion,
) -> Option<(u64, ConversationId)> {
    let mut reader = Reader::new(message.clone(), version);
    if reader.byte().ok()? != effusion_protocol::MessageKind::Request as u8 {
        return None;
    }
    let service = reader.varint64().ok()?;
    Some((service, ConversationId::read(&mut reader).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use effusion_protocol::ErrorReason;

    #[test]
    fn an_unknown_service_is_answered_by_its_number() {
        let version = ProtocolVersion::OLDEST;
        let request = Bytes::from_static(&[0, 0xfe, 0x7f, 9, 1, 2, 3]);
        let (service, conversation) = request_head(&request, version).unwrap();
        assert_eq!((service, conversation), (0x3ffe, ConversationId(9)));
        let report = ErrorReport {
            message: String::new(),
            reason: ErrorReason::Unsupported,
        };
        let answer = error(service, conversation, &report, version);
        assert_eq!(answer.as_ref(), [2, 0xfe, 0x7f, 9, 0, 104]);
        let answer = error(service, conversation, &report, ProtocolVersion::NEWEST);
        assert_eq!(answer.as_ref(), [7, 9, 0, 104]);
        assert_eq!(request_head(&Bytes::from_static(&[1, 2, 3]), version), None);
        assert_eq!(request_head(&Bytes::from_static(&[0, 0x80]), version), None);
    }
}
