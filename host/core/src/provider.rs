//! What an adapter says of itself and of its registry, in types that know no version of the
//! plug-in interface.

use std::{fmt, sync::Arc};

mod delivery;
mod health;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{
    oci::{Digest, MediaType, Repository},
    secret::Secret,
};

pub use delivery::{DeliveryAuth, Event, HmacHeader};
pub use health::HealthReport;

/// What an adapter says of itself (`registry-adapter.describe`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdapterInfo {
    /// Provider id, e.g. `docker-hub`; compared byte for byte.
    pub provider: String,
    /// Name for people.
    pub display_name: String,
    /// One line more; Harbor's `description`, mostly empty.
    pub description: String,
    /// The adapter's own version.
    pub version: String,
    /// What the form offers for the URL.
    pub endpoints: Option<EndpointPattern>,
    /// What the form asks for as credentials.
    pub credentials: Option<CredentialPattern>,
    /// One sentence for the person at the form.
    pub hint: String,
    /// JSON Schema of the endpoint's `settings`.
    pub settings_schema: serde_json::Value,
    /// Hosts it asks for besides the endpoint's own.
    pub allowed_hosts: Vec<AllowedHost>,
    /// Addresses that may receive a secret in a body.
    pub login_urls: Vec<String>,
    /// Signatures it may ask for.
    pub signing: Vec<SigningRecipe>,
    /// `image`, `artifact`, `chart`.
    pub resources: Vec<String>,
    /// Fewest path components of a repository name.
    pub min_components: u8,
    /// Most path components of a repository name.
    pub max_components: Option<u8>,
    /// Manifest types it takes on push; empty means all.
    pub accepted_manifests: Vec<MediaType>,
    /// Whether it can be a destination at all.
    pub can_push: bool,
    /// Open additions, e.g. `supported_copy_by_chunk`.
    pub extra: Vec<(String, String)>,
    /// Which optional interfaces the component exports.
    pub capabilities: Capabilities,
}

/// Optional interfaces that a component exports: what it exports is what it can do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// Creates repositories or projects, deletes tags and artifacts.
    pub management: bool,
    /// Knows labels that a rule may filter by.
    pub labels: bool,
    /// Understands the provider's webhooks.
    pub notifications: bool,
    /// Serves content that is not OCI.
    pub foreign_content: bool,
}

/// What the New Endpoint form offers for the URL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EndpointPattern {
    /// Free text.
    Standard,
    /// One address (name, URL).
    Fixed(String, String),
    /// A choice of (name, URL).
    Choice(Vec<(String, String)>),
}

/// What the New Endpoint form asks for as credentials.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialPattern {
    /// The access ID.
    pub access_key: AccessKeyPattern,
    /// The access secret.
    pub access_secret: AccessSecretPattern,
}

/// How the access ID is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AccessKeyPattern {
    /// Not at all.
    None,
    /// Free text.
    Standard,
    /// Always this value.
    Fixed(String),
}

/// How the access secret is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AccessSecretPattern {
    /// Not at all.
    None,
    /// A password field.
    Password,
    /// A file; the text is shown in place of a value.
    File(String),
}

/// A host an adapter asks for, with what it wants to do there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllowedHost {
    /// `https://auth.docker.io`, `https://*.amazonaws.com`, `https://*`.
    pub pattern: String,
    /// What may be sent there.
    pub uses: Vec<HostUse>,
}

/// What may be sent to a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostUse {
    /// The endpoint's secret itself.
    Credentials,
    /// Signed requests, or requests with a short-lived token.
    Signed,
    /// The distribution API.
    Data,
    /// `GET` and `HEAD` of redirected blobs, without authentication.
    Storage,
    /// Anonymous download over https from any public address.
    AnyPublicDownload,
}

impl HostUse {
    /// Reads the text used in WIT and JSON.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "credentials" => Some(Self::Credentials),
            "signed" => Some(Self::Signed),
            "data" => Some(Self::Data),
            "storage" => Some(Self::Storage),
            "any-public-download" => Some(Self::AnyPublicDownload),
            _ => None,
        }
    }
}

impl fmt::Display for HostUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Credentials => "credentials",
            Self::Signed => "signed",
            Self::Data => "data",
            Self::Storage => "storage",
            Self::AnyPublicDownload => "any-public-download",
        })
    }
}

/// A signature an adapter may ask for with the endpoint's secret as its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SigningRecipe {
    /// `hmac-sha1`, `hmac-sha256`, `rs256`, …
    pub algorithm: String,
    /// Text before the secret in the key.
    pub prefix: String,
    /// Text after the secret in the key.
    pub suffix: String,
    /// Number of links of the HMAC chain.
    pub links: u8,
}

/// One page of a listing.
#[derive(Clone, Debug)]
pub struct Listing<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Cursor of the next page; `None` after the last.
    pub next: Option<String>,
    /// Number of rows in all, where the provider tells.
    pub total: Option<u64>,
}

/// What repositories to list. The host filters again.
#[derive(Clone, Debug, Default)]
pub struct RepositoryQuery {
    /// Project, organisation or path prefix.
    pub prefix: Option<String>,
    /// Substring of the name.
    pub name_contains: Option<String>,
}

/// A repository as a provider lists it.
#[derive(Clone, Debug)]
pub struct RepositoryEntry {
    /// Its name as users write it.
    pub name: String,
    /// Whether it needs a login to be pulled from, where the provider tells.
    pub private: Option<bool>,
}

