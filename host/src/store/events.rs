//! What webhooks told: taken once, kept until rules run for it, and the runs that are started for
//! it with what they are about, in one transaction.
//!
//! It reads no webhook and checks no proof. Of two events about the same tag the later one counts.

use std::collections::{BTreeMap, BTreeSet};

use portolan_core::{
    event::{Happening, Selected},
    execution::{Execution, StartedBy},
    id::{EndpointId, ExecutionId, PolicyId},
    oci::Repository,
    policy::Policy,
    trigger::Trigger,
};
use redb::ReadableTable;
use time::{Duration, OffsetDateTime};

use super::{
    Store, StoreError, claims, executions,
    progress::Lease,
    rows::{all_readable, among, decode, find, indexed, instant, missing, unreadable},
    schedules::moment,
    tables::{EVENTS, EVENTS_DUE, SELECTIONS, Snapshot, Tables},
};

/// Most tags and artifacts of one endpoint that wait for their rules.
const MAX_PENDING: usize = 10_000;
/// Most of them that one start of rules is about.
const MAX_FIRED: usize = 2_000;
/// Shortest time until what could not be started is looked at again.
const AGAIN: Duration = Duration::seconds(1);
/// How long an event is remembered, so that a second delivery of it does nothing.
const REMEMBERED: Duration = Duration::hours(24);

/// One event, and what a second delivery of it is known by: 64 characters at most.
pub(crate) struct Told {
    pub(crate) id: String,
    pub(crate) happening: Happening,
}

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Accepted {
    /// So many events were taken, so many were known already.
    Stored { new: usize, repeated: usize },
    /// Too many wait; nothing was taken.
    Full,
}

/// What was started for the events of one endpoint.
#[derive(Debug)]
pub(crate) struct FiredEvents {
    pub(crate) endpoint: EndpointId,
    /// Tags and artifacts that runs were started for, or that no rule wants.
    pub(crate) events: usize,
    pub(crate) executions: Vec<Execution>,
    /// Rules that could not be started.
    pub(crate) failed: Vec<(PolicyId, StoreError)>,
}

impl Store {
    /// Takes the events of one delivery; rules run for them when `window` has gone by since the
    /// first that waits. `NotFound` where the endpoint is gone.
    pub(crate) async fn accept_events(
        &self,
        endpoint: EndpointId,
        told: Vec<Told>,
        window: Duration,
        now: OffsetDateTime,
    ) -> Result<Accepted, StoreError> {
        let accept = move |tables: &mut Tables<'_>| {
            let there = tables.endpoints.open()?.get(endpoint.0).map_err(unreadable)?.is_some();
            if endpoint != EndpointId::LOCAL && !there {
                return Err(missing("endpoint", endpoint));
            }
            let all = told.len();
            let new = unseen(tables, endpoint, told, now)?;
            if new.is_empty() {
                return Ok(Accepted::Stored { new: 0, repeated: all });
            }
            let waiting = tables.events.open()?.range(of(endpoint)).map_err(unreadable)?;
            if waiting.take(MAX_PENDING).count() + new.len() > MAX_PENDING {
                return Ok(Accepted::Full);
            }
            let count = new.len();
            keep(tables, endpoint, new, now)?;
            if tables.events_due.open()?.get(endpoint.0).map_err(unreadable)?.is_none() {
                tables.events_due.put(endpoint.0, instant(now + window))?;
            }
            Ok(Accepted::Stored { new: count, repeated: all - count })
        };
        self.write(accept).await
    }

    /// Starts the enabled event-based rules that take something of what waits at one endpoint
    /// whose time has come, each once for all of it; `None` where there is no such endpoint. What
    /// is about a repository that such a run is still at waits for its end.
    pub(crate) async fn fire_events(
        &self,
        window: Duration,
        now: OffsetDateTime,
    ) -> Result<Option<FiredEvents>, StoreError> {
        let history = self.history();
        let fire = move |tables: &mut Tables<'_>| {
            let later = instant(now + window.max(AGAIN));
            let Some(endpoint) = due(tables, now, later)? else { return Ok(None) };
            let burst = Burst::of(tables, endpoint)?;
            let mut fired = FiredEvents {
                endpoint,
                events: burst.taken().count(),
                executions: Vec::new(),
                failed: Vec::new(),
            };
            let mut starts = burst.starts();
            starts.retain(|(policy, _)| {
                let checked = executions::check_start(tables, policy, history, now);
                checked.map_err(|error| fired.failed.push((policy.id, error))).is_ok()
            });
            burst.forget(tables, later)?;
            for (policy, selection) in starts {
                let by = StartedBy::Event;
                let start = executions::Start { by, single: false, history, now };
                let execution = executions::start(tables, policy, start)?;
                tables.selections.put_json(execution.id.0, &selection)?;
                fired.executions.push(execution);
            }
            Ok(Some(fired))
        };
        self.write(fire).await
    }

    /// When events of some endpoint are due next; `None` where none wait.
    pub(crate) async fn next_events(&self) -> Result<Option<OffsetDateTime>, StoreError> {
        let next = |tables: &Snapshot| {
            let mut first = None::<i128>;
            for row in tables.open(EVENTS_DUE)?.iter().map_err(unreadable)? {
                let at = row.map_err(unreadable)?.1.value();
                first = Some(first.map_or(at, |first| first.min(at)));
            }
            first.map(moment).transpose()
        };
        self.read(next).await
    }

    /// How many tags and artifacts of an endpoint wait for their rules.
    pub(crate) async fn pending_events(&self, endpoint: EndpointId) -> Result<usize, StoreError> {
        let count = move |tables: &Snapshot| {
            Ok(tables.open(EVENTS)?.range(of(endpoint)).map_err(unreadable)?.count())
        };
        self.read(count).await
    }

    /// What an execution is about that events started; `None` for any other.
    pub(crate) async fn selection_of(
        &self,
        execution: ExecutionId,
    ) -> Result<Option<Vec<Selected>>, StoreError> {
        self.read(move |tables| find(&tables.open(SELECTIONS)?, execution.0)).await
    }
}

