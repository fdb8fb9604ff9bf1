//! How far an execution is: its record, leases, and what its tasks make of it.
//!
//! Counters move with each task in the same transaction; nothing is ever counted afresh. A final
//! execution never changes again.

use portolan_core::{
    execution::{Execution, Status},
    id::ExecutionId,
    policy::PolicySpec,
    task::Task,
};
use redb::ReadableTable;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{
    StoreError, listings, outcomes,
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
    /// Where an older program stored it: the rule as it was at the start, until it is listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) rule: Option<PolicySpec>,
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
        // One that never was active was skipped.
        if tables.active.remove((policy, id))? {
            outcomes::ended(tables, &run.execution)?;
        }
        tables.changed.ended = true;
        tables.selections.remove(id)?;
    } else if tables.active.open()?.get((policy, id)).map_err(unreadable)?.is_none() {
        tables.active.put((policy, id), ())?;
    }
    if run.execution.listed {
        run.rule = None;
        if tables.listings.remove(id)? {
            tables.rules.remove(id)?;
            listings::forget(tables, id)?;
        }
    } else if tables.listings.open()?.get(id).map_err(unreadable)?.is_none() {
        tables.listings.put(id, ())?;
    }
    tables.executions.put_json(id, &run)?;
    tables.changed.executions.insert(run.execution.id);
    Ok(run.execution)
}

/// Stores a task in another state and counts it over in `run`. One that succeeded keeps no more than
/// the number of its items.
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
    if to == Status::Success {
        task.forget_items();
    }
    tables.tasks.put_json((task.execution.0, task.id.0), task)
}

/// Makes every pending task of an execution Stopped. Looks at every pending task there is, and at
/// none that is over.
pub(super) fn stop_pending(
    tables: &mut Tables<'_>,
    run: &mut Run,
    now: OffsetDateTime,
) -> Result<(), StoreError> {
    for mut task in waiting(tables, run.execution.id.0)? {
        stop(tables, run, &mut task, now)?;
    }
    Ok(())
}

/// The pending tasks of an execution.
fn waiting(tables: &Tables<'_>, execution: u64) -> Result<Vec<Task>, StoreError> {
    let mut waiting = Vec::new();
    for row in tables.due.open()?.iter().map_err(unreadable)? {
        let (_, id) = row.map_err(unreadable)?.0.value();
        let of = tables.task_executions.open()?.get(id).map_err(unreadable)?;
        if of.is_some_and(|of| of.value() == execution) {
            waiting.push(task(tables.tasks.open()?, execution, id)?);
        }
    }
    Ok(waiting)
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
    match find::<_, TaskLease>(tables.task_leases.open()?, task)? {
        Some(held) => end_lease(tables, task, &held),
        None => Ok(()),
    }
}

