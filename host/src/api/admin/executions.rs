//! Runs beyond Harbor's words: what failed or was stopped, tried again.

use axum::http::{StatusCode, header};
use portolan_core::id::ExecutionId;

use crate::api::{
    auth::Access,
    extract::Ids,
    harbor::wire::execution::ExecutionWire,
    respond::{Answer, json_as, set},
};

/// `POST /executions/{id}/retry`: 201 with a new run of the tasks that failed or were stopped.
pub(crate) async fn retry(access: Access, Ids([id]): Ids<1>) -> Answer {
    let execution = access.operator().await?.retry_execution(ExecutionId(id)).await?;
    let mut response = json_as(StatusCode::CREATED, &ExecutionWire::from(&execution));
    let location = format!("/api/v2.0/replication/executions/{}", execution.id);
    set(&mut response, header::LOCATION, &location);
    Ok(response)
}
