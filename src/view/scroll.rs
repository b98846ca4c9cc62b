//! The list as it scrolls: only what can be seen, and some above and below it, is in the document; the rest is empty room of
//! the height that it has or will have.
//!
//! What somebody looks at stays where it is, whatever comes above or below it, and whatever turns out higher than it was
//! taken to be. Who looks at the newest message keeps looking at the newest.

use crate::state::SetIfChanged;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use leptos::task::spawn_local;
use wasm_bindgen::prelude::*;
use web_sys::{Element, HtmlElement, ResizeObserver};

use super::element::El;
use crate::features::timeline::viewport;
use crate::state::OpenRoom;
use leptos::prelude::*;

/// How far from the newest message, in pixels, a reader still counts as being there.
const NEAR: f64 = 120.0;

/// Differences of less than this many pixels are none: browsers round.
const ROUNDING: f64 = 3.0;

/// The attribute that says which message an element of the list is.
pub(super) const KEY: &str = "data-key";

/// For how long a message is pointed out, in milliseconds.
const POINTED_OUT: u64 = 2_500;

/// Asks for what is missing before a message, for who comes from below or from above.
pub(super) type Ask = dyn Fn(u64, bool);

/// Where somebody looks: a message by its rank, and how far below the upper edge of the list it stands.
#[derive(Clone, Copy)]
struct Anchor {
    rank: u64,
    below_edge: f64,
}

/// Where to somebody scrolls.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Up,
    Down,
}

/// Keeps the list where it is looked at.
pub(super) struct Scroll {
    room: OpenRoom,
    scroll: HtmlElement,
    log: HtmlElement,
    list: Element,
    above: HtmlElement,
    below: HtmlElement,
    /// Whether the newest message is looked at.
    at_end: Cell<bool>,
    /// Whether the newest message is out of sight, which is shown.
    away: ArcRwSignal<bool>,
    anchor: Cell<Option<Anchor>>,
    /// A message that is to be pointed out once it is there.
    sought: Cell<Option<u64>>,
    /// Where the list was scrolled to last, to tell who has scrolled, and which way.
    last_top: Cell<f64>,
    /// Whether what is in the document has changed, and is not in its place yet.
    unsettled: Cell<bool>,
    /// Whether the list was off the screen: then it may come back scrolled to anywhere, and nobody has done it.
    was_hidden: Cell<bool>,
    earlier: Box<dyn Fn()>,
    fill: Box<Ask>,
    /// Which way somebody went when something was missing where they look: what comes may not be all of it.
    missed: Cell<Option<Way>>,
    observer: RefCell<Option<ResizeObserver>>,
}

/// The elements that a list is made of.
pub(super) struct Elements<'a> {
    pub scroll: &'a El,
    pub log: &'a El,
    pub list: &'a El,
    pub above: &'a El,
    pub below: &'a El,
}

impl Scroll {
    /// Keeps the list in place from now on, for as long as it is there.
    pub(super) fn new(
        room: OpenRoom,
        elements: &Elements,
        away: ArcRwSignal<bool>,
        earlier: Box<dyn Fn()>,
        fill: Box<Ask>,
    ) -> Rc<Self> {
        let html = |el: &El| el.node().clone().unchecked_into::<HtmlElement>();
        let scroll = Rc::new(Self {
            room,
            scroll: html(elements.scroll),
            log: html(elements.log),
            list: elements.list.node().clone(),
            above: html(elements.above),
            below: html(elements.below),
            at_end: Cell::new(true),
            away,
            anchor: Cell::new(None),
            sought: Cell::new(None),
            last_top: Cell::new(0.0),
            unsettled: Cell::new(false),
            was_hidden: Cell::new(true),
            earlier,
            fill,
            missed: Cell::new(None),
            observer: RefCell::new(None),
        });
        scroll.watch();
        scroll
    }

    /// Heights change: of the list, and of what is in it.
    fn watch(self: &Rc<Self>) {
        let kept = Rc::downgrade(self);
        let resized = Closure::<dyn FnMut()>::new(move || {
            if let Some(scroll) = kept.upgrade() {
                scroll.settle();
            }
        });
        let Ok(observer) = ResizeObserver::new(resized.as_ref().unchecked_ref()) else {
            return;
        };
        observer.observe(&self.scroll);
        observer.observe(&self.list);
        self.observer.replace(Some(observer.clone()));
        let kept = send_wrapper::SendWrapper::new((observer, resized));
        on_cleanup(move || kept.0.disconnect());
    }

