//! Durable state. redb ends here: no type, closure or lock of it is in a signature outside.
//!
//! Functions are verbs of intent, each one transaction. Many writers share one commit.

use std::{collections::HashSet, path::PathBuf};

use portolan_core::{
    endpoint::{Credentials, Endpoint, EndpointSpec, Health},
    execution::{Execution, StartedBy},
    id::{EndpointId, ExecutionId, PolicyId, TaskId},
    oci::{Digest, Repository},
    policy::{Policy, PolicySpec},
    provider::{AdapterInfo, AllowedHost},
    secret::Secret,
    task::{Task, TaskSpec},
};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// Where the database is.
pub(crate) enum Location {
    /// A file in this directory, made with mode 0700 where missing.
    Directory(PathBuf),
    /// Nowhere: gone with the process.
    Memory,
}

/// The key secrets are sealed with: 32 bytes, base64 in a `Secret`.
pub(crate) struct SealingKey(pub(crate) Secret);

/// Why the store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// It does not exist.
    #[error("{what} {id} does not exist")]
    NotFound { what: &'static str, id: String },
    /// The name is taken.
    #[error("the name `{name}` is taken by another {what}")]
    Conflict { what: &'static str, name: String },
    /// Something else still needs it; the text says what.
    #[error("{0}")]
    InUse(String),
    /// The execution takes no more tasks.
    #[error("the execution was stopped")]
    Stopped,
    /// The database cannot be opened, read or written.
    #[error("the store at {path} {attempted}: {why}")]
    Database { path: String, attempted: &'static str, why: String },
    /// A sealed secret cannot be opened with this key.
    #[error("the secrets of the store cannot be opened: {0}")]
    Seal(String),
}

/// How a try of a task ended.
#[derive(Clone, Debug)]
pub(crate) enum TaskOutcome {
    /// Everything is at the destination.
    Success,
    /// Somebody asked for a stop.
    Stopped,
    /// It failed.
    Failed {
        /// What is shown as the reason.
        text: String,
        /// When to try again; `None` gives up.
        retry_at: Option<OffsetDateTime>,
    },
}

/// A plug-in as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PluginRecord {
    /// Digest of the component.
    pub(crate) digest: Digest,
    /// What it says of itself.
    pub(crate) info: AdapterInfo,
    /// The administrator's approval; `None` while there is none.
    pub(crate) grant: Option<PluginGrant>,
    /// File name it came from, or empty.
    pub(crate) source: String,
    /// When it was installed.
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) installed: OffsetDateTime,
}

/// An administrator's approval of one digest.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PluginGrant {
    /// The hosts it may talk to.
    pub(crate) hosts: Vec<AllowedHost>,
    /// Who approved.
    pub(crate) by: String,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) at: OffsetDateTime,
}

/// The store. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Store {}

fn not_built<T>() -> Result<T, StoreError> {
    Err(StoreError::InUse("not built yet".to_owned()))
}

impl Store {
    /// Opens the database, makes it where missing, and runs migrations.
    pub(crate) async fn open(location: Location, key: SealingKey) -> Result<Self, StoreError> {
        let _ = (location, key);
        not_built()
    }

    // Endpoints

    /// Stores an endpoint and its sealed secrets. `Conflict` when the name is taken.
    pub(crate) async fn create_endpoint(
        &self,
        spec: EndpointSpec,
        credentials: Credentials,
        health: Health,
        now: OffsetDateTime,
    ) -> Result<Endpoint, StoreError> {
        let _ = (spec, credentials, health, now);
        not_built()
    }

    /// One endpoint, or `NotFound`.
    pub(crate) async fn endpoint(&self, id: EndpointId) -> Result<Endpoint, StoreError> {
        let _ = (id,);
        not_built()
    }

    /// The unsealed secrets of an endpoint, or `NotFound`.
    pub(crate) async fn credentials(&self, id: EndpointId) -> Result<Credentials, StoreError> {
        let _ = (id,);
        not_built()
    }

    /// Every endpoint, by ascending id.
    pub(crate) async fn endpoints(&self) -> Result<Vec<Endpoint>, StoreError> {
        not_built()
    }

    /// Replaces what an administrator said. `credentials` replaces every secret. Counts the
    /// generation up when address, provider, access key or a secret changed. `Conflict` when the
    /// name is taken.
    pub(crate) async fn update_endpoint(
        &self,
        id: EndpointId,
        spec: EndpointSpec,
        credentials: Credentials,
        health: Health,
        now: OffsetDateTime,
    ) -> Result<Endpoint, StoreError> {
        let _ = (id, spec, credentials, health, now);
        not_built()
    }

