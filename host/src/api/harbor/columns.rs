//! The keys that executions and tasks may be ordered by: Harbor's columns (contract 1.7). A key that
//! is not here is ignored. Those of registries and policies are core's.

use std::borrow::Cow;

use portolan_core::{
    execution::{Execution, Status},
    page::Field,
    task::Task,
};
use time::OffsetDateTime;

use super::wire::{self, Time};

/// What Harbor's job service calls our executions and tasks.
pub(super) const VENDOR: &str = "REPLICATION";

fn text<'r>(text: impl Into<Cow<'r, str>>) -> Field<'r> {
    Field::Text(text.into())
}

/// An id or a count.
pub(super) fn int(number: u64) -> Field<'static> {
    Field::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

fn time(instant: Option<OffsetDateTime>) -> Field<'static> {
    Field::Time(instant.unwrap_or(Time::UNSET_INSTANT))
}

/// An execution's value, in Harbor's internal words.
pub(super) fn execution<'r>(execution: &'r Execution, key: &str) -> Option<Field<'r>> {
    Some(match key {
        "vendor_type" => text(VENDOR),
        "extra_attrs" => text(""),
        "revision" => Field::Int(0),
        _ => {
            let at = Execution::COLUMNS.iter().position(|(name, _)| *name == key)?;
            execution.values().into_iter().nth(at)?
        }
    })
}

/// A task's value. Ids rise with the time of creation, which is not kept.
pub(super) fn task<'r>(task: &'r Task, key: &str) -> Option<Field<'r>> {
    Some(match key {
        "id" | "creation_time" => int(task.id.0),
        "vendor_type" => text(VENDOR),
        "execution_id" => int(task.execution.0),
        "job_id" => text(wire::execution::job_id(task)),
        "status" => text(task.status.word()),
        "status_code" => Field::Int(match task.status {
            Status::Pending => 0,
            Status::Scheduled => 1,
            Status::Running => 2,
            Status::Success | Status::Error | Status::Stopped => 3,
        }),
        "status_revision" => Field::Int(0),
        "status_message" => text(task.last_error.as_str()),
        "extra_attrs" => text(""),
        "run_count" => int(task.failures.into()),
        "start_time" => time(task.started),
        "update_time" => time(task.ended.or(task.started)),
        "end_time" => time(task.ended),
        _ => return None,
    })
}
