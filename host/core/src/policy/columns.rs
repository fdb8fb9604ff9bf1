//! What policies may be filtered and ordered by: the columns of Harbor's policy table and, where
//! they differ from them, its Go field names (contract 1.6).

use std::borrow::Cow;

use serde_json::json;

use super::{Policy, PolicySpec};
use crate::{
    filter::Filter,
    page::{Column, Field},
    trigger::Trigger,
};

impl Policy {
    /// Names of the columns, in the order of [`values`](Self::values).
    pub const COLUMNS: &'static [Column] = &[
        ("id", None),
        ("name", None),
        ("description", None),
        ("creator", None),
        ("src_registry_id", None),
        ("dest_registry_id", None),
        ("dest_namespace", None),
        ("dest_namespace_replace_count", None),
        ("override", None),
        ("enabled", None),
        ("trigger", None),
        ("filters", None),
        ("replicate_deletion", None),
        ("speed_kb", Some("Speed")),
        ("copy_by_chunk", None),
        ("single_active_replication", None),
        ("creation_time", None),
        ("update_time", None),
    ];

    /// The value of each column; trigger and filters are JSON texts.
    #[must_use]
    pub fn values(&self) -> [Field<'_>; 18] {
        let spec = &self.spec;
        let first = spec.destinations.first();
        let int = |id: u64| Field::Int(i64::try_from(id).unwrap_or(i64::MAX));
        let text = |text| Field::Text(Cow::Borrowed(text));
        let namespace = first.and_then(|first| first.namespace.as_deref());
        [
            int(self.id.0),
            text(&spec.name),
            text(&spec.description),
            text(""),
            int(spec.source.0),
            int(first.map_or(0, |first| first.endpoint.0)),
            text(namespace.unwrap_or_default()),
            Field::Int(spec.replace_count.into()),
            Field::Bool(spec.override_tags),
            Field::Bool(spec.enabled),
            Field::Text(Cow::Owned(trigger(spec))),
            Field::Text(Cow::Owned(filters(spec))),
            Field::Bool(spec.deletion),
            Field::Int(spec.speed.into()),
            Field::Bool(spec.copy_by_chunk),
            Field::Bool(spec.single_active),
            Field::Time(self.created),
            Field::Time(self.updated),
        ]
    }
}

/// The trigger as Harbor's column holds it.
fn trigger(spec: &PolicySpec) -> String {
    let trigger = match &spec.trigger {
        Trigger::Manual => json!({"type": "manual"}),
        Trigger::Scheduled(schedule) => {
            json!({"type": "scheduled", "trigger_settings": {"cron": schedule.as_str()}})
        }
        Trigger::EventBased => json!({"type": "event_based"}),
    };
    trigger.to_string()
}

/// The filters as Harbor's column holds them.
fn filters(spec: &PolicySpec) -> String {
    let show = |filter: &Filter| {
        let mut shown = json!({"type": filter.kind(), "value": filter.value()});
        let decoration = Some(filter.decoration()).filter(|it| !it.is_empty());
        for (name, said) in [("decoration", decoration), ("syntax", filter.syntax())] {
            if let (Some(said), Some(shown)) = (said, shown.as_object_mut()) {
                shown.insert(name.to_owned(), said.into());
            }
        }
        shown
    };
    serde_json::Value::from_iter(spec.filters.iter().map(show)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        filter::Decoration,
        id::{EndpointId, PolicyId},
        policy::Destination,
        trigger::Schedule,
    };

    #[test]
    fn each_column_has_its_value() {
        let at = time::macros::datetime!(2026-11-21 16:20:00 UTC);
        let trigger = Trigger::Scheduled(Schedule::parse("0 0 3 * * *").unwrap());
        let filters = vec![Filter::name("a/**"), Filter::tag("v*", Decoration::Excludes)];
        let namespace = Some("m".to_owned());
        let spec = PolicySpec {
            name: "n".to_owned(),
            description: "d".to_owned(),
            source: EndpointId(1),
            destinations: vec![Destination { endpoint: EndpointId(2), namespace }],
            replace_count: -1,
            filters,
            trigger,
            override_tags: true,
            enabled: false,
            deletion: true,
            speed: 7,
            copy_by_chunk: true,
            single_active: false,
            options: Default::default(),
        };
        let policy = Policy { id: PolicyId(3), spec, created: at, updated: at };
        let shown: Vec<String> = Policy::COLUMNS
            .iter()
            .zip(policy.values())
            .map(|((name, other), value)| match value {
                Field::Text(text) => format!("{name} {other:?} {text}"),
                value => format!("{name} {other:?} {value:?}"),
            })
            .collect();
        let expected = [
            "id None Int(3)",
            "name None n",
            "description None d",
            "creator None ",
            "src_registry_id None Int(1)",
            "dest_registry_id None Int(2)",
            "dest_namespace None m",
            "dest_namespace_replace_count None Int(-1)",
            "override None Bool(true)",
            "enabled None Bool(false)",
            r#"trigger None {"trigger_settings":{"cron":"0 0 3 * * *"},"type":"scheduled"}"#,
            r#"filters None [{"type":"name","value":"a/**"},{"decoration":"excludes","type":"tag","value":"v*"}]"#,
            "replicate_deletion None Bool(true)",
            "speed_kb Some(\"Speed\") Int(7)",
            "copy_by_chunk None Bool(true)",
            "single_active_replication None Bool(false)",
            "creation_time None Time(2026-11-21 16:20:00.0 +00:00:00)",
            "update_time None Time(2026-11-21 16:20:00.0 +00:00:00)",
        ];
        assert_eq!(shown, expected);
    }
}
