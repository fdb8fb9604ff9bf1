//! Handshakes over a pipe: which certificate is shown, who is let in, what a change of files does.

use std::{fs, path::Path, sync::Arc, time::Duration};

use rcgen::{BasicConstraints, Certificate, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;

use super::*;

/// A server's certificate, or a CA's, with its key.
struct Pair {
    certificate: Certificate,
    params: CertificateParams,
    key: KeyPair,
}

fn self_signed(name: &str, is_ca: IsCa) -> Pair {
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = is_ca;
    let key = KeyPair::generate().unwrap();
    Pair { certificate: params.self_signed(&key).unwrap(), params, key }
}

fn server(name: &str) -> Pair {
    self_signed(name, IsCa::NoCa)
}

fn ca(name: &str) -> Pair {
    self_signed(name, IsCa::Ca(BasicConstraints::Unconstrained))
}

/// A certificate for `name` that `ca` signed.
fn signed(name: &str, ca: &Pair) -> (CertificateDer<'static>, KeyPair) {
    let issuer = Issuer::from_params(&ca.params, &ca.key);
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    let key = KeyPair::generate().unwrap();
    (params.signed_by(&key, &issuer).unwrap().der().clone(), key)
}

fn write(directory: &Path, pair: &Pair) {
    fs::write(directory.join("cert.pem"), pair.certificate.pem()).unwrap();
    fs::write(directory.join("key.pem"), pair.key.serialize_pem()).unwrap();
}

fn files(directory: &Path, clients: ClientCertificates) -> TlsFiles {
    TlsFiles { certificate: directory.join("cert.pem"), key: directory.join("key.pem"), clients }
}

/// One handshake and one byte back; gives the name the server learnt, and the protocol.
async fn shake(
    server: &ServerTls,
    trusted: &Certificate,
    client: Option<(CertificateDer<'static>, KeyPair)>,
) -> Result<(Option<String>, Vec<u8>), String> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.der().clone()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match client {
        Some((certificate, key)) => {
            let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
            builder.with_client_auth_cert(vec![certificate], key).unwrap()
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let (near, far) = tokio::io::duplex(1 << 16);
    let accepting = async {
        let mut secured = server.accept(far).await.map_err(|error| error.to_string())?;
        secured.stream.write_all(b"x").await.map_err(|error| error.to_string())?;
        Ok::<_, String>(secured.client)
    };
    let connecting = async {
        let name = ServerName::try_from("localhost").unwrap();
        let connected = TlsConnector::from(Arc::new(config)).connect(name, near).await;
        let mut stream = connected.map_err(|error| error.to_string())?;
        stream.read_u8().await.map_err(|error| error.to_string())?;
        Ok::<_, String>(stream.get_ref().1.alpn_protocol().unwrap_or_default().to_vec())
    };
    let (name, protocol) = tokio::join!(accepting, connecting);
    Ok((name?, protocol?))
}

#[tokio::test]
async fn clients_are_asked_for_what_the_settings_say() {
    let directory = tempfile::tempdir().unwrap();
    let server = server("server");
    write(directory.path(), &server);
    let (ours, other) = (ca("our CA"), ca("another CA"));
    let file = directory.path().join("ca.pem");
    fs::write(&file, ours.certificate.pem()).unwrap();
    let (none, optional, required) = (
        ClientCertificates::None,
        ClientCertificates::Optional(file.clone()),
        ClientCertificates::Required(file.clone()),
    );
    let cases = [
        (&none, None, Ok(None)),
        (&none, Some(&ours), Ok(None)),
        (&optional, None, Ok(None)),
        (&optional, Some(&ours), Ok(Some("ada"))),
        (&optional, Some(&other), Err(())),
        (&required, None, Err(())),
        (&required, Some(&ours), Ok(Some("ada"))),
        (&required, Some(&other), Err(())),
    ];
    for (clients, signer, expected) in cases {
        let tls = ServerTls::load(files(directory.path(), clients.clone())).unwrap();
        let client = signer.map(|signer| signed("ada", signer));
        let seen = shake(&tls, &server.certificate, client).await;
        let case = format!("{clients:?} {}: {seen:?}", signer.is_some());
        match expected {
            Ok(name) => assert_eq!(seen.unwrap(), (name.map(str::to_owned), b"h2".to_vec())),
            Err(()) => assert!(seen.is_err(), "{case}"),
        }
    }
}

#[tokio::test]
async fn changed_files_are_read_again_and_broken_ones_are_not_used() {
    let directory = tempfile::tempdir().unwrap();
    let (first, second) = (server("first"), server("second"));
    write(directory.path(), &first);
    let tls = ServerTls::load(files(directory.path(), ClientCertificates::None)).unwrap();
    let watching = tokio::spawn({
        let tls = tls.clone();
        async move { tls.watch(Duration::from_millis(10)).await }
    });
    shake(&tls, &first.certificate, None).await.unwrap();

    fs::write(directory.path().join("cert.pem"), second.certificate.pem()).unwrap();
    let why = tls.reload().await.unwrap_err().to_string();
    assert!(why.contains("cert.pem") && why.contains("cannot be used together"), "{why}");
    shake(&tls, &first.certificate, None).await.unwrap();

    write(directory.path(), &second);
    let changed = async {
        while shake(&tls, &second.certificate, None).await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), changed).await.unwrap();
    assert!(shake(&tls, &first.certificate, None).await.is_err());
    watching.abort();
}

#[tokio::test]
async fn files_that_change_before_anybody_watches_are_read_again_as_well() {
    let directory = tempfile::tempdir().unwrap();
    let (first, second) = (server("first"), server("second"));
    write(directory.path(), &first);
    let tls = ServerTls::load(files(directory.path(), ClientCertificates::None)).unwrap();
    write(directory.path(), &second);
    let changed = async {
        while shake(&tls, &second.certificate, None).await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::select! {
        () = tls.watch(Duration::from_millis(10)) => panic!("it ended"),
        changed = tokio::time::timeout(Duration::from_secs(10), changed) => changed.unwrap(),
    }
}

#[test]
fn unusable_files_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let load = |clients| {
        let error = ServerTls::load(files(directory.path(), clients)).err().unwrap();
        error.to_string().replace(directory.path().to_str().unwrap(), "DIR")
    };
    insta::assert_snapshot!(load(ClientCertificates::None), @"cannot read DIR/cert.pem, which is to hold the server's certificate: No such file or directory (os error 2)");
    let pair = server("server");
    write(directory.path(), &pair);
    fs::write(directory.path().join("key.pem"), pair.certificate.pem()).unwrap();
    insta::assert_snapshot!(load(ClientCertificates::None), @"DIR/key.pem does not hold the server's private key without a passphrase in PEM");
    write(directory.path(), &pair);
    let ca = ClientCertificates::Required(directory.path().join("key.pem"));
    insta::assert_snapshot!(load(ca), @"DIR/key.pem does not hold CA certificates of clients in PEM");
}
