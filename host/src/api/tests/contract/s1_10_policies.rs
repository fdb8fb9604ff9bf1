//! 1.10: the operations on policies.

use serde_json::{Value, json};

use super::{POLICIES, REGISTRIES, RUNS, Row, client, client_with_policy, names, policy};

#[tokio::test]
async fn create_read_replace_delete() {
    let client = client_with_policy(json!({"enabled": true})).await;
    let one = format!("{POLICIES}/1");
    let none = Value::Null;
    let single = json!({"single_active_replication": true, "trigger": {"type": "event_based"}});
    let (new, put) = (format!("POST {POLICIES}"), format!("PUT {one}"));
    let unknown = policy("q", json!({"src_registry": {"id": 99}}));
    let rows: [Row; 20] = [
        ("validation", &new, policy("", json!({})), 400, "BAD_REQUEST"),
        ("unknown source", &new, unknown.clone(), 404, "NOT_FOUND"),
        (
            "unknown destination",
            &new,
            policy("q", json!({"dest_registry": {"id": 9}})),
            404,
            "NOT_FOUND",
        ),
        ("name taken", &new, policy("p", json!({})), 409, "CONFLICT"),
        ("event_based and single", &new, policy("q", single.clone()), 400, "BAD_REQUEST"),
        ("created", &new, policy("q", json!({})), 201, ""),
        ("read", &format!("GET {one}"), none.clone(), 200, "\"name\":\"p\""),
        ("read unknown", &format!("GET {POLICIES}/9"), none.clone(), 404, "NOT_FOUND"),
        ("put validation", &put, policy("", json!({})), 400, "BAD_REQUEST"),
        ("put unknown registry", &put, unknown, 404, "NOT_FOUND"),
        ("put name taken", &put, policy("q", json!({})), 409, "CONFLICT"),
        ("put event_based and single", &put, policy("p", single), 400, "BAD_REQUEST"),
        ("put unknown", &format!("PUT {POLICIES}/9"), policy("x", json!({})), 404, "NOT_FOUND"),
        ("the id of the path counts", &put, policy("p2", json!({"id": 2})), 200, ""),
        ("the list has both", &format!("GET {POLICIES}?sort=id"), none.clone(), 200, "\"p2\""),
        ("delete", &format!("DELETE {one}"), none.clone(), 200, ""),
        ("deleted", &format!("GET {one}"), none.clone(), 404, "NOT_FOUND"),
        ("delete again", &format!("DELETE {one}"), none.clone(), 404, "NOT_FOUND"),
        ("put what is gone", &put, policy("p", json!({})), 404, "NOT_FOUND"),
        ("a name that is free again", &new, policy("p2", json!({})), 201, ""),
    ];
    client.rows(&rows).await;
}

/// Everything that is absent falls back; only the time it was made stays.
#[tokio::test]
async fn put_replaces_everything() {
    let whole = json!({"enabled": true, "override": true, "deletion": true, "speed": 5,
        "description": "d", "dest_namespace": "n", "dest_namespace_replace_count": 2,
        "copy_by_chunk": true, "single_active_replication": true,
        "filters": [{"type": "name", "value": "a/**"}],
        "trigger": {"type": "scheduled", "trigger_settings": {"cron": "0 0 0 * * *"}}});
    let client = client_with_policy(whole).await;
    let one = format!("GET {POLICIES}/1");
    let before = client.json(&one).await;
    assert_eq!(client.json("GET /api/v2.0/schedules").await[0]["vendor_id"], 1);
    client.done(&format!("PUT {POLICIES}/1"), policy("p", json!({}))).await;
    let after = client.json(&one).await;
    for gone in
        ["enabled", "override", "deletion", "replicate_deletion", "description", "dest_namespace"]
    {
        assert!(before.get(gone).is_some() && after.get(gone).is_none(), "{gone}");
    }
    let rows = [
        ("speed", json!(0)),
        ("dest_namespace_replace_count", json!(-1)),
        ("copy_by_chunk", json!(false)),
        ("single_active_replication", json!(false)),
        ("filters", Value::Null),
        ("trigger", json!({"type": "manual"})),
        ("creation_time", before["creation_time"].clone()),
    ];
    for (property, expected) in rows {
        assert_eq!(after[property], expected, "{property}");
    }
    assert!(after["update_time"].as_str() >= before["update_time"].as_str());
    assert_eq!(client.json("GET /api/v2.0/schedules").await, json!([]), "the schedule went, too");
}

/// Our addition: several destinations, of which Harbor's clients see the first.
#[tokio::test]
async fn several_destinations() {
    let client = client(3).await;
    let body = json!({"name": "p", "src_registry": {"id": 1}, "enabled": true,
        "destinations": [{"registry": {"id": 2}, "namespace": "m"}, {"registry": {"id": 3}}]});
    client.created(POLICIES, &body).await;
    let one = format!("{POLICIES}/1");
    let shown = client.json(&format!("GET {one}")).await;
    let registry = |id: u64| format!("GET {REGISTRIES}/{id}");
    assert_eq!(shown["dest_registry"], client.json(&registry(2)).await);
    assert_eq!(shown["destinations"][1]["registry"], client.json(&registry(3)).await);
    for id in 1..=3 {
        let seen = client.ask(&format!("DELETE {REGISTRIES}/{id}")).await;
        assert_eq!(seen.status, 412, "{id}: {}", seen.body);
    }
    client.done(&format!("PUT {one}"), policy("p2", json!({}))).await;
    let shown = client.json(&format!("GET {one}")).await;
    assert_eq!(shown["destinations"].as_array().unwrap().len(), 2, "absent is kept");
    client.done(&format!("PUT {one}"), policy("p2", json!({"dest_registry": {}}))).await;
    let list = client.json(&format!("GET {POLICIES}?q=enabled%3Dfalse")).await;
    assert_eq!((names(&list), &list[0]["dest_registry"]["name"]), (vec!["p2"], &json!("Local")));
    client.done(&format!("DELETE {REGISTRIES}/3"), Value::Null).await;
}

#[tokio::test]
async fn history_goes_with_its_policy() {
    let client = client_with_policy(json!({"enabled": true})).await;
    client.run(1).await;
    client.done(&format!("DELETE {POLICIES}/1"), Value::Null).await;
    assert_eq!(client.ask(&format!("GET {RUNS}/1")).await.status, 404);
    assert_eq!(client.json(&format!("GET {RUNS}")).await, json!([]));
}
