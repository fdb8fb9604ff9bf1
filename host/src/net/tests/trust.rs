//! Which certificates are accepted, and what is said of the others.

use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    date_time_ymd,
};
use rustls::{
    RootCertStore, ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier},
    sign::CertifiedKey,
};

use super::*;

/// A certificate, its PEM, and its key.
struct Identity {
    der: CertificateDer<'static>,
    pem: String,
    key: KeyPair,
    params: CertificateParams,
}

impl Identity {
    fn key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.serialize_der()).into()
    }

    fn new(names: &[&str], ca: bool, issuer: Option<&Identity>) -> Self {
        Self::with(names, issuer, |params| {
            if ca {
                params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            }
        })
    }

    fn with(
        names: &[&str],
        issuer: Option<&Identity>,
        change: impl Fn(&mut CertificateParams),
    ) -> Self {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = match issuer {
            None => params.self_signed(&key).unwrap(),
            Some(issuer) => {
                let signer = Issuer::from_params(&issuer.params, &issuer.key);
                params.signed_by(&key, &signer).unwrap()
            }
        };
        Self { der: certificate.der().clone(), pem: certificate.pem(), key, params }
    }
}

async fn outcome(server: &Scripted, tls: TlsSettings) -> Result<http::Version, String> {
    let url = server.url("/");
    let client = Client::new(ClientConfig { tls, ..config(&url) }).map_err(|e| e.to_string())?;
    let answer = client.send(get(&url), Purpose::Credentials).await;
    answer.map(|response| response.version()).map_err(|error| error.to_string())
}

fn trusting(pem: &str) -> TlsSettings {
    TlsSettings { ca_certificate: Some(pem.to_owned()), ..TlsSettings::default() }
}

#[tokio::test]
async fn servers_are_trusted_by_root_by_pin_or_not() {
    let ca = Identity::new(&[], true, None);
    let other_ca = Identity::new(&[], true, None);
    let good = Identity::new(&["127.0.0.1"], false, Some(&ca));
    let elsewhere = Identity::new(&["registry.example.com"], false, Some(&ca));
    let nameless = Identity::new(&[], false, Some(&ca));
    let expired = Identity::with(&["127.0.0.1"], Some(&ca), |params| {
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(2002, 1, 1);
    });
    let appliance = Identity::with(&[], None, |params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.not_after = date_time_ymd(2002, 1, 1);
    });
    let insecure = TlsSettings { insecure: true, ..TlsSettings::default() };
    let cases = [
        ("its CA", &good, trusting(&ca.pem), ""),
        ("one of two CAs", &good, trusting(&format!("{}{}", other_ca.pem, ca.pem)), ""),
        ("no CA", &good, TlsSettings::default(), "no CA that this computer trusts"),
        ("wrong CA", &good, trusting(&other_ca.pem), "is it the right CA?"),
        ("verify off", &good, insecure.clone(), ""),
        ("verify off, any", &appliance, insecure.clone(), ""),
        (
            "a CA wins over verify off",
            &good,
            TlsSettings { insecure: true, ..trusting(&other_ca.pem) },
            "is it the right CA?",
        ),
        ("other name", &elsewhere, trusting(&ca.pem), "registry.example.com"),
        ("no name", &nameless, trusting(&ca.pem), "names no host"),
        ("expired", &expired, trusting(&ca.pem), "has expired"),
        ("pinned CA:TRUE, no name, expired", &appliance, trusting(&appliance.pem), ""),
        ("pinned leaf of another name", &elsewhere, trusting(&elsewhere.pem), ""),
        ("no PEM", &good, trusting("hello"), "holds no PEM certificate"),
    ];
    for (case, identity, tls, expected) in cases {
        let chain = vec![identity.der.clone()];
        let server = Scripted::https(chain, identity.key(), |_| answer(200, &[], "")).await;
        match outcome(&server, tls).await {
            Ok(version) => {
                assert_eq!(expected, "", "{case}: accepted");
                assert_eq!(version, http::Version::HTTP_2, "{case}");
            }
            Err(why) => assert!(!expected.is_empty() && why.contains(expected), "{case}: {why}"),
        }
    }
}

#[derive(Debug)]
struct Imposter(Arc<CertifiedKey>);

impl ResolvesServerCert for Imposter {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }
}

#[tokio::test]
async fn a_certificate_without_its_key_is_worth_nothing() {
    let appliance = Identity::new(&[], true, None);
    let thief = Identity::new(&[], true, None);
    let key = ring::sign::any_supported_type(&thief.key()).unwrap();
    let shown = Arc::new(CertifiedKey::new(vec![appliance.der.clone()], key));
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[version])
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(Imposter(shown.clone())));
        let server = Scripted::with_config(config, |_| answer(200, &[], "")).await;
        let insecure = TlsSettings { insecure: true, ..TlsSettings::default() };
        for tls in [trusting(&appliance.pem), insecure] {
            let why = outcome(&server, tls).await.unwrap_err();
            assert!(why.contains("no trusted TLS connection"), "{why}");
        }
    }
}

