//! When scheduled policies are due: planned with the policy, fired once for each due time.
//!
//! A firing and the run it starts are one transaction, so that a crash neither loses a run nor
//! starts it twice. What was missed while nobody was there is fired once, late.

use portolan_core::{
    execution::{Execution, StartedBy},
    id::PolicyId,
    policy::Policy,
    trigger::{Schedule, Trigger},
};
use redb::{ReadableTable, WriteTransaction};
use std::rc::Rc;
use time::{Duration, OffsetDateTime};

use super::{
    Store, StoreError, executions, outcomes,
    rows::{all, fault, find, instant, load, unreadable},
    tables::{SCHEDULES, SCHEDULES_DUE, Snapshot, Tables},
};

/// How far ahead of now a due time that fired still counts: beyond, the clock was wrong then.
const MAX_AHEAD: Duration = Duration::days(1);
/// Most times that are counted as missed at once; more are told as that many.
const MAX_MISSED: u64 = 1000;

/// A schedule that was due, and the run it started.
#[derive(Clone, Debug)]
pub(crate) struct Fired {
    /// When it was due.
    pub(crate) due: OffsetDateTime,
    /// Further due times that went by unused before now, a thousand at most.
    pub(crate) missed: u64,
    /// The run.
    pub(crate) execution: Execution,
}

/// What became of a schedule that was due.
#[derive(Debug)]
pub(crate) enum Firing {
    /// Its run was started, and the next is planned.
    Started(Fired),
    /// Its run cannot be started; it is planned anew where its policy is understood.
    Failed { policy: PolicyId, cause: StoreError },
}

impl Store {
    /// Starts the run of the schedule that is due longest, and plans its next; `None` where none
    /// is due at `now`.
    pub(crate) async fn fire_schedule(
        &self,
        now: OffsetDateTime,
    ) -> Result<Option<Firing>, StoreError> {
        let history = self.history();
        let fire = move |tables: &mut Tables<'_>| {
            let Some((due, id)) = first(tables.schedules_due.open()?)? else { return Ok(None) };
            if due > instant(now) {
                return Ok(None);
            }
            let id = PolicyId(id);
            let policy: Policy = match load(tables.policies.open()?, "policy", id.0) {
                Ok(policy) => policy,
                Err(cause) => {
                    unplan(tables, id)?;
                    return Ok(Some(Firing::Failed { policy: id, cause }));
                }
            };
            if let Err(cause) = executions::check_start(tables, &policy, history, now) {
                unplan(tables, id)?;
                plan(tables, &policy, now)?;
                return Ok(Some(Firing::Failed { policy: id, cause }));
            }
            let due = moment(due)?;
            let missed = schedule(&policy).map_or(0, |schedule| missed(schedule, due, now));
            let single = policy.spec.single_active;
            let start = executions::Start { by: StartedBy::Scheduled, single, history, now };
            let execution = executions::start(tables, &policy, start)?;
            unplan(tables, id)?;
            outcomes::missed(tables, id, missed)?;
            tables.schedules_fired.put(id.0, instant(due))?;
            plan(tables, &policy, now)?;
            Ok(Some(Firing::Started(Fired { due, missed, execution })))
        };
        self.write(fire).await
    }

    /// When the next schedule is due; `None` where there is none.
    pub(crate) async fn next_schedule(&self) -> Result<Option<OffsetDateTime>, StoreError> {
        let next = |tables: &Snapshot| {
            let first = first(&tables.open(SCHEDULES_DUE)?)?;
            first.map(|(due, _)| moment(due)).transpose()
        };
        self.read(next).await
    }

    /// Plans anew what is planned later than its schedule says, as after a clock that was ahead was
    /// set back; returns how many. What is due stays due.
    pub(crate) async fn replan_schedules(&self, now: OffsetDateTime) -> Result<u64, StoreError> {
        let replan = move |tables: &mut Tables<'_>| {
            let mut late = Vec::new();
            for row in tables.schedules.open()?.iter().map_err(unreadable)? {
                let (id, due) = row.map_err(unreadable)?;
                // One whose policy is not understood is told when it is due.
                let policy = find::<u64, Policy>(tables.policies.open()?, id.value());
                let Ok(Some(policy)) = policy else { continue };
                let next = next(tables, &policy, now)?;
                if next.is_some_and(|next| due.value() > instant(next)) {
                    late.push(policy);
                }
            }
            for policy in &late {
                unplan(tables, policy.id)?;
                plan(tables, policy, now)?;
            }
            Ok(late.len() as u64)
        };
        self.write(replan).await
    }

    /// When each scheduled policy that is enabled runs next, by ascending id.
    pub(crate) async fn schedules(&self) -> Result<Vec<(PolicyId, OffsetDateTime)>, StoreError> {
        let list = |tables: &Snapshot| {
            let table = tables.open(SCHEDULES)?;
            let rows = table.iter().map_err(unreadable)?;
            rows.map(|row| {
                let (id, due) = row.map_err(unreadable)?;
                Ok((PolicyId(id.value()), moment(due.value())?))
            })
            .collect()
        };
        self.read(list).await
    }
}

