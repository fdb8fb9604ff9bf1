//! Answers of the distribution API, and bodies that are read from a file as they are sent.

use std::{os::unix::fs::FileExt, sync::Arc};

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use portolan_core::oci::Digest;
use serde_json::{Value, json};

use super::{failure::LayoutError, files::Content, uploads};
use crate::net::{self, Body, BodyError};

/// An answer as hyper sends it.
pub(super) type Answer = Response<Body>;

/// Bytes read from a file at once.
const PIECE: u64 = 256 << 10;

const DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
const VERSION: HeaderName = HeaderName::from_static("docker-distribution-api-version");
/// The subject of a manifest that was pushed (distribution-spec 1.1).
pub(super) const SUBJECT: HeaderName = HeaderName::from_static("oci-subject");

/// An answer with a body that is all there.
pub(super) fn whole(status: StatusCode, media_type: &str, body: Bytes) -> Answer {
    let length = body.len() as u64;
    let mut answer = Response::new(net::full(body));
    *answer.status_mut() = status;
    set(&mut answer, header::CONTENT_TYPE, media_type);
    answer.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    set(&mut answer, VERSION, "registry/2.0");
    answer
}

/// A JSON document.
pub(super) fn document(value: &Value) -> Answer {
    whole(StatusCode::OK, "application/json", value.to_string().into())
}

/// An answer without a body.
pub(super) fn empty(status: StatusCode) -> Answer {
    let mut answer = Response::new(net::empty());
    *answer.status_mut() = status;
    set(&mut answer, VERSION, "registry/2.0");
    answer
}

/// 201, with the place of what was made, and its digest.
pub(super) fn created(location: &str, digest: &Digest) -> Answer {
    let mut answer = empty(StatusCode::CREATED);
    set(&mut answer, header::LOCATION, location);
    with_digest(answer, digest)
}

/// The same answer with the digest of what it is about.
pub(super) fn with_digest(mut answer: Answer, digest: &Digest) -> Answer {
    set(&mut answer, DIGEST, digest.as_str());
    answer
}

/// Adds a header; a value that cannot stand in one is left out.
pub(super) fn set(answer: &mut Answer, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().insert(name, value);
    }
}

/// What a failure is answered with.
pub(super) fn refusal(error: &LayoutError, repository: &str) -> Answer {
    let (status, code) = error.told();
    if let LayoutError::OutOfOrder { upload, length } = error {
        return uploads::progress(status, repository, upload, *length);
    }
    let detail = match error {
        LayoutError::BlobMissing(digest) => json!({"digest": digest}),
        _ => Value::Null,
    };
    let errors =
        json!({"errors": [{"code": code, "message": error.to_string(), "detail": detail}]});
    let mut answer = document(&errors);
    *answer.status_mut() = status;
    answer
}

/// A blob, or a part of it.
pub(super) fn blob(content: Content, digest: &Digest, range: Option<&str>) -> Answer {
    let size = content.size;
    let part = range.and_then(|range| part(range, size));
    let (status, first, length) = match part {
        None => (StatusCode::OK, 0, size),
        Some(Some((first, last))) => {
            (StatusCode::PARTIAL_CONTENT, first, last.saturating_sub(first).saturating_add(1))
        }
        Some(None) => {
            let mut answer = empty(StatusCode::RANGE_NOT_SATISFIABLE);
            set(&mut answer, header::CONTENT_RANGE, &format!("bytes */{size}"));
            return answer;
        }
    };
    let mut answer = Response::new(read(content, first, length));
    *answer.status_mut() = status;
    set(&mut answer, header::CONTENT_TYPE, "application/octet-stream");
    set(&mut answer, header::ACCEPT_RANGES, "bytes");
    set(&mut answer, VERSION, "registry/2.0");
    answer.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    if status == StatusCode::PARTIAL_CONTENT {
        let last = first.saturating_add(length).saturating_sub(1);
        set(&mut answer, header::CONTENT_RANGE, &format!("bytes {first}-{last}/{size}"));
    }
    with_digest(answer, digest)
}

/// First and last byte of one simple range (RFC 9110, 14.1.2): the inner `None` where it cannot be
/// satisfied, the outer where the whole is to be sent.
fn part(header: &str, size: u64) -> Option<Option<(u64, u64)>> {
    let (first, last) = header.strip_prefix("bytes=")?.split_once('-')?;
    let first: u64 = first.parse().ok()?;
    let last = if last.is_empty() { u64::MAX } else { last.parse().ok()? };
    if last < first {
        return None;
    }
    Some((first < size).then(|| (first, last.min(size.saturating_sub(1)))))
}

/// Reads as it is polled, on a thread that may wait for the disk.
fn read(content: Content, first: u64, length: u64) -> Body {
    let file = Arc::clone(&content.file);
    let start = content.offset.saturating_add(first);
    let end = start.saturating_add(length);
    let frames = stream::try_unfold(start, move |at| {
        let file = Arc::clone(&file);
        async move {
            if at >= end {
                return Ok::<_, BodyError>(None);
            }
            let read = tokio::task::spawn_blocking(move || {
                let size = usize::try_from(PIECE.min(end.saturating_sub(at))).unwrap_or(1);
                let mut piece = vec![0; size];
                file.read_exact_at(&mut piece, at).map(|()| piece)
            });
            let piece = read.await??;
            let next = at.saturating_add(piece.len() as u64);
            Ok(Some((Frame::data(Bytes::from(piece)), next)))
        }
    });
    StreamBody::new(frames).boxed_unsync()
}

#[cfg(test)]
mod tests {
    use super::part;

    #[test]
    fn ranges() {
        for (header, expected) in [
            ("bytes=0-3", Some(Some((0, 3)))),
            ("bytes=4-", Some(Some((4, 9)))),
            ("bytes=0-99", Some(Some((0, 9)))),
            ("bytes=10-", Some(None)),
            ("bytes=3-2", None),
            ("bytes=-3", None),
            ("lines=0-1", None),
        ] {
            assert_eq!(part(header, 10), expected, "{header}");
        }
    }
}
