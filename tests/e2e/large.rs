//! A source with very many tags: the listing goes no faster than the copying, goes on after a kill
//! where it was, and takes no memory for what it has seen. The source computes its content.
//!
//! Measured, which takes minutes: `cargo test --release --workspace --test e2e -- --ignored large
//! --nocapture`; `LARGE_REPOSITORIES`, `LARGE_TAGS` and `LARGE_SECONDS` make it smaller or longer.

use std::time::{Duration, Instant};

use e2e::{
    api::{EXECUTIONS, POLICIES, create_registry, registry},
    daemon::{self, Daemon},
    http::Client,
    poll::{PATIENCE, eventually},
};
use portolan_testregistry::{Kind, Registry};
use serde_json::{Value, json};

const REPOSITORIES: u32 = 200;
const TAGS: u32 = 100;
/// Names of a page of the small source.
const PAGE: u32 = 20;
/// Tasks of one execution that may wait or run, and the repositories that are listed meanwhile.
const BOUND: u64 = 100 + 8;
/// What is to be used at most, in kB.
const MOST: u64 = 150_000;
const LONG: Duration = Duration::from_secs(300);

/// Starts a run of everything, with `more` in its rule.
async fn begin(client: &Client, from: &str, to: &str, more: Value) -> i64 {
    let at = async |name: &str, url: &str| {
        create_registry(client, &registry("docker-registry", name, url, None)).await
    };
    let (source, target) = (at("from", from).await, at("to", to).await);
    let mut body = json!({"name": "p", "src_registry": {"id": source},
        "dest_registry": {"id": target}, "enabled": true, "override": true});
    for (key, value) in more.as_object().into_iter().flatten() {
        body[key] = value.clone();
    }
    let policy = client.post(POLICIES, &body).await.created_id();
    client.post(EXECUTIONS, &json!({"policy_id": policy})).await.created_id()
}

async fn run_of(client: &Client, execution: i64) -> Value {
    client.get(&format!("{EXECUTIONS}/{execution}")).await.json()
}

fn number(run: &Value, name: &str) -> u64 {
    run[name].as_u64().unwrap_or_default()
}

async fn ended(client: &Client, execution: i64) -> Value {
    eventually(LONG, "the execution ends", async || {
        let run = run_of(client, execution).await;
        if run["status"] == "InProgress" { Err(run) } else { Ok(run) }
    })
    .await
}

#[tokio::test]
async fn a_listing_waits_for_its_tasks_and_goes_on_after_a_kill() {
    let from = Registry::builder().generated(REPOSITORIES, TAGS).page_cap(PAGE as usize);
    let (from, to) = (from.start().await.unwrap(), Registry::builder().start().await.unwrap());
    let data = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(data.path(), &[]).await;
    let client = daemon.admin();
    // Every tag is listed; one of each repository is copied.
    let one = json!({"filters": [{"type": "tag", "value": "v0000007"}]});
    let execution = begin(&client, &from.url(), &to.url(), one).await;
    let listed = eventually(LONG, "more than half of it is listed", async || {
        let run = run_of(&client, execution).await;
        assert!(number(&run, "in_progress") <= BOUND, "the listing runs ahead: {run}");
        let listed = number(&run, "total");
        if listed > u64::from(REPOSITORIES) * 6 / 10 { Ok(listed) } else { Err(run) }
    })
    .await;
    daemon.kill().await;
    from.forget_requests();
    let daemon = Daemon::start(data.path(), &[]).await;
    let ended = ended(&daemon.admin(), execution).await;
    assert_eq!(ended["status"], "Succeed", "{ended} {:#?}", daemon.log());
    assert_eq!(ended["total"], REPOSITORIES);
    let (pages, left) = (from.count(Kind::Tags), u64::from(REPOSITORIES) - listed);
    assert!(pages <= left * u64::from(TAGS / PAGE), "{pages} pages of {left} repositories");
    let catalog = from.requests().into_iter().find(|it| it.kind == Kind::Catalog).unwrap();
    assert!(catalog.path.contains("last="), "{}: it begins anew", catalog.path);
    assert_eq!(to.tags().len(), REPOSITORIES as usize);
    to.verify_all().unwrap();
}

