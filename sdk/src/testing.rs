//! A scripted host, so that adapters have fast native unit tests.
//!
//! It plays the host of `wit/` for one thread: answers requests from a script and fails the test
//! on any other, renders secrets as the host would, keeps the cache by a clock the test moves,
//! and records log lines. It opens no socket. At the end every exchange must have been used.
//!
//! ```
//! use portolan_sdk::{http::Request, testing::{Exchange, ScriptedHost}};
//!
//! let host = ScriptedHost::new("https://registry.test")
//!     .credentials("user", "pass")
//!     .exchange(
//!         Exchange::new("GET", "/v2/")
//!             .expect_header("Authorization", "Basic dXNlcjpwYXNz")
//!             .answer(200)
//!             .json(serde_json::json!({})),
//!     )
//!     .start();
//! let answer = Request::get("/v2/").basic().send()?;
//! assert_eq!(answer.status(), 200);
//! host.finish();
//! # Ok::<(), portolan_sdk::Error>(())
//! ```
#![allow(clippy::panic, reason = "a test double: a wrong call fails the test at once")]

mod exchange;
mod fixture;
mod render;
mod sign;
#[cfg(test)]
mod tests;

use std::{cell::RefCell, collections::BTreeMap};

use crate::{
    Endpoint, Error, KeyValue, SecretText, TransportError,
    bindings::adapter::portolan::adapter::{
        http,
        log::Level,
        signer::{Hash, JwtAlg},
    },
};

pub use exchange::Exchange;
pub use fixture::Fixtures;

/// Computes an HMAC chain in place of the host.
pub type HmacSigner = fn(Hash, &SecretText, &[Vec<u8>]) -> Vec<u8>;

/// Signs a JWT in place of the host: algorithm, secret part, header, claims.
pub type JwtSigner = fn(JwtAlg, &str, &str, &str) -> String;

thread_local! {
    static HOST: RefCell<Option<ScriptedHost>> = const { RefCell::new(None) };
}

/// A host that answers from a script.
#[derive(Debug)]
pub struct ScriptedHost {
    endpoint: Endpoint,
    secret: String,
    now: u64,
    any_order: bool,
    exchanges: Vec<(Exchange, bool)>,
    cache: BTreeMap<String, (Vec<u8>, u64)>,
    logs: Vec<String>,
    requests: Vec<String>,
    hmac: Option<HmacSigner>,
    jwt: Option<JwtSigner>,
}

impl ScriptedHost {
    /// A host for an endpoint at `url` without credentials; its clock stands at 1,000,000,000.
    #[must_use]
    pub fn new(url: &str) -> Self {
        Self {
            endpoint: Endpoint::new(url),
            secret: String::new(),
            now: 1_000_000_000,
            any_order: false,
            exchanges: Vec::new(),
            cache: BTreeMap::new(),
            logs: Vec::new(),
            requests: Vec::new(),
            hmac: None,
            jwt: None,
        }
    }

    /// Gives the endpoint an access key and an access secret.
    #[must_use]
    pub fn credentials(mut self, access_key: &str, secret: &str) -> Self {
        self.endpoint.access_key = Some(access_key.to_owned());
        self.endpoint.has_access_secret = true;
        self.secret = secret.to_owned();
        self
    }

    /// Gives the endpoint provider settings.
    #[must_use]
    pub fn settings(mut self, settings: &serde_json::Value) -> Self {
        self.endpoint.settings = settings.to_string();
        self
    }

    /// Tells the adapter more of the endpoint, e.g. `secret:/project_id` of a key file.
    #[must_use]
    pub fn extra(mut self, key: &str, value: &str) -> Self {
        self.endpoint.extra.push(KeyValue::new(key, value));
        self
    }

    /// Adds the next exchange.
    #[must_use]
    pub fn exchange(mut self, exchange: Exchange) -> Self {
        self.exchanges.push((exchange, false));
        self
    }

    /// Adds several.
    #[must_use]
    pub fn exchanges(mut self, exchanges: impl IntoIterator<Item = Exchange>) -> Self {
        self.exchanges.extend(exchanges.into_iter().map(|exchange| (exchange, false)));
        self
    }

    /// Takes the exchanges in any order, each still once.
    #[must_use]
    pub fn any_order(mut self) -> Self {
        self.any_order = true;
        self
    }

    /// Answers `signer.hmac-chain` in another way than with the script's secret.
    #[must_use]
    pub fn hmac(mut self, signer: HmacSigner) -> Self {
        self.hmac = Some(signer);
        self
    }

    /// Answers `signer.sign-jwt`.
    #[must_use]
    pub fn jwt(mut self, signer: JwtSigner) -> Self {
        self.jwt = Some(signer);
        self
    }

