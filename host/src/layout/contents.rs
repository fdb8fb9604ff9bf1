//! What a layout's repositories hold, in memory. It decides nothing about files.
//!
//! A manifest is held by a tag, by an index that is held, by what it refers to, or since it was
//! pushed by its digest. One that nothing holds any more is gone from the repository.

use std::collections::BTreeMap;

use portolan_core::oci::{Descriptor, Digest, Manifest, MediaType, Reference, Repository, Tag};
use serde_json::{Map, Value};

use super::index::{Entry, Index};

/// The repositories of a layout.
#[derive(Default)]
pub(super) struct Contents {
    pub(super) repositories: BTreeMap<Repository, Shelf>,
    /// Entries of the index that are in no repository by their name.
    pub(super) others: Vec<Entry>,
    /// What the index says besides.
    pub(super) rest: Map<String, Value>,
    /// Counts changes that the index on disk must have before they are told.
    pub(super) changes: u64,
    /// Which reading of the disk it comes from.
    pub(super) reading: u64,
}

/// A change, which may not be on disk yet.
#[derive(Clone, Copy)]
pub(super) struct Change {
    pub(super) number: u64,
    pub(super) reading: u64,
}

/// One repository.
#[derive(Default)]
pub(super) struct Shelf {
    pub(super) tags: BTreeMap<Tag, Entry>,
    pub(super) manifests: BTreeMap<Digest, Kept>,
}

/// A manifest whose bytes are there and were checked.
#[derive(Clone)]
pub(super) struct Kept {
    pub(super) media_type: MediaType,
    pub(super) size: u64,
    pub(super) artifact_type: Option<String>,
    pub(super) subject: Option<Digest>,
    pub(super) annotations: BTreeMap<String, String>,
    /// Its own entry in the index, without a tag.
    pub(super) entry: Option<Entry>,
    /// Whether an index of the repository, or an entry that is in no repository, leads to it.
    pub(super) led_to: bool,
}

impl Kept {
    /// A manifest as it was read.
    pub(super) fn new(manifest: &Manifest) -> Self {
        Self {
            media_type: manifest.media_type.clone(),
            size: manifest.bytes.len() as u64,
            artifact_type: manifest.artifact_type.clone(),
            subject: manifest.subject.as_ref().map(|subject| subject.digest.clone()),
            annotations: annotations(manifest),
            entry: None,
            led_to: false,
        }
    }
}

/// A referrer's annotations go into the list of referrers (distribution-spec 1.1).
fn annotations(manifest: &Manifest) -> BTreeMap<String, String> {
    #[derive(serde::Deserialize)]
    struct Noted {
        #[serde(default)]
        annotations: BTreeMap<String, String>,
    }
    if manifest.subject.is_none() {
        return BTreeMap::new();
    }
    let noted = serde_json::from_slice::<Noted>(&manifest.bytes);
    noted.map(|noted| noted.annotations).unwrap_or_default()
}

impl Contents {
    /// Takes in a manifest that was pushed.
    pub(super) fn put(
        &mut self,
        repository: &Repository,
        reference: &Reference,
        manifest: &Manifest,
    ) -> Change {
        let (media_type, size) = (manifest.media_type.clone(), manifest.bytes.len() as u64);
        let name = match reference {
            Reference::Tag(tag) => format!("{repository}:{tag}"),
            Reference::Digest(digest) => format!("{repository}@{digest}"),
        };
        let digest = match reference {
            Reference::Tag(_) => manifest.digest.clone(),
            Reference::Digest(digest) => digest.clone(),
        };
        let entry = Entry::new(media_type, digest.clone(), size, name);
        let shelf = self.repositories.entry(repository.clone()).or_default();
        let kept = shelf.manifests.entry(digest).or_insert_with(|| Kept::new(manifest));
        match reference {
            Reference::Digest(_) => kept.entry = Some(entry),
            Reference::Tag(tag) => {
                let old = shelf.tags.insert(tag.clone(), entry);
                old.into_iter().for_each(|old| shelf.let_go(&old.digest));
            }
        }
        for child in &manifest.children {
            if let Some(kept) = shelf.manifests.get_mut(&child.digest) {
                kept.led_to = true;
            }
        }
        self.changed()
    }

    /// Takes away a tag, or a manifest with every tag on it; `None` where it is not there.
    pub(super) fn remove(
        &mut self,
        repository: &Repository,
        reference: &Reference,
    ) -> Option<Change> {
        let shelf = self.repositories.get_mut(repository)?;
        match reference {
            Reference::Tag(tag) => {
                let old = shelf.tags.remove(tag)?;
                shelf.let_go(&old.digest);
            }
            Reference::Digest(digest) => {
                shelf.tags.retain(|_, entry| entry.digest != *digest);
                shelf.manifests.remove(digest)?;
                self.others.retain(|entry| entry.digest != *digest);
            }
        }
        if shelf.tags.is_empty() && shelf.manifests.is_empty() {
            self.repositories.remove(repository);
        }
        Some(self.changed())
    }

    fn changed(&mut self) -> Change {
        self.changes = self.changes.saturating_add(1);
        Change { number: self.changes, reading: self.reading }
    }

    /// The manifest that a reference leads to.
    pub(super) fn find(
        &self,
        repository: &Repository,
        reference: &Reference,
    ) -> Option<(Digest, Kept)> {
        let shelf = self.repositories.get(repository)?;
        let digest = match reference {
            Reference::Tag(tag) => &shelf.tags.get(tag)?.digest,
            Reference::Digest(digest) => digest,
        };
        shelf.manifests.get(digest).map(|kept| (digest.clone(), kept.clone()))
    }

    /// What refers to a manifest.
    pub(super) fn referrers(&self, repository: &Repository, subject: &Digest) -> Vec<Descriptor> {
        let Some(shelf) = self.repositories.get(repository) else { return Vec::new() };
        let refers = |kept: &&Kept| kept.subject.as_ref() == Some(subject);
        let all = shelf.manifests.iter().filter(|(_, kept)| refers(kept));
        let descriptor = |(digest, kept): (&Digest, &Kept)| Descriptor {
            media_type: kept.media_type.clone(),
            digest: digest.clone(),
            size: kept.size,
            platform: None,
            artifact_type: kept.artifact_type.clone(),
            annotations: kept.annotations.clone(),
        };
        all.map(descriptor).collect()
    }

    /// The index as it is to be on disk.
    pub(super) fn index(&self) -> Index {
        let shelves = self.repositories.values();
        let own = shelves.flat_map(|shelf| {
            let alone = shelf.manifests.values().filter(|kept| !kept.led_to);
            shelf.tags.values().chain(alone.filter_map(|kept| kept.entry.as_ref()))
        });
        let manifests = own.chain(&self.others).cloned().collect();
        let rest = if self.rest.is_empty() { Index::default().rest } else { self.rest.clone() };
        Index { schema_version: 2, manifests, rest }
    }
}

impl Shelf {
    /// A tag leads elsewhere now: what only it held is gone.
    fn let_go(&mut self, digest: &Digest) {
        let tagged = self.tags.values().any(|entry| entry.digest == *digest);
        let held =
            self.manifests.get(digest).is_some_and(|kept| kept.entry.is_some() || kept.led_to);
        if !tagged && !held {
            self.manifests.remove(digest);
        }
    }
}
