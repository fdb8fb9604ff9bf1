//! The HTTP face: Harbor's `/api/v2.0` and our own `/api/portolan/v1` over a [`Host`].
//!
//! It reads requests into core types, asks the host, and writes answers. It never decides
//! anything about replication, never touches the store, and shows no stored secret.

mod admin;
pub mod auth;
mod extract;
mod guard;
mod harbor;
mod openapi;
mod paging;
mod respond;
mod serve;

use std::sync::Arc;

use axum::{Router, middleware};
use tower::{Layer, util::MapRequestLayer};

use crate::host::Host;

pub use serve::{Caller, Listener, Peer, serve};

/// What the HTTP face needs to know besides its host.
#[derive(Clone, Debug, Default)]
pub struct ApiSettings {
    /// Address people use, e.g. `https://portolan.example.com`; shown in `systeminfo`. Its host
    /// is accepted in `Host` headers.
    pub external_url: Option<String>,
    /// Further host names accepted in the `Host` header of a loopback listener: the configured
    /// listen host. `localhost` and loopback addresses are always accepted.
    pub hosts: Vec<String>,
}

/// What handlers share. The host itself is only reached through [`auth::Access`].
#[derive(Clone)]
pub(crate) struct Api {
    host: Host,
    settings: Arc<ApiSettings>,
    logins: Arc<auth::Logins>,
    attempts: Arc<auth::Attempts>,
    sessions: Arc<auth::Sessions>,
}

/// Every route over `host`, ready to be served or nested in an embedder's own router.
///
/// A request is taken for anonymous unless it brings HTTP Basic credentials, a token, a console session, or a
/// [`Caller`] extension that says it came over a privileged Unix socket.
pub fn router(host: Host, settings: ApiSettings) -> Router {
    let api = Api {
        host,
        settings: Arc::new(settings),
        logins: Arc::new(auth::Logins::new()),
        attempts: Arc::default(),
        sessions: Arc::default(),
    };
    let routes = Router::new()
        .merge(harbor::routes())
        .merge(admin::routes())
        .merge(openapi::routes())
        .fallback(respond::no_such_path)
        .with_state(api.clone());
    // Around the whole router, not in it: the router adds `Allow` to a 405 after its own layers.
    let guarded = Router::new()
        .fallback_service(routes)
        .layer(middleware::from_fn_with_state(api, guard::refuse_foreign_sites))
        .layer(middleware::from_fn(guard::envelope))
        .layer(middleware::from_fn(guard::request_id));
    // Layers of a router run after routing; a path must be mended before it.
    let mended = MapRequestLayer::new(guard::merge_slashes).layer(guarded);
    Router::new().fallback_service(mended)
}

#[cfg(test)]
mod tests;
