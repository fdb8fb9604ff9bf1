//! Uploads: sessions that can be asked again, appended to in order, closed with a digest, mounted
//! or cancelled. A session keeps what arrived before a connection broke.

use bytes::Bytes;
use http::{Method, StatusCode, header};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use sha2::Digest as _;

use crate::{
    answer::{self, Answer, Refusal, UPLOAD, refuse, set},
    call::{self, Call},
    content::Upload,
    digest::Digest,
    names,
    server::unsupported,
};

/// Sessions open at once; more are answered 429.
const SESSIONS: usize = 4096;

/// `POST /v2/{repository}/blobs/uploads/`: a session, a mount, or a whole blob at once.
pub(crate) async fn start(
    call: &Call,
    repository: &str,
    body: Incoming,
) -> Result<Answer, Refusal> {
    if let Some(mounted) = mount(call, repository)? {
        return Ok(mounted);
    }
    let id = open(call, repository)?;
    if call.query("digest").is_some() && call.query("mount").is_none() {
        let digest = call.digest()?;
        append(call, repository, &id, body).await?;
        return close(call, repository, &id, &digest);
    }
    Ok(progress(StatusCode::ACCEPTED, repository, &id, 0))
}

/// Answers a request for `/v2/{repository}/blobs/uploads/{id}`.
pub(crate) async fn handle(
    call: &Call,
    repository: &str,
    id: &str,
    body: Incoming,
) -> Result<Answer, Refusal> {
    match *call.method() {
        Method::GET => {
            let size = size(call, repository, id)?;
            Ok(progress(StatusCode::NO_CONTENT, repository, id, size))
        }
        Method::PATCH => {
            let size = append(call, repository, id, body).await?;
            Ok(progress(StatusCode::ACCEPTED, repository, id, size))
        }
        Method::PUT => {
            let digest = call.digest()?;
            append(call, repository, id, body).await?;
            close(call, repository, id, &digest)
        }
        Method::DELETE => {
            size(call, repository, id)?;
            call.shared.content().uploads.remove(id);
            Ok(answer::empty(StatusCode::NO_CONTENT))
        }
        _ => unsupported(),
    }
}

/// 201 when the blob could be linked from another repository, `None` for an ordinary session.
fn mount(call: &Call, repository: &str) -> Result<Option<Answer>, Refusal> {
    let Some(digest) = call.query("mount").map(call::digest).transpose()? else { return Ok(None) };
    let from = call.query("from").filter(|name| names::is_repository(name));
    if call.effects.refuse_mount {
        return Ok(None);
    }
    let mut content = call.shared.content();
    let source = from.and_then(|name| content.repositories.get(name));
    let Some(bytes) = source.and_then(|source| source.blobs.get(&digest)).cloned() else {
        return Ok(None);
    };
    let target = content.repositories.entry(repository.to_owned()).or_default();
    target.blobs.insert(digest.clone(), bytes);
    Ok(Some(answer::created(&format!("/v2/{repository}/blobs/{digest}"), &digest)))
}

fn open(call: &Call, repository: &str) -> Result<String, Refusal> {
    let mut content = call.shared.content();
    if content.uploads.len() >= SESSIONS {
        let status = StatusCode::TOO_MANY_REQUESTS;
        return refuse(status, "TOOMANYREQUESTS", "too many uploads are open");
    }
    content.uploads_started += 1;
    let id = format!("upload-{:08}", content.uploads_started);
    content.uploads.insert(id.clone(), Upload::new(repository));
    Ok(id)
}

fn size(call: &Call, repository: &str, id: &str) -> Result<u64, Refusal> {
    let content = call.shared.content();
    match content.uploads.get(id).filter(|upload| upload.repository == repository) {
        Some(upload) => Ok(upload.bytes.len() as u64),
        None => unknown(),
    }
}

