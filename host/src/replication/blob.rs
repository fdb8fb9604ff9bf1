//! One blob: is it there, can it be mounted, else it is delivered.

use portolan_core::oci::{Descriptor, Digest, Repository};

use super::{
    delivery,
    failure::{Side, TransferError},
    ledger::Place,
    siblings::At,
    transfer::Job,
};
use crate::distribution::{Mount, UploadSession};

/// Makes sure that the destination repository has a blob.
pub(super) async fn ensure(job: &Job, blob: &Descriptor, at: At<'_>) -> Result<(), TransferError> {
    let ensured = bring(job, blob, at).await;
    at.inspect(|turn| turn.settled(&blob.digest));
    ensured
}

async fn bring(job: &Job, blob: &Descriptor, at: At<'_>) -> Result<(), TransferError> {
    if blob.media_type.is_foreign_layer() {
        job.log.info(format!("{} stays where its urls say (foreign layer)", blob.digest)).await;
        return Ok(());
    }
    let target = job.destination.target();
    let (to, digest, repository) = (job.destination_id, &blob.digest, &target.repository);
    let place = job.ledger.place(to, digest, repository, || remembered(job, digest)).await;
    let Place::Away(lead, from) = place else {
        job.stats.walk.there(blob.size);
        return Ok(());
    };
    let mut session = None;
    let mut there = match from.filter(|_| target.mount) {
        Some(from) => mounted(job, blob, &from, &mut session).await?,
        None => false,
    };
    // Also after a mount that was declined: one question is cheaper than the bytes.
    there = there || is_there(job, blob).await?;
    if !there
        && session.is_none()
        && let Some(from) = unrecorded(job, digest).await
    {
        there = mounted(job, blob, &from, &mut session).await?;
    }
    if !there {
        delivery::deliver(job, (blob, at), session).await?;
        lead.held();
        job.known.brought(blob).await;
        return Ok(());
    }
    job.stats.walk.there(blob.size);
    if let Some(session) = session {
        job.destination.give_up(&session).await;
    }
    lead.held();
    job.known.holds(digest).await;
    Ok(())
}

/// Repositories that had a blob lately. An empty one has lost what it had.
fn remembered(job: &Job, digest: &Digest) -> Vec<Repository> {
    let mut holders = job.known.holders(digest);
    if job.present.is_empty() {
        holders.retain(|holder| *holder != job.destination.target().repository);
    }
    holders
}

async fn is_there(job: &Job, blob: &Descriptor) -> Result<bool, TransferError> {
    if !job.present.may_have(blob) {
        return Ok(false);
    }
    let there = job.destination.has_blob(&blob.digest).await;
    there.map_err(TransferError::at(Side::Destination, "asking for a blob"))
}

/// Where a task was cut that had brought the blob: an acknowledgement that came right before the
/// end is in no record.
async fn unrecorded(job: &Job, digest: &Digest) -> Option<Repository> {
    let target = job.destination.target();
    if !target.mount {
        return None;
    }
    for other in job.ledger.cut_beside(job.destination_id, &target.repository) {
        // One that cannot be asked is no holder.
        if let Ok(true) = job.destination.has_blob_in(&other, digest).await {
            return Some(other);
        }
    }
    None
}

/// Whether the blob could be mounted from another repository; else an upload may have been opened.
async fn mounted(
    job: &Job,
    blob: &Descriptor,
    from: &Repository,
    session: &mut Option<UploadSession>,
) -> Result<bool, TransferError> {
    let mounted = job.destination.mount_blob(&blob.digest, from).await;
    match mounted.map_err(TransferError::at(Side::Destination, "mounting a blob"))? {
        Mount::Declined(opened) => *session = Some(opened),
        Mount::Mounted => {
            job.stats.mounted();
            job.log.info(format!("{} mounted from {from}", blob.digest)).await;
        }
    }
    Ok(session.is_none())
}
