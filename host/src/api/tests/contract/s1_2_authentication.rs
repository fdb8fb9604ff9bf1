//! 1.2: who is let in, and which permission an operation needs. What every route asks for is in
//! `accounts`.

use axum::body::Body;
use base64::Engine;
use portolan_core::account::Role::{self, Admin, Operator, Viewer};
use serde_json::json;

use crate::{
    api::{
        ApiSettings,
        harbor::account::PERMISSIONS,
        router,
        tests::{
            accounts::{ROUTES, tokens},
            host, request, send,
        },
    },
    host::Host,
};

fn basic(login: &str) -> Option<String> {
    let encoded = base64::engine::general_purpose::STANDARD.encode(login);
    Some(format!("Basic {encoded}"))
}

async fn known_host() -> Host {
    let host = host().await;
    let hash = crate::api::auth::hash_password("looks").unwrap();
    host.create_user("vera".parse().unwrap(), Viewer, hash).await.unwrap();
    tokens(&host).await;
    host
}

#[tokio::test]
async fn callers() {
    let api = router(known_host().await, ApiSettings::default());
    let bearer = |text: &str| Some(format!("Bearer {text}"));
    let protected = "GET /api/v2.0/registries";
    let current = "GET /api/v2.0/users/current";
    let write = "DELETE /api/v2.0/registries/9";
    let rows = [
        ("valid Basic", protected, basic("admin:right"), 200, "[]"),
        ("valid Basic", current, basic("admin:right"), 200, "\"username\":\"admin\""),
        ("wrong password, protected", protected, basic("admin:wrong"), 401, "\"unauthorized\""),
        ("unknown name, protected", protected, basic("root:right"), 401, "\"unauthorized\""),
        ("wrong password, ping", "GET /api/v2.0/ping", basic("admin:wrong"), 200, "Pong"),
        ("wrong password, health", "GET /api/v2.0/health", basic("admin:wrong"), 200, "healthy"),
        ("wrong password, info", "GET /api/v2.0/systeminfo", basic("admin:wrong"), 200, "db_auth"),
        ("no credentials, public", "GET /api/v2.0/systeminfo", None, 200, "db_auth"),
        ("no credentials, protected", protected, None, 401, "\"code\":\"UNAUTHORIZED\""),
        ("without the permission", write, basic("vera:looks"), 403, "\"message\":\"vera\""),
        ("without the permission", write, basic("vera:looks"), 403, "\"code\":\"FORBIDDEN\""),
        ("robot account", protected, basic("robot$t-viewer:portolan_viewer"), 200, "[]"),
        ("robot account", current, basic("robot$t-viewer:portolan_viewer"), 412, "PRECONDITION"),
        ("Bearer", protected, bearer("portolan_viewer"), 200, "[]"),
        ("wrong Bearer", protected, bearer("portolan_other"), 401, "\"unauthorized\""),
    ];
    for (label, line, login, status, text) in rows {
        let mut request = request(line);
        if let Some(login) = login {
            request = request.header("authorization", login);
        }
        let seen = send(api.clone(), request.body(Body::empty()).unwrap()).await;
        assert_eq!(seen.status, status, "{label}: {line}: {}", seen.body);
        assert!(seen.body.contains(text), "{label}: {line}: {}", seen.body);
        assert!(!seen.headers.contains_key("www-authenticate"), "{label}");
    }
}

/// Harbor's operation and permission; ours is by role, and a ping, which sends passwords where it
/// is told, is an administrator's.
#[test]
fn permissions_of_operations() {
    let rows = [
        ("registry", "list", "GET /api/v2.0/registries"),
        ("registry", "read", "GET /api/v2.0/registries/{id}"),
        ("registry", "create", "POST /api/v2.0/registries"),
        ("registry", "update", "PUT /api/v2.0/registries/{id}"),
        ("registry", "delete", "DELETE /api/v2.0/registries/{id}"),
        ("registry", "read", "GET /api/v2.0/registries/{id}/info"),
        ("replication-adapter", "list", "GET /api/v2.0/replication/adapters"),
        ("replication-adapter", "list", "GET /api/v2.0/replication/adapterinfos"),
        ("replication-policy", "list", "GET /api/v2.0/replication/policies"),
        ("replication-policy", "read", "GET /api/v2.0/replication/policies/{id}"),
        ("replication-policy", "create", "POST /api/v2.0/replication/policies"),
        ("replication-policy", "update", "PUT /api/v2.0/replication/policies/{id}"),
        ("replication-policy", "delete", "DELETE /api/v2.0/replication/policies/{id}"),
        ("replication", "create", "POST /api/v2.0/replication/executions"),
        ("replication", "create", "PUT /api/v2.0/replication/executions/{id}"),
        ("replication", "list", "GET /api/v2.0/replication/executions"),
        ("replication", "list", "GET /api/v2.0/replication/executions/{id}/tasks"),
        ("replication", "read", "GET /api/v2.0/replication/executions/{id}"),
        ("replication", "read", "GET /api/v2.0/replication/executions/{id}/tasks/{task_id}/log"),
    ];
    let least = |asked: &str| ROUTES.iter().find(|(line, _)| *line == asked).and_then(|row| row.1);
    for (resource, action, line) in rows {
        let named = PERMISSIONS.iter().find(|it| (it.0, it.1) == (resource, action));
        assert_eq!(least(line), named.map(|it| it.2), "{resource}:{action} {line}");
    }
    assert_eq!(least("POST /api/v2.0/registries/ping"), Some(Admin));
}

#[tokio::test]
async fn permissions_of_a_role() {
    let api = router(known_host().await, ApiSettings::default());
    let count = |role: Role| PERMISSIONS.iter().filter(|it| it.2 <= role).count();
    for role in [Viewer, Operator, Admin] {
        let ask = async |query: &str| {
            let line = format!("GET /api/v2.0/users/current/permissions{query}");
            let bearer = format!("Bearer portolan_{role}");
            let request = request(&line).header("authorization", bearer);
            let seen = send(api.clone(), request.body(Body::empty()).unwrap()).await;
            serde_json::from_str::<serde_json::Value>(&seen.body).unwrap()
        };
        let first = |resource: &str| json!({"resource": resource, "action": "list"});
        let rows = [
            ("no scope", "", first("/system/registry")),
            ("the system", "?scope=/system", first("/system/registry")),
            ("relative", "?scope=/system&relative=true", first("registry")),
        ];
        for (label, query, expected) in rows {
            let seen = ask(query).await;
            assert_eq!(seen.as_array().unwrap().len(), count(role), "{label} {role}");
            assert_eq!(seen[0], expected, "{label} {role}");
        }
        assert_eq!(ask("?scope=/project/1").await, json!([]), "{role}");
        assert_eq!(ask("?relative=maybe").await["errors"][0]["code"], "UNPROCESSABLE_ENTITY");
    }
}
