//! One execution's listing: pages of the source become tasks as they come, so that the first byte
//! moves before the last page is there and memory does not grow with the source. One that was cut
//! goes on where it was.

mod events;
pub(super) mod pages;
mod tasks;
mod visibility;

use std::sync::{Arc, Mutex};

use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use portolan_core::{
    accepts::Accepts,
    execution::Execution,
    filter,
    id::EndpointId,
    naming::Naming,
    oci::Repository,
    plan::{self, PlanError, PlannedDestination},
    policy::PolicySpec,
    provider::{ArtifactEntry, ArtifactQuery, Listing, RepositoryEntry, RepositoryQuery},
    visibility::{Visibilities, Visibility},
};
use time::OffsetDateTime;

use super::{
    Selection, Shared,
    ages::AgeError,
    connect::{ConnectError, Connection},
    prune::Listed,
};
use crate::{net::Budgets, plugin::PluginError, store::StoreError};
use pages::{Pages, Seen, patiently};

/// Repositories that are listed at once, and whose tasks are added in few commits.
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
    /// What tasks are called, see [`plan::resource_type`].
    kind: &'static str,
    destinations: Vec<(Connection, PlannedDestination)>,
    /// Repositories whose tasks were added before this listing was taken up again.
    listed: Arc<Seen>,
    /// The page where it goes on.
    page: Option<String>,
    /// One repository at a time asks whether there is room for more tasks.
    turn: tokio::sync::Mutex<()>,
    seen: Seen,
    /// What the source has, for a rule that prunes.
    at_source: Option<Listed>,
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
    let budgets = shared.budgets.of(execution.policy, policy.options.budget);
    let listed = Arc::new(Seen::default());
    let noted = Arc::clone(&listed);
    let page = shared.store.listed(id, move |name| noted.note(name)).await?;
    let is_new = execution.counters.total == 0;
    let source = connect(shared, policy.source, "source").await?.within(&budgets);
    let prunes = policy.options.prune.enabled && told.is_none() && selection.is_none();
    let at_source = prunes.then(|| Listed::new(page.is_none() && listed.is_empty()));
    let lister = Lister {
        kind: plan::resource_type(&source.adapter().resources().await),
        source,
        destinations: destinations(shared, &policy, &budgets).await?,
        listed,
        page,
        turn: tokio::sync::Mutex::default(),
        seen: Seen::default(),
        at_source,
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
    let said = lister.prune().await?;
    if planned == 0 && is_new && said.is_empty() {
        return Ok("nothing at the source is selected by this rule".to_owned());
    }
    Ok(said)
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
    budgets: &Budgets,
) -> Result<Vec<(Connection, PlannedDestination)>, ListingError> {
    let mut planned = Vec::with_capacity(policy.destinations.len());
    for destination in &policy.destinations {
        let connection = connect(shared, destination.endpoint, "destination").await?;
        let connection = connection.within(budgets);
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

/// How many tasks were added in all.
async fn count(
    added: impl Stream<Item = Result<usize, ListingError>>,
) -> Result<usize, ListingError> {
    added.try_fold(0, async |planned, added| Ok(planned + added)).await
}

impl Lister {
    async fn plan_selection(&self, selection: Selection) -> Result<usize, ListingError> {
        let entry = |tag: String| ArtifactEntry { tags: vec![tag], ..ArtifactEntry::unknown() };
        let wanted = selection.into_iter().filter(|(name, _)| !self.listed.has(name.as_str()));
        let additions = stream::iter(wanted).map(|(repository, tags)| async move {
            self.room().await?;
            let artifacts = tags.into_iter().map(String::from).map(entry).collect();
            self.add(&repository, None, artifacts).await
        });
        count(additions.buffered(REPOSITORIES)).await
    }

    async fn plan_listing(&self) -> Result<usize, ListingError> {
        if let Some(names) = filter::specific_repositories(&self.policy.filters) {
            return self.plan_repositories(self.told_of(names).await).await;
        }
        // What tasks put into the very registry that is listed must not be listed in its turn.
        let into_itself = self.destinations.iter().any(|(_, to)| to.endpoint == self.policy.source);
        // Who waits for the end is asked for anew where the listing is cut.
        let turns_pages = !into_itself && !self.makes_targets();
        let (mut planned, mut cursor, mut pages) = (0, self.page.clone(), Pages::default());
        let mut waiting = Vec::new();
        loop {
            let page = self.repositories(&mut cursor).await?;
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
                Some(next) => {
                    if turns_pages {
                        self.shared.store.turn_page(self.execution.id, next.clone()).await?;
                    }
                    cursor = Some(next);
                }
            }
        }
    }

    /// A page of repositories. A source that no longer knows the page where the listing was cut is
    /// asked for the first one: what is listed is passed over.
    async fn repositories(
        &self,
        cursor: &mut Option<String>,
    ) -> Result<Listing<RepositoryEntry>, ListingError> {
        let prefix = filter::common_prefix(&self.policy.filters);
        let query = RepositoryQuery { prefix, ..RepositoryQuery::default() };
        loop {
            let (source, query, at) = (&self.source, &query, cursor.as_deref());
            let ask = || async move { source.now().await?.list_repositories(query, at).await };
            match patiently(ask).await {
                Ok(page) => return Ok(page),
                Err(cause) if cursor.is_some() && *cursor == self.page => {
                    tracing::info!(%cause, "the listing begins anew: its page is not to be had");
                    *cursor = None;
                }
                Err(cause) => {
                    return Err(ListingError::Listing {
                        what: "the repositories".to_owned(),
                        cause,
                    });
                }
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
                if !self.listed.has(repository.as_str()) {
                    wanted.push((repository, told));
                }
            }
        }
        let listings = stream::iter(wanted).map(|(repository, told)| async move {
            self.room().await?;
            let artifacts = self.artifacts(&repository).await?;
            self.add(&repository, told, artifacts).await
        });
        count(listings.buffer_unordered(REPOSITORIES)).await
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
}
