//! 1.10: the operations on registries, with every answer they have.

use portolan_testregistry::{Kind, Registry};
use serde_json::{Value, json};

use super::{POLICIES, REGISTRIES, Row, live, policy, registry, with};

const CA: &str = "-----BEGIN CERTIFICATE-----\nMAYwADAAAwA=\n-----END CERTIFICATE-----";

/// Failures of a create in the order they are checked: each row mends what the row before was
/// refused for.
#[tokio::test]
async fn create() {
    let remote = Registry::builder().basic("k", "s").start().await.unwrap();
    let client = live().await;
    let new = format!("POST {REGISTRIES}");
    let url = remote.url();
    let login = |secret: &str| json!({"access_key": "k", "access_secret": secret});
    let good = with(registry("a", &remote), json!({"credential": login("s")}));
    let but = |more: Value| with(good.clone(), more);
    let all = json!({"ca_certificate": "x", "name": "", "url": "ftp://h", "type": "none"});
    let bad = "\"BAD_REQUEST\"";
    let rows: [Row; 13] = [
        ("1 body invalid", &new, json!([]), 422, "UNPROCESSABLE_ENTITY"),
        ("3 CA", &new, but(all.clone()), 400, "CA certificate"),
        (
            "4 name empty",
            &new,
            but(with(all.clone(), json!({"ca_certificate": CA}))),
            400,
            "name of an endpoint",
        ),
        ("4 name too long", &new, but(json!({"name": "é".repeat(33)})), 400, "name of an endpoint"),
        (
            "5 url",
            &new,
            but(json!({"url": "ftp://h", "type": "none"})),
            400,
            "neither http nor https",
        ),
        ("5 url empty", &new, but(json!({"url": " / "})), 400, "it is empty"),
        ("6 unknown type is a 400 here", &new, but(json!({"type": "none"})), 400, bad),
        ("8 unreachable", &new, but(json!({"url": "http://127.0.0.1:1"})), 400, "is unhealthy"),
        ("8 wrong password", &new, but(json!({"credential": login("x")})), 400, "is unhealthy"),
        ("201", &new, good.clone(), 201, ""),
        ("8 comes before 9", &new, but(json!({"credential": login("x")})), 400, "is unhealthy"),
        ("9 name taken", &new, good.clone(), 409, "\"CONFLICT\""),
        ("names are case-sensitive", &new, but(json!({"name": "A"})), 201, ""),
    ];
    client.rows(&rows).await;
    assert!(client.ask(&format!("GET {REGISTRIES}")).await.body.contains(&url));
}

#[tokio::test]
async fn read_update_delete() {
    let remote = Registry::builder().start().await.unwrap();
    let client = live().await;
    for name in ["a", "b"] {
        client.created(REGISTRIES, &registry(name, &remote)).await;
    }
    client.created(POLICIES, &policy("push", json!({"src_registry": {"id": 0}}))).await;
    let none = Value::Null;
    let (one, two) = (format!("{REGISTRIES}/1"), format!("{REGISTRIES}/2"));
    let put = |path: &str| format!("PUT {path}");
    let rows: [Row; 24] = [
        ("get", &format!("GET {one}"), none.clone(), 200, "\"name\":\"a\""),
        ("get 0", &format!("GET {REGISTRIES}/0"), none.clone(), 200, "\"name\":\"Local\""),
        ("get unknown", &format!("GET {REGISTRIES}/9"), none.clone(), 404, "NOT_FOUND"),
        ("get negative", &format!("GET {REGISTRIES}/-1"), none.clone(), 404, "NOT_FOUND"),
        ("put description", &put(&one), json!({"description": "d"}), 200, ""),
        ("put 0", &put(&format!("{REGISTRIES}/0")), json!({"url": "ftp://x"}), 404, "NOT_FOUND"),
        ("put unknown", &put(&format!("{REGISTRIES}/9")), json!({}), 404, "NOT_FOUND"),
        ("put CA", &put(&one), json!({"ca_certificate": "x"}), 400, "CA certificate"),
        ("put name", &put(&one), json!({"name": ""}), 400, "name of an endpoint"),
        ("put url", &put(&one), json!({"url": "ftp://h"}), 400, "neither http"),
        ("put unhealthy", &put(&one), json!({"url": "http://127.0.0.1:1"}), 400, "is unhealthy"),
        ("put name taken", &put(&one), json!({"name": "b"}), 409, "CONFLICT"),
        ("put what it has no properties for", &put(&one), json!({"type": "x", "id": 9}), 200, ""),
        ("put nothing", &put(&one), json!({}), 200, ""),
        ("info", &format!("GET {one}/info"), none.clone(), 200, "supported_triggers"),
        ("info of unknown", &format!("GET {REGISTRIES}/9/info"), none.clone(), 404, "NOT_FOUND"),
        ("delete, destination", &format!("DELETE {two}"), none.clone(), 412, "PRECONDITION"),
        (
            "delete 0, source",
            &format!("DELETE {REGISTRIES}/0"),
            none.clone(),
            412,
            "`Local` is used by a policy (id 1)",
        ),
        ("policy goes first", &format!("DELETE {POLICIES}/1"), none.clone(), 200, ""),
        ("delete 0", &format!("DELETE {REGISTRIES}/0"), none.clone(), 404, "NOT_FOUND"),
        ("delete", &format!("DELETE {two}"), none.clone(), 200, ""),
        ("deleted", &format!("GET {two}"), none.clone(), 404, "NOT_FOUND"),
        ("delete again", &format!("DELETE {two}"), none.clone(), 404, "NOT_FOUND"),
        ("the list has the rest", &format!("GET {REGISTRIES}"), none.clone(), 200, "[{\"id\":1,"),
    ];
    client.rows(&rows).await;
    // Whatever is changed, the registry is asked.
    remote.faults().status_always(Kind::Ping, 400);
    let down = client.send(&put(&one), &json!({"description": "e"})).await;
    assert_eq!(down.status, 400, "{}", down.body);
    assert_eq!(client.json(&format!("GET {one}")).await["description"], "d");
}

#[tokio::test]
async fn ping() {
    let remote = Registry::builder().start().await.unwrap();
    let client = live().await;
    client.created(REGISTRIES, &registry("a", &remote)).await;
    let ping = format!("POST {REGISTRIES}/ping");
    let given = |more: Value| with(json!({"type": "docker-registry", "url": remote.url()}), more);
    let rows: [Row; 10] = [
        ("healthy", &ping, given(json!({})), 200, ""),
        ("type empty", &ping, given(json!({"type": ""})), 400, "type of the registry"),
        ("type absent", &ping, json!({"url": remote.url()}), 400, "type of the registry"),
        ("url empty", &ping, json!({"type": "docker-registry"}), 400, "endpoint address"),
        ("url invalid", &ping, given(json!({"url": "ftp://h"})), 400, "endpoint address"),
        ("CA invalid", &ping, given(json!({"ca_certificate": "x"})), 400, "CA certificate"),
        ("unhealthy", &ping, given(json!({"url": "http://127.0.0.1:1"})), 400, "is unhealthy"),
        ("unknown type is a 400 here", &ping, given(json!({"type": "none"})), 400, "BAD_REQUEST"),
        ("unknown id", &ping, json!({"id": 99}), 404, "NOT_FOUND"),
        ("by id", &ping, json!({"id": 1}), 200, ""),
    ];
    client.rows(&rows).await;
}
