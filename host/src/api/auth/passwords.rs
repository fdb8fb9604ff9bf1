//! Passwords: hashing them, checking them, and not doing so at each request.

use std::{
    collections::HashMap,
    net::IpAddr,
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
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use zeroize::Zeroizing;

use super::Attempts;
use crate::{
    api::{
        respond::ApiError,
        shares::{Share, Shares},
    },
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
/// Most that wait for that, in all.
const MAX_WAITING: usize = 64;
/// Most of one address (one /64 of IPv6) that wait: more than tools send at once.
const MAX_WAITING_OF_ONE: usize = 16;
/// When those that find no place may try again.
const CROWDED: Duration = Duration::from_secs(1);

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
#[must_use]
pub fn verify_password(hash: &str, password: &Secret) -> bool {
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
    waiting: Shares,
}

/// A password that somebody says is that of `name`.
pub(super) struct Guess {
    pub(super) peer: Option<IpAddr>,
    pub(super) name: String,
    /// As stored.
    pub(super) hash: String,
    pub(super) password: Secret,
}

impl Logins {
    /// Nothing remembered; without randomness nothing ever is.
    pub(crate) fn new() -> Self {
        let mut key = [0u8; 32];
        let key = getrandom::fill(&mut key).is_ok().then_some(key);
        let hashing = Arc::new(Semaphore::new(MAX_HASHING));
        let waiting = Shares::new(MAX_WAITING, MAX_WAITING_OF_ONE);
        Self { key, right: Mutex::default(), hashing, waiting }
    }

    /// Whether the password fits the stored hash. A wrong one is counted.
    ///
    /// # Errors
    /// 429 where too many wait, or were wrong while this one waited.
    pub(super) async fn verify(
        &self,
        guess: Guess,
        attempts: &Arc<Attempts>,
    ) -> Result<bool, ApiError> {
        let mark = self.mark(&guess.hash, &guess.password);
        if self.is_remembered(mark, Instant::now()) {
            attempts.succeeded(guess.peer, &guess.name);
            return Ok(true);
        }
        let permit = self.turn(guess.peer).await?;
        // Others were ahead in the queue: with wrong passwords, or with the same one.
        if let Some(wait) = attempts.wait(guess.peer, &guess.name, Instant::now()) {
            return Err(ApiError::too_many(wait));
        }
        if self.is_remembered(mark, Instant::now()) {
            return Ok(true);
        }
        let attempts = Arc::clone(attempts);
        let checked = tokio::task::spawn_blocking(move || {
            let right = verify_password(&guess.hash, &guess.password);
            // Before the next one is looked at, and also where nobody waits for the answer.
            match right {
                true => attempts.succeeded(guess.peer, &guess.name),
                false => attempts.failed(guess.peer, &guess.name, Instant::now()),
            }
            drop(permit);
            right
        });
        let right = checked.await.unwrap_or(false);
        if right {
            self.remember(mark, Instant::now());
        }
        Ok(right)
    }

    /// [`hash_password`], on a thread that may take its time.
    ///
    /// # Errors
    /// As there; 429 where too many wait.
    pub(super) async fn hash(
        &self,
        password: Secret,
        peer: Option<IpAddr>,
    ) -> Result<String, ApiError> {
        let permit = self.turn(peer).await?;
        let hashing = tokio::task::spawn_blocking(move || {
            let hashed = hash_password(password.expose());
            drop(permit);
            hashed
        });
        let ended = hashing.await.map_err(|error| Error::new(Code::Internal, error.to_string()))?;
        Ok(ended?)
    }

    /// Waits for leave to hash one password.
    async fn turn(&self, peer: Option<IpAddr>) -> Result<OwnedSemaphorePermit, ApiError> {
        let mut place = Share::new(Some(&self.waiting), peer);
        if !place.take(1) {
            return Err(ApiError::too_many(CROWDED));
        }
        let turn = Arc::clone(&self.hashing).acquire_owned().await;
        turn.map_err(|_| ApiError::too_many(CROWDED))
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
    use futures_util::FutureExt;

    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    fn guess(hash: &str, password: &str) -> Guess {
        let (name, hash) = ("ada".to_owned(), hash.to_owned());
        Guess { peer: None, name, hash, password: secret(password) }
    }

    #[tokio::test]
    async fn passwords_are_checked_and_remembered() {
        let hash = hash_password("right").unwrap();
        assert!(hash.starts_with("$argon2id$"), "{hash}");
        let (logins, attempts) = (Logins::new(), Arc::default());
        let verify = async |guess| logins.verify(guess, &attempts).await;
        assert!(!verify(guess(&hash, "wrong")).await.unwrap());
        assert!(!verify(guess("not a hash", "right")).await.unwrap());
        assert!(logins.right.lock().unwrap().is_empty());
        assert!(verify(guess(&hash, "right")).await.unwrap());
        let mark = logins.mark(&hash, &secret("right"));
        let now = Instant::now();
        assert!(logins.is_remembered(mark, now));
        assert!(!logins.is_remembered(mark, now + REMEMBERED));
        assert!(!logins.is_remembered(logins.mark("another", &secret("right")), now));
        // What is remembered is not hashed again: no permit is needed.
        logins.hashing.close();
        assert!(verify(guess(&hash, "right")).await.unwrap());
        assert!(verify(guess(&hash, "wrong")).await.is_err());
    }

    #[tokio::test]
    async fn hashes_wait_their_turn_and_one_address_does_not_fill_the_queue() {
        let logins = Logins::new();
        let busy = logins.hashing.acquire_many(2).await.unwrap();
        let at = |text: &str| Some(text.parse().unwrap());
        let begin = |peer| {
            let mut hashing = Box::pin(logins.hash(secret("new"), peer));
            let ended = (&mut hashing).now_or_never();
            (hashing, ended)
        };
        let mut waiting = Vec::new();
        for _ in 0..MAX_WAITING_OF_ONE {
            let (hashing, ended) = begin(at("192.0.2.1"));
            assert!(ended.is_none(), "{ended:?}");
            waiting.push(hashing);
        }
        let (_, refused) = begin(at("192.0.2.1"));
        let refused = format!("{:?}", refused.unwrap().unwrap_err());
        assert!(refused.contains("TOO_MANY_REQUEST"), "{refused}");
        let (other, ended) = begin(at("192.0.2.2"));
        assert!(ended.is_none());
        drop((waiting, busy));
        assert!(other.await.unwrap().starts_with("$argon2id$"));
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
