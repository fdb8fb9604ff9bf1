//! Blobs: HEAD, GET with one byte range, DELETE.

use http::{Method, StatusCode, header};

use crate::{
    answer::{self, Answer, DIGEST, Refusal, refuse, set},
    call::{self, Call},
    server::unsupported,
};

/// Answers a request for `/v2/{repository}/blobs/{digest}`.
pub(crate) fn handle(call: &Call, repository: &str, digest: &str) -> Result<Answer, Refusal> {
    match *call.method() {
        Method::GET | Method::HEAD => get(call, repository, digest),
        Method::DELETE if call.shared.settings.delete => delete(call, repository, digest),
        _ => unsupported(),
    }
}

fn get(call: &Call, repository: &str, digest: &str) -> Result<Answer, Refusal> {
    let digest = call::digest(digest)?;
    let generated = call.shared.settings.generated;
    let found = generated.and_then(|generated| generated.blob(repository, &digest));
    let found = found.or_else(|| {
        let content = call.shared.content();
        content.repositories.get(repository).and_then(|r| r.blobs.get(&digest)).cloned()
    });
    let Some(bytes) = found else { return unknown() };
    if let Some(base) = &call.effects.redirect {
        let mut answer = answer::empty(StatusCode::TEMPORARY_REDIRECT);
        set(&mut answer, header::LOCATION, &format!("{base}{}", call.path()));
        return Ok(answer);
    }
    let size = bytes.len() as u64;
    let range = call.header(header::RANGE).filter(|_| call.method() == Method::GET);
    let mut answer = match range.and_then(|range| asked_range(range, size)) {
        None => answer::with_body(StatusCode::OK, "application/octet-stream", bytes),
        Some(Err(())) => {
            let mut answer = answer::empty(StatusCode::RANGE_NOT_SATISFIABLE);
            set(&mut answer, header::CONTENT_RANGE, &format!("bytes */{size}"));
            return Ok(answer);
        }
        Some(Ok((first, last))) => {
            let part = bytes.slice(first as usize..=last as usize);
            let media_type = "application/octet-stream";
            let mut answer = answer::with_body(StatusCode::PARTIAL_CONTENT, media_type, part);
            let range = format!("bytes {first}-{last}/{size}");
            set(&mut answer, header::CONTENT_RANGE, &range);
            answer
        }
    };
    set(&mut answer, header::ACCEPT_RANGES, "bytes");
    set(&mut answer, DIGEST, digest.as_str());
    Ok(answer)
}

fn delete(call: &Call, repository: &str, digest: &str) -> Result<Answer, Refusal> {
    let digest = call::digest(digest)?;
    let mut content = call.shared.content();
    let blobs = content.repositories.get_mut(repository).map(|r| &mut r.blobs);
    match blobs.and_then(|blobs| blobs.remove(&digest)) {
        Some(_) => Ok(answer::empty(StatusCode::ACCEPTED)),
        None => unknown(),
    }
}

fn unknown<T>() -> Result<T, Refusal> {
    refuse(StatusCode::NOT_FOUND, "BLOB_UNKNOWN", "blob unknown to registry")
}

/// First and last byte of a `Range` header; `Err` when it cannot be satisfied, `None` when it is
/// not one simple range and the whole is sent.
fn asked_range(header: &str, size: u64) -> Option<Result<(u64, u64), ()>> {
    let (first, last) = header.strip_prefix("bytes=")?.split_once('-')?;
    if first.is_empty() {
        let suffix: u64 = last.parse().ok()?;
        let some = suffix > 0 && size > 0;
        return Some(some.then(|| (size.saturating_sub(suffix), size - 1)).ok_or(()));
    }
    let first: u64 = first.parse().ok()?;
    let last = if last.is_empty() { u64::MAX } else { last.parse().ok()? };
    if last < first {
        return None;
    }
    Some(if first < size { Ok((first, last.min(size - 1))) } else { Err(()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_rfc_9110_says() {
        for (header, expected) in [
            ("bytes=0-3", Some(Ok((0, 3)))),
            ("bytes=4-", Some(Ok((4, 9)))),
            ("bytes=-3", Some(Ok((7, 9)))),
            ("bytes=-30", Some(Ok((0, 9)))),
            ("bytes=0-99", Some(Ok((0, 9)))),
            ("bytes=10-", Some(Err(()))),
            ("bytes=-0", Some(Err(()))),
            ("bytes=3-2", None),
            ("bytes=0-1,4-5", None),
            ("lines=0-1", None),
        ] {
            assert_eq!(asked_range(header, 10), expected, "{header}");
        }
    }
}
