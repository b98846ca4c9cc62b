//! Messages in words.

use core::fmt::Debug;

use bytes::Bytes;
use effusion_protocol::body::{FetchedTopic, FilterOutcome, RequestBody, ResponseBody};
use effusion_protocol::time_series::{Event, EventMetadata};
use effusion_protocol::value::{DataType, Json, RecordV2, Value, ValueError};
use effusion_protocol::{ConnectRequest, ConnectResponse, TopicSpecification, TopicType};

use super::capture::to_hex;

/// The longest value that is shown in full, in characters.
const LONGEST: usize = 400;

/// An upgrade request, without its credentials.
pub fn connect_request(request: &ConnectRequest) -> String {
    let mut shown = format!(
        "version {} as {:?}",
        request.version,
        request.client_type.as_str()
    );
    if let Some(principal) = &request.principal {
        shown.push_str(&format!(" by {principal:?}"));
    }
    if let Some(reconnect) = &request.reconnect {
        shown.push_str(&format!(
            " to get a session back: can resend from {}, received up to {}",
            reconnect.available_client_sequence, reconnect.last_server_sequence
        ));
    }
    for (name, value) in &request.proposed_properties {
        shown.push_str(&format!(" {name}={value:?}"));
    }
    shown
}

pub fn connect_response(response: &ConnectResponse) -> String {
    let (code, words) = (response.code.code(), response.code.description());
    let mut shown = format!(
        "connect response {code}, {words}, version {}",
        response.version
    );
    if let Some(success) = &response.success {
        shown.push_str(&format!(
            ": session {}, ping every {} ms",
            success.session, success.ping_period
        ));
        if let Some(last) = success.last {
            shown.push_str(&format!(", {last}"));
        }
    }
    shown
}

/// Bytes of which nothing is known.
pub fn bytes(bytes: &Bytes) -> String {
    shorten(format!("0x{}", to_hex(bytes)))
}

fn shorten(text: String) -> String {
    match text.char_indices().nth(LONGEST) {
        None => text,
        Some((end, _)) => format!("{}… ({} bytes)", &text[..end], text.len()),
    }
}

/// A value of a type, or bytes if the type has none.
///
/// # Errors
/// If the bytes are not of the type.
pub fn value(data_type: Option<DataType>, raw: &Bytes) -> Result<String, ValueError> {
    let raw = raw.clone();
    let shown = match data_type {
        Some(DataType::Json) => match Json::from_cbor(raw.clone()).to_text() {
            // Byte strings and such are allowed in CBOR, though not in JSON.
            Err(ValueError::NotJson(_)) => bytes(&raw),
            other => other?,
        },
        Some(DataType::String) => format!("{:?}", <Option<String>>::from_bytes(raw)?),
        Some(DataType::Int64) => format!("{:?}", <Option<i64>>::from_bytes(raw)?),
        Some(DataType::Double) => format!("{:?}", <Option<f64>>::from_bytes(raw)?),
        Some(DataType::RecordV2) => format!("{:?}", RecordV2::from_bytes(raw)?.records),
        Some(DataType::Binary) | None => bytes(&raw),
    };
    let shown = match shown
        .strip_prefix("Some(")
        .and_then(|it| it.strip_suffix(')'))
    {
        Some(inner) if data_type != Some(DataType::Json) => inner.to_owned(),
        _ => shown,
    };
    Ok(shorten(shown))
}

/// A value that somebody sends; whether it is of the type, the receiver decides.
fn sent(data_type: Option<DataType>, raw: &Bytes) -> String {
    value(data_type, raw).unwrap_or_else(|error| format!("{} ({error})", bytes(raw)))
}

fn named(data_type: &str, raw: &Bytes) -> String {
    format!("{data_type} {}", sent(DataType::from_name(data_type), raw))
}

fn typed(topic_type: TopicType, raw: &Bytes) -> String {
    format!(
        "{topic_type:?} {}",
        sent(DataType::of_topic(topic_type), raw)
    )
}

fn specification(specification: &TopicSpecification) -> String {
    let mut shown = format!("{:?}", specification.topic_type);
    for (name, value) in &specification.properties {
        shown.push_str(&format!(" {name}={value:?}"));
    }
    shown
}

fn metadata(metadata: &EventMetadata) -> String {
    let EventMetadata {
        sequence,
        timestamp,
        author,
    } = metadata;
    format!("event {sequence} at {timestamp} by {author:?}")
}

/// An event whose value is of a type.
///
/// # Errors
/// If the value is not of the type.
pub fn event(event: &Event, data_type: Option<DataType>) -> Result<String, ValueError> {
    let value = value(data_type, &event.value)?;
    Ok(match &event.original {
        None => format!("{}: {value}", metadata(&event.metadata)),
        Some(original) => format!(
            "{} edits {}: {value}",
            metadata(&event.metadata),
            metadata(original)
        ),
    })
}

