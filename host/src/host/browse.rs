//! What is at an endpoint: its repositories and artifacts, a page at a time, as its adapter lists
//! them, and one artifact as its manifest says. Nothing is kept.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use portolan_core::{
    id::EndpointId,
    oci::{Descriptor, Digest, MediaType, Reference, Repository, reference::InvalidReference},
    provider::{ArtifactEntry, ArtifactQuery, Listing, RepositoryEntry, RepositoryQuery},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::Host;
use crate::{
    distribution::DistributionError,
    error::{Code, Error},
    plugin::PluginError,
    replication::InspectError,
};

/// Longest page token, in bytes.
const MAX_TOKEN: usize = 16 << 10;
/// Most pages of the adapter that one of ours is made of: registries may give empty ones.
const MAX_PAGES: usize = 10;

/// One page.
#[derive(Clone, Debug)]
pub struct BrowsePage<T> {
    /// The rows.
    pub items: Vec<T>,
    /// What asks for the next page; `None` after the last.
    pub next: Option<String>,
}

/// What the manifest of one artifact says.
#[derive(Clone, Debug)]
pub struct ArtifactDetail {
    /// The manifest's digest.
    pub digest: Digest,
    /// The manifest's type.
    pub media_type: MediaType,
    /// Bytes of an image, manifest included; `None` for an index, whose manifests say theirs.
    pub size: Option<u64>,
    /// How many manifests an index has; 0 for an image.
    pub manifests: usize,
}

/// Where a page begins: the adapter's cursor, and how many rows of its page were given before.
#[derive(Default, Serialize, Deserialize)]
struct Start {
    #[serde(rename = "c")]
    cursor: Option<String>,
    #[serde(rename = "s")]
    skip: usize,
}

impl Host {
    /// Repositories of an endpoint whose names begin with `prefix`, at most `limit`; 0 is Local.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` for a token that no page gave; or what the registry answered.
    pub async fn browse_repositories(
        &self,
        id: EndpointId,
        prefix: Option<String>,
        token: Option<&str>,
        limit: usize,
    ) -> Result<BrowsePage<RepositoryEntry>, Error> {
        let start = read_token(token)?;
        let adapter = self.shared.engine.connections().adapter(id).await?;
        let query = RepositoryQuery { prefix: prefix.clone(), ..RepositoryQuery::default() };
        let (adapter, query) = (&adapter, &query);
        let ask = |cursor: Option<String>| async move {
            let mut page = adapter.list_repositories(query, cursor.as_deref()).await?;
            let prefix = query.prefix.as_deref().unwrap_or_default();
            page.items.retain(|row| row.name.starts_with(prefix));
            Ok(page)
        };
        gather(start, limit, ask).await
    }

    /// Artifacts of a repository of an endpoint, at most `limit`.
    ///
    /// # Errors
    /// As for [`browse_repositories`](Self::browse_repositories).
    pub async fn browse_artifacts(
        &self,
        id: EndpointId,
        repository: &str,
        token: Option<&str>,
        limit: usize,
    ) -> Result<BrowsePage<ArtifactEntry>, Error> {
        let start = read_token(token)?;
        let adapter = self.shared.engine.connections().adapter(id).await?;
        let (adapter, query) = (&adapter, &ArtifactQuery::default());
        let ask = |cursor: Option<String>| async move {
            adapter.list_artifacts(repository, query, cursor.as_deref()).await
        };
        gather(start, limit, ask).await
    }

    /// What the manifest of one artifact says, which many listings do not: asked for live.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` for what is no repository or reference, and for a provider whose
    /// content becomes artifacts only when it is copied; or what the registry answered.
    pub async fn browse_artifact(
        &self,
        id: EndpointId,
        repository: &str,
        reference: &str,
    ) -> Result<ArtifactDetail, Error> {
        let invalid = |error: InvalidReference| Error::new(Code::Invalid, error.to_string());
        let repository: Repository = repository.parse().map_err(invalid)?;
        let reference: Reference = reference.parse().map_err(invalid)?;
        let manifest = self.shared.engine.inspect(id, &repository, &reference).await?;
        let own = u64::try_from(manifest.bytes.len()).unwrap_or(u64::MAX);
        let total = |sum: u64, blob: &Descriptor| sum.saturating_add(blob.size);
        let is_index = manifest.media_type.is_index();
        Ok(ArtifactDetail {
            size: (!is_index).then(|| manifest.blobs.iter().fold(own, total)),
            manifests: manifest.children.len(),
            digest: manifest.digest,
            media_type: manifest.media_type,
        })
    }
}

