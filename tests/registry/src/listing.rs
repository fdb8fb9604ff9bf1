//! Listings: tags, catalog, referrers. Pages are cut by `n`, `last` and the registry's own cap,
//! and linked (RFC 8288).

use http::{StatusCode, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::{
    answer::{self, Answer, FILTERS, Refusal, document, refuse, set},
    call::{self, Call},
    content::{Descriptor, Manifest},
    digest::Digest,
    server::unsupported,
};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// `GET /v2/{repository}/tags/list`
pub(crate) fn tags(call: &Call, repository: &str) -> Result<Answer, Refusal> {
    let page = {
        let content = call.shared.content();
        let generated = call.shared.settings.generated.filter(|it| it.has(repository));
        match (generated, content.repositories.get(repository)) {
            (Some(generated), _) => Page::of(call, generated.tags())?,
            (None, Some(found)) => Page::of(call, found.tags.keys())?,
            (None, None) => {
                let message = "repository unknown to registry";
                return refuse(StatusCode::NOT_FOUND, "NAME_UNKNOWN", message);
            }
        }
    };
    // As the reference implementation does once every tag is gone.
    let empty = page.names.is_empty() && call.query("last").is_none();
    let names = if empty { Value::Null } else { json!(page.names) };
    Ok(page.linked(call, document(StatusCode::OK, &json!({"name": repository, "tags": names}))))
}

/// `GET /v2/_catalog`
pub(crate) fn catalog(call: &Call) -> Result<Answer, Refusal> {
    if !call.shared.settings.catalog {
        return unsupported();
    }
    let page = match call.shared.settings.generated {
        Some(generated) => Page::of(call, generated.names())?,
        None => Page::of(call, call.shared.content().repositories.keys())?,
    };
    let body = json!({"repositories": page.names});
    Ok(page.linked(call, document(StatusCode::OK, &body)))
}

/// One page of names in byte order.
struct Page {
    names: Vec<String>,
    more: bool,
    limit: usize,
}

impl Page {
    fn of(call: &Call, names: impl Iterator<Item: AsRef<str>>) -> Result<Self, Refusal> {
        let cap = call.shared.settings.page;
        let limit = match call.query("n").map(str::parse::<usize>) {
            None => cap,
            Some(Ok(n)) => n.min(cap),
            Some(Err(_)) => {
                let (code, detail) = ("PAGINATION_NUMBER_INVALID", json!({"n": call.query("n")}));
                let message = "invalid number of results requested";
                return Err(answer::error(StatusCode::BAD_REQUEST, code, message, detail).into());
            }
        };
        let last = call.query("last").unwrap_or_default();
        let mut rest = names.filter(|name| name.as_ref() > last);
        let names = rest.by_ref().take(limit).map(|name| name.as_ref().to_owned()).collect();
        Ok(Self { more: limit > 0 && rest.next().is_some(), names, limit })
    }

    /// The answer with a link to the next page, where there is one.
    fn linked(self, call: &Call, mut answer: Answer) -> Answer {
        if let Some(last) = self.names.last().filter(|_| self.more) {
            let last = utf8_percent_encode(last, NON_ALPHANUMERIC);
            let path = call.parts.uri.path();
            let link = format!("<{path}?last={last}&n={}>; rel=\"next\"", self.limit);
            set(&mut answer, header::LINK, &link);
        }
        answer
    }
}

/// `GET /v2/{repository}/referrers/{digest}`
pub(crate) fn referrers(call: &Call, repository: &str, digest: &str) -> Result<Answer, Refusal> {
    if !call.shared.settings.referrers {
        let body = "404 page not found\n".into();
        return Ok(answer::with_body(StatusCode::NOT_FOUND, "text/plain", body));
    }
    let subject = call::digest(digest)?;
    let wanted = call.query("artifactType");
    let content = call.shared.content();
    let manifests = content.repositories.get(repository).map(|r| r.manifests.iter());
    let refers = |manifest: &Manifest| {
        let of = |d: &Descriptor| d.digest == subject.as_str();
        let kind = wanted.is_none_or(|wanted| manifest.document.kind() == Some(wanted));
        manifest.document.subject.as_ref().is_some_and(of) && kind
    };
    let found = manifests.into_iter().flatten().filter(|(_, manifest)| refers(manifest));
    let found: Vec<_> = found.map(|(digest, manifest)| descriptor(digest, manifest)).collect();
    let body = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": found});
    let mut answer = answer::with_body(StatusCode::OK, INDEX, body.to_string().into());
    if wanted.is_some() {
        set(&mut answer, FILTERS, "artifactType");
    }
    Ok(answer)
}

fn descriptor(digest: &Digest, manifest: &Manifest) -> Value {
    json!({
        "mediaType": manifest.media_type,
        "digest": digest.as_str(),
        "size": manifest.bytes.len(),
        "artifactType": manifest.document.kind(),
        "annotations": manifest.document.annotations,
    })
}
