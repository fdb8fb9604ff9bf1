//! The provider `azure-acr` through the daemon, against a double of its service; Microsoft's own
//! client holds the double to its word where it is installed.

mod double;

use std::collections::HashSet;

use double::{Acr, HOST, PRINCIPAL, REFRESH, SCOPED};
use e2e::{
    api::{REGISTRIES, create_registry, refused, registry, replicate},
    cloud::Cloud,
    daemon::Daemon,
    harbor::{Harbor, PASSWORD},
    oracles,
    poll::{PATIENCE, eventually},
};
use portolan_testregistry::{Child, Registry, layer};
use serde_json::{Value, json};

const URL: &str = "https://contoso.azurecr.io";
const NAMES: [&str; 2] = ["*.azurecr.io", "*.blob.core.windows.net"];

/// Six images in five repositories, one with five tags: three pages of each at least.
fn fill(registry: &Registry) {
    for (number, name) in ["base", "team/app", "team/deep/er", "web", "x"].into_iter().enumerate() {
        registry.put_image(name, "v0", &[layer(number as u64, 20_000), layer(99, 50_000)]);
    }
    for tag in ["v1", "v2", "v3", "v4"] {
        registry.put_image("team/app", tag, &[layer(99, 50_000)]);
    }
    let digest = registry.put_platform_image("x", None, "linux/arm64", &[layer(7, 9_000)]);
    let child = Child { digest, platform: "linux/arm64".to_owned() };
    registry.put_index("x", Some("multi"), &[child]);
}

fn same(one: &Registry, other: &Registry) {
    assert_eq!(one.tags(), other.tags());
    for (name, tag) in one.tags() {
        assert_eq!(one.tag(&name, &tag), other.tag(&name, &tag));
    }
    one.verify_all().unwrap();
    other.verify_all().unwrap();
}

#[tokio::test]
async fn images_are_listed_pulled_and_pushed() {
    let cloud = Cloud::start(&NAMES).await;
    let acr = Acr::play(&cloud).await;
    let data = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(data.path(), &[]).await;
    let client = daemon.admin();

    let wrong = cloud.registry("azure-acr", "wrong", URL, Some((PRINCIPAL.0, "wr0ng-secret")));
    let message = refused(&client, &wrong).await;
    for words in ["does not accept the credentials", PRINCIPAL.0, "may have expired"] {
        assert!(message.contains(words), "{words}: {message}");
    }
    let azure = cloud.registry("azure-acr", "azure", URL, Some(PRINCIPAL));
    let azure = create_registry(&client, &azure).await;
    let info = client.get(&format!("{REGISTRIES}/{azure}/info")).await.json();
    assert_eq!(info["supported_copy_by_chunk"], true, "{info}");
    let plain = Registry::builder().start().await.unwrap();
    let plain_id = registry("docker-registry", "plain", &plain.url(), None);
    let plain_id = create_registry(&client, &plain_id).await;

    fill(acr.inner());
    let ended = replicate(&client, azure, plain_id, json!({})).await;
    assert_eq!(ended.execution["status"], "Succeed", "{ended:#?}");
    assert_eq!(ended.execution["total"], 5);
    same(acr.inner(), &plain);
    let asked = cloud.requests();
    for path in ["/v2/_catalog?", "/acr/v1/team/app/_tags?"] {
        let pages = asked.iter().filter(|line| line.contains(path)).count();
        assert!(pages >= 3, "{path}: {asked:#?}");
    }
    // However often it was asked: a token for each set of scopes, and one for each Test Connection.
    let tokens: Vec<_> = asked.iter().filter(|line| line.contains("&scope=")).collect();
    let distinct: HashSet<_> = tokens.iter().collect();
    assert_eq!(tokens.len(), distinct.len(), "{tokens:#?}");

    // A layer of three chunks, and no request that is larger than one.
    acr.expire_tokens();
    let large = Registry::builder().start().await.unwrap();
    large.put_image("big/one", "v1", &[layer(5, 9 << 20), layer(99, 50_000)]);
    let large_id = registry("docker-registry", "large", &large.url(), None);
    let large_id = create_registry(&client, &large_id).await;
    let ended = replicate(&client, large_id, azure, json!({})).await;
    assert_eq!(ended.execution["status"], "Succeed", "{ended:#?}");
    assert_eq!(acr.inner().tag("big/one", "v1"), large.tag("big/one", "v1"));
    acr.inner().verify_all().unwrap();
    let requests = acr.inner().requests();
    let patches = requests.iter().filter(|it| it.method == "PATCH" && it.received >= 1 << 20);
    assert_eq!(patches.count(), 3);
    assert!(requests.iter().all(|it| it.received <= 4 << 20));

    let log = daemon.log().join("\n");
    let shown = client.get(REGISTRIES).await.text();
    for secret in [PRINCIPAL.1, "wr0ng-secret"] {
        for text in [&log, &shown, &message, &asked.join("\n"), &ended.logs.join("\n")] {
            assert!(!text.contains(secret));
        }
    }
}

