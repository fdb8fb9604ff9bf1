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
use std::{cell::Cell, rc::Rc};
use time::OffsetDateTime;

use super::{
    Store, StoreError, executions,
    rows::{all, fault, instant, load, unreadable},
    tables::{SCHEDULES, SCHEDULES_DUE, Snapshot, Tables},
};

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

impl Store {
    /// Starts the run of the schedule that is due longest, and plans its next; `None` where none
    /// is due at `now`.
    pub(crate) async fn fire_schedule(
        &self,
        now: OffsetDateTime,
    ) -> Result<Option<Fired>, StoreError> {
        let fire = move |tables: &mut Tables<'_>| {
            let Some((due, id)) = first(&*tables.schedules_due)? else { return Ok(None) };
            if due > instant(now) {
                return Ok(None);
            }
            let policy: Policy = load(&*tables.policies, "policy", id)?;
            let due = moment(due)?;
            let missed = schedule(&policy).map_or(0, |schedule| missed(schedule, due, now));
            let single = policy.spec.single_active;
            let start = executions::Start { by: StartedBy::Scheduled, single, now };
            let execution = executions::start(tables, &policy, start)?;
            unplan(tables, policy.id)?;
            plan(tables, &policy, now)?;
            Ok(Some(Fired { due, missed, execution }))
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
    let schedule = schedule(policy).filter(|_| policy.spec.enabled);
    let Some(due) = schedule.and_then(|schedule| schedule.next_after(now)) else { return Ok(()) };
    tables.schedules.put(policy.id.0, instant(due))?;
    tables.schedules_due.put((instant(due), policy.id.0), ())
}

/// Forgets the planned run of a policy, where there is one.
pub(super) fn unplan(tables: &mut Tables<'_>, policy: PolicyId) -> Result<(), StoreError> {
    let due = tables.schedules.get(policy.0).map_err(unreadable)?.map(|due| due.value());
    let Some(due) = due else { return Ok(()) };
    tables.schedules_due.remove((due, policy.0))?;
    tables.schedules.remove(policy.0).map(drop)
}

/// Plans the policies of a file that was written before there were plans.
pub(super) fn plan_all(transaction: &WriteTransaction) -> Result<(), StoreError> {
    let mut tables = Tables::open(transaction, &Rc::new(Cell::new(0)))?;
    let policies: Vec<Policy> = all(&*tables.policies)?;
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

fn moment(nanoseconds: i128) -> Result<OffsetDateTime, StoreError> {
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
        assert!(store.fire_schedule(after(HOUR / 2 - 1)).await.unwrap().is_none());
        let mut fired = Vec::new();
        while let Some(one) = store.fire_schedule(after(HOUR + 1)).await.unwrap() {
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
        let fired = store.fire_schedule(after(5 * HOUR + 7)).await.unwrap().unwrap();
        assert_eq!((fired.due, fired.missed), (after(HOUR), 4));
        assert!(store.fire_schedule(after(5 * HOUR + 7)).await.unwrap().is_none());
        assert_eq!(store.next_schedule().await.unwrap(), Some(after(6 * HOUR)));
        let long = store.fire_schedule(after(5000 * HOUR)).await.unwrap().unwrap();
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
        assert!(store.fire_schedule(after(9 * HOUR)).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn an_overlap_is_told_and_does_not_stop_the_schedule() {
        let store = memory().await;
        let spec = PolicySpec { single_active: true, ..scheduled("p", "0 0 * * * *") };
        store.create_policy(spec, after(1)).await.unwrap();
        let first = store.fire_schedule(after(HOUR)).await.unwrap().unwrap();
        let second = store.fire_schedule(after(2 * HOUR)).await.unwrap().unwrap();
        assert!(!first.execution.status.is_final());
        assert!(second.execution.status_text.contains("skipped"), "{second:?}");
        assert_eq!(store.next_schedule().await.unwrap(), Some(after(3 * HOUR)));
    }
}
