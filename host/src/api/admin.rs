//! Our own API, `/api/portolan/v1`: what Harbor has no words for.

mod logs;
mod plugins;
mod sessions;
mod tokens;
mod users;

use std::time::Duration;

use axum::{
    Router,
    routing::{delete, get, post, put},
};
use serde::Serialize;

use super::{
    Api,
    auth::Access,
    guard,
    respond::{Answer, json},
};

/// Longest time a request about plug-ins may take: it may wait for a compiler.
const COMPILE_TIME: Duration = Duration::from_secs(300);

/// Every route of `/api/portolan/v1`.
pub(crate) fn routes() -> Router<Api> {
    let plugins = Router::new()
        .route(&v1("/plugins"), get(plugins::list).post(plugins::install))
        .route(&v1("/plugins/{digest}"), get(plugins::show).delete(plugins::remove))
        .route(&v1("/plugins/{digest}/approve"), post(plugins::approve))
        .route(&v1("/plugins/{digest}/revoke"), post(plugins::revoke))
        .route_layer(guard::at_most(COMPILE_TIME));
    let accounts = Router::new()
        .route(&v1("/users"), get(users::list).post(users::create))
        .route(&v1("/users/{id}"), put(users::update).delete(users::delete))
        .route(&v1("/users/current/password"), put(users::change_own_password))
        .route(&v1("/tokens"), get(tokens::list).post(tokens::create))
        .route(&v1("/tokens/{id}"), delete(tokens::delete))
        .route(&v1("/sessions"), post(sessions::log_in))
        .route(&v1("/sessions/current"), get(sessions::show).delete(sessions::log_out))
        .route_layer(guard::at_most(guard::REQUEST_TIME));
    let others = Router::new()
        .route(&v1("/version"), get(version))
        .route(&v1("/executions/{id}/tasks/{task_id}/log"), get(logs::tail))
        .route_layer(guard::at_most(guard::REQUEST_TIME));
    plugins.merge(accounts).merge(others)
}

fn v1(path: &str) -> String {
    format!("/api/portolan/v1{path}")
}

#[derive(Serialize)]
struct Version {
    version: &'static str,
}

/// `GET /version`: which release of the daemon this is.
async fn version(access: Access) -> Answer {
    access.viewer().await?;
    Ok(json(&Version { version: env!("CARGO_PKG_VERSION") }))
}
