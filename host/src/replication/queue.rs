//! The loops, and one try of a task: executions are claimed and listed here, tasks by `worker`.

use std::sync::Arc;

use portolan_core::{
    accepts::Accepts,
    oci::Repository,
    provider::Target,
    task::{Operation, Task, retry_at},
};
use time::OffsetDateTime;
use tokio::sync::futures::Notified;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::{
    BEAT, LEASE, Shared,
    authority::AdapterAuthority,
    chart::Charts,
    connect::{Bound, Connection},
    deletion, events,
    failure::{Failures, Side, TransferError},
    keeping, listing, lock,
    log::TaskLog,
    pace::Pace,
    present::Present,
    ready::Ready,
    records::Known,
    referrers::Follows,
    schedule,
    siblings::Sibling,
    source::Source,
    terms::Terms,
    transfer::Job,
    worker,
};
use crate::{distribution::Remote, net::Budgets, plugin::PluginError, store::TaskOutcome};

/// Largest blob, in bytes, that is sent whole where a rule asks for chunks, and their size
/// (Harbor: 10 MiB).
const CHUNK: u64 = 10 << 20;

/// Starts every loop of an engine.
pub(super) fn spawn(shared: &Arc<Shared>) {
    shared.tracker.spawn(claim_executions(Arc::clone(shared)));
    shared.tracker.spawn(schedule::run(Arc::clone(shared)));
    shared.tracker.spawn(events::run(Arc::clone(shared)));
    // Not among those who are waited for first: it keeps their claims.
    *lock(&shared.keeper) = Some(tokio::spawn(keeping::claims(Arc::clone(shared))));
    shared.tracker.spawn(keeping::records(Arc::clone(shared)));
    shared.tracker.spawn(keeping::history(Arc::clone(shared)));
    for _ in 0..shared.workers {
        shared.tracker.spawn(worker::run(Arc::clone(shared)));
    }
}

/// Waits until there may be work, or the engine closes. `woken` was made before the store was
/// asked, so that work added in between is not slept over.
pub(super) async fn idle(shared: &Shared, woken: Notified<'_>) {
    tokio::select! {
        () = woken => {}
        () = tokio::time::sleep(BEAT) => {}
        () = shared.closing.cancelled() => {}
    }
}

async fn claim_executions(shared: Arc<Shared>) {
    while !shared.closing.is_cancelled() {
        let turn = tokio::select! {
            turn = Arc::clone(&shared.listings).acquire_owned() => turn,
            () = shared.closing.cancelled() => return,
        };
        let woken = shared.wake.notified();
        let now = OffsetDateTime::now_utc();
        match shared.store.claim_execution(&shared.owner, now, now + LEASE).await {
            Ok(Some(execution)) => {
                let span = tracing::info_span!("execution", id = execution.id.0);
                let listing = listing::run(Arc::clone(&shared), execution).instrument(span);
                shared.tracker.spawn(async move {
                    listing.await;
                    drop(turn);
                });
                continue;
            }
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "claiming an execution failed"),
        }
        idle(&shared, woken).await;
    }
}

/// One try of a task; `None` where the engine closes and the task goes on later. What `log` gathered
/// last is still to be written.
pub(super) async fn attempt(
    shared: &Arc<Shared>,
    task: &Task,
    sibling: Option<Sibling>,
    cut: &CancellationToken,
    log: &Arc<TaskLog>,
) -> Option<TaskOutcome> {
    tokio::select! {
        outcome = perform(shared, task, sibling, log) => Some(outcome),
        () = cut.cancelled() => {
            log.warn("stopped").await;
            Some(TaskOutcome::Stopped)
        }
        () = shared.cutting.cancelled() => {
            log.warn("cut by a shutdown; goes on at the next start").await;
            None
        }
        () = log.keep_flushing() => None,
    }
}

async fn perform(
    shared: &Arc<Shared>,
    task: &Task,
    sibling: Option<Sibling>,
    log: &Arc<TaskLog>,
) -> TaskOutcome {
    match task.spec.operation {
        Operation::Copy => copy(shared, task, sibling, log).await,
        Operation::Deletion | Operation::TagDeletion => {
            judge(task, deletion::run(shared, task, log).await)
        }
    }
}

async fn copy(
    shared: &Arc<Shared>,
    task: &Task,
    sibling: Option<Sibling>,
    log: &Arc<TaskLog>,
) -> TaskOutcome {
    let mut failures = refused(task, log).await;
    if task.spec.items.iter().all(|item| item.refused.is_some()) {
        return judge(task, failures);
    }
    match prepare(shared, task, log).await {
        Ok(job) => {
            let job = Job { sibling, ..job };
            failures.merge(job.run(&task.spec.items).await);
            judge(task, failures)
        }
        Err(error) => {
            log.error(error.to_string()).await;
            failed(task, error.is_retryable(), error.to_string())
        }
    }
}

/// A failure for each item that the plan refused: told before anything is made ready.
async fn refused(task: &Task, log: &TaskLog) -> Failures {
    let mut failures = Failures::default();
    for item in &task.spec.items {
        let Some(why) = &item.refused else { continue };
        let tags: Vec<String> = item.tags.iter().map(ToString::to_string).collect();
        log.error(format!("{}: {why}", tags.join(", "))).await;
        failures.add(TransferError::not_taken(why.clone()));
    }
    failures
}

