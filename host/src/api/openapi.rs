//! The one description of every route, for programs (OpenAPI 3.1) and as a page for people. It is
//! written by hand, in one file for each noun, and tests hold it against the routes, the roles and
//! the answers. Nothing is decided here, and no secret is near.

mod document;
mod page;

use std::sync::LazyLock;

use axum::{
    Router,
    http::{HeaderMap, header},
    response::Response,
    routing::get,
};
use base64::Engine;
use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::{
    Api, guard,
    respond::{self, Answer, ApiError, set},
};
use crate::error::{Code, Error};

#[cfg(test)]
pub(super) use document::document;

/// Both forms, made when one of them is asked for first.
static BOTH: LazyLock<Result<Both, serde_json::Error>> = LazyLock::new(Both::make);

struct Both {
    json: Kept,
    page: Kept,
}

/// An answer that stays the same as long as the process lives.
struct Kept {
    kind: &'static str,
    /// What the page may load: its own style, by its hash, and nothing else.
    policy: String,
    body: Bytes,
    tag: String,
}

/// `/openapi.json` and `/docs`, for everybody.
pub(crate) fn routes() -> Router<Api> {
    Router::new()
        .route("/openapi.json", get(json))
        .route("/docs", get(html))
        .route_layer(guard::at_most(guard::REQUEST_TIME))
}

/// `GET /openapi.json`.
async fn json(headers: HeaderMap) -> Answer {
    Ok(both()?.json.answer(&headers))
}

/// `GET /docs`.
async fn html(headers: HeaderMap) -> Answer {
    Ok(both()?.page.answer(&headers))
}

fn both() -> Result<&'static Both, ApiError> {
    let failed = |error| Error::new(Code::Internal, format!("the API's description: {error}"));
    BOTH.as_ref().map_err(|error| failed(error).into())
}

impl Both {
    fn make() -> Result<Self, serde_json::Error> {
        let document = document::document()?;
        let mut json = serde_json::to_vec(&document)?;
        json.push(b'\n');
        let style = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(page::STYLE));
        let nothing = "default-src 'none'; base-uri 'none'; form-action 'none'; \
                       frame-ancestors 'none'";
        Ok(Self {
            json: Kept::new("application/json", nothing.to_owned(), json),
            page: Kept::new(
                "text/html; charset=utf-8",
                format!("{nothing}; style-src 'sha256-{style}'"),
                page::render(&document).into_bytes(),
            ),
        })
    }
}

impl Kept {
    fn new(kind: &'static str, policy: String, body: Vec<u8>) -> Self {
        let digest = Sha256::digest(&body);
        let tag = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(digest);
        Self { kind, policy, body: body.into(), tag: format!("\"{tag}\"") }
    }

    /// The whole, or that nothing changed for a client that has it (RFC 9110 13.1.2).
    fn answer(&self, headers: &HeaderMap) -> Response {
        let asked = headers.get_all(header::IF_NONE_MATCH).iter();
        let mut tags = asked.filter_map(|it| it.to_str().ok()).flat_map(|it| it.split(','));
        let is_known = tags.any(|tag| {
            let tag = tag.trim();
            tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == self.tag
        });
        let mut response = match is_known {
            true => respond::unchanged(),
            false => respond::whole(self.kind, self.body.clone()),
        };
        set(&mut response, header::ETAG, &self.tag);
        // Kept, but asked about each time: another release answers at the same address.
        set(&mut response, header::CACHE_CONTROL, "no-cache");
        set(&mut response, header::CONTENT_SECURITY_POLICY, &self.policy);
        response
    }
}
