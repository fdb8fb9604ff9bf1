//! Executions: started, listed under a lease, stopped.
//!
//! What their tasks do to them is in `progress`.

use portolan_core::{
    execution::{Counters, Execution, StartedBy, Status},
    id::{ExecutionId, PolicyId},
    policy::{Policy, PolicySpec, options::History},
};
use redb::{ReadableTable, ReadableTableMetadata};
use time::OffsetDateTime;

use super::{
    Store, StoreError,
    history::{self, Kept},
    meta::{Counter, take_ids},
    progress::{self, Lease, Run},
    rows::{all, among, decode, find, indexed, load, unreadable},
    tables::{ACTIVE, BY_POLICY, EXECUTIONS, POLICIES, RULES, Snapshot, Tables},
};

/// Harbor's words.
const SKIPPED: &str = "Execution skipped: active replication still in progress.";

/// Most old executions that the start of a new one forgets.
const AT_START: usize = 2;

impl Store {
    /// Starts a run: Running, nothing listed. With `single_active` it is born as Error where
    /// another run of the policy is not final. `NotFound` where the policy is gone. A few of
    /// the final runs that are kept no longer are forgotten (see `history`).
    pub(crate) async fn create_execution(
        &self,
        policy: PolicyId,
        started_by: StartedBy,
        single_active: bool,
        now: OffsetDateTime,
    ) -> Result<Execution, StoreError> {
        let history = self.history();
        let start = Start { by: started_by, single: single_active, history, now };
        let create = move |tables: &mut Tables<'_>| {
            let policy: Policy = load(tables.policies.open()?, "policy", policy.0)?;
            self::start(tables, &policy, start)
        };
        self.write(create).await
    }

    /// One execution, or `NotFound`.
    pub(crate) async fn execution(&self, id: ExecutionId) -> Result<Execution, StoreError> {
        let find =
            move |tables: &Snapshot| Ok(progress::run(&tables.open(EXECUTIONS)?, id.0)?.execution);
        self.read_few(1, find).await
    }

    /// The rule of an execution as it was at its start; as it is now where it is listed already.
    pub(crate) async fn rule_of(&self, id: ExecutionId) -> Result<PolicySpec, StoreError> {
        let rule = move |tables: &Snapshot| {
            let run = progress::run(&tables.open(EXECUTIONS)?, id.0)?;
            let now = || {
                let policy: Policy =
                    load(&tables.open(POLICIES)?, "policy", run.execution.policy.0)?;
                Ok(policy.spec)
            };
            match run.rule {
                Some(rule) => Ok(rule),
                None => find(&tables.open(RULES)?, id.0)?.map_or_else(now, Ok),
            }
        };
        self.read_few(1, rule).await
    }

    /// Every execution, of one policy where given, newest first.
    pub(crate) async fn executions(
        &self,
        policy: Option<PolicyId>,
    ) -> Result<Vec<Execution>, StoreError> {
        let list = move |tables: &Snapshot| {
            let executions = tables.open(EXECUTIONS)?;
            let mut runs: Vec<Run> = match policy {
                None => all(&executions)?,
                Some(policy) => indexed(&tables.open(BY_POLICY)?, policy.0)?
                    .into_iter()
                    .map(|id| progress::run(&executions, id))
                    .collect::<Result<_, _>>()?,
            };
            runs.reverse();
            Ok(runs.into_iter().map(|run| run.execution).collect())
        };
        self.read(list).await
    }

    /// Those of a few executions that are there, in the order they are asked for.
    pub(crate) async fn executions_among(
        &self,
        ids: &[ExecutionId],
    ) -> Result<Vec<Execution>, StoreError> {
        let ids: Vec<u64> = ids.iter().map(|id| id.0).collect();
        self.read_few(ids.len(), move |tables| {
            let runs: Vec<Run> = among(&tables.open(EXECUTIONS)?, "execution", ids.into_iter())?;
            Ok(runs.into_iter().map(|run| run.execution).collect())
        })
        .await
    }

    /// The newest executions, of one policy where given: at most `take` after the first `skip`. With
    /// how many there are in all. Reads no more records than it gives.
    pub(crate) async fn newest_executions(
        &self,
        policy: Option<PolicyId>,
        (skip, take): (usize, usize),
    ) -> Result<(Vec<Execution>, u64), StoreError> {
        let list = move |tables: &Snapshot| {
            let executions = tables.open(EXECUTIONS)?;
            let Some(policy) = policy else {
                let rows = executions.iter().map_err(unreadable)?.rev().skip(skip).take(take);
                let runs = rows.map(|row| decode::<Run>(row.map_err(unreadable)?.1.value()));
                let runs: Result<_, _> = runs.map(|run| Ok(run?.execution)).collect();
                return Ok((runs?, executions.len().map_err(unreadable)?));
            };
            let ids = indexed(&tables.open(BY_POLICY)?, policy.0)?;
            let (total, asked) = (ids.len(), ids.into_iter().rev().skip(skip).take(take));
            let runs = asked.map(|id| Ok(progress::run(&executions, id)?.execution));
            Ok((runs.collect::<Result<_, _>>()?, u64::try_from(total).map_err(unreadable)?))
        };
        self.read_few(skip.saturating_add(take), list).await
    }

    /// The executions that are not final, newest first, those begun after `since`, and those of
    /// `also` as far as they are there; at most `most` in all.
    pub(crate) async fn active_executions(
        &self,
        since: ExecutionId,
        also: Vec<ExecutionId>,
        most: usize,
    ) -> Result<Vec<Execution>, StoreError> {
        let list = move |tables: &Snapshot| {
            let mut ids: Vec<u64> = also.into_iter().map(|id| id.0).collect();
            let after = since.0.saturating_add(1);
            for row in tables.open(EXECUTIONS)?.range(after..).map_err(unreadable)?.rev().take(most)
            {
                ids.push(row.map_err(unreadable)?.0.value());
            }
            for row in tables.open(ACTIVE)?.iter().map_err(unreadable)? {
                ids.push(row.map_err(unreadable)?.0.value().1);
            }
            ids.sort_unstable_by_key(|id| std::cmp::Reverse(*id));
            ids.dedup();
            let executions = tables.open(EXECUTIONS)?;
            let runs = ids.into_iter().take(most).map(|id| find::<_, Run>(&executions, id));
            runs.filter_map(Result::transpose).map(|run| Ok(run?.execution)).collect()
        };
        self.read(list).await
    }

    /// The newest execution; 0 where there is none.
    pub(crate) async fn newest_execution(&self) -> Result<ExecutionId, StoreError> {
        let newest = |tables: &Snapshot| {
            let executions = tables.open(EXECUTIONS)?;
            let last = executions.last().map_err(unreadable)?;
            Ok(ExecutionId(last.map_or(0, |(id, _)| id.value())))
        };
        self.read(newest).await
    }

    /// Claims one execution that is not listed to its end, not final, and leased to nobody (or
    /// whose lease is over), for `owner`. One that was asked to stop is ended instead.
    pub(crate) async fn claim_execution(
        &self,
        owner: &str,
        now: OffsetDateTime,
        lease_until: OffsetDateTime,
    ) -> Result<Option<Execution>, StoreError> {
        let lease = Lease::new(owner, lease_until);
        let claim = move |tables: &mut Tables<'_>| {
            for id in unlisted(tables)? {
                let mut run = progress::run(tables.executions.open()?, id)?;
                if !run.is_free(now) {
                    continue;
                }
                if run.execution.stop_requested {
                    run.execution.listed = true;
                    progress::put(tables, run, now)?;
                    continue;
                }
                run.lease = Some(lease);
                return progress::put(tables, run, now).map(Some);
            }
            Ok(None)
        };
        self.write(claim).await
    }

    /// Extends a lease. False where it is no longer `owner`'s, or the execution was asked to stop.
    pub(crate) async fn renew_execution(
        &self,
        id: ExecutionId,
        owner: &str,
        lease_until: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let lease = Lease::new(owner, lease_until);
        let renew = move |tables: &mut Tables<'_>| {
            let mut run = progress::run(tables.executions.open()?, id.0)?;
            if run.lease.as_ref().is_none_or(|held| held.owner != lease.owner) {
                return Ok(false);
            }
            run.lease = Some(lease);
            tables.executions.put_json(id.0, &run)?;
            Ok(!run.execution.stop_requested)
        };
        self.write(renew).await
    }

    /// Says that every task is known (`Ok`), with a text for an empty selection; or that listing
    /// failed (`Err`): unstarted tasks are stopped and the execution ends as Error with that text,
    /// once no task is running. Rolls up. One that is listed already is left alone.
    pub(crate) async fn finish_listing(
        &self,
        id: ExecutionId,
        outcome: Result<String, String>,
        now: OffsetDateTime,
    ) -> Result<Execution, StoreError> {
        let finish = move |tables: &mut Tables<'_>| {
            let mut run = progress::run(tables.executions.open()?, id.0)?;
            if run.execution.listed {
                return Ok(run.execution);
            }
            if outcome.is_err() {
                progress::stop_pending(tables, &mut run, now)?;
            }
            run.listing_failed = outcome.is_err();
            run.execution.status_text = outcome.unwrap_or_else(|text| text);
            run.execution.listed = true;
            run.lease = None;
            progress::put(tables, run, now)
        };
        self.write(finish).await
    }

    /// Asks an execution to stop: its pending tasks become Stopped at once, running ones see the
    /// flag. A listing under way sees it too; one that nobody holds is over with this. A final
    /// execution is left alone. Looks at every pending task there is.
    pub(crate) async fn request_stop(
        &self,
        id: ExecutionId,
        now: OffsetDateTime,
    ) -> Result<Execution, StoreError> {
        let stop = move |tables: &mut Tables<'_>| {
            let mut run = progress::run(tables.executions.open()?, id.0)?;
            if run.execution.status.is_final() {
                return Ok(run.execution);
            }
            run.execution.stop_requested = true;
            run.execution.listed |= run.is_free(now);
            progress::stop_pending(tables, &mut run, now)?;
            progress::put(tables, run, now)
        };
        self.write(stop).await
    }
}

