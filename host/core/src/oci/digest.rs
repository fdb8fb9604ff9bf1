//! Content digests (OCI image-spec, "Digests") and a streaming check of bytes against one.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256, Sha512, digest::common::hazmat::SerializableState as _};

/// The hash a digest names. Only those registries use; another is refused when parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    /// `sha256`, 64 hexadecimal digits.
    Sha256,
    /// `sha512`, 128 hexadecimal digits.
    Sha512,
}

impl Algorithm {
    /// The name as it stands before the colon.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    fn hex_len(self) -> usize {
        match self {
            Self::Sha256 => 64,
            Self::Sha512 => 128,
        }
    }
}

/// A checked digest, e.g. `sha256:44136fa3…`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest {
    text: String,
    algorithm: Algorithm,
}

/// Why a text is no digest.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{text}` is no digest: expected `sha256:` and 64, or `sha512:` and 128, lower-case hex digits"
)]
pub struct InvalidDigest {
    text: String,
}

impl Digest {
    /// The SHA-256 digest of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let mut verifier = Verifier::new(Algorithm::Sha256);
        verifier.update(bytes);
        verifier.finish()
    }

    /// The whole text, algorithm and colon included.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Which hash it is.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The digits after the colon.
    #[must_use]
    pub fn hex(&self) -> &str {
        self.text.split_once(':').map_or("", |(_, hex)| hex)
    }
}

impl FromStr for Digest {
    type Err = InvalidDigest;

    fn from_str(text: &str) -> Result<Self, InvalidDigest> {
        let invalid = || InvalidDigest { text: text.chars().take(160).collect() };
        let (name, hex) = text.split_once(':').ok_or_else(invalid)?;
        let algorithm = match name {
            "sha256" => Algorithm::Sha256,
            "sha512" => Algorithm::Sha512,
            _ => return Err(invalid()),
        };
        let digits = hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if hex.len() != algorithm.hex_len() || !digits {
            return Err(invalid());
        }
        Ok(Self { text: text.to_owned(), algorithm })
    }
}

impl TryFrom<String> for Digest {
    type Error = InvalidDigest;

    fn try_from(text: String) -> Result<Self, InvalidDigest> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.text
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Hashes a stream piece by piece.
#[derive(Clone)]
pub struct Verifier {
    state: State,
    length: u64,
}

#[derive(Clone)]
enum State {
    Sha256(Sha256),
    Sha512(Box<Sha512>),
}

impl Verifier {
    /// An empty stream.
    #[must_use]
    pub fn new(algorithm: Algorithm) -> Self {
        let state = match algorithm {
            Algorithm::Sha256 => State::Sha256(Sha256::new()),
            Algorithm::Sha512 => State::Sha512(Box::new(Sha512::new())),
        };
        Self { state, length: 0 }
    }

    /// Takes in the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.length += bytes.len() as u64;
        match &mut self.state {
            State::Sha256(hash) => hash.update(bytes),
            State::Sha512(hash) => hash.update(bytes),
        }
    }

    /// How many bytes it has taken in.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Its state as bytes, so that a later process can go on: the length, then what the hash keeps.
    #[must_use]
    pub fn save(&self) -> Vec<u8> {
        let mut saved = self.length.to_le_bytes().to_vec();
        match &self.state {
            State::Sha256(hash) => saved.extend_from_slice(&hash.serialize()),
            State::Sha512(hash) => saved.extend_from_slice(&hash.serialize()),
        }
        saved
    }

    /// The state that [`save`](Self::save) gave; `None` where these bytes are none of `algorithm`.
    #[must_use]
    pub fn restore(algorithm: Algorithm, saved: &[u8]) -> Option<Self> {
        let (length, state) = saved.split_first_chunk::<8>()?;
        let state = match algorithm {
            Algorithm::Sha256 => State::Sha256(Sha256::deserialize(state.try_into().ok()?).ok()?),
            Algorithm::Sha512 => {
                State::Sha512(Box::new(Sha512::deserialize(state.try_into().ok()?).ok()?))
            }
        };
        Some(Self { state, length: u64::from_le_bytes(*length) })
    }

    /// The digest of everything taken in.
    #[must_use]
    pub fn finish(self) -> Digest {
        let (algorithm, bytes) = match self.state {
            State::Sha256(hash) => (Algorithm::Sha256, hash.finalize().to_vec()),
            State::Sha512(hash) => (Algorithm::Sha512, hash.finalize().to_vec()),
        };
        let mut text = format!("{}:", algorithm.name());
        for byte in bytes {
            text.push_str(&format!("{byte:02x}"));
        }
        Digest { text, algorithm }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn known_answers() {
        assert_eq!(Digest::of(b"").as_str(), EMPTY);
        assert_eq!(
            Digest::of(b"{}").as_str(),
            "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
        );
        let mut sha512 = Verifier::new(Algorithm::Sha512);
        sha512.update(b"a");
        sha512.update(b"bc");
        assert!(sha512.finish().hex().starts_with("ddaf35a193617abacc417349ae204131"));
    }

    #[test]
    fn a_kept_state_goes_on() {
        let text = b"hello world".repeat(50);
        for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
            let mut whole = Verifier::new(algorithm);
            whole.update(&text);
            let mut begun = Verifier::new(algorithm);
            begun.update(&text[..300]);
            let saved = begun.save();
            let mut rest = Verifier::restore(algorithm, &saved).unwrap();
            assert_eq!(rest.length(), 300);
            rest.update(&text[300..]);
            assert_eq!(rest.finish(), whole.finish());
            for bad in [&saved[..7], &saved[..saved.len() - 1], &[]] {
                assert!(Verifier::restore(algorithm, bad).is_none());
            }
        }
    }

    #[test]
    fn refuses_what_is_no_digest() {
        for bad in ["", "sha256", "sha256:", "md5:00", &EMPTY.to_uppercase(), &EMPTY[..70]] {
            assert!(bad.parse::<Digest>().is_err(), "{bad}");
        }
        assert_eq!(EMPTY.parse::<Digest>().unwrap().hex().len(), 64);
    }
}
