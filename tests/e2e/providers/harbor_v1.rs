//! The provider `harbor` against doubles of Harbor 1.2, as vSphere Integrated Containers has it, and
//! 1.10; and what a destination does not take.

use bytes::Bytes;
use e2e::{
    api::{Ended, REGISTRIES, create_registry, refused, registry, replicate},
    daemon::Daemon,
    harbor::{Account, Harbor, Kind, PASSWORD},
    http::Client,
};
use portolan_testregistry::{Child, Digest, Registry, layer};
use serde_json::{Value, json};

const ADMIN: Option<(&str, &str)> = Some(("admin", PASSWORD));
const DOCKER: &str = "application/vnd.docker.distribution.manifest.v2+json";
const LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
const OCI: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// A daemon, its client and an empty plain registry.
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
        Self { client: daemon.admin(), plain, _data: data, daemon }
    }

    async fn add(&self, harbor: &Harbor, name: &str, login: Option<(&str, &str)>) -> i64 {
        create_registry(&self.client, &registry("harbor", name, &harbor.url(), login)).await
    }

    async fn plain(&self) -> i64 {
        let body = registry("docker-registry", "plain", &self.plain.url(), None);
        create_registry(&self.client, &body).await
    }

    /// Nothing that was written or answered holds a password.
    async fn kept_secrets(&self, ended: &[&Ended]) {
        let shown = self.client.get(&format!("{REGISTRIES}?page_size=0")).await.text();
        for text in [shown, self.daemon.log().join("\n"), format!("{ended:?}")] {
            assert!(!text.contains(PASSWORD) && !text.contains("Secret-1"), "{text}");
        }
    }
}

/// An image in Docker's format; without a tag, a child of a list.
fn docker_image(registry: &Registry, repository: &str, tag: Option<&str>, seed: u64) -> Digest {
    let described = |kind: &str, bytes: Bytes| {
        let (size, digest) = (bytes.len(), registry.put_blob(repository, bytes));
        json!({"mediaType": kind, "size": size, "digest": digest.as_str()})
    };
    let config = json!({"architecture": "amd64", "os": "linux", "seed": seed}).to_string();
    let config = described("application/vnd.docker.container.image.v1+json", config.into());
    let layer = described("application/vnd.docker.image.rootfs.diff.tar.gzip", layer(seed, 500));
    let manifest = json!({"schemaVersion": 2, "mediaType": DOCKER, "config": config,
        "layers": [layer]});
    registry.put_manifest(repository, tag, DOCKER, manifest.to_string())
}

fn list_of(registry: &Registry, repository: &str, tag: &str, children: &[(&str, &Digest)]) {
    let child = |(kind, digest): &(&str, &Digest)| {
        let size = registry.manifest(repository, digest.as_str()).unwrap().len();
        json!({"mediaType": kind, "size": size, "digest": digest.as_str(),
            "platform": {"os": "linux", "architecture": "amd64"}})
    };
    let children: Vec<Value> = children.iter().map(child).collect();
    let list = json!({"schemaVersion": 2, "mediaType": LIST, "manifests": children});
    registry.put_manifest(repository, Some(tag), LIST, list.to_string());
}

fn tags_of(registry: &Registry) -> Vec<String> {
    registry.tags().into_iter().map(|(name, tag)| format!("{name}:{tag}")).collect()
}

fn succeeded(ended: &Ended) {
    assert_eq!(ended.execution["status"], "Succeed", "{ended:#?}");
}

/// Lines of requests that carry bytes or make something.
fn writes(harbor: &Harbor) -> Vec<String> {
    let is_write =
        |line: &String| ["POST ", "PUT ", "PATCH "].iter().any(|method| line.starts_with(method));
    harbor.requests().into_iter().filter(is_write).collect()
}

#[tokio::test]
async fn test_connection_tells_failures_apart() {
    let sea = Sea::new().await;
    for (version, admiral) in [("v1.2.0-11-ge5b0eb2", true), ("v1.10.4-5d2c9e2b", false)] {
        let harbor = Harbor::first(version, admiral).await;
        let wrong = registry("harbor", "wrong", &harbor.url(), Some(("admin", "Secret-1")));
        let message = refused(&sea.client, &wrong).await;
        assert!(message.contains("refused the credentials of `admin`"), "{message}");
        sea.add(&harbor, version, ADMIN).await;
        sea.add(&harbor, &format!("{version} anonymous"), None).await;
        harbor.add_account(Account::new("robot$ci", "Secret-1", Kind::Robot, &["team"]));
        sea.add(&harbor, &format!("{version} robot"), Some(("robot$ci", "Secret-1"))).await;
        let wrong = registry("harbor", "wrong", &harbor.url(), Some(("robot$ci", "Secret-2")));
        let message = refused(&sea.client, &wrong).await;
        assert!(message.contains("refused the credentials of `robot$ci`"), "{message}");
    }
    sea.kept_secrets(&[]).await;
}

