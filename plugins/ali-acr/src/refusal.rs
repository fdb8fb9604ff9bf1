//! What the management APIs say no with: a code, with any status, 200 among them.

use portolan_sdk::{Error, Result, UpstreamError, http::Response, log};

use crate::{api::Api, wire::Answer};

/// Reads an answer that did what was asked.
pub(crate) fn checked(api: &Api<'_>, call: &str, response: &Response) -> Result<Answer> {
    match response.status() {
        200..=299 => {
            let answer = Answer::read(response)?;
            match (answer.is_success, answer.code.as_deref()) {
                (Some(true), _) | (None, Some("success" | "Success" | "OK" | "200")) => Ok(answer),
                (None, None) if api.instance.id.is_none() => Ok(answer),
                // The enterprise API always says which it is.
                (None, None) => Err(Error::MalformedResponse(format!(
                    "{call}: {} answered {} without `IsSuccess`, so nothing is known to have been \
                     done; is a proxy between?",
                    response.what(),
                    response.status()
                ))),
                (_, code) => Err(refused(api, call, code.unwrap_or_default(), response)),
            }
        }
        300..=399 => Err(Error::MalformedResponse(format!(
            "{} answered with a redirect, where signed requests are answered; is a proxy between?",
            response.what()
        ))),
        _ => {
            let code = Answer::read(response).unwrap_or_default().code;
            Err(refused(api, call, code.as_deref().unwrap_or_default(), response))
        }
    }
}

/// The error that a code stands for, with what to do about it.
fn refused(api: &Api<'_>, call: &str, code: &str, response: &Response) -> Error {
    let error = response.error();
    if matches!(error, Error::RateLimited(_)) {
        return error;
    }
    let said = error.text();
    let id = api.account.access_key;
    let with = |advice: String| format!("{call}: {said}; {advice}");
    match Meaning::of(code) {
        Meaning::UnknownKey => Error::Unauthenticated(with(format!(
            "give the endpoint the id of an active AccessKey as access ID (`{id}` is none), not a \
             login of the registry"
        ))),
        Meaning::WrongSecret => {
            log::warn("the signature was refused", &[("said", said)]);
            Error::Unauthenticated(format!(
                "{call}: {} answered {code}: the AccessKey secret is not that of `{id}`; enter it \
                 again, without spaces around it",
                response.what()
            ))
        }
        Meaning::WrongClock => Error::Unauthenticated(with(
            "the clock of this machine is more than 15 minutes wrong: set it".to_owned(),
        )),
        Meaning::Forbidden => Error::Forbidden(with(format!(
            "let the RAM user of `{id}` do this, for instance by the policy \
             AliyunContainerRegistryFullAccess"
        ))),
        Meaning::Busy => upstream(response, code, said, true),
        Meaning::Missing => Error::NotFound(format!("{call}: {said}")),
        Meaning::Exists => Error::Conflict(format!("{call}: {said}")),
        // A 404 without a code of the registry, such as a proxy's page, is not "gone".
        Meaning::Other if matches!(response.status(), 200 | 404) => {
            upstream(response, code, said, false)
        }
        Meaning::Other => error,
    }
}

fn upstream(response: &Response, code: &str, said: &str, retryable: bool) -> Error {
    Error::Upstream(UpstreamError {
        status: response.status(),
        message: said.to_owned(),
        code: Some(code.to_owned()).filter(|code| !code.is_empty()),
        retryable,
    })
}

#[derive(Debug, PartialEq, Eq)]
enum Meaning {
    UnknownKey,
    WrongSecret,
    WrongClock,
    Forbidden,
    /// The same again may do.
    Busy,
    Missing,
    Exists,
    /// What the status says; `Throttling` is known to the SDK.
    Other,
}

impl Meaning {
    /// The gateway's codes are `InvalidAccessKeyId.NotFound`, the registry's `REPO_NOT_EXIST`.
    fn of(code: &str) -> Self {
        let plain: String =
            code.chars().filter(|c| *c != '_').map(|c| c.to_ascii_uppercase()).collect();
        let starts = |words: &[&str]| words.iter().any(|word| plain.starts_with(word));
        let holds = |words: &[&str]| words.iter().any(|word| plain.contains(word));
        if starts(&["INVALIDACCESSKEYID", "INVALIDSECURITYTOKEN", "SECURITYTOKEN"])
            || holds(&["ACCESSKEYDISABLED", "INACTIVEACCESSKEY"])
        {
            Self::UnknownKey
        } else if starts(&["SIGNATUREDOESNOTMATCH", "INVALIDSIGNATURE", "INCOMPLETESIGNATURE"]) {
            Self::WrongSecret
        } else if starts(&["INVALIDTIMESTAMP", "ILLEGALTIMESTAMP"]) {
            Self::WrongClock
        } else if holds(&["FORBIDDEN", "NOPERMISSION", "ACCESSDENIED"]) {
            Self::Forbidden
        } else if starts(&["SIGNATURENONCEUSED", "SERVICEUNAVAILABLE", "INTERNALERROR"]) {
            Self::Busy
        } else if starts(&["INSTANCE", "INVALIDINSTANCE", "INVALIDACTION", "INVALIDVERSION"]) {
            // Not what was asked for is gone, but what should have told of it.
            Self::Other
        } else if holds(&["NOTEXIST", "NOTFOUND"]) {
            Self::Missing
        } else if holds(&["EXIST"]) {
            Self::Exists
        } else {
            Self::Other
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_meanings() {
        for (code, expected) in [
            ("InvalidAccessKeyId.NotFound", Meaning::UnknownKey),
            ("InvalidAccessKeyId.Inactive", Meaning::UnknownKey),
            ("Forbidden.AccessKeyDisabled", Meaning::UnknownKey),
            ("InvalidSecurityToken.Expired", Meaning::UnknownKey),
            ("SignatureDoesNotMatch", Meaning::WrongSecret),
            ("InvalidTimeStamp.Expired", Meaning::WrongClock),
            ("Forbidden.RAM", Meaning::Forbidden),
            ("NoPermission", Meaning::Forbidden),
            ("USER_NO_PERMISSION", Meaning::Forbidden),
            ("SignatureNonceUsed", Meaning::Busy),
            ("INTERNAL_ERROR", Meaning::Busy),
            ("REPO_NOT_EXIST", Meaning::Missing),
            ("NamespaceNotExist", Meaning::Missing),
            ("REPO_ALREADY_EXIST", Meaning::Exists),
            ("NAMESPACE_ALREADY_EXIST", Meaning::Exists),
            ("NAMESPACE_LIMIT_EXCEEDED", Meaning::Other),
            ("", Meaning::Other),
        ] {
            assert_eq!(Meaning::of(code), expected, "{code}");
        }
    }
}
