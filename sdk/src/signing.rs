//! The signed APIs of cloud providers, one recipe each, over [`crate::signer`].
//!
//! A recipe takes a finished [`crate::http::Request`] and gives it back signed. No secret and no
//! derived key is ever here: the host computes each signature with the endpoint's secret, and
//! only by a recipe that the adapter declared in `AdapterInfo::signing` (each module has a
//! `RECIPE` or `recipes()` for that).

use core::fmt::Write as _;
use std::hash::{BuildHasher, RandomState};

use md5::Md5;
use sha2::{Digest, Sha256};

pub mod alibaba;
pub mod aws;
pub mod google;
pub mod huawei;
#[cfg(test)]
mod oracle;

/// Lower-case hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// SHA-256 in lower-case hexadecimal digits.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// MD5, which old signatures want of a body; it protects nothing.
#[must_use]
pub fn md5(bytes: &[u8]) -> Vec<u8> {
    Md5::digest(bytes).to_vec()
}

/// A text that does not come twice, for signatures that want one.
#[must_use]
pub fn nonce() -> String {
    let word = || RandomState::new().hash_one("nonce");
    format!("{:016x}{:016x}", word(), word())
}

/// Host, path and query of an absolute address, as they are sent.
#[must_use]
pub fn split(url: &str) -> (&str, &str, &str) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    match rest.find('/') {
        Some(at) => {
            let (host, path) = rest.split_at(at);
            (host, path, query)
        }
        None => (rest, "/", query),
    }
}

/// The pairs of an encoded query, sorted by name, then by value; a name alone gets `=`.
#[must_use]
pub fn sorted_query(query: &str) -> String {
    let mut pairs: Vec<(&str, &str)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .collect();
    pairs.sort_unstable();
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_addresses() {
        assert_eq!(split("https://a.example:8443/p/q?x=1&y"), ("a.example:8443", "/p/q", "x=1&y"));
        assert_eq!(split("https://a.example"), ("a.example", "/", ""));
        assert_eq!(split("https://a.example?x=/"), ("a.example", "/", "x=/"));
        assert_eq!(sorted_query("b=2&a=2&a=1&c&&a-b=0"), "a=1&a=2&a-b=0&b=2&c=");
        assert_ne!(nonce(), nonce());
        assert_eq!(hex(&md5(b"")), "d41d8cd98f00b204e9800998ecf8427e");
    }
}
