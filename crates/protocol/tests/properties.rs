//! What holds for any input: what is written is read as the same, and nothing from outside makes a decoder panic or
//! take memory beyond its input's size.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use bytes::Bytes;
use effusion_protocol::body::{GlobalPermission, PathPermission};
use effusion_protocol::script::{
    AuthenticationCommand, AuthenticationScript, Password, SecurityCommand, SecurityScript,
};
use effusion_protocol::time_series::{Event, RangeExpression};
use effusion_protocol::value::{DataType, Json, RecordV2, Value, delta};
use effusion_protocol::{
    ClientType, ConnectRequest, ConnectResponse, ConnectSuccess, ConversationId, Credentials,
    Message, ProtocolVersion, Reconnect, ResponseCode, ServiceId, SessionId, SessionToken, TopicId,
    TopicPath, TopicSelector, decode, encode,
};
use proptest::prelude::*;

fn versions() -> impl Strategy<Value = ProtocolVersion> {
    (13u8..=29).prop_map(|number| ProtocolVersion::new(number).unwrap())
}

fn some_bytes(most: usize) -> impl Strategy<Value = Bytes> {
    prop::collection::vec(any::<u8>(), 0..most).prop_map(Bytes::from)
}

fn tokens() -> impl Strategy<Value = SessionToken> {
    "[!-~]{24}".prop_map(|text| text.parse().unwrap())
}

fn messages() -> impl Strategy<Value = Message> {
    let service = prop::sample::select(ServiceId::ALL);
    let conversation = any::<u64>().prop_map(ConversationId);
    let topic = any::<u32>().prop_map(TopicId);
    let call = (service, conversation, some_bytes(20)).boxed();
    prop_oneof![
        call.clone()
            .prop_map(|(service, conversation, body)| Message::Request {
                service,
                conversation,
                body
            }),
        call.clone()
            .prop_map(|(service, conversation, body)| Message::Response {
                service: Some(service),
                conversation,
                body
            }),
        call.prop_map(|(service, conversation, body)| Message::Error {
            service: Some(service),
            conversation,
            body
        }),
        (topic.clone(), some_bytes(20))
            .prop_map(|(topic, value)| Message::TopicValue { topic, value }),
        (topic.clone(), some_bytes(20))
            .prop_map(|(topic, delta)| Message::TopicDelta { topic, delta }),
        (topic, any::<bool>(), some_bytes(20)).prop_map(|(topic, is_delta, zlib)| {
            Message::Compressed {
                topic,
                is_delta,
                zlib,
            }
        }),
        ("[^\u{1}]{0,10}", some_bytes(20)).prop_map(|(headers, body)| Message::FetchReply {
            headers: Bytes::from(headers),
            body
        }),
        Just(Message::Abort),
        Just(Message::Close),
    ]
}

/// A message as a reader of this version has it: answers of new versions do not name the service.
fn as_read(message: Message, version: ProtocolVersion) -> Message {
    match message {
        Message::Response {
            conversation, body, ..
        } if version.answers_without_service() => Message::Response {
            service: None,
            conversation,
            body,
        },
        Message::Error {
            conversation, body, ..
        } if version.answers_without_service() => Message::Error {
            service: None,
            conversation,
            body,
        },
        other => other,
    }
}

/// Whether an object in it has two members of one name.
fn has_twins(json: &Json) -> bool {
    if let Some(members) = json.members() {
        let names: std::collections::BTreeSet<_> = members.iter().map(|(name, _)| name).collect();
        let is_double = names.len() < members.len();
        return is_double || members.iter().any(|(_, it)| has_twins(it));
    }
    json.items()
        .is_some_and(|items| items.iter().any(has_twins))
}

fn trees() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        (-1000i64..1000).prop_map(Into::into),
        // Those without a fraction come back as integers.
        any::<f64>()
            .prop_filter("has a fraction or is huge", |it| it.abs() > 1e16
                || it % 1.0 != 0.0)
            .prop_map(Into::into),
        ".{0,12}".prop_map(Into::into),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            prop::collection::btree_map(".{0,6}", inner, 0..6)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Two values of which the second has some of the first.
fn similar_values() -> impl Strategy<Value = (Vec<u8>, Vec<u8>)> {
    let value = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..300),
        prop::collection::vec(0u8..3, 0..3000),
    ];
    let edits = prop::collection::vec(
        (
            any::<prop::sample::Index>(),
            any::<prop::sample::Index>(),
            some_bytes(30),
        ),
        0..5,
    );
    (value, edits).prop_map(|(old, edits)| {
        let mut new = old.clone();
        for (one, other, bytes) in edits {
            let (one, other) = (one.index(new.len() + 1), other.index(new.len() + 1));
            new.splice(one.min(other)..one.max(other), bytes);
        }
        (old, new)
    })
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![".{0,8}", "['\"\\\\\n,# \\[\\]]{0,6}"]
}

