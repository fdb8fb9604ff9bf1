//! Sessions of the console: a cookie that no script reads, and a second text that only our own page
//! knows and sends with each change (OWASP's synchroniser token).

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::http::HeaderName;
use portolan_core::{account::Role, id::UserId, secret::Secret};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

use super::{Kind, Who, random};
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
/// Most sessions at once; the one idle for longest goes first.
const MAX_SESSIONS: usize = 1024;

struct Session {
    who: Who,
    csrf: [u8; 32],
    begun: Instant,
    seen: Instant,
}

/// Sessions, by the digest of their id. In memory: a restart ends them.
#[derive(Default)]
pub(crate) struct Sessions {
    open: Mutex<HashMap<[u8; 32], Session>>,
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
        if open.len() >= MAX_SESSIONS {
            let idle = open.iter().min_by_key(|(_, session)| session.seen).map(|(id, _)| *id);
            idle.map(|id| open.remove(&id));
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

    /// Ends every session of a user: the password changed, or the user is gone.
    pub(crate) fn end_of(&self, user: UserId) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, session| session.who.kind != Kind::User(user));
    }

    /// Gives the sessions of a user another role.
    pub(crate) fn set_role(&self, user: UserId, role: Role) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        for session in open.values_mut().filter(|it| it.who.kind == Kind::User(user)) {
            session.who.role = role;
        }
    }
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
    use super::*;

    fn ada() -> Who {
        Who { name: "ada".to_owned(), role: Role::Admin, kind: Kind::User(UserId(1)) }
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
        sessions.set_role(UserId(1), Role::Viewer);
        assert_eq!(sessions.find(id, Some(""), now).unwrap().role, Role::Viewer);
        sessions.end_of(UserId(2));
        assert!(sessions.find(id, Some(""), now).is_some());
        sessions.end_of(UserId(1));
        assert_eq!(sessions.find(id, Some(""), now), None);
        let new = sessions.begin(ada(), now).unwrap();
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
        for _ in 0..MAX_SESSIONS + 3 {
            sessions.begin(ada(), now).unwrap();
        }
        assert_eq!(sessions.open.lock().unwrap().len(), MAX_SESSIONS);
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
