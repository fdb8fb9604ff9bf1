//! One repository: its artifacts, each a walk of the manifest graph, children before parents and
//! the tag last.

use std::{pin::Pin, sync::Arc};

use futures_util::{StreamExt, TryStreamExt, stream, stream::FuturesUnordered};
use portolan_core::{
    id::EndpointId,
    oci::{Descriptor, Digest, Manifest, Reference, Tag},
    task::Item,
};

use super::{
    Shared, blob,
    failure::{Side, TransferError},
    ledger::Ledger,
    log::TaskLog,
    stats::Stats,
};
use crate::distribution::Remote;

/// Artifacts of one repository at once.
const ARTIFACTS: usize = 3;
/// Blobs of one manifest at once.
const BLOBS: usize = 6;
/// How deep indexes may nest.
const MAX_DEPTH: usize = 8;
/// Most children of one index.
const MAX_CHILDREN: usize = 2_000;

/// Everything one task needs.
pub(super) struct Job {
    pub(super) shared: Arc<Shared>,
    pub(super) source: Remote,
    pub(super) destination: Remote,
    pub(super) destination_id: EndpointId,
    pub(super) ledger: Arc<Ledger>,
    pub(super) log: TaskLog,
    pub(super) stats: Arc<Stats>,
    pub(super) override_tags: bool,
}

/// What is known of the destination's side of an artifact.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    /// Nothing of that tag was there: do not ask for each child.
    Absent,
    /// Something was there: children may be, too.
    Present,
}

impl Job {
    /// Copies every item; one that fails does not hold the others. Returns the failures.
    pub(super) async fn run(&self, items: &[Item]) -> Vec<TransferError> {
        let mut waiting = items.iter();
        let mut work = FuturesUnordered::new();
        let mut failures = Vec::new();
        loop {
            while work.len() < ARTIFACTS
                && let Some(item) = waiting.next()
            {
                work.push(self.copy_item(item));
            }
            match work.next().await {
                Some(result) => failures.extend(result.err()),
                None => return failures,
            }
        }
    }

    async fn copy_item(&self, item: &Item) -> Result<(), TransferError> {
        let result = self.try_item(item).await;
        if let Err(error) = &result {
            let name = item.tags.first().map(ToString::to_string);
            let name = name.or_else(|| item.digest.as_ref().map(ToString::to_string));
            self.log.error(format!("{}: {error}", name.unwrap_or_default())).await;
        }
        result
    }

    async fn try_item(&self, item: &Item) -> Result<(), TransferError> {
        if item.tags.is_empty() {
            return match &item.digest {
                Some(digest) => self.copy_untagged(digest).await,
                None => Ok(()),
            };
        }
        for tag in &item.tags {
            self.copy_tag(tag, item.digest.as_ref()).await?;
        }
        Ok(())
    }

    async fn copy_untagged(&self, digest: &Digest) -> Result<(), TransferError> {
        if self.destination_manifest(&digest.clone().into()).await?.is_some() {
            self.stats.skipped();
            return Ok(());
        }
        let manifest = self.pull(&digest.clone().into()).await?;
        self.copy_below(&manifest, Before::Absent, 0).await?;
        self.push(&digest.clone().into(), &manifest).await?;
        self.stats.pushed();
        Ok(())
    }

    async fn copy_tag(&self, tag: &Tag, known: Option<&Digest>) -> Result<(), TransferError> {
        let reference = Reference::Tag(tag.clone());
        let there = self.destination_manifest(&reference).await?;
        let before = if let Some(there) = &there {
            let wanted = self.source_digest(&reference, known).await?;
            if wanted.as_ref() == Some(&there.digest) {
                self.stats.skipped();
                self.log.info(format!("{tag} is there already, {}", there.digest)).await;
                return Ok(());
            }
            if !self.override_tags {
                self.stats.skipped();
                let text = format!("{tag} is there with another digest and override is off");
                self.log.warn(text).await;
                return Ok(());
            }
            Before::Present
        } else {
            Before::Absent
        };
        let pull = known.map_or_else(|| reference.clone(), |digest| digest.clone().into());
        let manifest = self.pull(&pull).await?;
        self.copy_graph(&reference, &manifest, before).await?;
        self.stats.pushed();
        self.log.info(format!("{tag} pushed, {}", manifest.digest)).await;
        Ok(())
    }

