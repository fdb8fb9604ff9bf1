//! One recorded exchange: `{"q":{m,p|u,h,b,f},"r":{s,h,b}}`, as the SDK's tests read it, and how
//! well a request fits it.
//!
//! What differs from one run to the next is not compared: signatures, tokens, page sizes.

use std::collections::BTreeMap;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::Deserialize;
use serde_json::Value;
use url::form_urlencoded;

use crate::{Reply, StageCall};

/// Headers of the data plane, and those every client writes in its own way.
const NOT_COMPARED: [&str; 3] = ["content-length", "content-range", "content-type"];

/// One recorded exchange.
pub(super) struct Row {
    line: usize,
    /// `None` is the endpoint's own.
    host: Option<String>,
    path: String,
    query: Vec<(String, String)>,
    q: Question,
    r: Recorded,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    q: Question,
    r: Recorded,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    m: String,
    p: Option<String>,
    u: Option<String>,
    #[serde(default)]
    h: BTreeMap<String, String>,
    b: Option<Value>,
    #[serde(default)]
    f: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Recorded {
    s: u16,
    #[serde(default)]
    h: BTreeMap<String, String>,
    b: Option<Value>,
}

/// How well a request fits: first whether no word of the query contradicts, then how much is equal.
pub(super) type Rank = (bool, usize);

impl Row {
    /// Reads line number `line` of a file.
    pub(super) fn read(text: &str, line: usize) -> Result<Self, String> {
        let Line { q, r } = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let (host, address) = match (&q.p, &q.u) {
            (Some(path), None) if path.starts_with('/') => (None, path.clone()),
            (None, Some(url)) => {
                let rest = url.split_once("://").map(|(_, rest)| rest).unwrap_or_default();
                let (host, path) = rest.split_once('/').ok_or("`u` is a whole address")?;
                (Some(host.to_owned()), format!("/{path}"))
            }
            _ => return Err("it has either `p`, a path, or `u`, a whole address".to_owned()),
        };
        let (path, query) = address.split_once('?').unwrap_or((&address, ""));
        Ok(Self { line, host, path: path.to_owned(), query: pairs(query), q, r })
    }

    /// How well a request fits; `None` where it does not.
    pub(super) fn rank(&self, call: &StageCall, endpoint: &str) -> Option<Rank> {
        let host = self.host.as_deref().unwrap_or(endpoint);
        let fits = call.method.as_str() == self.q.m && call.host == host && call.path == self.path;
        if !fits || !self.q.h.iter().all(|(name, value)| same_header(call, name, value)) {
            return None;
        }
        let given = pairs(&call.query);
        let (equal, contradicted) = compare(&self.query, &given)?;
        let whole = if self.query == given { self.query.len() + 1 } else { 0 };
        let headers = self.q.h.keys().filter(|name| is_compared(name)).count();
        Some((!contradicted, equal + whole + headers + self.same_body(&call.body)))
    }

    fn same_body(&self, body: &[u8]) -> usize {
        let given = form_urlencoded::parse(body).into_owned().collect::<BTreeMap<_, _>>();
        let fields =
            self.q.f.iter().filter(|(name, value)| given.get(*name) == Some(value)).count();
        let Some(wanted) = &self.q.b else { return fields };
        let same = match (wanted, serde_json::from_slice(body)) {
            (Value::Object(wanted), Ok(Value::Object(given))) => {
                let equal = wanted.iter().filter(|(name, value)| given.get(*name) == Some(value));
                equal.count()
            }
            (Value::String(text), _) => usize::from(text.as_bytes() == body),
            (wanted, Ok(given)) => usize::from(*wanted == given),
            _ => 0,
        };
        fields + same
    }

    /// The recorded answer.
    pub(super) fn reply(&self) -> Reply {
        let mut headers: Vec<_> =
            self.r.h.iter().map(|(name, value)| (&**name, &**value)).collect();
        let typed = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        let body = match &self.r.b {
            None => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(json) => {
                if !typed {
                    headers.push(("Content-Type", "application/json"));
                }
                json.to_string()
            }
        };
        Reply::new(self.r.s, &headers, body)
    }

    /// The recorded status.
    pub(super) fn status(&self) -> u16 {
        self.r.s
    }

    /// Whether it was answered with success.
    pub(super) fn is_good(&self) -> bool {
        (200..300).contains(&self.r.s)
    }

    /// Whether it is an adapter that asks so, and not the host that moves bytes.
    pub(super) fn is_the_adapters(&self) -> bool {
        let writes = matches!(self.q.m.as_str(), "PUT" | "PATCH");
        !(self.path.contains("/blobs/") || (writes && self.path.starts_with("/v2/")))
    }

