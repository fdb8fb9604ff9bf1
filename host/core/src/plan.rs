//! From a policy and a listing to tasks.

use std::collections::HashSet;

use crate::{
    accepts::Accepts,
    filter,
    id::EndpointId,
    naming::{Naming, NamingError},
    oci::{MediaType, Repository, Tag},
    pattern::BadPattern,
    policy::PolicySpec,
    provider::ArtifactEntry,
    selection::{Seen, Selection, SelectionError},
    task::{Item, Operation, TaskSpec},
    visibility::Visibility,
};

mod deletion;
mod preview;
mod pruning;

pub use deletion::deletions_for;
pub use preview::{Decision, PlannedArtifact, PlannedCounts, Sifted, sift, skips_repository};
pub use pruning::{Gone, gone};

/// Why a plan cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// A filter's pattern is malformed.
    #[error("a filter cannot be applied: {0}")]
    Pattern(#[from] BadPattern),
    /// Nothing can be selected of a repository.
    #[error(transparent)]
    Selection(#[from] SelectionError),
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
    /// What it takes on push, as far as that is known while planning.
    pub accepts: Accepts,
    /// What the repository is to be where it has to be made; `None` leaves it to the provider.
    pub visibility: Option<Visibility>,
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
/// `resource_type` is that of the source, see [`resource_type`]; `seen` says what is known of the
/// artifacts' ages. An artifact that nothing can be
/// asked for by is left out: one whose tags are all outside the grammar, or an untagged one
/// without digest. One that a destination does not take is marked as refused.
///
/// # Errors
/// When a pattern is malformed or a name cannot be made: the whole execution fails then.
pub fn tasks_for(
    policy: &PolicySpec,
    destinations: &[PlannedDestination],
    repository: &Repository,
    resource_type: &str,
    (artifacts, seen): (Vec<ArtifactEntry>, &Seen),
) -> Result<Vec<TaskSpec>, PlanError> {
    if !filter::keeps_repository(&policy.filters, repository.as_str())? {
        return Ok(Vec::new());
    }
    let selection = Selection { filters: &policy.filters, options: &policy.options, seen };
    let attached = selection.attached_tags(&artifacts)?;
    let items: Vec<_> = selection.keep(artifacts)?.into_iter().flat_map(found).collect();
    if items.is_empty() {
        return Ok(Vec::new());
    }
    let attached = without(attached, &items);
    let task = |destination: &PlannedDestination| {
        Ok(TaskSpec {
            operation: Operation::Copy,
            resource_type: resource_type.to_owned(),
            source: policy.source,
            source_repository: repository.clone(),
            destination: destination.endpoint,
            destination_repository: destination.naming.destination(repository)?,
            items: items.iter().map(|found| found.item_for(&destination.accepts)).collect(),
            override_tags: policy.override_tags,
            speed: policy.speed,
            copy_by_chunk: policy.copy_by_chunk,
            visibility: destination.visibility,
            attached: attached.clone(),
            options: policy.options.clone(),
        })
    };
    destinations.iter().map(task).collect()
}

/// Tags that are no items of their own.
fn without(tags: Vec<String>, items: &[Found]) -> Vec<Tag> {
    if tags.is_empty() {
        return Vec::new();
    }
    let own: HashSet<&str> =
        items.iter().flat_map(|found| &found.item.tags).map(Tag::as_str).collect();
    let others = tags.into_iter().filter(|tag| !own.contains(tag.as_str()));
    others.filter_map(|tag| tag.parse().ok()).collect()
}

/// An item, and what the listing tells of its manifest.
struct Found {
    item: Item,
    media_type: Option<MediaType>,
}

impl Found {
    fn item_for(&self, accepts: &Accepts) -> Item {
        let refused = self.media_type.as_ref().and_then(|it| accepts.refusal(it));
        Item { refused, ..self.item.clone() }
    }
}

fn found(artifact: ArtifactEntry) -> Option<Found> {
    let tags: Vec<Tag> = artifact.tags.iter().filter_map(|tag| tag.parse().ok()).collect();
    let untagged = artifact.tags.is_empty() && artifact.digest.is_some();
    let item = Item { digest: artifact.digest, tags, refused: None };
    (untagged || !item.tags.is_empty()).then_some(Found { item, media_type: artifact.media_type })
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
            options: Default::default(),
        }
    }

    fn to(endpoint: u64, namespace: Option<&str>, replace: i8) -> PlannedDestination {
        let namespace = namespace.map(str::to_owned);
        let naming = Naming { namespace, replace, ..Naming::default() };
        let accepts = Accepts::default();
        let visibility = Some(Visibility::Private);
        PlannedDestination { endpoint: EndpointId(endpoint), naming, accepts, visibility }
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
        let seen = Seen::nothing(time::OffsetDateTime::UNIX_EPOCH);
        tasks_for(&policy(filters), destinations, &repository, "image", (artifacts, &seen))
    }

    fn tag(glob: &str) -> Filter {
        Filter::tag(glob, Decoration::Matches)
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
            assert_eq!(task.visibility, Some(Visibility::Private));
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
                let digest = digest.clone().filter(|_| entry.digest.is_some());
                vec![Item { digest, tags, refused: None }]
            });
            assert_eq!(item, expected.as_deref(), "{entry:?}");
        }
    }

    #[test]
    fn what_is_attached_goes_along_once() {
        let signature = format!("sha256-{}.sig", Digest::of(b"x").hex());
        let all = || vec![artifact(None, &["v1"]), artifact(None, &[&signature])];
        let attached = |filters| {
            let made = tasks(filters, &[to(2, None, 0)], all()).unwrap();
            (made[0].item_count(), made[0].attached.len())
        };
        assert_eq!(attached(Vec::new()), (2, 0), "it is an item of its own");
        assert_eq!(attached(vec![tag("v*")]), (1, 1));
    }

    #[test]
    fn what_a_destination_does_not_take_is_refused_there_alone() {
        let docker = MediaType::new(MediaType::DOCKER_MANIFEST);
        let of = |media_type: Option<&str>, tag: &str| ArtifactEntry {
            media_type: media_type.map(MediaType::new),
            ..artifact(Some(tag), &[tag])
        };
        let artifacts = vec![
            of(Some(MediaType::OCI_MANIFEST), "oci"),
            of(Some(docker.as_str()), "docker"),
            of(None, "untold"),
        ];
        let narrow =
            PlannedDestination { accepts: Accepts::new("harbor", vec![docker]), ..to(2, None, 0) };
        let made = tasks(Vec::new(), &[narrow, to(3, None, 0)], artifacts).unwrap();
        let refused = |task: &TaskSpec| -> Vec<bool> {
            task.items.iter().map(|item| item.refused.is_some()).collect()
        };
        assert_eq!(refused(&made[0]), [true, false, false]);
        assert_eq!(refused(&made[1]), [false; 3]);
    }

    #[test]
    fn nothing_selected_is_no_task() {
        let all = || vec![artifact(Some("x"), &["v1"])];
        let none = |filters| tasks(filters, &[to(2, None, 0)], all()).unwrap().is_empty();
        assert!(none(vec![tag("w*")]));
        assert!(none(vec![Filter::name("other/**")]));
        assert!(tasks(Vec::new(), &[to(2, None, 0)], Vec::new()).unwrap().is_empty());
        assert!(tasks(Vec::new(), &[], all()).unwrap().is_empty());
        assert!(!none(vec![Filter::name("a/**")]));
        // A name that cannot be made is no error where nothing is to be copied.
        assert!(tasks(vec![tag("w*")], &[to(2, Some("n"), 9)], all()).unwrap().is_empty());
    }

    #[test]
    fn what_fails_the_whole_execution() {
        let all = || vec![artifact(Some("x"), &["v1"])];
        let error = tasks(vec![tag("v[")], &[to(2, None, 0)], all()).unwrap_err();
        assert!(matches!(error, PlanError::Selection(SelectionError::Pattern(_))), "{error}");
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
