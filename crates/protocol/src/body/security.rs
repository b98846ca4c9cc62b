//! The authentication store and the security store.

use crate::codec::wire_struct;

wire_struct! {
    /// A mistake in a script.
    ///
    /// Source: the LGPL 5.9 client.
    pub struct ScriptError {
        /// What is wrong.
        pub message: String,
        /// The line, from 1.
        pub line: u32,
        /// The column, from 1.
        pub column: u32,
    }
}
