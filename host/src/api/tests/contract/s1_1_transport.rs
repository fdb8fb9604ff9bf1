//! 1.1: the order in which a request meets the layers. Not reachable: the read-only mode, which
//! is not here; several writes of one call, of which no route has any.

use axum::body::Body;

use crate::api::tests::{api, request, send};

#[tokio::test]
async fn order_of_the_layers() {
    let json = "application/json";
    let rows = [
        ("slashes are merged", "GET //api///v2.0/ping", json, "", 200, "Pong"),
        (
            "outside of v2.0, without a login",
            "GET /api/version",
            json,
            "",
            200,
            "{\"version\":\"v2.0\"}\n",
        ),
        ("routes come first", "GET /api/v2.0/nothing?page=x", json, "{", 404, "NOT_FOUND"),
        ("parameters are bound", "GET /api/v2.0/registries?page=x", json, "", 422, "page in query"),
        ("the body is bound", "POST /api/v2.0/registries", json, "{", 422, "parsing registry body"),
        ("only then who it is", "POST /api/v2.0/registries", json, "{}", 401, "unauthorized"),
        ("and then what it means", "GET /api/v2.0/registries?q=,", json, "", 401, "unauthorized"),
    ];
    let api = api().await;
    for (label, line, kind, body, status, text) in rows {
        let request = request(line).header("content-type", kind).body(Body::from(body));
        let seen = send(api.clone(), request.unwrap()).await;
        assert_eq!(seen.status, status, "{label}: {}", seen.body);
        assert!(seen.body.contains(text), "{label}: {}", seen.body);
    }
}

/// Harbor protects its own session cookie; there is none of that name here.
#[tokio::test]
async fn the_cookie_sid_asks_for_no_second_proof() {
    let request = request("PUT /api/v2.0/replication/executions/1").header("cookie", "sid=x");
    let seen = send(api().await, request.body(Body::empty()).unwrap()).await;
    assert_eq!(seen.status, 401, "{}", seen.body);
}
