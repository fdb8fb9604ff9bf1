//! The JSON of both management APIs, as far as it is read and written.

use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, de::Visitor};

/// How an answer of the enterprise API begins: with status 200 it may still say no.
#[derive(Default, Deserialize)]
pub(crate) struct Verdict {
    #[serde(default, rename = "IsSuccess")]
    pub(crate) is_success: Option<bool>,
    #[serde(default, rename = "Code", alias = "code")]
    pub(crate) code: Option<String>,
}

/// An answer of the personal API.
#[derive(Deserialize)]
pub(crate) struct Data<T> {
    pub(crate) data: Option<T>,
}

/// A login to the registry, of either API.
#[derive(Deserialize)]
pub(crate) struct Login {
    #[serde(alias = "TempUsername", alias = "tempUserName")]
    pub(crate) username: String,
    #[serde(alias = "AuthorizationToken", alias = "authorizationToken")]
    pub(crate) password: String,
    /// Milliseconds since the epoch.
    #[serde(default, alias = "ExpireTime", alias = "expireDate", deserialize_with = "number")]
    pub(crate) expires: Option<u64>,
}

/// A page of namespaces, of either API; the personal one has a single page and no total.
#[derive(Deserialize)]
pub(crate) struct Namespaces {
    #[serde(default, alias = "Namespaces", alias = "namespaces")]
    pub(crate) rows: Option<Vec<Namespace>>,
    #[serde(default, rename = "TotalCount", deserialize_with = "number")]
    pub(crate) total: Option<u64>,
}

#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Namespace {
    #[serde(alias = "NamespaceName", alias = "namespace")]
    pub(crate) name: String,
    /// Whether a push makes the repository.
    #[serde(default, alias = "AutoCreateRepo", alias = "autoCreate")]
    pub(crate) auto_create: Option<bool>,
}

/// One namespace as the personal API shows it.
#[derive(Deserialize)]
pub(crate) struct OneNamespace {
    pub(crate) namespace: Namespace,
}

/// A page of repositories, of either API.
#[derive(Deserialize)]
pub(crate) struct Repositories {
    #[serde(default, alias = "Repositories", alias = "repos")]
    pub(crate) rows: Option<Vec<Repository>>,
    #[serde(default, alias = "TotalCount", deserialize_with = "number")]
    pub(crate) total: Option<u64>,
}

#[derive(Deserialize)]
pub(crate) struct Repository {
    #[serde(alias = "RepoName", alias = "repoName")]
    pub(crate) name: String,
    /// `PUBLIC` or `PRIVATE`.
    #[serde(default, alias = "RepoType", alias = "repoType")]
    pub(crate) kind: Option<String>,
    #[serde(default, alias = "Summary")]
    pub(crate) summary: Option<String>,
}

/// What the enterprise API is asked for by a repository's name.
#[derive(Deserialize)]
pub(crate) struct RepositoryId {
    #[serde(rename = "RepoId")]
    pub(crate) id: String,
}

/// A page of tags, of either API.
#[derive(Deserialize)]
pub(crate) struct Tags {
    #[serde(default, alias = "Images", alias = "tags")]
    pub(crate) rows: Option<Vec<Tag>>,
    #[serde(default, alias = "TotalCount", deserialize_with = "number")]
    pub(crate) total: Option<u64>,
}

#[derive(Deserialize)]
pub(crate) struct Tag {
    #[serde(alias = "Tag", alias = "tag")]
    pub(crate) name: String,
    /// Of the manifest, with or without `sha256:`.
    #[serde(default, alias = "Digest")]
    pub(crate) digest: Option<String>,
    #[serde(default, alias = "ImageSize", alias = "imageSize", deserialize_with = "number")]
    pub(crate) size: Option<u64>,
    /// Milliseconds since the epoch.
    #[serde(default, alias = "ImageUpdate", alias = "imageUpdate", deserialize_with = "number")]
    pub(crate) updated: Option<u64>,
}

impl Tag {
    /// The digest as the OCI specification writes it; `None` where the answer's is no SHA-256.
    pub(crate) fn oci_digest(&self) -> Option<String> {
        let hex = self.digest.as_deref()?.trim_start_matches("sha256:");
        let is_digest =
            hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f'));
        is_digest.then(|| format!("sha256:{hex}"))
    }
}

/// The body that creates a namespace in the personal edition.
#[derive(Serialize)]
pub(crate) struct NewNamespace<'a> {
    pub(crate) namespace: Named<'a>,
}

#[derive(Serialize)]
pub(crate) struct Named<'a> {
    pub(crate) namespace: &'a str,
}

/// The body that creates a repository in the personal edition.
#[derive(Serialize)]
pub(crate) struct NewRepository<'a> {
    pub(crate) repo: NewRepo<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewRepo<'a> {
    pub(crate) region: &'a str,
    pub(crate) repo_namespace: &'a str,
    pub(crate) repo_name: &'a str,
    pub(crate) summary: &'a str,
    pub(crate) repo_type: &'a str,
}

/// A number, or one written as text: the enterprise API does either.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    deserializer.deserialize_any(Number)
}

struct Number;

impl Visitor<'_> for Number {
    type Value = Option<u64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, as such or as text")
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Some(number))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Some(number as u64))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(text.trim().parse().ok())
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}