    /// What is in the document has changed: measures it, and brings back into place what is looked at.
    pub(super) fn settle(self: &Rc<Self>) {
        if self.scroll.client_height() <= 0 {
            self.was_hidden.set(true);
            return; // It is not on the screen yet. Once it is, its size has changed.
        }
        let is_drawn = self.is_drawn();
        self.unsettled.set(!is_drawn);
        if !is_drawn {
            let kept = Rc::downgrade(self);
            let again = move || {
                if let Some(scroll) = kept.upgrade().filter(|scroll| scroll.is_drawn()) {
                    scroll.settle();
                }
            };
            // As a rule it is drawn by what runs next, before anything else can happen.
            let kept = Rc::downgrade(self);
            spawn_local(async move {
                if kept.upgrade().is_some_and(|scroll| scroll.is_drawn()) {
                    again();
                } else {
                    request_animation_frame(again);
                }
            });
            return;
        }
        let moved = self.moved();
        self.measure();
        let extent = *self.room.extent.read_untracked();
        for (space, height) in [(&self.above, extent.above), (&self.below, extent.below)] {
            // A height in pixels is one that the browser takes.
            let _ = space
                .style()
                .set_property("height", &[&height.to_string(), "px"].concat());
        }
        if moved < -ROUNDING && self.at_end.replace(false) {
            self.look();
        } else if let Some(anchor) = self.anchor.get() {
            let below_edge = anchor.below_edge - moved;
            self.anchor.set(Some(Anchor {
                below_edge,
                ..anchor
            }));
        }
        self.put_in_place();
        self.follow();
        if moved.abs() >= 1.0 {
            self.ask(Way::of(moved));
        } else if let Some(way) = self.missed.take() {
            self.ask(way);
        }
    }

    /// How far somebody has scrolled since the list was looked at last, downwards. What a browser says of it comes with the
    /// next frame, and the document may change before that.
    fn moved(&self) -> f64 {
        let top = self.top();
        let moved = top - self.last_top.replace(top);
        let is_cut_short = moved < 0.0 && self.left() <= ROUNDING;
        if self.was_hidden.replace(false) || is_cut_short {
            return 0.0; // The list has become shorter, that is all.
        }
        moved
    }

    /// Scrolls to where what is looked at is where it was.
    fn put_in_place(&self) {
        if self.at_end.get() {
            self.scroll_to(f64::from(self.scroll.scroll_height()));
            return;
        }
        let Some(anchor) = self.anchor.get() else {
            return;
        };
        let Some(element) = self.element_of(anchor.rank) else {
            return;
        };
        let wrong = self.below_edge(&element) - anchor.below_edge;
        if wrong.abs() >= 1.0 {
            self.scroll_to(self.top() + wrong);
        }
        if self.sought.get() == Some(anchor.rank) {
            self.sought.set(None);
            point_out(element);
        }
    }

    /// Whether what is to be in the document is there. It comes a moment after it is known.
    fn is_drawn(&self) -> bool {
        let children = self.list.children();
        let rows = self.room.rows.read_untracked();
        let same = |place: usize| {
            let child = children.item(place as u32);
            let key = child.and_then(|child| child.get_attribute(KEY));
            key == rows.get(place).map(|row| row.key.to_string())
        };
        children.length() as usize == rows.len() && same(0) && same(rows.len().saturating_sub(1))
    }

    /// Somebody has scrolled, or the page has.
    pub(super) fn scrolled(self: &Rc<Self>) {
        if !self.is_drawn() {
            return; // What is drawn next brings everything into place.
        }
        if self.unsettled.get() {
            // It was drawn since: what stands at the upper edge now is not what somebody looks at.
            self.settle();
            if self.is_drawn() {
                self.look_for_end();
            }
            return;
        }
        let (top, before) = (self.top(), self.last_top.get());
        self.last_top.set(top);
        self.look_for_end();
        if top < before - ROUNDING && self.left() > ROUNDING {
            self.at_end.set(false);
        }
        self.look();
        self.follow();
        self.ask(Way::of(top - before));
    }

    /// Sees whether somebody has come to the end.
    fn look_for_end(&self) {
        let left = self.left();
        if left <= ROUNDING {
            self.at_end.set(self.is_whole_end());
        }
        self.away.set_if_changed(left > NEAR);
    }

    /// Asks for what is missing where somebody has scrolled to.
    fn ask(&self, way: Way) {
        let is_first = self.room.extent.read_untracked().start == 0;
        let view = f64::from(self.scroll.client_height());
        let lacks_earlier = way == Way::Up && is_first && self.top() < view;
        if lacks_earlier {
            (self.earlier)();
        }
        let lacks = self.look_for_gaps() || lacks_earlier;
        self.missed.set(lacks.then_some(way));
    }

    /// Goes to the newest message.
    pub(super) fn to_end(self: &Rc<Self>) {
        self.at_end.set(true);
        self.anchor.set(None);
        self.last_top.set(self.top());
        self.room.show_around(None, self.view());
        self.settle();
        // What follows the change of the document brings it to the end.
        self.away.set_if_changed(false);
    }

    /// Goes to a message, and puts it a third of the way down.
    pub(super) fn to(self: &Rc<Self>, rank: u64) {
        self.at_end.set(false);
        self.last_top.set(self.top());
        let below_edge = f64::from(self.scroll.client_height()) / 3.0;
        self.anchor.set(Some(Anchor { rank, below_edge }));
        self.sought.set(Some(rank));
        self.room.show_around(Some(rank), self.view());
        self.settle();
    }