/// How a run is started.
#[derive(Clone, Copy)]
pub(super) struct Start {
    /// What started it.
    pub(super) by: StartedBy,
    /// Whether another run of the policy makes this one end at once.
    pub(super) single: bool,
    /// What is kept of earlier ones where the policy does not say.
    pub(super) history: History,
    pub(super) now: OffsetDateTime,
}

/// Reads what [`start`] reads before it writes: it fails where a start would.
pub(super) fn check_start(
    tables: &Tables<'_>,
    policy: &Policy,
    usual: History,
    now: OffsetDateTime,
) -> Result<(), StoreError> {
    indexed(tables.active.open()?, policy.id.0)?;
    beyond(tables, policy, usual, now).map(drop)
}

/// Stores a new run of a policy; see [`Store::create_execution`].
pub(super) fn start(
    tables: &mut Tables<'_>,
    policy: &Policy,
    Start { by, single, history, now }: Start,
) -> Result<Execution, StoreError> {
    let skipped = single && !indexed(tables.active.open()?, policy.id.0)?.is_empty();
    let old = beyond(tables, policy, history, now)?;
    let id = take_ids(tables, Counter::Execution, 1)?;
    tables.by_policy.put((policy.id.0, id), ())?;
    let execution = Execution {
        id: ExecutionId(id),
        policy: policy.id,
        status: if skipped { Status::Error } else { Status::Running },
        status_text: if skipped { SKIPPED.to_owned() } else { String::new() },
        started_by: by,
        counters: Counters::default(),
        listed: skipped,
        stop_requested: false,
        started: now,
        ended: skipped.then_some(now),
    };
    for old in old {
        history::forget(tables, policy.id, old)?;
    }
    if !skipped {
        tables.rules.put_json(id, &policy.spec)?;
    }
    progress::put(tables, Run { execution, lease: None, listing_failed: false, rule: None }, now)
}

