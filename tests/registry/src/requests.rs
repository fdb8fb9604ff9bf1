//! What was asked, how often, and how much at once. Bounded: the oldest entries go first, the
//! counts stay. Never keeps a header value.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use http::Method;

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `GET /v2/`
    Ping,
    /// `HEAD …/blobs/DIGEST`
    BlobHead,
    /// `GET …/blobs/DIGEST`
    BlobGet,
    /// `DELETE …/blobs/DIGEST`
    BlobDelete,
    /// `HEAD …/manifests/REFERENCE`
    ManifestHead,
    /// `GET …/manifests/REFERENCE`
    ManifestGet,
    /// `PUT …/manifests/REFERENCE`
    ManifestPut,
    /// `DELETE …/manifests/REFERENCE`
    ManifestDelete,
    /// `POST …/blobs/uploads/` without `mount`
    UploadStart,
    /// `POST …/blobs/uploads/?mount=…`
    Mount,
    /// `PATCH` of an upload
    UploadPatch,
    /// The `PUT` that closes an upload
    UploadPut,
    /// `GET` of an upload
    UploadStatus,
    /// `DELETE` of an upload
    UploadCancel,
    /// `GET …/tags/list`
    Tags,
    /// `GET /v2/_catalog`
    Catalog,
    /// `GET …/referrers/DIGEST`
    Referrers,
    /// The token endpoint
    Token,
    /// Anything else
    Other,
}

/// One request that was answered, or cut.
#[derive(Clone, Debug)]
pub struct Request {
    /// Its method.
    pub method: Method,
    /// Path and query.
    pub path: String,
    /// What it was for.
    pub kind: Kind,
    /// The scheme of its `Authorization` header: `Basic`, `Bearer`.
    pub authorization: Option<String>,
    /// The status it was answered with; 0 when the connection was closed instead.
    pub status: u16,
    /// Body bytes received.
    pub received: u64,
    /// Body bytes handed to the connection so far.
    pub sent: u64,
}

/// Entries kept; a test that looks at more than this looks at counts.
const KEPT: usize = 10_000;

#[derive(Debug, Default)]
pub(crate) struct Requests {
    entries: Mutex<VecDeque<(Request, Arc<AtomicU64>)>>,
    counts: Mutex<BTreeMap<Kind, u64>>,
    running: AtomicUsize,
    peak: AtomicUsize,
}

impl Requests {
    /// Counts a request as running until the guard is dropped.
    pub(crate) fn enter(self: &Arc<Self>) -> Running {
        let now = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.peak.fetch_max(now, Ordering::SeqCst);
        Running { requests: Arc::clone(self), sent: Arc::default() }
    }

    /// Keeps an answered request; what is still to be sent is counted by `running`.
    pub(crate) fn record(&self, request: Request, running: &Running) {
        *self
            .counts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(request.kind)
            .or_default() += 1;
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() == KEPT {
            entries.pop_front();
        }
        entries.push_back((request, Arc::clone(&running.sent)));
    }

    pub(crate) fn list(&self) -> Vec<Request> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let with_sent = |(request, sent): &(Request, Arc<AtomicU64>)| Request {
            sent: sent.load(Ordering::SeqCst),
            ..request.clone()
        };
        entries.iter().map(with_sent).collect()
    }

    pub(crate) fn count(&self, kind: Kind) -> u64 {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.get(&kind).copied().unwrap_or(0)
    }

    pub(crate) fn total(&self) -> u64 {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }

    pub(crate) fn peak(&self) -> usize {
        self.peak.load(Ordering::SeqCst)
    }

    pub(crate) fn clear(&self) {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.peak.store(self.running.load(Ordering::SeqCst), Ordering::SeqCst);
    }
}

/// A request under way, until its answer is sent or given up.
pub(crate) struct Running {
    requests: Arc<Requests>,
    sent: Arc<AtomicU64>,
}

impl Running {
    pub(crate) fn add_sent(&self, bytes: u64) {
        self.sent.fetch_add(bytes, Ordering::SeqCst);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.requests.running.fetch_sub(1, Ordering::SeqCst);
    }
}
