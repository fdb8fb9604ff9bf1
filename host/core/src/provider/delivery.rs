//! Webhook deliveries: how they prove themselves, and what they say (`notifications`).

use serde::Serialize;
use time::OffsetDateTime;

use crate::oci::Digest;

/// How a delivery proves that the registry sent it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeliveryAuth {
    /// A token in the hook's own URL.
    UrlToken,
    /// A static token in the header of this name.
    HeaderToken(String),
    /// An HMAC of the body in a header.
    HmacHeader(HmacHeader),
}

/// Where an HMAC of the body stands, and how it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HmacHeader {
    /// Name of the header.
    pub header: String,
    /// `sha1`, `sha256`.
    pub hash: String,
    /// Text before the value, e.g. `sha256=`.
    pub prefix: String,
    /// `hex` or `base64`.
    pub encoding: String,
}

/// One thing that happened at a registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Event {
    /// The provider's id of the delivery, where it has one.
    pub id: Option<String>,
    /// `pushed`, `deleted`, `tagged`; open.
    pub kind: String,
    /// The repository as users write it.
    pub repository: String,
    /// The tag, where it is about one.
    pub tag: Option<String>,
    /// The digest, where the delivery tells.
    pub digest: Option<Digest>,
    /// When it happened.
    #[serde(with = "time::serde::rfc3339::option")]
    pub at: Option<OffsetDateTime>,
}
