//! Hostile plug-ins against the real daemon: each is stopped by the limit that is named, and the
//! daemon goes on serving.

use std::{fs::File, path::Path};

use e2e::{
    daemon::{self, Daemon},
    guests,
    http::Client,
    poll::{PATIENCE, eventually},
};
use portolan_testregistry::{Faults, Kind, Registry, layer};
use serde_json::{Value, json};
use tempfile::TempDir;

const PLUGINS: &str = "/api/portolan/v1/plugins";
const REGISTRIES: &str = "/api/v2.0/registries";
const SECRET: &str = "s3cret-of-a-hostile-sea";
/// Limits small enough that reaching each of them is quick.
const LIMITS: &str = "[limits]\nmemory = 33554432\ncall_ms = 2500\nrequests = 20\n\
                      response_bytes = 1048576\nlog_lines = 50\n";
/// Most memory the daemon may ever have taken, in KiB.
const MEMORY: u64 = 400 << 10;

/// A daemon with the hostile plug-in approved.
struct Site {
    daemon: Daemon,
    client: Client,
    /// Where the hostile endpoints are.
    target: Registry,
    /// Where nobody sent them.
    elsewhere: Registry,
    _folder: TempDir,
}

impl Site {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("portolan.toml");
        std::fs::write(&config, LIMITS).unwrap();
        let data = folder.path().join("data");
        let plugins = data.join("plugins");
        std::fs::create_dir_all(&plugins).unwrap();
        guests::install(&plugins, "hostile", &guests::bytes(guests::HOSTILE));
        let daemon = Daemon::start(&data, &["--config", config.to_str().unwrap()]).await;
        let client = daemon.admin();
        approve(&client, "hostile").await;
        let (target, elsewhere) = (Registry::builder().start(), Registry::builder().start());
        let (target, elsewhere) = (target.await.unwrap(), elsewhere.await.unwrap());
        Self { daemon, client, target, elsewhere, _folder: folder }
    }

    /// An endpoint whose plug-in misbehaves as `act` says in `place`.
    fn endpoint(&self, name: &str, act: &str, place: &str) -> Value {
        let settings = json!({"act": act, "in": place, "url": self.elsewhere.url()});
        let login = json!({"type": "basic", "access_key": "robot", "access_secret": SECRET});
        json!({"name": name, "type": "hostile", "url": self.target.url(),
            "credential": login, "settings": settings})
    }

    /// Test Connection of settings that have no name yet: empty where all is well, else the sentence of the 400.
    async fn test(&self, act: &str) -> String {
        let mut body = self.endpoint("", act, "");
        (body["access_key"], body["access_secret"]) = (json!("robot"), json!(SECRET));
        let answer = self.client.post(&format!("{REGISTRIES}/ping"), &body).await;
        match answer.status {
            200 => String::new(),
            400 => answer.json()["errors"][0]["message"].as_str().unwrap().to_owned(),
            status => panic!("{act}: {status} {}", answer.text()),
        }
    }

    /// The daemon answers, and an endpoint that behaves still works.
    async fn goes_on(&self, after: &str) {
        self.target.faults().clear();
        assert_eq!(self.client.get("/api/v2.0/ping").await.text(), "Pong", "{after}");
        assert_eq!(self.test("").await, "", "{after}");
    }

    /// Creates an endpoint, by whatever provider.
    async fn create(&self, body: &Value) -> i64 {
        self.client.post(REGISTRIES, body).await.created_id()
    }
}

async fn approve(client: &Client, provider: &str) {
    let digest = eventually(PATIENCE, "the plug-in is found", async || {
        let all = client.get(PLUGINS).await.json();
        let mut all = all.as_array().unwrap().clone().into_iter();
        let found = all.find(|plugin| plugin["info"]["provider"] == provider);
        found.map(|plugin| plugin["digest"].as_str().unwrap().to_owned()).ok_or(())
    })
    .await;
    let approved = client.post(&format!("{PLUGINS}/{digest}/approve"), &json!({})).await;
    assert_eq!(approved.status, 200, "{}", approved.text());
}

