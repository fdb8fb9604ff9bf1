//! Deleting one tag, or an artifact with every tag on it. What is gone already is no error; what
//! is locked is a conflict.

use portolan_sdk::{
    Action, Endpoint, Error, Result, Scope,
    http::{self, Request, Response},
    token,
};

use crate::authority;

/// Deletes a tag and leaves others on the same digest: by the registry's own API, or by the
/// distribution API where that is not there.
pub(crate) fn tag(endpoint: &Endpoint, repository: &str, tag: &str) -> Result<()> {
    if tag.contains(':') {
        return Err(Error::InvalidInput(format!(
            "`{tag}` is a digest and no tag: deleting it would delete every tag on it"
        )));
    }
    let (name, escaped) = (http::encode_path(repository), http::encode(tag));
    let native = delete(endpoint, repository, &format!("/acr/v1/{name}/_tags/{escaped}"))?;
    if native.status() != 404 || says_unknown(&native) {
        return settled(native);
    }
    let plain = delete(endpoint, repository, &format!("/v2/{name}/manifests/{escaped}"))?;
    match plain.status() {
        400 | 405 => Err(Error::Unsupported(format!(
            "{}: this registry cannot delete a tag alone",
            plain.error().text()
        ))),
        _ => settled(plain),
    }
}

/// Deletes a manifest with every tag on it.
pub(crate) fn artifact(endpoint: &Endpoint, repository: &str, digest: &str) -> Result<()> {
    if !digest.contains(':') {
        return Err(Error::InvalidInput(format!(
            "`{digest}` is no digest: an artifact is deleted by `sha256:…`"
        )));
    }
    let path = format!("/v2/{}/manifests/{digest}", http::encode_path(repository));
    settled(delete(endpoint, repository, &path)?)
}

fn delete(endpoint: &Endpoint, repository: &str, path: &str) -> Result<Response> {
    let flow = authority::flow(endpoint);
    let scope = Scope { repository: repository.to_owned(), actions: vec![Action::Delete] };
    let response = flow.send(Request::delete(path), &[token::scope_text(&scope)]);
    let advice = "deleting wants the permission `content/delete` on the repository";
    match response {
        Ok(response) if response.status() == 401 => {
            Err(authority::explain(&flow, response.error(), advice))
        }
        Ok(response) => Ok(response),
        Err(error) => Err(authority::explain(&flow, error, advice)),
    }
}

/// Whether a 404 is about the tag, its manifest or its repository, rather than about the address.
fn says_unknown(response: &Response) -> bool {
    response.error_codes().iter().any(|code| code.ends_with("_UNKNOWN"))
}

fn settled(response: Response) -> Result<()> {
    match response.status() {
        // A page of a proxy says nothing of what is there.
        404 if !response.is_html() => Ok(()),
        405 | 409 => Err(Error::Conflict(format!(
            "{}; it is locked: unlock it with `az acr repository update --delete-enabled true \
             --write-enabled true`, or leave it",
            response.error().text()
        ))),
        _ => response.done(),
    }
}
