//! Uploads: mounting, opening a session, and sending a blob as the target wants it
//! (OCI distribution-spec, "Pushing Blobs").

use std::{
    sync::{Arc, Mutex, atomic::Ordering},
    time::Duration,
};

use http::{HeaderValue, Method, header};
use http_body_util::BodyExt as _;
use portolan_core::{
    oci::{Descriptor, Digest, Repository},
    provider::UploadStyle,
};
use url::Url;

use super::{
    BlobStream, DistributionError, Remote,
    exchange::{Answer, Ask},
    failure,
};
use crate::net::{self, Body};

/// How long giving up a session may take.
const CANCEL: Duration = Duration::from_secs(5);

const BYTES: HeaderValue = HeaderValue::from_static("application/octet-stream");

/// Code of the error for a whole blob that was too large for one request: a retry with a new
/// session and a new stream goes in chunks.
pub(super) const RETRY_IN_CHUNKS: &str = "RETRY_IN_CHUNKS";

/// What a mount came to.
pub(crate) enum Mount {
    /// The blob is in the repository now.
    Mounted,
    /// The registry opened an upload instead.
    Declined(UploadSession),
}

/// An open upload. Clones are told where it goes.
#[derive(Clone)]
pub(crate) struct UploadSession {
    /// Where its next request goes.
    pub(super) location: Url,
    /// Smallest chunk in bytes that the registry takes before the last (`OCI-Chunk-Min-Length`).
    pub(crate) min_chunk: Option<u64>,
    place: Arc<Mutex<Url>>,
}

impl UploadSession {
    /// An upload that goes on at `location`.
    pub(crate) fn at(location: Url, min_chunk: Option<u64>) -> Self {
        let place = Arc::new(Mutex::new(location.clone()));
        Self { location, min_chunk, place }
    }

    /// Where the upload is now, whoever of the clones moved it.
    pub(crate) fn place(&self) -> Url {
        super::lock(&self.place).clone()
    }

    /// Its next request goes elsewhere.
    pub(super) fn go_to(&mut self, location: Url) {
        *super::lock(&self.place) = location.clone();
        self.location = location;
    }
}

impl Remote {
    /// Asks for a blob of another repository of this registry: 201 is mounted, 202 is not, and
    /// any refusal means that it must be sent.
    pub(crate) async fn mount_blob(
        &self,
        digest: &Digest,
        from: &Repository,
    ) -> Result<Mount, DistributionError> {
        let mut url = self.url("blobs/uploads/")?;
        url.set_query(Some(&format!("mount={digest}&from={from}")));
        let attempted = self.attempt(&format!("mount blob {digest} from {from} as blob"));
        let ask = no_bytes(Ask::new(Method::POST, url, attempted, self.mount(from)));
        match self.ask(&ask).await {
            Ok(answer) if answer.status() == 201 => {
                answer.discard().await;
                Ok(Mount::Mounted)
            }
            Ok(answer) if answer.status() == 202 => opened(answer, &ask).await.map(Mount::Declined),
            Ok(answer) if answer.response.status().is_client_error() => {
                answer.discard().await;
                self.start_upload().await.map(Mount::Declined)
            }
            Ok(answer) => Err(answer.into_error(&ask.attempted).await),
            // No authority over the source says nothing about the destination.
            Err(DistributionError::Authority { .. }) => {
                self.start_upload().await.map(Mount::Declined)
            }
            Err(error) => Err(error),
        }
    }

    /// Opens an upload.
    pub(crate) async fn start_upload(&self) -> Result<UploadSession, DistributionError> {
        let attempted = self.attempt("open an upload to blobs");
        let ask =
            no_bytes(Ask::new(Method::POST, self.url("blobs/uploads/")?, attempted, self.push()));
        let answer = self.ask(&ask).await?;
        match answer.status() {
            202 => opened(answer, &ask).await,
            _ => Err(answer.into_error(&ask.attempted).await),
        }
    }

