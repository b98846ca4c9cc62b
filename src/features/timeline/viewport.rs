//! Which messages are in the document: those in the viewport, and a margin above and below it.

use std::ops::Range;

/// A room with no more messages than this has all of them in the document.
const MAX_WHOLE: usize = 150;

/// How many messages are drawn at once.
const DRAWN_AT_ONCE: usize = 30;

/// How far a list has been drawn: at first only what can be seen, then the rest, so that nobody waits for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drawn(usize);

impl Default for Drawn {
    fn default() -> Self {
        Self(DRAWN_AT_ONCE)
    }
}

impl Drawn {
    /// What to draw next, if anything is left of a list of this many messages.
    pub fn next(self, len: usize) -> Option<Self> {
        (self.0 < len && len <= MAX_WHOLE).then_some(Self(self.0 + DRAWN_AT_ONCE))
    }
}

/// The list as far as it is in the document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// The first place in the document.
    pub start: usize,
    /// The place after the last one in the document.
    pub end: usize,
    /// How many messages there are.
    pub len: usize,
    /// The height of what comes before those in the document, in pixels.
    pub above: u32,
    /// The height of what comes after them.
    pub below: u32,
}

/// The places that are to be in the document: around a message, or up to the end, by a view of this height, in a list that
/// has been drawn so far. `top` says how high all is that stands before a place, and `at` what stands at a height.
pub fn around(
    len: usize,
    place: Option<usize>,
    view: u32,
    drawn: Drawn,
    top: impl Fn(usize) -> u32,
    at: impl Fn(u32) -> usize,
) -> Range<usize> {
    if len <= MAX_WHOLE {
        let newest = place.map_or(drawn.0, |_| len);
        return len.saturating_sub(newest)..len;
    }
    let margin = margin(view);
    let (start, end) = match place {
        None => (top(len).saturating_sub(view + margin), u32::MAX),
        Some(place) => {
            let top = top(place);
            let bottom = top.saturating_add(view).saturating_add(margin);
            (top.saturating_sub(margin), bottom)
        }
    };
    at(start)..at(end).saturating_add(1).min(len)
}

/// How much there is in the document above and below what can be seen.
fn margin(view: u32) -> u32 {
    view.max(800)
}

/// Whether the view, which is so high, has come close to an end of what is in the document, which stands from `first` to `last`
/// below its upper edge, while there is more beyond that end.
pub fn is_close(extent: &Extent, view: u32, first: f64, last: f64) -> bool {
    let near = f64::from(margin(view)) / 2.0;
    (extent.start > 0 && first > -near)
        || (extent.end < extent.len && last < f64::from(view) + near)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Messages of 50 pixels each.
    fn range(len: usize, place: Option<usize>, view: u32) -> Range<usize> {
        around(
            len,
            place,
            view,
            Drawn(MAX_WHOLE),
            |place| place as u32 * 50,
            |height| (height / 50).min(len as u32) as usize,
        )
    }

    #[test]
    fn a_small_room_is_there_as_a_whole() {
        assert_eq!(range(0, None, 500), 0..0);
        assert_eq!(range(150, Some(70), 500), 0..150);
    }

    #[test]
    fn what_can_be_seen_is_drawn_first() {
        let range = |len, place, drawn| around(len, place, 500, drawn, |_| 0, |_| 0);
        let first = Drawn::default();
        assert_eq!(range(20, None, first), 0..20);
        assert_eq!(first.next(20), None);
        assert_eq!(range(70, None, first), 40..70);
        let second = first.next(70).unwrap();
        assert_eq!(range(70, None, second), 10..70);
        let third = second.next(70).unwrap();
        assert_eq!(range(70, None, third), 0..70);
        assert_eq!(third.next(70), None);
        // Of a large room only what can be seen is drawn anyway.
        assert_eq!(first.next(MAX_WHOLE + 1), None);
        // Who goes to a message has all around it.
        assert_eq!(range(70, Some(3), first), 0..70);
    }

    #[test]
    fn of_a_large_room_there_is_what_can_be_seen_and_some_more() {
        assert_eq!(range(100_000, None, 1_000), 99_960..100_000);
        assert_eq!(range(100_000, Some(500), 1_000), 480..541);
        assert_eq!(range(100_000, Some(3), 1_000), 0..44);
        assert_eq!(range(100_000, Some(99_999), 1_000), 99_979..100_000);
        assert_eq!(range(1_000, Some(500), 0), 484..517);
    }

    #[test]
    fn the_document_follows_before_its_end_is_seen() {
        let extent = Extent {
            start: 10,
            end: 100,
            len: 1_000,
            above: 500,
            below: 45_000,
        };
        let close = |top| is_close(&extent, 1_000, 500.0 - top, 5_000.0 - top);
        assert!(close(900.0));
        assert!(!close(1_100.0));
        assert!(!close(3_400.0));
        assert!(close(3_600.0));
        let whole = Extent {
            start: 0,
            end: 1_000,
            ..extent
        };
        assert!(!is_close(&whole, 1_000, 0.0, 4_500.0));
    }
}