/// A line of `/proc/PID/status`, in kB.
fn memory(process: u32, line: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let value = status.lines().find_map(|it| it.strip_prefix(line)?.strip_prefix(':'));
    value.and_then(|it| it.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default()
}

fn setting(name: &str, usual: u32) -> u32 {
    let told = std::env::vars().find(|(key, _)| key == name);
    told.and_then(|(_, text)| text.parse().ok()).unwrap_or(usual)
}

/// A source of the size that is told, and a destination that keeps nothing.
async fn fleet() -> (Registry, Registry, u64) {
    let repositories = setting("LARGE_REPOSITORIES", 5_000);
    let tags = setting("LARGE_TAGS", 100);
    let (from, to) = (Registry::builder().generated(repositories, tags), Registry::builder());
    let (from, to) = (from.start().await.unwrap(), to.swallows().start().await.unwrap());
    eprintln!("{} tags in {repositories} repositories", repositories * tags);
    (from, to, u64::from(repositories) * u64::from(tags))
}

/// Waits for the first byte at the destination, then for `LARGE_SECONDS`, or until all of it is
/// pushed; tells how much memory the process takes meanwhile.
async fn watch(process: u32, begun: Instant, to: &Registry, all: u64) {
    eventually(LONG, "a byte moves", async || {
        if to.count(Kind::UploadPut) > 0 { Ok(()) } else { Err(to.total_requests()) }
    })
    .await;
    eprintln!("first blob after {} ms", begun.elapsed().as_millis());
    let end = begun + Duration::from_secs(u64::from(setting("LARGE_SECONDS", 60)));
    let mut next = Instant::now();
    eventually(Duration::from_secs(24 * 3600), "the time is over", async || {
        let pushed = to.count(Kind::ManifestPut);
        if next <= Instant::now() {
            let (now, most) = (memory(process, "VmRSS"), memory(process, "VmHWM"));
            let seconds = begun.elapsed().as_secs();
            eprintln!("{seconds:>5} s: {pushed} tags pushed, {now} kB, at most {most} kB");
            next = Instant::now() + Duration::from_secs(10);
        }
        if pushed >= all || Instant::now() > end { Ok(()) } else { Err(pushed) }
    })
    .await;
}

fn judge(what: &str, process: u32) {
    let most = memory(process, "VmHWM");
    eprintln!("{what}: at most {most} kB");
    // What a debug build takes says little.
    assert!(most < MOST || cfg!(debug_assertions), "{what} took {most} kB");
}

#[tokio::test]
#[ignore = "takes minutes"]
async fn measured_with_a_daemon() {
    let (from, to, all) = fleet().await;
    let data = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(data.path(), &[]).await;
    let client = daemon.admin();
    let begun = Instant::now();
    let execution = begin(&client, &from.url(), &to.url(), json!({})).await;
    watch(daemon.id(), begun, &to, all).await;
    judge("the daemon", daemon.id());
    let store = std::fs::metadata(data.path().join("portolan.redb")).unwrap().len();
    eprintln!("the store has {} kB; {}", store / 1000, run_of(&client, execution).await);

    daemon.kill().await;
    let asked = (from.count(Kind::Catalog), from.count(Kind::Tags));
    from.forget_requests();
    to.forget_requests();
    let daemon = Daemon::start(data.path(), &[]).await;
    let (begun, client) = (Instant::now(), daemon.admin());
    eventually(LONG, "it goes on", async || {
        let over = run_of(&client, execution).await["status"] != "InProgress";
        if over || to.count(Kind::ManifestPut) > 2_000 { Ok(()) } else { Err(to.total_requests()) }
    })
    .await;
    let again = (from.count(Kind::Catalog), from.count(Kind::Tags));
    let seconds = begun.elapsed().as_secs();
    eprintln!("pages and repositories listed: {asked:?}, in {seconds} s after the kill {again:?}");

    let begun = Instant::now();
    client.put(&format!("{EXECUTIONS}/{execution}"), &json!({})).await;
    let stopped = ended(&client, execution).await;
    eprintln!("stopped after {} ms: {stopped}", begun.elapsed().as_millis());
    judge("the daemon after its restart", daemon.id());
}

#[tokio::test]
#[ignore = "takes minutes"]
async fn measured_without_a_daemon() {
    let (from, to, all) = fleet().await;
    let home = tempfile::tempdir().unwrap();
    let mut command = daemon::command(home.path()).await;
    command.args(["replicate", "--from", &from.url(), "--to", &to.url()]).kill_on_drop(true);
    let begun = Instant::now();
    let mut child = command.spawn().unwrap();
    let process = child.id().unwrap();
    watch(process, begun, &to, all).await;
    judge("replicate", process);
    let begun = Instant::now();
    let told = tokio::process::Command::new("kill").args(["-INT", &process.to_string()]).status();
    told.await.unwrap();
    let ended = tokio::time::timeout(PATIENCE, child.wait()).await.expect("it ends").unwrap();
    eprintln!("interrupted, it ended after {} ms: {ended}", begun.elapsed().as_millis());
}
