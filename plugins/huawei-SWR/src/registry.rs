//! What is done through the registry itself: tags, and deletes by digest.

use portolan_sdk::{
    Artifact, Error, Page, PageRequest, Result, Scope, distribution, http::Request, http::encode,
};

use crate::{account::Account, login, namespaces};

pub(crate) fn tags(
    account: &Account<'_>,
    repository: &str,
    page: &PageRequest,
) -> Result<Page<Artifact>> {
    login::with(account, |flow| distribution::tags(flow, repository, page))
}

pub(crate) fn delete_artifact(account: &Account<'_>, repository: &str, digest: &str) -> Result<()> {
    // SWR's tokens know no action for deletes: who may push may delete.
    let scope = Scope::push(repository);
    login::with(account, |flow| distribution::delete_manifest(flow, &scope, digest))
}

/// Through the management API, or by the registry where there is no secret access key to sign
/// with. Never by the digest: that would take every other tag on it.
pub(crate) fn delete_tag(account: &Account<'_>, repository: &str, tag: &str) -> Result<()> {
    if !account.signs() {
        return match delete_artifact(account, repository, tag) {
            Err(Error::Upstream(error)) if matches!(error.status, 400 | 405 | 501) => {
                Err(cannot(account, &error.message))
            }
            Err(Error::Unsupported(why)) => Err(cannot(account, &why)),
            done => done,
        };
    }
    let (namespace, rest) = namespaces::split(repository)?;
    // In these paths a slash of the name is a `$`.
    let (namespace, rest) = (encode(namespace), encode(&rest.replace('/', "$")));
    let below = format!("/namespaces/{namespace}/repos/{rest}/tags/{}", encode(tag));
    let response = account.send(Request::delete(account.address("", &below)?))?;
    if account.is_missing(&response)? { Ok(()) } else { response.done() }
}

fn cannot(account: &Account<'_>, why: &str) -> Error {
    Error::Unsupported(format!(
        "{} does not delete a tag alone with a login key ({why}): give the endpoint a secret \
         access key and set `secret_is` to `secret-key`, or delete the tag in SWR's console",
        account.endpoint.url
    ))
}
