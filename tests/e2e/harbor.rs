//! The provider `harbor` through the daemon's API, against a double of a Harbor 2.x server.

use e2e::{
    api::{Ended, REGISTRIES, create_registry, refused, registry, replicate},
    daemon::Daemon,
    harbor::{Account, Harbor, Kind, PASSWORD},
    http::Client,
};
use portolan_testregistry::{Registry, layer};
use serde_json::{Value, json};

const ADMIN: Option<(&str, &str)> = Some(("admin", PASSWORD));
const ROBOT: &str = "robot$team+ci";

/// A daemon, its client, a Harbor and an empty plain registry.
struct Sea {
    _data: tempfile::TempDir,
    _daemon: Daemon,
    client: Client,
    harbor: Harbor,
    plain: Registry,
}

impl Sea {
    async fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        let daemon = Daemon::start(data.path(), &[]).await;
        Self {
            client: daemon.admin(),
            harbor: Harbor::start().await,
            plain: Registry::builder().start().await.unwrap(),
            _data: data,
            _daemon: daemon,
        }
    }

    async fn harbor_as(&self, name: &str, login: Option<(&str, &str)>) -> i64 {
        create_registry(&self.client, &registry("harbor", name, &self.harbor.url(), login)).await
    }

    async fn plain(&self) -> i64 {
        let body = registry("docker-registry", "plain", &self.plain.url(), None);
        create_registry(&self.client, &body).await
    }
}

fn succeeded(ended: &Ended) {
    assert_eq!(ended.execution["status"], "Succeed", "{ended:#?}");
}

fn tags_of(registry: &Registry) -> Vec<String> {
    registry.tags().into_iter().map(|(name, tag)| format!("{name}:{tag}")).collect()
}

#[tokio::test]
async fn test_connection_tells_failures_apart() {
    let sea = Sea::new().await;
    let url = sea.harbor.url();
    let wrong = Some(("admin", "wrong"));
    let closed = "http://127.0.0.1:1";
    let cases = [
        (registry("harbor", "a", &url, wrong), "refused the credentials of `admin`"),
        (registry("harbor", "b", closed, ADMIN), "connection refused"),
        (registry("harbor", "c", &sea.plain.url(), None), "is not a Harbor"),
        (registry("docker-registry", "d", &url, wrong), "refused the credentials of `admin`"),
    ];
    for (body, expected) in cases {
        let message = refused(&sea.client, &body).await;
        assert!(message.to_lowercase().contains(&expected.to_lowercase()), "{expected}: {message}");
        assert!(!message.contains("wrong\""), "{message}");
    }
    let id = sea.harbor_as("good", ADMIN).await;
    let ping = async |body: Value| sea.client.post("/api/v2.0/registries/ping", &body).await;
    assert_eq!(ping(json!({"id": id})).await.status, 200);
    let refused = ping(json!({"id": id, "access_secret": "wrong"})).await;
    assert_eq!(refused.status, 400, "{}", refused.text());
    let anonymous = registry("harbor", "anonymous", &url, None);
    create_registry(&sea.client, &anonymous).await;
}

/// Three pages of repositories, and three of the artifacts of one whose name has slashes.
#[tokio::test]
async fn every_page_of_a_harbor_is_listed() {
    let sea = Sea::new().await;
    for project in ["big", "deep", "empty"] {
        sea.harbor.add_project(project, false);
    }
    let inside = sea.harbor.registry();
    for number in 0..205 {
        let layers = [layer(number, 50)];
        inside.put_image(&format!("big/ship-{number:03}"), "v1", &layers);
        inside.put_image("deep/a/b", &format!("t{number:03}"), &layers);
    }
    let (from, to) = (sea.harbor_as("harbor", ADMIN).await, sea.plain().await);
    let filters = json!([{"type": "name", "value": "{big/ship-20*,deep/**}"},
        {"type": "tag", "value": "{v1,t?99,t20?}"}]);
    let ended = replicate(&sea.client, from, to, json!({"filters": filters})).await;
    succeeded(&ended);
    assert_eq!(ended.execution["total"], 6);
    let mut expected: Vec<_> = (200..205).map(|n| format!("big/ship-{n:03}:v1")).collect();
    expected.extend([99, 199, 200, 201, 202, 203, 204].map(|n| format!("deep/a/b:t{n:03}")));
    assert_eq!(tags_of(&sea.plain), expected);
    sea.plain.verify_all().unwrap();
    let asked = sea.harbor.requests();
    for path in ["big/repositories", "deep/repositories/a%252Fb/artifacts"] {
        let third = asked.iter().any(|line| line.contains(path) && line.contains("?page=3&"));
        assert!(third, "{path}: {asked:#?}");
    }
    assert!(ended.tasks.iter().all(|task| task["resource_type"] == "artifact"), "{ended:#?}");
}

