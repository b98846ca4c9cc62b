//! The moderator's board: rules, flagged messages, what was done, and how much is said where.

use effusion_chat::RoomName;
use effusion_chat::moderation::{Deed, Rules};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::HtmlElement;

use super::element::{El, el, ticked, value_of};
use super::field::labelled;
use super::icon::{button, icon, icon_button};
use crate::browser;
use crate::i18n::use_i18n;
use crate::model::board::{ActivityRow, Flag, LogRow};
use crate::model::composing::Note;
use crate::session::board::{Board, Duty, Order, board as desk, keep_watch, order};
use crate::state::{App, Screen};
use crate::t;
use crate::words::{say, say_with};
use leptos::prelude::*;

/// For how long a button mutes, in minutes.
const MUTE: u32 = 15;

/// The board.
pub fn board(app: App) -> El {
    keep_watch(app);
    let board = desk();
    browser::focus("board");
    let back = move || app.screen.set(Screen::Chat);
    let header = el("header")
        .class("bar")
        .child(icon_button(
            "leave",
            say("Back to the rooms"),
            "board-back",
            back,
        ))
        .child(
            el("div")
                .class("title")
                .child(el("h1").text(say("Moderation"))),
        )
        .child_of(move || Some(duty(*board.duty.read())));
    let columns = el("div")
        .class("columns")
        .child(el("div").child(flagged(app, board)).child(log(app, board)))
        .child(
            el("div")
                .child(activity(board))
                .child(rules(app, board))
                .child(by_hand(app)),
        );
    el("main")
        .class("board")
        .id("board")
        .attr("tabindex", "-1")
        .child(header)
        .child(
            el("div")
                .attr("role", "status")
                .class("noted")
                .child_of(move || board.note.get().and_then(|note| noted(app, &note))),
        )
        .child(columns)
}

fn noted(app: App, note: &Note) -> Option<El> {
    let (Note::Info(text) | Note::Alert(text)) = note else {
        return None;
    };
    Some(
        el("p")
            .class(if note.is_alert() { "fault" } else { "done" })
            .test("board-note")
            .text(&app.i18n.show(text)),
    )
}

fn duty(duty: Duty) -> El {
    let (word, state) = match duty {
        Duty::Closed => (say("Not at the desk"), "closed"),
        Duty::LookingOn => (say("Another moderator keeps watch"), "looking-on"),
        Duty::Watching => (say("This window keeps watch"), "on-duty"),
    };
    el("span")
        .class("duty")
        .attr("data-state", state)
        .test("duty")
        .text(word)
}

fn section(id: &str, title: &str) -> El {
    let heading = [id, "-title"].concat();
    el("section")
        .attr("aria-labelledby", &heading)
        .test(id)
        .child(el("h2").attr("id", &heading).text(title))
}

fn flagged(app: App, board: &'static Board) -> El {
    section("flagged", say("Flagged messages"))
        .child_of(move || {
            board.flags.read().is_empty().then(|| {
                el("p")
                    .class("hint")
                    .text(say("What the rules find appears here."))
            })
        })
        .child(el("ol").class("flags").each(
            move || board.flags.get(),
            |flag| flag.number,
            move |flag| one_flag(app, &flag),
        ))
}

fn one_flag(app: App, flag: &Flag) -> El {
    let meta = el("p")
        .class("meta")
        .child(el("bdi").class("name").text(if flag.principal.is_empty() {
            say("somebody")
        } else {
            &flag.principal
        }))
        .text(" · ")
        .child(el("bdi").text(flag.room.as_str()))
        .text(" · ")
        .child(el("span").text(&flag.found));
    let mut item = el("li")
        .test("flag")
        .child(meta)
        .child(el("blockquote").attr("dir", "auto").text(&flag.text));
    if !flag.principal.is_empty() {
        let withdraw = |deed: Deed, minutes: u32, test: &'static str, words: &str| {
            let (principal, room, why) = (
                flag.principal.clone(),
                flag.room.clone(),
                flag.found.clone(),
            );
            let clicked = move || {
                order(
                    app,
                    Order::Withdraw {
                        deed,
                        principal: principal.clone(),
                        room: (deed != Deed::Locked).then(|| room.clone()),
                        minutes,
                        why: why.clone(),
                    },
                );
            };
            button("small", test, clicked).text(words)
        };
        let mute = t!(app.i18n, moderation_mute_for, count = MUTE);
        item = item.child(
            el("p")
                .class("buttons")
                .child(withdraw(Deed::Muted, MUTE, "flag-mute", &mute))
                .child(withdraw(
                    Deed::Removed,
                    0,
                    "flag-remove",
                    say("Remove from the room"),
                ))
                .child(withdraw(
                    Deed::Locked,
                    0,
                    "flag-lock",
                    say("Lock the account"),
                )),
        );
    }
    item
}

