//! A worker: claims the next task, with those that bring the same repository elsewhere, and runs them
//! side by side.

use std::{sync::Arc, time::Duration};

use portolan_core::{id::TaskId, task::Task};
use time::OffsetDateTime;
use tracing::Instrument as _;

use super::{
    LEASE, Shared,
    log::TaskLog,
    queue::{attempt, idle},
    siblings::{Sibling, Siblings},
};
use crate::store::{Ending, TaskOutcome};

/// Most destinations that one pull serves.
const TOGETHER: usize = 32;

/// Works until the engine closes.
pub(super) async fn run(shared: Arc<Shared>) {
    while !shared.closing.is_cancelled() {
        let woken = shared.queued.notified();
        let now = OffsetDateTime::now_utc();
        let claim = (shared.owner.as_str(), now + LEASE);
        match shared.store.claim_tasks(claim, now, TOGETHER).await {
            Ok(tasks) if tasks.is_empty() => {}
            Ok(tasks) => {
                // There may be more, and somebody who sleeps: one after the other.
                shared.queued.notify_one();
                run_together(&shared, tasks).await;
                continue;
            }
            Err(error) => tracing::error!(%error, "claiming a task failed"),
        }
        idle(&shared, woken).await;
    }
}

/// Runs tasks that were claimed together at the same time.
async fn run_together(shared: &Arc<Shared>, tasks: Vec<Task>) {
    let siblings = match tasks.as_slice() {
        [first, _, ..] => Siblings::enroll(&shared.ledger(first.execution), &tasks),
        _ => vec![None],
    };
    let mut under_way = Vec::with_capacity(tasks.len());
    for (task, sibling) in tasks.into_iter().zip(siblings) {
        let (id, execution) = (task.id, task.execution);
        let span = tracing::info_span!("task", id = id.0, execution = task.execution.0);
        let running = run_task(Arc::clone(shared), task, sibling).instrument(span.clone());
        // In a task of its own: a fault in it must not take the worker with it.
        under_way.push(((id, execution), span, shared.tracker.spawn(running)));
    }
    for ((id, execution), span, running) in under_way {
        if let Err(fault) = running.await
            && fault.is_panic()
        {
            shared.course(execution).await.end(id, false);
            fail(shared, id, fault.to_string()).instrument(span).await;
        }
    }
}

async fn run_task(shared: Arc<Shared>, task: Task, sibling: Option<Sibling>) {
    let Some(under) = shared.running.tasks.begin(task.id, task.execution) else { return };
    let log = Arc::new(TaskLog::new(shared.store.clone(), task.id));
    let Some(outcome) = attempt(&shared, &task, sibling, &under.cut, &log).await else {
        return log.flush().await;
    };
    let now = OffsetDateTime::now_utc();
    let retry = match &outcome {
        TaskOutcome::Failed { retry_at, .. } => *retry_at,
        _ => None,
    };
    if retry.is_none() {
        let spec = &task.spec;
        shared.ledger(task.execution).ended(spec.destination, &spec.destination_repository);
    }
    let course = shared.course(task.execution).await;
    shared.counted_for(&course, &task).ended(&outcome);
    tell(&outcome);
    let tally = course.end(task.id, retry.is_some());
    let ending = Ending { outcome, tally };
    let finish = shared.store.finish_task(task.id, &shared.owner, ending, now);
    // In one commit, the log before: who sees the end sees all of it, and what was brought is
    // remembered by then.
    let noted = shared.records.flush();
    let ((), (), finished) = futures_util::future::join3(log.flush(), noted, finish).await;
    if let Err(error) = finished {
        tracing::error!(task = task.id.0, %error, "the end of a task could not be stored");
    }
    if let Some(at) = retry {
        wake_at(&shared, at - now);
    }
}

/// In the task's span, which says what it is about.
fn tell(outcome: &TaskOutcome) {
    match outcome {
        TaskOutcome::Success => tracing::debug!("a task is done"),
        TaskOutcome::Stopped => tracing::debug!("a task was stopped"),
        TaskOutcome::Failed { text, retry_at } => {
            tracing::warn!(error = %text, again = retry_at.is_some(), "a task failed");
        }
    }
}

/// Ends a task that a fault of ours ended: another try would meet it again.
async fn fail(shared: &Shared, id: TaskId, fault: String) {
    tracing::error!(task = id.0, fault, "a task met a fault in the host");
    let text = format!("a fault in the host ended it: {fault}");
    let outcome = TaskOutcome::Failed { text, retry_at: None };
    let now = OffsetDateTime::now_utc();
    if let Err(error) = shared.store.finish_task(id, &shared.owner, outcome, now).await {
        tracing::error!(task = id.0, %error, "the end of a task could not be stored");
    }
}

/// Wakes a worker when a retry is due.
fn wake_at(shared: &Arc<Shared>, after: time::Duration) {
    let after = Duration::try_from(after).unwrap_or_default();
    let shared = Arc::clone(shared);
    let tracker = shared.tracker.clone();
    tracker.spawn(async move {
        tokio::select! {
            () = tokio::time::sleep(after) => shared.queued.notify_one(),
            () = shared.closing.cancelled() => {}
        }
    });
}
