//! A double of SWR: registry, token service and console's API at one name, the management API at
//! another. Written from Huawei's API reference and SDK; a page has three rows, whatever is asked.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use e2e::{
    cloud::{Answer, Cloud, Seen, answer, header, query},
    signer::Signer,
};
use portolan_testregistry::Registry;
use serde_json::{Map, Value, json};

const HOST: &str = "swr.cn-north-4.myhuaweicloud.com";
const MANAGEMENT: &str = "swr-api.cn-north-4.myhuaweicloud.com";
/// The endpoint's access key, whichever secret it has.
pub(super) const USER: &str = "cn-north-4@QTWAOYTTINDUT2QVKYUC";
pub(super) const SECRET_KEY: &str = "MFyfvK41ba2giqM7Uio6PznpdUKGpownRZlmVmHc";
/// The login key of [`USER`] for that secret key.
pub(super) const LOGIN_KEY: &str =
    "89aca1198a970e4360203d71cdaa80cfc13ecd55ee84409719e88162d139ef34";
const GUEST: &str = "cn-north-4@TEMPORARY0000";
/// The password of a temporary login.
pub(super) const TEMPORARY: &str = "b7f0c2-for-a-while";
const PAGE: usize = 3;

pub(super) struct Swr {
    cloud: Cloud,
    pub(super) registry: Arc<Registry>,
    state: Arc<State>,
    forgotten: Mutex<usize>,
}

struct State {
    registry: Arc<Registry>,
    organisations: Mutex<BTreeSet<String>>,
    /// Who may fetch tokens.
    login: String,
    /// Checks signatures, where there is a secret access key.
    oracle: Option<Signer>,
}

impl Swr {
    pub(super) async fn with_login_key() -> Self {
        Self::start(USER, LOGIN_KEY, None).await
    }

    pub(super) async fn with_secret_key(oracle: Signer) -> Self {
        Self::start(GUEST, TEMPORARY, Some(oracle)).await
    }

    async fn start(user: &str, password: &str, oracle: Option<Signer>) -> Self {
        let registry = Registry::builder()
            .name("dockyard")
            .bearer(user, password, Duration::from_secs(1800))
            .realm(&format!("https://{HOST}/token"))
            .catalog(false)
            .referrers(false)
            .page_cap(PAGE);
        let registry = Arc::new(registry.start().await.unwrap());
        registry.set_public_url(&format!("https://{HOST}"));
        let cloud = Cloud::start(&[HOST, MANAGEMENT]).await;
        let organisations = Mutex::new(BTreeSet::from(["team".to_owned()]));
        let login = basic(user, password);
        let state = State { registry: Arc::clone(&registry), organisations, login, oracle };
        let state = Arc::new(state);
        let (front, management) = (Arc::clone(&state), Arc::clone(&state));
        cloud.front(HOST, registry.address(), move |seen| front.registry(seen));
        cloud.play(MANAGEMENT, move |seen| management.management(seen));
        Self { cloud, registry, state, forgotten: Mutex::new(0) }
    }

    /// What `POST /registries` is sent.
    pub(super) fn endpoint(&self, key: &str, secret: &str, settings: Value) -> Value {
        let url = format!("https://{HOST}");
        let mut body = self.cloud.registry("huawei-SWR", "swr", &url, Some((key, secret)));
        body["settings"] = settings;
        body
    }

    pub(super) fn organisations(&self) -> Vec<String> {
        self.state.organisations().iter().cloned().collect()
    }

    pub(super) fn requests(&self) -> Vec<String> {
        self.cloud.requests().split_off(*self.forgotten.lock().unwrap())
    }

    /// How many requests hold a text.
    pub(super) fn asked(&self, part: &str) -> usize {
        self.requests().iter().filter(|line| line.contains(part)).count()
    }

    pub(super) fn forget(&self) {
        *self.forgotten.lock().unwrap() = self.cloud.requests().len();
    }
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")))
}

/// An error as the registry and the console's API write it.
fn fault(status: u16, code: &str, text: &str) -> Answer {
    answer(status, &json!({"errors": [{"errorCode": code, "errorMessage": text}]}))
}

