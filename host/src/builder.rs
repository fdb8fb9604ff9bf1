//! How a [`Host`] is made: values in, no environment, nothing global.

mod key;
mod restore;

use std::{path::PathBuf, sync::Arc, time::Duration};

use futures_util::{StreamExt, TryStreamExt, stream};
use portolan_core::{
    budget::Budget,
    endpoint::{Credentials, EndpointSpec},
    policy::options::History,
    secret::Secret,
};

use crate::{
    credentials::{SourceSettings, Sources},
    error::Error,
    host::{Host, Parts},
    layout::{LayoutPlace, LayoutSettings, Layouts},
    plugin::{Compiler, Limits, Package, PluginOptions, Plugins},
    replication::{self, Engine, EngineParts, Records},
    store::Store,
};

/// Whose claims a host's are. The database file has one process at a time, so the next one may
/// take back at once what the last one held.
const OWNER: &str = "host";
/// Adapters loaded at once: one that was never used here is compiled, which takes every core and
/// a hundred megabytes.
const LOADS: usize = 2;

/// Where the key comes from that seals secrets at rest.
#[derive(Clone)]
pub enum KeySource {
    /// A file of 32 random bytes in base64, made with mode 0600 where missing.
    File(PathBuf),
    /// The key itself: 32 bytes in base64.
    Given(Secret),
    /// A new random key: only for a host in memory.
    Ephemeral,
}

/// An adapter that needs no approval.
pub(crate) enum Component {
    /// It came with the program.
    #[cfg(feature = "daemon")]
    Bundled(&'static bundled_plugins::Bundled),
    /// An embedder gave it.
    Given(Vec<u8>),
}

/// Gathers what a host needs; [`build`](Self::build) starts it.
pub struct HostBuilder {
    pub(crate) data_dir: Option<PathBuf>,
    pub(crate) key: KeySource,
    pub(crate) compiler: Compiler,
    pub(crate) cache: Option<PathBuf>,
    pub(crate) limits: Limits,
    pub(crate) adapters: Vec<Component>,
    pub(crate) plugin_dir: Option<PathBuf>,
    pub(crate) local: Option<(EndpointSpec, Credentials)>,
    pub(crate) workers: usize,
    pub(crate) state: Option<(PathBuf, Duration)>,
    pub(crate) audit_days: Option<u32>,
    pub(crate) history: History,
    pub(crate) no_proxy: Vec<String>,
    pub(crate) budget: Budget,
    pub(crate) sources: SourceSettings,
    pub(crate) health_checks: Option<Duration>,
    pub(crate) event_window: Duration,
    pub(crate) layouts: LayoutSettings,
    pub(crate) task_logs: bool,
}

impl HostBuilder {
    /// A host whose state is gone with it. It works on the runtime that builds it, and only as long
    /// as that one runs.
    #[must_use]
    pub fn in_memory() -> Self {
        Self {
            data_dir: None,
            key: KeySource::Ephemeral,
            compiler: Compiler::InProcess,
            cache: None,
            limits: Limits::default(),
            adapters: Vec::new(),
            plugin_dir: None,
            local: None,
            workers: 10,
            state: None,
            audit_days: None,
            history: History::USUAL,
            no_proxy: Vec::new(),
            budget: Budget::default(),
            sources: SourceSettings::default(),
            health_checks: None,
            event_window: Duration::from_secs(2),
            layouts: LayoutSettings::default(),
            task_logs: true,
        }
    }

    /// A host whose state is in a directory (made with mode 0700 where missing): database,
    /// sealing key, compiled adapters.
    #[must_use]
    pub fn in_directory(directory: impl Into<PathBuf>) -> Self {
        let directory = directory.into();
        Self {
            key: KeySource::File(directory.join("sealing-key")),
            cache: Some(directory.join("compiled")),
            data_dir: Some(directory),
            ..Self::in_memory()
        }
    }

