//! The queue of tasks: claimed under a lease, renewed, finished, given back.
//!
//! It finds the next task by index, however many wait. A lease that is over may be taken by
//! anybody; who lost it changes nothing any more.

use std::collections::HashSet;

use portolan_core::{
    execution::Status,
    id::TaskId,
    task::{Operation, Task},
};
use redb::ReadableTable;
use time::{Duration, OffsetDateTime};

use super::{
    Ending, Store, StoreError, TaskOutcome,
    progress::{self, Lease, Run, TaskLease},
    rows::{decode, find, instant, unreadable},
    tables::Tables,
};

#[cfg(any(feature = "api", test))]
mod depth;

#[cfg(any(feature = "api", test))]
pub(crate) use depth::Queued;

/// Most tasks of stopped executions that one claim ends on its way.
const ENDED_BY_A_CLAIM: usize = 1000;

/// A task that waits longer than this for its next try waits for a clock that was set back.
const LONGEST_WAIT: Duration = Duration::minutes(10);

impl Store {
    /// Claims the oldest task that is due: Pending with `not_before` over, or Running under a lease
    /// that is over. It becomes Running. Those of an execution that was asked to stop become
    /// Stopped instead.
    #[cfg(test)]
    pub(crate) async fn claim_task(
        &self,
        owner: &str,
        now: OffsetDateTime,
        lease_until: OffsetDateTime,
    ) -> Result<Option<Task>, StoreError> {
        Ok(self.claim_tasks((owner, lease_until), now, 1).await?.pop())
    }

