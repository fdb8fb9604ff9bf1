//! Executions and tasks as Harbor shows them (contract 1.9, 3.8, 3.9): its words for states and
//! triggers exist here and nowhere else.

use portolan_core::{
    execution::{Execution, StartedBy, Status},
    task::{Operation, Task},
};
use serde::{Deserialize, Serialize};

use super::{Time, is_zero};
use crate::api::extract::Parameter;

/// One run of a policy.
#[derive(Debug, Serialize)]
pub(crate) struct ExecutionWire {
    id: u64,
    policy_id: u64,
    status: &'static str,
    trigger: &'static str,
    start_time: Time,
    end_time: Time,
    status_text: String,
    total: u64,
    failed: u64,
    succeed: u64,
    in_progress: u64,
    stopped: u64,
}

impl From<&Execution> for ExecutionWire {
    fn from(execution: &Execution) -> Self {
        let counters = &execution.counters;
        Self {
            id: execution.id.0,
            policy_id: execution.policy.0,
            status: execution_status(execution.status),
            trigger: trigger(execution.started_by),
            start_time: execution.started.into(),
            end_time: execution.ended.into(),
            status_text: execution.status_text.clone(),
            total: counters.total,
            failed: counters.failed,
            succeed: counters.succeeded,
            in_progress: counters.in_progress,
            stopped: counters.stopped,
        }
    }
}

/// One repository of an execution.
#[derive(Debug, Serialize)]
pub(crate) struct TaskWire {
    id: u64,
    execution_id: u64,
    status: &'static str,
    #[serde(skip_serializing_if = "is_zero")]
    job_id: String,
    operation: &'static str,
    #[serde(skip_serializing_if = "is_zero")]
    resource_type: String,
    src_resource: String,
    dst_resource: String,
    start_time: Time,
    end_time: Time,
}

impl From<&Task> for TaskWire {
    fn from(task: &Task) -> Self {
        let spec = &task.spec;
        let count = task.item_count();
        let resource = |name| format!("{name} [{count} item(s) in total]");
        Self {
            id: task.id.0,
            execution_id: task.execution.0,
            status: task_status(task.status),
            job_id: job_id(task),
            operation: match spec.operation {
                Operation::Copy => "copy",
                Operation::Deletion => "deletion",
                Operation::TagDeletion => "tag deletion",
            },
            resource_type: spec.resource_type.clone(),
            src_resource: resource(&spec.source_repository),
            dst_resource: resource(&spec.destination_repository),
            start_time: task.started.into(),
            end_time: task.ended.into(),
        }
    }
}

/// Harbor's job service names each job by 24 hex digits once it has it.
pub(crate) fn job_id(task: &Task) -> String {
    task.started.map(|_| format!("{:024x}", task.id.0)).unwrap_or_default()
}

fn execution_status(status: Status) -> &'static str {
    match status {
        Status::Pending | Status::Scheduled | Status::Running => "InProgress",
        Status::Success => "Succeed",
        Status::Error => "Failed",
        Status::Stopped => "Stopped",
    }
}

fn task_status(status: Status) -> &'static str {
    match status {
        Status::Pending => "Pending",
        other => execution_status(other),
    }
}

fn trigger(started_by: StartedBy) -> &'static str {
    match started_by {
        StartedBy::Manual => "manual",
        StartedBy::Scheduled => "scheduled",
        StartedBy::Event => "event_based",
    }
}

/// Whether an execution is meant by the `status` parameter; unknown words mean none.
pub(crate) fn execution_has(status: Status, asked: &str) -> bool {
    asked == execution_status(status) || asked == status.word()
}

/// Whether a task is meant by the `status` parameter: `InProgress` is Scheduled or Running.
pub(crate) fn task_has(status: Status, asked: &str) -> bool {
    asked == task_status(status) || asked == status.word()
}

/// Whether an execution is meant by the `trigger` parameter; unknown words mean none.
pub(crate) fn started_by(started_by: StartedBy, asked: &str) -> bool {
    asked == trigger(started_by)
}

/// Body of `POST /replication/executions`.
#[derive(Default, Deserialize)]
pub(crate) struct StartExecution {
    policy_id: Option<i64>,
}

impl Parameter for StartExecution {
    const NAME: &'static str = "execution";
}

impl StartExecution {
    /// The policy to run; an absent id is one that no policy has.
    pub(crate) fn policy(&self) -> u64 {
        crate::api::extract::id(self.policy_id.unwrap_or(0))
    }
}

#[cfg(test)]
mod tests;
