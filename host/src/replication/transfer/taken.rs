//! Whether a destination takes what a manifest is, told before the first byte of it moves.

use std::{collections::HashSet, pin::Pin};

use portolan_core::oci::{Digest, Manifest, MediaType};

use super::{Job, MAX_CHILDREN, within_bounds};
use crate::replication::failure::{Side, TransferError};

impl Job {
    /// Whether the destination takes a manifest and all below it: asked before the first blob, since
    /// its own refusal would come after the last.
    pub(in crate::replication) fn check_taken<'a>(
        &'a self,
        manifest: &'a Manifest,
        depth: usize,
        seen: &'a mut HashSet<Digest>,
    ) -> Pin<Box<dyn Future<Output = Result<(), TransferError>> + Send + 'a>> {
        Box::pin(async move {
            if self.accepts.is_everything() {
                return Ok(());
            }
            self.is_taken(&manifest.media_type)?;
            within_bounds(manifest, depth)?;
            for child in manifest.children.iter().filter(|child| child.media_type.is_manifest()) {
                self.is_taken(&child.media_type)?;
                if child.media_type.is_index() && seen.insert(child.digest.clone()) {
                    if seen.len() > MAX_CHILDREN {
                        let step = "reading more nested indexes than any image has";
                        return Err(TransferError::refused(Side::Source, step));
                    }
                    let nested = self.pull(&child.digest.clone().into()).await?;
                    self.check_taken(&nested.manifest, depth + 1, seen).await?;
                }
            }
            Ok(())
        })
    }

    pub(super) fn is_taken(&self, media_type: &MediaType) -> Result<(), TransferError> {
        self.accepts.refusal(media_type).map_or(Ok(()), |why| Err(TransferError::not_taken(why)))
    }
}
