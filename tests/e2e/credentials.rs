//! Credentials that are read where they are kept: what the settings allow, what is used, and what
//! is never shown.

use std::path::Path;

use e2e::{
    api::{REGISTRIES, create_registry, refused, registry, replicate},
    daemon::Daemon,
    http::Client,
};
use portolan_testregistry::{Registry, layer};
use serde_json::{Value, json};

/// A daemon with these settings.
async fn daemon(data: &Path, settings: &str) -> Daemon {
    let path = data.join("settings.toml");
    std::fs::write(&path, settings).unwrap();
    Daemon::start(&data.join("data"), &["--config", path.to_str().unwrap()]).await
}

/// A registry for `bob` with one image.
async fn bobs(password: &str) -> Registry {
    let registry = Registry::builder().basic("bob", password).start().await.unwrap();
    registry.put_image("lib/app", "v1", &[layer(1, 10_000)]);
    registry
}

fn sourced(url: &str, key: Option<&str>, source: &Value) -> Value {
    let mut body = registry("docker-registry", "sourced", url, None);
    if let Some(key) = key {
        body["credential"] = json!({"type": "basic", "access_key": key});
    }
    body["credential_source"] = source.clone();
    body
}

async fn copies(client: &Client, from: i64, to: i64, namespace: &str) -> Value {
    replicate(client, from, to, json!({"dest_namespace": namespace})).await.execution
}

#[tokio::test]
async fn a_file_is_read_whenever_it_is_needed() {
    let data = tempfile::tempdir().unwrap();
    let secrets = data.path().join("secrets");
    std::fs::create_dir(&secrets).unwrap();
    let (path, odd) = (secrets.join("bob"), secrets.join("odd"));
    std::fs::write(&path, "first-word\n").unwrap();
    std::fs::write(&odd, "another-word").unwrap();
    let source = bobs("first-word").await;
    // Relative paths start at the settings file.
    let entry = format!("files = [{{ path = \"secrets\", hosts = [{:?}] }}]", source.url());
    let daemon = daemon(data.path(), &format!("[credential_sources]\n{entry}\n")).await;
    let client = daemon.admin();
    let in_file = |path: &Path| json!({"kind": "file", "path": path});
    let wrong = sourced(&source.url(), Some("bob"), &in_file(&odd));
    assert!(refused(&client, &wrong).await.contains("does not accept the credentials"));
    // Another server, of whoever may write an endpoint, is sent nothing.
    let listener = bobs("first-word").await;
    let leak = sourced(&listener.url(), Some("bob"), &in_file(&path));
    let message = refused(&client, &leak).await;
    assert!(message.contains("may not be sent to") && message.contains("`hosts`"), "{message}");
    assert!(listener.requests().is_empty(), "it was asked");
    let id = create_registry(&client, &sourced(&source.url(), Some("bob"), &in_file(&path))).await;
    let shown = client.get(&format!("{REGISTRIES}/{id}")).await.json();
    assert_eq!(shown["credential_source"], in_file(&path));
    assert_eq!(shown["credential"], json!({"type": "basic", "access_key": "bob"}));
    let plain = Registry::builder().start().await.unwrap();
    let to = registry("docker-registry", "plain", &plain.url(), None);
    let to = create_registry(&client, &to).await;
    assert_eq!(copies(&client, id, to, "one").await["status"], "Succeed");

    // The file changes; nobody tells the daemon.
    std::fs::write(&path, "second-word\n").unwrap();
    assert_eq!(copies(&client, id, to, "two").await["status"], "Failed");
    std::fs::write(&path, "first-word\n").unwrap();
    assert_eq!(copies(&client, id, to, "three").await["status"], "Succeed");
    assert!(plain.tag("three/app", "v1").is_some() && plain.tag("two/app", "v1").is_none());

    // A stored secret takes its place, and gives it back.
    let change = json!({"access_secret": "first-word"});
    let put = async |change: &Value| client.put(&format!("{REGISTRIES}/{id}"), change).await;
    assert_eq!(put(&change).await.status, 200);
    let shown = client.get(&format!("{REGISTRIES}/{id}")).await.json();
    assert_eq!(shown.get("credential_source"), None);
    assert_eq!(put(&json!({"credential_source": in_file(&path)})).await.status, 200);
    let both = json!({"credential_source": in_file(&path), "access_secret": "x"});
    assert_eq!(put(&both).await.status, 400);
    let log = format!("{:?}", daemon.log());
    assert!(!log.contains("-word"), "{log}");
}

#[tokio::test]
async fn a_helper_gives_user_and_password() {
    let data = tempfile::tempdir().unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("e2e/credentials");
    let source = bobs("helped-word").await;
    let entry = |name: &str| {
        let path = folder.join(format!("docker-credential-{name}"));
        format!("{{ path = {path:?}, hosts = [{:?}] }}", source.url())
    };
    let entries = format!("[{}, {}]", entry("bob"), entry("alice"));
    let settings = format!("[credential_sources]\nhelpers = {entries}\n");
    let daemon = daemon(data.path(), &settings).await;
    let client = daemon.admin();
    let helper = |name: &str| json!({"kind": "exec", "helper": name});
    let absent = refused(&client, &sourced(&source.url(), None, &helper("alice"))).await;
    assert!(absent.contains("docker-credential-alice cannot be run"), "{absent}");
    let id = create_registry(&client, &sourced(&source.url(), None, &helper("bob"))).await;
    let plain = Registry::builder().start().await.unwrap();
    let to = registry("docker-registry", "plain", &plain.url(), None);
    let to = create_registry(&client, &to).await;
    assert_eq!(copies(&client, id, to, "one").await["status"], "Succeed");
    let shown = client.get(REGISTRIES).await.text();
    assert!(shown.contains("\"helper\":\"bob\"") && !shown.contains("-word"), "{shown}");
    let log = format!("{:?}", daemon.log());
    assert!(!log.contains("helped-word"), "{log}");
}

#[tokio::test]
async fn the_api_cannot_read_or_run_what_the_settings_do_not_allow() {
    let data = tempfile::tempdir().unwrap();
    let daemon = daemon(data.path(), "").await;
    let client = daemon.admin();
    let file = |path: &str| json!({"kind": "file", "path": path});
    let web = json!({"kind": "aws-web-identity", "role_arn": "arn:aws:iam::1:role/x",
        "token_file": "/run/token"});
    for (source, why) in [
        (file("/etc/hostname"), "to `files` under [credential_sources]"),
        (file("relative"), "not an absolute path"),
        (json!({"kind": "exec", "helper": "bob"}), "to `helpers` under [credential_sources]"),
        (json!({"kind": "exec", "helper": "../../bin/sh"}), "no name of a helper"),
        (json!({"kind": "aws-instance"}), "to `aws` under [credential_sources]"),
        (web, "to `aws` under [credential_sources]"),
    ] {
        let body = sourced("http://127.0.0.1:1", Some("bob"), &source);
        let message = refused(&client, &body).await;
        assert!(message.contains(why), "{message}");
        let ping = client.post(&format!("{REGISTRIES}/ping"), &body).await;
        assert_eq!(ping.status, 400, "{}", ping.text());
    }
    let no_key = sourced("http://127.0.0.1:1", None, &file("/etc/hostname"));
    assert!(refused(&client, &no_key).await.contains("needs an access ID"));
}
