//! The providers `artifact-hub` and `helm-hub` through the daemon's API, against doubles of the
//! sites and of the hosts where charts lie.

use std::sync::Arc;

use e2e::{
    api::{Ended, create_registry, refused, registry, replicate},
    cloud::{self, Answer, Cloud, Seen},
    daemon::Daemon,
    http::Client,
};
use portolan_testregistry::Registry;
use serde_json::{Value, json};

/// What Helm 4.2.3 made of a chart, and pushed to Docker's registry.
const OLD: &[u8] = include_bytes!("../../../host/src/replication/chart/helm/old.tgz");
const OLD_CONFIG: &str = include_str!("../../../host/src/replication/chart/helm/old.config.json");
const OLD_MANIFEST: &str =
    include_str!("../../../host/src/replication/chart/helm/old.manifest.json");
const HUB: &str = "https://artifacthub.io";

/// 130 packages on three pages; `acme/old` lies in a repository, `acme/web` in a registry.
fn hub(seen: &Seen) -> Answer {
    let (id, secret) =
        (cloud::header(seen, "x-api-key-id"), cloud::header(seen, "x-api-key-secret"));
    if !id.is_empty() && (id, secret) != ("key-id", "key-s3cret") {
        return cloud::answer(401, &json!({"message": "unauthorized"}));
    }
    let version = |url: &str| {
        json!({"available_versions": [{"version": "0.1.0", "ts": 1_714_979_289}], "version": "0.1.0",
            "ts": 1_714_979_289, "content_url": url})
    };
    match seen.uri().path() {
        "/api/v1/stats" => cloud::answer(200, &json!({"packages": {"total": 130}})),
        "/api/v1/users/profile" if id.is_empty() => {
            cloud::answer(401, &json!({"message": "unauthorized"}))
        }
        "/api/v1/users/profile" => cloud::answer(200, &json!({"alias": "jdoe"})),
        "/api/v1/packages/search" => search(&cloud::query(seen)),
        "/api/v1/packages/helm/acme/old" | "/api/v1/packages/helm/acme/old/0.1.0" => {
            cloud::answer(200, &version("https://charts.acme.test/Files/old-0.1.0.tgz"))
        }
        "/api/v1/packages/helm/acme/web" | "/api/v1/packages/helm/acme/web/0.1.0" => {
            cloud::answer(200, &version("oci://ghcr.io/acme/charts/web:0.1.0"))
        }
        _ => cloud::answer(404, &json!({"message": "not found"})),
    }
}

fn search(query: &std::collections::HashMap<String, String>) -> Answer {
    let number = |name: &str| query.get(name).and_then(|text| text.parse::<usize>().ok()).unwrap();
    let (offset, limit) = (number("offset"), number("limit").min(60));
    let name = |n: usize| match n {
        128 => "old".to_owned(),
        129 => "web".to_owned(),
        n => format!("chart-{n}"),
    };
    let row = |n: usize| {
        let repository = json!({"name": if n < 128 { "many" } else { "acme" }, "kind": 0});
        json!({"name": name(n), "normalized_name": name(n), "repository": repository})
    };
    let of = |row: &Value| query.get("repo").is_none_or(|name| row["repository"]["name"] == **name);
    let rows: Vec<Value> = (0..130).map(row).filter(of).collect();
    let total = rows.len();
    let rows: Vec<Value> = rows.into_iter().skip(offset).take(limit).collect();
    let mut answer = cloud::answer(200, &json!({"packages": rows}));
    answer.headers_mut().insert("pagination-total-count", total.into());
    answer
}

struct Sea {
    _data: tempfile::TempDir,
    daemon: Daemon,
    client: Client,
    cloud: Cloud,
    plain: Registry,
    _ghcr: Arc<Registry>,
}

impl Sea {
    async fn new() -> Self {
        let names = ["artifacthub.io", "hub.helm.sh", "charts.acme.test", "ghcr.io"];
        let cloud = Cloud::start(&names).await;
        cloud.play("artifacthub.io", hub);
        cloud.play("hub.helm.sh", |_| cloud::answer(404, &json!({"message": "not found"})));
        cloud.play("charts.acme.test", |seen| match seen.uri().path() {
            "/Files/old-0.1.0.tgz" => cloud::with(200, &[], OLD),
            _ => cloud::with(404, &[], "not here"),
        });
        let ghcr = Registry::builder().start().await.unwrap();
        ghcr.put_blob("acme/charts/web", OLD_CONFIG);
        ghcr.put_blob("acme/charts/web", OLD);
        let media_type = "application/vnd.oci.image.manifest.v1+json";
        ghcr.put_manifest("acme/charts/web", Some("0.1.0"), media_type, OLD_MANIFEST);
        cloud.lead("ghcr.io", ghcr.address());
        let data = tempfile::tempdir().unwrap();
        let daemon = Daemon::start(data.path(), &[]).await;
        let plain = Registry::builder().start().await.unwrap();
        let client = daemon.admin();
        Self { _data: data, daemon, client, cloud, plain, _ghcr: Arc::new(ghcr) }
    }

