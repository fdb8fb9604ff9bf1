//! Temporary logins: what the registry sees where the endpoint's secret is a secret access key.

use portolan_sdk::{Auth, Error, RawAuth, Result, cache, http::Request, time, token::Flow};
use serde::{Deserialize, Serialize};

use crate::{account::Account, wire};

const KEY: &str = "temporary login";

/// The life of a login where SWR does not say when it ends, in seconds.
const UNSAID: u64 = 1800;

/// Longest life believed, in seconds.
const LONGEST: u64 = 6 * 3600;

/// How much earlier a login is renewed, in seconds: tokens are fetched with it.
const MARGIN: u64 = 60;

/// User name and temporary password, as Basic has them.
#[derive(Serialize, Deserialize)]
struct Login(String);

/// Calls with the flow of the registry's tokens; once more with a new login where SWR takes the
/// one that was kept no longer.
pub(crate) fn with<T>(account: &Account<'_>, call: impl Fn(&Flow<'_>) -> Result<T>) -> Result<T> {
    let flow = Flow::new(account.endpoint);
    if !account.signs() {
        return call(&flow);
    }
    if let Some(login) = cache::get::<Login>(KEY) {
        match call(&flow.clone().login(basic(login))) {
            Err(Error::Unauthenticated(_) | Error::Forbidden(_)) => cache::remove(KEY),
            done => return done,
        }
    }
    call(&flow.login(basic(fetch(account)?)))
}

fn basic(login: Login) -> Auth {
    Auth::Raw(RawAuth { scheme: "Basic".to_owned(), value: login.0 })
}

fn fetch(account: &Account<'_>) -> Result<Login> {
    let address = account.address("", "/utils/secret")?;
    let request = Request::post(address).query("projectname", account.project()?);
    let response = account.send(request)?.success()?;
    let expires = ["X-Swr-Expireat", "X-Expire-At"].iter().find_map(|name| response.header(name));
    let life = expires.map_or(Some(UNSAID), |at| time::rfc3339(at)?.checked_sub(time::now()));
    let life = life.unwrap_or(UNSAID).min(LONGEST).saturating_sub(MARGIN);
    let answer: wire::Logins = response.json()?;
    let login = answer.auths.into_values().map(|login| login.auth).find(|auth| is_basic(auth));
    let login = login.map(Login).ok_or_else(|| {
        Error::MalformedResponse(format!("{} answered no login", response.what()))
    })?;
    cache::set(KEY, &login, u32::try_from(life).unwrap_or(u32::MAX));
    Ok(login)
}

/// Whether it may stand in a header: base64, nothing else.
fn is_basic(auth: &str) -> bool {
    !auth.is_empty() && auth.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(&b))
}
