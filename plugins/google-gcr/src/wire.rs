//! The JSON of Google's two interfaces, as far as it is read.

use core::fmt;
use std::collections::BTreeMap;

use portolan_sdk::time;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error, Visitor},
};

/// `tags/list` with what Google adds to it.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Tags {
    pub(crate) tags: Option<Vec<String>>,
    /// Names one component below this one.
    pub(crate) child: Option<Vec<String>>,
    /// By digest.
    pub(crate) manifest: Option<BTreeMap<String, Manifest>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Manifest {
    #[serde(rename = "imageSizeBytes")]
    pub(crate) size: Number,
    #[serde(rename = "mediaType")]
    pub(crate) media_type: Option<String>,
    pub(crate) tag: Option<Vec<String>>,
    #[serde(rename = "timeUploadedMs")]
    pub(crate) uploaded_ms: Number,
}

/// A number, written as one (Artifact Registry) or as text (Container Registry); `None` for other
/// text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Number(pub(crate) Option<u64>);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberVisitor).map(Self)
    }
}

struct NumberVisitor;

impl Visitor<'_> for NumberVisitor {
    type Value = Option<u64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, or one as text")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Some(number))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(u64::try_from(number).ok())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(text.parse().ok())
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

/// A page of Artifact Registry's repositories.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Shelves {
    #[serde(default)]
    pub(crate) repositories: Vec<Shelf>,
    #[serde(default)]
    pub(crate) next_page_token: String,
}

/// A repository of Artifact Registry: what holds images, and no image itself.
#[derive(Deserialize)]
pub(crate) struct Shelf {
    /// `projects/P/locations/L/repositories/R`.
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) format: String,
    #[serde(default)]
    pub(crate) mode: String,
}

/// A page of a repository's packages.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Packages {
    #[serde(default)]
    pub(crate) packages: Vec<Package>,
    #[serde(default)]
    pub(crate) next_page_token: String,
}

/// An image name, for the format Docker.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Package {
    /// `projects/P/locations/L/repositories/R/packages/N`, `/` in N as `%2F`.
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default, deserialize_with = "time::deserialize")]
    pub(crate) create_time: Option<u64>,
    #[serde(default, deserialize_with = "time::deserialize")]
    pub(crate) update_time: Option<u64>,
}

/// What creates a repository.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewShelf {
    pub(crate) format: &'static str,
    pub(crate) docker_config: DockerConfig,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DockerConfig {
    pub(crate) immutable_tags: bool,
}

/// A long-running operation.
#[derive(Deserialize)]
pub(crate) struct Operation {
    /// `projects/P/locations/L/operations/ID`.
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) done: bool,
    #[serde(default)]
    pub(crate) error: Option<Status>,
}

/// The body of an answer above 400.
#[derive(Deserialize)]
pub(crate) struct Fault {
    pub(crate) error: Status,
}

/// `google.rpc.Status`.
#[derive(Deserialize)]
pub(crate) struct Status {
    /// Of HTTP in an answer, of gRPC in an operation (6: it exists already).
    #[serde(default)]
    pub(crate) code: i64,
    #[serde(default)]
    pub(crate) status: String,
    #[serde(default)]
    pub(crate) message: String,
}
