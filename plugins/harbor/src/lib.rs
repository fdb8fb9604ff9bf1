//! The provider `harbor`, thin for now: the distribution API with Harbor's name.

use portolan_sdk::{
    Adapter, AdapterInfo, Artifact, ArtifactFilter, Endpoint, Health, Page, PageRequest,
    Repository, RepositoryFilter, Result, distribution, export_adapter, token::Flow,
};

export_adapter!(Harbor);

/// The adapter.
#[derive(Debug)]
pub struct Harbor;

impl Adapter for Harbor {
    fn describe() -> AdapterInfo {
        AdapterInfo {
            min_components: 2,
            ..AdapterInfo::new("harbor", "Harbor", env!("CARGO_PKG_VERSION"))
        }
    }

    fn check_health(endpoint: &Endpoint) -> Result<Health> {
        distribution::check_health(&Flow::new(endpoint), endpoint)
    }

    fn list_repositories(
        endpoint: &Endpoint,
        _: &RepositoryFilter,
        page: &PageRequest,
    ) -> Result<Page<Repository>> {
        distribution::catalog(&Flow::new(endpoint), page)
    }

    fn list_artifacts(
        endpoint: &Endpoint,
        repository: &str,
        _: &ArtifactFilter,
        page: &PageRequest,
    ) -> Result<Page<Artifact>> {
        distribution::tags(&Flow::new(endpoint), repository, page)
    }
}
