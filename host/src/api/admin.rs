//! Our own API, `/api/portolan/v1`: what Harbor has no words for.

mod logs;
mod plugins;

use axum::{
    Router,
    routing::{get, post},
};
use serde::Serialize;

use super::{
    Api,
    auth::Access,
    respond::{Answer, json},
};

/// Every route of `/api/portolan/v1`.
pub(crate) fn routes() -> Router<Api> {
    let routes = Router::new()
        .route("/version", get(version))
        .route("/plugins", get(plugins::list).post(plugins::install))
        .route("/plugins/{digest}", get(plugins::show).delete(plugins::remove))
        .route("/plugins/{digest}/approve", post(plugins::approve))
        .route("/plugins/{digest}/revoke", post(plugins::revoke))
        .route("/executions/{id}/tasks/{task_id}/log", get(logs::tail));
    Router::new().nest("/api/portolan/v1", routes)
}

#[derive(Serialize)]
struct Version {
    version: &'static str,
}

/// `GET /version`: which release of the daemon this is.
async fn version(access: Access) -> Answer {
    access.admin().await?;
    Ok(json(&Version { version: env!("CARGO_PKG_VERSION") }))
}
