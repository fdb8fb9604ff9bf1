//! How much work a listing of 10,000 repositories is for the guest.
//!
//! Measured is the time inside the polls of the calls: whatever the guest computes, and the host's
//! own work at the boundary (instances, requests made ready, answers searched and copied in). The
//! waits between polls, the connections and the played registry are other tasks of the one thread,
//! and are not in it. So the sum is an upper bound of the guest's CPU time.

use std::{future::poll_fn, pin::pin};

use portolan_core::secret::Secret;
use serde_json::{Value, json};

use super::*;
use crate::net::stage::{Reply, Stage, StageCall};

/// Repositories of the registry.
const REPOSITORIES: usize = 10_000;
/// What listing all of them may cost.
const BUDGET: Duration = Duration::from_millis(100);
/// Listings measured; the best counts, the others were disturbed.
const LISTINGS: usize = 3;

/// A provider, its address, and its registry.
type Case = (&'static str, fn(&StageCall) -> Reply);

const CASES: [Case; 2] = [("docker-registry", catalog), ("harbor", harbor)];

/// Runs to the end, and adds up the time inside the polls.
async fn busy<T>(work: impl Future<Output = T>) -> (T, Duration) {
    let (mut work, mut spent) = (pin!(work), Duration::ZERO);
    let value = poll_fn(|context| {
        let before = Instant::now();
        let polled = work.as_mut().poll(context);
        spent += before.elapsed();
        polled
    });
    (value.await, spent)
}

#[tokio::test]
#[ignore = "a measurement"]
async fn how_much_work_a_long_listing_is() {
    let plugins = plugins();
    for bundled in bundled_plugins::ALL {
        plugins.enable(plugins.load(bundled.bytes.to_vec()).await.unwrap(), Vec::new());
    }
    for (provider, script) in CASES {
        let stage = Stage::start(script).await.unwrap();
        let mut spec = testing::spec("https://registry.example");
        spec.provider = provider.to_owned();
        (spec.proxy, spec.ca_certificate) = (Some(stage.proxy()), Some(stage.ca().to_owned()));
        let secret = Some(Secret::new("a-word-of-the-fleet".to_owned()));
        let credentials = Credentials { access_secret: secret, ..Credentials::default() };
        let adapter = plugins.bind("1", 1, &spec, &credentials).unwrap();
        let mut best = Duration::MAX;
        for _ in 0..LISTINGS {
            best = best.min(listing(&adapter).await);
        }
        let requests = stage.heard().len() / LISTINGS;
        println!("{provider}: {REPOSITORIES} repositories, {requests} requests: {best:?}");
        // An unoptimised host is most of it.
        assert!(best <= BUDGET || cfg!(debug_assertions), "{provider}: {best:?}");
    }
}

/// Lists everything; gives what it cost.
async fn listing(adapter: &crate::plugin::Adapter) -> Duration {
    let query = RepositoryQuery::default();
    let (mut spent, mut names, mut cursor) = (Duration::ZERO, 0, None::<String>);
    loop {
        let (page, took) = busy(adapter.list_repositories(&query, cursor.as_deref())).await;
        let page = page.unwrap();
        spent += took;
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