fn authentication_commands() -> impl Strategy<Value = AuthenticationCommand> {
    use AuthenticationCommand as Command;
    let list = || prop::collection::vec(texts(), 0..4);
    let password = || texts().prop_map(Password);
    prop_oneof![
        (texts(), password(), list(), prop::option::of(texts())).prop_map(
            |(principal, password, roles, locking_principal)| Command::AddPrincipal {
                principal,
                password,
                roles,
                locking_principal
            }
        ),
        (texts(), password()).prop_map(|(principal, password)| Command::SetPassword {
            principal,
            password
        }),
        (texts(), password()).prop_map(|(principal, password)| Command::VerifyPassword {
            principal,
            password
        }),
        (texts(), list()).prop_map(|(principal, roles)| Command::AssignRoles { principal, roles }),
        texts().prop_map(|principal| Command::RemovePrincipal { principal }),
        list().prop_map(|roles| Command::AllowAnonymousConnections { roles }),
        Just(Command::DenyAnonymousConnections),
        Just(Command::AbstainAnonymousConnections),
        (texts(), list()).prop_map(
            |(property, values)| Command::TrustClientProposedPropertyIn { property, values }
        ),
        (texts(), texts()).prop_map(|(property, pattern)| {
            Command::TrustClientProposedPropertyMatches { property, pattern }
        }),
        texts().prop_map(|property| Command::IgnoreClientProposedProperty { property }),
    ]
}