/// Forgets what an endpoint told.
pub(super) fn forget(tables: &mut Tables<'_>, endpoint: EndpointId) -> Result<(), StoreError> {
    tables.events_due.remove(endpoint.0)?;
    tables.events.remove_range(of(endpoint))
}

/// Every key of an endpoint.
fn of(endpoint: EndpointId) -> std::ops::Range<(u64, &'static str)> {
    (endpoint.0, "")..(endpoint.0.saturating_add(1), "")
}

/// Those that no delivery brought before, each once.
fn unseen(
    tables: &Tables<'_>,
    endpoint: EndpointId,
    told: Vec<Told>,
    now: OffsetDateTime,
) -> Result<Vec<(String, Happening)>, StoreError> {
    let (mut new, mut names) = (Vec::new(), BTreeSet::new());
    for Told { id, happening } in told {
        let name = format!("event:{endpoint}:{id}");
        if !claims::is_claimed(tables, &name, now)? && names.insert(name.clone()) {
            new.push((name, happening));
        }
    }
    Ok(new)
}

fn keep(
    tables: &mut Tables<'_>,
    endpoint: EndpointId,
    new: Vec<(String, Happening)>,
    now: OffsetDateTime,
) -> Result<(), StoreError> {
    let lease = Lease::new("events", now + REMEMBERED);
    for (name, happening) in new {
        claims::put(tables, &name, &lease, now)?;
        let subject = happening.subject();
        // One that is not understood is replaced.
        let known: Option<Happening> =
            find(tables.events.open()?, (endpoint.0, subject.as_str())).unwrap_or_default();
        if known.is_none_or(|known| !happening.is_older_than(&known)) {
            tables.events.put_json((endpoint.0, subject.as_str()), &happening)?;
        }
    }
    Ok(())
}

/// The first endpoint whose events are due. One that is due after `latest` was kept before the clock
/// was set back.
fn due(
    tables: &Tables<'_>,
    now: OffsetDateTime,
    latest: i128,
) -> Result<Option<EndpointId>, StoreError> {
    for row in tables.events_due.open()?.iter().map_err(unreadable)? {
        let (endpoint, at) = row.map_err(unreadable)?;
        if !(instant(now) + 1..=latest).contains(&at.value()) {
            return Ok(Some(EndpointId(endpoint.value())));
        }
    }
    Ok(None)
}

