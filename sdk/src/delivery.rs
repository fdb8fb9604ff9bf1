//! Webhooks as they come: JSON that somebody sent.

use serde::de::DeserializeOwned;

use crate::{Error, Event, Result, json};

/// Reads the body of a delivery, for [`crate::Notifications::parse`].
///
/// # Errors
/// [`Error::MalformedResponse`] where it is no such JSON.
pub fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    json::read(body).map_err(|error| malformed(&error))
}

fn malformed(error: &serde_json::Error) -> Error {
    Error::MalformedResponse(format!("the webhook is not understood: {error}"))
}

impl Event {
    /// Something that happened in a repository: `pushed`, `deleted`, `tagged`.
    #[must_use]
    pub fn new(kind: &str, repository: String) -> Self {
        Self {
            id: None,
            kind: kind.to_owned(),
            repository,
            tag: None,
            digest: None,
            at: None,
            extra: Vec::new(),
        }
    }
}
