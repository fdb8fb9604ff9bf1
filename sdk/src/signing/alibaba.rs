//! Alibaba Cloud's signatures: V3 (`ACS3-HMAC-SHA256`), and before it one for each style of API,
//! RPC (parameters) and ROA (paths), both with HMAC-SHA1.
//!
//! The vendor recommends V3, for both styles, and its own libraries use it; an API that is older
//! than V3 is called by the signature it was documented with.

mod roa;
mod rpc;
#[cfg(test)]
mod tests;
mod v3;

use crate::{
    Endpoint, Error, Result, SecretText, SigningRecipe,
    signer::{self, Hash},
};

pub use roa::sign as sign_roa;
pub use rpc::sign as sign_rpc;
pub use v3::sign as sign_v3;

/// Whose request it is.
#[derive(Clone, Copy, Debug)]
pub struct Account<'a> {
    /// The AccessKey id.
    pub access_key: &'a str,
    /// Comes with a temporary AccessKey.
    pub security_token: Option<&'a str>,
}

impl<'a> Account<'a> {
    /// The account of an endpoint.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] where the endpoint lacks the id or the secret.
    pub fn of(endpoint: &'a Endpoint) -> Result<Self> {
        let id = endpoint.access_key.as_deref().filter(|id| !id.is_empty());
        let Some(access_key) = id.filter(|_| endpoint.has_access_secret) else {
            return Err(Error::Unauthenticated(format!(
                "{} is asked by signed requests: give the endpoint an AccessKey id as access ID \
                 and its AccessKey secret",
                endpoint.url
            )));
        };
        let token = endpoint.extra.iter().find(|kv| kv.key == "session-token");
        Ok(Self { access_key, security_token: token.map(|kv| kv.value.as_str()) })
    }
}

/// What an operation is called in the API.
#[derive(Clone, Copy, Debug)]
pub struct Operation<'a> {
    /// `ListNamespace`
    pub action: &'a str,
    /// Of the API: `2018-12-01`.
    pub version: &'a str,
}

/// When and as which one a request is signed.
#[derive(Clone, Copy, Debug)]
struct Mark<'a> {
    /// Seconds since the epoch; Alibaba takes 15 minutes either way.
    instant: u64,
    nonce: &'a str,
}

/// For `AdapterInfo::signing` of an adapter that uses [`sign_v3`].
#[must_use]
pub fn v3_recipe() -> SigningRecipe {
    recipe("hmac-sha256", "")
}

/// For `AdapterInfo::signing` of an adapter that uses [`sign_roa`].
#[must_use]
pub fn roa_recipe() -> SigningRecipe {
    recipe("hmac-sha1", "")
}

/// For `AdapterInfo::signing` of an adapter that uses [`sign_rpc`].
#[must_use]
pub fn rpc_recipe() -> SigningRecipe {
    recipe("hmac-sha1", rpc::KEY_SUFFIX)
}

fn recipe(algorithm: &str, suffix: &str) -> SigningRecipe {
    SigningRecipe {
        algorithm: algorithm.to_owned(),
        prefix: String::new(),
        suffix: suffix.to_owned(),
        links: 1,
    }
}

fn hmac(hash: Hash, suffix: &str, text: String) -> Result<Vec<u8>> {
    let key = SecretText { prefix: String::new(), part: String::new(), suffix: suffix.to_owned() };
    signer::hmac_chain(hash, &key, &[text.into_bytes()])
}

/// The pairs of a query, decoded, sorted by name, then by value.
fn pairs(query: &str) -> Vec<(String, String)> {
    let mut pairs: Vec<(String, String)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect();
    pairs.sort_unstable();
    pairs
}

/// Undoes percent-encoding; `+` stays, since requests of this crate write a space as `%20`.
fn decode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        let escaped = match (byte, after) {
            (b'%', [high, low, ..]) => digit(*high).zip(digit(*low)),
            _ => None,
        };
        out.push(escaped.map_or(*byte, |(high, low)| high << 4 | low));
        rest = if escaped.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}
