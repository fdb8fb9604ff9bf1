//! Why a transfer failed: on which side, at which step, and whether another try may help.

use std::{fmt, time::Duration};

use super::{chart::ChartError, connect::ConnectError};
use crate::{
    distribution::DistributionError, net::NetError, plugin::PluginError, store::StoreError,
};

/// Longest wait that a registry may ask for between two tries of one blob.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

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
    #[error(transparent)]
    Chart(Box<ChartError>),
    #[error("{0}")]
    Refused(String),
    #[error("{0}")]
    Partial(String),
}

impl From<ChartError> for Cause {
    fn from(error: ChartError) -> Self {
        Self::Chart(Box::new(error))
    }
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

    /// What the destination does not take; `why` says what to do.
    pub(super) fn not_taken(why: String) -> Self {
        let step = "checking the manifest";
        Self { side: Side::Destination, step, cause: Cause::Refused(why) }
    }

    /// What was sent is not what arrived.
    pub(super) fn cut(side: Side) -> Self {
        let why = "the registry took the upload, and has fewer bytes than were sent".to_owned();
        Self { side, step: "pushing a blob", cause: Cause::Partial(why) }
    }

    /// Whether the upload that failed so may be gone on with.
    pub(super) fn leaves_upload(&self) -> bool {
        match &self.cause {
            Cause::Distribution(DistributionError::Digest { .. }) | Cause::Partial(_) => false,
            Cause::Distribution(DistributionError::Status { code, .. }) => {
                !matches!(code.as_str(), "DIGEST_INVALID" | "BLOB_UPLOAD_UNKNOWN" | "SIZE_INVALID")
            }
            _ => self.is_retryable(),
        }
    }

    /// Whether the same step may succeed later.
    pub(super) fn is_retryable(&self) -> bool {
        match &self.cause {
            Cause::Refused(_) => false,
            Cause::Partial(_) => true,
            Cause::Distribution(error) => distribution_is_retryable(error),
            Cause::Plugin(error) | Cause::Connect(ConnectError::Plugin(error)) => {
                plugin_is_retryable(error)
            }
            Cause::Connect(ConnectError::Store(error)) => {
                !matches!(error, StoreError::NotFound { .. })
            }
            Cause::Connect(ConnectError::NoLocal) => false,
            Cause::Chart(error) => error.is_retryable(),
        }
    }

    /// How long to wait before try number `tries + 1`: as long as a busy registry asks, at most a
    /// minute; else a moment that doubles.
    pub(super) fn pause(&self, tries: u32) -> Duration {
        let Cause::Distribution(error) = &self.cause else { return Duration::ZERO };
        let usual = Duration::from_millis(250).saturating_mul(1 << tries.min(5));
        match error {
            DistributionError::Status { retry_after: Some(asked), .. } => {
                Duration::from_secs(*asked).clamp(usual, LONGEST_PAUSE)
            }
            DistributionError::Status { status: 429 | 500.., .. }
            | DistributionError::Net { .. } => usual,
            _ => Duration::ZERO,
        }
    }

    /// Tells a refusal to move an immutable tag as what it is.
    pub(super) fn or_immutable(self) -> Self {
        let Cause::Distribution(error @ DistributionError::Status { status, .. }) = &self.cause
        else {
            return self;
        };
        let text = error.to_string().to_ascii_lowercase();
        if !(400..500).contains(status) || !text.contains("immutable") {
            return self;
        }
        Self::not_taken(format!(
            "the tag is immutable there and stays what it is; leave it out by a filter, or name it \
             in the option immutable_tags ({error})"
        ))
    }

    /// Whether a registry refused to answer, as some do of what is in no project of theirs.
    pub(super) fn is_refusal(&self) -> bool {
        match &self.cause {
            Cause::Distribution(error @ DistributionError::Status { status, .. }) => {
                matches!(status, 400..=499 | 501) && !error.is_retryable()
            }
            Cause::Distribution(DistributionError::Authority { may_pass, .. }) => !may_pass,
            _ => false,
        }
    }

    /// Whether the destination says that something a manifest names is not there.
    pub(super) fn is_part_unknown(&self) -> bool {
        let Cause::Distribution(DistributionError::Status { code, .. }) = &self.cause else {
            return false;
        };
        matches!(code.as_str(), "MANIFEST_BLOB_UNKNOWN" | "BLOB_UNKNOWN" | "MANIFEST_UNKNOWN")
    }
}

/// What went wrong in one try of a task. The log has each; the first is enough to be shown.
#[derive(Default)]
pub(super) struct Failures {
    pub(super) first: Option<TransferError>,
    /// How many came after the first.
    pub(super) more: usize,
    /// Whether another try may help one of them.
    pub(super) retryable: bool,
}

impl Failures {
    pub(super) fn add(&mut self, error: TransferError) {
        self.retryable |= error.is_retryable();
        match self.first {
            Some(_) => self.more += 1,
            None => self.first = Some(error),
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        let Some(first) = other.first else { return };
        self.add(first);
        self.more += other.more;
        self.retryable |= other.retryable;
    }
}

fn distribution_is_retryable(error: &DistributionError) -> bool {
    match error {
        // 401: a token that ended on the way; 404: a replica that does not know it yet.
        DistributionError::Status { status, .. } => {
            error.is_retryable() || matches!(status, 401 | 404 | 500..)
        }
        DistributionError::Net { source, .. } => {
            !matches!(source, NetError::Refused(_) | NetError::Settings(_))
        }
        DistributionError::Authority { may_pass, .. } => *may_pass,
        DistributionError::Digest { .. } => true,
        DistributionError::Malformed { .. } => false,
    }
}

/// Whether the same call of an adapter may succeed later.
pub(super) fn plugin_is_retryable(error: &PluginError) -> bool {
    match error {
        PluginError::RateLimited { .. } => true,
        PluginError::Transport { kind, .. } => kind != "denied-by-policy",
        PluginError::Upstream { retryable, .. } => *retryable,
        PluginError::Limit { limit, .. } => *limit == "time",
        _ => false,
    }
}
