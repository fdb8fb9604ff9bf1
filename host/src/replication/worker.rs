//! A worker: claims the next task, with those that bring the same repository elsewhere, and runs them
//! side by side.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt, stream::FuturesUnordered};
use portolan_core::{id::TaskId, task::Task};
use time::OffsetDateTime;
use tracing::Instrument as _;

use super::{
    LEASE, Shared,
    log::TaskLog,
    queue::{attempt, idle},
    running::Under,
    siblings::{Sibling, Siblings},
};
use crate::store::{Ending, TaskOutcome};

/// Most destinations that one pull serves.
const TOGETHER: usize = 32;

/// A task whose try is over, which the store has still to be told.
struct Ended {
    task: TaskId,
    ending: Ending,
    log: Arc<TaskLog>,
    /// Until then nobody else takes it up. `None` where a fault ended it.
    _under: Option<Under<TaskId>>,
}

/// Works until the engine closes.
pub(super) async fn run(shared: Arc<Shared>) {
    let mut ended = None;
    while !shared.closing.is_cancelled() {
        let woken = shared.queued.notified();
        let now = OffsetDateTime::now_utc();
        let owner = (shared.owner.as_str(), now + LEASE);
        let claim = shared.store.claim_tasks(owner, now, TOGETHER);
        // In one commit: a small task costs more in commits than in requests.
        let ((), claimed) = futures_util::future::join(store(&shared, ended.take()), claim).await;
        match claimed {
            Ok(tasks) if tasks.is_empty() => {}
            Ok(tasks) => {
                // There may be more, and somebody who sleeps: one after the other.
                shared.queued.notify_one();
                ended = run_together(&shared, tasks).await;
                continue;
            }
            Err(error) => tracing::error!(%error, "claiming a task failed"),
        }
        idle(&shared, woken).await;
    }
    store(&shared, ended).await;
}

/// Runs tasks that were claimed together at the same time; the last to end is still to be stored.
async fn run_together(shared: &Arc<Shared>, tasks: Vec<Task>) -> Option<Ended> {
    let siblings = match tasks.as_slice() {
        [first, _, ..] => Siblings::enroll(&shared.ledger(first.execution), &tasks),
        _ => vec![None],
    };
    let mut under_way: FuturesUnordered<_> = tasks
        .into_iter()
        .zip(siblings)
        .map(|(task, sibling)| guarded(shared, task, sibling))
        .collect();
    while let Some(ended) = under_way.next().await {
        if under_way.is_empty() {
            return ended;
        }
        store(shared, ended).await;
    }
    None
}

/// Runs a task in one of its own, from now on: a fault in it must not take the worker with it.
fn guarded(
    shared: &Arc<Shared>,
    task: Task,
    sibling: Option<Sibling>,
) -> impl Future<Output = Option<Ended>> + use<> {
    let span = tracing::info_span!("task", id = task.id.0, execution = task.execution.0);
    let (id, execution) = (task.id, task.execution);
    let running = run_task(Arc::clone(shared), task, sibling).instrument(span.clone());
    let running = shared.tracker.spawn(running);
    let shared = Arc::clone(shared);
    let ended = async move {
        match running.await {
            Ok(ended) => ended,
            Err(fault) if fault.is_panic() => {
                shared.course(execution).await.end(id, false);
                Some(faulty(&shared, id, &fault.to_string()))
            }
            Err(_) => None,
        }
    };
    ended.instrument(span)
}

/// One try of a task; `None` where it goes on later, or elsewhere.
async fn run_task(shared: Arc<Shared>, task: Task, sibling: Option<Sibling>) -> Option<Ended> {
    let under = shared.running.tasks.begin(task.id, task.execution)?;
    let log = Arc::new(TaskLog::new(shared.store.clone(), task.id));
    let Some(outcome) = attempt(&shared, &task, sibling, &under.cut, &log).await else {
        log.flush().await;
        return None;
    };
    let is_tried_again = matches!(outcome, TaskOutcome::Failed { retry_at: Some(_), .. });
    if !is_tried_again {
        let spec = &task.spec;
        shared.ledger(task.execution).ended(spec.destination, &spec.destination_repository);
    }
    let course = shared.course(task.execution).await;
    shared.counted_for(&course, &task).ended(&outcome);
    tell(&outcome);
    let tally = course.end(task.id, is_tried_again);
    let ending = Ending { outcome, tally };
    Some(Ended { task: task.id, ending, log, _under: Some(under) })
}

/// Stores how a try ended. In one commit, the log before: who sees the end sees all of it, and what
/// was brought is remembered by then.
async fn store(shared: &Arc<Shared>, ended: Option<Ended>) {
    let Some(Ended { task, ending, log, _under }) = ended else { return };
    let now = OffsetDateTime::now_utc();
    let retry = match &ending.outcome {
        TaskOutcome::Failed { retry_at, .. } => *retry_at,
        _ => None,
    };
    let finish = shared.store.finish_task(task, &shared.owner, ending, now);
    let noted = shared.records.flush_brought();
    let ((), (), finished) = futures_util::future::join3(log.flush(), noted, finish).await;
    if let Err(error) = finished {
        tracing::error!(task = task.0, %error, "the end of a task could not be stored");
    }
    if let Some(at) = retry {
        wake_at(shared, at - now);
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

/// The end of a task that a fault of ours ended: another try would meet it again.
fn faulty(shared: &Shared, task: TaskId, fault: &str) -> Ended {
    tracing::error!(task = task.0, fault, "a task met a fault in the host");
    let text = format!("a fault in the host ended it: {fault}");
    let log = Arc::new(TaskLog::new(shared.store.clone(), task));
    let ending = TaskOutcome::Failed { text, retry_at: None }.into();
    Ended { task, ending, log, _under: None }
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
