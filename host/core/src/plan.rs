//! From a policy and a listing to tasks.

use crate::{
    filter,
    id::EndpointId,
    naming::{Naming, NamingError},
    oci::{Repository, Tag},
    pattern::BadPattern,
    policy::PolicySpec,
    provider::ArtifactEntry,
    task::{Item, Operation, TaskSpec},
};

/// Why a plan cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// A filter's pattern is malformed.
    #[error("a filter cannot be applied: {0}")]
    Pattern(#[from] BadPattern),
    /// A repository has no name at a destination.
    #[error(transparent)]
    Naming(#[from] NamingError),
}

/// Which endpoint takes what names.
#[derive(Clone, Debug)]
pub struct PlannedDestination {
    /// The endpoint.
    pub endpoint: EndpointId,
    /// How names are made for it.
    pub naming: Naming,
}

/// The tasks for one repository: one for each destination, none where nothing is selected.
///
/// # Errors
/// When a pattern is malformed or a name cannot be made: the whole execution fails then.
pub fn tasks_for(
    policy: &PolicySpec,
    destinations: &[PlannedDestination],
    repository: &Repository,
    artifacts: Vec<ArtifactEntry>,
) -> Result<Vec<TaskSpec>, PlanError> {
    let mut items = Vec::new();
    for artifact in artifacts {
        if let Some(kept) = filter::keep_artifact(&policy.filters, artifact)? {
            let tags: Vec<Tag> = kept.tags.iter().filter_map(|tag| tag.parse().ok()).collect();
            items.push(Item { digest: kept.digest, tags });
        }
    }
    if items.is_empty() {
        return Ok(Vec::new());
    }
    let task = |destination: &PlannedDestination| {
        Ok(TaskSpec {
            operation: Operation::Copy,
            resource_type: "image".to_owned(),
            source: policy.source,
            source_repository: repository.clone(),
            destination: destination.endpoint,
            destination_repository: destination.naming.destination(repository)?,
            items: items.clone(),
            override_tags: policy.override_tags,
            speed: policy.speed,
            copy_by_chunk: policy.copy_by_chunk,
        })
    };
    destinations.iter().map(task).collect()
}