    /// Streams a blob into an open upload as the target's upload style says, and closes it. On
    /// failure the session is cancelled. After a 413 later uploads go in chunks by themselves.
    #[cfg(test)]
    pub(crate) async fn upload(
        &self,
        session: UploadSession,
        blob: &Descriptor,
        bytes: BlobStream,
    ) -> Result<(), DistributionError> {
        let mut session = session;
        let result = self.upload_rest(&mut session, blob, bytes, 0).await;
        if result.is_err() {
            self.cancel(&session.location).await;
        }
        result
    }

    /// The same for the bytes from `from` on; what stands before is in the session. On failure the
    /// session is left as it is.
    pub(crate) async fn upload_rest(
        &self,
        session: &mut UploadSession,
        blob: &Descriptor,
        bytes: BlobStream,
        from: u64,
    ) -> Result<(), DistributionError> {
        let result = match self.style(blob.size) {
            _ if from > 0 && from >= blob.size => self.put_nothing(session, blob, bytes.body).await,
            UploadStyle::SinglePut => self.put_whole(session, blob, bytes.body, from).await,
            UploadStyle::SinglePatch => self.patch_whole(session, blob, bytes.body).await,
            UploadStyle::Chunked => self.put_chunks(session, blob, bytes.body, from).await,
        };
        if result.as_ref().is_err_and(failure::is_denied) {
            self.forget(&self.push()).await;
        }
        result
    }

    /// Closes an upload that holds every byte, once the last of them are hashed.
    async fn put_nothing(
        &self,
        session: &UploadSession,
        blob: &Descriptor,
        mut body: Body,
    ) -> Result<(), DistributionError> {
        let attempted = self.attempt(&format!("hash blob {}", blob.digest));
        while let Some(frame) = body.frame().await {
            frame.map_err(|error| {
                failure::unanswered(&attempted, net::NetError::Body(error.into()))
            })?;
        }
        self.close(&session.location, &blob.digest).await
    }

    fn style(&self, size: u64) -> UploadStyle {
        let small = self.target.max_chunk.is_none_or(|most| size <= most);
        if small && !self.chunks_only.load(Ordering::Relaxed) {
            self.target.upload
        } else {
            UploadStyle::Chunked
        }
    }

    async fn put_whole(
        &self,
        session: &UploadSession,
        blob: &Descriptor,
        body: Body,
        from: u64,
    ) -> Result<(), DistributionError> {
        let url = closing(&session.location, &blob.digest, &self.target.repository)?;
        let attempted = self.attempt(&format!("push blob {}", blob.digest));
        let mut ask = Ask::new(Method::PUT, url, attempted, self.push())
            .header(header::CONTENT_TYPE, BYTES)
            .header(header::CONTENT_LENGTH, blob.size.saturating_sub(from));
        let range = format!("{from}-{}", blob.size.saturating_sub(1));
        if from > 0
            && let Ok(range) = HeaderValue::try_from(range)
        {
            ask = ask.header(header::CONTENT_RANGE, range);
        }
        let answer = self.stream(&ask, body).await?;
        match answer.status() {
            200 | 201 | 202 | 204 => answer.discard().await,
            status => {
                let mut error = answer.into_error(&ask.attempted).await;
                if let DistributionError::Status { code, .. } = &mut error
                    && status == 413
                {
                    self.chunks_only.store(true, Ordering::Relaxed);
                    RETRY_IN_CHUNKS.clone_into(code);
                }
                return Err(error);
            }
        }
        Ok(())
    }

    async fn patch_whole(
        &self,
        session: &mut UploadSession,
        blob: &Descriptor,
        body: Body,
    ) -> Result<(), DistributionError> {
        let attempted = self.attempt(&format!("push blob {}", blob.digest));
        let ask = Ask::new(Method::PATCH, session.location.clone(), attempted, self.push())
            .header(header::CONTENT_TYPE, BYTES)
            .header(header::CONTENT_LENGTH, blob.size);
        let answer = self.stream(&ask, body).await?;
        if !matches!(answer.status(), 200 | 201 | 202 | 204) {
            return Err(answer.into_error(&ask.attempted).await);
        }
        session.go_to(newest(&answer, &session.location));
        answer.discard().await;
        self.close(&session.location, &blob.digest).await
    }