/// What is kept no longer of a policy's executions once there is one more.
fn beyond(
    tables: &Tables<'_>,
    policy: &Policy,
    usual: History,
    now: OffsetDateTime,
) -> Result<Vec<u64>, StoreError> {
    let kept = Kept::of(policy, usual, now);
    let there = (tables.executions.open()?, tables.by_policy.open()?);
    history::beyond(there, policy.id, kept, 1, AT_START)
}

/// Executions whose listing is not at its end, oldest first.
fn unlisted(tables: &Tables<'_>) -> Result<Vec<u64>, StoreError> {
    let rows = tables.listings.open()?.iter().map_err(unreadable)?;
    rows.map(|row| Ok(row.map_err(unreadable)?.0.value())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{
        TaskOutcome,
        fixtures::{after, execution, memory, policy, task_specs},
    };

    #[tokio::test]
    async fn who_waits_for_an_end_is_told_of_it_and_of_nothing_else() {
        let store = memory().await;
        let ends = store.ends();
        let id = execution(&store).await.id;
        store.add_tasks(id, task_specs(1), after(0)).await.unwrap();
        let task = store.claim_task("a", after(0), after(9)).await.unwrap().unwrap();
        store.finish_listing(id, Ok(String::new()), after(1)).await.unwrap();
        assert!(!ends.has_changed().unwrap(), "a task is under way");
        store.finish_task(task.id, "a", TaskOutcome::Success, after(2)).await.unwrap();
        assert!(ends.has_changed().unwrap());
    }

    #[tokio::test]
    async fn one_is_born_running_or_skipped() {
        let store = memory().await;
        let policy = policy(&store, "p").await.id;
        let start = |single| store.create_execution(policy, StartedBy::Scheduled, single, after(3));
        let first = start(true).await.unwrap();
        assert_eq!((first.status, first.listed, first.ended), (Status::Running, false, None));
        let second = start(true).await.unwrap();
        assert_eq!((second.status, second.ended), (Status::Error, Some(after(3))));
        assert_eq!(second.status_text, SKIPPED);
        let third = start(false).await.unwrap();
        assert_eq!(third.status, Status::Running);
        for id in [first.id, third.id] {
            store.finish_listing(id, Ok("nothing to do".to_owned()), after(4)).await.unwrap();
        }
        let fourth = start(true).await.unwrap();
        assert_eq!(fourth.status, Status::Running);
        let ids = |list: Vec<Execution>| list.iter().map(|run| run.id.0).collect::<Vec<_>>();
        assert_eq!(ids(store.executions(Some(policy)).await.unwrap()), [4, 3, 2, 1]);
        assert_eq!(ids(store.executions(None).await.unwrap()), [4, 3, 2, 1]);
        assert!(store.executions(Some(PolicyId(9))).await.unwrap().is_empty());
        for (of, part, expected, total) in [
            (None, (0, 2), &[4, 3][..], 4),
            (None, (3, 9), &[1], 4),
            (Some(policy), (1, 2), &[3, 2], 4),
            (Some(policy), (9, 1), &[], 4),
            (Some(PolicyId(9)), (0, 1), &[], 0),
        ] {
            let (found, all) = store.newest_executions(of, part).await.unwrap();
            assert_eq!((ids(found).as_slice(), all), (expected, total), "{of:?} {part:?}");
        }
        let gone = store.create_execution(PolicyId(9), StartedBy::Manual, false, after(0)).await;
        assert!(matches!(gone, Err(StoreError::NotFound { what: "policy", .. })));
    }

    /// Told, not judged: `cargo test --release --workspace --lib store::executions -- --ignored
    /// --nocapture`.
    #[tokio::test]
    #[ignore = "a measurement"]
    async fn how_long_a_page_of_many_runs_takes() {
        const RUNS: u64 = 100_000;
        let store = memory().await;
        let mut policies = Vec::new();
        for n in 0..RUNS / 10 {
            policies.push(policy(&store, &n.to_string()).await.id);
        }
        for _ in 0..10 {
            for chunk in policies.chunks(500) {
                let runs = chunk
                    .iter()
                    .map(|id| store.create_execution(*id, StartedBy::Manual, false, after(0)));
                for run in futures_util::future::join_all(runs).await {
                    run.unwrap();
                }
            }
        }
        for part in [(0, 10), (10, 10), (90_000, 10)] {
            let start = std::time::Instant::now();
            let (found, total) = store.newest_executions(None, part).await.unwrap();
            assert_eq!((found.len(), total), (10, RUNS));
            println!("{part:?}: {} µs", start.elapsed().as_micros());
        }
    }

    #[tokio::test]
    async fn fifty_runs_of_a_policy_are_kept() {
        let store = memory().await;
        let first = execution(&store).await;
        let policy = first.policy;
        let start = || store.create_execution(policy, StartedBy::Manual, false, after(1));
        store.add_tasks(first.id, task_specs(1), after(0)).await.unwrap();
        const KEPT: usize = 50;
        for _ in 0..KEPT + 3 {
            let id = start().await.unwrap().id;
            store.finish_listing(id, Ok(String::new()), after(2)).await.unwrap();
        }
        let ids = |runs: Vec<Execution>| runs.iter().rev().map(|run| run.id.0).collect::<Vec<_>>();
        let kept = ids(store.executions(Some(policy)).await.unwrap());
        assert_eq!((kept.len(), kept[0]), (KEPT + 1, 1), "one that runs stays");
        assert_eq!(ids(store.executions(None).await.unwrap()), kept);
        store.request_stop(first.id, after(3)).await.unwrap();
        store.finish_listing(first.id, Ok(String::new()), after(3)).await.unwrap();
        start().await.unwrap();
        assert!(matches!(store.tasks(first.id).await, Err(StoreError::NotFound { .. })));
    }

    #[tokio::test]
    async fn an_execution_keeps_the_rule_of_its_start() {
        let store = memory().await;
        let id = execution(&store).await.id;
        let first = store.rule_of(id).await.unwrap();
        let policy = store.execution(id).await.unwrap().policy;
        let edited = PolicySpec { name: "edited".to_owned(), ..first.clone() };
        store.update_policy(policy, edited.clone(), after(1)).await.unwrap();
        assert_eq!(store.rule_of(id).await.unwrap(), first);
        store.finish_listing(id, Ok(String::new()), after(2)).await.unwrap();
        assert_eq!(store.rule_of(id).await.unwrap(), edited, "it takes no room any more");
    }

    #[tokio::test]
    async fn who_lists_what_is_to_stop_is_told() {
        let store = memory().await;
        let id = execution(&store).await.id;
        store.claim_execution("a", after(0), after(10)).await.unwrap().unwrap();
        assert!(store.renew_execution(id, "a", after(20)).await.unwrap());
        store.request_stop(id, after(11)).await.unwrap();
        assert!(!store.renew_execution(id, "a", after(30)).await.unwrap());
    }

    #[tokio::test]
    async fn a_listing_is_one_owners_until_its_lease_is_over() {
        let store = memory().await;
        let id = execution(&store).await.id;
        let claim = async |owner, now| {
            let claimed = store.claim_execution(owner, after(now), after(now + 10)).await;
            claimed.unwrap().map(|run| run.id)
        };
        assert_eq!(claim("a", 0).await, Some(id));
        assert_eq!(claim("b", 9).await, None);
        assert!(store.renew_execution(id, "a", after(20)).await.unwrap());
        assert_eq!(claim("b", 19).await, None);
        assert_eq!(claim("b", 20).await, Some(id));
        assert!(!store.renew_execution(id, "a", after(99)).await.unwrap());
        store.release_tasks("b").await.unwrap();
        assert_eq!(claim("a", 21).await, Some(id));
        store.finish_listing(id, Ok(String::new()), after(22)).await.unwrap();
        assert_eq!(claim("b", 99).await, None);
        assert!(!store.renew_execution(id, "a", after(99)).await.unwrap());
    }

    /// What happens after two tasks were added and one was claimed.
    #[derive(Clone, Copy, Debug)]
    enum Step {
        Listed,
        ListingFails,
        Stop,
        Succeeds,
        Fails,
        FailsForNow,
    }

    #[tokio::test]
    async fn ends() {
        use Step::{Fails, FailsForNow, Listed, ListingFails, Stop, Succeeds};
        type Case = (&'static [Step], Status, [u64; 4], &'static str);
        let cases: [Case; 12] = [
            (&[Succeeds], Status::Running, [1, 1, 0, 0], ""),
            (&[Succeeds, Listed], Status::Running, [1, 1, 0, 0], ""),
            (&[Listed, Succeeds, Succeeds], Status::Success, [0, 2, 0, 0], ""),
            (&[Succeeds, Succeeds, Listed], Status::Success, [0, 2, 0, 0], ""),
            (&[Listed, Succeeds, Fails], Status::Error, [0, 1, 1, 0], ""),
            (&[Listed, FailsForNow, Succeeds], Status::Running, [1, 1, 0, 0], ""),
            (&[Stop], Status::Running, [1, 0, 0, 1], ""),
            (&[Stop, FailsForNow], Status::Stopped, [0, 0, 0, 2], ""),
            (&[Listed, Stop, Fails], Status::Error, [0, 0, 1, 1], ""),
            (&[ListingFails, Succeeds], Status::Error, [0, 1, 0, 1], "no more"),
            (&[ListingFails, Stop, Succeeds], Status::Stopped, [0, 1, 0, 1], "no more"),
            (&[ListingFails, FailsForNow], Status::Error, [0, 0, 1, 1], "no more"),
        ];
        for (steps, status, [in_progress, succeeded, failed, stopped], text) in cases {
            let store = memory().await;
            let id = execution(&store).await.id;
            store.add_tasks(id, task_specs(2), after(0)).await.unwrap();
            let claim = || store.claim_task("o", after(1), after(100));
            let mut task = claim().await.unwrap();
            for step in steps {
                let outcome = match step {
                    Listed => Ok(Ok(String::new())),
                    ListingFails => Ok(Err("no more".to_owned())),
                    Stop => {
                        store.request_stop(id, after(2)).await.unwrap();
                        continue;
                    }
                    Succeeds => Err(TaskOutcome::Success),
                    Fails => Err(TaskOutcome::Failed { text: "x".to_owned(), retry_at: None }),
                    FailsForNow => {
                        let retry_at = Some(after(50));
                        Err(TaskOutcome::Failed { text: "x".to_owned(), retry_at })
                    }
                };
                match outcome {
                    Ok(listing) => {
                        store.finish_listing(id, listing, after(3)).await.unwrap();
                    }
                    Err(outcome) => {
                        let done = task.take().unwrap().id;
                        assert!(store.finish_task(done, "o", outcome, after(4)).await.unwrap());
                        task = claim().await.unwrap();
                    }
                }
            }
            let run = store.execution(id).await.unwrap();
            assert_eq!((run.status, run.status_text.as_str()), (status, text), "{steps:?}");
            let counters = Counters { total: 2, in_progress, succeeded, failed, stopped };
            assert_eq!(run.counters, counters, "{steps:?}");
            assert_eq!(run.ended.is_some(), status.is_final(), "{steps:?}");
        }
    }

    #[tokio::test]
    async fn a_stop_waits_for_who_lists() {
        let store = memory().await;
        // Nobody lists it: over at once, and it takes no tasks.
        let id = execution(&store).await.id;
        let run = store.request_stop(id, after(5)).await.unwrap();
        assert_eq!((run.status, run.ended), (Status::Stopped, Some(after(5))));
        let late = store.add_tasks(id, task_specs(1), after(6)).await;
        assert!(matches!(late, Err(StoreError::Stopped)));
        // Asked again, or told of its listing, it stays as it is.
        assert_eq!(store.request_stop(id, after(7)).await.unwrap(), run);
        let told = store.finish_listing(id, Err("late".to_owned()), after(8)).await.unwrap();
        assert_eq!(told, run);
        // Somebody lists it: it ends when they say so.
        let id = execution(&store).await.id;
        store.claim_execution("a", after(0), after(10)).await.unwrap().unwrap();
        let run = store.request_stop(id, after(5)).await.unwrap();
        assert_eq!((run.status, run.stop_requested), (Status::Running, true));
        let late = store.add_tasks(id, task_specs(1), after(6)).await;
        assert!(matches!(late, Err(StoreError::Stopped)));
        let run = store.finish_listing(id, Ok(String::new()), after(6)).await.unwrap();
        assert_eq!(run.status, Status::Stopped);
        // Who listed it is gone: the next who looks for work ends it.
        let id = execution(&store).await.id;
        store.claim_execution("a", after(0), after(10)).await.unwrap().unwrap();
        store.request_stop(id, after(5)).await.unwrap();
        assert_eq!(store.claim_execution("b", after(11), after(20)).await.unwrap(), None);
        assert_eq!(store.execution(id).await.unwrap().status, Status::Stopped);
    }
}
