//! Answers that stay the same as long as the process lives: pages, and what they are made of. A
//! client that has one is told so instead of being sent it again. It never looks at who asks.

use axum::{
    http::{HeaderMap, header},
    response::Response,
};
use base64::Engine;
use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::respond::{self, set};

/// An answer that stays the same as long as the process lives.
pub(super) struct Kept {
    kind: &'static str,
    /// What a page may load (`Content-Security-Policy`).
    policy: String,
    /// How long clients may go without asking (`Cache-Control`).
    cache: &'static str,
    body: Bytes,
    tag: String,
}

impl Kept {
    /// An answer of this media type, that clients keep but ask about each time: another release
    /// answers at the same address.
    pub(super) fn new(kind: &'static str, policy: String, body: Vec<u8>) -> Self {
        let digest = Sha256::digest(&body);
        let tag = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(digest);
        Self { kind, policy, cache: "no-cache", body: body.into(), tag: format!("\"{tag}\"") }
    }

    /// The same for an address that names its content and so never answers anything else.
    pub(super) fn forever(self) -> Self {
        Self { cache: "public, max-age=31536000, immutable", ..self }
    }

    /// How many bytes it is.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.body.len()
    }

    /// The whole, or that nothing changed for a client that has it (RFC 9110 13.1.2).
    pub(super) fn answer(&self, headers: &HeaderMap) -> Response {
        let asked = headers.get_all(header::IF_NONE_MATCH).iter();
        let mut tags = asked.filter_map(|it| it.to_str().ok()).flat_map(|it| it.split(','));
        let is_known = tags.any(|tag| {
            let tag = tag.trim();
            tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == self.tag
        });
        let mut response = match is_known {
            true => respond::unchanged(),
            false => respond::whole(self.kind, self.body.clone()),
        };
        set(&mut response, header::ETAG, &self.tag);
        set(&mut response, header::CACHE_CONTROL, self.cache);
        set(&mut response, header::CONTENT_SECURITY_POLICY, &self.policy);
        response
    }
}
