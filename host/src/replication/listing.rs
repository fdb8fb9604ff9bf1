//! One execution's listing: pages of the source become tasks as they come, so that the first byte
//! moves before the last page is there and memory does not grow with the source.

mod events;
pub(super) mod pages;
mod visibility;

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
};

use futures_util::{StreamExt, stream};
use portolan_core::{
    accepts::Accepts,
    execution::Execution,
    filter,
    id::EndpointId,
    naming::Naming,
    oci::Repository,
    plan::{self, PlanError, PlannedDestination},
    policy::PolicySpec,
    provider::{ArtifactEntry, ArtifactQuery, RepositoryEntry, RepositoryQuery},
    selection,
    task::{Operation, TaskSpec},
    visibility::{Visibilities, Visibility},
};
use time::OffsetDateTime;

use super::{
    Selection, Shared,
    ages::{AgeError, Asks},
    connect::{ConnectError, Connection},
};
use crate::{plugin::PluginError, store::StoreError};
use pages::{Pages, Seen, patiently};

/// Repositories whose artifacts are listed at once.
const REPOSITORIES: usize = 8;
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
    #[error(transparent)]
    Age(#[from] AgeError),
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
    source: Connection,
    destinations: Vec<(Connection, PlannedDestination)>,
    known: HashSet<(Repository, EndpointId)>,
    seen: Seen,
    visibilities: Mutex<Visibilities>,
}

/// Lists one execution to its end and settles it in the store.
pub(super) async fn run(shared: Arc<Shared>, execution: Execution) {
    let id = execution.id;
    let Some(under) = shared.running.listings.begin(id, id) else { return };
    let outcome = tokio::select! {
        outcome = list(&shared, execution) => outcome,
        () = under.cut.cancelled() => match shared.store.execution(id).await {
            Ok(execution) if execution.stop_requested => Ok(String::new()),
            // The claim is somebody else's now, and the listing, too.
            _ => return,
        },
        () = shared.closing.cancelled() => return,
    };
    let outcome = match outcome {
        Err(
            ListingError::Store(StoreError::Stopped)
            | ListingError::Age(AgeError::Store(StoreError::Stopped)),
        ) => Ok(String::new()),
        outcome => outcome.map_err(|error| error.to_string()),
    };
    match &outcome {
        Ok(_) => tracing::debug!("listing is over"),
        Err(text) => tracing::warn!(execution = id.0, error = %text, "listing failed"),
    }
    let settled = shared.store.finish_listing(id, outcome, OffsetDateTime::now_utc()).await;
    if let Err(error) = settled {
        tracing::error!(execution = id.0, %error, "the end of a listing could not be stored");
    }
    drop(under);
    shared.wake.notify_waiters();
}

