//! A list of which only what can be seen, and a margin, is in the document; the rest is empty space of its height, measured or
//! estimated.
//!
//! What the reader looks at stays where it is, whatever comes above or below it, and whatever turns out higher than estimated:
//! the *anchor* is an item and its distance from the upper edge of the *viewport*. After every change of the document the list is
//! measured, the empty space set, and the viewport scrolled so that the anchor stands where it stood. A reader at the end stays
//! at the end. A *scroll target* is an item that becomes the anchor, and is pointed out, once it is in the document.

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use send_wrapper::SendWrapper;
use wasm_bindgen::prelude::*;
use web_sys::{DomRect, Element, HtmlCollection, HtmlElement, ResizeObserver};

use super::viewport;
use crate::state::{
    Earlier, Focus, OpenRoom, RowSignal, ScrollTarget, SetIfChanged, Sight, Wanted,
};

/// How far from the end, in pixels, a reader still counts as being there.
const NEAR_END: f64 = 120.0;

/// Smaller differences, in pixels, are the browser's rounding.
const ROUNDING: f64 = 3.0;

/// How long the first messages of a room may take one after the other.
const FILL_DELAY: Duration = Duration::from_millis(500);

/// How often in one frame other rows are drawn where the reader looks, as what is drawn turns out to have another height. Without an
/// end to it, the reader could not scroll on.
const DRAWN_A_FRAME: u32 = 8;

/// How long a scroll target is pointed out.
const HIGHLIGHT_TIME: Duration = Duration::from_millis(2_500);

/// Where the reader looks.
#[derive(Clone, Copy)]
struct Anchor {
    /// The rank of the item.
    rank: u64,
    /// How far below the upper edge of the viewport it stands, in pixels.
    below_edge: f64,
}

/// The direction that the reader scrolls in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Up,
    Down,
}

impl Direction {
    fn of(downwards: f64) -> Self {
        if downwards < 0.0 {
            Self::Up
        } else {
            Self::Down
        }
    }
}

/// The elements of the list.
struct Elements {
    viewport: HtmlElement,
    content: HtmlElement,
    /// The items in the document, one child each, in order; each has its key in the attribute `data-key`.
    items: HtmlElement,
    /// The empty space above them.
    above: HtmlElement,
    /// The empty space below them.
    below: HtmlElement,
}

impl Elements {
    /// How high the viewport is, in pixels.
    fn height(&self) -> u32 {
        self.viewport.client_height().max(0) as u32
    }

    fn top(&self) -> f64 {
        f64::from(self.viewport.scroll_top())
    }

    /// How far it is to the end, in pixels.
    fn left(&self) -> f64 {
        f64::from(self.viewport.scroll_height()) - self.top() - f64::from(self.height())
    }

    /// How wide the viewport and how high the list in it is, in pixels.
    fn extent(&self) -> (i32, i32) {
        (self.viewport.client_width(), self.viewport.scroll_height())
    }

    /// Whether what there is does not fill the viewport: what was said last may be edits of older messages.
    fn has_space(&self) -> bool {
        self.viewport.scroll_height() <= self.viewport.client_height()
    }

    /// Where the upper edge of the viewport is on the screen.
    fn edge(&self) -> f64 {
        self.viewport.get_bounding_client_rect().top()
    }

    /// How far below the upper edge of the viewport an element stands.
    fn below_edge(&self, element: &Element) -> f64 {
        element.get_bounding_client_rect().top() - self.edge()
    }
}

/// Keeps a list in its place. Its view calls [`Self::scrolled`] on scroll events, and [`Self::settle`] when the document changed.
pub struct VirtualList {
    room: OpenRoom,
    viewport: NodeRef<html::Div>,
    content: NodeRef<html::Div>,
    /// Once they are in the document.
    elements: OnceCell<Elements>,
    /// Runs when something else can be seen: `sight` of the room says what.
    on_sight: Callback<()>,
    /// Whether the reader is at the end.
    at_end: Cell<bool>,
    /// Whether the end is out of sight.
    away: ArcRwSignal<bool>,
    anchor: Cell<Option<Anchor>>,
    /// The scroll target that is yet to be pointed out.
    target: Cell<Option<ScrollTarget>>,
    /// Whether it is waited for messages to fill the viewport.
    filling_space: Cell<bool>,
    /// How high the viewport was last, in pixels.
    last_height: Cell<f64>,
    /// How wide the viewport and how high the list in it was last, in pixels.
    last_extent: Cell<(i32, i32)>,
    /// Where the viewport was scrolled to last: by comparison it is known how far the reader has scrolled since.
    last_top: Cell<f64>,
    /// Whether the document has changed, and the list is not in its place yet.
    unsettled: Cell<bool>,
    /// Whether the list was off the screen: then it may come back scrolled to anywhere, and not by the reader.
    was_hidden: Cell<bool>,
    /// How often other rows were drawn since the last frame.
    drawn: Cell<u32>,
    /// The direction in which the reader went where something was missing: what comes may not be all of it.
    missed: Cell<Option<Direction>>,
    /// The item that had the focus when the document was about to change.
    focused: RefCell<Option<HtmlElement>>,
}

