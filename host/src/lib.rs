//! Portolan as a library: container registry endpoints, sandboxed adapters, replication.
//!
//! It reads no environment, opens no port and installs no logger; `portolan serve` is one user
//! of it, an appliance is another. Start at [`HostBuilder`].

// What only the HTTP interface reads is not built without it.
#![cfg_attr(not(any(feature = "api", test)), deny(unused))]

mod builder;
mod credentials;
mod distribution;
mod error;
mod host;
mod layout;
mod net;
mod plugin;
mod replication;
mod store;

#[cfg(feature = "api")]
pub mod api;
#[cfg(feature = "daemon")]
pub mod cli;
#[cfg(feature = "daemon")]
pub mod config;
#[cfg(feature = "daemon")]
pub mod daemon;
#[cfg(feature = "daemon")]
pub mod oneshot;

pub use builder::{HostBuilder, KeySource};
pub use credentials::{Allowed, InvalidHosts, SourceHosts, SourceSettings};
#[cfg(feature = "bench")]
#[doc(hidden)]
pub use distribution::bench::forwarded;
pub use error::{Code, Error};
pub use host::{
    AdapterCall, Answer, ArtifactDetail, BackupKey, BackupTurn, BrowsePage, CallFailure, Delivery,
    DeliveryError, DeliveryOutcome, EndpointInfo, Fault, Host, LastDelivery, Listing, PlanPage,
    Plugin, PluginState, Progress, Rows, ShutdownReport, TokenSpec, Webhook,
};
pub use layout::LayoutPlace;
#[cfg(feature = "daemon")]
pub use net::client_tls::{ClientTls, ClientTlsError};
#[cfg(feature = "api")]
pub use net::inbound::{ClientCertificates, ServerTls, TlsFiles, TlsFilesError};
#[cfg(feature = "daemon")]
pub use net::stage::{Reply, Stage, StageCall};
pub use plugin::{Calls, Compiler, Limits, compile_to_file};
/// Nouns and decisions: what the methods of [`Host`] take and give.
pub use portolan_core as core;
