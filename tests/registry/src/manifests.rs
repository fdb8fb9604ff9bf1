//! Manifests and indexes, byte for byte: HEAD, GET, PUT with every reference checked, DELETE.

use http::{Method, StatusCode, header};
use hyper::body::Incoming;
use serde_json::{Value, json};

use crate::{
    answer::{self, Answer, DIGEST, Refusal, SUBJECT, TAG, refuse, set},
    call::Call,
    content::{Document, Manifest, Repository},
    digest::Digest,
    names,
    server::{unsupported, whole},
};

/// The largest manifest taken (OCI Distribution 1.1 asks for at least this).
const MANIFEST_BYTES: usize = 4 << 20;

/// Answers a request for `/v2/{repository}/manifests/{reference}`.
pub(crate) async fn handle(
    call: &Call,
    repository: &str,
    reference: &str,
    body: Incoming,
) -> Result<Answer, Refusal> {
    match *call.method() {
        Method::GET | Method::HEAD => get(call, repository, reference),
        Method::PUT => {
            let bytes = whole(call, body, MANIFEST_BYTES).await?;
            put(call, repository, reference, bytes)
        }
        Method::DELETE if call.shared.settings.delete => delete(call, repository, reference),
        _ => unsupported(),
    }
}

fn get(call: &Call, repository: &str, reference: &str) -> Result<Answer, Refusal> {
    let generated = call.shared.settings.generated;
    let found = generated.and_then(|generated| generated.manifest(repository, reference));
    let found = found.or_else(|| {
        let content = call.shared.content();
        let (digest, manifest) = content.repositories.get(repository)?.find(reference)?;
        Some((digest, manifest.clone()))
    });
    let Some((digest, manifest)) = found else { return unknown() };
    let bytes = manifest.bytes.clone();
    let mut answer = answer::with_body(StatusCode::OK, &manifest.media_type, bytes);
    set(&mut answer, DIGEST, digest.as_str());
    set(&mut answer, header::ETAG, &format!("\"{digest}\""));
    Ok(answer)
}

fn put(
    call: &Call,
    repository: &str,
    reference: &str,
    bytes: bytes::Bytes,
) -> Result<Answer, Refusal> {
    let target = target(reference, &bytes)?;
    let manifest = read(call.header(header::CONTENT_TYPE), bytes)?;
    let mut answer =
        answer::created(&format!("/v2/{repository}/manifests/{}", target.digest), &target.digest);
    if let Some(subject) = manifest.document.subject.as_ref()
        && call.shared.settings.referrers
    {
        set(&mut answer, SUBJECT, &subject.digest);
    }
    let more = if target.tag.is_none() { Some(call.query_all("tag")) } else { None };
    let more: Vec<_> = more.into_iter().flatten().filter(|tag| names::is_tag(tag)).collect();
    more.iter().for_each(|tag| set(&mut answer, TAG, tag));
    if call.shared.settings.swallows {
        return Ok(answer);
    }
    let mut content = call.shared.content();
    let empty = Repository::default();
    let known = content.repositories.get(repository).unwrap_or(&empty);
    let missing = known.missing(&manifest.document, call.shared.settings.sparse);
    if let Some(digest) = missing.first() {
        let (code, message) = ("MANIFEST_BLOB_UNKNOWN", "blob unknown to registry");
        let detail = json!({"digest": digest});
        return Err(answer::error(StatusCode::BAD_REQUEST, code, message, detail).into());
    }
    let stored = content.repositories.entry(repository.to_owned()).or_default();
    for tag in target.tag.iter().copied().chain(more) {
        stored.tags.insert(tag.to_owned(), target.digest.clone());
    }
    stored.manifests.insert(target.digest, manifest);
    Ok(answer)
}

/// What a manifest is put as.
struct Target<'a> {
    digest: Digest,
    tag: Option<&'a str>,
}

fn target<'a>(reference: &'a str, bytes: &[u8]) -> Result<Target<'a>, Refusal> {
    if !reference.contains(':') {
        if !names::is_tag(reference) {
            return refuse(StatusCode::BAD_REQUEST, "TAG_INVALID", "invalid tag");
        }
        return Ok(Target { digest: Digest::of(bytes), tag: Some(reference) });
    }
    let digest = crate::call::digest(reference)?;
    if digest.matches(bytes) {
        return Ok(Target { digest, tag: None });
    }
    refuse(StatusCode::BAD_REQUEST, "DIGEST_INVALID", "the digest is not that of the manifest")
}

/// Parses a manifest and holds its media type against `Content-Type`.
fn read(content_type: Option<&str>, bytes: bytes::Bytes) -> Result<Manifest, Refusal> {
    let invalid = |why: &str| {
        let detail = Value::String(why.to_owned());
        Refusal::from(answer::error(
            StatusCode::BAD_REQUEST,
            "MANIFEST_INVALID",
            "manifest invalid",
            detail,
        ))
    };
    let content_type = content_type.and_then(|value| value.split(';').next()).map(str::trim);
    let document: Document =
        serde_json::from_slice(&bytes).map_err(|error| invalid(&error.to_string()))?;
    let media_type = match (content_type, document.media_type.as_deref()) {
        (Some(sent), Some(inside)) if sent != inside => {
            return Err(invalid("mediaType differs from Content-Type"));
        }
        (Some(sent), _) => sent.to_owned(),
        (None, Some(inside)) => inside.to_owned(),
        (None, None) => return Err(invalid("neither mediaType nor Content-Type is given")),
    };
    Ok(Manifest { media_type, bytes, document })
}

fn delete(call: &Call, repository: &str, reference: &str) -> Result<Answer, Refusal> {
    let mut content = call.shared.content();
    let Some(stored) = content.repositories.get_mut(repository) else { return unknown() };
    let gone = match Digest::parse(reference) {
        Some(digest) => {
            stored.tags.retain(|_, target| *target != digest);
            stored.manifests.remove(&digest).is_some()
        }
        None if call.shared.settings.tag_delete => stored.tags.remove(reference).is_some(),
        None => {
            let message = "a tag cannot be deleted by itself here";
            return refuse(StatusCode::BAD_REQUEST, "DIGEST_INVALID", message);
        }
    };
    if gone { Ok(answer::empty(StatusCode::ACCEPTED)) } else { unknown() }
}

fn unknown<T>() -> Result<T, Refusal> {
    refuse(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN", "manifest unknown")
}