/// What waits at one endpoint, a bounded part of it, and the rules there.
struct Burst {
    endpoint: EndpointId,
    rules: Vec<Policy>,
    /// Subjects with what happened.
    waiting: Vec<(String, Happening)>,
    /// Repositories that runs of these rules are still at, which events started.
    busy: BTreeSet<Repository>,
}

impl Burst {
    fn of(tables: &Tables<'_>, endpoint: EndpointId) -> Result<Self, StoreError> {
        let rules = rules(tables, endpoint)?;
        let busy = busy(tables, &rules)?;
        Ok(Self { endpoint, busy, rules, waiting: waiting(tables, endpoint)? })
    }

    /// What runs can be started for now.
    fn taken(&self) -> impl Iterator<Item = &(String, Happening)> {
        self.waiting.iter().filter(|(_, it)| !self.busy.contains(&it.repository))
    }

    /// Each rule that takes something of it, with what it takes.
    fn starts(&self) -> Vec<(&Policy, Vec<Selected>)> {
        let mut by_repository = BTreeMap::<&Repository, Vec<Happening>>::new();
        for (_, it) in self.taken() {
            by_repository.entry(&it.repository).or_default().push(it.clone());
        }
        let select = |policy: &Policy| -> Vec<Selected> {
            let groups = by_repository.iter();
            groups.filter_map(|(name, it)| Selected::by(&policy.spec, name, it)).collect()
        };
        let starts = self.rules.iter().map(|policy| (policy, select(policy)));
        starts.filter(|(_, selection)| !selection.is_empty()).collect()
    }

    /// Forgets what is taken; what is left is due again at `later`.
    fn forget(&self, tables: &mut Tables<'_>, later: i128) -> Result<(), StoreError> {
        let mut left = self.waiting.len() == MAX_FIRED;
        left |= self.taken().count() < self.waiting.len();
        for (subject, _) in self.taken() {
            tables.events.remove((self.endpoint.0, subject.as_str()))?;
        }
        match left {
            true => tables.events_due.put(self.endpoint.0, later),
            false => tables.events_due.remove(self.endpoint.0).map(drop),
        }
    }
}

/// The rules that events of an endpoint start.
fn rules(tables: &Tables<'_>, endpoint: EndpointId) -> Result<Vec<Policy>, StoreError> {
    const WHAT: &str = "policy";
    let mut rules: Vec<Policy> = if endpoint == EndpointId::LOCAL {
        // Local is in no index.
        all_readable(tables.policies.open()?, WHAT)?
    } else {
        let ids = indexed(tables.endpoint_policies.open()?, endpoint.0)?;
        among(tables.policies.open()?, WHAT, ids.into_iter())?
    };
    rules.retain(|Policy { spec, .. }| {
        spec.enabled && spec.source == endpoint && spec.trigger == Trigger::EventBased
    });
    Ok(rules)
}

/// What waits at an endpoint, a bounded part of it. One that is not understood is left out: it goes
/// when the same tag is pushed again, or with the endpoint.
fn waiting(
    tables: &Tables<'_>,
    endpoint: EndpointId,
) -> Result<Vec<(String, Happening)>, StoreError> {
    let mut waiting = Vec::new();
    for row in tables.events.open()?.range(of(endpoint)).map_err(unreadable)?.take(MAX_FIRED) {
        let (key, bytes) = row.map_err(unreadable)?;
        if let Ok(happening) = decode::<Happening>(bytes.value()) {
            waiting.push((key.value().1.to_owned(), happening));
        }
    }
    Ok(waiting)
}

/// Repositories that runs of these rules are still at, which events started.
fn busy(tables: &Tables<'_>, rules: &[Policy]) -> Result<BTreeSet<Repository>, StoreError> {
    let mut busy = BTreeSet::new();
    for rule in rules {
        for execution in indexed(tables.active.open()?, rule.id.0)? {
            let selection: Option<Vec<Selected>> = find(tables.selections.open()?, execution)?;
            busy.extend(selection.into_iter().flatten().map(|it| it.repository));
        }
    }
    Ok(busy)
}

#[cfg(test)]
mod tests;
