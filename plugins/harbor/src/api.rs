//! Paths, paging and the version of the management API.
//!
//! Every call carries Basic and no cookie: a session cookie would make Harbor ask for a CSRF
//! token on writes.

use portolan_sdk::{
    Endpoint, Error, Result, cache,
    http::{self, Request, Response},
    token,
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{too_short, wire};

/// Largest page of this API.
pub(crate) const MAX_PAGE: u32 = 100;

/// Pages after which a listing is taken for endless.
const MAX_PAGES: u32 = 100_000;

/// How long a version is believed, in seconds.
const VERSION_TTL: u32 = 600;

/// Which generation of the API an endpoint speaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
enum Generation {
    V2,
    /// With the product's version, where it tells.
    V1(Option<String>),
}

/// Refuses Harbor 1.x, and whatever is no Harbor.
pub(crate) fn require_v2(endpoint: &Endpoint) -> Result<()> {
    const KEY: &str = "generation";
    let generation = match cache::get(KEY) {
        Some(generation) => generation,
        None => {
            let found = generation(endpoint)?;
            cache::set(KEY, &found, VERSION_TTL);
            found
        }
    };
    let Generation::V1(version) = generation else { return Ok(()) };
    let version = version.unwrap_or_else(|| "1.x".to_owned());
    Err(Error::Unsupported(format!(
        "{} is Harbor {version}: this adapter needs Harbor 2.0 or later; \
         use the provider `docker-registry` for it, into projects that exist",
        endpoint.url
    )))
}

fn generation(endpoint: &Endpoint) -> Result<Generation> {
    let response = request(endpoint, Request::get("/api/version")).send()?;
    match response.status() {
        200 => match response.json::<wire::About>().map(|about| about.version) {
            Ok(Some(version)) if version.trim_start_matches('v').starts_with("1.") => {
                Ok(Generation::V1(Some(version)))
            }
            Ok(Some(_)) => Ok(Generation::V2),
            Ok(None) | Err(_) => first_generation(endpoint, &response),
        },
        404 => first_generation(endpoint, &response),
        // Some set-ups refuse a project's robot even here; what it may do shows later.
        401 | 403 if !response.is_html() => Ok(Generation::V2),
        400.. => Err(response.error()),
        _ => Err(no_harbor(endpoint, &response)),
    }
}

/// Harbor 1.x has no `/api/version`, and answers there with the portal's page in some versions.
fn first_generation(endpoint: &Endpoint, version: &Response) -> Result<Generation> {
    let response = Request::get("/api/systeminfo").send()?;
    match response.success().and_then(|answer| answer.json::<wire::About>()) {
        Ok(info) => Ok(Generation::V1(info.harbor_version)),
        Err(error @ (Error::RateLimited(_) | Error::Upstream(_))) => Err(error),
        Err(_) => Err(no_harbor(endpoint, version)),
    }
}

fn no_harbor(endpoint: &Endpoint, response: &Response) -> Error {
    let shown = if response.is_html() { "a web page".to_owned() } else { "no version".to_owned() };
    Error::MalformedResponse(format!(
        "{} is not a Harbor: {} answered {shown} (status {}); check the address, \
         or choose the provider `docker-registry`",
        endpoint.url,
        response.what(),
        response.status()
    ))
}

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

fn get_page(
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
fn another(response: &Response, (page, size): (u32, u32), rows: usize) -> bool {
    let total = response.header("X-Total-Count").and_then(|total| total.parse::<u64>().ok());
    match total {
        _ if rows == 0 || page >= MAX_PAGES => false,
        _ if response.link_next().is_some() => true,
        Some(total) => total > u64::from(page) * u64::from(size),
        None => rows >= size as usize,
    }
}

/// Deletes; what is gone already is no error.
pub(crate) fn delete(endpoint: &Endpoint, path: &str) -> Result<()> {
    require_v2(endpoint)?;
    let response = request(endpoint, Request::delete(path)).send()?;
    match response.status() {
        404 => Ok(()),
        _ => response.success().map(drop),
    }
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
