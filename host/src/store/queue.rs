//! The queue of tasks: claimed under a lease, renewed, finished, given back.
//!
//! It finds the next task by index, however many wait. A lease that is over may be taken by
//! anybody; who lost it changes nothing any more.

use std::collections::HashSet;

use portolan_core::{execution::Status, id::TaskId, task::Task};
use redb::ReadableTable;
use time::OffsetDateTime;

use super::{
    Store, StoreError, TaskOutcome,
    progress::{self, Lease, Run, TaskLease},
    rows::{decode, find, instant, unreadable},
    tables::Tables,
};

/// Most tasks of stopped executions that one claim ends on its way.
const ENDED_BY_A_CLAIM: usize = 1000;

impl Store {
    /// Claims the oldest task that is due: Pending with `not_before` over, or Running under a lease
    /// that is over. It becomes Running. Those of an execution that was asked to stop become
    /// Stopped instead.
    pub(crate) async fn claim_task(
        &self,
        owner: &str,
        now: OffsetDateTime,
        lease_until: OffsetDateTime,
    ) -> Result<Option<Task>, StoreError> {
        let lease = Lease::new(owner, lease_until);
        let claim = move |tables: &mut Tables<'_>| {
            for _ in 0..ENDED_BY_A_CLAIM {
                let Some((mut task, mut run)) = oldest_due(tables, now)? else {
                    return Ok(None);
                };
                if run.execution.stop_requested {
                    progress::stop(tables, &mut run, &mut task, now)?;
                    progress::put(tables, run, now)?;
                    continue;
                }
                tables.due.remove(progress::due(&task))?;
                progress::put_lease(tables, &task, lease)?;
                task.started = Some(now);
                task.not_before = None;
                // Pending or Running, it counts as in progress: the execution stays as it is.
                progress::shift(tables, &mut run, &mut task, Status::Running, now)?;
                return Ok(Some(task));
            }
            Ok(None)
        };
        self.write(claim).await
    }

    /// Extends leases of `owner`; returns the ids that are still its own and not asked to stop.
    pub(crate) async fn renew_tasks(
        &self,
        ids: Vec<TaskId>,
        owner: &str,
        lease_until: OffsetDateTime,
    ) -> Result<HashSet<TaskId>, StoreError> {
        let owner = owner.to_owned();
        let renew = move |tables: &mut Tables<'_>| {
            let mut held = Vec::with_capacity(ids.len());
            for id in ids {
                if let Some(execution) = held_by(tables, id, &owner)? {
                    let task = progress::task(&*tables.tasks, execution, id.0)?;
                    let run = progress::run(&*tables.executions, execution)?;
                    held.push((task, run.execution.stop_requested));
                }
            }
            for (task, _) in &held {
                progress::put_lease(tables, task, Lease::new(&owner, lease_until))?;
            }
            Ok(held.into_iter().filter(|(_, stop)| !stop).map(|(task, _)| task.id).collect())
        };
        self.write(renew).await
    }

    /// Ends a try: Success, Stopped, or failed with a text (Pending again with `retry_at`, or Error
    /// where that is `None`). Rolls the execution up in the same transaction. False where the task
    /// is no longer `owner`'s. There is no other try in an execution that was asked to stop
    /// (Stopped) or whose listing failed (Error).
    pub(crate) async fn finish_task(
        &self,
        id: TaskId,
        owner: &str,
        outcome: TaskOutcome,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let owner = owner.to_owned();
        let finish = move |tables: &mut Tables<'_>| {
            let Some(execution) = held_by(tables, id, &owner)? else {
                return Ok(false);
            };
            let mut run = progress::run(&*tables.executions, execution)?;
            let mut task = progress::task(&*tables.tasks, execution, id.0)?;
            let to = judge(&run, &mut task, outcome);
            progress::take_lease(tables, id.0)?;
            if to == Status::Pending {
                tables.due.put(progress::due(&task), ())?;
            }
            progress::shift(tables, &mut run, &mut task, to, now)?;
            progress::put(tables, run, now)?;
            Ok(true)
        };
        self.write(finish).await
    }

    /// Gives `owner`'s running tasks and executions back at once, so that a restart need not wait
    /// for leases.
    pub(crate) async fn release_tasks(&self, owner: &str) -> Result<(), StoreError> {
        let owner = owner.to_owned();
        let release = move |tables: &mut Tables<'_>| {
            let tasks = tasks_of(tables, &owner)?;
            let runs = listings_of(tables, &owner)?;
            for mut task in tasks {
                progress::take_lease(tables, task.id.0)?;
                task.status = Status::Pending;
                tables.due.put(progress::due(&task), ())?;
                tables.tasks.put_json((task.execution.0, task.id.0), &task)?;
            }
            for mut run in runs {
                run.lease = None;
                tables.executions.put_json(run.execution.id.0, &run)?;
            }
            Ok(())
        };
        self.write(release).await
    }
}

