//! The provider `docker-registry`: any registry that speaks the distribution API and nothing else.
//!
//! Nearly all of it is the SDK's: the token flow and the listings. It never moves a blob; `locate`
//! only says how the host shall.

use portolan_sdk::{
    Adapter, AdapterInfo, Artifact, ArtifactFilter, Endpoint, Health, Page, PageRequest,
    Repository, RepositoryFilter, Result, Target, distribution, export_adapter, token::Flow,
};
use serde::Deserialize;

export_adapter!(DockerRegistry);

/// The adapter.
#[derive(Debug)]
pub struct DockerRegistry;

/// JSON Schema of [`Settings`].
const SETTINGS_SCHEMA: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "upload": {
      "type": "string",
      "enum": ["single-put", "single-patch", "chunked"],
      "default": "single-put",
      "title": "Blob upload",
      "description": "One PUT; one PATCH (needed by some proxies of Artifactory); or chunks, which can be resumed and pass a proxy that caps bodies."
    },
    "max_chunk_bytes": {
      "type": "integer",
      "minimum": 1048576,
      "title": "Largest upload request",
      "description": "In bytes. Set it to what a proxy before the registry lets through (status 413 says so)."
    },
    "mount": {
      "type": "boolean",
      "default": true,
      "title": "Mount blobs across repositories",
      "description": "Turn off for a registry that answers a mount with success and then does not have the blob."
    }
  }
}"#;

/// What an administrator may set for an endpoint.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    upload: Option<String>,
    max_chunk_bytes: Option<u64>,
    mount: Option<bool>,
}

impl Adapter for DockerRegistry {
    fn describe() -> AdapterInfo {
        AdapterInfo {
            hint: "Any registry with the distribution API; user name and password only if it \
                   asks for them."
                .to_owned(),
            settings_schema: SETTINGS_SCHEMA.to_owned(),
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
        let settings: Settings = endpoint.settings_as()?;
        let mut target = Target::new(&endpoint.url, repository);
        if let Some(upload) = settings.upload {
            target.upload = upload;
        }
        target.max_chunk_bytes = settings.max_chunk_bytes;
        target.mount = settings.mount.unwrap_or(true);
        Ok(target)
    }
}
