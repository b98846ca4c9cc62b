//! A long list in short pieces: things come and go anywhere in it without the rest being moved, and each has a height.
//!
//! Finding a place, or what is at a height, takes logarithmic time; adding at the end constant time; adding elsewhere as much
//! as there are pieces. Where nothing was measured yet, a height is an estimate.

/// What stands on a items.
pub trait Item {
    /// How high it is, in pixels.
    fn height(&self) -> u32;
}

/// How many things a piece holds at most.
const FULL: usize = 256;

/// The list.
#[derive(Debug)]
pub struct ItemList<T> {
    pieces: Vec<Piece<T>>,
}

#[derive(Debug)]
struct Piece<T> {
    items: Vec<T>,
    /// The place of its first item.
    start: usize,
    /// The height of all that is before it.
    top: u32,
}

impl<T> Default for ItemList<T> {
    fn default() -> Self {
        Self { pieces: Vec::new() }
    }
}

impl<T: Item> ItemList<T> {
    /// How many things there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pieces.last().map_or(0, Piece::end)
    }

    /// Whether there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// What is at a place.
    #[must_use]
    pub fn get(&self, place: usize) -> Option<&T> {
        let piece = self.pieces.get(self.piece_of(place))?;
        piece.items.get(place.checked_sub(piece.start)?)
    }

    /// Everything, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.pieces.iter().flat_map(|piece| &piece.items)
    }

    /// The first place where something is not so, in a list where all that are so come first.
    #[must_use]
    pub fn partition(&self, is_before: impl Fn(&T) -> bool) -> usize {
        let after = self
            .pieces
            .partition_point(|piece| piece.items.first().is_some_and(&is_before));
        let Some(piece) = after.checked_sub(1).and_then(|it| self.pieces.get(it)) else {
            return 0;
        };
        piece.start + piece.items.partition_point(is_before)
    }

    /// Puts something in at a place; what was there comes after it.
    pub fn insert(&mut self, place: usize, item: T) {
        let place = place.min(self.len());
        let height = item.height();
        let mut at = self.piece_of(place);
        // At the end of a piece rather than at the start of the next one, unless it is full.
        if at > 0
            && self.pieces.get(at).is_none_or(|piece| piece.start == place)
            && self
                .pieces
                .get(at - 1)
                .is_some_and(|piece| piece.items.len() < FULL)
        {
            at -= 1;
        }
        let top = self.top(place);
        match self.pieces.get_mut(at) {
            Some(piece) => {
                piece.items.insert(place - piece.start, item);
            }
            None => self.pieces.push(Piece {
                items: vec![item],
                start: place,
                top,
            }),
        }
        for piece in self.pieces.iter_mut().skip(at + 1) {
            piece.start += 1;
            piece.top = piece.top.saturating_add(height);
        }
        self.split(at);
    }

    /// Takes something out.
    pub fn remove(&mut self, place: usize) -> Option<T> {
        let at = self.piece_of(place);
        let piece = self.pieces.get_mut(at)?;
        let within = place.checked_sub(piece.start)?;
        if within >= piece.items.len() {
            return None;
        }
        let item = piece.items.remove(within);
        let empty = piece.items.is_empty();
        let height = item.height();
        for piece in self.pieces.iter_mut().skip(at + 1) {
            piece.start -= 1;
            piece.top = piece.top.saturating_sub(height);
        }
        if empty {
            self.pieces.remove(at);
        }
        Some(item)
    }

    /// Changes something where it is.
    pub fn update<R>(&mut self, place: usize, change: impl FnOnce(&mut T) -> R) -> Option<R> {
        let at = self.piece_of(place);
        let piece = self.pieces.get_mut(at)?;
        let item = piece.items.get_mut(place.checked_sub(piece.start)?)?;
        let before = item.height();
        let result = change(item);
        let after = item.height();
        if before != after {
            for piece in self.pieces.iter_mut().skip(at + 1) {
                piece.top = piece.top.saturating_sub(before).saturating_add(after);
            }
        }
        Some(result)
    }

    /// The height of all that is before a place.
    #[must_use]
    pub fn top(&self, place: usize) -> u32 {
        let Some(piece) = self.pieces.get(self.piece_of(place)).or(self.pieces.last()) else {
            return 0;
        };
        let before = piece.items.iter().take(place.saturating_sub(piece.start));
        before.fold(piece.top, |sum, item| sum.saturating_add(item.height()))
    }

    /// The place of what is at a height, counted from the start; the end, if it is all lower.
    #[must_use]
    pub fn at_height(&self, height: u32) -> usize {
        let after = self.pieces.partition_point(|piece| piece.top <= height);
        let Some(piece) = after.checked_sub(1).and_then(|it| self.pieces.get(it)) else {
            return 0;
        };
        let mut bottom = piece.top;
        for (within, item) in piece.items.iter().enumerate() {
            bottom = bottom.saturating_add(item.height());
            if bottom > height {
                return piece.start + within;
            }
        }
        piece.end()
    }

    /// The piece that holds a place; past the last one for what is past the end.
    fn piece_of(&self, place: usize) -> usize {
        self.pieces.partition_point(|piece| piece.end() <= place)
    }

    fn split(&mut self, at: usize) {
        let is_last = at + 1 == self.pieces.len();
        let Some(piece) = self.pieces.get_mut(at) else {
            return;
        };
        if piece.items.len() <= FULL {
            return;
        }
        // What grows at its end stays full behind; what grows in the middle has room on both sides.
        let kept = if is_last { FULL } else { FULL / 2 };
        let items = piece.items.split_off(kept);
        piece.items.shrink_to_fit();
        let (start, top) = (
            piece.end(),
            piece
                .items
                .iter()
                .fold(piece.top, |sum, item| sum.saturating_add(item.height())),
        );
        self.pieces.insert(at + 1, Piece { items, start, top });
    }
}

