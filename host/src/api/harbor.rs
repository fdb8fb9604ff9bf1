//! Harbor's API, `/api/v2.0`: which path and method is which handler. `wire` holds the JSON.

mod executions;
mod policies;
mod registries;
mod system;
pub(crate) mod wire;

use axum::{
    Router, middleware,
    routing::{get, post},
};

use super::{Api, extract};

/// Every route of `/api/v2.0`, and `GET /api/version` beside it.
pub(crate) fn routes() -> Router<Api> {
    let json = Router::new()
        .merge(system_routes())
        .merge(registry_routes())
        .merge(replication_routes())
        .route_layer(middleware::from_fn(extract::speaks_json));
    let text = Router::new()
        .route("/ping", get(system::ping))
        .route("/replication/executions/{id}/tasks/{task_id}/log", get(executions::log))
        .route_layer(middleware::from_fn(extract::speaks_text));
    Router::new()
        .nest("/api/v2.0", json.merge(text))
        .route("/api/version", get(system::api_version))
}

fn system_routes() -> Router<Api> {
    Router::new()
        .route("/health", get(system::health))
        .route("/systeminfo", get(system::info))
        .route("/users/current", get(system::current_user))
}

fn registry_routes() -> Router<Api> {
    let ping = post(registries::ping)
        .get(registries::ping_is_no_id)
        .put(registries::ping_is_no_id)
        .delete(registries::ping_is_no_id);
    Router::new()
        .route("/registries", get(registries::list).post(registries::create))
        .route("/registries/ping", ping)
        .route(
            "/registries/{id}",
            get(registries::show).put(registries::update).delete(registries::delete),
        )
        .route("/registries/{id}/info", get(registries::info))
}

fn replication_routes() -> Router<Api> {
    Router::new()
        .route("/replication/adapters", get(policies::adapters))
        .route("/replication/adapterinfos", get(policies::adapter_infos))
        .route("/replication/policies", get(policies::list).post(policies::create))
        .route(
            "/replication/policies/{id}",
            get(policies::show).put(policies::update).delete(policies::delete),
        )
        .route("/replication/executions", get(executions::list).post(executions::start))
        .route("/replication/executions/{id}", get(executions::show).put(executions::stop))
        .route("/replication/executions/{id}/tasks", get(executions::tasks))
}
