//! An endpoint's base address, normalised as Harbor does (contract 2.3, its `src/lib/endpoint.go`).
//!
//! Three forms of it exist: the text that is shown, which holds the decoded path as Harbor's does;
//! the same with what would be ambiguous escaped, which is stored; and the parsed URL for requests.
//! `oci:NAME` is an image layout on this machine, which requests reach under a name of its own.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

mod host;
mod layout;
mod percent;

/// Longest address taken, in bytes (Harbor: varchar(256)).
pub const MAX_LENGTH: usize = 256;

pub use layout::{check_layout_name, layout_of_host};

/// Scheme, host, port and path; no user info, query or fragment; no trailing slash.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EndpointUrl {
    text: String,
    stored: String,
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
    /// The normalised text, which is what is shown: `http://h/a b`, `http://[fe80::1%en0]`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The parsed form, for sending requests: the path is escaped, a zone of an IPv6 address is
    /// left out, since a URL has no place for it.
    #[must_use]
    pub fn url(&self) -> &url::Url {
        &self.url
    }
}

impl EndpointUrl {
    /// The name of the image layout that it is, where it is one.
    #[must_use]
    pub fn layout(&self) -> Option<&str> {
        self.text.strip_prefix(layout::PREFIX).filter(|_| layout::of_host(&self.url).is_some())
    }
}

impl FromStr for EndpointUrl {
    type Err = InvalidUrl;

    fn from_str(input: &str) -> Result<Self, InvalidUrl> {
        parse(input).map_err(|why| InvalidUrl { text: shown(input), why })
    }
}

/// Decodes every `%XX`, or `None` where an escape is broken.
pub(super) fn decode(text: &str) -> Option<String> {
    percent::decode(text).ok()
}

/// The input without what may be a password: an error must not repeat it.
fn shown(input: &str) -> String {
    let (scheme, rest) = input.split_once("://").unwrap_or(("", input));
    let separator = if rest.len() == input.len() { "" } else { "://" };
    let rest = rest.rsplit_once('@').map_or(rest, |(_, after)| after);
    format!("{scheme}{separator}{rest}").chars().take(MAX_LENGTH).collect()
}

fn parse(input: &str) -> Result<EndpointUrl, String> {
    let trimmed = input.trim().trim_end_matches('/');
    if trimmed.is_empty() {
        return Err("it is empty".to_owned());
    }
    if trimmed.chars().any(char::is_control) {
        return Err("it holds a control character".to_owned());
    }
    if let Some(address) = layout::parse(trimmed) {
        return address;
    }
    let (scheme, rest) = split_scheme(trimmed)?;
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) =
        rest.split_at_checked(rest.find('/').unwrap_or(rest.len())).unwrap_or((rest, ""));
    let host = host::parse(authority)?;
    let path = percent::decode(path)?;
    let path = path.trim_end_matches('/');
    let text = format!("{scheme}://{}{path}", host.shown);
    if text.len() > MAX_LENGTH {
        return Err(format!("it is longer than {MAX_LENGTH} bytes"));
    }
    let path = percent::encode(path);
    let url = url::Url::parse(&format!("{scheme}://{}{path}", host.reachable))
        .map_err(|error| error.to_string())?;
    Ok(EndpointUrl { text, stored: format!("{scheme}://{}{path}", host.stored), url })
}

fn split_scheme(text: &str) -> Result<(&'static str, &str), String> {
    // What is left of `http://` once its slashes are off; Harbor takes it for a host.
    if matches!(text.to_ascii_lowercase().as_str(), "http:" | "https:") {
        return Err("it has no host".to_owned());
    }
    let Some((scheme, rest)) = text.split_once("://") else { return Ok(("http", text)) };
    match scheme.to_ascii_lowercase().as_str() {
        "http" => Ok(("http", rest)),
        "https" => Ok(("https", rest)),
        _ => Err("the scheme is neither http nor https".to_owned()),
    }
}

impl TryFrom<String> for EndpointUrl {
    type Error = InvalidUrl;

    fn try_from(text: String) -> Result<Self, InvalidUrl> {
        text.parse()
    }
}

/// The stored form: read again, it gives the same address.
impl From<EndpointUrl> for String {
    fn from(url: EndpointUrl) -> Self {
        url.stored
    }
}

