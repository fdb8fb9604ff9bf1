//! Test Connection: the login at the Hub, and the registry beside it.

use portolan_sdk::{Endpoint, Health, Result, distribution};

use crate::{flow, session};

/// Proves the credentials at both, since images move at the registry and the Hub lists them.
pub(crate) fn check(endpoint: &Endpoint) -> Result<Health> {
    if endpoint.has_credentials() {
        session::fresh(endpoint)?;
    }
    let health = distribution::check_health(&flow(endpoint), endpoint)?;
    Ok(Health { product: Some("Docker Hub".to_owned()), ..health })
}
