//! Looks for the secret in what comes back from a registry, so that no answer hands it to a guest.
//!
//! Forms: raw; base64 and base64url at each of the three alignments; percent- and form-escaped;
//! JSON-escaped. Secrets shorter than six bytes are not looked for: they would be found anywhere.

use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD},
};
use memchr::memmem;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use portolan_core::secret::Secret;
use zeroize::Zeroizing;

/// Shortest secret, and shortest escaped form of one, that is looked for.
const SHORTEST: usize = 6;
/// What percent-encoding leaves as it is (RFC 3986 section 2.3).
const ESCAPED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The same in a form (URL standard, application/x-www-form-urlencoded).
const FORM: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'*');

/// Every form of one or more secrets.
#[derive(Default)]
pub(super) struct Echo(Vec<Zeroizing<Vec<u8>>>);

impl Echo {
    /// The forms of these secrets.
    pub(super) fn new<'s>(secrets: impl IntoIterator<Item = &'s Secret>) -> Self {
        let mut echo = Self::default();
        for secret in secrets {
            echo.add(secret.expose());
        }
        echo
    }

    /// Whether any form is in these bytes.
    pub(super) fn is_in(&self, bytes: &[u8]) -> bool {
        self.0.iter().any(|form| memmem::find(bytes, form).is_some())
    }

    fn add(&mut self, secret: &str) {
        if secret.len() < SHORTEST {
            return;
        }
        self.push(secret.as_bytes().to_vec());
        for shift in 0..3 {
            for form in base64_at(secret.as_bytes(), shift) {
                self.push(form);
            }
        }
        let percent = utf8_percent_encode(secret, &ESCAPED);
        let small = |part: &str| match part.strip_prefix('%') {
            Some(hex) => format!("%{}", hex.to_ascii_lowercase()),
            None => part.to_owned(),
        };
        self.push(percent.clone().map(small).collect::<String>().into_bytes());
        self.push(percent.to_string().into_bytes());
        let form = utf8_percent_encode(secret, &FORM).to_string().replace("%20", "+");
        self.push(form.into_bytes());
        let json = serde_json::Value::from(secret).to_string();
        let json = json.trim_start_matches('"').strip_suffix('"').unwrap_or(&json).to_owned();
        self.push(json.replace('/', "\\/").into_bytes());
        self.push(json.into_bytes());
    }

    fn push(&mut self, form: Vec<u8>) {
        let form = Zeroizing::new(form);
        if form.len() >= SHORTEST && !self.0.contains(&form) {
            self.0.push(form);
        }
    }
}

/// The characters that the secret alone decides when `shift` other bytes stand before it.
fn base64_at(secret: &[u8], shift: usize) -> [Vec<u8>; 2] {
    let mut bytes = Zeroizing::new(vec![0; shift]);
    bytes.extend_from_slice(secret);
    // The first character that no foreign bit reaches, and how many hang on what follows.
    let (first, last) = ((shift * 4).div_ceil(3), usize::from(!bytes.len().is_multiple_of(3)));
    let middle = |text: String| {
        let end = text.len().saturating_sub(last);
        text.as_bytes().get(first..end).unwrap_or_default().to_vec()
    };
    [middle(BASE64_STANDARD_NO_PAD.encode(&bytes)), middle(BASE64_URL_SAFE_NO_PAD.encode(&bytes))]
}

#[cfg(test)]
mod tests {
    use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE};

    use super::*;

    const SECRET: &str = "p&ss/wörd \"1\"?>";

    fn echo(secret: &str) -> Echo {
        Echo::new([&Secret::new(secret.to_owned())])
    }

    #[test]
    fn every_form_is_found() {
        let found = echo(SECRET);
        let form: String = url::form_urlencoded::byte_serialize(SECRET.as_bytes()).collect();
        for text in [
            SECRET.to_owned(),
            utf8_percent_encode(SECRET, NON_ALPHANUMERIC).to_string(),
            "p%26ss%2fw%c3%b6rd%20%221%22%3f%3e".to_owned(),
            form,
            serde_json::json!({ "password": SECRET }).to_string(),
        ] {
            assert!(found.is_in(format!("<<{text}>>").as_bytes()), "{text}");
        }
        for before in ["", "a", "ab", "user:", "longer user:"] {
            for after in ["", "x", "xy", "xyz"] {
                let text = format!("{before}{SECRET}{after}");
                assert!(found.is_in(BASE64_STANDARD.encode(&text).as_bytes()), "{text}");
                assert!(found.is_in(BASE64_URL_SAFE.encode(&text).as_bytes()), "{text}");
            }
        }
    }

    #[test]
    fn short_ascii_secrets_too() {
        let found = echo("s3cret");
        for user in ["", "u", "us", "use"] {
            let text = format!("{user}:s3cret");
            assert!(found.is_in(BASE64_STANDARD.encode(&text).as_bytes()), "{text}");
        }
    }

    #[test]
    fn other_texts_are_not_found() {
        let found = echo(SECRET);
        for text in ["", "p&ss", "{\"token\":\"abcdef\"}", "p%26ss"] {
            assert!(!found.is_in(text.as_bytes()), "{text}");
        }
        assert!(!echo("short").is_in(b"short"));
        assert!(!Echo::default().is_in(b"anything"));
    }
}
