//! Policies (rules): what is replicated from where to where, when.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{
    filter::Filter,
    id::{EndpointId, PolicyId},
    trigger::Trigger,
};

/// What an administrator says of a policy, checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicySpec {
    /// Unique name.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Where artifacts come from.
    pub source: EndpointId,
    /// Where they go; one at least.
    pub destinations: Vec<Destination>,
    /// Leading components the namespace replaces; negative keeps the last alone (Harbor: -1).
    pub replace_count: i8,
    /// Which artifacts.
    pub filters: Vec<Filter>,
    /// When.
    pub trigger: Trigger,
    /// Whether a tag that is at the destination with another digest is moved.
    pub override_tags: bool,
    /// Whether it may run at all.
    pub enabled: bool,
    /// Whether deletions are mirrored (event-based rules only).
    pub deletion: bool,
    /// Kilobits per second for each task; 0 is unlimited.
    pub speed: i32,
    /// Whether blobs are uploaded in chunks.
    pub copy_by_chunk: bool,
    /// Whether a start fails while a run is under way.
    pub single_active: bool,
}

/// One place artifacts go to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destination {
    /// The endpoint.
    pub endpoint: EndpointId,
    /// Namespace put before, or in place of, the first components; `None` keeps names.
    pub namespace: Option<String>,
}

/// A stored policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Its id.
    pub id: PolicyId,
    /// What the administrator said.
    pub spec: PolicySpec,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub created: OffsetDateTime,
    /// When it was last changed.
    #[serde(with = "time::serde::rfc3339")]
    pub updated: OffsetDateTime,
}
