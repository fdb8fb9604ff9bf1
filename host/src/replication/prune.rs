//! Deletion at destinations of what is gone at the source, after a whole run of a rule with the
//! option `prune`: what was listed is held against what is there.
//!
//! It deletes nothing itself: it adds tasks, which ask the source once more. Where anything is not
//! known for certain, nothing is deleted, and the run says why.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    hash::{BuildHasher, RandomState},
    sync::Mutex,
};

use futures_util::{StreamExt, TryStreamExt, stream};
use portolan_core::{
    event::Selected,
    execution::Execution,
    id::EndpointId,
    oci::{Repository, Tag},
    plan::{self, Gone, PlanError, PlannedDestination},
    policy::PolicySpec,
    provider::{ArtifactEntry, ArtifactQuery},
    task::TaskSpec,
};
use time::OffsetDateTime;

use super::{
    BEAT, Shared,
    connect::Connection,
    listing::pages::{Pages, patiently},
    lock,
};
use crate::{plugin::PluginError, store::StoreError};

/// Repositories of a destination that are listed at once.
const REPOSITORIES: usize = 4;
/// Most repositories of a destination that are looked at.
pub(super) const MAX_REPOSITORIES: usize = 100_000;
/// Most tags of one repository that are looked at.
const MAX_TAGS: usize = 100_000;
/// Most tags that one run deletes at a destination.
const MAX_DELETED: usize = 10_000;

/// Why nothing is pruned.
#[derive(Debug, thiserror::Error)]
pub(super) enum PruneError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A reason for people: what the rule says forbids it, or something is not certain.
    #[error("{0}")]
    Unsure(String),
}

/// What a listing saw of the source, as the destinations name it.
pub(super) struct Listed {
    /// Whether this process saw all of it, from the first repository on.
    is_whole: bool,
    hasher: RandomState,
    seen: Mutex<HashMap<EndpointId, Seen>>,
}

#[derive(Default)]
struct Seen {
    /// Repositories there, each with one it comes from.
    repositories: HashMap<Repository, Repository>,
    /// Hashes of (repository there, tag): that two fall together only spares a tag.
    tags: HashSet<u64>,
}

impl Listed {
    /// Nothing yet.
    pub(super) fn new(is_whole: bool) -> Self {
        Self { is_whole, hasher: RandomState::new(), seen: Mutex::default() }
    }

    /// Notes what a repository of the source has, before any filter by tag.
    pub(super) fn note<'d>(
        &self,
        destinations: impl Iterator<Item = &'d PlannedDestination>,
        source: &Repository,
        artifacts: &[ArtifactEntry],
    ) {
        let mut all = lock(&self.seen);
        for destination in destinations {
            let Ok(name) = destination.naming.destination(source) else { continue };
            let seen = all.entry(destination.endpoint).or_default();
            for tag in artifacts.iter().flat_map(|artifact| &artifact.tags) {
                seen.tags.insert(self.hasher.hash_one((name.as_str(), tag.as_str())));
            }
            seen.repositories.entry(name).or_insert_with(|| source.clone());
        }
    }

    fn has(&self, endpoint: EndpointId, repository: &Repository, tag: &str) -> bool {
        let hash = self.hasher.hash_one((repository.as_str(), tag));
        lock(&self.seen).get(&endpoint).is_some_and(|seen| seen.tags.contains(&hash))
    }

    /// The repositories of a destination that the source filled.
    fn repositories(&self, endpoint: EndpointId) -> BTreeMap<Repository, Repository> {
        let all = lock(&self.seen);
        let seen = all.get(&endpoint).map(|seen| seen.repositories.clone());
        seen.unwrap_or_default().into_iter().collect()
    }
}

/// A run whose listing came to its end.
pub(super) struct Pruning<'a> {
    pub(super) shared: &'a Shared,
    pub(super) execution: &'a Execution,
    pub(super) policy: &'a PolicySpec,
    pub(super) destinations: &'a [(Connection, PlannedDestination)],
    pub(super) at_source: &'a Listed,
    /// What the tasks of the source are called.
    pub(super) kind: &'a str,
}