/// The most memory a process has had, in KiB.
fn peak(daemon: &Daemon) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", daemon.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// What a plug-in does in Test Connection, what the registry does, and the words that say which
/// limit it was.
type Case = (&'static str, fn(&Faults), &'static [&'static str]);

const NO_FAULT: fn(&Faults) = |_| {};

const CASES: [Case; 14] = [
    ("spin", NO_FAULT, &["time limit"]),
    ("hoard", NO_FAULT, &["memory limit"]),
    ("trap", NO_FAULT, &["failed in check-health", "on purpose"]),
    ("overflow", NO_FAULT, &["stack limit"]),
    ("forbidden-host", NO_FAULT, &["nor a host granted"]),
    ("leak", NO_FAULT, &["nor a host granted"]),
    ("secret-echo", |it| it.echo_authorization(Kind::Ping), &["secret-echo limit"]),
    ("secret-echo", |it| it.echo_authorization_in_header(Kind::Ping), &["secret-echo limit"]),
    ("big-answer", |it| it.huge_answer(Kind::Catalog, 1 << 30), &["response-bytes limit"]),
    ("big-answer", |it| it.drop_always_after(Kind::Catalog, 5), &["127.0.0.1"]),
    ("bad-header", NO_FAULT, &["header `host`"]),
    ("split-header", NO_FAULT, &["header `x-a`"]),
    ("many-requests", NO_FAULT, &["requests limit", "more than 20"]),
    ("many-logs", NO_FAULT, &["log-lines limit", "more than 50"]),
];

#[tokio::test]
async fn each_misdeed_in_test_connection_is_stopped_by_its_limit() {
    let site = Site::start().await;
    for (act, fault, wanted) in CASES {
        fault(&site.target.faults());
        site.target.forget_requests();
        let message = site.test(act).await;
        for word in wanted {
            assert!(message.contains(word), "{act}: {message:?} does not say {word:?}");
        }
        assert!(message.contains("127.0.0.1"), "{act}: which endpoint? {message}");
        assert!(!message.contains(SECRET), "{act}: {message}");
        assert!(site.target.requests().len() <= 20, "{act}");
        site.goes_on(act).await;
    }
    assert_eq!(site.elsewhere.total_requests(), 0, "a request went where nobody sent it");
    let log = site.daemon.log();
    let lines = log.iter().filter(|line| line.contains("xxxxxxxx"));
    let lines: Vec<_> = lines.map(String::len).collect();
    assert!(lines.len() == 50 && lines.iter().all(|length| *length < 5_000), "{lines:?}");
    assert!(!log.join("\n").contains(SECRET));
    assert!(peak(&site.daemon) < MEMORY, "{} KiB", peak(&site.daemon));
}

/// Runs a policy; its ended execution and the log of its first task, if it has one.
async fn replicate(site: &Site, name: &str, from: i64, to: i64) -> (Value, String) {
    let policy = json!({"name": name, "src_registry": {"id": from}, "dest_registry": {"id": to},
        "enabled": true});
    let client = &site.client;
    let policy = client.post("/api/v2.0/replication/policies", &policy).await.created_id();
    let executions = "/api/v2.0/replication/executions";
    let started = client.post(executions, &json!({"policy_id": policy})).await;
    let path = format!("{executions}/{}", started.created_id());
    let ended = eventually(PATIENCE, "the execution ends", async || {
        let execution = client.get(&path).await.json();
        if execution["status"] == "InProgress" { Err(execution) } else { Ok(execution) }
    })
    .await;
    let tasks = client.get(&format!("{path}/tasks")).await.json();
    let log = match tasks[0]["id"].as_i64() {
        Some(id) => client.get(&format!("{path}/tasks/{id}/log")).await.text(),
        None => String::new(),
    };
    (ended, log)
}

#[tokio::test]
async fn misdeeds_in_a_run_fail_it_with_a_reason() {
    let site = Site::start().await;
    site.target.put_image("lib/app", "v1", &[layer(1, 1_000)]);
    let plain = json!({"name": "plain", "type": "docker-registry", "url": site.target.url()});
    let plain = site.create(&plain).await;
    let listings = [
        ("endless-pages", "", "does not end"),
        ("huge-page", "", "20000 rows"),
        ("hoard", "list-repositories", "memory limit"),
        ("trap", "list-repositories", "on purpose"),
    ];
    for (number, (act, place, wanted)) in listings.into_iter().enumerate() {
        let name = format!("source-{number}");
        let from = site.create(&site.endpoint(&name, act, place)).await;
        let (ended, _) = replicate(&site, &name, from, plain).await;
        assert_eq!(ended["status"], "Failed", "{act}: {ended}");
        let text = ended["status_text"].as_str().unwrap();
        assert!(text.contains(wanted), "{act}: {text}");
        site.goes_on(act).await;
    }
    let targets = [
        ("locate-elsewhere", "", "nor a host granted"),
        ("overflow", "locate", "stack limit"),
        ("trap", "locate", "on purpose"),
    ];
    for (number, (act, place, wanted)) in targets.into_iter().enumerate() {
        let name = format!("target-{number}");
        let to = site.create(&site.endpoint(&name, act, place)).await;
        let (ended, log) = replicate(&site, &name, plain, to).await;
        assert_eq!(ended["status"], "Failed", "{act}: {ended}");
        assert!(log.contains(wanted), "{act}: {log}");
        site.goes_on(act).await;
    }
    assert_eq!(site.elsewhere.total_requests(), 0, "`locate` led to a host of the guest's choice");
    assert!(peak(&site.daemon) < MEMORY, "{} KiB", peak(&site.daemon));
}

/// Name of the file, its bytes, what the terminal is told, what the log says of the file in the
/// directory.
type Unusable = (&'static str, Vec<u8>, &'static str, &'static str);

fn unusable() -> Vec<Unusable> {
    let same = |name, bytes, words| (name, bytes, words, words);
    let guest = |name, guest, words| same(name, guests::bytes(guest), words);
    vec![
        guest("wrong-world", guests::WRONG_WORLD, "health.authenticated differs: it is string"),
        guest("other-world", guests::OTHER_WORLD, "does not export portolan:adapter/registry"),
        guest("wasi-sockets", guests::WASI_SOCKETS, "imports wasi:sockets@"),
        guest("describe-calls", guests::DESCRIBE_CALLS_HTTP, "must not call any import"),
        same("corrupt", guests::corrupt(), "the component cannot be compiled"),
        same("truncated", guests::truncated(), "not a valid WebAssembly component"),
        same("text", b"#!/bin/sh\necho hello\n".to_vec(), "this is not WebAssembly"),
        ("empty", Vec::new(), "component in body is required", "this is not WebAssembly"),
    ]
}

async fn install(data: &Path, file: &Path) -> String {
    let mut command = daemon::command(data).await;
    command.env("PORTOLAN_DATA_DIR", data).args(["plugin", "install"]).arg(file);
    let output = command.output().await.unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", file.display());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

async fn said(daemon: &Daemon, file: &str, words: &str) {
    let what = format!("the log says of {file} that {words:?}");
    eventually(PATIENCE, &what, async || {
        let lines = daemon.log();
        let of_file: Vec<_> = lines.into_iter().filter(|line| line.contains(file)).collect();
        if of_file.iter().any(|line| line.contains(words)) { Ok(()) } else { Err(of_file) }
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_run_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let (data, files) = (folder.path().join("data"), folder.path().join("files"));
    let plugins = data.join("plugins");
    for folder in [&data, &plugins, &files] {
        std::fs::create_dir_all(folder).unwrap();
    }
    let daemon = Daemon::start(&data, &[]).await;
    let client = daemon.admin();
    let before = client.get(PLUGINS).await.json();
    for (name, bytes, told, logged) in unusable() {
        guests::install(&files, name, &bytes);
        let file = format!("{name}.wasm");
        let message = install(&data, &files.join(&file)).await;
        assert!(message.contains(told), "{name}: {message}");
        guests::install(&plugins, name, &bytes);
        said(&daemon, &file, logged).await;
    }
    let huge = File::create(plugins.join("huge.wasm")).unwrap();
    huge.set_len(100 << 20).unwrap();
    said(&daemon, "huge.wasm", "104857600 bytes").await;
    let message = install(&data, &plugins.join("huge.wasm")).await;
    assert!(message.contains("33554432"), "{message}");
    assert_eq!(client.get(PLUGINS).await.json(), before, "something was taken in");
    assert_eq!(client.get("/api/v2.0/ping").await.text(), "Pong");
    let good = Registry::builder().start().await.unwrap();
    let good = json!({"name": "good", "type": "docker-registry", "url": good.url()});
    assert_eq!(client.post(REGISTRIES, &good).await.status, 201);
    assert!(peak(&daemon) < MEMORY, "{} KiB", peak(&daemon));
}
