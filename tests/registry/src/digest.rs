//! Content digests. Never accepts an algorithm it cannot compute.

use std::fmt::{self, Write as _};

use sha2::{Digest as _, Sha256, Sha512};

/// `sha256:…` or `sha512:…` of some bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(String);

impl Digest {
    /// The sha256 digest of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self::finish(Sha256::new_with_prefix(bytes))
    }

    /// The digest of what a hasher has seen.
    pub(crate) fn finish(hasher: Sha256) -> Self {
        Self(format!("sha256:{}", hex(&hasher.finalize())))
    }

    /// Reads `sha256:` with 64, or `sha512:` with 128 lower-case hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (algorithm, encoded) = text.split_once(':')?;
        let length = match algorithm {
            "sha256" => 64,
            "sha512" => 128,
            _ => return None,
        };
        let hex = encoded.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        (encoded.len() == length && hex).then(|| Self(text.to_owned()))
    }

    /// Whether `bytes` are what this digest names.
    #[must_use]
    pub fn matches(&self, bytes: &[u8]) -> bool {
        if self.0.starts_with("sha512:") {
            return self.0 == format!("sha512:{}", hex(&Sha512::digest(bytes)));
        }
        *self == Self::of(bytes)
    }

    /// As written in a URL or descriptor.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_digests_match_and_foreign_ones_are_refused() {
        let empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Digest::of(b"").as_str(), empty);
        assert!(Digest::parse(empty).is_some_and(|d| d.matches(b"") && !d.matches(b"x")));
        let long = format!("sha512:{}", hex(&Sha512::digest(b"x")));
        assert!(Digest::parse(&long).is_some_and(|d| d.matches(b"x") && !d.matches(b"")));
        for bad in ["", "latest", "md5:00", "sha256:", "sha256:00", &empty.to_uppercase()] {
            assert_eq!(Digest::parse(bad), None, "{bad}");
        }
    }
}
