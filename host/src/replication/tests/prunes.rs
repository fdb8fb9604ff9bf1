//! What is gone at the source is deleted at the destination: late, not too much of it, and only
//! where everything is known.

use serde_json::json;

use portolan_core::{
    filter::{Decoration, Filter},
    plan::Decision,
    policy::Options,
};

use super::*;

async fn world() -> World {
    let to = Registry::builder().delete(true).tag_delete(true);
    let world = World::with(Registry::builder().delete(true).tag_delete(true), to).await;
    for seed in 0..10 {
        world.from.put_image("a", &format!("v{seed}"), &[layer(seed, 100)]);
    }
    world
}

fn pruning(world: &World, prune: serde_json::Value) -> PolicySpec {
    let options = Options::parse(&json!({"prune": prune}), &Options::default()).unwrap();
    let destinations =
        vec![Destination { endpoint: world.target.id, namespace: Some("m".to_owned()) }];
    PolicySpec { options, destinations, ..world.rule() }
}

/// Runs a stored rule once more, to its end.
async fn again(world: &World, policy: &Policy) -> Execution {
    let run = world.engine.run_policy(policy, StartedBy::Manual).await.unwrap();
    let run = world.ended(run.id).await;
    assert_eq!(run.status, Status::Success, "{}", run.status_text);
    run
}

async fn stored(world: &World, rule: PolicySpec) -> Policy {
    world.store.create_policy(rule, OffsetDateTime::now_utc()).await.unwrap()
}

fn count(world: &World) -> usize {
    world.to.tags().into_iter().filter(|(name, _)| name.starts_with("m/")).count()
}

#[tokio::test]
async fn what_is_gone_is_deleted_after_the_copies_and_planned_before() {
    let world = world().await;
    let policy = stored(&world, pruning(&world, json!({"enabled": true, "grace": "0s"}))).await;
    again(&world, &policy).await;
    assert_eq!(count(&world), 10);
    // Not the rule's: nothing of it is touched.
    world.to.put_image("other", "v1", &[layer(7, 10)]);
    world.to.put_image("m/other", "v1", &[layer(7, 10)]);
    assert!(world.from.remove("a", "v3"));
    let id = Some(policy.id);
    let plan = world.engine.preview((id, &policy.spec), Place::default(), 50).await.unwrap();
    let deleted: Vec<_> =
        plan.artifacts.iter().filter(|it| it.tag.as_deref() == Some("v3")).collect();
    assert_eq!(deleted.len(), 1);
    assert!(deleted[0].reason.contains("gone at the source"), "{}", deleted[0].reason);
    assert_eq!(deleted[0].decision, Decision::Delete);
    again(&world, &policy).await;
    assert_eq!(world.to.tag("m/a", "v3"), None);
    assert_eq!(count(&world), 10, "nine of the rule, and one that is not its own");
    assert!(world.to.tag("other", "v1").is_some());
    world.to.verify_all().unwrap();
}

/// Repositories `a` and `gone`, copied; then the second is gone as a whole.
async fn without_one(prune: serde_json::Value) -> (World, Policy) {
    let world = world().await;
    for tag in ["v1", "v2", "v3"] {
        world.from.put_image("gone", tag, &[layer(1, 100)]);
    }
    let policy = stored(&world, pruning(&world, prune)).await;
    again(&world, &policy).await;
    assert_eq!(count(&world), 13);
    assert!(world.from.remove_repository("gone"));
    (world, policy)
}

/// Every page of a plan's rows, as tag, decision and reason; of one destination repository.
async fn planned(
    world: &World,
    policy: &Policy,
    limit: usize,
    repository: &str,
) -> Vec<(String, Decision, String)> {
    let (mut rows, mut place) = (Vec::new(), Place::default());
    loop {
        let plan = (Some(policy.id), &policy.spec);
        let page = world.engine.preview(plan, place, limit).await.unwrap();
        assert!(page.artifacts.len() <= limit, "{:?}", page.artifacts);
        rows.extend(page.artifacts.into_iter().filter(|row| {
            row.destination_repository.as_ref().is_some_and(|it| it.as_str() == repository)
        }));
        let Some(next) = page.next else { break };
        place = next;
    }
    rows.into_iter().map(|row| (row.tag.unwrap_or_default(), row.decision, row.reason)).collect()
}

