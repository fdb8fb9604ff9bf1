//! Metrics of each rule and each endpoint. The first thousand of them by id have a label of their
//! own; what is beyond is summed under `other`, without the instants that have no sum.

use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use super::Labels;
use crate::host::{EndpointMeasure, RuleMeasure};

/// Most rules, and most endpoints, with a label of their own.
const MOST: usize = 1_000;
/// What the others are called.
const OTHER: &str = "other";

/// Series of one name.
#[derive(Default)]
struct Series {
    counters: Family<Labels, Counter>,
    gauges: Family<Labels, Gauge>,
}

impl Series {
    fn count(&self, labels: &Labels, count: u64) {
        self.counters.get_or_create(labels).inc_by(count);
    }

    fn set(&self, labels: &Labels, value: i64) {
        self.gauges.get_or_create(labels).set(value);
    }
}

/// The label of the `place`th by id, and whether it is its own.
fn label(place: usize, id: u64) -> (String, bool) {
    let own = place < MOST;
    (if own { id.to_string() } else { OTHER.to_owned() }, own)
}

/// Registers what is known of rules, which come by ascending id.
pub(super) fn rules(registry: &mut Registry, rules: &[RuleMeasure]) {
    let [runs, missed, failures, artifacts, bytes, success, ended, last] =
        std::array::from_fn(|_| Series::default());
    for (place, rule) in rules.iter().enumerate() {
        let (id, own) = label(place, rule.id);
        let of = |more: Option<(&'static str, &str)>| -> Labels {
            let more = more.map(|(name, value)| (name, value.to_owned()));
            std::iter::once(("rule", id.clone())).chain(more).collect()
        };
        let outcomes = ["succeeded", "failed", "stopped"].into_iter().zip(rule.runs);
        outcomes.for_each(|(outcome, count)| runs.count(&of(Some(("outcome", outcome))), count));
        missed.count(&of(None), rule.missed);
        failures.count(&of(None), rule.failures);
        artifacts.count(&of(None), rule.artifacts);
        bytes.count(&of(None), rule.bytes);
        let Some(outcome) = rule.last.filter(|_| own) else { continue };
        rule.succeeded.inspect(|at| success.set(&of(None), *at));
        ended.set(&of(None), rule.ended);
        last.set(&of(Some(("outcome", outcome))), 1);
    }
    registry.register("rule_runs", "Runs of a rule that ended, by outcome", runs.counters);
    let help = "Due times of a rule's schedule that went by unused";
    registry.register("rule_schedules_missed", help, missed.counters);
    let help = "Tasks of a rule that failed for good";
    registry.register("rule_task_failures", help, failures.counters);
    let help = "Tags and untagged artifacts a rule pushed, since the start";
    registry.register("rule_artifacts_copied", help, artifacts.counters);
    let help = "Bytes of blobs a rule moved, since the start";
    registry.register("rule_blob_bytes_copied", help, bytes.counters);
    let help = "When a run of the rule last ended with everything at its destinations";
    registry.register("rule_last_success_timestamp_seconds", help, success.gauges);
    let help = "When a run of the rule last ended";
    registry.register("rule_last_end_timestamp_seconds", help, ended.gauges);
    registry.register("rule_last_run", "How the last run of the rule ended: 1", last.gauges);
}

