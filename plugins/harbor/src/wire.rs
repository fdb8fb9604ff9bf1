//! The JSON of Harbor's management API, as far as it is read.

use portolan_sdk::time;
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
    /// Whether an Admiral keeps the projects (vSphere Integrated Containers).
    #[serde(default)]
    pub(crate) with_admiral: Option<bool>,
    #[serde(default)]
    pub(crate) admiral_endpoint: Option<String>,
    /// Every Harbor tells it, also to those who are not logged in.
    #[serde(default)]
    auth_mode: Option<String>,
}

impl About {
    /// Whether `/systeminfo` is a Harbor's; any JSON object can be read as this.
    pub(crate) fn is_harbor(&self) -> bool {
        self.harbor_version.is_some() || self.auth_mode.is_some()
    }
}

#[derive(Deserialize)]
pub(crate) struct Project {
    /// Harbor 1.x asks for repositories by it.
    #[serde(default)]
    pub(crate) project_id: u32,
    pub(crate) name: String,
    /// 0 or 1, before Harbor 1.3.
    #[serde(default)]
    public: Option<i64>,
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
        let told = self.metadata.as_ref().and_then(|metadata| metadata.public.as_deref());
        told.map(|public| public != "true").or(self.public.map(|public| public == 0))
    }
}

#[derive(Deserialize)]
pub(crate) struct Metadata {
    #[serde(default)]
    pub(crate) public: Option<String>,
}

#[derive(Default, Deserialize)]
pub(crate) struct Repository {
    /// With the project.
    pub(crate) name: String,
    /// The same in a webhook, whose `name` is without it.
    #[serde(default)]
    pub(crate) repo_full_name: Option<String>,
    #[serde(default)]
    pub(crate) description: Option<String>,
    #[serde(default, alias = "tags_count")]
    pub(crate) artifact_count: Option<u64>,
    #[serde(default, deserialize_with = "time::deserialize")]
    pub(crate) creation_time: Option<u64>,
    #[serde(default, deserialize_with = "time::deserialize")]
    pub(crate) update_time: Option<u64>,
}

/// An artifact of Harbor 2.x, or a tag of 1.x.
#[derive(Default, Deserialize)]
pub(crate) struct Artifact {
    /// Of a tag.
    #[serde(default, alias = "tag")]
    pub(crate) name: String,
    #[serde(default)]
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
    #[serde(default, deserialize_with = "time::deserialize")]
    pub(crate) push_time: Option<u64>,
    #[serde(default)]
    pub(crate) tags: Option<Vec<Named>>,
    #[serde(default)]
    pub(crate) labels: Option<Vec<Named>>,
    #[serde(default)]
    pub(crate) references: Option<Vec<Child>>,
    /// Signatures, SBOMs and the like: listed nowhere else.
    #[serde(default)]
    pub(crate) accessories: Option<Vec<Named>>,
}

/// A webhook, in either of its forms, or what is in it: a type more would be a parser of its own
/// in the component.
#[derive(Deserialize)]
pub(crate) struct Hook {
    #[serde(default, rename = "type")]
    pub(crate) kind: String,
    /// Of a CloudEvent, which has an id.
    #[serde(default)]
    pub(crate) id: Option<String>,
    #[serde(default)]
    pub(crate) occur_at: Option<u64>,
    /// The same of a CloudEvent.
    #[serde(default, deserialize_with = "time::deserialize")]
    pub(crate) time: Option<u64>,
    #[serde(default, alias = "event_data")]
    pub(crate) data: Option<Box<Self>>,
    #[serde(default)]
    pub(crate) resources: Option<Vec<Artifact>>,
    #[serde(default)]
    pub(crate) repository: Option<Repository>,
}

/// A tag or a label by its name, or an accessory by its digest: a type more would be a parser of
/// its own in the component.
#[derive(Deserialize)]
pub(crate) struct Named {
    #[serde(alias = "digest")]
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

/// The body that creates a project. `metadata.public` is text; `public`, which Harbor knew alone
/// before 1.3, is 0 or 1.
#[derive(serde::Serialize)]
pub(crate) struct NewProject<'a> {
    pub(crate) project_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) public: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) metadata: Option<NewMetadata>,
}

#[derive(serde::Serialize)]
pub(crate) struct NewMetadata {
    public: &'static str,
}

impl NewMetadata {
    pub(crate) fn public(public: bool) -> Self {
        Self { public: if public { "true" } else { "false" } }
    }
}
