//! One blob: is it there, can it be mounted, else stream it, hashed as it passes.

use portolan_core::oci::Descriptor;

use super::{
    failure::{Side, TransferError},
    ledger::Place,
    transfer::Job,
};
use crate::distribution::{BlobStream, Mount, UploadSession};

/// Tries of one blob within one try of its task.
const TRIES: u32 = 3;

/// Makes sure that the destination repository has a blob.
pub(super) async fn ensure(job: &Job, blob: &Descriptor) -> Result<(), TransferError> {
    if blob.media_type.is_foreign_layer() {
        job.log.info(format!("{} stays where its urls say (foreign layer)", blob.digest)).await;
        return Ok(());
    }
    let target = job.destination.target();
    let place = job.ledger.place(job.destination_id, &blob.digest, &target.repository).await;
    let Place::Away(lead, from) = place else { return Ok(()) };
    let mut session = None;
    if let Some(from) = from.filter(|_| target.mount) {
        match mount(job, blob, &from).await? {
            Mount::Mounted => {
                lead.held();
                return Ok(());
            }
            Mount::Declined(opened) => session = Some(opened),
        }
    }
    // Also after a mount that was declined: one question is cheaper than the bytes.
    if !is_there(job, blob).await? {
        copy_with_retry(job, blob, session).await?;
    } else if let Some(session) = session {
        job.destination.give_up(&session).await;
    }
    lead.held();
    Ok(())
}

async fn is_there(job: &Job, blob: &Descriptor) -> Result<bool, TransferError> {
    if !job.present.may_have(blob) {
        return Ok(false);
    }
    let there = job.destination.has_blob(&blob.digest).await;
    there.map_err(TransferError::at(Side::Destination, "asking for a blob"))
}

async fn mount(
    job: &Job,
    blob: &Descriptor,
    from: &portolan_core::oci::Repository,
) -> Result<Mount, TransferError> {
    let mounted = job.destination.mount_blob(&blob.digest, from).await;
    let mounted = mounted.map_err(TransferError::at(Side::Destination, "mounting a blob"))?;
    if matches!(mounted, Mount::Mounted) {
        job.stats.mounted();
        job.log.info(format!("{} mounted from {from}", blob.digest)).await;
    }
    Ok(mounted)
}

async fn copy_with_retry(
    job: &Job,
    blob: &Descriptor,
    mut session: Option<UploadSession>,
) -> Result<(), TransferError> {
    let mut tries = 1;
    loop {
        match copy(job, blob, session.take()).await {
            Ok(()) => return Ok(()),
            Err(error) if tries < TRIES && error.is_retryable() => {
                job.log.warn(format!("{}: try {tries} failed: {error}", blob.digest)).await;
                tokio::time::sleep(error.pause(tries)).await;
                tries += 1;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Moves the bytes once: source body to destination upload, nothing kept.
async fn copy(
    job: &Job,
    blob: &Descriptor,
    session: Option<UploadSession>,
) -> Result<(), TransferError> {
    let Ok(_permit) = job.shared.transfers.acquire().await else {
        return Err(TransferError::refused(Side::Destination, "waiting for a turn"));
    };
    let open = async {
        match session {
            Some(session) => Ok(session),
            None => job.destination.start_upload().await,
        }
    };
    let pull = job.source.get_blob(blob);
    let (bytes, session) = tokio::join!(pull, open);
    if let (Err(_), Ok(session)) = (&bytes, &session) {
        job.destination.give_up(session).await;
    }
    let bytes = bytes?;
    let session = session.map_err(TransferError::at(Side::Destination, "opening an upload"))?;
    let bytes = BlobStream { body: job.pace.limit(bytes.body) };
    let pushed = job.destination.upload(session, blob, bytes).await;
    pushed.map_err(TransferError::at(Side::Destination, "pushing a blob"))?;
    job.stats.moved(blob.size);
    job.log.info(format!("{} copied, {} bytes", blob.digest, blob.size)).await;
    Ok(())
}