    /// The closing `PUT` without bytes. Where its answer is lost, the blob itself answers.
    pub(super) async fn close(
        &self,
        location: &Url,
        digest: &Digest,
    ) -> Result<(), DistributionError> {
        let url = closing(location, digest, &self.target.repository)?;
        let attempted = self.attempt(&format!("close the upload of blob {digest}"));
        let ask = no_bytes(Ask::new(Method::PUT, url, attempted, self.push()))
            .header(header::CONTENT_TYPE, BYTES);
        let error = match self.ask(&ask).await {
            Ok(answer) if matches!(answer.status(), 200 | 201 | 202 | 204) => {
                answer.discard().await;
                return Ok(());
            }
            Ok(answer) => answer.into_error(&ask.attempted).await,
            Err(error) => error,
        };
        let lost = matches!(&error, DistributionError::Net { .. })
            || matches!(&error, DistributionError::Status { status: 404 | 500..=599, .. });
        if lost && matches!(self.has_blob(digest).await, Ok(true)) { Ok(()) } else { Err(error) }
    }

    /// Sends a body that exists only once: no try is repeated.
    pub(super) async fn stream(&self, ask: &Ask, body: Body) -> Result<Answer, DistributionError> {
        let grant = self.grant(&ask.scopes, None).await?;
        self.send(ask, &grant, body).await
    }

    /// Gives an open upload up that is not needed after all.
    pub(crate) async fn give_up(&self, session: &UploadSession) {
        self.cancel(&session.location).await;
    }

    /// Gives a session up; the registry forgets it sooner or later anyway.
    async fn cancel(&self, location: &Url) {
        let attempted = self.attempt("cancel an upload to blobs");
        let ask = Ask::new(Method::DELETE, location.clone(), attempted, self.push());
        let sent = tokio::time::timeout(CANCEL, self.stream(&ask, net::empty())).await;
        if let Ok(Ok(answer)) = sent {
            answer.discard().await;
        }
    }
}

fn no_bytes(ask: Ask) -> Ask {
    ask.header(header::CONTENT_LENGTH, 0)
}

async fn opened(answer: Answer, ask: &Ask) -> Result<UploadSession, DistributionError> {
    let location = answer.header(header::LOCATION).and_then(|text| answer.url.join(text).ok());
    let min_chunk = answer.header("oci-chunk-min-length").and_then(|text| text.trim().parse().ok());
    answer.discard().await;
    let location = location.ok_or_else(|| DistributionError::Malformed {
        attempted: ask.attempted.clone(),
        why: "the registry opened an upload, but its Location is missing or no address".to_owned(),
    })?;
    Ok(UploadSession::at(location, min_chunk))
}

/// The newest Location: relative to the request that was answered, or the old one where none
/// came.
pub(super) fn newest(answer: &Answer, old: &Url) -> Url {
    let new = answer.header(header::LOCATION).and_then(|text| answer.url.join(text).ok());
    new.unwrap_or_else(|| old.clone())
}

/// A Location with `digest=` appended and nothing else touched: registries sign their query.
fn closing(
    location: &Url,
    digest: &Digest,
    repository: &Repository,
) -> Result<Url, DistributionError> {
    let mut location = location.clone();
    location.set_fragment(None);
    let separator = match location.query() {
        None => "?",
        Some("") => "",
        Some(_) => "&",
    };
    let text = format!("{location}{separator}digest={digest}");
    Url::parse(&text).map_err(|error| DistributionError::Malformed {
        attempted: format!("close the upload of blob {digest} to {repository}"),
        why: error.to_string(),
    })
}
