//! Settings of the listener as the library takes them, and the watch over the TLS files.

use std::{net::SocketAddr, time::Duration};

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::DaemonError;
use crate::{
    ClientCertificates, ServerTls, TlsFiles,
    api::{ApiSettings, Latencies, ProxyAuth, ServeLimits},
    config::{self, Config, Tls},
};

/// How often the TLS files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Reads the TLS files.
pub(super) fn server_tls(tls: &Tls) -> Result<ServerTls, DaemonError> {
    Ok(ServerTls::load(files(tls))?)
}

/// The TLS files as the library takes them.
pub(super) fn files(tls: &Tls) -> TlsFiles {
    let clients = match (&tls.client_ca, tls.clients) {
        (None, _) => ClientCertificates::None,
        (Some(ca), config::ClientCertificates::Optional) => {
            ClientCertificates::Optional(ca.clone())
        }
        (Some(ca), config::ClientCertificates::Required) => {
            ClientCertificates::Required(ca.clone())
        }
    };
    let (certificate, key) = (tls.certificate.clone(), tls.key.clone());
    TlsFiles { certificate, key, clients }
}

/// What the HTTP face is told; `address` is where it listens.
pub(super) fn settings(config: &Config, address: SocketAddr) -> ApiSettings {
    let usual = ServeLimits::default();
    let (connections, per_address) = config.connections;
    ApiSettings {
        external_url: config.external_url.value.clone(),
        hosts: vec![address.ip().to_string()],
        data_dir: Some(config.paths.data_dir.value.clone()),
        trusted_proxies: config.trusted_proxies.clone(),
        proxy_auth: config.proxy_auth.clone().map(proxy_auth),
        certificate_users: config.tls.as_ref().is_some_and(|tls| tls.users),
        limits: ServeLimits {
            connections: connections.unwrap_or(usual.connections),
            connections_per_address: per_address.unwrap_or(usual.connections_per_address),
            ..usual
        },
        latencies: Latencies::default(),
    }
}

fn proxy_auth(keys: config::ProxyAuth) -> ProxyAuth {
    let config::ProxyAuth { header, role_header, roles, default_role } = keys;
    ProxyAuth { header, role_header, roles, default_role }
}

/// Reads the TLS files again when they change, and on SIGHUP.
pub(super) async fn keep_fresh(tls: ServerTls, stop: CancellationToken) {
    let asked = async {
        let Ok(mut hangups) = signal(SignalKind::hangup()) else {
            return std::future::pending().await;
        };
        while hangups.recv().await.is_some() {
            tls.reload_and_tell().await;
        }
    };
    tokio::select! {
        () = tls.watch(LOOK_EVERY) => {}
        () = asked => {}
        () = stop.cancelled() => {}
    }
}
