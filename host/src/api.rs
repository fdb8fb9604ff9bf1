//! The HTTP face: Harbor's `/api/v2.0` and our own `/api/portolan/v1` over a [`Host`].
//!
//! It reads requests into core types, asks the host, and writes answers. It never decides
//! anything about replication, never touches the store, and shows no stored secret.

mod admin;
mod audit;
pub mod auth;
mod caller;
mod extract;
mod guard;
mod harbor;
mod headers;
mod hooks;
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

use axum::{Router, middleware, routing::get};
use portolan_core::network::AddressRange;
use tower::{Layer, util::MapRequestLayer};

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

/// What handlers share. The host itself is only reached through [`auth::Access`].
#[derive(Clone)]
pub(crate) struct Api {
    host: Host,
    settings: Arc<ApiSettings>,
    logins: Arc<auth::Logins>,
    attempts: Arc<auth::Attempts>,
    sessions: Arc<auth::Sessions>,
    /// Whether it was told already that somebody else than a proxy names users.
    warned: Arc<AtomicBool>,
    noted: Arc<audit::Noted>,
    streams: Arc<auth::Streams>,
}

/// Every route over `host`, ready to be served or nested in an embedder's own router.
///
/// A request is taken for anonymous unless it brings HTTP Basic credentials, a token, a console
/// session, or extensions that say more: a [`Caller`] from a privileged Unix socket, a [`Peer`] that
/// is a trusted proxy, a [`CertificateName`].
pub fn router(host: Host, settings: ApiSettings) -> Router {
    let api = Api {
        host,
        settings: Arc::new(settings),
        logins: Arc::new(auth::Logins::new()),
        attempts: Arc::default(),
        sessions: Arc::default(),
        warned: Arc::default(),
        noted: Arc::default(),
        streams: Arc::default(),
    };
    let routes = Router::new()
        .merge(harbor::routes())
        .merge(admin::routes())
        .merge(openapi::routes())
        .merge(hooks::routes())
        .route("/metrics", get(metrics::show))
        .layer(middleware::from_fn(trace::route))
        .fallback(respond::no_such_path)
        .with_state(api.clone());
    // Around the whole router, not in it: the router adds `Allow` to a 405 after its own layers.
    let guarded = Router::new()
        .fallback_service(routes)
        .layer(middleware::from_fn_with_state(api.clone(), guard::refuse_foreign_sites))
        .layer(middleware::from_fn_with_state(api.clone(), audit::record))
        .layer(middleware::from_fn(guard::envelope))
        .layer(middleware::from_fn(headers::protect))
        .layer(middleware::from_fn_with_state(api, trace::request));
    // Layers of a router run after routing; a path must be mended before it.
    let mended = MapRequestLayer::new(guard::merge_slashes).layer(guarded);
    Router::new().fallback_service(mended)
}

#[cfg(test)]
mod tests;
