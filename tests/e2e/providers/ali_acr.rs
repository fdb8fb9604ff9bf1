//! The provider `ali-acr`, both editions, under Alibaba Cloud's host names: a double of its
//! management whose signatures the vendor's own library checks, and a registry in memory that
//! takes nothing but tokens.

mod service;

use std::{sync::Arc, time::Duration};

use e2e::{
    api::{Ended, REGISTRIES, create_registry, refused, registry, replicate},
    cloud::{Cloud, header},
    daemon::Daemon,
    http::Client,
    signer::Signer,
};
use portolan_testregistry::{Registry, layer};
use serde_json::{Value, json};

use service::{INSTANCE, KEY, PASSWORD, SECRET, Service, USER};

const MANAGEMENT: &str = "cr.cn-hangzhou.aliyuncs.com";
const STORAGE: &str = "aliregistry.oss-cn-hangzhou.aliyuncs.com";
const NAMES: [&str; 3] = ["*.cn-hangzhou.aliyuncs.com", "*.cn-hangzhou.cr.aliyuncs.com", STORAGE];

/// What an edition calls itself, and where it is.
struct Edition {
    host: &'static str,
    tokens: &'static str,
    service: String,
    /// Of the third page of repositories, and of tags, in the address of a request.
    pages: [&'static str; 2],
}

fn personal() -> Edition {
    Edition {
        host: "registry.cn-hangzhou.aliyuncs.com",
        tokens: "dockerauth.cn-hangzhou.aliyuncs.com",
        service: "registry.aliyuncs.com:cn-hangzhou:26842".to_owned(),
        pages: ["/repos/team?Page=3&", "/repos/team/app/tags?Page=3&"],
    }
}

fn enterprise() -> Edition {
    Edition {
        host: "corp-registry.cn-hangzhou.cr.aliyuncs.com",
        tokens: "dockerauth-ee.cn-hangzhou.aliyuncs.com",
        service: format!("registry.aliyuncs.com:cn-hangzhou:china:{INSTANCE}"),
        pages: [
            "RepoNamespaceName=team&RepoStatus=NORMAL&PageNo=3&",
            "RepoId=crr-team%2Fapp&PageNo=3&",
        ],
    }
}

/// One edition: its registry and management, and a plain registry beside it.
struct Shore {
    edition: Edition,
    ali: Arc<Service>,
    plain: Registry,
}

impl Shore {
    async fn new(edition: Edition, vendor: Signer) -> Self {
        let inside = Registry::builder()
            .name(&edition.service)
            .bearer(USER, PASSWORD, Duration::from_secs(300))
            .realm(&format!("https://{}/token", edition.tokens))
            .catalog(false);
        let inside = inside.start().await.unwrap();
        inside.set_public_url(&format!("https://{}", edition.host));
        let ali = Arc::new(Service::new(inside, vendor));
        Self { edition, ali, plain: Registry::builder().start().await.unwrap() }
    }
}

/// A daemon, its client, and a region of Alibaba Cloud with a registry of each edition.
struct Sea {
    _data: tempfile::TempDir,
    daemon: Daemon,
    client: Client,
    cloud: Cloud,
    shores: [Shore; 2],
}

impl Sea {
    /// `None` where the vendor's library is not there.
    async fn new() -> Option<Self> {
        let (one, two) = (Signer::start("alibaba.py")?, Signer::start("alibaba.py")?);
        let shores = [Shore::new(personal(), one).await, Shore::new(enterprise(), two).await];
        let cloud = Cloud::start(&NAMES).await;
        for Shore { edition, ali, .. } in &shores {
            cloud.lead(edition.host, ali.registry.address());
            cloud.lead(edition.tokens, ali.registry.address());
        }
        let [personal, enterprise] = shores.each_ref().map(|shore| Arc::clone(&shore.ali));
        cloud.play(MANAGEMENT, move |seen| match header(seen, "x-acs-version") {
            "2016-06-07" => personal.answer(seen),
            _ => enterprise.answer(seen),
        });
        let data = tempfile::tempdir().unwrap();
        let daemon = Daemon::start(data.path(), &[]).await;
        Some(Self { client: daemon.admin(), daemon, cloud, shores, _data: data })
    }

    fn body(&self, shore: &Shore, name: &str, login: Option<(&str, &str)>) -> Value {
        let Edition { host, .. } = shore.edition;
        let name = format!("{name} {host}");
        self.cloud.registry("ali-acr", &name, &format!("https://{host}"), login)
    }

