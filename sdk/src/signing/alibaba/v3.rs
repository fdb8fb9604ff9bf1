//! V3, `ACS3-HMAC-SHA256`: everything about a call is in headers, which are signed with path, query
//! and the hash of the body. No key is derived.

use super::{Account, Mark, Operation, hmac, pairs};
use crate::{
    Auth, RawAuth, Result,
    http::{Request, Signable, encode},
    signer::Hash,
    signing::{hex, nonce, sha256_hex, split},
    time,
};

const ALGORITHM: &str = "ACS3-HMAC-SHA256";

/// Signs a finished request to an absolute address; nothing may be added to it afterwards.
///
/// # Errors
/// [`crate::Error::InvalidInput`] where the adapter does not declare [`super::v3_recipe`].
pub fn sign(request: Request, call: Operation<'_>, account: Account<'_>) -> Result<Request> {
    let mark = Mark { instant: time::now(), nonce: &nonce() };
    marked(request, call, account, mark)
}

pub(super) fn marked(
    request: Request,
    call: Operation<'_>,
    account: Account<'_>,
    mark: Mark<'_>,
) -> Result<Request> {
    let payload = sha256_hex(request.signable().body);
    let mut request = request
        .header("x-acs-action", call.action)
        .header("x-acs-version", call.version)
        .header("x-acs-date", time::extended(mark.instant))
        .header("x-acs-signature-nonce", mark.nonce)
        .header("x-acs-content-sha256", payload.as_str());
    if let Some(token) = account.security_token {
        request = request.header("x-acs-security-token", token);
    }
    let (text, signed) = string_to_sign(&request.signable(), &payload);
    let signature = hex(&hmac(Hash::Sha256, "", text)?);
    let id = account.access_key;
    let value = format!("Credential={id},SignedHeaders={signed},Signature={signature}");
    Ok(request.auth(Auth::Raw(RawAuth { scheme: ALGORITHM.to_owned(), value })))
}

/// The string to sign, and the names of the headers in it.
pub(super) fn string_to_sign(request: &Signable<'_>, payload: &str) -> (String, String) {
    let (host, path, query) = split(request.url);
    let query: Vec<String> = pairs(query)
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect();
    let (headers, names) = headers(request, host);
    let canonical = [request.method, path, &query.join("&"), &headers, &names, payload].join("\n");
    (format!("{ALGORITHM}\n{}", sha256_hex(canonical.as_bytes())), names)
}

/// The headers that are signed, a line each, and their names.
fn headers(request: &Signable<'_>, host: &str) -> (String, String) {
    let is_signed = |name: &str| name.starts_with("x-acs-") || name == "content-type";
    let given = request.headers.iter().filter(|(name, _)| is_signed(name));
    let mut headers: Vec<(&str, &str)> =
        given.map(|(name, value)| (name.as_str(), value.trim())).collect();
    headers.push(("host", host));
    headers.sort_unstable();
    let lines = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
    (lines, names.join(";"))
}
