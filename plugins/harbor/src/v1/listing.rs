//! Repositories by project id, and tags, which Harbor 1.x gives all at once.

use portolan_sdk::{
    Artifact, Endpoint, Page, PageRequest, Result,
    http::{self, Request},
    time,
};

use crate::{
    api,
    wire::{Listed, Repository, Tag},
};

/// Most tags of one page: the host takes no longer ones.
const MAX_TAGS: usize = 5_000;

/// One page of a project's repositories, and whether another one follows.
pub(crate) fn repositories(
    endpoint: &Endpoint,
    project: i64,
    at: (u32, u32),
) -> Result<(Vec<Repository>, bool)> {
    let query = [("project_id", &*project.to_string())];
    let (rows, more) = api::list::<Listed<Repository>>(endpoint, "/api/repositories", at, &query)?;
    let repository = |row| match row {
        Listed::Bare(name) => Repository { name, ..Repository::default() },
        Listed::Whole(row) => row,
    };
    Ok((rows.into_iter().map(repository).collect(), more))
}

/// One page of a repository's tags, each an artifact: labels are on tags here, not on digests.
/// The cursor is the last name; the list is sorted, so that it holds while tags come and go.
pub(crate) fn artifacts(
    endpoint: &Endpoint,
    repository: &str,
    page: &PageRequest,
) -> Result<Page<Artifact>> {
    let after: Option<String> = page.position()?;
    let mut tags = tags(endpoint, repository)?;
    tags.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    tags.retain(|tag| after.as_ref().is_none_or(|after| tag.name > *after));
    let more = tags.len() > MAX_TAGS;
    tags.truncate(MAX_TAGS);
    let next = tags.last().map(|tag| tag.name.clone()).filter(|_| more);
    Page::last(tags.into_iter().map(artifact).collect()).next(next.as_ref())
}

/// Every tag of a repository, in the order of the answer.
pub(super) fn tags(endpoint: &Endpoint, repository: &str) -> Result<Vec<Tag>> {
    let get = Request::get(path(repository)?);
    let response = api::request(endpoint, get).send()?.success()?;
    let rows: Option<Vec<Listed<Tag>>> = response.json()?;
    let tag = |row| match row {
        Listed::Bare(name) => Tag { name, ..Tag::default() },
        Listed::Whole(tag) => tag,
    };
    Ok(rows.unwrap_or_default().into_iter().map(tag).collect())
}

/// The path of a repository's tags; its slashes are not escaped.
pub(super) fn path(repository: &str) -> Result<String> {
    api::split(repository)?;
    Ok(format!("/api/repositories/{}/tags", http::encode_path(repository)))
}

fn artifact(tag: Tag) -> Artifact {
    let labels = tag.labels.unwrap_or_default().into_iter().map(|label| label.name);
    Artifact {
        digest: tag.digest.filter(|digest| !digest.is_empty()),
        size: tag.size,
        pushed: tag.push_time.as_deref().and_then(time::rfc3339),
        labels: labels.collect(),
        ..Artifact::new(vec![tag.name])
    }
}
