//! Harbor's API, `/api/v2.0`: which path and method is which handler. `wire` holds the JSON.

mod absent;
pub(crate) mod account;
mod columns;
mod executions;
mod policies;
mod registries;
mod schedules;
mod settings;
mod system;
pub(crate) mod wire;

use axum::{
    Router, middleware,
    routing::{get, post},
};

use super::{Api, extract, guard};

/// Every route of `/api/v2.0`, and beside it what another Harbor asks: `/api/version` and `/v2/`.
pub(crate) fn routes() -> Router<Api> {
    let json = Router::new()
        .merge(system_routes())
        .merge(absent_routes())
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
        .route(&v2("/systeminfo/getcert"), get(system::root_certificate))
        .route("/api/version", get(system::api_version))
        .route("/v2/", get(absent::registry))
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
        .route(&v2("/systeminfo/volumes"), get(system::volumes))
        .route(&v2("/users/current"), get(account::current_user))
        .route(&v2("/users/current/permissions"), get(account::current_permissions))
        .route(&v2("/permissions"), get(account::permissions))
        .route(&v2("/configurations"), get(settings::show).put(settings::update))
        .route(&v2("/schedules"), get(schedules::list))
        .route(&v2("/schedules/{job_type}/paused"), get(schedules::paused))
}

fn absent_routes() -> Router<Api> {
    let projects = get(absent::none).head(absent::no_project).post(absent::create_project);
    Router::new()
        .route(&v2("/statistics"), get(absent::statistics))
        .route(&v2("/projects"), projects)
        .route(&v2("/repositories"), get(absent::none))
        .route(&v2("/labels"), get(absent::labels))
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
