//! An adapter's `authorize`, as the distribution client asks for it.

use portolan_core::{
    oci::Challenge,
    provider::{Grant, Scope},
};

use super::{connect::Connection, failure::plugin_is_retryable};
use crate::{
    distribution::{Authorizer, BoxFuture, DistributionError},
    plugin::PluginError,
};

/// Authority that an adapter obtains, with the credentials as they are when it is asked.
pub(super) struct AdapterAuthority(pub(super) Connection);

impl AdapterAuthority {
    async fn grant(
        &self,
        scopes: &[Scope],
        challenge: Option<&Challenge>,
    ) -> Result<Grant, PluginError> {
        self.0.now().await?.authorize(scopes, challenge).await
    }
}

impl Authorizer for AdapterAuthority {
    fn authorize<'a>(
        &'a self,
        scopes: &'a [Scope],
        challenge: Option<&'a Challenge>,
    ) -> BoxFuture<'a, Result<Grant, DistributionError>> {
        Box::pin(async move {
            self.grant(scopes, challenge).await.map_err(|error| {
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
