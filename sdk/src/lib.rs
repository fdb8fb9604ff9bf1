//! Write a Portolan registry adapter.
//!
//! Implement [`Adapter`] for a type, hand it to [`export_adapter!`], build for `wasm32-wasip2`:
//! the `.wasm` file is the plug-in. `examples/minimal.rs` is the smallest one, `template/` a
//! crate to copy. What the host does and forbids is written at each interface in `wit/`.
//!
//! - [`http`]: requests below the endpoint; the host adds the secret, TLS, proxies and limits.
//! - [`token`]: the registry token flow, for [`Adapter::authorize`] and for own requests.
//! - [`distribution`]: ping, catalog and tags of the distribution API.
//! - [`signing`]: the signed APIs of AWS, Alibaba, Huawei and Google.
//! - [`delivery`] reads webhooks.
//! - [`cache`], [`log`]: what the host keeps and writes for an adapter.
//! - `testing` (feature `testing`): a scripted host, so that adapters have native unit tests.
//!
//! `portolan plugin check FILE.wasm` then holds the component against hosts that misbehave, against
//! recorded exchanges, and against a live registry.

// The generated code names this crate from the inside as adapters do from the outside.
extern crate self as portolan_sdk;

mod adapter;
#[doc(hidden)]
pub mod bindings;
mod error;
mod export;
mod host;
mod json;
mod loose;
mod page;
mod records;

pub mod cache;
pub mod delivery;
pub mod distribution;
pub mod http;
pub mod log;
pub mod signer;
pub mod signing;
pub mod time;
pub mod token;
pub mod upload;

#[cfg(all(not(target_family = "wasm"), any(test, feature = "testing")))]
pub mod testing;

pub use adapter::{Adapter, ForeignContent, Labels, Management, Notifications};
pub use bindings::{
    adapter::{
        exports::portolan::adapter::registry_adapter::{
            AccessKeyPattern, AccessSecretPattern, Action, AdapterInfo, AllowedHost, Artifact,
            ArtifactFilter, Challenge, CredentialPattern, EndpointPattern, Grant, Health, NamedUrl,
            Repository, RepositoryFilter, Scope, SigningRecipe, Target,
        },
        portolan::adapter::{
            http::{
                Auth, BasicAccount, BodyTemplate, Header, HeaderValue, Method, RawAuth,
                ResponseHeader, TemplateFormat,
            },
            types::{
                Endpoint, Error, KeyValue, OtherError, PageRequest, RateLimit, SecretText,
                TransportError, UpstreamError,
            },
        },
    },
    foreign_content::exports::portolan::adapter::foreign_content::Chart,
    labels::exports::portolan::adapter::labels::LabelPage,
    notifications::exports::portolan::adapter::notifications::{DeliveryAuth, Event, HmacHeader},
};
pub use error::Result;
pub use page::Page;

/// What [`export_adapter!`] expands to; not for authors.
#[doc(hidden)]
pub mod __private {
    pub use crate::{bindings, export::Export};
    pub use wit_bindgen::rt;
}
