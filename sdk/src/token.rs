//! The registry token flow (distribution's token authentication), whole.
//!
//! A registry says by its challenge whether it wants nothing, Basic, or a token from a realm. A
//! [`Flow`] asks it once, keeps the answer and the tokens in the host's cache, and falls back to
//! the challenge the host met. It never sends a secret itself: the host does, and only to a realm
//! that the endpoint announced or the administrator allowed.

mod challenge;
mod fetch;
mod life;
mod probe;
mod scope;
#[cfg(test)]
mod tests;

use crate::{
    Auth, Challenge, Endpoint, Error, Grant, Result, Scope, cache,
    http::{Request, Response},
};

pub use challenge::parse as parse_challenges;
pub(crate) use challenge::preferred;
pub use fetch::Form;
pub use life::of_jwt as jwt_life;
pub use probe::{Probe, not_a_registry};
pub use scope::{CATALOG, text as scope_text};

/// How long a registry's way to authenticate is believed, in seconds.
const CHALLENGE_TTL: u32 = 600;

/// How one registry of an endpoint wants to be authenticated to.
#[derive(Clone, Debug)]
pub struct Flow<'a> {
    endpoint: &'a Endpoint,
    base: String,
    form: Form,
    realm: Option<String>,
    life: Option<fn(&str) -> u64>,
    login: Option<Auth>,
}

/// What a registry asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Demand {
    Nothing,
    Basic,
    Token { realm: String, service: Option<String> },
}

/// How it is kept in the cache: nothing, or the realm, where there is one, and the service. Tuples
/// cost a component less than an enum.
type Kept = Option<(Option<String>, Option<String>)>;

impl Demand {
    fn keep(self, key: &str) -> Self {
        let kept: Kept = match &self {
            Self::Nothing => None,
            Self::Basic => Some((None, None)),
            Self::Token { realm, service } => Some((Some(realm.clone()), service.clone())),
        };
        cache::set(key, &kept, CHALLENGE_TTL);
        self
    }

    fn kept(key: &str) -> Option<Self> {
        Some(match cache::get::<Kept>(key)? {
            None => Self::Nothing,
            Some((None, _)) => Self::Basic,
            Some((Some(realm), service)) => Self::Token { realm, service },
        })
    }
}

impl<'a> Flow<'a> {
    /// The flow of the endpoint's own registry, tokens fetched by `GET`.
    #[must_use]
    pub fn new(endpoint: &'a Endpoint) -> Self {
        Self {
            endpoint,
            base: endpoint.url.clone(),
            form: Form::Get,
            realm: None,
            life: None,
            login: None,
        }
    }

    /// The flow of a registry at another address than the endpoint's.
    #[must_use]
    pub fn at(mut self, base_url: &str) -> Self {
        self.base = base_url.trim_end_matches('/').to_owned();
        self
    }

    /// Fetches tokens by another form.
    #[must_use]
    pub fn form(mut self, form: Form) -> Self {
        self.form = form;
        self
    }

    /// Asks for tokens at a path below the registry, whatever realm it announces: for a provider
    /// whose token service is always there.
    #[must_use]
    pub fn realm(mut self, path: &str) -> Self {
        self.realm = Some(self.url(path));
        self
    }

    /// Says how many seconds a token lives where the service does not: for a provider that never
    /// does. Too long a life costs one more question, since a refused token is replaced.
    #[must_use]
    pub fn token_life(mut self, life: fn(&str) -> u64) -> Self {
        self.life = Some(life);
        self
    }

    /// Proves itself by this authority, by `GET` alone, and never by the endpoint's own credentials:
    /// for a provider whose API gives out short-lived logins (see [`Auth::temporary`]).
    #[must_use]
    pub fn login(mut self, login: Auth) -> Self {
        self.login = Some(login);
        self
    }

    /// How it proves itself where no token is asked for.
    pub(crate) fn auth(&self) -> Auth {
        self.login.clone().unwrap_or_else(|| self.endpoint.auth())
    }

