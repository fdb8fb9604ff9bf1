//! The provider `helm-repository`: a classic Helm chart repository, a folder of archives with an
//! `index.yaml`.
//!
//! It is a source only. The index says what there is; the host downloads an archive and makes the
//! OCI artifact of it.

mod chart;
mod health;
mod index;
mod listing;
mod shelf;
#[cfg(test)]
mod tests;

use portolan_sdk::{
    Adapter, AdapterInfo, AllowedHost, Artifact, ArtifactFilter, Challenge, Chart, Endpoint,
    ForeignContent, Grant, Health, Page, PageRequest, Repository, RepositoryFilter, Result, Scope,
    export_adapter,
};

export_adapter!(HelmRepository: foreign_content);

/// The adapter.
#[derive(Debug)]
pub struct HelmRepository;

impl Adapter for HelmRepository {
    fn describe() -> AdapterInfo {
        // An index may name archives anywhere; they are fetched without credentials.
        let anywhere = AllowedHost {
            pattern: "https://*".to_owned(),
            uses: vec!["any-public-download".to_owned()],
        };
        AdapterInfo {
            hint: "The folder that holds index.yaml, with a user name and password only if the \
                   server asks for them; archives on other hosts are fetched without them."
                .to_owned(),
            allowed_hosts: vec![anywhere],
            resources: vec!["chart".to_owned()],
            can_push: false,
            ..AdapterInfo::new("helm-repository", "Helm Repository", env!("CARGO_PKG_VERSION"))
        }
    }

    fn check_health(endpoint: &Endpoint) -> Result<Health> {
        health::check(endpoint)
    }

    fn list_repositories(
        endpoint: &Endpoint,
        filter: &RepositoryFilter,
        page: &PageRequest,
    ) -> Result<Page<Repository>> {
        listing::charts(endpoint, filter, page)
    }

    fn list_artifacts(
        endpoint: &Endpoint,
        repository: &str,
        _: &ArtifactFilter,
        page: &PageRequest,
    ) -> Result<Page<Artifact>> {
        listing::versions(endpoint, repository, page)
    }

    /// The account, for archives on the endpoint's own host.
    fn authorize(endpoint: &Endpoint, _: &[Scope], _: Option<&Challenge>) -> Result<Grant> {
        Ok(Grant::new(endpoint.auth(), None))
    }
}

impl ForeignContent for HelmRepository {
    fn resolve_chart(endpoint: &Endpoint, repository: &str, version: &str) -> Result<Chart> {
        chart::resolve(endpoint, repository, version)
    }
}
