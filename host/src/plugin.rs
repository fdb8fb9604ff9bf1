//! Sandboxed adapters: check, compile, grant, call. wasmtime ends here.

use std::{path::PathBuf, sync::Arc};

use portolan_core::{
    endpoint::{Credentials, EndpointSpec},
    oci::{Challenge, Digest},
    provider::{
        AdapterInfo, AllowedHost, ArtifactEntry, ArtifactQuery, Grant, HealthReport, Listing,
        RepositoryEntry, RepositoryQuery, Scope, Target,
    },
};

use crate::net;

/// Who turns WebAssembly into machine code.
#[derive(Clone, Debug)]
pub enum Compiler {
    /// This process: for embedders.
    InProcess,
    /// A child of this program, called as `PROGRAM compile-plugin IN OUT`, so that a compiler
    /// crash or its memory stays outside the daemon.
    Command(PathBuf),
}

/// What bounds every call of an adapter.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Linear memory in bytes.
    pub memory: usize,
    /// Wall time of one call, HTTP included, in milliseconds.
    pub call_ms: u64,
    /// HTTP requests one call may send.
    pub requests: u32,
    /// Bytes of one HTTP answer, after which it fails.
    pub response_bytes: u64,
    /// Log lines one call may write.
    pub log_lines: u32,
    /// Calls at once, all adapters together.
    pub concurrent_calls: usize,
    /// Bytes of a component.
    pub component_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: 64 << 20,
            call_ms: 30_000,
            requests: 200,
            response_bytes: 16 << 20,
            log_lines: 500,
            concurrent_calls: 64,
            component_bytes: 32 << 20,
        }
    }
}

/// How adapters are run.
#[derive(Clone, Debug)]
pub(crate) struct PluginOptions {
    /// Where compiled components are kept; `None` compiles anew in each process.
    pub(crate) cache: Option<PathBuf>,
    /// Who compiles.
    pub(crate) compiler: Compiler,
    /// Bounds of every call.
    pub(crate) limits: Limits,
    /// Hosts that are reached without the endpoint's proxy.
    pub(crate) no_proxy: Vec<String>,
}

/// Why an adapter could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PluginError {
    /// The bytes are not a component that this host can run; the text says what differs.
    #[error("{0}")]
    Unusable(String),
    /// No adapter of this provider is enabled.
    #[error("there is no adapter for the provider `{0}`")]
    UnknownProvider(String),
    /// A limit ended the call; `limit` names it.
    #[error("the adapter `{provider}` was stopped in {function} by its {limit} limit: {detail}")]
    Limit { provider: String, function: &'static str, limit: &'static str, detail: String },
    /// The component trapped.
    #[error("the adapter `{provider}` failed in {function}: {detail}")]
    Trap { provider: String, function: &'static str, detail: String },
    /// Credentials missing, wrong or expired.
    #[error("{0}")]
    Unauthenticated(String),
    /// Authenticated, yet not allowed.
    #[error("{0}")]
    Forbidden(String),
    /// It does not exist.
    #[error("{0}")]
    NotFound(String),
    /// It exists already, changed underneath, or is immutable.
    #[error("{0}")]
    Conflict(String),
    /// The provider asks to slow down.
    #[error("{message}")]
    RateLimited { message: String, retry_after: Option<u64> },
    /// No answer; `kind` as in WIT's `transport-error`.
    #[error("{message}")]
    Transport { kind: String, message: String },
    /// The provider answered with a status the adapter cannot use.
    #[error("{message}")]
    Upstream { status: u16, message: String, retryable: bool },
    /// The answer could not be understood.
    #[error("{0}")]
    Malformed(String),
    /// An argument or setting is not valid.
    #[error("{0}")]
    Invalid(String),
    /// This provider cannot do this.
    #[error("{0}")]
    Unsupported(String),
    /// A fault in the adapter, or in the host's own machinery.
    #[error("{0}")]
    Internal(String),
}

/// Bytes proven loadable, compiled, and asked who they are.
pub(crate) struct Package {
    /// Digest of the component's bytes.
    pub(crate) digest: Digest,
    /// Size of the component in bytes.
    pub(crate) size: u64,
    /// What it says of itself.
    pub(crate) info: AdapterInfo,
}

/// The engine and every enabled adapter. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Plugins {
    options: Arc<PluginOptions>,
}

