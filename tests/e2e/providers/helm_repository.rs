//! The provider `helm-repository` through the daemon's API, against a repository on loopback whose
//! archives and index Helm made.

use std::time::{Duration, Instant};

use e2e::{
    api::{Ended, create_registry, refused, registry, replicate, run},
    charts::{ChartRepository, archive},
    daemon::Daemon,
    debian::{DockerRegistry, Mode},
    http::Client,
    tls::{Certificate, Front},
};
use portolan_testregistry::Registry;
use serde_json::json;

const LOGIN: (&str, &str) = ("reader", "chart-s3cret");
/// What Helm 4.2.3 made of two charts, and pushed to Docker's registry.
const FULL: &[u8] = include_bytes!("../../../host/src/replication/chart/helm/full.tgz");
const FULL_PROV: &[u8] = include_bytes!("../../../host/src/replication/chart/helm/full.tgz.prov");
const FULL_MANIFEST: &str =
    include_str!("../../../host/src/replication/chart/helm/full.manifest.json");
const OLD: &[u8] = include_bytes!("../../../host/src/replication/chart/helm/old.tgz");
const OLD_MANIFEST: &str =
    include_str!("../../../host/src/replication/chart/helm/old.manifest.json");
/// Helm's index of them, and one instant for both.
const INDEX: &str = include_str!("../../../plugins/helm-repository/fixtures/index.yaml");

/// Helm's index with more charts in it, archives below `files/`.
fn index(more: &str) -> String {
    let own = INDEX.replace("https://charts.example.com/files/", "files/");
    own.replace("entries:\n", &format!("entries:\n{more}"))
}

fn entry(name: &str, url: &str, more: &str) -> String {
    format!("  {name}:\n  - name: {name}\n{more}    urls:\n    - {url}\n    version: 1.0.0\n")
}

async fn helm(login: Option<(&str, &str)>, more: &str) -> ChartRepository {
    let charts = ChartRepository::start(login).await;
    charts.put("/stable/index.yaml", index(more));
    charts.put("/stable/files/full-1.2.3+build.5.tgz", FULL);
    charts.put("/stable/files/full-1.2.3+build.5.tgz.prov", FULL_PROV);
    charts.put("/stable/files/old-0.1.0.tgz", OLD);
    charts
}

struct Sea {
    _data: tempfile::TempDir,
    daemon: Daemon,
    client: Client,
    plain: Registry,
}

impl Sea {
    async fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        let daemon = Daemon::start(data.path(), &[]).await;
        let plain = Registry::builder().start().await.unwrap();
        Self { client: daemon.admin(), _data: data, daemon, plain }
    }

    async fn charts(&self, url: &str, login: Option<(&str, &str)>) -> i64 {
        let body = registry("helm-repository", "charts", url, login);
        create_registry(&self.client, &body).await
    }

    async fn plain(&self) -> i64 {
        let body = registry("docker-registry", "plain", &self.plain.url(), None);
        create_registry(&self.client, &body).await
    }
}

fn succeeded(ended: &Ended) {
    assert_eq!(ended.execution["status"], "Succeed", "{ended:#?}");
}

#[tokio::test]
async fn test_connection_tells_failures_apart() {
    let sea = Sea::new().await;
    let charts = helm(Some(LOGIN), "").await;
    let open = helm(None, "").await;
    open.put("/page/index.yaml", "Welcome");
    let url = format!("{}/stable", charts.url());
    let of = |name: &str, url: &str, login| registry("helm-repository", name, url, login);
    let wrong = Some((LOGIN.0, "wrong-s3cret"));
    let certificate = Certificate::new();
    let front = Front::before(charts.address(), &certificate).await;
    let private = format!("{}/stable", front.url());
    let cases = [
        (of("a", &url, wrong), "it refused the credentials of `reader`"),
        (of("b", &url, None), "it asks for a user name and password"),
        (of("c", "http://127.0.0.1:1", None), "connection refused"),
        (of("d", &format!("{}/page", open.url()), None), "is no index of charts"),
        (of("e", &open.url(), None), "give the address of the folder that holds index.yaml"),
        (of("f", &private, Some(LOGIN)), "certificate"),
    ];
    for (body, expected) in cases {
        let message = refused(&sea.client, &body).await;
        assert!(message.contains(expected), "{expected}: {message}");
        assert!(!message.contains("s3cret"), "{message}");
    }
    // A private address and a CA of its own.
    let mut body = of("good", &private, Some(LOGIN));
    body["ca_certificate"] = json!(certificate.pem);
    let from = create_registry(&sea.client, &body).await;
    let filters = json!({"filters": [{"type": "name", "value": "old"}]});
    succeeded(&replicate(&sea.client, from, sea.plain().await, filters).await);
    assert_eq!(sea.plain.tags(), [("old".to_owned(), "0.1.0".to_owned())]);
    // Nothing can be put into it.
    let to = of("to", &format!("{}/stable", open.url()), None);
    let to = create_registry(&sea.client, &to).await;
    let ended = replicate(&sea.client, from, to, json!({})).await;
    let why = ended.execution["status_text"].as_str().unwrap();
    assert!(why.contains("takes no pushes"), "{why}");
}

