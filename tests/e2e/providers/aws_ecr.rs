//! The provider `aws-ecr`: moto, an emulator that is not ours and checks signatures, plays the API,
//! and Debian's docker-registry the registry, both under AWS's names. What moto does not do (pages,
//! redirects to S3, ECR Public) is played by functions.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use e2e::{
    api::{Ended, REGISTRIES, create_registry, refused, registry, replicate},
    cloud::{Answer, Cloud, Seen, answer, header, with},
    daemon::Daemon,
    debian::DockerRegistry,
    http::Client,
    script::Script,
};
use portolan_testregistry::{Kind, Registry, layer};
use serde_json::{Value, json};

const API: &str = "api.ecr.us-east-1.amazonaws.com";
const DATA: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com";
const STORAGE: &str = "prod-us-east-1-starport-layer-bucket.s3.us-east-1.amazonaws.com";
const PUBLIC: &str = "public.ecr.aws";
const PUBLIC_API: &str = "api.ecr-public.us-east-1.amazonaws.com";

const NAMES: [&str; 5] = [API, "*.dkr.ecr.us-east-1.amazonaws.com", STORAGE, PUBLIC, PUBLIC_API];

/// The account that moto's tokens say, from `htpasswd -Bbn AWS 123456789012-auth-token`.
const ACCOUNT: &str = "AWS:$2y$05$hKfkr4SWGhFQzm91O6TZ6.Gtxvxvi08H.J5K3EIEhvvVkJttaE/uq\n";

const KEY: &str = "AKIAIOSFODNN7EXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
/// `AWS:password`
const TOKEN: &str = "QVdTOnBhc3N3b3Jk";

/// A daemon, its client, a piece of the internet and an empty plain registry.
struct Sea {
    _data: tempfile::TempDir,
    daemon: Daemon,
    client: Client,
    cloud: Cloud,
    plain: Registry,
}

