//! Policies: checked, then stored.

use portolan_core::{
    id::PolicyId,
    policy::{Policy, PolicySpec},
};
use time::OffsetDateTime;

use super::Host;
use crate::error::{Code, Error};

impl Host {
    /// Stores a policy.
    ///
    /// # Errors
    /// `Invalid`; `NotFound` where an endpoint it names is not there; `Conflict` where the name
    /// is taken.
    pub async fn create_policy(&self, spec: PolicySpec) -> Result<Policy, Error> {
        let spec = checked(spec)?;
        Ok(self.shared.store.create_policy(spec, OffsetDateTime::now_utc()).await?)
    }

    /// Every policy by ascending id.
    ///
    /// # Errors
    /// `Internal` where the store fails.
    pub async fn policies(&self) -> Result<Vec<Policy>, Error> {
        Ok(self.shared.store.policies().await?)
    }

    /// One policy.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn policy(&self, id: PolicyId) -> Result<Policy, Error> {
        Ok(self.shared.store.policy(id).await?)
    }

    /// Replaces a policy.
    ///
    /// # Errors
    /// As [`create_policy`](Self::create_policy), and `NotFound`.
    pub async fn update_policy(&self, id: PolicyId, spec: PolicySpec) -> Result<Policy, Error> {
        let spec = checked(spec)?;
        Ok(self.shared.store.update_policy(id, spec, OffsetDateTime::now_utc()).await?)
    }

    /// Deletes a policy and its history.
    ///
    /// # Errors
    /// `Precondition` while a run is not final; `NotFound`.
    pub async fn delete_policy(&self, id: PolicyId) -> Result<(), Error> {
        Ok(self.shared.store.delete_policy(id).await?)
    }
}

fn checked(spec: PolicySpec) -> Result<PolicySpec, Error> {
    spec.check().map_err(|error| Error::new(Code::Invalid, error.to_string()))?;
    Ok(spec.normalised())
}