fn unknown<T>() -> Result<T, Refusal> {
    refuse(StatusCode::NOT_FOUND, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")
}

/// Streams a request body into the session; its new size.
async fn append(
    call: &Call,
    repository: &str,
    id: &str,
    mut body: Incoming,
) -> Result<u64, Refusal> {
    let start = size(call, repository, id)?;
    let announced = announced(call, repository, id, start)?;
    let mut at = start;
    while let Some(frame) = body.frame().await {
        let Ok(mut data) = frame.map_err(|_| Refusal::Cut)?.into_data() else { continue };
        call.add_received(data.len());
        let room = call.effects.cut_upload_after.map(|after| after.saturating_sub(at - start));
        let cut = room.is_some_and(|room| room < data.len() as u64);
        data.truncate(room.filter(|_| cut).map_or(data.len(), |room| room as usize));
        at = keep(call, repository, id, at, &data)?;
        if cut {
            return Err(Refusal::Cut);
        }
    }
    match announced {
        Some(length) if at - start != length => refuse(
            StatusCode::BAD_REQUEST,
            "SIZE_INVALID",
            "the body is not as long as Content-Range says",
        ),
        _ => Ok(at),
    }
}

/// Adds bytes at an offset that must be the session's end; the new end.
fn keep(call: &Call, repository: &str, id: &str, at: u64, data: &Bytes) -> Result<u64, Refusal> {
    let mut content = call.shared.content();
    let Some(upload) = content.uploads.get_mut(id) else { return unknown() };
    let size = upload.bytes.len() as u64;
    if size != at {
        return out_of_order(repository, id, size);
    }
    let end = at + data.len() as u64;
    if end > call.shared.settings.max_blob {
        content.uploads.remove(id);
        let status = StatusCode::PAYLOAD_TOO_LARGE;
        return refuse(status, "SIZE_INVALID", "the blob is larger than this registry takes");
    }
    upload.hasher.update(data);
    upload.bytes.extend_from_slice(data);
    Ok(end)
}

/// The length a `Content-Range: FIRST-LAST` announces; refused with 416 unless it starts where
/// the session ends.
fn announced(call: &Call, repository: &str, id: &str, size: u64) -> Result<Option<u64>, Refusal> {
    let Some(range) = call.header(header::CONTENT_RANGE) else { return Ok(None) };
    let parsed = range.split_once('-').and_then(|(first, last)| {
        let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
        Some((first, last.checked_sub(first)?.checked_add(1)?))
    });
    match parsed {
        Some((first, length)) if first == size => Ok(Some(length)),
        Some(_) => out_of_order(repository, id, size),
        None => refuse(StatusCode::BAD_REQUEST, "BLOB_UPLOAD_INVALID", "unreadable Content-Range"),
    }
}

fn out_of_order<T>(repository: &str, id: &str, size: u64) -> Result<T, Refusal> {
    Err(progress(StatusCode::RANGE_NOT_SATISFIABLE, repository, id, size).into())
}

/// Where the session is and what it has. `0-0` stands for nothing as well as for one byte: that
/// ambiguity is the protocol's.
fn progress(status: StatusCode, repository: &str, id: &str, size: u64) -> Answer {
    let mut answer = answer::empty(status);
    let location = format!("/v2/{repository}/blobs/uploads/{id}?_state={size}");
    set(&mut answer, header::LOCATION, &location);
    set(&mut answer, header::RANGE, &format!("0-{}", size.saturating_sub(1)));
    set(&mut answer, UPLOAD, id);
    answer
}

/// Ends the session: a blob where the digest is right, 400 where it is not.
fn close(call: &Call, repository: &str, id: &str, digest: &Digest) -> Result<Answer, Refusal> {
    let Some(upload) = call.shared.content().uploads.remove(id) else { return unknown() };
    let bytes = upload.bytes.freeze();
    let sha512 = digest.as_str().starts_with("sha512:");
    let right =
        if sha512 { digest.matches(&bytes) } else { *digest == Digest::finish(upload.hasher) };
    if !right {
        let message = "the digest is not that of the content received";
        return refuse(StatusCode::BAD_REQUEST, "DIGEST_INVALID", message);
    }
    if !call.shared.settings.swallows {
        let mut content = call.shared.content();
        let target = content.repositories.entry(repository.to_owned()).or_default();
        target.blobs.insert(digest.clone(), bytes);
    }
    Ok(answer::created(&format!("/v2/{repository}/blobs/{digest}"), digest))
}
