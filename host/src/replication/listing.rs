//! One execution's listing: pages of the source become tasks as they come, so that the first byte
//! moves before the last page is there and memory does not grow with the source.

use std::{
    collections::HashSet,
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex},
    time::Duration,
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
    provider::{ArtifactEntry, ArtifactQuery, RepositoryQuery},
    task::TaskSpec,
};
use time::OffsetDateTime;

use super::{
    Selection, Shared,
    connect::{ConnectError, Connection},
    failure::plugin_is_retryable,
    lock,
};
use crate::{plugin::PluginError, store::StoreError};

/// Repositories whose artifacts are listed at once.
const REPOSITORIES: usize = 8;
/// Most pages of one listing: a registry that never ends is stopped.
const MAX_PAGES: usize = 100_000;
/// Most pages in a row that bring nothing new.
const MAX_IDLE_PAGES: usize = 1_000;
/// Tries of one page.
const TRIES: u32 = 3;
/// Longest wait before a page is tried again.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
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
    source: Connection,
    destinations: Vec<(Connection, PlannedDestination)>,
    known: HashSet<(Repository, EndpointId)>,
    seen: Seen,
}

/// Names that were listed: a catalog that changes while it is read shows one twice. Eight bytes
/// for each; that two names fall together has a chance of one to billions.
#[derive(Default)]
struct Seen {
    hasher: RandomState,
    hashes: Mutex<HashSet<u64>>,
}

impl Seen {
    fn is_new(&self, name: &str) -> bool {
        lock(&self.hashes).insert(self.hasher.hash_one(name))
    }
}

/// Counts pages. An empty one with a cursor is nothing unusual; a thousand of them are.
#[derive(Default)]
struct Pages {
    all: usize,
    idle: usize,
}

impl Pages {
    /// Counts one more, with how much it brought.
    fn is_endless(&mut self, brought: usize) -> bool {
        self.all += 1;
        self.idle = if brought == 0 { self.idle + 1 } else { 0 };
        self.all >= MAX_PAGES || self.idle >= MAX_IDLE_PAGES
    }
}

/// Asks for a page, again where that may help: thousands of pages should not be lost for one.
pub(super) async fn patiently<T, F>(ask: impl Fn() -> F) -> Result<T, PluginError>
where
    F: Future<Output = Result<T, PluginError>>,
{
    let mut tries = 1;
    loop {
        let error = match ask().await {
            Err(error) if tries < TRIES && plugin_is_retryable(&error) => error,
            outcome => return outcome,
        };
        let asked = match &error {
            PluginError::RateLimited { retry_after, .. } => retry_after.unwrap_or_default(),
            _ => 0,
        };
        let pause = Duration::from_secs(asked).max(Duration::from_millis(250) * (1 << tries));
        tokio::time::sleep(pause.min(LONGEST_PAUSE)).await;
        tries += 1;
    }
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
    drop(under);
    shared.wake.notify_waiters();
}

async fn list(shared: &Arc<Shared>, execution: Execution) -> Result<String, ListingError> {
    let id = execution.id;
    let policy = shared.store.rule_of(id).await?;
    let selection = shared.take_selection(execution.policy);
    let lister = Lister {
        source: connect(shared, policy.source, "source").await?,
        destinations: destinations(shared, &policy).await?,
        known: shared.store.known_repositories(id).await?,
        seen: Seen::default(),
        shared: Arc::clone(shared),
        policy,
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
        let (endpoint, accepts) = (destination.endpoint, Accepts::default());
        planned.push((connection, PlannedDestination { endpoint, naming, accepts }));
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
            let mut names: Vec<_> =
                page.items.into_iter().map(|repository| repository.name).collect();
            names.retain(|name| self.seen.is_new(name));
            let brought = names.len();
            if into_itself {
                waiting.append(&mut names);
            } else {
                planned += self.plan_repositories(names).await?;
            }
            match page.next {
                None => return Ok(planned + self.plan_repositories(waiting).await?),
                Some(next) if cursor.as_ref() == Some(&next) || pages.is_endless(brought) => {
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

    /// The destinations of one repository, where the listing told media types with what each takes
    /// under the name it will have there. Where that cannot be had, the task will tell why.
    async fn destinations_of(
        &self,
        repository: &Repository,
        told: bool,
    ) -> Vec<PlannedDestination> {
        let mut planned = Vec::with_capacity(self.destinations.len());
        for (connection, destination) in &self.destinations {
            let mut destination = destination.clone();
            if told
                && let Ok(name) = destination.naming.destination(repository)
                && let Ok(adapter) = connection.now().await
                && let Ok(target) = adapter.locate(name.as_str()).await
            {
                destination.accepts = adapter.accepts(&target);
            }
            planned.push(destination);
        }
        planned
    }

    /// Plans one repository and adds its tasks; returns how many.
    async fn add(
        &self,
        repository: &Repository,
        artifacts: Vec<ArtifactEntry>,
    ) -> Result<usize, ListingError> {
        let kind = plan::resource_type(&self.source.adapter().info().resources);
        let told = artifacts.iter().any(|artifact| artifact.media_type.is_some());
        let destinations = self.destinations_of(repository, told).await;
        let specs = plan::tasks_for(&self.policy, &destinations, repository, kind, artifacts)?;
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
        self.shared.stats_of(self.execution.id).planned(items);
        self.shared.wake.notify_waiters();
        Ok(added)
    }
}
