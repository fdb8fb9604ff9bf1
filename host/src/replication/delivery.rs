//! The bytes of one blob: source body to destination upload, nothing kept, hashed as they pass.
//!
//! Where a large one is is remembered on the way. A later try, of this process or of the next, asks
//! the registry how much it holds and goes on there; the hash goes on from a state before that
//! place. Where the registry does not tell, that one blob begins anew, and the log says so.

use std::{sync::Arc, time::Duration};

use futures_util::TryFutureExt;
use http_body_util::BodyExt;
use portolan_core::{
    oci::{Descriptor, Verifier},
    provider::UploadStyle,
};
use time::OffsetDateTime;
use tokio::sync::SemaphorePermit;

use super::{
    Shared,
    failure::{Side, TransferError},
    fan::{Reader, Writer},
    pace::Pace,
    progress::Flight,
    records::Upload,
    siblings::{At, Gathered},
    source::Source,
    transfer::Job,
};
use crate::{
    distribution::{BlobStream, Marks, Remote, UploadSession},
    store::StoredUpload,
};

/// Tries of one blob within one try of its task.
const TRIES: u32 = 3;
/// From this size on, in bytes, an upload is remembered, and waits for a turn among the large.
const LARGE: u64 = 8 << 20;
/// How often, at most, is written where an upload is.
const EVERY: Duration = Duration::from_secs(1);

/// Where an upload is: what a later try needs.
struct Begun {
    session: UploadSession,
    marks: Marks,
}

/// Where a try begins.
enum Start {
    /// At the first byte, with the session of a declined mount where there is one.
    Anew(Option<UploadSession>),
    /// Where the registry says.
    Again(Begun),
}

/// What a pull for several destinations needs: it may outlive the task that began it.
struct Shares {
    shared: Arc<Shared>,
    source: Remote,
    pulls: Pace,
    blob: Descriptor,
}

/// One blob that is to be brought: what all its tries share.
struct Errand<'e> {
    job: &'e Job,
    blob: &'e Descriptor,
    /// Where it is remembered how far the upload is, for those that are worth it.
    upload: Option<Upload>,
    flight: Flight,
}

/// What a failed try leaves.
struct Failed {
    error: TransferError,
    begun: Option<Begun>,
}