fn judge(task: &Task, failures: Failures) -> TaskOutcome {
    let Some(first) = failures.first else { return TaskOutcome::Success };
    let text = match failures.more {
        0 => first.to_string(),
        more => format!("{first} (and {more} more, see the log)"),
    };
    failed(task, failures.retryable, text)
}

fn failed(task: &Task, retryable: bool, text: String) -> TaskOutcome {
    let now = OffsetDateTime::now_utc();
    let retry_at = if retryable { retry_at(task.failures + 1, now) } else { None };
    TaskOutcome::Failed { text, retry_at }
}

/// Binds both ends of a task.
pub(super) async fn prepare(
    shared: &Arc<Shared>,
    task: &Task,
    log: &Arc<TaskLog>,
) -> Result<Job, TransferError> {
    let ledger = shared.ledger(task.execution);
    let Ends { source, destination, accepts, ready, budgets: [pulled, sent] } =
        ends(shared, task, &ledger.connections).await?;
    let spec = &task.spec;
    let (from, to) = (&spec.source_repository, &spec.destination_repository);
    log.info(format!("copying {} item(s) of {from} to {to}", spec.item_count())).await;
    if spec.speed > 0 {
        log.info(format!("at {} kb/s at most", spec.speed)).await;
    }
    if let Some(other) = ledger.name(spec.destination, to, from) {
        let text = format!("{other} goes to {to} too: of a tag that both have, one stays");
        log.warn(text).await;
    }
    let execution = shared.store.execution(task.execution).await.ok();
    let started = execution.map(|execution| execution.started);
    let untouched = task.failures == 0 && started.is_some_and(|at| at >= shared.began);
    let target = destination.target();
    let known = Known::new(&shared.records, &target.base_url, target.repository.clone());
    let course = shared.course(task.execution).await;
    Ok(Job {
        shared: Arc::clone(shared),
        source,
        destination,
        accepts,
        destination_id: spec.destination,
        ledger,
        log: Arc::clone(log),
        pace: Pace::new(spec.speed).and(&sent),
        pulls: Pace::besides(&pulled, &sent),
        stats: course.begin(task, shared.counted_for(&course, task)),
        override_tags: spec.override_tags,
        present: Present::new(untouched),
        ready,
        known,
        terms: Terms::new(&spec.options),
        follows: Follows::new(&spec.options, &spec.attached),
        sibling: None,
    })
}

/// Both ends of a task, and what the destination takes.
struct Ends {
    source: Source,
    destination: Remote,
    accepts: Accepts,
    ready: Ready,
    /// What pulling and sending are under: the rule's and the daemon's are in both.
    budgets: [Budgets; 2],
}

async fn ends(shared: &Shared, task: &Task, bound: &Bound) -> Result<Ends, TransferError> {
    let (spec, rule) = (&task.spec, shared.budgets_of(task).await);
    let source = shared.connections.shared(spec.source, bound).await;
    let source = source.map_err(TransferError::at(Side::Source, "binding the adapter"))?;
    let source = source.within(&rule);
    let destination = shared.connections.shared(spec.destination, bound).await;
    let destination =
        destination.map_err(TransferError::at(Side::Destination, "binding the adapter"))?;
    let destination = destination.within(&rule);
    let budgets = [&source, &destination].map(|it| it.adapter().client().budgets().clone());
    let to = spec.destination_repository.to_string();
    let source = source_of(shared, source, &spec.source_repository).await?;
    let ready = Ready::new(destination.clone(), to.clone(), spec.visibility);
    let destination = locate(destination, &to).await;
    let (connection, mut target) =
        destination.map_err(TransferError::at(Side::Destination, "locating the repository"))?;
    if spec.copy_by_chunk {
        target.max_chunk = Some(target.max_chunk.map_or(CHUNK, |most| most.min(CHUNK)));
    }
    let accepts = connection.adapter().accepts(&target);
    let flow = shared.flow(&target.base_url);
    let destination = remote(connection, target).sharing(flow);
    Ok(Ends { source, destination, accepts, ready, budgets })
}

pub(super) async fn source_of(
    shared: &Shared,
    connection: Connection,
    repository: &Repository,
) -> Result<Source, TransferError> {
    if connection.adapter().info().capabilities.foreign_content {
        let charts = Charts::new(connection, repository.clone(), Arc::clone(&shared.charts));
        return Ok(Source::Charts(charts));
    }
    let source = locate(connection, repository.as_str()).await;
    let (connection, target) =
        source.map_err(TransferError::at(Side::Source, "locating the repository"))?;
    let flow = shared.flow(&target.base_url);
    Ok(Source::Registry(remote(connection, target).sharing(flow)))
}

pub(super) async fn locate(
    connection: Connection,
    repository: &str,
) -> Result<(Connection, Target), PluginError> {
    let target = connection.adapter().locate(repository).await?;
    Ok((connection, target))
}

pub(super) fn remote(connection: Connection, target: Target) -> Remote {
    let client = connection.adapter().client().clone();
    Remote::new(client, Arc::new(AdapterAuthority(connection)), target)
}
