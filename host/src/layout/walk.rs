//! From `index.json` to repositories: every manifest that it leads to is read and checked, within
//! bounds. What is missing or damaged is not held, and so is asked for again or told as missing.

use portolan_core::oci::{Digest, Manifest, Repository, Tag, Verifier, manifest::MAX_BYTES};

use super::{
    LayoutError,
    contents::{Contents, Kept, Shelf},
    files::Files,
    index::{Entry, Index, MAX_ENTRIES, Place},
};

/// How deep indexes are followed.
const MAX_DEPTH: usize = 8;
/// Most manifests of one layout.
const MAX_MANIFESTS: usize = 1_000_000;
/// How often the entries without a name are gone through: referrers of referrers.
const PASSES: usize = 5;

/// Reads what a layout holds.
pub(super) fn read(files: &Files, own: &Repository) -> Result<Contents, LayoutError> {
    let Some(bytes) = files.index()? else { return Ok(Contents::default()) };
    let wrong = |why: String| LayoutError::unusable(&files.path().join("index.json"), why);
    let index: Index = serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
    drop(bytes);
    if index.manifests.len() > MAX_ENTRIES {
        return Err(wrong(format!("it has more than {MAX_ENTRIES} entries")));
    }
    let mut walk = Walk { files, contents: Contents::default(), left: MAX_MANIFESTS };
    walk.contents.rest = index.rest;
    let mut unnamed = Vec::new();
    for entry in index.manifests {
        match entry.place(own) {
            Place::Tagged(repository, tag) => walk.tagged(repository, tag, entry)?,
            Place::Untagged(repository) => walk.untagged(repository, entry)?,
            Place::Unnamed => unnamed.push(entry),
        }
    }
    walk.unnamed(own, unnamed)?;
    Ok(walk.contents)
}

struct Walk<'a> {
    files: &'a Files,
    contents: Contents,
    /// Manifests that may still be read.
    left: usize,
}

impl Walk<'_> {
    fn tagged(
        &mut self,
        repository: Repository,
        tag: Tag,
        entry: Entry,
    ) -> Result<(), LayoutError> {
        let shelf = self.contents.repositories.entry(repository.clone()).or_default();
        // Of two with one name, other tools take the first.
        if shelf.tags.contains_key(&tag) {
            self.contents.others.push(entry);
            return Ok(());
        }
        shelf.tags.insert(tag, entry.clone());
        self.hold(&repository, &entry.digest, entry.media_type.as_str(), 0).map(|_| ())
    }

    fn untagged(&mut self, repository: Repository, entry: Entry) -> Result<(), LayoutError> {
        self.hold(&repository, &entry.digest, entry.media_type.as_str(), 0)?;
        let shelf = self.contents.repositories.entry(repository).or_default();
        if let Some(kept) = shelf.manifests.get_mut(&entry.digest) {
            kept.entry = Some(entry);
        }
        Ok(())
    }

    /// What has no name is in the repositories that hold what it refers to. One that stands alone
    /// is the layout's only image.
    fn unnamed(&mut self, own: &Repository, mut unnamed: Vec<Entry>) -> Result<(), LayoutError> {
        if let ([_], true) = (unnamed.as_slice(), self.contents.repositories.is_empty())
            && let (Some(entry), Ok(tag)) = (unnamed.pop(), "latest".parse())
        {
            return self.tagged(own.clone(), tag, entry);
        }
        let mut waiting = Vec::new();
        for entry in unnamed {
            if let Some(manifest) = self.manifest(&entry.digest, entry.media_type.as_str())? {
                waiting.push((entry.digest.clone(), Kept { led_to: true, ..Kept::new(&manifest) }));
            }
            self.contents.others.push(entry);
        }
        for _ in 0..PASSES {
            for shelf in self.contents.repositories.values_mut() {
                for (digest, kept) in &waiting {
                    adopt(shelf, digest, kept);
                }
            }
        }
        let homeless = |(digest, _): &&(Digest, Kept)| {
            let mut shelves = self.contents.repositories.values();
            !shelves.any(|shelf| shelf.manifests.contains_key(digest))
        };
        let lost = waiting.iter().filter(homeless).count();
        if lost > 0 {
            let path = self.files.path().display();
            tracing::warn!(%path, lost, "entries of index.json without a name are passed over");
        }
        Ok(())
    }

    /// Holds a manifest and what it leads to; whether it is there.
    fn hold(
        &mut self,
        repository: &Repository,
        digest: &Digest,
        media_type: &str,
        depth: usize,
    ) -> Result<bool, LayoutError> {
        let shelf = self.contents.repositories.entry(repository.clone()).or_default();
        if shelf.manifests.contains_key(digest) {
            return Ok(true);
        }
        let Some(manifest) = self.manifest(digest, media_type)? else { return Ok(false) };
        let shelf = self.contents.repositories.entry(repository.clone()).or_default();
        shelf.manifests.insert(digest.clone(), Kept::new(&manifest));
        for child in manifest.children.iter().filter(|child| child.media_type.is_manifest()) {
            if depth >= MAX_DEPTH {
                return Err(LayoutError::unusable(self.files.path(), "indexes are too deep in it"));
            }
            self.hold(repository, &child.digest, child.media_type.as_str(), depth + 1)?;
            let shelf = self.contents.repositories.entry(repository.clone()).or_default();
            if let Some(kept) = shelf.manifests.get_mut(&child.digest) {
                kept.led_to = true;
            }
        }
        Ok(true)
    }

    /// A manifest whose bytes are what its digest says; `None` where they are not, or not there.
    fn manifest(&mut self, digest: &Digest, kind: &str) -> Result<Option<Manifest>, LayoutError> {
        let Some(left) = self.left.checked_sub(1) else {
            let why = format!("it holds more than {MAX_MANIFESTS} manifests");
            return Err(LayoutError::unusable(self.files.path(), why));
        };
        self.left = left;
        let Some(bytes) = self.files.read(digest, MAX_BYTES as u64)? else { return Ok(None) };
        let mut verifier = Verifier::new(digest.algorithm());
        verifier.update(&bytes);
        if verifier.finish() != *digest {
            let path = self.files.path().display();
            tracing::warn!(%path, %digest, "a manifest is damaged: its bytes have another digest");
            return Ok(None);
        }
        Ok(Manifest::parse(bytes, kind).ok())
    }
}

/// Puts what has no name where its subject is.
fn adopt(shelf: &mut Shelf, digest: &Digest, kept: &Kept) {
    let subject = kept.subject.as_ref();
    if subject.is_some_and(|subject| shelf.manifests.contains_key(subject)) {
        shelf.manifests.entry(digest.clone()).or_insert_with(|| kept.clone());
    }
}
