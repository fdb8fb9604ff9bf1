//! Typed HTTP: build a request, send it through the host, read the answer.
//!
//! The host resolves the address, checks it against the grant, puts the secret in, verifies TLS and
//! bounds the answer. A status of 400 or more is an answer: [`Response::success`] turns it into
//! an error.

mod failure;
mod link;
mod response;
mod retry;
mod url;

use core::fmt::Display;

use serde::Serialize;

use crate::{
    Auth, BasicAccount, BodyTemplate, Error, Header, HeaderValue, Method, Result, SecretText,
    TemplateFormat, bindings::adapter::portolan::adapter::http as wire, host,
};

pub use response::Response;
pub use url::{decode, encode, encode_path, origin, resolve};

/// A request under construction.
#[derive(Clone, Debug)]
pub struct Request {
    inner: wire::Request,
    fault: Option<Error>,
}

impl Request {
    /// A request to `url`: absolute, or a path starting with `/` below the endpoint's address.
    #[must_use]
    pub fn new(method: Method, url: impl Into<String>) -> Self {
        let inner = wire::Request {
            method,
            url: url.into(),
            headers: Vec::new(),
            auth: Auth::Anonymous,
            body: wire::Body::Empty,
            redirects: wire::Redirects::Follow,
            max_response_bytes: None,
            extra: Vec::new(),
        };
        Self { inner, fault: None }
    }

    /// A `GET`.
    #[must_use]
    pub fn get(url: impl Into<String>) -> Self {
        Self::new(Method::Get, url)
    }

    /// A `HEAD`.
    #[must_use]
    pub fn head(url: impl Into<String>) -> Self {
        Self::new(Method::Head, url)
    }

    /// A `POST`.
    #[must_use]
    pub fn post(url: impl Into<String>) -> Self {
        Self::new(Method::Post, url)
    }

    /// A `PUT`.
    #[must_use]
    pub fn put(url: impl Into<String>) -> Self {
        Self::new(Method::Put, url)
    }

    /// A `DELETE`.
    #[must_use]
    pub fn delete(url: impl Into<String>) -> Self {
        Self::new(Method::Delete, url)
    }

    /// Adds a query parameter, percent-encoded; may be called again with the same name.
    #[must_use]
    pub fn query(self, name: &str, value: impl Display) -> Self {
        self.pair(name, &value.to_string())
    }

    fn pair(mut self, name: &str, value: &str) -> Self {
        let separator = match self.inner.url.split_once('?') {
            None => "?",
            Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
            Some(_) => "&",
        };
        let pair = format!("{separator}{}={}", encode(name), encode(value));
        self.inner.url.push_str(&pair);
        self
    }

