//! Bodies that the 6.12.1 SDK sent on loopback, or took as answers: `docs/protocol.md` tells what each was for.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use bytes::Bytes;
use effusion_protocol::body::{RequestBody, ResponseBody};
use effusion_protocol::{ProtocolVersion, ServiceId};

/// Hexadecimal with spaces, and with text in quotes as itself.
fn bytes(hex: &str) -> Bytes {
    let mut bytes = Vec::new();
    for (index, part) in hex.split('"').enumerate() {
        if index % 2 == 1 {
            bytes.extend_from_slice(part.as_bytes());
            continue;
        }
        let digits: Vec<u8> = part.bytes().filter(u8::is_ascii_hexdigit).collect();
        for pair in digits.chunks_exact(2) {
            let pair = core::str::from_utf8(pair).unwrap();
            bytes.push(u8::from_str_radix(pair, 16).unwrap());
        }
    }
    Bytes::from(bytes)
}

#[test]
fn requests_of_the_sdk_are_read_and_written_the_same() {
    for (code, hex, part) in [
        (0x70, r#"03 "a/b" 0f 00"#, "path: \"a/b\""),
        (0x70, r#"09 "path/json" 0f 00"#, "Json"),
        (0x03, r#"02 ">a" 02 "sc""#, "scope: \"sc\""),
        (0x04, r##"09 "#a////?b/" 00"##, "scope: \"\""),
        (0x53, r#"04 "?a//""#, "?a//"),
        (0x57, r#"01 03 "a/b" 0f 00"#, "topic: TopicId(1)"),
        (0x2a, "01 05", "BackPressure"),
        (
            0x63,
            r#"07 "Chat/ts" 04 "json" 05 bf616101ff"#,
            "value_type: \"json\"",
        ),
        (
            0xa6,
            r#"07 "Chat/ts" 04 "json" 05 bf616101ff fbd095ffbc31"#,
            "timestamp: 17",
        ),
        (
            0x64,
            r#"07 "Chat/ts" 04 "json" 03 05 bf616101ff"#,
            "original: 3",
        ),
        (
            0x54,
            r#"07 "Chat/ts" 00 0a03 0003 0000 0003 ffffffffffffff0f"#,
            "anchor: Last(10)",
        ),
        (
            0x54,
            r#"07 "Chat/ts" 02 0101 0901 0403 0805 ffffffffffffff0f"#,
            "span: Next(8)",
        ),
        (
            0x54,
            r#"07 "Chat/ts" 00 0000 b81706 0000 0003 ffffffffffffff0f"#,
            "NextMillis(3000)",
        ),
        (0x76, r#"03 "a/b" 0f 05 bf616101ff 00"#, "Unconstrained"),
        (
            0x76,
            r#"03 "a/b" 0f 05 bf616101ff 0104014c07 05"#,
            "Conjunction([Locked",
        ),
        (0x7a, r#"03 "a/b" 0f 00 05 bf616101ff 00"#, "Unconstrained"),
        (0x7e, r#"03 "a/b" 0f 05 bf616101ff 00"#, "Unconstrained"),
        (0x81, "8101020304 07 00034103041819", "topic: 129"),
        (0x81, "8101020304 01 f6", "generation: 4"),
        (0x7f, "8101020304", "partition: 3"),
        (0x72, r#"01 "L" 00 00"#, "UnlockOnSessionLoss"),
        (0x74, r#"01 "L" ac02 01"#, "sequence: 300"),
        (0xc4, r#"01 "L""#, "L"),
        (0x55, r#"01 "p" 04 "json" 05 bf616101ff"#, "path: \"p\""),
        (
            0x61,
            r#"58 07 "default" 01 "p" 01 0a "$Principal" 10"#,
            "handler: ConversationId(16)",
        ),
        (
            0x62,
            r#"58 07 "default" 03 "p/q" 01 0a "$Principal""#,
            "properties: [\"$Principal\"]",
        ),
        (
            0x58,
            r#"10 fcc3a486ebe0fb8fc101 05 01 "p" 01 0a "$Principal" 03 "bob" 04 "json" 05 bf616101ff"#,
            "sender: c11fef06b0c921fc-0000000000000005",
        ),
        (
            0x67,
            r#"05 fcc3a486ebe0fb8fc101 01 01 ab46 02 "no""#,
            "Failure(ErrorReport { message: \"no\", reason: RejectedRequest })",
        ),
        (0xca, "", "GetOwnSessionProperties"),
        (
            0x87,
            r#"02 "c1" 01 07 01 04 "all " 01 0a "$Principal""#,
            "removes_unmatched: true",
        ),
        (
            0x92,
            r#"02 "t1" 01 07 04 "?a//" 01 01 02"#,
            "prefix_parts: 2",
        ),
        (0xba, "00 00 01", "All"),
        (0xba, r#"02 01 "a" 01 "b" 00 02 03 "srv""#, "Named(\"srv\")"),
        (0xba, r#"00 03 "x.*" 00"#, "Current"),
        (
            0xbd,
            r#"01 00 01 02 02 "*F" 02 "*U" 01 80d095ffbc31 1c"#,
            "listener: ConversationId(28)",
        ),
        (0x5e, r#"01 06 "?path/""#, "listener: ConversationId(1)"),
        (0x5c, r#"01 09 "path/json" 00 0f 00"#, "Added"),
        (
            0x78,
            r#"02 "al" 01 02 "pw" 01 01 "X" 01 "y" 01 01 "P" 01 "q" 06"#,
            "proposed: [(\"P\", \"q\")]",
        ),
        (0xcb, r#"03 "bob" 01 02 "pw" 00"#, "principal: \"bob\""),
        (0x0e, "fcc3a486ebe0fb8fc101 01", "reason: None"),
        (0x3a, r#"06 "script""#, "script"),
    ] {
        let version = ProtocolVersion::NEWEST;
        let service = ServiceId::from_code(code).unwrap();
        let request = RequestBody::decode(service, bytes(hex), version).unwrap();
        assert_eq!(request.encode(version), bytes(hex), "{service}");
        assert!(
            format!("{request:?}").contains(part),
            "{request:?} has no {part}"
        );
    }
}

#[test]
fn responses_that_the_sdk_takes_are_read_and_written_the_same() {
    for (code, hex, part) in [
        (0x70, "00", "Created"),
        (0x53, "03", "removed: Some(3)"),
        (0x63, r#"07 fbd095ffbc31 05 "alice""#, "author: \"alice\""),
        (
            0x54,
            r#"04 "json" 02 02 00 05 81d095ffbc31 02 "al" 05 bf616101ff 01 05 81d095ffbc31 02 "al" 09 89d095ffbc31 02 "bo" 05 bf616102ff"#,
            "sequence: 9",
        ),
        (0x75, "00 00 00", "has_more: false"),
        (
            0x75,
            r#"00 01 03 "a/b" 10 01 0e 00 05 81d095ffbc31 02 "al" 02 182a 00 00 00"#,
            "TimeSeries",
        ),
        (0x3a, r#"01 09 "bad thing" 01 05"#, "column: 5"),
        (
            0x39,
            r#"01 02 "al" 02 01 "R" 01 "Q" 01 03 "adm" 01 01 01 "A" 01 04 "DEPT" 00 01 "a""#,
            "(\"DEPT\", Matches(\"a\"))",
        ),
        (
            0x3b,
            r#"00 00 01 01 "R" 02 00 01 02 02 03 01 01 "a" 01 04 01 01 "Q" 00 00"#,
            "paths: [(\"a\", [SendToSession])]",
        ),
        (0x7e, "8101 02 03 04 01", "flags: Some(1)"),
        (0x97, "ffffffff0f", "failed: -1"),
        (0x72, r#"01 "L" 07 00"#, "sequence: 7"),
        (0x74, "01", "true"),
        (0x55, r#"04 "json" 05 bf616102ff"#, "json"),
        (0x78, "02 00", "Allow([])"),
        (0xca, r#"01 01 01 "a" 01 "b""#, "(\"a\", \"b\")"),
        (
            0xba,
            r#"01 03 "srv" 01 01 "m" 01 "u" 01 01 05 07 01 "n" 01 01 "l" 01 01 "v""#,
            "bits: 5, timestamp: 7",
        ),
        (0xcb, "01", "true"),
    ] {
        let version = ProtocolVersion::NEWEST;
        let service = ServiceId::from_code(code).unwrap();
        let response = ResponseBody::decode(service, bytes(hex), version).unwrap();
        assert_eq!(response.encode(version), bytes(hex), "{service}");
        assert!(
            format!("{response:?}").contains(part),
            "{response:?} has no {part}"
        );
    }
}
