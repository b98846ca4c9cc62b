//! Guessing passwords and tokens: who failed too often has to wait.
//!
//! Three counts, each with its own answer to an attacker:
//! - a principal from one address: the usual guessing, which is made slow at once;
//! - an address, whatever the principal: a list of names is tried with a few passwords each;
//! - a principal from all addresses: many machines source together. This one must not shut out the principal's owner, so its
//!   wait is short, and it does not concern addresses from which the principal has signed in before.
//!
//! An attempt that has to wait is refused without a look at the credentials, and does not count: so a wait ends, however
//! often somebody knocks meanwhile. Principals that do not exist are counted in the same way, so that waiting tells
//! nothing. All memory is bounded; the oldest entries go first. Times are those of the monotonic clock.

use core::hash::Hash;
use core::net::{IpAddr, Ipv6Addr};
use std::collections::{BTreeSet, HashMap};

use crate::config::AttemptLimits;

/// How long an entry is remembered after its last failure, in milliseconds.
const MEMORY_MS: u64 = 15 * 60 * 1000;
/// The first wait, in milliseconds; each further failure doubles it.
const FIRST_WAIT_MS: u64 = 1_000;

/// Characters of a principal's name that are kept.
const LONGEST_NAME: usize = 64;

/// Failures of one kind of guesser.
#[derive(Debug)]
struct Failures<K> {
    entries: HashMap<K, Entry>,
    /// The entries by their last failure.
    order: BTreeSet<(u64, K)>,
    most: usize,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    failures: u32,
    last: u64,
    /// Until when attempts are refused.
    until: u64,
}

impl<K: Clone + Eq + Hash + Ord> Failures<K> {
    fn new(most: usize) -> Self {
        Self {
            entries: HashMap::new(),
            order: BTreeSet::new(),
            most,
        }
    }

    fn until(&self, key: &K) -> u64 {
        self.entries.get(key).map_or(0, |entry| entry.until)
    }

    /// One more failure: `free` of them cost nothing, then the wait doubles up to `longest`.
    fn failed(&mut self, now: u64, key: K, free: u32, longest: u64) {
        let before = self.forget(&key);
        while let Some((last, oldest)) = self.order.first().cloned() {
            let is_old = now.saturating_sub(last) >= MEMORY_MS;
            if !is_old && self.entries.len() < self.most {
                break;
            }
            self.forget(&oldest);
        }
        if self.most == 0 {
            return;
        }
        let failures = before
            .filter(|entry| now.saturating_sub(entry.last) < MEMORY_MS)
            .map_or(1, |entry| entry.failures.saturating_add(1));
        let wait = failures.checked_sub(free).map_or(0, |over| {
            let doubled = FIRST_WAIT_MS.checked_shl(over).filter(|_| over < 32);
            doubled.unwrap_or(u64::MAX).min(longest)
        });
        let entry = Entry {
            failures,
            last: now,
            until: now.saturating_add(wait),
        };
        self.order.insert((now, key.clone()));
        self.entries.insert(key, entry);
    }

    /// Takes back a failure that was counted before it was one.
    fn forgive(&mut self, key: &K) {
        if let Some(entry) = self.entries.get_mut(key) {
            entry.failures = entry.failures.saturating_sub(1);
            entry.until = 0;
        }
    }

    fn has_used_up(&self, key: &K, free: u32) -> bool {
        let failures = self.entries.get(key).map_or(0, |entry| entry.failures);
        failures >= free
    }

    fn forget(&mut self, key: &K) -> Option<Entry> {
        let entry = self.entries.remove(key)?;
        self.order.remove(&(entry.last, key.clone()));
        Some(entry)
    }
}

/// Who tries to sign in, from where.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// `None` for a token that comes without a name.
    principal: Option<String>,
    address: IpAddr,
}

