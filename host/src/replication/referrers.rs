//! What goes with an artifact: what refers to it by the OCI 1.1 API, the fallback tag of registries
//! without that API, and cosign's tags. It never deletes what only the destination has.

use std::{
    collections::{HashMap, HashSet},
    pin::Pin,
    sync::{Arc, Mutex},
};

use portolan_core::{
    id::EndpointId,
    oci::{AttachedTag, Descriptor, Digest, Manifest, Reference, Tag, attached::fallback_tag},
    policy::Options,
};
use tokio::sync::OnceCell;

use super::{
    failure::{Side, TransferError},
    lock,
    siblings::At,
    source::Source,
    transfer::{Before, Job, Walk},
};

mod index;

/// How deep referrers of referrers are followed.
const MAX_DEPTH: usize = 4;
/// Most referrers of one subject.
const MAX_REFERRERS: usize = 1_000;

/// Which registries of an execution have the API; each is asked once.
#[derive(Default)]
pub(super) struct Support {
    source: OnceCell<bool>,
    destinations: Mutex<HashMap<EndpointId, Arc<OnceCell<bool>>>>,
}

/// What one task follows.
pub(super) struct Follows {
    options: Options,
    /// Tags of the source that name a subject and are no items of their own.
    tags: HashMap<Digest, Vec<Tag>>,
    done: Mutex<HashSet<Digest>>,
}

impl Follows {
    /// What the options of a task ask for.
    pub(super) fn new(options: &Options, attached: &[Tag]) -> Self {
        let mut tags = HashMap::<Digest, Vec<Tag>>::new();
        for tag in attached {
            if let Some(named) = AttachedTag::of(tag.as_str()) {
                tags.entry(named.subject).or_default().push(tag.clone());
            }
        }
        Self { options: options.clone(), tags, done: Mutex::default() }
    }

    /// Whether a tag is a fallback tag that is to be merged rather than moved.
    pub(super) fn merges(&self, tag: &Tag) -> bool {
        let named = AttachedTag::of(tag.as_str());
        self.options.referrers.copy && named.is_some_and(|named| named.artifact_type.is_none())
    }

    fn is_first(&self, subject: &Digest) -> bool {
        lock(&self.done).insert(subject.clone())
    }
}