    async fn plain(&self) -> i64 {
        let body = registry("docker-registry", "plain", &self.plain.url(), None);
        create_registry(&self.client, &body).await
    }

    fn asked(&self, what: &str) -> usize {
        self.cloud.requests().iter().filter(|line| line.contains(what)).count()
    }
}

fn succeeded(ended: &Ended) {
    assert_eq!(ended.execution["status"], "Succeed", "{ended:#?}");
}

#[tokio::test]
async fn charts_are_found_on_three_pages_and_fetched_from_where_they_lie() {
    let sea = Sea::new().await;
    let bad = sea.cloud.registry("artifact-hub", "bad", HUB, Some(("key-id", "wrong-s3cret")));
    let message = refused(&sea.client, &bad).await;
    assert!(message.contains("does not accept the API key"), "{message}");
    let good = sea.cloud.registry("artifact-hub", "good", HUB, Some(("key-id", "key-s3cret")));
    let from = create_registry(&sea.client, &good).await;
    let to = sea.plain().await;
    let only = |names: &str| json!({"filters": [{"type": "name", "value": names}]});
    let ended = replicate(&sea.client, from, to, only("{acme,none}/*")).await;
    succeeded(&ended);
    assert_eq!(sea.asked("packages/search"), 3, "{:#?}", sea.cloud.requests());
    let tags: Vec<_> = sea.plain.tags().into_iter().map(|(n, t)| format!("{n}:{t}")).collect();
    assert_eq!(tags, ["acme/old:0.1.0", "acme/web:0.1.0"]);
    // The same archive, so the same artifact, whether it was made here or pulled.
    for name in ["acme/old", "acme/web"] {
        let made = sea.plain.manifest(name, "0.1.0").unwrap();
        assert_eq!(std::str::from_utf8(&made).unwrap(), OLD_MANIFEST);
    }
    sea.plain.verify_all().unwrap();
    assert!(ended.tasks.iter().all(|task| task["resource_type"] == "chart"), "{ended:#?}");
    // Once more, by the repository's name: one page is asked for, and nothing is written.
    sea.plain.forget_requests();
    let again = replicate(&sea.client, from, to, only("acme/*")).await;
    succeeded(&again);
    assert_eq!(sea.asked("packages/search"), 4, "{:#?}", sea.cloud.requests());
    let requests = sea.plain.requests();
    let reads = requests.iter().all(|it| it.method == "GET" || it.method == "HEAD");
    assert!(reads, "{requests:#?}");
    let shown = sea.client.get("/api/v2.0/registries").await.text();
    for text in [&shown, &sea.daemon.log().join("\n"), &format!("{ended:?}{again:?}{message}")] {
        assert!(!text.contains("s3cret"), "{text}");
    }
}

#[tokio::test]
async fn the_helm_hub_is_an_alias() {
    let sea = Sea::new().await;
    let body = sea.cloud.registry("helm-hub", "hub", "https://hub.helm.sh", None);
    let from = create_registry(&sea.client, &body).await;
    let more = json!({"filters": [{"type": "name", "value": "{acme,none}/ol*"}]});
    let ended = replicate(&sea.client, from, sea.plain().await, more).await;
    succeeded(&ended);
    assert_eq!(sea.plain.tags(), [("acme/old".to_owned(), "0.1.0".to_owned())]);
    assert_eq!(sea.asked("packages/search"), 3, "{:#?}", sea.cloud.requests());
}

#[tokio::test]
async fn the_form_offers_one_address() {
    let sea = Sea::new().await;
    let infos = sea.client.get("/api/v2.0/replication/adapterinfos").await.json();
    let fixed = |key: &str, value: &str| json!({"endpoint_type": "EndpointPatternTypeFix", "endpoints": [{"key": key, "value": value}]});
    assert_eq!(infos["artifact-hub"]["endpoint_pattern"], fixed("artifacthub.io", HUB));
    assert_eq!(infos["helm-hub"]["endpoint_pattern"], fixed("hub.helm.sh", "https://hub.helm.sh"));
    assert_eq!(infos.get("helm-repository"), None, "its address is free");
    let body = sea.cloud.registry("artifact-hub", "hub", HUB, None);
    let id = create_registry(&sea.client, &body).await;
    let info = sea.client.get(&format!("/api/v2.0/registries/{id}/info")).await.json();
    let kinds: Vec<_> = info["supported_resource_filters"].as_array().unwrap().iter().collect();
    let kinds: Vec<_> = kinds.iter().map(|it| it["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["name", "tag"], "a filter by kind would leave nothing");
}
