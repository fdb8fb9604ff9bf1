//! The loops: claim executions and list them, claim tasks and run them, keep claims alive.

use std::{sync::Arc, time::Duration};

use portolan_core::task::{Task, retry_at};
use time::OffsetDateTime;
use tokio::sync::futures::Notified;
use tokio_util::sync::CancellationToken;

use super::{
    BEAT, LEASE, Shared,
    authority::AdapterAuthority,
    failure::{Side, TransferError},
    listing,
    log::TaskLog,
    transfer::Job,
};
use crate::{
    distribution::Remote,
    plugin::{Adapter, PluginError},
    store::TaskOutcome,
};

/// Starts every loop of an engine.
pub(super) fn spawn(shared: &Arc<Shared>) {
    shared.tracker.spawn(claim_executions(Arc::clone(shared)));
    shared.tracker.spawn(keep_claims(Arc::clone(shared)));
    for _ in 0..shared.workers {
        shared.tracker.spawn(work(Arc::clone(shared)));
    }
}

/// Waits until there may be work, or the engine closes. `woken` was made before the store was
/// asked, so that work added in between is not slept over.
async fn idle(shared: &Shared, woken: Notified<'_>) {
    tokio::select! {
        () = woken => {}
        () = tokio::time::sleep(BEAT) => {}
        () = shared.closing.cancelled() => {}
    }
}

async fn claim_executions(shared: Arc<Shared>) {
    while !shared.closing.is_cancelled() {
        let woken = shared.wake.notified();
        let now = OffsetDateTime::now_utc();
        match shared.store.claim_execution(&shared.owner, now, now + LEASE).await {
            Ok(Some(execution)) => {
                shared.tracker.spawn(listing::run(Arc::clone(&shared), execution));
                continue;
            }
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "claiming an execution failed"),
        }
        idle(&shared, woken).await;
    }
}

async fn work(shared: Arc<Shared>) {
    while !shared.closing.is_cancelled() {
        let woken = shared.wake.notified();
        let now = OffsetDateTime::now_utc();
        match shared.store.claim_task(&shared.owner, now, now + LEASE).await {
            Ok(Some(task)) => {
                run_task(&shared, task).await;
                continue;
            }
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "claiming a task failed"),
        }
        idle(&shared, woken).await;
    }
}

/// Renews claims; cuts what is no longer ours, or was asked to stop by somebody else.
async fn keep_claims(shared: Arc<Shared>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(BEAT) => {}
            () = shared.closing.cancelled() => return,
        }
        let until = OffsetDateTime::now_utc() + LEASE;
        for id in shared.running.listing_ids() {
            if let Ok(false) = shared.store.renew_execution(id, &shared.owner, until).await {
                shared.running.cancel_execution(id);
            }
        }
        let ids = shared.running.task_ids();
        if ids.is_empty() {
            continue;
        }
        match shared.store.renew_tasks(ids.clone(), &shared.owner, until).await {
            Ok(ours) => {
                for id in ids.into_iter().filter(|id| !ours.contains(id)) {
                    shared.running.cancel_task(id);
                }
            }
            Err(error) => tracing::error!(%error, "claims could not be renewed"),
        }
    }
}

async fn run_task(shared: &Arc<Shared>, task: Task) {
    let cut = shared.running.begin_task(task.id, task.execution);
    let log = TaskLog::new(shared.store.clone(), task.id);
    let outcome = attempt(shared, &task, log, &cut).await;
    shared.running.end_task(task.id);
    let Some(outcome) = outcome else { return };
    let now = OffsetDateTime::now_utc();
    let retry = match &outcome {
        TaskOutcome::Failed { retry_at, .. } => *retry_at,
        _ => None,
    };
    if let Err(error) = shared.store.finish_task(task.id, &shared.owner, outcome, now).await {
        tracing::error!(task = task.id.0, %error, "the end of a task could not be stored");
    }
    match retry {
        Some(at) => wake_at(shared, at - now),
        None => forget_when_over(shared, &task).await,
    }
}

