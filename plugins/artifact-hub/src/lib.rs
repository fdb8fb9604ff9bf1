//! The provider `artifact-hub`.

use portolan_sdk::{
    Adapter, AdapterInfo, Artifact, ArtifactFilter, Endpoint, Error, Health, Page, PageRequest,
    Repository, RepositoryFilter, Result, export_adapter,
};

export_adapter!(ArtifactHub);

/// The adapter.
#[derive(Debug)]
pub struct ArtifactHub;

impl Adapter for ArtifactHub {
    fn describe() -> AdapterInfo {
        AdapterInfo::new("artifact-hub", "Artifact Hub", env!("CARGO_PKG_VERSION"))
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
