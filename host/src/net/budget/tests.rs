//! Buckets on a clock of their own, and lines that people leave.

use super::*;

/// When each of so many requests may go, in seconds, all asked for at once by turns.
fn turns(bucket: &Bucket, begun: Instant, count: usize) -> Vec<f64> {
    let mut now = begun;
    let mut at = Vec::with_capacity(count);
    for _ in 0..count {
        now = now.max(bucket.due(now));
        bucket.pay(1, now);
        at.push((now - begun).as_secs_f64());
    }
    at
}

#[test]
fn no_minute_has_more_requests_than_the_budget() {
    for rate in [1, 2, 59, 60, 100, 180, 1_000, 6_000] {
        let bucket = Bucket::requests(rate).unwrap();
        let at = turns(&bucket, Instant::now(), rate as usize * 3);
        let most = (0..at.len()).map(|first| {
            at.iter().skip(first).take_while(|it| **it < at.get(first).unwrap() + 59.99).count()
        });
        assert!(most.max().unwrap() <= rate as usize, "{rate} a minute");
        let (last, minutes) = (at.last().unwrap(), 2.9);
        assert!(*last < 60.0 * 3.1 && *last > 60.0 * minutes - 60.0, "{rate}: {last}");
    }
    assert!(Bucket::requests(0).is_none());
}

#[test]
fn a_rest_earns_a_second_s_share_and_no_more() {
    let begun = Instant::now();
    let bucket = Bucket::requests(600).unwrap();
    let later = begun + Duration::from_secs(3_600);
    let at = turns(&bucket, later, 20);
    assert_eq!(at.iter().filter(|it| **it < 0.01).count(), 10, "{at:?}");
}

#[test]
fn who_could_wait_no_longer_is_paid_for_by_the_next() {
    let (bucket, begun) = (Bucket::requests(60).unwrap(), Instant::now());
    for _ in 0..10 {
        bucket.pay(1, begun);
    }
    let wait = bucket.due(begun) - begun;
    assert_eq!(wait.as_secs_f64().round(), 10.0, "{wait:?}");
}

#[tokio::test]
async fn who_leaves_the_line_has_used_nothing_and_urgent_ones_go_first() {
    // 50 a second: the line moves within the test.
    let bucket = Bucket::new(0.02, 1);
    bucket.pay(1, Instant::now());
    let begins = bucket.pass(false, None);
    drop(timeout_at(Instant::now() + Duration::from_millis(1), begins).await);
    let debt = bucket.paid.lock().unwrap().saturating_duration_since(Instant::now());
    assert!(debt <= Duration::from_millis(20), "{debt:?}");

    bucket.pay(5, Instant::now());
    let done = Mutex::new(Vec::new());
    let ask = async |name: &'static str, urgent| {
        bucket.pass(urgent, None).await;
        done.lock().unwrap().push(name);
    };
    tokio::join!(ask("first", false), ask("second", false), ask("urgent", true));
    let done = done.into_inner().unwrap();
    assert_eq!(done, ["first", "urgent", "second"]);
}

#[tokio::test]
async fn the_tightest_governs_and_each_counts_once() {
    let minute = |requests_per_minute| Budget { requests_per_minute, ..Budget::default() };
    let (wide, tight) = (Budgets::new(minute(6_000)), Budgets::new(minute(1)));
    let both = wide.clone().and(&tight).and(&wide);
    assert_eq!(both.requests.len(), 2);
    let until = Instant::now() + Duration::from_millis(5);
    both.pass(false, Some(until)).await;
    assert!(Instant::now() < until + Duration::from_secs(30), "the first goes at once");
    both.pass(false, Some(until)).await;
    assert!(Instant::now() >= until, "the second waits as long as it can");
}

#[test]
fn what_is_owed_lasts_as_long_as_the_budget() {
    let kept = BudgetsOf::default();
    let budget = Budget { bytes_per_second: 10, requests_per_minute: 60 };
    let same = |one: &Budgets, other: &Budgets| match (one.bytes(), other.bytes()) {
        ([one], [other]) => Arc::ptr_eq(one, other),
        _ => false,
    };
    let first = kept.of(7, budget);
    assert!(same(&first, &kept.of(7, budget)));
    assert!(!same(&first, &kept.of(8, budget)));
    let other = Budget { bytes_per_second: 20, ..budget };
    assert!(!same(&first, &kept.of(7, other)));
    assert!(kept.of(7, Budget::default()).bytes().is_empty());
    kept.of(9, budget);
    kept.forget(&9);
    assert_eq!(kept.0.lock().unwrap().len(), 1);
}
