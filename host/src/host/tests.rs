//! A whole host in memory, before a test registry.

use std::time::Duration;

use portolan_core::{
    endpoint::{Credentials, Endpoint, EndpointChange, EndpointSpec, Health},
    id::EndpointId,
    page::{Page, Query},
    policy::{Destination, PolicySpec},
    trigger::Trigger,
};
use portolan_testregistry::{Kind, Registry};

use super::*;
use crate::{HostBuilder, error::Code};

mod timing;

async fn host() -> Host {
    let mut bundled = bundled_plugins::ALL.iter();
    let adapter = bundled.find(|one| one.provider == "docker-registry").unwrap();
    HostBuilder::in_memory().adapter(adapter.bytes).build().await.unwrap()
}

fn spec(url: &str) -> EndpointSpec {
    EndpointSpec::new("registry", "docker-registry", url.parse().unwrap())
}

async fn endpoint(host: &Host, registry: &Registry) -> Endpoint {
    host.create_endpoint(spec(&registry.url()), Credentials::default()).await.unwrap()
}

fn named(name: &str) -> EndpointChange {
    EndpointChange { name: Some(name.to_owned()), ..EndpointChange::default() }
}

fn described(text: &str) -> EndpointChange {
    EndpointChange { description: Some(text.to_owned()), ..EndpointChange::default() }
}

#[tokio::test]
async fn two_who_edit_an_endpoint_at_once_both_have_their_way() {
    let registry = Registry::builder().start().await.unwrap();
    let host = host().await;
    let id = endpoint(&host, &registry).await.id;
    let stall = registry.faults().stall(Kind::Ping);
    // Both have read it before either writes.
    let both_wait = async {
        let end = tokio::time::Instant::now() + Duration::from_secs(60);
        while registry.peak_concurrency() < 2 {
            assert!(tokio::time::Instant::now() < end, "they do not come");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        drop(stall);
    };
    let (one, other) = (named("new"), described("text"));
    let (one, other, ()) =
        tokio::join!(host.update_endpoint(id, one), host.update_endpoint(id, other), both_wait);
    one.unwrap();
    other.unwrap();
    let spec = host.endpoint(id).await.unwrap().spec;
    assert_eq!((spec.name.as_str(), spec.description.as_str()), ("new", "text"));
    host.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn nothing_is_remembered_of_an_endpoint_that_is_gone() {
    let registry = Registry::builder().start().await.unwrap();
    let host = host().await;
    let id = endpoint(&host, &registry).await.id;
    assert_eq!(host.shared.plugins.requests(), 0, "nor of settings that were tried");
    let adapter = host.shared.engine.connections().adapter(id).await.unwrap();
    adapter.check_health().await.unwrap();
    assert_eq!(host.shared.plugins.requests(), 1);
    host.delete_endpoint(id).await.unwrap();
    assert_eq!(host.shared.plugins.requests(), 0);
    assert!(host.delete_endpoint(EndpointId(99)).await.is_err());
    host.shutdown(Duration::ZERO).await;
}

/// A destination that cannot be asked is no reason to refuse a rule; the refusal itself is shown
/// with real adapters in the end-to-end suite.
#[tokio::test]
async fn a_rule_is_stored_though_its_destination_is_gone() {
    let registry = Registry::builder().start().await.unwrap();
    let host = host().await;
    let id = endpoint(&host, &registry).await.id;
    drop(registry);
    let rule = |destination: u64| PolicySpec {
        name: "rule".to_owned(),
        description: String::new(),
        source: id,
        destinations: vec![Destination {
            endpoint: EndpointId(destination),
            namespace: Some("mirror".to_owned()),
        }],
        replace_count: 0,
        filters: Vec::new(),
        trigger: Trigger::Manual,
        override_tags: true,
        enabled: true,
        deletion: false,
        speed: 0,
        copy_by_chunk: false,
        single_active: false,
        options: Default::default(),
    };
    let stored = host.create_policy(rule(id.0)).await.unwrap();
    host.update_policy(stored.id, rule(id.0)).await.unwrap();
    let nowhere = PolicySpec { name: "other".to_owned(), ..rule(99) };
    let error = host.create_policy(nowhere).await.unwrap_err();
    assert_eq!(error.code(), Code::NotFound);
    host.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn endpoints_are_checked_again_and_again() {
    let registry = Registry::builder().start().await.unwrap();
    let mut bundled = bundled_plugins::ALL.iter();
    let adapter = bundled.find(|one| one.provider == "docker-registry").unwrap();
    let builder = HostBuilder::in_memory().adapter(adapter.bytes);
    let host = builder.health_checks(Duration::ZERO).build().await.unwrap();
    let id = endpoint(&host, &registry).await.id;
    let becomes = async |healthy: bool| {
        let end = tokio::time::Instant::now() + Duration::from_secs(60);
        loop {
            let health = host.endpoint(id).await.unwrap().health;
            match (&health, healthy) {
                (Health::Healthy, true) => return String::new(),
                (Health::Unhealthy(why), false) => return why.clone(),
                _ => assert!(tokio::time::Instant::now() < end, "it stays {health:?}"),
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    registry.faults().status_always(Kind::Ping, 503);
    let why = becomes(false).await;
    assert!(why.contains("503") && why.contains(&registry.url()), "{why}");
    registry.faults().clear();
    becomes(true).await;
}

/// Names of the first page that a listing finds.
async fn found(host: &Host, q: &str, sort: &str) -> Vec<String> {
    let query = Query::parse(q).unwrap();
    let listing = Listing { query: &query, sort, page: Page::FIRST };
    let found = host.find_endpoints(listing).await.unwrap();
    found.rows.into_iter().map(|row| row.spec.name).collect()
}

#[tokio::test]
async fn a_listing_shows_every_change_that_was_answered() {
    let host = host().await;
    assert_eq!(found(&host, "", "").await, [""; 0]);
    let mut ids = Vec::new();
    for name in ["c", "a", "b"] {
        let spec = EndpointSpec { name: name.to_owned(), ..spec("http://127.0.0.1:1") };
        let made = host.store_endpoint(spec, Credentials::default(), Health::Unknown).await;
        ids.push(made.unwrap().id);
        assert!(found(&host, "", "").await.contains(&name.to_owned()), "{name}");
    }
    assert_eq!(found(&host, "", "-name").await, ["c", "b", "a"]);
    host.recheck_endpoint(ids[0]).await.unwrap();
    assert_eq!(found(&host, "health=unhealthy", "").await, ["c"]);
    host.delete_endpoint(ids[2]).await.unwrap();
    assert_eq!(found(&host, "", "").await, ["c", "a"]);
    // One who asks and goes away half-way takes nothing from those who ask after.
    let spec = EndpointSpec { name: "d".to_owned(), ..spec("http://127.0.0.1:1") };
    host.store_endpoint(spec, Credentials::default(), Health::Unknown).await.unwrap();
    let half = tokio::time::timeout(Duration::ZERO, found(&host, "", "")).await;
    drop(half);
    assert_eq!(found(&host, "", "").await, ["c", "a", "d"]);
}