impl VirtualList {
    /// The list of a room's messages: `viewport` scrolls `content`, whose children are the empty space above, the list of items, and
    /// the empty space below. It observes its size, and is kept in its place for as long as the current owner lives.
    pub fn new(
        room: OpenRoom,
        viewport: NodeRef<html::Div>,
        content: NodeRef<html::Div>,
        away: ArcRwSignal<bool>,
        on_sight: Callback<()>,
    ) -> Rc<Self> {
        let list = Rc::new(Self {
            room,
            viewport,
            content,
            elements: OnceCell::new(),
            on_sight,
            at_end: Cell::new(true),
            away,
            anchor: Cell::new(None),
            target: Cell::new(None),
            filling_space: Cell::new(false),
            last_height: Cell::new(0.0),
            last_extent: Cell::default(),
            last_top: Cell::new(0.0),
            unsettled: Cell::new(false),
            was_hidden: Cell::new(true),
            drawn: Cell::new(0),
            missed: Cell::new(None),
            focused: RefCell::new(None),
        });
        let effect = |run: fn(&Rc<Self>)| {
            let list = Rc::clone(&list);
            Effect::new(move |_| run(&list));
        };
        effect(Self::observe_size);
        // After the rows: whose effect was made first runs first, and both run before the browser does anything else.
        effect(|list| {
            list.room.rows.track();
            list.room.extent.track();
            list.room.oldest.track();
            list.settle();
        });
        let ended = Rc::clone(&list);
        Effect::new(move |before: Option<usize>| {
            let times = ended.room.to_end.get();
            if before.is_some_and(|before| before != times) {
                ended.scroll_to_end();
            }
            times
        });
        let gone = list.room.sight.clone();
        on_cleanup(move || gone.set(None));
        effect(|list| {
            if let Some(target) = list.room.scroll_target.get() {
                list.room.scroll_target.set(None);
                list.scroll_to_item(target);
            }
        });
        list
    }

    fn elements(&self) -> Option<&Elements> {
        if self.elements.get().is_none() {
            let content = self.content.try_get_untracked()??;
            let child = |place| content.children().item(place)?.dyn_into().ok();
            let found = Elements {
                viewport: self.viewport.try_get_untracked()??.into(),
                above: child(0)?,
                items: child(1)?,
                below: child(2)?,
                content: content.into(),
            };
            // It is empty: nothing else fills it.
            let _ = self.elements.set(found);
        }
        self.elements.get()
    }

    fn observe_size(self: &Rc<Self>) {
        let Some(elements) = self.elements() else {
            return;
        };
        let list = Rc::downgrade(self);
        let resized = Closure::<dyn FnMut()>::new(move || {
            if let Some(list) = list.upgrade() {
                list.settle();
            }
        });
        let Ok(observer) = ResizeObserver::new(resized.as_ref().unchecked_ref()) else {
            return;
        };
        observer.observe(&elements.viewport);
        observer.observe(&elements.items);
        let kept = SendWrapper::new((observer, resized));
        on_cleanup(move || kept.0.disconnect());
    }

    /// Notes what has the focus. `<For>` moves the items that stand after several new ones, and what is moved loses the focus.
    pub fn note_focus(&self) {
        let focused = document().active_element();
        let focused = focused.and_then(|it| it.dyn_into::<HtmlElement>().ok());
        let items = self.elements().map(|elements| &elements.items);
        let is_inside = |it: &HtmlElement| items.is_some_and(|items| items.contains(Some(it)));
        self.focused.replace(focused.filter(is_inside));
    }

    fn restore_focus(&self) {
        let Some(focused) = self.focused.take().filter(|element| element.is_connected()) else {
            return;
        };
        if document().active_element().as_ref() != Some(focused.as_ref()) {
            let options = web_sys::FocusOptions::new();
            options.set_prevent_scroll(true);
            // It could be focused before.
            let _ = focused.focus_with_options(&options);
        }
    }

