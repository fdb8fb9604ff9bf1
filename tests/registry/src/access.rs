//! Who may do what: nobody is asked, or Basic, or Bearer with scopes enforced. The comparisons
//! are plain: this guards test content on loopback.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, RandomState},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::{Method, StatusCode, header};
use serde_json::Value;

use crate::{
    answer::{self, Refusal, set},
    call::{Call, Route},
};

/// How requests are authenticated.
#[derive(Debug)]
pub(crate) enum Access {
    Anonymous,
    Basic(Account),
    Bearer(Bearer),
}

/// The one account there is.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) user: String,
    pub(crate) password: String,
}

/// Bearer tokens with their scopes.
#[derive(Debug)]
pub(crate) struct Bearer {
    pub(crate) account: Account,
    pub(crate) lifetime: Duration,
    pub(crate) anonymous_pull: bool,
    pub(crate) post: bool,
    /// The only refresh token: it stands for the account.
    pub(crate) refresh: String,
    tokens: Mutex<HashMap<String, Issued>>,
}

#[derive(Debug)]
struct Issued {
    scopes: Vec<Scope>,
    expires: Instant,
}

/// `type:name:actions` of a token scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scope {
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) actions: Vec<String>,
}

/// Tokens kept; the oldest expired go first, then everything.
const TOKENS: usize = 10_000;

impl Account {
    /// Whether an `Authorization` value is this account's Basic credentials.
    pub(crate) fn is(&self, authorization: &str) -> bool {
        let Some((scheme, value)) = authorization.split_once(' ') else { return false };
        let wanted = BASE64_STANDARD.encode(format!("{}:{}", self.user, self.password));
        scheme.eq_ignore_ascii_case("basic") && value.trim() == wanted
    }
}

impl Scope {
    /// Reads `type:name:actions`; the name may hold a host with a port.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(':')?;
        let (name, actions) = rest.rsplit_once(':')?;
        let actions = actions.split(',').filter(|a| !a.is_empty()).map(str::to_owned).collect();
        Some(Self { kind: kind.to_owned(), name: name.to_owned(), actions })
    }

    fn repository(name: &str, actions: &[&str]) -> Self {
        let actions = actions.iter().map(|&action| action.to_owned()).collect();
        Self { kind: "repository".to_owned(), name: name.to_owned(), actions }
    }

    pub(crate) fn to_text(&self) -> String {
        format!("{}:{}:{}", self.kind, self.name, self.actions.join(","))
    }

    fn covers(&self, needed: &Self) -> bool {
        let has = |action: &String| self.actions.iter().any(|a| a == action || a == "*");
        self.kind == needed.kind && self.name == needed.name && needed.actions.iter().all(has)
    }
}

impl Access {
    /// Refuses with 401 and a challenge unless the request may do what it asks.
    pub(crate) fn check(&self, call: &Call) -> Result<(), Refusal> {
        let authorization = call.header(header::AUTHORIZATION).unwrap_or_default();
        match self {
            Self::Anonymous => Ok(()),
            Self::Basic(account) if account.is(authorization) => Ok(()),
            Self::Basic(_) => challenge(&format!("Basic realm=\"{}\"", call.shared.settings.name)),
            Self::Bearer(bearer) => bearer.check(call, authorization),
        }
    }

    /// Forgets every token.
    pub(crate) fn expire(&self) {
        if let Self::Bearer(bearer) = self {
            bearer.tokens.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }
}

impl Bearer {
    pub(crate) fn new(
        account: Account,
        lifetime: Duration,
        anonymous_pull: bool,
        post: bool,
    ) -> Self {
        let refresh = format!("refresh-{}", unguessable());
        let tokens = Mutex::default();
        Self { account, lifetime, anonymous_pull, post, refresh, tokens }
    }

    /// Makes a token for these scopes.
    pub(crate) fn issue(&self, scopes: Vec<Scope>) -> String {
        let token = format!("token-{}", unguessable());
        let now = Instant::now();
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.retain(|_, issued| issued.expires > now);
        if tokens.len() >= TOKENS {
            tokens.clear();
        }
        tokens.insert(token.clone(), Issued { scopes, expires: now + self.lifetime });
        token
    }

    fn check(&self, call: &Call, authorization: &str) -> Result<(), Refusal> {
        let needed = needed(call);
        let token = match authorization.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
            _ => return challenge(&self.ask(call, &needed, None)),
        };
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let issued = tokens.get(token).filter(|issued| issued.expires > Instant::now());
        let Some(issued) = issued else {
            return challenge(&self.ask(call, &needed, Some("invalid_token")));
        };
        if needed.iter().all(|scope| issued.scopes.iter().any(|has| has.covers(scope))) {
            return Ok(());
        }
        challenge(&self.ask(call, &needed, Some("insufficient_scope")))
    }

    fn ask(&self, call: &Call, needed: &[Scope], error: Option<&str>) -> String {
        let settings = &call.shared.settings;
        let realm = settings.realm.clone().unwrap_or_else(|| format!("{}/token", base(call)));
        let mut text = format!("Bearer realm=\"{realm}\",service=\"{}\"", settings.name);
        if !needed.is_empty() {
            let scopes: Vec<_> = needed.iter().map(Scope::to_text).collect();
            text.push_str(&format!(",scope=\"{}\"", scopes.join(" ")));
        }
        if let Some(error) = error {
            text.push_str(&format!(",error=\"{error}\""));
        }
        text
    }
}

/// Where clients reach this registry.
fn base(call: &Call) -> String {
    let public = call.shared.public_url.lock().unwrap_or_else(PoisonError::into_inner);
    let host = call.header(header::HOST);
    let host = host.or_else(|| call.parts.uri.authority().map(|host| host.as_str()));
    public.clone().unwrap_or_else(|| format!("http://{}", host.unwrap_or_default()))
}

/// Refuses with 401 and this challenge.
pub(crate) fn challenge<T>(text: &str) -> Result<T, Refusal> {
    let message = "authentication required";
    let mut answer = answer::error(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", message, Value::Null);
    set(&mut answer, header::WWW_AUTHENTICATE, text);
    Err(answer.into())
}

/// The scopes a request needs.
fn needed(call: &Call) -> Vec<Scope> {
    let Some(repository) = call.route.repository() else {
        let all = Scope::parse("registry:catalog:*");
        return all.filter(|_| call.route == Route::Catalog).into_iter().collect();
    };
    let uploading = matches!(call.route, Route::Uploads { .. } | Route::Upload { .. });
    let actions: &[&str] = match *call.method() {
        _ if uploading => &["pull", "push"],
        Method::PUT => &["pull", "push"],
        Method::DELETE => &["delete"],
        _ => &["pull"],
    };
    let mut scopes = vec![Scope::repository(repository, actions)];
    scopes.extend(call.query("from").map(|from| Scope::repository(from, &["pull"])));
    scopes
}

/// 128 bits from the standard library's own random keys: enough to tell tokens apart.
fn unguessable() -> String {
    let word = || RandomState::new().hash_one("token");
    format!("{:016x}{:016x}", word(), word())
}
