//! 1.7: the orders of the four lists. The grammar's own rows are in `portolan_core::page::sort`.

use serde_json::json;

use super::{POLICIES, REGISTRIES, RUNS, client, ids, policy};

#[tokio::test]
async fn orders() {
    let client = client(3).await;
    client.created(POLICIES, &policy("b", json!({"enabled": true, "speed": 1}))).await;
    client.created(POLICIES, &policy("a", json!({"enabled": true, "speed": 1}))).await;
    client.created(POLICIES, &policy("c", json!({"speed": 3}))).await;
    for policy in [1, 2, 1] {
        let run = client.created(RUNS, &json!({"policy_id": policy})).await;
        client.ended(&run).await;
    }
    let rows: [(&str, &str, &str, [u64; 3]); 20] = [
        ("registries by id", REGISTRIES, "", [1, 2, 3]),
        ("descending", REGISTRIES, "-id", [3, 2, 1]),
        ("empty is none", REGISTRIES, "", [1, 2, 3]),
        ("unknown is ignored", REGISTRIES, "flavour", [1, 2, 3]),
        ("the rest counts", REGISTRIES, "flavour,-name", [3, 2, 1]),
        ("a field's name", REGISTRIES, "-ID", [3, 2, 1]),
        ("newest policies first", POLICIES, "", [3, 2, 1]),
        ("unknown is ignored", POLICIES, "-flavour", [3, 2, 1]),
        ("by name", POLICIES, "name", [2, 1, 3]),
        ("two keys", POLICIES, "-speed_kb,name", [3, 2, 1]),
        ("two keys", POLICIES, "Speed,-name", [1, 2, 3]),
        ("newest runs first", RUNS, "", [3, 2, 1]),
        ("by start", RUNS, "start_time", [1, 2, 3]),
        ("by end", RUNS, "-end_time", [3, 2, 1]),
        ("by update", RUNS, "update_time", [1, 2, 3]),
        ("by id", RUNS, "id", [1, 2, 3]),
        ("by policy", RUNS, "-vendor_id,id", [2, 1, 3]),
        ("one and the same vendor", RUNS, "vendor_type,id", [1, 2, 3]),
        ("one and the same state", RUNS, "status,trigger,extra_attrs,revision,-id", [3, 2, 1]),
        ("unknown is ignored", RUNS, "flavour", [3, 2, 1]),
    ];
    for (label, path, sort, expected) in rows {
        let list = client.json(&format!("GET {path}?sort={sort}")).await;
        assert_eq!(ids(&list), expected, "{label}: {path} {sort}");
    }
}
