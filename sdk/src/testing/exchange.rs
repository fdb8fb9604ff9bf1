//! One request that is expected, and its answer.

use super::render::Seen;
use crate::{ResponseHeader, TransportError, bindings::adapter::portolan::adapter::http as wire};

/// One request that is expected, and its answer.
#[derive(Clone, Debug)]
pub struct Exchange {
    pub(crate) method: String,
    /// A path below the endpoint, or an absolute address; with the query.
    pub(crate) address: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) absent: Vec<String>,
    pub(crate) body: Option<serde_json::Value>,
    pub(crate) form: Vec<(String, String)>,
    stays: bool,
    answer: Answer,
}

#[derive(Clone, Debug)]
struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    url: Option<String>,
    fault: Option<TransportError>,
}

impl Exchange {
    /// Expects `method` at a path below the endpoint, or at an absolute address, both with the
    /// query (its order is free); answers 200 with an empty body.
    #[must_use]
    pub fn new(method: &str, address: &str) -> Self {
        let answer =
            Answer { status: 200, headers: Vec::new(), body: Vec::new(), url: None, fault: None };
        Self {
            method: method.to_owned(),
            address: address.to_owned(),
            headers: Vec::new(),
            absent: Vec::new(),
            body: None,
            form: Vec::new(),
            stays: false,
            answer,
        }
    }

    /// The same exchange at another address: a fixture on another page, say.
    #[must_use]
    pub fn at(mut self, address: &str) -> Self {
        self.address = address.to_owned();
        self
    }

    /// Expects a header, as it looks on the wire.
    #[must_use]
    pub fn expect_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Expects that a header is not sent.
    #[must_use]
    pub fn expect_no_header(mut self, name: &str) -> Self {
        self.absent.push(name.to_owned());
        self
    }

    /// Expects a body: a JSON string for text, any other value for JSON.
    #[must_use]
    pub fn expect_body(mut self, body: serde_json::Value) -> Self {
        self.body = Some(body);
        self
    }

    /// Expects a form field, secret inserted.
    #[must_use]
    pub fn expect_field(mut self, name: &str, value: &str) -> Self {
        self.form.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Expects that a redirect would be taken as the answer, and not followed.
    #[must_use]
    pub fn expect_no_follow(mut self) -> Self {
        self.stays = true;
        self
    }

    /// Answers with this status.
    #[must_use]
    pub fn answer(mut self, status: u16) -> Self {
        self.answer.status = status;
        self
    }

    /// Adds a header to the answer.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.answer.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Answers with this JSON.
    #[must_use]
    pub fn json(self, body: serde_json::Value) -> Self {
        self.header("Content-Type", "application/json").text(&body.to_string())
    }

    /// Answers with this text.
    #[must_use]
    pub fn text(mut self, body: &str) -> Self {
        self.answer.body = body.as_bytes().to_vec();
        self
    }

    /// Says that the answer came from another address, as after a redirect.
    #[must_use]
    pub fn answered_by(mut self, url: &str) -> Self {
        self.answer.url = Some(url.to_owned());
        self
    }

    /// Gives no answer, but a transport error of this kind.
    #[must_use]
    pub fn fails(mut self, kind: &str, message: &str) -> Self {
        self.answer.fault =
            Some(TransportError { kind: kind.to_owned(), message: message.to_owned() });
        self
    }

    /// What is different about a request; `None` where it is the expected one.
    pub(crate) fn difference(&self, seen: &Seen, base: &str) -> Option<String> {
        let expected = match self.address.strip_prefix('/') {
            Some(path) => format!("{base}/{path}"),
            None => self.address.clone(),
        };
        if self.method != seen.method || split(&expected) != split(&seen.url) {
            return Some("another method or address".to_owned());
        }
        for (name, value) in &self.headers {
            if seen.header(name) != Some(value) {
                return Some(format!("the header {name} is {:?}", seen.header(name)));
            }
        }
        if let Some(name) = self.absent.iter().find(|name| seen.header(name).is_some()) {
            return Some(format!("the header {name} is sent"));
        }
        if self.stays && seen.follows {
            return Some("a redirect would be followed".to_owned());
        }
        let fields = pairs(&seen.body);
        if let Some((name, _)) = self.form.iter().find(|field| !fields.contains(field)) {
            return Some(format!("the form field {name} differs"));
        }
        let same_body = match &self.body {
            None => true,
            Some(serde_json::Value::String(text)) => *text == seen.body,
            Some(json) => {
                serde_json::from_str::<serde_json::Value>(&seen.body).ok().as_ref() == Some(json)
            }
        };
        (!same_body).then(|| "another body".to_owned())
    }

    pub(crate) fn response(&self, seen: &Seen) -> Result<wire::Response, TransportError> {
        if let Some(fault) = &self.answer.fault {
            return Err(fault.clone());
        }
        let header = |(name, value): &(String, String)| ResponseHeader {
            name: name.clone(),
            value: value.clone().into_bytes(),
        };
        Ok(wire::Response {
            status: self.answer.status,
            headers: self.answer.headers.iter().map(header).collect(),
            body: self.answer.body.clone(),
            url: self.answer.url.clone().unwrap_or_else(|| seen.url.clone()),
        })
    }
}

/// An address without its query, and the query's pairs, decoded and sorted.
fn split(address: &str) -> (&str, Vec<(String, String)>) {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    (path, pairs(query))
}

fn pairs(text: &str) -> Vec<(String, String)> {
    let mut pairs: Vec<(String, String)> = text
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        })
        .collect();
    pairs.sort();
    pairs
}

fn decode(text: &str) -> String {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        let escaped = after
            .get(..2)
            .filter(|_| *byte == b'%')
            .and_then(|hex| u8::from_str_radix(core::str::from_utf8(hex).ok()?, 16).ok());
        out.push(match (escaped, byte) {
            (Some(value), _) => value,
            (None, b'+') => b' ',
            (None, other) => *other,
        });
        rest = if escaped.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    String::from_utf8_lossy(&out).into_owned()
}
