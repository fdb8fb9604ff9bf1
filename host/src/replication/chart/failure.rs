//! Why a chart cannot be had, and whether another try may help.

use portolan_core::oci::Digest;

use crate::{distribution::DistributionError, net::NetError, plugin::PluginError};

/// A chart that cannot be had.
#[derive(Debug, thiserror::Error)]
pub(in crate::replication) enum ChartError {
    /// The adapter does not find it, or may not be asked.
    #[error(transparent)]
    Plugin(#[from] PluginError),
    /// The destination cannot be asked.
    #[error(transparent)]
    Destination(#[from] DistributionError),
    /// No answer, or not a whole one.
    #[error("{url} cannot be downloaded: {source}")]
    Net { url: String, source: NetError },
    /// An answer that is no file.
    #[error("{url} answered {status}{advice}")]
    Status { url: String, status: u16, advice: &'static str },
    /// Not the bytes that were announced.
    #[error(
        "{url} is not the file that was announced: its digest should be {expected} and is \
         {actual}; the index may be out of date, or the file was changed"
    )]
    Digest { url: String, expected: Digest, actual: Digest },
    /// A file that is no chart.
    #[error("{url} is no chart that can be pushed: {why}")]
    Unusable { url: String, why: String },
    /// What is asked for is not done here.
    #[error("{0}")]
    Refused(String),
}

impl ChartError {
    /// An unwanted status, with what to do about it.
    pub(super) fn status(url: String, status: u16) -> Self {
        let advice = match status {
            401 | 403 => ": it asks for other credentials, and charts on other hosts get none",
            404 | 410 => ": the index names a file that is not there",
            429 => ": it asks to slow down",
            301..=399 => ": it redirects without an address",
            _ => "",
        };
        Self::Status { url, status, advice }
    }

    /// Whether the same step may succeed later.
    pub(in crate::replication) fn is_retryable(&self) -> bool {
        match self {
            Self::Plugin(error) => crate::replication::failure::plugin_is_retryable(error),
            Self::Destination(error) => error.is_retryable(),
            Self::Net { source, .. } => !matches!(
                source,
                NetError::Refused(_) | NetError::Settings(_) | NetError::TooLarge { .. }
            ),
            Self::Status { status, .. } => matches!(status, 408 | 429 | 500..),
            Self::Digest { .. } | Self::Unusable { .. } | Self::Refused(_) => false,
        }
    }
}