impl State {
    fn organisations(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.organisations.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the registry behind does not do by itself.
    fn registry(&self, seen: &Seen) -> Option<Answer> {
        let (method, path) = (seen.method().as_str(), seen.uri().path());
        let denied = || Some(fault(401, "SVCSTG.SWR.4010000", "Authenticate Error"));
        if path == "/token" {
            let sent = header(seen, "authorization");
            return if sent.is_empty() || sent == self.login { None } else { denied() };
        }
        if let Some(rest) = path.strip_prefix("/dockyard/v2") {
            let known = self.oracle.is_none() && header(seen, "authorization") == self.login;
            return if known { Some(self.rows(seen, rest)) } else { denied() };
        }
        let organisation = path.strip_prefix("/v2/")?.split('/').next()?;
        let writes = matches!(method, "POST" | "PUT") && !organisation.is_empty();
        if writes && !self.organisations().contains(organisation) {
            return Some(fault(404, "SVCSTG.SWR.4040000", "namespace not found"));
        }
        (method == "PUT" && header(seen, "content-type").contains("oci.image.index")).then(|| {
            let text = "Invalid image, fail to parse 'manifest.json'";
            answer(400, &json!({"errors": [{"code": "MANIFEST_INVALID", "message": text}]}))
        })
    }

    fn management(&self, seen: &Seen) -> Answer {
        if !self.is_signed(seen) {
            let text = "Incorrect IAM authentication information: verify aksk signature fail";
            return answer(401, &json!({"error_msg": text, "error_code": "APIGW.0301"}));
        }
        match seen.uri().path().strip_prefix("/v2/manage") {
            Some("/utils/secret") if query(seen)["projectname"] == "cn-north-4" => {
                let auth = BASE64_STANDARD.encode(format!("{GUEST}:{TEMPORARY}"));
                answer(200, &json!({"auths": {HOST: {"auth": auth}}}))
            }
            Some(rest) => self.rows(seen, rest),
            None => fault(404, "SVCSTG.SWR.4040000", "no such path"),
        }
    }

    /// By what Huawei's own signer makes of the same request.
    fn is_signed(&self, seen: &Seen) -> bool {
        let Some(oracle) = &self.oracle else { return false };
        let sent = header(seen, "authorization");
        let names = sent.split("SignedHeaders=").nth(1).and_then(|rest| rest.split(',').next());
        let names = names.unwrap_or_default().split(';').filter(|name| *name != "host");
        let headers: Map<String, Value> =
            names.map(|name| (name.to_owned(), json!(header(seen, name)))).collect();
        if !headers.contains_key("x-sdk-date") || !headers.contains_key("content-type") {
            return false;
        }
        let case = json!({"method": seen.method().as_str(), "headers": headers,
            "url": format!("https://{MANAGEMENT}{}", seen.uri()),
            "body": String::from_utf8_lossy(seen.body()),
            "key": USER.split('@').nth(1), "secret": SECRET_KEY});
        oracle.ask(&case) == sent
    }

    /// Organisations and repositories: both APIs have the same.
    fn rows(&self, seen: &Seen, path: &str) -> Answer {
        if path == "/namespaces" && seen.method() == "POST" {
            return self.create(seen);
        }
        if let Some(name) = path.strip_prefix("/namespaces/") {
            return match self.organisations().get(name) {
                Some(name) => answer(200, &json!({"id": 1, "name": name, "auth": 7})),
                None => fault(404, "SVCSTG.SWR.4040000", "namespace not found"),
            };
        }
        match path {
            "/visible/namespaces" | "/namespaces" => {
                let rows = self.organisations();
                let rows: Vec<_> = rows.iter().map(|name| json!({"name": name})).collect();
                answer(200, &json!({ "namespaces": rows }))
            }
            "/repositories" | "/repos" => self.repositories(&query(seen)["filter"]),
            _ => fault(404, "SVCSTG.SWR.4040000", "no such path"),
        }
    }

    /// Names are unique among all customers: `theirs` is another one's.
    fn create(&self, seen: &Seen) -> Answer {
        let body: Value = serde_json::from_slice(seen.body()).unwrap();
        let name = body["namespace"].as_str().unwrap();
        if name == "theirs" || !self.organisations().insert(name.to_owned()) {
            return fault(409, "SVCSTG.SWR.4090000", "namespace already exists");
        }
        answer(201, &json!({}))
    }

    fn repositories(&self, filter: &str) -> Answer {
        let part = |name: &str| {
            let pairs = filter.split('|').filter_map(|pair| pair.split_once("::"));
            pairs.filter(|(key, _)| *key == name).find_map(|(_, value)| value.parse().ok())
        };
        let (limit, offset): (usize, usize) = (part("limit").unwrap(), part("offset").unwrap());
        let tags = self.registry.tags();
        let names: BTreeSet<_> = tags.iter().filter_map(|(name, _)| name.split_once('/')).collect();
        let row = |(namespace, name): &(&str, &str)| {
            json!({"name": name, "namespace": namespace, "is_public": false, "num_images": 1,
                "total_range": names.len(), "path": format!("{HOST}/{namespace}/{name}")})
        };
        let rows: Vec<_> = names.iter().skip(offset).take(limit.min(PAGE)).map(row).collect();
        answer(200, &Value::from(rows))
    }
}