/// Three pages of projects and of repositories, and a list of tags in one piece.
#[tokio::test]
async fn every_page_of_a_harbor_1_2_is_listed() {
    let sea = Sea::new().await;
    let harbor = Harbor::first("v1.2.0", true).await;
    for number in 0..205 {
        harbor.add_project(&format!("p{number:03}"), false);
        docker_image(harbor.registry(), &format!("p007/ship-{number:03}"), Some("v1"), number);
        docker_image(harbor.registry(), "p204/a/b", Some(&format!("t{number:03}")), number);
    }
    let (from, to) = (sea.add(&harbor, "vic", ADMIN).await, sea.plain().await);
    let filters = json!([{"type": "name", "value": "{p007/ship-20*,p204/**}"},
        {"type": "tag", "value": "{v1,t?99,t20?}"}]);
    let ended = replicate(&sea.client, from, to, json!({"filters": filters})).await;
    succeeded(&ended);
    // Contract 3.9: `artifact` came with Harbor 2.0.
    assert!(ended.tasks.iter().all(|task| task["resource_type"] == "image"), "{ended:#?}");
    let mut expected: Vec<_> = (200..205).map(|n| format!("p007/ship-{n:03}:v1")).collect();
    expected.extend([99, 199, 200, 201, 202, 203, 204].map(|n| format!("p204/a/b:t{n:03}")));
    assert_eq!(tags_of(&sea.plain), expected);
    sea.plain.verify_all().unwrap();
    let asked = harbor.requests();
    for path in ["/api/projects?page=3&", "/api/repositories?page=3&"] {
        assert!(asked.iter().any(|line| line.contains(path)), "{path}: {asked:#?}");
    }
    sea.kept_secrets(&[&ended]).await;
}

#[tokio::test]
async fn labels_are_there_since_1_6() {
    let sea = Sea::new().await;
    for (version, expected) in [("v1.2.0", json!(null)), ("v1.10.0", json!(["prod", "test"]))] {
        let harbor = Harbor::first(version, false).await;
        harbor.add_project("team", false);
        docker_image(harbor.registry(), "team/app", Some("a"), 1);
        docker_image(harbor.registry(), "team/app", Some("b"), 2);
        harbor.label("team/app", "b", &["prod", "test"]);
        let id = sea.add(&harbor, version, ADMIN).await;
        let info = sea.client.get(&format!("{REGISTRIES}/{id}/info")).await.json();
        assert_eq!(info["supported_resource_filters"][2]["values"], expected, "{version}");
        assert_eq!(info["supported_resource_filters"][3]["values"], json!(["image"]), "{version}");
        if version == "v1.10.0" {
            let to = sea.plain().await;
            let filter = json!([{"type": "label", "value": ["prod"]}]);
            succeeded(&replicate(&sea.client, id, to, json!({"filters": filter})).await);
            assert_eq!(tags_of(&sea.plain), ["team/app:b"]);
        }
    }
}

#[tokio::test]
async fn a_project_is_made_and_dockers_images_and_lists_arrive() {
    let sea = Sea::new().await;
    let (from, plain) = (sea.plain().await, &sea.plain);
    let child = docker_image(plain, "team/app", None, 1);
    list_of(plain, "team/app", "many", &[(DOCKER, &child)]);
    docker_image(plain, "team/deep/er", Some("v1"), 2);
    for version in ["v1.2.0", "v1.4.0", "v1.10.4"] {
        let harbor = Harbor::first(version, false).await;
        let to = sea.add(&harbor, version, ADMIN).await;
        let ended = replicate(&sea.client, from, to, json!({})).await;
        succeeded(&ended);
        assert_eq!(harbor.projects(), [("team".to_owned(), false)]);
        assert_eq!(tags_of(harbor.registry()), ["team/app:many", "team/deep/er:v1"]);
        harbor.registry().verify_all().unwrap();
        // Once more: nothing is written.
        let before = writes(&harbor).len();
        succeeded(&replicate(&sea.client, from, to, json!({})).await);
        assert_eq!(writes(&harbor).len(), before, "{version}");
        sea.kept_secrets(&[&ended]).await;
    }
}

#[tokio::test]
async fn where_admiral_keeps_the_projects_that_is_said() {
    let sea = Sea::new().await;
    let vic = Harbor::first("v1.2.0-11-ge5b0eb2", true).await;
    docker_image(&sea.plain, "team/app", Some("v1"), 1);
    let (from, to) = (sea.plain().await, sea.add(&vic, "vic", ADMIN).await);
    let ended = replicate(&sea.client, from, to, json!({})).await;
    assert_eq!(ended.execution["status"], "Failed", "{ended:#?}");
    let log = &ended.logs[0];
    for part in ["Admiral https://vic.example.test:8282", "create `team` there", "`admin`"] {
        assert!(log.contains(part), "{part}: {log}");
    }
    // Not tried again.
    assert_eq!(writes(&vic).len(), 1, "{:#?}", writes(&vic));
    vic.add_project("team", false);
    succeeded(&replicate(&sea.client, from, to, json!({})).await);
    assert_eq!(tags_of(vic.registry()), ["team/app:v1"]);
}

