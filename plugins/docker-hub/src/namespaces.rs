//! Names at the Hub, which namespaces an account may write to, and private repositories.

use portolan_sdk::{
    Endpoint, Error, KeyValue, Result, cache,
    http::{self, Request},
    log,
};
use serde::Serialize;

use crate::{anonymous, api, wire};

/// How long the account's namespaces are kept, in seconds.
const TTL: u32 = 60;

/// Namespace and name; an official image is in `library`.
pub(crate) fn split(repository: &str) -> Result<(&str, &str)> {
    match repository.split_once('/') {
        None if !repository.is_empty() => Ok(("library", repository)),
        Some((namespace, name))
            if !namespace.is_empty() && !name.is_empty() && !name.contains('/') =>
        {
            Ok((namespace, name))
        }
        _ => Err(Error::InvalidInput(format!(
            "`{repository}` is no repository at Docker Hub, where names are NAMESPACE/NAME: give \
             the rule a destination namespace and let it replace all components but the last"
        ))),
    }
}

/// The namespaces of the account: its own and those of its organisations.
pub(crate) fn of_account(endpoint: &Endpoint) -> Result<Vec<String>> {
    if !endpoint.has_credentials() {
        return Err(anonymous("tells its namespaces"));
    }
    if let Some(namespaces) = cache::get("namespaces") {
        return Ok(namespaces);
    }
    let request = Request::get("/v2/repositories/namespaces");
    let answer: wire::Namespaces = api::send(endpoint, request)?.success()?.json()?;
    let mut namespaces = answer.namespaces;
    namespaces.sort();
    namespaces.dedup();
    cache::set("namespaces", &namespaces, TTL);
    Ok(namespaces)
}

/// Makes sure that pushes may go there. A push creates the repository itself, with the account's
/// default visibility, which is public for most: unless that was asked for, a private one is created
/// before. What is there already stays as it is.
pub(crate) fn prepare(
    endpoint: &Endpoint,
    repositories: &[String],
    metadata: &[KeyValue],
) -> Vec<Result<()>> {
    let private = !metadata.iter().any(|it| it.key == "visibility" && it.value == "public");
    let namespaces = of_account(endpoint);
    repositories.iter().map(|name| one(endpoint, name, &namespaces, private)).collect()
}

fn one(
    endpoint: &Endpoint,
    repository: &str,
    namespaces: &Result<Vec<String>>,
    private: bool,
) -> Result<()> {
    let (namespace, name) = split(repository)?;
    match namespaces {
        Ok(known) => writable(endpoint, namespace, known)?,
        // An organisation's token may push without being told this.
        Err(Error::Forbidden(why) | Error::NotFound(why)) => {
            log::warn("the account's namespaces are not told; going on", &[("why", why)]);
        }
        Err(error) => return Err(error.clone()),
    }
    if private { create(endpoint, namespace, name) } else { Ok(()) }
}

fn writable(endpoint: &Endpoint, namespace: &str, known: &[String]) -> Result<()> {
    let user = endpoint.access_key.as_deref().unwrap_or_default();
    if namespace == user || known.iter().any(|name| name == namespace) {
        return Ok(());
    }
    Err(Error::Forbidden(format!(
        "`{user}` may not write to the namespace `{namespace}` at Docker Hub: push to one of \
         {}, or let an owner of `{namespace}` add the account",
        if known.is_empty() { format!("`{user}`") } else { format!("`{}`", known.join("`, `")) }
    )))
}

#[derive(Serialize)]
struct New<'a> {
    name: &'a str,
    namespace: &'a str,
    description: &'a str,
    full_description: &'a str,
    registry: &'a str,
    is_private: bool,
}

fn create(endpoint: &Endpoint, namespace: &str, name: &str) -> Result<()> {
    let path = format!("/v2/namespaces/{}/repositories", http::encode(namespace));
    let body = New {
        name,
        namespace,
        description: "",
        full_description: "",
        registry: "docker.io",
        is_private: true,
    };
    let created = api::send(endpoint, Request::post(&path).json(&body))?;
    if !matches!(created.status(), 400 | 403 | 409) {
        return created.done();
    }
    // The same status says that it exists, and that the plan allows no more private ones; a token
    // that may only push may not create.
    let there = api::send(endpoint, Request::get(format!("{path}/{}", http::encode(name))))?;
    if there.status() == 200 {
        return Ok(());
    }
    Err(Error::Forbidden(format!(
        "the private repository `{namespace}/{name}` could not be created at Docker Hub: {}; \
         create it there, public or private, and run again",
        created.error().text()
    )))
}
