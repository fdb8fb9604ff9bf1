//! Huawei Cloud's SDK-HMAC-SHA256: one HMAC under the secret access key, without a derived key.
//!
//! From Huawei's "AK/SK Signing and Authentication Guide".

use core::fmt::Write as _;

use super::{hex, sha256_hex, sorted_query, split};
use crate::{
    Auth, RawAuth, Result, SecretText, SigningRecipe,
    http::{Request, Signable},
    signer::{self, Hash},
    time,
};

const ALGORITHM: &str = "SDK-HMAC-SHA256";

/// What an adapter that signs so declares.
#[must_use]
pub fn recipe() -> SigningRecipe {
    SigningRecipe {
        algorithm: "hmac-sha256".to_owned(),
        prefix: String::new(),
        suffix: String::new(),
        links: 1,
    }
}

/// Signs a request to an absolute address, as it is now: with every header that it has.
///
/// # Errors
/// Where the host does not sign: no secret is stored, or [`recipe`] is not declared.
pub fn sign(request: Request, access_key: &str) -> Result<Request> {
    let date = time::basic(time::now());
    let request = request.header("X-Sdk-Date", date.as_str());
    let (canonical, names) = canonical(&request.signable());
    let text = format!("{ALGORITHM}\n{date}\n{}", sha256_hex(canonical.as_bytes()));
    let key = SecretText { prefix: String::new(), part: String::new(), suffix: String::new() };
    let signature = hex(&signer::hmac_chain(Hash::Sha256, &key, &[text.into_bytes()])?);
    let value = format!("Access={access_key}, SignedHeaders={names}, Signature={signature}");
    Ok(request.auth(Auth::Raw(RawAuth { scheme: ALGORITHM.to_owned(), value })))
}

/// The text that stands for the request, and the names of the headers in it.
fn canonical(request: &Signable<'_>) -> (String, String) {
    let (host, path, query) = split(request.url);
    let mut headers = request.headers.clone();
    headers.push(("host".to_owned(), host.to_owned()));
    headers.sort();
    let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
    let names = names.join(";");
    let mut text = format!("{}\n{}\n{}\n", request.method, folder(path), sorted_query(query));
    for (name, value) in &headers {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name}:{}", value.trim());
    }
    let _ = write!(text, "\n{names}\n{}", sha256_hex(request.body));
    (text, names)
}

/// A path with every reserved character escaped and a `/` at its end, whether it is sent so or not.
fn folder(path: &str) -> String {
    let mut folder = String::with_capacity(path.len().saturating_add(1));
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/%".contains(&byte) {
            folder.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(folder, "%{byte:02X}");
        }
    }
    if !folder.ends_with('/') {
        folder.push('/');
    }
    folder
}

#[cfg(test)]
mod tests;