/// Brings a blob's bytes to the destination, with a few tries.
pub(super) async fn deliver(
    job: &Job,
    (blob, at): (&Descriptor, At<'_>),
    session: Option<UploadSession>,
) -> Result<(), TransferError> {
    let upload = upload(job, blob);
    let stored = upload.as_ref().filter(|_| session.is_none()).and_then(|it| begun(it, blob));
    let mut start = stored.map_or(Start::Anew(session), Start::Again);
    let errand = Errand { job, blob, upload, flight: Flight::new(&job.stats) };
    let mut tries = 1;
    loop {
        let resumed = matches!(start, Start::Again(_));
        let Failed { error, mut begun } = match errand.attempt(at, start).await {
            Ok(()) => break,
            Err(failed) => failed,
        };
        if !error.is_retryable() {
            if let Some(begun) = begun.take() {
                job.destination.give_up(&begun.session).await;
            }
            // What refuses the rest of a blob may take the whole.
            if !resumed {
                errand.over().await;
                return Err(error);
            }
        }
        if tries >= TRIES {
            return Err(error);
        }
        job.log.warn(format!("{}: try {tries} failed: {error}", blob.digest)).await;
        tokio::time::sleep(error.pause(tries)).await;
        tries += 1;
        start = begun.map_or(Start::Anew(None), Start::Again);
    }
    errand.over().await;
    drop(errand);
    job.stats.moved(blob.size);
    job.log.info(format!("{} copied, {} bytes", blob.digest, blob.size)).await;
    Ok(())
}

/// The turn to remember an upload: for large blobs of a registry, where the destination may be sent
/// the rest of a blob alone.
fn upload(job: &Job, blob: &Descriptor) -> Option<Upload> {
    let rest = job.destination.target().upload != UploadStyle::SinglePatch;
    let fits = blob.size >= LARGE && rest && matches!(job.source, Source::Registry(_));
    fits.then(|| job.known.upload(&blob.digest)).flatten()
}

/// What an earlier process left of an upload.
fn begun(upload: &Upload, blob: &Descriptor) -> Option<Begun> {
    let stored = upload.stored()?;
    let algorithm = blob.digest.algorithm();
    let states = stored.states.iter().filter_map(|state| Verifier::restore(algorithm, state));
    let location = stored.location.parse().ok()?;
    let session = UploadSession::at(location, stored.min_chunk);
    Some(Begun { session, marks: Marks::of(states) })
}

impl Errand<'_> {
    async fn over(&self) {
        if let Some(upload) = &self.upload {
            upload.over().await;
        }
    }

    /// One try: with siblings, whoever begins at the first byte shares one pull.
    async fn attempt(&self, at: At<'_>, start: Start) -> Result<(), Failed> {
        let (turn, source, session) = match (at, &self.job.source, start) {
            (Some(turn), Source::Registry(source), Start::Anew(session)) => (turn, source, session),
            (_, _, start) => return self.alone(start).await,
        };
        let reader = match turn.gather(self.blob).await {
            Gathered::Follows(reader) => reader,
            Gathered::Leads(writer, reader) => {
                let shared = Arc::clone(&self.job.shared);
                let (source, blob) = (source.clone(), self.blob.clone());
                let shares = Shares { shared, source, pulls: self.job.pulls.clone(), blob };
                self.job.shared.tracker.spawn(pull(shares, writer, reader.marks.clone()));
                reader
            }
            Gathered::Alone => return self.alone(Start::Anew(session)).await,
        };
        let sent = self.together(reader, session).await;
        if sent.is_err() {
            turn.failed(&self.blob.digest);
        }
        sent
    }

    /// One try with bytes that siblings are sent, too.
    async fn together(&self, reader: Reader, session: Option<UploadSession>) -> Result<(), Failed> {
        let marks = reader.marks.clone();
        let opened = async {
            let opened = reader.opened().await;
            opened.map_err(TransferError::at(Side::Source, "pulling a blob"))?;
            Ok(BlobStream { body: reader.boxed_unsync() })
        };
        self.carry((session, 0, marks), opened).await
    }

    /// One try whose bytes no other destination is sent.
    async fn alone(&self, start: Start) -> Result<(), Failed> {
        let (job, blob) = (self.job, self.blob);
        let _turn = turn(&job.shared, blob).await;
        let (session, hashed, held) = place(job, blob, start).await;
        let marks = Marks::of(hashed.iter().cloned());
        let hashed = hashed.unwrap_or_else(|| Verifier::new(blob.digest.algorithm()));
        let pull = job.source.get_blob(blob, hashed, held, marks.clone());
        let pull = pull.map_ok(|bytes| job.pulls.pulled(bytes));
        self.carry((session, held, marks), pull).await
    }

    /// Opens an upload where there is none, while the bytes are asked for, and sends them.
    async fn carry(
        &self,
        (session, held, marks): (Option<UploadSession>, u64, Marks),
        pull: impl Future<Output = Result<BlobStream, TransferError>>,
    ) -> Result<(), Failed> {
        let open = async {
            match session {
                Some(session) => Ok(session),
                None => self.job.destination.start_upload().await,
            }
        };
        let (bytes, session) = tokio::join!(pull, open);
        let (bytes, mut session) = match (bytes, session) {
            (Ok(bytes), Ok(session)) => (bytes, session),
            (Err(error), Ok(session)) => return Err(self.left(error, session, marks).await),
            (Err(error), Err(_)) => return Err(Failed { error, begun: None }),
            (Ok(_), Err(cause)) => {
                let error = TransferError::at(Side::Destination, "opening an upload")(cause);
                return Err(Failed { error, begun: None });
            }
        };
        match self.send(&mut session, (bytes, held, &marks)).await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.left(error, session, marks).await),
        }
    }

    /// Sends what is to be sent, and notes meanwhile where it is.
    async fn send(
        &self,
        session: &mut UploadSession,
        (bytes, held, marks): (BlobStream, u64, &Marks),
    ) -> Result<(), TransferError> {
        let (job, blob) = (self.job, self.blob);
        let counted = self.flight.count(bytes.body, held);
        let bytes = BlobStream { body: job.pace.limit(counted) };
        let noting = note(self.upload.as_ref(), session.clone(), marks);
        let sending = job.destination.upload_rest(session, blob, bytes, held);
        let sent = tokio::select! {
            sent = sending => sent,
            never = noting => match never {},
        };
        sent.map_err(TransferError::at(Side::Destination, "pushing a blob"))?;
        if held == 0 {
            return Ok(());
        }
        let whole = job.destination.is_whole(blob).await;
        if whole.map_err(TransferError::at(Side::Destination, "asking for a blob"))? {
            Ok(())
        } else {
            Err(TransferError::cut(Side::Destination))
        }
    }

    /// Keeps what a failed try leaves where another can go on with it, and gives it up where not.
    async fn left(&self, error: TransferError, session: UploadSession, marks: Marks) -> Failed {
        if self.upload.is_some() && error.leaves_upload() {
            // The states as they are now: where they are shared, they go on without this upload.
            let marks = Marks::of(marks.all());
            return Failed { error, begun: Some(Begun { session, marks }) };
        }
        self.job.destination.give_up(&session).await;
        Failed { error, begun: None }
    }
}

