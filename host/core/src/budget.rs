//! How much may be used in how much time: of a rule, of an endpoint, of all of them together.
//! It knows no clock; who counts is elsewhere.

use serde::{Deserialize, Serialize};

/// What may be used in how much time; 0 is unlimited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Budget {
    /// Bytes of blobs a second.
    pub bytes_per_second: u64,
    /// HTTP requests a minute, those for tokens and to storage included.
    pub requests_per_minute: u32,
}

impl Budget {
    /// Whether nothing is limited.
    #[must_use]
    pub fn is_unlimited(&self) -> bool {
        *self == Self::default()
    }
}
