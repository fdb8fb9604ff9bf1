//! The keys of `q` and `sort`: Harbor's columns and, where they differ from them, Go field names
//! (contract 1.6, 1.7). A key that is not here is ignored, so `status` selects no registry.

use portolan_core::{
    endpoint::{Endpoint, Health},
    execution::{Execution, StartedBy, Status},
    page::Field,
    policy::Policy,
    task::Task,
};
use time::OffsetDateTime;

use super::wire::{self, Time};

/// What Harbor's job service calls our executions and tasks.
const VENDOR: &str = "REPLICATION";

fn text(text: impl Into<String>) -> Field {
    Field::Text(text.into())
}

fn int(number: u64) -> Field {
    Field::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

fn time(instant: Option<OffsetDateTime>) -> Field {
    Field::Time(instant.unwrap_or(Time::UNSET_INSTANT))
}

/// A registry's value; the health is `health` or `Status`.
pub(crate) fn registry(endpoint: &Endpoint, key: &str) -> Option<Field> {
    let spec = &endpoint.spec;
    Some(match key {
        "id" => int(endpoint.id.0),
        "name" => text(&spec.name),
        "description" => text(&spec.description),
        "type" => text(&spec.provider),
        "url" => text(spec.url.as_str()),
        "credential_type" => text(&spec.credential_type),
        "insecure" => Field::Bool(spec.insecure),
        "health" | "Status" => text(match endpoint.health {
            Health::Healthy => "healthy",
            Health::Unhealthy(_) => "unhealthy",
            Health::Unknown => "",
        }),
        "creation_time" => time(Some(endpoint.created)),
        "update_time" => time(Some(endpoint.updated)),
        _ => return None,
    })
}

/// A policy's value; trigger and filters are JSON texts.
pub(super) fn policy(policy: &Policy, key: &str) -> Option<Field> {
    let spec = &policy.spec;
    let first = spec.destinations.first();
    Some(match key {
        "id" => int(policy.id.0),
        "name" => text(&spec.name),
        "description" => text(&spec.description),
        "creator" => text(""),
        "src_registry_id" => int(spec.source.0),
        "dest_registry_id" => int(first.map_or(0, |first| first.endpoint.0)),
        "dest_namespace" => {
            text(first.and_then(|first| first.namespace.clone()).unwrap_or_default())
        }
        "dest_namespace_replace_count" => Field::Int(spec.replace_count.into()),
        "override" => Field::Bool(spec.override_tags),
        "enabled" => Field::Bool(spec.enabled),
        "trigger" => text(wire::policy::trigger_text(spec)),
        "filters" => text(wire::policy::filters_text(spec)),
        "replicate_deletion" => Field::Bool(spec.deletion),
        "speed_kb" | "Speed" => Field::Int(spec.speed.into()),
        "copy_by_chunk" => Field::Bool(spec.copy_by_chunk),
        "single_active_replication" => Field::Bool(spec.single_active),
        "creation_time" => time(Some(policy.created)),
        "update_time" => time(Some(policy.updated)),
        _ => return None,
    })
}

/// An execution's value, in Harbor's internal words.
pub(super) fn execution(execution: &Execution, key: &str) -> Option<Field> {
    Some(match key {
        "id" => int(execution.id.0),
        "vendor_type" => text(VENDOR),
        "vendor_id" => int(execution.policy.0),
        "status" => text(wire::execution::raw(execution.status)),
        "status_message" => text(&execution.status_text),
        "trigger" => text(match execution.started_by {
            StartedBy::Manual => "MANUAL",
            StartedBy::Scheduled => "SCHEDULE",
            StartedBy::Event => "EVENT",
        }),
        "start_time" => time(Some(execution.started)),
        "update_time" => time(execution.ended.or(Some(execution.started))),
        "end_time" => time(execution.ended),
        _ => return None,
    })
}

/// A task's value. Ids rise with the time of creation, which is not kept.
pub(super) fn task(task: &Task, key: &str) -> Option<Field> {
    Some(match key {
        "id" | "creation_time" => int(task.id.0),
        "vendor_type" => text(VENDOR),
        "execution_id" => int(task.execution.0),
        "job_id" => text(wire::execution::job_id(task)),
        "status" => text(wire::execution::raw(task.status)),
        "status_code" => Field::Int(match task.status {
            Status::Pending => 0,
            Status::Scheduled => 1,
            Status::Running => 2,
            Status::Success | Status::Error | Status::Stopped => 3,
        }),
        "status_message" => text(&task.last_error),
        "run_count" => int(task.failures.into()),
        "start_time" => time(task.started),
        "update_time" => time(task.ended.or(task.started)),
        "end_time" => time(task.ended),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use portolan_core::{endpoint::Credentials, id::EndpointId};

    use super::*;
    use crate::api::extract::parse_json;

    const NOW: OffsetDateTime = time::macros::datetime!(2026-11-21 16:20:00 UTC);

    #[test]
    fn registry_keys() {
        let body = br#"{"name": "n", "type": "t", "url": "h",
            "credential": {"access_key": "k", "access_secret": "s"}}"#;
        let (spec, _): (_, Credentials) =
            parse_json::<wire::registry::NewRegistry>(body).unwrap().check().unwrap();
        let endpoint = Endpoint {
            id: EndpointId(4),
            spec,
            has_secret: true,
            generation: 1,
            health: Health::Healthy,
            created: NOW,
            updated: NOW,
        };
        let cases = [
            ("id", Some(Field::Int(4))),
            ("url", Some(text("http://h"))),
            ("credential_type", Some(text("basic"))),
            ("insecure", Some(Field::Bool(false))),
            ("health", Some(text("healthy"))),
            ("Status", Some(text("healthy"))),
            ("creation_time", Some(Field::Time(NOW))),
            ("status", None),
            ("access_key", None),
            ("access_secret", None),
            ("ca_certificate", None),
        ];
        for (key, expected) in cases {
            assert_eq!(registry(&endpoint, key), expected, "{key}");
        }
    }

    #[test]
    fn policy_keys() {
        let body = br#"{"name": "n", "src_registry": {"id": 1}, "dest_registry": {"id": 2},
            "dest_namespace": "m", "speed": 7, "filters": [{"type": "name", "value": "a/**"}]}"#;
        let spec = parse_json::<wire::policy::PolicyBody>(body).unwrap().check(None).unwrap();
        let stored =
            Policy { id: portolan_core::id::PolicyId(3), spec, created: NOW, updated: NOW };
        let cases = [
            ("id", Some(Field::Int(3))),
            ("src_registry_id", Some(Field::Int(1))),
            ("dest_registry_id", Some(Field::Int(2))),
            ("dest_namespace", Some(text("m"))),
            ("Speed", Some(Field::Int(7))),
            ("speed_kb", Some(Field::Int(7))),
            ("speed", None),
            ("trigger", Some(text(r#"{"type":"manual"}"#))),
            ("filters", Some(text(r#"[{"type":"name","value":"a/**"}]"#))),
            ("deletion", None),
        ];
        for (key, expected) in cases {
            assert_eq!(policy(&stored, key), expected, "{key}");
        }
    }
}
