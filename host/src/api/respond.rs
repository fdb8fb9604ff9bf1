//! Answers: Harbor's JSON conventions, its error envelope, and the only place that makes a
//! status from a [`Code`] (contract 1.3, 1.4).

use std::{borrow::Cow, time::Duration};

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::{
    error::{Code, Error},
    host::DeliveryError,
};

/// A refusal as a client sees it: one status, one code, one sentence.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    code: Cow<'static, str>,
    message: String,
}

/// What a handler gives.
pub(crate) type Answer = Result<Response, ApiError>;

#[derive(Serialize)]
struct Envelope<'a> {
    errors: [Line<'a>; 1],
}

#[derive(Serialize)]
struct Line<'a> {
    code: &'a str,
    message: &'a str,
}

impl ApiError {
    /// A refusal that the framework makes: its code is the status text (contract 1.3 rule 4).
    pub(crate) fn framework(status: StatusCode, message: impl Into<String>) -> Self {
        let code = match status {
            StatusCode::PAYLOAD_TOO_LARGE => Cow::Borrowed("REQUEST_ENTITY_TOO_LARGE"),
            StatusCode::TOO_MANY_REQUESTS => Cow::Borrowed("TOO_MANY_REQUEST"),
            StatusCode::INTERNAL_SERVER_ERROR => Cow::Borrowed("UNKNOWN"),
            other => {
                let text = other.canonical_reason().unwrap_or("unknown");
                Cow::Owned(text.to_ascii_uppercase().replace([' ', '-'], "_"))
            }
        };
        Self { status, code, message: message.into() }
    }

    /// 422: the request cannot be bound; `violation` says what breaks which rule.
    pub(crate) fn unprocessable(violation: impl std::fmt::Display) -> Self {
        let message = format!("validation failure list:\n{violation}");
        Self::framework(StatusCode::UNPROCESSABLE_ENTITY, message)
    }

    /// 400: bound, yet not valid.
    pub(crate) fn invalid(why: impl std::fmt::Display) -> Self {
        Error::new(Code::Invalid, why.to_string()).into()
    }

    /// 404 with a sentence.
    pub(crate) fn not_found(what: impl Into<String>) -> Self {
        Error::new(Code::NotFound, what).into()
    }

    /// 401: nobody, or somebody with a wrong password, asks for what needs a login.
    pub(crate) fn unauthorized() -> Self {
        Self::framework(StatusCode::UNAUTHORIZED, "unauthorized")
    }
}

impl ApiError {
    /// 403: somebody without the permission; as in Harbor, the message is the name alone.
    pub(crate) fn forbidden(name: &str) -> Self {
        Self::framework(StatusCode::FORBIDDEN, name)
    }

    /// 408: a body that trickles.
    pub(crate) fn too_slow() -> Self {
        let message = "the body came too slowly; send it again over a better connection";
        Self::framework(StatusCode::REQUEST_TIMEOUT, message)
    }

    /// 503: too many large bodies at once.
    pub(crate) fn crowded() -> Self {
        let message = "too many large requests are being read; try again in a moment";
        Self::framework(StatusCode::SERVICE_UNAVAILABLE, message)
    }

    /// 429: too many answers that go on.
    pub(crate) fn too_many_streams() -> Self {
        let message = "too many streams of events are open; close one first";
        Self::framework(StatusCode::TOO_MANY_REQUESTS, message)
    }

    /// 429: too many passwords, wrong or waiting to be checked.
    pub(crate) fn too_many(wait: Duration) -> Self {
        let seconds = wait.as_secs().max(1);
        let message = format!("too many passwords are tried from here; try again in {seconds} s");
        Self::framework(StatusCode::TOO_MANY_REQUESTS, message)
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        let (status, code) = match error.code() {
            Code::NotFound => (StatusCode::NOT_FOUND, "NOT_FOUND"),
            Code::Conflict => (StatusCode::CONFLICT, "CONFLICT"),
            Code::Precondition => (StatusCode::PRECONDITION_FAILED, "PRECONDITION"),
            // What a remote or an adapter did is the answer to what was asked, not our fault.
            Code::Invalid
            | Code::Unauthenticated
            | Code::Forbidden
            | Code::Unreachable
            | Code::PluginFault => (StatusCode::BAD_REQUEST, "BAD_REQUEST"),
            Code::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "SERVICE_UNAVAILABLE"),
            Code::Internal => {
                tracing::error!(%error, "a request failed");
                (StatusCode::INTERNAL_SERVER_ERROR, "UNKNOWN")
            }
        };
        let message = match error.code() {
            Code::Internal => "internal server error".to_owned(),
            _ => error.to_string(),
        };
        Self { status, code: code.into(), message }
    }
}

