//! An endpoint's base address, normalised as Harbor does (`src/lib/endpoint.go`).

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Scheme, host, port and path; no user info, query or fragment; no trailing slash.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EndpointUrl {
    text: String,
    url: url::Url,
}

/// Why a text is no endpoint address.
#[derive(Debug, thiserror::Error)]
#[error("`{text}` is not an endpoint address: {why}")]
pub struct InvalidUrl {
    text: String,
    why: String,
}

impl EndpointUrl {
    /// The normalised text, which is what is stored and shown.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The parsed form, for sending requests.
    #[must_use]
    pub fn url(&self) -> &url::Url {
        &self.url
    }
}

impl FromStr for EndpointUrl {
    type Err = InvalidUrl;

    fn from_str(input: &str) -> Result<Self, InvalidUrl> {
        let invalid = |why: &str| InvalidUrl { text: input.to_owned(), why: why.to_owned() };
        let trimmed = input.trim().trim_end_matches('/');
        if trimmed.is_empty() {
            return Err(invalid("it is empty"));
        }
        let text =
            if trimmed.contains("://") { trimmed.to_owned() } else { format!("http://{trimmed}") };
        let mut url = url::Url::parse(&text).map_err(|error| invalid(&error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(invalid("the scheme is neither http nor https"));
        }
        url.set_query(None);
        url.set_fragment(None);
        let text = url.as_str().trim_end_matches('/').to_owned();
        Ok(Self { text, url })
    }
}

impl TryFrom<String> for EndpointUrl {
    type Error = InvalidUrl;

    fn try_from(text: String) -> Result<Self, InvalidUrl> {
        text.parse()
    }
}

impl From<EndpointUrl> for String {
    fn from(url: EndpointUrl) -> Self {
        url.text
    }
}

impl fmt::Display for EndpointUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
