//! Who is connected from where, and how many that may be.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use effusion_broker::network_of;

/// Counts connections, in all and by address.
#[derive(Clone, Debug)]
pub struct Connections {
    limits: ConnectionLimits,
    counts: Arc<Mutex<Counts>>,
}

/// How many connections there may be at a time.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// In all.
    pub total: u32,
    /// From one address.
    pub per_address: u32,
}

/// Connections over a limit that still get an answer saying so. Beyond them, connections are dropped without a word.
const ANSWERED: u32 = 16;

#[derive(Debug, Default)]
struct Counts {
    total: u32,
    by_address: HashMap<IpAddr, u32>,
}

/// Which limit a connection is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// The one of all connections.
    Total,
    /// The one of its address.
    Address,
}

/// One connection in the count, until it is dropped.
#[derive(Debug)]
pub struct Counted {
    counts: Arc<Mutex<Counts>>,
    address: IpAddr,
    /// The limit that this connection is over, if it is: it is then to be told so and closed.
    pub over: Option<Over>,
}

impl Connections {
    /// Nobody is connected yet.
    #[must_use]
    pub fn new(limits: ConnectionLimits) -> Self {
        Self {
            limits,
            counts: Arc::default(),
        }
    }

    /// Counts one more, or `None` if there are so many over a limit that this one gets no answer.
    #[must_use]
    pub fn join(&self, address: IpAddr) -> Option<Counted> {
        let address = network_of(address);
        let mut counts = lock(&self.counts);
        let total = counts.total + 1;
        let from_address = counts.by_address.get(&address).copied().unwrap_or(0) + 1;
        let ConnectionLimits {
            total: most,
            per_address,
        } = self.limits;
        if total > most.saturating_add(ANSWERED)
            || from_address > per_address.saturating_add(ANSWERED)
        {
            return None;
        }
        counts.total = total;
        counts.by_address.insert(address, from_address);
        let over = if from_address > per_address {
            Some(Over::Address)
        } else if total > most {
            Some(Over::Total)
        } else {
            None
        };
        Some(Counted {
            counts: Arc::clone(&self.counts),
            address,
            over,
        })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut counts = lock(&self.counts);
        counts.total = counts.total.saturating_sub(1);
        if let Some(count) = counts.by_address.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.by_address.remove(&self.address);
            }
        }
    }
}

fn lock(counts: &Mutex<Counts>) -> MutexGuard<'_, Counts> {
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_limit_of_its_own() {
        let connections = Connections::new(ConnectionLimits {
            total: 100,
            per_address: 2,
        });
        let one: IpAddr = "10.0.0.1".parse().unwrap();
        let mut held: Vec<_> = (0..3).map(|_| connections.join(one).unwrap()).collect();
        assert_eq!(held[1].over, None);
        assert_eq!(held[2].over, Some(Over::Address));
        let other = connections.join("10.0.0.2".parse().unwrap()).unwrap();
        assert_eq!(other.over, None, "another address is not concerned");
        held.truncate(1);
        assert_eq!(
            connections.join(one).unwrap().over,
            None,
            "places are given back"
        );
    }

    #[test]
    fn far_over_the_limit_there_is_no_answer() {
        let connections = Connections::new(ConnectionLimits {
            total: 1,
            per_address: 1000,
        });
        let address: IpAddr = "::1".parse().unwrap();
        let held: Vec<_> = (0..1000)
            .filter_map(|_| connections.join(address))
            .collect();
        assert_eq!(held.len() as u32, 1 + ANSWERED);
        assert_eq!(held[1].over, Some(Over::Total));
        drop(held);
        assert!(lock(&connections.counts).by_address.is_empty());
    }

    #[test]
    fn neighbours_in_one_ipv6_network_count_as_one() {
        let group = |text: &str| network_of(text.parse().unwrap());
        assert_eq!(group("2001:db8:1:2::3"), group("2001:db8:1:2:ffff::4"));
        assert_ne!(group("2001:db8:1:2::3"), group("2001:db8:1:3::3"));
        assert_eq!(group("::ffff:10.0.0.1"), group("10.0.0.1"));
    }
}
