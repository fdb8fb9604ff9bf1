//! The provider `docker-hub`.
//!
//! The endpoint is the Hub's own API (`hub.docker.com`), which lists and deletes; images are moved
//! at `registry-1.docker.io`, with tokens of `auth.docker.io`. It never creates an organisation.

mod api;
mod deletion;
mod events;
mod health;
mod listing;
mod namespaces;
mod session;
mod wire;

use portolan_sdk::{
    Adapter, AdapterInfo, AllowedHost, Artifact, ArtifactFilter, Challenge, DeliveryAuth, Endpoint,
    EndpointPattern, Error, Event, Grant, Health, KeyValue, Management, NamedUrl, Notifications,
    Page, PageRequest, Repository, RepositoryFilter, ResponseHeader, Result, Scope, Target,
    export_adapter, token::Flow,
};

export_adapter!(DockerHub: management, notifications);

/// The distribution API.
const REGISTRY: &str = "https://registry-1.docker.io";

/// Where blobs are redirected to; Docker's list of hosts to allow has them.
const STORAGE: [&str; 3] = [
    "https://production.cloudflare.docker.com",
    "https://production.cloudfront.docker.com",
    "https://docker-images-prod.*.r2.cloudflarestorage.com",
];

/// The adapter.
#[derive(Debug)]
pub struct DockerHub;

impl Adapter for DockerHub {
    fn describe() -> AdapterInfo {
        let host = |pattern: &str, uses: &[&str]| AllowedHost {
            pattern: pattern.to_owned(),
            uses: uses.iter().map(|&name| name.to_owned()).collect(),
        };
        let mut allowed_hosts = vec![
            host("https://auth.docker.io", &["credentials"]),
            host(REGISTRY, &["data", "signed"]),
        ];
        allowed_hosts.extend(STORAGE.map(|pattern| host(pattern, &["storage"])));
        AdapterInfo {
            hint: "User name with a personal access token, or organisation name with an \
                   organisation access token; a password fails where two-factor or single sign-on \
                   is on. Without them only public repositories that a rule names can be read \
                   (tested against recorded answers only)."
                .to_owned(),
            allowed_hosts,
            login_urls: vec![session::LOGIN.to_owned()],
            min_components: 2,
            max_components: Some(2),
            extra: vec![KeyValue::new("copies_visibility", "true")],
            ..AdapterInfo::new("docker-hub", "Docker Hub", env!("CARGO_PKG_VERSION"))
        }
        .at(EndpointPattern::Fixed(NamedUrl {
            name: "hub.docker.com".to_owned(),
            url: "https://hub.docker.com".to_owned(),
        }))
    }

    fn check_health(endpoint: &Endpoint) -> Result<Health> {
        health::check(endpoint)
    }

    fn list_repositories(
        endpoint: &Endpoint,
        filter: &RepositoryFilter,
        page: &PageRequest,
    ) -> Result<Page<Repository>> {
        listing::repositories(endpoint, filter, page)
    }

    fn list_artifacts(
        endpoint: &Endpoint,
        repository: &str,
        _: &ArtifactFilter,
        page: &PageRequest,
    ) -> Result<Page<Artifact>> {
        listing::artifacts(endpoint, repository, page)
    }

    fn locate(_: &Endpoint, repository: &str) -> Result<Target> {
        let (namespace, name) = namespaces::split(repository)?;
        Ok(Target::new(REGISTRY, &format!("{namespace}/{name}")))
    }

    fn authorize(
        endpoint: &Endpoint,
        scopes: &[Scope],
        challenge: Option<&Challenge>,
    ) -> Result<Grant> {
        let mut scopes = scopes.to_vec();
        for scope in &mut scopes {
            let (namespace, name) = namespaces::split(&scope.repository)?;
            scope.repository = format!("{namespace}/{name}");
        }
        flow(endpoint).authorize(&scopes, challenge)
    }
}

impl Management for DockerHub {
    fn prepare_targets(
        endpoint: &Endpoint,
        repositories: &[String],
        metadata: &[KeyValue],
    ) -> Vec<Result<()>> {
        namespaces::prepare(endpoint, repositories, metadata)
    }

    fn delete_tag(endpoint: &Endpoint, repository: &str, tag: &str) -> Result<()> {
        deletion::tag(endpoint, repository, tag)
    }

    fn delete_artifact(endpoint: &Endpoint, repository: &str, digest: &str) -> Result<()> {
        deletion::artifact(endpoint, repository, digest)
    }
}

impl Notifications for DockerHub {
    fn authentication() -> Vec<DeliveryAuth> {
        vec![DeliveryAuth::UrlToken]
    }

    fn parse(_: &Endpoint, _: &[ResponseHeader], body: &[u8]) -> Result<Vec<Event>> {
        events::parse(body)
    }
}

/// The token flow of the registry.
fn flow(endpoint: &Endpoint) -> Flow<'_> {
    Flow::new(endpoint).at(REGISTRY)
}

fn anonymous(what: &str) -> Error {
    Error::Unauthenticated(format!(
        "Docker Hub {what} only for an account: give the endpoint a user name and an access token"
    ))
}

#[cfg(test)]
mod tests;
