//! What webhooks told, kept for each tag or artifact until rules run for it, and what a rule takes
//! of it. It knows no webhook's form, and asks no registry.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{
    filter::{self, Filter},
    oci::{Digest, Repository, Tag},
    policy::PolicySpec,
    provider::{ArtifactEntry, Event},
};

/// What happened to a tag or an artifact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Happened {
    /// It was pushed, or a tag was put on it.
    Pushed,
    /// It is gone.
    Deleted,
}

/// The last that was told of one tag or artifact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Happening {
    /// The repository at the registry that told.
    pub repository: Repository,
    /// The tag it is about.
    pub tag: Option<Tag>,
    /// The artifact, where that was told.
    pub digest: Option<Digest>,
    /// What happened.
    pub what: Happened,
    /// When, by the registry's clock.
    #[serde(with = "time::serde::rfc3339::option")]
    pub at: Option<OffsetDateTime>,
}

impl Happening {
    /// What an event says; `None` for one that changes no tag and no artifact, and for names that
    /// no registry can have.
    #[must_use]
    pub fn of(event: &Event) -> Option<Self> {
        let what = match event.kind.as_str() {
            "pushed" | "tagged" => Happened::Pushed,
            "deleted" => Happened::Deleted,
            _ => return None,
        };
        let tag = event.tag.as_ref().map(|tag| tag.parse()).transpose().ok()?;
        let digest = event.digest.clone();
        let repository = event.repository.parse().ok()?;
        let told = tag.is_some() || digest.is_some();
        told.then_some(Self { repository, tag, digest, what, at: event.at })
    }

    /// What it is about, one text for each: of two about the same the later one counts.
    ///
    /// A tag is what was pushed under it last. An artifact that is gone took all of its tags along.
    #[must_use]
    pub fn subject(&self) -> String {
        match (&self.tag, &self.digest, self.what) {
            (_, Some(digest), Happened::Deleted) | (None, Some(digest), _) => {
                format!("{}@{digest}", self.repository)
            }
            (Some(tag), _, _) => format!("{}:{tag}", self.repository),
            (None, None, _) => self.repository.to_string(),
        }
    }

    /// Whether it is older than another of the same subject, by the registry's clock.
    #[must_use]
    pub fn is_older_than(&self, other: &Self) -> bool {
        matches!((self.at, other.at), (Some(this), Some(other)) if this < other)
    }
}

/// What one run is about in one repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selected {
    /// The repository at the source.
    pub repository: Repository,
    /// Tags that were pushed.
    pub tags: Vec<Tag>,
    /// Artifacts that were pushed without a tag: signatures and the like.
    pub digests: Vec<Digest>,
    /// Tags that are gone at the source.
    pub deleted_tags: Vec<Tag>,
    /// Artifacts that are gone at the source.
    pub deleted: Vec<Digest>,
}

impl Selected {
    /// What a rule takes of the things that happened in one repository; `None` where it is nothing.
    ///
    /// Only what an event tells is judged: names and tags. The run itself looks at the rest, and
    /// says where a pattern is malformed. What was pushed and is gone already is left out.
    #[must_use]
    pub fn by(
        policy: &PolicySpec,
        repository: &Repository,
        happened: &[Happening],
    ) -> Option<Self> {
        if !filter::keeps_repository(&policy.filters, repository.as_str()).unwrap_or(true) {
            return None;
        }
        let filters = judged_by_events(&policy.filters);
        let is_kept = |it: &&Happening| {
            let tags = it.tag.iter().map(ToString::to_string).collect();
            let entry = ArtifactEntry { tags, ..ArtifactEntry::unknown() };
            filter::keep_artifact(&filters, entry).map_or(true, |kept| kept.is_some())
        };
        let is_deletion = |it: &&Happening| it.what == Happened::Deleted;
        let gone = happened.iter().filter(is_deletion).filter_map(|it| it.digest.as_ref());
        let gone: HashSet<&Digest> = gone.collect();
        let mut kept = Self {
            repository: repository.clone(),
            tags: Vec::new(),
            digests: Vec::new(),
            deleted_tags: Vec::new(),
            deleted: Vec::new(),
        };
        for it in happened.iter().filter(is_kept) {
            if is_deletion(&it) && policy.deletion {
                kept.take_deletion(it);
            } else if !is_deletion(&it) && it.digest.as_ref().is_none_or(|it| !gone.contains(it)) {
                kept.take_push(it);
            }
        }
        (!kept.is_empty()).then_some(kept)
    }

    /// Whether it is about nothing at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self { tags, digests, deleted_tags, deleted, .. } = self;
        tags.is_empty() && digests.is_empty() && deleted_tags.is_empty() && deleted.is_empty()
    }

    fn take_push(&mut self, it: &Happening) {
        match (&it.tag, &it.digest) {
            (Some(tag), _) => self.tags.push(tag.clone()),
            (None, digest) => self.digests.extend(digest.clone()),
        }
    }

    fn take_deletion(&mut self, it: &Happening) {
        match (&it.tag, &it.digest) {
            (_, Some(digest)) => self.deleted.push(digest.clone()),
            (tag, None) => self.deleted_tags.extend(tag.clone()),
        }
    }
}

/// Filters without those that look at what no event tells.
fn judged_by_events(filters: &[Filter]) -> Vec<Filter> {
    let told = |filter: &&Filter| !matches!(filter, Filter::Label(..) | Filter::Resource(..));
    filters.iter().filter(told).cloned().collect()
}

#[cfg(test)]
mod tests;