    /// Ids of the endpoints of a shore: Alibaba's registry and the plain one.
    async fn endpoints(&self, shore: &Shore) -> (i64, i64) {
        let body = self.body(shore, "good", Some((KEY, SECRET)));
        let ali = create_registry(&self.client, &body).await;
        let name = format!("plain {}", shore.edition.host);
        let body = registry("docker-registry", &name, &shore.plain.url(), None);
        (ali, create_registry(&self.client, &body).await)
    }

    /// Neither the log nor an answer may hold them.
    async fn keeps_silent(&self, ended: &[&Ended]) {
        let shown = self.client.get(REGISTRIES).await.text();
        let said = format!("{:?} {shown} {ended:?}", self.daemon.log());
        for secret in [SECRET, PASSWORD, "wrong/secret"] {
            assert!(!said.contains(secret), "{said}");
        }
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
    let Some(sea) = Sea::new().await else { return };
    for shore in &sea.shores {
        for (login, expected) in [
            ((KEY, "wrong/secret"), "the AccessKey secret is not that of `LTAI4GoodKey`"),
            (("LTAI4Unknown", SECRET), "`LTAI4Unknown` is none"),
        ] {
            let message = refused(&sea.client, &sea.body(shore, "bad", Some(login))).await;
            assert!(message.contains(expected) && !message.contains(login.1), "{message}");
        }
        sea.endpoints(shore).await;
        create_registry(&sea.client, &sea.body(shore, "anonymous", None)).await;
    }
    let example = "https://instanceName-registry.cn-hangzhou.cr.aliyuncs.com";
    let body = sea.cloud.registry("ali-acr", "bad", example, Some((KEY, SECRET)));
    let message = refused(&sea.client, &body).await;
    assert!(message.contains("in place of `instanceName`"), "{message}");
    sea.keeps_silent(&[]).await;
}

/// Five repositories and five tags, two a page; blobs come from the storage, which is sent no
/// authentication.
#[tokio::test]
async fn every_page_is_listed_and_images_are_pulled() {
    let Some(sea) = Sea::new().await else { return };
    let storage = Registry::builder().start().await.unwrap();
    sea.cloud.lead(STORAGE, storage.address());
    for shore in &sea.shores {
        let inside = &shore.ali.registry;
        for seed in 0..5 {
            let image = (format!("team/ship-{seed}"), "v1".to_owned());
            for (repository, tag) in [image, ("team/app".to_owned(), format!("t{seed}"))] {
                for registry in [inside, &storage] {
                    registry.put_image(&repository, &tag, &[layer(seed, 50_000)]);
                }
            }
        }
        inside.faults().redirect_blobs_to(&format!("https://{STORAGE}"));
        let (ali, plain) = sea.endpoints(shore).await;
        let pulled = replicate(&sea.client, ali, plain, json!({})).await;
        succeeded(&pulled);
        assert_eq!(tags_of(&shore.plain), tags_of(inside));
        shore.plain.verify_all().unwrap();
        let asked = sea.cloud.requests();
        for page in shore.edition.pages {
            assert!(asked.iter().any(|line| line.contains(page)), "{page}: {asked:#?}");
        }
        sea.keeps_silent(&[&pulled]).await;
    }
    let fetched = storage.requests();
    assert!(!fetched.is_empty() && fetched.iter().all(|it| it.authorization.is_none()));
}

#[tokio::test]
async fn namespaces_are_made_and_images_are_pushed() {
    let Some(sea) = Sea::new().await else { return };
    for shore in &sea.shores {
        shore.ali.add_namespace("closed", false);
        shore.plain.put_image("team/app", "v1", &[layer(1, 300_000)]);
        shore.plain.put_image("team/tool", "v2", &[layer(1, 300_000), layer(2, 100)]);
        let (ali, plain) = sea.endpoints(shore).await;
        let mut runs = Vec::new();
        for namespace in ["mirror", "closed"] {
            // The second time everything is there.
            for _ in 0..2 {
                let more = json!({"dest_namespace": namespace});
                let ended = replicate(&sea.client, plain, ali, more).await;
                succeeded(&ended);
                runs.push(ended);
            }
        }
        let expected = ["closed/app:v1", "closed/tool:v2", "mirror/app:v1", "mirror/tool:v2"];
        assert_eq!(tags_of(&shore.ali.registry), expected);
        shore.ali.registry.verify_all().unwrap();
        let namespaces = [("closed".to_owned(), false), ("mirror".to_owned(), true)];
        assert_eq!(shore.ali.namespaces(), namespaces.into());
        let private = |name: &str| (name.to_owned(), "PRIVATE".to_owned());
        assert_eq!(shore.ali.created(), [private("closed/app"), private("closed/tool")].into());
        sea.keeps_silent(&runs.iter().collect::<Vec<_>>()).await;
    }
}
