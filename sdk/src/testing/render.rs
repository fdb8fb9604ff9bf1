//! A request as the remote service would see it: address resolved, secret inserted.

use core::fmt;

use base64::{Engine as _, prelude::BASE64_STANDARD};

use crate::{
    Auth, Endpoint, HeaderValue, SecretText, TemplateFormat,
    bindings::adapter::portolan::adapter::http as wire, http,
};

/// What arrives at the remote service.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) method: &'static str,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    /// Whether the host would follow a redirect.
    pub(crate) follows: bool,
}

impl Seen {
    /// `METHOD address [scheme of the authorization]`.
    pub(crate) fn line(&self) -> String {
        let scheme = self.header("Authorization").and_then(|value| value.split(' ').next());
        match scheme {
            Some(scheme) => format!("{} {} [{scheme}]", self.method, self.url),
            None => format!("{} {}", self.method, self.url),
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {:?} {}", self.method, self.url, self.headers, self.body)
    }
}

pub(crate) fn request(request: &wire::Request, endpoint: &Endpoint, secret: &str) -> Seen {
    let url = match request.url.strip_prefix('/') {
        Some(path) => format!("{}/{path}", endpoint.url),
        None => request.url.clone(),
    };
    let mut headers: Vec<(String, String)> = request
        .headers
        .iter()
        .map(|header| (header.name.clone(), header_value(&header.value, secret)))
        .collect();
    if let Some(value) = authorization(&request.auth, endpoint, secret) {
        headers.push(("Authorization".to_owned(), value));
    }
    let method = http::method_name(request.method);
    let follows = matches!(request.redirects, wire::Redirects::Follow);
    Seen { method, url, headers, body: body(&request.body, secret), follows }
}

/// The key of an HMAC chain, as the host would put it together.
pub(crate) fn secret_text(text: &SecretText, secret: &str) -> String {
    format!("{}{}{}", text.prefix, part(secret, &text.part), text.suffix)
}

/// A part of the secret: all of it, or what the JSON Pointer points at.
fn part(secret: &str, pointer: &str) -> String {
    if pointer.is_empty() {
        return secret.to_owned();
    }
    let document: serde_json::Value = serde_json::from_str(secret).unwrap_or_default();
    document.pointer(pointer).and_then(|value| value.as_str()).unwrap_or_default().to_owned()
}

fn header_value(value: &HeaderValue, secret: &str) -> String {
    match value {
        HeaderValue::Plain(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        HeaderValue::Secret(text) => secret_text(text, secret),
    }
}

fn authorization(auth: &Auth, endpoint: &Endpoint, secret: &str) -> Option<String> {
    let basic = |user: &str, password: &str| {
        Some(format!("Basic {}", base64(format!("{user}:{password}").as_bytes())))
    };
    match auth {
        Auth::Anonymous => None,
        Auth::Basic => basic(endpoint.access_key.as_deref().unwrap_or_default(), secret),
        Auth::BasicAs(account) => basic(&account.username, &part(secret, &account.password)),
        Auth::BearerSecret(pointer) => Some(format!("Bearer {}", part(secret, pointer))),
        Auth::Bearer(token) => Some(format!("Bearer {token}")),
        Auth::Raw(raw) => Some(format!("{} {}", raw.scheme, raw.value)),
    }
}

fn body(body: &wire::Body, secret: &str) -> String {
    let template = match body {
        wire::Body::Empty => return String::new(),
        wire::Body::Bytes(bytes) => return String::from_utf8_lossy(bytes).into_owned(),
        wire::Body::Template(template) => template,
    };
    let mut out = String::new();
    let mut rest = template.text.as_str();
    while let Some((before, after)) = rest.split_once("${secret") {
        let (pointer, after) = after.split_once('}').unwrap_or((after, ""));
        let value = part(secret, pointer.trim_start_matches(':'));
        out.push_str(before);
        out.push_str(&escape(template.format, &value));
        rest = after;
    }
    out.push_str(rest);
    out
}

fn escape(format: TemplateFormat, value: &str) -> String {
    match format {
        TemplateFormat::Form => http::encode(value),
        TemplateFormat::Json => {
            let quoted = serde_json::Value::from(value).to_string();
            quoted.trim_start_matches('"').trim_end_matches('"').to_owned()
        }
    }
}

fn base64(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inserts_the_secret_where_it_is_asked_for() {
        let secret = r#"{"a":"x&y","b":"q\"r"}"#;
        let template = |format, text: &str| {
            body(
                &wire::Body::Template(crate::BodyTemplate { format, text: text.to_owned() }),
                secret,
            )
        };
        assert_eq!(template(TemplateFormat::Form, "p=${secret:/a}&z=1"), "p=x%26y&z=1");
        assert_eq!(template(TemplateFormat::Json, r#"{"p":"${secret:/b}"}"#), r#"{"p":"q\"r"}"#);
    }
}
