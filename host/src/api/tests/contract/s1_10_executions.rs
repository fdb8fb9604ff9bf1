//! 1.10: the operations on executions and tasks. What needs an artifact to be copied is in
//! `s3_runs`.

use serde_json::{Value, json};

use super::{POLICIES, RUNS, Row, client_with_policy, ids, policy};

#[tokio::test]
async fn start_read_stop() {
    let client = client_with_policy(json!({})).await;
    let start = format!("POST {RUNS}");
    let of = |policy: u64| json!({"policy_id": policy});
    let none = Value::Null;
    client
        .rows(&[
            ("unknown policy", &start, of(9), 404, "NOT_FOUND"),
            ("no policy", &start, json!({}), 404, "NOT_FOUND"),
            ("disabled", &start, of(1), 412, "PRECONDITION"),
        ])
        .await;
    client.done(&format!("PUT {POLICIES}/1"), policy("p", json!({"enabled": true}))).await;
    assert_eq!(client.created(RUNS, &of(1)).await, format!("{RUNS}/1"));
    client.ended(&format!("{RUNS}/1")).await;
    let rows: [Row; 13] = [
        ("marked as scheduled", &format!("{start}?trigger=scheduled"), of(1), 201, ""),
        ("else manual", &format!("{start}?trigger=event_based"), of(1), 201, ""),
        ("read", &format!("GET {RUNS}/1"), none.clone(), 200, "\"trigger\":\"manual\""),
        ("read", &format!("GET {RUNS}/2"), none.clone(), 200, "\"trigger\":\"scheduled\""),
        ("read", &format!("GET {RUNS}/3"), none.clone(), 200, "\"trigger\":\"manual\""),
        ("read unknown", &format!("GET {RUNS}/9"), none.clone(), 404, "NOT_FOUND"),
        ("stop what is over", &format!("PUT {RUNS}/1"), none.clone(), 200, "null\n"),
        ("stop unknown", &format!("PUT {RUNS}/9"), none.clone(), 404, "NOT_FOUND"),
        ("tasks", &format!("GET {RUNS}/1/tasks"), none.clone(), 200, "[]\n"),
        ("tasks of unknown", &format!("GET {RUNS}/9/tasks"), none.clone(), 404, "NOT_FOUND"),
        (
            "one task has no route",
            &format!("GET {RUNS}/1/tasks/1"),
            none.clone(),
            404,
            "was not found",
        ),
        (
            "log of unknown run",
            &format!("GET {RUNS}/9/tasks/1/log"),
            none.clone(),
            404,
            "NOT_FOUND",
        ),
        (
            "log of unknown task",
            &format!("GET {RUNS}/1/tasks/1/log"),
            none.clone(),
            404,
            "NOT_FOUND",
        ),
    ];
    client.rows(&rows).await;
    let stopped = client.ask(&format!("PUT {RUNS}/1")).await;
    assert_eq!(stopped.headers["content-type"], "application/json");
}

#[tokio::test]
async fn list() {
    let client = client_with_policy(json!({"enabled": true})).await;
    client.created(POLICIES, &policy("q", json!({"enabled": true}))).await;
    for (policy, query) in [(1, ""), (1, "?trigger=scheduled"), (2, "")] {
        let line = format!("POST {RUNS}{query}");
        let seen = client.send(&line, &json!({"policy_id": policy})).await;
        client.ended(seen.headers["location"].to_str().unwrap()).await;
    }
    let rows: [(&str, &str, &[u64]); 18] = [
        ("all, newest first", "", &[3, 2, 1]),
        ("of a policy", "policy_id=1", &[2, 1]),
        ("of an unknown policy", "policy_id=7", &[]),
        ("by API status", "status=Failed", &[3, 2, 1]),
        ("by raw status", "status=Error", &[3, 2, 1]),
        ("by API status", "status=InProgress", &[]),
        ("by API status", "status=Succeed", &[]),
        ("by API status", "status=Stopped", &[]),
        ("by raw status", "status=Running", &[]),
        ("by raw status", "status=Success", &[]),
        ("unknown status", "status=nonsense", &[]),
        ("statuses are case-sensitive", "status=failed", &[]),
        ("by trigger", "trigger=manual", &[3, 1]),
        ("by trigger", "trigger=scheduled", &[2]),
        ("by trigger", "trigger=event_based", &[]),
        ("unknown trigger", "trigger=nonsense", &[]),
        ("all together", "policy_id=1&trigger=manual&status=Failed", &[1]),
        ("q is not looked at", "q=id%3D1", &[3, 2, 1]),
    ];
    for (label, query, expected) in rows {
        let list = client.json(&format!("GET {RUNS}?{query}")).await;
        assert_eq!(ids(&list), expected, "{label}: {query}");
    }
}
