//! The facade: one method for each thing a face may ask, by noun.

use std::time::Duration;

use portolan_core::{
    endpoint::{Credentials, Endpoint, EndpointChange, EndpointSpec},
    execution::{Execution, StartedBy},
    id::{EndpointId, ExecutionId, PolicyId, TaskId},
    oci::Digest,
    policy::{Policy, PolicySpec},
    provider::{AdapterInfo, AllowedHost, HealthReport},
    task::Task,
};
use serde::Serialize;
use time::OffsetDateTime;

use crate::error::{Code, Error};

/// A running host. Cheap to clone; [`shutdown`](Self::shutdown) ends it.
#[derive(Clone)]
pub struct Host {}

/// What `/registries/{id}/info` is made of.
#[derive(Clone, Debug)]
pub struct EndpointInfo {
    /// The adapter's own words.
    pub adapter: AdapterInfo,
    /// Label names, where the adapter knows labels.
    pub labels: Vec<String>,
}

/// A plug-in as people see it.
#[derive(Clone, Debug, Serialize)]
pub struct Plugin {
    /// Digest of the component.
    pub digest: Digest,
    /// What it says of itself.
    pub info: AdapterInfo,
    /// Whether it works, and with whose leave.
    pub state: PluginState,
    /// Hosts it was granted.
    pub granted: Vec<AllowedHost>,
    /// File it came from, or empty.
    pub source: String,
    /// When it was installed.
    #[serde(with = "time::serde::rfc3339")]
    pub installed: OffsetDateTime,
}

/// Whether a plug-in works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PluginState {
    /// Comes with the program, granted what it asks for.
    Bundled,
    /// Installed; does nothing until somebody approves it.
    Pending,
    /// Approved by an administrator.
    Approved,
}

/// What a shutdown left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShutdownReport {
    /// Tasks that ended in time.
    pub finished: usize,
    /// Tasks that were cut and go on at the next start.
    pub cut: usize,
}

fn not_built<T>() -> Result<T, Error> {
    Err(Error::new(Code::Internal, "not built yet"))
}

impl Host {
    /// Test Connection for settings that are not stored.
    ///
    /// # Errors
    /// As [`Code`] says.
    pub async fn endpoint_health_check(
        &self,
        spec: &EndpointSpec,
        credentials: &Credentials,
    ) -> Result<HealthReport, Error> {
        let _ = (spec, credentials);
        not_built()
    }

    /// Test Connection for a stored endpoint, with a change of its provider or credentials tried on
    /// it. Id 0 is Local.
    ///
    /// # Errors
    /// As [`Code`] says.
    pub async fn check_stored_endpoint(
        &self,
        id: EndpointId,
        change: EndpointChange,
    ) -> Result<HealthReport, Error> {
        let _ = (id, change);
        not_built()
    }

    /// Tests the connection, then stores the endpoint. `Unreachable`, `Unauthenticated`,
    /// `Forbidden` or `Invalid` say why it was not; `Conflict` that the name is taken.
    ///
    /// # Errors
    /// As [`Code`] says.
    pub async fn create_endpoint(
        &self,
        spec: EndpointSpec,
        credentials: Credentials,
    ) -> Result<Endpoint, Error> {
        let _ = (spec, credentials);
        not_built()
    }

    /// Every endpoint by ascending id, without Local.
    ///
    /// # Errors
    /// As [`Code`] says.
    pub async fn endpoints(&self) -> Result<Vec<Endpoint>, Error> {
        not_built()
    }

    /// One endpoint; id 0 is Local.
    ///
    /// # Errors
    /// As [`Code`] says.
    pub async fn endpoint(&self, id: EndpointId) -> Result<Endpoint, Error> {
        let _ = (id,);
        not_built()
    }

    /// What the endpoint's adapter can do; asks the registry for labels.
    ///
    /// # Errors
    /// As [`Code`] says.
    pub async fn endpoint_info(&self, id: EndpointId) -> Result<EndpointInfo, Error> {
        let _ = (id,);
        not_built()
    }

    /// Applies a change, tests the connection, and stores the result.
    ///
    /// # Errors
    /// As [`Code`] says.
    pub async fn update_endpoint(
        &self,
        id: EndpointId,
        change: EndpointChange,
    ) -> Result<Endpoint, Error> {
        let _ = (id, change);
        not_built()
    }

    /// Deletes an endpoint; `Precondition` while a policy names it.
    ///
    /// # Errors
    /// As [`Code`] says.
    pub async fn delete_endpoint(&self, id: EndpointId) -> Result<(), Error> {
        let _ = (id,);
        not_built()
    }

    /// Stores a policy; `NotFound` where an endpoint it names is not there.
    ///
    /// # Errors
    /// As [`Code`] says.
    pub async fn create_policy(&self, spec: PolicySpec) -> Result<Policy, Error> {
        let _ = (spec,);
        not_built()
    }

