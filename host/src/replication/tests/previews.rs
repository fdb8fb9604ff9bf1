//! Plans: what they say is what a run does, and nothing is written to make one.

use portolan_core::{
    filter::{Decoration, Filter},
    plan::{Decision, PlannedArtifact},
};

use super::*;

fn told(row: &PlannedArtifact) -> (String, Decision) {
    let tag = row.tag.as_deref().unwrap_or("-");
    (format!("{}:{tag}", row.repository), row.decision)
}

/// A rule over four repositories: one to copy, one there, one there with another digest, and what
/// filters leave out.
async fn world() -> (World, PolicySpec) {
    let world = World::with(Registry::builder().page_cap(2), Registry::builder()).await;
    for name in ["lib/moved", "lib/new", "lib/there", "other/x"] {
        world.from.put_image(name, "v1", &[layer(1, 1_000)]);
    }
    world.from.put_image("lib/new", "rc", &[layer(1, 1_000)]);
    world.to.put_image("lib/there", "v1", &[layer(1, 1_000)]);
    world.to.put_image("lib/moved", "v1", &[layer(2, 1_000)]);
    let filters =
        vec![Filter::name("**/{moved,new,there}"), Filter::tag("v*", Decoration::Matches)];
    let rule = PolicySpec { filters, ..world.rule() };
    (world, rule)
}

#[tokio::test]
async fn a_plan_says_what_a_run_then_does() {
    use Decision::{AlreadyThere, Copy, Skipped};
    let (world, rule) = world().await;
    let before = world.to.tags();
    let whole = world.engine.preview((None, &rule), Place::default(), 100).await.unwrap();
    assert_eq!(whole.next, None);
    let mut rows: Vec<_> = whole.artifacts.iter().map(told).collect();
    rows.sort_by(|a, b| a.0.cmp(&b.0));
    let row = |name: &str, decision| (name.to_owned(), decision);
    assert_eq!(
        rows,
        [
            row("lib/moved:v1", Copy),
            row("lib/new:rc", Skipped),
            row("lib/new:v1", Copy),
            row("lib/there:v1", AlreadyThere),
            row("other/x:-", Skipped),
        ]
    );
    let of = |name: &str| whole.artifacts.iter().find(|row| told(row).0 == name).unwrap();
    assert!(of("lib/moved:v1").reason.contains("moves there from sha256:"));
    assert!(of("other/x:-").reason.contains("name filter"), "{}", of("other/x:-").reason);
    let there = of("lib/there:v1").destination_repository.as_ref().unwrap();
    assert_eq!(there.as_str(), "lib/there");
    assert_eq!(world.to.tags(), before, "nothing was pushed");
    assert_eq!(world.to.open_uploads(), 0);
    assert!(world.store.policies().await.unwrap().is_empty(), "nothing was stored");

    let execution = world.run(rule.clone()).await;
    assert_eq!(execution.status, Status::Success, "{}", execution.status_text);
    let after = world.engine.preview((None, &rule), Place::default(), 100).await.unwrap();
    let left = after.artifacts.iter().filter(|row| row.decision == Copy).count();
    assert_eq!(left, 0, "{:?}", after.artifacts);
}

#[tokio::test]
async fn pages_of_any_size_show_every_row_once() {
    let (world, rule) = world().await;
    let whole = world.engine.preview((None, &rule), Place::default(), 100).await.unwrap().artifacts;
    for limit in 1..=3 {
        let (mut rows, mut place) = (Vec::new(), Place::default());
        loop {
            let page = world.engine.preview((None, &rule), place, limit).await.unwrap();
            assert!(page.artifacts.len() <= limit);
            rows.extend(page.artifacts);
            assert!(rows.len() <= whole.len(), "{limit}");
            let Some(next) = page.next else { break };
            place = next;
        }
        assert_eq!(rows, whole, "{limit}");
    }
}

#[tokio::test]
async fn what_cannot_be_known_and_what_stays_is_said() {
    let (world, rule) = world().await;
    let keeps = PolicySpec { override_tags: false, ..rule.clone() };
    let page = world.engine.preview((None, &keeps), Place::default(), 100).await.unwrap();
    let moved = page.artifacts.iter().find(|row| row.repository == "lib/moved").unwrap();
    assert_eq!(moved.decision, Decision::Kept);
    assert!(moved.reason.contains("override is off"), "{}", moved.reason);
    world.to.faults().status_once(Kind::ManifestHead, 403);
    let page = world.engine.preview((None, &rule), Place::default(), 100).await.unwrap();
    let unknown: Vec<_> =
        page.artifacts.iter().filter(|row| row.decision == Decision::Unknown).collect();
    assert!(unknown.len() == 1 && unknown[0].reason.contains("403"), "{unknown:?}");
    let gone = PolicySpec { source: portolan_core::id::EndpointId(99), ..rule };
    let refused = world.engine.preview((None, &gone), Place::default(), 100).await;
    assert!(matches!(refused, Err(PreviewError::Connect(_))));
}

#[tokio::test]
async fn a_slow_registry_cuts_a_plan_where_it_goes_on_later() {
    let (world, rule) = world().await;
    let filters =
        vec![Filter::name("{lib/new,lib/there,other/x}"), Filter::tag("v*", Decoration::Matches)];
    let rule = PolicySpec { filters, ..rule };
    let shared = &world.engine.shared;
    let make = async |place, time| preview::make(shared, (None, &rule), place, 100, time).await;
    let whole = make(Place::default(), PATIENCE).await.unwrap().artifacts;
    let stall = world.to.faults().stall(Kind::ManifestHead);
    let short = Duration::from_secs(2);
    let cut = make(Place::default(), short).await.unwrap();
    let at = cut.next.expect("there is more");
    assert!(!cut.artifacts.is_empty() && cut.artifacts.len() < whole.len(), "{:?}", cut.artifacts);
    let stuck = make(at.clone(), short).await.err().unwrap();
    assert!(matches!(stuck, PreviewError::Slow(_)), "{stuck}");
    drop(stall);
    let rest = make(at, PATIENCE).await.unwrap();
    assert_eq!([cut.artifacts, rest.artifacts].concat(), whole);
    // Others may be at it.
    let _all = shared.previews.acquire_many(u32::try_from(PREVIEWS).unwrap()).await.unwrap();
    let busy = make(Place::default(), Duration::from_millis(1)).await.err().unwrap();
    assert!(matches!(busy, PreviewError::Busy), "{busy}");
}
