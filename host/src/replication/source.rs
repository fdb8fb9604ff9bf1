//! Where a task's artifacts come from: a registry, or charts that become artifacts on the way.

use portolan_core::oci::{Descriptor, Digest, Manifest, Reference, Verifier};

use super::{
    chart::{Charts, Held},
    failure::{Side, TransferError},
};
use crate::distribution::{BlobStream, Marks, Remote};

impl From<Manifest> for Pulled<'_> {
    fn from(manifest: Manifest) -> Self {
        Self { manifest, _held: None }
    }
}

/// The source side of one repository.
pub(super) enum Source {
    Registry(Remote),
    Charts(Charts),
}

/// A manifest, and what is held for it as long as its blobs may be asked for.
pub(super) struct Pulled<'s> {
    pub(super) manifest: Manifest,
    _held: Option<Held<'s>>,
}

impl Source {
    /// Whether its manifests are a registry's own, so that their digests are the destination's.
    pub(super) fn is_registry(&self) -> bool {
        matches!(self, Self::Registry(_))
    }

    /// The manifest, its bytes checked.
    pub(super) async fn pull(&self, reference: &Reference) -> Result<Pulled<'_>, TransferError> {
        match self {
            Self::Registry(remote) => {
                let manifest = remote.get_manifest(reference).await;
                let manifest =
                    manifest.map_err(TransferError::at(Side::Source, "pulling a manifest"))?;
                Ok(manifest.into())
            }
            Self::Charts(charts) => {
                // Taking a chart apart needs a large future, which a registry's manifests do without.
                let pulled = Box::pin(charts.pull(reference)).await;
                let (manifest, held) =
                    pulled.map_err(TransferError::at(Side::Source, "fetching a chart"))?;
                Ok(Pulled { manifest, _held: Some(held) })
            }
        }
    }

    /// Whether a reference is there at all.
    pub(super) async fn has(&self, reference: &Reference) -> Result<bool, TransferError> {
        match self {
            Self::Registry(remote) => {
                let head = remote.head_manifest(reference).await;
                let head =
                    head.map_err(TransferError::at(Side::Source, "asking for a manifest"))?;
                Ok(head.is_some())
            }
            Self::Charts(_) => {
                let why = "a source of charts tells of no deletion".to_owned();
                Err(TransferError::not_taken(why))
            }
        }
    }

    /// Whether a reference is the artifact that `destination` has as `there`. `known` is its
    /// digest where the listing told.
    pub(super) async fn is_same(
        &self,
        reference: &Reference,
        known: Option<&Digest>,
        there: &Digest,
        destination: &Remote,
    ) -> Result<bool, TransferError> {
        match (self, known) {
            (Self::Charts(charts), _) => {
                let same = Box::pin(charts.is_same(reference, there, destination)).await;
                same.map_err(TransferError::at(Side::Source, "asking for a chart"))
            }
            (Self::Registry(_), Some(digest)) => Ok(digest == there),
            (Self::Registry(remote), None) => {
                let head = remote.head_manifest(reference).await;
                let head =
                    head.map_err(TransferError::at(Side::Source, "asking for a manifest"))?;
                Ok(head.is_some_and(|head| head.digest == *there))
            }
        }
    }

    /// The bytes of a blob that a pulled manifest names.
    /// `hashed`, `from` and `marks` as [`Remote::get_blob_from`] has them; charts come whole.
    pub(super) async fn get_blob(
        &self,
        blob: &Descriptor,
        hashed: Verifier,
        from: u64,
        marks: Marks,
    ) -> Result<BlobStream, TransferError> {
        match self {
            Self::Registry(remote) => {
                let bytes = remote.get_blob_from(blob, hashed, from, marks).await;
                bytes.map_err(TransferError::at(Side::Source, "pulling a blob"))
            }
            Self::Charts(charts) => charts
                .get_blob(blob)
                .map_err(TransferError::at(Side::Source, "taking a part of a chart")),
        }
    }
}