/// Three pages of charts; two of them go to two registries, as `helm push` would push them, once.
#[tokio::test]
async fn charts_arrive_as_helm_pushes_them() {
    let sea = Sea::new().await;
    let many: String = (0..2_100)
        .map(|n| entry(&format!("chart-{n:04}"), &format!("files/chart-{n:04}.tgz"), ""))
        .collect();
    let charts = helm(Some(LOGIN), &many).await;
    let last = archive(&[("chart-2099/Chart.yaml", b"name: chart-2099\nversion: 1.0.0\n")]);
    charts.put("/stable/files/chart-2099.tgz", last);
    let from = sea.charts(&format!("{}/stable", charts.url()), Some(LOGIN)).await;
    let Some(debian) = DockerRegistry::start(Mode::default()).await else { return };
    let to_debian = registry("docker-registry", "debian", debian.url(), None);
    let to = [sea.plain().await, create_registry(&sea.client, &to_debian).await];
    let more = json!({"filters": [{"type": "name", "value": "{fu*,ol*,chart-209[9]}"}]});
    for to in to {
        let before = charts.requests().len();
        let ended = replicate(&sea.client, from, to, more.clone()).await;
        succeeded(&ended);
        assert_eq!(ended.execution["total"], 3, "{ended:#?}");
        assert!(ended.tasks.iter().all(|task| task["resource_type"] == "chart"), "{ended:#?}");
        let requests = charts.requests().split_off(before);
        let indexes = requests.iter().filter(|line| line.ends_with("/index.yaml")).count();
        assert_eq!(indexes, 1, "read once: {requests:#?}");
    }
    let direct = Client::new(debian.url()).accept("application/vnd.oci.image.manifest.v1+json");
    for (name, tag, expected) in
        [("full", "1.2.3_build.5", FULL_MANIFEST), ("old", "0.1.0", OLD_MANIFEST)]
    {
        let made = sea.plain.manifest(name, tag).unwrap();
        assert_eq!(std::str::from_utf8(&made).unwrap(), expected);
        let digest = sea.plain.tag(name, tag).unwrap();
        let there = direct.get(&format!("/v2/{name}/manifests/{}", digest.as_str())).await;
        assert_eq!(there.text(), expected, "Debian's registry has it, too");
    }
    sea.plain.verify_all().unwrap();
    // Once more: nothing is written, and no archive of a known digest fetched.
    sea.plain.forget_requests();
    let before = charts.requests().len();
    let ended = run(&sea.client, 1).await;
    succeeded(&ended);
    assert!(ended.logs.iter().all(|log| log.contains("is there already")), "{ended:#?}");
    let requests = sea.plain.requests().into_iter().map(|request| request.method);
    assert!(requests.clone().all(|method| method == "GET" || method == "HEAD"));
    let fetched = charts.requests().split_off(before);
    assert!(!fetched.iter().any(|line| line.contains("full") || line.contains("old")));
    // The secret is nowhere.
    let shown = sea.client.get("/api/v2.0/registries").await.text();
    let logs = sea.daemon.log().join("\n");
    for text in [&shown, &logs, &format!("{ended:?}")] {
        assert!(!text.contains(LOGIN.1) && !text.contains("cmVhZGVyOmNoYXJ0"), "{text}");
    }
}

