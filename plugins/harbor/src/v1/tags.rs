//! Deletes of Harbor 1.x: by tag alone, and the manifest goes with every tag on it.

use portolan_sdk::{Endpoint, Error, Result, distribution, http};

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
    Ok(listing::tags_if_any(endpoint, repository)?.unwrap_or_default())
}

fn delete(endpoint: &Endpoint, repository: &str, tag: &str) -> Result<()> {
    let path = format!("{}/{}", listing::path(repository)?, http::encode(tag));
    // Its refusals are plain text.
    api::delete(endpoint, &path, |response| !response.is_html())
}

/// What has no tag is shown by the distribution API alone, and cannot be deleted there.
fn is_gone(endpoint: &Endpoint, repository: &str, digest: &str) -> Result<()> {
    if !distribution::holds(&api::flow(endpoint), repository, digest)? {
        return Ok(());
    }
    Err(Error::Unsupported(format!(
        "{repository} on {} holds {digest} without a tag, and Harbor 1.x deletes by tag alone: its \
         garbage collection removes it",
        endpoint.url
    )))
}
