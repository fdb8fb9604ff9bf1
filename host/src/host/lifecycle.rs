//! From parts to a running host, and its end.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::{Host, Shared, ShutdownReport, catalog::Catalog, health, hooks, keys::KeyPlace, watch};
use crate::{
    error::{Code, Error},
    layout::Layouts,
    plugin::{Package, Plugins},
    replication::Engine,
    store::Store,
};

/// What the builder hands over.
pub(crate) struct Parts {
    pub(crate) store: Store,
    pub(crate) plugins: Plugins,
    pub(crate) engine: Engine,
    pub(crate) bundled: Vec<Arc<Package>>,
    pub(crate) plugin_dir: Option<PathBuf>,
    /// How often endpoints are checked.
    pub(crate) health_checks: Option<Duration>,
    /// Where the sealing key is kept.
    pub(crate) key: KeyPlace,
    pub(crate) layouts: Layouts,
}

impl Host {
    /// Puts the parts together; watches the plug-in directory and the endpoints' health.
    pub(crate) fn start(parts: Parts) -> Self {
        let closing = CancellationToken::new();
        let store = parts.store.clone();
        let shared = Shared {
            store: parts.store,
            plugins: parts.plugins,
            engine: parts.engine,
            bundled: parts.bundled,
            closing,
            catalog: Catalog::default(),
            hooks: hooks::Hooks::default(),
            begun: Instant::now(),
            backups: Arc::new(Semaphore::new(1)),
            rotations: Arc::new(Semaphore::new(1)),
            key: parts.key,
            layouts: parts.layouts,
        };
        let host = Self { shared: Arc::new(shared), store };
        if let Some(directory) = parts.plugin_dir {
            watch::spawn(&host, directory);
        }
        if let Some(every) = parts.health_checks {
            health::spawn(&host, every);
        }
        host
    }

    /// Takes no more work, lets what runs come to a point it can go on from, waits at most
    /// `patience`, and says what was cut.
    pub async fn shutdown(&self, patience: Duration) -> ShutdownReport {
        self.shared.closing.cancel();
        let (finished, cut) = self.shared.engine.shutdown(patience).await;
        if let Err(error) = self.shared.layouts.seal().await {
            tracing::error!(%error, "a tar file cannot be written");
        }
        ShutdownReport { finished, cut }
    }

    /// Writes the tar files among the image layouts whose contents changed; while the host runs it
    /// does so by itself a few seconds after the last change to those in its directory.
    ///
    /// # Errors
    /// When one cannot be written; what it was to hold stays in `FILE.partial` beside it.
    pub async fn seal_layouts(&self) -> Result<(), Error> {
        let sealed = self.shared.layouts.seal().await;
        sealed.map_err(|error| Error::new(Code::Unavailable, error.to_string()))
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.closing.cancel();
    }
}
