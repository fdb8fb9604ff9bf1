//! The short-lived token of the Hub's own API.

use portolan_sdk::{
    Endpoint, Error, Result, TemplateFormat, cache,
    http::{Request, Response},
};

use crate::wire;

/// The one address that gets the secret in its body.
pub(crate) const LOGIN: &str = "/v2/auth/token";

/// The Hub's tokens live ten minutes.
const TTL: u32 = 9 * 60;

const KEY: &str = "session";

/// A token, from the cache where there is one.
pub(crate) fn token(endpoint: &Endpoint) -> Result<String> {
    match cache::get(KEY) {
        Some(token) => Ok(token),
        None => fresh(endpoint),
    }
}

/// A new token, which proves the credentials.
pub(crate) fn fresh(endpoint: &Endpoint) -> Result<String> {
    let user = endpoint.access_key.as_deref().unwrap_or_default();
    let identifier = serde_json::to_string(user)?;
    let body = format!(r#"{{"identifier":{identifier},"secret":"${{secret}}"}}"#);
    let response = Request::post(LOGIN).template(TemplateFormat::Json, body).send()?;
    if matches!(response.status(), 400 | 401) {
        return Err(refused(user, &response));
    }
    let session: wire::Session = response.success()?.json()?;
    cache::set(KEY, &session.access_token, TTL);
    Ok(session.access_token)
}

/// Forgets the token, for the next call to fetch another.
pub(crate) fn forget() {
    cache::remove(KEY);
}

fn refused(user: &str, response: &Response) -> Error {
    let why = response.error();
    Error::Unauthenticated(format!(
        "Docker Hub refused the credentials of `{user}` ({}): check the user name, and give a \
         personal access token in place of the password where two-factor or single sign-on is on",
        why.text()
    ))
}
