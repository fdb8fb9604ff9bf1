//! The JSON of Harbor's management API, as far as it is read.

use serde::Deserialize;

/// What `/api/version` and `/systeminfo` tell.
#[derive(Deserialize)]
pub(crate) struct About {
    /// Of the API.
    #[serde(default)]
    pub(crate) version: Option<String>,
    /// Of the product.
    #[serde(default)]
    pub(crate) harbor_version: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Project {
    pub(crate) name: String,
    /// Above 0: a proxy cache of that registry.
    #[serde(default)]
    pub(crate) registry_id: Option<i64>,
    #[serde(default)]
    pub(crate) repo_count: Option<u64>,
    #[serde(default)]
    pub(crate) metadata: Option<Metadata>,
}

impl Project {
    /// Whether it holds what another registry holds, and takes no pushes.
    pub(crate) fn is_proxy_cache(&self) -> bool {
        self.registry_id.is_some_and(|id| id > 0)
    }

    /// Whether a login is needed to read it, where Harbor tells.
    pub(crate) fn is_private(&self) -> Option<bool> {
        let public = self.metadata.as_ref()?.public.as_deref()?;
        Some(public != "true")
    }
}

#[derive(Deserialize)]
pub(crate) struct Metadata {
    #[serde(default)]
    pub(crate) public: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Repository {
    /// With the project.
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) description: Option<String>,
    #[serde(default)]
    pub(crate) artifact_count: Option<u64>,
    #[serde(default)]
    pub(crate) creation_time: Option<String>,
    #[serde(default)]
    pub(crate) update_time: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Artifact {
    pub(crate) digest: String,
    /// `IMAGE`, `CHART`, …
    #[serde(default, rename = "type")]
    pub(crate) kind: Option<String>,
    #[serde(default)]
    pub(crate) manifest_media_type: Option<String>,
    #[serde(default)]
    pub(crate) artifact_type: Option<String>,
    #[serde(default)]
    pub(crate) size: Option<u64>,
    #[serde(default)]
    pub(crate) push_time: Option<String>,
    #[serde(default)]
    pub(crate) tags: Option<Vec<Named>>,
    #[serde(default)]
    pub(crate) labels: Option<Vec<Named>>,
    #[serde(default)]
    pub(crate) references: Option<Vec<Child>>,
}

/// A tag or a label.
#[derive(Deserialize)]
pub(crate) struct Named {
    pub(crate) name: String,
}

#[derive(Deserialize)]
pub(crate) struct Child {
    #[serde(default)]
    pub(crate) platform: Option<Platform>,
}

#[derive(Deserialize)]
pub(crate) struct Platform {
    #[serde(default)]
    pub(crate) os: String,
    #[serde(default)]
    pub(crate) architecture: String,
    #[serde(default)]
    pub(crate) variant: Option<String>,
}

/// The body that creates a project. `metadata.public` is text in this API.
#[derive(serde::Serialize)]
pub(crate) struct NewProject<'a> {
    pub(crate) project_name: &'a str,
    pub(crate) metadata: NewMetadata,
}

#[derive(serde::Serialize)]
pub(crate) struct NewMetadata {
    pub(crate) public: &'static str,
}