#[tokio::test]
async fn labels_select_and_exclude() {
    let sea = Sea::new().await;
    sea.harbor.add_project("team", false);
    for (number, tag) in ["a", "b", "c", "d"].into_iter().enumerate() {
        sea.harbor.registry().put_image("team/app", tag, &[layer(number as u64, 100)]);
    }
    sea.harbor.label("team/app", "a", &["one"]);
    sea.harbor.label("team/app", "b", &["one", "two"]);
    sea.harbor.label("team/app", "c", &["three"]);
    let (from, to) = (sea.harbor_as("harbor", ADMIN).await, sea.plain().await);
    let cases = [
        ("matches", json!(["one"]), "ab"),
        ("matches", json!(["one", "two"]), "b"),
        ("excludes", json!(["one"]), "cd"),
        ("excludes", json!(["one", "two"]), "acd"),
    ];
    for (number, (decoration, value, expected)) in cases.into_iter().enumerate() {
        let filter = json!({"type": "label", "decoration": decoration, "value": value});
        let more = json!({"filters": [filter], "dest_namespace": format!("to-{number}")});
        succeeded(&replicate(&sea.client, from, to, more).await);
        let tags = sea.plain.tags().into_iter();
        let arrived = tags.filter(|(name, _)| *name == format!("to-{number}/app"));
        let arrived: String = arrived.map(|(_, tag)| tag).collect();
        assert_eq!(arrived, expected, "{decoration} {number}");
    }
}

#[tokio::test]
async fn a_project_is_created_before_the_push() {
    let sea = Sea::new().await;
    sea.plain.put_image("team/app", "v1", &[layer(1, 50_000)]);
    sea.plain.put_image("team/deep/er", "v1", &[layer(2, 50_000)]);
    let (from, to) = (sea.plain().await, sea.harbor_as("harbor", ADMIN).await);
    let ended = replicate(&sea.client, from, to, json!({})).await;
    succeeded(&ended);
    assert_eq!(sea.harbor.projects(), [("team".to_owned(), false)]);
    assert_eq!(tags_of(sea.harbor.registry()), ["team/app:v1", "team/deep/er:v1"]);
    sea.harbor.registry().verify_all().unwrap();
    let requests = sea.harbor.requests();
    let first = |what: &str| requests.iter().position(|line| line.starts_with(what));
    let (created, pushed) = (first("POST /api/v2.0/projects"), first("POST /v2/"));
    assert!(created.is_some() && created < pushed, "{requests:#?}");
    // Once more: nothing is written.
    succeeded(&replicate(&sea.client, from, to, json!({})).await);
    let writes = sea.harbor.requests().split_off(requests.len());
    assert!(!writes.iter().any(|line| line.starts_with("P")), "{writes:#?}");
}

/// Contract 4.3: what is made is as public as what goes into it, and private where that differs.
#[tokio::test]
async fn a_project_that_is_made_is_public_where_all_its_sources_are() {
    let sea = Sea::new().await;
    let source = Harbor::start().await;
    source.add_project("open", true);
    source.add_project("also-open", true);
    source.add_project("closed", false);
    for (number, name) in ["open/app", "also-open/app-2", "closed/app-3"].into_iter().enumerate() {
        source.registry().put_image(name, "v1", &[layer(number as u64, 1000)]);
    }
    let from = registry("harbor", "source", &source.url(), ADMIN);
    let from = create_registry(&sea.client, &from).await;
    let to = sea.harbor_as("harbor", ADMIN).await;
    let named = |value: &str| json!([{"type": "name", "value": value}]);
    let into = |namespace: &str, filters: Value| json!({"dest_namespace": namespace, "dest_namespace_replace_count": 1, "filters": filters});
    for more in [
        json!({}),
        into("mixed", json!([])),
        into("both-open", named("{open,also-open}/**")),
        into("by-prefix", named("open/**")),
        into("by-name", named("open/app")),
        into("closed-by-name", named("closed/app-3")),
    ] {
        succeeded(&replicate(&sea.client, from, to, more).await);
    }
    let mut made = sea.harbor.projects();
    made.sort();
    let expected = [
        ("also-open", true),
        ("both-open", true),
        ("by-name", true),
        ("by-prefix", true),
        ("closed", false),
        ("closed-by-name", false),
        ("mixed", false),
        ("open", true),
    ];
    assert_eq!(made, expected.map(|(name, public)| (name.to_owned(), public)));
}

