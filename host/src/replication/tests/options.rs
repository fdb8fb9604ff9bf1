//! What options ask for when artifacts are copied: ages, platforms, referrers, and tags that move.

use std::collections::HashMap;

use portolan_core::{
    filter::{Decoration, Filter},
    oci::{Digest, Manifest, MediaType},
    policy::Options,
};
use portolan_testregistry::Child;
use serde_json::json;

use super::*;

const SBOM: &str = "application/spdx+json";
const PROOF: &str = "application/vnd.acme.proof";

fn options(value: serde_json::Value) -> Options {
    Options::parse(&value, &Options::default()).unwrap()
}

impl World {
    fn rule_with(&self, name: &str, value: serde_json::Value) -> PolicySpec {
        PolicySpec { name: name.to_owned(), options: options(value), ..self.rule() }
    }

    /// Runs a rule, and says what its tasks logged.
    async fn logged(&self, rule: PolicySpec, status: Status) -> String {
        let execution = self.run(rule).await;
        let mut logs = Vec::new();
        for task in self.tasks(execution.id).await {
            logs.extend(self.store.task_log(execution.id, task.id, 0, 1_000).await.unwrap());
            logs.push(task.last_error);
        }
        let text = format!("{}\n{}", execution.status_text, logs.join("\n"));
        assert_eq!(execution.status, status, "{text}");
        text
    }

    fn to_tags(&self) -> Vec<String> {
        self.to.tags().into_iter().map(|(_, tag)| tag).collect()
    }

    /// The types of what refers to a tag's artifact at the destination.
    fn children(&self, tag: &str) -> usize {
        let bytes = self.to.manifest("a", tag).unwrap();
        Manifest::parse(bytes.to_vec(), MediaType::OCI_INDEX).unwrap().children.len()
    }
}

fn two_platforms(world: &World) {
    let child = |platform: &str, seed| Child {
        digest: world.from.put_platform_image("a", None, platform, &[layer(seed, 100)]),
        platform: platform.to_owned(),
    };
    let children = [child("linux/amd64", 1), child("linux/arm64", 2)];
    world.from.put_index("a", Some("v1"), &children);
}

#[tokio::test]
async fn an_index_goes_sparse_rewritten_or_not_at_all() {
    let only = |index: &str| json!({"platforms": {"include": ["linux/amd64"], "index": index}});
    let sparse = World::with(Registry::builder(), Registry::builder().sparse_indexes(true)).await;
    two_platforms(&sparse);
    sparse.logged(sparse.rule_with("p", only("sparse")), Status::Success).await;
    assert_eq!(sparse.to.tag("a", "v1"), sparse.from.tag("a", "v1"), "its digest stays");
    assert_eq!(sparse.from.count(Kind::BlobGet), 2, "one configuration and one layer");

    let world = World::new().await;
    two_platforms(&world);
    let refused = world.logged(world.rule_with("p", only("sparse")), Status::Error).await;
    assert!(refused.contains("set the option platforms.index to rewrite"), "{refused}");
    world.logged(world.rule_with("q", only("rewrite")), Status::Success).await;
    assert_ne!(world.to.tag("a", "v1"), world.from.tag("a", "v1"));
    assert_eq!(world.children("v1"), 1);
    world.to.verify_all().unwrap();
    world.to.forget_requests();
    let again = world.rule_with("r", only("rewrite"));
    let plan = world.engine.preview((None, &again), Place::default(), 10).await.unwrap();
    assert!(
        plan.artifacts[0].reason.contains("of the wanted platforms"),
        "{plan:?}",
        plan = plan.artifacts
    );
    for override_tags in [true, false] {
        let name = format!("r {override_tags}");
        let log =
            world.logged(PolicySpec { name, override_tags, ..again.clone() }, Status::Success);
        let log = log.await;
        assert!(log.contains("v1 is there already"), "{log}");
    }
    assert_eq!(world.to.count(Kind::ManifestPut), 0, "it is there already");
    let none = json!({"platforms": {"include": ["windows/amd64"]}});
    let told = World::new().await;
    two_platforms(&told);
    let log = told.logged(told.rule_with("p", none), Status::Success).await;
    assert!(log.contains("v1 stays behind: left out by the option platforms"), "{log}");
    assert!(told.to.tags().is_empty());
}