    /// The document has changed: measures it, and brings the anchor back into its place.
    pub fn settle(self: &Rc<Self>) {
        let Some(elements) = self.elements() else {
            return;
        };
        if elements.height() == 0 {
            self.was_hidden.set(true);
            return; // It is not on the screen. Once it is, its size has changed.
        }
        let is_drawn = self.is_drawn(elements);
        self.unsettled.set(!is_drawn);
        if !is_drawn {
            self.settle_once_drawn();
            return;
        }
        self.restore_focus();
        let moved = self.moved(elements);
        self.measure(elements);
        let extent = *self.room.extent.read_untracked();
        set_height(&elements.above, extent.above);
        set_height(&elements.below, extent.below);
        if moved < -ROUNDING && self.at_end.replace(false) {
            self.set_anchor(elements);
        } else {
            self.shift_anchor(-moved);
        }
        // What stands at the end keeps its distance to it when the box below grows or shrinks.
        let height = f64::from(elements.height());
        let grown = height - self.last_height.replace(height);
        if grown != height {
            self.shift_anchor(grown);
        }
        self.put_in_place(elements);
        self.last_extent.set(elements.extent());
        if moved.abs() >= 1.0 && !self.at_end.get() {
            // Where the reader has scrolled to, something else may be in sight.
            self.set_anchor(elements);
        }
        self.follow(elements);
        if moved.abs() >= 1.0 {
            self.request_missing(elements, Direction::of(moved));
        } else if let Some(direction) = self.missed.take() {
            self.request_missing(elements, direction);
        } else if elements.has_space() {
            self.fill_space();
        }
        self.note_sight(elements);
    }

    fn shift_anchor(&self, down: f64) {
        let shifted = self.anchor.get().map(|anchor| Anchor {
            below_edge: anchor.below_edge + down,
            ..anchor
        });
        self.anchor.set(shifted);
    }

    /// Requests earlier messages for the space that is left, if it is still left when what is on its way has come.
    fn fill_space(self: &Rc<Self>) {
        if self.filling_space.replace(true) {
            return;
        }
        let list = Rc::downgrade(self);
        let fill = move || {
            let Some(list) = list.upgrade() else { return };
            list.filling_space.set(false);
            if let Some(elements) = list.elements().filter(|it| it.has_space()) {
                list.request_missing(elements, Direction::Up);
            }
        };
        set_timeout(fill, FILL_DELAY);
    }

    /// Says what can be seen: of the last message at least half.
    fn note_sight(&self, elements: &Elements) {
        let edge = elements.edge();
        let bottom = edge + f64::from(elements.height());
        let children = elements.items.children();
        let first = first_child(&children, |it| it.bottom() > edge);
        let after = first_child(&children, |it| it.top() + it.height() / 2.0 > bottom);
        let last = after.checked_sub(1).and_then(|last| self.rank(last));
        let sight = self.rank(first).zip(last).map(|(first, last)| Sight {
            first,
            last,
            at_end: self.at_end.get(),
        });
        self.room.sight.set_if_changed(sight);
        self.on_sight.run(());
    }

    /// As a rule the rows are drawn by what runs next, before anything else can happen; at the latest with the next frame.
    fn settle_once_drawn(self: &Rc<Self>) {
        let list = Rc::downgrade(self);
        let settle = move || {
            let list = list.upgrade();
            let drawn = list.filter(|list| list.elements().is_some_and(|it| list.is_drawn(it)));
            drawn.as_ref().map(Self::settle).is_some()
        };
        spawn_local(async move {
            if !settle() {
                request_animation_frame(move || {
                    settle();
                });
            }
        });
    }

    /// How far down the reader has scrolled since the last look. The browser's event for it comes with the next frame, and the
    /// document may change before that.
    fn moved(&self, elements: &Elements) -> f64 {
        let top = elements.top();
        let moved = top - self.last_top.replace(top);
        let is_cut_short = moved < 0.0 && elements.left() <= ROUNDING;
        if self.was_hidden.replace(false) || is_cut_short {
            return 0.0; // The list has become shorter, that is all.
        }
        moved
    }

    /// Scrolls to where the anchor stands where it stood.
    fn put_in_place(&self, elements: &Elements) {
        if self.at_end.get() {
            self.scroll_to(elements, f64::from(elements.viewport.scroll_height()));
            return;
        }
        let Some(anchor) = self.anchor.get() else {
            return;
        };
        let Some(item) = self.item(elements, anchor.rank) else {
            return;
        };
        let wrong = elements.below_edge(&item) - anchor.below_edge;
        if wrong.abs() >= 1.0 {
            self.scroll_to(elements, elements.top() + wrong);
        }
        if let Some(target) = self.target.get()
            && target.rank == anchor.rank
        {
            self.target.set(None);
            point_out(item, target.focus);
        }
    }

