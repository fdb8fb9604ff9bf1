//! Binding: bodies, path ids and query parameters, with Harbor's 422 for what cannot be bound
//! (contract 1.3). It knows shapes only; whether a value makes sense is decided elsewhere.

use std::time::Duration;

use axum::{
    body::Body,
    extract::{FromRequest, FromRequestParts, RawPathParams, Request},
    http::{HeaderMap, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use bytes::BytesMut;
use http_body::Body as _;
use http_body_util::BodyExt as _;
use serde::de::DeserializeOwned;

use super::{
    Peer,
    respond::ApiError,
    serve::TooSlow,
    shares::{Share, Shares},
};

/// Largest JSON body in bytes.
const MAX_BODY: usize = 1 << 20;
/// Most bytes of a refused body that are read and thrown away.
const MAX_DISCARDED: usize = 256 << 20;
/// Longest time that is spent on it.
const DISCARD_TIME: Duration = Duration::from_secs(10);

/// A JSON body; its name is what violations call it.
pub(crate) trait Parameter: DeserializeOwned + Default {
    /// Name of the body parameter in Harbor's description.
    const NAME: &'static str;
    /// Largest body in bytes.
    const MOST: usize = MAX_BODY;
}

/// A required JSON body. `null` is an object without properties, as in Harbor.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: Parameter, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, ApiError> {
        let bytes = read_body(request, T::MOST).await?;
        if bytes.is_empty() {
            return Err(ApiError::unprocessable(format!("{} in body is required", T::NAME)));
        }
        parse_json(&bytes).map(Self)
    }
}

/// Reads JSON as the body parameter `T`.
///
/// # Errors
/// 422 for wrong syntax and for wrong types.
pub(crate) fn parse_json<T: Parameter>(bytes: &[u8]) -> Result<T, ApiError> {
    // serde would also read an object's properties from a list, by position.
    if bytes.trim_ascii_start().starts_with(b"[") {
        let name = T::NAME;
        let violation = format!("parsing {name} body from \"\" failed, because it is a list");
        return Err(ApiError::unprocessable(violation));
    }
    let parsed: Result<Option<T>, _> = serde_json::from_slice(bytes);
    parsed.map(Option::unwrap_or_default).map_err(|error| {
        let name = T::NAME;
        let violation = format!("parsing {name} body from \"\" failed, because {error}");
        ApiError::unprocessable(violation)
    })
}

/// Reads a whole body of at most `limit` bytes.
///
/// # Errors
/// 413 for a larger one, and for one that broke off (nobody is left to read the answer then); 408
/// for one that comes too slowly, 503 where the bodies of other requests, or others from the same
/// address, take all memory.
pub(crate) async fn read_body(request: Request, limit: usize) -> Result<bytes::Bytes, ApiError> {
    let too_large = || {
        let message = format!("the body is larger than {limit} bytes");
        ApiError::framework(StatusCode::PAYLOAD_TOO_LARGE, message)
    };
    let peer = request.extensions().get::<Peer>().map(|peer| peer.0);
    let mut held = Share::new(request.extensions().get::<Shares>(), peer);
    let announced = request.body().size_hint().lower();
    let mut body = request.into_body();
    if usize::try_from(announced).is_ok_and(|announced| announced > limit) {
        discard(body).await;
        return Err(too_large());
    }
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| match error.into_inner().is::<TooSlow>() {
            true => ApiError::too_slow(),
            // Broken off: nobody is left to read the answer.
            false => too_large(),
        })?;
        let Ok(data) = frame.into_data() else { continue };
        if bytes.len() + data.len() > limit {
            discard(body).await;
            return Err(too_large());
        }
        if !held.take(data.len()) {
            return Err(ApiError::crowded());
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.freeze())
}

/// Reads what is left of a refused body, within bounds: a client that is still sending when the
/// connection closes never sees the answer.
async fn discard(mut body: Body) {
    let drain = async {
        let mut left = MAX_DISCARDED;
        while let Some(Ok(frame)) = body.frame().await {
            left = left.saturating_sub(frame.into_data().map_or(0, |data| data.len()));
            if left == 0 {
                break;
            }
        }
    };
    // Late or not, the answer is the same.
    let _ = tokio::time::timeout(DISCARD_TIME, drain).await;
}

/// The integer ids of a path, in order. A negative one is an id that nothing has.
pub(crate) struct Ids<const N: usize>(pub(crate) [u64; N]);

impl<S: Send + Sync, const N: usize> FromRequestParts<S> for Ids<N> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let bound = RawPathParams::from_request_parts(parts, state).await;
        let bound = bound.map_err(ApiError::unprocessable)?;
        let ids: Result<Vec<u64>, ApiError> =
            bound.iter().map(|(name, text)| Ok(id(integer(name, "path", text)?))).collect();
        let ids = <[u64; N]>::try_from(ids?);
        ids.map(Self).map_err(|_| ApiError::unprocessable("the path has other parameters"))
    }
}

