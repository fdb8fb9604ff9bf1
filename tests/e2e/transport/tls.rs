//! Certificates of a server and of a CA for its clients, and a client that checks and shows them.

use std::{fs, io, path::Path, sync::Arc};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::Request;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{Certificate, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// A client's certificate and key.
pub(super) type Identity = (CertificateDer<'static>, PrivateKeyDer<'static>);

/// A self-signed certificate with its key.
pub(super) struct Pair {
    certificate: Certificate,
    params: CertificateParams,
    key: KeyPair,
}

impl Pair {
    /// For `127.0.0.1`, and no CA.
    pub(super) fn server() -> Self {
        Self::new("portolan", IsCa::NoCa)
    }

    pub(super) fn new(name: &str, is_ca: IsCa) -> Self {
        let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = is_ca;
        let key = KeyPair::generate().unwrap();
        Self { certificate: params.self_signed(&key).unwrap(), params, key }
    }

    /// As PEM files.
    pub(super) fn write(&self, directory: &Path, certificate: &str, key: &str) {
        fs::write(directory.join(certificate), self.certificate.pem()).unwrap();
        fs::write(directory.join(key), self.key.serialize_pem()).unwrap();
    }

    /// A certificate for a client of this name.
    pub(super) fn sign(&self, name: &str) -> Identity {
        let issuer = Issuer::from_params(&self.params, &self.key);
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &issuer).unwrap();
        (certificate.der().clone(), PrivateKeyDer::try_from(key.serialize_der()).unwrap())
    }
}

/// A client that trusts one server, and may have an identity of its own.
pub(super) struct Visitor {
    address: String,
    config: ClientConfig,
}

impl Visitor {
    pub(super) fn new(address: &str, server: &Pair, client: Option<Identity>) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(server.certificate.der().clone()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let config = match client {
            Some((certificate, key)) => {
                builder.with_client_auth_cert(vec![certificate], key).unwrap()
            }
            None => builder.with_no_client_auth(),
        };
        Self { address: address.to_owned(), config }
    }

    async fn connect(&self, protocol: &[u8]) -> io::Result<TlsStream<TcpStream>> {
        let mut config = self.config.clone();
        config.alpn_protocols = vec![protocol.to_vec()];
        let stream = TcpStream::connect(&self.address).await?;
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(protocol));
        Ok(stream)
    }

    /// One request over HTTP/1.1; `Err` where there is no connection.
    pub(super) async fn ask(&self, line: &str, host: &str, body: &str) -> io::Result<String> {
        let mut stream = self.connect(b"http/1.1").await?;
        let length = body.len();
        let request = format!(
            "{line} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    }

    pub(super) async fn ping_over_http2(&self) -> String {
        let stream = TokioIo::new(self.connect(b"h2").await.unwrap());
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
        tokio::spawn(connection);
        let uri = format!("https://{}/api/v2.0/ping", self.address);
        let request = Request::builder().uri(uri).body(Empty::<Bytes>::new()).unwrap();
        let answer = sender.send_request(request).await.unwrap();
        let (version, status) = (answer.version(), answer.status());
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        format!("{version:?} {status} {}", String::from_utf8_lossy(&body))
    }
}
