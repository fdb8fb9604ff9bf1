//! The provider `google-gcr` through the daemon's API, against doubles of Container Registry,
//! Artifact Registry, its management API and Google's token service.
//!
//! The double of the token service checks assertions with rustls and the public half of RFC 7515's
//! example key, not with our signer.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use base64::{Engine as _, prelude::*};
use e2e::{
    api::{Ended, POLICIES, create_registry, refused, registry, replicate},
    cloud::{Answer, Cloud, Seen, answer, header, query, with},
    daemon::Daemon,
    http::Client,
};
use portolan_testregistry::{Child, Registry, layer};
use rustls::crypto::ring;
use serde_json::{Value, json};
use url::form_urlencoded;

const API: &str = "artifactregistry.googleapis.com";
const TOKENS: &str = "oauth2.googleapis.com";
const PKG: &str = "us-docker.pkg.dev";
const GCR: &str = "gcr.io";
const EMAIL: &str = "robot@proj.iam.gserviceaccount.com";
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
const REPOSITORIES: &str = "/v1/projects/proj/locations/us/repositories";

/// The example key of RFC 7515, A.2, and its modulus as the RFC writes it.
const KEY: &str = include_str!("../../oracles/rfc7515-a2.pem");
const MODULUS: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrc\
    S2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kp\
    aSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5Ih\
    lJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";

fn key_file(id: &str) -> String {
    json!({"type": "service_account", "project_id": "proj", "private_key_id": id,
        "private_key": KEY, "client_email": EMAIL, "client_id": "7",
        "token_uri": "https://elsewhere.example/token"})
    .to_string()
}

/// Google, as far as the adapter meets it; images are in `held`.
struct Google {
    held: Registry,
    /// Repositories of Artifact Registry in location `us`.
    shelves: Mutex<BTreeSet<String>>,
    operations: Mutex<u32>,
    api_is_open: bool,
}

impl Google {
    async fn start(cloud: &Cloud, shelves: &[&str], api_is_open: bool) -> Arc<Self> {
        let google = Arc::new(Self {
            held: Registry::builder().page_cap(2).start().await.unwrap(),
            shelves: Mutex::new(shelves.iter().map(|&name| name.to_owned()).collect()),
            operations: Mutex::default(),
            api_is_open,
        });
        cloud.play(TOKENS, access_token);
        let double = Arc::clone(&google);
        cloud.play(API, move |seen| double.management(seen));
        for host in [PKG, GCR] {
            let double = Arc::clone(&google);
            let before = move |seen: &Seen| double.registry(host, seen);
            cloud.front(host, google.held.address(), before);
            google.held.set_public_url(&format!("https://{host}"));
        }
        google
    }

    /// What stands before the registry: tokens, uploads that go on elsewhere, and lists that say
    /// more. The rest is its own.
    fn registry(&self, host: &str, seen: &Seen) -> Option<Answer> {
        let (path, method) = (seen.uri().path(), seen.method().as_str());
        if path == "/v2/token" {
            return Some(registry_token(seen));
        }
        let token = header(seen, "authorization");
        if token != "Bearer registry"
            && !(token == "Bearer public" && matches!(method, "GET" | "HEAD"))
        {
            let challenge = format!(r#"Bearer realm="https://{host}/v2/token",service="{host}""#);
            let refusal =
                json!({"errors": [{"code": "UNAUTHORIZED", "message": "Not Authorized."}]});
            return Some(with(401, &[("www-authenticate", &challenge)], refusal.to_string()));
        }
        if let Some(name) = path.strip_prefix("/v2/").and_then(|it| it.strip_suffix("/tags/list")) {
            return self.more_than_tags(name);
        }
        if let Some(rest) = path.strip_prefix("/artifacts-uploads/") {
            let digest = self.held.put_blob(rest.split_once("/uploads/")?.0, seen.body().clone());
            let right = digest.to_string() == *query(seen).get("digest")?;
            return Some(with(if right { 201 } else { 400 }, &[], ""));
        }
        let name = path.strip_prefix("/v2/")?.strip_suffix("/blobs/uploads/")?;
        if host == PKG && !self.has_shelf(name) {
            let unknown = json!({"errors": [{"code": "NAME_UNKNOWN", "message": "not found"}]});
            return Some(answer(404, &unknown));
        }
        Some(with(202, &[("location", &format!("/artifacts-uploads/{name}/uploads/AF5c"))], ""))
    }

    fn has_shelf(&self, name: &str) -> bool {
        let shelf = name.split('/').nth(1).unwrap_or_default();
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner).contains(shelf)
    }

