//! The provider `azure-acr`: Azure Container Registry.
//!
//! Bytes and the catalog go through the distribution API; tags are listed and deleted by the
//! registry's own API below `/acr/v1`, which tells their digests and deletes one tag alone. Tokens
//! come from the registry itself, for the credentials given: it asks no Entra directory.

mod authority;
mod health;
mod listing;
mod removal;
#[cfg(test)]
mod tests;

use portolan_sdk::{
    Adapter, AdapterInfo, AllowedHost, Artifact, ArtifactFilter, Challenge, Endpoint, Grant,
    Health, KeyValue, Management, Page, PageRequest, Repository, RepositoryFilter, Result, Scope,
    Target, export_adapter, log,
};
use serde::Deserialize;

export_adapter!(AzureAcr: management);

/// The adapter.
#[derive(Debug)]
pub struct AzureAcr;

/// Where blobs are redirected to: storage accounts of the three clouds, and the data endpoints
/// that a registry may have instead (`NAME.REGION.data.azurecr.io`).
const STORAGE: [&str; 6] = [
    "https://*.blob.core.windows.net",
    "https://*.blob.core.chinacloudapi.cn",
    "https://*.blob.core.usgovcloudapi.net",
    "https://*.{R}.data.azurecr.io",
    "https://*.{R}.data.azurecr.cn",
    "https://*.{R}.data.azurecr.us",
];

/// What Microsoft's own client uploads at once; one request of 20 MB and more is refused (413).
const CHUNK: u64 = 4 << 20;

/// Largest chunk that may be asked for, well below what is refused.
const MAX_CHUNK: u64 = 16 << 20;

const SETTINGS: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "max_chunk_bytes": {
      "type": "integer",
      "minimum": 1048576,
      "maximum": 16777216,
      "default": 4194304,
      "title": "Largest upload request",
      "description": "In bytes. Larger chunks are faster on long lines; the registry refuses about 20 MB and more."
    }
  }
}"#;

/// What an administrator may set.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    max_chunk_bytes: Option<u64>,
}

impl Adapter for AzureAcr {
    fn describe() -> AdapterInfo {
        let storage = |pattern: &&str| AllowedHost {
            pattern: (*pattern).to_owned(),
            uses: vec!["storage".to_owned()],
        };
        AdapterInfo {
            hint: "https://NAME.azurecr.io with an application id and its secret, the admin user, \
                   or a token's name and password; a token of some repositories sees no catalog, \
                   so name them in the rule (tested against recorded exchanges only)."
                .to_owned(),
            settings_schema: SETTINGS.to_owned(),
            allowed_hosts: STORAGE.iter().map(storage).collect(),
            login_urls: vec![authority::TOKENS.to_owned()],
            resources: vec!["image".to_owned(), "artifact".to_owned()],
            extra: vec![
                KeyValue::new("supported_copy_by_chunk", "true"),
                // It makes nothing public, and says so where the source is.
                KeyValue::new("copies_visibility", "told"),
            ],
            ..AdapterInfo::new("azure-acr", "Azure ACR", env!("CARGO_PKG_VERSION"))
        }
    }

    fn check_health(endpoint: &Endpoint) -> Result<Health> {
        health::check(endpoint)
    }

    fn list_repositories(
        endpoint: &Endpoint,
        _: &RepositoryFilter,
        page: &PageRequest,
    ) -> Result<Page<Repository>> {
        listing::repositories(endpoint, page)
    }

    fn list_artifacts(
        endpoint: &Endpoint,
        repository: &str,
        _: &ArtifactFilter,
        page: &PageRequest,
    ) -> Result<Page<Artifact>> {
        listing::artifacts(endpoint, repository, page)
    }

    fn locate(endpoint: &Endpoint, repository: &str) -> Result<Target> {
        let settings: Settings = endpoint.settings_as()?;
        let chunk = settings.max_chunk_bytes.unwrap_or(CHUNK).clamp(1, MAX_CHUNK);
        Ok(Target {
            upload: "chunked".to_owned(),
            max_chunk_bytes: Some(chunk),
            ..Target::new(&endpoint.url, repository)
        })
    }

    fn authorize(
        endpoint: &Endpoint,
        scopes: &[Scope],
        challenge: Option<&Challenge>,
    ) -> Result<Grant> {
        authority::flow(endpoint).authorize(scopes, challenge)
    }
}

impl Management for AzureAcr {
    /// Nothing has to be made: a push makes the repository, and it is private.
    fn prepare_targets(
        endpoint: &Endpoint,
        repositories: &[String],
        metadata: &[KeyValue],
    ) -> Vec<Result<()>> {
        if metadata.iter().any(|it| it.key == "visibility" && it.value == "public") {
            let registry = [("registry", endpoint.url.as_str())];
            log::warn(
                "stays private: pulling anonymously is a switch of the whole registry",
                &registry,
            );
        }
        repositories.iter().map(|_| Ok(())).collect()
    }

    fn delete_tag(endpoint: &Endpoint, repository: &str, tag: &str) -> Result<()> {
        removal::tag(endpoint, repository, tag)
    }

    fn delete_artifact(endpoint: &Endpoint, repository: &str, digest: &str) -> Result<()> {
        removal::artifact(endpoint, repository, digest)
    }
}
