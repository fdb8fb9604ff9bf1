//! When a certificate ends (RFC 5280, 4.1.2.5): for whoever looks after the files of a listener.

use time::{OffsetDateTime, PrimitiveDateTime, format_description::BorrowedFormatItem};

use super::files::{TlsFiles, certificates};
use crate::net::tls::der::{SEQUENCE, element, expect};

const EXPLICIT_VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

const INSTANT: &[BorrowedFormatItem<'_>] =
    time::macros::format_description!("[year][month][day][hour][minute][second]Z");

impl TlsFiles {
    /// The instant after which the server's certificate is no longer valid; `None` where the file
    /// holds none that can be read.
    #[must_use]
    pub fn certificate_end(&self) -> Option<OffsetDateTime> {
        let certificate = certificates(&self.certificate, "the server's certificate").ok()?;
        not_after(certificate.first()?)
    }
}

fn not_after(certificate: &[u8]) -> Option<OffsetDateTime> {
    let (certificate, _) = expect(certificate, SEQUENCE)?;
    let (mut fields, _) = expect(certificate, SEQUENCE)?;
    if let Some((_, rest)) = expect(fields, EXPLICIT_VERSION) {
        fields = rest;
    }
    // Serial number, signature algorithm, issuer.
    for _ in 0..3 {
        (_, _, fields) = element(fields)?;
    }
    let (validity, _) = expect(fields, SEQUENCE)?;
    let (_, _, end) = element(validity)?;
    let (tag, text, _) = element(end)?;
    let text = std::str::from_utf8(text).ok()?;
    let whole = match tag {
        // Two digits of the year: 50 to 99 are of the last century.
        UTC_TIME if text < "50" => format!("20{text}"),
        UTC_TIME => format!("19{text}"),
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    Some(PrimitiveDateTime::parse(&whole, INSTANT).ok()?.assume_utc())
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};

    use super::*;
    use crate::net::inbound::ClientCertificates;

    #[test]
    fn the_end_is_read_in_both_forms() {
        let key = KeyPair::generate().unwrap();
        for (year, month, day) in [(2026, 2, 3), (2049, 12, 31), (2050, 1, 1), (1999, 5, 6)] {
            let mut params = CertificateParams::new(Vec::new()).unwrap();
            params.not_before = rcgen::date_time_ymd(1998, 1, 1);
            params.not_after = rcgen::date_time_ymd(year, month, day);
            let made = params.self_signed(&key).unwrap();
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), made.pem()).unwrap();
            let (certificate, key) = (file.path().to_owned(), file.path().to_owned());
            let files = TlsFiles { certificate, key, clients: ClientCertificates::None };
            let end = files.certificate_end().unwrap();
            assert_eq!((end.year(), u8::from(end.month()), end.day()), (year, month, day));
            let der = made.der();
            for cut in 0..60.min(der.len()) {
                assert_eq!(not_after(&der[..cut]), None, "cut at {cut}");
            }
        }
    }
}