/// Version 1 and self-signed: `openssl x509 -req -signkey`, valid until 2126.
const VERSION_1: &str = "-----BEGIN CERTIFICATE-----
MIIBJTCBywIUS+ZlBAHWDB7HxmK9UzONJ3M7PHUwCgYIKoZIzj0EAwIwFDESMBAG
A1UEAwwJYXBwbGlhbmNlMCAXDTI2MTEyMTE5MTYxNloYDzIxMjYxMDI4MTkxNjE2
WjAUMRIwEAYDVQQDDAlhcHBsaWFuY2UwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
AASALzacTidr5/mK4BHca9gpu5zFd5XNElsH5VZTTIHGYHJ1NFTnsHxIRcYkelea
udT+H95OfTlE3cyAZb9Twaf8MAoGCCqGSM49BAMCA0kAMEYCIQDKvcuk+PuXG6f9
h97D5NeEWV2XSAsuuiUBTN2u9DDQDwIhALIGDNiEh6zA3oqCoRGtiPBb9JnG71EN
Dl1XSj7N4kzq
-----END CERTIFICATE-----
";
const VERSION_1_KEY: &str = "-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgQg3WromajA+WY7/w
XA9sJHvJqcCSwJpT+mPEipAr3c+hRANCAASALzacTidr5/mK4BHca9gpu5zFd5XN
ElsH5VZTTIHGYHJ1NFTnsHxIRcYkeleaudT+H95OfTlE3cyAZb9Twaf8
-----END PRIVATE KEY-----
";

#[tokio::test]
async fn a_version_1_certificate_can_be_pinned() {
    let der = CertificateDer::from_pem_slice(VERSION_1.as_bytes()).unwrap();
    let own = PrivateKeyDer::from_pem_slice(VERSION_1_KEY.as_bytes()).unwrap();
    let thief = Identity::new(&[], true, None).key();
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        for (key, good) in [(&own, true), (&thief, false)] {
            let key = ring::sign::any_supported_type(key).unwrap();
            let shown = Arc::new(CertifiedKey::new(vec![der.clone()], key));
            let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
                .with_protocol_versions(&[version])
                .unwrap()
                .with_no_client_auth()
                .with_cert_resolver(Arc::new(Imposter(shown)));
            let server = Scripted::with_config(config, |_| answer(200, &[], "")).await;
            let insecure = TlsSettings { insecure: true, ..TlsSettings::default() };
            for tls in [trusting(VERSION_1), insecure] {
                let outcome = outcome(&server, tls).await;
                assert_eq!(outcome.is_ok(), good, "{outcome:?}");
            }
            assert!(outcome(&server, TlsSettings::default()).await.is_err());
        }
    }
}

#[tokio::test]
async fn a_client_certificate_is_shown() {
    let ca = Identity::new(&[], true, None);
    let server_side = Identity::new(&["127.0.0.1"], false, Some(&ca));
    let client_side = Identity::with(&["robot"], Some(&ca), |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    let provider = Arc::new(ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(ca.der.clone()).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .build()
        .unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS12])
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![server_side.der.clone()], server_side.key())
        .unwrap();
    let server = Scripted::with_config(config, |_| answer(200, &[], "")).await;
    let with = |key: &Identity| TlsSettings {
        client: Some((client_side.pem.clone(), Secret::new(key.key.serialize_pem()))),
        ..trusting(&ca.pem)
    };
    assert!(outcome(&server, with(&client_side)).await.is_ok());
    let why = outcome(&server, trusting(&ca.pem)).await.unwrap_err();
    assert!(why.contains("client certificate"), "{why}");
    let why = outcome(&server, with(&ca)).await.unwrap_err();
    assert!(why.contains("do not fit"), "{why}");
    assert!(!why.contains("PRIVATE"), "{why}");
}

#[tokio::test]
async fn realms_of_a_challenge_are_learnt_over_verified_tls_only() {
    let appliance = Identity::new(&[], true, None);
    let server = Scripted::https(vec![appliance.der.clone()], appliance.key(), |_| {
        let challenge = r#"Bearer realm="https://auth.example.com/token",service="r""#;
        answer(401, &[("www-authenticate", challenge)], "")
    })
    .await;
    let insecure = TlsSettings { insecure: true, ..TlsSettings::default() };
    for (tls, learnt) in [(trusting(&appliance.pem), true), (insecure, false)] {
        let url = server.url("/v2/");
        let client = Client::new(ClientConfig { tls, ..config(&url) }).unwrap();
        let realm: Url = "https://auth.example.com/token".parse().unwrap();
        assert!(client.egress().check(&realm, Purpose::Credentials).is_err());
        client.send(get(&url), Purpose::Anonymous).await.unwrap();
        assert_eq!(client.egress().check(&realm, Purpose::Credentials).is_ok(), learnt);
    }
}

#[tokio::test]
async fn https_is_never_led_to_http() {
    let appliance = Identity::new(&[], true, None);
    let plain = Scripted::http(|_| answer(200, &[], "")).await;
    let target = plain.url("/blob?sig=hidden").to_string();
    let server = Scripted::https(vec![appliance.der.clone()], appliance.key(), move |_| {
        answer(307, &[("location", &target)], "")
    })
    .await;
    let allowed = grant(plain.url("/").as_str(), &[HostUse::Storage], true);
    let egress = Arc::new(Egress::new(server.url("/"), vec![allowed]));
    let tls = trusting(&appliance.pem);
    let client =
        Client::new(ClientConfig { tls, proxy: None, egress, answers: Arc::default() }).unwrap();
    let outcome =
        client.send_following(server.url("/"), get(&server.url("/")), Purpose::Credentials).await;
    let error = outcome.unwrap_err().to_string();
    assert!(error.contains("downgrade") && !error.contains("hidden"), "{error}");
    assert!(plain.seen().is_empty());
}
