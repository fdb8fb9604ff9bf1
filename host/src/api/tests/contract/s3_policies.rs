//! 3.2 to 3.4 and 3.6: what may be a policy. When a cron fires, which names a pattern matches and
//! what a destination is called, `portolan_core` shows.

use serde_json::{Value, json};

use super::{POLICIES, client, client_with_policy, policy};

async fn check(rows: &[(&str, Value, u16)]) {
    let client = client(3).await;
    for (number, (label, more, status)) in rows.iter().enumerate() {
        let body = policy(&format!("p{number}"), more.clone());
        let seen = client.send(&format!("POST {POLICIES}"), &body).await;
        assert_eq!(seen.status, *status, "{label}: {more}: {}", seen.body);
        let Some(path) = seen.headers.get("location") else { continue };
        let shown = client.json(&format!("GET {}", path.to_str().unwrap())).await;
        for property in ["filters", "trigger"] {
            let given = more.get(property).filter(|given| {
                // A rule always shows its trigger, and settings for a schedule alone.
                !given.is_null() && given["trigger_settings"] != json!({})
            });
            if let Some(given) = given {
                assert_eq!(&shown[property], given, "{label}: {more}");
            }
        }
    }
}

#[tokio::test]
async fn validation_in_its_order() {
    let client = client_with_policy(json!({})).await;
    let broken = json!({"single_active_replication": true, "trigger": {"type": "event_based"},
        "name": "", "src_registry": {"id": 0}, "dest_registry": {}, "filters": [{"type": "x"}],
        "dest_namespace": "/", "destinations": null});
    // Each row mends what the row before was refused for. Local on both sides is Harbor's row 2;
    // two remote registries are the usual case here. Properties are read before rules.
    let rows = [
        ("4.. a filter is read first", json!({}), "filter"),
        ("0 event_based with single", json!({"filters": []}), "single active run"),
        ("1 name", json!({"single_active_replication": false}), "name of a rule"),
        ("2 neither side", json!({"name": "p"}), "both the local registry"),
        (
            "4 dest_namespace",
            json!({"src_registry": {"id": 99}, "dest_registry": {"id": 2}}),
            "`/`",
        ),
        (
            "5 trigger",
            json!({"dest_namespace": "n", "trigger": {"type": "hourly"}}),
            "`hourly` is no trigger",
        ),
        ("6 cron", json!({"trigger": {"type": "scheduled"}}), "is not a schedule"),
        ("7 registry", json!({"trigger": {"type": "manual"}}), "\"NOT_FOUND\""),
        ("8 name taken", json!({"src_registry": {"id": 1}}), "\"CONFLICT\""),
        ("created", json!({"name": "q"}), ""),
    ];
    let mut body = broken;
    for (label, mended, text) in rows {
        body = super::with(body, mended);
        let seen = client.send(&format!("POST {POLICIES}"), &body).await;
        let expected = match text {
            "" => 201,
            "\"NOT_FOUND\"" => 404,
            "\"CONFLICT\"" => 409,
            _ => 400,
        };
        assert_eq!(seen.status, expected, "{label}: {}", seen.body);
        assert!(seen.body.contains(text), "{label}: {}", seen.body);
    }
}

#[tokio::test]
async fn sides_names_and_triggers() {
    let cron = json!({"cron": "0 0 2 * * *"});
    check(&[
        ("3.2 push", json!({"src_registry": {"id": 0}}), 201),
        ("3.2 push, absent", json!({"src_registry": null}), 201),
        ("3.2 pull", json!({"dest_registry": {}}), 201),
        ("3.2 two remotes are allowed here", json!({}), 201),
        ("3.2 none", json!({"src_registry": {"id": 0}, "dest_registry": {"id": 0}}), 400),
        ("3.2 name of 256", json!({"name": "é".repeat(256)}), 201),
        ("3.2 name of 257", json!({"name": "x".repeat(257)}), 400),
        ("3.2 no trigger", json!({"trigger": null}), 201),
        ("3.2 manual", json!({"trigger": {"type": "manual", "trigger_settings": {}}}), 201),
        ("3.2 scheduled", json!({"trigger": {"type": "scheduled", "trigger_settings": cron}}), 201),
        (
            "3.2 event_based on a pull",
            json!({"trigger": {"type": "event_based"}, "dest_registry": {}}),
            201,
        ),
        ("3.2 empty type", json!({"trigger": {"type": ""}}), 400),
        ("3.2 no type", json!({"trigger": {}}), 400),
        ("3.2 no cron", json!({"trigger": {"type": "scheduled", "trigger_settings": {}}}), 400),
        ("3.7 single", json!({"single_active_replication": true}), 201),
        ("3.7 negative speed", json!({"speed": -5}), 201),
    ])
    .await;
}

