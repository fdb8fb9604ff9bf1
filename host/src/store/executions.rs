//! Executions: started, listed under a lease, stopped.
//!
//! What their tasks do to them is in `progress`.

use portolan_core::{
    execution::{Counters, Execution, StartedBy, Status},
    id::{ExecutionId, PolicyId},
    policy::Policy,
};
use redb::ReadableTable;
use time::OffsetDateTime;

use super::{
    Store, StoreError,
    meta::{Counter, take_ids},
    progress::{self, Lease, Run},
    rows::{all, indexed, load, unreadable},
    tables::{Snapshot, Tables},
};

/// Harbor's words.
const SKIPPED: &str = "Execution skipped: active replication still in progress.";

impl Store {
    /// Starts a run: Running, nothing listed. With `single_active` it is born as Error where
    /// another run of the policy is not final. `NotFound` where the policy is gone.
    pub(crate) async fn create_execution(
        &self,
        policy: PolicyId,
        started_by: StartedBy,
        single_active: bool,
        now: OffsetDateTime,
    ) -> Result<Execution, StoreError> {
        let create = move |tables: &mut Tables<'_>| {
            let _: Policy = load(&*tables.policies, "policy", policy.0)?;
            let skipped = single_active && !indexed(&*tables.active, policy.0)?.is_empty();
            let id = take_ids(tables, Counter::Execution, 1)?;
            tables.by_policy.put((policy.0, id), ())?;
            let execution = Execution {
                id: ExecutionId(id),
                policy,
                status: if skipped { Status::Error } else { Status::Running },
                status_text: if skipped { SKIPPED.to_owned() } else { String::new() },
                started_by,
                counters: Counters::default(),
                listed: skipped,
                stop_requested: false,
                started: now,
                ended: skipped.then_some(now),
            };
            progress::put(tables, Run { execution, lease: None, listing_failed: false }, now)
        };
        self.write(create).await
    }

    /// One execution, or `NotFound`.
    pub(crate) async fn execution(&self, id: ExecutionId) -> Result<Execution, StoreError> {
        self.read(move |tables| Ok(progress::run(&tables.executions, id.0)?.execution)).await
    }

    /// Every execution, of one policy where given, newest first.
    pub(crate) async fn executions(
        &self,
        policy: Option<PolicyId>,
    ) -> Result<Vec<Execution>, StoreError> {
        let list = move |tables: &Snapshot| {
            let mut runs: Vec<Run> = match policy {
                None => all(&tables.executions)?,
                Some(policy) => indexed(&tables.by_policy, policy.0)?
                    .into_iter()
                    .map(|id| progress::run(&tables.executions, id))
                    .collect::<Result<_, _>>()?,
            };
            runs.reverse();
            Ok(runs.into_iter().map(|run| run.execution).collect())
        };
        self.read(list).await
    }

    /// Claims one execution that is not listed to its end, not final, and leased to nobody (or
    /// whose lease is over), for `owner`. One that was asked to stop is ended instead.
    pub(crate) async fn claim_execution(
        &self,
        owner: &str,
        now: OffsetDateTime,
        lease_until: OffsetDateTime,
    ) -> Result<Option<Execution>, StoreError> {
        let lease = Lease::new(owner, lease_until);
        let claim = move |tables: &mut Tables<'_>| {
            for id in unlisted(tables)? {
                let mut run = progress::run(&*tables.executions, id)?;
                if !run.is_free(now) {
                    continue;
                }
                if run.execution.stop_requested {
                    run.execution.listed = true;
                    progress::put(tables, run, now)?;
                    continue;
                }
                run.lease = Some(lease);
                return progress::put(tables, run, now).map(Some);
            }
            Ok(None)
        };
        self.write(claim).await
    }

    /// Extends a lease. False where it is no longer `owner`'s.
    pub(crate) async fn renew_execution(
        &self,
        id: ExecutionId,
        owner: &str,
        lease_until: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let lease = Lease::new(owner, lease_until);
        let renew = move |tables: &mut Tables<'_>| {
            let mut run = progress::run(&*tables.executions, id.0)?;
            if run.lease.as_ref().is_none_or(|held| held.owner != lease.owner) {
                return Ok(false);
            }
            run.lease = Some(lease);
            tables.executions.put_json(id.0, &run)?;
            Ok(true)
        };
        self.write(renew).await
    }

    /// Says that every task is known (`Ok`), with a text for an empty selection; or that listing
    /// failed (`Err`): unstarted tasks are stopped and the execution ends as Error with that text,
    /// once no task is running. Rolls up. One that is listed already is left alone.
    pub(crate) async fn finish_listing(
        &self,
        id: ExecutionId,
        outcome: Result<String, String>,
        now: OffsetDateTime,
    ) -> Result<Execution, StoreError> {
        let finish = move |tables: &mut Tables<'_>| {
            let mut run = progress::run(&*tables.executions, id.0)?;
            if run.execution.listed {
                return Ok(run.execution);
            }
            if outcome.is_err() {
                progress::stop_pending(tables, &mut run, now)?;
            }
            run.listing_failed = outcome.is_err();
            run.execution.status_text = outcome.unwrap_or_else(|text| text);
            run.execution.listed = true;
            run.lease = None;
            progress::put(tables, run, now)
        };
        self.write(finish).await
    }

    /// Asks an execution to stop: its pending tasks become Stopped at once, running ones see the
    /// flag. A listing under way sees it too; one that nobody holds is over with this. A final
    /// execution is left alone. Reads every task of the execution: other writes wait for it.
    pub(crate) async fn request_stop(
        &self,
        id: ExecutionId,
        now: OffsetDateTime,
    ) -> Result<Execution, StoreError> {
        let stop = move |tables: &mut Tables<'_>| {
            let mut run = progress::run(&*tables.executions, id.0)?;
            if run.execution.status.is_final() {
                return Ok(run.execution);
            }
            run.execution.stop_requested = true;
            run.execution.listed |= run.is_free(now);
            progress::stop_pending(tables, &mut run, now)?;
            progress::put(tables, run, now)
        };
        self.write(stop).await
    }
}

/// Executions whose listing is not at its end, oldest first.
fn unlisted(tables: &Tables<'_>) -> Result<Vec<u64>, StoreError> {
    let rows = tables.listings.iter().map_err(unreadable)?;
    rows.map(|row| Ok(row.map_err(unreadable)?.0.value())).collect()
}
