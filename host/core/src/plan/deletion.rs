//! From what is gone at the source to tasks that delete it at the destinations.

use super::{PlanError, PlannedDestination};
use crate::{
    event::Selected,
    policy::{Options, PolicySpec},
    task::{Item, Operation, TaskSpec},
};

/// The tasks that delete what is gone at the source: one for each destination, none where nothing is
/// gone. Artifacts come before tags: a tag goes with its artifact where a provider tells both.
///
/// # Errors
/// When a name cannot be made: the whole execution fails then.
pub fn deletions_for(
    policy: &PolicySpec,
    destinations: &[PlannedDestination],
    resource_type: &str,
    gone: &Selected,
) -> Result<Vec<TaskSpec>, PlanError> {
    let item = |digest, tags| Item { digest, tags, refused: None };
    let artifacts = gone.deleted.iter().map(|it| item(Some(it.clone()), Vec::new()));
    let tags = gone.deleted_tags.iter().map(|tag| item(None, vec![tag.clone()]));
    let items: Vec<Item> = artifacts.chain(tags).collect();
    if items.is_empty() {
        return Ok(Vec::new());
    }
    let tags_alone = gone.deleted.is_empty();
    let task = |destination: &PlannedDestination| {
        Ok(TaskSpec {
            operation: if tags_alone { Operation::TagDeletion } else { Operation::Deletion },
            resource_type: resource_type.to_owned(),
            source: policy.source,
            source_repository: gone.repository.clone(),
            destination: destination.endpoint,
            destination_repository: destination.naming.destination(&gone.repository)?,
            items: items.clone(),
            override_tags: policy.override_tags,
            speed: policy.speed,
            copy_by_chunk: false,
            visibility: None,
            attached: Vec::new(),
            options: Options::default(),
        })
    };
    destinations.iter().map(task).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        accepts::Accepts, id::EndpointId, naming::Naming, oci::Digest, policy::Destination,
        trigger::Trigger,
    };

    #[test]
    fn each_destination_has_one_task_artifacts_first() {
        let policy = PolicySpec {
            name: "p".to_owned(),
            description: String::new(),
            source: EndpointId(1),
            destinations: vec![Destination { endpoint: EndpointId(2), namespace: None }],
            replace_count: 0,
            filters: Vec::new(),
            trigger: Trigger::EventBased,
            override_tags: true,
            enabled: true,
            deletion: true,
            speed: 0,
            copy_by_chunk: false,
            single_active: false,
            options: Options::default(),
        };
        let to = |endpoint: u64, namespace: &str| PlannedDestination {
            endpoint: EndpointId(endpoint),
            naming: Naming { namespace: Some(namespace.to_owned()), ..Naming::default() },
            accepts: Accepts::default(),
            visibility: None,
        };
        let mut gone = Selected {
            repository: "team/app".parse().unwrap(),
            tags: vec!["kept".parse().unwrap()],
            digests: Vec::new(),
            deleted_tags: vec!["v1".parse().unwrap(), "v2".parse().unwrap()],
            deleted: vec![Digest::of(b"x")],
        };
        let planned = |gone: &Selected| {
            let destinations = [to(2, "a"), to(3, "b")];
            let tasks = deletions_for(&policy, &destinations, "image", gone).unwrap();
            let shown = |it: &TaskSpec| {
                (it.operation, it.destination_repository.to_string(), it.item_count())
            };
            tasks.iter().map(shown).collect::<Vec<_>>()
        };
        let at = |operation, name: &str, count| (operation, name.to_owned(), count);
        use Operation::{Deletion, TagDeletion};
        assert_eq!(planned(&gone), [at(Deletion, "a/team/app", 3), at(Deletion, "b/team/app", 3)]);
        gone.deleted.clear();
        assert_eq!(
            planned(&gone),
            [at(TagDeletion, "a/team/app", 2), at(TagDeletion, "b/team/app", 2)]
        );
        gone.deleted_tags.clear();
        assert!(planned(&gone).is_empty());
    }
}
