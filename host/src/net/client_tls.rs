//! TLS of the terminal towards its daemon: it opens no connection itself, and speaks no HTTP.

use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{TlsSettings, failure, tls::Tls};

/// Longest time of a handshake.
const PATIENCE: Duration = Duration::from_secs(20);

/// Whom a client of a daemon trusts: the platform's roots, and the certificates it was given.
#[derive(Clone)]
pub struct ClientTls {
    tls: Tls,
}

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ClientTlsError(String);

impl ClientTls {
    /// Trusts the platform's roots, and the certificates of `ca`, in PEM, besides.
    ///
    /// # Errors
    /// When `ca` holds no certificate.
    pub fn new(ca: Option<String>) -> Result<Self, ClientTlsError> {
        let settings = TlsSettings { ca_certificate: ca, ..TlsSettings::default() };
        let mut tls = Tls::new(&settings).map_err(|error| ClientTlsError(error.to_string()))?;
        std::sync::Arc::make_mut(&mut tls.config).alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { tls })
    }

    /// The client's part of a handshake with `host`, a name or an address.
    ///
    /// # Errors
    /// When its certificate is not trusted, it speaks no TLS, or it takes too long.
    pub async fn connect<S>(&self, host: &str, stream: S) -> Result<TlsStream<S>, ClientTlsError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let bare = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(bare)
            .map_err(|_| ClientTlsError(format!("{host} is neither a name nor an address")))?;
        let connector = TlsConnector::from(self.tls.config.clone());
        match tokio::time::timeout(PATIENCE, connector.connect(name, stream)).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => Err(ClientTlsError(failure::handshake(&error, self.tls.own_ca))),
            Err(_) => {
                let seconds = PATIENCE.as_secs();
                Err(ClientTlsError(format!("the handshake took more than {seconds} s")))
            }
        }
    }
}