#[tokio::test]
async fn namespaces() {
    let good = ["", "a", "a/b", "a/b/c", "a.b", "a_b", "a__b", "a--b", "A/b", "A.b:80/c", "h:80/x"];
    let bad = ["A", "a/B", "a/", "/a", "a//b", "a/*", "a-", "-a", "a..b", "a___b", "h:80", "a b"];
    let row =
        |namespace: &&str, status| ("3.2 row 4", json!({"dest_namespace": namespace}), status);
    let rows = good.iter().map(|one| row(one, 201)).chain(bad.iter().map(|one| row(one, 400)));
    check(&rows.collect::<Vec<_>>()).await;
}

#[tokio::test]
async fn schedules() {
    let good = [
        "0 0 0 * * *",
        "0 0 * * * *",
        "0 0 0 * * 0",
        "0 */5 * * * *",
        "0 0/15 * * * *",
        "0 1,2,3 * * * *",
        "0 0 0 ? * *",
        "0 0 0 1 JAN mon",
        "0 0 2 1-7 * 1",
        "0 0 0 * * SUN-SAT",
        "0 0 0 31 2 *",
        "0  0 0 * * *",
        "0 ? * * * *",
        "0 */1 * * * *",
        "0 1 2 1 1 *",
    ];
    let bad = [
        "0 0 0 * * 7",
        "* 0 * * * *",
        "1 0 * * * *",
        "00 0 * * * *",
        "*/1 0 * * * *",
        "0 * * * * *",
        "0 0 0 * *",
        "0 0 0 * * * *",
        "@daily",
        "@every 1h",
        "0 60 * * * *",
        "0 0 24 * * *",
        "0 0 0 0 * *",
        "0 5-1 * * * *",
        "0 */0 * * * *",
        "0 1/ * * * *",
        " 0 0 0 * * *",
        "TZ=UTC 0 0 0 * * *",
        "0\t0\t0\t*\t*\t*",
        "* * *",
        "* * * * * *",
        "",
        "0 2 3",
        "1 0 0 1 1 0",
        "0 0 0 L * *",
        "0 0 0 15W * *",
        "0 0 0 * * 5#2",
    ];
    let row = |cron: &&str, status| {
        let trigger = json!({"type": "scheduled", "trigger_settings": {"cron": cron}});
        ("3.3", json!({"trigger": trigger, "enabled": true}), status)
    };
    let rows = good.iter().map(|one| row(one, 201)).chain(bad.iter().map(|one| row(one, 400)));
    check(&rows.collect::<Vec<_>>()).await;
}

#[tokio::test]
async fn filters() {
    let row = |kind: &str, value: Value, decoration: &str, status| {
        let mut filter = json!({"type": kind, "value": value});
        if !decoration.is_empty() {
            filter["decoration"] = json!(decoration);
        }
        ("3.4", json!({"filters": [filter]}), status)
    };
    check(&[
        row("name", json!("library/**"), "", 201),
        row("name", json!(""), "", 201),
        row("name", json!("["), "", 201),
        row("name", json!("a"), "matches", 400),
        row("name", json!("a"), "excludes", 400),
        row("name", json!(["a"]), "", 400),
        row("tag", json!("v*"), "", 201),
        row("tag", json!("v*"), "matches", 201),
        row("tag", json!("v*"), "excludes", 201),
        row("tag", json!("v*"), "Matches", 400),
        row("tag", json!(1), "", 400),
        row("label", json!(["a", "b"]), "", 201),
        row("label", json!(["a"]), "matches", 201),
        row("label", json!([]), "excludes", 201),
        row("label", json!("a"), "", 400),
        row("label", json!([1]), "", 400),
        row("resource", json!("image"), "", 201),
        row("resource", json!("artifact"), "", 201),
        row("resource", json!(""), "", 400),
        row("resource", json!("Image"), "", 400),
        row("resource", json!("image"), "matches", 400),
        row("flavour", json!("a"), "", 400),
        (
            "3.4 several of one type",
            json!({"filters": [{"type": "tag", "value": "a"}, {"type": "tag", "value": "b"}]}),
            201,
        ),
    ])
    .await;
}
