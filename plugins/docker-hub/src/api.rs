//! Requests to the Hub's own API: with the session where the endpoint has credentials, else with
//! no `Authorization` at all.

use portolan_sdk::{
    Endpoint, Error, Result,
    http::{Request, Response},
};
use serde::de::DeserializeOwned;

use crate::{session, wire::Rows};

/// Rows of one page; the Hub gives no more.
pub(crate) const PAGE: u32 = 100;

/// Pages of one listing after which it is taken to be endless.
const MAX_PAGES: u32 = 10_000;

/// Sends, and once more with a new session where the kept one has ended.
pub(crate) fn send(endpoint: &Endpoint, request: Request) -> Result<Response> {
    if !endpoint.has_credentials() {
        return request.send();
    }
    let first = request.clone().bearer(&session::token(endpoint)?).send()?;
    if first.status() != 401 {
        return Ok(first);
    }
    session::forget();
    request.bearer(&session::token(endpoint)?).send()
}

/// One page of a listing; also says whether another follows.
pub(crate) fn rows<T: DeserializeOwned>(
    endpoint: &Endpoint,
    path: &str,
    page: u32,
) -> Result<(Rows<T>, bool)> {
    read(&ask(endpoint, path, page)?.success()?, page)
}

/// The same; `None` where the Hub says that what is listed is not there. A page of a proxy does
/// not say that.
pub(crate) fn rows_if_any<T: DeserializeOwned>(
    endpoint: &Endpoint,
    path: &str,
    page: u32,
) -> Result<Option<(Rows<T>, bool)>> {
    let response = ask(endpoint, path, page)?;
    if response.status() == 404 && !response.is_html() {
        return Ok(None);
    }
    read(&response.success()?, page).map(Some)
}

fn ask(endpoint: &Endpoint, path: &str, page: u32) -> Result<Response> {
    send(endpoint, Request::get(path).query("page", page).query("page_size", PAGE))
}

fn read<T: DeserializeOwned>(response: &Response, page: u32) -> Result<(Rows<T>, bool)> {
    let rows: Rows<T> = response.json()?;
    let next = rows.next.as_deref().filter(|next| !next.is_empty());
    if next.and_then(number).is_some_and(|next| next <= page) {
        return Err(Error::MalformedResponse(format!(
            "{} answered page {page} with a link back to a page before the next one: the listing \
             has no end",
            response.what()
        )));
    }
    let more = next.is_some() && !rows.results.is_empty() && page < MAX_PAGES;
    Ok((rows, more))
}

/// The page that a link leads to.
fn number(link: &str) -> Option<u32> {
    link.split(['?', '&']).find_map(|pair| pair.strip_prefix("page=")?.parse().ok())
}
