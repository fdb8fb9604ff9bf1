//! Manifests, and the lists of them: tags, repositories, referrers. Everything here may wait for the
//! disk.

use bytes::Bytes;
use http::{Method, StatusCode, Uri, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use portolan_core::oci::{
    Digest, Manifest, MediaType, Reference, Repository, Verifier, manifest::MAX_BYTES,
};
use serde_json::json;

use super::{
    LayoutError,
    answer::{self, Answer, SUBJECT},
    call,
    open::Layout,
};

/// Most names on one page of a list.
const PAGE: usize = 1000;

impl Layout {
    /// `GET` or `HEAD` of a manifest, byte for byte.
    pub(super) fn manifest(
        &self,
        method: &Method,
        repository: &Repository,
        reference: &Reference,
    ) -> Result<Answer, LayoutError> {
        let unknown =
            || LayoutError::Missing("the manifest is not in the image layout, or damaged");
        let found = self.look(|contents| contents.find(repository, reference))?;
        let (digest, kept) = found.ok_or_else(unknown)?;
        let media_type = kept.media_type.as_str();
        let answer = if method == Method::HEAD {
            let mut answer = answer::whole(StatusCode::OK, media_type, Bytes::new());
            answer.headers_mut().insert(header::CONTENT_LENGTH, kept.size.into());
            answer
        } else {
            let bytes = self.files.read(&digest, MAX_BYTES as u64)?.ok_or_else(unknown)?;
            answer::whole(StatusCode::OK, media_type, bytes.into())
        };
        Ok(answer::with_digest(answer, &digest))
    }

    /// `PUT` of a manifest whose blobs are there; those of an index may be missing, as in a sparse
    /// one.
    pub(super) fn put_manifest(
        &self,
        repository: &Repository,
        reference: &Reference,
        content_type: &str,
        bytes: &Bytes,
    ) -> Result<Answer, LayoutError> {
        let manifest = Manifest::parse(bytes.to_vec(), content_type)?;
        let digest = match reference {
            Reference::Tag(_) => manifest.digest.clone(),
            Reference::Digest(expected) => checked(expected, bytes)?,
        };
        let _adding = self.adding();
        for blob in manifest.blobs.iter().filter(|blob| !blob.media_type.is_foreign_layer()) {
            let there = self.files.content(&blob.digest)?.map(|content| content.size);
            if there.is_some_and(|size| size != blob.size) {
                // It was cut off by whoever wrote it; then it is to be sent again.
                self.files.discard(&blob.digest)?;
            }
            if there != Some(blob.size) {
                return Err(LayoutError::BlobMissing(blob.digest.clone()));
            }
        }
        self.files.put(&digest, bytes)?;
        self.change(|contents| Some((contents.put(repository, reference, &manifest), ())))?;
        let location = format!("/v2/{repository}/manifests/{digest}");
        let mut answer = answer::created(&location, &digest);
        if let Some(subject) = &manifest.subject {
            answer::set(&mut answer, SUBJECT, subject.digest.as_str());
        }
        Ok(answer)
    }

    /// `DELETE` of a tag, or of a manifest with its tags. Blobs stay: others may need them.
    pub(super) fn delete_manifest(
        &self,
        repository: &Repository,
        reference: &Reference,
    ) -> Result<Answer, LayoutError> {
        let _adding = self.adding();
        let gone = self.change(|contents| Some((contents.remove(repository, reference)?, ())))?;
        gone.ok_or(LayoutError::Missing("the manifest is not in the image layout"))?;
        Ok(answer::empty(StatusCode::ACCEPTED))
    }

    /// One page of the repositories.
    pub(super) fn catalog(&self, uri: &Uri) -> Result<Answer, LayoutError> {
        let page = self
            .look(|contents| Page::of(uri, contents.repositories.keys().map(Repository::as_str)))?;
        Ok(page.linked(uri, answer::document(&json!({"repositories": page.names}))))
    }

    /// One page of a repository's tags.
    pub(super) fn tags(&self, uri: &Uri, repository: &Repository) -> Result<Answer, LayoutError> {
        let page = self.look(|contents| {
            let shelf = contents.repositories.get(repository)?;
            Some(Page::of(uri, shelf.tags.keys().map(|tag| tag.as_str())))
        })?;
        let page = page.unwrap_or_default();
        let body = json!({"name": repository, "tags": page.names});
        Ok(page.linked(uri, answer::document(&body)))
    }

    /// What refers to a manifest.
    pub(super) fn referrers(
        &self,
        repository: &Repository,
        subject: &Digest,
    ) -> Result<Answer, LayoutError> {
        let found = self.look(|contents| contents.referrers(repository, subject))?;
        let index = MediaType::OCI_INDEX;
        let body = json!({"schemaVersion": 2, "mediaType": index, "manifests": found});
        Ok(answer::whole(StatusCode::OK, index, body.to_string().into()))
    }
}

fn checked(expected: &Digest, bytes: &[u8]) -> Result<Digest, LayoutError> {
    let mut verifier = Verifier::new(expected.algorithm());
    verifier.update(bytes);
    let actual = verifier.finish();
    if actual == *expected {
        return Ok(actual);
    }
    Err(LayoutError::Digest { expected: expected.clone(), actual })
}

/// One page of names in byte order.
#[derive(Default)]
struct Page {
    names: Vec<String>,
    more: bool,
    limit: usize,
}

impl Page {
    fn of<'a>(uri: &Uri, names: impl Iterator<Item = &'a str>) -> Self {
        let limit = call::query(uri, "n").and_then(|n| n.parse().ok()).unwrap_or(PAGE).min(PAGE);
        let last = call::query(uri, "last").unwrap_or_default();
        let mut rest = names.filter(|name| *name > last.as_str());
        let names: Vec<_> = rest.by_ref().take(limit).map(str::to_owned).collect();
        Self { more: limit > 0 && rest.next().is_some(), names, limit }
    }

    /// The answer with a link to the next page, where there is one (RFC 8288).
    fn linked(&self, uri: &Uri, mut answer: Answer) -> Answer {
        if let Some(last) = self.names.last().filter(|_| self.more) {
            let last = utf8_percent_encode(last, NON_ALPHANUMERIC);
            let link = format!("<{}?last={last}&n={}>; rel=\"next\"", uri.path(), self.limit);
            answer::set(&mut answer, header::LINK, &link);
        }
        answer
    }
}
