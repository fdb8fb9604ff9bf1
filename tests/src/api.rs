//! The steps of a rule's life over the daemon's API: endpoint, policy, execution, tasks, log.

use serde_json::{Value, json};

use crate::{
    http::Client,
    poll::{PATIENCE, eventually},
};

/// `/registries`
pub const REGISTRIES: &str = "/api/v2.0/registries";
/// `/replication/policies`
pub const POLICIES: &str = "/api/v2.0/replication/policies";
/// `/replication/executions`
pub const EXECUTIONS: &str = "/api/v2.0/replication/executions";

/// What `POST /registries` is sent; `login` is an access key and secret.
pub fn registry(provider: &str, name: &str, url: &str, login: Option<(&str, &str)>) -> Value {
    let mut body = json!({"name": name, "type": provider, "url": url});
    if let Some((key, secret)) = login {
        body["credential"] = json!({"type": "basic", "access_key": key, "access_secret": secret});
    }
    body
}

/// Creates what [`registry`] describes and gives its id.
///
/// # Panics
/// When it is not created.
pub async fn create_registry(client: &Client, body: &Value) -> i64 {
    client.post(REGISTRIES, body).await.created_id()
}

/// The sentence of a 400.
///
/// # Panics
/// When the registry is not refused so.
pub async fn refused(client: &Client, body: &Value) -> String {
    let answer = client.post(REGISTRIES, body).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    let error = &answer.json()["errors"][0];
    assert_eq!(error["code"], "BAD_REQUEST");
    error["message"].as_str().expect("a sentence").to_owned()
}

/// An ended execution with its tasks, newest first, and the log of each.
#[derive(Debug)]
pub struct Ended {
    /// As the API shows it.
    pub execution: Value,
    /// As the API shows them.
    pub tasks: Vec<Value>,
    /// In the order of `tasks`.
    pub logs: Vec<String>,
}

/// Creates an enabled policy between two registries with `more` in it, runs it once, and waits.
///
/// # Panics
/// When a step is refused or nothing ends.
pub async fn replicate(client: &Client, from: i64, to: i64, more: Value) -> Ended {
    let existing = client.get(&format!("{POLICIES}?page_size=0")).await.json();
    let name = format!("policy {}", existing.as_array().map_or(0, Vec::len));
    let mut body = json!({"name": name, "src_registry": {"id": from}, "dest_registry": {"id": to},
        "enabled": true, "override": true});
    for (key, value) in more.as_object().into_iter().flatten() {
        body[key] = value.clone();
    }
    let policy = client.post(POLICIES, &body).await.created_id();
    run(client, policy).await
}

/// Runs a policy once and waits for the end.
///
/// # Panics
/// When it is refused or does not end.
pub async fn run(client: &Client, policy: i64) -> Ended {
    let id = client.post(EXECUTIONS, &json!({"policy_id": policy})).await.created_id();
    let path = format!("{EXECUTIONS}/{id}");
    let execution = eventually(PATIENCE, "the execution ends", async || {
        let execution = client.get(&path).await.json();
        if execution["status"] == "InProgress" { Err(execution) } else { Ok(execution) }
    })
    .await;
    let tasks = client.get(&format!("{path}/tasks?page_size=0")).await.json();
    let tasks = tasks.as_array().cloned().unwrap_or_default();
    let mut logs = Vec::new();
    for task in &tasks {
        logs.push(client.get(&format!("{path}/tasks/{}/log", task["id"])).await.text());
    }
    Ended { execution, tasks, logs }
}
