//! Plug-ins over our own API, on a host without any.

use serde_json::json;

use super::contract::client;

#[tokio::test]
async fn plugins_that_are_not_there() {
    let client = client(0).await;
    assert_eq!(client.json("GET /api/portolan/v1/plugins").await, json!([]));
    let digest = format!("sha256:{}", "0".repeat(64));
    let one = format!("/api/portolan/v1/plugins/{digest}");
    let approve = format!("POST {one}/approve");
    let revoke = format!("POST {one}/revoke");
    for line in [format!("GET {one}"), format!("DELETE {one}"), approve, revoke] {
        assert_eq!(client.ask(&line).await.status, 404, "{line}");
    }
    assert_eq!(client.ask("GET /api/portolan/v1/plugins/x").await.status, 422);
    let install = "POST /api/portolan/v1/plugins?source=a.wasm";
    assert_eq!(client.ask(install).await.status, 422);
    let garbage = client.send(install, &json!("no component")).await;
    assert_eq!(garbage.status, 400, "{}", garbage.body);
    let tail = "GET /api/portolan/v1/executions/1/tasks/1/log";
    assert_eq!(client.ask(tail).await.status, 404);
}
