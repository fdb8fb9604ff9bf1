//! The common name in a certificate (RFC 5280, 4.1.2.4). Only asked of certificates whose chain
//! was verified.

use crate::net::tls::der::{SEQUENCE, element, expect};

const EXPLICIT_VERSION: u8 = 0xa0;
const SET: u8 = 0x31;
const OBJECT_IDENTIFIER: u8 = 0x06;
/// UTF8String and PrintableString.
const TEXTS: [u8; 2] = [0x0c, 0x13];
/// id-at-commonName, 2.5.4.3.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];

/// The subject's one common name; none where it has several, or one that is no text.
pub(super) fn common_name(certificate: &[u8]) -> Option<String> {
    let (certificate, _) = expect(certificate, SEQUENCE)?;
    let (mut fields, _) = expect(certificate, SEQUENCE)?;
    if let Some((_, rest)) = expect(fields, EXPLICIT_VERSION) {
        fields = rest;
    }
    // Serial number, signature algorithm, issuer, validity.
    for _ in 0..4 {
        (_, _, fields) = element(fields)?;
    }
    let (mut names, _) = expect(fields, SEQUENCE)?;
    let mut found = None;
    while !names.is_empty() {
        let (set, rest) = expect(names, SET)?;
        names = rest;
        let (attribute, more) = expect(set, SEQUENCE)?;
        let (kind, value) = expect(attribute, OBJECT_IDENTIFIER)?;
        if kind != COMMON_NAME {
            continue;
        }
        if found.is_some() || !more.is_empty() {
            return None;
        }
        let (tag, text, _) = element(value)?;
        found = Some(text).filter(|_| TEXTS.contains(&tag));
        found?;
    }
    found.and_then(|text| String::from_utf8(text.to_vec()).ok())
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair};

    use super::*;

    fn certificate(names: &[(DnType, &str)]) -> Vec<u8> {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        for (kind, value) in names {
            params.distinguished_name.push(kind.clone(), *value);
        }
        let key = KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().to_vec()
    }

    /// The subject's attributes, and the common name.
    type Case<'a> = (&'a [(DnType, &'a str)], Option<&'a str>);

    #[test]
    fn the_common_name_is_read_from_its_own_attribute() {
        let organisation = (DnType::OrganizationName, "\x06\x03U\x04\x03\x0c\x04root");
        let cases: [Case<'_>; 4] = [
            (&[(DnType::CommonName, "ada")], Some("ada")),
            (&[organisation.clone(), (DnType::CommonName, "Ada L.")], Some("Ada L.")),
            (&[organisation], None),
            (&[], None),
        ];
        for (names, expected) in cases {
            assert_eq!(common_name(&certificate(names)).as_deref(), expected, "{names:?}");
        }
    }

    #[test]
    fn damaged_certificates_have_none() {
        let der = certificate(&[(DnType::CommonName, "ada")]);
        for cut in 0..der.len() {
            assert_eq!(common_name(&der[..cut]), None, "cut at {cut}");
        }
    }
}