/// Plans the next run after `now` of a policy that is scheduled and enabled; no other has one.
pub(super) fn plan(
    tables: &mut Tables<'_>,
    policy: &Policy,
    now: OffsetDateTime,
) -> Result<(), StoreError> {
    let Some(due) = next(tables, policy, now)? else { return Ok(()) };
    tables.schedules.put(policy.id.0, instant(due))?;
    tables.schedules_due.put((instant(due), policy.id.0), ())
}

/// The next due time after `now`, and after the one that fired last: where the clock was set back,
/// nothing fires twice.
fn next(
    tables: &Tables<'_>,
    policy: &Policy,
    now: OffsetDateTime,
) -> Result<Option<OffsetDateTime>, StoreError> {
    let Some(schedule) = schedule(policy).filter(|_| policy.spec.enabled) else { return Ok(None) };
    let fired = tables.schedules_fired.open()?.get(policy.id.0).map_err(unreadable)?;
    let fired = fired.map(|fired| moment(fired.value())).transpose()?;
    let fired = fired.filter(|fired| *fired - now <= MAX_AHEAD);
    Ok(schedule.next_after(fired.map_or(now, |fired| fired.max(now))))
}

/// Forgets all that is known of the schedule of a policy.
pub(super) fn forget(tables: &mut Tables<'_>, policy: PolicyId) -> Result<(), StoreError> {
    tables.schedules_fired.remove(policy.0)?;
    unplan(tables, policy)
}

/// Forgets the planned run of a policy, where there is one.
fn unplan(tables: &mut Tables<'_>, policy: PolicyId) -> Result<(), StoreError> {
    let due = tables.schedules.open()?.get(policy.0).map_err(unreadable)?.map(|due| due.value());
    let Some(due) = due else { return Ok(()) };
    tables.schedules_due.remove((due, policy.0))?;
    tables.schedules.remove(policy.0).map(drop)
}

/// Plans the policies of a file that was written before there were plans.
pub(super) fn plan_all(transaction: &WriteTransaction) -> Result<(), StoreError> {
    let mut tables = Tables::of(transaction, &Rc::default());
    let policies: Vec<Policy> = all(tables.policies.open()?)?;
    let now = OffsetDateTime::now_utc();
    policies.iter().try_for_each(|policy| plan(&mut tables, policy, now))
}

fn schedule(policy: &Policy) -> Option<&Schedule> {
    match &policy.spec.trigger {
        Trigger::Scheduled(schedule) => Some(schedule),
        Trigger::Manual | Trigger::EventBased => None,
    }
}

/// Due times after `due` that are over at `now`.
fn missed(schedule: &Schedule, due: OffsetDateTime, now: OffsetDateTime) -> u64 {
    let mut at = due;
    for count in 0..MAX_MISSED {
        match schedule.next_after(at) {
            Some(next) if next <= now => at = next,
            _ => return count,
        }
    }
    MAX_MISSED
}

fn first(table: &impl ReadableTable<(i128, u64), ()>) -> Result<Option<(i128, u64)>, StoreError> {
    Ok(table.first().map_err(unreadable)?.map(|(key, _)| key.value()))
}

