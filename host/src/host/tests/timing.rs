//! How long listings take where there is much to list. Told, not judged:
//! `cargo test --release --workspace --lib host::tests::timing -- --ignored --nocapture`.

use std::time::Instant;

use portolan_core::{
    execution::{Execution, StartedBy},
    filter::Filter,
    id::PolicyId,
    oci::{Digest, Repository},
    policy::Policy,
    task::{Item, Operation, TaskSpec},
    trigger::{Schedule, Trigger},
};

use super::*;
use crate::store::TaskOutcome;

const ENDPOINTS: u64 = 100_000;
const POLICIES: u64 = 10_000;

fn median(mut times: Vec<u128>) -> String {
    times.sort_unstable();
    let (least, middle) = (times[0], times[times.len() / 2]);
    format!("{middle} µs (least {least})")
}

async fn filled() -> Host {
    let host = HostBuilder::in_memory().build().await.unwrap();
    let ids: Vec<u64> = (1..=ENDPOINTS).collect();
    for chunk in ids.chunks(1000) {
        let made = chunk.iter().map(|n| {
            let host = host.clone();
            let name = format!("registry-{:06}.team-{}", n * 7919 % ENDPOINTS, n % 97);
            let spec = EndpointSpec { name, ..spec(&format!("https://r{n}.example.com:8443")) };
            async move { host.store_endpoint(spec, Credentials::default(), Health::Healthy).await }
        });
        for made in futures_util::future::join_all(made).await {
            made.unwrap();
        }
    }
    for n in 1..=POLICIES {
        let mut rule = rule(n, n * 31 % ENDPOINTS + 1);
        rule.name = format!("rule {:05}", n * 7919 % POLICIES);
        host.shared.store.create_policy(rule, OffsetDateTime::now_utc()).await.unwrap();
    }
    host
}

fn rule(source: u64, destination: u64) -> PolicySpec {
    PolicySpec {
        name: String::new(),
        description: "nightly copy".to_owned(),
        source: EndpointId(source),
        destinations: vec![Destination { endpoint: EndpointId(destination), namespace: None }],
        replace_count: 0,
        filters: vec![Filter::name("library/**")],
        trigger: Trigger::Scheduled(Schedule::parse("0 0 3 * * *").unwrap()),
        override_tags: true,
        enabled: true,
        deletion: false,
        speed: 0,
        copy_by_chunk: false,
        single_active: false,
        options: Default::default(),
    }
}

#[tokio::test]
#[ignore = "a measurement"]
async fn how_long_listings_of_many_rows_take() {
    let host = filled().await;
    let first = Instant::now();
    found(&host, "", "").await;
    println!("the index is made in {} ms", first.elapsed().as_millis());
    let columns = Endpoint::COLUMNS.iter().map(|(name, _)| ("", format!("-{name}")));
    let asked = columns.chain([
        ("name=~team-7", String::new()),
        ("name=~nothing", String::new()),
        ("name=registry-000001.team-3", String::new()),
        ("health=healthy,type=docker-registry", "url".to_owned()),
    ]);
    for (q, sort) in asked {
        let mut times = Vec::new();
        for _ in 0..11 {
            let start = Instant::now();
            found(&host, q, &sort).await;
            times.push(start.elapsed().as_micros());
        }
        println!("endpoints q={q} sort={sort}: {}", median(times));
    }
    for (name, _) in Policy::COLUMNS {
        let (query, mut times) = (Query::default(), Vec::new());
        for _ in 0..11 {
            let start = Instant::now();
            let listing = Listing { query: &query, sort: name, page: Page::FIRST };
            assert_eq!(host.find_policies(listing).await.unwrap().total, POLICIES);
            times.push(start.elapsed().as_micros());
        }
        println!("policies sort={name}: {}", median(times));
    }
    let mut times = Vec::new();
    for n in 1..1000 {
        let start = Instant::now();
        host.endpoint(EndpointId(n * 97)).await.unwrap();
        times.push(start.elapsed().as_micros());
    }
    println!("one endpoint by id: {}", median(times));
    let mut times = Vec::new();
    for n in 1..200 {
        let spec = EndpointSpec { name: format!("new-{n}"), ..spec("https://new.example.com") };
        host.store_endpoint(spec, Credentials::default(), Health::Healthy).await.unwrap();
        let start = Instant::now();
        found(&host, "", "-id").await;
        times.push(start.elapsed().as_micros());
    }
    println!("a page after a change: {}", median(times));
}

