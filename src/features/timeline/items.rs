//! The items of a virtual list, in chunks: one can be inserted or removed anywhere without moving the rest, and each has a height.
//!
//! Finding an index, or the item at a height, takes logarithmic time; adding at the end constant time; adding elsewhere time in
//! proportion to the number of chunks. The height of an item that was never measured is an estimate.

/// What a list consists of.
pub trait Item {
    /// Its height, in pixels.
    fn height(&self) -> u32;
}

/// How many items a chunk holds at most.
const MAX_CHUNK: usize = 256;

/// The list.
#[derive(Debug)]
pub struct ItemList<T> {
    chunks: Vec<Chunk<T>>,
}

#[derive(Debug)]
struct Chunk<T> {
    items: Vec<T>,
    /// The place of its first item.
    start: usize,
    /// The height of all that is before it.
    top: u32,
}

impl<T> Default for ItemList<T> {
    fn default() -> Self {
        Self { chunks: Vec::new() }
    }
}

impl<T: Item> ItemList<T> {
    /// The number of items.
    pub fn len(&self) -> usize {
        self.chunks.last().map_or(0, Chunk::end)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// The item at a place.
    pub fn get(&self, place: usize) -> Option<&T> {
        let chunk = self.chunks.get(self.chunk_of(place))?;
        chunk.items.get(place.checked_sub(chunk.start)?)
    }

    /// All items, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.chunks.iter().flat_map(|chunk| &chunk.items)
    }

    /// The first place where something is not so, in a list where all that are so come first.
    pub fn partition(&self, is_before: impl Fn(&T) -> bool) -> usize {
        let after = self
            .chunks
            .partition_point(|chunk| chunk.items.first().is_some_and(&is_before));
        let Some(chunk) = after.checked_sub(1).and_then(|it| self.chunks.get(it)) else {
            return 0;
        };
        chunk.start + chunk.items.partition_point(is_before)
    }

    /// Inserts an item at a place, before what is there.
    pub fn insert(&mut self, place: usize, item: T) {
        let place = place.min(self.len());
        let height = item.height();
        let mut at = self.chunk_of(place);
        // At the end of a chunk rather than at the start of the next one, unless it is full.
        if at > 0
            && self.chunks.get(at).is_none_or(|chunk| chunk.start == place)
            && self
                .chunks
                .get(at - 1)
                .is_some_and(|chunk| chunk.items.len() < MAX_CHUNK)
        {
            at -= 1;
        }
        let top = self.top(place);
        match self.chunks.get_mut(at) {
            Some(chunk) => chunk.items.insert(place - chunk.start, item),
            None => self.chunks.push(Chunk {
                items: vec![item],
                start: place,
                top,
            }),
        }
        for chunk in self.chunks.iter_mut().skip(at + 1) {
            chunk.start += 1;
            chunk.top = chunk.top.saturating_add(height);
        }
        self.split(at);
    }

    /// Removes an item.
    pub fn remove(&mut self, place: usize) -> Option<T> {
        let at = self.chunk_of(place);
        let chunk = self.chunks.get_mut(at)?;
        let within = place.checked_sub(chunk.start)?;
        if within >= chunk.items.len() {
            return None;
        }
        let item = chunk.items.remove(within);
        let empty = chunk.items.is_empty();
        let height = item.height();
        for chunk in self.chunks.iter_mut().skip(at + 1) {
            chunk.start -= 1;
            chunk.top = chunk.top.saturating_sub(height);
        }
        if empty {
            self.chunks.remove(at);
        }
        Some(item)
    }

    /// Changes an item.
    pub fn update<R>(&mut self, place: usize, change: impl FnOnce(&mut T) -> R) -> Option<R> {
        let at = self.chunk_of(place);
        let chunk = self.chunks.get_mut(at)?;
        let item = chunk.items.get_mut(place.checked_sub(chunk.start)?)?;
        let before = item.height();
        let result = change(item);
        let after = item.height();
        if before != after {
            for chunk in self.chunks.iter_mut().skip(at + 1) {
                chunk.top = chunk.top.saturating_sub(before).saturating_add(after);
            }
        }
        Some(result)
    }

    /// The height of all that is before a place.
    pub fn top(&self, place: usize) -> u32 {
        let Some(chunk) = self.chunks.get(self.chunk_of(place)).or(self.chunks.last()) else {
            return 0;
        };
        chunk.top_of(place)
    }

    /// The place of what is at a height, counted from the start; the end, if it is all lower.
    pub fn at_height(&self, height: u32) -> usize {
        let after = self.chunks.partition_point(|chunk| chunk.top <= height);
        let Some(chunk) = after.checked_sub(1).and_then(|it| self.chunks.get(it)) else {
            return 0;
        };
        let mut bottom = chunk.top;
        for (within, item) in chunk.items.iter().enumerate() {
            bottom = bottom.saturating_add(item.height());
            if bottom > height {
                return chunk.start + within;
            }
        }
        chunk.end()
    }

    /// The chunk that holds a place; past the last one for what is past the end.
    fn chunk_of(&self, place: usize) -> usize {
        self.chunks.partition_point(|chunk| chunk.end() <= place)
    }

    fn split(&mut self, at: usize) {
        let is_last = at + 1 == self.chunks.len();
        let Some(chunk) = self.chunks.get_mut(at) else {
            return;
        };
        if chunk.items.len() <= MAX_CHUNK {
            return;
        }
        // What grows at its end stays full behind; what grows in the middle has room on both sides.
        let kept = if is_last { MAX_CHUNK } else { MAX_CHUNK / 2 };
        let items = chunk.items.split_off(kept);
        chunk.items.shrink_to_fit();
        let start = chunk.end();
        let top = chunk.top_of(start);
        self.chunks.insert(at + 1, Chunk { items, start, top });
    }
}

impl<T> Chunk<T> {
    fn end(&self) -> usize {
        self.start + self.items.len()
    }
}

impl<T: Item> Chunk<T> {
    /// The height of all that is before a place in it.
    fn top_of(&self, place: usize) -> u32 {
        let before = self.items.iter().take(place.saturating_sub(self.start));
        before.fold(self.top, |sum, item| sum.saturating_add(item.height()))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    impl Item for u32 {
        fn height(&self) -> u32 {
            self % 7
        }
    }

    /// Numbers that look random, the same each time.
    pub struct Dice(pub u32);

    impl Dice {
        pub fn below(&mut self, end: usize) -> usize {
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
    fn it_is_a_list_whatever_is_done_to_it() {
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
            let place = items.partition(|item| *item < number);
            assert_eq!(place, number.div_ceil(2) as usize);
        }
    }
}
