//! Test Connection: is it a Harbor, and are the credentials good?
//!
//! Good means that the distribution API takes them. `/users/current` refuses robots and
//! project-scoped users, so it only adds what the account may do.

use portolan_sdk::{Endpoint, Health, Result, distribution, http::Request};

use crate::{api, generation::Generation, v1, wire};

pub(crate) fn check(endpoint: &Endpoint) -> Result<Health> {
    if let Generation::V1(harbor) = Generation::of(endpoint)? {
        return v1::health::check(endpoint, &harbor);
    }
    let mut health = distribution::check_health(&api::flow(endpoint), endpoint)?;
    health.product = product(endpoint);
    if !endpoint.has_credentials() {
        return Ok(health);
    }
    let current = api::request(endpoint, Request::get("/api/v2.0/users/current")).send()?;
    let account = match current.status() {
        200 => "user",
        _ => "robot or project-scoped user; projects it pushes to must exist",
    };
    Ok(health.detail("account", account))
}

/// `Harbor` with its version, which Harbor tells to those who are logged in only.
fn product(endpoint: &Endpoint) -> Option<String> {
    let request = api::request(endpoint, Request::get("/api/v2.0/systeminfo"));
    let info = request.send().and_then(|answer| answer.success()?.json::<wire::About>());
    let version = info.ok().and_then(|info| info.harbor_version);
    Some(version.map_or("Harbor 2.x".to_owned(), |version| format!("Harbor {version}")))
}