/// Fifty of each policy are kept: 2,000 policies have 100,000.
#[tokio::test]
#[ignore = "a measurement"]
async fn how_long_pages_of_executions_and_tasks_take() {
    const POLICIES: u64 = 2_000;
    const TASKS: usize = 5_000;
    let host = HostBuilder::in_memory().build().await.unwrap();
    // Nobody takes up what is only to be listed.
    host.shutdown(Duration::ZERO).await;
    let store = &host.shared.store;
    let now = OffsetDateTime::now_utc();
    let endpoint = spec("https://r.example.com");
    host.store_endpoint(endpoint, Credentials::default(), Health::Healthy).await.unwrap();
    let mut last = None;
    for n in 1..=POLICIES {
        let spec = PolicySpec { name: format!("rule {n}"), ..rule(1, 1) };
        let id = store.create_policy(spec, now).await.unwrap().id;
        let starts = (0..50).map(|_| store.create_execution(id, StartedBy::Manual, false, now));
        for run in futures_util::future::join_all(starts).await {
            last = Some(run.unwrap().id);
        }
    }
    let first = Instant::now();
    let page = |number| Page { number, size: 10 };
    assert_eq!(host.find_executions(None, ("status", page(1))).await.unwrap().total, POLICIES * 50);
    println!("the index is made in {} ms", first.elapsed().as_millis());
    for (name, _) in Execution::COLUMNS {
        for (policy, number) in [(None, 1), (None, 5_000), (Some(PolicyId(7)), 2)] {
            let mut times = Vec::new();
            for _ in 0..11 {
                let start = Instant::now();
                let found = host.find_executions(policy, (name, page(number))).await.unwrap();
                times.push(start.elapsed().as_micros());
                assert_eq!(found.rows.len(), 10);
            }
            println!("executions of {policy:?} sort={name} page {number}: {}", median(times));
        }
    }
    let run = last.unwrap();
    let items = (0..100).map(|n| Item {
        digest: Some(Digest::of(&[n])),
        tags: vec![format!("v{n}").parse().unwrap()],
        refused: None,
    });
    let items: Vec<Item> = items.collect();
    for n in 0..TASKS {
        let name = format!("fleet/ship-{n}").parse().unwrap();
        let task = task(name, items.clone());
        store.add_tasks(run, vec![task], now).await.unwrap();
        if n >= 100 {
            let claimed = store.claim_task("t", now, now + time::Duration::hours(1)).await.unwrap();
            let id = claimed.unwrap().id;
            store.finish_task(id, "t", TaskOutcome::Success, now).await.unwrap();
        }
    }
    let mut times = Vec::new();
    for _ in 0..11 {
        let start = Instant::now();
        assert_eq!(host.tasks(run).await.unwrap().len(), TASKS);
        times.push(start.elapsed().as_micros());
    }
    println!("{TASKS} tasks, of which 100 wait: {}", median(times));
}

fn task(repository: Repository, items: Vec<Item>) -> TaskSpec {
    TaskSpec {
        operation: Operation::Copy,
        resource_type: "image".to_owned(),
        source: EndpointId(1),
        source_repository: repository.clone(),
        destination: EndpointId(1),
        destination_repository: repository,
        items,
        override_tags: true,
        speed: 0,
        copy_by_chunk: false,
        visibility: None,
        attached: Vec::new(),
        options: Default::default(),
    }
}
