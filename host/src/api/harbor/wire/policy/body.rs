//! The body in which a client describes a policy (contract 1.9, 3.2). A PUT replaces everything
//! that Harbor knows; what only we know is kept where it is absent.

use portolan_core::{
    filter::Filter,
    id::EndpointId,
    policy::{Destination, Options, PolicySpec},
    trigger::{Schedule, Trigger, Zone},
};
use serde::Deserialize;
use serde_json::Value;

use crate::api::{
    extract::{Parameter, id},
    harbor::wire::IgnoredTime,
    respond::ApiError,
};

/// Body of `POST` and `PUT /replication/policies`.
#[derive(Default, Deserialize)]
pub(crate) struct PolicyBody {
    name: Option<String>,
    description: Option<String>,
    src_registry: Option<RegistryRef>,
    dest_registry: Option<RegistryRef>,
    dest_namespace: Option<String>,
    dest_namespace_replace_count: Option<i8>,
    trigger: Option<TriggerBody>,
    filters: Option<Vec<FilterBody>>,
    deletion: Option<bool>,
    replicate_deletion: Option<bool>,
    #[serde(rename = "override")]
    override_tags: Option<bool>,
    enabled: Option<bool>,
    speed: Option<i32>,
    copy_by_chunk: Option<bool>,
    single_active_replication: Option<bool>,
    #[serde(rename = "creation_time")]
    _creation_time: Option<IgnoredTime>,
    #[serde(rename = "update_time")]
    _update_time: Option<IgnoredTime>,
    destinations: Option<Vec<DestinationBody>>,
    options: Option<Value>,
}

#[derive(Default, Deserialize)]
struct RegistryRef {
    id: Option<i64>,
}

#[derive(Deserialize)]
struct DestinationBody {
    registry: Option<RegistryRef>,
    namespace: Option<String>,
}

#[derive(Deserialize)]
struct TriggerBody {
    #[serde(rename = "type")]
    kind: Option<String>,
    trigger_settings: Option<TriggerSettingsBody>,
}

#[derive(Deserialize)]
struct TriggerSettingsBody {
    cron: Option<String>,
    time_zone: Option<String>,
}

#[derive(Deserialize)]
struct FilterBody {
    #[serde(rename = "type")]
    kind: Option<String>,
    value: Option<Value>,
    decoration: Option<String>,
    syntax: Option<String>,
}

impl Parameter for PolicyBody {
    const NAME: &'static str = "policy";
}

impl PolicyBody {
    /// The policy that is meant, checked. `current` is the one a PUT replaces: only our own
    /// additions are kept of it where they are absent.
    ///
    /// # Errors
    /// 400 with the rule that is broken.
    pub(crate) fn check(self, current: Option<&PolicySpec>) -> Result<PolicySpec, ApiError> {
        let destinations = destinations(
            self.dest_registry.as_ref().map(RegistryRef::endpoint),
            self.dest_namespace.filter(|text| !text.is_empty()),
            self.destinations.unwrap_or_default(),
            current,
        )?;
        let filters = self.filters.unwrap_or_default().into_iter().map(|one| one.check(current));
        let kept = current.map(|spec| spec.options.clone()).unwrap_or_default();
        let options = match &self.options {
            Some(given) => Options::parse(given, &kept).map_err(ApiError::invalid)?,
            None => kept,
        };
        let spec = PolicySpec {
            name: self.name.unwrap_or_default(),
            description: self.description.unwrap_or_default(),
            source: self.src_registry.unwrap_or_default().endpoint(),
            destinations,
            replace_count: self.dest_namespace_replace_count.unwrap_or(-1),
            filters: filters.collect::<Result<_, _>>()?,
            trigger: self.trigger.map_or(Ok(Trigger::Manual), |it| it.check(current))?,
            override_tags: self.override_tags.unwrap_or_default(),
            enabled: self.enabled.unwrap_or_default(),
            deletion: self.deletion.unwrap_or_default()
                || self.replicate_deletion.unwrap_or_default(),
            speed: self.speed.unwrap_or_default(),
            copy_by_chunk: self.copy_by_chunk.unwrap_or_default(),
            single_active: self.single_active_replication.unwrap_or_default(),
            options,
        };
        spec.check().map_err(ApiError::invalid)?;
        Ok(spec.normalised())
    }
}

