//! Who is calling: the owner of the Unix socket, a user with a password or a certificate, a token, a
//! console session, or somebody a trusted proxy names; and what each may do (contract 1.2). A wrong
//! password makes a caller anonymous, never an error by itself.
//!
//! [`Access`] is the only road from a handler to the host, so that no handler can forget to ask.

mod attempts;
mod passwords;
mod presented;
mod reading;
mod sessions;
mod who;

use std::{convert::Infallible, net::IpAddr, sync::Arc, time::Instant};

use axum::{extract::FromRequestParts, http::request::Parts};
use portolan_core::{account::Role, audit::Means, secret::Secret};
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;

use super::{
    Api, ApiSettings, Caller, CertificateName, Peer, Secure, audit::Trace, proxied::Proxied,
    respond::ApiError, trace::Sender,
};
use crate::{
    error::{Code, Error},
    host::Host,
};

pub(crate) use attempts::Attempts;
use passwords::Guess;
pub(crate) use passwords::Logins;
pub use passwords::{backup_key, hash_password, verify_password};
use presented::Presented;
pub(crate) use reading::{Reading, Streams};
pub(crate) use sessions::{Sessions, cookie};
pub(crate) use who::{Kind, Who};

/// The first administrator's name.
pub const ADMIN: &str = "admin";

/// A caller, asked who it is only when a handler needs to know: binding comes first, so that a
/// malformed request is a 422 even for somebody anonymous.
pub(crate) struct Access {
    api: Api,
    caller: Option<Caller>,
    peer: Option<IpAddr>,
    proxied: Option<Who>,
    certificate: Option<CertificateName>,
    secure: bool,
    sender: Sender,
    presented: Presented,
    who: OnceCell<Option<Who>>,
    trace: Arc<Trace>,
}

impl Access {
    /// The host, for everybody who has a login.
    ///
    /// # Errors
    /// 401 for anybody else; 429 after too many wrong passwords.
    pub(crate) async fn viewer(&self) -> Result<&Host, ApiError> {
        self.at_least(Role::Viewer).await
    }

    /// The host, for those who may run and stop rules.
    ///
    /// # Errors
    /// 401 for nobody, 403 for somebody else.
    pub(crate) async fn operator(&self) -> Result<&Host, ApiError> {
        self.at_least(Role::Operator).await
    }

    /// The host, for administrators.
    ///
    /// # Errors
    /// 401 for nobody, 403 for somebody else.
    pub(crate) async fn admin(&self) -> Result<&Host, ApiError> {
        self.at_least(Role::Admin).await
    }

    async fn at_least(&self, role: Role) -> Result<&Host, ApiError> {
        match self.who().await? {
            Some(who) if who.role >= role => {
                Ok(self.trace.host(&self.api.0.host, who, self.means()))
            }
            Some(who) => Err(ApiError::forbidden(&who.name)),
            None => Err(ApiError::unauthorized()),
        }
    }

    /// Who is calling; `None` for nobody.
    ///
    /// # Errors
    /// The host's own error where logins cannot be read; 429 after too many wrong passwords.
    pub(crate) async fn who(&self) -> Result<Option<&Who>, ApiError> {
        let who = self.who.get_or_try_init(|| self.find_out()).await?.as_ref();
        who.inspect(|who| {
            self.sender.is(&who.name);
            self.trace.known(who, self.means());
        });
        Ok(who)
    }

    /// How the caller proves who they are, or tries to.
    fn means(&self) -> Means {
        if self.caller == Some(Caller::Owner) {
            return Means::Socket;
        }
        if self.proxied.is_some() {
            return Means::Proxy;
        }
        match &self.presented {
            Presented::Nothing if self.certificate.is_some() => Means::Certificate,
            Presented::Nothing | Presented::Unreadable => Means::None,
            Presented::Password(..) => Means::Password,
            Presented::Token(_) => Means::Token,
            Presented::Session { .. } => Means::Session,
        }
    }

    /// The same, for what only somebody may ask.
    ///
    /// # Errors
    /// 401 for nobody.
    pub(crate) async fn somebody(&self) -> Result<&Who, ApiError> {
        self.who().await?.ok_or_else(ApiError::unauthorized)
    }

    async fn find_out(&self) -> Result<Option<Who>, ApiError> {
        if self.caller == Some(Caller::Owner) {
            return Ok(Some(Who::owner()));
        }
        // Before what was presented: a proxy passes on the password that it has checked.
        if let Some(who) = &self.proxied {
            return Ok(Some(who.clone()));
        }
        match &self.presented {
            Presented::Nothing => self.certified().await,
            Presented::Unreadable => Ok(None),
            Presented::Password(name, password) => self.log_in(name, password).await,
            Presented::Token(text) => self.token(text).await,
            Presented::Session { id, csrf } => self.in_session(id, csrf.as_deref()).await,
        }
    }

    /// Whose session it is, as the user is now: gone, or given another role or password, perhaps by
    /// way of a router that keeps sessions of its own.
    async fn in_session(&self, id: &str, csrf: Option<&str>) -> Result<Option<Who>, ApiError> {
        let Some(begun) = self.api.0.sessions.find(id, csrf, Instant::now()) else {
            return Ok(None);
        };
        let now = self.api.user_now(&begun).await?;
        if now.is_none() {
            self.api.0.sessions.end(id);
        }
        Ok(now)
    }

