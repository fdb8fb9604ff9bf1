//! One log line for each request, and a span around it, so that whatever is logged for a request
//! says its id. Neither addresses nor bodies are logged: secrets could be in them.

use std::{
    sync::{Arc, OnceLock},
    time::Instant,
};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, Method},
    middleware::Next,
    response::Response,
};
use tracing::Instrument as _;

use super::{Api, Peer, proxied};

/// The header with the request's id.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Most characters of a client's own id in log lines.
const MAX_SHOWN: usize = 64;

/// Where the name of whoever is found to be calling is left for the log line.
#[derive(Clone, Default)]
pub(crate) struct Sender(Arc<OnceLock<String>>);

impl Sender {
    /// Leaves a name; the first one stays.
    pub(crate) fn is(&self, name: &str) {
        self.0.get_or_init(|| name.to_owned());
    }
}

/// The route that answered, as in `/api/v2.0/registries/{id}`; travels with the answer.
#[derive(Clone)]
pub(crate) struct Route(MatchedPath);

/// Echoes `X-Request-Id`, or makes one; learns what a proxy says; tells what became of the request.
pub(crate) async fn request(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let given = request.headers().get(&REQUEST_ID).filter(|id| !id.is_empty()).cloned();
    let id = given.or_else(fresh_id);
    if let Some(id) = &id {
        request.headers_mut().insert(REQUEST_ID, id.clone());
    }
    let shown = id.as_ref().and_then(|id| id.to_str().ok()).unwrap_or_default();
    let shown: String = shown.chars().take(MAX_SHOWN).collect();
    let span = tracing::info_span!("request", id = shown);
    let sender = Sender::default();
    request.extensions_mut().insert(sender.clone());
    span.in_scope(|| proxied::settle(&api, &mut request));
    let peer = request.extensions().get::<Peer>().copied();
    let method = request.method().clone();
    let mut response = next.run(request).instrument(span.clone()).await;
    let route = response.extensions().get::<Route>().cloned();
    let route = route.as_ref().map_or("-", |route| route.0.as_str());
    api.settings.latencies.note(&method, route, response.status(), begun.elapsed());
    span.in_scope(|| tell((&method, route), &response, (sender, peer), begun));
    if let Some(id) = id {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// Reads that went well are many, and told to those who ask for more.
fn tell(
    (method, route): (&Method, &str),
    response: &Response,
    from: (Sender, Option<Peer>),
    begun: Instant,
) {
    let status = response.status();
    let user = from.0.0.get().map_or("-", String::as_str);
    let address = from.1.map(|peer| tracing::field::display(peer.0));
    let ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let status_code = status.as_u16();
    if matches!(*method, Method::GET | Method::HEAD) && status.is_success() {
        tracing::debug!(%method, route, status = status_code, user, address, ms, "answered");
    } else {
        tracing::info!(%method, route, status = status_code, user, address, ms, "answered");
    }
}

/// Within the router, where it is known which route it is.
pub(crate) async fn route(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let mut response = next.run(request).await;
    if let Some(route) = route {
        response.extensions_mut().insert(Route(route));
    }
    response
}

/// A random UUID (RFC 9562 version 4); nothing where the system has no randomness left.
fn fresh_id() -> Option<HeaderValue> {
    let mut bytes = [0u8; 16];
    getrandom::fill(&mut bytes).ok()?;
    let random = u128::from_be_bytes(bytes);
    let versioned = random & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
    let mut text = format!("{versioned:032x}");
    for position in [20, 16, 12, 8] {
        text.insert(position, '-');
    }
    HeaderValue::from_str(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_version_four() {
        let id = fresh_id().unwrap();
        let id = id.to_str().unwrap();
        let lengths: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert_eq!(id.as_bytes()[14], b'4');
        assert!(b"89ab".contains(&id.as_bytes()[19]), "{id}");
        assert_ne!(fresh_id().unwrap(), id);
    }
}
