//! What every request passes: mended paths, Harbor's envelope around refusals that no handler
//! made, a time limit, and protection from web pages of other sites. It never looks at credentials.

use std::time::Duration;

use axum::{
    extract::Request,
    http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header, uri::Authority},
    response::{IntoResponse, Response},
};

use tower_http::timeout::TimeoutLayer;

use super::{Api, ApiSettings, Caller, CertificateName, proxied::Proxied, respond::ApiError};

/// Longest time of a usual request; saving an endpoint waits for a remote registry.
pub(crate) const REQUEST_TIME: Duration = Duration::from_secs(60);
/// What a browser says of the page that sends a request (W3C, Fetch Metadata Request Headers).
const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Repeated slashes in the path become one, as Harbor's first middleware does.
pub(crate) fn merge_slashes<B>(mut request: axum::http::Request<B>) -> axum::http::Request<B> {
    if !request.uri().path().contains("//") {
        return request;
    }
    let mut path = String::with_capacity(request.uri().path().len());
    for byte in request.uri().path().chars() {
        if byte != '/' || !path.ends_with('/') {
            path.push(byte);
        }
    }
    if let Some(query) = request.uri().query() {
        path.push('?');
        path.push_str(query);
    }
    let mut parts = request.uri().clone().into_parts();
    parts.path_and_query = path.parse().ok();
    if let Ok(uri) = Uri::from_parts(parts) {
        *request.uri_mut() = uri;
    }
    request
}

/// Gives a request up after this time; [`envelope`] says so.
pub(crate) fn at_most(time: Duration) -> TimeoutLayer {
    TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, time)
}

/// Puts Harbor's envelope around refusals of the router and its layers: 405 loses its `Allow`
/// header and says the methods in words (contract 1.3).
pub(crate) async fn envelope<F: Future<Output = Response>>(
    request: Request,
    next: impl FnOnce(Request) -> F,
) -> Response {
    let method = request.method().clone();
    let mut response = next(request).await;
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    let ours = kind.is_some_and(|kind| kind.starts_with(b"application/json"));
    if ours || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let allowed = response.headers_mut().remove(header::ALLOW);
    let message = match status {
        StatusCode::METHOD_NOT_ALLOWED => {
            let allowed = allowed.as_ref().and_then(|value| value.to_str().ok()).unwrap_or("");
            format!("method {method} is not allowed, but [{allowed}] are")
        }
        StatusCode::SERVICE_UNAVAILABLE => {
            "the request took too long and was given up; try again later".to_owned()
        }
        status if status.is_server_error() => "internal server error".to_owned(),
        status => status.canonical_reason().unwrap_or("refused").to_ascii_lowercase(),
    };
    ApiError::framework(status, message).into_response()
}

/// Refuses what a web page of another site could send through somebody's browser: a foreign
/// `Host` on a loopback listener (DNS rebinding), cross-site writes, and cross-site reads in
/// somebody's name. Its script sees no answer, but a plan costs time, and a stream a place.
pub(crate) async fn refuse_foreign_sites<F: Future<Output = Response>>(
    api: &Api,
    request: Request,
    next: impl FnOnce(Request) -> F,
) -> Response {
    let loopback = request.extensions().get::<Caller>() == Some(&Caller::Loopback);
    if loopback && !host_of(&request).is_none_or(|host| is_ours(&host, &api.0.settings)) {
        let message = "this address is not served here: send the `Host` the daemon listens on, \
                       or set the external URL to the name you use";
        return ApiError::framework(StatusCode::MISDIRECTED_REQUEST, message).into_response();
    }
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let matters = !reads || (!is_page(request.uri().path()) && is_in_a_name(&request));
    if matters && is_from_another_site(&request, &api.0.settings) {
        let message = "pages of other sites may neither change nor ask anything here in the name \
                       of whoever looks at them; where a proxy changes `Host`, set the external \
                       URL to the address people use";
        return ApiError::framework(StatusCode::FORBIDDEN, message).into_response();
    }
    next(request).await
}

/// Whether a path is for people to look at, so that pages of other sites may link there: it tells
/// nothing that is stored.
pub(crate) fn is_page(path: &str) -> bool {
    !["/api/", "/v2/", "/metrics"].iter().any(|start| path.starts_with(start))
}

/// Whether a request may be somebody's, by what a browser adds by itself: a cookie, a password that
/// it remembers, a certificate, or what a proxy knows of it.
fn is_in_a_name(request: &Request) -> bool {
    let (headers, extensions) = (request.headers(), request.extensions());
    headers.contains_key(header::COOKIE)
        || headers.contains_key(header::AUTHORIZATION)
        || extensions.get::<CertificateName>().is_some()
        || extensions.get::<Proxied>().is_some()
}

