//! From what a provider answered to the error the host acts on.
//!
//! Texts name the request and the provider's own words, cut to a line; never a header, a query or
//! a whole body.

mod retry;

use serde::Deserialize;

use crate::{Error, OtherError, RateLimit, TransportError, UpstreamError, host, http::Response};

/// The result of every adapter function.
pub type Result<T, E = Error> = core::result::Result<T, E>;

/// Longest text taken from a provider, in characters.
const MAX_TEXT: usize = 300;

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

/// The OCI distribution error envelope, and the shapes that other APIs use in its place.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Envelope {
    errors: Vec<Item>,
    error: Option<serde_json::Value>,
    error_description: Option<String>,
    #[serde(flatten)]
    item: Item,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Item {
    code: Option<serde_json::Value>,
    message: Option<String>,
}

impl Item {
    fn code(&self) -> Option<String> {
        match self.code.as_ref()? {
            serde_json::Value::String(code) => Some(code.clone()),
            serde_json::Value::Number(code) => Some(code.to_string()),
            _ => None,
        }
    }
}

pub(crate) fn codes(body: &[u8]) -> Vec<String> {
    let envelope: Envelope = serde_json::from_slice(body).unwrap_or_default();
    envelope.errors.iter().filter_map(Item::code).collect()
}

pub(crate) fn from_response(response: &Response) -> Error {
    let (code, said) = explain(response);
    let status = response.status();
    let message = match (&code, said.is_empty()) {
        (Some(code), true) => format!("{} answered {status}: {code}", response.what()),
        (Some(code), false) => format!("{} answered {status}: {code}: {said}", response.what()),
        (None, true) => format!("{} answered {status}", response.what()),
        (None, false) => format!("{} answered {status}: {said}", response.what()),
    };
    if status == 429 || code.as_deref() == Some("TOOMANYREQUESTS") {
        let retry_after_seconds = retry::after(response, host::now());
        return Error::RateLimited(RateLimit { message, retry_after_seconds });
    }
    match status {
        401 => Error::Unauthenticated(message),
        403 => Error::Forbidden(message),
        404 => Error::NotFound(message),
        409 | 412 => Error::Conflict(message),
        _ => {
            let retryable = matches!(status, 408 | 500 | 502 | 503 | 504);
            Error::Upstream(UpstreamError { status, message, code, retryable })
        }
    }
}

/// The provider's code and its words, each where there is one.
fn explain(response: &Response) -> (Option<String>, String) {
    if response.is_html() {
        return (None, "a web page".to_owned());
    }
    let Ok(envelope) = serde_json::from_slice::<Envelope>(response.body()) else {
        return (None, one_line(&response.text()));
    };
    let item = envelope.errors.first().unwrap_or(&envelope.item);
    let error = match &envelope.error {
        Some(serde_json::Value::String(text)) => Some(text.clone()),
        _ => None,
    };
    let said = item.message.clone().or(envelope.error_description).or(error).unwrap_or_default();
    (item.code(), one_line(&said))
}

/// The first line, cut to [`MAX_TEXT`] characters.
fn one_line(text: &str) -> String {
    text.trim().lines().next().unwrap_or_default().chars().take(MAX_TEXT).collect()
}
