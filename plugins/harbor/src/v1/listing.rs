//! Repositories by project id, and tags, which Harbor 1.x gives all at once.

use portolan_sdk::{
    Artifact, Endpoint, Page, PageRequest, Result,
    http::{self, Request, Response},
};
use serde::de::DeserializeOwned;

use crate::{api, artifacts::artifact, listing::position, wire};

/// Most tags of one page: the host takes no longer ones.
const MAX_TAGS: usize = 5_000;

/// One page of a project's repositories, and whether another one follows.
pub(crate) fn repositories(
    endpoint: &Endpoint,
    project: u32,
    at: (u32, u32),
) -> Result<(Vec<wire::Repository>, bool)> {
    let query = [("project_id", &*project.to_string())];
    let response = api::get_page(endpoint, "/api/repositories", at, &query)?;
    let named = |name| wire::Repository { name, ..wire::Repository::default() };
    let rows = rows(&response, named)?;
    let more = api::another(&response, at, rows.len());
    Ok((rows, more))
}

/// The rows of an answer: bare names in the first versions, objects later.
fn rows<T: DeserializeOwned>(response: &Response, named: fn(String) -> T) -> Result<Vec<T>> {
    if let Ok(names) = response.json::<Vec<String>>() {
        return Ok(names.into_iter().map(named).collect());
    }
    Ok(response.json::<Option<Vec<T>>>()?.unwrap_or_default())
}

/// One page of a repository's tags, each an artifact: labels are on tags here, not on digests.
/// The cursor is the last tag and the number of the page, since tags may come and go between two
/// calls.
pub(crate) fn artifacts(
    endpoint: &Endpoint,
    repository: &str,
    page: &PageRequest,
) -> Result<Page<Artifact>> {
    let (_, number, last) = position(page)?;
    let tags = tags(endpoint, repository)?;
    let start = match tags.iter().position(|tag| tag.name == last) {
        Some(found) => found.saturating_add(1),
        // Without it the rest begins a place earlier.
        None => (number.saturating_sub(1) as usize).saturating_mul(MAX_TAGS).saturating_sub(1),
    };
    let end = start.saturating_add(MAX_TAGS);
    let last = end.checked_sub(1).filter(|_| end < tags.len());
    let next =
        last.and_then(|last| Some((1, number.saturating_add(1), tags.get(last)?.name.clone())));
    let shown = tags.into_iter().skip(start).take(MAX_TAGS);
    Page::last(shown.map(artifact).collect()).next(next.as_ref())
}

/// Every tag of a repository, in the order of the answer.
pub(super) fn tags(endpoint: &Endpoint, repository: &str) -> Result<Vec<wire::Artifact>> {
    read(&ask(endpoint, repository)?.success()?)
}

/// The same; `None` where Harbor says that the repository is not there. A web page does not.
pub(super) fn tags_if_any(
    endpoint: &Endpoint,
    repository: &str,
) -> Result<Option<Vec<wire::Artifact>>> {
    let response = ask(endpoint, repository)?;
    if response.status() == 404 && !response.is_html() {
        return Ok(None);
    }
    read(&response.success()?).map(Some)
}

fn ask(endpoint: &Endpoint, repository: &str) -> Result<Response> {
    api::request(endpoint, Request::get(path(repository)?)).send()
}

fn read(response: &Response) -> Result<Vec<wire::Artifact>> {
    rows(response, |name| wire::Artifact { name, ..wire::Artifact::default() })
}

/// The path of a repository's tags; its slashes are not escaped.
pub(super) fn path(repository: &str) -> Result<String> {
    api::split(repository)?;
    Ok(format!("/api/repositories/{}/tags", http::encode_path(repository)))
}