#[tokio::test]
async fn what_refers_to_an_artifact_goes_with_it() {
    for (api_here, api_there) in [(true, true), (true, false), (false, true), (false, false)] {
        let from = Registry::builder().referrers(api_here);
        let world = World::with(from, Registry::builder().referrers(api_there)).await;
        let image = world.from.put_image("a", "v1", &[layer(1, 100)]);
        world.from.put_image("a", "other", &[layer(2, 100)]);
        let sbom = world.from.put_referrer("a", &image, SBOM, "sbom");
        let nested = world.from.put_referrer("a", &sbom, PROOF, "of the sbom");
        let fallback = format!("sha256-{}", image.as_str().trim_start_matches("sha256:"));
        if !api_here {
            let child = |digest| Child { digest, platform: String::new() };
            world.from.put_index("a", Some(&fallback), &[child(sbom.clone())]);
        }
        world.from.put_image("a", &format!("{fallback}.sig"), &[layer(3, 10)]);
        let filters = vec![Filter::tag("v*", Decoration::Matches)];
        let rule = PolicySpec { filters, ..world.rule() };
        let log = world.logged(rule.clone(), Status::Success).await;
        let has = |digest: &portolan_testregistry::Digest| {
            world.to.manifest("a", digest.as_str()).is_some()
        };
        let label = format!("{api_here} {api_there}\n{log}");
        assert!(has(&sbom), "{label}");
        assert!(has(&nested) || !api_here, "{label}");
        let tags = world.to_tags();
        assert!(tags.contains(&format!("{fallback}.sig")), "{label}");
        assert!(!tags.contains(&"other".to_owned()));
        assert_eq!(tags.contains(&fallback), !(api_here && api_there), "{tags:?} {label}");
        world.to.verify_all().unwrap();
        if !api_here {
            assert_eq!(world.from.count(Kind::Referrers), 1, "asked once whether it has the API");
        }
        // What was attached later goes with the next run, though the image is there.
        let late = world.from.put_referrer("a", &image, PROOF, "late");
        let again = PolicySpec { name: "again".to_owned(), ..rule };
        world.logged(again, Status::Success).await;
        assert!(has(&late) || !api_here, "{label}");
    }
}

#[tokio::test]
async fn a_list_of_referrers_is_added_to_and_never_replaced() {
    let side = || Registry::builder().referrers(false);
    let world = World::with(side(), side()).await;
    let lists = |registry: &Registry, kind: &str| {
        let image = registry.put_image("a", "v1", &[layer(1, 100)]);
        let referrer = registry.put_referrer("a", &image, kind, "x");
        let tag = format!("sha256-{}", image.as_str().trim_start_matches("sha256:"));
        let child = Child { digest: referrer, platform: String::new() };
        registry.put_index("a", Some(&tag), &[child]);
        tag
    };
    let tag = lists(&world.from, SBOM);
    assert_eq!(lists(&world.to, PROOF), tag);
    for name in ["p", "q"] {
        world.logged(world.rule_with(name, json!({})), Status::Success).await;
        assert_eq!(world.children(&tag), 2);
    }
    world.to.verify_all().unwrap();
}

#[tokio::test]
async fn referrers_stay_where_the_rule_says_so() {
    let world = World::new().await;
    let image = world.from.put_image("a", "v1", &[layer(1, 100)]);
    let sbom = world.from.put_referrer("a", &image, SBOM, "sbom");
    let proof = world.from.put_referrer("a", &image, PROOF, "proof");
    let has =
        |digest: &portolan_testregistry::Digest| world.to.manifest("a", digest.as_str()).is_some();
    let none = json!({"referrers": {"copy": false}});
    world.logged(world.rule_with("p", none), Status::Success).await;
    assert!(!has(&sbom) && world.from.count(Kind::Referrers) == 0);
    let some = json!({"referrers": {"artifact_types": ["application/spdx*"]}});
    world.logged(world.rule_with("q", some), Status::Success).await;
    assert!(has(&sbom) && !has(&proof));
}

