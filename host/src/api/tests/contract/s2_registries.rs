//! 2.3 to 2.10 before a registry that answers. That another certificate is trusted with a CA, and
//! none without (2.6), is shown by `net/tests/trust`; periodic checks (2.9) by their own tests.

use portolan_core::endpoint::{Credentials, EndpointSpec};
use portolan_testregistry::{Kind, Registry};
use serde_json::{Value, json};

use super::{Client, REGISTRIES, Row, live, registry, spec, with};
use crate::api::{ApiSettings, router};

async fn guarded() -> (Client, Registry) {
    let remote = Registry::builder().basic("k", "s").start().await.unwrap();
    let client = live().await;
    let login = json!({"credential": {"type": "", "access_key": "k", "access_secret": "s"}});
    client.created(REGISTRIES, &with(registry("a", &remote), login)).await;
    (client, remote)
}

async fn shown(client: &Client) -> Value {
    client.json(&format!("GET {REGISTRIES}/1")).await
}

#[tokio::test]
async fn addresses_are_stored_normalised() {
    let remote = Registry::builder().start().await.unwrap();
    let client = live().await;
    let host = remote.host();
    let rows = [
        ("slashes", format!("http://{host}///"), format!("http://{host}")),
        ("blanks", format!(" http://{host} "), format!("http://{host}")),
        ("scheme added", host.clone(), format!("http://{host}")),
        ("scheme in small letters", format!("HTTP://{host}/"), format!("http://{host}")),
        ("user info dropped", format!("http://u:p@{host}"), format!("http://{host}")),
        ("query and fragment dropped", format!("http://{host}?q=1#f"), format!("http://{host}")),
    ];
    for (number, (label, given, expected)) in rows.into_iter().enumerate() {
        let body = json!({"name": format!("n{number}"), "type": "docker-registry", "url": given});
        let path = client.created(REGISTRIES, &body).await;
        let stored = client.json(&format!("GET {path}")).await;
        assert_eq!(stored["url"], json!(expected), "2.3 {label}");
        client.done(&format!("PUT {path}"), json!({"url": given})).await;
        assert_eq!(
            client.json(&format!("GET {path}")).await["url"],
            json!(expected),
            "2.3 {label}"
        );
    }
}

#[tokio::test]
async fn credentials_of_a_new_registry() {
    let remote = Registry::builder().start().await.unwrap();
    let client = live().await;
    let login = |kind: &str, secret: bool| {
        let login = json!({"type": kind, "access_key": "k"});
        if secret { with(login, json!({"access_secret": "*****"})) } else { login }
    };
    let rows = [
        ("no credential", json!({}), json!({})),
        ("terraform's", json!({"type": "basic"}), json!({})),
        ("a secret without its key", json!({"access_secret": "s"}), json!({})),
        (
            "an empty key",
            json!({"access_key": "", "access_secret": "s", "type": "oauth"}),
            json!({}),
        ),
        ("a key alone", json!({"access_key": "k"}), login("basic", false)),
        ("both", json!({"access_key": "k", "access_secret": "s"}), login("basic", true)),
        (
            "a type",
            json!({"access_key": "k", "access_secret": "s", "type": "oauth"}),
            login("oauth", true),
        ),
        (
            "any type",
            json!({"access_key": "k", "access_secret": "s", "type": "odd"}),
            login("odd", true),
        ),
    ];
    for (number, (label, given, expected)) in rows.into_iter().enumerate() {
        let mut body = registry(&format!("n{number}"), &remote);
        body["credential"] = given;
        let path = client.created(REGISTRIES, &body).await;
        assert_eq!(
            client.json(&format!("GET {path}")).await["credential"],
            expected,
            "2.4 {label}"
        );
    }
}

#[tokio::test]
async fn put_merges() {
    let (client, remote) = guarded().await;
    let put = format!("PUT {REGISTRIES}/1");
    let login = json!({"type": "basic", "access_key": "k", "access_secret": "*****"});
    let elsewhere = Registry::builder().start().await.unwrap();
    let same = format!("{}/", remote.url());
    let before = shown(&client).await;
    let kept: [(&str, Value); 6] = [
        ("absent is kept", json!({})),
        ("null is kept", json!({"name": null, "access_key": null, "access_secret": null})),
        ("a description", json!({"description": "d"})),
        ("the same url is no change", json!({"url": same})),
        ("the type cannot be changed", json!({"type": "harbor"})),
        ("there is no credential object", json!({"credential": {"access_key": "x"}})),
    ];
    for (label, change) in kept {
        client.done(&put, change).await;
        let now = shown(&client).await;
        assert_eq!((&now["credential"], &now["type"]), (&login, &before["type"]), "2.4 {label}");
    }
    let refused: [(&str, Value); 3] = [
        ("five asterisks are taken at their word", json!({"access_secret": "*****"})),
        ("an empty secret", json!({"access_secret": ""})),
        ("a wrong secret", json!({"access_secret": "x"})),
    ];
    for (label, change) in refused {
        let seen = client.send(&put, &change).await;
        assert_eq!(seen.status, 400, "2.4 {label}: {}", seen.body);
        assert_eq!(shown(&client).await["credential"], login, "2.4 {label}");
    }
    client.done(&put, json!({"url": elsewhere.url()})).await;
    let wiped = json!({"type": "basic", "access_key": "k"});
    assert_eq!(shown(&client).await["credential"], wiped, "2.4 a new url wipes the secret");
    client.done(&put, json!({"url": remote.url(), "access_secret": "s"})).await;
    assert_eq!(shown(&client).await["credential"], login, "2.4 unless one comes with it");
    client.done(&put, json!({"access_key": ""})).await;
    assert_eq!(shown(&client).await["credential"], json!({}), "2.4 an empty key removes all");
    assert!(shown(&client).await["update_time"].as_str() > before["update_time"].as_str());
}

