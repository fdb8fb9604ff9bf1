//! Certificates as old appliances have them, and TLS before a server.

use std::{io, net::SocketAddr, sync::Arc};

use portolan_testregistry::Registry;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, SigningKey as _};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer},
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};
use tokio_rustls::TlsAcceptor;

/// A self-signed certificate and its key, in PEM. Cheap enough to clone.
#[derive(Clone)]
pub struct Certificate {
    pub pem: String,
    pub key_pem: String,
    certificate: CertificateDer<'static>,
    key: Arc<KeyPair>,
}

impl Certificate {
    /// Self-signed and CA:TRUE, for `127.0.0.1` and `localhost`.
    pub fn new() -> Self {
        Self::for_names(&["127.0.0.1", "localhost"])
    }

    /// Self-signed and CA:TRUE, for these names; none makes one without alternative names.
    ///
    /// # Panics
    /// When a name cannot stand in a certificate.
    pub fn for_names(names: &[&str]) -> Self {
        let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("names fit a certificate");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "appliance");
        let key = KeyPair::generate().expect("a key can be made");
        let made = params.self_signed(&key).expect("a certificate can be made");
        Self {
            pem: made.pem(),
            key_pem: key.serialize_pem(),
            certificate: made.der().clone(),
            key: Arc::new(key),
        }
    }

    /// The certificate in DER.
    pub fn der(&self) -> &[u8] {
        &self.certificate
    }

    /// An ECDSA P-256 signature over SHA-256, in ASN.1.
    pub(crate) fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        self.key.sign(bytes).expect("the key signs")
    }

    /// What a server with this certificate is configured with.
    pub fn server(&self) -> Arc<ServerConfig> {
        let key = PrivateKeyDer::try_from(self.key.serialize_der()).expect("it was just made");
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring has them")
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate.clone()], key)
            .expect("they belong together");
        Arc::new(config)
    }
}

impl Default for Certificate {
    fn default() -> Self {
        Self::new()
    }
}

/// Ends TLS before a server. Stops when dropped.
pub struct Front {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Front {
    /// Listens on a free port and tells the registry that this is its address.
    ///
    /// # Panics
    /// When there is no free port.
    pub async fn start(registry: &Registry, certificate: &Certificate) -> Self {
        let front = Self::before(registry.address(), certificate).await;
        registry.set_public_url(&front.url());
        front
    }

    /// Listens on a free port, before any server on loopback.
    ///
    /// # Panics
    /// When there is no free port.
    pub async fn before(to: SocketAddr, certificate: &Certificate) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let acceptor = TlsAcceptor::from(certificate.server());
        let task = tokio::spawn(accept(listener, acceptor, to));
        Self { address, task }
    }

    /// `https://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The connections end with this task.
async fn accept(listener: TcpListener, acceptor: TlsAcceptor, to: SocketAddr) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(pass(stream, acceptor.clone(), to));
        while connections.try_join_next().is_some() {}
    }
}

async fn pass(stream: TcpStream, acceptor: TlsAcceptor, to: SocketAddr) -> io::Result<()> {
    let mut outside = acceptor.accept(stream).await?;
    let mut inside = TcpStream::connect(to).await?;
    copy_bidirectional(&mut outside, &mut inside).await?;
    Ok(())
}
