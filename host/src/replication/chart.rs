//! A repository whose artifacts are charts lying about as archives: each is located by its adapter,
//! fetched, looked through, and made the artifact that `helm push` would push.
//!
//! What is fetched is held in memory until it is copied; few are at once.

mod archive;
mod artifact;
mod download;
mod failure;
mod metadata;
mod oci;
mod scalar;
mod yaml;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use portolan_core::{
    oci::{Descriptor, Digest, Manifest, Reference, Repository},
    provider::{Action, ChartLocation, Scope},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{connect::Connection, lock};
use crate::{
    distribution::{BlobStream, Remote},
    net,
    plugin::Adapter,
};
use artifact::Artifact;
use download::Download;
pub(super) use failure::ChartError;

/// Charts held at once, all tasks together; each has at most [`download::MAX_ARCHIVE`] bytes.
pub(super) const AT_ONCE: usize = 4;
/// How long one chart may take to arrive.
const FETCH: Duration = Duration::from_secs(600);

/// Leave to hold one chart. Whatever works on it has a share, also where nobody waits for that any
/// more: what blocks a thread cannot be cancelled.
type Turn = Arc<OwnedSemaphorePermit>;

/// The charts of one repository.
pub(super) struct Charts {
    connection: Connection,
    repository: Repository,
    turns: Arc<Semaphore>,
    /// Parts of the charts under way, with how many need them.
    parts: Mutex<HashMap<Digest, (Bytes, usize)>>,
}

/// The parts of one chart, for as long as this lives.
pub(super) struct Held<'c> {
    charts: &'c Charts,
    digests: Vec<Digest>,
    _turn: Turn,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let mut parts = lock(&self.charts.parts);
        for digest in &self.digests {
            let Some((_, users)) = parts.get_mut(digest) else { continue };
            *users -= 1;
            if *users == 0 {
                parts.remove(digest);
            }
        }
    }
}

impl Charts {
    /// The charts of `repository`; `turns` bounds how many are held.
    pub(super) fn new(
        connection: Connection,
        repository: Repository,
        turns: Arc<Semaphore>,
    ) -> Self {
        Self { connection, repository, turns, parts: Mutex::default() }
    }

    /// The artifact of a tag, its parts held.
    pub(super) async fn pull(
        &self,
        reference: &Reference,
    ) -> Result<(Manifest, Held<'_>), ChartError> {
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let turn: Turn = turn
            .map(Arc::new)
            .map_err(|_| ChartError::Refused("the engine is closing".to_owned()))?;
        let adapter = self.connection.now().await?;
        let location = self.locate(&adapter, reference).await?;
        // A server that drips holds a turn of every rule's.
        let fetched = self.fetch(&adapter, reference, &location, &turn);
        let fetched = tokio::time::timeout(FETCH, fetched).await;
        let artifact = fetched.map_err(|_| {
            let url = net::redact(&location.url);
            ChartError::Refused(format!("{url} was not there within {} s", FETCH.as_secs()))
        })??;
        let digests = artifact.blobs.iter().map(|(digest, _)| digest.clone()).collect();
        let mut parts = lock(&self.parts);
        for (digest, bytes) in artifact.blobs {
            parts.entry(digest).or_insert((bytes, 0)).1 += 1;
        }
        drop(parts);
        Ok((artifact.manifest, Held { charts: self, digests, _turn: turn }))
    }

    /// Whether the destination has the chart of a tag already. Where the index tells the archive's
    /// digest, the archive need not be fetched to know.
    pub(super) async fn is_same(
        &self,
        reference: &Reference,
        there: &Digest,
        destination: &Remote,
    ) -> Result<bool, ChartError> {
        let adapter = self.connection.now().await?;
        let location = self.locate(&adapter, reference).await?;
        if location.url.scheme() == "oci" {
            let pulled = oci::Pull::new(adapter.client(), &location.url, reference)?;
            return Ok(pulled.manifest().await?.digest == *there);
        }
        if let Some(digest) = &location.digest {
            let manifest = destination.get_manifest(&there.clone().into()).await?;
            let is_it = |part: &Descriptor| {
                part.media_type.as_str() == artifact::CONTENT && part.digest == *digest
            };
            return Ok(manifest.blobs.iter().any(is_it));
        }
        let (manifest, _held) = self.pull(reference).await?;
        Ok(manifest.digest == *there)
    }

