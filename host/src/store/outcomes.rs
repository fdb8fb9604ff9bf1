//! How the runs of each policy ended: kept beside the runs, which are forgotten in time. Written in
//! the transaction that ends a run, or misses one.

use portolan_core::{
    execution::{Execution, Status},
    id::PolicyId,
};
use serde::{Deserialize, Serialize};

use super::{StoreError, rows::find, tables::Tables};

#[cfg(any(feature = "api", test))]
mod read;

/// How the runs of one policy ended. A run that was skipped because another was active is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Outcomes {
    /// How the last one ended.
    pub(crate) last: Option<Status>,
    /// When it did, in seconds since 1970.
    pub(crate) ended: i64,
    /// When one ended with everything at its destinations, in seconds since 1970.
    pub(crate) succeeded: Option<i64>,
    /// Runs that ended so, those that failed, and those that were stopped.
    pub(crate) runs: [u64; 3],
    /// Tasks that failed for good.
    pub(crate) failures: u64,
    /// Times of its schedule that went by unused.
    pub(crate) missed: u64,
}

/// Notes the end of a run.
pub(super) fn ended(tables: &mut Tables<'_>, execution: &Execution) -> Result<(), StoreError> {
    let ended = execution.ended.map_or(0, |at| at.unix_timestamp());
    change(tables, execution.policy, |outcomes| {
        let [succeeded, failed, stopped] = &mut outcomes.runs;
        match execution.status {
            Status::Success => {
                *succeeded += 1;
                outcomes.succeeded = Some(ended);
            }
            Status::Stopped => *stopped += 1,
            _ => *failed += 1,
        }
        (outcomes.last, outcomes.ended) = (Some(execution.status), ended);
        outcomes.failures += execution.counters.failed;
    })
}

/// Notes times of a schedule that went by unused.
pub(super) fn missed(
    tables: &mut Tables<'_>,
    policy: PolicyId,
    times: u64,
) -> Result<(), StoreError> {
    if times == 0 {
        return Ok(());
    }
    change(tables, policy, |outcomes| outcomes.missed = outcomes.missed.saturating_add(times))
}

fn change(
    tables: &mut Tables<'_>,
    policy: PolicyId,
    change: impl FnOnce(&mut Outcomes),
) -> Result<(), StoreError> {
    let mut outcomes: Outcomes = find(tables.outcomes.open()?, policy.0)?.unwrap_or_default();
    change(&mut outcomes);
    tables.outcomes.put_json(policy.0, &outcomes)
}

/// Forgets how the runs of a policy ended.
pub(super) fn forget(tables: &mut Tables<'_>, policy: PolicyId) -> Result<(), StoreError> {
    tables.outcomes.remove(policy.0).map(drop)
}

#[cfg(test)]
mod tests {
    use portolan_core::execution::StartedBy;

    use super::*;
    use crate::store::fixtures::{after, memory, policy};

    #[tokio::test]
    async fn the_end_of_each_run_is_noted_once_and_goes_with_its_policy() {
        let store = memory().await;
        let id = policy(&store, "p").await.id;
        let run = async |outcome: Result<String, String>, at| {
            let start = store.create_execution(id, StartedBy::Manual, true, after(at)).await;
            let run = start.unwrap();
            let skipped = store.create_execution(id, StartedBy::Manual, true, after(at)).await;
            assert_eq!(skipped.unwrap().status, Status::Error, "another is active");
            store.finish_listing(run.id, outcome.clone(), after(at)).await.unwrap();
            store.finish_listing(run.id, outcome, after(at + 9)).await.unwrap();
        };
        run(Ok(String::new()), 10).await;
        run(Err("x".to_owned()), 20).await;
        let seconds = |at| after(at).unix_timestamp();
        let outcomes = Outcomes {
            last: Some(Status::Error),
            ended: seconds(20),
            succeeded: Some(seconds(10)),
            runs: [1, 1, 0],
            failures: 0,
            missed: 0,
        };
        assert_eq!(store.outcomes().await.unwrap(), [(id, outcomes)]);
        store.delete_policy(id).await.unwrap();
        assert!(store.outcomes().await.unwrap().is_empty());
    }
}
