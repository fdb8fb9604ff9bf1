//! What every answer tells browsers: guess no types, show it in no frame, send no address on, keep
//! no copy, and come back over TLS. A handler that sets one of these headers itself is obeyed.

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::Response,
};

use super::{Secure, guard};

/// For answers that are no pages: nothing in them may be run or shown.
const NOTHING: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
/// For pages: only what we serve ourselves.
const OWN: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
);
/// A year, for this host alone: others below its name may speak plain HTTP.
const ONLY_TLS: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Adds them to what `next` answers.
pub(crate) async fn protect<F: Future<Output = Response>>(
    request: Request,
    next: impl FnOnce(Request) -> F,
) -> Response {
    let host = guard::host_of(&request).unwrap_or_default();
    // A browser would refuse plain HTTP of every other program on this computer too.
    let secure = request.extensions().get::<Secure>().is_some() && !guard::is_loopback(&host);
    let mut response = next(request).await;
    let headers = response.headers_mut();
    // With the request's id: grown once, not twice.
    headers.reserve(8);
    let policy = if is_page(headers) { OWN } else { NOTHING };
    let always = [
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::CONTENT_SECURITY_POLICY, policy),
    ];
    always.into_iter().for_each(|(name, value)| add(headers, name, value));
    if secure {
        add(headers, header::STRICT_TRANSPORT_SECURITY, ONLY_TLS);
    }
    response
}

fn is_page(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    kind.is_some_and(|kind| kind.starts_with(b"text/html"))
}

fn add(headers: &mut HeaderMap, name: HeaderName, value: HeaderValue) {
    headers.entry(name).or_insert(value);
}