    /// Whether the rows are in the document as the room has them: by the keys of the first and the last one, and their number.
    fn is_drawn(&self, elements: &Elements) -> bool {
        let children = elements.items.children();
        let rows = self.room.rows.read_untracked();
        let same = |place: usize| {
            let child = children.item(place as u32);
            let key = child.and_then(|child| child.get_attribute("data-key"));
            key == rows.get(place).map(|row| row.key.to_string())
        };
        children.length() as usize == rows.len() && same(0) && same(rows.len().saturating_sub(1))
    }

    /// The viewport was scrolled, by the reader or by the page.
    pub fn scrolled(self: &Rc<Self>) {
        let Some(elements) = self.elements().filter(|it| self.is_drawn(it)) else {
            return; // What is drawn next brings everything into place.
        };
        if self.unsettled.get() || self.is_resized(elements) {
            // It was drawn since, or the window has another size, and the browser has scrolled a list that became shorter: what
            // stands at the upper edge now is not what the reader looks at.
            self.settle();
            if self.is_drawn(elements) {
                self.look_for_end(elements);
            }
            return;
        }
        let top = elements.top();
        let before = self.last_top.replace(top);
        self.look_for_end(elements);
        if top < before - ROUNDING && elements.left() > ROUNDING {
            self.at_end.set(false);
        }
        self.set_anchor(elements);
        self.follow(elements);
        self.request_missing(elements, Direction::of(top - before));
        self.note_sight(elements);
    }

    /// Sees whether the reader has come to the end.
    fn look_for_end(&self, elements: &Elements) {
        let left = elements.left();
        if left <= ROUNDING {
            // Whether the end of what is in the document is the end of the list.
            let extent = self.room.extent.read_untracked();
            self.at_end.set(extent.end == extent.len);
        }
        self.away.set_if_changed(left > NEAR_END);
    }

    /// Requests what is missing where the reader has scrolled to.
    fn request_missing(&self, elements: &Elements, direction: Direction) {
        let lacks_earlier = direction == Direction::Up
            && self.room.extent.read_untracked().start == 0
            && elements.top() < f64::from(elements.height());
        if lacks_earlier
            && *self.room.earlier.read_untracked() == Earlier::Unknown
            && self.room.offers_earlier()
        {
            self.room.want(Wanted::Earlier);
        }
        let lacks = self.request_gaps(elements) || lacks_earlier;
        self.missed.set(lacks.then_some(direction));
    }

    /// Scrolls to the end.
    pub fn scroll_to_end(self: &Rc<Self>) {
        let Some(elements) = self.elements() else {
            return;
        };
        self.at_end.set(true);
        self.anchor.set(None);
        self.last_top.set(elements.top());
        self.room.show_around(None, elements.height());
        self.settle();
        // What follows the change of the document brings it to the end.
        self.away.set_if_changed(false);
    }

    /// Scrolls to an item, and puts it a third of the way down.
    fn scroll_to_item(self: &Rc<Self>, target: ScrollTarget) {
        let Some(elements) = self.elements() else {
            return;
        };
        let rank = target.rank;
        self.at_end.set(false);
        self.last_top.set(elements.top());
        let below_edge = f64::from(elements.height()) / 3.0;
        self.anchor.set(Some(Anchor { rank, below_edge }));
        self.target.set(Some(target));
        self.room.show_around(Some(rank), elements.height());
        self.settle();
    }

    /// The element of the item of this rank, if it is in the document.
    fn item(&self, elements: &Elements, rank: u64) -> Option<Element> {
        let rows = self.room.rows.read_untracked();
        let place = rows.iter().position(|row| row.rank() == rank)?;
        elements.items.children().item(place as u32)
    }

    /// The rank of an item in the document, by its place there.
    fn rank(&self, place: u32) -> Option<u64> {
        let rows = self.room.rows.read_untracked();
        rows.get(place as usize).map(RowSignal::rank)
    }

    /// Whether the list has another size than when it was last brought into its place.
    fn is_resized(&self, elements: &Elements) -> bool {
        f64::from(elements.height()) != self.last_height.get()
            || elements.extent() != self.last_extent.get()
    }

    fn scroll_to(&self, elements: &Elements, top: f64) {
        elements.viewport.set_scroll_top(top.round() as i32);
        self.last_top.set(elements.top());
        let away = !self.at_end.get() && elements.left() > NEAR_END;
        self.away.set_if_changed(away);
    }