fn log(app: App, board: &'static Board) -> El {
    section("moderation-log", say("What was done"))
        .child_of(move || {
            board
                .log
                .read()
                .is_empty()
                .then(|| el("p").class("hint").text(say("Nothing so far.")))
        })
        .child(el("ol").class("log").each(
            move || board.log.get(),
            // An entry that was undone looks different.
            |row| row.sequence as usize * 2 + usize::from(row.undone),
            move |row| one_row(app, &row),
        ))
}

fn one_row(app: App, row: &LogRow) -> El {
    let number = row.sequence.to_string();
    let mut item = el("li")
        .test("log-row")
        .attr("data-deed", row.entry.deed.word())
        .child(el("span").class("number").text(&["#", &number].concat()))
        .child(
            el("span")
                .class("what")
                .child(
                    el("span")
                        .attr("dir", "auto")
                        .text(&app.i18n.show(&row.sentence())),
                )
                .child(
                    el("span")
                        .class("why")
                        .attr("dir", "auto")
                        .text(&row.entry.why),
                ),
        );
    if row.can_be_undone() {
        let sequence = row.sequence;
        item = item.child(
            button("small", "undo", move || order(app, Order::Undo(sequence)))
                .attr(
                    "aria-label",
                    &say_with("Undo number {number}", &[("number", &number)]),
                )
                .text(say("Undo")),
        );
    } else if row.undone {
        item = item.child(el("span").class("chip").text(say("undone")));
    }
    item
}

fn activity(board: &'static Board) -> El {
    section("activity", say("Activity"))
        .child(
            el("p")
                .class("hint")
                .text(say("Messages a minute in the last half hour.")),
        )
        .child_of(move || {
            let rows = board.activity.read().rows(browser::now());
            let mut list = el("ul").class("chart");
            for row in &rows {
                list = list.child(bars(row));
            }
            Some(list)
        })
}

fn bars(row: &ActivityRow) -> El {
    let most = row.minutes.iter().copied().max().unwrap_or(0).max(1);
    let mut chart = el("span").class("bars").attr("aria-hidden", "true");
    for count in &row.minutes {
        let bar = el("span");
        let node: &HtmlElement = bar.node().unchecked_ref();
        let share = (count * 100).div_ceil(most).to_string();
        // A bar without a height is a bar of none.
        let _ = node.style().set_property("height", &[&share, "%"].concat());
        chart = chart.child(bar);
    }
    let i18n = use_i18n();
    let total = i18n.number(row.total.into());
    let messages = t!(i18n, common_message_count, count = row.total);
    el("li")
        .test("activity-row")
        .child(el("bdi").text(row.room.as_str()))
        .child(chart)
        .child(
            el("span")
                .class("total")
                .child(el("span").attr("aria-hidden", "true").text(&total))
                .child(el("span").class("unseen").text(&messages)),
        )
}

/// The rules as they are being edited.
#[derive(Clone, Default)]
struct Draft {
    words: String,
    patterns: String,
    rules: Rules,
}

impl Draft {
    fn of(rules: &Rules) -> Self {
        Self {
            words: rules.words.join("\n"),
            patterns: rules.patterns.join("\n"),
            rules: rules.clone(),
        }
    }

    fn rules(&self) -> Rules {
        let lines = |text: &str| -> Vec<String> {
            let lines = text.lines().map(str::trim);
            lines
                .filter(|line| !line.is_empty())
                .map(str::to_owned)
                .collect()
        };
        Rules {
            words: lines(&self.words),
            patterns: lines(&self.patterns),
            ..self.rules.clone()
        }
    }
}

fn rules(app: App, board: &'static Board) -> El {
    // Rules that another moderator publishes meanwhile take the place of what is being edited.
    section("rules", say("Rules")).child_of(move || {
        let draft = ArcRwSignal::new(Draft::of(&board.rules.read()));
        Some(rules_form(app, draft))
    })
}

