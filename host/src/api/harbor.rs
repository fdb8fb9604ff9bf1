//! Harbor's API, `/api/v2.0`: which path and method is which handler. `wire` holds the JSON.

pub(crate) mod columns;
mod executions;
mod policies;
mod registries;
mod system;
pub(crate) mod wire;

use axum::{
    Router, middleware,
    routing::{get, post},
};

use super::{Api, extract, guard};

/// Every route of `/api/v2.0`, and `GET /api/version` beside it.
pub(crate) fn routes() -> Router<Api> {
    let json = Router::new()
        .merge(system_routes())
        .merge(registry_routes())
        .merge(replication_routes())
        .route_layer(middleware::from_fn(extract::speaks_json));
    let text = Router::new()
        .route(&v2("/ping"), get(system::ping))
        .route(&v2("/replication/executions/{id}/tasks/{task_id}/log"), get(executions::log))
        .route_layer(middleware::from_fn(extract::speaks_text));
    Router::new()
        .merge(json)
        .merge(text)
        .route("/api/version", get(system::api_version))
        .route_layer(guard::at_most(guard::REQUEST_TIME))
}

/// Written out, not nested: a nested router hides the prefix, which `Location` and `Link` show.
fn v2(path: &str) -> String {
    format!("/api/v2.0{path}")
}

fn system_routes() -> Router<Api> {
    Router::new()
        .route(&v2("/health"), get(system::health))
        .route(&v2("/systeminfo"), get(system::info))
        .route(&v2("/users/current"), get(system::current_user))
}

fn registry_routes() -> Router<Api> {
    let ping = post(registries::ping)
        .get(registries::ping_is_no_id)
        .put(registries::ping_is_no_id)
        .delete(registries::ping_is_no_id);
    Router::new()
        .route(&v2("/registries"), get(registries::list).post(registries::create))
        .route(&v2("/registries/ping"), ping)
        .route(
            &v2("/registries/{id}"),
            get(registries::show).put(registries::update).delete(registries::delete),
        )
        .route(&v2("/registries/{id}/info"), get(registries::info))
}

fn replication_routes() -> Router<Api> {
    Router::new()
        .route(&v2("/replication/adapters"), get(policies::adapters))
        .route(&v2("/replication/adapterinfos"), get(policies::adapter_infos))
        .route(&v2("/replication/policies"), get(policies::list).post(policies::create))
        .route(
            &v2("/replication/policies/{id}"),
            get(policies::show).put(policies::update).delete(policies::delete),
        )
        .route(&v2("/replication/executions"), get(executions::list).post(executions::start))
        .route(&v2("/replication/executions/{id}"), get(executions::show).put(executions::stop))
        .route(&v2("/replication/executions/{id}/tasks"), get(executions::tasks))
}