/// The one pull for all who read what `writer` writes: its turn is theirs.
async fn pull(job: Shares, writer: Writer, marks: Marks) {
    let Shares { shared, source, pulls, blob } = job;
    let _turn = turn(&shared, &blob).await;
    let hashed = Verifier::new(blob.digest.algorithm());
    let pull = source.get_blob_from(&blob, hashed, 0, marks);
    writer.pump(pull.map_ok(|bytes| pulls.pulled(bytes))).await;
}

/// A turn to pull a blob: large ones wait for each other before they wait with the small.
async fn turn<'s>(shared: &'s Shared, blob: &Descriptor) -> [Option<SemaphorePermit<'s>>; 2] {
    let large = if blob.size >= LARGE { shared.large.acquire().await.ok() } else { None };
    [large, shared.transfers.acquire().await.ok()]
}

/// Where to begin: the session, the state of the hash, and how much the registry holds.
async fn place(
    job: &Job,
    blob: &Descriptor,
    start: Start,
) -> (Option<UploadSession>, Option<Verifier>, u64) {
    let Begun { mut session, marks } = match start {
        Start::Anew(session) => return (session, None, 0),
        Start::Again(begun) => begun,
    };
    // `0-0` stands for nothing as well as for one byte.
    let told = job.destination.held(&mut session).await;
    let Some(held) = told.filter(|held| (2..=blob.size).contains(held)) else {
        let why = "the registry does not say how much it holds of it";
        job.log.warn(format!("{} begins anew: {why}", blob.digest)).await;
        if told.is_some() {
            job.destination.give_up(&session).await;
        }
        return (None, None, 0);
    };
    job.log.info(format!("{} goes on at {held} of {} bytes", blob.digest, blob.size)).await;
    (Some(session), marks.before(held), held)
}

/// Notes where an upload is, at once and then each second, as long as it is polled.
async fn note(
    upload: Option<&Upload>,
    session: UploadSession,
    marks: &Marks,
) -> std::convert::Infallible {
    let Some(upload) = upload else { return std::future::pending().await };
    let mut last = None;
    loop {
        let states = marks.all();
        let now = (session.place(), states.last().map(Verifier::length));
        if last.as_ref() != Some(&now) {
            let stored = StoredUpload {
                location: now.0.to_string(),
                min_chunk: session.min_chunk,
                states: states.iter().map(Verifier::save).collect(),
                at: OffsetDateTime::now_utc(),
            };
            upload.put(stored).await;
            last = Some(now);
        }
        tokio::time::sleep(EVERY).await;
    }
}
