//! AWS Signature Version 4, as "Signing AWS API requests" of AWS's IAM user guide has it.
//!
//! Declare [`recipe`] in `AdapterInfo::signing`. Only the signature comes back from the host: no
//! key of the chain is ever here.

use super::{hex, sha256_hex, sorted_query, split};
use crate::{
    Auth, Error, RawAuth, Result, SecretText, SigningRecipe,
    http::{Request, Signable, encode_path},
    signer::{self, Hash},
    time,
};

#[cfg(test)]
mod tests;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Headers that are sent and not signed: what stands between may change them.
const UNSIGNED: [&str; 3] = ["expect", "user-agent", "x-amzn-trace-id"];

/// Who signs, and for what.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// `us-east-1`
    pub region: &'a str,
    /// The name that the service signs by: `ecr`, `ecr-public`, `sts`.
    pub service: &'a str,
    /// The access key id.
    pub access_key: &'a str,
    /// What comes with temporary keys and must be sent with them.
    pub session_token: Option<&'a str>,
}

/// What the host is asked to compute: the secret access key through date, region, service and
/// `aws4_request` to the signature.
#[must_use]
pub fn recipe() -> SigningRecipe {
    SigningRecipe {
        algorithm: "hmac-sha256".to_owned(),
        prefix: "AWS4".to_owned(),
        suffix: String::new(),
        links: 5,
    }
}

/// Signs a finished request with every header that it has. It must be sent within five minutes,
/// and its redirects not be followed.
///
/// # Errors
/// [`Error::InvalidInput`] for an address that is not absolute, or where the endpoint has no
/// secret.
pub fn sign(request: Request, scope: &Scope<'_>) -> Result<Request> {
    let date = time::basic(time::now());
    let mut request = request.header("X-Amz-Date", date.as_str());
    if let Some(token) = scope.session_token {
        request = request.header("X-Amz-Security-Token", token);
    }
    let signable = request.signable();
    let headers = signed_headers(&signable)?;
    let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
    let names = names.join(";");
    let hash = sha256_hex(canonical_request(&signable, &headers, &names).as_bytes());
    let day = date.split('T').next().unwrap_or_default();
    let Scope { region, service, access_key, .. } = scope;
    let credential = format!("{day}/{region}/{service}/aws4_request");
    let text = format!("{ALGORITHM}\n{date}\n{credential}\n{hash}");
    let links = [day, region, service, "aws4_request", &text].map(|link| link.as_bytes().to_vec());
    let key = SecretText { prefix: "AWS4".into(), part: String::new(), suffix: String::new() };
    let signature = hex(&signer::hmac_chain(Hash::Sha256, &key, &links)?);
    let value = format!(
        "Credential={access_key}/{credential}, SignedHeaders={names}, Signature={signature}"
    );
    Ok(request.auth(Auth::Raw(RawAuth { scheme: ALGORITHM.to_owned(), value })))
}

/// The headers by name, each name once, with the host.
fn signed_headers(signable: &Signable<'_>) -> Result<Vec<(String, String)>> {
    let own = signable.headers.iter().filter(|(name, _)| !UNSIGNED.contains(&name.as_str()));
    let mut headers: Vec<(String, String)> =
        own.map(|(name, value)| (name.clone(), squeezed(value))).collect();
    headers.push(("host".to_owned(), host(signable.url)?));
    // Stable: values of one name stay in their order.
    headers.sort_by(|(a, _), (b, _)| a.cmp(b));
    headers.dedup_by(|(name, value), (first, all)| {
        let same = name == first;
        if same {
            all.push(',');
            all.push_str(value);
        }
        same
    });
    Ok(headers)
}

/// Without white space at the ends, and with one space for each run of it.
fn squeezed(value: &str) -> String {
    value.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

/// The host as it is sent: in lower case, without the port that its scheme has anyway.
fn host(url: &str) -> Result<String> {
    let (scheme, default) = match url.split_once("://") {
        Some((scheme, _)) if scheme.eq_ignore_ascii_case("http") => (scheme, ":80"),
        Some((scheme, _)) => (scheme, ":443"),
        None => ("", ""),
    };
    let (host, _, _) = split(url);
    if scheme.is_empty() || host.is_empty() {
        return Err(Error::InvalidInput(format!("`{url}` cannot be signed: it is not absolute")));
    }
    Ok(host.strip_suffix(default).unwrap_or(host).to_ascii_lowercase())
}

fn canonical_request(signable: &Signable<'_>, headers: &[(String, String)], names: &str) -> String {
    let (_, path, query) = split(signable.url);
    let lines: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    format!(
        "{}\n{}\n{}\n{lines}\n{names}\n{}",
        signable.method,
        canonical_path(path),
        sorted_query(query),
        sha256_hex(signable.body)
    )
}

/// The path without dot segments and empty ones, encoded once more than it is sent. (S3 would
/// want it as it is.)
fn canonical_path(path: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            _ => segments.push(segment),
        }
    }
    let end = if path.ends_with('/') && !segments.is_empty() { "/" } else { "" };
    encode_path(&format!("/{}{end}", segments.join("/")))
}