async fn list(shared: &Arc<Shared>, execution: Execution) -> Result<String, ListingError> {
    let id = execution.id;
    let policy = shared.store.rule_of(id).await?;
    let told = shared.store.selection_of(id).await?;
    let selection = shared.take_selection(execution.policy).filter(|_| told.is_none());
    let lister = Lister {
        source: connect(shared, policy.source, "source").await?,
        destinations: destinations(shared, &policy).await?,
        known: shared.store.known_repositories(id).await?,
        seen: Seen::default(),
        visibilities: Mutex::default(),
        shared: Arc::clone(shared),
        policy,
        execution,
    };
    let planned = match (told, selection) {
        (Some(told), _) => lister.plan_events(told).await?,
        (None, Some(selection)) => lister.plan_selection(selection).await?,
        (None, None) => lister.plan_listing().await?,
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
) -> Result<Connection, ListingError> {
    let connection = shared.connections.connection(id).await;
    connection.map_err(|cause| ListingError::Connect { side, cause })
}

async fn destinations(
    shared: &Shared,
    policy: &PolicySpec,
) -> Result<Vec<(Connection, PlannedDestination)>, ListingError> {
    let mut planned = Vec::with_capacity(policy.destinations.len());
    for destination in &policy.destinations {
        let connection = connect(shared, destination.endpoint, "destination").await?;
        let info = connection.adapter().info();
        if !info.can_push {
            return Err(ListingError::ReadOnly(info.provider.clone()));
        }
        let naming = Naming {
            namespace: destination.namespace.clone(),
            replace: policy.replace_count,
            min_components: info.min_components,
            max_components: info.max_components,
        };
        let (endpoint, accepts, visibility) = (destination.endpoint, Accepts::default(), None);
        planned.push((connection, PlannedDestination { endpoint, naming, accepts, visibility }));
    }
    Ok(planned)
}

impl Lister {
    async fn plan_selection(&self, selection: Selection) -> Result<usize, ListingError> {
        let mut planned = 0;
        for (repository, tags) in selection {
            let entry = |tag: String| ArtifactEntry { tags: vec![tag], ..ArtifactEntry::unknown() };
            let artifacts = tags.into_iter().map(String::from).map(entry).collect();
            planned += self.add(&repository, None, artifacts).await?;
        }
        Ok(planned)
    }

    async fn plan_listing(&self) -> Result<usize, ListingError> {
        if let Some(names) = filter::specific_repositories(&self.policy.filters) {
            return self.plan_repositories(self.told_of(names).await).await;
        }
        // What tasks put into the very registry that is listed must not be listed in its turn.
        let into_itself = self.destinations.iter().any(|(_, to)| to.endpoint == self.policy.source);
        let (mut planned, mut cursor, mut pages) = (0, None::<String>, Pages::default());
        let mut waiting = Vec::new();
        loop {
            let prefix = filter::common_prefix(&self.policy.filters);
            let query = RepositoryQuery { prefix, ..RepositoryQuery::default() };
            let (source, query, at) = (&self.source, &query, cursor.as_deref());
            let ask = || async move { source.now().await?.list_repositories(query, at).await };
            let page = patiently(ask).await;
            let page = page.map_err(|cause| ListingError::Listing {
                what: "the repositories".to_owned(),
                cause,
            })?;
            let mut rows = page.items;
            rows.retain(|row| self.seen.is_new(&row.name));
            let brought = rows.len();
            let waits = |row: &RepositoryEntry| into_itself || self.must_wait(row);
            let (late, mut rows): (Vec<_>, Vec<_>) = rows.into_iter().partition(waits);
            waiting.extend(late);
            if !into_itself {
                rows.extend(self.let_go(&mut waiting));
            }
            planned += self.plan_repositories(rows).await?;
            match page.next {
                None => return Ok(planned + self.plan_repositories(waiting).await?),
                Some(next) if cursor.as_ref() == Some(&next) || pages.is_endless(brought) => {
                    return Err(ListingError::Endless("repositories".to_owned()));
                }
                next => cursor = next,
            }
        }
    }

    async fn plan_repositories(&self, rows: Vec<RepositoryEntry>) -> Result<usize, ListingError> {
        let mut wanted = Vec::new();
        for row in rows {
            let kept = filter::keeps_repository(&self.policy.filters, &row.name);
            if kept.map_err(PlanError::from)?
                && let Ok(repository) = row.name.parse::<Repository>()
            {
                let told = Visibility::of(row.private);
                self.note(&repository, told);
                wanted.push((repository, told));
            }
        }
        let listings = stream::iter(wanted).map(|(repository, told)| async move {
            let artifacts = self.artifacts(&repository).await?;
            self.add(&repository, told, artifacts).await
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
        let (name, mut pages) = (repository.as_str(), Pages::default());
        loop {
            let query = ArtifactQuery::default();
            let (source, query, at) = (&self.source, &query, cursor.as_deref());
            let ask = || async move { source.now().await?.list_artifacts(name, query, at).await };
            let page = patiently(ask).await;
            let page = page.map_err(|cause| ListingError::Listing {
                what: format!("the artifacts of {repository}"),
                cause,
            })?;
            let brought = page.items.len();
            artifacts.extend(page.items);
            match page.next {
                None if artifacts.len() <= MAX_ARTIFACTS => return Ok(artifacts),
                Some(next)
                    if cursor.as_ref() != Some(&next)
                        && artifacts.len() <= MAX_ARTIFACTS
                        && !pages.is_endless(brought) =>
                {
                    cursor = Some(next);
                }
                _ => return Err(ListingError::Endless(repository.to_string())),
            }
        }
    }

    /// The destinations of one repository: what it is to be there, and where the listing told media
    /// types what each takes under the name it will have there. Where that cannot be had, the task
    /// will tell why.
    async fn destinations_of(
        &self,
        repository: &Repository,
        visibility: Option<Visibility>,
        types_told: bool,
    ) -> Vec<PlannedDestination> {
        let mut planned = Vec::with_capacity(self.destinations.len());
        for (connection, destination) in &self.destinations {
            let mut destination = destination.clone();
            if let Ok(name) = destination.naming.destination(repository) {
                destination.visibility =
                    self.decided((connection, destination.endpoint), &name, visibility);
                if types_told
                    && let Ok(adapter) = connection.now().await
                    && let Ok(target) = adapter.locate(name.as_str()).await
                {
                    destination.accepts = adapter.accepts(&target);
                }
            }
            planned.push(destination);
        }
        planned
    }

    /// Plans one repository and adds its tasks; returns how many.
    async fn add(
        &self,
        repository: &Repository,
        visibility: Option<Visibility>,
        mut artifacts: Vec<ArtifactEntry>,
    ) -> Result<usize, ListingError> {
        let kind = plan::resource_type(&self.source.adapter().info().resources);
        let told = artifacts.iter().any(|artifact| artifact.media_type.is_some());
        let destinations = self.destinations_of(repository, visibility, told).await;
        let seen = self.seen(repository, &mut artifacts).await?;
        let listed = (artifacts, &seen);
        let specs = plan::tasks_for(&self.policy, &destinations, repository, kind, listed)?;
        self.add_tasks(specs).await
    }

    /// What is known of the ages of a repository's artifacts; notes what is seen now.
    async fn seen(
        &self,
        repository: &Repository,
        artifacts: &mut Vec<ArtifactEntry>,
    ) -> Result<selection::Seen, ListingError> {
        let asks = Asks {
            shared: &self.shared,
            policy: &self.policy,
            id: Some(self.execution.policy),
            source: &self.source,
            notes: true,
        };
        Ok(asks.seen(repository, artifacts).await?)
    }

    /// Adds those tasks that are not known yet; returns how many. Tasks of one repository are added
    /// together: a listing that is taken up again knows its repositories by their tasks.
    async fn add_tasks(&self, specs: Vec<TaskSpec>) -> Result<usize, ListingError> {
        let is_new = |spec: &TaskSpec| {
            !self.known.contains(&(spec.source_repository.clone(), spec.destination))
        };
        let specs: Vec<TaskSpec> = specs.into_iter().filter(is_new).collect();
        if specs.is_empty() {
            return Ok(0);
        }
        let copies = specs.iter().filter(|spec| spec.operation == Operation::Copy);
        let items = copies.map(TaskSpec::item_count).sum();
        let now = OffsetDateTime::now_utc();
        let added = self.shared.store.add_tasks(self.execution.id, specs, now).await?.len();
        self.shared.stats_of(self.execution.id).planned(items);
        self.shared.queued.notify_one();
        Ok(added)
    }
}