/// The same for a lease that was looked at.
pub(super) fn end_lease(
    tables: &mut Tables<'_>,
    task: u64,
    held: &TaskLease,
) -> Result<(), StoreError> {
    tables.lease_ends.remove((instant(held.lease.until), task))?;
    tables.task_leases.remove(task)?;
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
    for task in task_ids(tables.tasks.open()?, execution)? {
        tables.task_executions.remove(task)?;
    }
    tables.task_log.remove_range((execution, 0, 0)..=(execution, u64::MAX, u64::MAX))?;
    tables.tasks.remove_range(under(execution))?;
    tables.executions.remove(execution)?;
    tables.changed.executions.insert(ExecutionId(execution));
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use portolan_core::{
        execution::Counters,
        id::{ExecutionId, TaskId},
    };
    use proptest::prelude::*;

    use super::*;
    use crate::store::{
        Store, TaskOutcome,
        fixtures::{after, execution, memory, task_specs},
        tables,
    };

    #[derive(Clone, Debug)]
    enum Act {
        Add(usize),
        ClaimExecution(u8),
        ClaimTask(u8),
        Finish(u64, u8, u8),
        Renew(u64, u8),
        Release(u8),
        Listed(bool),
        Stop,
        Wait(i64),
    }

    fn act() -> impl Strategy<Value = Act> {
        let owner = || 0..2_u8;
        prop_oneof![
            2 => (0..4_usize).prop_map(Act::Add),
            1 => owner().prop_map(Act::ClaimExecution),
            6 => owner().prop_map(Act::ClaimTask),
            6 => (1..8_u64, owner(), 0..4_u8).prop_map(|(t, o, how)| Act::Finish(t, o, how)),
            1 => (1..8_u64, owner()).prop_map(|(t, o)| Act::Renew(t, o)),
            1 => owner().prop_map(Act::Release),
            1 => any::<bool>().prop_map(Act::Listed),
            1 => Just(Act::Stop),
            3 => (1..15_i64).prop_map(Act::Wait),
        ]
    }

    async fn perform(store: &Store, id: ExecutionId, now: i64, act: Act) {
        let owner = |n: u8| if n == 0 { "a" } else { "b" };
        let (at, until) = (after(now), after(now + 10));
        match act {
            Act::Add(count) => {
                let added = store.add_tasks(id, task_specs(count), at).await;
                assert!(matches!(added, Ok(_) | Err(StoreError::Stopped)));
            }
            Act::ClaimExecution(n) => {
                store.claim_execution(owner(n), at, until).await.unwrap();
            }
            Act::ClaimTask(n) => {
                store.claim_task(owner(n), at, until).await.unwrap();
            }
            Act::Finish(task, n, how) => {
                let text = "x".to_owned();
                let outcome = match how {
                    0 => TaskOutcome::Success,
                    1 => TaskOutcome::Stopped,
                    2 => TaskOutcome::Failed { text, retry_at: None },
                    _ => TaskOutcome::Failed { text, retry_at: Some(after(now + 5)) },
                };
                store.finish_task(TaskId(task), owner(n), outcome, at).await.unwrap();
            }
            Act::Renew(task, n) => {
                store.renew_tasks(vec![TaskId(task)], owner(n), until).await.unwrap();
            }
            Act::Release(n) => drop(store.release_tasks(owner(n)).await.unwrap()),
            Act::Listed(well) => {
                let text = || String::from("text");
                let outcome = if well { Ok(text()) } else { Err(text()) };
                store.finish_listing(id, outcome, at).await.unwrap();
            }
            Act::Stop => {
                store.request_stop(id, at).await.unwrap();
            }
            Act::Wait(_) => {}
        }
    }

    /// The ids in an index of instants.
    fn ids(index: &impl ReadableTable<(i128, u64), ()>) -> Vec<u64> {
        let mut ids: Vec<_> = index.iter().unwrap().map(|row| row.unwrap().0.value().1).collect();
        ids.sort_unstable();
        ids
    }

    /// Counts afresh what is kept step by step.
    async fn check(store: &Store, id: ExecutionId) -> Execution {
        let check = move |tables: &tables::Snapshot| {
            let run = run(&tables.open(tables::EXECUTIONS)?, id.0)?;
            let tasks = tasks(&tables.open(tables::TASKS)?, id.0)?;
            let mut counters = Counters::default();
            tasks.iter().for_each(|task| counters.add(task.status));
            let execution = &run.execution;
            assert_eq!(execution.counters, counters);
            let over = execution.listed && counters.in_progress == 0;
            assert_eq!(execution.status.is_final(), over);
            assert_eq!(execution.ended.is_some(), over);
            if over && !execution.stop_requested && !run.listing_failed {
                assert_eq!(execution.status, counters.roll_up());
            }
            let with = |status| {
                let with = tasks.iter().filter(move |task| task.status == status);
                with.map(|task| task.id.0).collect::<Vec<_>>()
            };
            assert_eq!(ids(&tables.open(tables::DUE)?), with(Status::Pending));
            assert_eq!(ids(&tables.open(tables::LEASE_ENDS)?), with(Status::Running));
            let leases = tables.open(tables::TASK_LEASES)?;
            let leases = leases.iter().unwrap().map(|row| row.unwrap().0.value());
            assert_eq!(leases.collect::<Vec<_>>(), with(Status::Running));
            let active = tables.open(tables::ACTIVE)?.iter().unwrap().count();
            assert_eq!(active, usize::from(!over));
            let listings = tables.open(tables::LISTINGS)?.iter().unwrap().count();
            assert_eq!(listings, usize::from(!execution.listed));
            let ended: BTreeSet<_> = tasks.iter().map(|t| t.ended.is_some()).collect();
            assert!(!over || !ended.contains(&false));
            Ok(run.execution)
        };
        store.read(check).await.unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..Default::default() })]

        #[test]
        fn counters_indexes_and_state_agree_whatever_happens(
            acts in proptest::collection::vec(act(), 1..60)
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                let store = memory().await;
                let id = execution(&store).await.id;
                let mut now = 0;
                let mut ended: Option<Execution> = None;
                for act in acts {
                    now += if let Act::Wait(seconds) = act { seconds } else { 0 };
                    perform(&store, id, now, act).await;
                    let run = check(&store, id).await;
                    if let Some(ended) = &ended {
                        assert_eq!(&run, ended);
                    }
                    ended = run.status.is_final().then_some(run);
                }
            });
        }
    }
}
