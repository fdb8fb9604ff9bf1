//! Test Connection: is it a registry of Azure, does its firewall let us in, are the credentials
//! good?

use portolan_sdk::{
    Endpoint, Error, Health, Result,
    http::{Request, Response},
    token::not_a_registry,
};

use crate::authority;

pub(crate) fn check(endpoint: &Endpoint) -> Result<Health> {
    let flow = authority::flow(endpoint);
    let probe = flow.probe().map_err(|error| advise(endpoint, error))?;
    match probe.response().status() {
        401 if probe.is_registry() => {}
        200 if probe.is_registry() => return Err(asks_nothing(endpoint)),
        403 => return Err(advise(endpoint, probe.response().error())),
        _ => return Err(probe.refusal(&endpoint.url)),
    }
    if !endpoint.has_credentials() {
        return Ok(health(probe.response(), false));
    }
    let ping = flow.send(Request::get("/v2/"), &[]);
    let response = ping.map_err(|error| advise(endpoint, error))?;
    match response.status() {
        200 => Ok(health(&response, true)),
        400.. => Err(advise(endpoint, response.error())),
        _ => Err(not_a_registry(&endpoint.url, &response)),
    }
}

fn health(response: &Response, authenticated: bool) -> Health {
    let server = response.header("Server").unwrap_or_default();
    let named = server.contains("AzureContainerRegistry");
    Health {
        product: named.then(|| "Azure Container Registry".to_owned()),
        ..Health::new(authenticated)
    }
}

fn asks_nothing(endpoint: &Endpoint) -> Error {
    Error::MalformedResponse(format!(
        "{} asks for no credentials, as a registry of Azure always does; check the address, or \
         choose the provider `docker-registry`",
        endpoint.url
    ))
}

/// Adds what to do.
fn advise(endpoint: &Endpoint, error: Error) -> Error {
    match error {
        Error::Unauthenticated(text) => Error::Unauthenticated(format!(
            "{} does not accept the credentials: {text}; the access ID is an application id, the \
             admin user or a token's name, and its secret may have expired",
            endpoint.url
        )),
        Error::Forbidden(text) => Error::Forbidden(format!(
            "{} does not let this host in: {text}; allow the address it comes from in the registry's \
             networking settings",
            endpoint.url
        )),
        other => other,
    }
}