#[tokio::test]
async fn an_immutable_tag_is_not_asked_for_and_a_moved_one_is_kept() {
    let world = World::new().await;
    for tag in ["v1", "v2", "latest"] {
        world.from.put_image("a", tag, &[layer(1, 100)]);
        world.to.put_image("a", tag, &[layer(2, 100)]);
    }
    let old = world.to.tag("a", "latest");
    let rule = json!({"immutable_tags": ["v*"], "backup_tag": "{tag}-before"});
    let log = world.logged(world.rule_with("p", rule), Status::Success).await;
    assert!(log.contains("v1 is there, and immutable by the rule: not asked for"), "{log}");
    assert_eq!(world.to.tag("a", "latest"), world.from.tag("a", "latest"));
    assert_eq!(world.to.tag("a", "latest-before"), old);
    assert_ne!(world.to.tag("a", "v1"), world.from.tag("a", "v1"), "it never moves");
    assert_eq!(world.to.count(Kind::ManifestHead), 1, "that of `latest`");
    world.to.verify_all().unwrap();
}

#[tokio::test]
async fn a_quarantine_ends_with_time() {
    let world = World::new().await;
    world.from.put_image("a", "v1", &[layer(1, 100)]);
    let rule = world.rule_with("p", json!({"age": {"min": "72h"}}));
    let first = world.run(rule.clone()).await;
    assert_eq!(first.counters.total, 0, "{}", first.status_text);
    let digest: Digest = world.from.tag("a", "v1").unwrap().as_str().parse().unwrap();
    let repository = "a".parse().unwrap();
    let seen = world.store.seen(first.policy, &repository).await.unwrap();
    assert_eq!(seen.len(), 1);
    let plan =
        world.engine.preview((Some(first.policy), &rule), Place::default(), 9).await.unwrap();
    assert!(plan.artifacts[0].reason.contains("first seen"), "{:?}", plan.artifacts);
    // As if it had been seen four days ago.
    let ago = OffsetDateTime::now_utc() - time::Duration::days(4);
    world.store.see(first.policy, &repository, Vec::new(), ago).await.unwrap();
    let back: HashMap<_, _> =
        world.store.see(first.policy, &repository, vec![digest], ago).await.unwrap();
    assert_eq!(back.len(), 1);
    let policy = world.store.policy(first.policy).await.unwrap();
    let second = world.engine.run_policy(&policy, StartedBy::Manual).await.unwrap();
    assert_eq!(world.ended(second.id).await.counters.succeeded, 1);
    assert_eq!(world.to_tags(), ["v1"]);
}

#[tokio::test]
async fn types_that_the_listing_does_not_tell_are_looked_at() {
    let world = World::new().await;
    world.from.put_image("a", "v1", &[layer(1, 100)]);
    let charts = json!({"media_types": ["application/vnd.cncf.helm.*"]});
    let log = world.logged(world.rule_with("p", charts), Status::Success).await;
    assert!(log.contains("left out by the option media_types"), "{log}");
    let images = json!({"media_types": [MediaType::OCI_MANIFEST]});
    world.logged(world.rule_with("q", images), Status::Success).await;
    assert_eq!(world.to_tags(), ["v1"]);
}

#[tokio::test]
async fn all_runs_of_a_rule_share_its_budget() {
    let world = World::new().await;
    for name in ["a", "b"] {
        world.from.put_image(name, "v1", &[layer(1, 600_000), layer(name.len() as u64 + 7, 10)]);
    }
    world.from.put_image("b", "v1", &[layer(2, 600_000)]);
    let rule = world.rule_with("p", json!({"budget": {"bytes_per_second": 100_000}}));
    let before = std::time::Instant::now();
    world.logged(rule, Status::Success).await;
    // 1,200,000 bytes of which 1,024,000 are free.
    assert!(before.elapsed().as_millis() > 1_400, "{:?}", before.elapsed());
}