impl fmt::Display for EndpointUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn normalised(input: &str) -> String {
        input.parse::<EndpointUrl>().map_or_else(|e| panic!("{e}"), |url| url.to_string())
    }

    #[test]
    fn contract_2_3_addresses() {
        let cases = [
            ("http://harbor.foo.com", "http://harbor.foo.com"),
            ("http://harbor.foo.com/", "http://harbor.foo.com"),
            ("http://harbor.foo.com/path", "http://harbor.foo.com/path"),
            ("foo.html", "http://foo.html"),
            ("*", "http://*"),
            ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
            ("http://[fe80::1]/", "http://[fe80::1]"),
            ("http://[fe80::1]:8080/", "http://[fe80::1]:8080"),
            ("http://[fe80::1%25en0]/", "http://[fe80::1%en0]"),
            ("http://[fe80::1%25en0]:8080/", "http://[fe80::1%en0]:8080"),
            ("http://[fe80::1%25%65%6e%301-._~]/", "http://[fe80::1%en01-._~]"),
            ("http://10.0.0.1/test.txt#/api/version", "http://10.0.0.1/test.txt"),
            ("http://example.com/redirect?key=value", "http://example.com/redirect"),
            ("h:5000", "http://h:5000"),
            ("h:5000/x/", "http://h:5000/x"),
            ("HTTP://H/", "http://H"),
            ("http://h///", "http://h"),
            (" https://h/a/ ", "https://h/a"),
            ("http://u:p@h/x", "http://h/x"),
            ("http://h/x?q=1#f", "http://h/x"),
            ("http://h/a%20b", "http://h/a b"),
            ("https://h:443/", "https://h:443"),
            ("h/a b", "http://h/a b"),
            // Beyond the table.
            ("http://h//a//b", "http://h//a//b"),
            ("http://h/x/?q", "http://h/x"),
            ("http://u:a@b@h", "http://h"),
            ("http://h?q=/x", "http://h"),
            ("http://h#@evil", "http://h"),
            ("http://h/a%3Fb%23c%25d", "http://h/a?b#c%d"),
            ("http://h/%C3%A9", "http://h/é"),
            ("http://[fe80::1%en0]", "http://[fe80::1%en0]"),
        ];
        for (input, expected) in cases {
            assert_eq!(normalised(input), expected, "{input}");
        }
    }

    #[test]
    fn contract_2_3_refusals() {
        let bad = [
            "/",
            " ",
            "",
            "http://127.0.0.%31/",
            "http://127.0.0.%31:8080/",
            "ftp://h",
            "unix:///x",
            "http://h:port",
            "http://h/%zz",
            "//h",
            "http://",
            "https:///",
            "http:///p",
            "http://:80",
            "http://u@",
            "http://h/%",
            "http://h/%4",
            "http://h/%ff",
            "http://h/%0a",
            "http://h/a\nb",
            "http://h:99999",
            "http://[::1",
            "http://[::1]x",
            "http://[zz]",
            "http://h\\@evil",
            "http://u\\@h",
            "http://a b",
            "http://h<",
            "://h",
            "http://[fe80::1%25]",
            "http://[fe80::1%25a]b]",
            "http://[fe80::1%25a%2Fb]",
        ];
        for input in bad {
            assert!(input.parse::<EndpointUrl>().is_err(), "{input}");
        }
        assert!(format!("http://h/{}", "a".repeat(300)).parse::<EndpointUrl>().is_err());
    }

    #[test]
    fn requests_can_be_sent_to_it() {
        let cases = [
            ("http://h/a%20b", "http://h/a%20b"),
            ("HTTP://H:5000/x", "http://h:5000/x"),
            ("https://h:443", "https://h/"),
            ("http://[fe80::1%25en0]:8080/x", "http://[fe80::1]:8080/x"),
            ("http://h/a%3Fb%23c%25d", "http://h/a%3Fb%23c%25d"),
            ("http://h/a\\b", "http://h/a%5Cb"),
            ("http://u:p@h/x", "http://h/x"),
        ];
        for (input, expected) in cases {
            let address: EndpointUrl = input.parse().unwrap();
            assert_eq!(address.url().as_str(), expected, "{input}");
        }
    }

    #[test]
    fn the_stored_form_escapes_what_is_ambiguous() {
        for (input, stored) in [
            ("http://h/a%3Fb%20%25c/", "http://h/a%3Fb%20%25c"),
            ("http://[fe80::1%2525x]", "http://[fe80::1%2525x]"),
            ("HTTP://H:1/x", "http://H:1/x"),
        ] {
            assert_eq!(String::from(input.parse::<EndpointUrl>().unwrap()), stored, "{input}");
        }
    }

    #[test]
    fn an_error_does_not_repeat_a_password() {
        for input in ["ftp://user:hunter2@h", "user:hunter2@h:port", "http://u:hunter2@/"] {
            let error = input.parse::<EndpointUrl>().unwrap_err().to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(input in r"(https?://)?[a@:/\\%\[\]?# é.0-9]{0,30}") {
            let _ = input.parse::<EndpointUrl>();
        }

        #[test]
        fn the_stored_form_reads_the_same(
            input in r"(http://|https://|)(u:p@)?(h|H\.x|\[::1\]|\[fe80::1%25en%30\])(:[1-9]0)?(/[a%25é \\?#.]{0,5}){0,3}",
        ) {
            if let Ok(address) = input.parse::<EndpointUrl>() {
                let stored = String::from(address.clone());
                let read: EndpointUrl = stored.parse().unwrap();
                prop_assert_eq!(&read, &address);
                let json = serde_json::to_string(&address).unwrap();
                prop_assert_eq!(serde_json::from_str::<EndpointUrl>(&json).unwrap(), address);
            }
        }
    }
}