impl Source {
    pub(crate) fn new(principal: Option<&str>, address: &str) -> Self {
        Self {
            // Names are bounded, because whoever fails chooses them.
            principal: principal.map(|name| name.chars().take(LONGEST_NAME).collect()),
            address: network(address),
        }
    }

    fn pair(&self) -> Option<(String, IpAddr)> {
        Some((self.principal.clone()?, self.address))
    }
}

/// An attempt whose credentials are being looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt {
    /// Whether it counts as a failure already.
    is_counted: bool,
}

/// Who failed to sign in lately, and who did not.
#[derive(Debug)]
pub(crate) struct Throttle {
    limits: AttemptLimits,
    pairs: Failures<(String, IpAddr)>,
    addresses: Failures<IpAddr>,
    principals: Failures<String>,
    /// Where principals have signed in from, by when they last did.
    known: HashMap<(String, IpAddr), u64>,
    known_order: BTreeSet<(u64, (String, IpAddr))>,
}

impl Throttle {
    pub(crate) fn new(limits: AttemptLimits) -> Self {
        Self {
            limits,
            pairs: Failures::new(limits.remembered),
            addresses: Failures::new(limits.remembered),
            principals: Failures::new(limits.remembered),
            known: HashMap::new(),
            known_order: BTreeSet::new(),
        }
    }

    /// Whether the credentials of an attempt may be looked at.
    ///
    /// # Errors
    /// How many milliseconds it has to wait first.
    pub(crate) fn begin(&mut self, now: u64, source: &Source) -> Result<Attempt, u64> {
        let mut until = self.addresses.until(&source.address);
        let mut is_suspect = self
            .addresses
            .has_used_up(&source.address, self.limits.free_per_address);
        if let Some(pair) = source.pair() {
            until = until.max(self.pairs.until(&pair));
            is_suspect |= self.pairs.has_used_up(&pair, self.limits.free);
            if !self.known.contains_key(&pair) {
                let principal = &pair.0;
                until = until.max(self.principals.until(principal));
                is_suspect |= self
                    .principals
                    .has_used_up(principal, self.limits.free_per_principal);
            }
        }
        match until.checked_sub(now) {
            Some(wait) if wait > 0 => Err(wait),
            _ if is_suspect => {
                // Counted at once: many attempts at the same moment are not one.
                self.count(now, source);
                Ok(Attempt { is_counted: true })
            }
            _ => Ok(Attempt { is_counted: false }),
        }
    }

    pub(crate) fn failed(&mut self, now: u64, source: &Source, attempt: Attempt) {
        if !attempt.is_counted {
            self.count(now, source);
        }
    }

    fn count(&mut self, now: u64, source: &Source) {
        let AttemptLimits {
            free,
            free_per_address,
            free_per_principal,
            longest_wait_ms: longest,
            longest_wait_per_principal_ms,
            ..
        } = self.limits;
        self.addresses
            .failed(now, source.address, free_per_address, longest);
        if let Some(pair) = source.pair() {
            self.principals.failed(
                now,
                pair.0.clone(),
                free_per_principal,
                longest_wait_per_principal_ms,
            );
            self.pairs.failed(now, pair, free, longest);
        }
    }

    /// The address's other failures stay: someone with one account must not be able to source at others for free.
    pub(crate) fn succeeded(&mut self, now: u64, source: &Source, attempt: Attempt) {
        if attempt.is_counted {
            self.addresses.forgive(&source.address);
        }
        let Some(pair) = source.pair() else {
            return;
        };
        if attempt.is_counted {
            self.principals.forgive(&pair.0);
        }
        self.pairs.forget(&pair);
        if let Some(before) = self.known.remove(&pair) {
            self.known_order.remove(&(before, pair.clone()));
        } else if self.known.len() >= self.limits.remembered
            && let Some((_, oldest)) = self.known_order.pop_first()
        {
            self.known.remove(&oldest);
        }
        if self.limits.remembered > 0 {
            self.known_order.insert((now, pair.clone()));
            self.known.insert(pair, now);
        }
    }
}

