//! ECR's authorization tokens: fetched with the keys, kept until shortly before they expire.

use portolan_sdk::{
    Auth, Challenge, Endpoint, Error, Grant, RawAuth, Result, Scope, cache, time, token::Flow,
};
use serde::{Deserialize, Serialize};

use crate::{
    api::Service,
    place::{Place, Private},
    public, wire,
};

const TOKEN: &str = "token";
const ACCOUNT: &str = "account";

/// Shortest time that a token is kept, in seconds: also one that is said to have expired long
/// ago, by a clock that is wrong or an emulator, is not asked for with every request.
const MIN_LIFE: u64 = 60;

/// Longest life believed, in seconds: AWS gives twelve hours.
const MAX_LIFE: u64 = 12 * 3600;

/// How long before its end a token is renewed, in seconds, and at most a sixth of its life.
const EARLY: u64 = 300;

/// How long the account of keys is remembered, in seconds.
const ACCOUNT_TTL: u32 = 24 * 3600;

/// A token as kept in the cache.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Token {
    /// `AWS:password` in base64: the value of Basic, or the token of Bearer.
    value: String,
    /// Seconds since the epoch.
    expires: u64,
}

impl Token {
    fn new(authorization: wire::Authorization) -> Self {
        let now = time::now();
        let expires = authorization.expires_at.map_or(0, |at| at as u64);
        let life = expires.saturating_sub(now).clamp(MIN_LIFE, MAX_LIFE);
        Self { value: authorization.authorization_token, expires: now.saturating_add(life) }
    }

    fn keep(&self) {
        let life = self.expires.saturating_sub(time::now());
        let kept = life.saturating_sub(EARLY.min(life / 6)).max(MIN_LIFE);
        cache::set(TOKEN, self, u32::try_from(kept).unwrap_or(u32::MAX));
    }

    /// What a private registry takes.
    pub(crate) fn basic(self) -> Auth {
        Auth::Raw(RawAuth { scheme: "Basic".to_owned(), value: self.value })
    }

    /// What ECR Public takes, which refuses the same as Basic.
    pub(crate) fn bearer(self) -> Auth {
        Auth::Bearer(self.value)
    }
}

/// A new token of a private registry, and the account it belongs to.
pub(crate) fn fetch(endpoint: &Endpoint, place: &Private) -> Result<(Token, String)> {
    let service = Service::private(place);
    let answer: wire::Authorizations =
        service.call(endpoint, "GetAuthorizationToken", &wire::Nothing {})?;
    let odd = |why: &str| {
        Error::MalformedResponse(format!("GetAuthorizationToken of {} {why}", endpoint.url))
    };
    let first = answer.authorization_data.and_then(|data| data.into_iter().next());
    let authorization = first.ok_or_else(|| odd("gave no token"))?;
    let proxy = authorization.proxy_endpoint.as_deref().unwrap_or_default();
    // Only the account is taken from it: where requests go is not the server's to say.
    let account = match Place::parse(proxy) {
        Some(Place::Private(Private { account: Some(account), .. })) => account,
        _ => return Err(odd("named no registry")),
    };
    let account = place.account.clone().unwrap_or(account);
    let token = Token::new(authorization);
    token.keep();
    cache::set(ACCOUNT, &account, ACCOUNT_TTL);
    Ok((token, account))
}

/// A new token of ECR Public.
pub(crate) fn fetch_public(endpoint: &Endpoint) -> Result<Token> {
    let answer: wire::PublicAuthorization =
        Service::public().call(endpoint, "GetAuthorizationToken", &wire::Nothing {})?;
    let token = Token::new(answer.authorization_data);
    token.keep();
    Ok(token)
}

/// The address of the registry: by the account in the endpoint's address, else by that of the
/// keys, which only a token tells.
pub(crate) fn registry(endpoint: &Endpoint, place: &Private) -> Result<String> {
    let known = place.account.clone().or_else(|| cache::get(ACCOUNT));
    let account = match known {
        Some(account) => account,
        None => fetch(endpoint, place)?.1,
    };
    Ok(place.registry(&account))
}

/// A token from the cache; a new one where the registry has just refused the one before.
pub(crate) fn authorize(
    endpoint: &Endpoint,
    scopes: &[Scope],
    challenge: Option<&Challenge>,
) -> Result<Grant> {
    let place = Place::of(endpoint)?;
    if place == Place::Public && !endpoint.has_credentials() {
        return Flow::new(endpoint).at(public::REGISTRY).authorize(scopes, challenge);
    }
    let kept = cache::get::<Token>(TOKEN).filter(|_| challenge.is_none());
    let token = match (kept, &place) {
        (Some(token), _) => token,
        (None, Place::Private(place)) => fetch(endpoint, place)?.0,
        (None, Place::Public) => fetch_public(endpoint)?,
    };
    let expires = Some(token.expires);
    Ok(match place {
        Place::Private(_) => Grant::new(token.basic(), expires),
        Place::Public => Grant::new(token.bearer(), expires),
    })
}