impl Pruning<'_> {
    /// Waits for the end of all copies, and gives the tasks that delete; with what is to be said.
    pub(super) async fn plan(&self) -> Result<(Vec<TaskSpec>, String), StoreError> {
        if let Some(why) = self.unsettled().await? {
            return Ok((Vec::new(), format!("nothing is pruned: {why}")));
        }
        let (mut tasks, mut said) = (Vec::new(), Vec::new());
        let mut met = HashSet::new();
        for (connection, destination) in self.destinations {
            // Under several namespaces it is one destination.
            if !met.insert(destination.endpoint) {
                continue;
            }
            match self.at(connection, destination).await {
                Ok(found) => tasks.extend(found),
                Err(PruneError::Store(error)) => return Err(error),
                Err(error) => {
                    let endpoint = destination.endpoint;
                    said.push(format!("nothing is pruned at the endpoint {endpoint}: {error}"));
                }
            }
        }
        Ok((tasks, said.join("; ")))
    }

    /// Waits until no copy of the run is left to do; why nothing may be deleted after it.
    async fn unsettled(&self) -> Result<Option<String>, StoreError> {
        loop {
            let run = self.shared.store.execution(self.execution.id).await?;
            if !self.at_source.is_whole {
                let why = "its listing was taken up again, and not all of it is known";
                return Ok(Some(why.to_owned()));
            }
            if run.counters.in_progress == 0 {
                let clean = run.counters.failed == 0 && run.counters.stopped == 0;
                let why = "not everything was copied";
                return Ok((!clean || run.stop_requested).then(|| why.to_owned()));
            }
            tokio::time::sleep(BEAT / 4).await;
        }
    }

    /// The tasks that delete at one destination.
    async fn at(
        &self,
        connection: &Connection,
        destination: &PlannedDestination,
    ) -> Result<Vec<TaskSpec>, PruneError> {
        let info = connection.adapter().info();
        if !info.capabilities.management {
            let why = format!("the adapter of its provider `{}` deletes nothing", info.provider);
            return Err(PruneError::Unsure(why));
        }
        let endpoint = destination.endpoint;
        let mut repositories = self.at_source.repositories(endpoint);
        if repositories.is_empty() {
            return Err(PruneError::Unsure("the source lists nothing for it".to_owned()));
        }
        let filled = self.shared.store.filled(self.execution.policy, endpoint, MAX_REPOSITORIES);
        for (name, source) in filled.await? {
            repositories.entry(name).or_insert(source);
        }
        let found = stream::iter(repositories).map(|(name, source)| async move {
            let (selected, ripe) = self.repository(connection, (endpoint, &name), &source).await?;
            Ok::<_, PruneError>((source, name, selected, ripe))
        });
        let found: Vec<_> = found.buffered(REPOSITORIES).try_collect().await?;
        let selected: usize = found.iter().map(|(.., selected, _)| selected).sum();
        let ripe: usize = found.iter().map(|(.., ripe)| ripe.len()).sum();
        self.check_share(ripe, selected)?;
        let gone = found.into_iter().filter(|(.., ripe)| !ripe.is_empty());
        gone.map(|(source, name, _, tags)| self.task(destination, (source, name), tags)).collect()
    }

    fn check_share(&self, ripe: usize, selected: usize) -> Result<(), PruneError> {
        let share = self.policy.options.prune.max_share;
        let most = share.of(selected).min(MAX_DELETED);
        if ripe <= most {
            return Ok(());
        }
        Err(PruneError::Unsure(format!(
            "{ripe} of {selected} tags are gone at the source, more than {most}, which max_share \
             {} allows",
            f64::from(share)
        )))
    }

    /// How many tags of a repository the rule selects, and those that were missing long enough.
    async fn repository(
        &self,
        connection: &Connection,
        (endpoint, name): (EndpointId, &Repository),
        source: &Repository,
    ) -> Result<(usize, Vec<Tag>), PruneError> {
        let there = tags(connection, name).await?;
        let at_source = |tag: &str| self.at_source.has(endpoint, name, tag);
        let Gone { selected, tags } =
            plan::gone(self.policy, &there, at_source).map_err(PlanError::from)?;
        let (store, now) = (&self.shared.store, OffsetDateTime::now_utc());
        let filled = (self.execution.policy, endpoint, name);
        let missing = store.miss(filled, source.clone(), tags, now).await?;
        let grace = self.policy.options.prune.grace.duration();
        let ripe = missing.into_iter().filter(|(_, since)| now - *since >= grace);
        Ok((selected, ripe.map(|(tag, _)| tag).collect()))
    }

    fn task(
        &self,
        destination: &PlannedDestination,
        (source, name): (Repository, Repository),
        tags: Vec<Tag>,
    ) -> Result<TaskSpec, PruneError> {
        let gone = Selected {
            repository: source,
            tags: Vec::new(),
            digests: Vec::new(),
            deleted_tags: tags,
            deleted: Vec::new(),
        };
        let to = std::slice::from_ref(destination);
        let task = plan::deletions_for(self.policy, to, self.kind, &gone)?.pop();
        let none = || PruneError::Unsure("no task came of what is gone".to_owned());
        // Under today's names it may have another one than when it was filled.
        Ok(TaskSpec { destination_repository: name, ..task.ok_or_else(none)? })
    }
}

/// Every tag of a repository at a destination; none where it is not there.
pub(super) async fn tags(
    connection: &Connection,
    repository: &Repository,
) -> Result<HashSet<String>, PruneError> {
    let (mut tags, mut cursor, mut pages) = (HashSet::new(), None::<String>, Pages::default());
    loop {
        let (query, at) = (&ArtifactQuery::default(), cursor.as_deref());
        let name = repository.as_str();
        let ask = || async move { connection.now().await?.list_artifacts(name, query, at).await };
        let page = match patiently(ask).await {
            Ok(page) => page,
            Err(PluginError::NotFound(_)) => return Ok(tags),
            Err(error) => {
                let why = format!("the tags of {repository} there are not known: {error}");
                return Err(PruneError::Unsure(why));
            }
        };
        let brought = page.items.len();
        tags.extend(page.items.into_iter().flat_map(|artifact| artifact.tags));
        let endless = page.next == cursor || pages.is_endless(brought) || tags.len() > MAX_TAGS;
        match page.next {
            None if tags.len() <= MAX_TAGS => return Ok(tags),
            Some(next) if !endless => cursor = Some(next),
            _ => {
                let why = format!("{repository} has too many tags there, or no end of them");
                return Err(PruneError::Unsure(why));
            }
        }
    }
}