    /// Every policy by ascending id.
    ///
    /// # Errors
    /// As [`Code`] says.
    pub async fn policies(&self) -> Result<Vec<Policy>, Error> {
        not_built()
    }

    /// One policy.
    ///
    /// # Errors
    /// As [`Code`] says.
    pub async fn policy(&self, id: PolicyId) -> Result<Policy, Error> {
        let _ = (id,);
        not_built()
    }

    /// Replaces a policy.
    ///
    /// # Errors
    /// As [`Code`] says.
    pub async fn update_policy(&self, id: PolicyId, spec: PolicySpec) -> Result<Policy, Error> {
        let _ = (id, spec);
        not_built()
    }

    /// Deletes a policy and its history; `Precondition` while a run is not final.
    ///
    /// # Errors
    /// As [`Code`] says.
    pub async fn delete_policy(&self, id: PolicyId) -> Result<(), Error> {
        let _ = (id,);
        not_built()
    }

    /// Starts a run; `Precondition` where the policy is disabled.
    ///
    /// # Errors
    /// As [`Code`] says.
    pub async fn start_execution(
        &self,
        policy: PolicyId,
        started_by: StartedBy,
    ) -> Result<Execution, Error> {
        let _ = (policy, started_by);
        not_built()
    }

    /// Every execution, of one policy where given, newest first.
    ///
    /// # Errors
    /// As [`Code`] says.
    pub async fn executions(&self, policy: Option<PolicyId>) -> Result<Vec<Execution>, Error> {
        let _ = (policy,);
        not_built()
    }

    /// One execution.
    ///
    /// # Errors
    /// As [`Code`] says.
    pub async fn execution(&self, id: ExecutionId) -> Result<Execution, Error> {
        let _ = (id,);
        not_built()
    }

    /// Asks an execution to stop; a final one is left alone.
    ///
    /// # Errors
    /// As [`Code`] says.
    pub async fn stop_execution(&self, id: ExecutionId) -> Result<Execution, Error> {
        let _ = (id,);
        not_built()
    }

    /// Every task of an execution by ascending id.
    ///
    /// # Errors
    /// As [`Code`] says.
    pub async fn tasks(&self, execution: ExecutionId) -> Result<Vec<Task>, Error> {
        let _ = (execution,);
        not_built()
    }

    /// The log of a task as text, at most `limit` lines from line `from` on.
    ///
    /// # Errors
    /// As [`Code`] says.
    pub async fn task_log(
        &self,
        execution: ExecutionId,
        task: TaskId,
        from: u64,
        limit: usize,
    ) -> Result<Vec<String>, Error> {
        let _ = (execution, task, from, limit);
        not_built()
    }

    /// Every plug-in, bundled ones first.
    ///
    /// # Errors
    /// As [`Code`] says.
    pub async fn plugins(&self) -> Result<Vec<Plugin>, Error> {
        not_built()
    }

    /// Checks a component and stores it; it waits for approval. `source` names the file for people.
    ///
    /// # Errors
    /// As [`Code`] says.
    pub async fn install_plugin(
        &self,
        component: Vec<u8>,
        source: String,
    ) -> Result<Plugin, Error> {
        let _ = (component, source);
        not_built()
    }

    /// Approves a plug-in by digest, with the hosts it asked for or fewer. `by` is who.
    ///
    /// # Errors
    /// As [`Code`] says.
    pub async fn approve_plugin(
        &self,
        digest: &Digest,
        hosts: Option<Vec<AllowedHost>>,
        by: &str,
    ) -> Result<Plugin, Error> {
        let _ = (digest, hosts, by);
        not_built()
    }

    /// Takes the approval away; running calls finish.
    ///
    /// # Errors
    /// As [`Code`] says.
    pub async fn revoke_plugin(&self, digest: &Digest) -> Result<Plugin, Error> {
        let _ = (digest,);
        not_built()
    }

    /// Revokes and forgets a plug-in.
    ///
    /// # Errors
    /// As [`Code`] says.
    pub async fn remove_plugin(&self, digest: &Digest) -> Result<(), Error> {
        let _ = (digest,);
        not_built()
    }

    /// The stored hash of the administrator's password, for whoever checks logins.
    ///
    /// # Errors
    /// As [`Code`] says.
    pub async fn admin_password(&self) -> Result<Option<String>, Error> {
        not_built()
    }

    /// Stores the hash of the administrator's password.
    ///
    /// # Errors
    /// As [`Code`] says.
    pub async fn set_admin_password(&self, hash: String) -> Result<(), Error> {
        let _ = (hash,);
        not_built()
    }

    /// Every enabled provider, in byte order of its id.
    #[must_use]
    pub fn providers(&self) -> Vec<AdapterInfo> {
        Vec::new()
    }

    /// Takes no more work, lets what runs come to a point it can go on from, waits at most
    /// `patience`, and says what was cut.
    pub async fn shutdown(&self, patience: Duration) -> ShutdownReport {
        let _ = patience;
        ShutdownReport { finished: 0, cut: 0 }
    }
}
