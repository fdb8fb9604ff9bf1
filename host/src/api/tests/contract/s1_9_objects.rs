//! 1.9: the objects, as they are shown after they were sent. What each property may be is in
//! `harbor/wire`, whose tests have the names of this section, too.

use portolan_testregistry::{Registry, layer};
use serde_json::{Value, json};

use super::{Client, POLICIES, REGISTRIES, RUNS, live, policy, registry};

fn keys(object: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = object.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

async fn two(client: &Client) -> (Registry, Registry) {
    let (from, to) = (Registry::builder().start(), Registry::builder().basic("k", "s").start());
    let (from, to) = (from.await.unwrap(), to.await.unwrap());
    assert_eq!(
        client.created(REGISTRIES, &registry("from", &from)).await,
        "/api/v2.0/registries/1"
    );
    let mut guarded = registry("to", &to);
    guarded["credential"] = json!({"access_key": "k", "access_secret": "s"});
    guarded["description"] = json!("d");
    guarded["insecure"] = json!(true);
    client.created(REGISTRIES, &guarded).await;
    (from, to)
}

#[tokio::test]
async fn registries_and_their_information() {
    let client = live().await;
    let (from, to) = two(&client).await;
    let plain = client.json(&format!("GET {REGISTRIES}/1")).await;
    let shown =
        ["creation_time", "credential", "id", "name", "status", "type", "update_time", "url"];
    assert_eq!(keys(&plain), shown, "Registry: zeros are omitted");
    assert_eq!((&plain["url"], &plain["credential"]), (&json!(from.url()), &json!({})));
    let whole = client.json(&format!("GET {REGISTRIES}/2")).await;
    let login = json!({"type": "basic", "access_key": "k", "access_secret": "*****"});
    let same = [
        ("id", json!(2)),
        ("name", json!("to")),
        ("description", json!("d")),
        ("type", json!("docker-registry")),
        ("url", json!(to.url())),
        ("insecure", json!(true)),
        ("credential", login),
        ("status", json!("healthy")),
    ];
    for (property, expected) in same {
        assert_eq!(whole[property], expected, "Registry: {property}");
    }
    let info = client.json(&format!("GET {REGISTRIES}/1/info")).await;
    let expected = json!({"type": "docker-registry", "supported_triggers": ["manual", "scheduled", "event_based"],
        "supported_resource_filters": [
            {"type": "name", "style": "input", "values": null},
            {"type": "tag", "style": "input", "values": null},
            {"type": "resource", "style": "radio", "values": ["image"]}]});
    assert_eq!(info, expected, "RegistryInfo");
    let adapters = client.json("GET /api/v2.0/replication/adapters").await;
    assert_eq!(adapters, json!(["docker-registry"]));
    let infos = client.json("GET /api/v2.0/replication/adapterinfos").await;
    assert_eq!(infos, json!({}), "RegistryProviderInfo: a type without a pattern is absent");
}

#[tokio::test]
async fn policies_runs_and_tasks() {
    let client = live().await;
    let (from, _to) = two(&client).await;
    from.put_image("team/app", "v1", &[layer(1, 1_000)]);
    let given = json!({"id": 77, "enabled": true, "override": true, "deletion": true, "speed": 9,
        "filters": [{"type": "tag", "value": "v*", "decoration": "matches"},
            {"type": "label", "value": ["a"], "decoration": "excludes"}],
        "trigger": {"type": "scheduled", "trigger_settings": {"cron": "0 0 2 * * *"}},
        "creation_time": "2020-01-01T00:00:00Z", "copy_by_chunk": true});
    let mut plain = policy("p", given.clone());
    plain["filters"] = json!([]);
    client.created(POLICIES, &policy("whole", given.clone())).await;
    client.created(POLICIES, &plain).await;
    let shown = client.json(&format!("GET {POLICIES}/1")).await;
    for property in
        ["filters", "trigger", "enabled", "override", "deletion", "speed", "copy_by_chunk"]
    {
        assert_eq!(shown[property], given[property], "ReplicationPolicy: {property}");
    }
    let both = client.json(&format!("GET {REGISTRIES}/1")).await;
    assert_eq!((&shown["src_registry"], &shown["id"]), (&both, &json!(1)));
    assert_eq!(
        (&shown["replicate_deletion"], &shown["dest_namespace_replace_count"]),
        (&json!(true), &json!(-1))
    );
    assert_ne!(shown["creation_time"], given["creation_time"], "ignored");

    let run = client.run(2).await;
    let expected = [
        "end_time",
        "failed",
        "id",
        "in_progress",
        "policy_id",
        "start_time",
        "status",
        "status_text",
        "stopped",
        "succeed",
        "total",
        "trigger",
    ];
    assert_eq!(keys(&run), expected, "ReplicationExecution");
    assert_eq!((&run["status"], &run["total"]), (&json!("Succeed"), &json!(1)), "{run}");
    let tasks = client.json(&format!("GET {RUNS}/1/tasks")).await;
    let expected = [
        "dst_resource",
        "end_time",
        "execution_id",
        "id",
        "job_id",
        "operation",
        "resource_type",
        "src_resource",
        "start_time",
        "status",
    ];
    assert_eq!(keys(&tasks[0]), expected, "ReplicationTask");
    assert_eq!(tasks[0]["src_resource"], "team/app [1 item(s) in total]");
}
