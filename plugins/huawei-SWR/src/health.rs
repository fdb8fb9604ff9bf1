//! Test Connection: a token for the credentials, then the registry with that token.

use portolan_sdk::{Error, Health, Result, distribution};

use crate::{account::Account, login};

pub(crate) fn check(account: &Account<'_>) -> Result<Health> {
    let checked = login::with(account, |flow| distribution::check_health(flow, account.endpoint));
    match checked {
        // SWR answers wrong credentials with either status.
        Err(Error::Unauthenticated(why) | Error::Forbidden(why))
            if account.endpoint.has_credentials() =>
        {
            Err(account.refused(&why))
        }
        Ok(health) => Ok(Health { product: Some("Huawei SWR".to_owned()), ..health }),
        other => other,
    }
}
