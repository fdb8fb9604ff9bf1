//! The JSON of `policy.rs`, as clients read and write it.

use portolan_core::{id::PolicyId, policy::PolicySpec};
use serde_json::{json, to_value};
use time::macros::datetime;

use super::*;
use crate::api::{extract::parse_json, respond::ApiError};

fn read(body: Value, current: Option<&PolicySpec>) -> Result<PolicySpec, ApiError> {
    parse_json::<PolicyBody>(body.to_string().as_bytes())?.check(current)
}

fn shown(spec: PolicySpec) -> Value {
    let policy = Policy {
        id: PolicyId(3),
        spec,
        created: datetime!(2026-11-21 16:20:00 UTC),
        updated: datetime!(2026-11-21 16:20:00 UTC),
    };
    to_value(PolicyWire::new(&policy, policy.created, Registry::gone)).unwrap()
}

fn registry(id: u64) -> Value {
    to_value(Registry::gone(EndpointId(id))).unwrap()
}

#[test]
fn contract_1_9_the_smallest_policy() {
    let spec = read(json!({"name": "p", "src_registry": {"id": 1}}), None).unwrap();
    assert_eq!(spec.destinations, [Destination { endpoint: EndpointId::LOCAL, namespace: None }]);
    let expected = json!({"id": 3, "name": "p", "src_registry": registry(1),
        "dest_registry": registry(0), "dest_namespace_replace_count": -1,
        "trigger": {"type": "manual"}, "filters": null, "speed": 0, "copy_by_chunk": false,
        "single_active_replication": false, "creation_time": "2026-11-21T16:20:00.000Z",
        "update_time": "2026-11-21T16:20:00.000Z",
        "destinations": [{"registry": registry(0)}], "options": Options::default()});
    assert_eq!(shown(spec), expected);
}

#[test]
fn contract_1_9_a_whole_policy_comes_back_as_it_was_given() {
    let body = json!({"name": "p", "description": "d", "src_registry": {"id": 1, "name": 7},
        "dest_registry": {"id": 2}, "dest_namespace": "mirror",
        "dest_namespace_replace_count": 0,
        "trigger": {"type": "scheduled", "trigger_settings": {"cron": "0 0 2 * * *"}},
        "filters": [{"type": "name", "value": "library/**"},
            {"type": "tag", "value": "v*", "decoration": "excludes"},
            {"type": "tag", "value": "v1*"},
            {"type": "label", "value": ["a", "b"], "decoration": "matches"},
            {"type": "resource", "value": "image"}],
        "deletion": true, "override": true, "enabled": true, "speed": 1024,
        "copy_by_chunk": true, "single_active_replication": true});
    let shown = shown(read(body.clone(), None).unwrap());
    let same = [
        "name",
        "description",
        "dest_namespace",
        "dest_namespace_replace_count",
        "trigger",
        "filters",
        "deletion",
        "override",
        "enabled",
        "speed",
        "copy_by_chunk",
        "single_active_replication",
    ];
    for property in same {
        assert_eq!(shown[property], body[property], "{property}");
    }
    assert_eq!(shown["next_run"], "2026-11-22T02:00:00.000Z");
    assert_eq!(shown["replicate_deletion"], true);
    assert_eq!(shown["dest_registry"], registry(2));
    assert_eq!(shown["destinations"], json!([{"registry": registry(2), "namespace": "mirror"}]));
}

#[test]
fn contract_1_9_defaults_and_aliases() {
    let read = |more: Value| {
        let mut body = json!({"name": "p", "src_registry": {"id": 1}, "dest_registry": {}});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        read(body, None).unwrap()
    };
    let absent = read(json!({"enabled": null, "filters": null, "trigger": null}));
    assert!(!absent.enabled && !absent.override_tags && !absent.deletion);
    assert_eq!(absent.replace_count, -1);
    assert!(read(json!({"replicate_deletion": true})).deletion);
    assert!(read(json!({"deletion": true, "replicate_deletion": false})).deletion);
    assert_eq!(read(json!({"speed": -1})).speed, 0);
    let settings = json!({"trigger": {"type": "event_based", "trigger_settings": {"cron": ""}}});
    assert_eq!(read(settings).trigger, Trigger::EventBased);
}

#[test]
fn contract_1_9_what_a_policy_may_not_be() {
    let cases = [
        (json!({"name": ""}), "400"),
        (json!({"src_registry": null}), "400"),
        (json!({"trigger": {"type": ""}}), "400"),
        (json!({"trigger": {}}), "400"),
        (json!({"trigger": {"type": "hourly"}}), "400"),
        (json!({"trigger": {"type": "scheduled"}}), "400"),
        (json!({"trigger": {"type": "scheduled", "trigger_settings": {"cron": "@daily"}}}), "400"),
        (json!({"filters": [{"type": "name", "value": 1}]}), "400"),
        (json!({"filters": [{"type": "name", "value": "a", "decoration": "matches"}]}), "400"),
        (json!({"filters": [{"type": "label", "value": "a"}]}), "400"),
        (json!({"filters": [{}]}), "400"),
        (json!({"dest_namespace": "a//b"}), "400"),
        (json!({"options": {"later": 1}}), "there is no option `later`"),
        (json!({"options": []}), "`options` must be an object"),
        (json!({"filters": [{"type": "tag", "value": "(", "syntax": "regex"}]}), "a tag filter"),
        (json!({"filters": [{"type": "tag", "value": "[", "syntax": "glob"}]}), "malformed"),
        (
            json!({"trigger": {"type": "scheduled", "trigger_settings":
                {"cron": "0 0 2 * * *", "time_zone": "Mars"}}}),
            "`Mars` is no time zone",
        ),
        (
            json!({"single_active_replication": true, "trigger": {"type": "event_based"}}),
            "single active run",
        ),
        (json!({"dest_namespace_replace_count": 200}), "422"),
        (json!({"speed": 3_000_000_000_u64}), "422"),
        (json!({"src_registry": {"id": "1"}}), "422"),
        (json!({"enabled": "yes"}), "422"),
        (json!({"filters": {}}), "422"),
        (json!({"update_time": 5}), "422"),
    ];
    for (more, expected) in cases {
        let mut body = json!({"name": "p", "src_registry": {"id": 1}, "dest_registry": {"id": 0}});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let error = format!("{:?}", read(body, None).unwrap_err());
        assert!(error.contains(expected), "{more}: {error}");
    }
}

