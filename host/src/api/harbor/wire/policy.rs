//! `ReplicationPolicy` as it is shown (contract 1.9, 3.1), with what we add: `destinations`,
//! `options`, `next_run`, the `syntax` of filters and the `time_zone` of schedules.

mod body;

use portolan_core::{
    filter::Filter,
    id::EndpointId,
    policy::{Destination, Options, Policy},
    trigger::{Schedule, Trigger, Zone},
};
use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;

use super::{Time, array, is_zero, registry::Registry};

pub(crate) use body::PolicyBody;

/// A policy as Harbor shows it: both sides whole, whatever is unset left out.
#[derive(Debug, Serialize)]
pub(crate) struct PolicyWire {
    id: u64,
    name: String,
    #[serde(skip_serializing_if = "is_zero")]
    description: String,
    src_registry: Registry,
    dest_registry: Registry,
    #[serde(skip_serializing_if = "is_zero")]
    dest_namespace: String,
    dest_namespace_replace_count: i8,
    trigger: TriggerWire,
    filters: Option<Vec<FilterWire>>,
    #[serde(skip_serializing_if = "is_zero")]
    deletion: bool,
    #[serde(skip_serializing_if = "is_zero")]
    replicate_deletion: bool,
    #[serde(rename = "override", skip_serializing_if = "is_zero")]
    override_tags: bool,
    #[serde(skip_serializing_if = "is_zero")]
    enabled: bool,
    speed: i32,
    copy_by_chunk: bool,
    single_active_replication: bool,
    creation_time: Time,
    update_time: Time,
    destinations: Vec<DestinationWire>,
    options: Options,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_run: Option<Time>,
}

#[derive(Debug, Serialize)]
struct DestinationWire {
    registry: Registry,
    #[serde(skip_serializing_if = "is_zero")]
    namespace: String,
}

#[derive(Debug, Serialize)]
struct TriggerWire {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    trigger_settings: Option<TriggerSettings>,
}

#[derive(Debug, Serialize)]
struct TriggerSettings {
    cron: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    time_zone: Option<String>,
}

#[derive(Debug, Serialize)]
struct FilterWire {
    #[serde(rename = "type")]
    kind: &'static str,
    value: Value,
    #[serde(skip_serializing_if = "is_zero")]
    decoration: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    syntax: Option<&'static str>,
}

impl PolicyWire {
    /// Shows a policy as it is `now`; `registry` shows the endpoint of an id.
    pub(crate) fn new(
        policy: &Policy,
        now: OffsetDateTime,
        registry: impl Fn(EndpointId) -> Registry,
    ) -> Self {
        let spec = &policy.spec;
        let show = |destination: &Destination| DestinationWire {
            registry: registry(destination.endpoint),
            namespace: destination.namespace.clone().unwrap_or_default(),
        };
        let destinations: Vec<DestinationWire> = spec.destinations.iter().map(show).collect();
        let first = destinations.first();
        Self {
            id: policy.id.0,
            name: spec.name.clone(),
            description: spec.description.clone(),
            src_registry: registry(spec.source),
            dest_registry: first
                .map_or_else(|| registry(EndpointId::LOCAL), |first| first.registry.clone()),
            dest_namespace: first.map(|first| first.namespace.clone()).unwrap_or_default(),
            dest_namespace_replace_count: spec.replace_count,
            trigger: trigger(&spec.trigger),
            filters: array(spec.filters.iter().map(filter).collect()),
            deletion: spec.deletion,
            replicate_deletion: spec.deletion,
            override_tags: spec.override_tags,
            enabled: spec.enabled,
            speed: spec.speed,
            copy_by_chunk: spec.copy_by_chunk,
            single_active_replication: spec.single_active,
            creation_time: policy.created.into(),
            update_time: policy.updated.into(),
            destinations,
            options: spec.options.clone(),
            next_run: next_run(policy, now),
        }
    }
}

/// When the schedule of an enabled policy runs it next.
fn next_run(policy: &Policy, now: OffsetDateTime) -> Option<Time> {
    match &policy.spec.trigger {
        Trigger::Scheduled(schedule) if policy.spec.enabled => {
            schedule.next_after(now).map(Time::from)
        }
        _ => None,
    }
}

fn trigger(trigger: &Trigger) -> TriggerWire {
    let settings = |schedule: &Schedule| TriggerSettings {
        cron: schedule.as_str().to_owned(),
        time_zone: schedule.zone().map(Zone::name).map(str::to_owned),
    };
    let (kind, trigger_settings) = match trigger {
        Trigger::Manual => ("manual", None),
        Trigger::Scheduled(schedule) => ("scheduled", Some(settings(schedule))),
        Trigger::EventBased => ("event_based", None),
    };
    TriggerWire { kind, trigger_settings }
}

fn filter(filter: &Filter) -> FilterWire {
    let (kind, value, decoration) = (filter.kind(), filter.value(), filter.decoration());
    FilterWire { kind, value, decoration, syntax: filter.syntax() }
}

#[cfg(test)]
mod tests;
