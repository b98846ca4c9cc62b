//! An order of functions in which like stands beside like: what compresses a WebAssembly file looks back only so far.

use std::collections::HashMap;

/// Bytes in a row that two functions have in common, or have not.
const PIECE: usize = 5;
/// Pieces that more functions have are everywhere, and say nothing.
const RARE: usize = 60;
/// How many of the functions placed last the next one is compared with.
const NEAR: usize = 12;

/// The numbers of the functions with these bodies, in the order: each the one that has most in common with those just before.
pub fn order(bodies: &[&[u8]]) -> Vec<usize> {
    let (pieces, holders) = pieces(bodies);
    let mut left = vec![true; bodies.len()];
    let mut order: Vec<usize> = Vec::with_capacity(bodies.len());
    // When a piece has been counted last, by the length of the order.
    let mut counted = vec![0; holders.len()];
    let mut shared = vec![0.0_f32; bodies.len()];
    let mut next = (!bodies.is_empty()).then_some(0);
    while let Some(function) = next {
        order.push(function);
        left[function] = false;
        let mut candidates = Vec::new();
        for near in order.iter().rev().take(NEAR) {
            for &piece in &pieces[*near] {
                let holders = &holders[piece];
                if counted[piece] == order.len() || !(2..=RARE).contains(&holders.len()) {
                    continue;
                }
                counted[piece] = order.len();
                let weight = 1.0 / number(1 + holders.len()).ln();
                for &holder in holders.iter().filter(|holder| left[**holder]) {
                    if shared[holder] == 0.0 {
                        candidates.push(holder);
                    }
                    shared[holder] += weight;
                }
            }
        }
        // A long function has something of everything.
        let likeness = |candidate: &usize| {
            shared[*candidate] / number(pieces[*candidate].len() + 20).powf(0.7)
        };
        next = candidates
            .iter()
            .copied()
            .max_by(|one, other| likeness(one).total_cmp(&likeness(other)))
            .or_else(|| left.iter().position(|left| *left));
        for candidate in candidates {
            shared[candidate] = 0.0;
        }
    }
    order
}

/// The pieces of each function, numbered, and the functions that hold each piece.
fn pieces(bodies: &[&[u8]]) -> (Vec<Vec<usize>>, Vec<Vec<usize>>) {
    let mut numbers = HashMap::new();
    let mut holders: Vec<Vec<usize>> = Vec::new();
    let each = bodies.iter().enumerate().map(|(function, body)| {
        let mut own = Vec::new();
        for piece in body.windows(PIECE) {
            let number = *numbers.entry(piece).or_insert(holders.len());
            if number == holders.len() {
                holders.push(Vec::new());
            }
            if holders[number].last() != Some(&function) {
                holders[number].push(function);
                own.push(number);
            }
        }
        own
    });
    let pieces = each.collect();
    (pieces, holders)
}

#[allow(
    clippy::cast_precision_loss,
    reason = "it weighs, and need not be exact"
)]
fn number(count: usize) -> f32 {
    count as f32
}

#[cfg(test)]
mod tests {
    use super::order;

    #[test]
    fn like_stands_beside_like() {
        let bodies: [&[u8]; 6] = [
            b"the quick brown fox jumps",
            b"0123456789",
            b"a lazy dog sleeps all day",
            b"a quick brown fox sleeps",
            b"9876543210123456",
            b"that lazy dog sleeps by day",
        ];
        let order = order(&bodies);
        let place = |function| order.iter().position(|it| *it == function).unwrap();
        for (one, other) in [(0, 3), (1, 4), (2, 5)] {
            assert_eq!(place(one).abs_diff(place(other)), 1, "{order:?}");
        }
    }

    #[test]
    fn each_function_has_one_place() {
        let bodies = [&b"ab"[..], b"", b"abcdefgh", b"abcdefgh", b"ab"];
        let mut places = order(&bodies);
        places.sort_unstable();
        assert_eq!(places, [0, 1, 2, 3, 4]);
        assert!(order(&[]).is_empty());
    }
}
