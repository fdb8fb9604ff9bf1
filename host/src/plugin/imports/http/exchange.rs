//! One request of a guest and its whole answer, redirects included, within the call's deadline.

use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderMap, Response, header};
use hyper::body::Incoming;
use portolan_bindings::v0_1::portolan::adapter::{http as wit, types::TransportError};
use tokio::time::{Instant, timeout_at};

use super::{prepare::Prepared, redirect, transport};
use crate::{
    net::{self, NetError},
    plugin::bound::Bound,
};

/// Most redirects of one request.
const MAX_REDIRECTS: usize = 10;
/// Answer headers a guest has no use for: a cookie would be a session it cannot be given back.
const WITHHELD: [header::HeaderName; 2] = [header::SET_COOKIE, header::PROXY_AUTHENTICATE];

/// Why there is no answer for the guest.
pub(super) enum Failure {
    /// The guest is told.
    Transport(TransportError),
    /// The guest is told, and the host's ceiling is noted.
    TooLarge(TransportError),
    /// The answer held the secret: the call ends.
    Echo(String),
}

/// Sends and receives. `room` is what all answers of the same import call may still take.
pub(super) async fn exchange(
    bound: &Bound,
    request: Prepared,
    room: &AtomicU64,
    deadline: Instant,
) -> Result<wit::Response, Failure> {
    let host = request.url.host_str().unwrap_or_default().to_owned();
    match timeout_at(deadline, follow(bound, request, room)).await {
        Ok(result) => result,
        Err(_) => Err(Failure::Transport(transport(
            "timeout",
            format!("{host} did not answer within the time the call has left"),
        ))),
    }
}

async fn follow(
    bound: &Bound,
    mut request: Prepared,
    room: &AtomicU64,
) -> Result<wit::Response, Failure> {
    for _ in 0..=MAX_REDIRECTS {
        let answer = bound.client.send(outgoing(&request), request.purpose()).await;
        let answer = answer.map_err(|error| Failure::Transport(kind_of(&error)))?;
        if holds_secret(bound, &request, answer.headers()) {
            return Err(echoed(&request));
        }
        request = match redirect::next(request, answer.status(), answer.headers()) {
            Ok(next) => next,
            Err((_, Some(error))) => return Err(Failure::Transport(error)),
            Err((request, None)) => return receive(bound, &request, answer, room).await,
        };
    }
    let message = format!("{} redirects more than {MAX_REDIRECTS} times", request.url);
    Err(Failure::Transport(transport("protocol", message)))
}

fn outgoing(request: &Prepared) -> http::Request<net::Body> {
    let body = if request.body.is_empty() { net::empty() } else { net::full(request.body.clone()) };
    let mut outgoing = http::Request::new(body);
    *outgoing.method_mut() = request.method.clone();
    // A parsed http address is always a URI; were it not, net refuses the empty one.
    *outgoing.uri_mut() = request.url.as_str().parse().unwrap_or_default();
    *outgoing.headers_mut() = request.headers.clone();
    outgoing
}

async fn receive(
    bound: &Bound,
    request: &Prepared,
    answer: Response<Incoming>,
    room: &AtomicU64,
) -> Result<wit::Response, Failure> {
    let (head, body) = answer.into_parts();
    let encoding = head.headers.get(header::CONTENT_ENCODING);
    if encoding.is_some_and(|value| value.as_bytes() != b"identity") {
        let message = format!("{} answered compressed, which was not asked for", request.url);
        return Err(Failure::Transport(transport("protocol", message)));
    }
    let host = request.url.host_str().unwrap_or_default();
    let limit = request.limit.min(room.load(Ordering::Relaxed));
    let bytes = match net::read_all(body, limit, host).await {
        Ok(bytes) => bytes,
        Err(error @ NetError::TooLarge { .. }) if request.is_ceiling || limit < request.limit => {
            return Err(Failure::TooLarge(kind_of(&error)));
        }
        Err(error) => return Err(Failure::Transport(kind_of(&error))),
    };
    let taken = |left: u64| Some(left.saturating_sub(bytes.len() as u64));
    // The closure always gives a value.
    let _ = room.fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken);
    if bound.echo.is_in(&bytes) || request.echo.is_in(&bytes) {
        return Err(echoed(request));
    }
    Ok(wit::Response {
        status: head.status.as_u16(),
        headers: shown(&head.headers),
        body: bytes.into(),
        url: request.url.to_string(),
    })
}

fn holds_secret(bound: &Bound, request: &Prepared, headers: &HeaderMap) -> bool {
    headers
        .values()
        .any(|value| bound.echo.is_in(value.as_bytes()) || request.echo.is_in(value.as_bytes()))
}

fn echoed(request: &Prepared) -> Failure {
    Failure::Echo(format!(
        "the answer of {} to {} {} holds the endpoint's access secret",
        request.url.host_str().unwrap_or_default(),
        request.method,
        request.url.path()
    ))
}

fn shown(headers: &HeaderMap) -> Vec<wit::ResponseHeader> {
    let given = headers.iter().filter(|(name, _)| !WITHHELD.contains(name));
    given
        .map(|(name, value)| wit::ResponseHeader {
            name: name.as_str().to_owned(),
            value: value.as_bytes().to_vec(),
        })
        .collect()
}

/// The kinds of `types.transport-error`, so that every adapter reports trouble in the same way.
fn kind_of(error: &NetError) -> TransportError {
    let kind = match error {
        NetError::Refused(_) => "denied-by-policy",
        NetError::Settings(_) | NetError::Tls { .. } => "tls",
        NetError::Dns { .. } => "dns",
        NetError::Connect { .. } => "connect",
        NetError::Timeout { .. } => "timeout",
        NetError::Protocol { .. } => "protocol",
        NetError::TooLarge { .. } => "body-too-large",
    };
    transport(kind, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_withheld() {
        let mut headers = HeaderMap::new();
        headers.insert("set-cookie", "sid=1".parse().unwrap());
        headers.insert("etag", "x".parse().unwrap());
        let names: Vec<_> = shown(&headers).into_iter().map(|it| it.name).collect();
        assert_eq!(names, ["etag"]);
    }
}