    /// The same with the copies of its repository to other destinations that are due, too: at most
    /// `most` tasks, by ascending id; none where nothing is due.
    pub(crate) async fn claim_tasks(
        &self,
        (owner, lease_until): (&str, OffsetDateTime),
        now: OffsetDateTime,
        most: usize,
    ) -> Result<Vec<Task>, StoreError> {
        let owner = owner.to_owned();
        let claim = move |tables: &mut Tables<'_>| {
            for _ in 0..ENDED_BY_A_CLAIM {
                let Some((mut task, mut run)) = oldest_due(tables, now)? else {
                    return Ok(Vec::new());
                };
                if run.execution.stop_requested {
                    progress::stop(tables, &mut run, &mut task, now)?;
                    progress::put(tables, run, now)?;
                    continue;
                }
                let mut due = siblings(tables, &task, now, most.saturating_sub(1))?;
                due.insert(0, task);
                for task in &mut due {
                    tables.due.remove(progress::due(task))?;
                    progress::put_lease(tables, task, Lease::new(&owner, lease_until))?;
                    task.started = Some(now);
                    task.not_before = None;
                    // Pending or Running, it counts as in progress: the execution stays as it is.
                    progress::shift(tables, &mut run, task, Status::Running, now)?;
                }
                return Ok(due);
            }
            Ok(Vec::new())
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
                if let Some(TaskLease { execution, .. }) = held_by(tables, id, &owner)? {
                    let task = progress::task(tables.tasks.open()?, execution, id.0)?;
                    let run = progress::run(tables.executions.open()?, execution)?;
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
        ending: impl Into<Ending>,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let owner = owner.to_owned();
        let Ending { outcome, tally } = ending.into();
        let finish = move |tables: &mut Tables<'_>| {
            let Some(held) = held_by(tables, id, &owner)? else {
                return Ok(false);
            };
            let mut run = progress::run(tables.executions.open()?, held.execution)?;
            let mut task = progress::task(tables.tasks.open()?, held.execution, id.0)?;
            let to = judge(&run, &mut task, outcome);
            task.tally = task.tally.and(tally);
            progress::end_lease(tables, id.0, &held)?;
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
    /// for leases. Returns those tasks: they were cut.
    pub(crate) async fn release_tasks(&self, owner: &str) -> Result<Vec<Task>, StoreError> {
        let owner = owner.to_owned();
        let release = move |tables: &mut Tables<'_>| {
            let mut tasks = tasks_of(tables, &owner)?;
            let runs = listings_of(tables, &owner)?;
            for task in &mut tasks {
                progress::take_lease(tables, task.id.0)?;
                task.status = Status::Pending;
                tables.due.put(progress::due(task), ())?;
                tables.tasks.put_json((task.execution.0, task.id.0), task)?;
            }
            for mut run in runs {
                run.lease = None;
                tables.executions.put_json(run.execution.id.0, &run)?;
            }
            Ok(tasks)
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
/// come (or is farther away than it can be), or one whose lease is over.
fn oldest_due(tables: &Tables<'_>, now: OffsetDateTime) -> Result<Option<(Task, Run)>, StoreError> {
    let now = instant(now).max(1);
    let first = first(tables.due.open()?, 0, 0)?;
    let again = self::first(tables.due.open()?, 1, now)?;
    let far = now.saturating_add(LONGEST_WAIT.whole_nanoseconds());
    let too_far = self::first(tables.due.open()?, far, i128::MAX)?;
    let lost = self::first(tables.lease_ends.open()?, i128::MIN, now)?;
    let Some(id) = [first, again, too_far, lost].into_iter().flatten().min() else {
        return Ok(None);
    };
    let execution = tables.task_executions.open()?.get(id).map_err(unreadable)?;
    let execution = execution.map_or(0, |execution| execution.value());
    let task = progress::task(tables.tasks.open()?, execution, id)?;
    Ok(Some((task, progress::run(tables.executions.open()?, execution)?)))
}

/// Copies of the same repository to other destinations that were added with a task, after it, and
/// are due: at most `most`.
fn siblings(
    tables: &Tables<'_>,
    first: &Task,
    now: OffsetDateTime,
    most: usize,
) -> Result<Vec<Task>, StoreError> {
    let mut due = Vec::new();
    let execution = first.execution.0;
    let others = (first.id.0.saturating_add(1)..).take(most);
    for id in others.take_while(|_| first.spec.operation == Operation::Copy) {
        let of = tables.task_executions.open()?.get(id).map_err(unreadable)?;
        if of.map(|of| of.value()) != Some(execution) {
            break;
        }
        let task = progress::task(tables.tasks.open()?, execution, id)?;
        let same = task.spec.operation == Operation::Copy
            && task.spec.source_repository == first.spec.source_repository
            && task.spec.items.len() == first.spec.items.len();
        if !same {
            break;
        }
        let waits = tables.due.open()?.get(progress::due(&task)).map_err(unreadable)?.is_some();
        if waits && task.not_before.is_none_or(|at| at <= now) {
            due.push(task);
        }
    }
    Ok(due)
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

/// The lease of a task that `owner` holds, also when it is over but nobody took it.
fn held_by(tables: &Tables<'_>, id: TaskId, owner: &str) -> Result<Option<TaskLease>, StoreError> {
    let held: Option<TaskLease> = find(tables.task_leases.open()?, id.0)?;
    Ok(held.filter(|held| held.lease.owner == owner))
}

/// Every running task of an owner.
fn tasks_of(tables: &Tables<'_>, owner: &str) -> Result<Vec<Task>, StoreError> {
    let mut tasks = Vec::new();
    for row in tables.task_leases.open()?.iter().map_err(unreadable)? {
        let (id, held) = row.map_err(unreadable)?;
        let held: TaskLease = decode(held.value())?;
        if held.lease.owner == owner {
            tasks.push(progress::task(tables.tasks.open()?, held.execution, id.value())?);
        }
    }
    Ok(tasks)
}

/// Every execution that an owner lists.
fn listings_of(tables: &Tables<'_>, owner: &str) -> Result<Vec<Run>, StoreError> {
    let mut runs = Vec::new();
    for row in tables.listings.open()?.iter().map_err(unreadable)? {
        let run = progress::run(tables.executions.open()?, row.map_err(unreadable)?.0.value())?;
        if run.lease.as_ref().is_some_and(|lease| lease.owner == owner) {
            runs.push(run);
        }
    }
    Ok(runs)
}

#[cfg(test)]
mod tests {
    use std::{
        collections::HashMap,
        sync::{
            Arc, Mutex,
            atomic::{AtomicI64, Ordering},
        },
    };

    use portolan_core::{id::EndpointId, task::TaskSpec};

    use super::*;
    use crate::store::fixtures::{after, execution, memory, task_spec, task_specs};

    fn failed(retry_at: Option<OffsetDateTime>) -> TaskOutcome {
        TaskOutcome::Failed { text: "reset".to_owned(), retry_at }
    }

    #[tokio::test]
    async fn the_oldest_that_is_due_comes_first() {
        let store = memory().await;
        let id = execution(&store).await.id;
        store.add_tasks(id, task_specs(4), after(0)).await.unwrap();
        let claim = async |now, until| {
            let task = store.claim_task("a", after(now), after(until)).await.unwrap();
            task.map(|task| (task.id.0, task.status, task.started == Some(after(now))))
        };
        assert_eq!(claim(0, 10).await, Some((1, Status::Running, true)));
        assert_eq!(claim(0, 20).await.unwrap().0, 2);
        assert!(store.finish_task(TaskId(1), "a", failed(Some(after(5))), after(1)).await.unwrap());
        let task = store.task(id, TaskId(1)).await.unwrap();
        assert_eq!((task.status, task.failures), (Status::Pending, 1));
        assert_eq!((task.last_error.as_str(), task.not_before), ("reset", Some(after(5))));
        assert_eq!(claim(4, 90).await.unwrap().0, 3, "another try waits its time");
        assert_eq!(claim(5, 90).await.unwrap().0, 1, "then it is the oldest");
        assert_eq!(claim(20, 90).await.unwrap().0, 2, "a lease that is over");
        assert_eq!(claim(20, 90).await.unwrap().0, 4);
        assert_eq!(claim(89, 90).await, None);
        // A clock set back holds up no first try, and no other one either.
        store.add_tasks(id, task_specs(1), after(100)).await.unwrap();
        assert_eq!(claim(-1_000_000, 90).await.unwrap().0, 5);
        store.finish_task(TaskId(5), "a", failed(Some(after(100))), after(99)).await.unwrap();
        assert_eq!(claim(40, 90).await, None);
        assert_eq!(claim(-1_000_000, 90).await.unwrap().0, 5);
    }

    #[tokio::test]
    async fn copies_of_one_repository_are_claimed_together() {
        let store = memory().await;
        let id = execution(&store).await.id;
        let to = |repository: &str, endpoint| TaskSpec {
            destination: EndpointId(endpoint),
            ..task_spec(repository)
        };
        let specs = [("a", 3), ("a", 4), ("a", 5), ("b", 3), ("b", 4)];
        let specs = specs.map(|(name, endpoint)| to(name, endpoint)).to_vec();
        store.add_tasks(id, specs, after(0)).await.unwrap();
        let claim = async |now, most| {
            let tasks = store.claim_tasks(("a", after(99)), after(now), most).await.unwrap();
            tasks.iter().map(|task| task.id.0).collect::<Vec<_>>()
        };
        assert_eq!(claim(0, 9).await, [1, 2, 3]);
        assert_eq!(claim(0, 1).await, [4], "no more than asked for");
        for (task, again) in [(1, 5), (2, 20), (3, 5)] {
            let outcome = failed(Some(after(again)));
            store.finish_task(TaskId(task), "a", outcome, after(1)).await.unwrap();
        }
        assert_eq!(claim(6, 9).await, [1, 3], "what waits longer is left");
        assert_eq!(claim(6, 9).await, [5]);
        assert_eq!(claim(20, 9).await, [2]);
        assert!(claim(30, 9).await.is_empty());
    }

    #[tokio::test]
    async fn who_lost_a_lease_changes_nothing() {
        let store = memory().await;
        let id = execution(&store).await.id;
        store.add_tasks(id, task_specs(2), after(0)).await.unwrap();
        for _ in 0..2 {
            store.claim_task("a", after(0), after(10)).await.unwrap().unwrap();
        }
        let both = || vec![TaskId(1), TaskId(2), TaskId(77)];
        let renewed = store.renew_tasks(both(), "a", after(20)).await.unwrap();
        assert_eq!(renewed, HashSet::from([TaskId(1), TaskId(2)]));
        assert!(store.claim_task("b", after(19), after(30)).await.unwrap().is_none());
        let taken = store.claim_task("b", after(20), after(30)).await.unwrap().unwrap();
        assert_eq!(taken.id, TaskId(1));
        let finish = |owner| store.finish_task(TaskId(1), owner, TaskOutcome::Success, after(21));
        assert!(!finish("a").await.unwrap());
        assert_eq!(store.task(id, TaskId(1)).await.unwrap(), taken);
        let renewed = store.renew_tasks(both(), "a", after(40)).await.unwrap();
        assert_eq!(renewed, HashSet::from([TaskId(2)]));
        assert!(finish("b").await.unwrap());
        assert!(!finish("b").await.unwrap(), "only once");
        let task = store.task(id, TaskId(1)).await.unwrap();
        assert_eq!((task.status, task.ended), (Status::Success, Some(after(21))));
        // Given back, another has it at once.
        store.release_tasks("a").await.unwrap();
        assert_eq!(store.task(id, TaskId(2)).await.unwrap().status, Status::Pending);
        let next = store.claim_task("b", after(22), after(30)).await.unwrap().unwrap();
        assert_eq!(next.id, TaskId(2));
    }

    #[tokio::test]
    async fn a_stop_reaches_running_tasks_and_those_whose_worker_is_gone() {
        let store = memory().await;
        let id = execution(&store).await.id;
        store.add_tasks(id, task_specs(4), after(0)).await.unwrap();
        for owner in ["alive", "dead", "leaving"] {
            store.claim_task(owner, after(0), after(10)).await.unwrap().unwrap();
        }
        let run = store.request_stop(id, after(1)).await.unwrap();
        assert_eq!((run.counters.stopped, run.counters.in_progress), (1, 3));
        let renewed = store.renew_tasks(vec![TaskId(1)], "alive", after(99)).await.unwrap();
        assert!(renewed.is_empty(), "asked to stop");
        store.release_tasks("leaving").await.unwrap();
        assert!(store.claim_task("b", after(10), after(99)).await.unwrap().is_none());
        let run = store.execution(id).await.unwrap();
        assert_eq!((run.counters.stopped, run.counters.in_progress), (3, 1));
        assert!(
            store.finish_task(TaskId(1), "alive", TaskOutcome::Stopped, after(11)).await.unwrap()
        );
        assert_eq!(store.execution(id).await.unwrap().status, Status::Stopped);
    }

    /// Two engines of several workers drain one store. Time goes on with each claim, so that
    /// leases of slow workers run out; a task is done by whoever finishes it, and by one alone.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn two_engines_do_no_task_twice() {
        const TASKS: usize = 2000;
        for lease in [1_000_000, 12] {
            let store = memory().await;
            let id = execution(&store).await.id;
            store.add_tasks(id, task_specs(TASKS), after(0)).await.unwrap();
            store.finish_listing(id, Ok(String::new()), after(0)).await.unwrap();
            let clock = Arc::new(AtomicI64::new(0));
            let done = Arc::new(Mutex::new(HashMap::<TaskId, u32>::new()));
            let slow = Arc::new(Mutex::new(HashSet::new()));
            let mut workers = Vec::new();
            for worker in 0..8_usize {
                let (store, clock) = (store.clone(), Arc::clone(&clock));
                let (done, slow) = (Arc::clone(&done), Arc::clone(&slow));
                let owner = if worker % 2 == 0 { "one" } else { "two" };
                // An owner knows what it works on, so where leases run out, a worker is one.
                let owner =
                    if lease == 12 { format!("{owner}-{worker}") } else { owner.to_owned() };
                workers.push(tokio::spawn(async move {
                    let mut lost = 0_u32;
                    while !store.execution(id).await.unwrap().status.is_final() {
                        let now = clock.fetch_add(1, Ordering::SeqCst);
                        let until = after(now + lease);
                        let Some(task) = store.claim_task(&owner, after(now), until).await.unwrap()
                        else {
                            continue;
                        };
                        for _ in 0..task.id.0 % 4 * worker as u64 {
                            tokio::task::yield_now().await;
                        }
                        let slow = task.id.0 % 50 == 0 && slow.lock().unwrap().insert(task.id);
                        if lease == 12 && slow {
                            // The first who has it waits until another has taken the task.
                            clock.fetch_add(lease, Ordering::SeqCst);
                            while store.task(id, task.id).await.unwrap() == task {
                                tokio::task::yield_now().await;
                            }
                        }
                        let end = after(clock.load(Ordering::SeqCst));
                        let success = TaskOutcome::Success;
                        if store.finish_task(task.id, &owner, success, end).await.unwrap() {
                            *done.lock().unwrap().entry(task.id).or_default() += 1;
                        } else {
                            lost += 1;
                        }
                    }
                    lost
                }));
            }
            let mut lost = 0;
            for worker in workers {
                lost += worker.await.unwrap();
            }
            let done = std::mem::take(&mut *done.lock().unwrap());
            assert_eq!(done.len(), TASKS);
            assert!(done.values().all(|&times| times == 1));
            assert_eq!(lost > 0, lease == 12, "{lost} leases lost with {lease}");
            let run = store.execution(id).await.unwrap();
            assert_eq!((run.status, run.counters.succeeded), (Status::Success, TASKS as u64));
        }
    }
}
