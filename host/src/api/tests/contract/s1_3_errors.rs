//! 1.3: the body of an error, and what the framework itself refuses. Not reachable: 500, which no
//! request of a client makes here (`respond` shows its text); `DENIED`, the codes of manifests,
//! foreign keys and project policies, which belong to parts of Harbor that are not here. 429 is
//! in `accounts`.

use axum::body::Body;
use serde_json::{Value, json};

use super::{POLICIES, REGISTRIES, RUNS, client_with_policy};
use crate::api::tests::{Caller, api, request, send};

const JSON: &str = "application/json";

#[tokio::test]
async fn codes_and_their_statuses() {
    let client = client_with_policy(json!({})).await;
    let none = Value::Null;
    let long = json!({"name": "x".repeat(1 << 20)});
    let one = format!("{REGISTRIES}/1");
    let taken = super::policy("p", json!({}));
    client
        .rows(&[
            ("400", &format!("GET {REGISTRIES}?q=,"), none.clone(), 400, "\"BAD_REQUEST\""),
            ("404", &format!("GET {REGISTRIES}/9"), none.clone(), 404, "\"NOT_FOUND\""),
            ("405", &format!("DELETE {REGISTRIES}"), none.clone(), 405, "\"METHOD_NOT_ALLOWED\""),
            ("409", &format!("POST {POLICIES}"), taken, 409, "\"CONFLICT\""),
            ("412", &format!("DELETE {one}"), none.clone(), 412, "\"PRECONDITION\""),
            ("413", &format!("PUT {one}"), long, 413, "\"REQUEST_ENTITY_TOO_LARGE\""),
            ("422", &format!("GET {REGISTRIES}/x"), none, 422, "\"UNPROCESSABLE_ENTITY\""),
        ])
        .await;
}

