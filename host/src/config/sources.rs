//! `[credential_sources]`: what endpoints may have their credentials from besides the store, and
//! for which hosts. An entry without hosts could be sent anywhere by whoever may write an endpoint,
//! and is refused.

use std::{
    fmt,
    marker::PhantomData,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Deserializer, de};

use super::{ConfigError, Origin};

/// How an entry's hosts are written, for people.
const HOSTS: &str = "hosts = [\"https://registry.example.com\"]";

/// What endpoints may have their credentials from, besides the store. Paths are absolute.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SourceKeys {
    /// Files that may be read, and directories of such files.
    #[serde(deserialize_with = "entries")]
    pub files: Vec<PathKeys>,
    /// Docker credential helpers that may be run.
    #[serde(deserialize_with = "entries")]
    pub helpers: Vec<PathKeys>,
    /// Roles of AWS that may be used.
    #[serde(deserialize_with = "entries")]
    pub aws: Vec<RoleKeys>,
}

/// A file, directory or program, and the endpoints it is for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table with `path` and `hosts`")]
pub struct PathKeys {
    /// Where it is.
    pub path: PathBuf,
    /// Patterns of hosts, `https://registry.example.com`; at least one.
    #[serde(default)]
    pub hosts: Vec<String>,
}

/// A role of AWS, and the endpoints it is for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table with `role` and `hosts`")]
pub struct RoleKeys {
    /// `instance` for the role of this machine, else the role's ARN.
    pub role: String,
    /// The file with the token of another identity provider; none for `instance`.
    pub token_file: Option<PathBuf>,
    /// Patterns of hosts; at least one.
    #[serde(default)]
    pub hosts: Vec<String>,
}

impl SourceKeys {
    /// The same with absolute paths; relative ones start at `base`. They are compared with
    /// absolute ones.
    pub(super) fn check(&self, base: &Path) -> Result<Self, ConfigError> {
        let paths = |list: &[PathKeys], key| {
            let one = |keys: &PathKeys| {
                named(&keys.hosts, keys.path.display().to_string(), key)?;
                Ok(PathKeys { path: absolute(&keys.path, base, key)?, ..keys.clone() })
            };
            list.iter().map(one).collect::<Result<_, _>>()
        };
        let role = |keys: &RoleKeys| {
            const KEY: &str = "credential_sources.aws";
            named(&keys.hosts, keys.role.clone(), KEY)?;
            let file =
                keys.token_file.as_ref().map(|path| absolute(path, base, KEY)).transpose()?;
            let why = match (keys.role.as_str(), &file) {
                ("instance", Some(_)) => "the role of this machine has no `token_file`",
                ("instance", None) | (_, Some(_)) => {
                    return Ok(RoleKeys { token_file: file, ..keys.clone() });
                }
                (_, None) => "name its `token_file`, or say role = \"instance\"",
            };
            Err(refused(KEY, keys.role.clone(), why.to_owned()))
        };
        Ok(Self {
            files: paths(&self.files, "credential_sources.files")?,
            helpers: paths(&self.helpers, "credential_sources.helpers")?,
            aws: self.aws.iter().map(role).collect::<Result<_, _>>()?,
        })
    }
}

fn named(hosts: &[String], value: String, key: &'static str) -> Result<(), ConfigError> {
    if !hosts.is_empty() {
        return Ok(());
    }
    let why = format!(
        "without `hosts` it could be sent to any endpoint; name those it is for beside it, e.g. \
         {HOSTS}"
    );
    Err(refused(key, value, why))
}

fn absolute(path: &Path, base: &Path, key: &'static str) -> Result<PathBuf, ConfigError> {
    std::path::absolute(base.join(path))
        .map_err(|error| refused(key, path.display().to_string(), error.to_string()))
}

fn refused(key: &'static str, value: String, why: String) -> ConfigError {
    ConfigError::Value { origin: Origin::File(key), value, why }
}

/// A list of tables; anything else is told how to be one.
fn entries<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Vec<T>, D::Error> {
    from.deserialize_seq(Entries(PhantomData))
}

struct Entries<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> de::Visitor<'de> for Entries<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of tables, each with {HOSTS}, the endpoints it may be used for")
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Vec<T>, A::Error> {
        let mut all = Vec::new();
        while let Some(one) = list.next_element()? {
            all.push(one);
        }
        Ok(all)
    }
}