/// Accounts that `/users/current` and the creation of projects refuse.
#[tokio::test]
async fn an_account_of_one_project_pushes_there_and_is_told_who_makes_others() {
    let sea = Sea::new().await;
    sea.harbor.add_project("team", false);
    let accounts =
        [(ROBOT, Kind::Robot), ("carol", Kind::Scoped(403)), ("dave", Kind::Scoped(401))];
    let from = sea.plain().await;
    for (number, (name, kind)) in accounts.into_iter().enumerate() {
        sea.harbor.add_account(Account::new(name, "Secret-1", kind, &["team"]));
        let to = sea.harbor_as(name, Some((name, "Secret-1"))).await;
        let repository = format!("team/app-{number}");
        for tag in ["v1", "v2"] {
            sea.plain.put_image(&repository, tag, &[layer(number as u64, 10_000)]);
        }
        let only = json!([{"type": "name", "value": repository}]);
        succeeded(&replicate(&sea.client, from, to, json!({"filters": only})).await);
        assert!(tags_of(sea.harbor.registry()).contains(&format!("{repository}:v1")));
        let elsewhere = json!({"filters": only, "dest_namespace": "elsewhere"});
        let ended = replicate(&sea.client, from, to, elsewhere).await;
        assert_eq!(ended.execution["status"], "Failed", "{ended:#?}");
        assert_eq!(ended.execution["failed"], 1);
        assert_eq!(ended.tasks[0]["status"], "Failed");
        let log = &ended.logs[0];
        for part in ["the project `elsewhere` does not exist", "administrator", name, "create"] {
            assert!(log.contains(part), "{part}: {log}");
        }
        // One try, and the reason for each tag.
        assert_eq!(log.matches("does not exist").count(), 2, "{log}");
        assert!(!log.contains("Secret-1"), "{log}");
    }
    assert_eq!(sea.harbor.projects(), [("team".to_owned(), false)]);
    sea.harbor.registry().verify_all().unwrap();
}

#[tokio::test]
async fn what_harbor_cannot_hold_is_said_before_anything_is_pushed() {
    let sea = Sea::new().await;
    sea.harbor.add_proxy_cache("cache");
    sea.plain.put_image("app", "v1", &[layer(1, 100)]);
    let (from, to) = (sea.plain().await, sea.harbor_as("harbor", ADMIN).await);
    let ended = replicate(&sea.client, from, to, json!({})).await;
    assert_eq!(ended.execution["status"], "Failed", "{ended:#?}");
    assert!(ended.logs[0].contains("`app` names no project"), "{ended:#?}");
    let more = json!({"dest_namespace": "team", "dest_namespace_replace_count": 1});
    let ended = replicate(&sea.client, from, to, more).await;
    assert_eq!(ended.execution["status"], "Failed", "{ended:#?}");
    assert_eq!(ended.execution["total"], 0);
    let why = ended.execution["status_text"].as_str().unwrap();
    assert!(why.contains("`app` has 1 components"), "{why}");
    let ended = replicate(&sea.client, from, to, json!({"dest_namespace": "cache"})).await;
    assert_eq!(ended.execution["status"], "Failed", "{ended:#?}");
    assert!(ended.logs[0].contains("proxy cache"), "{ended:#?}");
    assert!(tags_of(sea.harbor.registry()).is_empty());
}

