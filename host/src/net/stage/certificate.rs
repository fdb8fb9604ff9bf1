//! A self-signed certificate for one stage: P-256, no names, no extensions. It is trusted because
//! the endpoint is given that very certificate, so nothing in it matters but the key.

use std::sync::Arc;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use rustls::{
    ServerConfig,
    crypto::ring::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
};

/// Object identifiers in DER (RFC 5758, RFC 5480, RFC 5280).
const ECDSA_WITH_SHA256: &[u8] = b"\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02";
const EC_PUBLIC_KEY: &[u8] = b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01";
const PRIME256V1: &[u8] = b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
const COMMON_NAME: &[u8] = b"\x06\x03\x55\x04\x03";

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const UTF8_STRING: u8 = 0x0c;
const UTC_TIME: u8 = 0x17;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const EXPLICIT_VERSION: u8 = 0xa0;

/// A server's configuration, and its certificate in PEM.
pub(super) struct Made {
    pub(super) config: Arc<ServerConfig>,
    pub(super) pem: String,
}

/// Makes a key and its certificate.
pub(super) fn make() -> Result<Made, String> {
    let chance = SystemRandom::new();
    let rejected = |_| "no key can be made".to_owned();
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &chance);
    let pkcs8 = pkcs8.map_err(|_| "no key can be made".to_owned())?;
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref(), &chance);
    let key = key.map_err(rejected)?;
    let body = body(key.public_key().as_ref());
    let signature = key.sign(&chance, &body).map_err(|_| "the key does not sign".to_owned())?;
    let algorithm = element(SEQUENCE, &[ECDSA_WITH_SHA256]);
    let der = element(SEQUENCE, &[&body, &algorithm, &bits(signature.as_ref())]);
    let pem = format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        BASE64_STANDARD.encode(&der)
    );
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pkcs8.as_ref().to_vec()));
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_no_client_auth()
        .with_single_cert(vec![CertificateDer::from(der)], key)
        .map_err(|error| error.to_string())?;
    Ok(Made { config: Arc::new(config), pem })
}

/// The part that is signed (RFC 5280, 4.1).
fn body(public_key: &[u8]) -> Vec<u8> {
    let common_name = element(SEQUENCE, &[COMMON_NAME, &element(UTF8_STRING, &[b"stage"])]);
    let name = element(SEQUENCE, &[&element(SET, &[&common_name])]);
    let time = |text: &[u8]| element(UTC_TIME, &[text]);
    let validity = element(SEQUENCE, &[&time(b"000101000000Z"), &time(b"491231235959Z")]);
    let algorithm = element(SEQUENCE, &[EC_PUBLIC_KEY, PRIME256V1]);
    let fields = [
        element(EXPLICIT_VERSION, &[&element(INTEGER, &[&[2]])]),
        element(INTEGER, &[&[1]]),
        element(SEQUENCE, &[ECDSA_WITH_SHA256]),
        name.clone(),
        validity,
        name,
        element(SEQUENCE, &[&algorithm, &bits(public_key)]),
    ];
    element(SEQUENCE, &fields.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

fn bits(bytes: &[u8]) -> Vec<u8> {
    element(BIT_STRING, &[&[0], bytes])
}

/// One DER element; none here has more than 65,535 bytes.
fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let [.., high, low] = content.len().to_be_bytes();
    let mut der = match (high, low) {
        (0, 0..=0x7f) => vec![tag, low],
        (0, _) => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    der.extend(content);
    der
}
