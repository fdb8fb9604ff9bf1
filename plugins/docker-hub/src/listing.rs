//! Repositories of every namespace of the account, and tags with their digests.

use portolan_sdk::{
    Artifact, Endpoint, Error, Page, PageRequest, Repository, RepositoryFilter, Result, http,
};
use serde::{Deserialize, Serialize};

use crate::{api, namespaces, wire};

/// Requests after which a call returns what it has; bounds it where many namespaces are empty.
const MAX_REQUESTS: u32 = 20;

/// Where a listing of repositories stands. `namespace` empty: at the first.
#[derive(Clone, Serialize, Deserialize)]
struct Position {
    namespace: String,
    page: u32,
}

impl Default for Position {
    fn default() -> Self {
        Self { namespace: String::new(), page: 1 }
    }
}

/// One page of repositories: of the namespace that the filter's prefix names, which needs no
/// account where it is public, or of all of the account's.
pub(crate) fn repositories(
    endpoint: &Endpoint,
    filter: &RepositoryFilter,
    page: &PageRequest,
) -> Result<Page<Repository>> {
    let prefix = filter.prefix.as_deref().unwrap_or_default();
    let (all, own) = match prefix.split_once('/') {
        Some((namespace, _)) => (vec![namespace.to_owned()], false),
        None if endpoint.has_credentials() => (namespaces::of_account(endpoint)?, true),
        None => return Err(nothing_to_list()),
    };
    let mut at: Position = page.position()?;
    let mut items = Vec::new();
    let mut left =
        all.iter().filter(|name| **name >= at.namespace && name.starts_with(prefix_of(prefix)));
    let Some(mut namespace) = left.next() else { return Ok(Page::empty()) };
    if *namespace != at.namespace {
        at.page = 1;
    }
    for _ in 0..MAX_REQUESTS {
        let more = in_namespace(endpoint, (namespace, own), at.page, &mut items)?;
        if more {
            at.page = at.page.saturating_add(1);
        } else if let Some(next) = left.next() {
            (namespace, at.page) = (next, 1);
        } else {
            return Ok(Page::last(items));
        }
        if items.len() >= page.size(1000) as usize {
            break;
        }
    }
    at.namespace.clone_from(namespace);
    Page::last(items).next(Some(&at))
}

/// The part of a prefix that a namespace must begin with.
fn prefix_of(prefix: &str) -> &str {
    prefix.split('/').next().unwrap_or_default()
}

fn nothing_to_list() -> Error {
    Error::Unsupported(
        "Docker Hub lists nothing without an account: name the repositories in the rule \
         (`library/alpine`), or give the endpoint a user name and an access token"
            .to_owned(),
    )
}

/// Adds one page of a namespace, which may be of the account's own list; says whether another one
/// follows.
fn in_namespace(
    endpoint: &Endpoint,
    (namespace, own): (&str, bool),
    page: u32,
    items: &mut Vec<Repository>,
) -> Result<bool> {
    let path = format!("/v2/repositories/{}/", http::encode(namespace));
    let (rows, more) = if own && page == 1 {
        // An organisation may have been left, or deleted, since the namespaces were listed.
        let Some(rows) = api::rows_if_any(endpoint, &path, page)? else { return Ok(false) };
        rows
    } else {
        api::rows::<wire::Repository>(endpoint, &path, page)?
    };
    let images = rows.results.into_iter().filter(is_image);
    items.extend(images.map(|row| Repository {
        description: row.description.filter(|text| !text.is_empty()),
        updated: row.last_updated,
        private: row.is_private,
        ..Repository::new([&*row.namespace, "/", &row.name].concat())
    }));
    Ok(more)
}

/// The Hub keeps engine plug-ins under the same names.
fn is_image(row: &wire::Repository) -> bool {
    matches!(row.repository_type.as_deref(), None | Some("" | "image"))
}

/// The path of a repository's tags.
pub(crate) fn tags_path(repository: &str) -> Result<String> {
    let (namespace, name) = namespaces::split(repository)?;
    let (namespace, name) = (http::encode(namespace), http::encode(name));
    Ok(format!("/v2/repositories/{namespace}/{name}/tags/"))
}

/// One page of tags, with digests and sizes.
pub(crate) fn artifacts(
    endpoint: &Endpoint,
    repository: &str,
    page: &PageRequest,
) -> Result<Page<Artifact>> {
    let number = page.position::<u32>()?.max(1);
    let (rows, more) = api::rows::<wire::Tag>(endpoint, &tags_path(repository)?, number)?;
    let next = number.saturating_add(1);
    let total = rows.count;
    let items = rows.results.into_iter().map(artifact).collect();
    Page { items, next: None, total }.next(more.then_some(&next))
}

fn artifact(row: wire::Tag) -> Artifact {
    Artifact {
        digest: row.digest.filter(|digest| !digest.is_empty()),
        media_type: row.media_type.filter(|kind| !kind.is_empty()),
        size: row.full_size,
        pushed: row.last_updated,
        ..Artifact::new(vec![row.name])
    }
}
