//! Policies, their names, and the endpoints they name.
//!
//! A policy never stands without its endpoints: both sides are checked in one transaction.

use std::collections::BTreeSet;

use portolan_core::{
    audit::Change,
    id::{EndpointId, PolicyId},
    policy::{Policy, PolicySpec},
};
use redb::ReadableTable;
use time::OffsetDateTime;

use super::{
    Store, StoreError,
    meta::{Counter, take_ids},
    outcomes, progress, prunes,
    rows::{all_readable, among, indexed, load, missing, under, unreadable},
    schedules, sightings,
    tables::{POLICIES, Tables},
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
            let policy = put(tables, Policy { id, spec, created: now, updated: now })?;
            schedules::plan(tables, &policy, now)?;
            let change = Change::of(WHAT, id).to(&policy);
            Ok((policy, change))
        };
        self.change(create).await
    }

    /// One policy, or `NotFound`.
    pub(crate) async fn policy(&self, id: PolicyId) -> Result<Policy, StoreError> {
        self.peek(|tables| load(&tables.open(POLICIES)?, WHAT, id.0))
    }

    /// Those of a few policies that are there, in the order they are asked for.
    pub(crate) async fn policies_among(&self, ids: &[PolicyId]) -> Result<Vec<Policy>, StoreError> {
        let ids: Vec<u64> = ids.iter().map(|id| id.0).collect();
        self.read_few(ids.len(), move |tables| {
            among(&tables.open(POLICIES)?, WHAT, ids.into_iter())
        })
        .await
    }

    /// Every policy that is understood, by ascending id.
    pub(crate) async fn policies(&self) -> Result<Vec<Policy>, StoreError> {
        self.read(|tables| all_readable(&tables.open(POLICIES)?, WHAT)).await
    }

    /// Replaces what an administrator said; checks as for a new one.
    pub(crate) async fn update_policy(
        &self,
        id: PolicyId,
        spec: PolicySpec,
        now: OffsetDateTime,
    ) -> Result<Policy, StoreError> {
        let update = move |tables: &mut Tables<'_>| {
            let old: Policy = load(tables.policies.open()?, WHAT, id.0)?;
            check(tables, &spec, Some(id))?;
            unindex(tables, &old)?;
            // A run that is due and not started yet stays planned.
            let keeps_plan = old.spec.enabled && spec.enabled && old.spec.trigger == spec.trigger;
            if !keeps_plan {
                schedules::forget(tables, id)?;
            }
            let change = Change::of(WHAT, id).from(&old);
            let policy = put(tables, Policy { spec, updated: now, ..old })?;
            if !keeps_plan {
                schedules::plan(tables, &policy, now)?;
            }
            let change = change.to(&policy);
            Ok((policy, change))
        };
        self.change(update).await
    }

    /// Deletes a policy with its executions, tasks and logs. `InUse` while one of its executions is
    /// not final. One transaction however many there are: other writes wait for it.
    pub(crate) async fn delete_policy(&self, id: PolicyId) -> Result<(), StoreError> {
        let delete = move |tables: &mut Tables<'_>| {
            let policy: Policy = load(tables.policies.open()?, WHAT, id.0)?;
            if let Some(execution) = indexed(tables.active.open()?, id.0)?.first() {
                let name = &policy.spec.name;
                return Err(StoreError::InUse(format!(
                    "the policy `{name}` is being run (execution {execution}); stop it first"
                )));
            }
            for execution in indexed(tables.by_policy.open()?, id.0)? {
                progress::forget(tables, execution)?;
            }
            tables.by_policy.remove_range(under(id.0))?;
            unindex(tables, &policy)?;
            schedules::forget(tables, id)?;
            sightings::forget(tables, id)?;
            outcomes::forget(tables, id)?;
            prunes::forget(tables, id)?;
            tables.changed.policies.insert(id);
            tables.policies.remove(id.0)?;
            Ok(((), Change::of(WHAT, id).from(&policy)))
        };
        self.change(delete).await
    }
}

