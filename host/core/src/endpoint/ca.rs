//! CA bundles of endpoints (contract 2.6): whether a text is one, judged by its shape.
//!
//! Only the frame of a certificate is read here; whether a chain is good is for TLS to say.

use base64::{Engine, prelude::BASE64_STANDARD};

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";
const CERTIFICATE: &str = "CERTIFICATE";
/// Longest bundle taken, in bytes; the platform's own has a quarter of it.
const MAX_LENGTH: usize = 1 << 20;

/// Why a text is no CA bundle.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidCa {
    /// There is no certificate in it.
    #[error("the CA certificate holds no PEM block of the type CERTIFICATE")]
    NoCertificate,
    /// One of the certificates is none.
    #[error("certificate {0} of the CA certificate cannot be read: {1}")]
    Unreadable(usize, &'static str),
    /// It is too long.
    #[error("the CA certificate is longer than {MAX_LENGTH} bytes")]
    TooLong,
}

/// Checks a PEM bundle: at least one certificate, each readable; blocks of other types are passed
/// over. A blank text is none, and so no error.
///
/// # Errors
/// When it holds no certificate, or one that is broken.
pub fn check_ca(pem: &str) -> Result<(), InvalidCa> {
    if pem.trim().is_empty() {
        return Ok(());
    }
    if pem.len() > MAX_LENGTH {
        return Err(InvalidCa::TooLong);
    }
    let mut lines = pem.lines().map(str::trim);
    let mut certificates = 0;
    while let Some(line) = lines.next() {
        let Some(kind) = line.strip_prefix(BEGIN).and_then(|line| line.strip_suffix(DASHES)) else {
            continue;
        };
        let is_certificate = kind == CERTIFICATE;
        certificates += usize::from(is_certificate);
        let Some(body) = body(&mut lines, kind) else {
            return Err(InvalidCa::Unreadable(certificates.max(1), "a block has no end"));
        };
        if is_certificate {
            check_certificate(&body).map_err(|why| InvalidCa::Unreadable(certificates, why))?;
        }
    }
    if certificates == 0 { Err(InvalidCa::NoCertificate) } else { Ok(()) }
}

/// The bundle as it is stored: line ends of one kind, no blanks around it.
pub(super) fn normalised(pem: &str) -> String {
    pem.trim().replace("\r\n", "\n")
}

/// The lines up to the end of the block; `None` where it has none.
fn body<'a>(lines: &mut impl Iterator<Item = &'a str>, kind: &str) -> Option<String> {
    let mut body = String::new();
    for line in lines {
        if let Some(ending) = line.strip_prefix(END) {
            return (ending.strip_suffix(DASHES) == Some(kind)).then_some(body);
        }
        body.push_str(line);
    }
    None
}

/// RFC 5280, 4.1: a sequence of the signed part, an algorithm and a bit string.
fn check_certificate(body: &str) -> Result<(), &'static str> {
    let der = BASE64_STANDARD.decode(body).map_err(|_| "it is not base64")?;
    let (outer, rest) = element(&der, 0x30).ok_or("it is not a DER sequence")?;
    let parts = element(outer, 0x30)
        .and_then(|(_, after)| element(after, 0x30))
        .and_then(|(_, after)| element(after, 0x03));
    match parts {
        Some((_, [])) if rest.is_empty() => Ok(()),
        _ => Err("it is not an X.509 certificate"),
    }
}