fn fetched(topic: &FetchedTopic) -> String {
    let value = topic.value.as_ref().map_or_else(String::new, |value| {
        format!(" {}", sent(DataType::of_topic(topic.topic_type), value))
    });
    format!("{} {:?}{value}", topic.path, topic.topic_type)
}

/// The fields of a body, by their names.
fn fields(body: &impl Debug) -> String {
    let shown = format!("{body:?}");
    // `Service(Body { … })`: the service is shown already.
    let inner = shown
        .split_once('(')
        .and_then(|(_, rest)| rest.strip_suffix(')'))
        .unwrap_or(&shown);
    if inner == "()" {
        String::new()
    } else {
        format!(": {}", shorten(inner.to_owned()))
    }
}

pub fn request(body: &RequestBody) -> String {
    use RequestBody as Body;
    let shown = match body {
        Body::AddTopic(it) => format!("{} {}", it.path, specification(&it.specification)),
        Body::SubscriptionNotification(it) => format!(
            "topic {} is {} {}",
            it.topic.0,
            it.path,
            specification(&it.specification)
        ),
        Body::UnsubscriptionNotification(it) => format!("topic {}, {:?}", it.topic.0, it.reason),
        Body::Subscribe(it) | Body::Unsubscribe(it) if it.scope.is_empty() => it.selector.clone(),
        Body::SetTopic(it) => format!(
            "{} = {} {:?}",
            it.path,
            typed(it.topic_type, &it.value),
            it.constraint
        ),
        Body::AddAndSetTopic(it) => format!(
            "{} {} = {} {:?}",
            it.path,
            specification(&it.specification),
            typed(it.specification.topic_type, &it.value),
            it.constraint
        ),
        Body::CreateUpdateStreamAndSet(it) => format!(
            "{} = {} {:?}",
            it.path,
            typed(it.topic_type, &it.value),
            it.constraint
        ),
        Body::StreamAddAndSetTopic(it) => format!(
            "{} {} = {} {:?}",
            it.path,
            specification(&it.specification),
            typed(it.specification.topic_type, &it.value),
            it.constraint
        ),
        Body::UpdateTopicSet(it) => {
            format!("{} = {}", it.path, sent(Some(DataType::Json), &it.value))
        }
        Body::MessagingSend(it) => format!("{}: {}", it.path, named(&it.data_type, &it.value)),
        Body::MessagingReceiverServer(it) => format!(
            "to {} {}: {}",
            it.session,
            it.path,
            named(&it.data_type, &it.value)
        ),
        Body::MessagingReceiverClient(it) => format!(
            "for handler {} from {} {:?} {}: {}",
            it.handler,
            it.sender,
            it.properties,
            it.path,
            named(&it.data_type, &it.value)
        ),
        Body::MessagingFilterSend(it) => format!(
            "to {:?} {}: {}",
            it.filter,
            it.path,
            named(&it.data_type, &it.value)
        ),
        Body::FilterResponse(it) => match &it.outcome {
            FilterOutcome::Response(answer) => format!(
                "from {} for {}: {}",
                it.session,
                it.conversation,
                named(&answer.data_type, &answer.value)
            ),
            FilterOutcome::Failure(report) => {
                format!("from {} for {}: {report}", it.session, it.conversation)
            }
        },
        Body::TimeSeriesAppend(it) => format!("{} {}", it.path, named(&it.value_type, &it.value)),
        Body::TimeSeriesAppendAt(it) => format!(
            "{} {} at {}",
            it.path,
            named(&it.value_type, &it.value),
            it.timestamp
        ),
        Body::TimeSeriesEdit(it) => format!(
            "{} event {} {}",
            it.path,
            it.original,
            named(&it.value_type, &it.value)
        ),
        other => return fields(other),
    };
    format!(": {shown}")
}

pub fn response(body: &ResponseBody) -> String {
    use ResponseBody as Body;
    let shown = match body {
        Body::MessagingSend(it)
        | Body::MessagingReceiverServer(it)
        | Body::MessagingReceiverClient(it) => named(&it.data_type, &it.value),
        Body::TimeSeriesAppend(it) | Body::TimeSeriesAppendAt(it) | Body::TimeSeriesEdit(it) => {
            metadata(it)
        }
        Body::RangeQuery(it) => {
            let data_type = DataType::from_name(&it.value_type);
            let show = |it| event(it, data_type).unwrap_or_else(|error| error.to_string());
            let events: Vec<String> = it.events.iter().map(show).collect();
            format!(
                "{} of {}: {}",
                it.events.len(),
                it.selected,
                events.join(", ")
            )
        }
        Body::Fetch(it) => {
            let topics: Vec<String> = it.topics.iter().map(fetched).collect();
            let more = if it.has_more { ", and more" } else { "" };
            format!("{}{more}", topics.join(", "))
        }
        Body::AddTopic(it) | Body::AddAndSetTopic(it) => format!("{it:?}"),
        other => return fields(other),
    };
    format!(": {shown}")
}
