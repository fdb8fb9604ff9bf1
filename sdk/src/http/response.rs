//! The answer to a request, and how its status becomes an error.

use serde::de::DeserializeOwned;

use super::{failure, link, url};
use crate::{Error, Method, Result, bindings::adapter::portolan::adapter::http as wire, json};

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Response {
    method: Method,
    inner: wire::Response,
}

impl Response {
    pub(crate) fn new(method: Method, inner: wire::Response) -> Self {
        Self { method, inner }
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.inner.status
    }

    /// The address that answered, after redirects.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.inner.url
    }

    /// The method and the address without its query: what errors name.
    #[must_use]
    pub fn what(&self) -> String {
        let method = match self.method {
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        };
        let address = self.inner.url.split(['?', '#']).next().unwrap_or_default();
        format!("{method} {address}")
    }

    /// The first value of a header; `None` where it is missing or not text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let named = |h: &&wire::ResponseHeader| h.name.eq_ignore_ascii_case(name);
        let header = self.inner.headers.iter().find(named)?;
        core::str::from_utf8(&header.value).ok()
    }

    /// Every value of a header that is text.
    pub fn headers<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.inner
            .headers
            .iter()
            .filter(move |h| h.name.eq_ignore_ascii_case(name))
            .filter_map(|h| core::str::from_utf8(&h.value).ok())
    }

    /// The body as sent, after decompression.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.inner.body
    }

    /// The body as text; bytes that are not UTF-8 are replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.inner.body).into_owned()
    }

    /// Whether the body looks like a web page, by its type or its first character.
    #[must_use]
    pub fn is_html(&self) -> bool {
        let names_it =
            |text: &str| text.as_bytes().windows(4).any(|it| it.eq_ignore_ascii_case(b"html"));
        let by_type = self.header("Content-Type").is_some_and(names_it);
        by_type || self.inner.body.trim_ascii_start().first() == Some(&b'<')
    }

    /// Reads the body as JSON.
    ///
    /// # Errors
    /// [`Error::MalformedResponse`] where it is something else; a web page is named as such.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        self.not_html()?;
        json::read(&self.inner.body).map_err(|e| self.unreadable(&e))
    }

    // Apart from `json`, so that a component holds them once and not for each type.

    fn not_html(&self) -> Result<()> {
        if !self.is_html() {
            return Ok(());
        }
        let what = self.what();
        Err(Error::MalformedResponse(format!(
            "{what} answered a web page where JSON was expected; is the address right?"
        )))
    }

    fn unreadable(&self, why: &serde_json::Error) -> Error {
        Error::MalformedResponse(format!("{} answered no usable JSON: {why}", self.what()))
    }

    /// Passes an answer below 400 on and turns the others into the error the host acts on.
    ///
    /// # Errors
    /// By status: see [`Response::error`].
    pub fn success(self) -> Result<Self> {
        if self.inner.status < 400 { Ok(self) } else { Err(self.error()) }
    }

    /// Passes the answer to a request that changes something: a 2xx that is no web page. A proxy or
    /// portal in between may answer with its own page, or lead to one, and nothing was done.
    ///
    /// # Errors
    /// By status: see [`Response::error`]; [`Error::MalformedResponse`] for a page or a redirect.
    pub fn done(&self) -> Result<()> {
        match self.inner.status {
            200..300 => self.not_html(),
            400.. => Err(self.error()),
            status => {
                let what = self.what();
                Err(Error::MalformedResponse(format!("{what} answered {status}, and did nothing")))
            }
        }
    }

    /// The error this answer stands for: 401, 403, 404, 409 and 412, 429 have cases of their own;
    /// 408 and 5xx are retryable. A registry's error envelope gives code and text.
    #[must_use]
    pub fn error(&self) -> Error {
        failure::from_response(self)
    }

    /// The codes of a registry's error envelope (`NAME_UNKNOWN`, …), or the one of an API gateway's
    /// (`APIGW.0301`); empty for other bodies.
    #[must_use]
    pub fn error_codes(&self) -> Vec<String> {
        failure::codes(self.body())
    }

    /// The next page's address, resolved against the address that answered.
    #[must_use]
    pub fn link_next(&self) -> Option<String> {
        link::next(self.headers("Link")).map(|target| url::resolve(self.url(), target))
    }
}
