//! From a guest's request to one that may be sent: address, headers, authentication, body. Pure.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use portolan_bindings::v0_1::portolan::adapter::{http as wit, types::TransportError};
use portolan_core::endpoint::EndpointUrl;
use url::Url;

use super::{login, template, transport};
use crate::{
    net::Purpose,
    plugin::{account::Carries, bound::Bound, echo::Echo},
};

/// Longest address in bytes.
const MAX_URL: usize = 8 << 10;

/// A request with everything in it.
pub(super) struct Prepared {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) carries: Carries,
    /// The secret is in the body: it goes where it was declared to go and no further.
    pub(super) is_login: bool,
    pub(super) follow: bool,
    /// Longest answer in bytes.
    pub(super) limit: u64,
    /// Whether `limit` is the host's and not the guest's own.
    pub(super) is_ceiling: bool,
    /// Forms of the parts that went in, beside those of the whole secret.
    pub(super) echo: Echo,
}

impl Prepared {
    /// What net's rules are asked for.
    pub(super) fn purpose(&self) -> Purpose {
        match self.carries {
            Carries::Secret => Purpose::Credentials,
            Carries::Token => Purpose::Signed,
            Carries::Nothing => Purpose::Anonymous,
        }
    }
}

/// Builds the request.
///
/// # Errors
/// `denied-by-policy` or `protocol`, with a sentence for the adapter's author.
pub(super) fn prepare(bound: &Bound, request: wit::Request) -> Result<Prepared, TransportError> {
    let url = address(&bound.url, &request.url)?;
    let denied = |why| transport("denied-by-policy", why);
    let authority = bound.account.authority(request.auth, &request.headers).map_err(denied)?;
    let (mut carries, mut parts, mut headers) =
        (authority.carries, authority.parts, authority.headers);
    let mut is_login = false;
    let body = match request.body {
        wit::Body::Empty => Bytes::new(),
        wit::Body::Bytes(bytes) => Bytes::from(bytes),
        wit::Body::Template(text) => {
            login::check(&bound.rights.login_urls, &bound.url, &url).map_err(denied)?;
            let filled = template::fill(&text, &bound.account).map_err(denied)?;
            (carries, is_login) = (Carries::Secret, true);
            parts.extend(filled.parts);
            headers.entry(header::CONTENT_TYPE).or_insert(template::content_type(text.format));
            Bytes::from(filled.text.as_bytes().to_vec())
        }
    };
    // What is compressed could not be searched for the secret, nor bounded by its length.
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    let ceiling = bound.limits.response_bytes;
    let limit = request.max_response_bytes.map_or(ceiling, |own| u64::from(own).min(ceiling));
    Ok(Prepared {
        method: method(request.method),
        url,
        headers,
        body,
        carries,
        is_login,
        follow: matches!(request.redirects, wit::Redirects::Follow),
        limit,
        is_ceiling: limit == ceiling,
        echo: Echo::new(&parts),
    })
}

/// An absolute address, or a path below the endpoint's.
pub(super) fn address(endpoint: &EndpointUrl, text: &str) -> Result<Url, TransportError> {
    let wrong = |why: &str| {
        let shown = crate::plugin::imports::shown(text, 200);
        Err(transport("protocol", format!("`{shown}` cannot be requested: {why}")))
    };
    if text.len() > MAX_URL {
        return wrong("it is too long");
    }
    if text.chars().any(|c| c.is_control() || c == ' ') {
        return wrong("it holds control characters or spaces");
    }
    let whole =
        if text.starts_with('/') { format!("{}{text}", endpoint.base()) } else { text.to_owned() };
    let mut url = match Url::parse(&whole) {
        Ok(url) => url,
        Err(url::ParseError::RelativeUrlWithoutBase) => {
            return wrong("it is neither absolute nor a path that starts with `/`");
        }
        Err(error) => return wrong(&error.to_string()),
    };
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return wrong("it is not an http or https address");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return wrong("it holds a user name or password; use the request's `auth`");
    }
    url.set_fragment(None);
    Ok(url)
}

