//! Tasks: one repository of an execution, to one destination.

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use crate::{
    execution::Status,
    id::{EndpointId, ExecutionId, TaskId},
    oci::{Digest, Repository, Tag},
    policy::Options,
    visibility::Visibility,
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
    /// Why the plan found that the destination does not take it: it fails without being tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// What is to be done, decided by the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskSpec {
    /// What to do.
    pub operation: Operation,
    /// `image`, `artifact` or `chart`, as the API shows it.
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
    /// What the repository is to be where it has to be made; `None` leaves it to the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visibility: Option<Visibility>,
    /// Tags of the source that name what they are attached to and are no items of their own: they
    /// go where that goes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attached: Vec<Tag>,
    /// What the policy says beyond all that.
    #[serde(default, skip_serializing_if = "Options::is_default")]
    pub options: Options,
}

impl TaskSpec {
    /// Tags, plus one for each untagged artifact: what Harbor shows as `N item(s) in total`.
    #[must_use]
    pub fn item_count(&self) -> usize {
        self.items.iter().map(|item| item.tags.len().max(1)).sum()
    }
}

/// What was done for a task, all its tries together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Tags and untagged artifacts pushed.
    pub copied: u64,
    /// Those that were there already.
    pub there: u64,
    /// Those that were left as they are at the destination, or stayed behind, by the rule.
    pub left: u64,
    /// Blobs whose bytes were moved.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Bytes of blobs that needed no moving.
    pub bytes_there: u64,
}

impl Tally {
    /// This and a further try: what an earlier one brought is there already for it.
    #[must_use]
    pub fn and(self, next: Self) -> Self {
        Self {
            copied: self.copied + next.copied,
            there: next.there.saturating_sub(self.copied),
            left: next.left,
            blobs: self.blobs + next.blobs,
            bytes: self.bytes + next.bytes,
            bytes_there: next.bytes_there.saturating_sub(self.bytes),
        }
    }

    fn is_nothing(&self) -> bool {
        *self == Self::default()
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
    /// What its tries so far have done.
    #[serde(default, skip_serializing_if = "Tally::is_nothing")]
    pub tally: Tally,
    /// How many items there were, where `spec.items` is kept no longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted: Option<usize>,
}

impl Task {
    /// How many items it has, or had: what [`TaskSpec::item_count`] said at first.
    #[must_use]
    pub fn item_count(&self) -> usize {
        self.counted.unwrap_or_else(|| self.spec.item_count())
    }

    /// Lets go of the names of its items, and keeps their number: what is done is never tried again,
    /// and the names of many tags are most of a record.
    pub fn forget_items(&mut self) {
        self.counted = Some(self.item_count());
        self.spec.items = Vec::new();
        self.spec.attached = Vec::new();
    }
}

/// Most tries of a task (Harbor: 3 failures).
pub const MAX_FAILURES: u32 = 3;
/// Longest wait before a task is tried again.
const MAX_DELAY: Duration = Duration::seconds(60);

/// When a task that failed `failures` times, the last included, is tried again: after 4 s, then
/// 16 s, never more than a minute. `None` gives up, at [`MAX_FAILURES`].
///
/// Harbor waits failures⁴ + 15 s; a run need not take that long to say that it failed.
#[must_use]
pub fn retry_at(failures: u32, now: OffsetDateTime) -> Option<OffsetDateTime> {
    if failures >= MAX_FAILURES {
        return None;
    }
    now.checked_add(delay(failures))
}

fn delay(failures: u32) -> Duration {
    Duration::seconds(4_i64.saturating_pow(failures)).min(MAX_DELAY)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_failed_task_is_tried_again_soon_but_not_for_ever() {
        let now = datetime!(2026-11-21 16:20:30 UTC);
        let delays = [0, 1, 2, 3, 4, u32::MAX]
            .map(|failures| retry_at(failures, now).map(|at| (at - now).whole_seconds()));
        assert_eq!(delays, [Some(1), Some(4), Some(16), None, None, None]);
        assert_eq!(
            [delay(2), delay(3), delay(u32::MAX)].map(Duration::whole_seconds),
            [16, 60, 60]
        );
        assert_eq!(retry_at(1, datetime!(9999-12-31 23:59:59 UTC)), None);
    }

    #[test]
    fn what_one_try_brought_is_not_there_already_for_the_next() {
        let first = Tally { copied: 2, there: 1, blobs: 4, bytes: 900, ..Tally::default() };
        let second = Tally { copied: 1, there: 3, left: 1, blobs: 1, bytes: 50, bytes_there: 1000 };
        let both = Tally { copied: 3, there: 1, left: 1, blobs: 5, bytes: 950, bytes_there: 100 };
        assert_eq!(first.and(second), both);
        assert_eq!(Tally::default().and(second), second);
    }

    #[test]
    fn contract_3_9_items_are_tags_or_untagged_artifacts() {
        let digest = Digest::of(b"");
        let item = |tags: &[&str]| Item {
            digest: Some(digest.clone()),
            tags: tags.iter().map(|tag| tag.parse().unwrap()).collect(),
            refused: None,
        };
        let spec = TaskSpec {
            operation: Operation::Copy,
            resource_type: "image".to_owned(),
            source: EndpointId(1),
            source_repository: "a".parse().unwrap(),
            destination: EndpointId(2),
            destination_repository: "a".parse().unwrap(),
            items: vec![item(&["1", "2"]), item(&[]), item(&["3"])],
            override_tags: true,
            speed: 0,
            copy_by_chunk: false,
            visibility: None,
            attached: Vec::new(),
            options: Options::default(),
        };
        assert_eq!(spec.item_count(), 4);
        assert_eq!(TaskSpec { items: Vec::new(), ..spec }.item_count(), 0);
    }
}
