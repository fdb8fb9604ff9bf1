//! The provider `docker-hub`: the Hub's API played here, its registry and token service by the test
//! registry, all three under their real names.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use e2e::{
    api::{create_registry, refused, registry, replicate},
    cloud::{Answer, Cloud, Seen, answer, header, query},
    daemon::Daemon,
};
use portolan_testregistry::{Registry, layer};
use serde_json::{Value, json};

const HUB: &str = "https://hub.docker.com";
const USER: &str = "alice";
const TOKEN: &str = "dckr_pat_Secret-1";

/// The Hub with the organisation `acme` of `alice`, and repositories one to a page.
struct Hub {
    cloud: Cloud,
    registry: Arc<Registry>,
}

impl Hub {
    async fn start() -> Self {
        let names = ["hub.docker.com", "auth.docker.io", "registry-1.docker.io"];
        let cloud = Cloud::start(&names).await;
        let registry = Registry::builder()
            .name("registry.docker.io")
            .realm("https://auth.docker.io/token")
            .bearer(USER, TOKEN, Duration::from_secs(300))
            .anonymous_pull()
            .catalog(false);
        let registry = Arc::new(registry.start().await.unwrap());
        registry.set_public_url("https://registry-1.docker.io");
        cloud.lead("registry-1.docker.io", registry.address());
        cloud.lead("auth.docker.io", registry.address());
        let content = Arc::clone(&registry);
        cloud.play("hub.docker.com", move |seen| hub(&content, seen));
        Self { cloud, registry }
    }

    fn endpoint(&self, name: &str, login: Option<(&str, &str)>) -> Value {
        self.cloud.registry("docker-hub", name, HUB, login)
    }
}

/// What the Hub answers: its documented paths, and 401 to a session that it did not give.
fn hub(registry: &Registry, seen: &Seen) -> Answer {
    let path = seen.uri().path().trim_end_matches('/').to_owned();
    let session = header(seen, "authorization");
    if !matches!(session, "" | "Bearer session-1") {
        return answer(401, &json!({"detail": "Authentication credentials were not valid"}));
    }
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match (seen.method().as_str(), parts.as_slice()) {
        ("POST", ["v2", "auth", "token"]) => {
            let body: Value = serde_json::from_slice(seen.body()).unwrap_or_default();
            if body == json!({"identifier": USER, "secret": TOKEN}) {
                answer(200, &json!({"access_token": "session-1"}))
            } else {
                answer(401, &json!({"detail": "Incorrect authentication credentials"}))
            }
        }
        ("GET", ["v2", "repositories", "namespaces"]) if !session.is_empty() => {
            answer(200, &json!({"namespaces": ["acme", USER]}))
        }
        // Made before the push: one that a push makes would be public.
        ("POST", ["v2", "namespaces", "acme", "repositories"]) if !session.is_empty() => {
            let body: Value = serde_json::from_slice(seen.body()).unwrap_or_default();
            assert_eq!((&body["name"], &body["is_private"]), (&json!("app"), &json!(true)));
            answer(201, &body)
        }
        ("GET", ["v2", "repositories", namespace]) => {
            let mine = |name: String| {
                let (owner, name) = name.split_once('/')?;
                let row = || json!({"namespace": owner, "name": name, "repository_type": "image"});
                (owner == *namespace).then(row)
            };
            let names: BTreeSet<String> =
                registry.tags().into_iter().map(|(name, _)| name).collect();
            one_page(seen, names.into_iter().filter_map(mine).collect())
        }
        ("GET", ["v2", "repositories", namespace, name, "tags"]) => {
            let full = format!("{namespace}/{name}");
            let row = |(repository, tag): (String, String)| {
                let digest = registry.tag(&repository, &tag)?.to_string();
                (repository == full).then(|| json!({"name": tag, "digest": digest}))
            };
            one_page(seen, registry.tags().into_iter().filter_map(row).collect())
        }
        _ => answer(404, &json!({"message": "object not found"})),
    }
}

