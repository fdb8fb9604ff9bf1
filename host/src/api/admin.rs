//! Our own API, `/api/portolan/v1`: what Harbor has no words for.

mod audit;
mod backup;
mod endpoints;
mod events;
mod executions;
mod keys;
mod limits;
mod logs;
mod plans;
mod plugins;
mod sessions;
mod tokens;
mod users;
mod version;
mod webhooks;

use std::time::Duration;

use axum::{
    Router,
    routing::{delete, get, post, put},
};

use super::{Api, guard};

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
        .route(&v1("/version"), get(version::show))
        .route(&v1("/audit"), get(audit::list))
        .route(&v1("/backup"), post(backup::make))
        .route(&v1("/key/rotate"), post(keys::rotate))
        .route(&v1("/policies/{id}/plan"), get(plans::of_policy).post(plans::of_policy))
        .route(&v1("/plans"), post(plans::of_body))
        .route(&v1("/executions/{id}/retry"), post(executions::retry))
        .route(&v1("/executions/{id}/events"), get(events::of_execution))
        .route(&v1("/events"), get(events::of_all))
        .route(&v1("/executions/{id}/tasks/{task_id}/log"), get(logs::tail))
        .route_layer(guard::at_most(guard::REQUEST_TIME));
    let endpoints = Router::new()
        .route(&v1("/endpoints"), get(endpoints::list).post(endpoints::create))
        .route(&v1("/endpoints/{id}"), get(endpoints::show).put(endpoints::update))
        .route(&v1("/endpoints/{id}/webhook"), get(webhooks::show))
        .route(&v1("/endpoints/{id}/limits"), get(limits::show))
        .route(&v1("/endpoints/{id}/repositories"), get(endpoints::repositories))
        .route(&v1("/endpoints/{id}/repositories/{name}/artifacts"), get(endpoints::artifacts))
        .route(
            &v1("/endpoints/{id}/repositories/{name}/artifacts/{reference}"),
            get(endpoints::artifact),
        )
        .route_layer(guard::at_most(guard::REQUEST_TIME));
    plugins.merge(accounts).merge(endpoints).merge(others)
}

fn v1(path: &str) -> String {
    format!("/api/portolan/v1{path}")
}
