//! Tags and digests of an image name, page by page.

use portolan_sdk::{
    Artifact, Endpoint, Error, Page, PageRequest, Result, Scope, http,
    http::{Request, Response},
    token::{self, Flow},
};

use crate::wire;

/// Pages of one name after which a listing is taken for endless.
const MAX_PAGES: usize = 1000;

/// The path of a name's first page, as long as Artifact Registry makes one.
pub(crate) fn first_page(name: &str) -> String {
    format!("/v2/{}/tags/list?n=1000", http::encode_path(name))
}

/// One page of what is tagged.
///
/// Manifests without a tag are left out: they are the parts of images for several platforms, which
/// go with these, and what tags were moved away from.
pub(crate) fn list(
    endpoint: &Endpoint,
    repository: &str,
    page: &PageRequest,
) -> Result<Page<Artifact>> {
    let flow = Flow::new(endpoint);
    let path = match &page.cursor {
        Some(query) => format!("/v2/{}/tags/list?{query}", http::encode_path(repository)),
        None => first_page(repository),
    };
    let response = get(&flow, repository, &path)?;
    if is_unknown(&response) {
        return Ok(Page::empty());
    }
    let response = response.success()?;
    let items = tagged(response.json()?);
    let next = next_query(&response);
    let repeated = next.is_some() && next == page.cursor;
    if repeated {
        return Err(endless(&response));
    }
    Ok(Page { items, next, total: None })
}

/// Asks for a page with the authority to pull.
pub(crate) fn get(flow: &Flow<'_>, repository: &str, path: &str) -> Result<Response> {
    let scope = token::scope_text(&Scope::pull(repository));
    flow.send(Request::get(flow.url(path)), &[scope])
}

/// Hands on every page of a name, the first of which is there; none for a name that is not there.
pub(crate) fn each_page(
    flow: &Flow<'_>,
    repository: &str,
    first: Response,
    mut take: impl FnMut(wire::Tags),
) -> Result<()> {
    if is_unknown(&first) {
        return Ok(());
    }
    let mut response = first.success()?;
    let mut current = None;
    for _ in 0..MAX_PAGES {
        take(response.json()?);
        let next = next_query(&response);
        let Some(query) = &next else { return Ok(()) };
        if next == current {
            break;
        }
        let path = format!("/v2/{}/tags/list?{query}", http::encode_path(repository));
        response = get(flow, repository, &path)?.success()?;
        current = next;
    }
    Err(endless(&response))
}

fn endless(response: &Response) -> Error {
    Error::MalformedResponse(format!("{} goes from page to page without an end", response.what()))
}

/// The link's query, to be put on our own path.
fn next_query(response: &Response) -> Option<String> {
    let next = response.link_next()?;
    next.split_once('?').map(|(_, query)| query.to_owned())
}

fn is_unknown(response: &Response) -> bool {
    response.status() == 404 && response.error_codes().iter().any(|code| code == "NAME_UNKNOWN")
}

/// A page's artifacts: by digest where Google says more than the tags.
fn tagged(page: wire::Tags) -> Vec<Artifact> {
    let mut alone: std::collections::BTreeSet<String> =
        page.tags.unwrap_or_default().into_iter().collect();
    let mut artifacts = Vec::new();
    for (digest, manifest) in page.manifest.unwrap_or_default() {
        let tags = manifest.tag.unwrap_or_default();
        if tags.is_empty() {
            continue;
        }
        for tag in &tags {
            alone.remove(tag);
        }
        artifacts.push(Artifact {
            digest: Some(digest),
            media_type: manifest.media_type.filter(|text| !text.is_empty()),
            size: manifest.size.0,
            pushed: manifest.uploaded_ms.0.map(|ms| ms / 1000),
            ..Artifact::new(tags)
        });
    }
    artifacts.extend(alone.into_iter().map(|tag| Artifact::new(vec![tag])));
    artifacts
}
