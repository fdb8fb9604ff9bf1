//! The handle of a running registry: its address, what it holds, what it was asked.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

use crate::{
    access::Access,
    builder::{Builder, Settings},
    content::Content,
    digest::Digest,
    faults::Faults,
    requests::{Kind, Request, Requests},
    server,
    verify::{self, Verified},
};

/// What every connection shares.
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) access: Access,
    pub(crate) faults: Faults,
    pub(crate) requests: Arc<Requests>,
    pub(crate) public_url: Mutex<Option<String>>,
    content: Mutex<Content>,
}

impl Shared {
    /// What is held, locked. Never kept across a wait.
    pub(crate) fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long open connections get to finish once the registry stops.
const GRACE: Duration = Duration::from_secs(2);

/// A running registry. Stops when dropped: it takes no new connection, and open ones get two
/// seconds to finish what they are at.
pub struct Registry {
    pub(crate) shared: Arc<Shared>,
    address: SocketAddr,
    stop: Option<watch::Sender<()>>,
    served: Option<JoinHandle<()>>,
}

impl Registry {
    /// A registry that is anonymous, empty and on a free port unless told otherwise.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) async fn start(settings: Settings, access: Access) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", settings.port)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            settings,
            access,
            faults: Faults::default(),
            requests: Arc::default(),
            public_url: Mutex::default(),
            content: Mutex::default(),
        });
        let (stop, stopped) = watch::channel(());
        let accept = server::accept(listener, Arc::clone(&shared), stopped, GRACE);
        let served = Some(tokio::spawn(accept));
        Ok(Self { shared, address, stop: Some(stop), served })
    }

    /// Stops and waits until every connection is closed, two seconds at most.
    pub async fn stop(mut self) {
        self.stop = None;
        if let Some(served) = self.served.take() {
            // It can only fail by a panic in a handler, which the caller's test has seen.
            let _ = served.await;
        }
    }

    /// The loopback address it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `127.0.0.1:PORT`, as image references begin.
    #[must_use]
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// `http://127.0.0.1:PORT`
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The name it was given.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.settings.name
    }

    /// Where clients reach it when something stands before it, e.g. a TLS terminator. The token
    /// realm is made from it; without it, from the request's `Host`.
    pub fn set_public_url(&self, url: &str) {
        let url = url.trim_end_matches('/').to_owned();
        *self.shared.public_url.lock().unwrap_or_else(PoisonError::into_inner) = Some(url);
    }

    /// The switchboard of misbehaviour.
    #[must_use]
    pub fn faults(&self) -> Faults {
        self.shared.faults.clone()
    }

    /// The last 10,000 requests, oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.shared.requests.list()
    }

    /// How many requests of a kind were answered.
    #[must_use]
    pub fn count(&self, kind: Kind) -> u64 {
        self.shared.requests.count(kind)
    }

    /// How many requests were answered.
    #[must_use]
    pub fn total_requests(&self) -> u64 {
        self.shared.requests.total()
    }

    /// The most requests that were under way at the same moment.
    #[must_use]
    pub fn peak_concurrency(&self) -> usize {
        self.shared.requests.peak()
    }

    /// Forgets requests, counts and peak.
    pub fn forget_requests(&self) {
        self.shared.requests.clear();
    }

    /// Makes every token given out so far expire now.
    pub fn expire_tokens(&self) {
        self.shared.access.expire();
    }

    /// Repository and tag of every tag, sorted.
    #[must_use]
    pub fn tags(&self) -> Vec<(String, String)> {
        let content = self.shared.content();
        let of = |(name, repository): (&String, &crate::content::Repository)| {
            repository.tags.keys().map(|tag| (name.clone(), tag.clone())).collect::<Vec<_>>()
        };
        content.repositories.iter().flat_map(of).collect()
    }

    /// The digest a tag points at.
    #[must_use]
    pub fn tag(&self, repository: &str, tag: &str) -> Option<Digest> {
        self.shared.content().repositories.get(repository)?.tags.get(tag).cloned()
    }

    /// The exact bytes of a manifest, by tag or digest.
    #[must_use]
    pub fn manifest(&self, repository: &str, reference: &str) -> Option<Bytes> {
        let content = self.shared.content();
        let (_, manifest) = content.repositories.get(repository)?.find(reference)?;
        Some(manifest.bytes.clone())
    }

    /// Repository and digest of every blob, sorted.
    #[must_use]
    pub fn blobs(&self) -> Vec<(String, Digest)> {
        let content = self.shared.content();
        let of = |(name, repository): (&String, &crate::content::Repository)| {
            repository.blobs.keys().map(|digest| (name.clone(), digest.clone())).collect::<Vec<_>>()
        };
        content.repositories.iter().flat_map(of).collect()
    }

    /// How many upload sessions are open.
    #[must_use]
    pub fn open_uploads(&self) -> usize {
        self.shared.content().uploads.len()
    }

    /// Checks that every blob and manifest is what its digest says, and that whatever a tag
    /// reaches is there with the size its descriptor gives.
    ///
    /// # Errors
    /// One line for each thing that is wrong.
    pub fn verify_all(&self) -> Result<Verified, Vec<String>> {
        verify::all(&self.shared.content(), self.shared.settings.sparse)
    }
}