/// One DER element of the given type: its content, and what follows.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&[found, length], rest) = der.split_first_chunk::<2>()?;
    if found != tag {
        return None;
    }
    if length < 0x80 {
        return rest.split_at_checked(length.into());
    }
    let (digits, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
    if !(1..=4).contains(&digits.len()) {
        return None;
    }
    let length = digits.iter().fold(0_usize, |sum, digit| sum << 8 | usize::from(*digit));
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CERT: &str = "\
-----BEGIN CERTIFICATE-----
MIIBhzCCAS2gAwIBAgIUPZad/2QNOrb70qOvRUac2SCbElEwCgYIKoZIzj0EAwIw
GDEWMBQGA1UEAwwNcmVnaXN0cnkudGVzdDAgFw0yNjExMjExODUzMjRaGA8yMTI2
MTAyODE4NTMyNFowGDEWMBQGA1UEAwwNcmVnaXN0cnkudGVzdDBZMBMGByqGSM49
AgEGCCqGSM49AwEHA0IABCoLxn4blf/WtxkTbU9jp5tsnnrqAR6yw6aEQ83xt72d
w7wdwkzD91QEYWQahpZtJX0AjC1omXbeM0FGDrYgXXqjUzBRMB0GA1UdDgQWBBRh
8ELyTtDj88sjNDZZ9G8kpTYmmDAfBgNVHSMEGDAWgBRh8ELyTtDj88sjNDZZ9G8k
pTYmmDAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIQDXxJ9PkvDy
TYVbZr+sGBIoQazekRvit0VW9EAAPm8A7wIgQ7MCqU61iJ7Pvw3AjC89wLl7Vbnp
ZSVNSCIHBIzFYs0=
-----END CERTIFICATE-----\n";
    const PUBLIC_KEY: &str = "\
-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEKgvGfhuV/9a3GRNtT2Onm2yeeuoB
HrLDpoRDzfG3vZ3DvB3CTMP3VARhZBqGlm0lfQCMLWiZdt4zQUYOtiBdeg==
-----END PUBLIC KEY-----\n";

    #[test]
    fn contract_2_6_bundles() {
        let dos = CERT.replace('\n', "\r\n");
        let good = [
            String::new(),
            " \r\n".to_owned(),
            CERT.to_owned(),
            format!("{CERT}{CERT}"),
            format!("# my CA\n{PUBLIC_KEY}\n{CERT}trailing"),
            dos,
            format!("\n  {}", CERT.trim()),
        ];
        for pem in good {
            assert_eq!(check_ca(&pem), Ok(()), "{pem}");
        }
    }

    #[test]
    fn contract_2_6_refusals() {
        let unreadable = |number, why| Err(InvalidCa::Unreadable(number, why));
        let with =
            |body: &str| format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----");
        let cases = [
            ("abc".to_owned(), Err(InvalidCa::NoCertificate)),
            (PUBLIC_KEY.to_owned(), Err(InvalidCa::NoCertificate)),
            (with("!!"), unreadable(1, "it is not base64")),
            (with(""), unreadable(1, "it is not a DER sequence")),
            (with("AAAA"), unreadable(1, "it is not a DER sequence")),
            (with("MAA="), unreadable(1, "it is not an X.509 certificate")),
            (with("MP////////8="), unreadable(1, "it is not a DER sequence")),
            (format!("{CERT}{}", with("MAA=")), unreadable(2, "it is not an X.509 certificate")),
            (CERT.replace("-----END", "--END"), unreadable(1, "a block has no end")),
            (CERT.replace("END CERT", "END X"), unreadable(1, "a block has no end")),
            (
                PUBLIC_KEY.replace("PUBLIC KEY", CERTIFICATE),
                unreadable(1, "it is not an X.509 certificate"),
            ),
            (CERT.repeat(2000), Err(InvalidCa::TooLong)),
        ];
        for (pem, expected) in cases {
            assert_eq!(check_ca(&pem), expected);
        }
        let body: String = CERT.lines().filter(|line| !line.starts_with("--")).collect();
        let mut trailing = BASE64_STANDARD.decode(body).unwrap();
        trailing.push(0);
        let trailing = with(&BASE64_STANDARD.encode(trailing));
        assert_eq!(check_ca(&trailing), unreadable(1, "it is not an X.509 certificate"));
        let truncated: Vec<&str> = CERT.lines().collect();
        let truncated = [&truncated[..5], &truncated[6..]].concat().join("\n");
        assert!(check_ca(&truncated).is_err());
    }

    proptest! {
        #[test]
        fn never_panics(der in proptest::collection::vec(any::<u8>(), 0..40), tag in any::<bool>()) {
            let mut der = der;
            if tag {
                der.splice(0..0, [0x30, 0x20, 0x30]);
            }
            let body = BASE64_STANDARD.encode(der);
            let _ = check_ca(&format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----"));
        }
    }
}