impl RegistryRef {
    /// The endpoint; an absent id is "us".
    fn endpoint(&self) -> EndpointId {
        EndpointId(id(self.id.unwrap_or(0)))
    }
}

/// `dest_registry` is `destinations[0]`: one of them is enough, both must agree. Where a PUT
/// gives no list and leaves the first destination as it is, the rest of the list stays.
fn destinations(
    first: Option<EndpointId>,
    namespace: Option<String>,
    given: Vec<DestinationBody>,
    current: Option<&PolicySpec>,
) -> Result<Vec<Destination>, ApiError> {
    let endpoint = first.unwrap_or(EndpointId::LOCAL);
    if given.is_empty() {
        let kept = current.map(|spec| spec.destinations.as_slice()).unwrap_or_default();
        let same = kept.first().is_some_and(|kept| kept.endpoint == endpoint);
        let rest = if same { kept.get(1..).unwrap_or_default() } else { &[] };
        let mut all = vec![Destination { endpoint, namespace }];
        all.extend(rest.iter().cloned());
        return Ok(all);
    }
    let mut all: Vec<Destination> = given.into_iter().map(DestinationBody::destination).collect();
    if let Some(head) = all.first_mut() {
        // Clients that must send a `dest_registry` object leave it empty.
        if endpoint != EndpointId::LOCAL && endpoint != head.endpoint {
            let why = "dest_registry names another registry than destinations[0]; send one of them";
            return Err(ApiError::invalid(why));
        }
        match (&head.namespace, namespace) {
            (Some(one), Some(other)) if *one != other => {
                let why = "dest_namespace is another than the namespace of destinations[0]; send \
                           one of them";
                return Err(ApiError::invalid(why));
            }
            (None, Some(namespace)) => head.namespace = Some(namespace),
            _ => {}
        }
    }
    Ok(all)
}

impl DestinationBody {
    fn destination(self) -> Destination {
        let endpoint = self.registry.unwrap_or_default().endpoint();
        Destination { endpoint, namespace: self.namespace.filter(|text| !text.is_empty()) }
    }
}

impl TriggerBody {
    fn check(self, current: Option<&PolicySpec>) -> Result<Trigger, ApiError> {
        let (cron, zone) = match self.trigger_settings {
            Some(TriggerSettingsBody { cron, time_zone }) => (cron.unwrap_or_default(), time_zone),
            None => (String::new(), None),
        };
        match self.kind.as_deref().unwrap_or("") {
            "manual" => Ok(Trigger::Manual),
            "event_based" => Ok(Trigger::EventBased),
            "scheduled" => {
                let schedule = Schedule::parse(&cron).map_err(ApiError::invalid)?;
                Ok(Trigger::Scheduled(schedule.in_zone(in_zone(zone, current)?)))
            }
            other => Err(ApiError::invalid(format!(
                "`{other}` is no trigger: use manual, scheduled or event_based"
            ))),
        }
    }
}

/// The time zone that is said, else that of the policy which a PUT replaces; the empty one is UTC.
fn in_zone(said: Option<String>, current: Option<&PolicySpec>) -> Result<Option<Zone>, ApiError> {
    match (said, current.map(|spec| &spec.trigger)) {
        (Some(name), _) if name.is_empty() => Ok(None),
        (Some(name), _) => name.parse().map(Some).map_err(ApiError::invalid),
        (None, Some(Trigger::Scheduled(kept))) => Ok(kept.zone().cloned()),
        (None, _) => Ok(None),
    }
}

impl FilterBody {
    /// A filter that a PUT gives as it stands, but for the syntax, keeps its syntax: clients of
    /// Harbor do not know of it, and a pattern must not change its meaning.
    fn check(self, current: Option<&PolicySpec>) -> Result<Filter, ApiError> {
        let kind = self.kind.unwrap_or_default();
        let decoration = self.decoration.unwrap_or_default();
        let value = self.value.unwrap_or_default();
        if self.syntax.is_none()
            && let Some(spec) = current
            && let Some(same) = spec.filters.iter().find(|it| {
                (it.kind(), it.decoration()) == (&kind, &decoration) && it.value() == value
            })
        {
            return Ok(same.clone());
        }
        let syntax = self.syntax.unwrap_or_default();
        Filter::parse(&kind, &value, &decoration, &syntax).map_err(ApiError::invalid)
    }
}
