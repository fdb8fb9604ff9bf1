//! The provider `docker-registry`: any registry that speaks the distribution API and nothing else.
//!
//! Nearly all of it is the SDK's: the token flow and the listings. It never moves a blob; `locate`
//! only says how the host shall.

mod events;
mod removal;

use portolan_sdk::{
    Adapter, AdapterInfo, Artifact, ArtifactFilter, DeliveryAuth, Endpoint, Event, Health,
    KeyValue, Management, Notifications, Page, PageRequest, Repository, RepositoryFilter,
    ResponseHeader, Result, Target, distribution, export_adapter,
    token::Flow,
    upload::{self, UploadSettings},
};

export_adapter!(DockerRegistry: management, notifications);

/// The adapter.
#[derive(Debug)]
pub struct DockerRegistry;

impl Adapter for DockerRegistry {
    fn describe() -> AdapterInfo {
        AdapterInfo {
            hint: "Any registry with the distribution API; user name and password only if it \
                   asks for them."
                .to_owned(),
            settings_schema: upload::SCHEMA.to_owned(),
            ..AdapterInfo::new("docker-registry", "Docker Registry", env!("CARGO_PKG_VERSION"))
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

    fn locate(endpoint: &Endpoint, repository: &str) -> Result<Target> {
        let settings: UploadSettings = endpoint.settings_as()?;
        settings.apply(Target::new(&endpoint.url, repository))
    }
}

impl Management for DockerRegistry {
    /// Nothing has to be made: a push makes the repository.
    fn prepare_targets(_: &Endpoint, repositories: &[String], _: &[KeyValue]) -> Vec<Result<()>> {
        repositories.iter().map(|_| Ok(())).collect()
    }

    fn delete_tag(endpoint: &Endpoint, repository: &str, tag: &str) -> Result<()> {
        removal::tag(endpoint, repository, tag)
    }

    fn delete_artifact(endpoint: &Endpoint, repository: &str, digest: &str) -> Result<()> {
        removal::artifact(endpoint, repository, digest)
    }
}

impl Notifications for DockerRegistry {
    fn authentication() -> Vec<DeliveryAuth> {
        vec![DeliveryAuth::HeaderToken("Authorization".to_owned()), DeliveryAuth::UrlToken]
    }

    fn parse(_: &Endpoint, _: &[ResponseHeader], body: &[u8]) -> Result<Vec<Event>> {
        events::parse(body)
    }
}

#[cfg(test)]
mod tests;
