//! One log line for each request, and a span around it, so that whatever is logged for a request
//! says its id. Neither addresses nor bodies are logged: secrets could be in them.

use std::{
    hash::{BuildHasher as _, RandomState},
    sync::{
        Arc, LazyLock, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use axum::{
    extract::{MatchedPath, Request},
    http::{HeaderName, HeaderValue, Method},
    response::Response,
};
use tracing::Instrument as _;

use super::{Api, Peer, proxied};

/// The header with the request's id.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Most characters of a client's own id in log lines.
const MAX_SHOWN: usize = 64;

/// Where whoever finds out leaves for the log line who is calling, and by which route.
#[derive(Clone, Default)]
pub(crate) struct Sender(Arc<Found>);

#[derive(Default)]
struct Found {
    user: OnceLock<String>,
    /// As in `/api/v2.0/registries/{id}`.
    route: OnceLock<MatchedPath>,
}

impl Sender {
    /// Leaves a name; the first one stays.
    pub(crate) fn is(&self, name: &str) {
        self.0.user.get_or_init(|| name.to_owned());
    }

    fn user(&self) -> &str {
        self.0.user.get().map_or("-", String::as_str)
    }

    fn route(&self) -> &str {
        self.0.route.get().map_or("-", MatchedPath::as_str)
    }
}

/// Echoes `X-Request-Id`, or makes one; learns what a proxy says; tells what became of the request.
pub(crate) async fn request<F: Future<Output = Response>>(
    api: &Api,
    mut request: Request,
    next: impl FnOnce(Request) -> F,
) -> Response {
    let begun = Instant::now();
    let given = request.headers().get(&REQUEST_ID).filter(|id| !id.is_empty()).cloned();
    let id = given.or_else(fresh_id);
    if let Some(id) = &id {
        request.headers_mut().insert(REQUEST_ID, id.clone());
    }
    let shown = id.as_ref().and_then(|id| id.to_str().ok()).unwrap_or_default();
    let shown = shown.get(..MAX_SHOWN).unwrap_or(shown);
    let span = tracing::info_span!("request", id = shown);
    let sender = Sender::default();
    request.extensions_mut().insert(sender.clone());
    span.in_scope(|| proxied::settle(api, &mut request));
    let peer = request.extensions().get::<Peer>().copied();
    let method = request.method().clone();
    let mut response = next(request).instrument(span.clone()).await;
    api.0.settings.latencies.note(&method, sender.route(), response.status(), begun.elapsed());
    span.in_scope(|| tell(&method, &response, (&sender, peer), begun));
    if let Some(id) = id {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// Reads that went well are many, and told to those who ask for more.
fn tell(method: &Method, response: &Response, from: (&Sender, Option<Peer>), begun: Instant) {
    let status = response.status();
    let (user, route) = (from.0.user(), from.0.route());
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
pub(crate) fn route(request: Request) -> Request {
    let extensions = request.extensions();
    if let (Some(sender), Some(route)) =
        (extensions.get::<Sender>(), extensions.get::<MatchedPath>())
    {
        sender.0.route.get_or_init(|| route.clone());
    }
    request
}

/// A UUID in the form of a random one (RFC 9562 version 4). It names a request and proves nothing: a
/// count under a keyed hash, whose key is random, is enough, and asks the system for nothing.
fn fresh_id() -> Option<HeaderValue> {
    static KEYS: LazyLock<[RandomState; 2]> = LazyLock::new(Default::default);
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let [high, low] = KEYS.each_ref().map(|key| key.hash_one(count));
    let random = (u128::from(high) << 64) | u128::from(low);
    let versioned = random & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
    let part = |shift: u32, digits: u32| (versioned >> shift) & ((1 << (4 * digits)) - 1);
    let (one, two, three) = (part(96, 8), part(80, 4), part(64, 4));
    let (four, five) = (part(48, 4), part(0, 12));
    let text = format!("{one:08x}-{two:04x}-{three:04x}-{four:04x}-{five:012x}");
    HeaderValue::try_from(text).ok()
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
