//! Adapters bound to endpoints, kept so that connections and tokens are used again.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use portolan_core::{
    endpoint::{Credentials, EndpointSpec},
    id::EndpointId,
    oci::Digest,
};

use super::{Local, lock};
use crate::{
    plugin::{Adapter, PluginError, Plugins},
    store::{Store, StoreError},
};

/// Most bound adapters kept; beyond it the cache starts anew.
const MAX_KEPT: usize = 1_024;

/// Why an endpoint has no adapter.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    /// The store could not tell.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The adapter cannot be had, or not with these settings.
    #[error(transparent)]
    Plugin(#[from] PluginError),
    /// Id 0 was asked for and nothing plays it.
    #[error(
        "this rule names the local registry (id 0), and none is configured: add a [local] \
         section with its URL, provider and credentials to the configuration"
    )]
    NoLocal,
}

/// Which binding a kept adapter belongs to.
type Key = (EndpointId, u64, Digest);

/// Binds and keeps adapters. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Connections {
    store: Store,
    plugins: Plugins,
    local: Arc<Local>,
    kept: Arc<Mutex<HashMap<Key, Adapter>>>,
}

impl Connections {
    pub(super) fn new(store: Store, plugins: Plugins, local: Local) -> Self {
        Self { store, plugins, local: Arc::new(local), kept: Arc::default() }
    }

    /// The registry behind id 0.
    pub(crate) fn local(&self) -> Option<&(EndpointSpec, Credentials)> {
        self.local.as_ref().as_ref()
    }

    /// HTTP requests sent through the adapters kept now.
    pub(super) fn requests(&self) -> u64 {
        lock(&self.kept).values().map(|adapter| adapter.client().requests()).sum()
    }

    /// An adapter for settings that are not stored.
    pub(crate) fn bind_unsaved(
        &self,
        spec: &EndpointSpec,
        credentials: &Credentials,
    ) -> Result<Adapter, PluginError> {
        self.plugins.bind("unsaved", 0, spec, credentials)
    }

    /// The adapter of an endpoint as it is stored now.
    pub(crate) async fn adapter(&self, id: EndpointId) -> Result<Adapter, ConnectError> {
        if id.0 == 0 {
            let (spec, credentials) = self.local().ok_or(ConnectError::NoLocal)?;
            return self.keep(id, 0, spec, || async { Ok(credentials.clone()) }).await;
        }
        let endpoint = self.store.endpoint(id).await?;
        let credentials = || async { Ok(self.store.credentials(id).await?) };
        self.keep(id, endpoint.generation, &endpoint.spec, credentials).await
    }

    fn digest_of(&self, provider: &str) -> Result<Digest, PluginError> {
        let loaded = self.plugins.providers();
        let package = loaded.iter().find(|package| package.info.provider == provider);
        let unknown = || PluginError::UnknownProvider(provider.to_owned());
        package.map(|package| package.digest.clone()).ok_or_else(unknown)
    }

    async fn keep<F>(
        &self,
        id: EndpointId,
        generation: u64,
        spec: &EndpointSpec,
        credentials: impl FnOnce() -> F,
    ) -> Result<Adapter, ConnectError>
    where
        F: Future<Output = Result<Credentials, ConnectError>>,
    {
        let package = self.digest_of(&spec.provider)?;
        let key = (id, generation, package);
        if let Some(adapter) = lock(&self.kept).get(&key) {
            return Ok(adapter.clone());
        }
        let credentials = credentials().await?;
        let adapter = self.plugins.bind(&id.to_string(), generation, spec, &credentials)?;
        let mut kept = lock(&self.kept);
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        kept.retain(|(other, ..), _| *other != id);
        kept.insert(key, adapter.clone());
        Ok(adapter)
    }
}