impl Sea {
    async fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        let daemon = Daemon::start(data.path(), &[]).await;
        Self {
            client: daemon.admin(),
            daemon,
            cloud: Cloud::start(&NAMES).await,
            plain: Registry::builder().start().await.unwrap(),
            _data: data,
        }
    }

    fn ecr(&self, name: &str, host: &str, login: Option<(&str, &str)>) -> Value {
        self.cloud.registry("aws-ecr", name, &format!("https://{host}"), login)
    }

    async fn plain(&self) -> i64 {
        let body = registry("docker-registry", "plain", &self.plain.url(), None);
        create_registry(&self.client, &body).await
    }

    /// Neither the log nor an answer may hold them.
    async fn keeps_silent(&self, secrets: &[&str], ended: &[&Ended]) {
        let shown = self.client.get(REGISTRIES).await.text();
        let said = format!("{:?} {shown} {ended:?}", self.daemon.log());
        for secret in secrets {
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

/// What moto has, called by boto3.
async fn ecr(moto: &mut Script, call: &str, arguments: Value) -> Value {
    moto.ask(&json!({"call": call, "with": arguments})).await
}

#[tokio::test]
async fn keys_are_told_apart_and_images_go_there_and_back() {
    let Some(mut moto) = Script::start("ecr.py") else { return };
    let Some(data) = DockerRegistry::behind(DATA, ACCOUNT).await else { return };
    let started = moto.hear().await;
    let text = |name: &str| started[name].as_str().unwrap().to_owned();
    let (key, secret) = (text("access_key"), text("secret"));
    let sea = Sea::new().await;
    sea.cloud.lead(API, text("address").parse().unwrap());
    sea.cloud.lead(DATA, data.address());

    for (login, expected) in [
        ((key.as_str(), "wrong/secret"), "the secret access key is not the one that belongs to it"),
        (("AKIAUNKNOWN000000000", secret.as_str()), "AWS does not know the access key id"),
    ] {
        let message = refused(&sea.client, &sea.ecr("bad", API, Some(login))).await;
        assert!(message.contains(expected) && !message.contains(login.1), "{message}");
    }
    let message = refused(&sea.client, &sea.ecr("bad", API, None)).await;
    assert!(message.contains("wants an access key id"), "{message}");
    let mut body = sea.ecr("ecr", API, Some((&key, &secret)));
    body["settings"] = json!({"scan_on_push": true, "image_tag_mutability": "IMMUTABLE"});
    let there = create_registry(&sea.client, &body).await;

    let plain = sea.plain().await;
    for (seed, repository) in ["team/app", "team/deep/er"].into_iter().enumerate() {
        sea.plain.put_image(repository, "v1", &[layer(seed as u64, 300_000)]);
    }
    let pushed = replicate(&sea.client, plain, there, json!({})).await;
    succeeded(&pushed);
    let made = ecr(&mut moto, "describe_repositories", json!({})).await;
    let made = made["repositories"].as_array().unwrap();
    let mut names: Vec<_> = made.iter().map(|it| it["repositoryName"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["team/app", "team/deep/er"]);
    for repository in made {
        assert_eq!(repository["imageScanningConfiguration"]["scanOnPush"], true, "{repository}");
        assert_eq!(repository["imageTagMutability"], "IMMUTABLE", "{repository}");
    }
    // Once more: they are there.
    succeeded(&replicate(&sea.client, plain, there, json!({})).await);

    // moto does not see what the registry beside it holds.
    for (repository, tag) in sea.plain.tags() {
        let digest = sea.plain.tag(&repository, &tag).unwrap();
        let manifest = sea.plain.manifest(&repository, &tag).unwrap();
        let image = json!({"repositoryName": repository, "imageTag": tag,
            "imageDigest": digest.as_str(), "imageManifest": String::from_utf8_lossy(&manifest)});
        ecr(&mut moto, "put_image", image).await;
    }
    let back = json!({"dest_namespace": "back", "dest_namespace_replace_count": 0});
    let pulled = replicate(&sea.client, there, plain, back).await;
    succeeded(&pulled);
    let all = ["back/team/app:v1", "back/team/deep/er:v1", "team/app:v1", "team/deep/er:v1"];
    assert_eq!(tags_of(&sea.plain), all);
    sea.plain.verify_all().unwrap();
    sea.keeps_silent(&[&secret, "wrong/secret"], &[&pushed, &pulled]).await;
}

/// An API of two repositories, or images, a page; counts the tokens that it gives.
fn api(seen: &Seen, tokens: &AtomicUsize) -> Answer {
    let signed = header(seen, "authorization");
    if !signed.starts_with(&format!("AWS4-HMAC-SHA256 Credential={KEY}/")) {
        let name = "UnrecognizedClientException";
        return answer(400, &json!({"__type": name, "message": "The security token is invalid."}));
    }
    let asked: Value = serde_json::from_slice(seen.body()).unwrap();
    let page: u64 = asked["nextToken"].as_str().map_or(0, |token| token.parse().unwrap());
    let next = (page < 3).then(|| (page + 1).to_string());
    let target = header(seen, "x-amz-target");
    match target.strip_prefix("AmazonEC2ContainerRegistry_V20150921.").unwrap_or_default() {
        "GetAuthorizationToken" => {
            tokens.fetch_add(1, Ordering::SeqCst);
            answer(
                200,
                &json!({"authorizationData": [{"authorizationToken": TOKEN,
                "expiresAt": 4_102_444_799.5, "proxyEndpoint": format!("https://{DATA}")}]}),
            )
        }
        "DescribeRepositories" => {
            let row = |n: u64| json!({"repositoryName": format!("ship-{}", 2 * page + n)});
            answer(200, &json!({"repositories": [row(0), row(1)], "nextToken": next}))
        }
        "DescribeImages" => {
            let row = |n: u64| json!({"imageTags": [format!("v{}", 2 * page + n)]});
            answer(200, &json!({"imageDetails": [row(0), row(1)], "nextToken": next}))
        }
        _ => answer(400, &json!({"__type": "InvalidParameterException", "message": target})),
    }
}

#[tokio::test]
async fn every_page_is_listed_and_blobs_come_from_s3_without_a_token() {
    let sea = Sea::new().await;
    let tokens = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&tokens);
    sea.cloud.play(API, move |seen| api(seen, &counted));
    let data = Registry::builder().basic("AWS", "password").start().await.unwrap();
    // It refuses whoever sends a header that it does not know.
    let storage = Registry::builder().start().await.unwrap();
    for number in 0..8 {
        for tag in 0..8 {
            let layers = [layer(number, 1000)];
            data.put_image(&format!("ship-{number}"), &format!("v{tag}"), &layers);
            storage.put_image(&format!("ship-{number}"), &format!("v{tag}"), &layers);
        }
    }
    data.faults().redirect_blobs_to(&format!("https://{STORAGE}"));
    sea.cloud.lead(DATA, data.address());
    sea.cloud.lead(STORAGE, storage.address());

    let unknown = Some(("AKIAUNKNOWN000000000", SECRET));
    let message = refused(&sea.client, &sea.ecr("bad", API, unknown)).await;
    assert!(message.contains("AWS does not know the access key id"), "{message}");
    let from = create_registry(&sea.client, &sea.ecr("ecr", API, Some((KEY, SECRET)))).await;
    let asked_before = tokens.load(Ordering::SeqCst);
    let filters = json!([{"type": "name", "value": "ship-?"}, {"type": "tag", "value": "v[07]"}]);
    let ended = replicate(&sea.client, from, sea.plain().await, json!({"filters": filters})).await;
    succeeded(&ended);
    let expected: Vec<_> =
        (0..8).flat_map(|n| [format!("ship-{n}:v0"), format!("ship-{n}:v7")]).collect();
    assert_eq!(tags_of(&sea.plain), expected);
    sea.plain.verify_all().unwrap();
    let calls = sea.cloud.requests();
    assert!(
        calls.iter().filter(|line| line.starts_with(&format!("{API} POST"))).count() >= 4 + 8 * 4
    );
    assert!(storage.count(Kind::BlobGet) > 0);
    let asked = tokens.load(Ordering::SeqCst) - asked_before;
    // Calls that begin at the same moment each ask; none of the many after them does.
    assert!(asked <= 4, "one token is enough for all: {asked}");
    sea.keeps_silent(&[SECRET, TOKEN], &[&ended]).await;
}

#[tokio::test]
async fn ecr_public_is_a_source_with_keys_and_without() {
    let sea = Sea::new().await;
    let public = Registry::builder()
        .name(PUBLIC)
        .bearer("nobody", "has it", std::time::Duration::from_secs(300))
        .anonymous_pull()
        .catalog(false)
        .start()
        .await
        .unwrap();
    public.set_public_url(&format!("https://{PUBLIC}"));
    public.put_image("docker/library/alpine", "3.20", &[layer(1, 10_000)]);
    sea.cloud.lead(PUBLIC, public.address());
    let from = create_registry(&sea.client, &sea.ecr("public", PUBLIC, None)).await;
    let to = sea.plain().await;
    let only = json!({"filters": [{"type": "name", "value": "docker/library/alpine"}]});
    succeeded(&replicate(&sea.client, from, to, only).await);
    assert_eq!(tags_of(&sea.plain), ["docker/library/alpine:3.20"]);
    sea.plain.verify_all().unwrap();
    sea.plain.put_image("own/app", "v1", &[layer(2, 10_000)]);
    let own = json!({"filters": [{"type": "name", "value": "own/app"}]});
    for (from, to, more, expected) in [
        (from, to, json!({}), "name the repositories in the rule"),
        (to, from, own, "it is a source only here"),
    ] {
        let ended = replicate(&sea.client, from, to, more).await;
        assert_eq!(ended.execution["status"], "Failed", "{ended:#?}");
        assert!(format!("{ended:?}").contains(expected), "{expected}: {ended:#?}");
    }

    sea.cloud.play(PUBLIC_API, |seen| {
        if !header(seen, "authorization").contains(KEY) {
            let refusal = json!({"__type": "UnrecognizedClientException", "message": "no"});
            return answer(400, &refusal);
        }
        let data = json!({"authorizationToken": TOKEN, "expiresAt": 4_102_444_799.5});
        answer(200, &json!({"authorizationData": data}))
    });
    sea.cloud.play(PUBLIC, |seen| match header(seen, "authorization") {
        sent if sent == format!("Bearer {TOKEN}") => answer(200, &json!({})),
        _ => {
            with(401, &[("www-authenticate", "Bearer realm=\"https://public.ecr.aws/token/\"")], "")
        }
    });
    create_registry(&sea.client, &sea.ecr("with keys", PUBLIC, Some((KEY, SECRET)))).await;
    let message = refused(&sea.client, &sea.ecr("bad", PUBLIC, Some(("AKIANO", SECRET)))).await;
    assert!(message.contains("AWS does not know the access key id `AKIANO`"), "{message}");
    sea.keeps_silent(&[SECRET, TOKEN], &[]).await;
}
