//! Endpoints over the API: what Test Connection tells apart, and what is never shown.

use e2e::{
    daemon::Daemon,
    debian::{DockerRegistry, Mode, PASSWORD, USER},
    http::Client,
    tls::{Certificate, Front},
};
use portolan_testregistry::Registry;
use serde_json::{Value, json};

const REGISTRIES: &str = "/api/v2.0/registries";

fn registry(name: &str, url: &str, password: Option<&str>, ca: Option<&str>) -> Value {
    let mut body = json!({"name": name, "type": "docker-registry", "url": url});
    if let Some(password) = password {
        body["credential"] =
            json!({"type": "basic", "access_key": USER, "access_secret": password});
    }
    if let Some(ca) = ca {
        body["ca_certificate"] = json!(ca);
    }
    body
}

/// The sentence of a 400.
async fn refused(client: &Client, body: &Value) -> String {
    let answer = client.post(REGISTRIES, body).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    let error = &answer.json()["errors"][0];
    assert_eq!(error["code"], "BAD_REQUEST");
    error["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn test_connection_tells_failures_apart() {
    let data = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(data.path(), &[]).await;
    let client = daemon.admin();
    let (certificate, stranger) = (Certificate::new(), Certificate::new());
    let mode = Mode { htpasswd: true, tls: Some(&certificate), ..Mode::default() };
    let Some(target) = DockerRegistry::start(mode).await else { return };
    let ca = Some(certificate.pem.as_str());
    let wrong_password = refused(&client, &registry("a", target.url(), Some("wrong"), ca)).await;
    let wrong_ca = Some(stranger.pem.as_str());
    let wrong_ca = refused(&client, &registry("b", target.url(), Some(PASSWORD), wrong_ca)).await;
    let closed = refused(&client, &registry("c", "http://127.0.0.1:1", None, None)).await;
    let elsewhere = format!("{}/elsewhere", daemon.url());
    let not_a_registry = refused(&client, &registry("d", &elsewhere, None, None)).await;
    let expected = [
        (&wrong_password, "does not accept the credentials"),
        (&wrong_ca, "certificate"),
        (&closed, "refused"),
        (&not_a_registry, "registry"),
    ];
    for (message, word) in expected {
        assert!(message.to_lowercase().contains(word), "{word}: {message}");
        assert!(!message.contains("wrong\""), "{message}");
    }
    let all = [&wrong_password, &wrong_ca, &closed, &not_a_registry];
    for (number, one) in all.iter().enumerate() {
        for other in all.iter().skip(number + 1) {
            assert_ne!(one, other);
        }
    }
    let good = client.post(REGISTRIES, &registry("e", target.url(), Some(PASSWORD), ca)).await;
    assert_eq!(good.status, 201, "{}", good.text());
    let ping = client.post("/api/v2.0/registries/ping", &json!({"id": good.created_id()})).await;
    assert_eq!(ping.status, 200, "{}", ping.text());
}

#[tokio::test]
async fn a_pinned_certificate_needs_no_name_and_nothing_else_is_trusted() {
    let data = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(data.path(), &[]).await;
    let certificate = Certificate::for_names(&[]);
    let inside = Registry::builder().start().await.unwrap();
    let front = Front::start(&inside, &certificate).await;
    let client = daemon.admin();
    let message = refused(&client, &registry("a", &front.url(), None, None)).await;
    assert!(message.contains("certificate"), "{message}");
    let pinned = registry("a", &front.url(), None, Some(&certificate.pem));
    assert_eq!(client.post(REGISTRIES, &pinned).await.status, 201);
    let mut insecure = registry("b", &front.url(), None, None);
    insecure["insecure"] = json!(true);
    assert_eq!(client.post(REGISTRIES, &insecure).await.status, 201);
}

#[tokio::test]
async fn a_secret_is_masked_and_stands_nowhere_in_clear() {
    const SECRET: &str = "s3cret-of-the-deep-sea-42";
    let data = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(data.path(), &[]).await;
    let client = daemon.admin();
    let target = Registry::builder()
        .bearer(USER, SECRET, std::time::Duration::from_secs(300))
        .start()
        .await
        .unwrap();
    let body = registry("deep", &target.url(), Some(SECRET), None);
    let id = client.post(REGISTRIES, &body).await.created_id();
    let shown = client.get(&format!("{REGISTRIES}/{id}")).await;
    assert_eq!(shown.json()["credential"]["access_secret"], "*****");
    assert_eq!(shown.json()["credential"]["access_key"], USER);
    let wrong = registry("deep-2", &target.url(), Some("wr0ng-of-the-deep-sea-43"), None);
    let message = refused(&client, &wrong).await;
    let log = daemon.log().join("\n");
    drop(daemon);
    let mut places = vec![("log".to_owned(), log.into_bytes()), ("answer".into(), message.into())];
    places.push(("shown".into(), shown.body.to_vec()));
    files(data.path(), &mut places);
    assert!(places.iter().any(|(name, _)| name.ends_with(".redb")), "the database was searched");
    for secret in [SECRET, "wr0ng-of-the-deep-sea-43"] {
        for form in forms(secret) {
            for (name, bytes) in &places {
                let found = bytes.windows(form.len()).any(|window| window == form.as_bytes());
                assert!(!found, "{form} stands in {name}");
            }
        }
    }
}

/// Raw, and the three base64 alignments without their edges, and as Basic sends it.
fn forms(secret: &str) -> Vec<String> {
    use base64::{Engine as _, prelude::BASE64_STANDARD_NO_PAD};
    let mut forms = vec![secret.to_owned()];
    for shift in 0..3 {
        let padded = format!("{}{secret}", "x".repeat(shift));
        let encoded = BASE64_STANDARD_NO_PAD.encode(padded);
        forms.push(encoded[4..encoded.len() - 4].to_owned());
    }
    forms
}

fn files(folder: &std::path::Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if let Ok(bytes) = std::fs::read(&path) {
            found.push((path.display().to_string(), bytes));
        }
    }
}

