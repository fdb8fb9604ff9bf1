//! Every operation asked for once and answered, between two registries in memory: what they answer
//! is held against the document where it is received.

use std::{collections::BTreeSet, time::Duration};

use axum::{Router, body::Body};
use portolan_testregistry::{Registry, layer};
use serde_json::{Value, json};

use super::{
    super::{Seen, accounts::basic, request, send, with_admin},
    described::DESCRIBED,
};
use crate::{
    api::{ApiSettings, router},
    builder::HostBuilder,
};

/// Somebody who remembers which operations were answered as they were asked.
struct Sailor {
    api: Router,
    answered: BTreeSet<String>,
}

impl Sailor {
    async fn send(&mut self, who: &str, line: &str, kind: &str, body: Body) -> Seen {
        let request = request(line).header("authorization", who).header("content-type", kind);
        let seen = send(self.api.clone(), request.body(body).unwrap()).await;
        let (method, path) = line.split_once(' ').unwrap();
        let path = path.split('?').next().unwrap();
        let operation = DESCRIBED.operation(method, path).unwrap_or_else(|| panic!("{line}"));
        if (200..300).contains(&seen.status) {
            self.answered.insert(operation.line());
        }
        seen
    }

    async fn ask(&mut self, line: &str, body: Value, status: u16) -> Seen {
        let admin = basic("admin", "right");
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        let seen = self.send(&admin, line, "application/json", body).await;
        assert_eq!(seen.status, status, "{line}: {}", seen.body);
        seen
    }

    /// Each line with its body and the status it should have.
    async fn asks<const N: usize>(&mut self, steps: [(&str, Value, u16); N]) {
        for (line, body, status) in steps {
            self.ask(line, body, status).await;
        }
    }

    async fn run(&mut self) {
        let runs = "/api/v2.0/replication/executions";
        self.ask(&format!("POST {runs}"), json!({"policy_id": 1}), 201).await;
        let run = self.wait_for(1, |run| run["status"] != "InProgress").await;
        assert_eq!(run["status"], "Succeed", "{run}");
    }

    /// Looks at a run until it is as it should be.
    async fn wait_for(&mut self, id: u64, fits: impl Fn(&Value) -> bool) -> Value {
        let line = format!("GET /api/v2.0/replication/executions/{id}");
        let look = async {
            loop {
                let seen = self.ask(&line, Value::Null, 200).await;
                let run: Value = serde_json::from_str(&seen.body).unwrap();
                if fits(&run) {
                    break run;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), look).await.unwrap()
    }
}

fn adapter(provider: &str) -> &'static [u8] {
    bundled_plugins::ALL.iter().find(|it| it.provider == provider).unwrap().bytes
}

async fn sailor() -> Sailor {
    let host = HostBuilder::in_memory().adapter(adapter("docker-registry")).build().await.unwrap();
    let api = router(with_admin(host).await, ApiSettings::default());
    Sailor { api, answered: BTreeSet::new() }
}

#[tokio::test]
async fn every_operation_answers_as_described() {
    let source = Registry::builder().start().await.unwrap();
    let target = Registry::builder().start().await.unwrap();
    source.put_image("tools/compass", "v1", &[layer(1, 100)]);
    let mut sailor = sailor().await;
    endpoints(&mut sailor, &source.url(), &target.url()).await;
    rules(&mut sailor).await;
    plugins(&mut sailor).await;
    people(&mut sailor).await;
    daemon(&mut sailor).await;
    sailor
        .asks([
            ("DELETE /api/v2.0/registries/1", Value::Null, 412),
            ("DELETE /api/v2.0/replication/policies/1", Value::Null, 200),
            ("DELETE /api/v2.0/registries/1", Value::Null, 200),
            ("GET /api/portolan/v1/audit?limit=1000", Value::Null, 200),
        ])
        .await;
    let never = |responses: &Value| {
        responses.as_object().unwrap().keys().all(|status| !status.starts_with('2'))
    };
    let unanswered: Vec<String> = DESCRIBED
        .operations()
        .filter(|it| !never(&it.value["responses"]) && !sailor.answered.contains(&it.line()))
        .map(|it| it.line())
        .collect();
    assert!(unanswered.is_empty(), "ask for these too: {unanswered:?}");
}

