//! Policies, their names, and the endpoints they name.
//!
//! A policy never stands without its endpoints: both sides are checked in one transaction.

use std::collections::BTreeSet;

use portolan_core::{
    id::{EndpointId, PolicyId},
    policy::{Policy, PolicySpec},
};
use redb::ReadableTable;
use time::OffsetDateTime;

use super::{
    Store, StoreError,
    meta::{Counter, take_ids},
    progress,
    rows::{all, indexed, load, missing, under, unreadable},
    tables::Tables,
};

const WHAT: &str = "policy";

impl Store {
    /// Stores a policy. `Conflict` when the name is taken, `NotFound` when an endpoint it names is
    /// gone: checked in the same transaction. Endpoint 0 (Local) always counts as there.
    pub(crate) async fn create_policy(
        &self,
        spec: PolicySpec,
        now: OffsetDateTime,
    ) -> Result<Policy, StoreError> {
        let create = move |tables: &mut Tables<'_>| {
            check(tables, &spec, None)?;
            let id = PolicyId(take_ids(tables, Counter::Policy, 1)?);
            put(tables, Policy { id, spec, created: now, updated: now })
        };
        self.write(create).await
    }

    /// One policy, or `NotFound`.
    pub(crate) async fn policy(&self, id: PolicyId) -> Result<Policy, StoreError> {
        self.read(move |tables| load(&tables.policies, WHAT, id.0)).await
    }

    /// Every policy, by ascending id.
    pub(crate) async fn policies(&self) -> Result<Vec<Policy>, StoreError> {
        self.read(|tables| all(&tables.policies)).await
    }

    /// Replaces what an administrator said; checks as for a new one.
    pub(crate) async fn update_policy(
        &self,
        id: PolicyId,
        spec: PolicySpec,
        now: OffsetDateTime,
    ) -> Result<Policy, StoreError> {
        let update = move |tables: &mut Tables<'_>| {
            let old: Policy = load(&*tables.policies, WHAT, id.0)?;
            check(tables, &spec, Some(id))?;
            unindex(tables, &old)?;
            put(tables, Policy { spec, updated: now, ..old })
        };
        self.write(update).await
    }

    /// Deletes a policy with its executions, tasks and logs. `InUse` while one of its executions is
    /// not final. One transaction however many there are: other writes wait for it.
    pub(crate) async fn delete_policy(&self, id: PolicyId) -> Result<(), StoreError> {
        let delete = move |tables: &mut Tables<'_>| {
            let policy: Policy = load(&*tables.policies, WHAT, id.0)?;
            if let Some(execution) = indexed(&*tables.active, id.0)?.first() {
                let name = &policy.spec.name;
                return Err(StoreError::InUse(format!(
                    "the policy `{name}` is being run (execution {execution}); stop it first"
                )));
            }
            for execution in indexed(&*tables.by_policy, id.0)? {
                progress::forget(tables, execution)?;
            }
            tables.by_policy.remove_range(under(id.0))?;
            unindex(tables, &policy)?;
            tables.policies.remove(id.0)?;
            Ok(())
        };
        self.write(delete).await
    }
}

/// Checks name and endpoints of a new policy, or of a change of `own`.
fn check(tables: &Tables<'_>, spec: &PolicySpec, own: Option<PolicyId>) -> Result<(), StoreError> {
    let holder = tables.policy_names.get(spec.name.as_str()).map_err(unreadable)?;
    if holder.is_some_and(|id| Some(PolicyId(id.value())) != own) {
        return Err(StoreError::Conflict { what: WHAT, name: spec.name.clone() });
    }
    for endpoint in endpoints(spec) {
        let there = tables.endpoints.get(endpoint).map_err(unreadable)?.is_some();
        if !there {
            return Err(missing("endpoint", EndpointId(endpoint)));
        }
    }
    Ok(())
}

/// The stored endpoints a policy names; 0 is not stored.
fn endpoints(spec: &PolicySpec) -> BTreeSet<u64> {
    let destinations = spec.destinations.iter().map(|destination| destination.endpoint.0);
    destinations.chain([spec.source.0]).filter(|&id| id != 0).collect()
}

/// Stores the record, its name and its endpoints.
fn put(tables: &mut Tables<'_>, policy: Policy) -> Result<Policy, StoreError> {
    tables.policy_names.put(policy.spec.name.as_str(), policy.id.0)?;
    for endpoint in endpoints(&policy.spec) {
        tables.endpoint_policies.put((endpoint, policy.id.0), ())?;
    }
    tables.policies.put_json(policy.id.0, &policy)?;
    Ok(policy)
}

/// Takes its name and its endpoints out of the indexes.
fn unindex(tables: &mut Tables<'_>, policy: &Policy) -> Result<(), StoreError> {
    tables.policy_names.remove(policy.spec.name.as_str())?;
    for endpoint in endpoints(&policy.spec) {
        tables.endpoint_policies.remove((endpoint, policy.id.0))?;
    }
    Ok(())
}