/// An id as it is stored; what no id can be becomes one that nothing has.
pub(crate) fn id(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// An id in a path, as it came.
///
/// # Errors
/// 422 where it is no integer.
pub(crate) fn path_id(text: &str) -> Result<u64, ApiError> {
    Ok(id(integer("id", "path", text)?))
}

fn integer(name: &str, place: &str, text: &str) -> Result<i64, ApiError> {
    text.parse().map_err(|_| {
        ApiError::unprocessable(format!("{name} in {place} must be of type int64: \"{text}\""))
    })
}

/// The decoded query; the last of several values counts, an empty one is none.
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Decodes the text after `?`.
    pub(crate) fn new(text: &str) -> Self {
        Self(url::form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    /// A text parameter.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().rev().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// An integer parameter.
    ///
    /// # Errors
    /// 422 where it is something else.
    pub(crate) fn integer(&self, name: &str) -> Result<Option<i64>, ApiError> {
        self.text(name).map(|text| integer(name, "query", text)).transpose()
    }

    /// A yes or no, in the spellings of Go.
    ///
    /// # Errors
    /// 422 where it is something else.
    pub(crate) fn boolean(&self, name: &str) -> Result<Option<bool>, ApiError> {
        let read = |text: &str| match text.to_ascii_lowercase().as_str() {
            "true" | "t" | "1" => Ok(true),
            "false" | "f" | "0" => Ok(false),
            _ => Err(ApiError::unprocessable(format!(
                "{name} in query must be of type boolean: \"{text}\""
            ))),
        };
        self.text(name).map(read).transpose()
    }

    /// `limit`: how many rows are wanted.
    ///
    /// # Errors
    /// 422 where it is not 1 to `most`.
    pub(crate) fn limit(&self, usual: usize, most: usize) -> Result<usize, ApiError> {
        let Some(limit) = self.integer("limit")? else { return Ok(usual) };
        let limit = usize::try_from(limit).ok().filter(|limit| (1..=most).contains(limit));
        let rule = format!("limit in query should be 1 to {most}");
        limit.ok_or_else(|| ApiError::unprocessable(rule))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        Ok(Self::new(parts.uri.query().unwrap_or("")))
    }
}

/// For routes that answer in JSON: refuses an `Accept` without it, and bodies of other types.
pub(crate) async fn speaks_json(request: Request, next: Next) -> Response {
    negotiated("application/json", request, next).await
}

/// For routes that answer in plain text.
pub(crate) async fn speaks_text(request: Request, next: Next) -> Response {
    negotiated("text/plain", request, next).await
}

async fn negotiated(produced: &str, request: Request, next: Next) -> Response {
    let has_body = !request.body().is_end_stream();
    match negotiate(request.headers(), has_body, produced) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    }
}

fn negotiate(headers: &HeaderMap, has_body: bool, produced: &str) -> Result<(), ApiError> {
    let sent = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let sent = essence(sent.unwrap_or("application/octet-stream"));
    if has_body && sent != "application/json" {
        return Err(ApiError::unprocessable(format!(
            "unsupported media type \"{sent}\", only [application/json] are allowed"
        )));
    }
    let texts = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut ranges =
        texts.flat_map(|text| text.split(',')).filter(|range| !range.trim().is_empty());
    // No range at all accepts everything.
    let first = ranges.next().unwrap_or("*/*");
    if !accepts(first, produced) && !ranges.any(|range| accepts(range, produced)) {
        return Err(ApiError::unprocessable(format!(
            "unsupported media type requested, only [{produced}] are available"
        )));
    }
    Ok(())
}

fn essence(text: &str) -> String {
    text.split(';').next().unwrap_or("").trim().to_ascii_lowercase()
}

/// Whether a media range (RFC 9110 12.5.1) takes `produced`; `q=0` takes nothing.
fn accepts(range: &str, produced: &str) -> bool {
    let refused = range.split(';').skip(1).any(|parameter| {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        name.trim().eq_ignore_ascii_case("q") && value.trim().parse::<f32>() == Ok(0.0)
    });
    let range = essence(range);
    let whole_type = range.strip_suffix("/*").is_some_and(|kind| {
        kind == "*" || produced.split('/').next().is_some_and(|produced| produced == kind)
    });
    !refused && (whole_type || range == produced)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_and_content_type() {
        let json = "application/json";
        let cases = [
            (None, None, false, json, true),
            (Some("application/json"), None, false, json, true),
            (Some("*/*"), None, false, json, true),
            (Some("application/*;q=0.5, text/html"), None, false, json, true),
            (Some("text/html, application/json; charset=utf-8"), None, false, json, true),
            (Some("text/plain"), None, false, json, false),
            (Some("application/json;q=0"), None, false, json, false),
            (Some("application/json"), None, false, "text/plain", false),
            (Some("text/plain"), None, false, "text/plain", true),
            (None, Some("application/json"), false, json, true),
            (None, Some("text/html"), false, json, true),
            (None, Some("Application/JSON; charset=utf-8"), true, json, true),
            (None, Some("application/x-www-form-urlencoded"), true, json, false),
            (None, None, true, json, false),
        ];
        for (accept, sent, has_body, produced, fine) in cases {
            let mut headers = HeaderMap::new();
            for (name, value) in [(header::ACCEPT, accept), (header::CONTENT_TYPE, sent)] {
                value.map(|value| headers.insert(name, value.parse().unwrap()));
            }
            let result = negotiate(&headers, has_body, produced);
            assert_eq!(result.is_ok(), fine, "{accept:?} {sent:?} {has_body} {produced}");
        }
    }

    #[test]
    fn query_parameters() {
        let query = Query::new("page=2&q=name%3D~a+b&page=3&name=&page_size=x");
        assert_eq!(query.integer("page").unwrap(), Some(3));
        assert_eq!(query.text("q"), Some("name=~a b"));
        assert_eq!(query.text("name"), None);
        assert_eq!(query.integer("missing").unwrap(), None);
        let error = format!("{:?}", query.integer("page_size").unwrap_err());
        assert!(error.contains("page_size in query must be of type int64: \\\"x\\\""), "{error}");
        assert_eq!((id(7), id(-1)), (7, u64::MAX));
    }
}
