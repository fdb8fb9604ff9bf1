//! Blobs: whether they are there, and their bytes as a stream that hashes itself.

use std::sync::Arc;

use http::{HeaderValue, Method, header};
use http_body_util::BodyExt;
use portolan_core::{
    oci::{Descriptor, Digest, Repository, Verifier},
    provider::Target,
};

use super::{
    DistributionError, Marks, Remote,
    exchange::{Answer, Ask},
    verified::Verified,
};
use crate::net;

/// A blob's bytes as they arrive, hashed as they pass.
pub(crate) struct BlobStream {
    /// The body.
    pub(crate) body: net::Body,
}

impl Remote {
    /// Whether the blob is there with its whole size; believed where the registry tells no size.
    pub(crate) async fn is_whole(&self, blob: &Descriptor) -> Result<bool, DistributionError> {
        let attempted = self.attempt(&format!("look for blob {}", blob.digest));
        let ask = Ask::new(Method::HEAD, self.blob_url(&blob.digest)?, attempted, self.pull());
        let answer = self.ask(&ask).await?;
        let size = answer.header(header::CONTENT_LENGTH).and_then(|text| text.parse().ok());
        match answer.status() {
            200 => Ok(size.is_none_or(|size: u64| size == blob.size)),
            301 | 302 | 303 | 307 | 308 => Ok(true),
            404 => Ok(false),
            _ => Err(answer.into_error(&ask.attempted).await),
        }
    }

    /// Whether another repository of the registry has the blob.
    pub(crate) async fn has_blob_in(
        &self,
        repository: &Repository,
        digest: &Digest,
    ) -> Result<bool, DistributionError> {
        let target = Target { repository: repository.clone(), ..Target::clone(&self.target) };
        let there = Self { target: Arc::new(target), ..self.clone() };
        there.has_blob(digest).await
    }

    /// Whether the blob is there. A redirect says yes: registries look before they redirect.
    pub(crate) async fn has_blob(&self, digest: &Digest) -> Result<bool, DistributionError> {
        let attempted = self.attempt(&format!("look for blob {digest}"));
        let ask = Ask::new(Method::HEAD, self.blob_url(digest)?, attempted, self.pull());
        let answer = self.ask(&ask).await?;
        match answer.status() {
            200 | 301 | 302 | 303 | 307 | 308 => Ok(true),
            404 => Ok(false),
            _ => Err(answer.into_error(&ask.attempted).await),
        }
    }

    /// The blob's bytes; a digest mismatch is an error in place of the last of them, so that an
    /// upload fed from it never completes.
    #[cfg(test)]
    pub(crate) async fn get_blob(
        &self,
        blob: &Descriptor,
    ) -> Result<BlobStream, DistributionError> {
        let hashed = Verifier::new(blob.digest.algorithm());
        self.get_blob_from(blob, hashed, 0, Marks::default()).await
    }

    /// The bytes of the blob from `from` on. What `hashed` has taken in is not asked for, what lies
    /// between is hashed and left out. The states on the way go to `marks`.
    pub(crate) async fn get_blob_from(
        &self,
        blob: &Descriptor,
        hashed: Verifier,
        from: u64,
        marks: Marks,
    ) -> Result<BlobStream, DistributionError> {
        let attempted = self.attempt(&format!("pull blob {}", blob.digest));
        let mut ask = Ask::new(Method::GET, self.blob_url(&blob.digest)?, attempted, self.pull())
            .following()
            // Sizes and digests are those of the bytes as stored.
            .header(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let offset = hashed.length();
        if offset > 0 && offset < blob.size {
            let range = HeaderValue::try_from(format!("bytes={offset}-"));
            let range = range.map_err(|error| malformed(&ask, &error))?;
            ask = ask.header(header::RANGE, range);
        }
        let answer = self.ask(&ask).await?;
        let skip = match answer.status() {
            206 if starts_at(&answer, offset) => 0,
            206 => return Err(malformed(&ask, &"it sent another range than was asked for")),
            // Ranges are optional: the whole blob comes, and its start is left out.
            200 => offset,
            _ => return Err(answer.into_error(&ask.attempted).await),
        };
        let announced = answer.header(header::CONTENT_LENGTH).and_then(|text| text.parse().ok());
        let expected = blob.size.saturating_sub(offset).saturating_add(skip);
        if announced.is_some_and(|length: u64| length != expected) {
            let why = format!("it sends {} bytes, not {expected}", announced.unwrap_or_default());
            return Err(malformed(&ask, &why));
        }
        let host = net::host_of(&answer.url).to_owned();
        let body = net::stream(&self.client, answer.response.into_body(), &host);
        let hashing = self.flow.lanes.hashing(hashed, blob.size);
        let checked = Verified::new(body, blob.clone(), hashing, ask.attempted, skip);
        let checked = checked.from(from).marking(marks);
        Ok(BlobStream { body: checked.boxed_unsync() })
    }

    fn blob_url(&self, digest: &Digest) -> Result<url::Url, DistributionError> {
        self.url(&format!("blobs/{digest}"))
    }
}

fn malformed(ask: &Ask, why: &dyn std::fmt::Display) -> DistributionError {
    DistributionError::Malformed { attempted: ask.attempted.clone(), why: why.to_string() }
}

/// `Content-Range: bytes 10-99/100` starts at 10. One that is missing is believed.
fn starts_at(answer: &Answer, offset: u64) -> bool {
    let Some(range) = answer.header(header::CONTENT_RANGE) else { return true };
    let start = range.trim().strip_prefix("bytes").map(str::trim_start);
    start.and_then(|rest| rest.split('-').next()?.parse().ok()) == Some(offset)
}