    /// Becomes this thread's host until the returned guard goes.
    ///
    /// # Panics
    /// Where this thread has a scripted host already.
    #[must_use]
    pub fn start(self) -> Running {
        let endpoint = self.endpoint.clone();
        HOST.with_borrow_mut(|host| {
            assert!(host.is_none(), "this thread has a scripted host already");
            *host = Some(self);
        });
        Running { endpoint }
    }

    fn answer(&mut self, request: &http::Request) -> Result<http::Response, TransportError> {
        let seen = render::request(request, &self.endpoint, &self.secret);
        self.requests.push(seen.line());
        let mut waiting = self.exchanges.iter_mut().filter(|(_, used)| !used);
        let found = if self.any_order {
            waiting.find(|(exchange, _)| exchange.difference(&seen, &self.endpoint.url).is_none())
        } else {
            waiting.next()
        };
        let Some((exchange, used)) = found else {
            panic!("the script does not expect {seen}");
        };
        if let Some(difference) = exchange.difference(&seen, &self.endpoint.url) {
            panic!("{difference}\nthe script expects {exchange:?}\nand not {seen}");
        }
        *used = true;
        exchange.response(&seen)
    }
}

/// A started host. Dropping it checks that every exchange was used.
#[derive(Debug)]
pub struct Running {
    endpoint: Endpoint,
}

impl Running {
    /// The endpoint to hand to the adapter.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Moves the clock.
    pub fn advance(&self, seconds: u64) {
        with_host(|host| host.now = host.now.saturating_add(seconds));
    }

    /// Every request so far, as `METHOD address [authorization]`, the scheme of a credential in
    /// place of its value.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        with_host(|host| host.requests.clone())
    }

    /// Every log line so far, as `level message key=value …`.
    #[must_use]
    pub fn logs(&self) -> Vec<String> {
        with_host(|host| host.logs.clone())
    }

    /// Checks that every exchange was used.
    pub fn finish(self) {
        drop(self);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let host = HOST.with_borrow_mut(Option::take);
        if std::thread::panicking() {
            return;
        }
        let unused: Vec<Exchange> = host
            .into_iter()
            .flat_map(|host| host.exchanges)
            .filter_map(|(exchange, used)| (!used).then_some(exchange))
            .collect();
        assert!(unused.is_empty(), "the script expected more requests: {unused:?}");
    }
}

fn with_host<T>(f: impl FnOnce(&mut ScriptedHost) -> T) -> T {
    HOST.with_borrow_mut(|host| match host {
        Some(host) => f(host),
        None => panic!("no scripted host is started on this thread"),
    })
}

pub(crate) fn send(request: &http::Request) -> Result<http::Response, TransportError> {
    with_host(|host| host.answer(request))
}

pub(crate) fn send_all(requests: &[http::Request]) -> Vec<Result<http::Response, TransportError>> {
    requests.iter().map(send).collect()
}

pub(crate) fn cache_get(key: &str) -> Option<Vec<u8>> {
    with_host(|host| {
        let (value, until) = host.cache.get(key)?;
        (*until > host.now).then(|| value.clone())
    })
}

pub(crate) fn cache_set(key: &str, value: &[u8], ttl_seconds: u32) {
    with_host(|host| {
        let until = host.now.saturating_add(u64::from(ttl_seconds));
        host.cache.insert(key.to_owned(), (value.to_vec(), until));
    });
}

pub(crate) fn cache_remove(key: &str) {
    with_host(|host| host.cache.remove(key));
}

pub(crate) fn write_log(level: Level, message: &str, fields: &[KeyValue]) {
    with_host(|host| {
        let mut line = format!("{level:?} {message}").replacen("Level::", "", 1);
        for field in fields {
            line.push_str(&format!(" {}={}", field.key, field.value));
        }
        host.logs.push(line);
    });
}

pub(crate) fn hmac_chain(
    hash: Hash,
    key: &SecretText,
    messages: &[Vec<u8>],
) -> Result<Vec<u8>, Error> {
    let (signer, secret) = with_host(|host| (host.hmac, host.secret.clone()));
    match signer {
        Some(signer) => Ok(signer(hash, key, messages)),
        None => sign::chain(hash, &render::secret_text(key, &secret), messages),
    }
}

pub(crate) fn sign_jwt(
    alg: JwtAlg,
    part: &str,
    header: &str,
    claims: &str,
) -> Result<String, Error> {
    let signer = with_host(|host| host.jwt);
    let signer = signer.ok_or_else(|| Error::Unsupported("the script signs nothing".into()))?;
    Ok(signer(alg, part, header, claims))
}

pub(crate) fn now() -> u64 {
    HOST.with_borrow(|host| host.as_ref().map_or(0, |host| host.now))
}
