//! The listing half of the distribution API, for adapters whose provider speaks it.
//!
//! Blobs and manifests are moved by the host; nothing here touches them, but for a delete by
//! digest.

use serde::Deserialize;

use crate::{
    Artifact, Endpoint, Error, Health, Page, PageRequest, Repository, Result, Scope,
    http::{self, Request, Response},
    token::{self, Flow},
};

/// Largest page asked for; the reference implementation refuses more.
const MAX_PAGE: u32 = 1000;

/// Proves that a registry answers and, where the endpoint has credentials, that they are
/// accepted: `GET /v2/` must then be 200 after the token flow.
///
/// # Errors
/// Says whether nothing answered, something else than a registry did, or the credentials are
/// wrong.
pub fn check_health(flow: &Flow<'_>, endpoint: &Endpoint) -> Result<Health> {
    let probe = flow.probe()?;
    if !probe.is_registry() {
        return Err(probe.refusal(&endpoint.url));
    }
    let scheme = probe.challenge().map_or("none", |c| c.scheme.as_str()).to_ascii_lowercase();
    let health = |authenticated| Health::new(authenticated).detail("authentication", &scheme);
    if !endpoint.has_credentials() {
        return Ok(health(false));
    }
    let request = Request::get(flow.url("/v2/"));
    let (response, checked) = match probe.challenge() {
        Some(_) => (flow.send(request, &[])?, true),
        None => send_unasked(flow, request)?,
    };
    match response.status() {
        200 if !checked => Ok(health(false)
            .detail("note", "the registry asks for no credentials, so they could not be checked")),
        200 => Ok(health(true)),
        401 | 403 => Err(Error::Unauthenticated(format!(
            "{} does not accept the credentials: {}",
            endpoint.url,
            response.error().text()
        ))),
        400.. => Err(response.error()),
        _ => Err(token::not_a_registry(&endpoint.url, &response)),
    }
}

/// Sends credentials to a registry that lets anonymous users in: it may still refuse a wrong
/// password, or ask for a token once it sees one. Also says whether they were looked at.
fn send_unasked(flow: &Flow<'_>, request: Request) -> Result<(Response, bool)> {
    let response = request.clone().auth(flow.auth()).send()?;
    if response.status() != 401 {
        return Ok((response, false));
    }
    match token::preferred(&response).filter(|c| c.scheme.eq_ignore_ascii_case("Bearer")) {
        Some(challenge) => {
            let grant = flow.grant(&[], Some(&challenge))?;
            Ok((request.auth(grant.auth).send()?, true))
        }
        None => Ok((response, true)),
    }
}

#[derive(Deserialize)]
struct Catalog {
    #[serde(default)]
    repositories: Option<Vec<String>>,
}

/// One page of `/v2/_catalog`.
///
/// # Errors
/// [`Error::Unsupported`] where the registry has no catalog.
pub fn catalog(flow: &Flow<'_>, page: &PageRequest) -> Result<Page<Repository>> {
    let scopes = [token::CATALOG.to_owned()];
    let response = get_page(flow, "/v2/_catalog", &scopes, page)?;
    if matches!(response.status(), 404 | 405) {
        return Err(Error::Unsupported(format!(
            "{} answered {}: the registry lists no repositories; name them in the rule instead",
            response.what(),
            response.status()
        )));
    }
    let response = response.success()?;
    let names = response.json::<Catalog>()?.repositories.unwrap_or_default();
    let (names, next) = continued(names, String::as_str, &response, page);
    Ok(Page { items: names.into_iter().map(Repository::new).collect(), next, total: None })
}

#[derive(Deserialize)]
struct Tags {
    #[serde(default)]
    tags: Option<Vec<String>>,
}

/// One page of a repository's tags, each an artifact without a digest. A repository without tags,
/// or one that holds blobs only (404 `NAME_UNKNOWN`), is an empty page.
///
/// # Errors
/// Whatever the registry answered.
pub fn tags(flow: &Flow<'_>, repository: &str, page: &PageRequest) -> Result<Page<Artifact>> {
    tags_with(flow, repository, &token::scope_text(&Scope::pull(repository)), page)
}

/// The same with a scope of its own, for a registry that wants another one for its tags than for
/// pulling.
///
/// # Errors
/// As [`tags`].
pub fn tags_with(
    flow: &Flow<'_>,
    repository: &str,
    scope: &str,
    page: &PageRequest,
) -> Result<Page<Artifact>> {
    let path = format!("/v2/{}/tags/list", http::encode_path(repository));
    let response = get_page(flow, &path, &[scope.to_owned()], page)?;
    if response.status() == 404 && response.error_codes().iter().any(|code| code == "NAME_UNKNOWN")
    {
        return Ok(Page::empty());
    }
    let response = response.success()?;
    let tags = response.json::<Tags>()?.tags.unwrap_or_default();
    let (tags, next) = continued(tags, String::as_str, &response, page);
    let items = tags.into_iter().map(|tag| Artifact::new(vec![tag])).collect();
    Ok(Page { items, next, total: None })
}