    /// Adds a header that holds no secret.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        let value = HeaderValue::Plain(value.into());
        self.inner.headers.push(Header { name: name.to_owned(), value });
        self
    }

    /// Adds a header into which the host puts the access secret, or a part of it.
    #[must_use]
    pub fn secret_header(mut self, name: &str, value: SecretText) -> Self {
        let value = HeaderValue::Secret(value);
        self.inner.headers.push(Header { name: name.to_owned(), value });
        self
    }

    /// Says which media types are understood.
    #[must_use]
    pub fn accept(self, media_types: &str) -> Self {
        self.header("Accept", media_types)
    }

    /// Says how the host authenticates the request.
    #[must_use]
    pub fn auth(mut self, auth: Auth) -> Self {
        self.inner.auth = auth;
        self
    }

    /// Sends the endpoint's access key and secret as Basic.
    #[must_use]
    pub fn basic(self) -> Self {
        self.auth(Auth::Basic)
    }

    /// Sends Basic with this user name and a part of the access secret.
    #[must_use]
    pub fn basic_as(self, username: &str, password_part: &str) -> Self {
        let account =
            BasicAccount { username: username.to_owned(), password: password_part.to_owned() };
        self.auth(Auth::BasicAs(account))
    }

    /// Sends a short-lived token that the adapter fetched itself.
    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.auth(Auth::Bearer(token.to_owned()))
    }

    /// Sends a JSON body. A value that cannot be written is reported by [`Request::send`].
    #[must_use]
    pub fn json(mut self, value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(bytes) => self.body("application/json", bytes),
            Err(e) => {
                self.fault = Some(Error::Internal(format!("a request body is no JSON: {e}")));
                self
            }
        }
    }

    /// Sends form fields, percent-encoded.
    #[must_use]
    pub fn form(self, fields: &[(&str, &str)]) -> Self {
        self.body("application/x-www-form-urlencoded", form_text(fields).into_bytes())
    }

    /// Sends bytes of a media type.
    #[must_use]
    pub fn body(mut self, media_type: &str, bytes: Vec<u8>) -> Self {
        self.inner.body = wire::Body::Bytes(bytes);
        self.header("Content-Type", media_type)
    }

    /// Sends a text in which the host replaces `${secret}` or `${secret:POINTER}`. Only to an
    /// address that `AdapterInfo::login_urls` declares.
    #[must_use]
    pub fn template(mut self, format: TemplateFormat, text: impl Into<String>) -> Self {
        self.inner.body = wire::Body::Template(BodyTemplate { format, text: text.into() });
        let media_type = match format {
            TemplateFormat::Json => "application/json",
            TemplateFormat::Form => "application/x-www-form-urlencoded",
        };
        self.header("Content-Type", media_type)
    }

    /// Takes a redirect as the answer instead of following it.
    #[must_use]
    pub fn return_redirects(mut self) -> Self {
        self.inner.redirects = wire::Redirects::ReturnThem;
        self
    }

    /// Fails with `body-too-large` on a longer answer, counted after decompression.
    #[must_use]
    pub fn max_response_bytes(mut self, bytes: u32) -> Self {
        self.inner.max_response_bytes = Some(bytes);
        self
    }

    /// What a signature covers: method, address, plain headers and the bytes of the body. Headers
    /// and bodies into which the host puts the secret are not in it.
    #[must_use]
    pub fn signable(&self) -> Signable<'_> {
        let plain = |header: &'_ Header| match &header.value {
            HeaderValue::Plain(value) => Some((
                header.name.to_ascii_lowercase(),
                String::from_utf8_lossy(value).into_owned(),
            )),
            HeaderValue::Secret(_) => None,
        };
        Signable {
            method: method_name(self.inner.method),
            url: &self.inner.url,
            headers: self.inner.headers.iter().filter_map(plain).collect(),
            body: match &self.inner.body {
                wire::Body::Bytes(bytes) => bytes,
                wire::Body::Empty | wire::Body::Template(_) => &[],
            },
        }
    }

    /// How the host will authenticate the request.
    #[cfg(test)]
    pub(crate) fn authentication(&self) -> &Auth {
        &self.inner.auth
    }

    /// Sends the request and waits for the whole answer.
    ///
    /// # Errors
    /// [`Error::Transport`] where no answer came; a status is not an error here.
    pub fn send(self) -> Result<Response> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let method = self.inner.method;
        Ok(Response::new(method, host::send(&self.inner)?))
    }
}

/// The parts of a request that a signature is made over.
#[derive(Debug)]
pub struct Signable<'a> {
    /// `GET`, `POST`, …
    pub method: &'static str,
    /// As it will be sent: absolute, with its query.
    pub url: &'a str,
    /// Names in lower case, in the order they were added.
    pub headers: Vec<(String, String)>,
    /// Empty where there is none.
    pub body: &'a [u8],
}

/// The method as it stands in a request line.
pub(crate) fn method_name(method: Method) -> &'static str {
    match method {
        Method::Get => "GET",
        Method::Head => "HEAD",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Patch => "PATCH",
        Method::Delete => "DELETE",
    }
}

/// Sends several requests at once; the answers come in the order of the requests.
#[must_use]
pub fn send_all(requests: Vec<Request>) -> Vec<Result<Response>> {
    let mut faults = Vec::with_capacity(requests.len());
    let mut sound = Vec::with_capacity(requests.len());
    for request in requests {
        let method = request.inner.method;
        match request.fault {
            Some(fault) => faults.push(Err(fault)),
            None => {
                faults.push(Ok(method));
                sound.push(request.inner);
            }
        }
    }
    let mut answers = host::send_all(&sound).into_iter();
    faults
        .into_iter()
        .map(|slot| {
            let method = slot?;
            let answer = answers
                .next()
                .ok_or_else(|| Error::Internal("the host answered too few requests".into()))?;
            Ok(Response::new(method, answer?))
        })
        .collect()
}

/// Form fields as `application/x-www-form-urlencoded` text.
pub(crate) fn form_text(fields: &[(&str, &str)]) -> String {
    let pairs: Vec<String> =
        fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    pairs.join("&")
}
