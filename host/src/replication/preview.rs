//! What a run of a rule would do, a page at a time: the listing, the filters and the names of a
//! run, and one question to the destination for each artifact. Nothing is copied, made or stored.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{StreamExt, stream};
use portolan_core::{
    accepts::Accepts,
    filter,
    id::EndpointId,
    naming::Naming,
    oci::{Reference, Repository},
    plan::{self, Decision, PlannedArtifact},
    policy::PolicySpec,
    provider::{ArtifactEntry, ArtifactQuery, RepositoryQuery},
};
use serde::{Deserialize, Serialize};

use super::{
    Shared,
    connect::{ConnectError, Connection},
    listing::pages::patiently,
    queue,
    source::Source,
};
use crate::plugin::PluginError;

mod row;

use row::{Draft, Target, draft, left_out, reference};

/// Questions to registries at once, of one plan.
const QUESTIONS: usize = 6;
/// After this time a page ends with what it has.
const PAGE_TIME: Duration = Duration::from_secs(20);
/// Most pages of repositories, and of artifacts of one repository, that one page of a plan reads.
const MAX_PAGES: usize = 200;
/// Most artifacts of one repository that are looked at.
const MAX_ARTIFACTS: usize = 20_000;

/// Where a page of a plan begins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    /// Cursor of the source's listing.
    #[serde(rename = "c")]
    cursor: Option<String>,
    /// Repositories of that page that were planned before.
    #[serde(rename = "r")]
    repositories: usize,
    /// Rows of the next repository that were given before.
    #[serde(rename = "a")]
    artifacts: usize,
}

/// One page of a plan.
pub(crate) struct Preview {
    pub(crate) artifacts: Vec<PlannedArtifact>,
    pub(crate) next: Option<Place>,
}

/// Why there is no plan: a run would fail as a whole.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PreviewError {
    /// The source or a destination cannot be used.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The source does not list.
    #[error("{0}")]
    Listing(String),
    /// A filter or a name cannot be applied, or a destination takes no pushes.
    #[error("{0}")]
    Refused(String),
}

/// A destination of the policy.
struct Destination {
    endpoint: EndpointId,
    connection: Connection,
    naming: Naming,
}

struct Planner<'p> {
    shared: &'p Arc<Shared>,
    policy: &'p PolicySpec,
    source: Connection,
    destinations: Vec<Destination>,
    ends: Instant,
}

/// Plans from `from` on, at most `limit` rows.
pub(super) async fn make(
    shared: &Arc<Shared>,
    policy: &PolicySpec,
    from: Place,
    limit: usize,
) -> Result<Preview, PreviewError> {
    let closed = |_| PreviewError::Refused("the engine is closing".to_owned());
    let _turn = shared.previews.acquire().await.map_err(closed)?;
    let source = shared.connections.connection(policy.source).await?;
    let destinations = destinations(shared, policy).await?;
    let ends = Instant::now() + PAGE_TIME;
    Planner { shared, policy, source, destinations, ends }.plan(from, limit).await
}

async fn destinations(
    shared: &Shared,
    policy: &PolicySpec,
) -> Result<Vec<Destination>, PreviewError> {
    let mut found = Vec::with_capacity(policy.destinations.len());
    for destination in &policy.destinations {
        let connection = shared.connections.connection(destination.endpoint).await?;
        let info = connection.adapter().info();
        if !info.can_push {
            let provider = &info.provider;
            return Err(PreviewError::Refused(format!(
                "the destination takes no pushes: its provider `{provider}` is a source only"
            )));
        }
        let naming = Naming {
            namespace: destination.namespace.clone(),
            replace: policy.replace_count,
            min_components: info.min_components,
            max_components: info.max_components,
        };
        found.push(Destination { endpoint: destination.endpoint, connection, naming });
    }
    Ok(found)
}

fn refused(why: impl std::fmt::Display) -> PreviewError {
    PreviewError::Refused(why.to_string())
}

