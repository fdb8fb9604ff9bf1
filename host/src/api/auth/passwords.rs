//! Passwords: hashing them, checking them, and not doing so at each request.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::{Duration, Instant},
};

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use hmac::{Hmac, KeyInit, Mac};
use portolan_core::secret::Secret;
use sha2::Sha256;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::{
    error::{Code, Error},
    host::BackupKey,
};

/// Longest password in bytes: more would only cost time.
pub(super) const MAX_PASSWORD: usize = 1024;
/// Shortest passphrase of a backup in bytes: it can be guessed at offline.
const MIN_PASSPHRASE: usize = 8;
/// How long a password that was right is not hashed again.
const REMEMBERED: Duration = Duration::from_secs(60);
/// Passwords remembered at once.
const MAX_REMEMBERED: usize = 256;
/// Hashes computed at once: each takes 19 MiB and a core.
const MAX_HASHING: usize = 2;

/// The argon2id hash (PHC string) of a password, for the store.
///
/// # Errors
/// When the password is empty or longer than 1024 bytes, or the system gives no randomness.
pub fn hash_password(password: &str) -> Result<String, Error> {
    if !(1..=MAX_PASSWORD).contains(&password.len()) {
        let why = "a password has 1 to 1024 bytes; choose another one";
        return Err(Error::new(Code::Invalid, why));
    }
    let hashed: Result<PasswordHash, _> = Argon2::default().hash_password(password.as_bytes());
    hashed.map(|hash| hash.to_string()).map_err(|error| {
        Error::new(Code::Internal, format!("the password could not be hashed: {error}"))
    })
}

/// The key of a backup: argon2id (64 MiB, 3 passes) of its passphrase. Takes most of a second.
///
/// # Errors
/// When the passphrase is shorter than 8 bytes or longer than 1024.
pub fn backup_key(passphrase: &Secret, salt: &[u8; 16]) -> Result<BackupKey, Error> {
    let text = passphrase.expose().as_bytes();
    if !(MIN_PASSPHRASE..=MAX_PASSWORD).contains(&text.len()) {
        let why = "the passphrase of a backup has 8 to 1024 bytes; choose another one";
        return Err(Error::new(Code::Invalid, why));
    }
    let failed =
        |why: argon2::Error| Error::new(Code::Internal, format!("no key could be derived: {why}"));
    let cost = Params::new(64 << 10, 3, 1, Some(32)).map_err(failed)?;
    let mut key = Zeroizing::new([0; 32]);
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, cost);
    argon.hash_password_into(text, salt, key.as_mut_slice()).map_err(failed)?;
    Ok(BackupKey::new(*salt, key))
}

/// Whether `password` is the one that was hashed. Takes tens of milliseconds.
fn verify_password(hash: &str, password: &Secret) -> bool {
    PasswordHash::new(hash).is_ok_and(|parsed| {
        Argon2::default().verify_password(password.expose().as_bytes(), &parsed).is_ok()
    })
}

/// Passwords that were right a moment ago, so that a client that sends Basic with every request
/// costs one hash a minute. Kept as keyed digests; the key never leaves this process.
pub(crate) struct Logins {
    key: Option<[u8; 32]>,
    right: Mutex<HashMap<[u8; 32], Instant>>,
    hashing: Arc<Semaphore>,
}

impl Logins {
    /// Nothing remembered; without randomness nothing ever is.
    pub(crate) fn new() -> Self {
        let mut key = [0u8; 32];
        let key = getrandom::fill(&mut key).is_ok().then_some(key);
        let hashing = Arc::new(Semaphore::new(MAX_HASHING));
        Self { key, right: Mutex::default(), hashing }
    }