    /// Copies what a manifest refers to, then the manifest under its tag. Where the destination
    /// says that a blob is missing after all, what was remembered is forgotten and the walk is
    /// done once more.
    async fn copy_graph(
        &self,
        reference: &Reference,
        manifest: &Manifest,
        before: Before,
    ) -> Result<(), TransferError> {
        self.copy_below(manifest, before, 0).await?;
        match self.push(reference, manifest).await {
            Err(error) if error.is_blob_unknown() => {
                self.log.warn("a blob that was there is gone: asking for each again").await;
                self.ledger.forget(self.destination_id, digests(&manifest.blobs));
                self.copy_below(manifest, Before::Present, 0).await?;
                self.push(reference, manifest).await
            }
            result => result,
        }
    }

    /// Copies children and blobs of a manifest, not the manifest itself.
    fn copy_below<'a>(
        &'a self,
        manifest: &'a Manifest,
        before: Before,
        depth: usize,
    ) -> Pin<Box<dyn Future<Output = Result<(), TransferError>> + Send + 'a>> {
        Box::pin(async move {
            if depth > MAX_DEPTH || manifest.children.len() > MAX_CHILDREN {
                let step = "reading an index nested too deep or too wide";
                return Err(TransferError::refused(Side::Source, step));
            }
            let children = stream::iter(manifest.children.iter().map(Ok));
            let child = |child| self.copy_child(child, before, depth + 1);
            children.try_for_each_concurrent(ARTIFACTS, child).await?;
            let blobs = stream::iter(manifest.blobs.iter().map(Ok));
            blobs.try_for_each_concurrent(BLOBS, |blob| blob::ensure(self, blob)).await
        })
    }

    async fn copy_child(
        &self,
        child: &Descriptor,
        before: Before,
        depth: usize,
    ) -> Result<(), TransferError> {
        let repository = self.destination.target().repository.clone();
        if self.ledger.has_manifest(self.destination_id, &repository, &child.digest) {
            return Ok(());
        }
        if !child.media_type.is_manifest() {
            return blob::ensure(self, child).await;
        }
        let reference = Reference::Digest(child.digest.clone());
        let there =
            before == Before::Present && self.destination_manifest(&reference).await?.is_some();
        if !there {
            let manifest = self.pull(&reference).await?;
            self.copy_below(&manifest, before, depth).await?;
            self.push(&reference, &manifest).await?;
        }
        self.ledger.hold_manifest(self.destination_id, &repository, &child.digest);
        Ok(())
    }

    async fn source_digest(
        &self,
        reference: &Reference,
        known: Option<&Digest>,
    ) -> Result<Option<Digest>, TransferError> {
        if let Some(digest) = known {
            return Ok(Some(digest.clone()));
        }
        let there = self.source.head_manifest(reference).await;
        let there = there.map_err(TransferError::at(Side::Source, "asking for a manifest"))?;
        Ok(there.map(|descriptor| descriptor.digest))
    }

    async fn destination_manifest(
        &self,
        reference: &Reference,
    ) -> Result<Option<Descriptor>, TransferError> {
        let there = self.destination.head_manifest(reference).await;
        there.map_err(TransferError::at(Side::Destination, "asking for a manifest"))
    }

    async fn pull(&self, reference: &Reference) -> Result<Manifest, TransferError> {
        let manifest = self.source.get_manifest(reference).await;
        manifest.map_err(TransferError::at(Side::Source, "pulling a manifest"))
    }

    async fn push(&self, reference: &Reference, manifest: &Manifest) -> Result<(), TransferError> {
        let pushed = self.destination.put_manifest(reference, manifest).await;
        pushed.map_err(TransferError::at(Side::Destination, "pushing a manifest"))
    }
}

fn digests(blobs: &[Descriptor]) -> impl Iterator<Item = &Digest> {
    blobs.iter().map(|blob| &blob.digest)
}
