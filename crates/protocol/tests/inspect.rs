//! The example `inspect`, over every capture at hand and over lines made for what these do not show.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../examples/inspect/capture.rs"]
#[allow(dead_code, reason = "the example uses all of it")]
mod capture;
mod captures;
#[path = "../examples/inspect/inspector.rs"]
mod inspector;
#[path = "../examples/inspect/show.rs"]
mod show;

use inspector::Inspector;

/// Inspects lines, and gives back what each shows.
fn inspect(lines: &[&str]) -> Result<Vec<String>, String> {
    let mut inspector = Inspector::default();
    lines.iter().map(|line| inspector.line(line)).collect()
}

#[test]
fn captures_of_13_and_later_are_read_and_written_the_same() {
    let Some(folder) = captures::folder() else {
        return;
    };
    let mut read = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_none_or(|extension| extension != "jsonl")
        {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text
            .lines()
            .filter(|line| !line.trim().is_empty())
            .collect();
        let old = text.contains("?v=6&") || text.contains("?v=11&");
        match inspect(&lines) {
            Ok(shown) => {
                assert!(!old, "{}", path.display());
                assert_eq!(shown.len(), lines.len());
                read += 1;
            }
            Err(problem) => assert!(
                old && problem.contains("older than Diffusion 6.0"),
                "{}: {problem}",
                path.display()
            ),
        }
    }
    assert!(read > 0, "there was no capture of 13 or later");
}