pub(super) fn moment(nanoseconds: i128) -> Result<OffsetDateTime, StoreError> {
    OffsetDateTime::from_unix_timestamp_nanos(nanoseconds)
        .map_err(|error| fault("cannot be read", format!("a planned run is at no time: {error}")))
}

#[cfg(test)]
mod tests {
    use portolan_core::policy::PolicySpec;

    use super::*;
    use crate::store::fixtures::{after, memory, policy_spec};

    fn scheduled(name: &str, cron: &str) -> PolicySpec {
        let trigger = Trigger::Scheduled(Schedule::parse(cron).unwrap());
        PolicySpec { trigger, ..policy_spec(name, 0, &[0]) }
    }

    async fn fire(store: &Store, now: OffsetDateTime) -> Option<Fired> {
        match store.fire_schedule(now).await.unwrap()? {
            Firing::Started(fired) => Some(fired),
            failed @ Firing::Failed { .. } => panic!("{failed:?}"),
        }
    }

    /// `after(0)` is a midnight.
    const HOUR: i64 = 3600;

    #[tokio::test]
    async fn each_due_time_fires_once_and_in_order() {
        let store = memory().await;
        let hourly = store.create_policy(scheduled("hourly", "0 0 * * * *"), after(1)).await;
        let hourly = hourly.unwrap().id;
        let daily = store.create_policy(scheduled("daily", "0 30 0 * * *"), after(1)).await;
        let daily = daily.unwrap().id;
        assert_eq!(store.next_schedule().await.unwrap(), Some(after(HOUR / 2)));
        assert!(fire(&store, after(HOUR / 2 - 1)).await.is_none());
        let mut fired = Vec::new();
        while let Some(one) = fire(&store, after(HOUR + 1)).await {
            assert_eq!((one.execution.started_by, one.missed), (StartedBy::Scheduled, 0));
            fired.push((one.execution.policy, one.due));
        }
        assert_eq!(fired, [(daily, after(HOUR / 2)), (hourly, after(HOUR))]);
        let next = [(hourly, after(2 * HOUR)), (daily, after(24 * HOUR + HOUR / 2))];
        assert_eq!(store.schedules().await.unwrap(), next);
    }

    #[tokio::test]
    async fn what_was_missed_runs_once() {
        let store = memory().await;
        store.create_policy(scheduled("hourly", "0 0 * * * *"), after(1)).await.unwrap();
        let fired = fire(&store, after(5 * HOUR + 7)).await.unwrap();
        assert_eq!((fired.due, fired.missed), (after(HOUR), 4));
        assert!(fire(&store, after(5 * HOUR + 7)).await.is_none());
        assert_eq!(store.next_schedule().await.unwrap(), Some(after(6 * HOUR)));
        let long = fire(&store, after(5000 * HOUR)).await.unwrap();
        assert_eq!(long.missed, MAX_MISSED);
    }

    #[tokio::test]
    async fn a_plan_follows_its_policy() {
        let store = memory().await;
        let made = store.create_policy(scheduled("p", "0 0 * * * *"), after(1)).await.unwrap();
        let (id, spec) = (made.id, made.spec);
        let off = PolicySpec { enabled: false, ..spec.clone() };
        let by_hand = PolicySpec { trigger: Trigger::Manual, ..spec.clone() };
        for quiet in [off, by_hand] {
            store.update_policy(id, quiet, after(2)).await.unwrap();
            assert_eq!(store.next_schedule().await.unwrap(), None);
            store.update_policy(id, spec.clone(), after(3)).await.unwrap();
            assert_eq!(store.schedules().await.unwrap(), [(id, after(HOUR))]);
        }
        let never = scheduled("p", "0 0 0 31 2 *");
        store.update_policy(id, never, after(2)).await.unwrap();
        assert_eq!(store.next_schedule().await.unwrap(), None);
        store.update_policy(id, scheduled("p", "0 30 * * * *"), after(4)).await.unwrap();
        assert_eq!(store.next_schedule().await.unwrap(), Some(after(HOUR / 2)));
        store.delete_policy(id).await.unwrap();
        assert_eq!(store.next_schedule().await.unwrap(), None);
        assert!(fire(&store, after(9 * HOUR)).await.is_none());
    }

