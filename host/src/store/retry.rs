//! A new run of what an ended one left undone. Its tasks are those of the other that failed or were
//! stopped, as they were planned then: nothing is listed again.

use portolan_core::{
    execution::{Execution, StartedBy, Status},
    id::{ExecutionId, TaskId},
    policy::Policy,
    task::TaskSpec,
};
use time::OffsetDateTime;

use super::{
    Store, StoreError,
    executions::{self, Start},
    meta::{Counter, take_ids},
    progress,
    rows::{indexed, load},
    tables::Tables,
    tasks::{insert, pending},
};

impl Store {
    /// Starts a run of the tasks of `ended` that failed or were stopped. `NotFound`; `InUse` with
    /// the reason where there are none, it has not ended, its listing failed, or the policy takes
    /// one run at a time and has one. Reads every task of the execution: other writes wait for it.
    pub(crate) async fn retry_execution(
        &self,
        ended: ExecutionId,
        now: OffsetDateTime,
    ) -> Result<Execution, StoreError> {
        let start = Start { by: StartedBy::Manual, single: false, history: self.history(), now };
        let retry = move |tables: &mut Tables<'_>| {
            let policy = policy_of(tables, ended)?;
            let specs = left_undone(tables, ended)?;
            let begun = executions::start(tables, &policy, start)?;
            let mut run = progress::run(tables.executions.open()?, begun.id.0)?;
            let first = take_ids(tables, Counter::Task, specs.len())?;
            for (id, spec) in (first..).map(TaskId).zip(specs) {
                insert(tables, pending(id, begun.id, spec))?;
                run.execution.counters.add(Status::Pending);
            }
            run.execution.listed = true;
            progress::put(tables, run, now)
        };
        self.write(retry).await
    }
}

/// The policy of an execution that has ended, where it may have another run now.
fn policy_of(tables: &Tables<'_>, ended: ExecutionId) -> Result<Policy, StoreError> {
    let run = progress::run(tables.executions.open()?, ended.0)?;
    let refuse = |why: &str| Err(StoreError::InUse(format!("the run {ended} {why}")));
    if !run.execution.status.is_final() {
        return refuse("has not ended; stop it, or wait for its end");
    }
    if run.listing_failed {
        return refuse("failed before all of its tasks were known; run its rule again");
    }
    let policy: Policy = load(tables.policies.open()?, "policy", run.execution.policy.0)?;
    if policy.spec.single_active && !indexed(tables.active.open()?, policy.id.0)?.is_empty() {
        return refuse("cannot be retried while another run of its rule is under way");
    }
    Ok(policy)
}

fn left_undone(tables: &Tables<'_>, ended: ExecutionId) -> Result<Vec<TaskSpec>, StoreError> {
    let tasks = progress::tasks(tables.tasks.open()?, ended.0)?;
    let undone = tasks.into_iter().filter(|task| task.status != Status::Success);
    let specs: Vec<TaskSpec> = undone.map(|task| task.spec).collect();
    if specs.is_empty() {
        let why =
            format!("no task of the run {ended} failed or was stopped; there is none to retry");
        return Err(StoreError::InUse(why));
    }
    Ok(specs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{
        TaskOutcome,
        fixtures::{after, execution, memory, task_specs},
    };

    #[tokio::test]
    async fn only_what_failed_or_was_stopped_is_tried_again() {
        let store = memory().await;
        let id = execution(&store).await.id;
        store.add_tasks(id, task_specs(3), after(0)).await.unwrap();
        let early = store.retry_execution(id, after(0)).await;
        assert!(matches!(early, Err(StoreError::InUse(why)) if why.contains("has not ended")));
        let failed = TaskOutcome::Failed { text: "reset".to_owned(), retry_at: None };
        for outcome in [TaskOutcome::Success, failed] {
            let task = store.claim_task("o", after(1), after(9)).await.unwrap().unwrap();
            store.finish_task(task.id, "o", outcome, after(2)).await.unwrap();
        }
        store.finish_listing(id, Ok(String::new()), after(3)).await.unwrap();
        store.request_stop(id, after(3)).await.unwrap();
        let before = store.tasks(id).await.unwrap();
        let again = store.retry_execution(id, after(4)).await.unwrap();
        assert_eq!((again.status, again.listed, again.counters.total), (Status::Running, true, 2));
        let tasks = store.tasks(again.id).await.unwrap();
        let specs = |tasks: &[portolan_core::task::Task]| {
            tasks.iter().map(|task| task.spec.clone()).collect::<Vec<_>>()
        };
        assert_eq!(specs(&tasks), specs(&before[1..]));
        for _ in 0..2 {
            let task = store.claim_task("o", after(5), after(9)).await.unwrap().unwrap();
            assert_eq!((task.execution, task.failures), (again.id, 0));
            store.finish_task(task.id, "o", TaskOutcome::Success, after(6)).await.unwrap();
        }
        assert_eq!(store.execution(again.id).await.unwrap().status, Status::Success);
        let none = store.retry_execution(again.id, after(7)).await;
        assert!(matches!(none, Err(StoreError::InUse(why)) if why.contains("none to retry")));
        let gone = store.retry_execution(ExecutionId(9), after(7)).await;
        assert!(matches!(gone, Err(StoreError::NotFound { .. })));
    }

    #[tokio::test]
    async fn a_run_whose_tasks_are_not_all_known_is_not_retried() {
        let store = memory().await;
        let id = execution(&store).await.id;
        store.add_tasks(id, task_specs(1), after(0)).await.unwrap();
        store.finish_listing(id, Err("down".to_owned()), after(1)).await.unwrap();
        let refused = store.retry_execution(id, after(2)).await;
        assert!(
            matches!(refused, Err(StoreError::InUse(why)) if why.contains("run its rule again"))
        );
    }
}