impl Job {
    /// Copies what goes with an artifact that is at the destination now, and with the manifests of
    /// an index where it was just pushed.
    pub(super) async fn follow(
        &self,
        (subject, at): (&Digest, At<'_>),
        pushed: Option<&Manifest>,
    ) -> Result<(), TransferError> {
        let Source::Registry(_) = &self.source else { return Ok(()) };
        if !self.follows.options.referrers.copy {
            return Ok(());
        }
        self.follow_one((subject, at), 0).await?;
        let children = pushed.map(|manifest| manifest.children.as_slice()).unwrap_or_default();
        for child in children.iter().filter(|child| child.media_type.is_manifest()) {
            self.follow_one((&child.digest, at), 0).await?;
        }
        Ok(())
    }

    fn follow_one<'a>(
        &'a self,
        (subject, at): (&'a Digest, At<'a>),
        depth: usize,
    ) -> Pin<Box<dyn Future<Output = Result<(), TransferError>> + Send + 'a>> {
        Box::pin(async move {
            if depth >= MAX_DEPTH || !self.follows.is_first(subject) {
                return Ok(());
            }
            for tag in self.follows.tags.get(subject).into_iter().flatten() {
                // Copying takes a large future, and most subjects have nothing to copy.
                Box::pin(self.copy_attached(tag, at)).await?;
            }
            let listed = self.referrers_of(subject).await?;
            if listed.is_empty() {
                return Ok(());
            }
            Box::pin(self.copy_listed((subject, at), &listed)).await?;
            for referrer in &listed {
                self.follow_one((&referrer.digest, at), depth + 1).await?;
            }
            Ok(())
        })
    }

    /// What the source's API lists, of the types that are wanted.
    async fn referrers_of(&self, subject: &Digest) -> Result<Vec<Descriptor>, TransferError> {
        let Source::Registry(source) = &self.source else { return Ok(Vec::new()) };
        let ask = async || {
            let listed = source.referrers(subject).await;
            listed.map_err(TransferError::at(Side::Source, "listing referrers"))
        };
        let mut first = None;
        let probe = async || {
            let listed = ask().await?;
            let supported = listed.is_some();
            first = listed;
            Ok::<_, TransferError>(supported)
        };
        let supported = *self.ledger.support.source.get_or_try_init(probe).await?;
        let listed = match (first, supported) {
            (Some(listed), _) => listed,
            (None, true) => ask().await?.unwrap_or_default(),
            (None, false) => return Ok(Vec::new()),
        };
        let wanted = listed.into_iter().filter(|it| it.media_type.is_manifest());
        let wanted = wanted.filter(|it| self.wants(it.artifact_type.as_deref()));
        Ok(wanted.take(MAX_REFERRERS).collect())
    }

    /// Whether a referrer of a type goes; what tells none goes.
    fn wants(&self, artifact_type: Option<&str>) -> bool {
        let kind = artifact_type.unwrap_or_default();
        kind.is_empty() || self.follows.options.referrers.takes(kind)
    }

    /// Copies what the source's API listed; where the destination has no such API, the list goes
    /// into its fallback tag.
    async fn copy_listed(
        &self,
        (subject, at): (&Digest, At<'_>),
        listed: &[Descriptor],
    ) -> Result<(), TransferError> {
        let there = self.destination_referrers(subject).await?;
        for referrer in listed {
            let has = |there: &Vec<Descriptor>| there.iter().any(|it| it.digest == referrer.digest);
            if there.as_ref().is_some_and(has) {
                continue;
            }
            let before = if there.is_some() { Before::Absent } else { Before::Present };
            self.copy_child(referrer, Walk { before, at }, 0).await?;
            let kind = referrer.artifact_type.as_deref().unwrap_or("referrer");
            self.log.info(format!("{kind} {} goes with {subject}", referrer.digest)).await;
        }
        match (there, fallback_tag(subject)) {
            (None, Some(tag)) => self.merge(&tag, listed, None).await,
            _ => Ok(()),
        }
    }

    /// What the destination's API lists; `None` where it has none.
    async fn destination_referrers(
        &self,
        subject: &Digest,
    ) -> Result<Option<Vec<Descriptor>>, TransferError> {
        let support = {
            let mut cells = lock(&self.ledger.support.destinations);
            Arc::clone(cells.entry(self.destination_id).or_default())
        };
        let ask = async || {
            let listed = self.destination.referrers(subject).await;
            listed.map_err(TransferError::at(Side::Destination, "listing referrers"))
        };
        let mut first = None;
        let probe = async || {
            first = ask().await?;
            Ok::<_, TransferError>(first.is_some())
        };
        let supported = *support.get_or_try_init(probe).await?;
        match (first, supported) {
            (Some(listed), _) => Ok(Some(listed)),
            (None, true) => ask().await,
            (None, false) => Ok(None),
        }
    }

    /// Copies a tag that names its subject.
    async fn copy_attached(&self, tag: &Tag, at: At<'_>) -> Result<(), TransferError> {
        let referrers = &self.follows.options.referrers;
        let kind = AttachedTag::of(tag.as_str()).and_then(|named| named.artifact_type);
        match kind {
            None if !referrers.artifact_types.is_empty() => self.copy_merged(tag, at).await,
            Some(kind) if !referrers.takes(kind) => Ok(()),
            _ => {
                self.stats.planned(1);
                self.copy_tag((tag, at), None, &mut None).await
            }
        }
    }

    /// Adds what the destination's fallback tag lacks of the source's.
    pub(super) async fn copy_merged(&self, tag: &Tag, at: At<'_>) -> Result<(), TransferError> {
        let index = self.pull(&Reference::Tag(tag.clone())).await?.manifest;
        let wanted = index.children.iter().filter(|it| self.wants(it.artifact_type.as_deref()));
        let wanted: Vec<Descriptor> = wanted.cloned().collect();
        let whole = wanted.len() == index.children.len();
        for child in &wanted {
            self.copy_child(child, Walk { before: Before::Present, at }, 0).await?;
        }
        self.merge(tag, &wanted, whole.then_some(&index)).await
    }

    /// Puts referrers into the destination's fallback tag; `whole` is an index of just these, which
    /// goes as it is where there is none.
    async fn merge(
        &self,
        tag: &Tag,
        referrers: &[Descriptor],
        whole: Option<&Manifest>,
    ) -> Result<(), TransferError> {
        let reference = Reference::Tag(tag.clone());
        let there = self.destination_manifest(&reference).await?;
        let index = match (there, whole) {
            (None, Some(whole)) => whole.clone(),
            (Some(there), Some(whole)) if there.digest == whole.digest => return Ok(()),
            (None, None) => match index::of(referrers) {
                Some(index) => index,
                None => return Ok(()),
            },
            (Some(_), _) => {
                let there = self.destination.get_manifest(&reference).await;
                let there = there
                    .map_err(TransferError::at(Side::Destination, "pulling a list of referrers"))?;
                match index::with(&there, referrers) {
                    Some(index) => index,
                    None => return Ok(()),
                }
            }
        };
        self.push(&reference, &index).await?;
        self.log.info(format!("{tag} lists {} referrers now", index.children.len())).await;
        Ok(())
    }
}