/// Wakes a worker when a retry is due.
fn wake_at(shared: &Arc<Shared>, after: time::Duration) {
    let after = Duration::try_from(after).unwrap_or_default();
    let shared = Arc::clone(shared);
    let tracker = shared.tracker.clone();
    tracker.spawn(async move {
        tokio::select! {
            () = tokio::time::sleep(after) => shared.wake.notify_waiters(),
            () = shared.closing.cancelled() => {}
        }
    });
}

async fn forget_when_over(shared: &Shared, task: &Task) {
    let execution = shared.store.execution(task.execution).await;
    if execution.is_ok_and(|execution| execution.status.is_final()) {
        shared.forget(task.execution);
    }
}

/// One try of a task; `None` where the engine closes and the task goes on later.
async fn attempt(
    shared: &Arc<Shared>,
    task: &Task,
    log: TaskLog,
    cut: &CancellationToken,
) -> Option<TaskOutcome> {
    let job = match prepare(shared, task, log).await {
        Ok(job) => job,
        Err((log, error)) => {
            log.error(error.to_string()).await;
            log.flush().await;
            return Some(failed(task, error.is_retryable(), error.to_string()));
        }
    };
    let outcome = tokio::select! {
        failures = job.run(&task.spec.items) => Some(judge(task, &failures)),
        () = cut.cancelled() => {
            job.log.warn("stopped").await;
            Some(TaskOutcome::Stopped)
        }
        () = shared.closing.cancelled() => {
            job.log.warn("cut by a shutdown; goes on at the next start").await;
            None
        }
    };
    job.log.flush().await;
    outcome
}

fn judge(task: &Task, failures: &[TransferError]) -> TaskOutcome {
    let Some(first) = failures.first() else { return TaskOutcome::Success };
    let text = match failures.len() {
        1 => first.to_string(),
        more => format!("{first} (and {} more, see the log)", more - 1),
    };
    failed(task, failures.iter().any(TransferError::is_retryable), text)
}

fn failed(task: &Task, retryable: bool, text: String) -> TaskOutcome {
    let now = OffsetDateTime::now_utc();
    let retry_at = if retryable { retry_at(task.failures + 1, now) } else { None };
    TaskOutcome::Failed { text, retry_at }
}

/// Binds both ends of a task and makes the destination ready.
async fn prepare(
    shared: &Arc<Shared>,
    task: &Task,
    log: TaskLog,
) -> Result<Job, (TaskLog, TransferError)> {
    match ends(shared, task).await {
        Ok((source, destination)) => {
            let spec = &task.spec;
            let (from, to) = (&spec.source_repository, &spec.destination_repository);
            log.info(format!("copying {} item(s) of {from} to {to}", spec.item_count())).await;
            Ok(Job {
                shared: Arc::clone(shared),
                source,
                destination,
                destination_id: spec.destination,
                ledger: shared.ledger(task.execution),
                log,
                stats: Arc::clone(&shared.stats),
                override_tags: spec.override_tags,
            })
        }
        Err(error) => Err((log, error)),
    }
}

async fn ends(shared: &Shared, task: &Task) -> Result<(Remote, Remote), TransferError> {
    let spec = &task.spec;
    let source = shared.connections.adapter(spec.source).await;
    let source = source.map_err(TransferError::at(Side::Source, "binding the adapter"))?;
    let destination = shared.connections.adapter(spec.destination).await;
    let destination =
        destination.map_err(TransferError::at(Side::Destination, "binding the adapter"))?;
    let to = spec.destination_repository.to_string();
    let prepared = destination.prepare_targets(std::slice::from_ref(&to)).await;
    let prepared = prepared.and_then(|mut results| results.pop().unwrap_or(Ok(())));
    prepared.map_err(TransferError::at(Side::Destination, "preparing the repository"))?;
    Ok((
        remote(source, spec.source_repository.as_str())
            .await
            .map_err(TransferError::at(Side::Source, "locating the repository"))?,
        remote(destination, &to)
            .await
            .map_err(TransferError::at(Side::Destination, "locating the repository"))?,
    ))
}

async fn remote(adapter: Adapter, repository: &str) -> Result<Remote, PluginError> {
    let target = adapter.locate(repository).await?;
    let client = adapter.client().clone();
    Ok(Remote::new(client, Arc::new(AdapterAuthority(adapter)), target))
}