/// Each as somebody anonymous sends it: no row depends on a login.
#[tokio::test]
async fn framework_errors() {
    let bound = "422 UNPROCESSABLE_ENTITY validation failure list:\\n";
    let ping = format!("GET {REGISTRIES}/ping");
    let list = format!("GET {REGISTRIES}");
    let new = format!("POST {REGISTRIES}");
    let rows: [(&str, &str, &str, &str, &str, &str); 36] = [
        (
            "page_size",
            &format!("{list}?page_size=101"),
            "",
            "",
            bound,
            "page_size in query should be less than or equal to 100",
        ),
        (
            "page_size",
            &format!("{list}?page_size=x"),
            "",
            "",
            bound,
            "page_size in query must be of type int64",
        ),
        ("page", &format!("{list}?page=1.5"), "", "", bound, "page in query"),
        ("policy_id", &format!("GET {RUNS}?policy_id=x"), "", "", bound, "policy_id in query"),
        (
            "page_size of runs",
            &format!("GET {RUNS}?page_size=101"),
            "",
            "",
            bound,
            "page_size in query",
        ),
        (
            "page_size of tasks",
            &format!("GET {RUNS}/1/tasks?page_size=101"),
            "",
            "",
            bound,
            "page_size in query",
        ),
        (
            "page_size of policies",
            &format!("GET {POLICIES}?page_size=101"),
            "",
            "",
            bound,
            "page_size in query",
        ),
        (
            "id of a registry",
            &format!("{list}/abc"),
            "",
            "",
            bound,
            "id in path must be of type int64: \\\"abc\\\"",
        ),
        ("id of a registry", &ping, "", "", bound, "int64: \\\"ping\\\""),
        ("id of a policy", &format!("GET {POLICIES}/1.0"), "", "", bound, "id in path"),
        ("id of a run", &format!("PUT {RUNS}/x"), "", "", bound, "id in path"),
        ("id of a task", &format!("GET {RUNS}/1/tasks/x/log"), "", "", bound, "task_id in path"),
        ("no body", &new, "", "", bound, "registry in body is required"),
        ("no body", &format!("PUT {REGISTRIES}/1"), "", "", bound, "registry in body is required"),
        ("no body", &format!("{new}/ping"), "", "", bound, "registry in body is required"),
        ("no body", &format!("POST {POLICIES}"), "", "", bound, "policy in body is required"),
        ("no body", &format!("PUT {POLICIES}/1"), "", "", bound, "policy in body is required"),
        ("no body", &format!("POST {RUNS}"), "", "", bound, "execution in body is required"),
        ("no body", "POST /api/v2.0/projects", "", "", bound, "project in body is required"),
        (
            "no body",
            "PUT /api/v2.0/configurations",
            "",
            "",
            bound,
            "configurations in body is required",
        ),
        ("syntax", &new, JSON, "{", bound, "parsing registry body from \\\"\\\" failed, because "),
        ("wrong type", &new, JSON, "{\"insecure\":\"yes\"}", bound, "parsing registry body"),
        ("wrong type", &new, JSON, "[]", bound, "parsing registry body"),
        (
            "wrong type",
            &format!("POST {RUNS}"),
            JSON,
            "{\"policy_id\":1.5}",
            bound,
            "parsing execution body",
        ),
        ("no time", &new, JSON, "{\"creation_time\":\"yesterday\"}", bound, "no date-time"),
        (
            "content type",
            &new,
            "application/x-www-form-urlencoded",
            "name=a",
            bound,
            "unsupported media type",
        ),
        ("content type", &new, "", "{}", bound, "only [application/json] are allowed"),
        (
            "accept",
            "GET /api/v2.0/ping",
            "accept application/json",
            "",
            bound,
            "only [text/plain] are available",
        ),
        (
            "accept",
            &format!("GET {RUNS}/1/tasks/1/log"),
            "accept application/json",
            "",
            bound,
            "only [text/plain]",
        ),
        (
            "accept",
            "GET /api/v2.0/health",
            "accept text/plain",
            "",
            bound,
            "only [application/json] are available",
        ),
        (
            "unknown path",
            "GET /api/v2.0/nothing%20here",
            "",
            "",
            "404 NOT_FOUND ",
            "path /api/v2.0/nothing%20here was not found",
        ),
        ("unknown path", "GET /nothing", "", "", "404 NOT_FOUND ", "path /nothing was not found"),
        (
            "no such route",
            &format!("GET {RUNS}/1/tasks/1"),
            "",
            "",
            "404 NOT_FOUND ",
            "tasks/1 was not found",
        ),
        (
            "wrong method",
            "PATCH /api/v2.0/ping",
            "",
            "",
            "405 METHOD_NOT_ALLOWED ",
            "PATCH is not allowed",
        ),
        (
            "wrong method",
            &format!("POST {REGISTRIES}/1"),
            "",
            "",
            "405 METHOD_NOT_ALLOWED ",
            "GET,HEAD,PUT,DELETE",
        ),
        (
            "wrong method",
            &format!("DELETE {RUNS}/1"),
            "",
            "",
            "405 METHOD_NOT_ALLOWED ",
            "DELETE is not allowed",
        ),
    ];
    let api = api().await;
    for (label, line, kind, body, start, text) in rows {
        let mut request = request(line);
        if let Some(accept) = kind.strip_prefix("accept ") {
            request = request.header("accept", accept);
        } else if !kind.is_empty() {
            request = request.header("content-type", kind);
        }
        let seen = send(api.clone(), request.body(Body::from(body)).unwrap()).await;
        let (status, rest) = start.split_once(' ').unwrap();
        let (code, message) = rest.split_once(' ').unwrap();
        assert_eq!(seen.status.to_string(), status, "{label}: {line}: {}", seen.body);
        let start = format!("{{\"errors\":[{{\"code\":\"{code}\",\"message\":\"{message}");
        assert!(seen.body.starts_with(&start), "{label}: {line}: {}", seen.body);
        assert!(seen.body.contains(text), "{label}: {line}: {}", seen.body);
        assert!(seen.body.ends_with("\"}]}\n"), "{label}: {line}: {}", seen.body);
        assert_eq!(seen.headers["content-type"], "application/json; charset=utf-8", "{label}");
        assert!(!seen.headers.contains_key("allow"), "{label}: {line}");
    }
}

#[tokio::test]
async fn what_the_framework_takes() {
    let rows = [
        ("no accept", "GET /api/v2.0/health", "", 200),
        ("any", "GET /api/v2.0/health", "*/*", 200),
        ("any text", "GET /api/v2.0/ping", "text/*", 200),
        ("one of several", "GET /api/v2.0/health", "text/html, application/json;q=0.1", 200),
        ("a certificate", "GET /api/v2.0/systeminfo/getcert", "application/octet-stream", 404),
    ];
    for (label, line, accept, status) in rows {
        let mut request = request(line);
        if !accept.is_empty() {
            request = request.header("accept", accept);
        }
        let mut request = request.body(Body::empty()).unwrap();
        request.extensions_mut().insert(Caller::Owner);
        assert_eq!(send(api().await, request).await.status, status, "{label}");
    }
}