    /// An address below the registry: `path` starts with `/`.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        if self.base == self.endpoint.url {
            path.to_owned()
        } else {
            format!("{}{path}", self.base)
        }
    }

    /// The authority for `scopes`; `challenge` is what the host met with an earlier grant.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] where the credentials are refused or missing.
    pub fn authorize(&self, scopes: &[Scope], challenge: Option<&Challenge>) -> Result<Grant> {
        let scopes: Vec<String> = scopes.iter().map(scope::text).collect();
        self.grant(&scopes, challenge)
    }

    /// The same for scopes written as `type:name:actions`.
    ///
    /// # Errors
    /// As [`Flow::authorize`].
    pub fn grant(&self, scopes: &[String], challenge: Option<&Challenge>) -> Result<Grant> {
        let demand = match challenge {
            Some(challenge) => self.learn(challenge)?,
            None => self.demand()?,
        };
        match demand {
            Demand::Nothing => Ok(Grant::new(Auth::Anonymous, None)),
            Demand::Basic if self.login.is_some() || self.endpoint.has_credentials() => {
                Ok(Grant::new(self.login.clone().unwrap_or(Auth::Basic), None))
            }
            Demand::Basic => Err(Error::Unauthenticated(format!(
                "{} asks for a user name and password, and the endpoint has none",
                self.base
            ))),
            Demand::Token { realm, service } => {
                let asked = challenge.and_then(|c| c.param("scope")).unwrap_or_default();
                let (wanted, scopes) = (scope::merge(scopes, ""), scope::merge(scopes, asked));
                let ask = fetch::Ask {
                    endpoint: self.endpoint,
                    form: &self.form,
                    login: self.login.as_ref(),
                    realm: &realm,
                    service: service.as_deref(),
                    scopes: &scopes,
                    life: self.life,
                };
                let (token, expires) = match challenge {
                    None => ask.token()?,
                    // What was asked for is covered, too: the next one need not be refused first.
                    Some(_) => ask.fresh(&wanted)?,
                };
                Ok(Grant::new(Auth::Bearer(token), Some(expires)))
            }
        }
    }

    /// Sends a request of the adapter itself with the authority for `scopes`, and once more where
    /// the registry answers it with a new challenge.
    ///
    /// # Errors
    /// Where no authority could be had or no answer came; a status is not an error here.
    pub fn send(&self, request: Request, scopes: &[String]) -> Result<Response> {
        let grant = self.grant(scopes, None)?;
        let first = request.clone().auth(grant.auth.clone()).send()?;
        if first.status() != 401 {
            return Ok(first);
        }
        let Some(challenge) = challenge::preferred(&first) else { return Ok(first) };
        let again = self.grant(scopes, Some(&challenge))?;
        if again.auth == grant.auth {
            return Ok(first);
        }
        request.auth(again.auth).send()
    }

    /// Asks the registry's `/v2/` anonymously and remembers what it wants.
    ///
    /// # Errors
    /// Where no answer came.
    pub fn probe(&self) -> Result<Probe> {
        let response = Request::get(self.url("/v2/")).send()?;
        let probe = Probe::new(response);
        if let Some(challenge) = probe.challenge() {
            self.learn_at(challenge, probe.response().url())?;
        }
        Ok(probe)
    }

    fn cache_key(&self) -> String {
        format!("challenge {}", self.base)
    }

    fn demand(&self) -> Result<Demand> {
        if let Some(demand) = Demand::kept(&self.cache_key()) {
            return Ok(demand);
        }
        let probe = self.probe()?;
        match probe.challenge() {
            Some(challenge) => self.learn_at(challenge, probe.response().url()),
            None if probe.is_registry() && probe.response().status() == 200 => {
                Ok(Demand::Nothing.keep(&self.cache_key()))
            }
            None => Err(probe.refusal(&self.base)),
        }
    }

    fn learn(&self, challenge: &Challenge) -> Result<Demand> {
        self.learn_at(challenge, &format!("{}/v2/", self.base))
    }

    /// Remembers a challenge that the answer of `met_at` held.
    fn learn_at(&self, challenge: &Challenge, met_at: &str) -> Result<Demand> {
        let key = self.cache_key();
        // Refused with a token, some ask for the password (Harbor 2.x); a new token serves as well,
        // and does not send it with each request.
        if self.realm.is_some()
            && !challenge.scheme.eq_ignore_ascii_case("Bearer")
            && let Some(token @ Demand::Token { .. }) = Demand::kept(&key)
        {
            return Ok(token);
        }
        let demand = match &self.realm {
            Some(realm) if challenge.scheme.eq_ignore_ascii_case("Bearer") => Demand::Token {
                realm: realm.clone(),
                service: challenge.param("service").map(str::to_owned),
            },
            _ => challenge::demand(challenge, met_at)?,
        };
        Ok(demand.keep(&key))
    }
}
