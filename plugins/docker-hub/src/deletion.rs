//! Deleting tags and digests.

use portolan_sdk::{
    Action, Endpoint, Error, Result, Scope, distribution,
    http::{self, Request},
};

use crate::{anonymous, api, flow, listing, namespaces, session, wire};

/// Pages of tags that are searched for a digest.
const MAX_PAGES: u32 = 1_000;

/// Deletes one tag; others on the same digest stay. What is gone already is no error.
pub(crate) fn tag(endpoint: &Endpoint, repository: &str, tag: &str) -> Result<()> {
    if !endpoint.has_credentials() {
        return Err(anonymous("deletes"));
    }
    let path = format!("{}{}/", listing::tags_path(repository)?, http::encode(tag));
    let response = api::send(endpoint, Request::delete(path))?;
    match response.status() {
        404 if !response.is_html() => Ok(()),
        _ => response.done(),
    }
}

/// Deletes by digest. The registry refused that for years and still does for some accounts: then
/// every tag on the digest is deleted, which leaves nothing to find it by. What is gone already is
/// no error.
pub(crate) fn artifact(endpoint: &Endpoint, repository: &str, digest: &str) -> Result<()> {
    let (namespace, name) = namespaces::split(repository)?;
    let repository = format!("{namespace}/{name}");
    let scope = Scope { repository: repository.clone(), actions: vec![Action::Delete] };
    match distribution::delete_manifest(&flow(endpoint), &scope, digest) {
        Err(Error::Unsupported(_)) => by_tags(endpoint, &repository, digest),
        // The token was fetched for this: that it is refused says what it may, not who it is.
        Err(Error::Unauthenticated(why)) if session::token(endpoint).is_ok() => {
            Err(Error::Forbidden(format!("{why}; the access token needs the right to delete")))
        }
        result => result,
    }
}

fn by_tags(endpoint: &Endpoint, repository: &str, digest: &str) -> Result<()> {
    let Some(found) = tags_on(endpoint, repository, digest)? else { return Ok(()) };
    if found.is_empty() {
        if !distribution::holds(&flow(endpoint), repository, digest)? {
            return Ok(());
        }
        return Err(Error::Unsupported(format!(
            "Docker Hub deletes images by their tags alone, and none of {repository} is on {digest}"
        )));
    }
    found.iter().try_for_each(|name| tag(endpoint, repository, name))
}

/// The tags on a digest; `None` where the repository has gone.
fn tags_on(endpoint: &Endpoint, repository: &str, digest: &str) -> Result<Option<Vec<String>>> {
    let (path, mut found) = (listing::tags_path(repository)?, Vec::new());
    for page in 1..=MAX_PAGES {
        let found_rows = api::rows_if_any::<wire::Tag>(endpoint, &path, page)?;
        let Some((rows, more)) = found_rows else { return Ok(None) };
        let on_it = |row: &wire::Tag| row.digest.as_deref() == Some(digest);
        found.extend(rows.results.into_iter().filter(on_it).map(|row| row.name));
        if !more {
            return Ok(Some(found));
        }
    }
    Err(Error::Unsupported(format!("{repository} has too many tags to search them for {digest}")))
}
