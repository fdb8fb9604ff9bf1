//! The provider `huawei-SWR`, with a login key and with a secret access key.

mod swr;

use e2e::{
    api::{Ended, create_registry, refused, registry, replicate},
    daemon::Daemon,
    http::Client,
    signer::Signer,
};
use portolan_testregistry::{Child, Registry, layer};
use serde_json::{Value, json};

use swr::{LOGIN_KEY, SECRET_KEY, Swr, TEMPORARY, USER};

/// A daemon, its client, an SWR and an empty plain registry.
struct Sea {
    _data: tempfile::TempDir,
    daemon: Daemon,
    client: Client,
    swr: Swr,
    plain: Registry,
}

impl Sea {
    async fn new(swr: Swr) -> Self {
        let data = tempfile::tempdir().unwrap();
        let daemon = Daemon::start(data.path(), &[]).await;
        let plain = Registry::builder().start().await.unwrap();
        Self { client: daemon.admin(), _data: data, daemon, swr, plain }
    }

    async fn plain(&self) -> i64 {
        let body = registry("docker-registry", "plain", &self.plain.url(), None);
        create_registry(&self.client, &body).await
    }

    /// Good and bad credentials, every page out, and a push into an organisation that is created.
    async fn there_and_back(&self, good: Value, wrong: [Value; 2], advice: &str) {
        for wrong in wrong {
            let message = refused(&self.client, &wrong).await;
            assert!(message.contains(advice) && message.contains(USER), "{message}");
        }
        for number in 0..7 {
            let layers = [layer(number, 20_000)];
            self.swr.registry.put_image(&format!("team/app-{number}"), "v1", &layers);
            self.swr.registry.put_image("team/deep/er", &format!("t{number}"), &layers);
        }
        let swr = create_registry(&self.client, &good).await;
        let plain = self.plain().await;
        let out = replicate(&self.client, swr, plain, json!({})).await;
        assert_eq!(out.execution["status"], "Succeed", "{out:#?}");
        assert_eq!(out.execution["total"], 8);
        self.plain.verify_all().unwrap();
        assert_eq!(self.plain.tags(), self.swr.registry.tags());
        let pages = self.swr.asked("limit%3A%3A1000%7Coffset%3A%3A6");
        assert!(pages >= 1, "the third page of repositories was not asked for");
        let tags = self.swr.asked("/v2/team/deep/er/tags/list?");
        assert_eq!(tags, 3, "{:#?}", self.swr.requests());

        self.swr.forget();
        let back = json!({"dest_namespace": "mirror", "filters": [
            {"type": "name", "value": "team/{app-1,deep/er}"}]});
        let back = replicate(&self.client, plain, swr, back).await;
        assert_eq!(back.execution["status"], "Succeed", "{back:#?}");
        assert_eq!(self.swr.organisations(), ["mirror", "team"]);
        assert!(self.swr.registry.tag("mirror/app-1", "v1").is_some());
        assert!(self.swr.registry.tag("mirror/er", "t6").is_some());
        self.swr.registry.verify_all().unwrap();
        assert_eq!(self.swr.asked("mount="), 0);
        self.no_secret_is_shown(&[&out, &back]).await;
    }

    async fn no_secret_is_shown(&self, ended: &[&Ended]) {
        let mut shown = format!("{:?}{ended:?}", self.daemon.log());
        shown.push_str(&self.client.get(e2e::api::REGISTRIES).await.text());
        for secret in [LOGIN_KEY, SECRET_KEY, TEMPORARY] {
            assert!(!shown.contains(secret), "{secret} is in {shown}");
        }
    }
}

#[tokio::test]
async fn images_come_and_go_with_a_login_key() {
    let sea = Sea::new(Swr::with_login_key().await).await;
    let endpoint = |key: &str, secret: &str| sea.swr.endpoint(key, secret, json!({}));
    let wrong = [endpoint(USER, SECRET_KEY), endpoint(&format!("x-{USER}"), LOGIN_KEY)];
    sea.there_and_back(endpoint(USER, LOGIN_KEY), wrong, "the login key (64 hexadecimal").await;
    assert_eq!(sea.swr.asked("swr-api."), 0);
}

/// Every request to the management API is checked by Huawei's own signer.
#[tokio::test]
async fn images_come_and_go_with_a_secret_access_key() {
    let Some(oracle) = Signer::start("huawei.py") else { return };
    let sea = Sea::new(Swr::with_secret_key(oracle).await).await;
    let endpoint =
        |secret: &str| sea.swr.endpoint(USER, secret, json!({"secret_is": "secret-key"}));
    let wrong = [endpoint("another-key"), endpoint(LOGIN_KEY)];
    sea.there_and_back(endpoint(SECRET_KEY), wrong, "the secret access key (SK)").await;
    assert_eq!(sea.swr.asked("dockyard/"), 0);
    // One login for each state of the credentials that was tried, not one for each call.
    let logins = sea.swr.asked("POST /v2/manage/utils/secret");
    assert!(logins <= 2, "{logins} logins: {:#?}", sea.swr.requests());
}

/// SWR takes no index of OCI, and the organisations of others are theirs.
#[tokio::test]
async fn what_swr_refuses_fails_with_its_reason() {
    let sea = Sea::new(Swr::with_login_key().await).await;
    let swr = sea.swr.endpoint(USER, LOGIN_KEY, json!({}));
    let swr = create_registry(&sea.client, &swr).await;
    let digest = sea.plain.put_platform_image("lib/multi", None, "linux/arm64", &[layer(1, 100)]);
    let child = Child { digest, platform: "linux/arm64".to_owned() };
    sea.plain.put_index("lib/multi", Some("v1"), &[child]);
    sea.plain.put_image("theirs/app", "v1", &[layer(2, 100)]);
    let plain = sea.plain().await;
    let ended = replicate(&sea.client, plain, swr, json!({})).await;
    assert_eq!(ended.execution["status"], "Failed", "{ended:#?}");
    assert_eq!(ended.execution["failed"], 2, "{ended:#?}");
    let logs = ended.logs.concat();
    assert!(logs.contains("belongs to another account"), "{logs}");
    let taken = "the provider `huawei-SWR` takes no manifests of the type \
                 `application/vnd.oci.image.index.v1+json`";
    assert!(logs.contains(taken) && logs.contains("nothing of it was copied"), "{logs}");
    assert_eq!(sea.swr.asked("/blobs/"), 0, "{:#?}", sea.swr.requests());
    assert!(sea.swr.registry.tags().is_empty());
}
