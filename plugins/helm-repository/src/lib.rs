//! The provider `helm-repository`.

use portolan_sdk::{
    Adapter, AdapterInfo, Artifact, ArtifactFilter, Endpoint, Error, Health, Page, PageRequest,
    Repository, RepositoryFilter, Result, export_adapter,
};

export_adapter!(HelmRepository);

/// The adapter.
#[derive(Debug)]
pub struct HelmRepository;

impl Adapter for HelmRepository {
    fn describe() -> AdapterInfo {
        AdapterInfo::new("helm-repository", "Helm Repository", env!("CARGO_PKG_VERSION"))
    }

    fn check_health(_: &Endpoint) -> Result<Health> {
        Err(not_yet())
    }

    fn list_repositories(
        _: &Endpoint,
        _: &RepositoryFilter,
        _: &PageRequest,
    ) -> Result<Page<Repository>> {
        Err(not_yet())
    }

    fn list_artifacts(
        _: &Endpoint,
        _: &str,
        _: &ArtifactFilter,
        _: &PageRequest,
    ) -> Result<Page<Artifact>> {
        Err(not_yet())
    }
}

fn not_yet() -> Error {
    Error::Unsupported("this adapter is under construction".to_owned())
}
