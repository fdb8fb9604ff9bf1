//! What a request brings to say who it is from.

use axum::http::{HeaderMap, Method, header, request::Parts};
use base64::Engine;
use portolan_core::secret::Secret;
use zeroize::Zeroizing;

use super::sessions::{CSRF_HEADER, cookie_name};
use crate::api::Secure;

/// What Harbor's clients put before a token's name.
const ROBOT: &str = "robot$";

/// What a request brings to say who it is from.
pub(super) enum Presented {
    Nothing,
    /// An `Authorization` header that says nothing we know: nobody, whatever else came along.
    Unreadable,
    /// `Authorization: Basic` of a user.
    Password(String, Secret),
    /// `Authorization: Bearer`, or Basic of `robot$NAME`.
    Token(Secret),
    /// The console's cookie.
    Session {
        id: String,
        /// For a request that changes something: the second proof, `None` where it is missing.
        csrf: Option<String>,
    },
}

impl Presented {
    /// An `Authorization` header goes before a cookie.
    pub(super) fn by(parts: &Parts) -> Self {
        let authorization = parts.headers.get(header::AUTHORIZATION);
        if let Some(value) = authorization {
            let value = value.to_str().unwrap_or_default();
            return authorized(value).unwrap_or(Self::Unreadable);
        }
        let secure = parts.extensions.get::<Secure>().is_some();
        match session(&parts.headers, cookie_name(secure)) {
            Some(id) => Self::Session { id, csrf: csrf(parts) },
            None => Self::Nothing,
        }
    }
}

fn authorized(value: &str) -> Option<Presented> {
    let (scheme, rest) = value.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(Presented::Token(Secret::new(rest.trim().to_owned())));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = base64::engine::general_purpose::STANDARD.decode(rest.trim()).ok()?;
    let pair = Zeroizing::new(String::from_utf8(decoded).ok()?);
    let (user, password) = pair.split_once(':')?;
    let password = Secret::new(password.to_owned());
    if user.starts_with(ROBOT) {
        return Some(Presented::Token(password));
    }
    Some(Presented::Password(user.to_owned(), password))
}

fn session(headers: &HeaderMap, cookie: &str) -> Option<String> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|it| it.split_once('='));
    pairs.find(|(name, _)| name.trim() == cookie).map(|(_, value)| value.trim().to_owned())
}

/// What reads needs no second proof: an empty one stands for that.
fn csrf(parts: &Parts) -> Option<String> {
    if matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return Some(String::new());
    }
    let header = parts.headers.get(CSRF_HEADER)?.to_str().ok()?;
    Some(header.to_owned()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn by(method: &str, headers: &[(&str, &str)]) -> String {
        let mut request = Request::builder().method(method).uri("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        match Presented::by(&request.body(()).unwrap().into_parts().0) {
            Presented::Nothing => "nothing".to_owned(),
            Presented::Unreadable => "unreadable".to_owned(),
            Presented::Password(user, secret) => format!("{user} {}", secret.expose()),
            Presented::Token(secret) => format!("token {}", secret.expose()),
            Presented::Session { id, csrf } => format!("session {id} {csrf:?}"),
        }
    }

    /// Method, headers, what is made of them.
    type Case = (&'static str, &'static [(&'static str, &'static str)], &'static str);

    #[test]
    fn headers_and_cookies() {
        const SESSION: (&str, &str) = ("cookie", "a=1; portolan_session=s1; b=2");
        let cases: [Case; 14] = [
            ("GET", &[], "nothing"),
            ("GET", &[("authorization", "Basic YWRtaW46cGE6c3M=")], "admin pa:ss"),
            ("GET", &[("authorization", "basic YWRtaW46")], "admin "),
            ("GET", &[("authorization", "Basic !!!")], "unreadable"),
            ("GET", &[("authorization", "Basic YWRtaW4=")], "unreadable"),
            ("GET", &[("authorization", "Basic")], "unreadable"),
            ("GET", &[("authorization", "Digest x")], "unreadable"),
            ("GET", &[("authorization", "Bearer  abc ")], "token abc"),
            // robot$ci:abc
            ("GET", &[("authorization", "Basic cm9ib3QkY2k6YWJj")], "token abc"),
            ("GET", &[SESSION], "session s1 Some(\"\")"),
            ("POST", &[SESSION], "session s1 None"),
            ("POST", &[SESSION, ("x-portolan-csrf", "c")], "session s1 Some(\"c\")"),
            ("POST", &[SESSION, ("x-portolan-csrf", "")], "session s1 None"),
            ("GET", &[SESSION, ("authorization", "Basic !!!")], "unreadable"),
        ];
        for (method, headers, expected) in cases {
            assert_eq!(by(method, headers), expected, "{method} {headers:?}");
        }
    }

    #[test]
    fn over_tls_only_the_cookie_that_no_other_host_can_set_counts() {
        let request = Request::builder().header("cookie", "portolan_session=p").body(()).unwrap();
        let (mut parts, ()) = request.into_parts();
        parts.extensions.insert(Secure);
        assert!(matches!(Presented::by(&parts), Presented::Nothing));
        let both = "portolan_session=p; __Host-portolan_session=h";
        parts.headers.insert("cookie", both.parse().unwrap());
        assert!(matches!(Presented::by(&parts), Presented::Session { id, .. } if id == "h"));
    }
}
