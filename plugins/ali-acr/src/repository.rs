//! A repository's name, and the id that the enterprise API wants in its place.

use core::fmt;

use portolan_sdk::{Error, Result, cache, http};

use crate::api::Api;

/// How long an id is believed, in seconds; a repository made anew under its name has another.
const ID_TTL: u32 = 3600;

/// `namespace/repository`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Name<'a> {
    pub(crate) namespace: &'a str,
    /// Below the namespace; may have slashes in the enterprise edition.
    pub(crate) rest: &'a str,
}

impl<'a> Name<'a> {
    pub(crate) fn parse(repository: &'a str) -> Result<Self> {
        match repository.split_once('/') {
            Some((namespace, rest)) if !namespace.is_empty() && !rest.is_empty() => {
                Ok(Self { namespace, rest })
            }
            _ => Err(Error::InvalidInput(format!(
                "`{repository}` names no namespace: in Alibaba Cloud a repository is \
                 `namespace/name`"
            ))),
        }
    }

    /// Its path in the personal API.
    pub(crate) fn path(&self) -> String {
        format!("/repos/{}/{}", http::encode(self.namespace), http::encode(self.rest))
    }
}

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.rest)
    }
}

/// Does something with a repository's id; once more with a fresh one where the one that was kept
/// is no longer known.
pub(crate) fn with_id<T>(
    api: &Api<'_>,
    instance: &str,
    name: Name<'_>,
    work: impl Fn(&str) -> Result<T>,
) -> Result<T> {
    let key = format!("repository {name}");
    if let Some(kept) = cache::get::<String>(&key) {
        match work(&kept) {
            Err(Error::NotFound(_)) => cache::remove(&key),
            result => return result,
        }
    }
    let id = id(api, instance, name)?;
    cache::set(&key, &id, ID_TTL);
    work(&id)
}

/// Asks for a repository's id.
pub(crate) fn id(api: &Api<'_>, instance: &str, name: Name<'_>) -> Result<String> {
    let parameters = [("RepoNamespaceName", name.namespace), ("RepoName", name.rest)];
    api.ask(instance, "GetRepository", &parameters)?.repository()
}
