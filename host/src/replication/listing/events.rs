//! Plans what events told: tasks for just these tags and artifacts, and for what is gone.

use std::collections::HashSet;

use portolan_core::{
    event::Selected,
    filter::Filter,
    oci::{Digest, Tag},
    plan,
    provider::ArtifactEntry,
};

use super::{Lister, ListingError};

impl Lister {
    /// Plans what events told; returns how many tasks there are.
    pub(super) async fn plan_events(&self, told: Vec<Selected>) -> Result<usize, ListingError> {
        let mut planned = 0;
        for selected in told {
            if self.listed.has(selected.repository.as_str()) {
                continue;
            }
            planned += self.plan_selected(&selected).await?;
        }
        Ok(planned)
    }

    async fn plan_selected(&self, selected: &Selected) -> Result<usize, ListingError> {
        let repository = &selected.repository;
        let mut artifacts = self.about(selected).await?;
        let told = artifacts.iter().any(|artifact| artifact.media_type.is_some());
        let destinations = self.destinations_of(repository, None, told).await;
        let (policy, to, kind) = (&self.policy, &destinations, self.kind);
        let seen = self.seen(repository, &mut artifacts).await?;
        let mut specs = plan::tasks_for(policy, to, repository, kind, (artifacts, &seen))?;
        specs.extend(plan::deletions_for(policy, to, kind, selected)?);
        self.add_tasks(repository, specs).await
    }

    /// What the events are about, with as much of it as the rule looks at.
    async fn about(&self, selected: &Selected) -> Result<Vec<ArtifactEntry>, ListingError> {
        let (repository, options) = (&selected.repository, &self.policy.options);
        if options.latest.count > 0 {
            // Which are the newest shows among all of them.
            return self.artifacts(repository).await;
        }
        if self.policy.filters.iter().any(looks_at_artifacts) || options.age.max.is_some() {
            return Ok(narrowed(selected, self.artifacts(repository).await?));
        }
        Ok(named(selected))
    }
}

/// Whether a filter looks at more than an event tells: the repository is listed then.
fn looks_at_artifacts(filter: &Filter) -> bool {
    !matches!(filter, Filter::Name(..) | Filter::Tag(..))
}

/// Entries that say no more than the events.
fn named(selected: &Selected) -> Vec<ArtifactEntry> {
    let tagged =
        |tag: &Tag| ArtifactEntry { tags: vec![tag.to_string()], ..ArtifactEntry::unknown() };
    let untagged =
        |it: &Digest| ArtifactEntry { digest: Some(it.clone()), ..ArtifactEntry::unknown() };
    let tags = selected.tags.iter().map(tagged);
    tags.chain(selected.digests.iter().map(untagged)).collect()
}

/// What the listing tells of the tags and artifacts that the events are about.
fn narrowed(selected: &Selected, listed: Vec<ArtifactEntry>) -> Vec<ArtifactEntry> {
    let tags: HashSet<&str> = selected.tags.iter().map(Tag::as_str).collect();
    let mut kept = Vec::new();
    for mut artifact in listed {
        let named = artifact.digest.as_ref().is_some_and(|it| selected.digests.contains(it));
        artifact.tags.retain(|tag| tags.contains(tag.as_str()));
        if named || !artifact.tags.is_empty() {
            kept.push(artifact);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_is_narrowed_to_what_events_are_about() {
        let digest = |content: &str| Digest::of(content.as_bytes());
        let selected = Selected {
            repository: "a".parse().unwrap(),
            tags: vec!["v1".parse().unwrap()],
            digests: vec![digest("signature")],
            deleted_tags: Vec::new(),
            deleted: Vec::new(),
        };
        let entry = |content: &str, tags: &[&str]| ArtifactEntry {
            digest: Some(digest(content)),
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            ..ArtifactEntry::unknown()
        };
        let listed = vec![
            entry("image", &["latest", "v1"]),
            entry("old", &["v0"]),
            entry("signature", &[]),
            entry("untagged", &[]),
        ];
        assert_eq!(narrowed(&selected, listed), [entry("image", &["v1"]), entry("signature", &[])]);
    }
}
