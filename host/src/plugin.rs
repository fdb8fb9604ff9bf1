//! Sandboxed adapters: check, compile, grant, call. wasmtime ends here.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use portolan_core::{
    budget::Budget,
    endpoint::{Credentials, EndpointSpec},
    oci::Digest,
    provider::{AdapterInfo, AllowedHost, DeliveryAuth},
};

use crate::net::Inside;

mod account;
mod adapter;
mod bound;
mod cache;
mod clock;
mod compile;
mod contract;
mod echo;
mod engine;
mod grants;
mod imports;
mod instance;
mod key_file;
#[cfg(any(feature = "api", test))]
mod measures;
mod memory;
mod package;
#[cfg(test)]
#[cfg(feature = "daemon")]
mod secrecy;
mod settings;
#[cfg(test)]
mod testing;
#[cfg(test)]
#[cfg(feature = "daemon")]
mod timing;
mod trouble;
mod v0_1;

use crate::net;
pub(crate) use adapter::Adapter;
pub use compile::compile_to_file;
use package::Origin;
pub(crate) use package::Package;
pub use trouble::Calls;

/// Who turns WebAssembly into machine code.
#[derive(Clone, Debug)]
pub enum Compiler {
    /// This process: for embedders.
    InProcess,
    /// A child of this program, called as `PROGRAM compile-plugin IN OUT`, so that a compiler
    /// crash or its memory stays outside the daemon. It calls [`compile_to_file`], and has to be
    /// built with the same version of this library.
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
            // An index of a large Helm repository has 30 MB.
            response_bytes: 32 << 20,
            log_lines: 500,
            concurrent_calls: 64,
            component_bytes: 32 << 20,
        }
    }
}

/// How adapters are run.
#[derive(Clone, Debug)]
pub(crate) struct PluginOptions {
    /// Where compiled components are kept; `None` compiles anew in each process, and in it.
    pub(crate) cache: Option<PathBuf>,
    /// Who compiles.
    pub(crate) compiler: Compiler,
    /// Bounds of every call.
    pub(crate) limits: Limits,
    /// Hosts that are reached without the endpoint's proxy.
    pub(crate) no_proxy: Vec<String>,
    /// The way to image layouts, which endpoints with the address `oci:NAME` are.
    pub(crate) layouts: Option<Inside>,
    /// What the requests and bytes of all endpoints together may use.
    pub(crate) budget: Budget,
}

/// Why an adapter could not do what was asked.
#[derive(Clone, Debug, thiserror::Error)]
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

/// The engine and every enabled adapter. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Plugins {
    inner: Arc<Inner>,
}

struct Inner {
    limits: Limits,
    engine: engine::Engine,
    workshop: Arc<compile::Workshop>,
    adapters: RwLock<BTreeMap<String, Enabled>>,
    /// Counts what makes an adapter that was bound before another than one that is bound now.
    changes: AtomicU64,
    memories: memory::Memories,
    /// Hosts that are reached without the endpoint's proxy.
    no_proxy: Vec<String>,
    layouts: Option<Inside>,
    /// What all endpoints together may use.
    budgets: net::Budgets,
}

/// A provider's adapter and the hosts it was granted.
#[derive(Clone)]
struct Enabled {
    package: Arc<Package>,
    granted: Arc<[AllowedHost]>,
}

