//! Deleting a tag, or an artifact with every tag on it. What is gone already is no error.
//!
//! A registry may refuse to delete a tag (the reference implementation 2.x does). Then the manifest
//! goes by its digest, but only where no other tag would go with it.

use portolan_sdk::{
    Action, Endpoint, Error, PageRequest, Result, Scope, distribution,
    http::{self, Request},
    token::{self, Flow},
};

/// Most tags of a repository that are compared with the one that is to go: a request for each.
const MAX_TAGS: u32 = 100;

/// Deletes a tag and leaves others on the same digest.
pub(crate) fn tag(endpoint: &Endpoint, repository: &str, tag: &str) -> Result<()> {
    if tag.contains(':') {
        return Err(Error::InvalidInput(format!(
            "`{tag}` is a digest and no tag: deleting it would delete every tag on it"
        )));
    }
    let (flow, scope) = (Flow::new(endpoint), deleting(repository));
    let path = format!("/v2/{}/manifests/{}", http::encode_path(repository), http::encode(tag));
    let response = flow.send(Request::delete(flow.url(&path)), &[token::scope_text(&scope)])?;
    match response.status() {
        _ if response.is_html() => Err(response.error()),
        404 => Ok(()),
        400 | 405 => by_digest(&flow, &scope, tag),
        _ => response.done(),
    }
}

/// Deletes a manifest with every tag on it.
pub(crate) fn artifact(endpoint: &Endpoint, repository: &str, digest: &str) -> Result<()> {
    if !digest.contains(':') {
        return Err(Error::InvalidInput(format!(
            "`{digest}` is no digest: an artifact is deleted by `sha256:…`"
        )));
    }
    distribution::delete_manifest(&Flow::new(endpoint), &deleting(repository), digest)
}

fn deleting(repository: &str) -> Scope {
    Scope { repository: repository.to_owned(), actions: vec![Action::Delete] }
}

fn by_digest(flow: &Flow<'_>, scope: &Scope, tag: &str) -> Result<()> {
    let repository = &scope.repository;
    let Some(digest) = distribution::digest_of(flow, repository, tag)? else { return Ok(()) };
    let page = PageRequest { cursor: None, limit: MAX_TAGS };
    let tags = distribution::tags(flow, repository, &page)?;
    if tags.next.is_some() || tags.items.len() > MAX_TAGS as usize {
        return Err(alone(tag, &format!("{repository} has more than {MAX_TAGS} tags to look at")));
    }
    for other in tags.items.iter().flat_map(|row| &row.tags).filter(|other| *other != tag) {
        if distribution::digest_of(flow, repository, other)?.as_ref() == Some(&digest) {
            return Err(alone(tag, &format!("`{other}` is on the same image, and would go, too")));
        }
    }
    distribution::delete_manifest(flow, scope, &digest)
}

fn alone(tag: &str, why: &str) -> Error {
    Error::Unsupported(format!(
        "the registry deletes no tag, only images by their digest, and `{tag}` cannot go so: {why}"
    ))
}
