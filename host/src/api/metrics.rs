//! `GET /metrics`: what is counted, in the text format that Prometheus reads.
//!
//! Counts are kept where things happen; here they are only gathered and named. No label holds a
//! name that somebody gave, only ids, providers and routes.

mod nouns;

use std::{fmt, sync::Arc, time::Duration};

use axum::{
    http::{Method, StatusCode, header},
    response::IntoResponse,
};
use prometheus_client::{
    encoding::text::encode,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};

use super::{
    auth::Access,
    respond::{Answer, ApiError},
};
use crate::{
    error::{Code, Error},
    host::Measures,
};

/// The format's media type (OpenMetrics 1.0).
const TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Upper ends of the latency buckets, in seconds.
const BUCKETS: [f64; 12] =
    [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 10.0, 60.0];

type Labels = Vec<(&'static str, String)>;
type Histograms = Family<Labels, Histogram, fn() -> Histogram>;

/// How long requests took, by route; listeners that share it are counted together.
#[derive(Clone)]
pub struct Latencies(Arc<Histograms>);

impl Default for Latencies {
    fn default() -> Self {
        Self(Arc::new(Family::new_with_constructor(|| Histogram::new(BUCKETS))))
    }
}

impl fmt::Debug for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Latencies")
    }
}

impl Latencies {
    /// Notes a request that was answered.
    pub(super) fn note(&self, method: &Method, route: &str, status: StatusCode, took: Duration) {
        let labels = vec![
            ("method", method_name(method).to_owned()),
            ("route", route.to_owned()),
            ("status", format!("{}xx", status.as_u16() / 100)),
        ];
        self.0.get_or_create(&labels).observe(took.as_secs_f64());
    }
}

/// A method of our routes; one that a client made up is not repeated.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        _ => "other",
    }
}

/// `GET /metrics`: for whoever may look at anything.
pub(crate) async fn show(access: Access) -> Answer {
    let measures = access.viewer().await?.measures().await?;
    let text = text(&access.settings().latencies, &measures).map_err(|error| {
        ApiError::from(Error::new(Code::Internal, format!("metrics cannot be written: {error}")))
    })?;
    Ok(([(header::CONTENT_TYPE, TYPE)], text).into_response())
}

fn text(latencies: &Latencies, measures: &Measures) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("portolan");
    registry.register_with_unit(
        "api_request_duration",
        "Time until an answer began, by route",
        Unit::Seconds,
        Histograms::clone(&latencies.0),
    );
    replication(&mut registry, measures);
    schedules(&mut registry, measures);
    let help = "Webhooks that came, by outcome";
    counters(&mut registry, "webhook_deliveries", help, "outcome", &measures.deliveries);
    endpoints(&mut registry, measures);
    nouns::rules(&mut registry, &measures.rules);
    nouns::endpoints(&mut registry, &measures.endpoints);
    adapters(&mut registry, measures);
    process(&mut registry, measures);
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

fn replication(registry: &mut Registry, measures: &Measures) {
    let totals = &measures.totals;
    let by_outcome = [
        ("succeeded", totals.tasks_succeeded),
        ("failed", totals.tasks_failed),
        ("retried", totals.tasks_retried),
        ("stopped", totals.tasks_stopped),
    ];
    counters(registry, "tasks", "Tries of tasks that ended", "outcome", &by_outcome);
    let now =
        [("waiting", measures.queue.tasks_waiting), ("running", measures.queue.tasks_running)];
    gauges(registry, "tasks_now", "Tasks that are not over", "state", &now);
    gauge(registry, "executions_now", "Executions that are not over", measures.queue.executions);
    counter(registry, "executions", "Executions that were started", totals.executions);
    counter(registry, "artifacts_copied", "Tags and untagged artifacts pushed", totals.artifacts);
    counter(registry, "artifacts_present", "Those that were there already", totals.skipped);
    counter(registry, "blobs_copied", "Blobs whose bytes were moved", totals.blobs);
    counter(registry, "blobs_mounted", "Blobs mounted from another repository", totals.mounted);
    counter(registry, "blob_bytes_copied", "Bytes of the blobs that were moved", totals.bytes);
}

fn schedules(registry: &mut Registry, measures: &Measures) {
    let totals = &measures.totals;
    counter(registry, "schedules_fired", "Runs that schedules started", totals.schedules);
    let missed = "Due times that went by while nothing ran here, beyond the one that then ran";
    counter(registry, "schedules_missed", missed, totals.schedules_missed);
    let lag = "How late the last scheduled run started, in milliseconds";
    gauge(registry, "schedule_lag_milliseconds", lag, totals.schedule_lag_ms);
}

fn endpoints(registry: &mut Registry, measures: &Measures) {
    let requests = Family::<Labels, Counter>::default();
    for (endpoint, counts) in &measures.answers {
        for (class, count) in ["none", "1xx", "2xx", "3xx", "4xx", "5xx"].into_iter().zip(counts) {
            if *count > 0 {
                let labels = vec![("endpoint", endpoint.clone()), ("status", class.to_owned())];
                requests.get_or_create(&labels).inc_by(*count);
            }
        }
    }
    let help = "Requests sent, by endpoint and answer; `none` where none came";
    registry.register("endpoint_requests", help, requests);
    let left = Family::<Labels, Gauge>::default();
    for (endpoint, count) in &measures.left {
        let count = i64::try_from(*count).unwrap_or(i64::MAX);
        left.get_or_create(&vec![("endpoint", endpoint.clone())]).set(count);
    }
    let help = "Requests left by what an endpoint said last of its limit";
    registry.register("endpoint_rate_limit_remaining", help, left);
}

