//! What the destination's repository has, learned with as few questions as it takes.
//!
//! The first tag is asked for. Where it is there, so may be the others, and each is asked for.
//! Where it is not, one page of tags tells which of the others are not there either, and whether
//! the repository is empty: then its small blobs are not asked for, since their bytes cost no more
//! than the question. Nothing here is believed of what the page does not tell.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use portolan_core::oci::{Descriptor, Reference, Tag};
use tokio::sync::OnceCell;

use super::{failure::TransferError, ready::Ready};
use crate::distribution::Remote;

/// From this size on, in bytes, a blob is asked for in an empty repository, too: a run that was cut
/// may have brought it.
const WORTH_A_QUESTION: u64 = 1 << 20;

/// How long a page of tags is believed: a task may take hours, and others push meanwhile.
const FRESH: Duration = Duration::from_secs(300);

/// What is known of one repository.
pub(super) struct Present {
    /// Nobody brought anything there before this task.
    untouched: bool,
    tags: OnceCell<Tags>,
}

/// What the tags of a repository tell.
enum Tags {
    /// One that was asked for is there, or they cannot be listed.
    Ask,
    /// Every one of them, as they were at this moment.
    All(HashSet<String>, Instant),
}

impl Present {
    /// Nothing is known yet. `untouched` where no earlier try can have left a part behind.
    pub(super) fn new(untouched: bool) -> Self {
        Self { untouched, tags: OnceCell::new() }
    }

    /// The manifest under a tag, or `None`; the repository is ready then.
    pub(super) async fn tagged(
        &self,
        (destination, ready): (&Remote, &Ready),
        tag: &Tag,
    ) -> Result<Option<Descriptor>, TransferError> {
        let reference = Reference::Tag(tag.clone());
        let mut asked = None;
        let first = async || {
            let there = ready.head(destination, &reference).await?;
            let tags = if there.is_some() { Tags::Ask } else { list(destination).await };
            asked = Some(there);
            Ok::<_, TransferError>(tags)
        };
        let tags = self.tags.get_or_try_init(first).await?;
        match (asked, tags) {
            (Some(there), _) => Ok(there),
            (None, Tags::All(tags, at)) if at.elapsed() < FRESH && !tags.contains(tag.as_str()) => {
                Ok(None)
            }
            (None, _) => ready.head(destination, &reference).await,
        }
    }

    /// Whether the repository was found without any tag.
    pub(super) fn is_empty(&self) -> bool {
        matches!(self.tags.get(), Some(Tags::All(tags, _)) if tags.is_empty())
    }

    /// Whether it is worth asking for a blob before it is sent.
    pub(super) fn may_have(&self, blob: &Descriptor) -> bool {
        !(self.untouched && self.is_empty() && blob.size < WORTH_A_QUESTION)
    }
}

async fn list(destination: &Remote) -> Tags {
    match destination.tags().await {
        Ok(page) if !page.more => Tags::All(page.tags, Instant::now()),
        Ok(_) => Tags::Ask,
        Err(error) => {
            tracing::debug!(%error, "tags are asked for one by one");
            Tags::Ask
        }
    }
}