impl Plugins {
    /// An engine without adapters.
    ///
    /// # Errors
    /// When the engine cannot be made, or the cache directory cannot be used.
    pub(crate) fn new(options: PluginOptions) -> Result<Self, PluginError> {
        Ok(Self { options: Arc::new(options) })
    }

    /// Checks, compiles and describes a component; enables nothing.
    ///
    /// # Errors
    /// When the bytes are not a component this host can run.
    pub(crate) async fn load(&self, bytes: Vec<u8>) -> Result<Arc<Package>, PluginError> {
        let _ = (bytes, &self.options);
        Err(PluginError::Internal("not built yet".to_owned()))
    }

    /// Makes a package its provider's adapter, with the hosts it was granted. Running calls
    /// finish on the one before.
    pub(crate) fn enable(&self, package: Arc<Package>, granted: Vec<AllowedHost>) {
        let _ = (package, granted);
    }

    /// Takes a provider's adapter away. Running calls finish.
    pub(crate) fn disable(&self, provider: &str) {
        let _ = provider;
    }

    /// Every enabled adapter, by provider id in byte order.
    #[must_use]
    pub(crate) fn providers(&self) -> Vec<Arc<Package>> {
        Vec::new()
    }

    /// The adapter for an endpoint, with its client. `id` is what the guest is told; `generation`
    /// scopes its cache.
    ///
    /// # Errors
    /// When the provider is unknown, or the endpoint's TLS or proxy settings are unusable.
    pub(crate) fn bind(
        &self,
        id: &str,
        generation: u64,
        spec: &EndpointSpec,
        credentials: &Credentials,
    ) -> Result<Adapter, PluginError> {
        let _ = (id, generation, credentials);
        Err(PluginError::UnknownProvider(spec.provider.clone()))
    }
}

/// One adapter bound to one endpoint. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Adapter {
    client: net::Client,
    package: Arc<Package>,
}

impl Adapter {
    /// The endpoint's client: the data plane goes through the same one.
    pub(crate) fn client(&self) -> &net::Client {
        &self.client
    }

    /// What the adapter says of itself.
    pub(crate) fn info(&self) -> &AdapterInfo {
        &self.package.info
    }

    /// Test Connection.
    pub(crate) async fn check_health(&self) -> Result<HealthReport, PluginError> {
        Err(PluginError::Internal("not built yet".to_owned()))
    }

    /// One page of repositories.
    pub(crate) async fn list_repositories(
        &self,
        query: &RepositoryQuery,
        cursor: Option<&str>,
    ) -> Result<Listing<RepositoryEntry>, PluginError> {
        let _ = (query, cursor);
        Err(PluginError::Internal("not built yet".to_owned()))
    }

    /// One page of a repository's artifacts.
    pub(crate) async fn list_artifacts(
        &self,
        repository: &str,
        query: &ArtifactQuery,
        cursor: Option<&str>,
    ) -> Result<Listing<ArtifactEntry>, PluginError> {
        let _ = (repository, query, cursor);
        Err(PluginError::Internal("not built yet".to_owned()))
    }

    /// Where the distribution API of a repository is. The host of the answer is checked.
    pub(crate) async fn locate(&self, repository: &str) -> Result<Target, PluginError> {
        let _ = repository;
        Err(PluginError::Internal("not built yet".to_owned()))
    }

    /// Authority for scopes, secret inserted. Simultaneous asks for the same scopes make one
    /// call; grants are kept until shortly before they expire.
    pub(crate) async fn authorize(
        &self,
        scopes: &[Scope],
        challenge: Option<&Challenge>,
    ) -> Result<Grant, PluginError> {
        let _ = (scopes, challenge);
        Err(PluginError::Internal("not built yet".to_owned()))
    }

    /// Makes repositories ready to be pushed to, at most 100 at once; one result for each.
    /// Does nothing where the adapter has no `management`.
    pub(crate) async fn prepare_targets(
        &self,
        repositories: &[String],
    ) -> Result<Vec<Result<(), PluginError>>, PluginError> {
        Ok(repositories.iter().map(|_| Ok(())).collect())
    }

    /// One page of label names; empty where the adapter knows none.
    pub(crate) async fn list_labels(
        &self,
        cursor: Option<&str>,
    ) -> Result<Listing<String>, PluginError> {
        let _ = cursor;
        Ok(Listing { items: Vec::new(), next: None, total: None })
    }
}
