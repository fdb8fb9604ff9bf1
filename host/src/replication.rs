//! Executions at work: list, plan, queue, transfer, roll up, stop, take up again.
//!
//! The one place that puts store, adapters and the distribution client together. All durable
//! state is the store's; a restart is the same path as any other claim.

mod ages;
mod authority;
mod blob;
mod chart;
mod connect;
mod counts;
mod deletion;
mod delivery;
mod events;
mod failure;
mod fan;
mod inspect;
mod keeping;
mod ledger;
mod listing;
mod log;
mod pace;
mod present;
mod preview;
mod progress;
mod prune;
mod queue;
mod ready;
mod records;
mod referrers;
mod running;
mod schedule;
mod siblings;
mod source;
mod stats;
mod terms;
#[cfg(test)]
#[cfg(feature = "daemon")]
mod tests;
mod transfer;
mod worker;

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use portolan_core::{
    endpoint::{Credentials, EndpointSpec},
    execution::{Execution, StartedBy},
    id::{EndpointId, ExecutionId, PolicyId},
    oci::{Repository, Tag},
    policy::{Policy, PolicySpec},
};
use time::OffsetDateTime;
use tokio::{
    sync::{Notify, Semaphore},
    task::JoinHandle,
};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

use crate::{
    credentials::Sources,
    distribution::Flow,
    net::BudgetsOf,
    plugin::Plugins,
    store::{Store, StoreError},
};

pub(crate) use connect::{ConnectError, Connections};
#[cfg(any(feature = "api", test))]
pub(crate) use counts::Counted;
pub(crate) use inspect::InspectError;
pub(crate) use preview::{Place, Preview, PreviewError};
pub(crate) use progress::Reading;
pub(crate) use records::Records;
pub(crate) use stats::Stats;
#[cfg(any(feature = "api", test))]
pub(crate) use stats::Totals;

use counts::Counts;
use ledger::Ledger;
use progress::Course;
use running::Running;

/// How long a claim holds without being renewed. A claim of a dead process is over after it.
const LEASE: Duration = Duration::from_secs(30);
/// How often claims are renewed, and idle loops look for work they were not told of.
const BEAT: Duration = Duration::from_secs(2);
/// Blob bodies in flight at once, all tasks together.
const TRANSFERS: usize = 16;
/// Of these, bodies of large blobs.
const LARGE_TRANSFERS: usize = 8;
/// Registries whose flow is remembered; they begin anew where there are more.
const MAX_FLOWS: usize = 1_000;
/// Executions whose counts are remembered; the oldest go first.
const MAX_PROGRESS: usize = 1_000;
/// Plans that are made for people at once.
const PREVIEWS: usize = 4;
/// Executions listed at once (Harbor: 10 flows).
const LISTINGS: usize = 10;

/// Repositories and tags somebody listed already: nothing is asked of the source.
pub(crate) type Selection = Vec<(Repository, Vec<Tag>)>;

/// What an engine is made of.
pub(crate) struct EngineParts {
    pub(crate) store: Store,
    pub(crate) connections: Connections,
    /// Whose claims these are; two engines on one store need two names.
    pub(crate) owner: String,
    /// Tasks at once.
    pub(crate) workers: usize,
    /// What is remembered of destinations.
    pub(crate) records: Records,
    /// How long events are gathered before rules run for them.
    pub(crate) event_window: time::Duration,
}

/// The replication engine. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Engine {
    shared: Arc<Shared>,
    /// With the last clone, everything that runs is cut.
    _cuts: Arc<DropGuard>,
}

/// By execution, repositories that its tasks were at when they were cut.
type Cut = HashMap<ExecutionId, HashSet<(EndpointId, Repository)>>;

