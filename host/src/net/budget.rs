//! Token buckets: how much may pass in how much time. Who waits is served in turn, and who leaves
//! the line has used nothing. It counts and waits; it knows neither requests nor bytes.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use portolan_core::budget::Budget;
use tokio::{
    sync::Mutex as Line,
    time::{Instant, sleep_until, timeout_at},
};

/// Bytes that may pass at once after a rest (Harbor's number, contract 3.7).
const BURST: u64 = 1_024_000;
/// Pieces a second, so that who takes the bytes never waits long for the next.
const PIECES: u64 = 4;
/// A minute, in which requests are counted.
const MINUTE: Duration = Duration::from_secs(60);
/// Seconds of it: so many parts of a minute's requests may go at once after a rest.
const SECONDS: u32 = 60;

/// One limit, shared by all who work under it.
pub(crate) struct Bucket {
    /// Seconds that one unit costs.
    each: f64,
    /// Units that may pass at once after a rest.
    burst: u64,
    /// When everything that was given out is paid for.
    paid: Mutex<Instant>,
    /// Those who begin something wait here for their place in `front`.
    back: Line<()>,
    /// The next, and those who go on with something that was begun.
    front: Line<()>,
}

impl Bucket {
    /// Bytes a second; 0 is no limit.
    pub(crate) fn bytes(rate: u64) -> Option<Arc<Self>> {
        (rate > 0).then(|| Self::new(1.0 / rate as f64, BURST))
    }

    /// Requests a minute; 0 is no limit. No minute ever has more: what may go at once after a rest,
    /// a second's share, is taken off the rest of the minute.
    fn requests(rate: u32) -> Option<Arc<Self>> {
        let burst = (rate / SECONDS).max(1);
        let spread = rate.checked_sub(burst)?.saturating_add(1);
        Some(Self::new(MINUTE.as_secs_f64() / f64::from(spread), u64::from(burst)))
    }

    fn new(each: f64, burst: u64) -> Arc<Self> {
        let paid = Mutex::new(Instant::now());
        Arc::new(Self { each, burst, paid, back: Line::default(), front: Line::default() })
    }

    /// Pays for so many units now; they may pass at the instant that is returned.
    pub(crate) fn pay(&self, units: u64, now: Instant) -> Instant {
        let mut paid = self.paid.lock().unwrap_or_else(PoisonError::into_inner);
        *paid = (*paid).max(now) + self.cost(units);
        let early = paid.saturating_duration_since(now);
        now + early.saturating_sub(self.cost(self.burst))
    }

    /// How many bytes pass at once.
    pub(crate) fn piece(&self) -> u64 {
        ((1.0 / self.each) as u64 / PIECES).clamp(1, BURST)
    }

    /// How far ahead of its time it was paid for.
    #[cfg(test)]
    pub(crate) fn owed(&self) -> Duration {
        let paid = self.paid.lock().unwrap_or_else(PoisonError::into_inner);
        paid.saturating_duration_since(Instant::now())
    }

    /// When one more could pass.
    fn due(&self, now: Instant) -> Instant {
        let paid = *self.paid.lock().unwrap_or_else(PoisonError::into_inner);
        let early = paid.saturating_duration_since(now) + self.cost(1);
        now + early.saturating_sub(self.cost(self.burst))
    }

    fn cost(&self, units: u64) -> Duration {
        Duration::from_secs_f64(units as f64 * self.each)
    }

    /// Waits until one may pass: `urgent` where something was begun that would stand still, before
    /// those who begin. At `until` it passes all the same, and later ones wait the longer for it.
    async fn pass(&self, urgent: bool, until: Option<Instant>) {
        let turn = async {
            let _begins = if urgent { None } else { Some(self.back.lock().await) };
            let _next = self.front.lock().await;
            loop {
                let now = Instant::now();
                let due = self.due(now);
                if due <= now {
                    self.pay(1, now);
                    return;
                }
                sleep_until(due).await;
            }
        };
        match until {
            None => turn.await,
            Some(until) => {
                if timeout_at(until, turn).await.is_err() {
                    self.pay(1, Instant::now());
                }
            }
        }
    }
}

/// Every limit that some work is under: it has to obey all of them. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Budgets {
    bytes: Vec<Arc<Bucket>>,
    requests: Vec<Arc<Bucket>>,
}

impl Budgets {
    /// The limits of one budget.
    pub(crate) fn new(budget: Budget) -> Self {
        Self {
            bytes: Bucket::bytes(budget.bytes_per_second).into_iter().collect(),
            requests: Bucket::requests(budget.requests_per_minute).into_iter().collect(),
        }
    }

    /// These and others, each once.
    #[must_use]
    pub(crate) fn and(mut self, others: &Self) -> Self {
        add(&mut self.bytes, &others.bytes);
        add(&mut self.requests, &others.requests);
        self
    }

    /// The limits of bytes.
    pub(crate) fn bytes(&self) -> &[Arc<Bucket>] {
        &self.bytes
    }

    /// The limits of bytes that are not among others.
    pub(crate) fn bytes_besides(&self, others: &Self) -> Vec<Arc<Bucket>> {
        let known = |one: &Arc<Bucket>| others.bytes.iter().any(|it| Arc::ptr_eq(one, it));
        self.bytes.iter().filter(|one| !known(one)).cloned().collect()
    }

    /// Whether requests are limited.
    pub(crate) fn limits_requests(&self) -> bool {
        !self.requests.is_empty()
    }

    /// Waits until a request may go by all of them; see `Bucket::pass`.
    pub(super) async fn pass(&self, urgent: bool, until: Option<Instant>) {
        for bucket in &self.requests {
            bucket.pass(urgent, until).await;
        }
    }
}

fn add(to: &mut Vec<Arc<Bucket>>, others: &[Arc<Bucket>]) {
    for other in others {
        if !to.iter().any(|one| Arc::ptr_eq(one, other)) {
            to.push(Arc::clone(other));
        }
    }
}

/// The limits of many, each the same as long as its budget is: what it owes is not forgotten when
/// work begins anew. Those without a limit are not kept.
pub(crate) struct BudgetsOf<K>(Mutex<HashMap<K, (Budget, Budgets)>>);

impl<K> Default for BudgetsOf<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash> BudgetsOf<K> {
    /// The limits of one of them.
    pub(crate) fn of(&self, key: K, budget: Budget) -> Budgets {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if budget.is_unlimited() {
            all.remove(&key);
            return Budgets::default();
        }
        let (said, made) = all.entry(key).or_insert_with(|| (budget, Budgets::new(budget)));
        if *said != budget {
            (*said, *made) = (budget, Budgets::new(budget));
        }
        made.clone()
    }

    /// Forgets one that is gone.
    pub(crate) fn forget(&self, key: &K) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

#[cfg(test)]
mod tests;
