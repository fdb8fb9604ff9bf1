//! 1.11: the small endpoints that clients call first, and 4.5: what another Harbor asks us.

use std::path::PathBuf;

use axum::{Router, body::Body};
use serde_json::{Value, json};

use super::{POLICIES, REGISTRIES, Row, client, policy};
use crate::api::{
    ApiSettings, router,
    tests::{Seen, accounts::basic, host, request, send},
};

async fn as_admin(api: &Router, line: &str) -> Seen {
    let request = request(line).header("authorization", basic("admin", "right"));
    send(api.clone(), request.body(Body::empty()).unwrap()).await
}

fn keys(object: &Value) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn ping_health_and_system_information() {
    let external_url = Some("https://chart.example.com:8443".to_owned());
    let data_dir = Some(PathBuf::from("/"));
    let settings = ApiSettings { external_url, data_dir, ..ApiSettings::default() };
    let api = router(host().await, settings);
    let anonymous =
        async |line: &str| send(api.clone(), request(line).body(Body::empty()).unwrap()).await;
    let ping = anonymous("GET /api/v2.0/ping").await;
    assert_eq!((ping.status, ping.body.as_str()), (200, "Pong"));
    assert_eq!(ping.headers["content-type"], "text/plain");
    let version = anonymous("GET /api/version").await;
    assert_eq!((version.status, version.body.as_str()), (200, "{\"version\":\"v2.0\"}\n"));
    let health: Value =
        serde_json::from_str(&anonymous("GET /api/v2.0/health").await.body).unwrap();
    let component = |name: &str| json!({"name": name, "status": "healthy"});
    let components = ["core", "database", "jobservice"].map(component);
    assert_eq!(health, json!({"status": "healthy", "components": components}));

    let info: Value =
        serde_json::from_str(&anonymous("GET /api/v2.0/systeminfo").await.body).unwrap();
    let expected = json!({"auth_mode": "db_auth", "primary_auth_mode": false,
        "self_registration": false, "banner_message": "", "oidc_provider_name": ""});
    assert_eq!(info, expected, "anonymous");
    let known: Value =
        serde_json::from_str(&as_admin(&api, "GET /api/v2.0/systeminfo").await.body).unwrap();
    for member in [
        "has_ca_root",
        "project_creation_restriction",
        "harbor_version",
        "external_url",
        "registry_url",
        "read_only",
        "registry_storage_provider_name",
        "notification_enable",
        "current_time",
        "auth_mode",
        "oidc_provider_name",
    ] {
        assert!(keys(&known).contains(&member), "authenticated: {member} of {known}");
    }
    assert_eq!(known["registry_url"], "chart.example.com:8443", "external_url without scheme");
    let version = known["harbor_version"].as_str().unwrap();
    assert!(version.starts_with("v2.16.0-"), "vX.Y.Z-<commit>: {version}");

    let volumes: Value =
        serde_json::from_str(&as_admin(&api, "GET /api/v2.0/systeminfo/volumes").await.body)
            .unwrap();
    let volume = &volumes["storage"][0];
    assert!(
        volume["total"].as_u64() >= volume["free"].as_u64() && volume["total"] != 0,
        "{volumes}"
    );
    let none = client(0).await.json("GET /api/v2.0/systeminfo/volumes").await;
    assert_eq!(none, json!({"storage": [{"total": 0, "free": 0}]}), "a host in memory");
    let certificate = anonymous("GET /api/v2.0/systeminfo/getcert").await;
    assert_eq!(certificate.status, 404, "{}", certificate.body);
}

#[tokio::test]
async fn who_is_logged_in() {
    let api = router(host().await, ApiSettings::default());
    let seen: Value =
        serde_json::from_str(&as_admin(&api, "GET /api/v2.0/users/current").await.body).unwrap();
    let rows = [
        ("user_id", json!(1)),
        ("username", json!("admin")),
        ("email", Value::Null),
        ("realname", json!("admin")),
        ("comment", Value::Null),
        ("sysadmin_flag", json!(true)),
        ("admin_role_in_auth", json!(false)),
    ];
    for (member, expected) in rows {
        assert_eq!(seen[member], expected, "{member}");
    }
    for member in ["creation_time", "update_time"] {
        assert!(seen[member].as_str().unwrap() > "2026", "{member}: {seen}");
    }
    let permissions: Value =
        serde_json::from_str(&as_admin(&api, "GET /api/v2.0/permissions").await.body).unwrap();
    assert_eq!(permissions["system"][0], json!({"resource": "registry", "action": "list"}));
    assert_eq!(permissions["project"], Value::Null);
    let statistics = as_admin(&api, "GET /api/v2.0/statistics").await;
    let expected = json!({"private_project_count": 0, "private_repo_count": 0,
        "public_project_count": 0, "public_repo_count": 0, "total_project_count": 0,
        "total_repo_count": 0, "total_storage_consumption": 0});
    assert_eq!(serde_json::from_str::<Value>(&statistics.body).unwrap(), expected);
}

