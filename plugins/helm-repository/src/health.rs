//! Test Connection: the beginning of the index, with the account and without.

use portolan_sdk::{Endpoint, Error, Health, Result, http::Response};

use crate::index;

/// How much of the index is asked for, in bytes; a server may send all of it.
const BEGINNING: usize = 4096;

/// Asks for the beginning of the index.
pub(crate) fn check(endpoint: &Endpoint) -> Result<Health> {
    let range = format!("bytes=0-{}", BEGINNING.saturating_sub(1));
    let ask = || index::request(endpoint).header("Range", range.clone());
    let answer = ask().auth(endpoint.auth()).send()?;
    match answer.status() {
        401 | 403 => return Err(Error::Unauthenticated(refused(endpoint, &answer))),
        404 => return Err(Error::NotFound(index::no_index(&answer))),
        _ => {}
    }
    let answer = answer.success()?;
    if !is_index(&answer) {
        return Err(Error::MalformedResponse(format!(
            "{} answered something that is no index of charts; give the address of the folder \
             that holds index.yaml",
            answer.what()
        )));
    }
    // A server that is open to all takes any password.
    let asks = endpoint.has_credentials() && matches!(ask().send()?.status(), 401 | 403);
    Ok(Health::new(asks))
}

fn is_index(answer: &Response) -> bool {
    let beginning = answer.body().get(..BEGINNING).unwrap_or(answer.body());
    let text = String::from_utf8_lossy(beginning);
    matches!(answer.status(), 200 | 206)
        && !answer.is_html()
        && (text.contains("entries") || text.contains("apiVersion"))
}

fn refused(endpoint: &Endpoint, answer: &Response) -> String {
    let (what, status) = (answer.what(), answer.status());
    match endpoint.access_key.as_deref().filter(|_| endpoint.has_credentials()) {
        Some(user) => format!(
            "{what} answered {status}: it refused the credentials of `{user}`; check user name \
             and password"
        ),
        None => format!("{what} answered {status}: it asks for a user name and password"),
    }
}
