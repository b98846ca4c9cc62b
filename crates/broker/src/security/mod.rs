//! Security: what each role may do, and where.

mod names;
mod rights;
mod store;

pub(crate) use rights::Rights;
pub use store::{Role, SecurityStore};
