//! The JSON of SWR, as far as it is read: the console's API and the management API have the same.

use std::collections::BTreeMap;

use portolan_sdk::time;
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
pub(crate) struct Repository {
    /// Without the organisation.
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) namespace: Option<String>,
    #[serde(default)]
    pub(crate) description: Option<String>,
    #[serde(default)]
    pub(crate) is_public: Option<bool>,
    #[serde(default)]
    pub(crate) num_images: Option<u64>,
    #[serde(default, deserialize_with = "time::deserialize")]
    pub(crate) created_at: Option<u64>,
    #[serde(default, deserialize_with = "time::deserialize")]
    pub(crate) updated_at: Option<u64>,
    /// Number of rows in all, in each row.
    #[serde(default)]
    pub(crate) total_range: Option<u64>,
}

#[derive(Deserialize)]
pub(crate) struct Namespaces {
    #[serde(default)]
    pub(crate) namespaces: Vec<Namespace>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Namespace {
    #[serde(default)]
    pub(crate) name: String,
}

/// The body that creates an organisation.
#[derive(Serialize)]
pub(crate) struct NewNamespace<'a> {
    pub(crate) namespace: &'a str,
}

/// A temporary login for each of the registry's names.
#[derive(Deserialize)]
pub(crate) struct Logins {
    #[serde(default)]
    pub(crate) auths: BTreeMap<String, Login>,
}

#[derive(Deserialize)]
pub(crate) struct Login {
    /// User name and password in base64.
    #[serde(default)]
    pub(crate) auth: String,
}
