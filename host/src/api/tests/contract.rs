//! The contract with clients of Harbor, section by section: `s1_3_errors` holds the rows of its
//! section 1.3 that a request can reach, and so on. What needs no request (patterns, cron, names,
//! addresses) is shown by the tests of `portolan-core` whose names begin with `contract_`.

mod s1_10_executions;
mod s1_10_policies;
#[cfg(feature = "daemon")]
mod s1_10_registries;
mod s1_11_small;
mod s1_1_transport;
mod s1_2_authentication;
mod s1_3_errors;
mod s1_4_headers;
mod s1_5_paging;
mod s1_6_q;
mod s1_7_sort;
mod s1_8_json;
#[cfg(feature = "daemon")]
mod s1_9_objects;
mod s2_limits;
#[cfg(feature = "daemon")]
mod s2_registries;
mod s3_policies;
#[cfg(feature = "daemon")]
mod s3_runs;
mod table;

use std::time::Duration;

use axum::{Router, body::Body};
use portolan_core::endpoint::{Credentials, EndpointSpec, Health};
use serde_json::{Value, json};

use super::{Caller, Seen, host, request, send};
use crate::{
    api::{ApiSettings, router},
    host::Host,
};

/// `/registries`
const REGISTRIES: &str = "/api/v2.0/registries";
/// `/replication/policies`
const POLICIES: &str = "/api/v2.0/replication/policies";
/// `/replication/executions`
const RUNS: &str = "/api/v2.0/replication/executions";

/// A row of a table: its label, the request, its body (null for none), the status, and a text
/// that the answer holds.
type Row<'a> = (&'a str, &'a str, Value, u16, &'a str);

/// A client that is the administrator.
pub(super) struct Client(Router);

impl Client {
    /// Sends a request, with a JSON body unless it is null.
    pub(super) async fn send(&self, line: &str, body: &Value) -> Seen {
        let mut builder = request(line);
        if !body.is_null() {
            builder = builder.header("content-type", "application/json");
        }
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        let mut request = builder.body(body).unwrap();
        request.extensions_mut().insert(Caller::Owner);
        send(self.0.clone(), request).await
    }

    pub(super) async fn ask(&self, line: &str) -> Seen {
        self.send(line, &Value::Null).await
    }

    /// The JSON of a 200.
    pub(super) async fn json(&self, line: &str) -> Value {
        let seen = self.ask(line).await;
        assert_eq!(seen.status, 200, "{line}: {}", seen.body);
        assert_eq!(seen.headers["content-type"], "application/json", "{line}");
        assert!(seen.body.ends_with('\n'), "{line}");
        serde_json::from_str(&seen.body).unwrap()
    }

    async fn rows(&self, rows: &[Row<'_>]) {
        for (label, line, body, status, text) in rows {
            let seen = self.send(line, body).await;
            assert_eq!(seen.status, *status, "{label}: {line} {body}: {}", seen.body);
            assert!(seen.body.contains(text), "{label}: {line} {body}: {}", seen.body);
        }
    }

    /// Sends what answers 200 without a body.
    async fn done(&self, line: &str, body: Value) {
        let seen = self.send(line, &body).await;
        assert_eq!((seen.status, seen.body.as_str()), (200, ""), "{line} {body}");
        assert!(!seen.headers.contains_key("content-type"), "{line}");
    }

    /// Creates something and gives its `Location`.
    async fn created(&self, path: &str, body: &Value) -> String {
        let seen = self.send(&format!("POST {path}"), body).await;
        assert_eq!((seen.status, seen.body.as_str()), (201, ""), "{path} {body}");
        assert!(!seen.headers.contains_key("content-type"), "{path}");
        seen.headers["location"].to_str().unwrap().to_owned()
    }

    /// Runs a policy and waits for its end.
    async fn run(&self, policy: u64) -> Value {
        let run = self.created(RUNS, &json!({"policy_id": policy})).await;
        self.ended(&run).await
    }

    async fn ended(&self, run: &str) -> Value {
        self.until(run, |run| run["status"] != "InProgress").await
    }

    async fn until(&self, path: &str, reached: impl Fn(&Value) -> bool) -> Value {
        let line = format!("GET {path}");
        let look = async {
            loop {
                let seen = self.json(&line).await;
                if reached(&seen) {
                    break seen;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), look).await.unwrap()
    }
}

fn spec(name: &str) -> EndpointSpec {
    EndpointSpec::new(name, "none", "http://localhost:1".parse().unwrap())
}

async fn store_endpoints(host: &Host, count: usize) {
    for number in 1..=count {
        let spec = spec(&format!("e{number}"));
        host.store_endpoint(spec, Credentials::default(), Health::Healthy).await.unwrap();
    }
}

/// A host without adapters that knows the endpoints `e1` to `eN`, which nobody tested.
pub(super) async fn client(endpoints: usize) -> Client {
    let host = host().await;
    store_endpoints(&host, endpoints).await;
    Client(router(host, ApiSettings::default()))
}

/// The same with one policy from `e1` to `e2`, with id 1.
async fn client_with_policy(more: Value) -> Client {
    let client = client(2).await;
    assert_eq!(client.created(POLICIES, &policy("p", more)).await, format!("{POLICIES}/1"));
    client
}

/// A policy's body from registry 1 to registry 2.
fn policy(name: &str, more: Value) -> Value {
    let sides = json!({"name": name, "src_registry": {"id": 1}, "dest_registry": {"id": 2}});
    with(sides, more)
}

fn with(mut body: Value, more: Value) -> Value {
    for (key, value) in more.as_object().into_iter().flatten() {
        body[key] = value.clone();
    }
    body
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect()
}

fn ids(list: &Value) -> Vec<u64> {
    list.as_array().unwrap().iter().map(|row| row["id"].as_u64().unwrap()).collect()
}

/// A host with the adapter of plain registries.
#[cfg(feature = "daemon")]
async fn live() -> Client {
    let mut bundled = bundled_plugins::ALL.iter();
    let adapter = bundled.find(|one| one.provider == "docker-registry").unwrap();
    let host = crate::HostBuilder::in_memory().adapter(adapter.bytes).build().await.unwrap();
    Client(router(host, ApiSettings::default()))
}

#[cfg(feature = "daemon")]
fn registry(name: &str, remote: &portolan_testregistry::Registry) -> Value {
    json!({"name": name, "type": "docker-registry", "url": remote.url()})
}
