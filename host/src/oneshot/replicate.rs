//! One copy from a registry or image layout to others, without a daemon and without a stored rule.

use std::{collections::HashMap, iter::once, time::Duration};

use futures_util::future::try_join_all;
use portolan_core::{
    endpoint::{Credentials, EndpointSpec, EndpointUrl, Health},
    execution::{Execution, StartedBy, Status},
    filter::Filter,
    id::{EndpointId, ExecutionId},
    oci::{Repository, Tag},
    policy::{Destination, PolicySpec},
    trigger::Trigger,
};

use crate::{Code, Error, Host};

/// How often is told where the run stands.
const LOOK: Duration = Duration::from_millis(100);
/// Most failures kept for the report.
const MAX_FAILURES: usize = 100;

/// One end of a copy, and what to log in with.
pub type End = (EndpointSpec, Credentials);

/// What is to be copied.
pub struct Options {
    /// Where from.
    pub source: End,
    /// Where to: one pull serves all of them.
    pub destinations: Vec<End>,
    /// Which artifacts; nothing means all.
    pub filters: Vec<Filter>,
    /// Repositories and tags that are known already: nothing is listed then.
    pub list: Option<Vec<(Repository, Vec<Tag>)>>,
    /// Namespace at each destination.
    pub namespace: Option<String>,
    /// Leading components it replaces.
    pub flatten: i8,
}

/// Where a copy stands, or how it ended: all destinations together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Tags and untagged artifacts found so far.
    pub planned: u64,
    /// Of these, pushed.
    pub copied: u64,
    /// Of these, there already.
    pub skipped: u64,
    /// Of these, not asked for: they were there lately.
    pub believed: u64,
    /// Blobs whose bytes were moved.
    pub blobs: u64,
    /// Blobs mounted from another repository.
    pub mounted: u64,
    /// Bytes moved.
    pub bytes: u64,
    /// HTTP requests sent to all registries.
    pub requests: u64,
    /// How far that is: bytes on their way, rate, time left.
    pub way: crate::Progress,
}

/// How a copy ended.
#[derive(Clone, Debug)]
pub struct Report {
    /// Whether everything selected is at every destination.
    pub complete: bool,
    /// The counts.
    pub progress: Progress,
    /// What failed, one sentence each.
    pub failures: Vec<String>,
}

/// Copies, telling `look` now and then where it stands.
///
/// # Errors
/// When the endpoints or the selection are not valid, or an end does not pass Test Connection.
/// A registry that fails later is in the report.
pub async fn replicate(
    host: &Host,
    options: Options,
    mut look: impl FnMut(Progress),
) -> Result<Report, Error> {
    let ends = once(&options.source).chain(&options.destinations);
    try_join_all(ends.map(|end| try_out(host, end))).await?;
    let list = options.list.clone();
    let (policy, addresses) = policy(host, options).await?;
    let policy = host.create_policy(policy).await?;
    let mut ends = host.ends();
    let mut execution = match list {
        Some(list) => host.start_selection(policy.id, list).await?,
        None => host.start_execution(policy.id, StartedBy::Manual).await?,
    };
    while !execution.status.is_final() {
        // Over or not, it is looked at.
        let _ = tokio::time::timeout(LOOK, ends.changed()).await;
        look(progress(host, execution.id));
        execution = host.execution(execution.id).await?;
    }
    let report = report(host, &execution, &addresses).await?;
    host.seal_layouts().await?;
    Ok(report)
}

/// Tells what is wrong with an end once, before every repository meets it.
async fn try_out(host: &Host, (spec, credentials): &End) -> Result<(), Error> {
    let report = host.check_settings(spec, credentials).await?;
    // What a registry without tokens asks of everybody, it asks of each request.
    let wants_password = ("authentication".to_owned(), "basic".to_owned());
    if spec.access_key.is_none() && report.details.contains(&wants_password) {
        let message = format!(
            "the endpoint {} at {} asks for a user name and a password, and none were given",
            spec.name, spec.url
        );
        return Err(Error::new(Code::Unauthenticated, message));
    }
    Ok(())
}

/// The rule of the copy, and where each destination is.
async fn policy(
    host: &Host,
    options: Options,
) -> Result<(PolicySpec, HashMap<EndpointId, EndpointUrl>), Error> {
    let (spec, credentials) = options.source;
    let source = host.store_endpoint(spec, credentials, Health::Unknown).await?;
    let (mut destinations, mut addresses) = (Vec::new(), HashMap::new());
    for (spec, credentials) in options.destinations {
        let stored = host.store_endpoint(spec, credentials, Health::Unknown).await?;
        addresses.insert(stored.id, stored.spec.url);
        let namespace = options.namespace.clone();
        destinations.push(Destination { endpoint: stored.id, namespace });
    }
    let policy = PolicySpec {
        name: "replicate".to_owned(),
        description: String::new(),
        source: source.id,
        destinations,
        replace_count: options.flatten,
        filters: options.filters,
        trigger: Trigger::Manual,
        override_tags: true,
        enabled: true,
        deletion: false,
        speed: 0,
        copy_by_chunk: false,
        single_active: false,
        options: Default::default(),
    };
    Ok((policy, addresses))
}

fn progress(host: &Host, id: ExecutionId) -> Progress {
    let totals = host.totals();
    Progress {
        planned: totals.planned,
        copied: totals.artifacts,
        skipped: totals.skipped,
        believed: totals.believed,
        blobs: totals.blobs,
        mounted: totals.mounted,
        bytes: totals.bytes,
        requests: totals.requests,
        way: host.progress(id),
    }
}

async fn report(
    host: &Host,
    execution: &Execution,
    addresses: &HashMap<EndpointId, EndpointUrl>,
) -> Result<Report, Error> {
    let mut failures = Vec::new();
    if execution.status != Status::Success && !execution.status_text.is_empty() {
        failures.push(execution.status_text.clone());
    }
    for task in host.tasks(execution.id).await? {
        if task.status != Status::Success && failures.len() < MAX_FAILURES {
            // There is no daemon that kept a log.
            let why = task.last_error.replace(", see the log)", ")");
            let to = addresses.get(&task.spec.destination).filter(|_| addresses.len() > 1);
            let to = to.map(|to| format!(" to {to}")).unwrap_or_default();
            failures.push(format!("{}{to}: {why}", task.spec.source_repository));
        }
    }
    Ok(Report {
        complete: execution.status == Status::Success,
        progress: progress(host, execution.id),
        failures,
    })
}
