//! The Hub's JSON, as far as it is read.

use portolan_sdk::time;
use serde::Deserialize;

/// One page of a listing.
#[derive(Deserialize)]
pub(crate) struct Rows<T> {
    #[serde(default)]
    pub(crate) count: Option<u64>,
    #[serde(default)]
    pub(crate) next: Option<String>,
    pub(crate) results: Vec<T>,
}

#[derive(Deserialize)]
pub(crate) struct Namespaces {
    pub(crate) namespaces: Vec<String>,
}

#[derive(Deserialize)]
pub(crate) struct Repository {
    pub(crate) name: String,
    pub(crate) namespace: String,
    #[serde(default)]
    pub(crate) repository_type: Option<String>,
    #[serde(default)]
    pub(crate) description: Option<String>,
    #[serde(default)]
    pub(crate) is_private: Option<bool>,
    #[serde(default, deserialize_with = "time::deserialize")]
    pub(crate) last_updated: Option<u64>,
}

#[derive(Deserialize)]
pub(crate) struct Tag {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) digest: Option<String>,
    #[serde(default)]
    pub(crate) media_type: Option<String>,
    #[serde(default)]
    pub(crate) full_size: Option<u64>,
    #[serde(default, deserialize_with = "time::deserialize")]
    pub(crate) last_updated: Option<u64>,
}

/// What a login gives.
#[derive(Deserialize)]
pub(crate) struct Session {
    pub(crate) access_token: String,
}
