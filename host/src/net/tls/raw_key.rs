//! The handshake's signature under certificates that webpki does not read: X.509 version 1, as old
//! appliances sign for themselves. Only the public key is taken out; nothing else is believed.

use rustls::{
    CertificateError, DigitallySignedStruct, Error, client::danger::HandshakeSignatureValid,
    crypto::WebPkiSupportedAlgorithms, pki_types::CertificateDer,
};

use super::der::{SEQUENCE, element, expect};

const BIT_STRING: u8 = 0x03;
const EXPLICIT_VERSION: u8 = 0xa0;

/// Checks the signature with the certificate's own key. Whether the certificate is to be trusted
/// has been decided before.
pub(super) fn verify(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
    algorithms: &WebPkiSupportedAlgorithms,
) -> Result<HandshakeSignatureValid, Error> {
    let (algorithm, key) = public_key(certificate).ok_or(CertificateError::BadEncoding)?;
    let candidates = algorithms
        .mapping
        .iter()
        .filter(|(scheme, _)| *scheme == signed.scheme)
        .flat_map(|(_, candidates)| candidates.iter())
        .filter(|candidate| candidate.public_key_alg_id().as_ref() == algorithm);
    for candidate in candidates {
        if candidate.verify_signature(key, message, signed.signature()).is_ok() {
            return Ok(HandshakeSignatureValid::assertion());
        }
    }
    Err(CertificateError::BadSignature.into())
}

/// Algorithm (the content of its sequence) and bits of the key (RFC 5280, 4.1).
fn public_key(certificate: &[u8]) -> Option<(&[u8], &[u8])> {
    let (certificate, _) = expect(certificate, SEQUENCE)?;
    let (mut fields, _) = expect(certificate, SEQUENCE)?;
    if let Some((_, rest)) = expect(fields, EXPLICIT_VERSION) {
        fields = rest;
    }
    // Serial number, signature algorithm, issuer, validity, subject.
    for _ in 0..5 {
        (_, _, fields) = element(fields)?;
    }
    let (info, _) = expect(fields, SEQUENCE)?;
    let (algorithm, rest) = expect(info, SEQUENCE)?;
    let (bits, _) = expect(rest, BIT_STRING)?;
    // The first byte counts unused bits; keys have none.
    bits.split_first().filter(|(unused, _)| **unused == 0).map(|(_, key)| (algorithm, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damaged_certificates_have_no_key() {
        let params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let der: &[u8] = certificate.der();
        let (_, bits) = public_key(der).unwrap();
        assert_eq!(bits, key.public_key_raw());
        for cut in 0..der.len() {
            assert!(public_key(&der[..cut]).is_none(), "cut at {cut}");
        }
        assert!(public_key(&[0xff; 64]).is_none());
    }
}