/// One row a page, whatever size was asked for.
fn one_page(seen: &Seen, rows: Vec<Value>) -> Answer {
    let page: usize = query(seen).get("page").and_then(|page| page.parse().ok()).unwrap_or(1);
    let next = (page < rows.len()).then(|| format!("{HUB}{}?page={}", seen.uri().path(), page + 1));
    let results: Vec<_> = rows.iter().skip(page - 1).take(1).collect();
    answer(200, &json!({"count": rows.len(), "next": next, "previous": null, "results": results}))
}

#[tokio::test]
async fn from_and_to_the_hub() {
    let data = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(data.path(), &[]).await;
    let client = daemon.admin();
    let hub = Hub::start().await;
    let shared = layer(1, 50_000);
    for (number, name) in ["acme/a", "acme/b", "acme/c", "alice/own"].into_iter().enumerate() {
        for tag in ["v1", "v2", "v3"] {
            let own = layer(10 + number as u64, 1_000);
            hub.registry.put_image(name, tag, &[shared.clone(), own]);
        }
    }
    hub.registry.put_image("library/alpine", "3", &[layer(99, 2_000)]);

    let message = refused(&client, &hub.endpoint("wrong", Some((USER, "bad")))).await;
    assert!(message.contains("refused the credentials of `alice`"), "{message}");
    assert!(message.contains("access token") && !message.contains(TOKEN), "{message}");

    let plain = Registry::builder().start().await.unwrap();
    let body = registry("docker-registry", "plain", &plain.url(), None);
    let to = create_registry(&client, &body).await;
    let from = create_registry(&client, &hub.endpoint("hub", Some((USER, TOKEN)))).await;
    let ended = replicate(&client, from, to, json!({})).await;
    assert_eq!(ended.execution["status"], "Succeed", "{ended:#?}");
    assert_eq!(ended.execution["total"], 4, "three pages of acme's, one of alice's");
    assert_eq!(plain.tags().len(), 12);

    // Without an account: what a rule names, and official images by their short name.
    let anonymous = create_registry(&client, &hub.endpoint("anonymous", None)).await;
    let named = json!({"filters": [{"type": "name", "value": "library/alpine"}]});
    let ended = replicate(&client, anonymous, to, named).await;
    assert_eq!(ended.execution["status"], "Succeed", "{ended:#?}");
    assert_eq!(plain.tag("library/alpine", "3"), hub.registry.tag("library/alpine", "3"));
    let below = json!({"filters": [{"type": "name", "value": "library/**"}]});
    let ended = replicate(&client, anonymous, to, below).await;
    assert_eq!(
        (&ended.execution["status"], &ended.execution["total"]),
        (&json!("Succeed"), &json!(1))
    );
    let ended = replicate(&client, anonymous, to, json!({})).await;
    assert_eq!(ended.execution["status"], "Failed", "{ended:#?}");
    let why = ended.execution["status_text"].as_str().unwrap();
    assert!(why.contains("name the repositories in the rule"), "{why}");
    plain.verify_all().unwrap();

    // To the Hub: into an own namespace, flattened; a foreign one is refused before a byte.
    let source = Registry::builder().start().await.unwrap();
    source.put_image("deep/down/app", "v9", &[shared, layer(50, 3_000)]);
    let body = registry("docker-registry", "source", &source.url(), None);
    let source_id = create_registry(&client, &body).await;
    let into =
        |namespace: &str| json!({"dest_namespace": namespace, "dest_namespace_replace_count": -1});
    let ended = replicate(&client, source_id, from, into("acme")).await;
    assert_eq!(ended.execution["status"], "Succeed", "{ended:#?}");
    assert_eq!(hub.registry.tag("acme/app", "v9"), source.tag("deep/down/app", "v9"));
    let ended = replicate(&client, source_id, from, into("other")).await;
    assert_eq!(ended.execution["status"], "Failed", "{ended:#?}");
    assert!(ended.logs[0].contains("may not write to the namespace `other`"), "{ended:#?}");
    hub.registry.verify_all().unwrap();

    assert!(daemon.log().iter().all(|line| !line.contains(TOKEN)));
    let asked = hub.cloud.requests();
    let known = ["hub.docker.com ", "auth.docker.io ", "registry-1.docker.io "];
    assert!(asked.iter().all(|line| known.iter().any(|name| line.starts_with(name))), "{asked:?}");
}
