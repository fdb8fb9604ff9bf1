//! The OCI distribution protocol as a client, over `net` (OCI distribution-spec 1.1).
//!
//! A [`Remote`] is one repository at one registry. It asks an [`Authorizer`] for authority and
//! never knows where tokens come from.

use std::{future::Future, pin::Pin, sync::Arc};

use portolan_core::{
    oci::{Challenge, Descriptor, Digest, Manifest, Reference, Repository},
    provider::{Grant, Scope, Target},
};

use crate::net;

/// A boxed future, for the one trait object of this module.
pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Where authority comes from: an adapter, or a grant that is already there.
pub(crate) trait Authorizer: Send + Sync {
    /// Authority for `scopes`; `challenge` is set when an earlier grant, or none, met a 401.
    fn authorize<'a>(
        &'a self,
        scopes: &'a [Scope],
        challenge: Option<&'a Challenge>,
    ) -> BoxFuture<'a, Result<Grant, DistributionError>>;
}

/// What went wrong with a registry.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DistributionError {
    /// No answer.
    #[error("{attempted}: {source}")]
    Net { attempted: String, source: net::NetError },
    /// The authorizer could not say what to send; the text is its own.
    #[error("no authority for {repository}: {why}")]
    Authority { repository: String, why: String },
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
    /// Somebody asked for a stop.
    #[error("stopped")]
    Stopped,
}

/// One repository at one registry.
#[derive(Clone)]
pub(crate) struct Remote {
    client: net::Client,
    authorizer: Arc<dyn Authorizer>,
    target: Arc<Target>,
}

/// What a mount came to.
pub(crate) enum Mount {
    /// The blob is in the repository now.
    Mounted,
    /// It was not; the upload that the registry opened instead, where it did.
    Declined(Option<UploadSession>),
}

/// An open upload.
pub(crate) struct UploadSession {
    /// Where its next request goes.
    pub(crate) location: url::Url,
}

/// A blob's bytes as they arrive, hashed as they pass.
pub(crate) struct BlobStream {
    /// The body.
    pub(crate) body: net::Body,
}

impl Remote {
    /// The repository `target` names.
    pub(crate) fn new(
        client: net::Client,
        authorizer: Arc<dyn Authorizer>,
        target: Target,
    ) -> Self {
        Self { client, authorizer, target: Arc::new(target) }
    }

    /// How this repository is reached.
    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    /// Whether the manifest is there: its digest, type and size; `None` for a 404.
    pub(crate) async fn head_manifest(
        &self,
        reference: &Reference,
    ) -> Result<Option<Descriptor>, DistributionError> {
        let _ = (reference, &self.client, &self.authorizer);
        Err(DistributionError::Stopped)
    }

    /// The manifest, its bytes checked against the digest asked for or announced.
    pub(crate) async fn get_manifest(
        &self,
        reference: &Reference,
    ) -> Result<Manifest, DistributionError> {
        let _ = reference;
        Err(DistributionError::Stopped)
    }

    /// Pushes a manifest byte for byte under a tag or its digest.
    pub(crate) async fn put_manifest(
        &self,
        reference: &Reference,
        manifest: &Manifest,
    ) -> Result<(), DistributionError> {
        let _ = (reference, manifest);
        Err(DistributionError::Stopped)
    }

    /// Whether the blob is there.
    pub(crate) async fn has_blob(&self, digest: &Digest) -> Result<bool, DistributionError> {
        let _ = digest;
        Err(DistributionError::Stopped)
    }

    /// The blob's bytes; a digest mismatch is an error at the end of the stream, so that an
    /// upload fed from it never closes.
    pub(crate) async fn get_blob(
        &self,
        blob: &Descriptor,
    ) -> Result<BlobStream, DistributionError> {
        let _ = blob;
        Err(DistributionError::Stopped)
    }

    /// Asks for a blob of another repository of this registry: 201 is mounted, 202 is not.
    pub(crate) async fn mount_blob(
        &self,
        digest: &Digest,
        from: &Repository,
    ) -> Result<Mount, DistributionError> {
        let _ = (digest, from);
        Err(DistributionError::Stopped)
    }

    /// Opens an upload.
    pub(crate) async fn start_upload(&self) -> Result<UploadSession, DistributionError> {
        Err(DistributionError::Stopped)
    }

    /// Streams a blob into an open upload as the target's upload style says, and closes it.
    pub(crate) async fn upload(
        &self,
        session: UploadSession,
        blob: &Descriptor,
        bytes: BlobStream,
    ) -> Result<(), DistributionError> {
        let _ = (session, blob, bytes);
        Err(DistributionError::Stopped)
    }
}
