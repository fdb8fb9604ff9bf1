//! The provider `harbor`: Harbor 2.x, and 1.x as in vSphere Integrated Containers Registry.
//!
//! Listings, projects, labels and deletes go through the management API with Basic; bytes go
//! through the distribution API with tokens of the same server. What differs in 1.x is in `v1`.

mod api;
mod artifacts;
mod authority;
mod events;
mod generation;
mod health;
mod labels;
mod listing;
mod projects;
#[cfg(test)]
mod tests;
mod v1;
mod wire;

use portolan_sdk::{
    Adapter, AdapterInfo, Artifact, ArtifactFilter, Challenge, DeliveryAuth, Endpoint, Error,
    Event, Grant, Health, KeyValue, LabelPage, Labels, Management, Notifications, Page,
    PageRequest, Repository, RepositoryFilter, ResponseHeader, Result, Scope, Target,
    export_adapter,
    upload::{self, UploadSettings},
};

use generation::Generation;

export_adapter!(Harbor: management, labels, notifications);

/// The adapter.
#[derive(Debug)]
pub struct Harbor;

impl Adapter for Harbor {
    fn describe() -> AdapterInfo {
        AdapterInfo {
            hint: "Harbor 2.x, or 1.x as in vSphere Integrated Containers, which takes images in \
                   Docker's format alone; an account that may not create projects can push to \
                   those that exist (tested against recorded exchanges only)."
                .to_owned(),
            settings_schema: upload::SCHEMA.to_owned(),
            resources: vec!["image".to_owned(), "artifact".to_owned()],
            min_components: 2,
            extra: vec![
                KeyValue::new("supported_copy_by_chunk", "true"),
                KeyValue::new("copies_visibility", "true"),
            ],
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
        listing::repositories(endpoint, &Generation::of(endpoint)?, filter, page)
    }

    fn list_artifacts(
        endpoint: &Endpoint,
        repository: &str,
        _: &ArtifactFilter,
        page: &PageRequest,
    ) -> Result<Page<Artifact>> {
        match Generation::of(endpoint)? {
            Generation::V2 => artifacts::list(endpoint, repository, page),
            Generation::V1(_) => v1::listing::artifacts(endpoint, repository, page),
        }
    }

    fn locate(endpoint: &Endpoint, repository: &str) -> Result<Target> {
        api::split(repository)?;
        let settings: UploadSettings = endpoint.settings_as()?;
        let target = settings.apply(Target::new(&endpoint.url, repository))?;
        Ok(match Generation::of(endpoint)? {
            Generation::V2 => target,
            Generation::V1(_) => target.accepting(v1::MANIFESTS),
        })
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
        delete(endpoint, repository, tag, v1::tags::delete_tag, &format!("/tags/{tag}"))
    }

    fn delete_artifact(endpoint: &Endpoint, repository: &str, digest: &str) -> Result<()> {
        delete(endpoint, repository, digest, v1::tags::delete_artifact, "")
    }
}

impl Labels for Harbor {
    fn list_labels(endpoint: &Endpoint, page: &PageRequest) -> Result<LabelPage> {
        labels::list(endpoint, page)
    }
}

impl Notifications for Harbor {
    fn authentication() -> Vec<DeliveryAuth> {
        vec![DeliveryAuth::HeaderToken("Authorization".to_owned()), DeliveryAuth::UrlToken]
    }

    fn parse(_: &Endpoint, _: &[ResponseHeader], body: &[u8]) -> Result<Vec<Event>> {
        events::parse(body)
    }
}

/// Deletes what is at a reference, or below it in Harbor 2.x.
fn delete(
    endpoint: &Endpoint,
    repository: &str,
    reference: &str,
    v1: fn(&Endpoint, &str, &str) -> Result<()>,
    below: &str,
) -> Result<()> {
    if let Generation::V1(_) = Generation::of(endpoint)? {
        return v1(endpoint, repository, reference);
    }
    let path = format!("{}/{reference}{below}", api::artifacts_path(repository)?);
    api::delete(endpoint, &path, api::has_codes)
}

/// A repository name that Harbor cannot hold.
fn too_short(repository: &str) -> Error {
    Error::InvalidInput(format!(
        "`{repository}` names no project: in Harbor a repository is `project/name`"
    ))
}
