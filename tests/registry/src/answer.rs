//! Answers as handlers make them: whole bodies and the specification's error envelope. How they
//! are sent, and spoilt, is `body.rs`.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

use crate::digest::Digest;

/// A whole answer; the bytes of a blob are shared, not copied.
pub(crate) type Answer = Response<Bytes>;

/// Why a handler does not answer as asked.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// An error envelope.
    Error(Box<Answer>),
    /// The connection is closed without an answer.
    Cut,
}

pub(crate) const DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
pub(crate) const SUBJECT: HeaderName = HeaderName::from_static("oci-subject");
pub(crate) const TAG: HeaderName = HeaderName::from_static("oci-tag");
pub(crate) const UPLOAD: HeaderName = HeaderName::from_static("docker-upload-uuid");
pub(crate) const FILTERS: HeaderName = HeaderName::from_static("oci-filters-applied");
pub(crate) const VERSION: HeaderName = HeaderName::from_static("docker-distribution-api-version");

/// An answer without a body.
pub(crate) fn empty(status: StatusCode) -> Answer {
    let mut answer = Response::new(Bytes::new());
    *answer.status_mut() = status;
    answer
}

/// An answer with a body and its media type.
pub(crate) fn with_body(status: StatusCode, media_type: &str, body: Bytes) -> Answer {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    set(&mut answer, header::CONTENT_TYPE, media_type);
    answer
}

/// A JSON document.
pub(crate) fn document(status: StatusCode, value: &Value) -> Answer {
    with_body(status, "application/json", value.to_string().into())
}

/// `{"errors": […]}` with one error.
pub(crate) fn error(status: StatusCode, code: &str, message: &str, detail: Value) -> Answer {
    let body = json!({"errors": [{"code": code, "message": message, "detail": detail}]});
    document(status, &body)
}

/// Refuses with an error envelope without detail.
pub(crate) fn refuse<T>(status: StatusCode, code: &str, message: &str) -> Result<T, Refusal> {
    Err(error(status, code, message, Value::Null).into())
}

impl From<Answer> for Refusal {
    fn from(answer: Answer) -> Self {
        Self::Error(Box::new(answer))
    }
}

/// Adds a header; a value that cannot stand in a header is left out.
pub(crate) fn set(answer: &mut Answer, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().append(name, value);
    }
}

/// Says where what was made is, and its digest.
pub(crate) fn created(location: &str, digest: &Digest) -> Answer {
    let mut answer = empty(StatusCode::CREATED);
    set(&mut answer, header::LOCATION, location);
    set(&mut answer, DIGEST, digest.as_str());
    answer
}
