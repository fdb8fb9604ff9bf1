//! Policies: checked, then stored.

use std::time::Duration;

use portolan_core::{
    id::PolicyId,
    naming::Naming,
    policy::{Destination, Policy, PolicySpec},
};
use time::OffsetDateTime;
use tokio::time::timeout;

use super::Host;
use crate::{
    error::{Code, Error},
    plugin::PluginError,
};

/// How long the destinations' adapters may take to look at a namespace, all together.
const NAMESPACE_PATIENCE: Duration = Duration::from_secs(5);

impl Host {
    /// Stores a policy.
    ///
    /// # Errors
    /// `Invalid`, also for a namespace that the destination cannot hold; `NotFound` where an
    /// endpoint it names is not there; `Conflict` where the name is taken.
    pub async fn create_policy(&self, spec: PolicySpec) -> Result<Policy, Error> {
        let spec = checked(spec)?;
        self.check_namespaces(&spec).await?;
        let policy = self.store.create_policy(spec, OffsetDateTime::now_utc()).await?;
        self.shared.engine.schedules_changed();
        Ok(policy)
    }

    /// Every policy by ascending id.
    ///
    /// # Errors
    /// `Internal` where the store fails.
    pub async fn policies(&self) -> Result<Vec<Policy>, Error> {
        Ok(self.store.policies().await?)
    }

    /// One policy.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn policy(&self, id: PolicyId) -> Result<Policy, Error> {
        Ok(self.store.policy(id).await?)
    }

    /// Replaces a policy.
    ///
    /// # Errors
    /// As [`create_policy`](Self::create_policy), and `NotFound`.
    pub async fn update_policy(&self, id: PolicyId, spec: PolicySpec) -> Result<Policy, Error> {
        let spec = checked(spec)?;
        self.check_namespaces(&spec).await?;
        let now = OffsetDateTime::now_utc();
        let policy = self.store.update_policy(id, spec, now).await?;
        self.shared.engine.schedules_changed();
        Ok(policy)
    }

    /// When each scheduled policy that is enabled runs next, by ascending id.
    ///
    /// # Errors
    /// `Internal` where the store fails.
    pub async fn schedules(&self) -> Result<Vec<(PolicyId, OffsetDateTime)>, Error> {
        Ok(self.store.schedules().await?)
    }

    /// Deletes a policy and its history.
    ///
    /// # Errors
    /// `Precondition` while a run is not final; `NotFound`.
    pub async fn delete_policy(&self, id: PolicyId) -> Result<(), Error> {
        Ok(self.store.delete_policy(id).await?)
    }

    /// Shows each destination's adapter a name as the rule would make it. Only its refusal of the
    /// name counts: an adapter that fails or is slow is no reason not to store a policy.
    async fn check_namespaces(&self, spec: &PolicySpec) -> Result<(), Error> {
        let look = async {
            for destination in &spec.destinations {
                self.check_namespace(spec, destination).await?;
            }
            Ok(())
        };
        timeout(NAMESPACE_PATIENCE, look).await.unwrap_or(Ok(()))
    }

    async fn check_namespace(&self, spec: &PolicySpec, to: &Destination) -> Result<(), Error> {
        if to.namespace.is_none() {
            return Ok(());
        }
        let connections = self.shared.engine.connections();
        // That an endpoint is not there, the store says with the right code.
        let Ok(adapter) = connections.adapter(to.endpoint).await else { return Ok(()) };
        let info = adapter.info();
        let naming = Naming {
            namespace: to.namespace.clone(),
            replace: spec.replace_count,
            min_components: info.min_components,
            max_components: info.max_components,
        };
        let Some(sample) = naming.sample() else { return Ok(()) };
        let Err(PluginError::Invalid(why)) = adapter.locate(sample.as_str()).await else {
            return Ok(());
        };
        let namespace = to.namespace.as_deref().unwrap_or_default();
        Err(Error::new(
            Code::Invalid,
            format!("the namespace `{namespace}` does not suit registry {}: {why}", to.endpoint),
        ))
    }
}

fn checked(spec: PolicySpec) -> Result<PolicySpec, Error> {
    spec.check().map_err(|error| Error::new(Code::Invalid, error.to_string()))?;
    Ok(spec.normalised())
}