/// The lines of a connection that opens in `version`, then messages: `>` from the client, `<` from the server.
fn conversation(version: u8, messages: &[&str]) -> Vec<String> {
    let last = if version < 16 { "" } else { "7fffffff" };
    let mut lines = vec![
        format!(r#"{{"stream": 0, "connect": "/diffusion?v={version}&ty=WJ&ca=10&r=60000"}}"#),
        message(
            "<",
            &format!(
                "23 {version:02x} 64 c11fef06b0c921fc 0000000000000001 746d2b5132774b762b44645579683032523838574d6e326c 0000000000015f90 {last}"
            ),
        ),
    ];
    for line in messages {
        let (from, hex) = line.split_once(' ').unwrap();
        lines.push(message(from, hex));
    }
    lines
}

/// Hexadecimal with spaces, and with text in quotes as itself.
fn message(from: &str, hex: &str) -> String {
    let mut plain = String::new();
    for (index, part) in hex.split('\'').enumerate() {
        if index % 2 == 0 {
            plain.extend(part.split_whitespace());
        } else {
            plain.push_str(&capture::to_hex(part.as_bytes()));
        }
    }
    let from = if from == ">" { "client" } else { "server" };
    format!(r#"{{"stream": 0, "from": "{from}", "hex": "{plain}"}}"#)
}

fn shows(version: u8, messages: &[&str]) -> Result<Vec<String>, String> {
    let lines = conversation(version, messages);
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    Ok(inspect(&lines)?.split_off(2))
}

#[test]
fn session_locks_are_read() {
    for version in 13..=15 {
        let shown = shows(
            version,
            &[
                "> 00 72 01 01 'L' 00 00",
                "< 01 72 01 01 'L' ac02 00",
                "> 00 72 02 01 'M' 01 01",
                "> 00 73 03 01 'M' 01",
                "< 01 73 03",
                "> 00 74 04 01 'L' ac02 00",
                "< 01 74 04 01",
                "< 02 72 02 06 'denied' 67",
            ],
        )
        .unwrap();
        assert!(shown[1].contains("sequence: 300"), "{shown:?}");
        assert!(shown[7].contains("(103): denied"), "{shown:?}");
    }
}

#[test]
fn requests_and_their_answers_are_read() {
    for version in 13..=15 {
        let shown = shows(
            version,
            &[
                "> 00 61 01 58 07 'default' 03 'a/b' 01 0a '$Principal' 05",
                "< 01 61 01",
                "> 00 55 02 03 'a/b' 04 'json' 05 bf 61 'a' 01 ff",
                "< 00 58 00 05 fcc3a486ebe0fb8fc101 01 03 'a/b' 01 0a '$Principal' 05 'admin' 06 'string' 03 62 'hi'",
                "> 01 58 00 05 'int64' 02 182a",
                "< 01 55 02 06 'binary' 02 0102",
                "> 00 56 03 fcc3a486ebe0fb8fc101 01 01 'p' 06 'double' 09 fb3ff8000000000000",
                "< 02 56 03 03 'no!' ab46",
                "> 00 66 04 07 01 'f' 01 'p' 04 'json' 01 01",
                "< 01 66 04 00 02",
                "< 00 67 00 07 fcc3a486ebe0fb8fc101 01 00 04 'json' 01 02",
                "< 00 67 00 07 fcc3a486ebe0fb8fc101 01 01 ab46 02 'no'",
                "> 00 62 05 58 07 'default' 03 'a/b' 01 0a '$Principal'",
                "< 01 62 05",
            ],
        )
        .unwrap();
        assert!(shown[2].ends_with(r#"a/b: json {"a":1}"#), "{shown:?}");
        assert!(shown[3].ends_with(r#"a/b: string "hi""#), "{shown:?}");
        assert!(shown[4].ends_with("int64 42"), "{shown:?}");
        assert!(shown[7].contains("(9003): no!"), "{shown:?}");
    }
}

#[test]
fn update_constraints_and_streams_are_read() {
    for version in [14, 15] {
        shows(
            version,
            &[
                "> 00 76 01 01 'a' 0f 01 01 00",
                "< 01 76 01",
                "> 00 76 02 01 'a' 0f 01 01 01 03 02 01 01 03 04 01 'L' 07",
                "< 02 76 02 03 'no!' b446",
                "> 00 7a 03 01 'a' 0f 00 01 01 06 01 02 '/a' 01 01 01 02 '/b'",
                "< 01 7a 03 01",
                "> 00 7d 04 01 'a' 0f 05",
                "< 01 7d 04 8101 02 03 04",
                "> 00 7e 05 01 'a' 0f 01 01 00",
                "< 01 7e 05 8101 02 03 04 01",
                "> 00 8201 06 01 'a' 0f 00 00",
                "< 01 8201 06 00 8101 02 03 04",
                "> 00 8301 07 01 'a' 0f 00 01 01 00",
                "< 01 8301 07 01 8101 02 03 04 01",
                "> 00 8001 08 8101020304 01 02",
                "< 01 8001 08",
                "> 00 8101 09 8101020304 01 f6",
                "< 01 8101 09",
                "> 00 7f 0a 8101020304",
                "< 01 7f 0a",
            ],
        )
        .unwrap();
    }
}

#[test]
fn answers_without_a_service_belong_to_the_call_of_the_other_side() {
    let shown = shows(
        29,
        &[
            "> 00 70 01 01 'a' 0f 00",
            "< 00 57 01 01 01 'a' 0f 00",
            "> 06 01",
            "< 06 01 00",
            "< 04 00000001 bf 61 'a' 01 ff",
        ],
    )
    .unwrap();
    assert!(
        shown[2].ends_with("response 1 subscription notification"),
        "{shown:?}"
    );
    assert!(
        shown[3].ends_with("response 1 add topic: Created"),
        "{shown:?}"
    );
    assert!(shown[4].ends_with(r#"value of a: {"a":1}"#), "{shown:?}");
    let error = shows(29, &["< 06 01 00"]).unwrap_err();
    assert!(error.contains("nothing was asked"), "{error}");
}

#[test]
fn time_series_are_read() {
    let shown = shows(
        29,
        &[
            "> 00 63 02 02 'ts' 04 'json' 05 bf 61 'a' 01 ff",
            "< 06 02 07 fbd095ffbc31 05 'alice'",
            "> 00 64 03 02 'ts' 04 'json' 07 01 01",
            "< 07 03 02 'no' aa46",
            "< 00 57 00 01 02 'ts' 10 01 1c 'TIME_SERIES_EVENT_VALUE_TYPE' 04 'json'",
            "< 04 00000001 00 07 fbd095ffbc31 05 'alice' 05 bf 61 'a' 01 ff",
            "> 00 54 04 02 'ts' 00 0a03 0003 0000 0003 ffffffffffffff0f",
            "< 06 04 04 'json' 02 02 00 05 81d095ffbc31 02 'al' 05 bf 61 'a' 01 ff 01 05 81d095ffbc31 02 'al' 09 89d095ffbc31 02 'bo' 05 bf 61 'a' 02 ff",
        ],
    )
    .unwrap();
    assert!(
        shown[5].contains(r#"event 7 at "#) && shown[5].ends_with(r#"{"a":1}"#),
        "{shown:?}"
    );
    assert!(shown[7].contains("2 of 2: event 5"), "{shown:?}");
}

#[test]
fn deltas_are_applied_to_what_was_sent_before() {
    let shown = shows(
        13,
        &[
            "< 00 57 00 01 01 'a' 0f 00",
            "< 04 00000001 bf 61 'a' 01 ff",
            "< 05 00000001 0003 41 02 0401",
            "< 85 00000001 789cfb060000f700f7",
        ],
    );
    let shown = shown.unwrap();
    assert!(shown[2].ends_with(r#"delta of a: {"a":2}"#), "{shown:?}");
    assert!(
        shown[3].ends_with(r#"compressed delta of a: {"a":2}"#),
        "{shown:?}"
    );
    let error = shows(
        13,
        &[
            "< 00 57 00 01 01 'a' 0f 00",
            "< 04 00000001 01",
            "< 05 00000001 0005",
        ],
    )
    .unwrap_err();
    assert!(error.contains("does not fit"), "{error}");
}

#[test]
fn what_is_wrong_with_a_message_is_told() {
    for (line, problem) in [
        ("> 00 f807 01", "1016 is not a known service"),
        ("> 00 03 01 02 'a'", "a length of 2"),
        ("> 00 03 01 01 'a' 00", "1 bytes are left over"),
        ("< 01 03 01 00", "1 bytes are left over"),
        ("< 01 70 01 07", "7 is not a known add topic result"),
        ("< 03", "3 is not a known message type"),
        ("< 06 01", "6 is not a known message type"),
        ("> 1d 00", "1 bytes are left over"),
    ] {
        let error = shows(13, &[line]).unwrap_err();
        assert!(error.contains(problem), "{line}: {error}");
    }
    for value in ["'x'", "bf", "01 01"] {
        let value = format!("< 04 00000001 {value}");
        let error = shows(13, &["< 00 57 00 01 01 'a' 0f 00", &value]).unwrap_err();
        assert!(error.contains("the value of a"), "{error}");
    }
}

#[test]
fn a_session_goes_on_in_another_connection() {
    let mut lines = conversation(
        29,
        &["< 00 57 00 01 01 'a' 0f 00", "> 06 00", "> 00 53 01 01 'a'"],
    );
    lines.push(
        r#"{"stream": 1, "connect": "/diffusion?v=29&ty=WB&ca=10&r=60000&c=tm%2BQ2wKv%2BDdUyh02R88WMn2l&cs=1&ss=1"}"#
            .to_owned(),
    );
    for hex in [
        "231d69c11fef06b0c921fc0000000000000001746d2b5132774b762b44645579683032523838574d6e326c0000000000015f9000000002",
        "0400000001 01",
        "060101",
    ] {
        let hex = hex.replace(' ', "");
        lines.push(format!(
            r#"{{"stream": 1, "from": "server", "hex": "{hex}"}}"#
        ));
    }
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let shown = inspect(&lines).unwrap();
    assert!(shown[5].contains("to get a session back"), "{shown:?}");
    assert!(shown[7].ends_with("value of a: 1"), "{shown:?}");
    assert!(shown[8].contains("response 1 remove topics"), "{shown:?}");
}

#[test]
fn connections_that_cannot_be_read_are_told() {
    let connect = |query: &str| format!(r#"{{"stream": 0, "connect": "/diffusion?{query}"}}"#);
    let refused = [connect("v=13&ty=WJ"), message("<", "23 0d 74")];
    let refused: Vec<&str> = refused.iter().map(String::as_str).collect();
    assert!(inspect(&refused).unwrap()[1].contains("116"));
    for (lines, problem) in [
        (vec![connect("v=12&ty=WJ")], "older than Diffusion 6.0"),
        (vec![connect("v=30&ty=WJ")], "newer than Diffusion 6.12"),
        (vec![connect("v=x&ty=WJ")], "not a protocol version"),
        (vec![message("<", "1c")], "no connect"),
        (vec![connect("v=13&ty=WJ"), message(">", "1d")], "before"),
        (
            vec![connect("v=13&ty=WJ"), message("<", "23 0d 01")],
            "response code",
        ),
        (
            vec![
                connect("v=13&ty=WJ"),
                message("<", "23 0d 74"),
                message("<", "1c"),
            ],
            "refused",
        ),
        (vec!["{}".to_owned()], "no number"),
        (vec!["x".to_owned()], "not JSON"),
        (
            vec![r#"{"stream": 0, "from": "client", "hex": "0"}"#.to_owned()],
            "hexadecimal",
        ),
    ] {
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let error = inspect(&lines).unwrap_err();
        assert!(error.contains(problem), "{lines:?}: {error}");
    }
}

#[test]
fn a_connect_without_a_query_has_its_version_elsewhere() {
    let response = conversation(15, &[]).remove(1);
    let shown = inspect(&[r#"{"stream": 0, "connect": "/diffusion"}"#, &response]).unwrap();
    assert!(shown[1].contains("version 15"), "{shown:?}");
    let headers = r#"{"stream": 0, "connect": "/diffusion", "headers": {"V": "15", "Ty": "WJ", "username": "x"}}"#;
    let shown = inspect(&[headers, &response]).unwrap();
    assert!(
        shown[0].contains(r#"version 15 as "WJ" by "x""#),
        "{shown:?}"
    );
}