    /// Records what a check found.
    pub(crate) async fn set_health(
        &self,
        id: EndpointId,
        health: Health,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let _ = (id, health, now);
        not_built()
    }

    /// Deletes an endpoint and its secrets. `InUse` when a policy names it: checked in the same
    /// transaction.
    pub(crate) async fn delete_endpoint(&self, id: EndpointId) -> Result<(), StoreError> {
        let _ = (id,);
        not_built()
    }

    // Policies

    /// Stores a policy. `Conflict` when the name is taken, `NotFound` when an endpoint it names is
    /// gone: checked in the same transaction. Endpoint 0 (Local) always counts as there.
    pub(crate) async fn create_policy(
        &self,
        spec: PolicySpec,
        now: OffsetDateTime,
    ) -> Result<Policy, StoreError> {
        let _ = (spec, now);
        not_built()
    }

    /// One policy, or `NotFound`.
    pub(crate) async fn policy(&self, id: PolicyId) -> Result<Policy, StoreError> {
        let _ = (id,);
        not_built()
    }

    /// Every policy, by ascending id.
    pub(crate) async fn policies(&self) -> Result<Vec<Policy>, StoreError> {
        not_built()
    }

    /// Replaces what an administrator said; checks as for a new one.
    pub(crate) async fn update_policy(
        &self,
        id: PolicyId,
        spec: PolicySpec,
        now: OffsetDateTime,
    ) -> Result<Policy, StoreError> {
        let _ = (id, spec, now);
        not_built()
    }

    /// Deletes a policy with its executions, tasks and logs. `InUse` while one of its executions is
    /// not final.
    pub(crate) async fn delete_policy(&self, id: PolicyId) -> Result<(), StoreError> {
        let _ = (id,);
        not_built()
    }

    // Executions

    /// Starts a run: Running, nothing listed. With `single_active` it is born as Error where
    /// another run of the policy is not final.
    pub(crate) async fn create_execution(
        &self,
        policy: PolicyId,
        started_by: StartedBy,
        single_active: bool,
        now: OffsetDateTime,
    ) -> Result<Execution, StoreError> {
        let _ = (policy, started_by, single_active, now);
        not_built()
    }

    /// One execution, or `NotFound`.
    pub(crate) async fn execution(&self, id: ExecutionId) -> Result<Execution, StoreError> {
        let _ = (id,);
        not_built()
    }

    /// Every execution, of one policy where given, newest first.
    pub(crate) async fn executions(
        &self,
        policy: Option<PolicyId>,
    ) -> Result<Vec<Execution>, StoreError> {
        let _ = (policy,);
        not_built()
    }

    /// Claims one execution that is not listed to its end, not final, and leased to nobody (or
    /// whose lease is over), for `owner`.
    pub(crate) async fn claim_execution(
        &self,
        owner: &str,
        now: OffsetDateTime,
        lease_until: OffsetDateTime,
    ) -> Result<Option<Execution>, StoreError> {
        let _ = (owner, now, lease_until);
        not_built()
    }

    /// Extends a lease. False where it is no longer `owner`'s.
    pub(crate) async fn renew_execution(
        &self,
        id: ExecutionId,
        owner: &str,
        lease_until: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let _ = (id, owner, lease_until);
        not_built()
    }

    /// Says that every task is known (`Ok`), with a text for an empty selection; or that listing
    /// failed (`Err`): unstarted tasks are stopped and the execution ends as Error with that text.
    /// Rolls up.
    pub(crate) async fn finish_listing(
        &self,
        id: ExecutionId,
        outcome: Result<String, String>,
        now: OffsetDateTime,
    ) -> Result<Execution, StoreError> {
        let _ = (id, outcome, now);
        not_built()
    }

    /// Asks an execution to stop: its pending tasks become Stopped at once, running ones see the
    /// flag. A final one is left alone.
    pub(crate) async fn request_stop(
        &self,
        id: ExecutionId,
        now: OffsetDateTime,
    ) -> Result<Execution, StoreError> {
        let _ = (id, now);
        not_built()
    }

    // Tasks

    /// Adds pending tasks in one transaction; counts them in. `Stopped` where the execution was
    /// asked to stop or is final.
    pub(crate) async fn add_tasks(
        &self,
        execution: ExecutionId,
        specs: Vec<TaskSpec>,
        now: OffsetDateTime,
    ) -> Result<Vec<TaskId>, StoreError> {
        let _ = (execution, specs, now);
        not_built()
    }

    /// Source repositories that have tasks in an execution already: a listing that is taken up
    /// again leaves them out.
    pub(crate) async fn known_repositories(
        &self,
        execution: ExecutionId,
    ) -> Result<HashSet<(Repository, EndpointId)>, StoreError> {
        let _ = (execution,);
        not_built()
    }

