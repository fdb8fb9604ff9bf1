//! Tasks as records: added, shown.
//!
//! Who works on them is in `queue`.

use std::collections::HashSet;

use portolan_core::{
    execution::Status,
    id::{EndpointId, ExecutionId, TaskId},
    oci::Repository,
    task::{Task, TaskSpec},
};
use time::OffsetDateTime;

use super::{
    Store, StoreError,
    meta::{Counter, take_ids},
    progress,
    tables::Tables,
};

impl Store {
    /// Adds pending tasks in one transaction; counts them in. `Stopped` where the execution was
    /// asked to stop, is listed to its end or is final.
    pub(crate) async fn add_tasks(
        &self,
        execution: ExecutionId,
        specs: Vec<TaskSpec>,
        now: OffsetDateTime,
    ) -> Result<Vec<TaskId>, StoreError> {
        let add = move |tables: &mut Tables<'_>| {
            let mut run = progress::run(&*tables.executions, execution.0)?;
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
        };
        self.write(add).await
    }

    /// Source repositories that have tasks in an execution already, each with the destination's
    /// endpoint: a listing that is taken up again leaves them out.
    pub(crate) async fn known_repositories(
        &self,
        execution: ExecutionId,
    ) -> Result<HashSet<(Repository, EndpointId)>, StoreError> {
        let tasks = self.tasks(execution).await?;
        let known = |task: Task| (task.spec.source_repository, task.spec.destination);
        Ok(tasks.into_iter().map(known).collect())
    }

    /// One task of an execution, or `NotFound`.
    pub(crate) async fn task(
        &self,
        execution: ExecutionId,
        id: TaskId,
    ) -> Result<Task, StoreError> {
        self.read(move |tables| progress::task(&tables.tasks, execution.0, id.0)).await
    }

    /// Every task of an execution, by ascending id; `NotFound` where the execution is.
    pub(crate) async fn tasks(&self, execution: ExecutionId) -> Result<Vec<Task>, StoreError> {
        self.read(move |tables| {
            progress::run(&tables.executions, execution.0)?;
            progress::tasks(&tables.tasks, execution.0)
        })
        .await
    }
}

fn pending(id: TaskId, execution: ExecutionId, spec: TaskSpec) -> Task {
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
    }
}

/// Stores a new task and its indexes.
fn insert(tables: &mut Tables<'_>, task: Task) -> Result<(), StoreError> {
    tables.task_executions.put(task.id.0, task.execution.0)?;
    tables.due.put(progress::due(&task), ())?;
    tables.tasks.put_json((task.execution.0, task.id.0), &task)
}
