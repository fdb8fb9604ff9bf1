//! One execution's listing: pages of the source become tasks as they come, so that the first byte
//! moves before the last page is there and memory does not grow with the source.

use std::{collections::HashSet, sync::Arc};

use futures_util::{StreamExt, stream};
use portolan_core::{
    execution::Execution,
    filter,
    id::EndpointId,
    naming::Naming,
    oci::Repository,
    plan::{self, PlanError, PlannedDestination},
    policy::PolicySpec,
    provider::{ArtifactEntry, ArtifactQuery, RepositoryQuery},
    task::TaskSpec,
};
use time::OffsetDateTime;

use super::{Selection, Shared, connect::ConnectError};
use crate::{
    plugin::{Adapter, PluginError},
    store::StoreError,
};

/// Repositories whose artifacts are listed at once.
const REPOSITORIES: usize = 8;
/// Most pages of one listing: a registry that never ends is stopped.
const MAX_PAGES: usize = 100_000;
/// Most artifacts of one repository.
const MAX_ARTIFACTS: usize = 1_000_000;

/// Why a listing failed. Its text becomes the execution's status text.
#[derive(Debug, thiserror::Error)]
enum ListingError {
    #[error("{0}")]
    Store(#[from] StoreError),
    #[error("the {side} cannot be used: {cause}")]
    Connect { side: &'static str, cause: ConnectError },
    #[error("listing {what} of the source failed: {cause}")]
    Listing { what: String, cause: PluginError },
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error("the source's listing of {0} does not end")]
    Endless(String),
    #[error("the destination takes no pushes: its provider `{0}` is a source only")]
    ReadOnly(String),
}

/// What a listing works with.
struct Lister {
    shared: Arc<Shared>,
    execution: Execution,
    policy: PolicySpec,
    source: Adapter,
    destinations: Vec<PlannedDestination>,
    known: HashSet<(Repository, EndpointId)>,
}

/// Lists one execution to its end and settles it in the store.
pub(super) async fn run(shared: Arc<Shared>, execution: Execution) {
    let id = execution.id;
    let cut = shared.running.begin_listing(id);
    let outcome = tokio::select! {
        outcome = list(&shared, execution) => outcome,
        () = cut.cancelled() => Ok(String::new()),
        () = shared.closing.cancelled() => {
            shared.running.end_listing(id);
            return;
        }
    };
    let outcome = match outcome {
        Err(ListingError::Store(StoreError::Stopped)) => Ok(String::new()),
        outcome => outcome.map_err(|error| error.to_string()),
    };
    if let Err(text) = &outcome {
        tracing::warn!(execution = id.0, error = %text, "listing failed");
    }
    let settled = shared.store.finish_listing(id, outcome, OffsetDateTime::now_utc()).await;
    if let Err(error) = settled {
        tracing::error!(execution = id.0, %error, "the end of a listing could not be stored");
    }
    shared.running.end_listing(id);
    shared.wake.notify_waiters();
}

async fn list(shared: &Arc<Shared>, execution: Execution) -> Result<String, ListingError> {
    let id = execution.id;
    let policy = shared.store.policy(execution.policy).await?;
    let selection = shared.take_selection(policy.id);
    let lister = Lister {
        source: connect(shared, policy.spec.source, "source").await?,
        destinations: destinations(shared, &policy.spec).await?,
        known: shared.store.known_repositories(id).await?,
        shared: Arc::clone(shared),
        policy: policy.spec,
        execution,
    };
    let planned = match selection {
        Some(selection) => lister.plan_selection(selection).await?,
        None => lister.plan_listing().await?,
    };
    if planned == 0 && lister.known.is_empty() {
        return Ok("nothing at the source is selected by this rule".to_owned());
    }
    Ok(String::new())
}

async fn connect(
    shared: &Shared,
    id: EndpointId,
    side: &'static str,
) -> Result<Adapter, ListingError> {
    let adapter = shared.connections.adapter(id).await;
    adapter.map_err(|cause| ListingError::Connect { side, cause })
}

async fn destinations(
    shared: &Shared,
    policy: &PolicySpec,
) -> Result<Vec<PlannedDestination>, ListingError> {
    let mut planned = Vec::with_capacity(policy.destinations.len());
    for destination in &policy.destinations {
        let adapter = connect(shared, destination.endpoint, "destination").await?;
        let info = adapter.info();
        if !info.can_push {
            return Err(ListingError::ReadOnly(info.provider.clone()));
        }
        let naming = Naming {
            namespace: destination.namespace.clone(),
            replace: policy.replace_count,
            min_components: info.min_components,
            max_components: info.max_components,
        };
        planned.push(PlannedDestination { endpoint: destination.endpoint, naming });
    }
    Ok(planned)
}

impl Lister {
    async fn plan_selection(&self, selection: Selection) -> Result<usize, ListingError> {
        let mut planned = 0;
        for (repository, tags) in selection {
            let entry = |tag: String| ArtifactEntry { tags: vec![tag], ..ArtifactEntry::unknown() };
            let artifacts = tags.into_iter().map(String::from).map(entry).collect();
            planned += self.add(&repository, artifacts).await?;
        }
        Ok(planned)
    }