fn method(method: wit::Method) -> Method {
    match method {
        wit::Method::Get => Method::GET,
        wit::Method::Head => Method::HEAD,
        wit::Method::Post => Method::POST,
        wit::Method::Put => Method::PUT,
        wit::Method::Patch => Method::PATCH,
        wit::Method::Delete => Method::DELETE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::testing;

    fn request(url: &str, auth: wit::Auth) -> wit::Request {
        wit::Request {
            method: wit::Method::Get,
            url: url.to_owned(),
            headers: Vec::new(),
            auth,
            body: wit::Body::Empty,
            redirects: wit::Redirects::Follow,
            max_response_bytes: None,
            extra: Vec::new(),
        }
    }

    #[test]
    fn addresses_are_absolute_or_below_the_endpoint() {
        let cases = [
            (
                "https://h.example/harbor",
                "/api/v2.0?x=1",
                Some("https://h.example/harbor/api/v2.0?x=1"),
            ),
            ("https://h.example", "/", Some("https://h.example/")),
            ("https://h.example", "//evil.example/x", Some("https://h.example//evil.example/x")),
            ("https://h.example", "https://auth.example/t#x", Some("https://auth.example/t")),
            ("https://h.example", "/a b", None),
            ("https://h.example", "/a\r\nX: y", None),
            ("https://h.example", "v2/", None),
            ("https://h.example", "file:///etc/passwd", None),
            ("https://h.example", "https://u:p@auth.example/", None),
            ("https://h.example", "https:///x y", None),
            ("https://h.example", "", None),
        ];
        for (endpoint, text, wanted) in cases {
            let got = address(&endpoint.parse().unwrap(), text).ok();
            assert_eq!(got.as_ref().map(Url::as_str), wanted, "{endpoint} {text}");
        }
    }

    #[test]
    fn purpose_is_what_the_request_carries() {
        let bound = testing::bound("https://h.example", Some("s3cret"));
        let cases = [
            (wit::Auth::Anonymous, Purpose::Anonymous),
            (wit::Auth::Basic, Purpose::Credentials),
            (wit::Auth::BearerSecret(String::new()), Purpose::Credentials),
            (wit::Auth::Bearer("token".to_owned()), Purpose::Signed),
        ];
        for (auth, wanted) in cases {
            let prepared = prepare(&bound, request("/v2/", auth)).unwrap();
            assert_eq!(prepared.purpose(), wanted);
            assert_eq!(prepared.headers.get("accept-encoding").unwrap(), "identity");
        }
    }

    #[test]
    fn the_smaller_limit_holds() {
        let bound = testing::bound("https://h.example", None);
        let ceiling = bound.limits.response_bytes;
        for (own, wanted) in
            [(None, (ceiling, true)), (Some(10), (10, false)), (Some(u32::MAX), (ceiling, true))]
        {
            let given =
                wit::Request { max_response_bytes: own, ..request("/", wit::Auth::Anonymous) };
            let prepared = prepare(&bound, given).unwrap();
            assert_eq!((prepared.limit, prepared.is_ceiling), wanted);
        }
    }

    #[test]
    fn a_login_goes_where_it_was_declared_to_go() {
        let mut bound = testing::bound("https://h.example", Some("p\"w & 1"));
        bound.rights.login_urls = vec!["https://login.example/token".to_owned()];
        let body = wit::BodyTemplate {
            format: wit::TemplateFormat::Form,
            text: "grant_type=password&password=${secret}".to_owned(),
        };
        let login = |url: &str| wit::Request {
            method: wit::Method::Post,
            body: wit::Body::Template(body.clone()),
            ..request(url, wit::Auth::Anonymous)
        };
        let prepared = prepare(&bound, login("https://login.example/token")).unwrap();
        assert_eq!(&prepared.body[..], b"grant_type=password&password=p%22w+%26+1");
        assert_eq!(prepared.purpose(), Purpose::Credentials);
        assert!(prepared.is_login);
        let error = prepare(&bound, login("https://h.example/token")).err().unwrap();
        assert_eq!(error.kind, "denied-by-policy");
    }
}
