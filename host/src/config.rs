//! Settings: flags, then variables, then the TOML file, then defaults.
//!
//! The environment is read nowhere else, and here only through a lookup that is passed in, so
//! that tests set no variables and an embedder's environment stays its own.

use std::{
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use portolan_core::secret::Secret;

mod error;
mod file;
mod local;
mod paths;

pub use error::ConfigError;
pub use file::{LimitSettings, LogFormat, SourceKeys};
pub use local::Local;
pub use paths::{DaemonPaths, cache_dir};

use file::File;
use paths::{Sources, read_secret};

const DEFAULT_LISTEN: &str = "127.0.0.1:8282";
const MAX_WORKERS: usize = 256;
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
    /// Tasks at once, 1 to 256.
    pub workers: Setting<usize>,
    /// Days that entries of the audit log are kept.
    pub audit_days: Setting<u32>,
    /// Bounds of adapter calls; `None` inside keeps the library's.
    pub limits: LimitSettings,
    /// Hosts reached without an endpoint's proxy.
    pub no_proxy: Vec<String>,
    /// What endpoints may have their credentials from; absolute paths.
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
        Ok(Self {
            listen: listen(flags, &file, &sources)?,
            external_url: external_url(&file, &sources)?,
            plugins,
            admin_password: sources.variable("PORTOLAN_ADMIN_PASSWORD").map(Secret::new),
            sealing_key: sealing_key(&file, &sources, &paths)?,
            local: file.local.as_ref().map(|local| local.check(&base)).transpose()?,
            workers: workers(&file)?,
            audit_days: audit_days(&file)?,
            limits: file.limits.clone(),
            no_proxy: no_proxy(&file, &sources),
            credential_sources: credential_sources(&file, &base)?,
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

fn listen<L: Fn(&str) -> Option<String>>(
    flags: &Flags,
    file: &File,
    sources: &Sources<'_, L>,
) -> Result<Setting<SocketAddr>, ConfigError> {
    let text = sources
        .text("--listen", &flags.listen, "PORTOLAN_LISTEN", ("listen", &file.listen))
        .unwrap_or_else(|| Setting { value: DEFAULT_LISTEN.to_owned(), origin: Origin::Default });
    let origin = text.origin;
    let value: SocketAddr = text.value.parse().map_err(|_| ConfigError::Value {
        origin,
        value: text.value.clone(),
        why: format!("an address and a port are wanted, e.g. {DEFAULT_LISTEN}"),
    })?;
    let allowed = file.allow_plain_http.unwrap_or(false) || value.ip().to_canonical().is_loopback();
    if allowed { Ok(Setting { value, origin }) } else { Err(ConfigError::PlainHttp(value, origin)) }
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

/// Relative paths start at the file. They are compared with absolute ones.
fn credential_sources(file: &File, base: &Path) -> Result<SourceKeys, ConfigError> {
    let absolute = |path: &PathBuf, key: &'static str| {
        std::path::absolute(base.join(path)).map_err(|error| ConfigError::Value {
            origin: Origin::File(key),
            value: path.display().to_string(),
            why: error.to_string(),
        })
    };
    let keys = &file.credential_sources;
    let files = keys.files.iter().map(|path| absolute(path, "credential_sources.files"));
    let helpers = keys.helpers.as_ref().map(|path| absolute(path, "credential_sources.helpers"));
    Ok(SourceKeys {
        files: files.collect::<Result<_, _>>()?,
        helpers: helpers.transpose()?,
        ..keys.clone()
    })
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