    /// The element of a message, if it is in the document.
    pub(super) fn element_of(&self, rank: u64) -> Option<Element> {
        let rows = self.room.rows.read_untracked();
        let place = rows
            .iter()
            .position(|row| row.row.read_untracked().entry.rank == rank)?;
        self.list.children().item(place as u32)
    }

    fn view(&self) -> u32 {
        self.scroll.client_height().max(0) as u32
    }

    fn top(&self) -> f64 {
        f64::from(self.scroll.scroll_top())
    }

    /// How far it is to the end.
    fn left(&self) -> f64 {
        f64::from(self.scroll.scroll_height()) - self.top() - f64::from(self.scroll.client_height())
    }

    /// Whether what is in the document goes on to the newest message.
    fn is_whole_end(&self) -> bool {
        let extent = self.room.extent.read_untracked();
        extent.end == extent.len
    }

    fn scroll_to(&self, top: f64) {
        self.scroll.set_scroll_top(top.round() as i32);
        self.last_top.set(self.top());
        if self.at_end.get() {
            self.away.set_if_changed(false);
        } else {
            self.away.set_if_changed(self.left() > NEAR);
        }
    }

    /// How far below the upper edge of the list an element stands.
    fn below_edge(&self, element: &Element) -> f64 {
        element.get_bounding_client_rect().top() - self.scroll.get_bounding_client_rect().top()
    }

    /// Notes what stands at the upper edge.
    fn look(&self) {
        let edge = self.scroll.get_bounding_client_rect().top();
        let children = self.list.children();
        let rows = self.room.rows.read_untracked();
        let rank = |place: u32| Some(rows.get(place as usize)?.row.read_untracked().entry.rank);
        // The first one of which something can be seen.
        let (mut low, mut high) = (0, children.length());
        while low < high {
            let middle = (low + high) / 2;
            let hidden = children
                .item(middle)
                .is_some_and(|it| it.get_bounding_client_rect().bottom() <= edge);
            if hidden {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let list = self.list.get_bounding_client_rect();
        let view = f64::from(self.scroll.client_height());
        if list.bottom() > edge && list.top() < edge + view {
            let found = children.item(low).zip(rank(low));
            self.anchor.set(found.map(|(element, rank)| Anchor {
                rank,
                below_edge: self.below_edge(&element),
            }));
            return;
        }
        // Only room that is still empty can be seen: somebody has pulled the bar far away.
        let height = edge - self.log.get_bounding_client_rect().top();
        self.anchor.set(self.room.look(|timeline| {
            let place = timeline.at_height(height.max(0.0) as u32);
            let place = place.min(timeline.len().saturating_sub(1));
            Some(Anchor {
                rank: timeline.rank_at(place)?,
                below_edge: f64::from(timeline.top(place)) - height,
            })
        }));
    }

    /// Has the document follow what is looked at.
    fn follow(&self) {
        let view = self.view();
        if self.at_end.get() {
            if !self.room.is_at_end() {
                self.room.show_around(None, view);
            }
            return;
        }
        let Some(anchor) = self.anchor.get() else {
            return;
        };
        let extent = *self.room.extent.read_untracked();
        let first = self.below_edge(&self.list);
        let last = first + self.list.get_bounding_client_rect().height();
        let close = viewport::is_close(&extent, 0.0, view.into(), first, last);
        if close || self.room.is_at_end() {
            self.room.show_around(Some(anchor.rank), view);
        }
    }

    /// What is missing where somebody looks is asked for. Whether there is anything.
    fn look_for_gaps(&self) -> bool {
        let view = f64::from(self.scroll.client_height());
        let mut found = false;
        let rows = self.room.rows.read_untracked();
        for (place, row) in rows.iter().enumerate() {
            let row = row.row.read_untracked();
            if !row.gap {
                continue;
            }
            let Some(element) = self.list.children().item(place as u32) else {
                continue;
            };
            let at = self.below_edge(&element);
            if at > -view && at < 2.0 * view {
                (self.fill)(row.entry.rank, at > view / 2.0);
                found = true;
            }
        }
        found
    }

    /// Takes the heights of all that is in the document.
    fn measure(&self) {
        let rows = self.room.rows.read_untracked();
        let children = self.list.children();
        let tops: Vec<f64> = (0..children.length())
            .filter_map(|place| Some(children.item(place)?.get_bounding_client_rect().top()))
            .chain([self.list.get_bounding_client_rect().bottom()])
            .collect();
        let heights: Vec<(u64, u32)> = rows
            .iter()
            .zip(tops.windows(2))
            .map(|(row, tops)| {
                let height = (tops[1] - tops[0]).round().max(1.0);
                (row.row.read_untracked().entry.rank, height as u32)
            })
            .collect();
        drop(rows);
        self.room.measure(&heights);
    }
}

impl Way {
    fn of(downwards: f64) -> Self {
        if downwards < 0.0 {
            Self::Up
        } else {
            Self::Down
        }
    }
}

fn point_out(element: Element) {
    // The name of the attribute is a fixed one, and right.
    let _ = element.set_attribute("data-sought", "true");
    set_timeout(
        move || {
            let _ = element.remove_attribute("data-sought");
        },
        Duration::from_millis(POINTED_OUT),
    );
}