fn rules_form(app: App, draft: ArcRwSignal<Draft>) -> El {
    let text = |id: &str, label: &str, get: fn(&Draft) -> &String, set: fn(&mut Draft, String)| {
        let (shown, typed) = (draft.clone(), draft.clone());
        let area = el("textarea")
            .id(id)
            .attr("rows", "4")
            .attr("spellcheck", "false")
            .attr("dir", "auto")
            .prop_of("value", move || JsValue::from_str(get(&shown.read())))
            .on("input", move |event| {
                typed.update(|draft| set(draft, value_of(&event)))
            });
        labelled(id, label, area)
    };
    let number = |id: &str, label: &str, get: fn(&Rules) -> u32, set: fn(&mut Rules, u32)| {
        let (shown, typed) = (draft.clone(), draft.clone());
        let input = el("input")
            .id(id)
            .attr("type", "number")
            .attr("min", "0")
            .attr("max", "100000")
            .prop_of("value", move || {
                JsValue::from_str(&get(&shown.read().rules).to_string())
            })
            .on("change", move |event| {
                let number = value_of(&event).parse().unwrap_or(0);
                typed.update(|draft| set(&mut draft.rules, number));
            });
        labelled(id, label, input)
    };
    let (warned, warn) = (draft.clone(), draft.clone());
    let warn = el("label")
        .class("tick")
        .child(
            el("input")
                .attr("type", "checkbox")
                .test("rule-warn")
                .prop_of("checked", move || {
                    JsValue::from_bool(warned.read().rules.warn)
                })
                .on("change", move |event| {
                    warn.update(|draft| draft.rules.warn = ticked(&event));
                }),
        )
        .child(el("span").text(say("Tell the author in a direct message")));
    let published = draft.clone();
    let form = el("form")
        .on("submit", move |event| {
            event.prevent_default();
            order(app, Order::Publish(published.read_untracked().rules()));
        })
        .child(text(
            "rule-words",
            say("Words, one a line; a star stands for any letters before or after"),
            |draft| &draft.words,
            |draft, text| draft.words = text,
        ))
        .child(text(
            "rule-patterns",
            say("Regular expressions, one a line"),
            |draft| &draft.patterns,
            |draft, text| draft.patterns = text,
        ))
        .child(warn);
    let numbers = el("div")
        .class("numbers")
        .child(number(
            "rule-mute-after",
            say("Strikes until muted"),
            |rules| rules.mute_after,
            |rules, number| rules.mute_after = number,
        ))
        .child(number(
            "rule-remove-after",
            say("Strikes until removed"),
            |rules| rules.remove_after,
            |rules, number| rules.remove_after = number,
        ))
        .child(number(
            "rule-lock-after",
            say("Strikes until locked"),
            |rules| rules.lock_after,
            |rules, number| rules.lock_after = number,
        ))
        .child(number(
            "rule-strikes-last",
            say("Minutes a strike counts"),
            |rules| rules.strikes_last,
            |rules, number| rules.strikes_last = number,
        ))
        .child(number(
            "rule-mute-lasts",
            say("Minutes somebody is muted"),
            |rules| rules.mute_lasts,
            |rules, number| rules.mute_lasts = number,
        ));
    form.child(numbers)
        .child(
            el("p")
                .class("hint")
                .text(say("Zero stands for never, or for no end.")),
        )
        .child(
            el("button")
                .attr("type", "submit")
                .class("primary")
                .test("rules-button")
                .text(say("Put these rules in force")),
        )
}

fn by_hand(app: App) -> El {
    let principal = ArcRwSignal::new(String::new());
    let room = ArcRwSignal::new(String::new());
    let why = ArcRwSignal::new(String::new());
    let input = |id: &str, label: &str, into: &ArcRwSignal<String>| {
        let typed = into.clone();
        let input = el("input")
            .id(id)
            .attr("autocomplete", "off")
            .attr("dir", "auto")
            .on("input", move |event| typed.set(value_of(&event)));
        labelled(id, label, input)
    };
    let act = |deed: Deed, test: &'static str, words: &'static str| {
        let (principal, room, why) = (principal.clone(), room.clone(), why.clone());
        let clicked = move || {
            let principal = principal.read_untracked().trim().to_owned();
            let place = RoomName::parse(&room.read_untracked()).ok();
            let board = desk();
            if principal.is_empty() || (place.is_none() && deed != Deed::Locked) {
                board
                    .note
                    .set(Some(Note::Alert(crate::text!(moderation_target_missing))));
                return;
            }
            order(
                app,
                Order::Withdraw {
                    deed,
                    principal,
                    room: place.filter(|_| deed != Deed::Locked),
                    minutes: 0,
                    why: why.read_untracked().trim().to_owned(),
                },
            );
        };
        button("small", test, clicked).text(words)
    };
    section("by-hand", say("By hand"))
        .child(
            el("div")
                .class("pair")
                .child(input("hand-principal", say("Account"), &principal))
                .child(input("hand-room", say("Room"), &room)),
        )
        .child(input("hand-why", say("Why"), &why))
        .child(
            el("p")
                .class("buttons")
                .child(icon("people"))
                .child(act(Deed::Muted, "hand-mute", say("Mute")))
                .child(act(
                    Deed::Removed,
                    "hand-remove",
                    say("Remove from the room"),
                ))
                .child(act(Deed::Locked, "hand-lock", say("Lock the account"))),
        )
}
