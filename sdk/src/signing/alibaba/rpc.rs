//! The first signature of parameter-style APIs (RPC), HMAC-SHA1: the call, the account and the
//! signature are parameters of the query.

use base64::{Engine as _, prelude::BASE64_STANDARD};

use super::{Account, Mark, Operation, hmac, pairs};
use crate::{
    Result,
    http::{Request, encode},
    signer::Hash,
    signing::{nonce, split},
    time,
};

/// What follows the AccessKey secret in the key.
pub(super) const KEY_SUFFIX: &str = "&";

/// Signs a request to an absolute address with the action's own parameters in its query, and
/// without a body.
///
/// # Errors
/// [`crate::Error::InvalidInput`] where the adapter does not declare [`super::rpc_recipe`].
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
    let mut request = request
        .query("Action", call.action)
        .query("Version", call.version)
        .query("Format", "JSON")
        .query("AccessKeyId", account.access_key)
        .query("SignatureMethod", "HMAC-SHA1")
        .query("SignatureVersion", "1.0")
        .query("SignatureNonce", mark.nonce)
        .query("Timestamp", time::extended(mark.instant));
    if let Some(token) = account.security_token {
        request = request.query("SecurityToken", token);
    }
    let signable = request.signable();
    let signature = signature(signable.method, signable.url)?;
    Ok(request.query("Signature", signature))
}

/// Of a request whose parameters are all in its query.
pub(super) fn signature(method: &str, url: &str) -> Result<String> {
    let (_, _, query) = split(url);
    let pairs: Vec<String> = pairs(query)
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect();
    let text = format!("{method}&%2F&{}", encode(&pairs.join("&")));
    Ok(BASE64_STANDARD.encode(hmac(Hash::Sha1, KEY_SUFFIX, text)?))
}