    #[tokio::test]
    async fn an_overlap_is_told_and_does_not_stop_the_schedule() {
        let store = memory().await;
        let spec = PolicySpec { single_active: true, ..scheduled("p", "0 0 * * * *") };
        store.create_policy(spec, after(1)).await.unwrap();
        let first = fire(&store, after(HOUR)).await.unwrap();
        let second = fire(&store, after(2 * HOUR)).await.unwrap();
        assert!(!first.execution.status.is_final());
        assert!(second.execution.status_text.contains("skipped"), "{second:?}");
        assert_eq!(store.next_schedule().await.unwrap(), Some(after(3 * HOUR)));
    }

    #[tokio::test]
    async fn what_cannot_be_started_holds_up_no_other() {
        let store = memory().await;
        for name in ["broken", "stuck", "sound"] {
            store.create_policy(scheduled(name, "0 0 * * * *"), after(1)).await.unwrap();
        }
        let damage = |tables: &mut Tables<'_>| {
            tables.policies.put(1, b"\x01{".as_slice())?;
            // More runs than are kept, none of which is there.
            (1..=10_000).try_for_each(|run| tables.by_policy.put((2, run), ()))
        };
        store.write(damage).await.unwrap();
        let mut told = Vec::new();
        while let Some(firing) = store.fire_schedule(after(HOUR)).await.unwrap() {
            assert!(told.len() < 3, "they end");
            told.push(match firing {
                Firing::Started(fired) => (fired.execution.policy.0, true),
                Firing::Failed { policy, .. } => (policy.0, false),
            });
        }
        assert_eq!(told, [(1, false), (2, false), (3, true)]);
        let next = [(PolicyId(2), after(2 * HOUR)), (PolicyId(3), after(2 * HOUR))];
        assert_eq!(store.schedules().await.unwrap(), next);
    }

    #[tokio::test]
    async fn a_clock_that_goes_back_loses_no_run_and_repeats_none() {
        let store = memory().await;
        store.create_policy(scheduled("p", "0 0 * * * *"), after(1)).await.unwrap();
        let year = 24 * HOUR * 365;
        assert!(fire(&store, after(year)).await.is_some());
        assert!(fire(&store, after(year + HOUR)).await.is_some());
        // Years ahead is no time that anything fired at.
        assert_eq!(store.replan_schedules(after(HOUR + 1)).await.unwrap(), 1);
        assert_eq!(store.next_schedule().await.unwrap(), Some(after(2 * HOUR)));
        // What is due stays due, and a plan that is right is left alone.
        assert_eq!(store.replan_schedules(after(3 * HOUR)).await.unwrap(), 0);
        assert!(fire(&store, after(3 * HOUR)).await.is_some());
        assert_eq!(store.replan_schedules(after(3 * HOUR + 1)).await.unwrap(), 0);
        assert!(fire(&store, after(4 * HOUR)).await.is_some());
        // Set back a little: what fired does not fire again.
        assert_eq!(store.replan_schedules(after(4 * HOUR - 60)).await.unwrap(), 0);
        assert_eq!(store.next_schedule().await.unwrap(), Some(after(5 * HOUR)));
    }

    #[tokio::test]
    async fn a_change_of_something_else_keeps_a_run_that_is_due() {
        let store = memory().await;
        let made = store.create_policy(scheduled("p", "0 0 * * * *"), after(1)).await.unwrap();
        let described = PolicySpec { description: "new".to_owned(), ..made.spec.clone() };
        store.update_policy(made.id, described, after(HOUR + 1)).await.unwrap();
        assert_eq!(fire(&store, after(HOUR + 2)).await.unwrap().due, after(HOUR));
        // Another schedule is planned from now on.
        let later = scheduled("p", "0 30 * * * *");
        store.update_policy(made.id, later, after(2 * HOUR + 1)).await.unwrap();
        assert_eq!(store.next_schedule().await.unwrap(), Some(after(2 * HOUR + HOUR / 2)));
    }
}
