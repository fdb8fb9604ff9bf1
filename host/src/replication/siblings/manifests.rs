//! Manifests that siblings pull: each once for all of them, kept for a short while.

use std::{collections::VecDeque, sync::Arc};

use portolan_core::oci::{Manifest, Reference};
use tokio::sync::OnceCell;

use crate::replication::{failure::TransferError, source::Pulled, transfer::Job};

/// Most manifests kept, and their bytes together.
const MOST: usize = 64;
const MOST_BYTES: usize = 8 << 20;

/// One manifest, pulled by whoever comes first; the others wait for it.
pub(in super::super) type Pulling = Arc<OnceCell<Manifest>>;

/// The latest of them.
#[derive(Default)]
pub(super) struct Manifests(VecDeque<(u64, Reference, Pulling)>);

impl Manifests {
    /// The manifest that a family knows by a reference.
    pub(super) fn of(&mut self, family: u64, reference: &Reference) -> Pulling {
        let mut known = self.0.iter();
        let known = known.find(|(of, named, _)| *of == family && named == reference);
        if let Some((_, _, pulling)) = known {
            return Arc::clone(pulling);
        }
        while self.0.len() >= MOST || self.bytes() > MOST_BYTES {
            self.0.pop_front();
        }
        let pulling = Pulling::default();
        self.0.push_back((family, reference.clone(), Arc::clone(&pulling)));
        pulling
    }

    /// Forgets those of a family.
    pub(super) fn forget(&mut self, family: u64) {
        self.0.retain(|(of, _, _)| *of != family);
    }

    fn bytes(&self) -> usize {
        let pulled = self.0.iter().filter_map(|(_, _, pulling)| pulling.get());
        pulled.map(|manifest| manifest.bytes.len()).sum()
    }
}

impl Job {
    /// A manifest of the source; siblings pull it once.
    pub(in crate::replication) async fn pull(
        &self,
        reference: &Reference,
    ) -> Result<Pulled<'_>, TransferError> {
        let sibling = self.sibling.as_ref().filter(|_| self.source.is_registry());
        let Some(sibling) = sibling else { return self.source.pull(reference).await };
        let pulling = sibling.manifest(reference);
        let pull = async || Ok(self.source.pull(reference).await?.manifest);
        Ok(pulling.get_or_try_init(pull).await?.clone().into())
    }
}
