//! An adapter's `authorize`, as the distribution client asks for it.

use portolan_core::{
    oci::Challenge,
    provider::{Grant, Scope},
};

use super::failure::plugin_is_retryable;
use crate::{
    distribution::{Authorizer, BoxFuture, DistributionError},
    plugin::Adapter,
};

/// Authority that an adapter obtains.
pub(super) struct AdapterAuthority(pub(super) Adapter);

impl Authorizer for AdapterAuthority {
    fn authorize<'a>(
        &'a self,
        scopes: &'a [Scope],
        challenge: Option<&'a Challenge>,
    ) -> BoxFuture<'a, Result<Grant, DistributionError>> {
        Box::pin(async move {
            self.0.authorize(scopes, challenge).await.map_err(|error| {
                let repository = scopes.first().map(|scope| scope.repository.to_string());
                DistributionError::Authority {
                    repository: repository.unwrap_or_default(),
                    may_pass: plugin_is_retryable(&error),
                    why: error.to_string(),
                }
            })
        })
    }
}
