//! The provider `ali-acr`: Container Registry of Alibaba Cloud, personal and enterprise edition.
//!
//! Listings, namespaces and deletes go through the management API with signed requests; bytes go
//! through the distribution API with tokens, for which the management API gives a login of an
//! hour. The registry's challenge tells which edition it is.

mod api;
mod deletes;
mod instance;
mod listing;
mod login;
mod namespaces;
mod presets;
mod refusal;
mod repository;
mod step;
mod tags;
mod targets;
#[cfg(test)]
mod tests;
mod wire;

use portolan_sdk::{
    AccessKeyPattern, AccessSecretPattern, Adapter, AdapterInfo, Artifact, ArtifactFilter,
    Challenge, CredentialPattern, Endpoint, Grant, Health, KeyValue, Management, Page, PageRequest,
    Repository, RepositoryFilter, Result, Scope, Target, export_adapter,
    signing::alibaba,
    upload::{self, UploadSettings},
};

export_adapter!(AliAcr: management);

/// The adapter.
#[derive(Debug)]
pub struct AliAcr;

impl Adapter for AliAcr {
    fn describe() -> AdapterInfo {
        let info = AdapterInfo::new("ali-acr", "Alibaba Cloud ACR", env!("CARGO_PKG_VERSION"));
        AdapterInfo {
            credentials: Some(CredentialPattern {
                access_key: AccessKeyPattern::Standard,
                access_secret: AccessSecretPattern::Password,
            }),
            hint: "AccessKey id and secret of a RAM user, not a login of the registry; for the \
                   enterprise edition put your instance in place of `instanceName` (tested \
                   against recorded exchanges only)."
                .to_owned(),
            settings_schema: upload::SCHEMA.to_owned(),
            allowed_hosts: presets::hosts(),
            signing: vec![alibaba::v3_recipe(), alibaba::roa_recipe()],
            min_components: 2,
            extra: vec![KeyValue::new("copies_visibility", "true")],
            ..info.at(presets::endpoints())
        }
    }

    fn check_health(endpoint: &Endpoint) -> Result<Health> {
        login::check_health(endpoint)
    }

    fn list_repositories(
        endpoint: &Endpoint,
        filter: &RepositoryFilter,
        page: &PageRequest,
    ) -> Result<Page<Repository>> {
        listing::repositories(endpoint, filter, page)
    }

    fn list_artifacts(
        endpoint: &Endpoint,
        repository: &str,
        _: &ArtifactFilter,
        page: &PageRequest,
    ) -> Result<Page<Artifact>> {
        tags::list(endpoint, repository, page)
    }

    fn locate(endpoint: &Endpoint, repository: &str) -> Result<Target> {
        repository::Name::parse(repository)?;
        let settings: UploadSettings = endpoint.settings_as()?;
        settings.apply(Target::new(&instance::base(endpoint), repository))
    }

    fn authorize(
        endpoint: &Endpoint,
        scopes: &[Scope],
        challenge: Option<&Challenge>,
    ) -> Result<Grant> {
        login::authorize(endpoint, scopes, challenge)
    }
}

impl Management for AliAcr {
    fn prepare_targets(
        endpoint: &Endpoint,
        repositories: &[String],
        metadata: &[KeyValue],
    ) -> Vec<Result<()>> {
        targets::prepare(endpoint, repositories, metadata)
    }

    fn delete_tag(endpoint: &Endpoint, repository: &str, tag: &str) -> Result<()> {
        deletes::tag(endpoint, repository, tag)
    }

    fn delete_artifact(endpoint: &Endpoint, repository: &str, digest: &str) -> Result<()> {
        deletes::artifact(endpoint, repository, digest)
    }
}