    /// Checks a name and a password.
    ///
    /// # Errors
    /// 429 after too many wrong ones from the same address, for the same name or for many, and
    /// where too many wait to be checked.
    pub(crate) async fn log_in(
        &self,
        name: &str,
        password: &Secret,
    ) -> Result<Option<Who>, ApiError> {
        let attempts = &self.api.0.attempts;
        self.trace.tried(name, Means::Password);
        if let Some(wait) = attempts.wait(self.peer, name, Instant::now()) {
            return Err(ApiError::too_many(wait));
        }
        if password.expose().len() > passwords::MAX_PASSWORD {
            return Ok(None);
        }
        let known = self.api.0.host.user_named(name).await?;
        let (user, hash) = match known {
            Some((user, hash)) => (Some(user), hash),
            None => (None, passwords::nobodys_hash()),
        };
        let (name, password) = (name.to_owned(), password.clone());
        let guess = Guess { peer: self.peer, name, hash: hash.clone(), password };
        let right = self.api.0.logins.verify(guess, attempts).await?;
        let Some(user) = user.filter(|_| right) else { return Ok(None) };
        self.sender.is(user.name.as_str());
        let who = Who::user(user, &hash);
        self.trace.known(&who, Means::Password);
        Ok(Some(who))
    }

    /// The user that a client certificate names, where these are to log people in.
    async fn certified(&self) -> Result<Option<Who>, ApiError> {
        let name = self.certificate.as_ref().filter(|_| self.api.0.settings.certificate_users);
        let Some(CertificateName(name)) = name else { return Ok(None) };
        let known = self.api.0.host.user_named(name).await?;
        Ok(known.map(|(user, hash)| Who::user(user, &hash)))
    }

    async fn token(&self, text: &Secret) -> Result<Option<Who>, ApiError> {
        self.trace.tried("", Means::Token);
        let token = self.api.0.host.use_token(&digest(text)).await?;
        Ok(token.map(|token| Who {
            name: format!("robot${}", token.name),
            role: token.role,
            kind: Kind::Token(token.id),
        }))
    }

    /// The hash of a new password, for the store. It waits its turn like a login.
    ///
    /// # Errors
    /// 400 for a password that is empty or too long; 429 where too many wait.
    pub(crate) async fn hash(&self, password: String) -> Result<String, ApiError> {
        self.api.0.logins.hash(Secret::new(password), self.peer).await
    }

    /// Whether the store answers: for `/health`, which everybody may ask.
    pub(crate) async fn store_answers(&self) -> bool {
        self.api.0.host.has_users().await.is_ok()
    }

    /// Settings of the HTTP face.
    pub(crate) fn settings(&self) -> &ApiSettings {
        &self.api.0.settings
    }

    /// Whether the request travels over TLS, so that a cookie must never travel otherwise.
    pub(crate) fn is_secure(&self) -> bool {
        self.secure
    }

    /// The right to go on reading, for an answer that goes on.
    ///
    /// # Errors
    /// 401 for nobody; 429 where there are too many such answers, of this caller or in all.
    pub(crate) async fn reading(&self) -> Result<Reading, ApiError> {
        let who = self.somebody().await?.clone();
        let place = self.api.0.streams.take(&who.name).ok_or_else(ApiError::too_many_streams)?;
        Ok(Reading::new(self.api.clone(), who, self.token_digest(), self.session_id(), place))
    }

    fn token_digest(&self) -> Option<String> {
        match &self.presented {
            Presented::Token(text) => Some(digest(text)),
            _ => None,
        }
    }

    /// The console's sessions.
    pub(crate) fn sessions(&self) -> &Sessions {
        &self.api.0.sessions
    }

    /// The id of the session that the request came with.
    pub(crate) fn session_id(&self) -> Option<&str> {
        match &self.presented {
            Presented::Session { id, .. } => Some(id),
            _ => None,
        }
    }
}

impl Api {
    /// A user as stored now; `None` where it is gone, or has another password than it had then.
    async fn user_now(&self, then: &Who) -> Result<Option<Who>, Error> {
        let known = self.0.host.user_named(&then.name).await?;
        let now = known.map(|(user, hash)| Who::user(user, &hash));
        Ok(now.filter(|now| now.kind == then.kind))
    }
}

impl FromRequestParts<Api> for Access {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Infallible> {
        Ok(Self {
            api: api.clone(),
            caller: parts.extensions.get::<Caller>().copied(),
            peer: parts.extensions.get::<Peer>().map(|peer| peer.0),
            proxied: parts.extensions.get::<Proxied>().map(|proxied| proxied.0.clone()),
            certificate: parts.extensions.get::<CertificateName>().cloned(),
            secure: parts.extensions.get::<Secure>().is_some(),
            sender: parts.extensions.get::<Sender>().cloned().unwrap_or_default(),
            presented: Presented::by(parts),
            who: OnceCell::new(),
            trace: parts.extensions.get::<Arc<Trace>>().cloned().unwrap_or_default(),
        })
    }
}

/// 256 random bits in hexadecimal digits: what tokens, sessions and their proofs are made of.
///
/// # Errors
/// The system's, where it has no randomness.
pub(crate) fn random() -> Result<Secret, Error> {
    let mut bytes = [0u8; 32];
    getrandom::fill(&mut bytes)
        .map_err(|error| Error::new(Code::Internal, format!("no randomness: {error}")))?;
    Ok(Secret::new(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
}

/// SHA-256 of a token's text, in hexadecimal digits: how the store knows it.
pub(crate) fn digest(text: &Secret) -> String {
    Sha256::digest(text.expose().as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
