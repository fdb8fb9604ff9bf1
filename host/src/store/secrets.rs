//! Secrets at rest: XChaCha20-Poly1305 under the store's key, in the table `secrets-1` alone.
//!
//! Each sealed value is bound to its place (table, endpoint, generation): moved elsewhere, it
//! does not open. Plain secrets exist in zeroed buffers only, never in JSON.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use portolan_core::{
    endpoint::{Credentials, Endpoint},
    secret::Secret,
};
use redb::ReadableTable;
use zeroize::Zeroizing;

use super::{
    SealingKey, StoreError,
    rows::{find, unreadable},
    tables::Tables,
};

/// The only format so far: 24 bytes of nonce, then ciphertext with its tag.
const XCHACHA20_POLY1305: u8 = 1;

/// A sealed text in `meta`: opens with the right key only.
pub(super) const SEAL_CHECK: &str = "seal-check";

/// Seals and opens under one key.
pub(super) struct Sealer {
    cipher: XChaCha20Poly1305,
    /// For backups alone.
    key: Zeroizing<Vec<u8>>,
}

impl Sealer {
    /// Takes the key. `Seal` where it is not 32 bytes in base64.
    pub(super) fn new(key: &SealingKey) -> Result<Self, StoreError> {
        let malformed = || StoreError::Seal("the key is not 32 bytes in base64".to_owned());
        let mut bytes = Zeroizing::new([0_u8; 36]);
        let text = key.0.expose().trim();
        let length =
            BASE64_STANDARD.decode_slice(text, bytes.as_mut_slice()).map_err(|_| malformed())?;
        let key = bytes.get(..length).ok_or_else(malformed)?;
        let cipher = XChaCha20Poly1305::new_from_slice(key).map_err(|_| malformed())?;
        Ok(Self { cipher, key: Zeroizing::new(key.to_vec()) })
    }

    /// The key itself, 32 bytes: it goes into backups, which are sealed as a whole.
    pub(super) fn key(&self) -> &[u8] {
        &self.key
    }

    /// Checks that the store was sealed with this key; a new store remembers it.
    pub(super) fn check(&self, tables: &mut Tables<'_>) -> Result<(), StoreError> {
        match find::<_, Vec<u8>>(tables.meta.open()?, SEAL_CHECK)? {
            Some(sealed) if self.made_check(&sealed) => Ok(()),
            Some(_) => Err(Self::another()),
            None => {
                let sealed = self.check_text()?;
                tables.meta.put_json(SEAL_CHECK, &sealed)
            }
        }
    }

    /// The text that only this key opens, sealed.
    pub(super) fn check_text(&self) -> Result<Vec<u8>, StoreError> {
        self.seal(SEAL_CHECK, SEAL_CHECK.as_bytes())
    }

    /// Whether that text was sealed with this key.
    pub(super) fn made_check(&self, sealed: &[u8]) -> bool {
        self.open(SEAL_CHECK, sealed).is_some()
    }

    /// The store was sealed with a key that is not here.
    pub(super) fn another() -> StoreError {
        StoreError::Seal(
            "they were sealed with another key; give the key that was made with this data \
             directory, or restore a backup with its own"
                .to_owned(),
        )
    }

    fn seal(&self, place: &str, plain: &[u8]) -> Result<Vec<u8>, StoreError> {
        let failed = |why: String| StoreError::Seal(format!("sealing failed: {why}"));
        let mut nonce = [0_u8; 24];
        getrandom::fill(&mut nonce).map_err(|error| failed(error.to_string()))?;
        let payload = Payload { msg: plain, aad: place.as_bytes() };
        let sealed = self.cipher.encrypt(&XNonce::from(nonce), payload);
        let sealed = sealed.map_err(|error| failed(error.to_string()))?;
        Ok([&[XCHACHA20_POLY1305], nonce.as_slice(), &sealed].concat())
    }

    fn open(&self, place: &str, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (&format, rest) = sealed.split_first()?;
        let (nonce, msg) = rest.split_first_chunk::<24>()?;
        if format != XCHACHA20_POLY1305 {
            return None;
        }
        let payload = Payload { msg, aad: place.as_bytes() };
        self.cipher.decrypt(&XNonce::from(*nonce), payload).ok().map(Zeroizing::new)
    }
}

/// Stores an endpoint's secrets, sealed, in place of those that were there. Sealed by the caller
/// before anything of the same write, since it may fail: see [`seal`].
pub(super) fn put(
    tables: &mut Tables<'_>,
    id: u64,
    sealed: Option<Vec<u8>>,
) -> Result<(), StoreError> {
    match sealed {
        Some(sealed) => tables.secrets.put(id, sealed.as_slice()),
        None => tables.secrets.remove(id).map(|_| ()),
    }
}

/// The sealed form for one place; `None` where there is no secret at all.
pub(super) fn seal(
    sealer: &Sealer,
    id: u64,
    generation: u64,
    credentials: &Credentials,
) -> Result<Option<Vec<u8>>, StoreError> {
    match parts(credentials) {
        [None, None, None, None] => Ok(None),
        parts => sealer.seal(&place(id, generation), &pack(parts)).map(Some),
    }
}