fn security_commands() -> impl Strategy<Value = SecurityCommand> {
    use SecurityCommand as Command;
    let list = || prop::collection::vec(texts(), 0..4);
    let global = prop::collection::vec(prop::sample::select(GlobalPermission::ALL), 0..4);
    let path = || prop::collection::vec(prop::sample::select(PathPermission::ALL), 0..4);
    prop_oneof![
        list().prop_map(|roles| Command::SetRolesForAnonymousSessions { roles }),
        list().prop_map(|roles| Command::SetRolesForNamedSessions { roles }),
        (texts(), global)
            .prop_map(|(role, permissions)| Command::SetGlobalPermissions { role, permissions }),
        (texts(), path()).prop_map(|(role, permissions)| Command::SetDefaultPathPermissions {
            role,
            permissions
        }),
        (texts(), texts(), path()).prop_map(|(role, path, permissions)| {
            Command::SetPathPermissions {
                role,
                path,
                permissions,
            }
        }),
        (texts(), texts()).prop_map(|(role, path)| Command::RemovePathPermissions { role, path }),
        texts().prop_map(|path| Command::IsolatePath { path }),
        texts().prop_map(|path| Command::DeisolatePath { path }),
        (texts(), list()).prop_map(|(role, includes)| Command::SetRoleIncludes { role, includes }),
        (texts(), texts()).prop_map(|(role, principal)| Command::LockRole { role, principal }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn messages_are_read_as_they_were_written(message in messages(), version in versions()) {
        let written = message.encode(version);
        let read = Message::decode(written.clone(), version).unwrap();
        prop_assert_eq!(read.encode(version), written);
        prop_assert_eq!(read, as_read(message, version));
    }

    #[test]
    fn any_bytes_are_a_message_or_refused(bytes in some_bytes(40), version in versions()) {
        if let Ok(message) = Message::decode(bytes.clone(), version) {
            prop_assert_eq!(message.encode(version), bytes);
        }
    }

    #[test]
    fn any_bytes_are_inflated_or_refused(zlib in some_bytes(200)) {
        let message = Message::Compressed { topic: TopicId(1), is_delta: false, zlib };
        if let Ok(Message::TopicValue { value, .. }) = message.inflate(1000) {
            prop_assert!(value.len() <= 1000);
        }
    }

    #[test]
    fn connect_responses_are_read_as_they_were_written(
        version in 13u8..=29,
        code in prop::sample::select(ResponseCode::ALL),
        server in any::<u64>(),
        local in any::<u64>(),
        token in tokens(),
        ping_period in any::<i64>(),
        last in any::<Option<i32>>(),
    ) {
        let session = SessionId { server, local };
        let success = ConnectSuccess { session, token, ping_period, last };
        let response = ConnectResponse {
            version,
            code,
            success: code.is_success().then_some(success),
        };
        prop_assert_eq!(ConnectResponse::decode(response.encode()), Ok(response));
        prop_assert_eq!(session.to_string().parse(), Ok(session));
    }

    #[test]
    fn any_bytes_are_a_connect_response_or_refused(mut bytes in prop::collection::vec(any::<u8>(), 0..60), is_close in any::<bool>()) {
        if is_close {
            let start = [0x23, 29, 100];
            let end = start.len().min(bytes.len());
            bytes[..end].copy_from_slice(&start[..end]);
        }
        let bytes = Bytes::from(bytes);
        if let Ok(response) = ConnectResponse::decode(bytes.clone()) {
            prop_assert_eq!(response.encode(), bytes);
        }
    }

    #[test]
    fn connect_requests_are_read_as_they_were_written(
        version in any::<u8>(),
        capabilities in any::<u32>(),
        reconnect_timeout in any::<u32>(),
        proposed in prop::collection::btree_map(".{0,6}", ".{0,6}", 0..3),
        principal in prop::option::of(".{1,8}"),
        credentials in prop_oneof![
            Just(Credentials::None),
            ".{0,8}".prop_map(Credentials::Password),
            some_bytes(10).prop_map(Credentials::Custom),
        ],
        reconnect in prop::option::of((tokens(), any::<u32>(), any::<u32>())),
    ) {
        let request = ConnectRequest {
            version,
            client_type: ClientType::browser(),
            capabilities,
            reconnect_timeout,
            proposed_properties: proposed.into_iter().collect(),
            principal,
            credentials,
            reconnect: reconnect.map(|(token, client, server)| Reconnect {
                token,
                available_client_sequence: client,
                last_server_sequence: server,
            }),
        };
        prop_assert_eq!(ConnectRequest::from_query(&request.to_query()), Ok(request));
    }

    #[test]
    fn any_text_is_a_connect_request_or_refused(query in "((v|ty|ca|r|sp|username|password|c|cs|ss)=[!-~]{0,12}&){0,8}.{0,20}") {
        if let Ok(request) = ConnectRequest::from_query(&query) {
            prop_assert_eq!(ConnectRequest::from_query(&request.to_query()), Ok(request));
        }
    }

    #[test]
    fn json_is_read_as_it_was_written(tree in trees()) {
        let json = Json::from_tree(&tree);
        prop_assert_eq!(json.to_tree(), Ok(tree));
        prop_assert_eq!(DataType::Json.validate(json.as_cbor()), Ok(()));
        prop_assert!(json.is_canonical());
    }

    #[test]
    fn pointers_lead_to_what_they_lead_to_in_a_tree(
        tree in trees(),
        pointers in proptest::collection::vec("(/([a-c]|[0-3]|~0|~1|01|-)){0,4}|x", 1..6),
    ) {
        let json = Json::from_tree(&tree);
        let found = json.find(pointers.iter().map(String::as_str));
        for pointer in &pointers {
            let there = found.get(pointer.as_str()).map(|it| it.to_tree().unwrap());
            prop_assert_eq!(there.as_ref(), tree.pointer(pointer), "{}", pointer);
        }
    }

    #[test]
    fn any_bytes_are_a_value_or_refused(bytes in some_bytes(60)) {
        for data_type in DataType::ALL {
            let _ = data_type.validate(&bytes);
        }
        let json = Json::from_cbor(bytes.clone());
        let read = json.to_tree();
        prop_assert_eq!(DataType::Json.validate(&bytes), read.clone().map(|_| ()));
        // What is read once is the same when it is written and read again.
        if let Ok(tree) = read {
            if json.is_canonical() && !has_twins(&json) {
                prop_assert_eq!(Json::from_tree(&tree), json);
            }
            let again = Json::from_tree(&tree).to_tree().unwrap();
            prop_assert_eq!(Json::from_tree(&again), Json::from_tree(&tree));
        }
        if let Ok(text) = String::from_bytes(bytes.clone()) {
            prop_assert_eq!(String::from_bytes(text.to_bytes()), Ok(text));
        }
        if let Ok(number) = i64::from_bytes(bytes.clone()) {
            prop_assert_eq!(i64::from_bytes(number.to_bytes()), Ok(number));
        }
        if let Ok(number) = f64::from_bytes(bytes.clone()) {
            let again = f64::from_bytes(number.to_bytes()).unwrap();
            prop_assert_eq!(again.to_bits(), number.to_bits());
        }
        if let Ok(records) = RecordV2::from_bytes(bytes) {
            prop_assert_eq!(RecordV2::from_bytes(records.to_bytes()), Ok(records));
        }
    }

    #[test]
    fn primitives_are_read_as_they_were_written(text in ".{0,40}", integer in any::<i64>(), double in any::<f64>()) {
        prop_assert_eq!(String::from_bytes(text.to_bytes()), Ok(text));
        prop_assert_eq!(i64::from_bytes(integer.to_bytes()), Ok(integer));
        prop_assert_eq!(f64::from_bytes(double.to_bytes()), Ok(double));
    }

    #[test]
    fn records_are_read_as_they_were_written(
        records in prop::collection::vec(prop::collection::vec("[a-z]{0,3}", 0..4), 0..4),
    ) {
        let value = RecordV2 { records };
        prop_assert_eq!(RecordV2::from_bytes(value.to_bytes()), Ok(value));
    }

    #[test]
    fn deltas_make_the_new_value_of_the_old((old, new) in similar_values()) {
        if let Some(delta) = delta::diff(&old, &new) {
            prop_assert!(delta.len() < new.len());
            prop_assert_eq!(delta::apply(&Bytes::from(old), &delta), Ok(Bytes::from(new)));
        }
    }

    #[test]
    fn any_bytes_are_a_delta_or_refused(old in some_bytes(100), delta in some_bytes(40), max in 0usize..200) {
        if let Ok(new) = delta::apply_within(&old, &delta, max) {
            prop_assert!(new.len() <= max.max(old.len()));
        }
    }

    #[test]
    fn any_bytes_are_an_event_or_refused(bytes in some_bytes(60), version in versions()) {
        if let Ok(event) = decode::<Event>(bytes.clone(), version) {
            prop_assert_eq!(encode(&event, version), bytes);
        }
    }

    #[test]
    fn any_text_is_a_selector_or_refused(expression in "[>?*#]?[a-c/.*+?()|\\[\\]{}0-9$^]{0,20}", path in "[a-c/]{1,12}") {
        if let Ok(selector) = TopicSelector::parse(&expression) {
            let below = |prefix: &str| {
                prefix.is_empty() || path == prefix || path.starts_with(&format!("{prefix}/"))
            };
            if selector.matches(&path) {
                prop_assert!(selector.prefixes().into_iter().any(below));
                prop_assert!(below(selector.path_prefix()));
            }
        }
    }

    #[test]
    fn a_path_selects_itself_and_what_is_not_below_is_not_selected(
        path in "[a-c]{1,2}(/[a-c]{1,2}){0,3}",
        other in "[a-c]{1,2}(/[a-c]{1,2}){0,3}",
    ) {
        prop_assert_eq!(TopicPath::new(&path).map(|it| it.to_string()), Ok(path.clone()));
        let matches = |expression: String| TopicSelector::parse(&expression).unwrap().matches(&other);
        let is_below = other.starts_with(&format!("{path}/"));
        prop_assert_eq!(matches(format!(">{path}")), other == path);
        for kind in ["?", "*"] {
            prop_assert_eq!(matches(format!("{kind}{path}")), other == path);
            prop_assert_eq!(matches(format!("{kind}{path}/")), is_below);
            prop_assert_eq!(matches(format!("{kind}{path}//")), is_below || other == path);
        }
        prop_assert_eq!(matches(format!("#>x////{path}")), other == path);
    }

    #[test]
    fn range_expressions_are_read_as_they_were_written(
        limit in prop::option::of(0..=i64::MAX as u64),
        last_ms in prop::option::of(prop_oneof![0..=i64::MAX as u64, (0..10_000u64).prop_map(|it| it * 60_000)]),
    ) {
        let range = RangeExpression { limit, last_ms };
        if range == RangeExpression::default() {
            prop_assert!(range.to_string().parse::<RangeExpression>().is_err());
        } else {
            prop_assert_eq!(range.to_string().parse(), Ok(range));
        }
    }

    #[test]
    fn any_text_is_a_range_expression_or_refused(text in "((limit|last|LIMIT) ?[0-9]{0,20} ?(ms|s|m|h|x)? ?){0,3}.{0,5}") {
        if let Ok(range) = text.parse::<RangeExpression>() {
            prop_assert_eq!(range.to_string().parse(), Ok(range));
        }
    }

    #[test]
    fn scripts_are_read_as_they_were_written(
        authentication in prop::collection::vec(authentication_commands(), 0..5),
        security in prop::collection::vec(security_commands(), 0..5),
    ) {
        let script = AuthenticationScript { commands: authentication };
        prop_assert_eq!(script.to_string().parse(), Ok(script));
        let script = SecurityScript { commands: security };
        prop_assert_eq!(script.to_string().parse(), Ok(script));
    }

    #[test]
    fn any_text_is_a_script_or_refused(
        text in "((add|set|remove|principal|roles|permissions|path|'a'|\"b|[\\[\\],#'\\\\]|\n| |.){1,3} ){0,20}",
    ) {
        if let Ok(script) = text.parse::<AuthenticationScript>() {
            prop_assert_eq!(script.to_string().parse(), Ok(script));
        }
        if let Ok(script) = text.parse::<SecurityScript>() {
            prop_assert_eq!(script.to_string().parse(), Ok(script));
        }
    }
}