    /// An adapter that needs no approval: it is granted the hosts it asks for.
    #[must_use]
    pub fn adapter(mut self, component: impl Into<Vec<u8>>) -> Self {
        self.adapters.push(Component::Given(component.into()));
        self
    }

    /// The same for one that came with the program.
    #[cfg(feature = "daemon")]
    pub(crate) fn bundled(mut self, adapter: &'static bundled_plugins::Bundled) -> Self {
        self.adapters.push(Component::Bundled(adapter));
        self
    }

    /// A directory watched for third-party components (`*.wasm`), which wait for approval.
    #[must_use]
    pub fn plugin_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.plugin_dir = Some(directory.into());
        self
    }

    /// Who compiles components; in this process by default.
    #[must_use]
    pub fn compiler(mut self, compiler: Compiler) -> Self {
        self.compiler = compiler;
        self
    }

    /// Where compiled components are kept.
    #[must_use]
    pub fn cache(mut self, directory: impl Into<PathBuf>) -> Self {
        self.cache = Some(directory.into());
        self
    }

    /// Bounds of every adapter call.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Where the sealing key comes from.
    #[must_use]
    pub fn key(mut self, key: KeySource) -> Self {
        self.key = key;
        self
    }

    /// The registry behind id 0, Harbor's "Local".
    #[must_use]
    pub fn local(mut self, spec: EndpointSpec, credentials: Credentials) -> Self {
        self.local = Some((spec, credentials));
        self
    }

    /// Tasks at once, 1 to 256; 10 by default.
    #[must_use]
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = workers.clamp(1, 256);
        self
    }

    /// A directory (made with mode 0700 where missing) where a host in memory remembers what its
    /// destinations hold, so that the next one asks for less. It holds no credentials. A tag that
    /// was seen at a destination within `trust` is not asked for again; with nought each is.
    #[must_use]
    pub fn state(mut self, directory: impl Into<PathBuf>, trust: Duration) -> Self {
        self.state = Some((directory.into(), trust));
        self
    }

    /// Days that entries of the audit log are kept; 365 by default.
    #[must_use]
    pub fn audit_days(mut self, days: u32) -> Self {
        self.audit_days = Some(days);
        self
    }

    /// Whether logs of tasks are kept, for [`Host::task_log`]; they are by default. A host in memory
    /// that copies very much takes less without.
    #[must_use]
    pub fn task_logs(mut self, kept: bool) -> Self {
        self.task_logs = kept;
        self
    }

    /// How many ended runs of a rule are kept, and how long, where the rule does not say; fifty,
    /// however old, by default.
    #[must_use]
    pub fn history(mut self, history: History) -> Self {
        self.history = history;
        self
    }

    /// Hosts that are reached without the endpoint's proxy.
    #[must_use]
    pub fn no_proxy(mut self, hosts: Vec<String>) -> Self {
        self.no_proxy = hosts;
        self
    }

    /// What all endpoints together may use, on top of what each of them and each rule may; without
    /// limits by default.
    #[must_use]
    pub fn budget(mut self, budget: Budget) -> Self {
        self.budget = budget;
        self
    }

    /// What endpoints may have their credentials from, besides the store; nothing by default.
    #[must_use]
    pub fn credential_sources(mut self, sources: SourceSettings) -> Self {
        self.sources = sources;
        self
    }

    /// How often each stored endpoint is checked, and its health recorded; one second at least.
    /// Never by default.
    #[must_use]
    pub fn health_checks(mut self, every: Duration) -> Self {
        self.health_checks = Some(every.max(Duration::from_secs(1)));
        self
    }

    /// How long what webhooks tell is gathered before rules run for it, an hour at most; two seconds
    /// by default.
    #[must_use]
    pub fn event_window(mut self, window: Duration) -> Self {
        self.event_window = window.min(Duration::from_secs(3600));
        self
    }

    /// An image layout, which an endpoint with the address `oci:NAME` is: see
    /// [`check_layout_name`](portolan_core::endpoint::address::check_layout_name).
    #[must_use]
    pub fn layout(mut self, name: impl Into<String>, place: LayoutPlace) -> Self {
        self.layouts.named.insert(name.into(), place);
        self
    }

    /// A directory in which every other `oci:NAME` is an image layout, a tar file where the name
    /// ends in `.tar`. There is none by default, and such endpoints are refused.
    #[must_use]
    pub fn layouts_in(mut self, directory: impl Into<PathBuf>) -> Self {
        self.layouts.directory = Some(directory.into());
        self
    }

    /// Opens the store, loads adapters, takes up what was under way, and starts working.
    ///
    /// # Errors
    /// When the data directory, the store, the key or an adapter cannot be used.
    pub async fn build(self) -> Result<Host, Error> {
        let lasts = self.data_dir.is_some();
        let (store, key) = key::open_store(self.key, self.data_dir).await?;
        self.audit_days.inspect(|days| store.keep_audit_for(*days));
        let (layouts, way) = Layouts::start(self.layouts);
        if !self.task_logs {
            store.keep_no_logs();
        }
        store.keep_history(self.history);
        let plugins = Plugins::new(PluginOptions {
            cache: self.cache,
            compiler: self.compiler,
            limits: self.limits,
            no_proxy: self.no_proxy,
            layouts: way,
            budget: self.budget,
        })?;
        let bundled = load_bundled(&plugins, self.adapters).await?;
        enable_approved(&store, &plugins).await?;
        let records = records(&store, self.state, lasts).await?;
        let sources = Sources::new(self.sources);
        let connections =
            replication::connections(store.clone(), plugins.clone(), self.local, sources);
        let parts = EngineParts {
            store: store.clone(),
            connections,
            owner: OWNER.to_owned(),
            workers: self.workers,
            records,
            event_window: self.event_window.try_into().unwrap_or(time::Duration::ZERO),
        };
        let engine = Engine::start(parts).await?;
        let (plugin_dir, health_checks) = (self.plugin_dir, self.health_checks);
        Ok(Host::start(Parts {
            store,
            plugins,
            engine,
            bundled,
            plugin_dir,
            health_checks,
            key,
            layouts,
        }))
    }
}

