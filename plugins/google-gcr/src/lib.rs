//! The provider `google-gcr`: Container Registry names (`gcr.io`) and Artifact Registry
//! (`LOCATION-docker.pkg.dev`), which serves both since 2025.
//!
//! Bytes and tags go through the distribution API with tokens of the registry itself, got with the
//! whole key file. Repositories are listed and made through Artifact Registry's management API with
//! access tokens that the key signs for; where that cannot be had, `gcr.io` is walked by the `child`
//! lists that Google adds to `tags/list`.

mod access;
mod api;
mod artifacts;
mod listing;
mod management;
mod place;
mod shelves;
#[cfg(test)]
mod tests;
mod walk;
mod wire;

use portolan_sdk::{
    AccessKeyPattern, AccessSecretPattern, Adapter, AdapterInfo, AllowedHost, Artifact,
    ArtifactFilter, Challenge, CredentialPattern, Endpoint, EndpointPattern, Grant, Health,
    KeyValue, Management, NamedUrl, Page, PageRequest, Repository, RepositoryFilter, Result, Scope,
    Target, export_adapter, signing::google,
};

export_adapter!(GoogleGcr: management);

/// The adapter.
#[derive(Debug)]
pub struct GoogleGcr;

impl Adapter for GoogleGcr {
    fn describe() -> AdapterInfo {
        AdapterInfo {
            hint: "The secret is the whole JSON key file of a service account, and names begin \
                   with the project ID: PROJECT/IMAGE at gcr.io, PROJECT/REPOSITORY/IMAGE at \
                   https://LOCATION-docker.pkg.dev, which can be typed in (tested against \
                   recorded exchanges only)."
                .to_owned(),
            credentials: Some(CredentialPattern {
                access_key: AccessKeyPattern::Fixed("_json_key".to_owned()),
                access_secret: AccessSecretPattern::File("No Change".to_owned()),
            }),
            settings_schema: place::SCHEMA.to_owned(),
            allowed_hosts: vec![
                host(google::TOKEN_URL.trim_end_matches("/token"), "signed"),
                host(api::HOST, "signed"),
                host("https://storage.googleapis.com", "storage"),
            ],
            signing: vec![google::recipe()],
            min_components: 2,
            ..AdapterInfo::new("google-gcr", "Google GCR", env!("CARGO_PKG_VERSION"))
        }
        .at(EndpointPattern::Choice(presets()))
    }

    fn check_health(endpoint: &Endpoint) -> Result<Health> {
        access::check_health(endpoint)
    }

    fn list_repositories(
        endpoint: &Endpoint,
        _: &RepositoryFilter,
        page: &PageRequest,
    ) -> Result<Page<Repository>> {
        listing::repositories(endpoint, page)
    }

    fn list_artifacts(
        endpoint: &Endpoint,
        repository: &str,
        _: &ArtifactFilter,
        page: &PageRequest,
    ) -> Result<Page<Artifact>> {
        artifacts::list(endpoint, repository, page)
    }

    fn locate(endpoint: &Endpoint, repository: &str) -> Result<Target> {
        place::check_name(endpoint, repository)?;
        Ok(Target::new(&endpoint.url, repository))
    }

    fn authorize(
        endpoint: &Endpoint,
        scopes: &[Scope],
        challenge: Option<&Challenge>,
    ) -> Result<Grant> {
        access::authorize(endpoint, scopes, challenge)
    }
}

impl Management for GoogleGcr {
    fn prepare_targets(
        endpoint: &Endpoint,
        repositories: &[String],
        _: &[KeyValue],
    ) -> Vec<Result<()>> {
        shelves::prepare(endpoint, repositories)
    }

    fn delete_tag(endpoint: &Endpoint, repository: &str, tag: &str) -> Result<()> {
        management::delete_tag(endpoint, repository, tag)
    }

    fn delete_artifact(endpoint: &Endpoint, repository: &str, digest: &str) -> Result<()> {
        management::delete_artifact(endpoint, repository, digest)
    }
}

fn host(pattern: &str, granted: &str) -> AllowedHost {
    AllowedHost { pattern: pattern.to_owned(), uses: vec![granted.to_owned()] }
}

fn presets() -> Vec<NamedUrl> {
    let named = |name: &str| NamedUrl { name: name.to_owned(), url: format!("https://{name}") };
    ["gcr.io", "us.gcr.io", "eu.gcr.io", "asia.gcr.io"].map(named).into()
}