#[test]
fn what_we_add_is_shown_and_kept_where_a_put_is_silent() {
    let zoned = json!({"cron": "0 0 2 * * *", "time_zone": "Europe/Berlin"});
    let filter =
        json!({"type": "name", "value": "^tmp/", "decoration": "excludes", "syntax": "regex"});
    let body = json!({"name": "p", "src_registry": {"id": 1}, "filters": [filter], "enabled": true,
        "trigger": {"type": "scheduled", "trigger_settings": zoned},
        "options": {"latest": {"count": 3, "by": "semver"}, "immutable_tags": ["v*"]}});
    let stored = read(body, None).unwrap();
    let first = shown(stored.clone());
    assert_eq!(first["filters"], json!([filter]));
    assert_eq!(first["trigger"]["trigger_settings"], zoned);
    assert_eq!(first["next_run"], "2026-11-22T01:00:00.000Z");
    assert_eq!(first["options"]["latest"], json!({"count": 3, "by": "semver"}));
    // As a client of Harbor sends it back, that knows nothing of them.
    let silent = json!({"name": "p", "src_registry": {"id": 1}, "enabled": true,
        "filters": [{"type": "name", "value": "^tmp/", "decoration": "excludes"}],
        "trigger": {"type": "scheduled", "trigger_settings": {"cron": "0 0 2 * * *"}}});
    assert_eq!(shown(read(silent.clone(), Some(&stored)).unwrap()), first);
    assert!(read(silent, None).is_err(), "Harbor's name filters are not decorated");
    let said = json!({"name": "p", "src_registry": {"id": 1}, "enabled": true,
        "trigger": {"type": "scheduled",
            "trigger_settings": {"cron": "0 0 2 * * *", "time_zone": ""}},
        "options": {"latest": null}});
    let changed = shown(read(said, Some(&stored)).unwrap());
    assert_eq!(changed["trigger"]["trigger_settings"], json!({"cron": "0 0 2 * * *"}));
    assert_eq!(changed["options"]["latest"]["count"], 0);
    assert_eq!(changed["options"]["immutable_tags"], json!(["v*"]));
}

#[test]
fn contract_1_9_several_destinations() {
    let current = PolicySpec {
        destinations: [(2, Some("mirror")), (3, None)]
            .map(|(id, namespace)| Destination {
                endpoint: EndpointId(id),
                namespace: namespace.map(str::to_owned),
            })
            .to_vec(),
        ..read(json!({"name": "p", "src_registry": {"id": 1}}), None).unwrap()
    };
    let list = json!([{"registry": {"id": 2}, "namespace": "m"}, {"registry": {"id": 3}}]);
    let cases = [
        // A new policy.
        (json!({"destinations": list}), false, Some("2/m 3/-")),
        (json!({"dest_registry": {}, "destinations": list}), false, Some("2/m 3/-")),
        (
            json!({"dest_registry": {"id": 2}, "dest_namespace": "m", "destinations": list}),
            false,
            Some("2/m 3/-"),
        ),
        (json!({"dest_registry": {"id": 5}, "destinations": list}), false, None),
        (json!({"dest_namespace": "n", "destinations": list}), false, None),
        (
            json!({"dest_namespace": "n", "destinations": [{"registry": {"id": 4}}]}),
            false,
            Some("4/n"),
        ),
        (json!({"dest_registry": {"id": 4}, "destinations": []}), false, Some("4/-")),
        // A PUT on 2/mirror, 3.
        (json!({"dest_registry": {"id": 2}, "dest_namespace": "n"}), true, Some("2/n 3/-")),
        (json!({"dest_registry": {"id": 2}}), true, Some("2/- 3/-")),
        (json!({"dest_registry": {"id": 3}}), true, Some("3/-")),
        (json!({"dest_registry": {"id": 0}}), true, Some("0/-")),
        (json!({"destinations": [{"registry": {"id": 4}}]}), true, Some("4/-")),
    ];
    for (more, put, expected) in cases {
        let mut body = json!({"name": "p", "src_registry": {"id": 1}});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let text = read(body, put.then_some(&current)).ok().map(|spec| {
            let show = |to: &Destination| {
                format!("{}/{}", to.endpoint, to.namespace.as_deref().unwrap_or("-"))
            };
            spec.destinations.iter().map(show).collect::<Vec<_>>().join(" ")
        });
        assert_eq!(text.as_deref(), expected, "{more}");
    }
}