async fn endpoints(sailor: &mut Sailor, source: &str, target: &str) {
    let registry = |name: &str, url: &str| {
        json!({"name": name, "type": "docker-registry", "url": url,
            "credential": {"type": "basic", "access_key": "ci", "access_secret": "sesame"}})
    };
    let down = "http://127.0.0.1:1";
    let mut unchecked = registry("edge", down);
    unchecked["unchecked"] = json!(true);
    let own = "/api/portolan/v1/endpoints";
    let artifacts = format!("GET {own}/1/repositories/tools%2Fcompass/artifacts");
    sailor
        .asks([
            ("POST /api/v2.0/registries", registry("source", source), 201),
            ("POST /api/v2.0/registries", registry("target", target), 201),
            ("POST /api/v2.0/registries", registry("source", source), 409),
            ("POST /api/v2.0/registries", registry("down", down), 400),
            ("POST /api/v2.0/registries/ping", json!({"id": 1}), 200),
            ("POST /api/v2.0/registries/ping", json!({"id": 99}), 404),
            ("GET /api/v2.0/registries", Value::Null, 200),
            ("GET /api/v2.0/registries/1", Value::Null, 200),
            ("GET /api/v2.0/registries/99", Value::Null, 404),
            ("GET /api/v2.0/registries/1/info", Value::Null, 200),
            ("PUT /api/v2.0/registries/1", json!({"description": "d"}), 200),
            ("GET /api/v2.0/replication/adapters", Value::Null, 200),
            ("GET /api/v2.0/replication/adapterinfos", Value::Null, 200),
            (&format!("GET {own}?page_size=1"), Value::Null, 200),
            (&format!("POST {own}"), unchecked, 201),
            (&format!("GET {own}/3"), Value::Null, 200),
            (&format!("PUT {own}/3"), json!({"description": "d", "unchecked": true}), 200),
            (&format!("GET {own}/1/repositories?prefix=tools"), Value::Null, 200),
            (&format!("GET {own}/3/repositories"), Value::Null, 400),
            (&artifacts, Value::Null, 200),
            (&format!("{artifacts}/v1"), Value::Null, 200),
            (&format!("{artifacts}/none"), Value::Null, 404),
            (&format!("{artifacts}/no%20tag"), Value::Null, 400),
            ("PUT /api/v2.0/registries/1", json!({"webhook_secret": "aye"}), 200),
            ("POST /hooks/1/aye", json!({"events": []}), 202),
            ("POST /hooks/1/nay", json!({"events": []}), 401),
            ("POST /hooks/2", json!({"events": []}), 403),
            (&format!("GET {own}/1/webhook"), Value::Null, 200),
            (&format!("GET {own}/1/limits"), Value::Null, 200),
            (&format!("GET {own}/99/limits"), Value::Null, 404),
            (&format!("PUT {own}/2"), json!({"budget": {"requests_per_minute": 6_000}}), 200),
        ])
        .await;
    let told = Body::from(json!({"events": []}).to_string());
    sailor.send("Bearer aye", "POST /hooks/1", "application/json", told).await;
}

