//! The provider `aws-ecr`: Amazon's registry, private and public.
//!
//! Keys sign calls of the API of a region, which lists, creates, deletes, and gives tokens; bytes
//! go by these tokens to the registry of an account, which has another address. ECR Public is a
//! source only.

mod api;
mod authority;
mod describe;
mod failure;
mod health;
mod listing;
mod place;
mod public;
mod repositories;
#[cfg(test)]
mod tests;
mod wire;

use portolan_sdk::{
    Adapter, AdapterInfo, Artifact, ArtifactFilter, Challenge, Endpoint, Grant, Health, KeyValue,
    Management, Page, PageRequest, Repository, RepositoryFilter, Result, Scope, Target,
    export_adapter,
};

use crate::{api::Service, place::Place, repositories::Settings, wire::ImageId};

export_adapter!(AwsEcr: management);

/// The adapter.
#[derive(Debug)]
pub struct AwsEcr;

impl Adapter for AwsEcr {
    fn describe() -> AdapterInfo {
        describe::info()
    }

    fn check_health(endpoint: &Endpoint) -> Result<Health> {
        health::check(endpoint)
    }

    fn list_repositories(
        endpoint: &Endpoint,
        _: &RepositoryFilter,
        page: &PageRequest,
    ) -> Result<Page<Repository>> {
        let Place::Private(place) = Place::of(endpoint)? else {
            return public::repositories(endpoint, page);
        };
        let account = place.account.as_deref();
        listing::repositories(&Service::private(&place), endpoint, account, page, |row| {
            Repository { private: Some(true), ..Repository::new(row.repository_name) }
        })
    }

    fn list_artifacts(
        endpoint: &Endpoint,
        repository: &str,
        _: &ArtifactFilter,
        page: &PageRequest,
    ) -> Result<Page<Artifact>> {
        match Place::of(endpoint)? {
            Place::Private(place) => listing::images(endpoint, &place, repository, page),
            Place::Public => public::tags(endpoint, repository, page),
        }
    }

    /// One PUT for each blob: of several PATCHes ECR keeps the first only.
    fn locate(endpoint: &Endpoint, repository: &str) -> Result<Target> {
        repositories::fits(repository)?;
        let settings: Settings = endpoint.settings_as()?;
        let base = match Place::of(endpoint)? {
            Place::Private(place) => authority::registry(endpoint, &place)?,
            Place::Public => public::REGISTRY.to_owned(),
        };
        Ok(Target { mount: settings.blob_mounting, ..Target::new(&base, repository) })
    }

    fn authorize(
        endpoint: &Endpoint,
        scopes: &[Scope],
        challenge: Option<&Challenge>,
    ) -> Result<Grant> {
        authority::authorize(endpoint, scopes, challenge)
    }
}

impl Management for AwsEcr {
    fn prepare_targets(
        endpoint: &Endpoint,
        repositories: &[String],
        _: &[KeyValue],
    ) -> Vec<Result<()>> {
        repositories::prepare(endpoint, repositories)
    }

    fn delete_tag(endpoint: &Endpoint, repository: &str, tag: &str) -> Result<()> {
        let image = ImageId { image_tag: Some(tag.to_owned()), ..ImageId::default() };
        repositories::delete(endpoint, repository, image)
    }

    fn delete_artifact(endpoint: &Endpoint, repository: &str, digest: &str) -> Result<()> {
        let image = ImageId { image_digest: Some(digest.to_owned()), ..ImageId::default() };
        repositories::delete(endpoint, repository, image)
    }
}