/// What counts as one address wherever clients are counted: of IPv6, the /64 that a single household or host usually has to
/// itself.
#[must_use]
pub fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// [`network_of`] an address as text. Peers without an address are one.
pub(crate) fn network(address: &str) -> IpAddr {
    let parsed = address.parse().map(network_of);
    parsed.unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: AttemptLimits = AttemptLimits {
        free: 3,
        free_per_address: 6,
        free_per_principal: 10,
        longest_wait_ms: 60_000,
        longest_wait_per_principal_ms: 5_000,
        remembered: 100,
    };

    /// An attempt that fails, if it does not have to wait.
    fn fail(throttle: &mut Throttle, now: u64, principal: &str, address: &str) -> Result<(), u64> {
        let source = Source::new(Some(principal), address);
        let attempt = throttle.begin(now, &source)?;
        throttle.failed(now, &source, attempt);
        Ok(())
    }

    fn succeed(throttle: &mut Throttle, now: u64, principal: &str, address: &str) {
        let source = Source::new(Some(principal), address);
        let attempt = throttle.begin(now, &source).unwrap();
        throttle.succeeded(now, &source, attempt);
    }

    /// How long an attempt would have to wait.
    fn wait(throttle: &Throttle, now: u64, principal: &str, address: &str) -> u64 {
        let source = Source::new(Some(principal), address);
        let pair = source.pair().unwrap();
        let mut until = throttle.addresses.until(&source.address);
        until = until.max(throttle.pairs.until(&pair));
        if !throttle.known.contains_key(&pair) {
            until = until.max(throttle.principals.until(&pair.0));
        }
        until.saturating_sub(now)
    }

    #[test]
    fn each_further_failure_doubles_the_wait() {
        let mut throttle = Throttle::new(LIMITS);
        let mut now = 0;
        let mut waits = Vec::new();
        for _ in 0..12 {
            fail(&mut throttle, now, "ada", "10.0.0.1").unwrap();
            let wait = wait(&throttle, now, "ada", "10.0.0.1");
            waits.push(wait / 1000);
            if wait > 0 {
                let early = fail(&mut throttle, now + wait - 1, "ada", "10.0.0.1");
                assert_eq!(early, Err(1));
            }
            now += wait;
        }
        assert_eq!(waits, [0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60]);
        // After a success, the principal starts anew there; after a while, all is forgotten.
        succeed(&mut throttle, now, "ada", "10.0.0.1");
        assert_eq!(wait(&throttle, now, "ada", "10.0.0.1"), 0);
        fail(&mut throttle, now, "ada", "10.0.0.1").unwrap();
        assert_eq!(
            wait(&throttle, now, "ada", "10.0.0.1"),
            60_000,
            "the address's"
        );
        now += MEMORY_MS;
        fail(&mut throttle, now, "ada", "10.0.0.1").unwrap();
        assert_eq!(wait(&throttle, now, "ada", "10.0.0.1"), 0);
    }

    #[test]
    fn knocking_meanwhile_makes_a_wait_no_longer() {
        let mut throttle = Throttle::new(LIMITS);
        for _ in 0..3 {
            fail(&mut throttle, 0, "ada", "10.0.0.1").unwrap();
        }
        for now in 0..1_000 {
            let refused = fail(&mut throttle, now, "ada", "10.0.0.1");
            assert_eq!(refused, Err(1_000 - now));
        }
        succeed(&mut throttle, 1_000, "ada", "10.0.0.1");
    }

    #[test]
    fn after_a_wait_there_is_one_attempt_at_a_time() {
        let mut throttle = Throttle::new(LIMITS);
        for _ in 0..3 {
            fail(&mut throttle, 0, "ada", "10.0.0.1").unwrap();
        }
        let source = Source::new(Some("ada"), "10.0.0.1");
        let first = throttle.begin(1_000, &source).unwrap();
        assert_eq!(throttle.begin(1_000, &source).unwrap_err(), 2_000);
        throttle.failed(1_000, &source, first);
        assert_eq!(throttle.begin(1_000, &source).unwrap_err(), 2_000, "once");
        let second = throttle.begin(3_000, &source).unwrap();
        throttle.succeeded(3_000, &source, second);
        for _ in 0..3 {
            assert!(throttle.begin(3_000, &source).is_ok());
        }
    }

    #[test]
    fn one_address_does_not_shut_out_another() {
        let mut throttle = Throttle::new(LIMITS);
        let mut now = 0;
        for _ in 0..9 {
            now += wait(&throttle, now, "ada", "10.0.0.1");
            fail(&mut throttle, now, "ada", "10.0.0.1").unwrap();
        }
        assert!(wait(&throttle, now, "ada", "10.0.0.1") > 0);
        assert_eq!(wait(&throttle, now, "ada", "10.0.0.2"), 0);
        // Names are tried in vain, too.
        assert!(wait(&throttle, now, "bob", "10.0.0.1") > 0);
        assert!(wait(&throttle, now, "bob", "::ffff:10.0.0.1") > 0);
    }

    #[test]
    fn many_addresses_do_not_shut_out_the_owner() {
        let mut throttle = Throttle::new(LIMITS);
        succeed(&mut throttle, 0, "ada", "192.168.0.7");
        let mut now = 0;
        for number in 0..1_000 {
            let address = format!("10.0.{}.{}", number / 250, number % 250);
            now += wait(&throttle, now, "ada", &address);
            fail(&mut throttle, now, "ada", &address).unwrap();
        }
        assert_eq!(wait(&throttle, now, "ada", "192.168.0.7"), 0);
        // From elsewhere, there is a wait, and it is short.
        assert_eq!(wait(&throttle, now, "ada", "192.168.0.8"), 5_000);
        succeed(&mut throttle, now + 5_000, "ada", "192.168.0.8");
    }

    #[test]
    fn tokens_without_a_name_are_counted_by_address() {
        let mut throttle = Throttle::new(LIMITS);
        let source = Source::new(None, "10.0.0.1");
        for _ in 0..6 {
            let attempt = throttle.begin(0, &source).unwrap();
            throttle.failed(0, &source, attempt);
        }
        assert_eq!(throttle.begin(0, &source).unwrap_err(), 1_000);
        assert!(throttle.begin(0, &Source::new(None, "10.0.0.2")).is_ok());
    }

    #[test]
    fn memory_is_bounded() {
        let mut throttle = Throttle::new(LIMITS);
        for number in 0..10_000_u64 {
            let name = format!("{number}{}", "x".repeat(1000));
            let address = format!("2001:db8:{:x}:{:x}::1", number / 100, number % 100);
            fail(&mut throttle, number, &name, &address).unwrap();
            if number % 2 == 0 {
                succeed(&mut throttle, number, &name, &address);
            }
        }
        for (entries, order) in [
            (throttle.pairs.entries.len(), throttle.pairs.order.len()),
            (
                throttle.addresses.entries.len(),
                throttle.addresses.order.len(),
            ),
            (
                throttle.principals.entries.len(),
                throttle.principals.order.len(),
            ),
            (throttle.known.len(), throttle.known_order.len()),
        ] {
            assert_eq!((entries, order), (100, 100));
        }
        let longest = throttle.principals.entries.keys().map(String::len).max();
        assert_eq!(longest, Some(LONGEST_NAME));
    }

    #[test]
    fn neighbours_in_one_ipv6_network_are_one() {
        assert_eq!(network("2001:db8:1:2::3"), network("2001:db8:1:2:f::4"));
        assert_ne!(network("2001:db8:1:2::3"), network("2001:db8:1:3::3"));
        assert_eq!(network("::ffff:10.0.0.1"), network("10.0.0.1"));
    }
}
