//! Ids are integers, as Harbor's are; each noun has a type of its own.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = std::num::ParseIntError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )+};
}

ids! {
    /// A stored endpoint. Harbor's API calls it a registry id; 0 is its "Local".
    EndpointId,
    /// A stored policy (the UI says rule).
    PolicyId,
    /// One run of a policy.
    ExecutionId,
    /// One unit of an execution.
    TaskId,
    /// Somebody with a password.
    UserId,
    /// A program's way in.
    TokenId,
}

impl EndpointId {
    /// Harbor's "Local": the registry this program counts as its own (contract 2.8).
    pub const LOCAL: Self = Self(0);
}
