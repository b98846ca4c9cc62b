//! Who is let in, and what they may do.

pub(crate) mod accounts;
pub(crate) mod authentication_script;
pub(crate) mod jwt;
mod permission_names;
mod policy;
mod rights;
pub(crate) mod scripts;
pub(crate) mod security_script;
pub(crate) mod sign_in;
mod store;
pub(crate) mod throttle;
pub(crate) mod verification;

pub use policy::{AnonymousPolicy, AuthenticationPolicy, Principal, PropertyTrust};
pub(crate) use rights::Rights;
pub use store::{Role, SecurityStore};
pub use throttle::network_of;
