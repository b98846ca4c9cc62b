//! One line about what was said last in a room.

use super::element::{El, el};
use crate::browser;
use crate::model::directory::Listed;
use crate::model::time::At;

/// How much of a message is shown, in characters.
const EXCERPT: usize = 80;

/// Who said what, and when; none if nobody said anything.
pub(super) fn last_line(room: &Listed) -> Option<El> {
    let (by, text) = &room.last;
    if text.is_empty() {
        return None;
    }
    let mut line = el("small")
        .class("last")
        .test("directory-last")
        .attr("dir", "auto");
    if !by.is_empty() {
        line = line.child(el("bdi").text(by)).text(": ");
    }
    let text: String = text.chars().take(EXCERPT).collect();
    line = line.child(el("bdi").text(&text));
    if let Some(At::Instant { ms, day }) = &room.at {
        let today = browser::at(browser::now()).day() == Some(*day);
        let when = if today {
            browser::time_of_day(*ms)
        } else {
            browser::day(*ms, *day)
        };
        line = line.text(" · ").child(el("time").text(&when));
    }
    Some(line)
}
