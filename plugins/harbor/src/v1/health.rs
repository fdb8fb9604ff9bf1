//! Test Connection of a Harbor 1.x: `/users/current` knows users, the token service robots too.

use portolan_sdk::{Endpoint, Error, Health, Result, distribution, http::Request};

use crate::{api, generation::V1};

/// What the names of robot accounts begin with.
const ROBOT: &str = "robot$";

pub(crate) fn check(endpoint: &Endpoint, harbor: &V1) -> Result<Health> {
    let account = account(endpoint)?;
    let mut health = distribution::check_health(&api::flow(endpoint), endpoint)?;
    health.product = Some(harbor.product());
    // The host knows this one: OCI artifacts came with 2.0.
    health = health.detail("resources", "image");
    if let Some(account) = account {
        health = health.detail("account", account);
    }
    match &harbor.admiral {
        Some(admiral) => Ok(health.detail("projects", format!("kept by Admiral {admiral}"))),
        None => Ok(health),
    }
}

/// Who the credentials are; `None` where there are none.
fn account(endpoint: &Endpoint) -> Result<Option<&'static str>> {
    let name = endpoint.access_key.as_deref().unwrap_or_default();
    if !endpoint.has_credentials() {
        return Ok(None);
    }
    if name.starts_with(ROBOT) {
        return Ok(Some("robot; projects it pushes to must exist"));
    }
    let response = api::request(endpoint, Request::get("/api/users/current")).send()?;
    match response.status() {
        401 => Err(Error::Unauthenticated(format!(
            "{} refused the credentials of `{name}`: check the user name and the password ({})",
            endpoint.url,
            response.error().text()
        ))),
        _ => response.success().map(|_| Some("user")),
    }
}