    /// The bytes of a part of a chart that is held.
    pub(super) fn get_blob(&self, blob: &Descriptor) -> Result<BlobStream, ChartError> {
        let parts = lock(&self.parts);
        let (bytes, _) = parts.get(&blob.digest).ok_or_else(|| {
            ChartError::Refused(format!("{} is no part of a chart under way", blob.digest))
        })?;
        Ok(BlobStream { body: net::full(bytes.clone()) })
    }

    async fn locate(
        &self,
        adapter: &Adapter,
        reference: &Reference,
    ) -> Result<ChartLocation, ChartError> {
        let Reference::Tag(tag) = reference else {
            let text = format!("{reference} names no chart: charts have versions, not digests");
            return Err(ChartError::Refused(text));
        };
        Ok(adapter.resolve_chart(self.repository.as_str(), tag.as_str()).await?)
    }

    async fn fetch(
        &self,
        adapter: &Adapter,
        reference: &Reference,
        location: &ChartLocation,
        turn: &Turn,
    ) -> Result<Artifact, ChartError> {
        let client = adapter.client();
        if location.url.scheme() == "oci" {
            let pull = oci::Pull::new(client, &location.url, reference)?;
            return pull.artifact(location.digest.as_ref()).await;
        }
        let scope = Scope { repository: self.repository.clone(), actions: vec![Action::Pull] };
        let own = client.egress().is_below_endpoint(&location.url);
        let grant = match own {
            true => Some(adapter.authorize(&[scope], None).await?),
            false => None,
        };
        let download = Download { client, grant };
        let content = download.archive(&location.url, location.digest.as_ref()).await?;
        let provenance = match &location.provenance {
            Some(url) => download.provenance(url).await?,
            None => None,
        };
        let created = location.created;
        let make = move || artifact::make(content, provenance, created);
        let made = blocking(turn, make).await?;
        let unusable = |why| ChartError::Unusable { url: net::redact(&location.url), why };
        let artifact = made.map_err(unusable)?;
        self.check(reference, &artifact).map_err(unusable)?;
        Ok(artifact)
    }

    /// The archive is of the chart and version that the index says.
    fn check(&self, reference: &Reference, artifact: &Artifact) -> Result<(), String> {
        let name = self.repository.components().next_back().unwrap_or_default();
        let tag = reference.to_string();
        if artifact.name == name && same_version(&artifact.version, &tag) {
            return Ok(());
        }
        let (other, version) = (&artifact.name, &artifact.version);
        Err(format!("it holds version {version} of `{other}`, not {tag} of `{name}`"))
    }
}

/// Work that may take a while, such as looking through an archive. It has its share of the turn to
/// its own end.
async fn blocking<T: Send + 'static>(
    turn: &Turn,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ChartError> {
    let share = Arc::clone(turn);
    let working = tokio::task::spawn_blocking(move || {
        let made = work();
        drop(share);
        made
    });
    working.await.map_err(|fault| ChartError::Refused(fault.to_string()))
}

/// Whether a version is what a tag names: `+` is `_` there; some indexes leave out a leading `v`,
/// or add the zeros that a version lacks.
fn same_version(version: &str, tag: &str) -> bool {
    let full = |text: &str| {
        let text = text.replace('+', "_");
        let text = text.strip_prefix('v').unwrap_or(&text);
        let end = text.find(['-', '_']).unwrap_or(text.len());
        let (core, rest) = text.split_at_checked(end).unwrap_or((text, ""));
        let zeros = ".0".repeat(2_usize.saturating_sub(core.matches('.').count()));
        format!("{core}{zeros}{rest}")
    };
    full(version) == full(tag)
}

#[cfg(test)]
mod tests;