/// Pulling anonymously is a switch of the whole registry: what was public is private there, and that
/// is said.
#[tokio::test]
async fn an_image_stays_private() {
    let cloud = Cloud::start(&NAMES).await;
    let acr = Acr::play(&cloud).await;
    let data = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(data.path(), &[]).await;
    let client = daemon.admin();
    let azure = cloud.registry("azure-acr", "azure", URL, Some(PRINCIPAL));
    let azure = create_registry(&client, &azure).await;
    let harbor = Harbor::start().await;
    let source = registry("harbor", "source", &harbor.url(), Some(("admin", PASSWORD)));
    let source = create_registry(&client, &source).await;
    let told = || daemon.log().iter().filter(|line| line.contains("stays private")).count();
    for (number, (project, public, lines)) in
        [("closed", false, 0), ("open", true, 1)].into_iter().enumerate()
    {
        harbor.add_project(project, public);
        let repository = format!("{project}/app");
        let digest = harbor.registry().put_image(&repository, "v1", &[layer(number as u64, 2_000)]);
        let only = json!({"filters": [{"type": "name", "value": format!("{project}/**")}]});
        let ended = replicate(&client, source, azure, only).await;
        assert_eq!(ended.execution["status"], "Succeed", "{ended:#?}");
        assert_eq!(acr.inner().tag(&repository, "v1"), Some(digest));
        eventually(PATIENCE, "the log tells what stays private", async || {
            if told() == lines { Ok(()) } else { Err(daemon.log()) }
        })
        .await;
    }
}

#[tokio::test]
async fn other_credentials_do_what_they_may() {
    let cloud = Cloud::start(&NAMES).await;
    let acr = Acr::play(&cloud).await;
    fill(acr.inner());
    let data = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(data.path(), &[]).await;
    let client = daemon.admin();
    let plain = Registry::builder().start().await.unwrap();
    let to = create_registry(&client, &registry("docker-registry", "to", &plain.url(), None)).await;

    // A token of some repositories: healthy, no catalog, and told so; named ones go.
    let scoped = cloud.registry("azure-acr", "scoped", URL, Some(SCOPED));
    let scoped = create_registry(&client, &scoped).await;
    let ended = replicate(&client, scoped, to, json!({})).await;
    assert_eq!(ended.execution["status"], "Failed", "{ended:#?}");
    let why = ended.execution["status_text"].as_str().unwrap();
    assert!(why.contains("name the repositories in the rule"), "{why}");
    let named = json!({"filters": [{"type": "name", "value": "team/app"}]});
    let ended = replicate(&client, scoped, to, named).await;
    assert_eq!(ended.execution["status"], "Succeed", "{ended:#?}");
    assert_eq!(plain.tags().len(), 5);

    // A refresh token, in a body to the registry's own token service.
    let expired = cloud.registry("azure-acr", "expired", URL, Some((REFRESH.0, "e30.e30.0ld")));
    let message = refused(&client, &expired).await;
    assert!(message.contains("does not accept the credentials"), "{message}");
    let refresh = cloud.registry("azure-acr", "refresh", URL, Some(REFRESH));
    let refresh = create_registry(&client, &refresh).await;
    let ended = replicate(&client, refresh, to, json!({})).await;
    assert_eq!(ended.execution["status"], "Succeed", "{ended:#?}");
    same(acr.inner(), &plain);

    // A firewall is not taken for a wrong password.
    let text = r#"{"errors":[{"code":"DENIED","message":"client with IP '203.0.113.9' is not allowed access. Refer https://aka.ms/acr/firewall to grant access."}]}"#;
    cloud.play("walled.azurecr.io", move |_| {
        e2e::cloud::with(403, &[("content-type", "application/json")], text)
    });
    let walled =
        cloud.registry("azure-acr", "walled", "https://walled.azurecr.io", Some(PRINCIPAL));
    let message = refused(&client, &walled).await;
    assert!(message.contains("203.0.113.9") && message.contains("networking"), "{message}");
    let log = daemon.log().join("\n");
    assert!(!log.contains(SCOPED.1) && !log.contains(REFRESH.1));
}

/// What Microsoft's client reads and writes through the double is what the registry holds.
#[tokio::test]
async fn microsofts_client_takes_the_double_for_its_service() {
    let Some(python) = oracles::program("python") else { return };
    let cloud = Cloud::start(&NAMES).await;
    let acr = Acr::play(&cloud).await;
    fill(acr.inner());
    let folder = tempfile::tempdir().unwrap();
    let (ca, blob) = (folder.path().join("ca.pem"), folder.path().join("blob"));
    let ways = cloud.registry("azure-acr", "", URL, None);
    std::fs::write(&ca, ways["ca_certificate"].as_str().unwrap()).unwrap();
    std::fs::write(&blob, layer(3, 9 << 20)).unwrap();
    let mut command = tokio::process::Command::new(python);
    command.arg("-B").arg(concat!(env!("CARGO_MANIFEST_DIR"), "/oracles/acr.py"));
    command.arg(HOST).arg(ways["proxy"].as_str().unwrap()).arg(&ca).arg(&blob);
    let output = command.output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let seen: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(seen["repositories"], json!(["base", "team/app", "team/deep/er", "web", "x"]));
    let digest = |tag| acr.inner().tag("team/app", tag).unwrap().to_string();
    let tags: Vec<_> =
        ["v0", "v1", "v2", "v3", "v4"].into_iter().map(|tag| json!([tag, digest(tag)])).collect();
    assert_eq!(seen["tags"], json!(tags));
    assert_eq!(seen["pushed"], json!(acr.inner().tag("from/sdk", "v1").unwrap().to_string()));
    assert_eq!(seen["manifest"], json!(digest("v1")));
    acr.inner().verify_all().unwrap();
}
