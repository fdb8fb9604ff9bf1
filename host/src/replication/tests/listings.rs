//! How a source is listed.

use std::collections::BTreeSet;

use super::*;
use crate::net::scripted::{Scripted, answer};

#[tokio::test]
async fn pages_may_be_empty_and_show_a_repository_twice() {
    let mut world = World::new().await;
    let server = Scripted::http(|seen| {
        let next = |last: &str| format!("</v2/_catalog?last={last}&n=1000>; rel=\"next\"");
        let line = seen.line();
        let (link, body) = match line.split_once("last=").map(|(_, rest)| rest) {
            _ if line.contains("tags/list") => return answer(200, &[], r#"{"tags":["v1"]}"#),
            _ if line == "GET /v2/" => return answer(200, &[], "{}"),
            _ if !line.contains("_catalog") => return answer(404, &[], ""),
            None => (next("x"), r#"{"repositories":["a","b"]}"#),
            Some(last) if last.starts_with("x") => (next("y"), r#"{"repositories":[]}"#),
            Some(last) if last.starts_with("y") => (next("z"), r#"{"repositories":["b"]}"#),
            Some(_) => return answer(200, &[], r#"{"repositories":["a","c"]}"#),
        };
        answer(200, &[("link", &link)], body)
    })
    .await;
    world.source = endpoint(&world.store, "scripted", server.url("/").as_str()).await;
    let execution = world.start(world.rule()).await;
    let execution = eventually("it is listed", async || {
        let execution = world.store.execution(execution.id).await.unwrap();
        execution.listed.then_some(execution)
    })
    .await;
    let tasks = world.tasks(execution.id).await;
    let mut names: Vec<_> = tasks.iter().map(|t| t.spec.source_repository.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["a", "b", "c"], "{}", execution.status_text);
}

#[tokio::test]
async fn what_is_put_into_the_source_is_not_copied_in_its_turn() {
    let world = World::with(Registry::builder().page_cap(1), Registry::builder()).await;
    for name in ["a", "b", "c", "d", "e"] {
        world.from.put_image(name, "v1", &[layer(1, 100)]);
    }
    let itself = Destination { endpoint: world.source.id, namespace: Some("mirror".to_owned()) };
    let execution = world.run(PolicySpec { destinations: vec![itself], ..world.rule() }).await;
    assert_eq!((execution.status, execution.counters.total), (Status::Success, 5));
    assert_eq!(world.from.tags().len(), 10);
    world.from.verify_all().unwrap();
}

#[tokio::test]
async fn a_listing_that_was_cut_goes_on_where_it_was() {
    for knows_the_page in [true, false] {
        let from = Registry::builder().generated(12, 2).page_cap(4);
        let mut world = World::with(from, Registry::builder()).await;
        let stuck = world.from.faults().stall(When::from(Kind::Tags).path("r0000006"));
        let execution = world.start(world.rule()).await;
        eventually("the others of two pages are listed", async || {
            (world.tasks(execution.id).await.len() == 7).then_some(())
        })
        .await;
        let gone = engine(&world.store, "another", 0).await;
        gone.shutdown(Duration::ZERO).await;
        drop(std::mem::replace(&mut world.engine, gone));
        drop(stuck);
        world.from.forget_requests();
        if !knows_the_page {
            world.from.faults().status_once(When::from(Kind::Catalog).path("last="), 404);
        }
        world.engine = engine(&world.store, "host", 4).await;
        let ended = world.ended(execution.id).await;
        assert_eq!((ended.status, ended.counters.total), (Status::Success, 12), "{ended:?}");
        let asked: Vec<_> = world.from.requests().into_iter().map(|it| it.path).collect();
        let listed: BTreeSet<&str> = asked
            .iter()
            .filter_map(|it| it.split_once("/tags/list"))
            .map(|(name, _)| name)
            .collect();
        let rest = [6, 8, 9, 10, 11].map(|number| format!("/v2/generated/r{number:07}"));
        assert_eq!(
            listed,
            rest.iter().map(String::as_str).collect(),
            "what was listed is passed over"
        );
        let pages: Vec<_> = asked.iter().filter(|it| it.contains("_catalog")).collect();
        assert_eq!(pages.len(), if knows_the_page { 2 } else { 4 }, "{pages:?}");
        assert!(pages[0].contains("r0000003"), "{pages:?}");
        assert_eq!(world.to.tags().len(), 24);
        world.to.verify_all().unwrap();
    }
}

#[tokio::test]
async fn a_page_that_fails_once_is_asked_for_again() {
    let world = World::new().await;
    world.from.put_image("a", "v1", &[layer(1, 100)]);
    world.from.faults().status_once(Kind::Catalog, 503);
    world.from.faults().status_once(Kind::Tags, 503);
    let execution = world.run(world.rule()).await;
    assert_eq!(execution.status, Status::Success, "{}", execution.status_text);
}

#[tokio::test]
async fn an_execution_keeps_its_rule_when_that_is_edited() {
    let world = World::new().await;
    world.from.put_image("a", "v1", &[layer(1, 100)]);
    let listing = world.from.faults().stall(Kind::Catalog);
    let execution = world.start(world.rule()).await;
    eventually("it is asked for", async || (world.from.total_requests() > 0).then_some(())).await;
    // Its process ends, the rule is edited, and another takes it up.
    world.engine.shutdown(Duration::ZERO).await;
    let namespace = Some("elsewhere".to_owned());
    let elsewhere = vec![Destination { endpoint: world.target.id, namespace }];
    let edited = PolicySpec { destinations: elsewhere, ..world.rule() };
    let now = OffsetDateTime::now_utc();
    world.store.update_policy(execution.policy, edited, now).await.unwrap();
    drop(listing);
    let _next = engine(&world.store, "host", 1).await;
    assert_eq!(world.ended(execution.id).await.status, Status::Success);
    assert_eq!(world.to.tags(), [("a".to_owned(), "v1".to_owned())]);
}
