//! How far an execution is: its record, leases, and what its tasks make of it.
//!
//! Counters move with each task in the same transaction; nothing is ever counted afresh. A final
//! execution never changes again.

use portolan_core::{
    execution::{Execution, Status},
    task::Task,
};
use redb::ReadableTable;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{
    StoreError,
    rows::{decode, find, instant, load, missing, under, unreadable},
    tables::{Json, Tables},
};

/// An execution as it is stored.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Run {
    pub(super) execution: Execution,
    /// Who lists it.
    pub(super) lease: Option<Lease>,
    /// Listing failed: it ends as Error whatever its tasks say.
    pub(super) listing_failed: bool,
}

/// Something is `owner`'s until an instant; then anybody may take it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Lease {
    pub(super) owner: String,
    #[serde(with = "time::serde::rfc3339")]
    pub(super) until: OffsetDateTime,
}

impl Lease {
    pub(super) fn new(owner: &str, until: OffsetDateTime) -> Self {
        Self { owner: owner.to_owned(), until }
    }

    /// Whether anybody may take it.
    pub(super) fn is_over(&self, now: OffsetDateTime) -> bool {
        self.until <= now
    }
}

/// The lease of a running task.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct TaskLease {
    pub(super) execution: u64,
    pub(super) lease: Lease,
}

impl Run {
    /// Whether nobody lists it now.
    pub(super) fn is_free(&self, now: OffsetDateTime) -> bool {
        self.lease.as_ref().is_none_or(|lease| lease.is_over(now))
    }

    /// Whether its tasks are tried no more once they fail.
    pub(super) fn is_ending(&self) -> bool {
        self.execution.stop_requested || self.listing_failed
    }

    /// Ends it where every task is known and final.
    fn settle(&mut self, now: OffsetDateTime) {
        let execution = &mut self.execution;
        if execution.status.is_final() || !execution.listed || execution.counters.in_progress > 0 {
            return;
        }
        execution.status = if execution.stop_requested && execution.counters.failed == 0 {
            Status::Stopped
        } else if self.listing_failed {
            Status::Error
        } else {
            execution.counters.roll_up()
        };
        execution.ended = Some(now);
        self.lease = None;
    }
}

/// The record of an execution, or `NotFound`.
pub(super) fn run(table: &impl ReadableTable<u64, Json>, id: u64) -> Result<Run, StoreError> {
    load(table, "execution", id)
}

/// Stores an execution, ended where it is at its end, and its indexes.
pub(super) fn put(
    tables: &mut Tables<'_>,
    mut run: Run,
    now: OffsetDateTime,
) -> Result<Execution, StoreError> {
    run.settle(now);
    let id = run.execution.id.0;
    let policy = run.execution.policy.0;
    if run.execution.status.is_final() {
        tables.active.remove((policy, id))?;
    } else {
        tables.active.put((policy, id), ())?;
    }
    if run.execution.listed {
        tables.listings.remove(id)?;
    } else {
        tables.listings.put(id, ())?;
    }
    tables.executions.put_json(id, &run)?;
    Ok(run.execution)
}

/// Stores a task in another state and counts it over in `run`.
pub(super) fn shift(
    tables: &mut Tables<'_>,
    run: &mut Run,
    task: &mut Task,
    to: Status,
    now: OffsetDateTime,
) -> Result<(), StoreError> {
    run.execution.counters.shift(task.status, to);
    task.status = to;
    if to.is_final() {
        task.ended = Some(now);
        task.not_before = None;
    }
    tables.tasks.put_json((task.execution.0, task.id.0), task)
}

/// Makes every pending task of an execution Stopped. Reads all its tasks.
pub(super) fn stop_pending(
    tables: &mut Tables<'_>,
    run: &mut Run,
    now: OffsetDateTime,
) -> Result<(), StoreError> {
    for mut task in tasks(&*tables.tasks, run.execution.id.0)? {
        if task.status == Status::Pending {
            stop(tables, run, &mut task, now)?;
        }
    }
    Ok(())
}

/// Makes one task Stopped that waits, or whose worker is gone.
pub(super) fn stop(
    tables: &mut Tables<'_>,
    run: &mut Run,
    task: &mut Task,
    now: OffsetDateTime,
) -> Result<(), StoreError> {
    tables.due.remove(due(task))?;
    take_lease(tables, task.id.0)?;
    shift(tables, run, task, Status::Stopped, now)
}

/// The key of a pending task in the table of due ones.
pub(super) fn due(task: &Task) -> (i128, u64) {
    // First tries come under 0, so that a clock set back does not hold them up.
    (task.not_before.map_or(0, |at| instant(at).max(1)), task.id.0)
}

/// Gives a running task to an owner, in place of the one that had it.
pub(super) fn put_lease(
    tables: &mut Tables<'_>,
    task: &Task,
    lease: Lease,
) -> Result<(), StoreError> {
    take_lease(tables, task.id.0)?;
    tables.lease_ends.put((instant(lease.until), task.id.0), ())?;
    tables.task_leases.put_json(task.id.0, &TaskLease { execution: task.execution.0, lease })
}

/// Takes the lease of a task away, where there is one.
pub(super) fn take_lease(tables: &mut Tables<'_>, task: u64) -> Result<(), StoreError> {
    if let Some(held) = find::<_, TaskLease>(&*tables.task_leases, task)? {
        tables.lease_ends.remove((instant(held.lease.until), task))?;
        tables.task_leases.remove(task)?;
    }
    Ok(())
}

/// Every task of an execution, by ascending id.
pub(super) fn tasks(
    table: &impl ReadableTable<(u64, u64), Json>,
    execution: u64,
) -> Result<Vec<Task>, StoreError> {
    let rows = table.range(under(execution)).map_err(unreadable)?;
    rows.map(|row| decode(row.map_err(unreadable)?.1.value())).collect()
}

fn task_ids(
    table: &impl ReadableTable<(u64, u64), Json>,
    execution: u64,
) -> Result<Vec<u64>, StoreError> {
    let rows = table.range(under(execution)).map_err(unreadable)?;
    rows.map(|row| Ok(row.map_err(unreadable)?.0.value().1)).collect()
}

/// One task of an execution, or `NotFound`.
pub(super) fn task(
    table: &impl ReadableTable<(u64, u64), Json>,
    execution: u64,
    id: u64,
) -> Result<Task, StoreError> {
    find(table, (execution, id))?.ok_or_else(|| missing("task", id))
}

/// Removes a final execution with its tasks and their logs.
pub(super) fn forget(tables: &mut Tables<'_>, execution: u64) -> Result<(), StoreError> {
    for task in task_ids(&*tables.tasks, execution)? {
        tables.task_executions.remove(task)?;
    }
    tables.task_log.remove_range((execution, 0, 0)..=(execution, u64::MAX, u64::MAX))?;
    tables.tasks.remove_range(under(execution))?;
    tables.executions.remove(execution)?;
    Ok(())
}
