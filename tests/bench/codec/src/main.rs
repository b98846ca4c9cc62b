//! Measures the codec natively. Reads hexadecimal lines from standard input, `value`, `edited value` and `delta` between
//! the two, apart by blanks; prints lines `operation rate`, one for each round, where a rate is operations a second.
//!
//! Arguments: rounds, and milliseconds for each.

use std::hint::black_box;
use std::io::{Read, stdin};
use std::time::{Duration, Instant};

use bytes::Bytes;
use codec_bench::{apply, decode, diff, encode};

/// What is measured, from one line.
struct Case {
    value: Bytes,
    edited: Bytes,
    delta: Bytes,
}

fn main() -> Result<(), String> {
    let mut arguments = std::env::args()
        .skip(1)
        .map(|argument| argument.parse::<u32>());
    let (Some(Ok(rounds)), Some(Ok(milliseconds))) = (arguments.next(), arguments.next()) else {
        return Err("give the number of rounds and the milliseconds of each".to_owned());
    };
    let mut input = String::new();
    stdin()
        .read_to_string(&mut input)
        .map_err(|error| error.to_string())?;
    let cases = input
        .lines()
        .map(|line| case(line).ok_or_else(|| format!("not three values in hexadecimal: {line}")))
        .collect::<Result<Vec<_>, _>>()?;
    let mut trees = Vec::new();
    for case in &cases {
        trees.push(decode(case.value.clone()).map_err(|error| error.to_string())?);
        if apply(&case.value, &case.delta).as_ref() != Ok(&case.edited) {
            return Err("a delta does not make the edited value".to_owned());
        }
    }
    let round = Duration::from_millis(milliseconds.into());
    // One more round than requested: the first is a warm-up and not printed.
    for number in 0..=rounds {
        let rates = [
            (
                "decode",
                rate(round, &cases, |case| {
                    drop(black_box(decode(case.value.clone())))
                }),
            ),
            (
                "encode",
                rate(round, &trees, |tree| drop(black_box(encode(tree)))),
            ),
            (
                "apply",
                rate(round, &cases, |case| {
                    drop(black_box(apply(&case.value, &case.delta)))
                }),
            ),
            (
                "diff",
                rate(round, &cases, |case| {
                    drop(black_box(diff(&case.value, &case.edited)))
                }),
            ),
        ];
        for (operation, rate) in rates.iter().filter(|_| number > 0) {
            println!("{operation} {rate}");
        }
    }
    Ok(())
}

/// How many times a second something can be done with one of the cases.
fn rate<T>(round: Duration, cases: &[T], operation: impl Fn(&T)) -> f64 {
    let started = Instant::now();
    let mut count = 0_u32;
    while started.elapsed() < round {
        cases.iter().for_each(&operation);
        count = count.saturating_add(u32::try_from(cases.len()).unwrap_or(u32::MAX));
    }
    f64::from(count) / started.elapsed().as_secs_f64()
}

fn case(line: &str) -> Option<Case> {
    let mut parts = line.split_whitespace().map(bytes_of);
    Some(Case {
        value: parts.next()??,
        edited: parts.next()??,
        delta: parts.next()??,
    })
}

fn bytes_of(hex: &str) -> Option<Bytes> {
    let pairs = hex.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}