    /// `child` and `manifest` where there is no tag to page through, else the registry's own pages.
    fn more_than_tags(&self, name: &str) -> Option<Answer> {
        let all = self.held.tags();
        let below = |held: &str| {
            held.strip_prefix(name)?.strip_prefix('/')?.split('/').next().map(str::to_owned)
        };
        let children: BTreeSet<String> = all.iter().filter_map(|(held, _)| below(held)).collect();
        let tags: Vec<&str> =
            all.iter().filter(|(held, _)| held == name).map(|(_, tag)| tag.as_str()).collect();
        if children.is_empty() && tags.len() > 2 {
            return None;
        }
        let mut manifests = serde_json::Map::new();
        for tag in &tags {
            let digest = self.held.tag(name, tag)?.to_string();
            let size = self.held.manifest(name, tag)?.len().to_string();
            let entry =
                manifests.entry(digest).or_insert(json!({"tag": [], "imageSizeBytes": size}));
            entry["tag"].as_array_mut()?.push(json!(tag));
        }
        let body = json!({"child": children, "manifest": manifests, "name": name, "tags": tags});
        Some(answer(200, &body))
    }

    fn management(&self, seen: &Seen) -> Answer {
        if header(seen, "authorization") != "Bearer ya29.double" {
            return fault(401, "UNAUTHENTICATED", "invalid authentication credentials");
        }
        if !self.api_is_open {
            return fault(403, "PERMISSION_DENIED", "Artifact Registry API has not been used");
        }
        let path = seen.uri().path();
        if path.starts_with("/v1/projects/proj/locations/us/operations/") {
            let mut asked = self.operations.lock().unwrap_or_else(PoisonError::into_inner);
            *asked += 1;
            return answer(200, &json!({"name": &path[4..], "done": *asked > 1}));
        }
        let Some(below) = path.strip_prefix(REPOSITORIES) else {
            return fault(404, "NOT_FOUND", path);
        };
        match (seen.method().as_str(), below.trim_start_matches('/').split_once('/')) {
            ("POST", _) => self.create(seen),
            ("GET", _) if below.is_empty() => self.shelves(seen),
            ("GET", Some((shelf, "packages"))) => self.packages(seen, shelf),
            ("GET", None) if self.has_shelf(&format!("proj{below}")) => {
                answer(200, &json!({"format": "DOCKER", "mode": "STANDARD_REPOSITORY"}))
            }
            _ => fault(404, "NOT_FOUND", path),
        }
    }

    fn create(&self, seen: &Seen) -> Answer {
        let body: Value = serde_json::from_slice(seen.body()).unwrap_or_default();
        let name = query(seen).remove("repositoryId").unwrap_or_default();
        if body["format"] != "DOCKER" {
            return fault(400, "INVALID_ARGUMENT", "format");
        }
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner).insert(name);
        answer(200, &json!({"name": "projects/proj/locations/us/operations/o1"}))
    }

    fn shelves(&self, seen: &Seen) -> Answer {
        let names = self.shelves.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let row = |name: String| {
            json!({"name": format!("{}/{name}", &REPOSITORIES[4..]),
            "format": "DOCKER", "mode": "STANDARD_REPOSITORY"})
        };
        page(seen, "repositories", names.into_iter().map(row).collect(), 1)
    }

    fn packages(&self, seen: &Seen, shelf: &str) -> Answer {
        let prefix = format!("proj/{shelf}/");
        let below =
            |(name, _): (String, String)| Some(name.strip_prefix(&prefix)?.replace('/', "%2F"));
        let names: BTreeSet<String> = self.held.tags().into_iter().filter_map(below).collect();
        let row = |name| json!({"name": format!("{}/{shelf}/packages/{name}", &REPOSITORIES[4..])});
        page(seen, "packages", names.into_iter().map(row).collect(), 2)
    }
}