fn adapters(registry: &mut Registry, measures: &Measures) {
    let (calls, faults) =
        (Family::<Labels, Counter>::default(), Family::<Labels, Counter>::default());
    for (provider, count) in &measures.calls {
        let labels = vec![("provider", provider.clone())];
        calls.get_or_create(&labels).inc_by(count.calls);
        faults.get_or_create(&labels).inc_by(count.faults);
    }
    registry.register("plugin_calls", "Calls of adapters that ended", calls);
    let help = "Those that trapped, or used up their time or memory";
    registry.register("plugin_faults", help, faults);
}

fn process(registry: &mut Registry, measures: &Measures) {
    if let Some(bytes) = measures.store_bytes {
        gauge(registry, "store_bytes", "Size of the database file", bytes);
    }
    if let Some(bytes) = measures.resident_bytes {
        gauge(registry, "resident_memory_bytes", "Memory of this process", bytes);
    }
    gauge(registry, "uptime_seconds", "Time since the start", measures.uptime.as_secs());
}

fn counter(registry: &mut Registry, name: &str, help: &str, count: u64) {
    let counter = Counter::<u64>::default();
    counter.inc_by(count);
    registry.register(name, help, counter);
}

fn gauge(registry: &mut Registry, name: &str, help: &str, value: u64) {
    let gauge = Gauge::<i64>::default();
    gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
    registry.register(name, help, gauge);
}

fn counters(
    registry: &mut Registry,
    name: &str,
    help: &str,
    label: &'static str,
    counts: &[(&str, u64)],
) {
    let family = Family::<Labels, Counter>::default();
    for (value, count) in counts {
        family.get_or_create(&vec![(label, (*value).to_owned())]).inc_by(*count);
    }
    registry.register(name, help, family);
}

fn gauges(
    registry: &mut Registry,
    name: &str,
    help: &str,
    label: &'static str,
    values: &[(&str, u64)],
) {
    let family = Family::<Labels, Gauge>::default();
    for (value, count) in values {
        let count = i64::try_from(*count).unwrap_or(i64::MAX);
        family.get_or_create(&vec![(label, (*value).to_owned())]).set(count);
    }
    registry.register(name, help, family);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{plugin::Calls, replication::Totals, store::Queued};

    #[test]
    fn everything_is_named_and_counted() {
        let latencies = Latencies::default();
        let route = "/api/v2.0/registries/{id}";
        latencies.note(&Method::GET, route, StatusCode::OK, Duration::from_millis(3));
        let made_up = Method::from_bytes(b"EVIL").unwrap();
        latencies.note(&made_up, "-", StatusCode::NOT_FOUND, Duration::from_millis(1));
        let totals =
            Totals { bytes: 12, schedules_missed: 3, tasks_failed: 2, ..Totals::default() };
        let measures = Measures {
            totals,
            rules: Vec::new(),
            endpoints: Vec::new(),
            queue: Queued { executions: 1, tasks_waiting: 4, tasks_running: 2 },
            answers: vec![("7".to_owned(), [1, 0, 5, 0, 2, 0])],
            left: vec![("7".to_owned(), 20)],
            deliveries: vec![("accepted", 3), ("refused", 0)],
            calls: vec![("harbor".to_owned(), Calls { calls: 9, faults: 1 })],
            store_bytes: Some(4096),
            resident_bytes: Some(1 << 20),
            uptime: Duration::from_secs(60),
        };
        let text = text(&latencies, &measures).unwrap();
        let lines = [
            "portolan_api_request_duration_seconds_count{method=\"GET\",route=\"/api/v2.0/registries/{id}\",status=\"2xx\"} 1",
            "portolan_api_request_duration_seconds_bucket{le=\"0.005\",method=\"GET\",route=\"/api/v2.0/registries/{id}\",status=\"2xx\"} 1",
            "portolan_api_request_duration_seconds_count{method=\"other\",route=\"-\",status=\"4xx\"} 1",
            "portolan_tasks_total{outcome=\"failed\"} 2",
            "portolan_tasks_now{state=\"waiting\"} 4",
            "portolan_executions_now 1",
            "portolan_blob_bytes_copied_total 12",
            "portolan_schedules_missed_total 3",
            "portolan_endpoint_requests_total{endpoint=\"7\",status=\"2xx\"} 5",
            "portolan_endpoint_requests_total{endpoint=\"7\",status=\"none\"} 1",
            "portolan_endpoint_rate_limit_remaining{endpoint=\"7\"} 20",
            "portolan_webhook_deliveries_total{outcome=\"accepted\"} 3",
            "portolan_plugin_calls_total{provider=\"harbor\"} 9",
            "portolan_plugin_faults_total{provider=\"harbor\"} 1",
            "portolan_store_bytes 4096",
            "portolan_resident_memory_bytes 1048576",
            "portolan_uptime_seconds 60",
            "# EOF",
        ];
        for line in lines {
            assert!(text.lines().any(|it| it == line), "{line} is not in\n{text}");
        }
        assert!(!text.contains("EVIL"), "a client's words are repeated");
    }
}
