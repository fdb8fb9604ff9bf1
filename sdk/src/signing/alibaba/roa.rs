//! The signature of path-style APIs (ROA), HMAC-SHA1.

use base64::{Engine as _, prelude::BASE64_STANDARD};

use super::{Account, Mark, hmac, pairs};
use crate::{
    Auth, RawAuth, Result,
    http::{Request, Signable},
    signer::Hash,
    signing::{md5, nonce, split},
    time,
};

/// Signs a finished request to an absolute address; nothing may be added to it afterwards. The
/// answer is asked for as JSON.
///
/// # Errors
/// [`crate::Error::InvalidInput`] where the adapter does not declare [`super::roa_recipe`].
pub fn sign(request: Request, version: &str, account: Account<'_>) -> Result<Request> {
    let mark = Mark { instant: time::now(), nonce: &nonce() };
    marked(request, version, account, mark)
}

pub(super) fn marked(
    request: Request,
    version: &str,
    account: Account<'_>,
    mark: Mark<'_>,
) -> Result<Request> {
    let sum = BASE64_STANDARD.encode(md5(request.signable().body));
    let is_typed = request.signable().headers.iter().any(|(name, _)| name == "content-type");
    let mut request = request
        .accept("application/json")
        .header("Content-MD5", sum)
        .header("Date", time::http_date(mark.instant))
        .header("x-acs-version", version)
        .header("x-acs-signature-method", "HMAC-SHA1")
        .header("x-acs-signature-version", "1.0")
        .header("x-acs-signature-nonce", mark.nonce);
    if !is_typed {
        request = request.header("Content-Type", "application/octet-stream");
    }
    if let Some(token) = account.security_token {
        request = request.header("x-acs-security-token", token);
    }
    let text = string_to_sign(&request.signable());
    let signature = BASE64_STANDARD.encode(hmac(Hash::Sha1, "", text)?);
    let value = format!("{}:{signature}", account.access_key);
    Ok(request.auth(Auth::Raw(RawAuth { scheme: "acs".to_owned(), value })))
}

pub(super) fn string_to_sign(request: &Signable<'_>) -> String {
    let header = |name: &str| {
        let found = request.headers.iter().find(|(given, _)| given == name);
        found.map_or("", |(_, value)| value.as_str())
    };
    let mut text = format!("{}\n", request.method);
    for name in ["accept", "content-md5", "content-type", "date"] {
        text.push_str(header(name));
        text.push('\n');
    }
    let mut own: Vec<_> =
        request.headers.iter().filter(|(name, _)| name.starts_with("x-acs-")).collect();
    own.sort_unstable();
    for (name, value) in own {
        text.push_str(&format!("{name}:{value}\n"));
    }
    let (_, path, query) = split(request.url);
    text.push_str(path);
    // Values as they are, not encoded; an empty one without its `=`.
    for (number, (name, value)) in pairs(query).iter().enumerate() {
        text.push(if number == 0 { '?' } else { '&' });
        text.push_str(name);
        if !value.is_empty() {
            text.push_str(&format!("={value}"));
        }
    }
    text
}
