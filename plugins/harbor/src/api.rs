//! Paths and paging of the management API.
//!
//! Every call carries Basic and no cookie: a session cookie would make Harbor ask for a CSRF
//! token on writes.

use portolan_sdk::{
    Endpoint, Result,
    http::{self, Request, Response},
    token,
};
use serde::de::DeserializeOwned;

use crate::too_short;

/// Largest page of this API.
pub(crate) const MAX_PAGE: u32 = 100;

/// Pages after which a listing is taken for endless.
const MAX_PAGES: u32 = 100_000;

/// A request with the endpoint's credentials, where it has any.
pub(crate) fn request(endpoint: &Endpoint, request: Request) -> Request {
    request.auth(endpoint.auth())
}

/// One page of a list, and whether another one follows.
pub(crate) fn list<T: DeserializeOwned>(
    endpoint: &Endpoint,
    path: &str,
    at: (u32, u32),
    query: &[(&str, &str)],
) -> Result<(Vec<T>, bool)> {
    let response = get_page(endpoint, path, at, query)?;
    let rows: Option<Vec<T>> = response.json()?;
    let rows = rows.unwrap_or_default();
    let more = another(&response, at, rows.len());
    Ok((rows, more))
}

pub(crate) fn get_page(
    endpoint: &Endpoint,
    path: &str,
    (page, size): (u32, u32),
    query: &[(&str, &str)],
) -> Result<Response> {
    let mut get = Request::get(path).query("page", page).query("page_size", size);
    for (name, value) in query {
        get = get.query(name, value);
    }
    request(endpoint, get).send()?.success()
}

/// Whether a page follows: by the link, by the total, or by a page that is full.
pub(crate) fn another(response: &Response, (page, size): (u32, u32), rows: usize) -> bool {
    let total = response.header("X-Total-Count").and_then(|total| total.parse::<u64>().ok());
    match total {
        _ if rows == 0 || page >= MAX_PAGES => false,
        _ if response.link_next().is_some() => true,
        Some(total) => total > u64::from(page) * u64::from(size),
        None => rows >= size as usize,
    }
}

/// Deletes; what is gone already is no error. A 404 that Harbor itself did not give says nothing of
/// what it holds.
pub(crate) fn delete(endpoint: &Endpoint, path: &str, is_its: fn(&Response) -> bool) -> Result<()> {
    let response = request(endpoint, Request::delete(path)).send()?;
    match response.status() {
        404 if is_its(&response) => Ok(()),
        _ => response.done(),
    }
}

/// Whether a refusal has the codes that Harbor 2.x gives.
pub(crate) fn has_codes(response: &Response) -> bool {
    !response.error_codes().is_empty()
}

/// Project and repository path of a full name.
pub(crate) fn split(repository: &str) -> Result<(&str, &str)> {
    match repository.split_once('/') {
        Some((project, rest)) if !project.is_empty() && !rest.is_empty() => Ok((project, rest)),
        _ => Err(too_short(repository)),
    }
}

/// The path of a repository's artifacts. The path below the project is encoded twice: Harbor's
/// router decodes it once before it looks for slashes.
pub(crate) fn artifacts_path(repository: &str) -> Result<String> {
    let (project, rest) = split(repository)?;
    let (project, rest) = (http::encode(project), http::encode(&http::encode(rest)));
    Ok(format!("/api/v2.0/projects/{project}/repositories/{rest}/artifacts"))
}

/// The token flow of this endpoint: the service announced, the realm always Harbor's own below
/// the endpoint. A Harbor behind another name announces that name, and the password is not
/// to go there.
pub(crate) fn flow(endpoint: &Endpoint) -> token::Flow<'_> {
    token::Flow::new(endpoint).realm("/service/token")
}