/// What artifacts to list. The host filters again.
#[derive(Clone, Debug, Default)]
pub struct ArtifactQuery {
    /// A prefix the tags have in common.
    pub tag_prefix: Option<String>,
    /// One exact tag.
    pub tag: Option<String>,
}

/// An artifact as a provider lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArtifactEntry {
    /// `None` where the listing gives tags alone.
    pub digest: Option<Digest>,
    /// Its tags; empty for an untagged one.
    pub tags: Vec<String>,
    /// Manifest type, where the listing tells.
    pub media_type: Option<MediaType>,
    /// `artifactType`, where the listing tells.
    pub artifact_type: Option<String>,
    /// Size in bytes, where the listing tells.
    pub size: Option<u64>,
    /// When it was pushed.
    pub pushed: Option<OffsetDateTime>,
    /// Label names.
    pub labels: Vec<String>,
    /// What this artifact is attached to.
    pub subject: Option<Digest>,
}

impl ArtifactEntry {
    /// An artifact of which nothing is known yet.
    #[must_use]
    pub fn unknown() -> Self {
        Self {
            digest: None,
            tags: Vec::new(),
            media_type: None,
            artifact_type: None,
            size: None,
            pushed: None,
            labels: Vec::new(),
            subject: None,
        }
    }
}

/// How the distribution API is reached for one repository (`locate`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Base below which `/v2/…` lives.
    pub base_url: url::Url,
    /// The provider's own path for the repository.
    pub repository: Repository,
    /// How blobs are uploaded.
    pub upload: UploadStyle,
    /// Largest body of one upload request in bytes.
    pub max_chunk: Option<u64>,
    /// Whether blobs can be mounted across repositories.
    pub mount: bool,
    /// Manifest types taken on push here; `None` where the adapter's own list holds.
    pub accepted_manifests: Option<Vec<MediaType>>,
}

/// Where a chart of a source that is not OCI is (`resolve-chart`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChartLocation {
    /// The archive, or `oci://…`.
    pub url: url::Url,
    /// Digest of the archive, where the index tells.
    pub digest: Option<Digest>,
    /// The provenance file, where there may be one.
    pub provenance: Option<url::Url>,
    /// When the version was made, where the index tells.
    pub created: Option<OffsetDateTime>,
}

/// How blobs are uploaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadStyle {
    /// `POST`, then one `PUT`.
    SinglePut,
    /// `POST`, one `PATCH`, then `PUT`.
    SinglePatch,
    /// `POST`, `PATCH` in chunks, then `PUT`.
    Chunked,
}

/// What may be done to a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// Read.
    Pull,
    /// Write.
    Push,
    /// Delete.
    Delete,
}

/// A wish for authority over one repository.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scope {
    /// The repository, in the provider's own path.
    pub repository: Repository,
    /// What is to be done.
    pub actions: Vec<Action>,
}

/// Authority for requests: headers ready to be sent, with the secret already in them.
#[derive(Clone)]
pub struct Grant {
    /// Header names and values; the values are secret.
    pub headers: Arc<[(String, Secret)]>,
    /// What these headers carry, and so where they may go: the secret itself
    /// (`Credentials`), a token (`Signed`), or nothing (`Data`).
    pub carries: HostUse,
    /// When to ask again; `None` where it does not expire.
    pub expires: Option<OffsetDateTime>,
}

impl Grant {
    /// No authority at all.
    #[must_use]
    pub fn anonymous() -> Self {
        Self { headers: Arc::new([]), carries: HostUse::Data, expires: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn providers_20_allowed_hosts_in_json() {
        let json = r#"{"pattern":"https://*.s3.amazonaws.com","uses":["credentials","signed","data","storage","any-public-download"]}"#;
        let host: AllowedHost = serde_json::from_str(json).unwrap();
        assert_eq!(host.pattern, "https://*.s3.amazonaws.com");
        assert_eq!(
            host.uses,
            [
                HostUse::Credentials,
                HostUse::Signed,
                HostUse::Data,
                HostUse::Storage,
                HostUse::AnyPublicDownload
            ]
        );
        assert_eq!(serde_json::to_string(&host).unwrap(), json);
        for bad in [
            r#"{"pattern":"https://h","uses":["everything"]}"#,
            r#"{"pattern":"https://h","uses":["Data"]}"#,
            r#"{"pattern":"https://h","uses":"data"}"#,
            r#"{"pattern":"https://h"}"#,
            r#"{"uses":["data"]}"#,
        ] {
            assert!(serde_json::from_str::<AllowedHost>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_use_is_written_the_same_in_json_and_in_wit() {
        use HostUse::{AnyPublicDownload, Credentials, Data, Signed, Storage};
        for host_use in [Credentials, Signed, Data, Storage, AnyPublicDownload] {
            let text = host_use.to_string();
            assert_eq!(HostUse::parse(&text), Some(host_use));
            assert_eq!(serde_json::to_value(host_use).unwrap(), text);
        }
        assert_eq!(HostUse::parse("Data"), None);
    }

    #[test]
    fn an_anonymous_grant_carries_nothing() {
        let grant = Grant::anonymous();
        assert!(grant.headers.is_empty() && grant.expires.is_none());
        assert_eq!(grant.carries, HostUse::Data);
    }
}
