//! Test Connection: the keys must get a token, and the registry must take it.

use portolan_sdk::{Auth, Endpoint, Error, Health, Result, distribution, http::Request, token};

use crate::{
    authority,
    place::{Place, Private},
    public,
};

pub(crate) fn check(endpoint: &Endpoint) -> Result<Health> {
    match Place::of(endpoint)? {
        Place::Private(place) => private(endpoint, &place),
        Place::Public if endpoint.has_credentials() => {
            let auth = authority::fetch_public(endpoint)?.bearer();
            accepts(public::REGISTRY, auth)?;
            Ok(Health { product: product("ECR Public"), ..Health::new(true) })
        }
        Place::Public => {
            let flow = token::Flow::new(endpoint).at(public::REGISTRY);
            let health = distribution::check_health(&flow, endpoint)?;
            Ok(Health { product: product("ECR Public"), ..health })
        }
    }
}

/// Never with a token that is kept: the keys may have been taken away since.
fn private(endpoint: &Endpoint, place: &Private) -> Result<Health> {
    let (token, account) = authority::fetch(endpoint, place)?;
    accepts(&place.registry(&account), token.basic())?;
    let health = Health::new(true).detail("region", &place.region).detail("account", account);
    Ok(Health { product: product("ECR"), ..health })
}

fn product(name: &str) -> Option<String> {
    Some(format!("Amazon {name}"))
}

/// Whether the registry at `base` takes the token.
fn accepts(base: &str, auth: Auth) -> Result<()> {
    let response = Request::get(format!("{base}/v2/")).auth(auth).send()?;
    let refused = || {
        let why = response.error();
        format!("{base} does not accept the token that the keys got: {}", why.text())
    };
    match response.status() {
        200 if !response.is_html() => Ok(()),
        401 => Err(Error::Unauthenticated(refused())),
        403 => Err(Error::Forbidden(refused())),
        400.. => Err(response.error()),
        _ => Err(token::not_a_registry(base, &response)),
    }
}
