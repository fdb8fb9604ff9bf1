//! Sessions of the console: a cookie that no script reads, and a second text that only our own page
//! knows and sends with each change (OWASP's synchroniser token).

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::http::HeaderName;
use portolan_core::secret::Secret;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

use super::{Who, random};
use crate::error::Error;

/// The cookie's name. Over TLS it has the prefix that keeps other hosts and plain HTTP from setting
/// it (RFC 6265bis, 4.1.3.2).
pub(super) fn cookie_name(secure: bool) -> &'static str {
    if secure { "__Host-portolan_session" } else { "portolan_session" }
}

/// The header that carries the second proof.
pub(super) const CSRF_HEADER: HeaderName = HeaderName::from_static("x-portolan-csrf");

/// A session ends after this time without a request.
const IDLE: Duration = Duration::from_secs(3600);
/// A session ends after this time in any case.
const LIFE: Duration = Duration::from_secs(12 * 3600);
/// Most sessions at once; then the longest idle of whoever has most goes first.
const MAX_SESSIONS: usize = 1024;
/// Most sessions of one user at once; the one idle for longest goes first.
const MAX_OF_ONE: usize = 16;

struct Session {
    who: Who,
    csrf: [u8; 32],
    begun: Instant,
    seen: Instant,
}

type Open = HashMap<[u8; 32], Session>;

/// Sessions, by the digest of their id. In memory: a restart ends them. Whether their user is still
/// there, and may what it might, is for the store to say.
#[derive(Default)]
pub(crate) struct Sessions {
    open: Mutex<Open>,
}

/// What a new session is told, once.
pub(crate) struct NewSession {
    pub(crate) id: Secret,
    pub(crate) csrf: Secret,
}

impl Sessions {
    /// Begins a session.
    ///
    /// # Errors
    /// Where the system has no randomness.
    pub(crate) fn begin(&self, who: Who, now: Instant) -> Result<NewSession, Error> {
        let (id, csrf) = (random()?, random()?);
        let session = Session { who, csrf: digest(csrf.expose()), begun: now, seen: now };
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, session| !session.is_over(now));
        if let Some(id) = in_the_way(&open, &session.who.name) {
            open.remove(&id);
        }
        open.insert(digest(id.expose()), session);
        Ok(NewSession { id, csrf })
    }

    /// Whose session it is. `csrf` is empty for a request that only reads, and `None` for one that
    /// changes something without the second proof: that one is nobody's.
    pub(super) fn find(&self, id: &str, csrf: Option<&str>, now: Instant) -> Option<Who> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let session = open.get_mut(&digest(id)).filter(|session| !session.is_over(now))?;
        let csrf = csrf?;
        if !csrf.is_empty() && !bool::from(digest(csrf).ct_eq(&session.csrf)) {
            return None;
        }
        session.seen = now;
        Some(session.who.clone())
    }

    /// Whether a session goes on: looking is no request, and does not make it last.
    pub(super) fn is_open(&self, id: &str, now: Instant) -> bool {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.get(&digest(id)).is_some_and(|session| !session.is_over(now))
    }

    /// Ends one session.
    pub(crate) fn end(&self, id: &str) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&digest(id));
    }
}

/// The session that must go before this user begins another one.
fn in_the_way(open: &Open, user: &str) -> Option<[u8; 32]> {
    let mut counts = HashMap::<&str, usize>::new();
    for session in open.values() {
        *counts.entry(&session.who.name).or_default() += 1;
    }
    let full = open.len() >= MAX_SESSIONS;
    let own = counts.get(user).is_some_and(|count| *count >= MAX_OF_ONE).then_some(user);
    let most = || counts.iter().max_by_key(|(_, count)| **count).map(|(name, _)| *name);
    let whose = own.or_else(|| most().filter(|_| full))?;
    let theirs = open.iter().filter(|(_, session)| session.who.name == whose);
    theirs.min_by_key(|(_, session)| session.seen).map(|(id, _)| *id)
}

impl Session {
    fn is_over(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.seen) >= IDLE
            || now.saturating_duration_since(self.begun) >= LIFE
    }
}

