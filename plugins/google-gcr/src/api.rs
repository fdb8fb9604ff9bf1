//! Requests to Artifact Registry's management API, as the key file's service account.

use portolan_sdk::{
    Error, Result, UpstreamError,
    http::{self, Request, Response},
    signing::google::{CLOUD_PLATFORM, ServiceAccount},
};
use serde::de::DeserializeOwned;

use crate::wire;

/// Where it is.
pub(crate) const HOST: &str = "https://artifactregistry.googleapis.com";

/// Largest page it gives.
pub(crate) const MAX_PAGE: u32 = 1000;

/// Longest text taken from it, in characters.
const MAX_TEXT: usize = 300;

/// The address of a location's repositories.
pub(crate) fn repositories_url(project: &str, location: &str) -> String {
    let (project, location) = (http::encode(project), http::encode(location));
    format!("{HOST}/v1/projects/{project}/locations/{location}/repositories")
}

/// One page of a list.
pub(crate) fn page<T: DeserializeOwned>(
    account: &ServiceAccount<'_>,
    url: &str,
    token: &str,
) -> Result<T> {
    let mut get = Request::get(url).query("pageSize", MAX_PAGE);
    if !token.is_empty() {
        get = get.query("pageToken", token);
    }
    success(ask(account, &get)?)?.json()
}

/// Sends a request, and once more with a fresh token where the first is refused: one that was
/// revoked lives on in the cache.
pub(crate) fn ask(account: &ServiceAccount<'_>, request: &Request) -> Result<Response> {
    let send = || {
        let token = account.token(CLOUD_PLATFORM)?;
        request.clone().bearer(&token).send()
    };
    let first = send()?;
    if first.status() != 401 {
        return Ok(first);
    }
    account.forget(CLOUD_PLATFORM);
    send()
}

/// Passes an answer below 400 on.
pub(crate) fn success(response: Response) -> Result<Response> {
    if response.status() < 400 { Ok(response) } else { Err(failure(&response)) }
}

/// The error of an answer, with Google's own words where it has some.
pub(crate) fn failure(response: &Response) -> Error {
    let error = response.error();
    let Ok(fault) = response.json::<wire::Fault>() else { return error };
    let wire::Status { status, message, .. } = fault.error;
    let said: String = message.lines().next().unwrap_or_default().chars().take(MAX_TEXT).collect();
    let text = format!("{} answered {}: {status}: {said}", response.what(), response.status());
    match error {
        Error::Unauthenticated(_) => Error::Unauthenticated(text),
        Error::Forbidden(_) => Error::Forbidden(format!(
            "{text}; the service account needs the role Artifact Registry Reader (Writer to push) \
             in this project, and the project the Artifact Registry API turned on"
        )),
        Error::NotFound(_) => Error::NotFound(text),
        Error::Conflict(_) => Error::Conflict(text),
        Error::RateLimited(mut limit) => {
            limit.message = text;
            Error::RateLimited(limit)
        }
        Error::Upstream(error) => {
            Error::Upstream(UpstreamError { message: text, code: Some(status), ..error })
        }
        other => other,
    }
}