#[tokio::test]
async fn an_endpoint_in_use_stays_also_under_a_thousand_races() {
    let data = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(data.path(), &[]).await;
    let client = daemon.admin();
    let target = Registry::builder().start().await.unwrap();
    let from = client.post(REGISTRIES, &registry("from", &target.url(), None, None)).await;
    let from = from.created_id();
    let (mut kept, mut deleted) = (0, 0);
    // Ten at a time: a client's sockets are no part of what is shown.
    for round in 0..100 {
        let races = (0..10).map(|n| race(&client, &target, from, round * 10 + n));
        for won in futures_util::future::join_all(races).await {
            if won { kept += 1 } else { deleted += 1 }
        }
    }
    assert_eq!(kept + deleted, 1_000);
    let policies = client.get("/api/v2.0/replication/policies?page_size=0").await.json();
    assert_eq!(policies.as_array().unwrap().len(), kept, "a policy for each that won");
}

/// Creates a policy for an endpoint and deletes the endpoint at the same moment. Exactly one of
/// the two succeeds; true where it was the policy.
async fn race(client: &Client, target: &Registry, from: i64, number: i32) -> bool {
    let name = format!("to-{number}");
    let to = client.post(REGISTRIES, &registry(&name, &target.url(), None, None)).await;
    let to = to.created_id();
    let policy = json!({"name": name, "src_registry": {"id": from}, "dest_registry": {"id": to}});
    let path = format!("{REGISTRIES}/{to}");
    let (made, gone) =
        tokio::join!(client.post("/api/v2.0/replication/policies", &policy), client.delete(&path));
    match (made.status, gone.status) {
        (201, 412) => true,
        (404, 200) => false,
        other => panic!("{other:?}: {} {}", made.text(), gone.text()),
    }
}

/// Settings are held against the adapter's schema wherever they come in.
#[tokio::test]
async fn settings_that_do_not_fit_are_refused_by_property_and_rule() {
    let data = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(data.path(), &[]).await;
    let client = daemon.admin();
    let source = Registry::builder().start().await.unwrap();
    let with = |settings: Value| {
        let mut body = registry("a", &source.url(), None, None);
        body["settings"] = settings;
        body
    };
    let cases = [
        (json!({"upload": "pigeon"}), "`/upload`: value must be one of"),
        (json!({"max_chunk_bytes": 1000}), "`/max_chunk_bytes`: must be >=1048576"),
        (json!({"mount": "yes"}), "`/mount`: want boolean"),
        (json!({"uplaod": "chunked"}), "'uplaod' not allowed"),
    ];
    let id = client.post(REGISTRIES, &with(json!({"upload": "chunked"}))).await.created_id();
    let before = source.total_requests();
    for (settings, expected) in cases {
        let message = refused(&client, &with(settings.clone())).await;
        assert!(message.contains(expected) && message.contains("`docker-registry`"), "{message}");
        let change = json!({"settings": settings.clone()});
        let put = client.put(&format!("{REGISTRIES}/{id}"), &change).await;
        let ping = client.post(&format!("{REGISTRIES}/ping"), &with(settings)).await;
        for answer in [put, ping] {
            assert_eq!(answer.status, 400, "{}", answer.text());
            assert!(answer.text().contains(expected), "{}", answer.text());
        }
    }
    assert_eq!(source.total_requests(), before, "nothing is asked of the registry");
    let kept = client.get(&format!("{REGISTRIES}/{id}")).await.json();
    assert_eq!(kept["settings"], json!({"upload": "chunked"}));
}
