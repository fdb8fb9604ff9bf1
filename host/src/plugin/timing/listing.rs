//! How much work a listing of 10,000 repositories is for the guest, measured in two ways.
//!
//! Time: that of the calls, without what passes in `http`, where the host sends and receives on the
//! one thread of the test. It is the guest's, and the little that the host does at the boundary:
//! instances, records copied in and out. So it is an upper bound of the guest's CPU time; a debug
//! build copies slowly, and only a release build is held to the budget.
//!
//! Instructions: those that the guest executed, counted by an engine that differs in nothing else.
//! They are the same in every build and on every machine. Many of them (`local.get`, constants)
//! are nothing once compiled, and a slow core does two of them in a nanosecond.

use portolan_core::secret::Secret;
use serde_json::{Value, json};

use super::*;
use crate::{
    net::stage::{Reply, Stage, StageCall},
    plugin::{Inner, compile, engine, instance::work, memory},
};

/// Repositories of the registry.
const REPOSITORIES: usize = 10_000;
/// What listing all of them may cost.
const BUDGET: Duration = Duration::from_millis(100);
/// The same in instructions.
const INSTRUCTIONS: u64 = 200_000_000;
/// Listings measured; the best counts, the others were disturbed.
const LISTINGS: u32 = 3;

/// A provider, its address, and its registry.
type Case = (&'static str, fn(&StageCall) -> Reply);

const CASES: [Case; 2] = [("docker-registry", catalog), ("harbor", harbor)];

/// An engine that counts instructions.
fn counting() -> Plugins {
    let limits = Limits { concurrent_calls: 4, ..Limits::default() };
    let mut config = engine::config(&limits);
    config.consume_fuel(true);
    let engine = engine::Engine::with(&config, &limits).unwrap();
    let workshop = compile::Workshop {
        engine: engine.wasm.clone(),
        compiler: Compiler::InProcess,
        cache: None,
        limits: limits.clone(),
    };
    let inner = Inner {
        limits,
        engine,
        workshop: std::sync::Arc::new(workshop),
        adapters: Default::default(),
        memories: memory::Memories::default(),
        no_proxy: Vec::new(),
    };
    Plugins { inner: std::sync::Arc::new(inner) }
}

/// Time of the best listing, and the instructions of each.
async fn measure(plugins: &Plugins, (provider, script): Case) -> (Duration, u64) {
    let mut bundled = bundled_plugins::ALL.iter();
    let component = bundled.find(|bundled| bundled.provider == provider).unwrap().bytes;
    plugins.enable(plugins.load(component.to_vec()).await.unwrap(), Vec::new());
    let stage = Stage::start(script).await.unwrap();
    let mut spec = testing::spec("https://registry.example");
    spec.provider = provider.to_owned();
    (spec.proxy, spec.ca_certificate) = (Some(stage.proxy()), Some(stage.ca().to_owned()));
    let secret = Some(Secret::new("a-word-of-the-fleet".to_owned()));
    let credentials = Credentials { access_secret: secret, ..Credentials::default() };
    let adapter = plugins.bind("1", 1, &spec, &credentials).unwrap();
    let mut best = Duration::MAX;
    work::executed();
    for _ in 0..LISTINGS {
        best = best.min(listing(&adapter).await);
    }
    println!("{provider}: {} requests", stage.heard().len() as u32 / LISTINGS);
    (best, work::executed() / u64::from(LISTINGS))
}

#[tokio::test]
#[ignore = "a measurement"]
async fn how_much_work_a_long_listing_is() {
    for case in CASES {
        let provider = case.0;
        let (time, _) = measure(&plugins(), case).await;
        let (_, instructions) = measure(&counting(), case).await;
        println!("{provider}: {REPOSITORIES} repositories: {time:?}, {instructions} instructions");
        assert!((1..=INSTRUCTIONS).contains(&instructions), "{provider}");
        assert!(time <= BUDGET || cfg!(debug_assertions), "{provider}: {time:?}");
    }
}

/// Lists everything; gives what it cost.
async fn listing(adapter: &crate::plugin::Adapter) -> Duration {
    let query = RepositoryQuery::default();
    let (mut spent, mut names, mut cursor) = (Duration::ZERO, 0, None::<String>);
    loop {
        work::away();
        let before = Instant::now();
        let page = adapter.list_repositories(&query, cursor.as_deref()).await.unwrap();
        spent += before.elapsed().saturating_sub(work::away());
        names += page.items.len();
        cursor = page.next;
        if cursor.is_none() {
            assert_eq!(names, REPOSITORIES);
            return spent;
        }
    }
}

fn name(number: usize) -> String {
    format!("fleet/ship-number-{number:05}")
}

/// A value of the query.
fn asked(call: &StageCall, key: &str) -> Option<String> {
    let pairs = url::form_urlencoded::parse(call.query.as_bytes()).into_owned();
    pairs.into_iter().find(|(name, _)| name == key).map(|(_, value)| value)
}

fn number(call: &StageCall, key: &str, default: usize) -> usize {
    asked(call, key).and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn answer(headers: &[(&str, &str)], body: &Value) -> Reply {
    let json = [("Content-Type", "application/json")];
    let headers: Vec<_> = json.iter().chain(headers).copied().collect();
    Reply::new(200, &headers, body.to_string())
}

fn catalog(call: &StageCall) -> Reply {
    if call.path != "/v2/_catalog" {
        return answer(&[], &json!({}));
    }
    let last = asked(call, "last").unwrap_or_default();
    let rows = number(call, "n", 100).min(1000);
    let start = (0..REPOSITORIES).find(|number| name(*number) > last).unwrap_or(REPOSITORIES);
    let end = (start + rows).min(REPOSITORIES);
    let names: Vec<_> = (start..end).map(name).collect();
    let link = format!("</v2/_catalog?last={}&n={rows}>; rel=\"next\"", name(end - 1));
    let more: &[(&str, &str)] = if end < REPOSITORIES { &[("Link", &link)] } else { &[] };
    answer(more, &json!({"repositories": names}))
}

/// One project with everything in it, in rows as large as Harbor's own.
fn harbor(call: &StageCall) -> Reply {
    let total = REPOSITORIES.to_string();
    match call.path.as_str() {
        "/api/version" => answer(&[], &json!({"version": "v2.0"})),
        "/api/v2.0/projects" => {
            let project = json!({
                "project_id": 1, "name": "fleet", "registry_id": 0, "repo_count": REPOSITORIES,
                "metadata": {"public": "false"},
            });
            answer(&[("X-Total-Count", "1")], &json!([project]))
        }
        "/api/v2.0/projects/fleet/repositories" => {
            let size = number(call, "page_size", 10).min(100);
            let start = (number(call, "page", 1) - 1) * size;
            let row = |number| {
                json!({
                    "id": number, "project_id": 1, "name": name(number), "artifact_count": 3,
                    "pull_count": 7, "creation_time": "2026-08-01T00:00:00.000Z",
                    "update_time": "2026-08-02T00:00:00.000Z",
                })
            };
            let rows: Vec<_> = (start..REPOSITORIES.min(start + size)).map(row).collect();
            answer(&[("X-Total-Count", &total)], &json!(rows))
        }
        _ => Reply::new(404, &[], ""),
    }
}
