//! Why a transfer failed: on which side, at which step, and whether another try may help.

use std::fmt;

use super::connect::ConnectError;
use crate::{distribution::DistributionError, net::NetError, plugin::PluginError};

/// Which end of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Source,
    Destination,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Source => "source",
            Self::Destination => "destination",
        })
    }
}

/// A failed step of a transfer.
#[derive(Debug, thiserror::Error)]
#[error("{side}: {step}: {cause}")]
pub(super) struct TransferError {
    pub(super) side: Side,
    pub(super) step: &'static str,
    pub(super) cause: Cause,
}

/// What made a step fail.
#[derive(Debug, thiserror::Error)]
pub(super) enum Cause {
    #[error(transparent)]
    Distribution(#[from] DistributionError),
    #[error(transparent)]
    Plugin(#[from] PluginError),
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("{0}")]
    Refused(String),
}

impl TransferError {
    /// Wraps a cause, for `map_err`.
    pub(super) fn at<C: Into<Cause>>(
        side: Side,
        step: &'static str,
    ) -> impl FnOnce(C) -> TransferError {
        move |cause| Self { side, step, cause: cause.into() }
    }

    /// A step that was not even begun.
    pub(super) fn refused(side: Side, step: &'static str) -> Self {
        Self { side, step, cause: Cause::Refused("shutting down".to_owned()) }
    }

    /// Whether the same step may succeed later.
    pub(super) fn is_retryable(&self) -> bool {
        match &self.cause {
            Cause::Refused(_) => false,
            Cause::Distribution(error) => distribution_is_retryable(error),
            Cause::Plugin(error) | Cause::Connect(ConnectError::Plugin(error)) => {
                plugin_is_retryable(error)
            }
            Cause::Connect(ConnectError::NoLocal) => false,
            Cause::Connect(ConnectError::Store(_)) => true,
        }
    }

    /// Whether the destination says that a blob of a manifest is not there.
    pub(super) fn is_blob_unknown(&self) -> bool {
        let Cause::Distribution(DistributionError::Status { code, .. }) = &self.cause else {
            return false;
        };
        matches!(code.as_str(), "MANIFEST_BLOB_UNKNOWN" | "BLOB_UNKNOWN")
    }
}

fn distribution_is_retryable(error: &DistributionError) -> bool {
    match error {
        DistributionError::Status { status, .. } => {
            matches!(status, 404 | 408 | 416 | 429) || *status >= 500
        }
        DistributionError::Net { source, .. } => {
            !matches!(source, NetError::Refused(_) | NetError::Settings(_))
        }
        DistributionError::Digest { .. } | DistributionError::Authority { .. } => true,
        DistributionError::Malformed { .. } | DistributionError::Stopped => false,
    }
}

fn plugin_is_retryable(error: &PluginError) -> bool {
    match error {
        PluginError::RateLimited { .. } => true,
        PluginError::Transport { kind, .. } => kind != "denied-by-policy",
        PluginError::Upstream { retryable, .. } => *retryable,
        PluginError::Limit { limit, .. } => *limit == "time",
        _ => false,
    }
}
