//! The provider `acme`: a template to copy.
//!
//! It lists through an API of its own and leaves tokens and bytes to what every registry knows.

use portolan_sdk::{
    Adapter, AdapterInfo, Artifact, ArtifactFilter, Endpoint, Health, KeyValue, Management, Page,
    PageRequest, Repository, RepositoryFilter, Result, distribution, export_adapter,
    http::{self, Request},
    token::Flow,
};
use serde::Deserialize;

// Name the optional interfaces that the provider can do; each has a trait.
export_adapter!(Acme: management);

/// The adapter.
#[derive(Debug)]
pub struct Acme;

/// A page of the provider's API.
#[derive(Deserialize)]
struct Listing<T> {
    items: Vec<T>,
    /// Number of the next page; absent on the last.
    next_page: Option<u32>,
}

#[derive(Deserialize)]
struct AcmeRepository {
    path: String,
    is_private: bool,
}

#[derive(Deserialize)]
struct AcmeImage {
    digest: String,
    tags: Vec<String>,
}

impl Adapter for Acme {
    fn describe() -> AdapterInfo {
        AdapterInfo {
            hint: "User name and access token of an Acme account.".to_owned(),
            min_components: 2,
            ..AdapterInfo::new("acme", "Acme Registry", env!("CARGO_PKG_VERSION"))
        }
    }

    fn check_health(endpoint: &Endpoint) -> Result<Health> {
        distribution::check_health(&Flow::new(endpoint), endpoint)
    }

    fn list_repositories(
        endpoint: &Endpoint,
        filter: &RepositoryFilter,
        page: &PageRequest,
    ) -> Result<Page<Repository>> {
        let mut request = Request::get("/api/repositories");
        if let Some(text) = &filter.name_contains {
            request = request.query("search", text);
        }
        let listing: Listing<AcmeRepository> = fetch(endpoint, request, page)?;
        let repository = |row: AcmeRepository| Repository {
            private: Some(row.is_private),
            ..Repository::new(row.path)
        };
        let items = listing.items.into_iter().map(repository).collect();
        Page::last(items).next(listing.next_page.as_ref())
    }

    fn list_artifacts(
        endpoint: &Endpoint,
        repository: &str,
        _: &ArtifactFilter,
        page: &PageRequest,
    ) -> Result<Page<Artifact>> {
        let path = format!("/api/repositories/{}/images", http::encode(repository));
        let listing: Listing<AcmeImage> = fetch(endpoint, Request::get(path), page)?;
        let artifact =
            |row: AcmeImage| Artifact { digest: Some(row.digest), ..Artifact::new(row.tags) };
        let items = listing.items.into_iter().map(artifact).collect();
        Page::last(items).next(listing.next_page.as_ref())
    }
}

impl Management for Acme {
    fn prepare_targets(
        _: &Endpoint,
        repositories: &[String],
        _: &[KeyValue],
    ) -> Vec<Result<()>> {
        let create = |repository: &String| {
            let body = std::collections::BTreeMap::from([("path", repository)]);
            let response = Request::post("/api/repositories").basic().json(&body).send()?;
            match response.status() {
                409 => Ok(()), // it is there already
                _ => response.success().map(drop),
            }
        };
        repositories.iter().map(create).collect()
    }
}

/// One page; the cursor is the page's number.
fn fetch<T: serde::de::DeserializeOwned>(
    endpoint: &Endpoint,
    request: Request,
    page: &PageRequest,
) -> Result<Listing<T>> {
    let number = page.position::<u32>()?.max(1);
    let request = request.query("page", number).query("per_page", page.size(100));
    request.auth(endpoint.auth()).send()?.success()?.json()
}

#[cfg(test)]
mod tests {
    use portolan_sdk::{
        Error,
        testing::{Exchange, ScriptedHost},
    };
    use serde_json::json;

    use super::*;

    fn list(cursor: Option<String>, exchange: Exchange) -> Result<Page<Repository>> {
        let host =
            ScriptedHost::new("https://acme.test").credentials("u", "p").exchange(exchange).start();
        let page = PageRequest { cursor, limit: 1000 };
        Acme::list_repositories(host.endpoint(), &RepositoryFilter::all(), &page)
    }

    #[test]
    fn pages_follow_each_other() {
        let first = Exchange::new("GET", "/api/repositories?page=1&per_page=100")
            .expect_header("Authorization", "Basic dTpw")
            .json(json!({"items": [{"path": "a/b", "is_private": true}], "next_page": 2}));
        let page = list(None, first).expect("a page");
        assert_eq!(page.items[0].name, "a/b");
        let second = Exchange::new("GET", "/api/repositories?page=2&per_page=100")
            .json(json!({"items": []}));
        assert_eq!(list(page.next, second), Ok(Page::empty()));
    }

    #[test]
    fn a_refusal_keeps_the_providers_words() {
        let refused = Exchange::new("GET", "/api/repositories?page=1&per_page=100")
            .answer(403)
            .json(json!({"code": "PLAN", "message": "your plan has no API"}));
        let error = list(None, refused).expect_err("a refusal");
        assert!(
            matches!(&error, Error::Forbidden(text) if text.contains("PLAN: your plan has no API"))
        );
    }
}
