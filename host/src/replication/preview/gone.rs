//! What a run would delete at a destination, since it is gone at the source: rows of a plan. Nothing
//! is noted: since when a tag is missing is what the last run found.

use std::collections::HashSet;

use portolan_core::{
    oci::{Repository, Tag},
    plan::{self, Decision, Gone, PlannedArtifact},
};
use time::OffsetDateTime;

use super::{
    Destination, Planner, PreviewError, refused,
    row::{Draft, Target, left_out},
};
use crate::replication::prune;

impl Planner<'_> {
    /// The rows of one repository; `tags` are those of the source before any filter.
    pub(super) async fn gone(
        &self,
        repository: &Repository,
        tags: &HashSet<String>,
        targets: &[Target],
    ) -> Result<Vec<Draft>, PreviewError> {
        if !self.policy.options.prune.enabled {
            return Ok(Vec::new());
        }
        let mut rows = Vec::new();
        for (destination, target) in self.destinations.iter().zip(targets) {
            if !destination.connection.adapter().info().capabilities.management {
                continue;
            }
            let row = |tag, decision, reason| PlannedArtifact {
                destination: Some(target.endpoint),
                destination_repository: Some(target.repository.clone()),
                decision,
                ..left_out(repository.as_str(), tag, None, reason)
            };
            match self.missing(destination, &target.repository, tags).await? {
                Ok(found) => {
                    rows.extend(found.into_iter().map(|(tag, decision, reason)| {
                        row(Some(tag.to_string()), decision, reason)
                    }))
                }
                Err(why) => rows.push(row(None, Decision::Unknown, why)),
            }
        }
        let draft = |row| Draft { row, target: None, media_type: None, note: None };
        Ok(rows.into_iter().map(draft).collect())
    }

    /// Tags that are gone, with what becomes of each; or why that is not known.
    pub(super) async fn missing(
        &self,
        destination: &Destination,
        repository: &Repository,
        tags: &HashSet<String>,
    ) -> Result<Result<Vec<(Tag, Decision, String)>, String>, PreviewError> {
        let there = match prune::tags(&destination.connection, repository).await {
            Ok(there) => there,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let at_source = |tag: &str| tags.contains(tag);
        let Gone { tags, .. } = plan::gone(self.policy, &there, at_source).map_err(refused)?;
        let since = match self.id {
            Some(id) => {
                let filled = (id, destination.endpoint, repository);
                self.shared.store.missing(filled).await.map_err(refused)?
            }
            None => Default::default(),
        };
        let now = OffsetDateTime::now_utc();
        let prune = &self.policy.options.prune;
        let decided = |tag: Tag| {
            let first = since.get(&tag).copied();
            let grace = prune.grace.as_str();
            let ripe = now - first.unwrap_or(now) >= prune.grace.duration();
            let words = match (ripe, first) {
                (true, _) => {
                    "it is gone at the source; deleted unless these are too many".to_owned()
                }
                (false, Some(at)) => {
                    let at = at.replace_nanosecond(0).unwrap_or(at);
                    format!(
                        "it is gone at the source, seen first at {at}; deleted {grace} after that"
                    )
                }
                (false, None) => {
                    format!("it is gone at the source; deleted {grace} after a run has seen that")
                }
            };
            (tag, if ripe { Decision::Delete } else { Decision::Kept }, words)
        };
        Ok(Ok(tags.into_iter().map(decided).collect()))
    }
}