fn unlisted(what: &str) -> impl Fn(PluginError) -> PreviewError {
    move |cause| PreviewError::Listing(format!("listing {what} of the source failed: {cause}"))
}

impl Planner<'_> {
    async fn plan(&self, from: Place, limit: usize) -> Result<Preview, PreviewError> {
        let (mut rows, mut place) = (Vec::new(), from);
        for _ in 0..MAX_PAGES {
            let (names, next) = self.repositories(place.cursor.as_deref()).await?;
            for name in names.iter().skip(place.repositories) {
                if rows.len() >= limit || Instant::now() >= self.ends {
                    return Ok(Preview { artifacts: rows, next: Some(place) });
                }
                let room = limit - rows.len();
                let (found, more) = self.repository(name, place.artifacts, room).await?;
                rows.extend(found);
                if more {
                    place.artifacts += room;
                    return Ok(Preview { artifacts: rows, next: Some(place) });
                }
                (place.repositories, place.artifacts) = (place.repositories + 1, 0);
            }
            if next.is_none() || next == place.cursor {
                return Ok(Preview { artifacts: rows, next: None });
            }
            place = Place { cursor: next, ..Place::default() };
        }
        Ok(Preview { artifacts: rows, next: Some(place) })
    }

    /// One page of repository names, and the cursor of the next.
    async fn repositories(
        &self,
        cursor: Option<&str>,
    ) -> Result<(Vec<String>, Option<String>), PreviewError> {
        if let Some(names) = filter::specific_repositories(&self.policy.filters) {
            return Ok((names, None));
        }
        let prefix = filter::common_prefix(&self.policy.filters);
        let query = &RepositoryQuery { prefix, ..RepositoryQuery::default() };
        let source = &self.source;
        let ask = || async move { source.now().await?.list_repositories(query, cursor).await };
        let page = patiently(ask).await.map_err(unlisted("the repositories"))?;
        Ok((page.items.into_iter().map(|row| row.name).collect(), page.next))
    }

    /// The rows of one repository after the first `skip`, at most `room`; and whether there are
    /// more.
    async fn repository(
        &self,
        name: &str,
        skip: usize,
        room: usize,
    ) -> Result<(Vec<PlannedArtifact>, bool), PreviewError> {
        if let Some(why) = plan::skips_repository(&self.policy.filters, name).map_err(refused)? {
            return Ok((vec![left_out(name, None, None, why)], false));
        }
        let Ok(repository) = name.parse::<Repository>() else {
            let why = "its name is outside the grammar of repository names".to_owned();
            return Ok((vec![left_out(name, None, None, why)], false));
        };
        let artifacts = self.artifacts(name).await?;
        let targets = self.targets(&repository).await?;
        let drafts = self.drafts(name, artifacts, &targets)?;
        let more = drafts.len() > skip.saturating_add(room);
        let source = queue::source_of(self.shared, self.source.clone(), &repository).await;
        let source = &source.map_err(|error| error.to_string());
        let (targets, after) = (&targets, drafts.into_iter().skip(skip).take(room));
        let decided = stream::iter(after).map(|draft| self.decide(draft, source, targets));
        Ok((decided.buffered(QUESTIONS).collect().await, more))
    }

    async fn artifacts(&self, name: &str) -> Result<Vec<ArtifactEntry>, PreviewError> {
        let (mut artifacts, mut cursor) = (Vec::new(), None::<String>);
        for _ in 0..MAX_PAGES {
            let (source, at) = (&self.source, cursor.as_deref());
            let query = &ArtifactQuery::default();
            let ask = || async move { source.now().await?.list_artifacts(name, query, at).await };
            let page =
                patiently(ask).await.map_err(unlisted(&format!("the artifacts of {name}")))?;
            artifacts.extend(page.items);
            if page.next.is_none() || page.next == cursor || artifacts.len() >= MAX_ARTIFACTS {
                break;
            }
            cursor = page.next;
        }
        artifacts.truncate(MAX_ARTIFACTS);
        Ok(artifacts)
    }

    async fn targets(&self, repository: &Repository) -> Result<Vec<Target>, PreviewError> {
        let mut targets = Vec::with_capacity(self.destinations.len());
        for destination in &self.destinations {
            let name = destination.naming.destination(repository).map_err(refused)?;
            let located = queue::locate(destination.connection.clone(), name.as_str()).await;
            let accepts = match &located {
                Ok((connection, target)) => connection.adapter().accepts(target),
                Err(_) => Accepts::default(),
            };
            let remote = located.map(|(connection, target)| queue::remote(connection, target));
            let remote = remote.map_err(|error| error.to_string());
            targets.push(Target {
                endpoint: destination.endpoint,
                repository: name,
                remote,
                accepts,
            });
        }
        Ok(targets)
    }

    /// Every row of a repository, in an order that another listing of the same gives again.
    fn drafts(
        &self,
        name: &str,
        artifacts: Vec<ArtifactEntry>,
        targets: &[Target],
    ) -> Result<Vec<Draft>, PreviewError> {
        let mut drafts = Vec::new();
        for artifact in artifacts {
            let digest = artifact.digest.clone();
            let sifted = plan::sift(&self.policy.filters, artifact).map_err(refused)?;
            drafts.extend(sifted.skipped.into_iter().map(|(tag, why)| Draft {
                row: left_out(name, tag, digest.clone(), why),
                target: None,
                media_type: None,
            }));
            let Some(kept) = sifted.kept else { continue };
            let tags: Vec<Option<String>> = match kept.tags.is_empty() {
                true => vec![None],
                false => kept.tags.iter().cloned().map(Some).collect(),
            };
            for tag in tags {
                let row = |at| draft(name, tag.clone(), &kept, at);
                drafts.extend(targets.iter().enumerate().map(row));
            }
        }
        Ok(drafts)
    }

    async fn decide(
        &self,
        draft: Draft,
        source: &Result<Source, String>,
        targets: &[Target],
    ) -> PlannedArtifact {
        let Draft { mut row, target, media_type } = draft;
        let Some(target) = target.and_then(|at| targets.get(at)) else { return row };
        let refusal = media_type.as_ref().and_then(|it| target.accepts.refusal(it));
        let (decision, reason) = match refusal {
            Some(why) => (Decision::Refused, why),
            None => self.compare(&row, source, target).await,
        };
        (row.decision, row.reason) = (decision, reason);
        row
    }

    /// Asks the destination for what the row would become.
    async fn compare(
        &self,
        row: &PlannedArtifact,
        source: &Result<Source, String>,
        target: &Target,
    ) -> (Decision, String) {
        let (source, remote) = match (source, &target.remote) {
            (Ok(source), Ok(remote)) => (source, remote),
            (Err(why), _) | (_, Err(why)) => return (Decision::Unknown, why.clone()),
        };
        let Some(reference) = reference(row) else {
            let why = "it has neither a digest nor a tag of the grammar, so it cannot be asked for";
            return (Decision::Skipped, why.to_owned());
        };
        let there = match remote.head_manifest(&reference).await {
            Ok(Some(there)) => there.digest,
            Ok(None) => return (Decision::Copy, "the destination does not have it".to_owned()),
            Err(error) => return (Decision::Unknown, error.to_string()),
        };
        if matches!(reference, Reference::Digest(_)) {
            return (Decision::AlreadyThere, format!("the destination has {there}"));
        }
        match source.is_same(&reference, row.digest.as_ref(), &there, remote).await {
            Ok(true) => (Decision::AlreadyThere, format!("the destination has {there}")),
            Ok(false) if self.policy.override_tags => {
                (Decision::Copy, format!("the tag moves there from {there}"))
            }
            Ok(false) => {
                (Decision::Kept, format!("the destination has {there}, and override is off"))
            }
            Err(error) => (Decision::Unknown, error.to_string()),
        }
    }
}