#[tokio::test]
async fn a_repository_that_is_gone_as_a_whole_is_planned_and_emptied() {
    let prune = json!({"enabled": true, "grace": "0s", "max_share": 0.5});
    let (world, policy) = without_one(prune).await;
    let whole = planned(&world, &policy, 100, "m/gone").await;
    let rows: Vec<_> = whole.iter().map(|(tag, decision, _)| (tag.as_str(), *decision)).collect();
    assert_eq!(rows, ["v1", "v2", "v3"].map(|tag| (tag, Decision::Delete)), "{whole:?}");
    for limit in [1, 2, 11] {
        assert_eq!(planned(&world, &policy, limit, "m/gone").await, whole, "{limit}");
    }
    assert_eq!(planned(&world, &policy, 100, "m/a").await.len(), 10);
    again(&world, &policy).await;
    assert_eq!(count(&world), 10);
    assert_eq!(planned(&world, &policy, 100, "m/gone").await, []);
}

#[tokio::test]
async fn a_gone_repository_stays_in_its_grace_and_where_nothing_is_listed() {
    let (world, policy) = without_one(json!({"enabled": true, "max_share": 1})).await;
    let said = planned(&world, &policy, 100, "m/gone").await;
    assert_eq!(said.len(), 3, "{said:?}");
    for (_, decision, reason) in said {
        assert_eq!(decision, Decision::Kept);
        assert!(reason.contains("deleted 24h after a run has seen that"), "{reason}");
    }
    assert!(world.from.remove_repository("a"));
    let said = planned(&world, &policy, 100, "m/gone").await;
    assert!(said.iter().all(|(_, decision, reason)| {
        *decision == Decision::Kept && reason.contains("lists nothing at all")
    }));
    let run = again(&world, &policy).await;
    assert!(run.status_text.contains("lists nothing for it"), "{}", run.status_text);
    assert_eq!(count(&world), 13);
}

#[tokio::test]
async fn too_many_at_once_and_what_filters_leave_out_stay() {
    let world = world().await;
    let rule = pruning(&world, json!({"enabled": true, "grace": "0s", "max_share": 0.25}));
    let filters = vec![Filter::tag("v*", Decoration::Matches)];
    let policy = stored(&world, PolicySpec { filters, ..rule }).await;
    again(&world, &policy).await;
    world.to.put_image("m/a", "latest", &[layer(7, 10)]);
    for tag in ["v1", "v2", "v3"] {
        assert!(world.from.remove("a", tag));
    }
    let run = again(&world, &policy).await;
    let said = "3 of 10 tags are gone at the source, more than 2";
    assert!(run.status_text.contains(said), "{}", run.status_text);
    assert_eq!(count(&world), 11);
    world.from.put_image("a", "v3", &[layer(3, 100)]);
    again(&world, &policy).await;
    assert_eq!(count(&world), 9);
    assert!(world.to.tag("m/a", "latest").is_some(), "no filter selects it");
}

#[tokio::test]
async fn what_is_missing_for_less_than_the_grace_stays() {
    let world = world().await;
    let policy = stored(&world, pruning(&world, json!({"enabled": true}))).await;
    again(&world, &policy).await;
    assert!(world.from.remove("a", "v3"));
    for _ in 0..2 {
        let run = again(&world, &policy).await;
        assert_eq!((count(&world), run.status_text.as_str()), (10, ""));
    }
    let to = "m/a".parse().unwrap();
    let filled = (policy.id, world.target.id, &to);
    assert_eq!(world.store.missing(filled).await.unwrap().len(), 1);
    let ago = OffsetDateTime::now_utc() - time::Duration::hours(25);
    let (from, gone) = ("a".parse().unwrap(), vec!["v3".parse().unwrap()]);
    // As if it had been missed yesterday.
    world.store.miss(filled, "a".parse().unwrap(), Vec::new(), ago).await.unwrap();
    world.store.miss(filled, from, gone, ago).await.unwrap();
    again(&world, &policy).await;
    assert_eq!(count(&world), 9);
}

#[tokio::test]
async fn nothing_is_deleted_where_something_is_not_certain() {
    let world = world().await;
    let policy =
        stored(&world, pruning(&world, json!({"enabled": true, "grace": "0s", "max_share": 1})))
            .await;
    again(&world, &policy).await;
    assert!(world.from.remove("a", "v3"));
    // The source's listing fails.
    world.from.faults().status_always(Kind::Tags, 500);
    let run = world.engine.run_policy(&policy, StartedBy::Manual).await.unwrap();
    assert_eq!(world.ended(run.id).await.status, Status::Error);
    assert_eq!(count(&world), 10);
    world.from.faults().clear();
    // The destination's does.
    world.to.faults().status_always(Kind::Tags, 403);
    let run = again(&world, &policy).await;
    assert!(run.status_text.contains("nothing is pruned at the endpoint"), "{}", run.status_text);
    world.to.faults().clear();
    assert_eq!(count(&world), 10);
    again(&world, &policy).await;
    assert_eq!(count(&world), 9);
}
