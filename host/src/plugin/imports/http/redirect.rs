//! What becomes of a request when the answer names another address (RFC 9110 section 15.4). Pure.

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};
use portolan_bindings::v0_1::portolan::adapter::types::TransportError;
use url::Url;

use super::{prepare::Prepared, transport};
use crate::plugin::account::{Carries, is_authority};

/// What is done next.
pub(super) enum Step {
    /// The request goes on, changed as the redirect wants it.
    Go(Prepared),
    /// The answer is for the guest.
    Stay(Prepared),
    /// The redirect must not be followed.
    Refuse(TransportError),
}

/// Decides what an answer to a request means.
pub(super) fn next(mut request: Prepared, status: StatusCode, headers: &HeaderMap) -> Step {
    let location = headers.get(header::LOCATION);
    let Some(location) = location.filter(|_| request.follow && is_redirect(status)) else {
        return Step::Stay(request);
    };
    let target = location.to_str().ok().and_then(|text| request.url.join(text).ok());
    let target = target.filter(|url| matches!(url.scheme(), "http" | "https"));
    let Some(mut target) = target else {
        let why = format!("{} redirects to no http address", request.url);
        return Step::Refuse(transport("protocol", why));
    };
    target.set_fragment(None);
    if let Err(why) = check(&request, &target, status) {
        return Step::Refuse(transport("denied-by-policy", why));
    }
    if becomes_get(status, &request.method) {
        request.method = Method::GET;
        request.body = Bytes::new();
        request.is_login = false;
        request.headers.remove(header::CONTENT_TYPE);
    }
    if target.origin() != request.url.origin() {
        request.headers = stripped(request.headers);
        request.carries = Carries::Nothing;
    }
    request.url = target;
    Step::Go(request)
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

fn becomes_get(status: StatusCode, method: &Method) -> bool {
    let other = *method != Method::GET && *method != Method::HEAD;
    other && (status == StatusCode::SEE_OTHER || status.as_u16() < 303 && *method == Method::POST)
}

fn check(request: &Prepared, target: &Url, status: StatusCode) -> Result<(), String> {
    let from = &request.url;
    if from.scheme() == "https" && target.scheme() == "http" {
        return Err(format!("{from} redirects from https to http: a downgrade is never followed"));
    }
    if !target.username().is_empty() || target.password().is_some() {
        return Err(format!("{from} redirects to an address with a user name in it"));
    }
    let keeps_body = !becomes_get(status, &request.method);
    if request.is_login && keeps_body {
        return Err(format!("{from} redirects a login: the secret goes no further"));
    }
    let reads = request.method == Method::GET || request.method == Method::HEAD;
    if keeps_body && !reads && target.origin() != from.origin() {
        return Err(format!("{from} redirects a {} to another host", request.method));
    }
    Ok(())
}

/// Headers without a meaning for who is asking. A guest's own header may hold a token.
fn stripped(headers: HeaderMap) -> HeaderMap {
    let keep = [header::ACCEPT, header::ACCEPT_ENCODING, header::RANGE, header::USER_AGENT];
    let mut kept = HeaderMap::new();
    for name in keep.into_iter().filter(|name| !is_authority(name)) {
        for value in headers.get_all(&name) {
            kept.append(name.clone(), value.clone());
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;
    use crate::plugin::echo::Echo;

    fn request(method: Method, follow: bool, is_login: bool) -> Prepared {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", HeaderValue::from_static("Basic x"));
        headers.insert("x-token", HeaderValue::from_static("t"));
        headers.insert("accept", HeaderValue::from_static("a/b"));
        Prepared {
            method,
            url: Url::parse("https://h.example/a/b").unwrap(),
            headers,
            body: Bytes::from_static(b"body"),
            carries: Carries::Secret,
            is_login,
            follow,
            limit: 1,
            is_ceiling: false,
            echo: Echo::default(),
        }
    }

    fn went(request: Prepared, status: u16, location: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert("location", location.parse().unwrap());
        match next(request, StatusCode::from_u16(status).unwrap(), &headers) {
            Step::Go(it) => {
                let names: Vec<_> = it.headers.keys().map(http::HeaderName::as_str).collect();
                format!("{} {} {} {:?}", it.method, it.url, names.join(","), it.carries)
            }
            Step::Stay(_) => "answer".to_owned(),
            Step::Refuse(error) => error.kind,
        }
    }

    #[test]
    fn redirects_keep_authority_within_the_origin_alone() {
        let same = "GET https://h.example/c authorization,x-token,accept Secret";
        let cases = [
            (Method::GET, true, 302, "/c", same),
            (Method::GET, true, 307, "https://h.example:443/c#x", same),
            (
                Method::GET,
                true,
                302,
                "https://other.example/c",
                "GET https://other.example/c accept Nothing",
            ),
            (
                Method::GET,
                true,
                302,
                "https://h.example:8443/c",
                "GET https://h.example:8443/c accept Nothing",
            ),
            (Method::GET, true, 302, "http://h.example/c", "denied-by-policy"),
            (Method::GET, true, 302, "https://u:p@h.example/c", "denied-by-policy"),
            (Method::GET, true, 302, "ftp://h.example/c", "protocol"),
            (Method::GET, true, 304, "/c", "answer"),
            (Method::GET, true, 201, "/c", "answer"),
            (Method::GET, false, 302, "/c", "answer"),
            (Method::POST, true, 302, "/c", same),
            (
                Method::POST,
                true,
                303,
                "https://other.example/c",
                "GET https://other.example/c accept Nothing",
            ),
            (Method::POST, true, 307, "https://other.example/c", "denied-by-policy"),
            (Method::PUT, true, 302, "https://other.example/c", "denied-by-policy"),
            (
                Method::PUT,
                true,
                308,
                "/c",
                "PUT https://h.example/c authorization,x-token,accept Secret",
            ),
        ];
        for (method, follow, status, location, wanted) in cases {
            let got = went(request(method.clone(), follow, false), status, location);
            assert_eq!(got, wanted, "{method} {status} {location}");
        }
    }

    #[test]
    fn a_login_is_not_sent_on() {
        assert_eq!(went(request(Method::POST, true, true), 307, "/c"), "denied-by-policy");
        assert!(went(request(Method::POST, true, true), 303, "/c").starts_with("GET"));
    }
}