/// Whether a browser says that a page of another site sent it. A site is more than an origin: pages
/// of other ports of this computer are of the same site, and share its cookies.
fn is_from_another_site(request: &Request, settings: &ApiSettings) -> bool {
    let site = request.headers().get(SITE).map(HeaderValue::as_bytes);
    if site.is_some_and(|site| !matches!(site, b"same-origin" | b"none")) {
        return true;
    }
    let Some(origin) = request.headers().get(header::ORIGIN) else { return false };
    let origin = origin.to_str().ok().and_then(|text| url::Url::parse(text).ok());
    let Some(origin) = origin.filter(url::Url::has_host) else { return true };
    let external = settings.external_url.as_deref().and_then(|url| url::Url::parse(url).ok());
    let ours = external.is_some_and(|external| external.origin() == origin.origin());
    !ours && asked_for(request, origin.scheme()).is_none_or(|it| it.origin() != origin.origin())
}

/// The address that was asked for, as if with this scheme: so a port that is the scheme's own is
/// the same as none.
fn asked_for(request: &Request, scheme: &str) -> Option<url::Url> {
    let authority = match request.uri().authority() {
        Some(authority) => authority.as_str(),
        None => request.headers().get(header::HOST)?.to_str().ok()?,
    };
    url::Url::parse(&format!("{scheme}://{authority}")).ok()
}

/// Host the client asked for, without port; a name that is no authority comes back empty.
pub(crate) fn host_of(request: &Request) -> Option<String> {
    if let Some(authority) = request.uri().authority() {
        return Some(authority.host().to_owned());
    }
    let value = request.headers().get(header::HOST)?;
    let parsed = value.to_str().ok().and_then(|text| text.parse::<Authority>().ok());
    Some(parsed.map(|authority| authority.host().to_owned()).unwrap_or_default())
}

/// Whether a name in a `Host` header means this very computer, whoever asks.
pub(crate) fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse::<std::net::IpAddr>();
    address.is_ok_and(|it| it.is_loopback()) || host.eq_ignore_ascii_case("localhost")
}

fn is_ours(host: &str, settings: &ApiSettings) -> bool {
    if is_loopback(host) {
        return true;
    }
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let external = settings.external_url.as_deref().and_then(|url| url::Url::parse(url).ok());
    let external = external.as_ref().and_then(|url| url.host_str());
    let mut known = settings.hosts.iter().map(String::as_str).chain(external);
    known.any(|name| name.trim_matches(['[', ']']).eq_ignore_ascii_case(bare))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_are_merged_in_the_path_alone() {
        let cases = [
            ("/api//v2.0///ping", "/api/v2.0/ping"),
            ("/a/b?q=//x", "/a/b?q=//x"),
            ("//a//b?q=//x", "/a/b?q=//x"),
            ("/a%2F%2Fb", "/a%2F%2Fb"),
            ("http://h//a", "http://h/a"),
        ];
        for (input, expected) in cases {
            let request = Request::builder().uri(input).body(());
            assert_eq!(merge_slashes(request.unwrap()).uri().to_string(), expected);
        }
    }

    #[test]
    fn hosts() {
        let settings = ApiSettings {
            external_url: Some("https://portolan.example.com:8443/x".to_owned()),
            hosts: vec!["box".to_owned()],
            ..ApiSettings::default()
        };
        let cases = [
            ("localhost:8282", true),
            ("LOCALHOST", true),
            ("127.0.0.1:8282", true),
            ("[::1]:8282", true),
            ("box:1", true),
            ("portolan.example.com", true),
            ("evil.example.com", false),
            ("127.0.0.1.evil.example.com", false),
            ("localhost.evil.example.com:8282", false),
            ("a b", false),
        ];
        for (host, ours) in cases {
            let request = Request::builder().header("host", host).body(axum::body::Body::empty());
            let host = host_of(&request.unwrap()).unwrap();
            assert_eq!(is_ours(&host, &settings), ours, "{host}");
        }
    }

    #[test]
    fn other_sites_are_told_by_their_origin() {
        let external_url = Some("https://portolan.example.com".to_owned());
        let settings = ApiSettings { external_url, ..ApiSettings::default() };
        let cases = [
            ("127.0.0.1:8282", "", "", false),
            ("127.0.0.1:8282", "same-origin", "http://127.0.0.1:8282", false),
            ("127.0.0.1:8282", "", "http://127.0.0.1:8282", false),
            ("127.0.0.1:8282", "", "http://127.0.0.1:3000", true),
            ("box", "", "https://box:443", false),
            ("box:443", "", "https://box", false),
            ("inner:1", "", "https://portolan.example.com", false),
            ("inner:1", "", "http://portolan.example.com", true),
            ("box", "", "https://evil.example.com", true),
            ("box", "", "null", true),
            ("box", "same-site", "", true),
            ("box", "none", "", false),
            ("box", "elsewhere", "", true),
            ("box", "cross-site", "https://box", true),
        ];
        for (host, site, origin, foreign) in cases {
            let mut request = Request::builder().header("host", host);
            for (name, value) in [("sec-fetch-site", site), ("origin", origin)] {
                if !value.is_empty() {
                    request = request.header(name, value);
                }
            }
            let request = request.body(axum::body::Body::empty()).unwrap();
            assert_eq!(
                is_from_another_site(&request, &settings),
                foreign,
                "{host} {site} {origin}"
            );
        }
    }
}