/// Fills a registry with what Harbor 1.x takes and what it does not; gives the tags it takes.
fn mixed(registry: &Registry) -> [&'static str; 2] {
    let oci = registry.put_image("team/app", "oci", &[layer(1, 5_000)]);
    let child = Child { digest: oci.clone(), platform: "linux/amd64".to_owned() };
    registry.put_index("team/app", Some("index"), &[child]);
    let docker = docker_image(registry, "team/app", Some("docker"), 2);
    list_of(registry, "team/app", "list", &[(DOCKER, &docker)]);
    list_of(registry, "team/app", "list-of-oci", &[(DOCKER, &docker), (OCI, &oci)]);
    registry.put_image("team/oci-alone", "v1", &[layer(3, 5_000)]);
    ["team/app:docker", "team/app:list"]
}

/// Nothing of what is refused was sent, and why is told once for each.
fn refused_in_time(ended: &Ended, harbor: &Harbor, taken: &[&str], tags: &[(&str, &str)]) {
    assert_eq!(ended.execution["status"], "Failed", "{ended:#?}");
    assert_eq!(tags_of(harbor.registry()), taken);
    harbor.registry().verify_all().unwrap();
    let uploads = writes(harbor).into_iter().filter(|line| line.starts_with("PUT "));
    let blobs = uploads.filter(|line| line.contains("/blobs/")).count();
    assert_eq!(blobs, 2, "config and layer of one image: {:#?}", writes(harbor));
    let logs = ended.logs.join("\n");
    for (tag, kind) in tags {
        let is = |line: &&str| line.contains(&format!("] {tag}: ")) && line.contains(kind);
        let lines: Vec<_> = logs.lines().filter(is).collect();
        assert_eq!(lines.len(), 1, "{tag}, not tried again: {logs}");
        for part in ["provider `harbor`", DOCKER, "filter"] {
            assert!(lines[0].contains(part), "{part}: {}", lines[0]);
        }
    }
    assert!(!writes(harbor).iter().any(|line| line.contains("oci-alone")), "{:#?}", writes(harbor));
}

const REFUSED: [(&str, &str); 4] =
    [("oci", OCI), ("index", INDEX), ("list-of-oci", OCI), ("v1", OCI)];

/// A plain registry lists tags alone: the manifest is read, and nothing after it.
#[tokio::test]
async fn oci_is_refused_by_harbor_1_10_before_a_byte_is_copied() {
    let sea = Sea::new().await;
    let harbor = Harbor::first("v1.10.4", false).await;
    let taken = mixed(&sea.plain);
    let (from, to) = (sea.plain().await, sea.add(&harbor, "old", ADMIN).await);
    let ended = replicate(&sea.client, from, to, json!({})).await;
    refused_in_time(&ended, &harbor, &taken, &REFUSED);
    let oci_blobs: Vec<_> = [layer(1, 5_000), layer(3, 5_000)].map(|it| Digest::of(&it)).into();
    let pulled = sea.plain.requests();
    let is_oci = |path: &str| oci_blobs.iter().any(|digest| path.contains(digest.as_str()));
    assert!(!pulled.iter().any(|request| is_oci(&request.path)), "{pulled:#?}");
}

/// Harbor 2.x tells the types in its listing: refused in the plan, without a request.
#[tokio::test]
async fn oci_is_refused_in_the_plan_where_the_listing_tells() {
    let sea = Sea::new().await;
    let (new, old) = (Harbor::start().await, Harbor::first("v1.10.4", false).await);
    new.add_project("team", false);
    let taken = mixed(new.registry());
    let (from, to) = (sea.add(&new, "new", ADMIN).await, sea.add(&old, "old", ADMIN).await);
    let ended = replicate(&sea.client, from, to, json!({})).await;
    refused_in_time(&ended, &old, &taken, &REFUSED);
    let about = |harbor: &Harbor, text: &str| {
        harbor.requests().into_iter().any(|line| line.contains(text) && line.contains("/v2/"))
    };
    assert!(!about(&old, "oci-alone") && !about(&new, "oci-alone"));
    assert!(!about(&old, "manifests/oci") && !about(&new, "manifests/oci"));
    // What nothing can be copied to is not made either.
    let alone = json!({"filters": [{"type": "name", "value": "team/oci-alone"}],
        "dest_namespace": "elsewhere"});
    let ended = replicate(&sea.client, from, to, alone).await;
    assert_eq!(ended.execution["status"], "Failed", "{ended:#?}");
    assert!(!old.projects().iter().any(|(name, _)| name == "elsewhere"));
    let text = ended.execution["status_text"].as_str().unwrap_or_default().to_owned();
    assert!(format!("{text}{:?}", ended.logs).contains(OCI), "{ended:#?}");
}
