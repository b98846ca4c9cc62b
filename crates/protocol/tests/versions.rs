//! Bytes that official SDKs sent to a server on loopback, by protocol version, and what the codec makes of them.
//!
//! `docs/protocol-versions.md` says which SDK speaks which version. Only the requests are the SDKs'; where a test is about
//! an answer, an SDK accepted that answer.

#![allow(clippy::unwrap_used, reason = "a failed test says so by panicking")]

use bytes::Bytes;
use effusion_protocol::body::{
    FetchRequest, FetchedSize, FetchedTopic, RemoveTopicsResponse, RequestBody, ResponseBody,
    SecurityStore, SelectRequest, SystemAuthenticationStore,
};
use effusion_protocol::{
    ConnectRequest, ConnectResponse, ConversationId, ErrorReason, ErrorReport, Message,
    ProtocolVersion, ResponseCode, ServiceId, TopicType, decode, encode,
};

fn version(number: u8) -> ProtocolVersion {
    ProtocolVersion::new(number).unwrap()
}

fn bytes(hex: &str) -> Bytes {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// Reads a whole request with its body, and checks that it is written again as it was.
fn request(hex: &str, number: u8) -> RequestBody {
    let version = version(number);
    let whole = bytes(hex);
    let message = Message::decode(whole.clone(), version).unwrap();
    assert_eq!(message.encode(version), whole);
    let Message::Request { service, body, .. } = message else {
        panic!("{message:?} is no request")
    };
    let request = RequestBody::decode(service, body.clone(), version).unwrap();
    assert_eq!(
        request.encode(version),
        body,
        "{service} in version {number}"
    );
    request
}

#[test]
fn requests_are_the_same_from_21_to_25() {
    for number in [21, 22, 24, 25] {
        for hex in [
            // addTopic("a/b", JSON), add_and_set_topic, subscribe, unsubscribe, remove_topic, ping_server
            "00 70 01 03 612f62 0f 00",
            "00 7a 03 03 612f62 0f 00 04 a1616101 00",
            "00 03 04 04 3f612f2f",
            "00 04 05 04 3f612f2f",
            "00 53 06 04 3f612f2f",
            "00 55 07 01 70 04 6a736f6e 04 a1616101",
            "00 38 08",
        ] {
            request(hex, number);
        }
    }
    for number in [22, 24, 25] {
        request("00 76 03 03 612f62 0f 05 bf616101ff 00", number);
    }
}

#[test]
fn requests_of_25_are_read() {
    for hex in [
        // A time series with its event value type, and a topic with a property.
        "00 70 02 04 612f7473 10 01 1c 54494d455f5345524945535f4556454e545f56414c55455f54595045 04 6a736f6e",
        "00 70 03 03 612f70 0f 01 13 5055424c4953485f56414c5545535f4f4e4c59 04 74727565",
        "00 72 09 01 4c 00 00",
        "00 63 0a 07 436861742f7473 04 6a736f6e 05 bf616101ff",
        "00 a601 0b 07 436861742f7473 04 6a736f6e 05 bf616101ff 80d095ffbc31",
        "00 64 0c 07 436861742f7473 04 6a736f6e 03 05 bf616101ff",
        // No limit is 2^63 - 1 here, and 2^53 - 1 in the JavaScript SDK.
        "00 54 0d 07 436861742f7473 00 0a030003 00000003 ffffffffffffffff7f",
        "00 54 06 07 436861742f7473 02 03030003 00000003 05",
    ] {
        request(hex, 25);
    }
}

#[test]
fn selections_have_a_scope_in_29_only() {
    let in_25 = request("00 03 06 04 3f612f2f", 25);
    assert_eq!(in_25, RequestBody::Subscribe(SelectRequest::new("?a//")));
    let in_29 = request("00 03 06 04 3f612f2f 00", 29);
    assert_eq!(in_29, in_25);
    assert!(!version(28).has_selection_scopes());
}

#[test]
fn fetch_requests_grew_with_the_versions() {
    // Recorded from a client of 18: types and the value of one path.
    let in_18 = request(
        "00 75 01 15 3e73636f7265626f617264732f76312f65706f6368 00 00 808010 01 00 ffffffff07 ffffffff07 ffffffff07 \
         ffffffff07 00",
        18,
    );
    let RequestBody::Fetch(in_18) = in_18 else {
        panic!("{in_18:?} is no fetch")
    };
    assert_eq!(in_18.selector, ">scoreboards/v1/epoch");
    assert!(in_18.with_values && !in_18.with_properties && !in_18.with_sizes);
    // 25 has the same fields.
    request(
        "00 75 09 04 3f612f2f 00 00 80803a 01 00 ffffffff07 ffffffff07 ffffffff07 ffffffff07 00",
        25,
    );
    let fetch = FetchRequest::new("?a//");
    let length = |number| encode(&fetch, version(number)).len();
    assert_eq!(length(29), length(25) + 1, "sizes");
    assert_eq!(length(18), length(25));
    assert_eq!(length(18), length(17) + 1, "unpublished");
    assert_eq!(length(17), length(16) + 10, "deep branches");
    for number in 13..=29 {
        let version = version(number);
        assert_eq!(
            decode::<FetchRequest>(encode(&fetch, version), version),
            Ok(fetch.clone())
        );
    }
}

#[test]
fn fetched_topics_of_25_have_no_size() {
    // The Python SDK of 25 takes a size for the end of the topic, and misreads what follows.
    let topic = FetchedTopic {
        path: "a/b".to_owned(),
        topic_type: TopicType::Json,
        value: Some(bytes("182a")),
        property_set: 0,
        size: FetchedSize::NotAsked,
    };
    assert_eq!(
        encode(&topic, version(25)),
        bytes("03 612f62 0f 01 02 182a 00")
    );
    assert_eq!(
        encode(&topic, version(29)),
        bytes("03 612f62 0f 01 02 182a 00 00")
    );
}

#[test]
fn answers_name_the_service_up_to_15_and_not_from_18_on() {
    let body = Bytes::new();
    let answer = |service| Message::Response {
        service,
        conversation: ConversationId(1),
        body: body.clone(),
    };
    let named = answer(Some(ServiceId::UserPing));
    for number in 13..=15 {
        assert_eq!(named.encode(version(number)), bytes("01 38 01"));
        assert!(Message::decode(bytes("06 01"), version(number)).is_err());
    }
    for number in 18..=29 {
        assert_eq!(named.encode(version(number)), bytes("06 01"));
        assert_eq!(
            Message::decode(bytes("06 01"), version(number)),
            Ok(answer(None))
        );
        assert!(Message::decode(bytes("01 38 01"), version(number)).is_err());
    }
    // Nobody has seen 16 and 17: either form is read, the older one is written.
    for number in 16..=17 {
        assert_eq!(named.encode(version(number)), bytes("01 38 01"));
        assert_eq!(
            Message::decode(bytes("01 38 01"), version(number)),
            Ok(named.clone())
        );
        assert_eq!(
            Message::decode(bytes("06 01"), version(number)),
            Ok(answer(None))
        );
    }
}

#[test]
fn errors_have_a_message_and_a_code_in_every_version() {
    let report = ErrorReport {
        message: "mismatch".to_owned(),
        reason: ErrorReason::TopicExistsMismatch,
    };
    let body = encode(&report, version(21));
    assert_eq!(body, bytes("08 6d69736d61746368 ac46"));
    let error = Message::Error {
        service: Some(ServiceId::AddTopic),
        conversation: ConversationId(2),
        body,
    };
    assert_eq!(
        error.encode(version(21)),
        bytes("07 02 08 6d69736d61746368 ac46")
    );
    assert_eq!(
        error.encode(version(15)),
        bytes("02 70 02 08 6d69736d61746368 ac46")
    );
}

#[test]
fn removals_are_counted_from_19_on() {
    let response = ResponseBody::RemoveTopics(RemoveTopicsResponse { removed: Some(3) });
    let written = |number| {
        let version = version(number);
        response.clone().as_of(version).encode(version)
    };
    assert_eq!(written(18), Bytes::new());
    for number in [19, 21, 25, 29] {
        assert_eq!(written(number), bytes("03"));
    }
    assert_eq!(
        decode::<RemoveTopicsResponse>(Bytes::new(), version(18)).map(|it| it.removed),
        Ok(None)
    );
}

#[test]
fn stores_grew_with_6_4_and_6_5() {
    let authentication = bytes("01 02 616c 01 01 52 00 | 01 00 | 00");
    for (number, length) in [(15, 9), (17, 10), (18, 11), (29, 11)] {
        let store: SystemAuthenticationStore = decode(authentication.clone(), version(29)).unwrap();
        let written = encode(&store, version(number));
        assert_eq!(written.len(), length, "version {number}");
        assert_eq!(decode(written, version(number)), Ok(store));
    }
    let security = bytes("00 00 01 01 52 00 00 00 00 00 00");
    for (number, length) in [(15, 9), (17, 10), (18, 11), (29, 11)] {
        let store: SecurityStore = decode(security.clone(), version(29)).unwrap();
        let written = encode(&store, version(number));
        assert_eq!(written.len(), length, "version {number}");
        assert_eq!(decode(written, version(number)), Ok(store));
    }
}

#[test]
fn connect_responses_are_read_with_and_without_the_number_at_the_end() {
    let head = "c11fef06b0c921fc 0000000000000001 746d2b51327776 2b644579683032523838574d6e326c4141 0000000000015f90";
    for (number, last) in [
        (13, None),
        (15, None),
        (19, Some(i32::MAX)),
        (25, Some(i32::MAX)),
    ] {
        let tail = if last.is_some() { "7fffffff" } else { "" };
        let response =
            ConnectResponse::decode(bytes(&format!("23 {number:02x} 64 {head} {tail}"))).unwrap();
        assert_eq!(
            (response.version, response.code),
            (number, ResponseCode::Connected)
        );
        assert_eq!(response.success.unwrap().last, last);
        assert_eq!(
            ConnectResponse::has_maximum_message_size(number),
            last.is_some()
        );
    }
}

#[test]
fn the_python_sdk_connects_with_headers() {
    let headers = [
        ("v", "25"),
        ("ca", "10"),
        ("username", "alice"),
        ("r", "0"),
        ("password", "AQZzZWNyZXQ="),
        ("ty", "PY"),
        (
            "sp",
            r#""A","1,2","B","é","$Environment","PYTHON_cpython_3.9.18""#,
        ),
    ];
    let read = |sp: Option<&str>| {
        ConnectRequest::from_pairs(|name| {
            let (_, value) = headers.iter().find(|(key, _)| *key == name)?;
            match sp {
                Some(sp) if name == "sp" => Some(sp.to_owned()),
                _ => Some((*value).to_owned()),
            }
        })
    };
    let request = read(None).unwrap();
    assert_eq!((request.version, request.reconnect_timeout), (25, 0));
    assert_eq!(request.client_type.as_str(), "PY");
    assert_eq!(
        request.proposed_properties,
        [
            ("$Environment", "PYTHON_cpython_3.9.18"),
            ("A", "1,2"),
            ("B", "é"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
    // 6.6 to 6.10 send the header, but nothing in it.
    assert_eq!(read(Some("")).unwrap().proposed_properties, []);
    for wrong in [r#""A""#, r#""A",1"#, r#"{"A":1}"#, r#""A","B"]"#, "x"] {
        assert!(read(Some(wrong)).is_err(), "{wrong}");
    }
}
