//! The TOML file. Unknown keys are refused; it holds no secret, only names of files that do.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use portolan_core::{budget::Budget, policy::options::History};
use serde::Deserialize;

use super::{ClientCertificates, ConfigError, Flags, local::LocalKeys, sources::SourceKeys};

/// The keys of the file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct File {
    pub(super) data_dir: Option<PathBuf>,
    pub(super) listen: Option<String>,
    pub(super) external_url: Option<String>,
    pub(super) socket: Option<PathBuf>,
    pub(super) plugins: Option<PathBuf>,
    pub(super) allow_plain_http: Option<bool>,
    pub(super) sealing_key_file: Option<PathBuf>,
    pub(super) workers: Option<usize>,
    pub(super) health_check_minutes: Option<u32>,
    pub(super) audit_days: Option<u32>,
    pub(super) event_window_seconds: Option<u32>,
    pub(super) no_proxy: Option<Vec<String>>,
    pub(super) log_format: Option<LogFormat>,
    pub(super) log_filter: Option<String>,
    pub(super) limits: LimitSettings,
    pub(super) budget: Budget,
    pub(super) history: History,
    pub(super) local: Option<LocalKeys>,
    pub(super) layouts: Option<LayoutKeys>,
    pub(super) credential_sources: SourceKeys,
    pub(super) tls_certificate: Option<PathBuf>,
    pub(super) tls_key: Option<PathBuf>,
    pub(super) tls_client_ca: Option<PathBuf>,
    pub(super) tls_client_certificates: Option<ClientCertificates>,
    pub(super) tls_client_users: Option<bool>,
    pub(super) max_connections: Option<usize>,
    pub(super) max_connections_per_address: Option<usize>,
    pub(super) trusted_proxies: Vec<String>,
    pub(super) proxy_auth: Option<ProxyAuthKeys>,
}

/// The keys of `[layouts]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LayoutKeys {
    pub(super) directory: PathBuf,
}

/// The keys of `[proxy_auth]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProxyAuthKeys {
    pub(super) header: String,
    pub(super) role_header: Option<String>,
    #[serde(default)]
    pub(super) roles: BTreeMap<String, String>,
    #[serde(default = "viewer")]
    pub(super) default_role: String,
}

fn viewer() -> String {
    "viewer".to_owned()
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl LogFormat {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("`text` or `json` is wanted".to_owned()),
        }
    }
}

/// Bounds of adapter calls, named as in the library's `Limits`; `None` keeps the library's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitSettings {
    /// Linear memory of one call in bytes.
    pub memory: Option<usize>,
    /// Wall time of one call in milliseconds.
    pub call_ms: Option<u64>,
    /// HTTP requests of one call.
    pub requests: Option<u32>,
    /// Bytes of one HTTP answer.
    pub response_bytes: Option<u64>,
    /// Log lines of one call.
    pub log_lines: Option<u32>,
    /// Calls at once.
    pub concurrent_calls: Option<usize>,
    /// Bytes of a component.
    pub component_bytes: Option<usize>,
}

impl File {
    /// The file that flags or environment name, with the directory its relative paths start at;
    /// no file at all where neither names one.
    pub(super) fn find(
        flags: &Flags,
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Result<(Self, PathBuf), ConfigError> {
        let variable = || lookup("PORTOLAN_CONFIG").filter(|s| !s.is_empty()).map(PathBuf::from);
        let Some(path) = flags.config.clone().or_else(variable) else {
            return Ok((Self::default(), PathBuf::new()));
        };
        let text = std::fs::read_to_string(&path).map_err(|source| ConfigError::Read {
            path: path.clone(),
            what: "is the settings file",
            source,
        })?;
        let base = path.parent().map(Path::to_path_buf).unwrap_or_default();
        Ok((Self::parse(&text, &path)?, base))
    }

    fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        toml::from_str(text).map_err(|error: toml::de::Error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            ConfigError::File {
                path: path.to_owned(),
                line: before.matches('\n').count() + 1,
                message: error.message().replace("unknown field", "unknown key"),
            }
        })
    }
}
