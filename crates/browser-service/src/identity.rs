//! The identity of the service: starting it afresh or importing a file makes another service in the same place.
//!
//! A page gets the identity by the command `status` and uses it as the path of the address that it connects to. A client of the
//! previous service is therefore refused, even if its tab slept meanwhile, and sends nothing to the new service.

/// The path that pages use which do not know identities.
const ANY: &str = "diffusion";

/// What a service starts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The accounts and rights of a new service.
    Start,
    /// The contents of a file.
    Import,
}

/// A new identity: the origin, the time in milliseconds since 1970, and a random number. The page parses it (`ServiceIdentity`).
pub fn new(origin: Origin, now: u64, random: u64) -> String {
    let origin = match origin {
        Origin::Start => "start",
        Origin::Import => "import",
    };
    format!("{origin}-{now}-{random:016x}")
}

/// Whether an address, with the query of the connect request, is that of this service. An address without an identity is.
pub fn is_meant(identity: &str, address: &str) -> bool {
    let place = address.split('?').next().unwrap_or_default();
    let path = place.rsplit('/').next().unwrap_or_default();
    identity.is_empty() || path == identity || path == ANY
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_service_is_another_one() {
        let identity = new(Origin::Start, 1_795_255_200_000, 0xff);
        assert_eq!(identity, "start-1795255200000-00000000000000ff");
        for other in [
            new(Origin::Import, 1_795_255_200_000, 0xff),
            new(Origin::Start, 1_795_255_200_001, 0xff),
            new(Origin::Start, 1_795_255_200_000, 0xfe),
        ] {
            assert!(is_meant(&other, &format!("ws://browser/{other}?v=29")));
            assert!(!is_meant(&identity, &format!("ws://browser/{other}?v=29")));
        }
    }

    #[test]
    fn nothing_in_a_query_is_taken_for_an_identity() {
        let identity = new(Origin::Start, 1, 2);
        let query = format!("ws://browser/start-0-0?principal=/{identity}");
        assert!(!is_meant(&identity, &query));
    }

    #[test]
    fn pages_and_services_from_before_know_no_identity() {
        let identity = new(Origin::Start, 1, 2);
        assert!(is_meant(&identity, "ws://browser/diffusion?v=29"));
        assert!(is_meant("", &format!("ws://browser/{identity}?v=29")));
    }
}