/// What is remembered of destinations: in a directory of its own, or with everything else.
async fn records(
    store: &Store,
    state: Option<(PathBuf, Duration)>,
    lasts: bool,
) -> Result<Records, Error> {
    let Some((directory, trust)) = state else {
        return Ok(if lasts { Records::new(store.clone(), None) } else { Records::default() });
    };
    let file = KeySource::File(directory.join("sealing-key"));
    let (own, _) = key::open_store(file, Some(directory)).await?;
    Ok(Records::new(own, Some(trust)))
}

/// Loads the adapters that need no approval, a few at once.
async fn load_bundled(
    plugins: &Plugins,
    adapters: Vec<Component>,
) -> Result<Vec<Arc<Package>>, Error> {
    let loads = stream::iter(adapters).map(async |component| match component {
        #[cfg(feature = "daemon")]
        Component::Bundled(adapter) => plugins.load_bundled(adapter).await,
        Component::Given(bytes) => plugins.load(bytes).await,
    });
    let packages: Vec<_> = loads.buffered(LOADS).try_collect().await?;
    for package in &packages {
        plugins.enable(Arc::clone(package), package.info.allowed_hosts.clone());
    }
    Ok(packages)
}

/// Enables what an administrator approved earlier. One that no longer loads is said and left.
async fn enable_approved(store: &Store, plugins: &Plugins) -> Result<(), Error> {
    for record in store.plugins().await? {
        let Some(grant) = record.grant else { continue };
        let bytes = store.plugin_bytes(&record.digest).await?;
        match plugins.load(bytes).await {
            Ok(package) => plugins.enable(package, grant.hosts),
            Err(error) => {
                let provider = &record.info.provider;
                tracing::error!(provider, %error, "an approved plug-in cannot be used");
            }
        }
    }
    Ok(())
}
