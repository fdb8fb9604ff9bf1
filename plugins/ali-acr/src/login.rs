//! The login of an hour that the management API gives out for the registry, and the token flow
//! with it. The AccessKey itself never goes to the registry or its token service.

use portolan_sdk::{
    Auth, Challenge, Endpoint, Error, Grant, Health, Result, Scope, cache, http::Request,
    signing::alibaba::Account, time, token::Flow,
};
use serde::{Deserialize, Serialize};

use crate::{
    api::Api,
    instance::{Instance, base},
};

const KEY: &str = "login";

/// Shortest life that is taken for true, in seconds: a clock that is wrong must not make every
/// call ask anew.
const MIN_LIFE: u64 = 60;

/// Longest; the documents say an hour.
const MAX_LIFE: u64 = 3600;

/// A login is no longer used this long before its end, in seconds.
const MARGIN: u64 = 120;

#[derive(Serialize, Deserialize)]
struct Login {
    username: String,
    password: String,
}

impl Login {
    fn auth(&self) -> Auth {
        Auth::temporary(&self.username, &self.password)
    }
}

/// Asks for a login, which proves the AccessKey.
fn fetch(api: &Api<'_>) -> Result<Login> {
    let mut answer = match &api.instance.id {
        Some(id) => api.ask(id, "GetAuthorizationToken", &[])?,
        None => api.get("/tokens", &[])?,
    };
    let end = answer.expires.map_or(0, |milliseconds| milliseconds / 1000);
    let life = end.saturating_sub(time::now()).saturating_sub(MARGIN).clamp(MIN_LIFE, MAX_LIFE);
    let (username, password) = answer.login()?;
    let login = Login { username, password };
    cache::set(KEY, &login, u32::try_from(life).unwrap_or_default());
    Ok(login)
}

/// The token flow of the endpoint's registry, without a login.
fn anonymous(endpoint: &Endpoint) -> Flow<'_> {
    Flow::new(endpoint).at(&base(endpoint))
}

/// Does something with the token flow; once more with a new login where the one that was kept is
/// refused.
pub(crate) fn with_flow<T>(
    endpoint: &Endpoint,
    work: impl Fn(&Flow<'_>) -> Result<T>,
) -> Result<T> {
    if !endpoint.has_credentials() {
        return work(&anonymous(endpoint));
    }
    let api = Api::of(endpoint)?;
    if let Some(kept) = cache::get::<Login>(KEY) {
        match work(&anonymous(endpoint).login(kept.auth())) {
            Err(Error::Unauthenticated(_)) => cache::remove(KEY),
            result => return result,
        }
    }
    work(&anonymous(endpoint).login(fetch(&api)?.auth()))
}

/// The authority for `scopes`.
pub(crate) fn authorize(
    endpoint: &Endpoint,
    scopes: &[Scope],
    challenge: Option<&Challenge>,
) -> Result<Grant> {
    with_flow(endpoint, |flow| flow.authorize(scopes, challenge))
}

/// Is it a registry of Alibaba Cloud, is the AccessKey good, and does the registry take the login
/// that it gives?
pub(crate) fn check_health(endpoint: &Endpoint) -> Result<Health> {
    let instance = Instance::detect(endpoint)?;
    let health = |authenticated| {
        let mut health = Health::new(authenticated)
            .detail("edition", instance.edition())
            .detail("region", &instance.region);
        health.product = Some("Alibaba Cloud Container Registry".to_owned());
        match &instance.id {
            Some(id) => health.detail("instance", id),
            None => health,
        }
    };
    if !endpoint.has_credentials() {
        let note = "without an AccessKey nothing can be listed; public images are pulled by name";
        return Ok(health(false).detail("note", note));
    }
    let api = Api::new(endpoint, instance.clone(), Account::of(endpoint)?);
    let flow = anonymous(endpoint).login(fetch(&api)?.auth());
    let response = flow.send(Request::get(flow.url("/v2/")), &[])?;
    match response.status() {
        200 => Ok(health(true)),
        401 | 403 => Err(Error::Unauthenticated(format!(
            "the AccessKey is good, but the registry does not take the login it gives: {}; does \
             the instance belong to another account?",
            response.error().text()
        ))),
        400.. => Err(response.error()),
        _ => Err(portolan_sdk::token::not_a_registry(&base(endpoint), &response)),
    }
}
