//! Chunked uploads: `PATCH` by `PATCH`, always to the newest Location, going on from what the
//! registry says it holds (OCI distribution-spec, "Pushing a blob in chunks").

use http::{HeaderValue, Method, header};
use portolan_core::oci::Descriptor;
use url::Url;

use super::{
    DistributionError, Remote, UploadSession,
    authority::Denied,
    exchange::{Answer, Ask},
    failure,
    patience::Patience,
    source::Source,
    upload::newest,
};
use crate::net::{self, Body};

/// Chunk size in bytes where the target names none.
const CHUNK: u64 = 10 << 20;

/// Most times one upload is put right after a refused or broken chunk.
const MAX_RECOVERIES: u32 = 10;

/// Where a chunked upload is.
struct Upload<'a> {
    remote: &'a Remote,
    session: &'a mut UploadSession,
    blob: &'a Descriptor,
    source: Source,
    /// Bytes the registry holds.
    offset: u64,
    chunk: u64,
    /// Whether the `Range` of answers is believed: some registries repeat an old one.
    believes_range: bool,
    recoveries: u32,
    patience: Patience,
}

impl Remote {
    /// Sends a blob in chunks from `offset` on, where `body` begins, and closes the upload.
    pub(super) async fn put_chunks(
        &self,
        session: &mut UploadSession,
        blob: &Descriptor,
        body: Body,
        offset: u64,
    ) -> Result<(), DistributionError> {
        let least = session.min_chunk.unwrap_or(1).max(1);
        let most = self.target().max_chunk.unwrap_or(u64::MAX).max(1);
        let mut upload = Upload {
            remote: self,
            session,
            blob,
            source: Source::new(body, offset),
            offset,
            chunk: CHUNK.max(least).min(most),
            believes_range: true,
            recoveries: 0,
            patience: Patience::new(),
        };
        while upload.offset < blob.size {
            upload.advance().await?;
        }
        let location = upload.session.location.clone();
        self.close(&location, &blob.digest).await
    }
}

impl Remote {
    /// How many bytes of an open upload the registry holds; `None` where it does not tell. `0-0` is
    /// one byte here, and may be none.
    pub(crate) async fn held(&self, session: &mut UploadSession) -> Option<u64> {
        let attempted = self.attempt("ask about an upload to blobs");
        let ask = Ask::new(Method::GET, session.location.clone(), attempted, self.push());
        let answer = self.ask(&ask).await.ok()?;
        let held = stored(&answer).filter(|_| answer.response.status().is_success());
        if held.is_some() {
            session.go_to(newest(&answer, &session.location));
        }
        answer.discard().await;
        held
    }
}