#[tokio::test]
async fn what_is_no_sound_chart_is_refused_with_the_reason() {
    let sea = Sea::new().await;
    let other = ChartRepository::start(None).await;
    let good: &[u8] = b"name: climbs\nversion: 1.0.0\n";
    let zeros = vec![0_u8; 101 << 20];
    let bomb: &[(&str, &[u8])] =
        &[("bomb/Chart.yaml", b"name: bomb\nversion: 1.0.0\n"), ("bomb/zeros", &zeros)];
    let files: [(&str, Vec<u8>, &str, &str); 6] = [
        ("digest", OLD.to_vec(), "    digest: DIGEST\n", "is not the file that was announced"),
        ("large", vec![0; (20 << 20) + 1], "", "is larger than 20971520 bytes"),
        ("bomb", archive(bomb).to_vec(), "", "it expands to more than a chart may"),
        (
            "climbs",
            archive(&[("climbs/Chart.yaml", good), ("climbs/../../evil", b"x")]).to_vec(),
            "",
            "`climbs/../../evil` leads out of it",
        ),
        ("other", OLD.to_vec(), "", "it holds version 0.1.0 of `old`, not 1.0.0 of `other`"),
        ("page", b"<html>Welcome</html>".to_vec(), "", "is no chart that can be pushed"),
    ];
    let mut more = String::new();
    for (name, _, extra, _) in &files {
        let extra = extra.replace("DIGEST", &"ab".repeat(32));
        more.push_str(&entry(name, &format!("files/{name}.tgz"), &extra));
    }
    let elsewhere = format!("{}/files/a.tgz", other.url());
    more.push_str(&entry("plain", &elsewhere, ""));
    more.push_str(&entry("inside", "https://localhost/files/a.tgz", ""));
    more.push_str(&entry("leads", "files/leads.tgz", ""));
    more.push_str(&entry("gone", "files/gone.tgz", ""));
    let charts = helm(None, &more).await;
    for (name, bytes, _, _) in &files {
        charts.put(&format!("/stable/files/{name}.tgz"), bytes.clone());
    }
    charts.redirect("/stable/files/leads.tgz", &elsewhere);
    let from = sea.charts(&format!("{}/stable", charts.url()), None).await;
    let to = sea.plain().await;
    let reasons = files.iter().map(|(name, _, _, reason)| (*name, *reason));
    let reasons = reasons.chain([
        ("plain", "is on another host than the endpoint, and not https"),
        ("inside", "localhost resolves to"),
        ("leads", "granted the use `any-public-download`"),
        ("gone", "answered 404: the index names a file that is not there"),
    ]);
    let ended = replicate(&sea.client, from, to, json!({})).await;
    assert_eq!(ended.execution["failed"], 10, "{ended:#?}");
    assert_eq!(ended.execution["succeed"], 2, "{ended:#?}");
    for (name, reason) in reasons {
        let task = ended
            .tasks
            .iter()
            .position(|task| task["src_resource"].as_str().unwrap().contains(name));
        let log = &ended.logs[task.unwrap()];
        assert!(log.contains(reason), "{name}: {log}");
    }
    let names: Vec<_> = sea.plain.tags().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["full", "old"], "nothing unsound arrived");
    assert!(other.requests().is_empty(), "{:?}", other.requests());
}

/// 30 MB are read within one call's bounds, and not for each chart anew.
#[tokio::test]
async fn an_index_of_thirty_megabytes_is_read_seldom() {
    let sea = Sea::new().await;
    let mut more = String::new();
    let digest = "0123456789abcdef".repeat(4);
    let filler = "a chart for something that takes many words to be told of ".repeat(12);
    for chart in 0..300 {
        more.push_str(&format!("  chart-{chart:03}:\n"));
        for version in 0..110 {
            more.push_str(&format!(
                "  - apiVersion: v2\n    created: \"2024-05-06T07:08:09Z\"\n    description: {filler}\n    \
                 digest: {digest}\n    name: chart-{chart:03}\n    urls:\n    - files/c-{chart}-{version}.tgz\n    \
                 version: 1.{version}.0\n"
            ));
        }
    }
    let charts = helm(None, &more).await;
    let size = index(&more).len();
    assert!((28 << 20..32 << 20).contains(&size), "{size}");
    let before = Instant::now();
    let from = sea.charts(&format!("{}/stable", charts.url()), None).await;
    let listed = Instant::now();
    let filters = json!([{"type": "name", "value": "{ol*,chart-00*}"},
        {"type": "tag", "value": "0.1.0"}]);
    let ended = replicate(&sea.client, from, sea.plain().await, json!({"filters": filters})).await;
    succeeded(&ended);
    let (health, copy) = (listed - before, listed.elapsed());
    println!("{size} bytes: test connection {health:?}, listing and one chart {copy:?}");
    assert!(copy < Duration::from_secs(20), "{copy:?}");
    let indexes = charts.requests().into_iter().filter(|line| line.ends_with("index.yaml"));
    // One for Test Connection.
    assert_eq!(indexes.count(), 2);
    assert_eq!(sea.plain.tags(), [("old".to_owned(), "0.1.0".to_owned())]);
}
