//! Settings: flags, then variables, then the TOML file, then defaults.
//!
//! The environment is read nowhere else, and here only through a lookup that is passed in, so
//! that tests set no variables and an embedder's environment stays its own.

use std::{fmt, net::SocketAddr, path::PathBuf};

use portolan_core::{
    budget::Budget, network::AddressRange, policy::options::History, secret::Secret,
};

mod error;
mod file;
mod local;
mod paths;
mod sources;
mod transport;

pub use error::ConfigError;
pub use file::{LimitSettings, LogFormat};
pub use local::Local;
pub use paths::{DaemonPaths, cache_dir};
pub use sources::{PathKeys, RoleKeys, SourceKeys};
pub use transport::{ClientCertificates, ProxyAuth, Tls};

use file::File;
use paths::{Sources, read_secret};

/// Longest time that events are gathered, in seconds.
const MAX_EVENT_WINDOW: u32 = 3600;
const MAX_WORKERS: usize = 256;
const MAX_HEALTH_MINUTES: u32 = 24 * 60;
/// Longest time that entries of the audit log can be kept, in days.
const MAX_DAYS: u32 = 36_500;

/// Where a value was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// An option on the command line.
    Flag(&'static str),
    /// An environment variable.
    Variable(&'static str),
    /// A key of the file.
    File(&'static str),
    /// Nobody said anything.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) => write!(f, "the option {name}"),
            Self::Variable(name) => write!(f, "the variable {name}"),
            Self::File(key) => write!(f, "the key `{key}` of the settings file"),
            Self::Default => f.write_str("the default"),
        }
    }
}

/// A value, and where it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting<T> {
    /// The value.
    pub value: T,
    /// Where it was found.
    pub origin: Origin,
}

/// What the command line says.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// `--config`.
    pub config: Option<PathBuf>,
    /// `--data-dir`.
    pub data_dir: Option<PathBuf>,
    /// `--listen`.
    pub listen: Option<String>,
    /// `--socket`.
    pub socket: Option<PathBuf>,
    /// `--plugins`.
    pub plugins: Option<PathBuf>,
    /// `--tls-certificate`.
    pub tls_certificate: Option<PathBuf>,
    /// `--tls-key`.
    pub tls_key: Option<PathBuf>,
    /// `--tls-client-ca`.
    pub tls_client_ca: Option<PathBuf>,
    /// `--allow-plain-http`.
    pub allow_plain_http: bool,
}

/// Where the key that seals secrets at rest comes from.
#[derive(Clone)]
pub enum SealingKey {
    /// A file, made where missing.
    File(PathBuf),
    /// The key itself, from the environment or from a systemd credential.
    Given(Secret),
}

/// Everything the daemon is told.
#[derive(Clone)]
pub struct Config {
    /// Where the data and the socket are.
    pub paths: DaemonPaths,
    /// Address of the HTTP listener.
    pub listen: Setting<SocketAddr>,
    /// TLS of that listener; plain HTTP where `None`.
    pub tls: Option<Tls>,
    /// Proxies whose word about a request's origin is taken.
    pub trusted_proxies: Vec<AddressRange>,
    /// How these proxies name users.
    pub proxy_auth: Option<ProxyAuth>,
    /// Most connections at once, and of one address; `None` keeps the library's.
    pub connections: (Option<usize>, Option<usize>),
    /// Address people use where a proxy stands before the listener.
    pub external_url: Setting<Option<String>>,
    /// Directory watched for third-party adapters.
    pub plugins: Setting<PathBuf>,
    /// Password of `admin` at the first start; generated where `None`.
    pub admin_password: Option<Secret>,
    /// What seals secrets at rest.
    pub sealing_key: SealingKey,
    /// The registry behind id 0.
    pub local: Option<Local>,
    /// Directory of the image layouts that endpoints with the address `oci:NAME` are.
    pub layouts: Option<PathBuf>,
    /// Tasks at once, 1 to 256.
    pub workers: Setting<usize>,
    /// Minutes between two health checks of an endpoint, at most a day; 0 is never.
    pub health_check_minutes: Setting<u32>,
    /// Days that entries of the audit log are kept.
    pub audit_days: Setting<u32>,
    /// How many ended runs of a rule are kept, and how long; 0 is the library's usual number.
    pub history: History,
    /// Seconds that what webhooks tell is gathered before rules run for it, at most an hour.
    pub event_window_seconds: Setting<u32>,
    /// Bounds of adapter calls; `None` inside keeps the library's.
    pub limits: LimitSettings,
    /// Hosts reached without an endpoint's proxy.
    pub no_proxy: Vec<String>,
    /// What all endpoints together may use.
    pub budget: Budget,
    /// What endpoints may have their credentials from, and for which hosts; absolute paths.
    pub credential_sources: SourceKeys,
    /// How log lines look.
    pub log_format: Setting<LogFormat>,
    /// Which log lines there are, as `tracing` filter directives.
    pub log_filter: Setting<String>,
}

