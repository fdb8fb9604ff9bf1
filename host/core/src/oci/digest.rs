//! Content digests (OCI image-spec, "Digests") and a streaming check of bytes against one.

#[cfg(target_arch = "x86_64")]
mod beside;

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

/// Bytes that SHA-256 takes in at a time.
const BLOCK: usize = 64;

/// The words of a state between two blocks. They are what its bytes begin with.
#[cfg(target_arch = "x86_64")]
fn words(hash: &Sha256) -> Option<beside::Words> {
    let saved = hash.serialize();
    let (words, _) = saved.first_chunk::<32>()?.as_chunks();
    Some(words.as_array::<8>()?.map(u32::from_le_bytes))
}

/// The state with these words, `blocks` further than `hash`. The count of blocks follows the words.
#[cfg(target_arch = "x86_64")]
fn after(hash: &Sha256, words: beside::Words, blocks: usize) -> Option<Sha256> {
    let mut saved = hash.serialize();
    let (places, rest) = saved.split_first_chunk_mut::<32>()?;
    for (place, word) in places.as_chunks_mut().0.iter_mut().zip(words) {
        *place = word.to_le_bytes();
    }
    let count = rest.first_chunk_mut()?;
    *count = u64::from_le_bytes(*count).checked_add(blocks as u64)?.to_le_bytes();
    Sha256::deserialize(&saved).ok()
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

    /// Which hash it is.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        match self.state {
            State::Sha256(_) => Algorithm::Sha256,
            State::Sha512(_) => Algorithm::Sha512,
        }
    }

    /// Takes in the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.length += bytes.len() as u64;
        match &mut self.state {
            State::Sha256(hash) => hash.update(bytes),
            State::Sha512(hash) => hash.update(bytes),
        }
    }

    /// Whether [`update_both`](Self::update_both) gains anything on this processor.
    #[must_use]
    pub fn gains_beside() -> bool {
        #[cfg(target_arch = "x86_64")]
        return beside::able().is_some();
        #[cfg(not(target_arch = "x86_64"))]
        return false;
    }

    /// Takes in the next bytes of two streams: what [`update`](Self::update) of each does, in less
    /// time where the processor can hash two at once. Best with as many bytes for both.
    pub fn update_both(one: &mut Self, bytes: &[u8], other: &mut Self, others: &[u8]) {
        let (bytes, others) = (one.up_to_block(bytes), other.up_to_block(others));
        #[cfg(target_arch = "x86_64")]
        let (bytes, others) = Self::blocks_of_both(one, bytes, other, others);
        one.update(bytes);
        other.update(others);
    }

    /// Takes in what is missing to a whole block; what is left.
    fn up_to_block<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let missing = self.length.wrapping_neg() % BLOCK as u64;
        let split = usize::try_from(missing).ok().and_then(|at| bytes.split_at_checked(at));
        let (head, rest) = split.unwrap_or((bytes, &[]));
        self.update(head);
        rest
    }

    /// Takes in as many whole blocks as both have, if the processor can; what is left of each.
    #[cfg(target_arch = "x86_64")]
    fn blocks_of_both<'a>(
        one: &mut Self,
        bytes: &'a [u8],
        other: &mut Self,
        others: &'a [u8],
    ) -> (&'a [u8], &'a [u8]) {
        let count = (bytes.len() / BLOCK).min(others.len() / BLOCK);
        let all = (bytes, others);
        let Some(able) = beside::able() else { return all };
        let (State::Sha256(a), State::Sha256(b)) = (&mut one.state, &mut other.state) else {
            return all;
        };
        let (Some(mut a_words), Some(mut b_words)) = (words(a), words(b)) else { return all };
        let split = (bytes.split_at_checked(count * BLOCK), others.split_at_checked(count * BLOCK));
        let (Some((a_blocks, a_rest)), Some((b_blocks, b_rest))) = split else { return all };
        let (a_blocks, b_blocks) = (a_blocks.as_chunks().0, b_blocks.as_chunks().0);
        beside::both(able, &mut a_words, a_blocks, &mut b_words, b_blocks);
        let then = (after(a, a_words, count), after(b, b_words, count));
        let (Some(a_then), Some(b_then)) = then else { return all };
        (*a, *b) = (a_then, b_then);
        one.length += (count * BLOCK) as u64;
        other.length += (count * BLOCK) as u64;
        (a_rest, b_rest)
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

    /// Lengths around whole blocks, of one stream and the other, after a beginning of either.
    #[test]
    fn two_at_once_are_what_each_is_alone() {
        let bytes: Vec<u8> = (0..1_000_u32).map(|number| (number * 7 % 251) as u8).collect();
        for (begun, length) in [(0, 0), (0, 64), (1, 63), (10, 300), (63, 1), (64, 640), (65, 900)]
        {
            for (begun_beside, beside) in [(0, 64), (5, 700), (63, 2), (64, 0), (0, 936)] {
                let (one, other) =
                    (&bytes[..begun + length], &bytes[60..60 + begun_beside + beside]);
                let mut both = [Algorithm::Sha256; 2].map(Verifier::new);
                let [a, b] = &mut both;
                a.update(&one[..begun]);
                b.update(&other[..begun_beside]);
                Verifier::update_both(a, &one[begun..], b, &other[begun_beside..]);
                assert_eq!((a.length(), b.length()), (one.len() as u64, other.len() as u64));
                let [a, b] = both.map(Verifier::finish);
                assert_eq!((a, b), (Digest::of(one), Digest::of(other)), "{length} and {beside}");
            }
        }
    }

    /// What `words` and `after` believe of the bytes of a state, on whatever x86.
    #[cfg(target_arch = "x86_64")]
    #[test]
    fn the_bytes_of_a_state_are_its_words_and_the_count_of_blocks() {
        let (begun, mut further) = (Sha256::new(), Sha256::new());
        assert_eq!(words(&begun).unwrap()[..2], [0x6a09_e667, 0xbb67_ae85]);
        further.update([7; 3 * BLOCK]);
        let made = after(&begun, words(&further).unwrap(), 3).unwrap();
        assert_eq!(made.serialize(), further.serialize());
    }

    #[test]
    fn two_at_once_may_be_of_other_kinds() {
        let mut both = [Algorithm::Sha256, Algorithm::Sha512].map(Verifier::new);
        let mut alone = both.clone();
        let text = [7; 200];
        let [a, b] = &mut both;
        Verifier::update_both(a, &text, b, &text);
        alone.iter_mut().for_each(|one| one.update(&text));
        assert_eq!(both.map(Verifier::finish), alone.map(Verifier::finish));
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
