//! What a quarantine needs: the digest of every artifact, and when runs of the rule saw it first.

use std::sync::Arc;

use futures_util::{StreamExt, stream};
use portolan_core::{
    filter,
    id::PolicyId,
    oci::{Digest, Reference, Repository},
    plan::PlanError,
    policy::PolicySpec,
    provider::ArtifactEntry,
    selection::Seen,
};
use time::OffsetDateTime;

use super::{Shared, connect::Connection, queue, source::Source};
use crate::store::StoreError;

/// Questions to the source at once.
const QUESTIONS: usize = 6;

/// Why ages cannot be told.
#[derive(Debug, thiserror::Error)]
pub(super) enum AgeError {
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error("{0}")]
    Store(#[from] StoreError),
}

/// Who asks for the ages of a repository's artifacts.
pub(super) struct Asks<'a> {
    pub(super) shared: &'a Arc<Shared>,
    pub(super) policy: &'a PolicySpec,
    /// Under which policy sightings are kept; `None` of one that is not stored.
    pub(super) id: Option<PolicyId>,
    pub(super) source: &'a Connection,
    /// Whether what is seen now is noted.
    pub(super) notes: bool,
}

impl Asks<'_> {
    /// What is known of the ages of a repository's artifacts, where the policy asks for it. Where
    /// the listing tells no digests, the source is asked for those of the tags that filters keep.
    pub(super) async fn seen(
        &self,
        repository: &Repository,
        artifacts: &mut Vec<ArtifactEntry>,
    ) -> Result<Seen, AgeError> {
        let now = OffsetDateTime::now_utc();
        if self.policy.options.age.min.is_none() {
            return Ok(Seen::nothing(now));
        }
        self.tell_digests(repository, artifacts).await?;
        let (Some(id), store) = (self.id, &self.shared.store) else {
            return Ok(Seen::nothing(now));
        };
        let first = if self.notes {
            let digests = artifacts.iter().filter_map(|it| it.digest.clone()).collect();
            store.see(id, repository, digests, now).await?
        } else {
            store.seen(id, repository).await?
        };
        Ok(Seen { now, first })
    }

    async fn tell_digests(
        &self,
        repository: &Repository,
        artifacts: &mut Vec<ArtifactEntry>,
    ) -> Result<(), AgeError> {
        if artifacts.iter().all(|it| it.digest.is_some()) {
            return Ok(());
        }
        let all = std::mem::take(artifacts).into_iter().flat_map(one_for_each_tag);
        *artifacts = all.collect();
        let mut unknown = Vec::new();
        for (at, artifact) in artifacts.iter().enumerate() {
            let kept = filter::keep_artifact(&self.policy.filters, artifact.clone());
            if artifact.digest.is_none() && kept.map_err(PlanError::from)?.is_some() {
                unknown.extend(artifact.tags.first().map(|tag| (at, tag.clone())));
            }
        }
        let source = queue::source_of(self.shared, self.source.clone(), repository).await;
        let Ok(Source::Registry(source)) = source else { return Ok(()) };
        let source = &source;
        let ask = |(at, tag): (usize, String)| async move {
            let reference = Reference::Tag(tag.parse().ok()?);
            match source.head_manifest(&reference).await {
                Ok(found) => found.map(|found| (at, found.digest)),
                // Held back, since nobody can say how long it has been there.
                Err(error) => {
                    tracing::warn!(%error, "a tag's digest is not known, and it stays behind");
                    None
                }
            }
        };
        let asked = stream::iter(unknown).map(ask).buffer_unordered(QUESTIONS);
        let told: Vec<(usize, Digest)> = asked.filter_map(async |told| told).collect().await;
        for (at, digest) in told {
            if let Some(artifact) = artifacts.get_mut(at) {
                artifact.digest = Some(digest);
            }
        }
        Ok(())
    }
}

/// Tags of which no digest is known may be of different artifacts.
fn one_for_each_tag(artifact: ArtifactEntry) -> Vec<ArtifactEntry> {
    if artifact.digest.is_some() || artifact.tags.len() < 2 {
        return vec![artifact];
    }
    let one = |tag: &String| ArtifactEntry { tags: vec![tag.clone()], ..artifact.clone() };
    artifact.tags.iter().map(one).collect()
}
