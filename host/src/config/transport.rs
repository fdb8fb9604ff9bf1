//! How requests reach the daemon: the address, TLS, and the proxies that are believed.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf};

use http::HeaderName;
use portolan_core::{account::Role, network::AddressRange};
use serde::Deserialize;

use super::{
    ConfigError, Flags, Origin, Setting,
    file::{File, ProxyAuthKeys},
    paths::Sources,
};

const DEFAULT_LISTEN: &str = "127.0.0.1:8282";

/// The files of TLS, and what is wanted of clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The server's certificate chain in PEM.
    pub certificate: PathBuf,
    /// Its key in PEM.
    pub key: PathBuf,
    /// CAs of client certificates in PEM; `None` asks for none.
    pub client_ca: Option<PathBuf>,
    /// Whether a client may do without one.
    pub clients: ClientCertificates,
    /// Whether a client certificate logs in the user that its common name names.
    pub users: bool,
}

/// Whether clients must show a certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientCertificates {
    /// They may.
    Optional,
    /// They must.
    #[default]
    Required,
}

/// `[proxy_auth]`, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyAuth {
    /// The header with the user's name.
    pub header: HeaderName,
    /// The header with the user's groups.
    pub role_header: Option<HeaderName>,
    /// What members of a group may do.
    pub roles: BTreeMap<String, Role>,
    /// What everybody else may do.
    pub default_role: Option<Role>,
}

impl ClientCertificates {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "optional" => Ok(Self::Optional),
            "required" => Ok(Self::Required),
            _ => Err("`optional` or `required` is wanted".to_owned()),
        }
    }
}

impl Tls {
    /// Both files, or neither.
    pub(super) fn gather<L: Fn(&str) -> Option<String>>(
        flags: &Flags,
        file: &File,
        sources: &Sources<'_, L>,
    ) -> Result<Option<Self>, ConfigError> {
        let path = |flag, option, variable, key| sources.path(option, flag, variable, key);
        let certificate = path(
            &flags.tls_certificate,
            "--tls-certificate",
            "PORTOLAN_TLS_CERTIFICATE",
            ("tls_certificate", &file.tls_certificate),
        );
        let key = path(&flags.tls_key, "--tls-key", "PORTOLAN_TLS_KEY", ("tls_key", &file.tls_key));
        let client_ca = path(
            &flags.tls_client_ca,
            "--tls-client-ca",
            "PORTOLAN_TLS_CLIENT_CA",
            ("tls_client_ca", &file.tls_client_ca),
        );
        let clients = sources.or_file(
            ("PORTOLAN_TLS_CLIENT_CERTIFICATES", ClientCertificates::parse),
            ("tls_client_certificates", file.tls_client_certificates),
            ClientCertificates::default(),
        )?;
        let users = file.tls_client_users.unwrap_or(false);
        let (certificate, key) = match (&certificate, &key, &client_ca) {
            (Some(certificate), Some(key), _) => (certificate.value.clone(), key.value.clone()),
            (None, None, None) if users => return Err(ConfigError::NoClientCa),
            (None, None, None) => return Ok(None),
            (Some(one), ..) => return Err(ConfigError::Half(one.origin, "--tls-key")),
            (_, Some(Setting { origin, .. }), _) | (.., Some(Setting { origin, .. })) => {
                return Err(ConfigError::Half(*origin, "--tls-certificate"));
            }
        };
        if client_ca.is_none() && (users || clients.origin != Origin::Default) {
            return Err(ConfigError::NoClientCa);
        }
        let client_ca = client_ca.map(|path| path.value);
        Ok(Some(Self { certificate, key, client_ca, clients: clients.value, users }))
    }
}

/// Where to listen; beyond loopback without TLS only where that is asked for.
pub(super) fn listen<L: Fn(&str) -> Option<String>>(
    flags: &Flags,
    file: &File,
    sources: &Sources<'_, L>,
    tls: bool,
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
    let allowed = sources.or_file(
        ("PORTOLAN_ALLOW_PLAIN_HTTP", yes_or_no),
        ("allow_plain_http", file.allow_plain_http),
        false,
    )?;
    let allowed = tls || flags.allow_plain_http || allowed.value;
    if allowed || value.ip().to_canonical().is_loopback() {
        Ok(Setting { value, origin })
    } else {
        Err(ConfigError::PlainHttp(value, origin))
    }
}

fn yes_or_no(text: &str) -> Result<bool, String> {
    text.parse().map_err(|_| "`true` or `false` is wanted".to_owned())
}

/// The proxies that are believed.
pub(super) fn trusted_proxies<L: Fn(&str) -> Option<String>>(
    file: &File,
    sources: &Sources<'_, L>,
) -> Result<Vec<AddressRange>, ConfigError> {
    let variable = "PORTOLAN_TRUSTED_PROXIES";
    let (origin, texts) = match sources.variable(variable) {
        Some(text) => (Origin::Variable(variable), text.split(',').map(str::to_owned).collect()),
        None => (Origin::File("trusted_proxies"), file.trusted_proxies.clone()),
    };
    let range =
        |text: &String| {
            let value = text.trim().to_owned();
            value.parse().map_err(|error: portolan_core::network::InvalidRange| {
                ConfigError::Value { origin, value, why: error.to_string() }
            })
        };
    texts.iter().map(range).collect()
}

impl ProxyAuth {
    /// Checks names and roles. Without a trusted proxy nobody could ever log in that way.
    pub(super) fn check(
        keys: &ProxyAuthKeys,
        trusted: &[AddressRange],
    ) -> Result<Self, ConfigError> {
        if trusted.is_empty() {
            let why = "name the proxy's address in trusted_proxies; nobody else is believed";
            return Err(ConfigError::ProxyAuth(why.to_owned()));
        }
        if keys.role_header.is_none() && !keys.roles.is_empty() {
            let why = "roles need a role_header, in which the proxy names groups";
            return Err(ConfigError::ProxyAuth(why.to_owned()));
        }
        let default_role = match keys.default_role.as_str() {
            "none" => None,
            text => Some(role(text)?),
        };
        let named = |(group, text): (&String, &String)| Ok((group.clone(), role(text)?));
        Ok(Self {
            header: header(&keys.header)?,
            role_header: keys.role_header.as_deref().map(header).transpose()?,
            roles: keys.roles.iter().map(named).collect::<Result<_, ConfigError>>()?,
            default_role,
        })
    }
}

fn header(text: &str) -> Result<HeaderName, ConfigError> {
    text.parse().map_err(|_| ConfigError::ProxyAuth(format!("`{text}` is no name of a header")))
}

fn role(text: &str) -> Result<Role, ConfigError> {
    text.parse().map_err(|error: portolan_core::account::InvalidAccount| {
        ConfigError::ProxyAuth(error.to_string())
    })
}