/// What every loop and task of one engine shares.
struct Shared {
    store: Store,
    connections: Connections,
    owner: String,
    workers: usize,
    event_window: time::Duration,
    stats: Arc<Stats>,
    counts: Counts,
    /// Executions may wait.
    wake: Notify,
    /// Tasks may wait: wakes one worker, and each that finds some wakes the next.
    queued: Notify,
    schedules_changed: Notify,
    events_changed: Notify,
    transfers: Semaphore,
    /// The large ones among them: small blobs do not wait for all of these.
    large: Semaphore,
    records: Arc<Records>,
    /// Who is asked how much at once, by the address of the registry.
    flows: Mutex<HashMap<String, Arc<Flow>>>,
    /// Charts that may be held in memory at once.
    charts: Arc<Semaphore>,
    listings: Arc<Semaphore>,
    /// No more work is taken.
    closing: CancellationToken,
    /// What runs is cut; `closing` is cut with it.
    cutting: CancellationToken,
    tracker: TaskTracker,
    /// Renews claims to the very end.
    keeper: Mutex<Option<JoinHandle<()>>>,
    running: Running,
    ledgers: Mutex<HashMap<ExecutionId, Arc<Ledger>>>,
    /// Repositories that tasks were at when the engine before this one ended.
    cut: Cut,
    /// How far each execution is.
    progress: Mutex<HashMap<ExecutionId, Arc<Course>>>,
    /// Plans made at once: each asks registries many questions.
    previews: Semaphore,
    /// When this engine began: what was started before may have left parts behind.
    began: OffsetDateTime,
    selections: Mutex<HashMap<PolicyId, Selection>>,
    /// What all runs of a policy together may use.
    budgets: BudgetsOf<PolicyId>,
}

impl Engine {
    /// Takes back what this owner had claimed when it ended, and starts working.
    pub(crate) async fn start(parts: EngineParts) -> Result<Self, StoreError> {
        let mut cut = Cut::new();
        for task in parts.store.release_tasks(&parts.owner).await? {
            let to = (task.spec.destination, task.spec.destination_repository);
            cut.entry(task.execution).or_default().insert(to);
        }
        let cutting = CancellationToken::new();
        let shared = Arc::new(Shared {
            store: parts.store,
            connections: parts.connections,
            owner: parts.owner,
            workers: parts.workers,
            event_window: parts.event_window,
            stats: Arc::new(Stats::default()),
            counts: Counts::default(),
            wake: Notify::new(),
            queued: Notify::new(),
            schedules_changed: Notify::new(),
            events_changed: Notify::new(),
            transfers: Semaphore::new(TRANSFERS),
            large: Semaphore::new(LARGE_TRANSFERS),
            records: Arc::new(parts.records),
            flows: Mutex::default(),
            charts: Arc::new(Semaphore::new(chart::AT_ONCE)),
            listings: Arc::new(Semaphore::new(LISTINGS)),
            closing: cutting.child_token(),
            cutting: cutting.clone(),
            tracker: TaskTracker::new(),
            keeper: Mutex::default(),
            running: Running::default(),
            ledgers: Mutex::default(),
            cut,
            progress: Mutex::default(),
            previews: Semaphore::new(PREVIEWS),
            began: OffsetDateTime::now_utc(),
            selections: Mutex::default(),
            budgets: BudgetsOf::default(),
        });
        queue::spawn(&shared);
        Ok(Self { shared, _cuts: Arc::new(cutting.drop_guard()) })
    }

    /// Starts a run of a policy.
    pub(crate) async fn run_policy(
        &self,
        policy: &Policy,
        started_by: StartedBy,
    ) -> Result<Execution, StoreError> {
        let now = OffsetDateTime::now_utc();
        let single = policy.spec.single_active;
        let execution =
            self.shared.store.create_execution(policy.id, started_by, single, now).await?;
        self.shared.stats.started();
        self.shared.wake.notify_waiters();
        Ok(execution)
    }

    /// Starts a run of a policy over a selection that is known already.
    #[cfg(feature = "daemon")]
    pub(crate) async fn run_selection(
        &self,
        policy: &Policy,
        selection: Selection,
    ) -> Result<Execution, StoreError> {
        lock(&self.shared.selections).insert(policy.id, selection);
        self.run_policy(policy, StartedBy::Manual).await
    }

    /// Starts a run of what an ended one left undone.
    pub(crate) async fn retry_execution(&self, id: ExecutionId) -> Result<Execution, StoreError> {
        let execution = self.shared.store.retry_execution(id, OffsetDateTime::now_utc()).await?;
        self.shared.stats.started();
        self.shared.wake.notify_waiters();
        self.shared.queued.notify_one();
        Ok(execution)
    }

