//! 2.1 to 2.3, 2.6 and 2.8 as far as no registry has to answer: a refused limit is told before it
//! is asked. Addresses and bundles have their tables in `portolan_core::endpoint`.

use serde_json::{Value, json};

use super::{REGISTRIES, Row, client, with};

#[tokio::test]
async fn limits_and_names() {
    let client = client(0).await;
    let new = format!("POST {REGISTRIES}");
    let but = |more: Value| with(json!({"name": "n", "type": "none", "url": "h"}), more);
    let key = |key: String| but(json!({"credential": {"access_key": key, "access_secret": "s"}}));
    let unknown = "none";
    let rows: [Row; 11] = [
        ("2.1 name of 64 bytes", &new, but(json!({"name": "x".repeat(64)})), 400, unknown),
        (
            "2.1 name of 65 bytes",
            &new,
            but(json!({"name": "x".repeat(65)})),
            400,
            "name of an endpoint",
        ),
        (
            "2.1 name of 65 bytes",
            &new,
            but(json!({"name": "é".repeat(33)})),
            400,
            "name of an endpoint",
        ),
        (
            "2.1 url of 257 bytes",
            &new,
            but(json!({"url": format!("http://h/{}", "a".repeat(248))})),
            400,
            "longer than 256",
        ),
        ("2.1 key of 4096 bytes", &new, key("k".repeat(4096)), 400, unknown),
        ("2.1 a key file", &new, key("k".repeat(20_000)), 400, unknown),
        ("2.1 key without end", &new, key("k".repeat(70_000)), 400, "longer than 65536"),
        ("2.2 any character", &new, but(json!({"name": "Foo bar / é"})), 400, unknown),
        ("2.2 unknown type", &new, but(json!({"type": "quay"})), 400, "quay"),
        ("2.2 no type", &new, but(json!({"type": ""})), 400, "BAD_REQUEST"),
        ("2.6 blank CA is none", &new, but(json!({"ca_certificate": " \r\n"})), 400, unknown),
    ];
    client.rows(&rows).await;
}

#[tokio::test]
async fn addresses_that_are_none() {
    let client = client(0).await;
    let bad = [
        "",
        " ",
        "/",
        "http://127.0.0.%31/",
        "http://127.0.0.%31:8080/",
        "ftp://h",
        "unix:///x",
        "http://h:port",
        "http://h/%zz",
        "//h",
        "http://",
        "http:///p",
    ];
    let lines = [format!("POST {REGISTRIES}"), format!("POST {REGISTRIES}/ping")];
    for url in bad {
        for line in &lines {
            let body = json!({"name": "n", "type": "none", "url": url});
            let seen = client.send(line, &body).await;
            assert_eq!(seen.status, 400, "2.3 `{url}` {line}: {}", seen.body);
            assert!(seen.body.contains("is not an endpoint address"), "2.3 `{url}`: {}", seen.body);
        }
    }
}

#[tokio::test]
async fn local_that_nothing_plays() {
    let client = client(1).await;
    let local = client.json(&format!("GET {REGISTRIES}/0")).await;
    let rows = [
        ("id", json!(0)),
        ("name", json!("Local")),
        ("type", json!("harbor")),
        ("status", json!("unhealthy")),
        ("credential", json!({"type": "secret", "access_secret": "*****"})),
        ("creation_time", json!("0001-01-01T00:00:00.000Z")),
        ("update_time", json!("0001-01-01T00:00:00.000Z")),
    ];
    for (property, expected) in rows {
        assert_eq!(local[property], expected, "2.8 {property}");
    }
    let none = Value::Null;
    let missing = "local registry is configured";
    let zero = format!("{REGISTRIES}/0");
    let rows: [Row; 4] = [
        ("2.8 not in lists", &format!("GET {REGISTRIES}?q=id%3D0"), none.clone(), 200, "[]"),
        ("2.8 not updated", &format!("PUT {zero}"), json!({"name": "x"}), 404, "NOT_FOUND"),
        ("2.8 pinged by id", &format!("POST {REGISTRIES}/ping"), json!({"id": 0}), 400, missing),
        ("2.8 info", &format!("GET {zero}/info"), none, 412, "local"),
    ];
    client.rows(&rows).await;
}
