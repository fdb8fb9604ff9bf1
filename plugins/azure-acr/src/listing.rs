//! The catalog, and the tags with their digests, page by page.
//!
//! Tags come from the registry's own API. Where that is not there, from the distribution API; the
//! cursor then begins with `v2?`.

use portolan_sdk::{
    Artifact, Endpoint, Page, PageRequest, Repository, Result, distribution, http, log, time,
};
use serde::Deserialize;

use crate::authority;

/// Marks the cursor of a listing by the distribution API.
const PLAIN: &str = "v2?";

/// What an account needs to see the catalog.
const CATALOG: &str = "the catalog is for accounts of the whole registry, not for a token of some \
    repositories: name the repositories in the rule, without wildcards, or give the account the \
    role `Container Registry Repository Catalog Lister`";

/// What it needs to see tags.
const TAGS: &str = "listing tags wants the permission `metadata/read` on the repository";

/// One page of the catalog.
pub(crate) fn repositories(endpoint: &Endpoint, page: &PageRequest) -> Result<Page<Repository>> {
    let flow = authority::flow(endpoint);
    let listed = distribution::catalog(&flow, page)
        .map_err(|error| authority::explain(&flow, error, CATALOG))?;
    if listed.items.is_empty() && page.cursor.is_none() {
        log::warn(
            "the catalog is empty; a token of some repositories may see none: name them in the rule",
            &[("registry", &endpoint.url)],
        );
    }
    Ok(listed)
}

#[derive(Deserialize)]
struct Tags {
    #[serde(default)]
    tags: Option<Vec<Tag>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tag {
    name: String,
    digest: Option<String>,
    last_update_time: Option<String>,
}

/// One page of a repository's tags.
pub(crate) fn artifacts(
    endpoint: &Endpoint,
    repository: &str,
    page: &PageRequest,
) -> Result<Page<Artifact>> {
    let flow = authority::flow(endpoint);
    // Pulling is not enough, and is not asked for.
    let scope = format!("repository:{repository}:metadata_read");
    let explain = |error| authority::explain(&flow, error, TAGS);
    let plain = |page: &PageRequest| {
        let listed = distribution::tags_with(&flow, repository, &scope, page).map_err(explain)?;
        Ok(Page { next: listed.next.map(|query| format!("{PLAIN}{query}")), ..listed })
    };
    if let Some(query) = page.cursor.as_deref().and_then(|cursor| cursor.strip_prefix(PLAIN)) {
        return plain(&PageRequest { cursor: Some(query.to_owned()), limit: page.limit });
    }
    let path = format!("/acr/v1/{}/_tags", http::encode_path(repository));
    let response = distribution::get_page(&flow, &path, std::slice::from_ref(&scope), page)
        .map_err(explain)?;
    if response.status() == 404 && page.cursor.is_none() {
        return plain(page);
    }
    let response = response.success().map_err(explain)?;
    let tags = response.json::<Tags>()?.tags.unwrap_or_default();
    let (tags, next) = distribution::continued(tags, |tag| &tag.name, &response, page);
    Ok(Page { items: tags.into_iter().map(artifact).collect(), next, total: None })
}

fn artifact(tag: Tag) -> Artifact {
    Artifact {
        digest: tag.digest,
        pushed: tag.last_update_time.as_deref().and_then(time::rfc3339),
        ..Artifact::new(vec![tag.name])
    }
}
