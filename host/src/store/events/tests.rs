//! Deliveries that come twice, bursts, runs that are still at it, and kills.

use portolan_core::{event::Happened, execution::Status, filter::Filter, policy::PolicySpec};

use super::*;
use crate::store::fixtures::{after, at, endpoint, memory, policy_spec};

const WINDOW: Duration = Duration::seconds(2);
const SOURCE: EndpointId = EndpointId(1);

fn pushed(id: &str, repository: &str, tag: &str) -> Told {
    let happening = Happening {
        repository: repository.parse().unwrap(),
        tag: tag.parse().ok(),
        digest: None,
        what: Happened::Pushed,
        at: None,
    };
    Told { id: id.to_owned(), happening }
}

fn on_events(name: &str) -> PolicySpec {
    PolicySpec { trigger: Trigger::EventBased, ..policy_spec(name, SOURCE.0, &[2]) }
}

async fn two_endpoints(store: &Store) {
    for name in ["a", "b"] {
        endpoint(store, name).await.unwrap();
    }
}

async fn accept(store: &Store, told: Vec<Told>, now: i64) -> Accepted {
    store.accept_events(SOURCE, told, WINDOW, after(now)).await.unwrap()
}

async fn fire(store: &Store, now: i64) -> Option<FiredEvents> {
    store.fire_events(WINDOW, after(now)).await.unwrap()
}

/// `repository:tag,tag` of each execution.
async fn about(store: &Store, fired: &FiredEvents) -> Vec<String> {
    let mut shown = Vec::new();
    for execution in &fired.executions {
        assert_eq!(execution.started_by, StartedBy::Event);
        let selection = store.selection_of(execution.id).await.unwrap().unwrap();
        let show = |it: &Selected| {
            let tags: Vec<_> = it.tags.iter().map(|tag| tag.as_str()).collect();
            format!("{}:{}", it.repository, tags.join(","))
        };
        let parts: Vec<String> = selection.iter().map(show).collect();
        shown.push(parts.join(" "));
    }
    shown
}

#[tokio::test]
async fn a_burst_starts_each_rule_that_wants_it_once() {
    let store = memory().await;
    two_endpoints(&store).await;
    let only = |glob: &str| vec![Filter::name(glob)];
    let rules = [
        on_events("all"),
        PolicySpec { filters: only("team/*"), ..on_events("team") },
        PolicySpec { filters: only("other/*"), ..on_events("other") },
        PolicySpec { enabled: false, ..on_events("disabled") },
        policy_spec("by hand", SOURCE.0, &[2]),
        PolicySpec { source: EndpointId(2), ..on_events("elsewhere") },
    ];
    for rule in rules {
        store.create_policy(rule, after(0)).await.unwrap();
    }
    let told = vec![pushed("1", "team/app", "v1"), pushed("2", "lone", "v1")];
    assert_eq!(accept(&store, told, 0).await, Accepted::Stored { new: 2, repeated: 0 });
    accept(&store, vec![pushed("3", "team/app", "v2")], 1).await;
    assert_eq!(store.next_events().await.unwrap(), Some(after(2)));
    assert!(fire(&store, 1).await.is_none(), "the window is open");
    let fired = fire(&store, 2).await.unwrap();
    assert_eq!(about(&store, &fired).await, ["lone:v1 team/app:v1,v2", "team/app:v1,v2"]);
    assert_eq!((fired.events, fired.failed.len()), (3, 0));
    assert_eq!(store.next_events().await.unwrap(), None);
    assert_eq!(store.pending_events(SOURCE).await.unwrap(), 0);
    // What a run is about is kept as long as it runs.
    let first = fired.executions[0].id;
    store.finish_listing(first, Ok(String::new()), after(3)).await.unwrap();
    assert_eq!(store.selection_of(first).await.unwrap(), None);
}

#[tokio::test]
async fn an_event_counts_once_in_a_day() {
    let store = memory().await;
    two_endpoints(&store).await;
    store.create_policy(on_events("p"), after(0)).await.unwrap();
    let told = || vec![pushed("1", "a", "v1"), pushed("1", "a", "v1")];
    assert_eq!(accept(&store, told(), 0).await, Accepted::Stored { new: 1, repeated: 1 });
    assert_eq!(accept(&store, told(), 1).await, Accepted::Stored { new: 0, repeated: 2 });
    assert!(fire(&store, 2).await.is_some());
    let day = 24 * 3600;
    assert_eq!(accept(&store, told(), day - 1).await, Accepted::Stored { new: 0, repeated: 2 });
    assert!(fire(&store, day).await.is_none());
    assert_eq!(accept(&store, told(), day).await, Accepted::Stored { new: 1, repeated: 1 });
    // Another endpoint's events are others.
    let other = store.accept_events(EndpointId(2), told(), WINDOW, after(day)).await.unwrap();
    assert_eq!(other, Accepted::Stored { new: 1, repeated: 1 });
    let gone = store.accept_events(EndpointId(9), told(), WINDOW, after(0)).await;
    assert!(matches!(gone, Err(StoreError::NotFound { .. })));
}