impl Config {
    /// Gathers every setting. `lookup` answers for environment variables.
    ///
    /// # Errors
    /// When a file cannot be read, a key is unknown, or a value cannot be; the text names the
    /// value's origin.
    pub fn load(
        flags: &Flags,
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let (file, base) = File::find(flags, &lookup)?;
        let sources = Sources { lookup: &lookup, base: &base };
        let paths = DaemonPaths::gather(flags, &file, &sources)?;
        let plugins = sources
            .path("--plugins", &flags.plugins, "PORTOLAN_PLUGINS", ("plugins", &file.plugins))
            .unwrap_or_else(|| Setting {
                value: paths.data_dir.value.join("plugins"),
                origin: Origin::Default,
            });
        let tls = Tls::gather(flags, &file, &sources)?;
        let trusted_proxies = transport::trusted_proxies(&file, &sources)?;
        let proxy_auth = file.proxy_auth.as_ref();
        Ok(Self {
            listen: transport::listen(flags, &file, &sources, tls.is_some())?,
            tls,
            proxy_auth: proxy_auth
                .map(|keys| ProxyAuth::check(keys, &trusted_proxies))
                .transpose()?,
            trusted_proxies,
            connections: (
                at_least_one(file.max_connections, "max_connections")?,
                at_least_one(file.max_connections_per_address, "max_connections_per_address")?,
            ),
            external_url: external_url(&file, &sources)?,
            plugins,
            admin_password: sources.variable("PORTOLAN_ADMIN_PASSWORD").map(Secret::new),
            sealing_key: sealing_key(&file, &sources, &paths)?,
            layouts: file.layouts.as_ref().map(|layouts| base.join(&layouts.directory)),
            local: file.local.as_ref().map(|local| local.check(&base)).transpose()?,
            workers: workers(&file)?,
            health_check_minutes: health_check_minutes(&file)?,
            audit_days: audit_days(&file)?,
            history: history(&file)?,
            event_window_seconds: event_window_seconds(&file)?,
            limits: file.limits.clone(),
            no_proxy: no_proxy(&file, &sources),
            budget: file.budget,
            credential_sources: file.credential_sources.check(&base)?,
            log_format: sources.or_file(
                ("PORTOLAN_LOG_FORMAT", LogFormat::parse),
                ("log_format", file.log_format),
                LogFormat::Text,
            )?,
            log_filter: sources.or_file(
                ("PORTOLAN_LOG", |text| Ok(text.to_owned())),
                ("log_filter", file.log_filter.clone()),
                "info".to_owned(),
            )?,
            paths,
        })
    }
}

fn external_url<L: Fn(&str) -> Option<String>>(
    file: &File,
    sources: &Sources<'_, L>,
) -> Result<Setting<Option<String>>, ConfigError> {
    let said = sources.or_file(
        ("PORTOLAN_EXTERNAL_URL", |text| Ok(Some(text.to_owned()))),
        ("external_url", file.external_url.clone().map(Some)),
        None,
    )?;
    let Some(text) = &said.value else { return Ok(said) };
    match url::Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(said),
        _ => Err(ConfigError::Value {
            origin: said.origin,
            value: text.clone(),
            why: "a URL is wanted, e.g. https://portolan.example.com".to_owned(),
        }),
    }
}