/// The `Set-Cookie` value that begins a session, or ends it where `id` is `None`.
pub(crate) fn cookie(id: Option<&Secret>, secure: bool) -> String {
    let name = cookie_name(secure);
    let secure = if secure { "; Secure" } else { "" };
    match id {
        Some(id) => {
            let (id, life) = (id.expose(), LIFE.as_secs());
            format!("{name}={id}; Path=/; HttpOnly; SameSite=Strict; Max-Age={life}{secure}")
        }
        None => format!("{name}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0{secure}"),
    }
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use portolan_core::account::Role;

    use super::*;
    use crate::api::auth::Kind;

    fn of(name: &str) -> Who {
        Who { name: name.to_owned(), role: Role::Admin, kind: Kind::Proxy }
    }

    fn ada() -> Who {
        of("ada")
    }

    #[test]
    fn a_change_needs_the_second_proof() {
        let (sessions, now) = (Sessions::default(), Instant::now());
        let new = sessions.begin(ada(), now).unwrap();
        let (id, csrf) = (new.id.expose(), new.csrf.expose());
        assert_eq!((id.len(), csrf.len()), (64, 64));
        assert_eq!(sessions.find(id, Some(""), now), Some(ada()));
        assert_eq!(sessions.find(id, Some(csrf), now), Some(ada()));
        assert_eq!(sessions.find(id, None, now), None);
        assert_eq!(sessions.find(id, Some("guess"), now), None);
        assert_eq!(sessions.find("guess", Some(""), now), None);
        sessions.end(new.id.expose());
        assert_eq!(sessions.find(new.id.expose(), Some(""), now), None);
    }

    #[test]
    fn sessions_end_by_themselves_and_are_bounded() {
        let (sessions, now) = (Sessions::default(), Instant::now());
        let new = sessions.begin(ada(), now).unwrap();
        let id = new.id.expose();
        let mut later = now;
        while later < now + LIFE {
            assert!(sessions.find(id, Some(""), later).is_some());
            later += IDLE - Duration::from_secs(1);
        }
        assert_eq!(sessions.find(id, Some(""), later), None);
        let new = sessions.begin(ada(), now).unwrap();
        assert_eq!(sessions.find(new.id.expose(), Some(""), now + IDLE), None);
    }

    #[test]
    fn nobody_ends_the_sessions_of_others_by_beginning_many() {
        let (sessions, now) = (Sessions::default(), Instant::now());
        let begin = |name: &str, now| sessions.begin(of(name), now).unwrap().id;
        let is_open = |id: &Secret| sessions.is_open(id.expose(), now);
        let ada = begin("ada", now);
        let later = now + Duration::from_secs(1);
        let oldest = begin("eve", now);
        for _ in 0..MAX_SESSIONS + 3 {
            begin("eve", later);
        }
        assert!(is_open(&ada) && !is_open(&oldest));
        assert_eq!(sessions.open.lock().unwrap().len(), 1 + MAX_OF_ONE);
        for number in 0..MAX_SESSIONS {
            begin(&number.to_string(), later);
        }
        let open = sessions.open.lock().unwrap();
        assert_eq!(open.len(), MAX_SESSIONS);
        let eves = open.values().filter(|it| it.who.name == "eve").count();
        let adas = open.values().filter(|it| it.who.name == "ada").count();
        assert_eq!((eves, adas), (1, 1), "who has most makes room");
    }

    #[test]
    fn cookies_are_for_our_own_page_alone() {
        let id = Secret::new("abc".to_owned());
        let text = cookie(Some(&id), true);
        for part in
            ["__Host-portolan_session=abc;", "HttpOnly", "SameSite=Strict", "Secure", "Path=/"]
        {
            assert!(text.contains(part), "{text}");
        }
        let plain = cookie(Some(&id), false);
        assert!(plain.starts_with("portolan_session=abc;") && !plain.contains("Secure"), "{plain}");
        assert!(cookie(None, false).contains("Max-Age=0"));
    }
}
