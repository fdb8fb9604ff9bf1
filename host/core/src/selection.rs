//! What a policy selects of one repository: its filters, then its options, then what is attached to
//! what they keep. Pure: when something was first seen, and what time it is, are arguments.

mod narrow;

use std::collections::{HashMap, HashSet};

use time::OffsetDateTime;

use crate::{
    filter::{self, Filter},
    oci::{AttachedTag, Digest},
    pattern::BadPattern,
    policy::Options,
    provider::ArtifactEntry,
};

/// Why nothing can be selected: the whole execution fails by it.
#[derive(Debug, thiserror::Error)]
pub enum SelectionError {
    /// A filter's pattern is malformed.
    #[error("a filter cannot be applied: {0}")]
    Pattern(#[from] BadPattern),
    /// The newest are asked for, and nothing says which they are.
    #[error(
        "the newest {0} by push time cannot be found: the source's listing tells no push times; \
         use `latest` by semver, or a filter"
    )]
    NoPushTimes(u32),
}

/// What is known of an artifact's age.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The time it is.
    pub now: OffsetDateTime,
    /// When runs of the policy first saw artifacts of the repository; what is not there is new.
    pub first: HashMap<Digest, OffsetDateTime>,
}

impl Seen {
    /// Nothing was seen before `now`.
    #[must_use]
    pub fn nothing(now: OffsetDateTime) -> Self {
        Self { now, first: HashMap::new() }
    }
}

/// A policy's say about the artifacts of one repository.
#[derive(Clone, Copy, Debug)]
pub struct Selection<'p> {
    /// Applied first, one after another.
    pub filters: &'p [Filter],
    /// Applied to what they keep.
    pub options: &'p Options,
    /// What is known of ages.
    pub seen: &'p Seen,
}

/// An artifact that stays behind: its place in the list, a tag where it is one tag, and why.
pub(crate) type Out = (usize, Option<String>, String);

/// Why artifacts stay behind, and what is to be said of others. Nothing is written down where
/// nobody asks.
pub(crate) struct Told(Option<Vec<Out>>);

impl Told {
    /// Somebody asks.
    pub(crate) fn asked() -> Self {
        Self(Some(Vec::new()))
    }

    /// Says why a tag stays behind.
    fn tag(&mut self, at: usize, tag: &str, why: impl FnOnce() -> String) {
        if let Some(told) = &mut self.0 {
            told.push((at, Some(tag.to_owned()), why()));
        }
    }

    /// Says why an artifact stays behind with all its tags.
    fn whole(&mut self, at: usize, artifact: &ArtifactEntry, why: impl FnOnce() -> String) {
        let Some(told) = &mut self.0 else { return };
        let why = why();
        match artifact.tags.as_slice() {
            [] => told.push((at, None, why)),
            tags => told.extend(tags.iter().map(|tag| (at, Some(tag.clone()), why.clone()))),
        }
    }

    /// What was said, by place.
    pub(crate) fn by_place(self) -> HashMap<usize, Vec<(Option<String>, String)>> {
        let mut places = HashMap::<usize, Vec<_>>::new();
        for (at, tag, why) in self.0.unwrap_or_default() {
            places.entry(at).or_default().push((tag, why));
        }
        places
    }
}