    /// Claims the oldest task that is due: Pending with `not_before` over, or Running under a lease
    /// that is over. It becomes Running.
    pub(crate) async fn claim_task(
        &self,
        owner: &str,
        now: OffsetDateTime,
        lease_until: OffsetDateTime,
    ) -> Result<Option<Task>, StoreError> {
        let _ = (owner, now, lease_until);
        not_built()
    }

    /// Extends leases of `owner`; returns the ids that are still its own and not asked to stop.
    pub(crate) async fn renew_tasks(
        &self,
        ids: Vec<TaskId>,
        owner: &str,
        lease_until: OffsetDateTime,
    ) -> Result<HashSet<TaskId>, StoreError> {
        let _ = (ids, owner, lease_until);
        not_built()
    }

    /// Ends a try: Success, Stopped, or failed with a text (Pending again with `retry_at`, or Error
    /// where that is `None`). Rolls the execution up in the same transaction. False where the task
    /// is no longer `owner`'s.
    pub(crate) async fn finish_task(
        &self,
        id: TaskId,
        owner: &str,
        outcome: TaskOutcome,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let _ = (id, owner, outcome, now);
        not_built()
    }

    /// Gives `owner`'s running tasks and executions back at once, so that a restart need not wait
    /// for leases.
    pub(crate) async fn release_tasks(&self, owner: &str) -> Result<(), StoreError> {
        let _ = (owner,);
        not_built()
    }

    /// One task of an execution, or `NotFound`.
    pub(crate) async fn task(
        &self,
        execution: ExecutionId,
        id: TaskId,
    ) -> Result<Task, StoreError> {
        let _ = (execution, id);
        not_built()
    }

    /// Every task of an execution, by ascending id; `NotFound` where the execution is.
    pub(crate) async fn tasks(&self, execution: ExecutionId) -> Result<Vec<Task>, StoreError> {
        let _ = (execution,);
        not_built()
    }

    /// Adds lines to tasks' logs; many callers share one commit. At most 10,000 lines a task are
    /// kept, then one line says so.
    pub(crate) async fn append_log(&self, lines: Vec<(TaskId, String)>) -> Result<(), StoreError> {
        let _ = (lines,);
        not_built()
    }

    /// The log of a task: at most `limit` lines from line `from` on.
    pub(crate) async fn task_log(
        &self,
        execution: ExecutionId,
        id: TaskId,
        from: u64,
        limit: usize,
    ) -> Result<Vec<String>, StoreError> {
        let _ = (execution, id, from, limit);
        not_built()
    }

    // Claims

    /// Claims a name (`schedule:7`, `event:abc`) for `owner` until `lease_until`; false where
    /// another owner's lease is not over. Claiming one's own again extends it.
    pub(crate) async fn claim(
        &self,
        name: &str,
        owner: &str,
        now: OffsetDateTime,
        lease_until: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let _ = (name, owner, now, lease_until);
        not_built()
    }

    // Plug-ins

    /// Stores a plug-in with the bytes of its component; replaces the one of the same digest.
    pub(crate) async fn put_plugin(
        &self,
        record: PluginRecord,
        bytes: Vec<u8>,
    ) -> Result<(), StoreError> {
        let _ = (record, bytes);
        not_built()
    }

    /// Every plug-in, by provider, then by time of installation.
    pub(crate) async fn plugins(&self) -> Result<Vec<PluginRecord>, StoreError> {
        not_built()
    }

    /// The component of a plug-in, or `NotFound`.
    pub(crate) async fn plugin_bytes(&self, digest: &Digest) -> Result<Vec<u8>, StoreError> {
        let _ = (digest,);
        not_built()
    }

    /// Grants hosts to a plug-in (approval), or takes the grant away (`None`); approving one
    /// revokes any other of the same provider.
    pub(crate) async fn set_grant(
        &self,
        digest: &Digest,
        grant: Option<PluginGrant>,
    ) -> Result<PluginRecord, StoreError> {
        let _ = (digest, grant);
        not_built()
    }

    /// Forgets a plug-in.
    pub(crate) async fn remove_plugin(&self, digest: &Digest) -> Result<(), StoreError> {
        let _ = (digest,);
        not_built()
    }

    // Administrator

    /// The stored hash of the administrator's password.
    pub(crate) async fn admin_password(&self) -> Result<Option<String>, StoreError> {
        not_built()
    }

    /// Stores it.
    pub(crate) async fn set_admin_password(&self, hash: String) -> Result<(), StoreError> {
        let _ = (hash,);
        not_built()
    }
}