impl From<DeliveryError> for ApiError {
    fn from(error: DeliveryError) -> Self {
        let status = match error {
            DeliveryError::Refused => StatusCode::UNAUTHORIZED,
            DeliveryError::Closed => StatusCode::FORBIDDEN,
            DeliveryError::TooMany => StatusCode::TOO_MANY_REQUESTS,
            DeliveryError::Unreadable(_) => StatusCode::BAD_REQUEST,
            DeliveryError::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::framework(status, error.to_string())
    }
}

/// Why a request was refused, for whoever notes it: an extension of the answer.
#[derive(Clone)]
pub(crate) struct Refusal(pub(crate) String);

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let line = Line { code: &self.code, message: &self.message };
        let mut response = json_as(self.status, &Envelope { errors: [line] });
        response.extensions_mut().insert(Refusal(self.message));
        let kind = HeaderValue::from_static("application/json; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    }
}

/// 200 with a JSON body and its trailing newline.
pub(crate) fn json(value: &impl Serialize) -> Response {
    json_as(StatusCode::OK, value)
}

/// A JSON body under another status.
pub(crate) fn json_as(status: StatusCode, value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(mut bytes) => {
            bytes.push(b'\n');
            (status, [(header::CONTENT_TYPE, "application/json")], bytes).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "an answer could not be written as JSON");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// 200 with plain text.
pub(crate) fn text(body: impl Into<String>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain")], body.into()).into_response()
}

/// 200 with nothing: no body, no content type.
pub(crate) fn nothing() -> Response {
    StatusCode::OK.into_response()
}

/// 200 with a body that is kept ready.
pub(crate) fn whole(kind: &'static str, body: bytes::Bytes) -> Response {
    ([(header::CONTENT_TYPE, kind)], body).into_response()
}

/// 304: the client has it already.
pub(crate) fn unchanged() -> Response {
    StatusCode::NOT_MODIFIED.into_response()
}

/// 201 without a body; `Location` is the request's path and the new id, path only.
pub(crate) fn created(request: &Uri, id: impl std::fmt::Display) -> Response {
    let location = format!("{}/{id}", request.path().trim_end_matches('/'));
    let mut response = StatusCode::CREATED.into_response();
    set(&mut response, header::LOCATION, &location);
    response
}

/// Sets a header whose value we made; one that cannot be a header is left out.
pub(crate) fn set(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// 404 for a path that no route has.
pub(crate) async fn no_such_path(uri: Uri) -> ApiError {
    let message = format!("path {} was not found", uri.path());
    ApiError::framework(StatusCode::NOT_FOUND, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn body(response: Response) -> String {
        let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn every_code_has_its_status() {
        let cases = [
            (Code::NotFound, 404, "NOT_FOUND", "why"),
            (Code::Conflict, 409, "CONFLICT", "why"),
            (Code::Precondition, 412, "PRECONDITION", "why"),
            (Code::Invalid, 400, "BAD_REQUEST", "why"),
            (Code::Unauthenticated, 400, "BAD_REQUEST", "why"),
            (Code::Forbidden, 400, "BAD_REQUEST", "why"),
            (Code::Unreachable, 400, "BAD_REQUEST", "why"),
            (Code::PluginFault, 400, "BAD_REQUEST", "why"),
            (Code::Unavailable, 503, "SERVICE_UNAVAILABLE", "why"),
            (Code::Internal, 500, "UNKNOWN", "internal server error"),
        ];
        for (code, status, name, message) in cases {
            let response = ApiError::from(Error::new(code, "why")).into_response();
            assert_eq!(response.status().as_u16(), status, "{code:?}");
            let kind = response.headers().get(header::CONTENT_TYPE).unwrap();
            assert_eq!(kind, "application/json; charset=utf-8");
            let expected =
                format!("{{\"errors\":[{{\"code\":\"{name}\",\"message\":\"{message}\"}}]}}\n");
            assert_eq!(body(response).await, expected);
        }
    }

    #[test]
    fn framework_codes_are_status_texts() {
        let cases = [
            (StatusCode::UNAUTHORIZED, "UNAUTHORIZED"),
            (StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED"),
            (StatusCode::UNPROCESSABLE_ENTITY, "UNPROCESSABLE_ENTITY"),
            (StatusCode::PAYLOAD_TOO_LARGE, "REQUEST_ENTITY_TOO_LARGE"),
            (StatusCode::INTERNAL_SERVER_ERROR, "UNKNOWN"),
        ];
        for (status, code) in cases {
            assert_eq!(ApiError::framework(status, "").code, code);
        }
    }

    #[tokio::test]
    async fn location_is_the_path_and_the_id() {
        let response = created(&Uri::from_static("/api/v2.0/registries/?x=1"), 7);
        assert_eq!(response.status(), StatusCode::CREATED);
        assert_eq!(response.headers().get("location").unwrap(), "/api/v2.0/registries/7");
        assert!(response.headers().get("content-type").is_none());
        assert_eq!(body(response).await, "");
    }
}