    /// Makes what stands at the upper edge the anchor.
    fn set_anchor(&self, elements: &Elements) {
        let edge = elements.edge();
        let children = elements.items.children();
        let low = first_child(&children, |it| it.bottom() > edge);
        let items = elements.items.get_bounding_client_rect();
        if items.bottom() > edge && items.top() < edge + f64::from(elements.height()) {
            let found = children.item(low).zip(self.rank(low));
            self.anchor.set(found.map(|(element, rank)| Anchor {
                rank,
                below_edge: elements.below_edge(&element),
            }));
            return;
        }
        // Only empty space can be seen: the reader has pulled the scroll bar far away.
        let height = edge - elements.content.get_bounding_client_rect().top();
        self.anchor.set(self.room.look(|timeline| {
            let place = timeline.at_height(height.max(0.0) as u32);
            let place = place.min(timeline.len().saturating_sub(1));
            Some(Anchor {
                rank: timeline.rank_at(place)?,
                below_edge: f64::from(timeline.top(place)) - height,
            })
        }));
    }

    /// Has the document follow the viewport.
    fn follow(self: &Rc<Self>, elements: &Elements) {
        let height = elements.height();
        if self.at_end.get() {
            if !self.room.is_at_end() {
                self.draw_around(None, height);
            }
            return;
        }
        let Some(anchor) = self.anchor.get() else {
            return;
        };
        let extent = *self.room.extent.read_untracked();
        let first = elements.below_edge(&elements.items);
        let last = first + elements.items.get_bounding_client_rect().height();
        let close = viewport::is_close(&extent, height, first, last);
        if close || self.room.is_at_end() {
            self.draw_around(Some(anchor.rank), height);
        }
    }

    fn draw_around(self: &Rc<Self>, rank: Option<u64>, height: u32) {
        let times = self.drawn.replace(self.drawn.get() + 1);
        if times == 0 {
            let list = Rc::downgrade(self);
            request_animation_frame(move || {
                if let Some(list) = list.upgrade()
                    && list.drawn.replace(0) > DRAWN_A_FRAME
                {
                    list.settle();
                }
            });
        }
        if times < DRAWN_A_FRAME {
            self.room.show_around(rank, height);
        }
    }

    /// Requests what is missing between messages in sight. Whether there is anything.
    fn request_gaps(&self, elements: &Elements) -> bool {
        let height = f64::from(elements.height());
        let mut found = false;
        let rows = self.room.rows.read_untracked();
        for (place, row) in rows.iter().enumerate() {
            let row = row.row.read_untracked();
            if !row.gap {
                continue;
            }
            let Some(element) = elements.items.children().item(place as u32) else {
                continue;
            };
            let at = elements.below_edge(&element);
            if at > -height && at < 2.0 * height {
                self.room.want(Wanted::Gap {
                    rank: row.entry.rank,
                    from_above: at > height / 2.0,
                });
                found = true;
            }
        }
        found
    }

    /// Takes the heights of all items in the document.
    fn measure(&self, elements: &Elements) {
        let rows = self.room.rows.read_untracked();
        let children = elements.items.children();
        let tops: Vec<f64> = (0..children.length())
            .filter_map(|place| Some(children.item(place)?.get_bounding_client_rect().top()))
            .chain([elements.items.get_bounding_client_rect().bottom()])
            .collect();
        let heights: Vec<(u64, u32)> = rows
            .iter()
            .zip(tops.windows(2))
            .map(|(row, tops)| {
                let height = (tops[1] - tops[0]).round().max(1.0);
                (row.rank(), height as u32)
            })
            .collect();
        drop(rows);
        self.room.measure(&heights);
    }
}

fn set_height(element: &HtmlElement, height: u32) {
    let height = [&height.to_string(), "px"].concat();
    // A height in pixels is valid.
    let _ = element.style().set_property("height", &height);
}

/// The place of the first child that is so; their number if none is. Those that are so come last.
fn first_child(children: &HtmlCollection, is_so: impl Fn(&DomRect) -> bool) -> u32 {
    let (mut low, mut high) = (0, children.length());
    while low < high {
        let middle = (low + high) / 2;
        let child = children.item(middle);
        if child.is_some_and(|it| is_so(&it.get_bounding_client_rect())) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

fn point_out(item: Element, focus: Focus) {
    if focus == Focus::Moves {
        // A message can have the focus.
        let _ = item.unchecked_ref::<HtmlElement>().focus();
    }
    // The name of the attribute is valid.
    let _ = item.set_attribute("data-sought", "true");
    let forget = move || {
        let _ = item.remove_attribute("data-sought");
    };
    set_timeout(forget, HIGHLIGHT_TIME);
}
