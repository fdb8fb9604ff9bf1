//! Adapters bound to endpoints as they are stored now.
//!
//! Nothing is kept here: what is remembered of an endpoint (connections, tokens) is the plug-ins'
//! and lasts as long as nothing about the endpoint, its secrets or its grant changes.

use std::sync::Arc;

use portolan_core::{
    endpoint::{Credentials, EndpointSpec},
    id::EndpointId,
};

use super::Local;
use crate::{
    plugin::{Adapter, PluginError, Plugins},
    store::{Store, StoreError},
};

/// What an endpoint that is not stored is called.
const UNSAVED: &str = "unsaved";

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

/// Binds adapters. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Connections {
    store: Store,
    plugins: Plugins,
    local: Arc<Local>,
}

impl Connections {
    pub(super) fn new(store: Store, plugins: Plugins, local: Local) -> Self {
        Self { store, plugins, local: Arc::new(local) }
    }

    /// The registry behind id 0.
    pub(crate) fn local(&self) -> Option<&(EndpointSpec, Credentials)> {
        self.local.as_ref().as_ref()
    }

    /// HTTP requests sent to the endpoints that are remembered now.
    pub(super) fn requests(&self) -> u64 {
        self.plugins.requests()
    }

    /// An adapter for settings that are not stored.
    pub(crate) fn bind_unsaved(
        &self,
        spec: &EndpointSpec,
        credentials: &Credentials,
    ) -> Result<Adapter, PluginError> {
        self.plugins.bind(UNSAVED, 0, spec, credentials)
    }

    /// Forgets connections, tokens and keys of settings that were tried and not stored.
    pub(crate) fn forget_unsaved(&self) {
        self.plugins.forget(UNSAVED);
    }

    /// Forgets connections, tokens and keys of an endpoint that is gone.
    pub(crate) fn forget(&self, id: EndpointId) {
        self.plugins.forget(&id.to_string());
    }

    /// The adapter of an endpoint as it is stored now.
    pub(crate) async fn adapter(&self, id: EndpointId) -> Result<Adapter, ConnectError> {
        if id == EndpointId::LOCAL {
            let (spec, credentials) = self.local().ok_or(ConnectError::NoLocal)?;
            return Ok(self.plugins.bind(&id.to_string(), 0, spec, credentials)?);
        }
        let (endpoint, credentials) = self.store.endpoint_with_credentials(id).await?;
        let (generation, spec) = (endpoint.generation, &endpoint.spec);
        Ok(self.plugins.bind(&id.to_string(), generation, spec, &credentials)?)
    }
}
