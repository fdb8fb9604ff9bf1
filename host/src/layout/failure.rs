//! Why a layout cannot do what is asked: told to the client in the registry's own error envelope,
//! and so to people.

use std::{io, path::Path};

use http::StatusCode;
use portolan_core::oci::{Digest, manifest::InvalidManifest};

/// Why something cannot be done with a layout.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LayoutError {
    /// No layout has this name.
    #[error(
        "there is no image layout `{name}` here; the daemon's setting `directory` of [layouts] says \
         where they are"
    )]
    Unknown { name: String },
    /// The file system refuses.
    #[error("the image layout cannot {what} {path}: {source}")]
    Io { what: &'static str, path: String, source: io::Error },
    /// What is there is no layout that can be worked with.
    #[error("{path} cannot be used as an image layout: {why}")]
    Unusable { path: String, why: String },
    /// Another process writes there.
    #[error("another process writes to the image layout {path}; wait for it to end")]
    Busy { path: String },
    /// Somebody else wrote the index in the meantime.
    #[error("{path} was changed by another program meanwhile; what it says now is read anew")]
    Changed { path: String },
    /// It is only read.
    #[error("the image layout {path} is a source here, and is not written to")]
    ReadOnly { path: String },
    /// A manifest that is none.
    #[error("{0}")]
    Manifest(#[from] InvalidManifest),
    /// Bytes with another digest.
    #[error("what was sent is {actual}, not {expected}")]
    Digest { expected: Digest, actual: Digest },
    /// A manifest before its blobs.
    #[error("the blob {0} of the manifest is not in the image layout")]
    BlobMissing(Digest),
    /// It is not there.
    #[error("{0}")]
    Missing(&'static str),
    /// A request that cannot be understood.
    #[error("{0}")]
    Malformed(&'static str),
    /// Not at this place of the upload.
    #[error("the upload goes on at another place")]
    OutOfOrder { upload: String, length: u64 },
    /// More of something than there may be.
    #[error("{0}")]
    TooMany(&'static str),
    /// The connection to the client broke.
    #[error("the bytes ended early: {0}")]
    Cut(String),
    /// The process ends.
    #[error("the process is stopping")]
    Stopped,
}

impl LayoutError {
    /// A failure of the file system at `path`.
    pub(super) fn io(what: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { what, path: path.display().to_string(), source }
    }

    /// Something at `path` is not as a layout has it.
    pub(super) fn unusable(path: &Path, why: impl Into<String>) -> Self {
        Self::Unusable { path: path.display().to_string(), why: why.into() }
    }

    /// Status and code of the distribution API.
    pub(super) fn told(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Unknown { .. } | Self::Unusable { .. } | Self::ReadOnly { .. } => {
                (StatusCode::FORBIDDEN, "DENIED")
            }
            // What a full disk or another process refuses now may be possible later.
            Self::Io { .. } => (StatusCode::INTERNAL_SERVER_ERROR, "UNKNOWN"),
            Self::Busy { .. } | Self::Changed { .. } | Self::Stopped => {
                (StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE")
            }
            Self::Manifest(_) => (StatusCode::BAD_REQUEST, "MANIFEST_INVALID"),
            Self::Digest { .. } => (StatusCode::BAD_REQUEST, "DIGEST_INVALID"),
            Self::BlobMissing(_) => (StatusCode::BAD_REQUEST, "MANIFEST_BLOB_UNKNOWN"),
            Self::Missing(_) => (StatusCode::NOT_FOUND, "NOT_FOUND"),
            Self::Malformed(_) | Self::Cut(_) => (StatusCode::BAD_REQUEST, "UNSUPPORTED"),
            Self::OutOfOrder { .. } => (StatusCode::RANGE_NOT_SATISFIABLE, "BLOB_UPLOAD_INVALID"),
            Self::TooMany(_) => (StatusCode::TOO_MANY_REQUESTS, "TOOMANYREQUESTS"),
        }
    }
}
