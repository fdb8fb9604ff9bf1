//! The result of every adapter function, and what `?` turns into its error.
//!
//! How a status becomes an error is `http`'s.

use crate::{Error, OtherError, TransportError};

/// The result of every adapter function.
pub type Result<T, E = Error> = core::result::Result<T, E>;

impl From<TransportError> for Error {
    fn from(error: TransportError) -> Self {
        Self::Transport(error)
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::MalformedResponse(error.to_string())
    }
}

impl Error {
    /// An error that later hosts may know by its code.
    #[must_use]
    pub fn other(code: &str, message: impl Into<String>) -> Self {
        Self::Other(OtherError { code: code.to_owned(), message: message.into() })
    }

    /// The text for people.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Unauthenticated(text)
            | Self::Forbidden(text)
            | Self::NotFound(text)
            | Self::Conflict(text)
            | Self::MalformedResponse(text)
            | Self::InvalidInput(text)
            | Self::Unsupported(text)
            | Self::Internal(text) => text,
            Self::RateLimited(limit) => &limit.message,
            Self::Transport(error) => &error.message,
            Self::Upstream(error) => &error.message,
            Self::Other(error) => &error.message,
        }
    }
}
