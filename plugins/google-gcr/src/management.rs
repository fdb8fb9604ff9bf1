//! Deletes, which go through the distribution API: Google refuses a digest that still has tags.

use portolan_sdk::{
    Endpoint, Error, Result, Scope, http,
    http::{Request, Response},
    token::{self, Flow},
};

use crate::artifacts;

/// Deletes a tag and leaves the manifest and its other tags.
pub(crate) fn delete_tag(endpoint: &Endpoint, repository: &str, tag: &str) -> Result<()> {
    if tag.contains(':') {
        return Err(Error::InvalidInput(format!("`{tag}` is a digest, not a tag")));
    }
    delete(&Flow::new(endpoint), repository, tag)
}

/// Deletes every tag of a digest, on whatever page it is listed, then the digest.
pub(crate) fn delete_artifact(endpoint: &Endpoint, repository: &str, digest: &str) -> Result<()> {
    let flow = Flow::new(endpoint);
    let first = artifacts::get(&flow, repository, &artifacts::first_page(repository))?;
    let mut tags = Vec::new();
    artifacts::each_page(&flow, repository, first, |page| {
        let manifest = page.manifest.unwrap_or_default().remove(digest);
        tags.extend(manifest.and_then(|manifest| manifest.tag).unwrap_or_default());
    })?;
    tags.sort_unstable();
    tags.dedup();
    for tag in tags {
        delete(&flow, repository, &tag)?;
    }
    delete(&flow, repository, digest)
}

/// What is gone already is no error.
fn delete(flow: &Flow<'_>, repository: &str, reference: &str) -> Result<()> {
    let path = format!("/v2/{}/manifests/{reference}", http::encode_path(repository));
    // Google's own clients ask for the right to write.
    let scope = token::scope_text(&Scope::push(repository));
    let response = flow.send(Request::delete(flow.url(&path)), &[scope])?;
    match response.status() {
        // A page of a proxy says nothing of what is there.
        _ if response.is_html() => Err(response.error()),
        200..300 | 404 => Ok(()),
        _ => Err(refusal(&response)),
    }
}

fn refusal(response: &Response) -> Error {
    let codes = response.error_codes();
    let said = |code: &str| codes.iter().any(|given| given == code);
    let why = if said("GOOGLE_MANIFEST_DANGLING_TAG") {
        "a tag came to it meanwhile; delete it again"
    } else if said("GOOGLE_MANIFEST_DANGLING_PARENT_IMAGE") {
        "it is a part of an image for several platforms; delete that first"
    } else if response.text().to_ascii_lowercase().contains("immutable") {
        "tags are immutable in this repository of Artifact Registry"
    } else {
        return response.error();
    };
    Error::Conflict(format!("{}; {why}", response.error().text()))
}
