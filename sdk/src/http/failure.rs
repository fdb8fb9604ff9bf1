//! From what a provider answered to the error the host acts on.
//!
//! Texts name the request and the provider's own words, cut to a line; never a header, a query or
//! a whole body.

use serde::Deserialize;

use super::{Response, retry};
use crate::{Error, RateLimit, UpstreamError, host, json, loose::Loose};

/// Longest text taken from a provider, in characters.
const MAX_TEXT: usize = 300;

/// The OCI distribution error envelope, and the shapes that other APIs use in its place.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Envelope {
    errors: Vec<Item>,
    error: Loose,
    error_description: Loose,
    #[serde(alias = "Code", alias = "error_code")]
    code: Loose,
    #[serde(alias = "Message", alias = "error_msg")]
    message: Loose,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Item {
    #[serde(alias = "errorCode")]
    code: Loose,
    #[serde(alias = "errorMessage")]
    message: Loose,
}

pub(crate) fn codes(body: &[u8]) -> Vec<String> {
    let envelope: Envelope = json::read(body).unwrap_or_default();
    let inner = envelope.errors.into_iter().filter_map(|item| item.code.0);
    inner.chain(envelope.code.0).collect()
}

pub(crate) fn from_response(response: &Response) -> Error {
    let (code, said) = explain(response);
    let status = response.status();
    let message = match (&code, said.is_empty()) {
        (Some(code), true) => format!("{} answered {status}: {code}", response.what()),
        (Some(code), false) => format!("{} answered {status}: {code}: {said}", response.what()),
        (None, true) => format!("{} answered {status}", response.what()),
        (None, false) => format!("{} answered {status}: {said}", response.what()),
    };
    if status == 429 || code.as_deref().is_some_and(is_throttling) {
        let retry_after_seconds = retry::after(response, host::now());
        return Error::RateLimited(RateLimit { message, retry_after_seconds });
    }
    match status {
        401 => Error::Unauthenticated(message),
        403 => Error::Forbidden(message),
        404 => Error::NotFound(message),
        409 | 412 => Error::Conflict(message),
        _ => {
            let retryable = matches!(status, 408 | 500 | 502 | 503 | 504);
            Error::Upstream(UpstreamError { status, message, code, retryable })
        }
    }
}

/// Whether a code asks to slow down, whatever status it comes with: a registry's, or Alibaba's
/// `Throttling`, `Throttling.User`, ….
fn is_throttling(code: &str) -> bool {
    code == "TOOMANYREQUESTS" || code.split('.').next() == Some("Throttling")
}

/// The provider's code and its words, each where there is one.
fn explain(response: &Response) -> (Option<String>, String) {
    if response.is_html() {
        return (None, "a web page".to_owned());
    }
    let Ok(envelope) = json::read::<Envelope>(response.body()) else {
        return (None, one_line(&response.text()));
    };
    let outer = Item { code: envelope.code, message: envelope.message };
    let item = envelope.errors.into_iter().next().unwrap_or(outer);
    let said = item.message.0.or(envelope.error_description.0).or(envelope.error.0);
    (item.code.0, one_line(&said.unwrap_or_default()))
}

/// The first line, cut to [`MAX_TEXT`] characters.
fn one_line(text: &str) -> String {
    text.trim().lines().next().unwrap_or_default().chars().take(MAX_TEXT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        http::Request,
        testing::{Exchange, ScriptedHost},
    };

    fn error_of(exchange: Exchange) -> Error {
        let host = ScriptedHost::new("https://r.test").exchange(exchange).start();
        let error = Request::get("/x?secret=1").send().expect("an answer").success();
        host.finish();
        error.expect_err("an error")
    }

    #[test]
    fn statuses_become_what_the_host_acts_on() {
        let get = |status| Exchange::new("GET", "/x?secret=1").answer(status);
        let kind = |error: Error| match error {
            Error::Unauthenticated(_) => "unauthenticated",
            Error::Forbidden(_) => "forbidden",
            Error::NotFound(_) => "not-found",
            Error::Conflict(_) => "conflict",
            Error::RateLimited(_) => "rate-limited",
            Error::Upstream(e) if e.retryable => "retry",
            Error::Upstream(_) => "upstream",
            _ => "other",
        };
        for (status, expected) in [
            (400, "upstream"),
            (401, "unauthenticated"),
            (403, "forbidden"),
            (404, "not-found"),
            (408, "retry"),
            (409, "conflict"),
            (412, "conflict"),
            (413, "upstream"),
            (429, "rate-limited"),
            (500, "retry"),
            (501, "upstream"),
            (503, "retry"),
        ] {
            assert_eq!(kind(error_of(get(status))), expected, "{status}");
        }
        for body in [
            serde_json::json!({"errors": [{"code": "TOOMANYREQUESTS"}]}),
            serde_json::json!({"Code": "Throttling.User", "Message": "slow down"}),
        ] {
            assert_eq!(kind(error_of(get(400).json(body))), "rate-limited");
        }
    }

    #[test]
    fn texts_hold_the_providers_words_and_no_query() {
        let get = |body: &str| Exchange::new("GET", "/x?secret=1").answer(400).text(body);
        for (body, expected) in [
            (
                r#"{"errors":[{"code":"DENIED","message":"no quota","detail":{}}]}"#,
                ": DENIED: no quota",
            ),
            (r#"{"code":"X1","message":"bad"}"#, ": X1: bad"),
            (r#"{"code":7,"message":"bad"}"#, ": 7: bad"),
            (r#"{"RequestId":"1","Code":"X1","Message":"bad"}"#, ": X1: bad"),
            // Huawei's registry, and its API gateway.
            (r#"{"errors":[{"errorCode":"S.4","errorMessage":"gone"}]}"#, ": S.4: gone"),
            (r#"{"error_code":"A.3","error_msg":"unsigned"}"#, ": A.3: unsigned"),
            (r#"{"error":"invalid_scope","error_description":"unknown"}"#, ": unknown"),
            (r#"{"errors":[]}"#, ""),
            ("plain words\nsecond line", ": plain words"),
            ("<html>x</html>", ": a web page"),
            (r#"{"errors":[{"code"#, r#": {"errors":[{"code"#),
            ("", ""),
        ] {
            let error = error_of(get(body));
            assert_eq!(error.text(), format!("GET https://r.test/x answered 400{expected}"));
        }
        assert!(error_of(get(&"x".repeat(5000))).text().len() < 400);
    }

    #[test]
    fn the_wait_is_read() {
        let get = Exchange::new("GET", "/x?secret=1").answer(429);
        for (name, value, expected) in [
            ("Retry-After", "7", Some(7)),
            ("X-Retry-After", "1000000030", Some(30)),
            ("Retry-After", "99999999", Some(86_400)),
            ("Other", "1", None),
        ] {
            match error_of(get.clone().header(name, value)) {
                Error::RateLimited(limit) => assert_eq!(limit.retry_after_seconds, expected),
                other => panic!("{other:?}"),
            }
        }
    }
}