#[tokio::test]
async fn configurations() {
    let client = client(0).await;
    let shown = client.json("GET /api/v2.0/configurations").await;
    assert!(shown.as_object().unwrap().len() > 50, "{shown}");
    let rows = [
        ("auth_mode", json!({"value": "db_auth", "editable": false})),
        ("read_only", json!({"value": false, "editable": false})),
        ("ldap_timeout", json!({"value": 0, "editable": false})),
        ("robot_name_prefix", json!({"value": "robot$", "editable": false})),
    ];
    for (name, expected) in rows {
        assert_eq!(shown[name], expected, "{name}");
    }
    let put = "PUT /api/v2.0/configurations";
    client
        .rows(&[
            ("as it is", put, json!({"auth_mode": "db_auth", "read_only": false}), 200, ""),
            ("nothing", put, json!({}), 200, ""),
            ("null is absent", put, json!({"auth_mode": null}), 200, ""),
            ("unknown names are ignored", put, json!({"flavour": 1}), 200, ""),
            (
                "a change",
                put,
                json!({"read_only": true}),
                403,
                "`read_only` cannot be changed here",
            ),
            ("no map", put, json!([]), 422, "parsing configurations body"),
        ])
        .await;
}

#[tokio::test]
async fn schedules() {
    let client = client(2).await;
    let cron = |cron: &str| json!({"type": "scheduled", "trigger_settings": {"cron": cron}});
    for (name, more) in [
        ("manual", json!({"enabled": true})),
        ("disabled", json!({"trigger": cron("0 0 1 * * *")})),
        ("nightly", json!({"enabled": true, "trigger": cron("0 0 2 * * *")})),
        ("events", json!({"enabled": true, "trigger": {"type": "event_based"}})),
        ("hourly", json!({"enabled": true, "trigger": cron("0 0 * * * *")})),
    ] {
        client.created(POLICIES, &policy(name, more)).await;
    }
    let seen = client.ask("GET /api/v2.0/schedules").await;
    assert_eq!(seen.headers["x-total-count"], "2");
    let list: Value = serde_json::from_str(&seen.body).unwrap();
    for (row, (id, cron)) in [(3, "0 0 2 * * *"), (5, "0 0 * * * *")].into_iter().enumerate() {
        let policy = client.json(&format!("GET {POLICIES}/{id}")).await;
        let expected = json!({"id": id, "vendor_type": "REPLICATION", "vendor_id": id,
            "cron": cron, "update_time": policy["update_time"]});
        assert_eq!(list[row], expected);
    }
    let none = Value::Null;
    let rows: [Row; 3] = [
        (
            "never paused",
            "GET /api/v2.0/schedules/all/paused",
            none.clone(),
            200,
            "{\"paused\":false}",
        ),
        (
            "in any case",
            "GET /api/v2.0/schedules/ALL/paused",
            none.clone(),
            200,
            "{\"paused\":false}",
        ),
        ("no other", "GET /api/v2.0/schedules/REPLICATION/paused", none, 400, "BAD_REQUEST"),
    ];
    client.rows(&rows).await;
}

/// What a Harbor asks in order of use (4.5), so that Portolan can be registered there.
#[tokio::test]
async fn what_another_harbor_asks() {
    let client = client(0).await;
    let none = Value::Null;
    let new = "POST /api/v2.0/projects";
    let query = "q=name%3D%7B'a'%20'b'%7D&with_detail=false";
    let project = json!({"project_name": "library", "metadata": {"public": "true"}});
    let rows: [Row; 13] = [
        ("the version", "GET /api/version", none.clone(), 200, "v2.0"),
        ("a login that is good", "GET /v2/", none.clone(), 200, "{}"),
        ("nothing below", "GET /v2/_catalog", none.clone(), 404, "NOT_FOUND"),
        ("labels", "GET /api/v2.0/labels?scope=g", none.clone(), 200, "[]\n"),
        ("labels of a project", "GET /api/v2.0/labels?scope=p", none.clone(), 400, "BAD_REQUEST"),
        ("labels of nothing", "GET /api/v2.0/labels", none.clone(), 400, "invalid scope"),
        ("projects", "GET /api/v2.0/projects?page=1&page_size=1", none.clone(), 200, "[]\n"),
        ("a project by name", "GET /api/v2.0/projects?name=library", none.clone(), 200, "[]\n"),
        ("projects by name", &format!("GET /api/v2.0/projects?{query}"), none.clone(), 200, "[]\n"),
        ("is there one", "HEAD /api/v2.0/projects?project_name=library", none.clone(), 404, ""),
        ("a new one, taken for there", new, project, 409, "CONFLICT"),
        ("a new one without a name", new, json!({}), 400, "BAD_REQUEST"),
        ("mountable", "GET /api/v2.0/repositories?q=blob_digest%3Dsha256:0", none, 200, "[]\n"),
    ];
    client.rows(&rows).await;
    let api = router(host().await, ApiSettings::default());
    let challenge = send(api.clone(), request("GET /v2/").body(Body::empty()).unwrap()).await;
    assert_eq!(challenge.status, 401);
    assert_eq!(challenge.headers["www-authenticate"], "Basic realm=\"portolan\"");
    assert_eq!(challenge.headers["docker-distribution-api-version"], "registry/2.0");
    assert!(challenge.body.contains("\"UNAUTHORIZED\""), "{}", challenge.body);
    assert_eq!(as_admin(&api, "GET /v2/").await.status, 200);
    let list = send(api, request("GET /api/v2.0/projects").body(Body::empty()).unwrap()).await;
    assert_eq!((list.status, &list.headers["x-total-count"]), (200, &"0".parse().unwrap()));
    assert_eq!(client.ask(&format!("GET {REGISTRIES}")).await.body, "[]\n");
}