async fn rules(sailor: &mut Sailor) {
    let policies = "/api/v2.0/replication/policies";
    let policy = |enabled: bool| {
        json!({"name": "mirror", "enabled": enabled, "src_registry": {"id": 1},
            "dest_registry": {"id": 2}, "dest_namespace": "mirror", "override": true,
            "filters": [{"type": "name", "value": "tools/**"},
                {"type": "tag", "value": "v*", "decoration": "matches"}],
            "trigger": {"type": "scheduled", "trigger_settings": {"cron": "0 0 3 * * *"}}})
    };
    let unknown = json!({"name": "x", "src_registry": {"id": 99}, "dest_registry": {"id": 2}});
    sailor
        .asks([
            (&format!("POST {policies}"), policy(false), 201),
            (&format!("POST {policies}"), policy(false), 409),
            (&format!("POST {policies}"), unknown, 404),
            (&format!("GET {policies}"), Value::Null, 200),
            (&format!("GET {policies}/1"), Value::Null, 200),
            ("POST /api/v2.0/replication/executions", json!({"policy_id": 1}), 412),
            (&format!("PUT {policies}/1"), policy(true), 200),
            ("GET /api/v2.0/schedules", Value::Null, 200),
            ("GET /api/v2.0/schedules/all/paused", Value::Null, 200),
            ("GET /api/portolan/v1/policies/1/plan", Value::Null, 200),
            ("POST /api/portolan/v1/policies/1/plan?limit=1", Value::Null, 200),
            ("POST /api/portolan/v1/plans", policy(true), 200),
        ])
        .await;
    sailor.run().await;
    let runs = "/api/v2.0/replication/executions";
    let own = "/api/portolan/v1";
    sailor
        .asks([
            (&format!("GET {runs}"), Value::Null, 200),
            (&format!("PUT {runs}/1"), Value::Null, 200),
            (&format!("GET {runs}/1/tasks"), Value::Null, 200),
            (&format!("GET {runs}/1/tasks/1/log"), Value::Null, 200),
            (&format!("GET {own}/executions/1/tasks/1/log?limit=1"), Value::Null, 200),
            (&format!("GET {own}/executions/1/events"), Value::Null, 200),
            (&format!("GET {own}/events"), Value::Null, 200),
            (&format!("POST {own}/executions/1/retry"), Value::Null, 412),
            (&format!("POST {own}/executions/99/retry"), Value::Null, 404),
            (&format!("GET {own}/policies/1/plan"), Value::Null, 200),
        ])
        .await;
    retried(sailor).await;
}

/// A run to an endpoint that is down, stopped once it has a task, and what it left undone retried.
async fn retried(sailor: &mut Sailor) {
    let (policies, runs) = ("/api/v2.0/replication/policies", "/api/v2.0/replication/executions");
    let doomed = json!({"name": "doomed", "enabled": true, "src_registry": {"id": 1},
        "dest_registry": {"id": 3}, "trigger": {"type": "manual"}});
    sailor.ask(&format!("POST {policies}"), doomed, 201).await;
    sailor.ask(&format!("POST {runs}"), json!({"policy_id": 2}), 201).await;
    let begun = |run: &Value| run["total"] != 0;
    sailor.wait_for(2, begun).await;
    sailor.ask(&format!("PUT {runs}/2"), Value::Null, 200).await;
    let ended = |run: &Value| run["status"] != "InProgress";
    sailor.wait_for(2, ended).await;
    sailor.ask("POST /api/portolan/v1/executions/2/retry", Value::Null, 201).await;
    sailor.ask(&format!("PUT {runs}/3"), Value::Null, 200).await;
    sailor.wait_for(3, ended).await;
    sailor.ask(&format!("DELETE {policies}/2"), Value::Null, 200).await;
}

async fn plugins(sailor: &mut Sailor) {
    let plugins = "/api/portolan/v1/plugins";
    let admin = basic("admin", "right");
    let install = format!("POST {plugins}?source=a.wasm");
    let component = Body::from(adapter("docker-hub"));
    let made = sailor.send(&admin, &install, "application/wasm", component).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let one = made.headers["location"].to_str().unwrap().to_owned();
    sailor
        .asks([
            (&install, json!("no component"), 400),
            (&format!("GET {plugins}"), Value::Null, 200),
            (&format!("GET {one}"), Value::Null, 200),
            (&format!("POST {one}/approve"), json!({"hosts": []}), 200),
            (
                &format!("POST {one}/approve"),
                json!({"hosts": [{"pattern": "https://other.example.com", "uses": []}]}),
                400,
            ),
            ("GET /api/v2.0/replication/adapterinfos", Value::Null, 200),
            (&format!("POST {one}/revoke"), Value::Null, 200),
            (&format!("DELETE {one}"), Value::Null, 200),
            (&format!("DELETE {one}"), Value::Null, 404),
        ])
        .await;
}

