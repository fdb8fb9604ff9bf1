//! The facade: one method for each thing a face may ask, one file for each noun.

mod accounts;
mod audit;
mod backup;
mod browse;
mod calls;
mod catalog;
mod change;
mod endpoints;
mod executions;
mod failure;
mod health;
mod hooks;
pub(crate) mod keys;
mod lifecycle;
#[cfg(feature = "api")]
pub(crate) mod limits;
#[cfg(feature = "api")]
mod measures;
mod plans;
mod plugins;
mod policies;
#[cfg(test)]
#[cfg(feature = "daemon")]
mod tests;
mod watch;

use std::{sync::Arc, time::Instant};

use portolan_core::{
    oci::Digest,
    provider::{AdapterInfo, AllowedHost},
};
use serde::Serialize;
use time::OffsetDateTime;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::{
    layout::Layouts,
    plugin::{Calls, Package, Plugins},
    replication::Engine,
    store::Store,
};

pub use accounts::TokenSpec;
pub use backup::{BackupKey, BackupTurn};
pub use browse::{ArtifactDetail, BrowsePage};
pub use calls::{AdapterCall, Answer, CallFailure, Fault};
pub use catalog::{Listing, Rows};
pub use executions::Progress;
pub use hooks::{Delivery, DeliveryError, DeliveryOutcome, LastDelivery, Webhook};
pub(crate) use lifecycle::Parts;
#[cfg(feature = "api")]
pub(crate) use measures::{EndpointMeasure, Measures, RuleMeasure};
pub use plans::PlanPage;

use catalog::Catalog;
use keys::KeyPlace;

/// A running host. Cheap to clone; [`shutdown`](Self::shutdown) ends it.
#[derive(Clone)]
pub struct Host {
    shared: Arc<Shared>,
    /// The store, on behalf of whoever this handle acts for.
    store: Store,
}

struct Shared {
    /// The store, on nobody's behalf.
    store: Store,
    plugins: Plugins,
    engine: Engine,
    bundled: Vec<Arc<Package>>,
    closing: CancellationToken,
    catalog: Catalog,
    /// What is remembered of webhooks.
    hooks: hooks::Hooks,
    /// When it was started.
    begun: Instant,
    /// One backup at a time: each keeps what is deleted meanwhile in the file.
    backups: Arc<Semaphore>,
    /// One rotation of the key at a time.
    rotations: Arc<Semaphore>,
    /// Where the sealing key is kept.
    key: KeyPlace,
    layouts: Layouts,
}

/// What `/registries/{id}/info` is made of.
#[derive(Clone, Debug)]
pub struct EndpointInfo {
    /// The adapter's own words.
    pub adapter: AdapterInfo,
    /// Label names, where the adapter knows labels.
    pub labels: Vec<String>,
}

/// A plug-in as people see it.
#[derive(Clone, Debug, Serialize)]
pub struct Plugin {
    /// Digest of the component.
    pub digest: Digest,
    /// What it says of itself.
    pub info: AdapterInfo,
    /// Whether it works, and with whose leave.
    pub state: PluginState,
    /// Hosts it was granted.
    pub granted: Vec<AllowedHost>,
    /// File it came from, or empty.
    pub source: String,
    /// When it was installed; for a bundled one, when this process loaded it.
    #[serde(with = "time::serde::rfc3339")]
    pub installed: OffsetDateTime,
    /// What it was asked to do since it was loaded.
    #[serde(flatten)]
    pub calls: Calls,
}

/// Whether a plug-in works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PluginState {
    /// Comes with the program, granted what it asks for.
    Bundled,
    /// Installed; does nothing until somebody approves it.
    Pending,
    /// Approved by an administrator.
    Approved,
}

/// What a shutdown left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShutdownReport {
    /// Tasks that ended in time.
    pub finished: usize,
    /// Tasks that were cut and go on at the next start.
    pub cut: usize,
}