#[tokio::test]
async fn a_harbor_says_what_a_rule_may_use_of_it() {
    let sea = Sea::new().await;
    sea.harbor.add_project("team", false);
    sea.harbor.registry().put_image("team/app", "v1", &[layer(1, 100)]);
    let labels: Vec<String> = (0..120).map(|number| format!("label {number:03}")).collect();
    let all: Vec<&str> = labels.iter().map(String::as_str).collect();
    sea.harbor.label("team/app", "v1", &all);
    let id = sea.harbor_as("harbor", ADMIN).await;
    let info = sea.client.get(&format!("{REGISTRIES}/{id}/info")).await;
    let expected = json!({"type": "harbor",
        "supported_resource_filters": [
            {"type": "name", "style": "input", "values": null},
            {"type": "tag", "style": "input", "values": null},
            {"type": "label", "style": "list", "values": labels},
            {"type": "resource", "style": "radio", "values": ["image", "artifact"]}],
        "supported_triggers": ["manual", "scheduled", "event_based"],
        "supported_copy_by_chunk": true});
    assert_eq!(info.json(), expected);
    let plain = sea.client.get(&format!("{REGISTRIES}/{}/info", sea.plain().await)).await;
    let expected = json!({"type": "docker-registry",
        "supported_resource_filters": [
            {"type": "name", "style": "input", "values": null},
            {"type": "tag", "style": "input", "values": null},
            {"type": "resource", "style": "radio", "values": ["image"]}],
        "supported_triggers": ["manual", "scheduled", "event_based"]});
    assert_eq!(plain.json(), expected);
    let adapters = sea.client.get("/api/v2.0/replication/adapters").await;
    let bundled: Vec<_> = bundled_plugins::ALL.iter().map(|it| it.provider).collect();
    assert_eq!(adapters.json(), json!(bundled));
    let infos = sea.client.get("/api/v2.0/replication/adapterinfos").await;
    for open in ["docker-registry", "harbor"] {
        assert_eq!(infos.json().get(open), None, "{open} shows no pattern");
    }
}

/// Signatures and SBOMs have no tag, and are in no row of their own: they go with their subject.
#[tokio::test]
async fn what_is_attached_to_an_artifact_goes_with_it() {
    const SIGNATURE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
    const SBOM: &str = "application/spdx+json";
    let sea = Sea::new().await;
    sea.harbor.add_project("team", false);
    for (number, tag) in ["v1", "v2"].into_iter().enumerate() {
        sea.harbor.registry().put_image("team/a/b", tag, &[layer(number as u64, 1000)]);
    }
    let attach = |tag: &str, kind: &str, media_type: &str| {
        sea.harbor.attach("team/a/b", tag, kind, media_type).to_string()
    };
    let wanted = [attach("v1", "signature.cosign", SIGNATURE), attach("v1", "sbom.harbor", SBOM)];
    let unwanted = attach("v2", "signature.cosign", SIGNATURE);
    let (from, to) = (sea.harbor_as("harbor", ADMIN).await, sea.plain().await);
    let filters = json!([{"type": "tag", "value": "v1"}]);
    let ended = replicate(&sea.client, from, to, json!({"filters": filters})).await;
    succeeded(&ended);
    assert_eq!(tags_of(&sea.plain), ["team/a/b:v1"]);
    for digest in &wanted {
        assert!(sea.plain.manifest("team/a/b", digest).is_some(), "{digest}: {ended:#?}");
    }
    assert!(sea.plain.manifest("team/a/b", &unwanted).is_none());
    sea.plain.verify_all().unwrap();
}

/// A Harbor that was set up anew refuses tokens that have not expired: they are fetched again.
#[tokio::test]
async fn tokens_that_are_refused_before_their_time_are_renewed() {
    let sea = Sea::new().await;
    sea.harbor.add_project("team", false);
    let (from, to) = (sea.harbor_as("harbor", ADMIN).await, sea.plain().await);
    let tokens = || {
        let asked = sea.harbor.requests().into_iter();
        asked.filter(|line| line.contains("/service/token") && line.contains("scope=")).count()
    };
    for (before, tag) in ["v1", "v2"].into_iter().enumerate() {
        sea.harbor.registry().put_image("team/app", tag, &[layer(1, 1000)]);
        sea.harbor.forget_tokens();
        succeeded(&replicate(&sea.client, from, to, json!({})).await);
        assert_eq!(tokens(), before + 1, "{:#?}", sea.harbor.requests());
    }
    assert_eq!(tags_of(&sea.plain), ["team/app:v1", "team/app:v2"]);
}
