//! How long ended executions are kept: by number and by age, for each policy. One that is not over
//! never goes, and no transaction forgets more than a few.

use std::sync::PoisonError;

use portolan_core::{
    execution::Execution,
    id::PolicyId,
    policy::{Policy, options::History},
};
use redb::ReadableTable;
use time::{Duration, OffsetDateTime};

use super::{
    Store, StoreError, progress,
    rows::{decode, find, indexed, unreadable},
    tables::{BY_POLICY, EXECUTIONS, Json, POLICIES, Snapshot, Tables},
};

/// Most executions that one transaction forgets: each has tasks and their logs.
const BATCH: usize = 20;

/// What is kept of a policy's executions, as of one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept {
    history: History,
    now: OffsetDateTime,
}

impl Kept {
    /// What a policy says, over what holds for all.
    pub(super) fn of(policy: &Policy, usual: History, now: OffsetDateTime) -> Self {
        Self { history: policy.spec.options.history.or(usual), now }
    }

    fn is_too_old(self, execution: &Execution) -> bool {
        let days = Duration::days(i64::from(self.history.days));
        let old = |ended| self.history.days > 0 && self.now - ended > days;
        execution.ended.is_some_and(old)
    }
}

impl Store {
    /// Sets what is kept of executions where their policy does not say.
    pub(crate) fn keep_history(&self, history: History) {
        *self.shared.history.lock().unwrap_or_else(PoisonError::into_inner) = history;
    }

    /// What is kept of executions where their policy does not say.
    pub(super) fn history(&self) -> History {
        self.shared.history.lock().unwrap_or_else(PoisonError::into_inner).or(History::USUAL)
    }

    /// Forgets a few ended executions that are kept no longer; true where there may be more.
    pub(crate) async fn prune_history(&self, now: OffsetDateTime) -> Result<bool, StoreError> {
        let usual = self.history();
        let look = move |tables: &Snapshot| {
            let (executions, index) = (tables.open(EXECUTIONS)?, tables.open(BY_POLICY)?);
            let mut old = Vec::new();
            for row in tables.open(POLICIES)?.iter().map_err(unreadable)? {
                // One that is not understood keeps what it has.
                let Ok(policy) = decode::<Policy>(row.map_err(unreadable)?.1.value()) else {
                    continue;
                };
                let kept = Kept::of(&policy, usual, now);
                let most = BATCH.saturating_sub(old.len());
                let ids = beyond((&executions, &index), policy.id, kept, 0, most)?;
                old.extend(ids.into_iter().map(|id| (policy.id, id)));
                if old.len() >= BATCH {
                    break;
                }
            }
            Ok(old)
        };
        let old = self.read(look).await?;
        let more = old.len() >= BATCH;
        if old.is_empty() {
            return Ok(false);
        }
        let forget = move |tables: &mut Tables<'_>| {
            for (policy, id) in old {
                forget(tables, policy, id)?;
            }
            Ok(more)
        };
        self.write(forget).await
    }
}

/// Executions of a policy that are kept no longer, the oldest first, `most` at most; `new` more are
/// about to be stored.
pub(super) fn beyond(
    (executions, index): (&impl ReadableTable<u64, Json>, &impl ReadableTable<(u64, u64), ()>),
    policy: PolicyId,
    kept: Kept,
    new: usize,
    most: usize,
) -> Result<Vec<u64>, StoreError> {
    let all = indexed(index, policy.0)?;
    let room = usize::try_from(kept.history.executions).unwrap_or(usize::MAX);
    let surplus = (all.len() + new).saturating_sub(room.max(1));
    let mut old = Vec::new();
    for (place, id) in all.into_iter().enumerate() {
        if old.len() >= most {
            break;
        }
        let execution = progress::run(executions, id)?.execution;
        let goes = place < surplus || kept.is_too_old(&execution);
        match (goes, execution.status.is_final()) {
            (true, true) => old.push(id),
            (true, false) => {}
            (false, true) => break,
            // What runs long may stand before what is old.
            (false, false) => {}
        }
    }
    Ok(old)
}

/// Forgets an execution that is over; one that is not, or is gone, is left alone.
pub(super) fn forget(tables: &mut Tables<'_>, policy: PolicyId, id: u64) -> Result<(), StoreError> {
    let run: Option<progress::Run> = find(tables.executions.open()?, id)?;
    if run.is_none_or(|run| run.execution.status.is_final()) {
        progress::forget(tables, id)?;
        tables.by_policy.remove((policy.0, id))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use portolan_core::execution::{StartedBy, Status};

    use super::*;
    use crate::store::fixtures::{after, memory, policy};

    const DAY: i64 = 86_400;

    /// Runs that ended at these seconds; the last one still runs.
    async fn runs(store: &Store, policy: PolicyId, ended: &[i64]) {
        for at in ended {
            let run = store.create_execution(policy, StartedBy::Manual, false, after(*at)).await;
            let id = run.unwrap().id;
            store.finish_listing(id, Ok(String::new()), after(*at)).await.unwrap();
        }
        store.create_execution(policy, StartedBy::Manual, false, after(0)).await.unwrap();
    }

    async fn pruned(store: &Store, now: i64) -> usize {
        let mut rounds = 1;
        while store.prune_history(after(now)).await.unwrap() {
            rounds += 1;
        }
        rounds
    }

    #[tokio::test]
    async fn runs_go_by_number_and_by_age_in_small_steps() {
        let store = memory().await;
        store.keep_history(History { executions: 100, days: 0 });
        let (many, old) = (policy(&store, "many").await, policy(&store, "old").await);
        let days: Vec<i64> = (0..60).map(|day| day * DAY).collect();
        for id in [many.id, old.id] {
            runs(&store, id, &days).await;
        }
        assert_eq!(pruned(&store, 60 * DAY).await, 1, "nothing is beyond anything yet");
        let count = async |id| store.executions(Some(id)).await.unwrap().len();
        assert_eq!((count(many.id).await, count(old.id).await), (61, 61));

        let mut spec = old.spec.clone();
        spec.options.history = History { executions: 0, days: 10 };
        store.update_policy(old.id, spec, after(0)).await.unwrap();
        store.keep_history(History { executions: 7, days: 0 });
        assert!(pruned(&store, 60 * DAY).await > 3, "a few at a time");
        assert_eq!(count(many.id).await, 7);
        let left = store.executions(Some(old.id)).await.unwrap();
        assert_eq!(left.len(), 7, "the tighter of both");
        assert_eq!(left[0].status, Status::Running, "what runs stays");
        assert_eq!(pruned(&store, 600 * DAY).await, 1);
        let left = store.executions(Some(old.id)).await.unwrap();
        assert_eq!((left.len(), left[0].status), (1, Status::Running), "all others are too old");
        assert_eq!(count(many.id).await, 7);
    }

    #[test]
    fn what_a_policy_says_goes_before_what_holds_for_all() {
        let said = |executions, days| History { executions, days };
        assert_eq!(said(0, 0).or(History::USUAL), History::USUAL);
        assert_eq!(said(0, 9).or(said(5, 3)), said(5, 9));
        assert!(said(10_001, 0).fault().is_some() && said(0, 36_501).fault().is_some());
        assert_eq!(said(10_000, 36_500).fault(), None);
    }
}
