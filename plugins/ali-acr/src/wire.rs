//! The JSON of both management APIs, as far as it is read and written.
//!
//! One type for every answer: each more would be a parser of its own in the component.

use core::fmt;

use portolan_sdk::{Error, Result, http::Response};
use serde::{Deserialize, Deserializer, Serialize, de::Visitor};

/// What either API answers. The enterprise one has it all in one object and names in `CamelCase`,
/// the personal one below `data` and in `camelCase`.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Answer {
    /// With status 200 the enterprise API may still say no.
    #[serde(rename = "IsSuccess")]
    pub(crate) is_success: Option<bool>,
    #[serde(rename = "Code", alias = "code")]
    pub(crate) code: Option<String>,
    data: Option<Box<Answer>>,
    /// Of a login to the registry.
    #[serde(rename = "TempUsername", alias = "tempUserName")]
    username: Option<String>,
    #[serde(rename = "AuthorizationToken", alias = "authorizationToken")]
    password: Option<String>,
    /// Milliseconds since the epoch.
    #[serde(rename = "ExpireTime", alias = "expireDate", deserialize_with = "number")]
    pub(crate) expires: Option<u64>,
    #[serde(rename = "RepoId")]
    repository: Option<String>,
    /// Alone.
    namespace: Option<Row>,
    #[serde(
        alias = "Namespaces",
        alias = "namespaces",
        alias = "Repositories",
        alias = "repos",
        alias = "Images",
        alias = "tags"
    )]
    rows: Option<Vec<Row>>,
    /// Rows of all pages.
    #[serde(rename = "TotalCount", alias = "total", deserialize_with = "number")]
    pub(crate) total: Option<u64>,
}

/// A namespace, a repository or a tag.
#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct Row {
    #[serde(
        alias = "NamespaceName",
        alias = "namespace",
        alias = "RepoName",
        alias = "repoName",
        alias = "Tag",
        alias = "tag"
    )]
    pub(crate) name: String,
    /// Whether a push makes repositories in the namespace.
    #[serde(alias = "AutoCreateRepo", alias = "autoCreate")]
    pub(crate) auto_create: Option<bool>,
    /// Of a repository, `PUBLIC` or `PRIVATE`.
    #[serde(alias = "RepoType", alias = "repoType")]
    pub(crate) kind: Option<String>,
    /// What a repository says of itself.
    #[serde(alias = "Summary")]
    pub(crate) summary: Option<String>,
    /// Of a tag's manifest, with or without `sha256:`.
    #[serde(alias = "Digest")]
    pub(crate) digest: Option<String>,
    #[serde(alias = "ImageSize", alias = "imageSize", deserialize_with = "number")]
    pub(crate) size: Option<u64>,
    /// Milliseconds since the epoch.
    #[serde(alias = "ImageUpdate", alias = "imageUpdate", deserialize_with = "number")]
    pub(crate) updated: Option<u64>,
}

impl Answer {
    /// Reads an answer; one without a body has nothing in it.
    pub(crate) fn read(response: &Response) -> Result<Self> {
        if response.body().is_empty() { Ok(Self::default()) } else { response.json() }
    }

    /// What the personal API has below `data`.
    pub(crate) fn data(self, what: &str) -> Result<Self> {
        self.data.map(|data| *data).ok_or_else(|| lacks(what, "`data`"))
    }

    /// User name and password.
    pub(crate) fn login(&mut self) -> Result<(String, String)> {
        let both = self.username.take().zip(self.password.take());
        both.ok_or_else(|| lacks("the request for a login", "user name and token"))
    }

    /// The id of a repository.
    pub(crate) fn repository(self) -> Result<String> {
        self.repository.ok_or_else(|| lacks("the request for a repository", "`RepoId`"))
    }

    /// The one namespace that was asked for.
    pub(crate) fn namespace(self) -> Option<Row> {
        self.namespace
    }

    /// The rows of a page; one without a name is none.
    pub(crate) fn rows(&mut self) -> Vec<Row> {
        let mut rows = self.rows.take().unwrap_or_default();
        rows.retain(|row| !row.name.is_empty());
        rows
    }
}

fn lacks(what: &str, part: &str) -> Error {
    Error::MalformedResponse(format!("the answer to {what} lacks {part}"))
}

impl Row {
    /// The digest as the OCI specification writes it; `None` where the answer's is no SHA-256.
    pub(crate) fn oci_digest(&self) -> Option<String> {
        let hex = self.digest.as_deref()?.trim_start_matches("sha256:");
        let is_digest =
            hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f'));
        is_digest.then(|| format!("sha256:{hex}"))
    }
}

/// The body that creates a namespace or a repository in the personal edition.
#[derive(Serialize)]
pub(crate) struct NewThing<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) namespace: Option<NewNamespace<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) repo: Option<NewRepository<'a>>,
}

#[derive(Serialize)]
pub(crate) struct NewNamespace<'a> {
    pub(crate) namespace: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewRepository<'a> {
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