    /// Whether the password fits the stored hash.
    pub(super) async fn verify(&self, hash: String, password: Secret) -> bool {
        let mark = self.mark(&hash, &password);
        if self.is_remembered(mark, Instant::now()) {
            return true;
        }
        let Ok(permit) = Arc::clone(&self.hashing).acquire_owned().await else { return false };
        // Others with the same password may have been ahead in the queue.
        if self.is_remembered(mark, Instant::now()) {
            return true;
        }
        let checked = tokio::task::spawn_blocking(move || {
            let right = verify_password(&hash, &password);
            drop(permit);
            right
        });
        let right = checked.await.unwrap_or(false);
        if right {
            self.remember(mark, Instant::now());
        }
        right
    }

    /// Keyed digest of hash and password: a changed password is forgotten by itself.
    fn mark(&self, hash: &str, password: &Secret) -> Option<[u8; 32]> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.key.as_ref()?).ok()?;
        mac.update(hash.as_bytes());
        mac.update(&[0]);
        mac.update(password.expose().as_bytes());
        Some(mac.finalize().into_bytes().into())
    }

    fn is_remembered(&self, mark: Option<[u8; 32]>, now: Instant) -> bool {
        let right = self.right.lock().unwrap_or_else(PoisonError::into_inner);
        let since = mark.and_then(|mark| right.get(&mark).copied());
        since.is_some_and(|since| now.saturating_duration_since(since) < REMEMBERED)
    }

    fn remember(&self, mark: Option<[u8; 32]>, now: Instant) {
        let Some(mark) = mark else { return };
        let mut right = self.right.lock().unwrap_or_else(PoisonError::into_inner);
        right.retain(|_, since| now.saturating_duration_since(*since) < REMEMBERED);
        if right.len() >= MAX_REMEMBERED {
            let oldest = right.iter().min_by_key(|(_, since)| **since).map(|(mark, _)| *mark);
            oldest.map(|mark| right.remove(&mark));
        }
        right.insert(mark, now);
    }
}

/// A hash that no password fits, so that a name nobody has costs the time that a known one does.
pub(super) fn nobodys_hash() -> String {
    static HASH: LazyLock<String> = LazyLock::new(|| {
        let mut random = [0u8; 16];
        // Without randomness the text is still no password that anybody was given.
        let _ = getrandom::fill(&mut random);
        let text: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        hash_password(&text).unwrap_or_default()
    });
    HASH.clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    #[tokio::test]
    async fn passwords_are_checked_and_remembered() {
        let hash = hash_password("right").unwrap();
        assert!(hash.starts_with("$argon2id$"), "{hash}");
        let logins = Logins::new();
        assert!(!logins.verify(hash.clone(), secret("wrong")).await);
        assert!(!logins.verify("not a hash".to_owned(), secret("right")).await);
        assert!(logins.right.lock().unwrap().is_empty());
        assert!(logins.verify(hash.clone(), secret("right")).await);
        let mark = logins.mark(&hash, &secret("right"));
        let now = Instant::now();
        assert!(logins.is_remembered(mark, now));
        assert!(!logins.is_remembered(mark, now + REMEMBERED));
        assert!(!logins.is_remembered(logins.mark("another", &secret("right")), now));
        // What is remembered is not hashed again: no permit is needed.
        logins.hashing.close();
        assert!(logins.verify(hash.clone(), secret("right")).await);
        assert!(!logins.verify(hash, secret("wrong")).await);
    }

    #[test]
    fn memory_is_bounded() {
        let logins = Logins::new();
        let now = Instant::now();
        for number in 0..MAX_REMEMBERED + 10 {
            logins.remember(logins.mark("hash", &secret(&number.to_string())), now);
        }
        assert_eq!(logins.right.lock().unwrap().len(), MAX_REMEMBERED);
        logins.remember(logins.mark("hash", &secret("late")), now + REMEMBERED);
        assert_eq!(logins.right.lock().unwrap().len(), 1);
    }

    #[test]
    fn unusable_passwords() {
        for password in ["", &"x".repeat(MAX_PASSWORD + 1)] {
            assert_eq!(hash_password(password).unwrap_err().code(), Code::Invalid);
        }
    }
}
