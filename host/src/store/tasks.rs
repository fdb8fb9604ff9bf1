//! Tasks as records: added, shown.
//!
//! Who works on them is in `queue`.

use portolan_core::{
    execution::Status,
    id::{ExecutionId, TaskId},
    task::{Task, TaskSpec},
};
use time::OffsetDateTime;

use super::{
    Store, StoreError,
    meta::{Counter, take_ids},
    progress,
    tables::{EXECUTIONS, TASKS, Tables},
};

impl Store {
    /// Adds pending tasks in one transaction; counts them in. `Stopped` where the execution was
    /// asked to stop, is listed to its end or is final.
    #[cfg(test)]
    pub(crate) async fn add_tasks(
        &self,
        execution: ExecutionId,
        specs: Vec<TaskSpec>,
        now: OffsetDateTime,
    ) -> Result<Vec<TaskId>, StoreError> {
        self.write(move |tables| add(tables, execution, specs, now)).await
    }

    /// One task of an execution, or `NotFound`.
    #[cfg(test)]
    pub(crate) async fn task(
        &self,
        execution: ExecutionId,
        id: TaskId,
    ) -> Result<Task, StoreError> {
        self.read(move |tables| progress::task(&tables.open(TASKS)?, execution.0, id.0)).await
    }

    /// Every task of an execution, by ascending id; `NotFound` where the execution is.
    pub(crate) async fn tasks(&self, execution: ExecutionId) -> Result<Vec<Task>, StoreError> {
        self.read(move |tables| {
            progress::run(&tables.open(EXECUTIONS)?, execution.0)?;
            progress::tasks(&tables.open(TASKS)?, execution.0)
        })
        .await
    }
}

/// Adds pending tasks to an execution that is listed, and counts them in; see
/// [`Store::add_listed`].
pub(super) fn add(
    tables: &mut Tables<'_>,
    execution: ExecutionId,
    specs: Vec<TaskSpec>,
    now: OffsetDateTime,
) -> Result<Vec<TaskId>, StoreError> {
    let mut run = progress::run(tables.executions.open()?, execution.0)?;
    if run.execution.stop_requested || run.execution.listed {
        return Err(StoreError::Stopped);
    }
    if specs.is_empty() {
        return Ok(Vec::new());
    }
    let first = take_ids(tables, Counter::Task, specs.len())?;
    let mut ids = Vec::with_capacity(specs.len());
    for (id, spec) in (first..).map(TaskId).zip(specs) {
        insert(tables, pending(id, execution, spec))?;
        run.execution.counters.add(Status::Pending);
        ids.push(id);
    }
    progress::put(tables, run, now)?;
    Ok(ids)
}

/// A task that nobody has tried yet.
pub(super) fn pending(id: TaskId, execution: ExecutionId, spec: TaskSpec) -> Task {
    Task {
        id,
        execution,
        spec,
        status: Status::Pending,
        failures: 0,
        last_error: String::new(),
        started: None,
        ended: None,
        not_before: None,
        tally: Default::default(),
        counted: None,
    }
}

/// Stores a new task and its indexes.
pub(super) fn insert(tables: &mut Tables<'_>, task: Task) -> Result<(), StoreError> {
    tables.task_executions.put(task.id.0, task.execution.0)?;
    tables.due.put(progress::due(&task), ())?;
    tables.tasks.put_json((task.execution.0, task.id.0), &task)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixtures::{after, execution, memory, task_spec, task_specs};

    #[tokio::test]
    async fn tasks_are_shown_as_added_under_their_own_execution() {
        let store = memory().await;
        let (one, other) = (execution(&store).await.id, execution(&store).await.id);
        let ids = store.add_tasks(one, task_specs(3), after(0)).await.unwrap();
        assert_eq!(ids, [TaskId(1), TaskId(2), TaskId(3)]);
        assert!(store.add_tasks(one, Vec::new(), after(0)).await.unwrap().is_empty());
        let more = store.add_tasks(other, vec![task_spec("x/y")], after(0)).await.unwrap();
        assert_eq!(more, [TaskId(4)]);
        let tasks = store.tasks(one).await.unwrap();
        assert_eq!(tasks.iter().map(|task| task.id).collect::<Vec<_>>(), ids);
        assert_eq!(store.task(one, ids[1]).await.unwrap(), tasks[1]);
        assert_eq!(store.execution(one).await.unwrap().counters.in_progress, 3);
        let strange = store.task(other, ids[1]).await;
        assert!(matches!(strange, Err(StoreError::NotFound { what: "task", .. })));
        for gone in [
            store.tasks(ExecutionId(9)).await.map(|_| ()),
            store.add_tasks(ExecutionId(9), task_specs(1), after(0)).await.map(|_| ()),
        ] {
            assert!(matches!(gone, Err(StoreError::NotFound { what: "execution", .. })));
        }
        store.finish_listing(one, Ok(String::new()), after(1)).await.unwrap();
        let late = store.add_tasks(one, task_specs(1), after(2)).await;
        assert!(matches!(late, Err(StoreError::Stopped)));
    }
}
