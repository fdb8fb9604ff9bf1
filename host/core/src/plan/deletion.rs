//! From what is gone at the source to tasks that delete it at the destinations.

use super::{PlanError, PlannedDestination};
use crate::{
    event::Selected,
    oci::Repository,
    policy::PolicySpec,
    task::{Item, Operation, TaskSpec},
};

/// The tasks that delete at each destination what is gone at the source: one for tags, one for
/// artifacts, none where nothing is gone.
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
    let tags = gone.deleted_tags.iter().map(|tag| item(None, vec![tag.clone()])).collect();
    let artifacts = gone.deleted.iter().map(|it| item(Some(it.clone()), Vec::new())).collect();
    let kinds: [(Operation, Vec<Item>); 2] =
        [(Operation::TagDeletion, tags), (Operation::Deletion, artifacts)];
    let mut tasks = Vec::new();
    for (operation, items) in kinds.into_iter().filter(|(_, items)| !items.is_empty()) {
        for destination in destinations {
            let name = destination.naming.destination(&gone.repository)?;
            let task = Deletion { operation, items: &items, repository: &gone.repository };
            tasks.push(task.at(policy, destination, name, resource_type));
        }
    }
    Ok(tasks)
}

/// What is to be deleted, whatever the destination.
struct Deletion<'a> {
    operation: Operation,
    items: &'a [Item],
    repository: &'a Repository,
}

impl Deletion<'_> {
    fn at(
        &self,
        policy: &PolicySpec,
        destination: &PlannedDestination,
        name: Repository,
        resource_type: &str,
    ) -> TaskSpec {
        TaskSpec {
            operation: self.operation,
            resource_type: resource_type.to_owned(),
            source: policy.source,
            source_repository: self.repository.clone(),
            destination: destination.endpoint,
            destination_repository: name,
            items: self.items.to_vec(),
            override_tags: policy.override_tags,
            speed: policy.speed,
            copy_by_chunk: false,
            visibility: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        accepts::Accepts, id::EndpointId, naming::Naming, oci::Digest, policy::Destination,
        trigger::Trigger,
    };

    #[test]
    fn tags_and_artifacts_are_tasks_of_their_own_at_each_destination() {
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
        assert_eq!(
            planned(&gone),
            [
                at(TagDeletion, "a/team/app", 2),
                at(TagDeletion, "b/team/app", 2),
                at(Deletion, "a/team/app", 1),
                at(Deletion, "b/team/app", 1),
            ]
        );
        (gone.deleted_tags, gone.deleted) = (Vec::new(), Vec::new());
        assert!(planned(&gone).is_empty());
    }
}
