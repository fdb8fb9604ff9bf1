//! One repository: its artifacts, each a walk of the manifest graph, children before parents and
//! the tag last.

use std::{collections::HashSet, pin::Pin, sync::Arc};

use futures_util::{StreamExt, stream::FuturesUnordered};
use portolan_core::{
    accepts::Accepts,
    id::EndpointId,
    oci::{Descriptor, Digest, Manifest, Reference, Tag},
    task::Item,
};

use super::{
    Shared, blob,
    failure::{Failures, Side, TransferError},
    ledger::Ledger,
    log::TaskLog,
    pace::Pace,
    present::Present,
    ready::Ready,
    records::Known,
    referrers::Follows,
    siblings::{At, Sibling},
    source::{Pulled, Source},
    stats::Stats,
    terms::Terms,
};
use crate::distribution::Remote;

mod taken;

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
    pub(super) source: Source,
    pub(super) destination: Remote,
    pub(super) accepts: Accepts,
    pub(super) destination_id: EndpointId,
    pub(super) ledger: Arc<Ledger>,
    pub(super) log: Arc<TaskLog>,
    /// What is sent passes at this pace,
    pub(super) pace: Pace,
    /// and what is pulled, for one or for several destinations, at this one before.
    pub(super) pulls: Pace,
    pub(super) stats: Arc<Stats>,
    pub(super) override_tags: bool,
    pub(super) present: Present,
    pub(super) ready: Ready,
    pub(super) known: Known,
    pub(super) terms: Terms,
    pub(super) follows: Follows,
    /// Among the tasks that bring the same repository elsewhere.
    pub(super) sibling: Option<Sibling>,
}

/// What is known of the destination's side of an artifact.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    /// Nothing of that tag was there: do not ask for each child.
    Absent,
    /// Something was there: children may be, too.
    Present,
}

/// Where a walk is.
#[derive(Clone, Copy)]
pub(super) struct Walk<'w> {
    pub(super) before: Before,
    pub(super) at: At<'w>,
}

impl Job {
    /// Copies every item that was not refused; one that fails does not hold the others.
    pub(super) async fn run(&self, items: &[Item]) -> Failures {
        let mut waiting = items.iter().enumerate().filter(|(_, item)| item.refused.is_none());
        let mut work = FuturesUnordered::new();
        let mut failures = Failures::default();
        loop {
            while work.len() < ARTIFACTS
                && let Some((place, item)) = waiting.next()
            {
                work.push(self.copy_item(place, item));
            }
            match work.next().await {
                Some(failed) => failures.merge(failed),
                None => return failures,
            }
        }
    }

    /// Copies one artifact under each of its tags; one that fails does not hold the others.
    async fn copy_item(&self, place: usize, item: &Item) -> Failures {
        let turn = self.sibling.as_ref().map(|sibling| sibling.begin(place));
        let at = turn.as_ref();
        let mut failures = Failures::default();
        if item.tags.is_empty()
            && let Some(digest) = &item.digest
            && let Err(error) = Box::pin(self.copy_untagged(digest, at)).await
        {
            self.log.error(format!("{digest}: {error}")).await;
            failures.add(error);
        }
        let mut pulled = None;
        for tag in &item.tags {
            if let Err(error) = self.copy_tag((tag, at), item.digest.as_ref(), &mut pulled).await {
                self.log.error(format!("{tag}: {error}")).await;
                failures.add(error);
            }
        }
        failures
    }

    async fn copy_untagged(&self, digest: &Digest, at: At<'_>) -> Result<(), TransferError> {
        let reference = Reference::Digest(digest.clone());
        if self.destination_manifest(&reference).await?.is_some() {
            self.stats.skipped();
            return self.follow((digest, at), None).await;
        }
        let pulled = self.pull(&reference).await?;
        let Some(manifest) = self.chosen(digest, &pulled.manifest).await else { return Ok(()) };
        let reference = Reference::Digest(manifest.digest.clone());
        self.check_taken(&manifest, 0, &mut HashSet::new()).await?;
        let walk = Walk { before: Before::Absent, at };
        self.copy_graph(&reference, &manifest, walk, 0).await?;
        self.stats.pushed();
        self.follow((&manifest.digest, at), Some(&manifest)).await
    }

    /// Copies one tag. The manifest that a digest names is pulled once for all its tags.
    pub(super) async fn copy_tag<'s>(
        &'s self,
        (tag, at): (&Tag, At<'_>),
        known: Option<&Digest>,
        kept: &mut Option<Pulled<'s>>,
    ) -> Result<(), TransferError> {
        let reference = Reference::Tag(tag.clone());
        if self.is_settled(tag).await || self.is_believed(tag, &reference, known).await? {
            return Ok(());
        }
        let there = self.present.tagged((&self.destination, &self.ready), tag).await?;
        let before = if let Some(there) = &there {
            let there = &there.digest;
            if self.source.is_same(&reference, known, there, &self.destination).await? {
                self.stats.skipped();
                self.known.tagged(tag, there, false).await;
                self.log.info(format!("{tag} is there already, {there}")).await;
                return self.follow((there, at), None).await;
            }
            match self.stays(tag) {
                // Whether an index that is written anew is another shows when it is written.
                Some(why) if !self.terms.rewrites() => return self.leave(tag, why).await,
                None if self.follows.merges(tag) => {
                    self.stats.pushed();
                    return Box::pin(self.copy_merged(tag, at)).await;
                }
                _ => {}
            }
            Before::Present
        } else {
            Before::Absent
        };
        let pull = known.map_or_else(|| reference.clone(), |digest| digest.clone().into());
        let pulled = match kept.take() {
            Some(pulled) => pulled,
            None => self.pull(&pull).await?,
        };
        let there = there.map(|there| there.digest);
        // Copying takes a large future; a tag that is there already does without it.
        Box::pin(self.put_tag((tag, there), &pulled.manifest, Walk { before, at })).await?;
        *kept = known.map(|_| pulled);
        Ok(())
    }