async fn people(sailor: &mut Sailor) {
    let own = "/api/portolan/v1";
    let ada = json!({"name": "ada", "password": "one", "role": "operator"});
    sailor
        .asks([
            (&format!("POST {own}/users"), ada.clone(), 201),
            (&format!("POST {own}/users"), ada, 409),
            (&format!("GET {own}/users"), Value::Null, 200),
            (&format!("PUT {own}/users/2"), json!({"role": "viewer"}), 200),
            (
                &format!("POST {own}/tokens"),
                json!({"name": "ci", "expires": "2099-01-01T00:00:00Z"}),
                201,
            ),
            (&format!("GET {own}/tokens"), Value::Null, 200),
            (&format!("DELETE {own}/tokens/1"), Value::Null, 200),
            (&format!("DELETE {own}/tokens/1"), Value::Null, 404),
            (&format!("POST {own}/sessions"), json!({"username": "ada", "password": "one"}), 200),
            (&format!("GET {own}/sessions/current"), Value::Null, 200),
            (&format!("DELETE {own}/sessions/current"), Value::Null, 200),
            ("GET /api/v2.0/users/current", Value::Null, 200),
            (
                "GET /api/v2.0/users/current/permissions?relative=true&scope=/system",
                Value::Null,
                200,
            ),
            ("GET /api/v2.0/permissions", Value::Null, 200),
        ])
        .await;
    let change = json!({"old_password": "one", "new_password": "two"}).to_string();
    let line = format!("PUT {own}/users/current/password");
    let ada = basic("ada", "one");
    let changed = sailor.send(&ada, &line, "application/json", Body::from(change)).await;
    assert_eq!(changed.status, 200, "{}", changed.body);
    let (ada, line) = (basic("ada", "two"), format!("GET {own}/users"));
    let refused = sailor.send(&ada, &line, "", Body::empty()).await;
    assert_eq!(refused.status, 403, "{}", refused.body);
    sailor
        .asks([
            (&format!("DELETE {own}/users/2"), Value::Null, 200),
            (&format!("DELETE {own}/users/1"), Value::Null, 412),
        ])
        .await;
}

async fn daemon(sailor: &mut Sailor) {
    let anonymous = ["/api/v2.0/systeminfo", "/api/v2.0/users/current", "/v2/"];
    for path in anonymous {
        sailor.send("", &format!("GET {path}"), "", Body::empty()).await;
    }
    sailor
        .asks([
            ("GET /api/version", Value::Null, 200),
            ("GET /api/v2.0/health", Value::Null, 200),
            ("GET /api/v2.0/ping", Value::Null, 200),
            ("GET /api/v2.0/systeminfo", Value::Null, 200),
            ("GET /api/v2.0/systeminfo/volumes", Value::Null, 200),
            ("GET /api/v2.0/systeminfo/getcert", Value::Null, 404),
            ("GET /api/v2.0/configurations", Value::Null, 200),
            ("PUT /api/v2.0/configurations", json!({"read_only": false}), 200),
            ("PUT /api/v2.0/configurations", json!({"read_only": true}), 403),
            ("GET /api/v2.0/projects", Value::Null, 200),
            ("HEAD /api/v2.0/projects?project_name=a", Value::Null, 404),
            ("POST /api/v2.0/projects", json!({"project_name": "a"}), 409),
            ("GET /api/v2.0/repositories", Value::Null, 200),
            ("GET /api/v2.0/labels?scope=g", Value::Null, 200),
            ("GET /api/v2.0/labels?scope=p", Value::Null, 400),
            ("GET /api/v2.0/statistics", Value::Null, 200),
            ("GET /v2/", Value::Null, 200),
            ("GET /openapi.json", Value::Null, 200),
            ("GET /docs", Value::Null, 200),
            ("GET /metrics", Value::Null, 200),
            ("GET /api/portolan/v1/version", Value::Null, 200),
            ("POST /api/portolan/v1/key/rotate", Value::Null, 200),
            ("POST /api/portolan/v1/backup", json!({"passphrase": "short"}), 400),
            ("POST /api/portolan/v1/backup", json!({"passphrase": "a long sentence"}), 200),
        ])
        .await;
}