/// The secrets of an endpoint; none where none are stored.
pub(super) fn load(
    sealer: &Sealer,
    table: &impl ReadableTable<u64, &'static [u8]>,
    endpoint: &Endpoint,
) -> Result<Credentials, StoreError> {
    let Some(sealed) = table.get(endpoint.id.0).map_err(unreadable)? else {
        return Ok(Credentials::default());
    };
    let plain = sealer.open(&place(endpoint.id.0, endpoint.generation), sealed.value());
    plain.and_then(|plain| unpack(&plain)).ok_or_else(|| {
        let name = &endpoint.spec.name;
        StoreError::Seal(format!(
            "those of the endpoint `{name}` were changed outside portolan; enter them again"
        ))
    })
}

fn place(id: u64, generation: u64) -> String {
    format!("secrets-1/{id}/{generation}")
}

/// Every secret there can be, always in this order.
pub(super) fn parts(credentials: &Credentials) -> [Option<&str>; 4] {
    let Credentials {
        access_secret,
        client_key,
        proxy_credentials,
        webhook_secret,
        session_token: _,
    } = credentials;
    [access_secret, client_key, proxy_credentials, webhook_secret]
        .map(|secret| secret.as_ref().map(Secret::expose))
}

/// Each part as 0, or as 1, its length in four bytes (little endian) and its bytes. The last is
/// left out where it is none: records from before there was one end there. The buffer never grows:
/// a grown one leaves a copy behind.
fn pack(parts: [Option<&str>; 4]) -> Zeroizing<Vec<u8>> {
    let count = if parts.last().is_some_and(Option::is_some) { 4 } else { 3 };
    let parts = parts.into_iter().take(count);
    let size = parts.clone().map(|part| 5 + part.map_or(0, str::len)).sum();
    let mut bytes = Zeroizing::new(Vec::with_capacity(size));
    for part in parts {
        match part {
            None => bytes.push(0),
            Some(text) => {
                bytes.push(1);
                let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
                bytes.extend_from_slice(&length.to_le_bytes());
                bytes.extend_from_slice(text.as_bytes());
            }
        }
    }
    bytes
}

fn unpack(mut bytes: &[u8]) -> Option<Credentials> {
    let bytes = &mut bytes;
    let (access_secret, client_key, proxy_credentials) = (next(bytes)?, next(bytes)?, next(bytes)?);
    let webhook_secret = if bytes.is_empty() { None } else { next(bytes)? };
    Some(Credentials {
        access_secret,
        client_key,
        proxy_credentials,
        webhook_secret,
        session_token: None,
    })
}

/// Takes the first part off.
fn next(bytes: &mut &[u8]) -> Option<Option<Secret>> {
    let (&present, rest) = bytes.split_first()?;
    if present == 0 {
        *bytes = rest;
        return Some(None);
    }
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let (text, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    *bytes = rest;
    Some(Some(Secret::new(str::from_utf8(text).ok()?.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer(byte: u8) -> Sealer {
        let text = BASE64_STANDARD.encode([byte; 32]);
        Sealer::new(&SealingKey(Secret::new(text))).ok().unwrap()
    }

    #[test]
    fn packing_keeps_every_combination() {
        for set in 0..16_u8 {
            let text = |bit: u8| (set & bit > 0).then(|| "s\n€".repeat(bit.into()));
            let texts = [text(1), text(2), text(4), text(8)];
            let packed = pack(texts.each_ref().map(Option::as_deref));
            let back = unpack(&packed).unwrap();
            assert_eq!(parts(&back), texts.each_ref().map(Option::as_deref));
            assert!(unpack(&packed[..packed.len() - 1]).is_none());
        }
    }

    #[test]
    fn opens_with_the_same_key_at_the_same_place_only() {
        let sealed = sealer(1).seal("a/1", b"plain").unwrap();
        assert_eq!(sealer(1).open("a/1", &sealed).unwrap().as_slice(), b"plain");
        assert!(sealer(2).open("a/1", &sealed).is_none());
        assert!(sealer(1).open("a/2", &sealed).is_none());
        for at in [0, 1, 25, sealed.len() - 1] {
            let mut bent = sealed.clone();
            bent[at] ^= 1;
            assert!(sealer(1).open("a/1", &bent).is_none(), "{at}");
        }
        assert_ne!(sealer(1).seal("a/1", b"plain").unwrap(), sealed, "a nonce came twice");
    }

    #[test]
    fn a_key_is_32_bytes_in_base64() {
        for bad in ["", "x", "c2hvcnQ=", &BASE64_STANDARD.encode([0; 33])] {
            let sealer = Sealer::new(&SealingKey(Secret::new(bad.to_owned())));
            assert!(matches!(sealer, Err(StoreError::Seal(_))), "{bad}");
        }
    }
}
