//! The provider `huawei-SWR`: Huawei Cloud's SoftWare Repository for Container.
//!
//! With the login key that SWR's console shows, listings and organisations go through the API that
//! the console itself uses, with Basic. With a secret access key they go through the management
//! API, signed, and the registry sees a temporary login: the login key could be derived from the
//! secret access key, but it is good for ever, so it must not come into being here.

mod account;
mod health;
mod listing;
mod login;
mod namespaces;
mod registry;
#[cfg(test)]
mod tests;
mod wire;

use portolan_sdk::{
    Adapter, AdapterInfo, AllowedHost, Artifact, ArtifactFilter, Challenge, Endpoint, Error, Grant,
    Health, KeyValue, Management, Page, PageRequest, Repository, RepositoryFilter, Result, Scope,
    Target, export_adapter, signing::huawei,
};

use account::Account;

export_adapter!(HuaweiSwr: management);

/// The adapter.
#[derive(Debug)]
pub struct HuaweiSwr;

/// What SWR takes on push. It refuses an OCI index with "fail to parse 'manifest.json'".
const ACCEPTED: [&str; 3] = [
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
];

impl Adapter for HuaweiSwr {
    fn describe() -> AdapterInfo {
        let host = |pattern: &str, allowed: &str| AllowedHost {
            pattern: pattern.to_owned(),
            uses: vec![allowed.to_owned()],
        };
        AdapterInfo {
            description: "Adapter for SWR -- The image registry of Huawei Cloud".to_owned(),
            hint: "The access key is `REGION@AK` and the secret the login key of SWR's login \
                   command (64 hexadecimal digits), not the SK, which needs the setting \
                   `secret_is`; SWR refuses OCI indexes (tested against recorded exchanges only)."
                .to_owned(),
            settings_schema: account::SCHEMA.to_owned(),
            allowed_hosts: vec![
                host("https://swr-api.{R}.myhuaweicloud.com", "signed"),
                host("https://*.obs.{R}.myhuaweicloud.com", "storage"),
            ],
            signing: vec![huawei::recipe()],
            min_components: 2,
            accepted_manifests: ACCEPTED.map(str::to_owned).to_vec(),
            ..AdapterInfo::new("huawei-SWR", "Huawei SWR", env!("CARGO_PKG_VERSION"))
        }
    }

    fn check_health(endpoint: &Endpoint) -> Result<Health> {
        health::check(&Account::of(endpoint)?)
    }

    fn list_repositories(
        endpoint: &Endpoint,
        filter: &RepositoryFilter,
        page: &PageRequest,
    ) -> Result<Page<Repository>> {
        listing::repositories(&Account::of(endpoint)?, filter, page)
    }

    fn list_artifacts(
        endpoint: &Endpoint,
        repository: &str,
        _: &ArtifactFilter,
        page: &PageRequest,
    ) -> Result<Page<Artifact>> {
        registry::tags(&Account::of(endpoint)?, repository, page)
    }

    fn locate(endpoint: &Endpoint, repository: &str) -> Result<Target> {
        namespaces::split(repository)?;
        Account::of(endpoint)?.locate(repository)
    }

    fn authorize(
        endpoint: &Endpoint,
        scopes: &[Scope],
        challenge: Option<&Challenge>,
    ) -> Result<Grant> {
        let account = Account::of(endpoint)?;
        login::with(&account, |flow| flow.authorize(scopes, challenge))
    }
}

impl Management for HuaweiSwr {
    fn prepare_targets(
        endpoint: &Endpoint,
        repositories: &[String],
        _: &[KeyValue],
    ) -> Vec<Result<()>> {
        match Account::of(endpoint) {
            Ok(account) => namespaces::prepare(&account, repositories),
            Err(error) => repositories.iter().map(|_| Err(error.clone())).collect(),
        }
    }

    fn delete_tag(endpoint: &Endpoint, repository: &str, tag: &str) -> Result<()> {
        registry::delete_tag(&Account::of(endpoint)?, repository, tag)
    }

    fn delete_artifact(endpoint: &Endpoint, repository: &str, digest: &str) -> Result<()> {
        registry::delete_artifact(&Account::of(endpoint)?, repository, digest)
    }
}

/// What a request without credentials is told where they are needed.
fn anonymous(endpoint: &Endpoint) -> Error {
    Error::Unauthenticated(format!(
        "{} is asked without credentials, which SWR allows for pulls from public repositories \
         only: give the endpoint an access key and secret",
        endpoint.url
    ))
}