fn sealing_key<L: Fn(&str) -> Option<String>>(
    file: &File,
    sources: &Sources<'_, L>,
    paths: &DaemonPaths,
) -> Result<SealingKey, ConfigError> {
    if let Some(key) = sources.variable("PORTOLAN_SEALING_KEY") {
        return Ok(SealingKey::Given(Secret::new(key)));
    }
    if let Some(directory) = sources.variable("CREDENTIALS_DIRECTORY") {
        let path = PathBuf::from(directory).join("sealing-key");
        if path.exists() {
            return Ok(SealingKey::Given(read_secret(&path)?));
        }
    }
    let named = file.sealing_key_file.as_ref().map(|path| sources.base.join(path));
    Ok(SealingKey::File(named.unwrap_or_else(|| paths.data_dir.value.join("sealing-key"))))
}

fn workers(file: &File) -> Result<Setting<usize>, ConfigError> {
    match file.workers {
        None => Ok(Setting { value: 10, origin: Origin::Default }),
        Some(value @ 1..=MAX_WORKERS) => Ok(Setting { value, origin: Origin::File("workers") }),
        Some(other) => Err(ConfigError::Value {
            origin: Origin::File("workers"),
            value: other.to_string(),
            why: format!("a number from 1 to {MAX_WORKERS} is wanted"),
        }),
    }
}

fn health_check_minutes(file: &File) -> Result<Setting<u32>, ConfigError> {
    match file.health_check_minutes {
        None => Ok(Setting { value: 5, origin: Origin::Default }),
        Some(value @ 0..=MAX_HEALTH_MINUTES) => {
            Ok(Setting { value, origin: Origin::File("health_check_minutes") })
        }
        Some(other) => Err(ConfigError::Value {
            origin: Origin::File("health_check_minutes"),
            value: other.to_string(),
            why: format!("minutes from 1 to {MAX_HEALTH_MINUTES} are wanted, or 0 for never"),
        }),
    }
}

fn audit_days(file: &File) -> Result<Setting<u32>, ConfigError> {
    match file.audit_days {
        None => Ok(Setting { value: 365, origin: Origin::Default }),
        Some(value @ 1..=MAX_DAYS) => Ok(Setting { value, origin: Origin::File("audit_days") }),
        Some(other) => Err(ConfigError::Value {
            origin: Origin::File("audit_days"),
            value: other.to_string(),
            why: format!("a number from 1 to {MAX_DAYS} is wanted"),
        }),
    }
}

fn history(file: &File) -> Result<History, ConfigError> {
    let refused = |why| ConfigError::Value {
        origin: Origin::File("history"),
        value: format!("{} executions, {} days", file.history.executions, file.history.days),
        why,
    };
    file.history.fault().map_or(Ok(file.history), |why| Err(refused(why)))
}

fn event_window_seconds(file: &File) -> Result<Setting<u32>, ConfigError> {
    const KEY: Origin = Origin::File("event_window_seconds");
    match file.event_window_seconds {
        None => Ok(Setting { value: 2, origin: Origin::Default }),
        Some(value @ 0..=MAX_EVENT_WINDOW) => Ok(Setting { value, origin: KEY }),
        Some(other) => Err(ConfigError::Value {
            origin: KEY,
            value: other.to_string(),
            why: format!("seconds from 0 to {MAX_EVENT_WINDOW} are wanted"),
        }),
    }
}

fn at_least_one(said: Option<usize>, key: &'static str) -> Result<Option<usize>, ConfigError> {
    match said {
        Some(0) => Err(ConfigError::Value {
            origin: Origin::File(key),
            value: "0".to_owned(),
            why: "1 is the least".to_owned(),
        }),
        said => Ok(said),
    }
}

fn no_proxy<L: Fn(&str) -> Option<String>>(file: &File, sources: &Sources<'_, L>) -> Vec<String> {
    let text = sources.variable("NO_PROXY").or_else(|| sources.variable("no_proxy"));
    match text {
        Some(text) => {
            text.split(',').map(str::trim).filter(|s| !s.is_empty()).map(str::to_owned).collect()
        }
        None => file.no_proxy.clone().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests;
