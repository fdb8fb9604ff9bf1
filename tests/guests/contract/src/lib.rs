//! Bindings of the contract, and the dull parts of an adapter, shared by the hostile guests. Does
//! nothing hostile itself.

wit_bindgen::generate!({
    path: "../../../wit/v0.1",
    world: "adapter",
    pub_export_macro: true,
});

pub use exports::portolan::adapter::registry_adapter as adapter;
pub use portolan::adapter::{http, log, types};

use adapter::{AdapterInfo, Grant, Health, Target};

/// An adapter that wants nothing.
pub fn info(provider: &str) -> AdapterInfo {
    AdapterInfo {
        provider: provider.to_owned(),
        display_name: provider.to_owned(),
        description: "a guest of the test suite".to_owned(),
        version: "0.1.0".to_owned(),
        endpoints: None,
        credentials: None,
        hint: String::new(),
        settings_schema: "{}".to_owned(),
        allowed_hosts: Vec::new(),
        login_urls: Vec::new(),
        signing: Vec::new(),
        resources: vec!["image".to_owned()],
        min_components: 1,
        max_components: None,
        accepted_manifests: Vec::new(),
        can_push: true,
        extra: Vec::new(),
    }
}

/// Good health.
pub fn healthy() -> Health {
    Health { product: None, authenticated: false, details: Vec::new() }
}

/// The distribution API of the endpoint at `base_url`.
pub fn target(base_url: &str, repository: &str) -> Target {
    Target {
        base_url: base_url.to_owned(),
        repository: repository.to_owned(),
        upload: "chunked".to_owned(),
        max_chunk_bytes: None,
        mount: true,
        extra: Vec::new(),
    }
}

/// The endpoint's access key and secret.
pub fn basic() -> Grant {
    Grant { auth: http::Auth::Basic, headers: Vec::new(), expires: None, extra: Vec::new() }
}

/// A GET of `url` without any limit of the guest's own.
pub fn get(url: &str, auth: http::Auth) -> http::Request {
    http::Request {
        method: http::Method::Get,
        url: url.to_owned(),
        headers: Vec::new(),
        auth,
        body: http::Body::Empty,
        redirects: http::Redirects::Follow,
        max_response_bytes: None,
        extra: Vec::new(),
    }
}

/// What the host refuses by policy, or limits, reaches the caller as it is.
pub fn transport(error: types::TransportError) -> types::Error {
    types::Error::Transport(error)
}
