//! Deletes of Harbor 1.x: by tag alone, and the manifest goes with every tag on it.

use portolan_sdk::{
    Action, Endpoint, Error, Result, Scope,
    http::{self, Request},
    token,
};

use super::listing;
use crate::{api, wire};

/// Deletes one tag, where it is the only one of its manifest.
pub(crate) fn delete_tag(endpoint: &Endpoint, repository: &str, tag: &str) -> Result<()> {
    let tags = tags_if_any(endpoint, repository)?;
    let Some(found) = tags.iter().find(|one| one.name == tag) else { return Ok(()) };
    let same = |one: &&wire::Artifact| one.digest == found.digest && one.name != tag;
    let others: Vec<String> =
        tags.iter().filter(same).map(|one| format!("`{}`", one.name)).collect();
    if others.is_empty() {
        return delete(endpoint, repository, tag);
    }
    Err(Error::Unsupported(format!(
        "Harbor 1.x at {} deletes the manifest with a tag, and {repository} has {} on that of \
         `{tag}`, too: nothing was deleted; move `{tag}` to another image first, or delete the \
         artifact {} with all its tags",
        endpoint.url,
        others.join(", "),
        found.digest,
    )))
}

/// Deletes a manifest with every tag on it, through one of them.
pub(crate) fn delete_artifact(endpoint: &Endpoint, repository: &str, digest: &str) -> Result<()> {
    let tags = tags_if_any(endpoint, repository)?;
    let of_it = tags.iter().find(|tag| tag.digest == digest);
    match of_it {
        Some(tag) => delete(endpoint, repository, &tag.name),
        None => is_gone(endpoint, repository, digest),
    }
}

fn tags_if_any(endpoint: &Endpoint, repository: &str) -> Result<Vec<wire::Artifact>> {
    match listing::tags(endpoint, repository) {
        Err(Error::NotFound(_)) => Ok(Vec::new()),
        tags => tags,
    }
}

fn delete(endpoint: &Endpoint, repository: &str, tag: &str) -> Result<()> {
    api::delete(endpoint, &format!("{}/{}", listing::path(repository)?, http::encode(tag)))
}

/// What has no tag is shown by the distribution API alone, and cannot be deleted there.
fn is_gone(endpoint: &Endpoint, repository: &str, digest: &str) -> Result<()> {
    let flow = api::flow(endpoint);
    let path = format!("/v2/{}/manifests/{digest}", http::encode_path(repository));
    let head = Request::head(flow.url(&path)).accept(&super::MANIFESTS.join(", "));
    let scope = Scope { repository: repository.to_owned(), actions: vec![Action::Pull] };
    let response = flow.send(head, &[token::scope_text(&scope)])?;
    match response.status() {
        404 => Ok(()),
        400.. => Err(response.error()),
        _ => Err(Error::Unsupported(format!(
            "{repository} on {} holds {digest} without a tag, and Harbor 1.x deletes by tag alone: \
             its garbage collection removes it",
            endpoint.url
        ))),
    }
}
