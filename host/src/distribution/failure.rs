//! Statuses, error bodies and broken connections as errors for people, and which of them pass.

use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use super::DistributionError;
use crate::net::{self, NetError};

/// Most bytes of an error's body that are looked at.
pub(super) const MAX_BODY: u64 = 8 << 10;

/// Longest text of a registry that is passed on, in characters.
const MAX_TEXT: usize = 300;

#[derive(Deserialize)]
struct Wire {
    #[serde(default)]
    errors: Vec<WireError>,
}

#[derive(Deserialize)]
struct WireError {
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    message: Option<String>,
}

/// The error an unwanted answer stands for, with what its body says.
pub(super) fn refused(
    attempted: &str,
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
) -> DistributionError {
    let retry_after = net::retry_after(headers).map(|wait| wait.as_secs_f64().ceil() as u64);
    let (code, text) = said(body);
    DistributionError::Status {
        attempted: attempted.to_owned(),
        status: status.as_u16(),
        detail: detail(status, &code, &text),
        code,
        retry_after,
    }
}

/// Whether the body of a 403 says that the token has ended (AWS ECR: "Your authorization token has
/// expired. Reauthenticate and try again.").
pub(super) fn is_ended(body: &[u8]) -> bool {
    says_ended(&said(body).1)
}

/// Whether an error says that the authority it met was not enough or has ended.
pub(super) fn is_denied(error: &DistributionError) -> bool {
    match error {
        DistributionError::Status { status: 401, .. } => true,
        DistributionError::Status { status: 403, detail, .. } => says_ended(detail),
        _ => false,
    }
}

fn says_ended(text: &str) -> bool {
    text.to_ascii_lowercase().contains("token has expired")
}

/// Why no answer came; a body that failed at its own source comes out as that failure.
pub(super) fn unanswered(attempted: &str, source: NetError) -> DistributionError {
    if let NetError::Body(own) = &source
        && let Some(own) = own.downcast_ref::<DistributionError>()
    {
        return own.clone();
    }
    DistributionError::Net { attempted: attempted.to_owned(), source }
}

fn detail(status: StatusCode, code: &str, text: &str) -> String {
    let reason = status.canonical_reason().unwrap_or_default();
    match (code.is_empty(), text.is_empty()) {
        (true, true) => format!(" {reason}").trim_end().to_owned(),
        (true, false) => format!(" {reason}: {text}"),
        (false, true) => format!(" {code}"),
        (false, false) => format!(" {code}: {text}"),
    }
}

/// Code and message of an error body; plain text is taken as the message, HTML is not.
fn said(body: &[u8]) -> (String, String) {
    if let Ok(wire) = serde_json::from_slice::<Wire>(body) {
        let Some(first) = wire.errors.into_iter().next() else { return Default::default() };
        let clean = |text: Option<String>| printable(&text.unwrap_or_default());
        return (clean(first.code), clean(first.message));
    }
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    if text.starts_with(['<', '{', '[']) {
        Default::default()
    } else {
        (String::new(), printable(text))
    }
}

fn printable(text: &str) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().take(MAX_TEXT).map(plain).collect::<String>().trim().to_owned()
}

/// Whether a status passes by itself.
pub(super) fn is_busy(status: u16) -> bool {
    matches!(status, 408 | 429 | 500 | 502 | 503 | 504)
}

/// Whether a failure to get an answer may pass by itself.
pub(super) fn is_transient(error: &NetError) -> bool {
    matches!(
        error,
        NetError::Dns { .. }
            | NetError::Connect { .. }
            | NetError::Timeout { .. }
            | NetError::Protocol { .. }
            | NetError::Body(_)
    )
}

/// Whether a request may be sent again after this error.
pub(super) fn is_unwell(error: &DistributionError) -> bool {
    matches!(error, DistributionError::Net { source, .. } if is_transient(source))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_bodies() {
        let cases: [(&str, &str, &str); 7] = [
            (r#"{"errors":[{"code":"DENIED","message":"no\u0007 way"}]}"#, "DENIED", "no  way"),
            (r#"{"errors":[{"code":"DENIED"}]}"#, "DENIED", ""),
            (r#"{"errors":[]}"#, "", ""),
            (r#"{"errors":"x"}"#, "", ""),
            ("404 page not found\n", "", "404 page not found"),
            ("<html>", "", ""),
            ("", "", ""),
        ];
        for (body, code, text) in cases {
            assert_eq!(said(body.as_bytes()), (code.to_owned(), text.to_owned()), "{body}");
        }
        assert_eq!(said("x".repeat(999).as_bytes()).1.len(), MAX_TEXT);
    }
}