impl<T> Piece<T> {
    fn end(&self) -> usize {
        self.start + self.items.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Item for u32 {
        fn height(&self) -> u32 {
            self % 7
        }
    }

    /// Numbers that look random, the same each time.
    struct Dice(u32);

    impl Dice {
        fn below(&mut self, end: usize) -> usize {
            self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (self.0 >> 8) as usize % end.max(1)
        }
    }

    fn check(items: &ItemList<u32>, plain: &[u32]) {
        assert_eq!(items.len(), plain.len());
        assert_eq!(items.is_empty(), plain.is_empty());
        assert!(items.iter().eq(plain));
        let mut top = 0;
        for (place, item) in plain.iter().enumerate() {
            assert_eq!(items.get(place), Some(item));
            assert_eq!(items.top(place), top);
            if item.height() > 0 {
                assert_eq!(items.at_height(top), place);
            }
            top += item.height();
        }
        assert_eq!(items.get(plain.len()), None);
        assert_eq!(items.top(plain.len()), top);
        assert_eq!(items.at_height(top), plain.len());
    }

    #[test]
    fn a_shelf_is_a_list_whatever_is_done_to_it() {
        let mut dice = Dice(1);
        let (mut items, mut plain) = (ItemList::default(), Vec::new());
        check(&items, &plain);
        for step in 0..6_000 {
            let place = dice.below(plain.len() + 1);
            match dice.below(10) {
                0..4 => {
                    items.insert(plain.len(), step);
                    plain.push(step);
                }
                4..6 => {
                    items.insert(0, step);
                    plain.insert(0, step);
                }
                6..8 => {
                    items.insert(place, step);
                    plain.insert(place, step);
                }
                8 => {
                    let expected = (place < plain.len()).then(|| plain.remove(place));
                    assert_eq!(items.remove(place), expected);
                }
                _ => {
                    let changed = items.update(place, |item| *item = step);
                    assert_eq!(changed.is_some(), place < plain.len());
                    if let Some(item) = plain.get_mut(place) {
                        *item = step;
                    }
                }
            }
            if step % 500 == 0 {
                check(&items, &plain);
            }
        }
        check(&items, &plain);
        while !plain.is_empty() {
            let place = dice.below(plain.len());
            assert_eq!(items.remove(place), Some(plain.remove(place)));
        }
        check(&items, &plain);
    }

    #[test]
    fn what_is_in_order_is_found() {
        let mut items = ItemList::default();
        for number in 0..1_000 {
            items.insert(number as usize, number * 2);
        }
        for number in 0..2_000 {
            assert_eq!(
                items.partition(|item| *item < number),
                number.div_ceil(2) as usize
            );
        }
    }
}