/// The state a try leaves its task in; takes down why it failed.
fn judge(run: &Run, task: &mut Task, outcome: TaskOutcome) -> Status {
    let (text, retry_at) = match outcome {
        TaskOutcome::Success => return Status::Success,
        TaskOutcome::Stopped => return Status::Stopped,
        TaskOutcome::Failed { text, retry_at } => (text, retry_at),
    };
    task.failures += 1;
    task.last_error = text;
    match retry_at {
        Some(at) if !run.is_ending() => {
            task.not_before = Some(at);
            Status::Pending
        }
        Some(_) if run.execution.stop_requested => Status::Stopped,
        _ => Status::Error,
    }
}

/// The due task with the lowest id, with its execution: a first try, another try whose time has
/// come, or one whose lease is over.
fn oldest_due(tables: &Tables<'_>, now: OffsetDateTime) -> Result<Option<(Task, Run)>, StoreError> {
    let now = instant(now).max(1);
    let first = first(&*tables.due, 0, 0)?;
    let again = self::first(&*tables.due, 1, now)?;
    let lost = self::first(&*tables.lease_ends, i128::MIN, now)?;
    let Some(id) = [first, again, lost].into_iter().flatten().min() else {
        return Ok(None);
    };
    let execution = tables.task_executions.get(id).map_err(unreadable)?;
    let execution = execution.map_or(0, |execution| execution.value());
    let task = progress::task(&*tables.tasks, execution, id)?;
    Ok(Some((task, progress::run(&*tables.executions, execution)?)))
}

/// The first task of an index whose instant is in `from..=to`.
fn first(
    index: &impl ReadableTable<(i128, u64), ()>,
    from: i128,
    to: i128,
) -> Result<Option<u64>, StoreError> {
    let mut rows = index.range((from, 0)..=(to, u64::MAX)).map_err(unreadable)?;
    rows.next().map(|row| Ok(row.map_err(unreadable)?.0.value().1)).transpose()
}

/// The execution of a task that `owner` holds, also when its lease is over but nobody took it.
fn held_by(tables: &Tables<'_>, id: TaskId, owner: &str) -> Result<Option<u64>, StoreError> {
    let held: Option<TaskLease> = find(&*tables.task_leases, id.0)?;
    Ok(held.filter(|held| held.lease.owner == owner).map(|held| held.execution))
}

/// Every running task of an owner.
fn tasks_of(tables: &Tables<'_>, owner: &str) -> Result<Vec<Task>, StoreError> {
    let mut tasks = Vec::new();
    for row in tables.task_leases.iter().map_err(unreadable)? {
        let (id, held) = row.map_err(unreadable)?;
        let held: TaskLease = decode(held.value())?;
        if held.lease.owner == owner {
            tasks.push(progress::task(&*tables.tasks, held.execution, id.value())?);
        }
    }
    Ok(tasks)
}

/// Every execution that an owner lists.
fn listings_of(tables: &Tables<'_>, owner: &str) -> Result<Vec<Run>, StoreError> {
    let mut runs = Vec::new();
    for row in tables.listings.iter().map_err(unreadable)? {
        let run = progress::run(&*tables.executions, row.map_err(unreadable)?.0.value())?;
        if run.lease.as_ref().is_some_and(|lease| lease.owner == owner) {
            runs.push(run);
        }
    }
    Ok(runs)
}
