//! A stream of sealed chunks: XChaCha20-Poly1305 under a key of its own for each backup, the number
//! of each chunk and whether it is the last in its nonce (the STREAM construction), so that none can
//! be left out, moved or cut off. It knows nothing of what is in it.

use std::io::{self, Read};

use bytes::{BufMut, Bytes, BytesMut};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use zeroize::{Zeroize, Zeroizing};

use crate::store::{StoreError, rows};

/// First bytes of every backup, with the version of its form.
const MAGIC: &[u8; 18] = b"portolan-backup-1\n";
/// Plain bytes of a chunk.
const CHUNK: usize = 64 << 10;
/// Bytes that sealing adds to one.
const TAG: usize = 16;

/// The key of one backup.
pub(crate) struct BackupKey(pub(crate) Zeroizing<[u8; 32]>);

/// What stands before the sealed chunks: the form, and the salt that the key is derived with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// Random: no two backups have the same key.
    pub(crate) salt: [u8; 16],
}

impl Header {
    /// Its length in bytes.
    pub(crate) const LENGTH: usize = MAGIC.len() + 16;

    /// The one at the beginning of a backup.
    pub(crate) fn read(backup: &mut impl Read) -> Result<Self, StoreError> {
        let (mut magic, mut salt) = ([0; 18], [0; 16]);
        let read = backup.read_exact(&mut magic).and_then(|()| backup.read_exact(&mut salt));
        match read {
            Ok(()) if magic == *MAGIC => Ok(Self { salt }),
            _ => Err(StoreError::Backup("it is no backup of portolan".to_owned())),
        }
    }

    fn bytes(&self) -> Vec<u8> {
        [MAGIC.as_slice(), &self.salt].concat()
    }
}

fn cipher(key: &BackupKey) -> Result<XChaCha20Poly1305, StoreError> {
    XChaCha20Poly1305::new_from_slice(key.0.as_slice()).map_err(rows::unreadable)
}

/// The nonce of a chunk: its number, and whether it is the last. The key is used once.
fn nonce(number: u64, last: bool) -> XNonce {
    let mut bytes = [0; 24];
    for (to, from) in bytes.iter_mut().zip(number.to_le_bytes().into_iter().chain([last.into()])) {
        *to = from;
    }
    XNonce::from(bytes)
}

/// Seals what is written and hands it on in chunks.
pub(super) struct Sealing<S> {
    cipher: XChaCha20Poly1305,
    header: Vec<u8>,
    number: u64,
    plain: Zeroizing<Vec<u8>>,
    sink: S,
}

impl<S: FnMut(Bytes) -> bool> Sealing<S> {
    /// Begins with the header.
    pub(super) fn new(header: &Header, key: &BackupKey, sink: S) -> Result<Self, StoreError> {
        let (cipher, header) = (cipher(key)?, header.bytes());
        let plain = Zeroizing::new(Vec::with_capacity(CHUNK));
        let mut sealing = Self { cipher, header, number: 0, plain, sink };
        let first = Bytes::from(sealing.header.clone());
        sealing.give(first)?;
        Ok(sealing)
    }

    /// Writes some bytes; a full chunk goes on its way when more follows.
    pub(super) fn write(&mut self, mut bytes: &[u8]) -> Result<(), StoreError> {
        while !bytes.is_empty() {
            if self.plain.len() == CHUNK {
                self.flush(false)?;
            }
            let room = CHUNK - self.plain.len();
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.plain.extend_from_slice(now);
            bytes = later;
        }
        Ok(())
    }

    /// Sends the last chunk.
    pub(super) fn finish(mut self) -> Result<(), StoreError> {
        self.flush(true)
    }

    fn flush(&mut self, last: bool) -> Result<(), StoreError> {
        let payload = Payload { msg: &self.plain, aad: &self.header };
        let sealed = self.cipher.encrypt(&nonce(self.number, last), payload);
        let sealed = sealed.map_err(rows::unreadable)?;
        let length = u32::try_from(sealed.len()).map_err(rows::unreadable)?;
        let mut chunk = BytesMut::with_capacity(4 + sealed.len());
        chunk.put_u32_le(length);
        chunk.extend_from_slice(&sealed);
        self.plain.as_mut_slice().zeroize();
        self.plain.clear();
        self.number += 1;
        self.give(chunk.freeze())
    }

    fn give(&mut self, bytes: Bytes) -> Result<(), StoreError> {
        if (self.sink)(bytes) {
            return Ok(());
        }
        Err(StoreError::Backup("whoever asked for it takes no more of it".to_owned()))
    }
}

/// Opens what [`Sealing`] wrote, after the header.
pub(super) struct Opening<R> {
    cipher: XChaCha20Poly1305,
    header: Vec<u8>,
    number: u64,
    plain: Zeroizing<Vec<u8>>,
    at: usize,
    /// Length of the next chunk; `None` after the last.
    next: Option<usize>,
    from: R,
}

impl<R: Read> Opening<R> {
    pub(super) fn new(header: &Header, key: &BackupKey, mut from: R) -> Result<Self, StoreError> {
        let next = length(&mut from).map_err(super::unread)?;
        let (cipher, header) = (cipher(key)?, header.bytes());
        let plain = Zeroizing::new(Vec::new());
        Ok(Self { cipher, header, number: 0, plain, at: 0, next, from })
    }

    fn chunk(&mut self, length_now: usize) -> io::Result<()> {
        let mut sealed = vec![0; length_now];
        self.from
            .read_exact(&mut sealed)
            .map_err(|_| io::Error::other("it is damaged: it ends early"))?;
        self.next = length(&mut self.from)?;
        let payload = Payload { msg: &sealed, aad: &self.header };
        let plain = self.cipher.decrypt(&nonce(self.number, self.next.is_none()), payload);
        let wrong = if self.number == 0 {
            "the passphrase is not the one it was made with, or it is damaged"
        } else {
            "it is damaged: a part of it was changed or is missing"
        };
        self.plain = Zeroizing::new(plain.map_err(|_| io::Error::other(wrong))?);
        (self.at, self.number) = (0, self.number + 1);
        Ok(())
    }
}

/// The length before a chunk; `None` at the end.
fn length(from: &mut impl Read) -> io::Result<Option<usize>> {
    let mut bytes = Vec::new();
    from.take(4).read_to_end(&mut bytes)?;
    if bytes.is_empty() {
        return Ok(None);
    }
    let length = <[u8; 4]>::try_from(bytes).ok().map(u32::from_le_bytes);
    let length = length.and_then(|length| usize::try_from(length).ok());
    match length.filter(|length| (TAG..=CHUNK + TAG).contains(length)) {
        Some(length) => Ok(Some(length)),
        None => Err(io::Error::other("it is damaged: a chunk has an impossible length")),
    }
}

impl<R: Read> Read for Opening<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        while self.at >= self.plain.len() {
            let Some(next) = self.next else {
                let nothing = self.number == 0;
                let damaged = "it is damaged: nothing is in it";
                return if nothing { Err(io::Error::other(damaged)) } else { Ok(0) };
            };
            self.chunk(next)?;
        }
        let left = self.plain.get(self.at..).unwrap_or_default();
        let count = left.len().min(to.len());
        for (to, from) in to.iter_mut().zip(left) {
            *to = *from;
        }
        self.at += count;
        Ok(count)
    }
}
