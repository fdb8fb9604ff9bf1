//! The provider `harbor`: Harbor 2.x.
//!
//! Listings, projects, labels and deletes go through the management API with Basic; bytes go
//! through the distribution API with tokens of the same server. Harbor 1.x is refused by a sentence
//! that names its version.

mod api;
mod authority;
mod health;
mod labels;
mod listing;
mod projects;
#[cfg(test)]
mod tests;
mod wire;

use portolan_sdk::{
    Adapter, AdapterInfo, Artifact, ArtifactFilter, Challenge, Endpoint, Error, Grant, Health,
    KeyValue, LabelPage, Labels, Management, Page, PageRequest, Repository, RepositoryFilter,
    Result, Scope, Target, export_adapter,
    upload::{self, UploadSettings},
};

export_adapter!(Harbor: management, labels);

/// The adapter.
#[derive(Debug)]
pub struct Harbor;

impl Adapter for Harbor {
    fn describe() -> AdapterInfo {
        AdapterInfo {
            hint: "Harbor 2.x, with a user or a robot account; one that may not create projects \
                   can push to those that exist."
                .to_owned(),
            settings_schema: upload::SCHEMA.to_owned(),
            resources: vec!["image".to_owned(), "artifact".to_owned()],
            min_components: 2,
            extra: vec![KeyValue::new("supported_copy_by_chunk", "true")],
            ..AdapterInfo::new("harbor", "Harbor", env!("CARGO_PKG_VERSION"))
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
        api::require_v2(endpoint)?;
        listing::repositories(endpoint, filter, page)
    }

    fn list_artifacts(
        endpoint: &Endpoint,
        repository: &str,
        _: &ArtifactFilter,
        page: &PageRequest,
    ) -> Result<Page<Artifact>> {
        api::require_v2(endpoint)?;
        listing::artifacts(endpoint, repository, page)
    }

    fn locate(endpoint: &Endpoint, repository: &str) -> Result<Target> {
        api::split(repository)?;
        let settings: UploadSettings = endpoint.settings_as()?;
        settings.apply(Target::new(&endpoint.url, repository))
    }

    fn authorize(
        endpoint: &Endpoint,
        scopes: &[Scope],
        challenge: Option<&Challenge>,
    ) -> Result<Grant> {
        authority::authorize(endpoint, scopes, challenge)
    }
}

impl Management for Harbor {
    fn prepare_targets(
        endpoint: &Endpoint,
        repositories: &[String],
        metadata: &[KeyValue],
    ) -> Vec<Result<()>> {
        projects::prepare(endpoint, repositories, metadata)
    }

    fn delete_tag(endpoint: &Endpoint, repository: &str, tag: &str) -> Result<()> {
        let path = format!("{}/{tag}/tags/{tag}", api::artifacts_path(repository)?);
        api::delete(endpoint, &path)
    }

    fn delete_artifact(endpoint: &Endpoint, repository: &str, digest: &str) -> Result<()> {
        let path = format!("{}/{digest}", api::artifacts_path(repository)?);
        api::delete(endpoint, &path)
    }
}

impl Labels for Harbor {
    fn list_labels(endpoint: &Endpoint, page: &PageRequest) -> Result<LabelPage> {
        labels::list(endpoint, page)
    }
}

/// A repository name that Harbor cannot hold.
fn too_short(repository: &str) -> Error {
    Error::InvalidInput(format!(
        "`{repository}` names no project: in Harbor a repository is `project/name`"
    ))
}
