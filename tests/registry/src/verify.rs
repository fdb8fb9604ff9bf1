//! The final assertion of a replication test: is everything here whole?

use std::collections::BTreeSet;

use crate::{
    content::{Content, Descriptor, Repository},
    digest::Digest,
};

/// What was found whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Repositories.
    pub repositories: usize,
    /// Tags, all repositories together.
    pub tags: usize,
    /// Manifests and indexes, all repositories together.
    pub manifests: usize,
    /// Blobs, all repositories together; one that stands in two counts twice.
    pub blobs: usize,
}

pub(crate) fn all(content: &Content, sparse: bool) -> Result<Verified, Vec<String>> {
    let mut seen = Verified { repositories: content.repositories.len(), ..Verified::default() };
    let mut wrong = Vec::new();
    for (name, repository) in &content.repositories {
        seen.tags += repository.tags.len();
        seen.manifests += repository.manifests.len();
        seen.blobs += repository.blobs.len();
        hashes(name, repository, &mut wrong);
        for (tag, digest) in &repository.tags {
            let walk = Walk { name, tag, repository, sparse };
            walk.graph(digest, &mut wrong);
        }
    }
    if wrong.is_empty() { Ok(seen) } else { Err(wrong) }
}

fn hashes(name: &str, repository: &Repository, wrong: &mut Vec<String>) {
    for (digest, bytes) in repository.blobs.iter().filter(|(digest, bytes)| !digest.matches(bytes))
    {
        wrong.push(format!("{name}: blob {digest} of {} bytes has another digest", bytes.len()));
    }
    for (digest, _) in repository.manifests.iter().filter(|(d, m)| !d.matches(&m.bytes)) {
        wrong.push(format!("{name}: manifest {digest} has another digest"));
    }
}

/// Walks what one tag reaches.
struct Walk<'a> {
    name: &'a str,
    tag: &'a str,
    repository: &'a Repository,
    sparse: bool,
}

impl Walk<'_> {
    fn graph(&self, root: &Digest, wrong: &mut Vec<String>) {
        let mut visited = BTreeSet::new();
        let mut open = vec![root.clone()];
        while let Some(digest) = open.pop() {
            if !visited.insert(digest.clone()) {
                continue;
            }
            let Some(manifest) = self.repository.manifests.get(&digest) else {
                wrong.push(format!("{}:{}: manifest {digest} is missing", self.name, self.tag));
                continue;
            };
            for blob in manifest.document.blobs() {
                let stored = Digest::parse(&blob.digest);
                let stored = stored.and_then(|digest| self.repository.blobs.get(&digest));
                self.hold(blob, stored.map(bytes::Bytes::len), wrong);
            }
            for child in &manifest.document.manifests {
                let known = Digest::parse(&child.digest);
                let stored = known.as_ref().and_then(|d| self.repository.manifests.get(d));
                if stored.is_none() && self.sparse {
                    continue;
                }
                self.hold(child, stored.map(|manifest| manifest.bytes.len()), wrong);
                open.extend(known.filter(|_| stored.is_some()));
            }
        }
    }

    /// Compares a descriptor with the size of what is stored.
    fn hold(&self, descriptor: &Descriptor, stored: Option<usize>, wrong: &mut Vec<String>) {
        let (name, tag, digest) = (self.name, self.tag, &descriptor.digest);
        match stored {
            None => wrong.push(format!("{name}:{tag}: {digest} is missing")),
            Some(size) if size as u64 != descriptor.size => wrong.push(format!(
                "{name}:{tag}: {digest} has {size} bytes, its descriptor says {}",
                descriptor.size
            )),
            Some(_) => {}
        }
    }
}
