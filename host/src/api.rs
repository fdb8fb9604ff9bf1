//! The HTTP face: Harbor's `/api/v2.0` and our own `/api/portolan/v1` over a [`Host`].
//!
//! It reads requests into core types, asks the host, and writes answers. It never decides
//! anything about replication, never touches the store, and shows no stored secret.

mod admin;
mod audit;
pub mod auth;
mod caller;
mod console;
mod extract;
mod guard;
mod harbor;
mod headers;
mod hooks;
mod kept;
mod limits;
mod metrics;
mod openapi;
mod paging;
mod proxied;
mod respond;
mod serve;
mod shares;
mod trace;

use std::{
    path::PathBuf,
    sync::{Arc, atomic::AtomicBool},
};

use axum::{
    Router,
    extract::{Request, State},
    middleware::{self, Next},
    response::Response,
    routing::get,
};
use portolan_core::network::AddressRange;
use tower::util::MapRequestLayer;

use crate::host::Host;

pub use caller::{Caller, CertificateName, Peer, Secure};
pub use limits::ServeLimits;
pub use metrics::Latencies;
pub use proxied::ProxyAuth;
pub use serve::{Listener, serve};

/// What the HTTP face needs to know besides its host.
#[derive(Clone, Debug, Default)]
pub struct ApiSettings {
    /// Address people use, e.g. `https://portolan.example.com`; shown in `systeminfo`. Its host
    /// is accepted in `Host` headers.
    pub external_url: Option<String>,
    /// Further host names accepted in the `Host` header of a loopback listener: the configured
    /// listen host. `localhost` and loopback addresses are always accepted.
    pub hosts: Vec<String>,
    /// Proxies whose `X-Forwarded-For`, `X-Forwarded-Proto` and user headers are believed.
    pub trusted_proxies: Vec<AddressRange>,
    /// How these proxies name a user whose login they have checked; `None` where they check none.
    pub proxy_auth: Option<ProxyAuth>,
    /// Whether a client certificate logs in the user that its common name names.
    pub certificate_users: bool,
    /// Bounds of connections.
    pub limits: ServeLimits,
    /// How long requests took; listeners that share it are measured together.
    pub latencies: Latencies,
    /// Directory whose file system `systeminfo/volumes` tells of; none for a host in memory.
    pub data_dir: Option<PathBuf>,
}

/// The HTTP face of one host: who is logged in, whose passwords were wrong, and what bounds them.
/// Cheap to clone; listeners that are given clones share all of it.
#[derive(Clone)]
pub struct Api(Arc<Shared>);

/// Handlers reach the host through [`auth::Access`] alone.
struct Shared {
    host: Host,
    settings: ApiSettings,
    logins: auth::Logins,
    attempts: Arc<auth::Attempts>,
    sessions: auth::Sessions,
    /// Whether it was told already that somebody else than a proxy names users.
    warned: AtomicBool,
    noted: audit::Noted,
    streams: Arc<auth::Streams>,
}

impl Api {
    /// The face of `host`, where nobody is logged in yet.
    #[must_use]
    pub fn new(host: Host, settings: ApiSettings) -> Self {
        Self(Arc::new(Shared {
            host,
            settings,
            logins: auth::Logins::new(),
            attempts: Arc::default(),
            sessions: auth::Sessions::default(),
            warned: AtomicBool::default(),
            noted: audit::Noted::default(),
            streams: Arc::default(),
        }))
    }

    /// Every route, ready to be served or nested in an embedder's own router.
    ///
    /// A request is taken for anonymous unless it brings HTTP Basic credentials, a token, a console
    /// session, or extensions that say more: a [`Caller`] from a privileged Unix socket, a [`Peer`]
    /// that is a trusted proxy, a [`CertificateName`].
    pub fn router(&self) -> Router {
        let routes = Router::new()
            .merge(harbor::routes())
            .merge(admin::routes())
            .merge(openapi::routes())
            .merge(console::routes())
            .merge(hooks::routes())
            .route("/metrics", get(metrics::show))
            .layer(MapRequestLayer::new(trace::route))
            .fallback(respond::no_such_path)
            .with_state(self.clone());
        // Around the whole router, not in it: the router adds `Allow` to a 405 after its own layers,
        // and a path must be mended before it is looked for.
        Router::new()
            .fallback_service(routes)
            .layer(middleware::from_fn_with_state(self.clone(), surround))
    }
}

/// What every request passes, from the outside in. One layer, not five: each would allocate and
/// copy a service and a future for each request.
async fn surround(State(api): State<Api>, request: Request, next: Next) -> Response {
    let routed = |request| next.run(request);
    let guarded = |request| guard::refuse_foreign_sites(&api, request, routed);
    let noted = |request| audit::record(&api, request, guarded);
    let enveloped = |request| guard::envelope(request, noted);
    let protected = |request| headers::protect(request, enveloped);
    trace::request(&api, guard::merge_slashes(request), protected).await
}

/// The routes of a face that no other listener shares.
#[cfg(test)]
pub(crate) fn router(host: Host, settings: ApiSettings) -> Router {
    Api::new(host, settings).router()
}

#[cfg(test)]
mod tests;
