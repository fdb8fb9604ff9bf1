//! Organisations (namespaces) to push to: found, or created. Repositories below appear on push,
//! private.

use std::collections::BTreeMap;

use portolan_sdk::{
    Error, Result,
    http::{Request, encode},
};

use crate::{account::Account, wire};

/// Makes the organisations of `repositories` ready; one result for each repository, in order.
pub(crate) fn prepare(account: &Account<'_>, repositories: &[String]) -> Vec<Result<()>> {
    let mut done: BTreeMap<&str, Result<()>> = BTreeMap::new();
    let one = |repository| {
        let (namespace, _) = split(repository)?;
        done.entry(namespace).or_insert_with(|| ready(account, namespace)).clone()
    };
    repositories.iter().map(String::as_str).map(one).collect()
}

/// Organisation and the name below it.
pub(crate) fn split(repository: &str) -> Result<(&str, &str)> {
    match repository.split_once('/') {
        Some((namespace, rest)) if !namespace.is_empty() && !rest.is_empty() => {
            Ok((namespace, rest))
        }
        _ => Err(Error::InvalidInput(format!(
            "`{repository}` names no organisation: in SWR a repository is `organisation/name`"
        ))),
    }
}

fn ready(account: &Account<'_>, namespace: &str) -> Result<()> {
    check_name(namespace)?;
    let below = format!("/namespaces/{}", encode(namespace));
    let response = account.send(Request::get(account.address(&below, &below)?))?;
    if account.is_missing(&response)? {
        return create(account, namespace);
    }
    match response.status() {
        // Without the name it is no answer about this organisation.
        200 if response.json::<wire::Namespace>()?.name == namespace => Ok(()),
        200 => create(account, namespace),
        403 if is_visible(account, namespace)? => Ok(()),
        403 => Err(foreign(account, namespace)),
        _ => Err(response.error()),
    }
}

fn create(account: &Account<'_>, namespace: &str) -> Result<()> {
    let address = account.address("/namespaces", "/namespaces")?;
    let request = Request::post(address).json(&wire::NewNamespace { namespace });
    let response = account.send(request)?;
    match response.status() {
        409 if is_visible(account, namespace)? => Ok(()),
        409 => Err(foreign(account, namespace)),
        403 => Err(Error::Forbidden(format!(
            "the organisation `{namespace}` does not exist on {url}, and `{key}` may not create \
             it ({why}): let an administrator of the account create it and give `{key}` the right \
             to edit it; then run again",
            url = account.endpoint.url,
            key = account.key(),
            why = response.error().text()
        ))),
        _ => response.done(),
    }
}

/// Whether the account is shown the organisation, or a repository in it.
fn is_visible(account: &Account<'_>, namespace: &str) -> Result<bool> {
    let address = account.address("/visible/namespaces", "/namespaces")?;
    let mut request = Request::get(address);
    if account.signs() {
        request = request.query("filter", "mode::visible");
    }
    let list: wire::Namespaces = account.send(request)?.success()?.json()?;
    Ok(list.namespaces.iter().any(|found| found.name == namespace))
}

fn foreign(account: &Account<'_>, namespace: &str) -> Error {
    Error::Conflict(format!(
        "the organisation `{namespace}` on {} belongs to another account, or is not shown to \
         `{}`: names of organisations are unique among all customers of a region; choose another \
         namespace for the destination",
        account.endpoint.url,
        account.key()
    ))
}

/// 1 to 64 characters, a letter first, a letter or digit last; separators stand alone, but for
/// `__` and repeated hyphens.
fn check_name(namespace: &str) -> Result<()> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let mut parts = namespace.split(plain).filter(|separator| !separator.is_empty());
    let separated = parts.all(|separator| {
        matches!(separator, "." | "_" | "__") || separator.bytes().all(|b| b == b'-')
    });
    let ends =
        namespace.starts_with(|c: char| c.is_ascii_lowercase()) && namespace.ends_with(plain);
    if ends && separated && namespace.len() <= 64 {
        return Ok(());
    }
    Err(Error::InvalidInput(format!(
        "`{namespace}` cannot be an organisation of SWR: its name has 1 to 64 lower-case letters, \
         digits and single separators (`.`, `_`, `-`), a letter first, a letter or digit last; \
         choose another namespace for the destination"
    )))
}
