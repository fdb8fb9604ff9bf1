//! Authority for the distribution API: a token of `/service/token`, else Basic.

use portolan_sdk::{Auth, Challenge, Endpoint, Error, Grant, Result, Scope, log};

use crate::api;

/// A token for `scopes`. Where Harbor's token service is not to be had (a proxy that hides it),
/// Basic: Harbor's core takes it at `/v2/` too.
pub(crate) fn authorize(
    endpoint: &Endpoint,
    scopes: &[Scope],
    challenge: Option<&Challenge>,
) -> Result<Grant> {
    match api::flow(endpoint).authorize(scopes, challenge) {
        Err(error) if endpoint.has_credentials() && is_hidden(&error) => {
            log::warn(
                "the token service is not usable; going on with Basic",
                &[("why", error.text())],
            );
            Ok(Grant::new(Auth::Basic, None))
        }
        result => result,
    }
}

/// Whether an error means that there is no token service, rather than that it refused.
fn is_hidden(error: &Error) -> bool {
    match error {
        Error::NotFound(_) | Error::Unsupported(_) | Error::MalformedResponse(_) => true,
        Error::Upstream(error) => !error.retryable,
        _ => false,
    }
}