/// Rows from where the page token says, `size` of them.
fn page(seen: &Seen, field: &str, rows: Vec<Value>, size: usize) -> Answer {
    let start: usize = query(seen).get("pageToken").map_or(0, |it| it.parse().unwrap_or(0));
    let more = rows.len() > start + size;
    let rows: Vec<Value> = rows.into_iter().skip(start).take(size).collect();
    let next = if more { (start + size).to_string() } else { String::new() };
    answer(200, &json!({field: rows, "nextPageToken": next}))
}

fn fault(status: u16, code: &str, message: &str) -> Answer {
    answer(status, &json!({"error": {"code": status, "status": code, "message": message}}))
}

/// A token of the registry for the whole key file as the password; one for reading what is public
/// for nobody.
fn registry_token(seen: &Seen) -> Answer {
    let right = BASE64_STANDARD.encode(format!("_json_key:{}", key_file("k1")));
    match header(seen, "authorization") {
        "" => answer(200, &json!({"token": "public", "expires_in": 3600})),
        given if given == format!("Basic {right}") => {
            answer(200, &json!({"token": "registry", "expires_in": 3600}))
        }
        _ => {
            let message = "Not Authorized.";
            answer(401, &json!({"errors": [{"code": "UNAUTHORIZED", "message": message}]}))
        }
    }
}

fn access_token(seen: &Seen) -> Answer {
    let fields: Vec<(String, String)> = form_urlencoded::parse(seen.body()).into_owned().collect();
    let field = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value);
    let granted = field("grant_type")
        .is_some_and(|it| it == "urn:ietf:params:oauth:grant-type:jwt-bearer")
        && field("assertion").is_some_and(|it| is_signed(it).is_some());
    if granted {
        return answer(200, &json!({"access_token": "ya29.double", "expires_in": 3599}));
    }
    let why = "Invalid JWT Signature.";
    answer(400, &json!({"error": "invalid_grant", "error_description": why}))
}

/// Header and claims as Google wants them, and a signature of the key.
fn is_signed(assertion: &str) -> Option<()> {
    let (message, signature) = assertion.rsplit_once('.')?;
    let (header, claims) = message.split_once('.')?;
    let decode = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).ok();
    let read = |text: &str| serde_json::from_slice::<Value>(&decode(text)?).ok();
    let (header, claims) = (read(header)?, read(claims)?);
    let life = claims["exp"].as_u64()?.checked_sub(claims["iat"].as_u64()?)?;
    let fits = header == json!({"alg": "RS256", "typ": "JWT", "kid": "k1"})
        && (&claims["iss"], &claims["scope"]) == (&json!(EMAIL), &json!(SCOPE))
        && claims["aud"] == format!("https://{TOKENS}/token")
        && life <= 3600;
    // RFC 8017, RSAPublicKey: SEQUENCE of modulus and exponent, both INTEGER.
    let mut key = vec![0x30, 0x82, 1, 10, 2, 0x82, 1, 1, 0];
    key.extend(decode(MODULUS)?);
    key.extend([2, 3, 1, 0, 1]);
    let signature = decode(signature)?;
    let algorithms = ring::default_provider().signature_verification_algorithms.all;
    let verifies = |it: &&dyn rustls::pki_types::SignatureVerificationAlgorithm| {
        it.verify_signature(&key, message.as_bytes(), &signature).is_ok()
    };
    (fits && algorithms.iter().any(verifies)).then_some(())
}