/// Checks endpoints and name of a new policy, or of a change of `own`, in the order of contract 3.2.
fn check(tables: &Tables<'_>, spec: &PolicySpec, own: Option<PolicyId>) -> Result<(), StoreError> {
    for endpoint in endpoints(spec) {
        let there = tables.endpoints.open()?.get(endpoint).map_err(unreadable)?.is_some();
        if !there {
            return Err(missing("endpoint", EndpointId(endpoint)));
        }
    }
    let holder = tables.policy_names.open()?.get(spec.name.as_str()).map_err(unreadable)?;
    if holder.is_some_and(|id| Some(PolicyId(id.value())) != own) {
        return Err(StoreError::Conflict { what: WHAT, name: spec.name.clone() });
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
    tables.changed.policies.insert(policy.id);
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

#[cfg(test)]
mod tests {
    use portolan_core::{
        execution::{Execution, StartedBy},
        id::{ExecutionId, TaskId},
    };
    use redb::ReadableTableMetadata;

    use super::*;
    use crate::store::{
        TaskOutcome,
        fixtures::{after, endpoint, memory, policy, policy_spec, task_specs},
        tables,
    };

    #[tokio::test]
    async fn names_and_endpoints_are_checked() {
        let store = memory().await;
        let gone = store.create_policy(policy_spec("p", 1, &[0]), after(0)).await.unwrap_err();
        assert_eq!(gone.to_string(), "endpoint 1 does not exist");
        let first = policy(&store, "p").await;
        let second = policy(&store, "q").await;
        assert_eq!((first.id.0, second.id.0), (1, 2));
        for own in [None, Some(second.id)] {
            let spec = policy_spec("p", 0, &[0]);
            let taken = match own {
                None => store.create_policy(spec, after(1)).await,
                Some(id) => store.update_policy(id, spec, after(1)).await,
            };
            assert!(matches!(taken, Err(StoreError::Conflict { .. })));
        }
        let gone = store.update_policy(first.id, policy_spec("p", 0, &[8]), after(1)).await;
        assert!(matches!(gone, Err(StoreError::NotFound { what: "endpoint", .. })));
        let renamed = store.update_policy(first.id, policy_spec("r", 0, &[0]), after(1)).await;
        let renamed = renamed.unwrap();
        assert_eq!((renamed.created, renamed.updated), (after(0), after(1)));
        assert_eq!(store.policies().await.unwrap(), [renamed, second]);
        policy(&store, "p").await;
    }

    #[tokio::test]
    async fn with_a_policy_go_its_executions_tasks_and_logs() {
        let store = memory().await;
        let kept = policy(&store, "kept").await.id;
        let gone = policy(&store, "gone").await.id;
        let mut runs: Vec<Execution> = Vec::new();
        for policy in [kept, gone] {
            let run = store.create_execution(policy, StartedBy::Manual, false, after(0)).await;
            let run = run.unwrap();
            store.add_tasks(run.id, task_specs(2), after(0)).await.unwrap();
            store.finish_listing(run.id, Ok(String::new()), after(0)).await.unwrap();
            runs.push(run);
        }
        let lines = (1..5).map(|task| (TaskId(task), "line".to_owned())).collect();
        store.append_log(lines).await.unwrap();
        let refused = store.delete_policy(gone).await.unwrap_err().to_string();
        assert!(refused.contains("execution 2"), "{refused}");
        while let Some(task) = store.claim_task("o", after(1), after(9)).await.unwrap() {
            store.finish_task(task.id, "o", TaskOutcome::Success, after(2)).await.unwrap();
        }
        store.delete_policy(gone).await.unwrap();
        assert!(matches!(store.policy(gone).await, Err(StoreError::NotFound { .. })));
        assert!(store.execution(ExecutionId(2)).await.is_err());
        assert!(store.tasks(ExecutionId(2)).await.is_err());
        assert_eq!(store.executions(None).await.unwrap().len(), 1);
        assert_eq!(store.tasks(runs[0].id).await.unwrap().len(), 2);
        let left = store.read(|tables| {
            let logs = tables.open(tables::TASK_LOG)?.len().map_err(unreadable)?;
            let tasks = tables.open(tables::TASK_EXECUTIONS)?.len().map_err(unreadable)?;
            let runs = tables.open(tables::BY_POLICY)?.len().map_err(unreadable)?;
            Ok((logs, tasks, runs, tables.open(tables::ACTIVE)?.len().map_err(unreadable)?))
        });
        assert_eq!(left.await.unwrap(), (2, 2, 1, 0));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn no_policy_ever_stands_without_its_endpoint() {
        let store = memory().await;
        let mut pairs = Vec::new();
        for n in 1..=1000 {
            endpoint(&store, &format!("e{n}")).await.unwrap();
        }
        for n in 1..=1000_u64 {
            let (one, other) = (store.clone(), store.clone());
            let spec = policy_spec(&format!("p{n}"), n, &[0]);
            let create = async move { one.create_policy(spec, after(0)).await };
            let delete = async move { other.delete_endpoint(EndpointId(n)).await };
            // Every other pair begins with the deletion.
            pairs.push(if n % 2 == 0 {
                let create = tokio::spawn(create);
                (create, tokio::spawn(delete))
            } else {
                let delete = tokio::spawn(delete);
                (tokio::spawn(create), delete)
            });
        }
        let (mut kept, mut deleted) = (0, 0);
        for (create, delete) in pairs {
            match (create.await.unwrap(), delete.await.unwrap()) {
                (Ok(_), Err(StoreError::InUse(_))) => kept += 1,
                (Err(StoreError::NotFound { .. }), Ok(())) => deleted += 1,
                other => panic!("{other:?}"),
            }
        }
        assert!(kept > 0 && deleted > 0, "they never met: {kept} kept, {deleted} deleted");
        for policy in store.policies().await.unwrap() {
            store.endpoint(policy.spec.source).await.unwrap();
        }
        assert_eq!(store.endpoints().await.unwrap().len(), kept);
    }
}