    async fn plan_listing(&self) -> Result<usize, ListingError> {
        if let Some(names) = filter::specific_repositories(&self.policy.filters) {
            return self.plan_repositories(names).await;
        }
        let (mut planned, mut cursor, mut pages) = (0, None::<String>, 0);
        loop {
            let query = RepositoryQuery::default();
            let page = self.source.list_repositories(&query, cursor.as_deref()).await;
            let page = page.map_err(|cause| ListingError::Listing {
                what: "the repositories".to_owned(),
                cause,
            })?;
            let names = page.items.into_iter().map(|repository| repository.name).collect();
            planned += self.plan_repositories(names).await?;
            pages += 1;
            match page.next {
                None => return Ok(planned),
                Some(next) if cursor.as_ref() == Some(&next) || pages >= MAX_PAGES => {
                    return Err(ListingError::Endless("repositories".to_owned()));
                }
                next => cursor = next,
            }
        }
    }

    async fn plan_repositories(&self, names: Vec<String>) -> Result<usize, ListingError> {
        let mut wanted = Vec::new();
        for name in names {
            let kept = filter::keeps_repository(&self.policy.filters, &name);
            if kept.map_err(PlanError::from)?
                && let Ok(repository) = name.parse::<Repository>()
            {
                wanted.push(repository);
            }
        }
        let listings = stream::iter(wanted).map(|repository| async move {
            let artifacts = self.artifacts(&repository).await?;
            self.add(&repository, artifacts).await
        });
        let mut listings = listings.buffer_unordered(REPOSITORIES);
        let mut planned = 0;
        while let Some(added) = listings.next().await {
            planned += added?;
        }
        Ok(planned)
    }

    async fn artifacts(&self, repository: &Repository) -> Result<Vec<ArtifactEntry>, ListingError> {
        let (mut artifacts, mut cursor) = (Vec::new(), None::<String>);
        for _ in 0..MAX_PAGES {
            let query = ArtifactQuery::default();
            let page =
                self.source.list_artifacts(repository.as_str(), &query, cursor.as_deref()).await;
            let page = page.map_err(|cause| ListingError::Listing {
                what: format!("the artifacts of {repository}"),
                cause,
            })?;
            artifacts.extend(page.items);
            if artifacts.len() > MAX_ARTIFACTS {
                break;
            }
            match page.next {
                None => return Ok(artifacts),
                Some(next) if cursor.as_ref() == Some(&next) => break,
                next => cursor = next,
            }
        }
        Err(ListingError::Endless(repository.to_string()))
    }

    /// Plans one repository and adds its tasks; returns how many.
    async fn add(
        &self,
        repository: &Repository,
        artifacts: Vec<ArtifactEntry>,
    ) -> Result<usize, ListingError> {
        let kind = plan::resource_type(&self.source.info().resources);
        let specs = plan::tasks_for(&self.policy, &self.destinations, repository, kind, artifacts)?;
        let is_new = |spec: &TaskSpec| {
            !self.known.contains(&(spec.source_repository.clone(), spec.destination))
        };
        let specs: Vec<TaskSpec> = specs.into_iter().filter(is_new).collect();
        if specs.is_empty() {
            return Ok(0);
        }
        let items = specs.iter().map(TaskSpec::item_count).sum();
        let now = OffsetDateTime::now_utc();
        let added = self.shared.store.add_tasks(self.execution.id, specs, now).await?.len();
        self.shared.stats.planned(items);
        self.shared.wake.notify_waiters();
        Ok(added)
    }
}
