//! From what AWS answered to the error the host acts on: by the error's name, since the status
//! is 400 for nearly all of them.

use portolan_sdk::{Error, RateLimit, UpstreamError, http::Response};

use crate::wire;

/// Longest text taken from AWS, in characters.
const MAX_TEXT: usize = 400;

/// The error for an answer that names none. AWS names what it does not find: a 404 without a name
/// is somebody else's, and says nothing of an image.
fn foreign(response: &Response) -> Error {
    match response.error() {
        Error::NotFound(message) => {
            let status = response.status();
            Error::Upstream(UpstreamError { status, message, code: None, retryable: false })
        }
        error => error,
    }
}

/// The error for an answer that is none of 200 to 299. `access_key` is the id, never the secret.
pub(crate) fn of(response: &Response, access_key: &str) -> Error {
    let status = response.status();
    if status < 400 {
        let target = response.header("Location").unwrap_or("nowhere");
        return Error::MalformedResponse(format!(
            "{} answered {status} with a redirect to {target}; a signed request is not sent on: \
             check the address, and whether a proxy stands between",
            response.what()
        ));
    }
    let Some((name, said)) = named(response) else { return foreign(response) };
    let what = response.what();
    let answered = format!("{what} answered {status}: {name}: {said}");
    let refused = |why: &str| Error::Unauthenticated(format!("{why} ({answered})"));
    match name.trim_end_matches("Exception") {
        "InvalidSignature"
        | "SignatureDoesNotMatch"
        | "RequestExpired"
        | "RequestTimeTooSkewed"
            if is_about_time(&name, &said) =>
        {
            refused(
                "AWS refused the time of the signature: the clock of this machine is more than \
                 five minutes wrong; set it, by NTP for instance",
            )
        }
        "InvalidSignature" | "SignatureDoesNotMatch" => refused(&format!(
            "AWS knows the access key id `{access_key}`, but the secret access key is not the \
             one that belongs to it; enter it again"
        )),
        "UnrecognizedClient" | "InvalidClientTokenId" | "InvalidAccessKeyId" => refused(&format!(
            "AWS does not know the access key id `{access_key}` in this region: check it, \
             whether it is still active, whether it belongs to this partition (China and GovCloud \
             have keys of their own), and, for temporary keys, the session token"
        )),
        "ExpiredToken" => refused(&format!(
            "the session of the temporary keys `{access_key}` has expired: get new ones"
        )),
        "IncompleteSignature" | "MissingAuthenticationToken" => {
            refused("AWS did not take the signature")
        }
        "AccessDenied" | "NotAuthorized" | "UnauthorizedOperation" | "OptInRequired" => {
            Error::Forbidden(format!(
                "the account of `{access_key}` may not do this: {said} ({what})"
            ))
        }
        "Throttling" | "TooManyRequests" | "RequestLimitExceeded" | "RequestThrottled" => {
            limited(response, answered)
        }
        "RepositoryNotFound" | "ImageNotFound" | "RegistryNotFound" => Error::NotFound(answered),
        "RepositoryAlreadyExists" | "ImageTagAlreadyExists" => Error::Conflict(answered),
        "InvalidParameter" | "Validation" | "ValidationError" => Error::InvalidInput(answered),
        "LimitExceeded" => upstream(
            status,
            &name,
            false,
            format!(
                "a quota of the AWS account is used up ({answered}): ask AWS for more, or delete"
            ),
        ),
        "Server" | "ServiceUnavailable" | "InternalFailure" | "InternalServer" => {
            upstream(status, &name, true, answered)
        }
        _ => match response.error() {
            Error::Upstream(error) => upstream(status, &name, error.retryable, answered),
            error => error,
        },
    }
}

/// Signatures are refused for their time by their own names, or by words.
fn is_about_time(name: &str, said: &str) -> bool {
    name.starts_with("Request")
        || ["Signature expired", "not yet current"].iter().any(|words| said.contains(words))
}

fn limited(response: &Response, message: String) -> Error {
    let asked = match response.error() {
        Error::RateLimited(limit) => limit.retry_after_seconds,
        _ => response.header("Retry-After").and_then(|seconds| seconds.parse().ok()),
    };
    Error::RateLimited(RateLimit { message, retry_after_seconds: asked })
}

fn upstream(status: u16, name: &str, retryable: bool, message: String) -> Error {
    Error::Upstream(UpstreamError { status, message, code: Some(name.to_owned()), retryable })
}

/// Name and words of an error: from JSON, from the header, or from the XML of older services.
fn named(response: &Response) -> Option<(String, String)> {
    let text = response.text();
    let refusal: wire::Refusal = serde_json::from_str(&text).unwrap_or_default();
    let header = response.header("X-Amzn-ErrorType").map(str::to_owned);
    let name = refusal.name.or(header).or_else(|| element(&text, "Code"))?;
    // `namespace#Name`, and in the header also `Name:address`.
    let name = name.split(':').next().unwrap_or_default();
    let name = name.rsplit('#').next().unwrap_or_default().trim();
    let said = refusal.message.or(refusal.capital_message).or_else(|| element(&text, "Message"));
    let said = said.unwrap_or_default().chars().take(MAX_TEXT).collect();
    (!name.is_empty()).then(|| (name.to_owned(), said))
}

/// The text of an XML element that holds no others.
fn element(text: &str, name: &str) -> Option<String> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    let (inner, _) = rest.split_once('<')?;
    Some(inner.trim().to_owned())
}
