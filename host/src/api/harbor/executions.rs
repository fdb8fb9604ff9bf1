//! `/api/v2.0/replication/executions`: runs, their tasks and logs (contract 1.10, 3.8, 3.9).

use axum::http::Uri;
use portolan_core::{
    execution::StartedBy,
    id::{ExecutionId, PolicyId, TaskId},
};
use serde_json::Value;

use super::{
    columns,
    wire::execution::{
        ExecutionWire, StartExecution, TaskWire, execution_has, started_by, task_has,
    },
};
use crate::api::{
    auth::Access,
    extract::{Ids, Json, Query, id},
    paging::Listing,
    respond::{Answer, ApiError, created, json, text},
};

/// Usual order of executions and tasks.
const NEWEST: &str = "-start_time,-id";
/// More lines than a task's log keeps.
const WHOLE_LOG: usize = 20_000;

/// `POST /replication/executions`: starts a run and answers at once.
pub(crate) async fn start(
    access: Access,
    uri: Uri,
    query: Query,
    Json(body): Json<StartExecution>,
) -> Answer {
    let host = access.operator().await?;
    let by = match query.text("trigger") {
        Some("scheduled") => StartedBy::Scheduled,
        _ => StartedBy::Manual,
    };
    let execution = host.start_execution(PolicyId(body.policy()), by).await?;
    Ok(created(&uri, execution.id))
}

/// `GET /replication/executions`: newest first; parameters of its own instead of `q`.
pub(crate) async fn list(access: Access, query: Query, listing: Listing) -> Answer {
    let policy = query.integer("policy_id")?.map(|number| PolicyId(id(number)));
    let host = access.viewer().await?;
    let narrowed = ["status", "trigger"].into_iter().any(|name| query.text(name).is_some());
    // Ids are given in the order of starts: no other row has to be looked at.
    if let (false, Some(part)) = (narrowed, listing.part_of(&["", NEWEST, "-start_time", "-id"])) {
        let found = host.newest_executions(policy, part).await?;
        return listing.page(&found, |row| ExecutionWire::from(row));
    }
    if !narrowed {
        let found = host.find_executions(policy, listing.sorted()).await?;
        return listing.page(&found, |row| ExecutionWire::from(row));
    }
    let mut executions = host.executions(policy).await?;
    executions.retain(|execution| {
        query.text("status").is_none_or(|asked| execution_has(execution.status, asked))
            && query.text("trigger").is_none_or(|asked| started_by(execution.started_by, asked))
    });
    listing.answer(executions, NEWEST, columns::execution, |row| ExecutionWire::from(row))
}

/// `GET /replication/executions/{id}`.
pub(crate) async fn show(access: Access, Ids([id]): Ids<1>) -> Answer {
    let execution = access.viewer().await?.execution(ExecutionId(id)).await?;
    Ok(json(&ExecutionWire::from(&execution)))
}

/// `PUT /replication/executions/{id}`: stops it. Harbor's answer is the JSON text `null`.
pub(crate) async fn stop(access: Access, Ids([id]): Ids<1>) -> Answer {
    access.operator().await?.stop_execution(ExecutionId(id)).await?;
    Ok(json(&Value::Null))
}

/// `GET /replication/executions/{id}/tasks`.
pub(crate) async fn tasks(
    access: Access,
    Ids([execution]): Ids<1>,
    query: Query,
    listing: Listing,
) -> Answer {
    let mut tasks = access.viewer().await?.tasks(ExecutionId(execution)).await?;
    tasks.retain(|task| {
        query.text("status").is_none_or(|asked| task_has(task.status, asked))
            && query.text("resource_type").is_none_or(|asked| task.spec.resource_type == asked)
    });
    listing.answer(tasks, NEWEST, columns::task, |task| TaskWire::from(task))
}

/// `GET /replication/executions/{id}/tasks/{task}/log`: the whole log as plain text.
pub(crate) async fn log(access: Access, Ids([execution, task]): Ids<2>) -> Answer {
    let host = access.viewer().await?;
    let lines = host.task_log(ExecutionId(execution), TaskId(task), 0, WHOLE_LOG).await?;
    if lines.is_empty() {
        return Err(ApiError::not_found(format!("the task {task} has no log yet")));
    }
    let mut body = lines.join("\n");
    body.push('\n');
    Ok(text(body))
}
