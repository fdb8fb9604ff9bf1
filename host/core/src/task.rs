//! Tasks: one repository of an execution, to one destination.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{
    execution::Status,
    id::{EndpointId, ExecutionId, TaskId},
    oci::{Digest, Repository, Tag},
};

/// What a task does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operation {
    /// Copies artifacts.
    Copy,
    /// Deletes artifacts.
    Deletion,
    /// Deletes tags.
    TagDeletion,
}

/// One artifact of a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Digest at the source, where the listing told.
    pub digest: Option<Digest>,
    /// Tags to make at the destination; empty for an untagged artifact.
    pub tags: Vec<Tag>,
}

/// What is to be done, decided by the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskSpec {
    /// What to do.
    pub operation: Operation,
    /// `image` or `artifact`, as the API shows it.
    pub resource_type: String,
    /// Where from.
    pub source: EndpointId,
    /// Repository there.
    pub source_repository: Repository,
    /// Where to.
    pub destination: EndpointId,
    /// Repository there.
    pub destination_repository: Repository,
    /// Which artifacts.
    pub items: Vec<Item>,
    /// Whether a tag at the destination is moved.
    pub override_tags: bool,
    /// Kilobits per second; 0 is unlimited.
    pub speed: i32,
    /// Whether blobs go in chunks.
    pub copy_by_chunk: bool,
}

impl TaskSpec {
    /// Tags, plus one for each untagged artifact: what Harbor shows as `N item(s) in total`.
    #[must_use]
    pub fn item_count(&self) -> usize {
        self.items.iter().map(|item| item.tags.len().max(1)).sum()
    }
}

/// A stored task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Its id, unique among all tasks.
    pub id: TaskId,
    /// The execution it belongs to.
    pub execution: ExecutionId,
    /// What is to be done.
    pub spec: TaskSpec,
    /// Its state.
    pub status: Status,
    /// Failed tries so far.
    pub failures: u32,
    /// Why the last try failed.
    pub last_error: String,
    /// When the latest try began.
    #[serde(with = "time::serde::rfc3339::option")]
    pub started: Option<OffsetDateTime>,
    /// When it ended for good.
    #[serde(with = "time::serde::rfc3339::option")]
    pub ended: Option<OffsetDateTime>,
    /// Not before this instant is it tried again.
    #[serde(with = "time::serde::rfc3339::option")]
    pub not_before: Option<OffsetDateTime>,
}

/// Most tries of a task (Harbor: 3 failures).
pub const MAX_FAILURES: u32 = 3;
