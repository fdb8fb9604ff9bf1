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

mod scripts;

use std::collections::HashSet;

use portolan_core::secret::Secret;

use super::*;
use crate::{
    net::stage::{Reply, Stage, StageCall},
    plugin::{Inner, compile, engine, instance::work, memory},
};

/// Repositories of the registry.
const REPOSITORIES: usize = 10_000;
/// What listing all of them may cost.
const BUDGET: Duration = Duration::from_millis(100);
/// Listings measured; the best counts, the others were disturbed.
const LISTINGS: u32 = 3;

/// A provider, its address, and its registry.
struct Case {
    provider: &'static str,
    url: &'static str,
    script: fn(&StageCall) -> Reply,
    /// Most instructions: what was measured and 15 % more. One that falls may be written lower.
    ceiling: u64,
}

/// Every adapter, at an address that it takes.
const CASES: [Case; 11] = [
    case(
        "ali-acr",
        "https://corp-registry.cn-hangzhou.cr.aliyuncs.com",
        scripts::ali_acr,
        177_000_000,
    ),
    // A kilobyte of JSON for each package, and no way to ask for less.
    case("artifact-hub", "https://artifacthub.io", scripts::artifact_hub, 322_000_000),
    case("aws-ecr", "https://api.ecr.us-east-1.amazonaws.com", scripts::aws_ecr, 141_000_000),
    case("azure-acr", "https://fleet.azurecr.io", scripts::catalog, 36_600_000),
    case("docker-hub", "https://hub.docker.com", scripts::docker_hub, 223_000_000),
    case("docker-registry", "https://registry.example", scripts::catalog, 39_500_000),
    case("google-gcr", "https://us-docker.pkg.dev", scripts::google_gcr, 114_000_000),
    case("harbor", "https://registry.example", scripts::harbor, 162_000_000),
    case("helm-hub", "https://hub.helm.sh", scripts::helm_hub, 156_000_000),
    // YAML, every version and not the names alone, and all of it at once.
    case("helm-repository", "https://charts.example", scripts::helm_repository, 265_000_000),
    case(
        "huawei-SWR",
        "https://swr.cn-north-4.myhuaweicloud.com",
        scripts::huawei_swr,
        217_500_000,
    ),
];

const fn case(
    provider: &'static str,
    url: &'static str,
    script: fn(&StageCall) -> Reply,
    ceiling: u64,
) -> Case {
    Case { provider, url, script, ceiling }
}

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
        changes: Default::default(),
        memories: memory::Memories::default(),
        no_proxy: Vec::new(),
        layouts: None,
        budgets: crate::net::Budgets::default(),
    };
    Plugins { inner: std::sync::Arc::new(inner) }
}

/// Time of the best listing, and the instructions of each.
async fn measure(plugins: &Plugins, case: &Case, listings: u32) -> (Duration, u64) {
    let mut bundled = bundled_plugins::ALL.iter();
    let component = bundled.find(|bundled| bundled.provider == case.provider).unwrap().bytes;
    let package = plugins.load(component.to_vec()).await.unwrap();
    let granted = package.info.allowed_hosts.clone();
    plugins.enable(package, granted);
    let stage = Stage::start(case.script).await.unwrap();
    let mut spec = testing::spec(case.url);
    spec.provider = case.provider.to_owned();
    (spec.proxy, spec.ca_certificate) = (Some(stage.proxy()), Some(stage.ca().to_owned()));
    let secret = Some(Secret::new(scripts::secret(case.provider)));
    let credentials = Credentials { access_secret: secret, ..Credentials::default() };
    let adapter = plugins.bind("1", 1, &spec, &credentials).unwrap();
    let mut best = Duration::MAX;
    work::executed();
    for _ in 0..listings {
        best = best.min(listing(&adapter).await);
    }
    println!("{}: {} requests", case.provider, stage.heard().len() as u32 / listings);
    (best, work::executed() / u64::from(listings))
}

/// Without a release build or a quiet machine: they are the same everywhere.
#[tokio::test]
async fn a_listing_takes_no_more_instructions_than_it_did() {
    let (plugins, mut dear) = (counting(), Vec::new());
    for case in CASES {
        let (_, instructions) = measure(&plugins, &case, 1).await;
        if !(1..=case.ceiling).contains(&instructions) {
            dear.push(format!("{}: {instructions} of {}", case.provider, case.ceiling));
        }
    }
    assert!(dear.is_empty(), "{dear:#?}");
}

#[tokio::test]
#[ignore = "a measurement"]
async fn how_much_work_a_long_listing_is() {
    let mut dear = Vec::new();
    for case in CASES {
        let provider = case.provider;
        let (time, _) = measure(&plugins(), &case, LISTINGS).await;
        let (_, instructions) = measure(&counting(), &case, 1).await;
        println!("{provider}: {REPOSITORIES} repositories: {time:?}, {instructions} instructions");
        if time > BUDGET && !cfg!(debug_assertions) {
            dear.push((provider, time));
        }
    }
    assert!(dear.is_empty(), "{dear:?}");
}

#[test]
fn every_bundled_adapter_is_measured() {
    let measured = CASES.map(|case| case.provider);
    let bundled: Vec<_> = bundled_plugins::ALL.iter().map(|bundled| bundled.provider).collect();
    assert_eq!(measured[..], bundled);
}

/// Lists everything; gives what it cost.
async fn listing(adapter: &crate::plugin::Adapter) -> Duration {
    let query = RepositoryQuery::default();
    let (mut spent, mut names, mut cursor) = (Duration::ZERO, HashSet::new(), None::<String>);
    loop {
        work::away();
        let before = Instant::now();
        let page = adapter.list_repositories(&query, cursor.as_deref()).await.unwrap();
        spent += before.elapsed().saturating_sub(work::away());
        names.extend(page.items.into_iter().map(|item| item.name));
        cursor = page.next;
        if cursor.is_none() {
            assert_eq!(names.len(), REPOSITORIES);
            return spent;
        }
    }
}