impl Plugins {
    /// An engine without adapters.
    ///
    /// # Errors
    /// When the engine cannot be made, or the cache directory cannot be used.
    pub(crate) fn new(options: PluginOptions) -> Result<Self, PluginError> {
        let PluginOptions { cache, compiler, limits, no_proxy, layouts, budget } = options;
        let engine = engine::Engine::new(&limits)?;
        let workshop = compile::Workshop {
            engine: engine.wasm.clone(),
            compiler,
            cache: cache.map(cache::Cache::open).transpose()?,
            limits: limits.clone(),
        };
        let inner = Inner {
            limits,
            engine,
            workshop: Arc::new(workshop),
            adapters: RwLock::default(),
            changes: AtomicU64::default(),
            memories: memory::Memories::default(),
            no_proxy,
            layouts,
            budgets: net::Budgets::new(budget),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Checks, compiles and describes a component; enables nothing.
    ///
    /// # Errors
    /// When the bytes are not a component this host can run.
    pub(crate) async fn load(&self, bytes: Vec<u8>) -> Result<Arc<Package>, PluginError> {
        let (bytes, origin) = (Bytes::from(bytes), Origin::Elsewhere);
        let digest = Digest::of(&bytes);
        package::load(&self.inner, (bytes, digest), origin).await.map(Arc::new)
    }

    /// The same for one that came with the program. It was held against the contract when the program
    /// was tested, and is not again at each start: that takes longer than a small copy does.
    ///
    /// # Errors
    /// When it cannot be compiled or run.
    #[cfg(feature = "daemon")]
    pub(crate) async fn load_bundled(
        &self,
        adapter: &'static bundled_plugins::Bundled,
    ) -> Result<Arc<Package>, PluginError> {
        let (bytes, origin) = (Bytes::from_static(adapter.bytes), Origin::Bundled);
        let digest = adapter.digest.parse();
        let digest = digest.map_err(|error| PluginError::Internal(format!("{error}")))?;
        package::load(&self.inner, (bytes, digest), origin).await.map(Arc::new)
    }

    /// Makes a package its provider's adapter, with the hosts it was granted. Running calls
    /// finish on the one before.
    pub(crate) fn enable(&self, package: Arc<Package>, granted: Vec<AllowedHost>) {
        let provider = package.info.provider.clone();
        let enabled = Enabled { package, granted: granted.into() };
        self.inner
            .adapters
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(provider, enabled);
        self.inner.changes.fetch_add(1, Ordering::AcqRel);
    }

    /// Takes a provider's adapter away. Running calls finish.
    pub(crate) fn disable(&self, provider: &str) {
        self.inner.adapters.write().unwrap_or_else(PoisonError::into_inner).remove(provider);
        self.inner.changes.fetch_add(1, Ordering::AcqRel);
    }

    /// Another number, a greater one, whenever what [`Plugins::bind`] gave is out of date.
    pub(crate) fn version(&self) -> u64 {
        self.inner.changes.load(Ordering::Acquire)
    }

    /// Every enabled adapter, by provider id in byte order.
    #[must_use]
    pub(crate) fn providers(&self) -> Vec<Arc<Package>> {
        let adapters = self.inner.adapters.read().unwrap_or_else(PoisonError::into_inner);
        adapters.values().map(|enabled| enabled.package.clone()).collect()
    }

    /// The adapter for an endpoint, with its client. `id` is what the guest is told; `generation`
    /// scopes its cache, together with everything else a token may depend on.
    ///
    /// # Errors
    /// When the provider is unknown, its adapter's schema refuses the endpoint's settings, or the
    /// TLS or proxy settings are unusable.
    pub(crate) fn bind(
        &self,
        id: &str,
        generation: u64,
        spec: &EndpointSpec,
        credentials: &Credentials,
    ) -> Result<Adapter, PluginError> {
        let Enabled { package, granted } = self
            .enabled(&spec.provider)
            .ok_or_else(|| PluginError::UnknownProvider(spec.provider.clone()))?;
        let adapter = (&package.digest, &*granted);
        let fingerprint = bound::fingerprint(adapter, generation, spec, credentials)?;
        // Once for settings and adapter as they are; again when either changes.
        let client = || {
            settings::check(&spec.provider, &package.info.settings_schema, &spec.settings)
                .map_err(PluginError::Invalid)?;
            let answers = self.inner.memories.answers(id);
            let layouts = self.inner.layouts.as_ref();
            let links = (self.inner.no_proxy.as_slice(), answers);
            match spec.url.layout() {
                Some(name) => bound::client_within(spec, name, layouts, links.1),
                None => bound::client(spec, credentials, &granted, links),
            }
        };
        let memory = self.inner.memories.of((package.digest.as_str(), id), fingerprint, client)?;
        let secret = credentials.access_secret.clone();
        let private_key = key_file::private_key(secret.as_ref());
        let settings = serde_json::to_string(&spec.settings)
            .map_err(|error| PluginError::Invalid(format!("the settings: {error}")))?;
        let bound = bound::Bound {
            id: id.to_owned(),
            provider: spec.provider.clone(),
            url: spec.url.clone(),
            echo: echo::Echo::new(secret.iter().chain(&private_key)),
            public_parts: key_file::public_parts(&package.info, secret.as_ref()),
            account: account::Account { key: spec.access_key.clone(), secret },
            session_token: credentials.session_token.clone(),
            settings,
            rights: bound::Rights::of(&package.info),
            memory,
            limits: self.inner.limits.clone(),
        };
        let budgets = self.inner.memories.budgets.of(id.to_owned(), spec.budget);
        let client = bound.memory.client.within(&budgets).within(&self.inner.budgets);
        Ok(Adapter { inner: self.inner.clone(), package, bound: Arc::new(bound), client })
    }

    /// Asks a provider's adapter once more who it is, in a fresh instance.
    ///
    /// # Errors
    /// When the provider is unknown, or its adapter does not answer.
    pub(crate) async fn describe(&self, provider: &str) -> Result<AdapterInfo, PluginError> {
        let unknown = || PluginError::UnknownProvider(provider.to_owned());
        let package = self.enabled(provider).ok_or_else(unknown)?.package;
        let component = (&package.pre, &package.exports);
        package::describe(&self.inner, component, &package.digest, package.origin).await
    }

    /// How a provider's webhooks prove themselves; `Unsupported` where its adapter reads none.
    ///
    /// # Errors
    /// When the provider is unknown, or its adapter does not answer.
    pub(crate) async fn authentication(
        &self,
        provider: &str,
    ) -> Result<Arc<[DeliveryAuth]>, PluginError> {
        let unknown = || PluginError::UnknownProvider(provider.to_owned());
        let package = self.enabled(provider).ok_or_else(unknown)?.package;
        adapter::optional::authentication(&self.inner, &package).await
    }

    /// Forgets what is remembered of an endpoint: connections, tokens, keys.
    pub(crate) fn forget(&self, id: &str) {
        self.inner.memories.forget(id);
        self.inner.memories.budgets.forget(&id.to_owned());
        self.inner.changes.fetch_add(1, Ordering::AcqRel);
    }

    fn enabled(&self, provider: &str) -> Option<Enabled> {
        let adapters = self.inner.adapters.read().unwrap_or_else(PoisonError::into_inner);
        adapters.get(provider).cloned()
    }
}
