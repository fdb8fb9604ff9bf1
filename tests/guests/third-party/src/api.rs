//! Requests to the registry, their errors and their pages.

use serde::Deserialize;

use crate::portolan::adapter::{
    http::{Body, Method, Redirects, Request, Response, send},
    types::{Endpoint, Error, PageRequest, RateLimit, UpstreamError},
};

/// A page of either listing.
#[derive(Deserialize)]
struct Names {
    #[serde(alias = "tags")]
    repositories: Option<Vec<String>>,
}

/// GETs a path below the endpoint; a status of 400 or more is an error.
pub fn get(endpoint: &Endpoint, path: &str) -> Result<Response, Error> {
    let response = send(&Request {
        method: Method::Get,
        url: path.to_owned(),
        headers: Vec::new(),
        auth: crate::auth(endpoint),
        body: Body::Empty,
        redirects: Redirects::Follow,
        max_response_bytes: Some(4 << 20),
        extra: Vec::new(),
    })
    .map_err(Error::Transport)?;
    let message = format!("GET {path} was answered with {}", response.status);
    match response.status {
        ..=399 => Ok(response),
        401 => Err(Error::Unauthenticated(message)),
        403 => Err(Error::Forbidden(message)),
        404 => Err(Error::NotFound(message)),
        429 => {
            let retry_after_seconds = header(&response, "retry-after").parse().ok();
            Err(Error::RateLimited(RateLimit { message, retry_after_seconds }))
        }
        status => {
            let retryable = status >= 500;
            Err(Error::Upstream(UpstreamError { status, message, code: None, retryable }))
        }
    }
}

/// One page of a listing, and the cursor of the next. A cursor is the path that `Link` gave.
pub fn names(
    endpoint: &Endpoint,
    path: &str,
    page: &PageRequest,
) -> Result<(Vec<String>, Option<String>), Error> {
    let first = || format!("{path}?n={}", page.limit);
    let response = get(endpoint, &page.cursor.clone().unwrap_or_else(first))?;
    let names: Names = serde_json::from_slice(&response.body)
        .map_err(|error| Error::MalformedResponse(format!("{path}: {error}")))?;
    let next = header(&response, "link").split(['<', '>']).nth(1).map(str::to_owned);
    let next = next.filter(|next| next.starts_with('/') && !next.starts_with("//"));
    Ok((names.repositories.unwrap_or_default(), next))
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    let header = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
    header.and_then(|header| std::str::from_utf8(&header.value).ok()).unwrap_or_default()
}
