//! A double of Alibaba Cloud's two management APIs over a registry in memory. It gives two rows a
//! page, whatever is asked for, and lets the vendor's own library check every signature.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use e2e::{
    cloud::{Answer, Seen, answer, header, query},
    signer::Signer,
};
use portolan_testregistry::Registry;
use serde_json::{Value, json};

pub const KEY: &str = "LTAI4GoodKey";
pub const SECRET: &str = "fathom-Line/of+the=Deep~77";
pub const INSTANCE: &str = "cri-abcdefgh12345678";
pub const USER: &str = "cr_temp_user";
pub const PASSWORD: &str = "temporary:one/hour+long";

/// Rows of a page.
const PAGE: usize = 2;

pub struct Service {
    pub registry: Registry,
    vendor: Signer,
    nonces: Mutex<HashSet<String>>,
    /// Namespaces that were created, and whether a push makes repositories in them.
    namespaces: Mutex<BTreeMap<String, bool>>,
    /// Repositories that were created, and their types.
    created: Mutex<BTreeMap<String, String>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Service {
    pub fn new(registry: Registry, vendor: Signer) -> Self {
        Self {
            registry,
            vendor,
            nonces: Mutex::default(),
            namespaces: Mutex::default(),
            created: Mutex::default(),
        }
    }

    pub fn namespaces(&self) -> BTreeMap<String, bool> {
        lock(&self.namespaces).clone()
    }

    pub fn created(&self) -> BTreeMap<String, String> {
        lock(&self.created).clone()
    }

    pub fn add_namespace(&self, name: &str, auto_create: bool) {
        lock(&self.namespaces).insert(name.to_owned(), auto_create);
    }

    pub fn answer(&self, seen: &Seen) -> Answer {
        if let Err((status, code)) = self.authenticate(seen) {
            return no(status, code);
        }
        match header(seen, "x-acs-version") {
            "2018-12-01" => self.enterprise(seen),
            "2016-06-07" => self.personal(seen),
            _ => no(400, "InvalidVersion"),
        }
    }

    /// The key, the nonce, and the signature.
    fn authenticate(&self, seen: &Seen) -> Result<(), (u16, &'static str)> {
        let sent = header(seen, "authorization");
        let (scheme, id) = match sent.strip_prefix("acs ") {
            Some(rest) => ("roa", rest.split(':').next()),
            None => ("v3", sent.split("Credential=").nth(1).and_then(|it| it.split(',').next())),
        };
        if id != Some(KEY) {
            return Err((404, "InvalidAccessKeyId.NotFound"));
        }
        let nonce = header(seen, "x-acs-signature-nonce").to_owned();
        if nonce.is_empty() || !lock(&self.nonces).insert(nonce) {
            return Err((400, "SignatureNonceUsed"));
        }
        let is_signed = |name: &str| {
            let others = match scheme {
                "v3" => &["host", "content-type"][..],
                _ => &["accept", "content-md5", "content-type", "date"],
            };
            name.starts_with("x-acs-") || others.contains(&name)
        };
        let headers: serde_json::Map<_, _> = (seen.headers().keys().map(|name| name.as_str()))
            .filter(|name| is_signed(name))
            .map(|name| (name.to_owned(), json!(header(seen, name))))
            .collect();
        let request = json!({"scheme": scheme, "key": KEY, "secret": SECRET,
            "method": seen.method().as_str(), "headers": headers,
            "url": format!("https://{}{}", header(seen, "host"), seen.uri()),
            "body": String::from_utf8_lossy(seen.body())});
        if self.vendor.ask(&request) == sent {
            return Ok(());
        }
        Err((400, "SignatureDoesNotMatch"))
    }

    fn enterprise(&self, seen: &Seen) -> Answer {
        let query = query(seen);
        let of = |name: &str| query.get(name).map_or("", String::as_str);
        let action = header(seen, "x-acs-action");
        if of("InstanceId") != INSTANCE || of("Action") != action {
            return no(200, "INSTANCE_NOT_EXIST");
        }
        let page = || of("PageNo").parse().unwrap_or(1);
        match (seen.method().as_str(), action) {
            (_, "GetAuthorizationToken") => yes(json!({"ExpireTime": 4_000_000_000_000_u64,
                "TempUsername": USER, "AuthorizationToken": PASSWORD})),
            (_, "ListNamespace") => rows(
                "Namespaces",
                page(),
                self.all_namespaces(),
                |(name, auto)| json!({"NamespaceName": name, "AutoCreateRepo": auto, "DefaultRepoType": "PRIVATE"}),
            ),
            (_, "ListRepository") => {
                let names = self.repositories(of("RepoNamespaceName"));
                rows("Repositories", page(), names, |name| json!({"RepoName": name}))
            }
            (_, "GetRepository") => {
                let name = format!("{}/{}", of("RepoNamespaceName"), of("RepoName"));
                match self.registry.tags().iter().any(|(repository, _)| *repository == name) {
                    true => yes(json!({"RepoId": format!("crr-{name}")})),
                    false => no(200, "REPO_NOT_EXIST"),
                }
            }
            (_, "ListRepoTag") => {
                let name = of("RepoId").trim_start_matches("crr-");
                rows(
                    "Images",
                    page(),
                    self.tags(name),
                    |(tag, digest)| json!({"Tag": tag, "Digest": digest, "ImageUpdate": "1787300000000"}),
                )
            }
            ("POST", "CreateNamespace") => {
                self.add_namespace(of("NamespaceName"), of("AutoCreateRepo") == "true");
                yes(json!({}))
            }
            ("POST", "CreateRepository") => {
                let name = format!("{}/{}", of("RepoNamespaceName"), of("RepoName"));
                match lock(&self.created).insert(name, of("RepoType").to_owned()) {
                    None => yes(json!({})),
                    Some(_) => no(200, "REPO_ALREADY_EXIST"),
                }
            }
            _ => no(404, "InvalidAction.NotFound"),
        }
    }

    fn personal(&self, seen: &Seen) -> Answer {
        let query = query(seen);
        let number = query.get("Page").and_then(|page| page.parse().ok()).unwrap_or(1);
        let path: Vec<&str> = seen.uri().path().split('/').skip(1).collect();
        let body: Value = serde_json::from_slice(seen.body()).unwrap_or_default();
        let page = |key: &str, all: Vec<Value>| {
            let total = all.len();
            let rows: Vec<_> = all.into_iter().skip((number - 1) * PAGE).take(PAGE).collect();
            data(json!({"page": number, "pageSize": PAGE, "total": total, key: rows}))
        };
        match (seen.method().as_str(), &path[..]) {
            ("GET", ["tokens"]) => data(json!({"authorizationToken": PASSWORD,
                "tempUserName": USER, "expireDate": 4_000_000_000_000_u64})),
            ("GET", ["namespace"]) => {
                let row = |(name, _)| json!({"namespace": name, "namespaceStatus": "NORMAL"});
                let all: Vec<_> = self.all_namespaces().into_iter().map(row).collect();
                data(json!({"namespaces": all}))
            }
            ("GET", ["namespace", name]) => match self.namespaces().get(*name) {
                Some(auto) => data(json!({"namespace": {"namespace": name, "autoCreate": auto}})),
                None => no(404, "NAMESPACE_NOT_EXIST"),
            },
            ("PUT", ["namespace"]) => {
                self.add_namespace(body["namespace"]["namespace"].as_str().unwrap(), true);
                data(json!({"namespaceId": 1}))
            }
            ("GET", ["repos", namespace]) => {
                let row = |name| json!({"repoName": name, "repoNamespace": namespace});
                page("repos", self.repositories(namespace).into_iter().map(row).collect())
            }
            ("PUT", ["repos"]) => {
                let of = |name: &str| body["repo"][name].as_str().unwrap().to_owned();
                let name = format!("{}/{}", of("repoNamespace"), of("repoName"));
                lock(&self.created).insert(name, of("repoType"));
                data(json!({"repoId": 1}))
            }
            ("GET", ["repos", namespace, name, "tags"]) => {
                let row = |(tag, digest)| json!({"tag": tag, "digest": digest});
                let tags = self.tags(&format!("{namespace}/{name}"));
                page("tags", tags.into_iter().map(row).collect())
            }
            _ => no(404, "InvalidAction.NotFound"),
        }
    }

    /// Those that were created, and those that hold something.
    fn all_namespaces(&self) -> Vec<(String, bool)> {
        let mut all = self.namespaces();
        for (repository, _) in self.registry.tags() {
            let (namespace, _) = repository.split_once('/').expect("a namespace");
            all.entry(namespace.to_owned()).or_insert(true);
        }
        all.into_iter().collect()
    }

    fn repositories(&self, namespace: &str) -> Vec<String> {
        let tags = self.registry.tags();
        let below =
            tags.iter().filter_map(|(name, _)| name.strip_prefix(namespace)?.strip_prefix('/'));
        below.map(str::to_owned).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Tags with digests, without their `sha256:`, as the service writes them.
    fn tags(&self, repository: &str) -> Vec<(String, String)> {
        let tags = self.registry.tags().into_iter().filter(|(name, _)| name == repository);
        let row = |(name, tag): (String, String)| {
            let digest = self.registry.tag(&name, &tag).expect("it was just listed");
            (tag, digest.as_str().trim_start_matches("sha256:").to_owned())
        };
        tags.map(row).collect()
    }
}

fn rows<T>(key: &str, page: usize, all: Vec<T>, row: impl Fn(T) -> Value) -> Answer {
    let total = all.len().to_string();
    let rows: Vec<_> = all.into_iter().skip((page - 1) * PAGE).take(PAGE).map(row).collect();
    yes(json!({"TotalCount": total, "PageNo": page, "PageSize": PAGE, key: rows}))
}

fn yes(mut body: Value) -> Answer {
    body["IsSuccess"] = json!(true);
    body["Code"] = json!("success");
    answer(200, &body)
}

fn data(body: Value) -> Answer {
    answer(200, &json!({"data": body, "requestId": "1"}))
}

fn no(status: u16, code: &str) -> Answer {
    let message = "Specified request is refused.";
    let mut body = json!({"RequestId": "1", "HostId": "cr", "Code": code, "Message": message});
    if status == 200 {
        body["IsSuccess"] = json!(false);
    }
    answer(status, &body)
}
