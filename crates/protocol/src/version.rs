//! Protocol versions.

use core::fmt;

/// A protocol version that this codec speaks: 13 (Diffusion 6.0) to 29 (6.12).
///
/// 13 is 6.0, 14 is 6.1, 15 is 6.2 (captures); 18 is 6.5 (recordings and API documentation); 19 to 25 are 6.6 to 6.9
/// (Python SDKs); 29 is 6.12 (JavaScript SDK). `docs/protocol-versions.md` has the table and how each line is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProtocolVersion(u8);

/// The first version that no source describes: the captures and the dissector end with 15. Of what 15 does not have
/// and 25 has, and of which nothing else is known, it is assumed to have been introduced here.
const FIRST_UNSEEN: u8 = 16;
/// Principals and roles can be locked, and fetch requests limit deep branches, since 6.4 (API documentation). Its number
/// follows from the order: 15 is 6.2 and 18 is 6.5.
const FIRST_OF_6_4: u8 = 17;
/// Isolated paths, trusted session properties and fetching unpublished topics came with 6.5 (API documentation). A
/// recorded fetch request of 18 has the field for the last, and 18 is the last before the previews of 6.6.
const FIRST_OF_6_5: u8 = 18;
/// 18 responds by conversation (recordings), and so do 19, 21, 22, 24 and 25 (Python SDKs), 15 by service (captures).
const FIRST_WITHOUT_SERVICE: u8 = 18;
/// Removing topics returns their number since 6.6 (API documentation). 21 waits for the number forever if it is missing
/// (Python SDK); 19 is 6.6's first preview.
const FIRST_WITH_REMOVAL_COUNT: u8 = 19;
/// Recorded services send compressed values to clients of 25, and the SDK of 29 reads them; of those before nothing is known.
const FIRST_WITH_COMPRESSED_VALUES: u8 = 25;
/// Update constraints got operators in 6.10 (API documentation); its number is a guess.
const FIRST_WITH_OPERATORS: u8 = 27;
/// Fetch requests can ask for sizes since 6.11 (API documentation); its number is a guess. 25 cannot.
const FIRST_WITH_SIZES: u8 = 28;
/// Selections have scopes since 6.12, which is 29 (API documentation). 25 has none.
const FIRST_WITH_SCOPES: u8 = 29;

impl ProtocolVersion {
    /// The oldest version: Diffusion 6.0.
    pub const OLDEST: Self = Self(13);
    /// The newest version: Diffusion 6.12, what the page asks for first.
    pub const NEWEST: Self = Self(29);

    /// The version with this number, or `None` if this codec does not speak it.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        if number >= Self::OLDEST.0 && number <= Self::NEWEST.0 {
            Some(Self(number))
        } else {
            None
        }
    }

    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }

    /// Whether selections carry a scope.
    #[must_use]
    pub const fn has_selection_scopes(self) -> bool {
        self.0 >= FIRST_WITH_SCOPES
    }

    /// Whether update constraints compare with operators, and are joined in pairs.
    #[must_use]
    pub const fn has_constraint_operators(self) -> bool {
        self.0 >= FIRST_WITH_OPERATORS
    }

    /// Whether session events hold each property that changed, instead of all properties before and after.
    #[must_use]
    pub const fn has_property_changes(self) -> bool {
        self.0 >= FIRST_UNSEEN
    }

    /// Whether principals and roles may be locked.
    #[must_use]
    pub const fn has_locking_principals(self) -> bool {
        self.0 >= FIRST_OF_6_4
    }

    /// Whether the security store reports isolated paths.
    #[must_use]
    pub const fn has_isolated_paths(self) -> bool {
        self.0 >= FIRST_OF_6_5
    }

    /// Whether the authentication store reports which session properties are taken from clients.
    #[must_use]
    pub const fn has_trusted_properties(self) -> bool {
        self.0 >= FIRST_OF_6_5
    }

    /// Whether fetch requests limit deep branches.
    #[must_use]
    pub const fn has_fetch_deep_branches(self) -> bool {
        self.0 >= FIRST_OF_6_4
    }

    /// Whether fetch requests state if they include topics whose publication is delayed.
    #[must_use]
    pub const fn has_fetch_unpublished(self) -> bool {
        self.0 >= FIRST_OF_6_5
    }

    /// Whether topic values and deltas may be compressed.
    #[must_use]
    pub const fn has_compressed_values(self) -> bool {
        self.0 >= FIRST_WITH_COMPRESSED_VALUES
    }

    /// Whether removing topics returns how many were removed.
    #[must_use]
    pub const fn has_removal_count(self) -> bool {
        self.0 >= FIRST_WITH_REMOVAL_COUNT
    }

    /// Whether handlers of missing topics receive the properties of the session that selected.
    #[must_use]
    pub const fn has_missing_topic_properties(self) -> bool {
        self.0 >= FIRST_UNSEEN
    }

    /// Whether responses and errors leave out the service id.
    #[must_use]
    pub const fn answers_without_service(self) -> bool {
        self.0 >= FIRST_WITHOUT_SERVICE
    }

    /// Whether the form of responses is unknown: between the last version seen with the service id and the first
    /// seen without it. A response of such a version is read in either form.
    #[must_use]
    pub const fn answers_in_unknown_form(self) -> bool {
        self.0 >= FIRST_UNSEEN && self.0 < FIRST_WITHOUT_SERVICE
    }

    /// Whether fetch requests state if they ask for sizes, and fetch responses hold them.
    #[must_use]
    pub const fn has_fetch_sizes(self) -> bool {
        self.0 >= FIRST_WITH_SIZES
    }

    /// All versions, newest first: the order in which a client falls back.
    pub fn newest_first() -> impl Iterator<Item = Self> {
        (Self::OLDEST.0..=Self::NEWEST.0).rev().map(Self)
    }
}

impl Default for ProtocolVersion {
    fn default() -> Self {
        Self::NEWEST
    }
}

impl fmt::Display for ProtocolVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