/// Deletes a manifest by digest; one that is gone already is no error.
///
/// # Errors
/// [`Error::Unsupported`] where the registry has deletes turned off.
pub fn delete_manifest(flow: &Flow<'_>, scope: &Scope, digest: &str) -> Result<()> {
    let path = format!("/v2/{}/manifests/{digest}", http::encode_path(&scope.repository));
    let request = Request::delete(flow.url(&path));
    let response = flow.send(request, &[token::scope_text(scope)])?;
    match response.status() {
        // A page of a proxy says nothing of what is there.
        _ if response.is_html() => Err(response.error()),
        404 => Ok(()),
        405 => Err(Error::Unsupported(format!(
            "{} answered 405: deletes are turned off in the registry",
            response.what()
        ))),
        _ => response.done(),
    }
}

/// Every manifest that a registry may hold, for what must not depend on the kind.
const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, \
    application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, \
    application/vnd.docker.distribution.manifest.v2+json, */*";

/// Whether a repository holds a manifest of this digest, tagged or not.
///
/// # Errors
/// Whatever else than yes or no the registry answered; a page of a proxy is neither.
pub fn holds(flow: &Flow<'_>, repository: &str, digest: &str) -> Result<bool> {
    Ok(head(flow, repository, digest)?.is_some())
}

/// The digest that a tag is on, as the registry tells it; `None` where there is no such tag.
///
/// # Errors
/// As [`holds`]; [`Error::Unsupported`] where the registry tells no digest.
pub fn digest_of(flow: &Flow<'_>, repository: &str, tag: &str) -> Result<Option<String>> {
    let Some(response) = head(flow, repository, tag)? else { return Ok(None) };
    let digest = response.header("Docker-Content-Digest").map(str::to_owned);
    let untold = || Error::Unsupported(format!("{} answered without a digest", response.what()));
    digest.ok_or_else(untold).map(Some)
}

fn head(flow: &Flow<'_>, repository: &str, reference: &str) -> Result<Option<Response>> {
    let path = format!("/v2/{}/manifests/{reference}", http::encode_path(repository));
    let head = Request::head(flow.url(&path)).accept(MANIFESTS);
    let response = flow.send(head, &[token::scope_text(&Scope::pull(repository))])?;
    match response.status() {
        404 if !response.is_html() => Ok(None),
        _ => response.done().map(|()| Some(response)),
    }
}

/// Asks for one page of a listing that is paged by `n`, `last` and links, with smaller pages where
/// the registry refuses the size. The cursor is the query of the page.
///
/// # Errors
/// Where no answer came; a status is not an error here.
pub fn get_page(
    flow: &Flow<'_>,
    path: &str,
    scopes: &[String],
    page: &PageRequest,
) -> Result<Response> {
    if let Some(query) = &page.cursor {
        return flow.send(Request::get(flow.url(&format!("{path}?{query}"))), scopes);
    }
    let size = page.size(MAX_PAGE);
    let response = flow.send(Request::get(flow.url(path)).query("n", size), scopes)?;
    let refused = response.status() == 400
        && response.error_codes().iter().any(|code| code == "PAGINATION_NUMBER_INVALID");
    // zuul-registry has no `n`, and answers a page for an address that it does not have.
    let unheard_of = response.status() == 404 && response.is_html();
    if !refused && !unheard_of {
        return Ok(response);
    }
    if refused && size > 100 {
        let smaller = flow.send(Request::get(flow.url(path)).query("n", 100), scopes)?;
        if smaller.status() != 400 {
            return Ok(smaller);
        }
    }
    flow.send(Request::get(flow.url(path)), scopes)
}

/// The rows that are new, and the query of the page after [`get_page`]'s answer.
///
/// The link's query is put on our own path: a registry behind a proxy may not know its outer
/// scheme or prefix. Where a page looks cut short without a link (its length is a round number,
/// as every cap in the field is), the next page is asked for by the last name; a server that
/// ignores that repeats the name and ends the listing.
#[must_use]
pub fn continued<T>(
    mut rows: Vec<T>,
    name: impl Fn(&T) -> &str,
    response: &Response,
    page: &PageRequest,
) -> (Vec<T>, Option<String>) {
    let asked_after = page.cursor.as_deref().and_then(last_of);
    if let Some(after) = asked_after {
        let plain = http::decode(after);
        if rows.iter().any(|row| name(row) == plain || name(row) == after) {
            return (Vec::new(), None);
        }
    }
    rows.dedup_by(|one, other| name(one) == name(other));
    let linked = response.link_next();
    let next = match &linked {
        Some(link) => link.split_once('?').map(|(_, query)| query.to_owned()),
        None => rows
            .last()
            .filter(|_| rows.len() >= 50 && rows.len().is_multiple_of(50))
            .map(|last| format!("n={}&last={}", page.size(MAX_PAGE), http::encode(name(last)))),
    };
    let repeated = next.is_some() && next == page.cursor;
    (rows, next.filter(|_| !repeated))
}

/// The `last` parameter of a query, as written.
fn last_of(query: &str) -> Option<&str> {
    query.split('&').find_map(|pair| pair.strip_prefix("last="))
}