#[tokio::test]
async fn ping_by_id() {
    let (client, _remote) = guarded().await;
    let ping = format!("POST {REGISTRIES}/ping");
    let by = |more: Value| with(json!({"id": 1}), more);
    let before = shown(&client).await;
    let rows: [Row; 9] = [
        ("stored", &ping, by(json!({})), 200, ""),
        ("url is ignored", &ping, by(json!({"url": "http://127.0.0.1:1"})), 200, ""),
        ("url is not validated", &ping, by(json!({"url": "ftp://h"})), 200, ""),
        ("insecure is ignored", &ping, by(json!({"insecure": true})), 200, ""),
        ("CA is not validated", &ping, by(json!({"ca_certificate": "x"})), 200, ""),
        ("secret overrides", &ping, by(json!({"access_secret": "x"})), 400, "unhealthy"),
        ("key overrides", &ping, by(json!({"access_key": "x"})), 400, "unhealthy"),
        ("type overrides", &ping, by(json!({"type": "none"})), 400, "none"),
        ("credential_type overrides", &ping, by(json!({"credential_type": "oauth"})), 200, ""),
    ];
    client.rows(&rows).await;
    assert_eq!(shown(&client).await, before, "2.5 nothing is stored");
}

#[tokio::test]
async fn bundles() {
    let (client, _remote) = guarded().await;
    let put = format!("PUT {REGISTRIES}/1");
    let one = "-----BEGIN CERTIFICATE-----\nMAYwADAAAwA=\n-----END CERTIFICATE-----";
    let key = one.replace("CERTIFICATE", "PRIVATE KEY");
    let taken = [
        ("one", one.to_owned(), json!(one)),
        ("a chain", format!("{one}\n{one}"), json!(format!("{one}\n{one}"))),
        ("trimmed", format!("\n {one}\n\n"), json!(one)),
        ("CRLF", one.replace('\n', "\r\n"), json!(one)),
        ("other blocks are passed over", format!("{key}\n{one}"), json!(format!("{key}\n{one}"))),
        ("blank is none", " \n".to_owned(), Value::Null),
        ("again", one.to_owned(), json!(one)),
        ("empty removes it", String::new(), Value::Null),
    ];
    for (label, given, expected) in taken {
        // The registry speaks no TLS: which certificates it would be trusted with is not asked.
        client.done(&put, json!({"ca_certificate": given})).await;
        let shown = shown(&client).await;
        assert_eq!(shown.get("ca_certificate").unwrap_or(&Value::Null), &expected, "2.6 {label}");
    }
    for (label, given) in [
        ("no certificate", "x".to_owned()),
        ("only another block", key),
        ("one that is none", one.replace("MAYwADAAAwA=", "AAAA")),
        ("one of several", format!("{one}\n{}", one.replace("MAYwADAAAwA=", "AAAA"))),
    ] {
        let seen = client.send(&put, &json!({"ca_certificate": given})).await;
        assert_eq!(seen.status, 400, "2.6 {label}: {}", seen.body);
    }
}

#[tokio::test]
async fn health_of_a_registry() {
    let client = live().await;
    let ping = format!("POST {REGISTRIES}/ping");
    let remote = Registry::builder().basic("k", "s").start().await.unwrap();
    let body = json!({"type": "docker-registry", "url": remote.url()});
    let with_login = with(body.clone(), json!({"access_key": "k", "access_secret": "s"}));
    for (label, answer, anonymous, logged_in) in [
        ("2xx and 401 without a login", None, 200, 200),
        ("403", Some(403), 200, 400),
        ("400", Some(400), 400, 400),
        ("404", Some(404), 400, 400),
        ("500", Some(500), 400, 400),
    ] {
        remote.faults().clear();
        if let Some(status) = answer {
            remote.faults().status_always(Kind::Ping, status);
        }
        for (body, expected) in [(&body, anonymous), (&with_login, logged_in)] {
            let seen = client.send(&ping, body).await;
            assert_eq!(seen.status, expected, "2.10 {label}: {body}: {}", seen.body);
        }
    }
}

/// 2.8 with `[local]` in the configuration.
#[tokio::test]
async fn local_that_a_registry_plays() {
    let remote = Registry::builder().start().await.unwrap();
    let mut bundled = bundled_plugins::ALL.iter();
    let adapter = bundled.find(|one| one.provider == "docker-registry").unwrap();
    let local = EndpointSpec {
        provider: "docker-registry".to_owned(),
        url: remote.url().parse().unwrap(),
        ..spec("Local")
    };
    let builder = crate::HostBuilder::in_memory().adapter(adapter.bytes);
    let host = builder.local(local, Credentials::default()).build().await.unwrap();
    let client = Client(router(host, ApiSettings::default()));
    let shown = client.json(&format!("GET {REGISTRIES}/0")).await;
    assert_eq!((&shown["status"], &shown["url"]), (&json!("healthy"), &json!(remote.url())));
    assert_eq!(shown["credential"], json!({"type": "secret", "access_secret": "*****"}));
    client.done(&format!("POST {REGISTRIES}/ping"), json!({"id": 0})).await;
    let info = client.json(&format!("GET {REGISTRIES}/0/info")).await;
    assert_eq!(info["supported_triggers"], json!(["manual", "scheduled", "event_based"]));
}