    /// Whether what is remembered of a tag is to be believed, and is what the source has now.
    async fn is_believed(
        &self,
        tag: &Tag,
        reference: &Reference,
        known: Option<&Digest>,
    ) -> Result<bool, TransferError> {
        let Some(there) = self.known.believed(tag).filter(|_| self.source.is_registry()) else {
            return Ok(false);
        };
        if !self.source.is_same(reference, known, &there, &self.destination).await? {
            return Ok(false);
        }
        self.stats.believed();
        self.log.info(format!("{tag} was there lately, {there}: not asked for")).await;
        Ok(true)
    }

    /// Copies what a manifest refers to, then the manifest under its tag. Where the destination
    /// says that a part is missing after all, what was remembered is forgotten and the walk is
    /// done once more.
    pub(super) async fn copy_graph(
        &self,
        reference: &Reference,
        manifest: &Manifest,
        walk: Walk<'_>,
        depth: usize,
    ) -> Result<(), TransferError> {
        self.copy_below(manifest, walk, depth).await?;
        match self.push(reference, manifest).await {
            Err(error) if error.is_part_unknown() => {
                self.log.warn("a part that was there is gone: asking for each again").await;
                let repository = &self.destination.target().repository;
                self.ledger.forget(self.destination_id, digests(&manifest.blobs));
                self.known.forget(digests(&manifest.blobs)).await;
                let children = digests(&manifest.children);
                self.ledger.forget_manifests(self.destination_id, repository, children);
                let walk = Walk { before: Before::Present, ..walk };
                self.copy_below(manifest, walk, depth).await?;
                self.push(reference, manifest).await
            }
            result => result,
        }
    }

    /// Copies children and blobs of a manifest, not the manifest itself.
    fn copy_below<'a>(
        &'a self,
        manifest: &'a Manifest,
        walk: Walk<'a>,
        depth: usize,
    ) -> Pin<Box<dyn Future<Output = Result<(), TransferError>> + Send + 'a>> {
        Box::pin(async move {
            within_bounds(manifest, depth)?;
            self.ready.make().await?;
            self.stats.walk.opens(manifest, depth);
            let child = |child| self.copy_child(child, walk, depth + 1);
            each(&manifest.children, ARTIFACTS, child).await?;
            each(&manifest.blobs, BLOBS, |blob| blob::ensure(self, blob, walk.at)).await
        })
    }

    pub(super) async fn copy_child(
        &self,
        child: &Descriptor,
        walk: Walk<'_>,
        depth: usize,
    ) -> Result<(), TransferError> {
        let repository = self.destination.target().repository.clone();
        if self.ledger.has_manifest(self.destination_id, &repository, &child.digest) {
            self.stats.walk.meets();
            return Ok(());
        }
        if !child.media_type.is_manifest() {
            self.ready.make().await?;
            return blob::ensure(self, child, walk.at).await;
        }
        let reference = Reference::Digest(child.digest.clone());
        let there = walk.before == Before::Present
            && self.destination_manifest(&reference).await?.is_some();
        if there {
            self.stats.walk.meets();
        } else {
            let pulled = self.pull(&reference).await?;
            // An index may call its children what they are not.
            self.is_taken(&pulled.manifest.media_type)?;
            self.copy_graph(&reference, &pulled.manifest, walk, depth).await?;
        }
        self.ledger.hold_manifest(self.destination_id, &repository, &child.digest);
        Ok(())
    }

    pub(super) async fn destination_manifest(
        &self,
        reference: &Reference,
    ) -> Result<Option<Descriptor>, TransferError> {
        self.ready.head(&self.destination, reference).await
    }

    pub(super) async fn push(
        &self,
        reference: &Reference,
        manifest: &Manifest,
    ) -> Result<(), TransferError> {
        self.ready.make().await?;
        let pushed = self.destination.put_manifest(reference, manifest).await;
        let pushed = pushed.map_err(TransferError::at(Side::Destination, "pushing a manifest"));
        pushed.map_err(TransferError::or_immutable)
    }
}

fn within_bounds(manifest: &Manifest, depth: usize) -> Result<(), TransferError> {
    if depth > MAX_DEPTH || manifest.children.len() > MAX_CHILDREN {
        let step = "reading an index nested too deep or too wide";
        return Err(TransferError::refused(Side::Source, step));
    }
    Ok(())
}

/// Does the work of every part, a few at once. When one fails, no other begins, and those under way
/// end: their bytes need not come again with the next try.
async fn each<'p, F>(
    parts: &'p [Descriptor],
    most: usize,
    work: impl Fn(&'p Descriptor) -> F,
) -> Result<(), TransferError>
where
    F: Future<Output = Result<(), TransferError>>,
{
    let (mut waiting, mut under_way, mut failed) = (parts.iter(), FuturesUnordered::new(), None);
    loop {
        while failed.is_none()
            && under_way.len() < most
            && let Some(part) = waiting.next()
        {
            under_way.push(work(part));
        }
        match under_way.next().await {
            Some(Ok(())) => {}
            Some(Err(error)) => failed = failed.or(Some(error)),
            None => return failed.map_or(Ok(()), Err),
        }
    }
}

fn digests(parts: &[Descriptor]) -> impl Iterator<Item = &Digest> {
    parts.iter().map(|part| &part.digest)
}
