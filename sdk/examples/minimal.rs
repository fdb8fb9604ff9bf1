//! The smallest adapter: a registry with the distribution API and nothing of its own.
//!
//! `cargo build -p portolan-sdk --example minimal --release --target wasm32-wasip2` makes the
//! component. `locate` and `authorize` are the trait's defaults: below the endpoint, and whatever
//! the registry's challenge asks for.

use portolan_sdk::{
    Adapter, AdapterInfo, Artifact, ArtifactFilter, Endpoint, Health, Page, PageRequest,
    Repository, RepositoryFilter, Result, distribution, export_adapter, token::Flow,
};

export_adapter!(Minimal);

/// The adapter.
#[derive(Debug)]
pub struct Minimal;

impl Adapter for Minimal {
    fn describe() -> AdapterInfo {
        AdapterInfo::new("minimal", "Minimal", env!("CARGO_PKG_VERSION"))
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
