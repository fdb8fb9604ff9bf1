//! A page of a plan, where it begins, and why there is none. It asks nobody anything.

use std::time::Duration;

use portolan_core::plan::PlannedArtifact;
use serde::{Deserialize, Serialize};

use crate::replication::connect::ConnectError;

/// Where a page of a plan begins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    /// Cursor of the source's listing.
    #[serde(rename = "c")]
    pub(super) cursor: Option<String>,
    /// Repositories of that page that were planned before.
    #[serde(rename = "r")]
    pub(super) repositories: usize,
    /// Rows of the next repository that were given before.
    #[serde(rename = "a")]
    pub(super) artifacts: usize,
    /// The source's listing is over: the repositories are those that it no longer has.
    #[serde(rename = "g", default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) gone: bool,
}

/// One page of a plan.
pub(crate) struct Preview {
    pub(crate) artifacts: Vec<PlannedArtifact>,
    pub(crate) next: Option<Place>,
}

/// Why there is no plan: a run would fail as a whole.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PreviewError {
    /// The source or a destination cannot be used.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The source does not list.
    #[error("{0}")]
    Listing(String),
    /// A filter or a name cannot be applied, or a destination takes no pushes.
    #[error("{0}")]
    Refused(String),
    /// Not one row could be made in the time of a page.
    #[error("nothing could be planned within {} s: the source or a destination is too slow; try \
             again, or run the rule", .0.as_secs())]
    Slow(Duration),
    /// Others plan.
    #[error("too many plans are being made at once; try again in a moment")]
    Busy,
}