impl From<InspectError> for Error {
    fn from(error: InspectError) -> Self {
        match error {
            InspectError::Connect(error) => error.into(),
            InspectError::Plugin(error) => error.into(),
            InspectError::Foreign => Self::new(Code::Invalid, error.to_string()),
            InspectError::Registry(DistributionError::Status { status: 404, .. }) => {
                Self::new(Code::NotFound, error.to_string())
            }
            InspectError::Registry(_) => Self::new(Code::Unreachable, error.to_string()),
        }
    }
}

/// Pages of the adapter until there are enough rows.
async fn gather<T, F>(
    start: Start,
    limit: usize,
    ask: impl Fn(Option<String>) -> F,
) -> Result<BrowsePage<T>, Error>
where
    F: Future<Output = Result<Listing<T>, PluginError>>,
{
    let (mut items, Start { mut cursor, mut skip }) = (Vec::new(), start);
    for _ in 0..MAX_PAGES {
        let page = ask(cursor.clone()).await?;
        let room = limit.saturating_sub(items.len());
        let left = page.items.len().saturating_sub(skip);
        items.extend(page.items.into_iter().skip(skip).take(room));
        if left > room {
            let next = write_token(&Start { cursor, skip: skip + room })?;
            return Ok(BrowsePage { items, next: Some(next) });
        }
        if page.next.is_none() || page.next == cursor {
            return Ok(BrowsePage { items, next: None });
        }
        (cursor, skip) = (page.next, 0);
        if items.len() >= limit {
            break;
        }
    }
    let next = write_token(&Start { cursor, skip: 0 })?;
    Ok(BrowsePage { items, next: Some(next) })
}

/// What a token says; nothing for none.
pub(super) fn read_token<T: DeserializeOwned + Default>(token: Option<&str>) -> Result<T, Error> {
    let Some(token) = token else { return Ok(T::default()) };
    let bytes = Some(token).filter(|token| token.len() <= MAX_TOKEN);
    let bytes = bytes.and_then(|token| BASE64_URL_SAFE_NO_PAD.decode(token).ok());
    let start = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    start.ok_or_else(|| {
        Error::new(Code::Invalid, "the page token is none that a page gave: begin without one")
    })
}

/// A token that says it.
pub(super) fn write_token(start: &impl Serialize) -> Result<String, Error> {
    let text = serde_json::to_vec(start);
    let text = text.map_err(|error| Error::new(Code::Internal, error.to_string()))?;
    let token = BASE64_URL_SAFE_NO_PAD.encode(text);
    if token.len() > MAX_TOKEN {
        let why = "the adapter's cursor is longer than any page token may be";
        return Err(Error::new(Code::PluginFault, why));
    }
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pages of an adapter: `a0 a1 a2`, nothing, `b0 b1`.
    async fn ask(cursor: Option<String>) -> Result<Listing<String>, PluginError> {
        let page = |items: &[&str], next: Option<&str>| Listing {
            items: items.iter().map(|item| (*item).to_owned()).collect(),
            next: next.map(str::to_owned),
            total: None,
        };
        Ok(match cursor.as_deref() {
            None => page(&["a0", "a1", "a2"], Some("empty")),
            Some("empty") => page(&[], Some("b")),
            _ => page(&["b0", "b1"], None),
        })
    }

    #[tokio::test]
    async fn every_row_is_on_one_page_whatever_the_limit() {
        for limit in 1..=6 {
            let (mut seen, mut token, mut pages) = (Vec::new(), None::<String>, 0);
            loop {
                let start = read_token(token.as_deref()).unwrap();
                let page = gather(start, limit, ask).await.unwrap();
                assert!(page.items.len() <= limit);
                seen.extend(page.items);
                pages += 1;
                token = page.next;
                if token.is_none() {
                    break;
                }
                assert!(pages < 9, "{limit}");
            }
            assert_eq!(seen, ["a0", "a1", "a2", "b0", "b1"], "{limit}");
        }
    }

    #[tokio::test]
    async fn an_adapter_that_never_ends_is_asked_a_few_times() {
        let endless = |cursor: Option<String>| async move {
            let next = cursor.map_or(0, |cursor| cursor.parse::<u64>().unwrap()) + 1;
            Ok(Listing { items: Vec::<String>::new(), next: Some(next.to_string()), total: None })
        };
        let page = gather(Start::default(), 5, endless).await.unwrap();
        assert!(page.items.is_empty());
        let start: Start = read_token(page.next.as_deref()).unwrap();
        assert_eq!(start.cursor.as_deref(), Some("10"));
        for bad in ["!", "e30x", &"A".repeat(MAX_TOKEN + 1)] {
            assert!(read_token::<Start>(Some(bad)).is_err());
        }
    }
}