/// A daemon, its client, Google and a plain registry.
struct Sea {
    _data: tempfile::TempDir,
    daemon: Daemon,
    client: Client,
    cloud: Cloud,
    google: Arc<Google>,
    plain: Registry,
}

impl Sea {
    async fn new(shelves: &[&str], api_is_open: bool) -> Self {
        let data = tempfile::tempdir().unwrap();
        let daemon = Daemon::start(data.path(), &[]).await;
        let cloud = Cloud::start(&[API, TOKENS, PKG, GCR]).await;
        let google = Google::start(&cloud, shelves, api_is_open).await;
        let plain = Registry::builder().start().await.unwrap();
        Self { client: daemon.admin(), _data: data, daemon, cloud, google, plain }
    }

    async fn plain(&self) -> i64 {
        let body = registry("docker-registry", "plain", &self.plain.url(), None);
        create_registry(&self.client, &body).await
    }

    async fn google(&self, host: &str, secret: Option<&str>) -> i64 {
        create_registry(&self.client, &self.body(host, secret)).await
    }

    fn body(&self, host: &str, secret: Option<&str>) -> Value {
        let login = secret.map(|secret| ("_json_key", secret));
        self.cloud.registry("google-gcr", host, &format!("https://{host}"), login)
    }

    fn keeps_the_key_to_itself(&self, answers: &[&str]) {
        let line = KEY.lines().nth(2).unwrap();
        let log = self.daemon.log().join("\n");
        for text in answers.iter().copied().chain([log.as_str()]) {
            assert!(!text.contains(line) && !text.contains("ya29.double"), "{text}");
        }
    }
}

fn succeeded(ended: &Ended) {
    assert_eq!(ended.execution["status"], "Succeed", "{ended:#?}");
}

#[tokio::test]
async fn artifact_registry_from_new_endpoint_to_the_end_of_a_replication() {
    let sea = Sea::new(&["a", "b", "c"], true).await;
    let held = &sea.google.held;
    let names =
        ["proj/a/one", "proj/a/two", "proj/a/deep/er", "proj/b/one", "proj/c/one", "proj/c/two"];
    for (seed, name) in (0..).zip(names) {
        held.put_image(name, "v1", &[layer(seed, 20_000)]);
    }
    for tag in ["v2", "v3", "v4", "v5", "v6"] {
        held.put_image("proj/b/one", tag, &[layer(3, 20_000)]);
    }
    let why = refused(&sea.client, &sea.body(PKG, Some(&key_file("k2")))).await;
    for part in ["us-docker.pkg.dev", "Not Authorized.", "the key `k2` of `robot@proj"] {
        assert!(why.contains(part), "{why}");
    }
    let (from, to) = (sea.google(PKG, Some(&key_file("k1"))).await, sea.plain().await);
    succeeded(&replicate(&sea.client, from, to, json!({})).await);
    assert_eq!(sea.plain.tags(), held.tags());
    sea.plain.verify_all().unwrap();
    let requests = sea.cloud.requests();
    let listed = |what: &str| requests.iter().filter(|line| line.contains(what)).count();
    assert_eq!((listed("/repositories?page"), listed("/a/packages?page")), (3, 2), "{requests:#?}");
    assert_eq!(listed("/v2/proj/b/one/tags/list"), 3, "{requests:#?}");
    assert_eq!(listed(TOKENS), 2, "one connection, one token: {requests:#?}");
    assert!(!requests.iter().any(|line| line.contains("elsewhere.example")));
    sea.keeps_the_key_to_itself(&[&why, &sea.client.get("/api/v2.0/registries").await.text()]);
}

