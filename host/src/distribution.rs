//! The OCI distribution protocol as a client, over `net` (OCI distribution-spec 1.1).
//!
//! A [`Remote`] is one repository at one registry. It asks an [`Authorizer`] for authority and
//! never knows where tokens come from.

mod authority;
#[cfg(feature = "bench")]
pub(crate) mod bench;
mod blob;
mod chunks;
mod exchange;
mod failure;
mod flow;
mod lanes;
mod manifest;
mod marks;
mod patience;
mod referrers;
mod source;
mod tags;
mod upload;
mod verified;

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicBool},
};

use portolan_core::{
    oci::{Challenge, Digest},
    provider::{Grant, Scope, Target},
};

use crate::net;
use authority::Grants;
pub(crate) use blob::BlobStream;
pub(crate) use flow::Flow;
pub(crate) use marks::Marks;
pub(crate) use upload::{Mount, UploadSession};

/// A boxed future, for the one trait object of this module.
pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Where authority comes from: an adapter.
pub(crate) trait Authorizer: Send + Sync {
    /// Authority for `scopes`; `challenge` is set when an earlier grant, or none, was refused
    /// with a 401, or with a 403 that says it has ended.
    fn authorize<'a>(
        &'a self,
        scopes: &'a [Scope],
        challenge: Option<&'a Challenge>,
    ) -> BoxFuture<'a, Result<Grant, DistributionError>>;
}

/// What went wrong with a registry.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum DistributionError {
    /// No answer.
    #[error("{attempted}: {source}")]
    Net { attempted: String, source: net::NetError },
    /// The authorizer could not say what to send; the text is its own. `may_pass` where asking
    /// later may help.
    #[error("{repository} may not be used: {why}")]
    Authority { repository: String, why: String, may_pass: bool },
    /// The registry refused.
    #[error("{attempted}: the registry answered {status}{detail}")]
    Status {
        attempted: String,
        status: u16,
        code: String,
        detail: String,
        retry_after: Option<u64>,
    },
    /// Bytes that are not what their digest says.
    #[error("{attempted}: expected {expected}, the bytes hash to {actual}")]
    Digest { attempted: String, expected: Digest, actual: Digest },
    /// The answer cannot be understood.
    #[error("{attempted}: {why}")]
    Malformed { attempted: String, why: String },
}

impl DistributionError {
    /// Whether the same work, begun anew, may succeed: the network, a busy registry, bytes that
    /// were damaged on the way, or an upload that goes in chunks the
    /// next time.
    pub(crate) fn is_retryable(&self) -> bool {
        match self {
            Self::Net { source, .. } => failure::is_transient(source),
            Self::Status { status, code, .. } => {
                failure::is_busy(*status)
                    || *status == 416
                    || matches!(
                        code.as_str(),
                        "DIGEST_INVALID" | "BLOB_UPLOAD_UNKNOWN" | upload::RETRY_IN_CHUNKS
                    )
            }
            Self::Digest { .. } => true,
            Self::Authority { .. } | Self::Malformed { .. } => false,
        }
    }
}

/// One repository at one registry. Cheap to clone; clones share their grants.
#[derive(Clone)]
pub(crate) struct Remote {
    client: net::Client,
    authorizer: Arc<dyn Authorizer>,
    target: Arc<Target>,
    grants: Arc<Grants>,
    /// Set once a whole blob was too large for one request (413).
    chunks_only: Arc<AtomicBool>,
    flow: Arc<Flow>,
}

impl Remote {
    /// The repository `target` names.
    pub(crate) fn new(
        client: net::Client,
        authorizer: Arc<dyn Authorizer>,
        target: Target,
    ) -> Self {
        Self {
            client,
            authorizer,
            target: Arc::new(target),
            grants: Arc::default(),
            chunks_only: Arc::default(),
            flow: Arc::default(),
        }
    }

    /// The same, taking turns with everybody who shares `flow`.
    pub(crate) fn sharing(self, flow: Arc<Flow>) -> Self {
        Self { flow, ..self }
    }

    /// How this repository is reached.
    pub(crate) fn target(&self) -> &Target {
        &self.target
    }
}

/// What is in it, also after a panic of whoever held it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