    /// Whether the exchange holds a name: the answer, one of its headers (a digest), or the address
    /// that was asked. `+` in a version is `_` in a tag.
    pub(super) fn tells(&self, name: &str) -> bool {
        let body = match &self.r.b {
            None => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(json) => json.to_string(),
        };
        let texts = self.r.h.values().chain([&body, &self.path]);
        texts.into_iter().any(|text| text.contains(name) || text.replace('+', "_").contains(name))
    }

    /// Whether it is a good answer with a list in it that is not empty.
    pub(super) fn has_rows(&self) -> bool {
        let is_full = |value: &Value| value.as_array().is_some_and(|list| !list.is_empty());
        self.is_good()
            && self.r.b.as_ref().is_some_and(|body| match body {
                Value::Object(fields) => fields.values().any(is_full),
                other => is_full(other),
            })
    }

    /// User and secret of a recorded `Basic`.
    pub(super) fn login(&self) -> Option<(String, String)> {
        let mut headers = self.q.h.iter();
        let (_, value) = headers.find(|(name, _)| name.eq_ignore_ascii_case("authorization"))?;
        let decoded = BASE64_STANDARD.decode(value.strip_prefix("Basic ")?).ok()?;
        let text = String::from_utf8(decoded).ok()?;
        let (user, secret) = text.split_once(':')?;
        Some((user.to_owned(), secret.to_owned()))
    }

    /// Repositories that the request is about: in a distribution path, in a token's scope, or in a
    /// JSON body.
    pub(super) fn repositories(&self) -> Vec<String> {
        let in_path = self.path.strip_prefix("/v2/").and_then(|rest| {
            let kinds = ["/tags/", "/manifests/", "/blobs/", "/referrers/"];
            let end = kinds.iter().filter_map(|kind| rest.find(kind)).min()?;
            rest.get(..end).map(str::to_owned)
        });
        let in_scope = self.query.iter().filter(|(name, _)| name == "scope");
        let in_scope = in_scope.filter_map(|(_, scope)| scope.split(':').nth(1).map(str::to_owned));
        let body = self.q.b.as_ref().and_then(|body| body.get("repositoryName"));
        let in_body = body.and_then(Value::as_str).map(str::to_owned);
        in_path.into_iter().chain(in_scope).chain(in_body).filter(|name| name != "*").collect()
    }

    /// The tag or version of this repository that the request is about: the last part of its path.
    pub(super) fn reference(&self, repository: &str) -> Option<String> {
        let (_, rest) = self.path.split_once(&format!("/{repository}/"))?;
        let last = rest.trim_end_matches('/').rsplit('/').next()?;
        let moved = rest.contains("blobs/") || rest.ends_with("tags/list");
        (!moved && !last.contains(':')).then(|| last.to_owned())
    }

    /// The row for people.
    pub(super) fn name(&self) -> String {
        let address = self.q.p.as_deref().or(self.q.u.as_deref()).unwrap_or_default();
        format!("line {}, {} {address}, answered {}", self.line, self.q.m, self.r.s)
    }
}

/// Decoded and sorted.
fn pairs(query: &str) -> Vec<(String, String)> {
    let mut pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    pairs.sort();
    pairs
}

/// How many pairs are equal, and whether a word contradicts; numbers are page sizes and instants.
/// `None` where the word names the operation.
fn compare(wanted: &[(String, String)], given: &[(String, String)]) -> Option<(usize, bool)> {
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (mut equal, mut contradicted) = (0, false);
    for (name, value) in wanted {
        let found = given.iter().find(|(other, _)| other == name).map(|(_, value)| value);
        match found {
            Some(found) if found == value => equal += 1,
            Some(_) if name == "Action" => return None,
            Some(found) => contradicted |= !(is_number(found) && is_number(value)),
            None => {}
        }
    }
    Some((equal, contradicted))
}

fn is_compared(header: &str) -> bool {
    !NOT_COMPARED.iter().any(|other| header.eq_ignore_ascii_case(other))
}

/// A `Basic` is the login of this row; of every other authentication only the scheme is compared.
fn same_header(call: &StageCall, name: &str, wanted: &str) -> bool {
    if !is_compared(name) {
        return true;
    }
    let given = call.headers.get(name).and_then(|value| value.to_str().ok());
    let Some(given) = given else { return false };
    if name.eq_ignore_ascii_case("authorization") && !wanted.starts_with("Basic ") {
        let scheme = |text: &str| text.split(' ').next().map(str::to_ascii_lowercase);
        return scheme(given) == scheme(wanted);
    }
    given == wanted
}