#[tokio::test]
async fn the_later_of_two_counts_in_whatever_order_they_come() {
    let store = memory().await;
    two_endpoints(&store).await;
    let rule = PolicySpec { deletion: true, ..on_events("p") };
    store.create_policy(rule, after(0)).await.unwrap();
    let event = |id: &str, what, at: i64| {
        let told = pushed(id, "a", "v1");
        Told { happening: Happening { what, at: Some(after(at)), ..told.happening }, ..told }
    };
    use Happened::{Deleted, Pushed};
    for (n, (first, then, tags, deleted)) in [
        ((Pushed, 1), (Deleted, 2), 0, 1),
        ((Deleted, 2), (Pushed, 1), 0, 1),
        ((Deleted, 1), (Pushed, 1), 1, 0),
    ]
    .into_iter()
    .enumerate()
    {
        let now = 100 * i64::try_from(n).unwrap();
        for (id, (what, at)) in [("x", first), ("y", then)] {
            accept(&store, vec![event(&format!("{id}{n}"), what, at)], now).await;
        }
        let fired = fire(&store, now + 2).await.unwrap();
        let id = fired.executions[0].id;
        let selection = store.selection_of(id).await.unwrap().unwrap();
        assert_eq!((selection[0].tags.len(), selection[0].deleted_tags.len()), (tags, deleted));
        store.finish_listing(id, Ok(String::new()), after(now + 3)).await.unwrap();
    }
}

#[tokio::test]
async fn a_repository_waits_for_the_run_that_is_at_it() {
    let store = memory().await;
    two_endpoints(&store).await;
    store.create_policy(on_events("p"), after(0)).await.unwrap();
    accept(&store, vec![pushed("1", "a", "v1")], 0).await;
    let first = fire(&store, 2).await.unwrap().executions.remove(0);
    accept(&store, vec![pushed("2", "a", "v2"), pushed("3", "b", "v1")], 3).await;
    let second = fire(&store, 5).await.unwrap();
    assert_eq!(about(&store, &second).await, ["b:v1"]);
    assert!(fire(&store, 6).await.is_none(), "it is tried again after a window");
    let third = fire(&store, 7).await.unwrap();
    assert_eq!((third.events, third.executions.len()), (0, 0));
    let ended = store.finish_listing(first.id, Ok(String::new()), after(8)).await.unwrap();
    assert_eq!(ended.status, Status::Success);
    assert_eq!(about(&store, &fire(&store, 9).await.unwrap()).await, ["a:v2"]);
}

#[tokio::test]
async fn a_clock_that_is_set_back_holds_up_nothing() {
    let store = memory().await;
    two_endpoints(&store).await;
    store.create_policy(on_events("p"), after(0)).await.unwrap();
    accept(&store, vec![pushed("1", "a", "v1")], 7200).await;
    assert_eq!(fire(&store, 0).await.unwrap().executions.len(), 1);
}

#[tokio::test]
async fn what_waits_is_bounded_and_goes_with_its_endpoint() {
    let store = memory().await;
    two_endpoints(&store).await;
    let told = |from: usize, count: usize| -> Vec<Told> {
        (from..from + count).map(|n| pushed(&n.to_string(), "a", &format!("v{n}"))).collect()
    };
    assert!(matches!(accept(&store, told(0, MAX_PENDING), 0).await, Accepted::Stored { .. }));
    assert_eq!(accept(&store, told(MAX_PENDING, 1), 0).await, Accepted::Full);
    let repeated = accept(&store, told(7, 1), 0).await;
    assert_eq!(repeated, Accepted::Stored { new: 0, repeated: 1 });
    // A part at a time: no transaction holds up the others for long.
    assert_eq!(fire(&store, 2).await.unwrap().events, MAX_FIRED);
    assert_eq!(store.pending_events(SOURCE).await.unwrap(), MAX_PENDING - MAX_FIRED);
    store.delete_endpoint(SOURCE).await.unwrap();
    assert_eq!(store.pending_events(SOURCE).await.unwrap(), 0);
    assert_eq!(store.next_events().await.unwrap(), None);
}

#[tokio::test]
async fn a_kill_loses_no_event_that_was_accepted() {
    let directory = tempfile::tempdir().unwrap();
    let store = at(directory.path()).await.unwrap();
    two_endpoints(&store).await;
    store.create_policy(on_events("p"), after(0)).await.unwrap();
    accept(&store, vec![pushed("1", "a", "v1")], 0).await;
    let kill = async || {
        let copy = tempfile::tempdir().unwrap();
        let file = std::fs::read(directory.path().join("portolan.redb")).unwrap();
        std::fs::write(copy.path().join("portolan.redb"), file).unwrap();
        let left = at(copy.path()).await.unwrap();
        (copy, left)
    };
    let (_copy, left) = kill().await;
    assert_eq!(about(&left, &fire(&left, 2).await.unwrap()).await, ["a:v1"]);
    let fired = fire(&store, 2).await.unwrap();
    let (_copy, left) = kill().await;
    assert_eq!(about(&left, &fired).await, ["a:v1"]);
    assert!(left.claim_execution("o", after(3), after(9)).await.unwrap().is_some());
}
