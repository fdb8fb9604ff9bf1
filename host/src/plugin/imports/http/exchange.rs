//! One request of a guest and its whole answer, redirects included, within the call's deadline.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::{HeaderMap, header, response};
use portolan_bindings::v0_1::portolan::adapter::{http as wit, types::TransportError};
use tokio::time::{Instant, timeout_at};

use super::{
    prepare::Prepared,
    redirect::{self, Step},
    transport,
};
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
    (bound, client): (&Bound, &net::Client),
    request: Prepared,
    room: &AtomicU64,
    deadline: Instant,
) -> Result<wit::Response, Failure> {
    let host = request.url.host_str().unwrap_or_default().to_owned();
    // Half the time is for waiting for a turn: a call that cannot wait longer goes, and later ones
    // wait for it.
    let until = Instant::now() + deadline.saturating_duration_since(Instant::now()) / 2;
    match timeout_at(deadline, follow((bound, client), request, room, until)).await {
        Ok(result) => result,
        Err(_) => Err(Failure::Transport(transport(
            "timeout",
            format!("{host} did not answer within the time the call has left"),
        ))),
    }
}

async fn follow(
    (bound, client): (&Bound, &net::Client),
    mut request: Prepared,
    room: &AtomicU64,
    until: Instant,
) -> Result<wit::Response, Failure> {
    for _ in 0..=MAX_REDIRECTS {
        let (purpose, until) = (request.purpose(), Some(until));
        let answer = client.send_by(outgoing(&request), purpose, until).await;
        let answer = answer.map_err(|error| Failure::Transport(kind_of(&error)))?;
        if holds_secret(bound, &request, answer.headers()) {
            return Err(echoed(&request));
        }
        request = match redirect::next(request, answer.status(), answer.headers()) {
            Step::Go(next) => next,
            Step::Refuse(error) => return Err(Failure::Transport(error)),
            Step::Stay(request) => {
                let (head, body) = answer.into_parts();
                let limit = request.limit.min(room.load(Ordering::Relaxed));
                let host = request.url.host_str().unwrap_or_default();
                let bytes = net::read_all(body, limit, host).await;
                return received(bound, &request, &head, bytes).inspect(|answer| {
                    let taken = |left: u64| Some(left.saturating_sub(answer.body.len() as u64));
                    // The closure always gives a value.
                    let _ = room.fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken);
                });
            }
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

fn received(
    bound: &Bound,
    request: &Prepared,
    head: &response::Parts,
    bytes: Result<Bytes, NetError>,
) -> Result<wit::Response, Failure> {
    let encoding = head.headers.get(header::CONTENT_ENCODING);
    if encoding.is_some_and(|value| value.as_bytes() != b"identity") {
        let message = format!("{} answered compressed, which was not asked for", request.url);
        return Err(Failure::Transport(transport("protocol", message)));
    }
    let bytes = bytes.map_err(|error| match error {
        // Else it was the guest's own wish.
        NetError::TooLarge { limit, .. } if request.is_ceiling || limit < request.limit => {
            Failure::TooLarge(kind_of(&error))
        }
        _ => Failure::Transport(kind_of(&error)),
    })?;
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
        NetError::Protocol { .. } | NetError::Body(_) => "protocol",
        NetError::TooLarge { .. } => "body-too-large",
    };
    transport(kind, error.to_string())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{super::prepare, *};
    use crate::{
        net::scripted::{Scripted, answer},
        plugin::testing,
    };

    /// What the guest gets, in short.
    async fn asked(server: &Scripted, path: &str, limit: Option<u32>, room: u64) -> String {
        let bound = testing::bound(server.url("").as_str(), Some("s3cret-word"));
        let request = wit::Request {
            method: wit::Method::Get,
            url: path.to_owned(),
            headers: Vec::new(),
            auth: wit::Auth::Basic,
            body: wit::Body::Empty,
            redirects: wit::Redirects::Follow,
            max_response_bytes: limit,
            extra: Vec::new(),
        };
        let prepared = prepare::prepare(&bound, request).unwrap();
        let deadline = Instant::now() + Duration::from_secs(5);
        match exchange((&bound, &bound.memory.client), prepared, &AtomicU64::new(room), deadline)
            .await
        {
            Ok(it) => {
                let names: Vec<_> = it.headers.iter().map(|it| it.name.as_str()).collect();
                let path = it.url.rsplit('/').next().unwrap_or_default();
                format!("{} /{path} {} {}", it.status, names.contains(&"set-cookie"), it.body.len())
            }
            Err(Failure::Transport(error)) => error.kind,
            Err(Failure::TooLarge(error)) => format!("ceiling: {}", error.kind),
            Err(Failure::Echo(detail)) => format!("echo: {}", detail.contains("s3cret")),
        }
    }

    #[tokio::test]
    async fn answers_are_bounded_searched_and_stripped() {
        let server = Scripted::http(|seen| match seen.target.as_str() {
            "/plain" => answer(404, &[("set-cookie", "sid=1")], "not here"),
            "/move" => answer(307, &[("location", "/plain")], "moved"),
            "/round" => answer(302, &[("location", "/round")], ""),
            "/echo" => answer(200, &[], format!("you sent {}", seen.header("authorization"))),
            "/head" => answer(200, &[("x-was", "s3cret-word")], "ok"),
            "/leak" => answer(302, &[("location", "/plain?p=s3cret-word")], ""),
            "/gzip" => answer(200, &[("content-encoding", "gzip")], "xx"),
            _ => answer(200, &[], vec![b'x'; 1000]),
        })
        .await;
        let all = u64::MAX;
        let cases = [
            ("/plain", None, all, "404 /plain false 8"),
            ("/move", None, all, "404 /plain false 8"),
            ("/round", None, all, "protocol"),
            ("/echo", None, all, "echo: false"),
            ("/head", None, all, "echo: false"),
            ("/leak", None, all, "echo: false"),
            ("/gzip", None, all, "protocol"),
            ("/large", None, all, "200 /large false 1000"),
            ("/large", Some(999), all, "body-too-large"),
            ("/large", None, 999, "ceiling: body-too-large"),
        ];
        for (path, limit, room, wanted) in cases {
            assert_eq!(asked(&server, path, limit, room).await, wanted, "{path}");
        }
        let lines: Vec<_> = server.seen().iter().map(|it| it.target.clone()).collect();
        assert!(!lines.iter().any(|target| target.contains("s3cret")), "a leak was followed");
        assert!(server.seen().iter().all(|it| it.header("accept-encoding") == "identity"));
    }

    #[tokio::test]
    async fn another_origin_is_asked_without_the_secret() {
        let other = Scripted::http(|_| answer(200, &[], "other")).await;
        let elsewhere = other.url("/file").to_string();
        let first = Scripted::http(move |_| answer(302, &[("location", &elsewhere)], "")).await;
        // Not granted at all: the rules of `net` end it.
        assert_eq!(asked(&first, "/x", None, u64::MAX).await, "denied-by-policy");
        assert!(other.seen().is_empty());
    }
}
