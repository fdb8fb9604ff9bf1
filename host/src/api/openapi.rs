//! The one description of every route, for programs (OpenAPI 3.1) and as a page for people. It is
//! written by hand, in one file for each noun, and tests hold it against the routes, the roles and
//! the answers. Nothing is decided here, and no secret is near.

mod document;
mod page;

use std::sync::LazyLock;

use axum::{Router, http::HeaderMap, routing::get};
use base64::Engine;
use sha2::{Digest, Sha256};

use super::{
    Api, guard,
    kept::Kept,
    respond::{Answer, ApiError},
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
