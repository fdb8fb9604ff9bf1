//! Adapters bound to endpoints as they are stored now.
//!
//! Nothing is kept here: what is remembered of an endpoint (connections, tokens) is the plug-ins'
//! and lasts as long as nothing about the endpoint, its secrets or its grant changes. The tasks of
//! one execution share what was bound for one of them, as long as no endpoint and no adapter
//! changes. Credentials that have a source are read before each use; other ones are another endpoint
//! to the plug-ins.

use std::sync::Arc;

use portolan_core::{
    endpoint::{Credentials, EndpointSpec},
    id::EndpointId,
};

use super::Local;
use crate::{
    credentials::{SourceError, Sources},
    net::Budgets,
    plugin::{Adapter, PluginError, Plugins},
    store::{Lately, Store, StoreError},
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

impl From<SourceError> for PluginError {
    fn from(error: SourceError) -> Self {
        let message = error.to_string();
        match error {
            SourceError::Denied { .. } => Self::Invalid(message),
            // A file that is being replaced, a service that is busy: it may pass.
            SourceError::Failed { .. } => {
                Self::Transport { kind: "credential-source".to_owned(), message }
            }
        }
    }
}

/// Binds adapters. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Connections {
    store: Store,
    plugins: Plugins,
    local: Arc<Local>,
    sources: Arc<Sources>,
}

/// What was bound for an execution.
pub(super) type Bound = Lately<EndpointId, Connection>;

/// An endpoint that is worked with for a while. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Connection {
    adapter: Adapter,
    /// Where the credentials come from a source: what it was bound with.
    renewal: Option<Arc<Renewal>>,
    /// What the work at hand may use, besides what the endpoint may.
    budgets: Budgets,
}

struct Renewal {
    connections: Connections,
    id: String,
    generation: u64,
    spec: EndpointSpec,
    credentials: Credentials,
}

impl Connection {
    /// The adapter as it was bound at first.
    pub(super) fn adapter(&self) -> &Adapter {
        &self.adapter
    }

    /// The same for work that has these limits, too.
    pub(super) fn within(self, budgets: &Budgets) -> Self {
        let adapter = self.adapter.within(budgets);
        Self { adapter, budgets: self.budgets.and(budgets), ..self }
    }

    /// The adapter with the credentials as they are now.
    pub(super) async fn now(&self) -> Result<Adapter, PluginError> {
        let Some(renewal) = &self.renewal else { return Ok(self.adapter.clone()) };
        let Renewal { connections, id, generation, spec, credentials } = &**renewal;
        let bound = Box::pin(connections.bind(id, *generation, spec, credentials)).await;
        bound.map(|adapter| adapter.within(&self.budgets))
    }
}

impl Connections {
    pub(super) fn new(store: Store, plugins: Plugins, local: Local, sources: Sources) -> Self {
        Self { store, plugins, local: Arc::new(local), sources: Arc::new(sources) }
    }

    /// The registry behind id 0.
    pub(crate) fn local(&self) -> Option<&(EndpointSpec, Credentials)> {
        self.local.as_ref().as_ref()
    }

    /// HTTP requests sent to the endpoints that are remembered now.
    #[cfg(any(feature = "api", test))]
    pub(super) fn requests(&self) -> u64 {
        self.plugins.requests()
    }

    /// An adapter for settings that are not stored.
    pub(crate) async fn bind_unsaved(
        &self,
        spec: &EndpointSpec,
        credentials: &Credentials,
    ) -> Result<Adapter, PluginError> {
        self.bind(UNSAVED, 0, spec, credentials).await
    }

    /// An adapter with the credentials that the endpoint's source, if it has one, gives now.
    async fn bind(
        &self,
        id: &str,
        generation: u64,
        spec: &EndpointSpec,
        credentials: &Credentials,
    ) -> Result<Adapter, PluginError> {
        let Some(source) = &spec.credential_source else {
            return self.plugins.bind(id, generation, spec, credentials);
        };
        let login = self.sources.login(source, spec, credentials).await?;
        let (mut spec, mut credentials) = (spec.clone(), credentials.clone());
        spec.access_key = login.access_key.or(spec.access_key);
        credentials.access_secret = Some(login.secret);
        credentials.session_token = login.session_token;
        self.plugins.bind(id, generation, &spec, &credentials)
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
        Ok(self.connection(id).await?.adapter)
    }

    /// The same, for work that may outlast the credentials.
    pub(super) async fn connection(&self, id: EndpointId) -> Result<Connection, ConnectError> {
        let (generation, spec, credentials) = if id == EndpointId::LOCAL {
            let (spec, credentials) = self.local().ok_or(ConnectError::NoLocal)?;
            (0, spec.clone(), credentials.clone())
        } else {
            let (endpoint, credentials) = self.store.endpoint_with_credentials(id).await?;
            (endpoint.generation, endpoint.spec, credentials)
        };
        let id = id.to_string();
        let adapter = self.bind(&id, generation, &spec, &credentials).await?;
        let connections = self.clone();
        let renewal = spec
            .credential_source
            .is_some()
            .then(|| Arc::new(Renewal { connections, id, generation, spec, credentials }));
        Ok(Connection { adapter, renewal, budgets: Budgets::default() })
    }

    /// A connection that others of its execution share; one with a source of credentials is bound
    /// anew.
    pub(super) async fn shared(
        &self,
        id: EndpointId,
        bound: &Bound,
    ) -> Result<Connection, ConnectError> {
        let version = self.store.endpoints_version() + self.plugins.version();
        if let Some(connection) = bound.find(&id, version) {
            return Ok(connection);
        }
        let connection = Box::pin(self.connection(id)).await?;
        if connection.renewal.is_none() {
            bound.keep(id, version, connection.clone());
        }
        Ok(connection)
    }
}