impl Upload<'_> {
    /// Sends the next chunk, or puts the upload right after a failure.
    async fn advance(&mut self) -> Result<(), DistributionError> {
        let length = self.chunk.min(self.blob.size - self.offset);
        let ask = self.patch(length)?;
        match self.send(&ask, length).await {
            Ok(answer) if matches!(answer.status(), 200 | 201 | 202 | 204) => {
                self.acknowledged(answer, length, &ask).await
            }
            Ok(answer) if answer.status() == 416 || failure::is_busy(answer.status()) => {
                self.recover(Ok(answer), &ask).await
            }
            Err(error) if failure::is_unwell(&error) => self.recover(Err(error), &ask).await,
            Ok(answer) => Err(answer.into_error(&ask.attempted).await),
            Err(error) => Err(error),
        }
    }

    fn patch(&self, length: u64) -> Result<Ask, DistributionError> {
        let attempted = self.remote.attempt(&format!(
            "push bytes {} to {} of blob {}",
            self.offset,
            self.offset + length,
            self.blob.digest
        ));
        // Inclusive, and without the unit that HTTP's own Content-Range has.
        let range = format!("{}-{}", self.offset, self.offset + length - 1);
        let range = HeaderValue::try_from(range).map_err(|error| DistributionError::Malformed {
            attempted: attempted.clone(),
            why: error.to_string(),
        })?;
        let bytes = HeaderValue::from_static("application/octet-stream");
        let location = self.session.location.clone();
        Ok(Ask::new(Method::PATCH, location, attempted, self.remote.push())
            .header(header::CONTENT_TYPE, bytes)
            .header(header::CONTENT_RANGE, range)
            .header(header::CONTENT_LENGTH, length))
    }

    /// Sends a chunk; authority that has ended is renewed once, since the chunk can be sent again.
    async fn send(&self, ask: &Ask, length: u64) -> Result<Answer, DistributionError> {
        let grant = self.remote.grant(&ask.scopes, None).await?;
        let mut answer = self.remote.send(ask, &grant, self.source.chunk(length)).await?;
        let wanted = self.remote.wants_renewal(&mut answer, ask, &grant).await;
        let Some(challenge) = wanted else { return Ok(answer) };
        answer.discard().await;
        let denied = Denied { grant, challenge };
        let grant = self.remote.grant(&ask.scopes, Some(&denied)).await?;
        // The beginning of the chunk is always in reach.
        self.source.go_on_at(self.offset);
        self.remote.send(ask, &grant, self.source.chunk(length)).await
    }

    async fn acknowledged(
        &mut self,
        answer: Answer,
        length: u64,
        ask: &Ask,
    ) -> Result<(), DistributionError> {
        self.session.go_to(newest(&answer, &self.session.location));
        let sent = self.offset + length;
        let held = match stored(&answer) {
            Some(held) if held == sent => sent,
            // `0-0` is none or one byte, and an unchanged end is an old one: what was sent counts.
            Some(held) if held <= self.offset.max(1) => {
                self.believes_range = false;
                sent
            }
            Some(held) if self.believes_range => held,
            _ => sent,
        };
        answer.discard().await;
        self.patience = Patience::new();
        self.go_on(held, ask)
    }

    /// Finds out what the registry holds, and goes on from there.
    async fn recover(
        &mut self,
        outcome: Result<Answer, DistributionError>,
        ask: &Ask,
    ) -> Result<(), DistributionError> {
        self.recoveries += 1;
        let (error, told, asked) = match outcome {
            Ok(answer) => {
                let told = told(&answer);
                let wait = net::retry_after(answer.response.headers());
                (answer.into_error(&ask.attempted).await, told, wait)
            }
            Err(error) => (error, None, None),
        };
        let Some(delay) = self.patience.next(asked).filter(|_| self.recoveries <= MAX_RECOVERIES)
        else {
            return Err(error);
        };
        let told = match told {
            Some(told) => Some(told),
            None => {
                tokio::time::sleep(delay).await;
                self.ask_what_is_held().await
            }
        };
        let Some((held, location)) = told else { return Err(error) };
        self.session.go_to(location);
        let held = if self.offset == 0 && held == 1 { 0 } else { held };
        if held > self.offset {
            self.patience = Patience::new();
        }
        self.go_on(held, ask).map_err(|_| error)
    }

    async fn ask_what_is_held(&self) -> Option<(u64, Url)> {
        let attempted = self.remote.attempt("ask about an upload to blobs");
        let location = self.session.location.clone();
        let ask = Ask::new(Method::GET, location, attempted, self.remote.push());
        let answer = self.remote.stream(&ask, net::empty()).await.ok()?;
        let held = stored(&answer).filter(|_| answer.response.status().is_success());
        let location = newest(&answer, &self.session.location);
        answer.discard().await;
        held.map(|held| (held, location))
    }

    fn go_on(&mut self, held: u64, ask: &Ask) -> Result<(), DistributionError> {
        if !self.source.go_on_at(held) {
            let why = format!("the registry says it holds {held} bytes, which were not sent so");
            return Err(DistributionError::Malformed { attempted: ask.attempted.clone(), why });
        }
        self.offset = held;
        Ok(())
    }
}

/// How many bytes the registry holds, from `Range: 0-LAST` with or without a unit.
fn stored(answer: &Answer) -> Option<u64> {
    let range = answer.header(header::RANGE)?.trim();
    let last = range.strip_prefix("bytes=").unwrap_or(range).strip_prefix("0-")?;
    last.parse::<u64>().ok()?.checked_add(1)
}

/// What a 416 tells of the upload, where it tells enough.
fn told(answer: &Answer) -> Option<(u64, Url)> {
    let location = answer.header(header::LOCATION)?;
    Some((stored(answer)?, answer.url.join(location).ok()?))
}
