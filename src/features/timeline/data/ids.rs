//! Which message has which id: looked up for every message that comes, so that none is shown twice.

/// An author, as a number, and the bits of an id.
type Name = (u64, u32);

/// How many names a piece holds at most.
const FULL: usize = 256;

/// Ids in order, in pieces, each with the rank of its message.
#[derive(Debug, Default)]
pub(super) struct Ids {
    pieces: Vec<Vec<(Name, u64)>>,
}

impl Ids {
    pub(super) fn get(&self, name: Name) -> Option<u64> {
        let piece = self.pieces.get(self.piece_of(name))?;
        let place = piece.binary_search_by_key(&name, |(name, _)| *name).ok()?;
        piece.get(place).map(|(_, rank)| *rank)
    }

    /// The highest rank of the messages with an id, whoever wrote them.
    pub(super) fn newest(&self, id: u64) -> Option<u64> {
        let of_id = |piece: &Vec<(Name, u64)>| {
            let from = piece.partition_point(|((known, _), _)| *known < id);
            let same = piece
                .iter()
                .skip(from)
                .take_while(|((known, _), _)| *known == id);
            same.map(|(_, rank)| *rank).max()
        };
        // Those of one id can be in several pieces.
        let pieces = self.pieces.iter().skip(self.piece_of((id, 0)));
        let near =
            pieces.take_while(|piece| piece.first().is_some_and(|((first, _), _)| *first <= id));
        near.filter_map(of_id).max()
    }

    /// Says where the message is, from now on.
    pub(super) fn set(&mut self, name: Name, rank: u64) {
        let at = self.piece_of(name);
        let Some(piece) = self.pieces.get_mut(at) else {
            self.pieces.push(vec![(name, rank)]);
            return;
        };
        match piece.binary_search_by_key(&name, |(name, _)| *name) {
            Ok(place) => piece[place].1 = rank,
            Err(place) => piece.insert(place, (name, rank)),
        }
        if piece.len() > FULL {
            let rest = piece.split_off(FULL / 2);
            self.pieces.insert(at + 1, rest);
        }
    }

    /// The piece that holds a name, or would.
    fn piece_of(&self, name: Name) -> usize {
        let after = self
            .pieces
            .partition_point(|piece| piece.first().is_some_and(|(first, _)| *first <= name));
        after.saturating_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found_whatever_order_they_come_in() {
        let mut ids = Ids::default();
        let scatter = |number: u64| number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for number in 0..5_000 {
            let name = (scatter(number), (number % 3) as u32);
            assert_eq!(ids.get(name), None);
            ids.set(name, number);
            ids.set(name, number + 1);
        }
        for number in 0..5_000 {
            assert_eq!(
                ids.get((scatter(number), (number % 3) as u32)),
                Some(number + 1)
            );
            assert_eq!(ids.get((scatter(number), 3)), None, "another author's");
            assert_eq!(ids.newest(scatter(number)), Some(number + 1));
        }
    }

    #[test]
    fn an_id_is_found_whoever_wrote_it() {
        let mut ids = Ids::default();
        assert_eq!(ids.newest(7), None);
        for author in 0..2_000 {
            ids.set((7, author), u64::from(author));
        }
        ids.set((6, 9), 9_000);
        ids.set((8, 0), 9_001);
        assert_eq!(ids.newest(7), Some(1_999));
        assert_eq!(ids.newest(5), None);
    }
}
