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

/// What the tasks of a source are called: `artifact` where its adapter lists artifacts of every
/// kind, `chart` where it has nothing else (Harbor up to 2.7), else `image` (contract 3.9).
#[must_use]
pub fn resource_type(resources: &[String]) -> &'static str {
    let has = |kind| resources.iter().any(|resource| resource == kind);
    match () {
        () if has("artifact") => "artifact",
        () if has("chart") && !has("image") => "chart",
        () => "image",
    }
}

/// The tasks for one repository: one for each destination, none where nothing is selected.
///
/// `resource_type` is that of the source, see [`resource_type`]. An artifact that nothing can be
/// asked for by is left out: one whose tags are all outside the grammar, or an untagged one
/// without digest.
///
/// # Errors
/// When a pattern is malformed or a name cannot be made: the whole execution fails then.
pub fn tasks_for(
    policy: &PolicySpec,
    destinations: &[PlannedDestination],
    repository: &Repository,
    resource_type: &str,
    artifacts: Vec<ArtifactEntry>,
) -> Result<Vec<TaskSpec>, PlanError> {
    if !filter::keeps_repository(&policy.filters, repository.as_str())? {
        return Ok(Vec::new());
    }
    let mut items = Vec::new();
    for artifact in artifacts {
        if let Some(kept) = filter::keep_artifact(&policy.filters, artifact)? {
            items.extend(item(kept));
        }
    }
    if items.is_empty() {
        return Ok(Vec::new());
    }
    let task = |destination: &PlannedDestination| {
        Ok(TaskSpec {
            operation: Operation::Copy,
            resource_type: resource_type.to_owned(),
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

fn item(artifact: ArtifactEntry) -> Option<Item> {
    let tags: Vec<Tag> = artifact.tags.iter().filter_map(|tag| tag.parse().ok()).collect();
    let untagged = artifact.tags.is_empty() && artifact.digest.is_some();
    (untagged || !tags.is_empty()).then_some(Item { digest: artifact.digest, tags })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        filter::{Decoration, Filter},
        oci::Digest,
        policy::Destination,
        trigger::Trigger,
    };

    fn policy(filters: Vec<Filter>) -> PolicySpec {
        PolicySpec {
            name: "p".to_owned(),
            description: String::new(),
            source: EndpointId(1),
            destinations: vec![Destination { endpoint: EndpointId(2), namespace: None }],
            replace_count: -1,
            filters,
            trigger: Trigger::Manual,
            override_tags: true,
            enabled: true,
            deletion: false,
            speed: 7,
            copy_by_chunk: true,
            single_active: false,
        }
    }

    fn to(endpoint: u64, namespace: Option<&str>, replace: i8) -> PlannedDestination {
        let namespace = namespace.map(str::to_owned);
        let naming = Naming { namespace, replace, ..Naming::default() };
        PlannedDestination { endpoint: EndpointId(endpoint), naming }
    }

    fn artifact(digest: Option<&str>, tags: &[&str]) -> ArtifactEntry {
        ArtifactEntry {
            digest: digest.map(|content| Digest::of(content.as_bytes())),
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            media_type: None,
            artifact_type: None,
            size: None,
            pushed: None,
            labels: Vec::new(),
            subject: None,
        }
    }

    fn tasks(
        filters: Vec<Filter>,
        destinations: &[PlannedDestination],
        artifacts: Vec<ArtifactEntry>,
    ) -> Result<Vec<TaskSpec>, PlanError> {
        let repository = "a/b/image".parse().unwrap();
        tasks_for(&policy(filters), destinations, &repository, "image", artifacts)
    }

    fn tag(glob: &str) -> Filter {
        Filter::Tag(glob.to_owned(), Decoration::Matches)
    }

    #[test]
    fn one_task_for_each_destination_with_what_the_policy_says() {
        let destinations = [to(2, Some("n"), 1), to(3, None, 0)];
        let artifacts = vec![artifact(Some("x"), &["v1", "latest"]), artifact(None, &["v2"])];
        let made = tasks(vec![tag("v*")], &destinations, artifacts).unwrap();
        let shown: Vec<(u64, &str)> = made
            .iter()
            .map(|task| (task.destination.0, task.destination_repository.as_str()))
            .collect();
        assert_eq!(shown, [(2, "n/b/image"), (3, "a/b/image")]);
        for task in &made {
            assert_eq!(task.item_count(), 2);
            assert_eq!(
                (task.source, task.source_repository.as_str()),
                (EndpointId(1), "a/b/image")
            );
            assert_eq!((task.override_tags, task.speed, task.copy_by_chunk), (true, 7, true));
            assert_eq!((task.resource_type.as_str(), task.operation), ("image", Operation::Copy));
        }
    }

    #[test]
    fn artifacts_that_cannot_be_asked_for_are_left_out() {
        let digest = Some(Digest::of(b"x"));
        let tags = |tags: &[&str]| tags.iter().map(|tag| tag.parse().unwrap()).collect();
        let cases = [
            (artifact(Some("x"), &["v1", "not a tag"]), Some(tags(&["v1"]))),
            (artifact(None, &["v1"]), Some(tags(&["v1"]))),
            (artifact(Some("x"), &[]), Some(tags(&[]))),
            (artifact(None, &[]), None),
            (artifact(Some("x"), &["not a tag"]), None),
        ];
        for (entry, expected) in cases {
            let made = tasks(Vec::new(), &[to(2, None, 0)], vec![entry.clone()]).unwrap();
            let item = made.first().map(|task| task.items.as_slice());
            let expected: Option<Vec<Item>> = expected.map(|tags| {
                vec![Item { digest: digest.clone().filter(|_| entry.digest.is_some()), tags }]
            });
            assert_eq!(item, expected.as_deref(), "{entry:?}");
        }
    }

    #[test]
    fn nothing_selected_is_no_task() {
        let all = || vec![artifact(Some("x"), &["v1"])];
        let none = |filters| tasks(filters, &[to(2, None, 0)], all()).unwrap().is_empty();
        assert!(none(vec![tag("w*")]));
        assert!(none(vec![Filter::Name("other/**".to_owned())]));
        assert!(tasks(Vec::new(), &[to(2, None, 0)], Vec::new()).unwrap().is_empty());
        assert!(tasks(Vec::new(), &[], all()).unwrap().is_empty());
        assert!(!none(vec![Filter::Name("a/**".to_owned())]));
        // A name that cannot be made is no error where nothing is to be copied.
        assert!(tasks(vec![tag("w*")], &[to(2, Some("n"), 9)], all()).unwrap().is_empty());
    }

    #[test]
    fn what_fails_the_whole_execution() {
        let all = || vec![artifact(Some("x"), &["v1"])];
        let error = tasks(vec![tag("v[")], &[to(2, None, 0)], all()).unwrap_err();
        assert!(matches!(error, PlanError::Pattern(_)), "{error}");
        let error = tasks(Vec::new(), &[to(3, None, 0), to(2, Some("n"), 3)], all()).unwrap_err();
        assert!(matches!(error, PlanError::Naming(_)), "{error}");
    }

    #[test]
    fn contract_3_9_resource_types() {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let cases: [(Vec<String>, &str); 5] = [
            (owned(&["image", "artifact"]), "artifact"),
            (owned(&["image"]), "image"),
            (owned(&["chart"]), "chart"),
            (owned(&["image", "chart"]), "image"),
            (owned(&[]), "image"),
        ];
        for (resources, expected) in cases {
            assert_eq!(resource_type(&resources), expected);
        }
    }
}
