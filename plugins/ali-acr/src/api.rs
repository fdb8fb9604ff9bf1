//! Signed calls of the two management APIs: RPC style for the enterprise edition, path style for
//! the personal one. One after another: an account has about 15 requests a second.

use core::cell::Cell;

use portolan_sdk::{
    Endpoint, Error, Method, RateLimit, Result, cache,
    http::Request,
    log,
    signing::alibaba::{self, Account, Operation},
};

use crate::{
    instance::{Instance, is_inside},
    refusal,
    wire::{Answer, NewThing},
};

/// Largest page of these APIs.
pub(crate) const MAX_PAGE: u32 = 100;

const ENTERPRISE: &str = "2018-12-01";
const PERSONAL: &str = "2016-06-07";

/// Most requests of one call of the adapter; the host's limit is a little higher, and hard.
const MAX_REQUESTS: u32 = 150;

/// Which of two addresses answered.
const ADDRESS: &str = "management";

/// How long that is believed, in seconds.
const ADDRESS_TTL: u32 = 600;

/// The management API of an endpoint, with its AccessKey.
pub(crate) struct Api<'a> {
    pub(crate) endpoint: &'a Endpoint,
    pub(crate) instance: Instance,
    pub(crate) account: Account<'a>,
    left: Cell<u32>,
}

impl<'a> Api<'a> {
    /// Of the instance that the cache or the registry tells.
    pub(crate) fn of(endpoint: &'a Endpoint) -> Result<Self> {
        let account = Account::of(endpoint)?;
        Ok(Self::new(endpoint, Instance::of(endpoint)?, account))
    }

    pub(crate) fn new(endpoint: &'a Endpoint, instance: Instance, account: Account<'a>) -> Self {
        Self { endpoint, instance, account, left: Cell::new(MAX_REQUESTS) }
    }

    /// Asks the enterprise API of `instance` something that changes nothing.
    pub(crate) fn ask(
        &self,
        instance: &str,
        action: &str,
        parameters: &[(&str, &str)],
    ) -> Result<Answer> {
        self.enterprise(Method::Get, instance, action, parameters)
    }

    /// Has the enterprise API of `instance` change something.
    pub(crate) fn tell(
        &self,
        instance: &str,
        action: &str,
        parameters: &[(&str, &str)],
    ) -> Result<()> {
        self.enterprise(Method::Post, instance, action, parameters).map(drop)
    }

    /// The signature names the operation in headers; it stands in the query too, as in every
    /// older signature, where logs and proxies show it.
    fn enterprise(
        &self,
        method: Method,
        instance: &str,
        action: &str,
        parameters: &[(&str, &str)],
    ) -> Result<Answer> {
        self.send(action, &|origin| {
            let mut request = Request::new(method, format!("{origin}/"))
                .query("Action", action)
                .query("Version", ENTERPRISE)
                .query("InstanceId", instance)
                .accept("application/json");
            for (name, value) in parameters {
                request = request.query(name, value);
            }
            let call = Operation { action, version: ENTERPRISE };
            alibaba::sign_v3(request.return_redirects(), call, self.account)
        })
    }

    /// Asks the personal API for what is at a path.
    pub(crate) fn get(&self, path: &str, parameters: &[(&str, u32)]) -> Result<Answer> {
        let answer = self.personal(path, &|url| {
            let request = Request::get(url);
            parameters.iter().fold(request, |request, (name, value)| request.query(name, value))
        })?;
        answer.data(path)
    }

    /// Has the personal API make something.
    pub(crate) fn put(&self, path: &str, body: &NewThing<'_>) -> Result<()> {
        self.personal(path, &|url| Request::put(url).json(body)).map(drop)
    }

    /// Has the personal API delete what is at a path.
    pub(crate) fn delete(&self, path: &str) -> Result<()> {
        self.personal(path, &|url| Request::delete(url)).map(drop)
    }

    fn personal(&self, path: &str, request: &dyn Fn(String) -> Request) -> Result<Answer> {
        self.send(path, &|origin| {
            let request = request(format!("{origin}{path}")).return_redirects();
            alibaba::sign_roa(request, PERSONAL, self.account)
        })
    }

    /// Sends to the first address that can be reached.
    fn send(&self, call: &str, signed: &dyn Fn(&str) -> Result<Request>) -> Result<Answer> {
        let mut origins = self.origins().into_iter().peekable();
        loop {
            let Some(origin) = origins.next() else {
                return Err(Error::Internal("there is no address of the management API".into()));
            };
            self.spend()?;
            match signed(&origin)?.send() {
                Err(Error::Transport(error)) if origins.peek().is_some() && is_far(&error.kind) => {
                    let fields = [("address", &*origin), ("why", &error.message)];
                    log::warn("the management API is not reached; trying the other one", &fields);
                }
                Err(error) => return Err(error),
                Ok(response) => {
                    if is_inside(self.endpoint) {
                        cache::set(ADDRESS, &origin, ADDRESS_TTL);
                    }
                    return refusal::checked(self, call, &response);
                }
            }
        }
    }

    /// Inside Alibaba's networks the inner address first: the public one may be out of reach.
    fn origins(&self) -> Vec<String> {
        let region = &self.instance.region;
        let public = format!("https://cr.{region}.aliyuncs.com");
        if !is_inside(self.endpoint) {
            return vec![public];
        }
        let inner = format!("https://cr-vpc.{region}.aliyuncs.com");
        match cache::get::<String>(ADDRESS) {
            Some(known) if known == public => vec![public, inner],
            _ => vec![inner, public],
        }
    }

    fn spend(&self) -> Result<()> {
        match self.left.get().checked_sub(1) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => Err(Error::RateLimited(RateLimit {
                message: format!(
                    "this takes more than {MAX_REQUESTS} requests to {}; it goes on with the next \
                     try",
                    self.endpoint.url
                ),
                retry_after_seconds: Some(1),
            })),
        }
    }
}

/// Whether an error of this kind says that nothing was reached.
fn is_far(kind: &str) -> bool {
    matches!(kind, "dns" | "connect" | "timeout" | "denied-by-policy")
}