    /// Says that a policy was stored: its schedule may be the next that is due.
    pub(crate) fn schedules_changed(&self) {
        self.shared.schedules_changed.notify_waiters();
    }

    /// Asks an execution to stop, and cuts what this engine is doing for it.
    pub(crate) async fn stop_execution(&self, id: ExecutionId) -> Result<Execution, StoreError> {
        let execution = self.shared.store.request_stop(id, OffsetDateTime::now_utc()).await?;
        self.shared.running.cancel_execution(id);
        Ok(execution)
    }

    /// What a run of a policy, stored under `id` or not at all, would do; nothing is copied.
    pub(crate) async fn preview(
        &self,
        (id, policy): (Option<PolicyId>, &PolicySpec),
        from: Place,
        limit: usize,
    ) -> Result<Preview, PreviewError> {
        preview::make(&self.shared, (id, policy), from, limit, preview::PAGE_TIME).await
    }

    /// The cache of adapters bound to endpoints.
    pub(crate) fn connections(&self) -> &Connections {
        &self.shared.connections
    }

    /// Takes no more work, waits at most `patience` for the tasks under way, then cuts them (they
    /// go on from the store later). Returns how many ended and how many were cut. Listings are cut
    /// at once: each page they made is stored.
    pub(crate) async fn shutdown(&self, patience: Duration) -> (usize, usize) {
        let shared = &self.shared;
        let before = shared.running.tasks.len();
        shared.closing.cancel();
        shared.tracker.close();
        let _in_time = tokio::time::timeout(patience, shared.tracker.wait()).await;
        let cut = shared.running.tasks.len();
        shared.cutting.cancel();
        let keeper = lock(&shared.keeper).take();
        if let Some(keeper) = keeper {
            let _late = tokio::time::timeout(BEAT, keeper).await;
        }
        let _late = tokio::time::timeout(BEAT, shared.tracker.wait()).await;
        shared.records.flush().await;
        if let Err(error) = shared.store.release_tasks(&shared.owner).await {
            tracing::warn!(%error, "claims were not given back; they end by themselves");
        }
        (before.saturating_sub(cut), cut)
    }
}

impl Shared {
    /// What is known of an execution's destinations; made at its first task.
    fn ledger(&self, execution: ExecutionId) -> Arc<Ledger> {
        let cut = || Ledger::after(self.cut.get(&execution).cloned().unwrap_or_default());
        Arc::clone(lock(&self.ledgers).entry(execution).or_insert_with(|| Arc::new(cut())))
    }

    /// The flow of requests to a registry, which all tasks share.
    fn flow(&self, registry: &url::Url) -> Arc<Flow> {
        let mut flows = lock(&self.flows);
        if flows.len() >= MAX_FLOWS {
            flows.clear();
        }
        Arc::clone(flows.entry(registry.to_string()).or_default())
    }

    /// Forgets what is known of executions that are over or gone; what was counted for those that
    /// are over stays as long as somebody may still look at their end.
    async fn forget_what_is_over(&self) {
        let mut counted: Vec<ExecutionId> = lock(&self.progress).keys().copied().collect();
        counted.sort_unstable();
        let many = counted.len().saturating_sub(MAX_PROGRESS);
        for id in counted.into_iter().take(many) {
            lock(&self.progress).remove(&id);
        }
        let known: Vec<ExecutionId> = lock(&self.ledgers).keys().copied().collect();
        for id in known {
            let over = match self.store.execution(id).await {
                Ok(execution) => execution.status.is_final(),
                Err(error) => matches!(error, StoreError::NotFound { .. }),
            };
            if over {
                lock(&self.ledgers).remove(&id);
            }
        }
    }

    fn take_selection(&self, policy: PolicyId) -> Option<Selection> {
        lock(&self.selections).remove(&policy)
    }
}

/// A lock whose holder cannot leave it half-changed: each use is one map operation.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The registry behind id 0, where one is configured.
pub(crate) type Local = Option<(EndpointSpec, Credentials)>;

/// Binds adapters for whoever needs one.
pub(crate) fn connections(
    store: Store,
    plugins: Plugins,
    local: Local,
    sources: Sources,
) -> Connections {
    Connections::new(store, plugins, local, sources)
}
