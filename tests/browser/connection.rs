//! How the connection stands.

use effusion::features::shell::ConnectionBadge;
use effusion::state::{Connection, Fault};
use leptos::prelude::*;
use leptos::task::tick;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::stage::{Stage, app};

#[wasm_bindgen_test]
async fn every_state_is_told_in_words() {
    let app = app();
    let stage = Stage::mount(app, || view! { <ConnectionBadge /> });
    for (state, word, said, shown, can_try) in [
        (Connection::Idle, "idle", "Not connected", "", false),
        (
            Connection::Connecting,
            "connecting",
            "Connecting…",
            "",
            false,
        ),
        (Connection::Connected, "connected", "Connected", "", false),
        (
            Connection::Recovering { seconds: 4 },
            "recovering",
            "Reconnecting…",
            "Reconnecting in 4 s",
            true,
        ),
        (
            Connection::Recovering { seconds: 0 },
            "recovering",
            "Reconnecting…",
            "Reconnecting now…",
            false,
        ),
        (
            Connection::Lost(Fault::TimedOut),
            "lost",
            "Disconnected",
            "",
            false,
        ),
    ] {
        app.connection.set(state);
        tick().await;
        assert_eq!(stage.attributes("connection-state", "data-state"), [word]);
        let text = stage.text("connection-state");
        assert_eq!(text, [said, shown, "Try now"].concat());
        assert_eq!(
            stage.one("reconnect").has_attribute("hidden"),
            !can_try,
            "{word}"
        );
    }
}

#[wasm_bindgen_test]
async fn the_countdown_is_not_read_out_each_second() {
    let app = app();
    let stage = Stage::mount(app, || view! { <ConnectionBadge /> });
    app.connection.set(Connection::Recovering { seconds: 9 });
    tick().await;
    let status = stage
        .place()
        .query_selector("[role=status]")
        .unwrap()
        .unwrap();
    assert_eq!(status.text_content().unwrap(), "Reconnecting…");
}
