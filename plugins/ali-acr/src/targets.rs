//! Places to push to: the namespace, and the repository where a push does not make it.

use std::collections::BTreeMap;

use portolan_sdk::{Endpoint, Error, KeyValue, Result, http, log};

use crate::{
    api::Api,
    namespaces,
    repository::{self, Name},
    wire,
};

/// What repositories that are made here say of themselves; Alibaba wants some text.
const SUMMARY: &str = "Replicated by Portolan";

/// Makes `repositories` ready to be pushed to; one result for each, in order.
pub(crate) fn prepare(
    endpoint: &Endpoint,
    repositories: &[String],
    metadata: &[KeyValue],
) -> Vec<Result<()>> {
    let api = match Api::of(endpoint) {
        Ok(api) => api,
        Err(error) => return repositories.iter().map(|_| Err(error.clone())).collect(),
    };
    let public = metadata.iter().any(|kv| kv.key == "visibility" && kv.value == "public");
    let mut done: BTreeMap<&str, Result<bool>> = BTreeMap::new();
    let one = |repository| {
        let name = checked(&api, repository)?;
        let ready = || namespace(&api, name.namespace);
        let makes = done.entry(name.namespace).or_insert_with(ready).clone()?;
        // What a push makes is private.
        if makes && !public { Ok(()) } else { make(&api, name, public) }
    };
    repositories.iter().map(String::as_str).map(one).collect()
}

/// A name that this edition can hold.
fn checked<'a>(api: &Api<'_>, repository: &'a str) -> Result<Name<'a>> {
    let name = Name::parse(repository)?;
    let invalid = |why: String| {
        Err(Error::InvalidInput(format!(
            "`{repository}` cannot be held by {}: {why}",
            api.endpoint.url
        )))
    };
    if !(2..=120).contains(&name.namespace.len()) {
        return invalid(format!(
            "a namespace of Alibaba Cloud has 2 to 120 characters, `{}` has {}",
            name.namespace,
            name.namespace.len()
        ));
    }
    if api.instance.id.is_none() && name.rest.contains('/') {
        return invalid(
            "the personal edition has one level below the namespace; flatten the name in the rule"
                .to_owned(),
        );
    }
    if api.instance.id.is_none() && !(2..=64).contains(&name.rest.len()) {
        return invalid("below the namespace there are 2 to 64 characters".to_owned());
    }
    Ok(name)
}

/// Finds or makes a namespace; whether a push makes repositories in it.
fn namespace(api: &Api<'_>, name: &str) -> Result<bool> {
    let sight = namespaces::find(api, name);
    match &sight {
        Ok(Some(found)) => return makes_repositories(api, found),
        Ok(None) | Err(Error::Forbidden(_)) => {}
        Err(error) => return Err(error.clone()),
    }
    let made = match &api.instance.id {
        Some(id) => {
            let parameters = [
                ("NamespaceName", name),
                ("AutoCreateRepo", "true"),
                ("DefaultRepoType", "PRIVATE"),
            ];
            api.tell(id, "CreateNamespace", &parameters)
        }
        None => {
            let namespace = Some(wire::NewNamespace { namespace: name });
            api.put("/namespace", &wire::NewThing { namespace, repo: None })
        }
    };
    if made.is_ok() || matches!(made, Err(Error::Conflict(_))) {
        namespaces::forget();
    }
    match made {
        // Another run may have made it at the same time; or it is not this account's.
        Err(Error::Conflict(why)) if sight.is_ok() => match namespaces::find(api, name)? {
            Some(found) => makes_repositories(api, &found),
            None => Err(taken(api, name, &why)),
        },
        Ok(()) | Err(Error::Conflict(_)) => Ok(true),
        Err(Error::Forbidden(why)) if sight.is_err() => {
            log::warn(
                "this AccessKey is not shown whether the namespace exists; going on",
                &[("namespace", name), ("why", &why)],
            );
            Ok(true)
        }
        Err(Error::Forbidden(why)) => Err(must_be_created(api, name, &why)),
        Err(error) => Err(error),
    }
}

/// Whether a push makes repositories in a namespace, which the personal API tells of one alone;
/// it is so unless it was turned off.
fn makes_repositories(api: &Api<'_>, found: &wire::Row) -> Result<bool> {
    if api.instance.id.is_some() || found.auto_create.is_some() {
        return Ok(found.auto_create.unwrap_or(true));
    }
    let path = format!("/namespace/{}", http::encode(&found.name));
    match api.get(&path, &[]) {
        Ok(one) => Ok(one.namespace().and_then(|row| row.auto_create).unwrap_or(true)),
        Err(Error::NotFound(_) | Error::Forbidden(_)) => Ok(true),
        Err(error) => Err(error),
    }
}

fn taken(api: &Api<'_>, name: &str, why: &str) -> Error {
    Error::Conflict(format!(
        "the namespace `{name}` is another account's on {} ({why}); choose another destination \
         namespace",
        api.endpoint.url
    ))
}

fn must_be_created(api: &Api<'_>, name: &str, why: &str) -> Error {
    let (url, id) = (&api.endpoint.url, api.account.access_key);
    Error::Forbidden(format!(
        "the namespace `{name}` does not exist on {url}, and `{id}` may not create it ({why}); \
         create it in the console, or let the RAM user do so, then run again"
    ))
}

/// Makes a repository that is not there.
fn make(api: &Api<'_>, name: Name<'_>, public: bool) -> Result<()> {
    let kind = if public { "PUBLIC" } else { "PRIVATE" };
    let made = match &api.instance.id {
        Some(id) => {
            let parameters = [
                ("RepoNamespaceName", name.namespace),
                ("RepoName", name.rest),
                ("RepoType", kind),
                ("Summary", SUMMARY),
            ];
            api.tell(id, "CreateRepository", &parameters)
        }
        None => {
            let repo = Some(wire::NewRepository {
                region: &api.instance.region,
                repo_namespace: name.namespace,
                repo_name: name.rest,
                summary: SUMMARY,
                repo_type: kind,
            });
            api.put("/repos", &wire::NewThing { namespace: None, repo })
        }
    };
    match made {
        Err(Error::Conflict(_)) => Ok(()),
        // It may be there, and this account only not be let make any.
        Err(error @ Error::Forbidden(_)) => exists(api, name).map_err(|_| error),
        made => made,
    }
}

fn exists(api: &Api<'_>, name: Name<'_>) -> Result<()> {
    match &api.instance.id {
        Some(instance) => repository::id(api, instance, name).map(drop),
        None => api.get(&name.path(), &[]).map(drop),
    }
}