impl Selection<'_> {
    /// The artifacts that are kept, each with its tags that are.
    ///
    /// What refers to another artifact of the list (a signature, an SBOM) goes where its subject
    /// goes, and after it (contract 3.10): what a rule says of tags it says of the subject. But a
    /// tag of its own that a filter excludes does not go, and where it has no other, neither does
    /// it. Where the subject stays, or referrers are not copied, it goes only for a tag of its own
    /// that a filter asks for.
    ///
    /// # Errors
    /// When matching reached a malformed pattern, or options cannot be applied.
    pub fn keep(
        &self,
        artifacts: Vec<ArtifactEntry>,
    ) -> Result<Vec<ArtifactEntry>, SelectionError> {
        let kept = self.places(artifacts, &mut Told(None))?;
        Ok(kept.into_iter().map(|(_, kept)| kept).collect())
    }

    /// The same, each with its place in the list; `told` learns what options leave behind.
    pub(crate) fn places(
        &self,
        mut artifacts: Vec<ArtifactEntry>,
        told: &mut Told,
    ) -> Result<Vec<(usize, ArtifactEntry)>, SelectionError> {
        let listed: HashSet<Digest> = artifacts.iter().filter_map(|it| it.digest.clone()).collect();
        artifacts.iter_mut().for_each(|it| name_subject(it, &listed));
        let (mut attached, own): (Vec<_>, Vec<_>) =
            artifacts.into_iter().enumerate().partition(|(_, it)| refers_to(it, &listed));
        let mut kept = Vec::with_capacity(own.len());
        for (at, artifact) in own {
            if let Some(one) = filter::keep_artifact(self.filters, artifact)? {
                kept.push((at, one));
            }
        }
        let mut kept = self.narrow(self.without_attached(kept, told), told)?;
        if self.options.referrers.copy {
            self.follow(&mut attached, &mut kept)?;
        }
        if self.filters.iter().any(filter::asks_for_tags) {
            for (at, artifact) in attached.into_iter().filter(|(_, it)| !it.tags.is_empty()) {
                kept.extend(filter::keep_artifact(self.filters, artifact)?.map(|it| (at, it)));
            }
        }
        Ok(kept)
    }

    /// Takes out what goes with its subject by its tags' names, where the listing tells no digests:
    /// the copy knows the subject, and looks for them.
    fn without_attached(
        &self,
        mut kept: Vec<(usize, ArtifactEntry)>,
        told: &mut Told,
    ) -> Vec<(usize, ArtifactEntry)> {
        let asked_for = self.filters.iter().any(filter::asks_for_tags);
        let copied = self.options.referrers.copy;
        let all = self.options.referrers.artifact_types.is_empty() && !self.options.narrows();
        if asked_for || (copied && all) {
            return kept;
        }
        kept.retain(|(at, artifact)| {
            let attached =
                !artifact.tags.is_empty() && artifact.tags.iter().all(|it| names_subject(it));
            if attached {
                told.whole(*at, artifact, || match copied {
                    true => "it goes with what it is attached to, where that goes".to_owned(),
                    false => "it is attached to another artifact, and the option `referrers` \
                              copies none"
                        .to_owned(),
                });
            }
            !attached
        });
        kept
    }

    /// Moves what is attached to what is kept, and to what follows that.
    fn follow(
        &self,
        attached: &mut Vec<(usize, ArtifactEntry)>,
        kept: &mut Vec<(usize, ArtifactEntry)>,
    ) -> Result<(), BadPattern> {
        let mut goes: HashSet<Digest> =
            kept.iter().filter_map(|(_, it)| it.digest.clone()).collect();
        // What is attached to something attached comes with the next turn.
        loop {
            let (follow, left): (Vec<_>, Vec<_>) =
                std::mem::take(attached).into_iter().partition(|(_, it)| refers_to(it, &goes));
            *attached = left;
            if follow.is_empty() {
                return Ok(());
            }
            for (at, mut artifact) in follow {
                let kind = artifact.artifact_type.as_deref().unwrap_or_default();
                let is_taken = kind.is_empty() || self.options.referrers.takes(kind);
                if is_taken && filter::drop_excluded(self.filters, &mut artifact.tags)? {
                    goes.extend(artifact.digest.clone());
                    kept.push((at, artifact));
                }
            }
        }
    }

    /// Tags of a list that name a subject, in its order, but for those that a filter excludes: a
    /// copy takes them where it finds their subject.
    ///
    /// # Errors
    /// When matching reached a malformed pattern.
    pub fn attached_tags(&self, artifacts: &[ArtifactEntry]) -> Result<Vec<String>, BadPattern> {
        if !self.options.referrers.copy {
            return Ok(Vec::new());
        }
        let tags = artifacts.iter().flat_map(|it| &it.tags).filter(|tag| names_subject(tag));
        let mut tags: Vec<String> = tags.cloned().collect();
        filter::drop_excluded(self.filters, &mut tags)?;
        Ok(tags)
    }
}

/// Whether a tag names what it is attached to.
fn names_subject(tag: &str) -> bool {
    AttachedTag::of(tag).is_some()
}

/// Takes the subject from the tags of an artifact where the listing does not tell it.
fn name_subject(artifact: &mut ArtifactEntry, listed: &HashSet<Digest>) {
    if artifact.subject.is_some() || artifact.digest.is_none() {
        return;
    }
    let mut named = artifact.tags.iter().map(|tag| AttachedTag::of(tag).map(|it| it.subject));
    let Some(Some(first)) = named.next() else { return };
    if listed.contains(&first) && named.all(|other| other.is_some()) {
        artifact.subject = Some(first);
    }
}

fn refers_to(artifact: &ArtifactEntry, to: &HashSet<Digest>) -> bool {
    artifact.subject.as_ref().is_some_and(|subject| to.contains(subject))
}

#[cfg(test)]
mod tests;