#[tokio::test]
async fn images_are_pushed_into_a_repository_that_is_made_for_them() {
    let sea = Sea::new(&["a"], true).await;
    sea.plain.put_image("lib/app", "v1", &[layer(1, 300_000)]);
    let child = sea.plain.put_platform_image("lib/many", None, "linux/arm64", &[layer(2, 900)]);
    let platform = "linux/arm64".to_owned();
    sea.plain.put_index("lib/many", Some("v2"), &[Child { digest: child, platform }]);
    let (from, to) = (sea.plain().await, sea.google(PKG, Some(&key_file("k1"))).await);
    let rule = |namespace: &str, replace: i8| {
        json!({"name": "wrong", "src_registry": {"id": from}, "dest_registry": {"id": to},
            "dest_namespace": namespace, "dest_namespace_replace_count": replace})
    };
    for (namespace, replace, part) in [
        ("other/new", 0, "does not begin with the project ID `proj`"),
        ("proj", -1, "names there are PROJECT/REPOSITORY/IMAGE"),
    ] {
        let answer = sea.client.post(POLICIES, &rule(namespace, replace)).await;
        assert_eq!(answer.status, 400, "{}", answer.text());
        let shown = format!("the namespace `{namespace}`");
        assert!(
            answer.text().contains(part) && answer.text().contains(&shown),
            "{}",
            answer.text()
        );
    }
    let more = json!({"dest_namespace": "proj/new", "dest_namespace_replace_count": 1});
    let ended = replicate(&sea.client, from, to, more.clone()).await;
    succeeded(&ended);
    let held = &sea.google.held;
    for (name, tag) in [("app", "v1"), ("many", "v2")] {
        let there = held.tag(&format!("proj/new/{name}"), tag);
        assert!(there.is_some() && there == sea.plain.tag(&format!("lib/{name}"), tag));
    }
    held.verify_all().unwrap();
    let requests = sea.cloud.requests();
    let first = |what: &str| requests.iter().position(|line| line.contains(what));
    let (made, put) = (first("repositories?repositoryId=new"), first("PUT /artifacts-uploads/"));
    assert!(made.is_some() && made < put, "{requests:#?}");
    // Once more: nothing is written.
    succeeded(&replicate(&sea.client, from, to, more).await);
    let again = sea.cloud.requests().split_off(requests.len());
    assert!(!again.iter().any(|line| line.contains("PUT /")), "{again:#?}");
    sea.keeps_the_key_to_itself(&ended.logs.iter().map(String::as_str).collect::<Vec<_>>());
}

#[tokio::test]
async fn gcr_is_walked_where_the_api_is_closed_and_read_without_a_key_where_it_is_public() {
    let sea = Sea::new(&[], false).await;
    let held = &sea.google.held;
    for (seed, name) in (0..).zip(["proj/app", "proj/app/web", "proj/tools/a/b"]) {
        held.put_image(name, "v1", &[layer(seed, 10_000)]);
    }
    let to = sea.plain().await;
    let from = sea.google(GCR, Some(&key_file("k1"))).await;
    succeeded(&replicate(&sea.client, from, to, json!({})).await);
    assert_eq!(sea.plain.tags(), held.tags());
    sea.plain.verify_all().unwrap();
    let mut nobody = sea.body(GCR, None);
    nobody["name"] = json!("public");
    let public = create_registry(&sea.client, &nobody).await;
    let only = json!([{"type": "name", "value": "proj/app"}]);
    let more = json!({"filters": only, "dest_namespace": "public"});
    succeeded(&replicate(&sea.client, public, to, more).await);
    assert_eq!(sea.plain.tag("public/app", "v1"), held.tag("proj/app", "v1"));
    let all = replicate(&sea.client, public, to, json!({})).await;
    assert_eq!(all.execution["status"], "Failed");
    let why = all.execution["status_text"].as_str().unwrap();
    assert!(why.contains("the endpoint's setting `projects`"), "{why}");
    // Pushed to as well, though nobody can ask whether the repository is there.
    let back = json!({"filters": [{"type": "name", "value": "public/app"}],
        "dest_namespace": "proj/back", "dest_namespace_replace_count": 1});
    succeeded(&replicate(&sea.client, to, from, back).await);
    assert_eq!(held.tag("proj/back/app", "v1"), held.tag("proj/app", "v1"));
    sea.keeps_the_key_to_itself(&[]);
}