/// Registers what is known of endpoints, which come by ascending id.
pub(super) fn endpoints(registry: &mut Registry, endpoints: &[EndpointMeasure]) {
    let [up, tasks, artifacts, bytes, success] = std::array::from_fn(|_| Series::default());
    for (place, endpoint) in endpoints.iter().enumerate() {
        let (id, own) = label(place, endpoint.id);
        if let Some(healthy) = endpoint.healthy.filter(|_| own) {
            up.set(&vec![("endpoint", id.clone())], i64::from(healthy));
        }
        for (side, totals) in [("from", &endpoint.from), ("to", &endpoint.to)] {
            let Some(totals) = totals else { continue };
            let of = vec![("endpoint", id.clone()), ("side", side.to_owned())];
            let by_outcome = [
                ("succeeded", totals.tasks_succeeded),
                ("failed", totals.tasks_failed),
                ("retried", totals.tasks_retried),
                ("stopped", totals.tasks_stopped),
            ];
            for (outcome, count) in by_outcome {
                let outcome = [("outcome", outcome.to_owned())];
                tasks.count(&of.iter().cloned().chain(outcome).collect(), count);
            }
            artifacts.count(&of, totals.artifacts);
            bytes.count(&of, totals.bytes);
            if own && totals.succeeded_at > 0 {
                success.set(&of, i64::try_from(totals.succeeded_at).unwrap_or(i64::MAX));
            }
        }
    }
    registry.register(
        "endpoint_up",
        "Whether an endpoint worked when it was last tried",
        up.gauges,
    );
    let help = "Tries of tasks that ended, since the start, by endpoint, side and outcome";
    registry.register("endpoint_tasks", help, tasks.counters);
    let help = "Tags and untagged artifacts copied from or to an endpoint, since the start";
    registry.register("endpoint_artifacts_copied", help, artifacts.counters);
    let help = "Bytes of blobs moved from or to an endpoint, since the start";
    registry.register("endpoint_blob_bytes_copied", help, bytes.counters);
    let help = "When a task with an endpoint last succeeded, since the start";
    registry.register("endpoint_last_success_timestamp_seconds", help, success.gauges);
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text::encode;

    use super::*;
    use crate::replication::Totals;

    fn text(register: impl FnOnce(&mut Registry)) -> String {
        let mut registry = Registry::with_prefix("p");
        register(&mut registry);
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        text
    }

    fn rule(id: u64) -> RuleMeasure {
        RuleMeasure {
            id,
            last: Some("failed"),
            ended: 1_900,
            succeeded: Some(1_700),
            runs: [5, 1, 0],
            failures: 2,
            missed: 3,
            artifacts: 40,
            bytes: 4_000,
        }
    }

    #[test]
    fn rules_and_endpoints_are_told_apart_up_to_a_thousand() {
        let rules: Vec<_> = (1..=1_003).map(rule).collect();
        let said = text(|registry| super::rules(registry, &rules));
        for line in [
            "p_rule_last_success_timestamp_seconds{rule=\"1000\"} 1700",
            "p_rule_last_end_timestamp_seconds{rule=\"1\"} 1900",
            "p_rule_last_run{rule=\"7\",outcome=\"failed\"} 1",
            "p_rule_runs_total{rule=\"7\",outcome=\"succeeded\"} 5",
            "p_rule_runs_total{rule=\"other\",outcome=\"succeeded\"} 15",
            "p_rule_schedules_missed_total{rule=\"7\"} 3",
            "p_rule_task_failures_total{rule=\"7\"} 2",
            "p_rule_artifacts_copied_total{rule=\"other\"} 120",
            "p_rule_blob_bytes_copied_total{rule=\"7\"} 4000",
        ] {
            assert!(said.lines().any(|it| it == line), "{line} is not in\n{}", &said[..4_000]);
        }
        assert!(!said.contains("timestamp_seconds{rule=\"other\"}") && !said.contains("1001"));

        let totals = Totals { bytes: 9, succeeded_at: 77, tasks_failed: 1, ..Totals::default() };
        let one = EndpointMeasure { id: 4, healthy: Some(false), from: None, to: Some(totals) };
        let said = text(|registry| super::endpoints(registry, &[one]));
        for line in [
            "p_endpoint_up{endpoint=\"4\"} 0",
            "p_endpoint_tasks_total{endpoint=\"4\",side=\"to\",outcome=\"failed\"} 1",
            "p_endpoint_blob_bytes_copied_total{endpoint=\"4\",side=\"to\"} 9",
            "p_endpoint_last_success_timestamp_seconds{endpoint=\"4\",side=\"to\"} 77",
        ] {
            assert!(said.lines().any(|it| it == line), "{line} is not in\n{said}");
        }
        assert!(!said.contains("side=\"from\""));
    }
}
