//! Every fault at every kind of request, at either end, while the daemon copies: each ends in
//! success or in one clear failure, and the destination never has a tag that misses a part.

mod kills;

use std::time::Duration;

use e2e::{
    api::{EXECUTIONS, POLICIES, create_registry, registry},
    daemon::Daemon,
    http::Client,
    poll::eventually,
};
use futures_util::{StreamExt as _, stream};
use portolan_testregistry::{Child, Faults, Kind, Registry, layer};
use serde_json::{Value, json};

/// Runs at once; each has two registries of its own.
const AT_ONCE: usize = 12;
/// For what is tried again, and again later.
const LONG: Duration = Duration::from_secs(150);

/// Kinds of requests that a copy makes at its source.
const SOURCE: [Kind; 5] =
    [Kind::Catalog, Kind::Tags, Kind::ManifestHead, Kind::ManifestGet, Kind::BlobGet];
/// Kinds of requests that it makes at its destination.
const DESTINATION: [Kind; 7] = [
    Kind::ManifestHead,
    Kind::BlobHead,
    Kind::Mount,
    Kind::UploadStart,
    Kind::UploadPatch,
    Kind::UploadPut,
    Kind::ManifestPut,
];

/// What goes wrong, once.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Status(u16),
    Busy,
    Page(u16),
    Corrupt,
    Truncated,
    Dropped,
    CutUpload,
}

const FAULTS: [Fault; 17] = [
    Fault::Status(401),
    Fault::Status(403),
    Fault::Status(404),
    Fault::Status(408),
    Fault::Status(413),
    Fault::Status(416),
    Fault::Status(500),
    Fault::Status(502),
    Fault::Status(503),
    Fault::Busy,
    Fault::Page(200),
    Fault::Page(502),
    Fault::Page(404),
    Fault::Corrupt,
    Fault::Truncated,
    Fault::Dropped,
    Fault::CutUpload,
];

impl Fault {
    fn switch_on(self, faults: &Faults, kind: Kind) {
        match self {
            Self::Status(status) => faults.status_once(kind, status),
            Self::Busy => faults.retry_after(kind, "1", 1),
            Self::Page(status) => faults.html_error_once(kind, status),
            Self::Corrupt => faults.wrong_digest_once(kind),
            Self::Truncated => faults.truncate_once(kind, 10),
            Self::Dropped => faults.drop_once_after(kind, 10),
            Self::CutUpload => faults.cut_upload_after(3_000),
        }
    }

    /// Whether a registry that is well again a moment later must be enough.
    fn must_be_survived(self) -> bool {
        matches!(
            self,
            Self::Status(408 | 500 | 502 | 503) | Self::Busy | Self::Dropped | Self::CutUpload
        )
    }
}

/// One run of one rule between two registries of its own.
struct Run {
    from: Registry,
    to: Registry,
    policy: i64,
}

impl Run {
    async fn new(client: &Client, name: &str) -> Self {
        let (from, to) = tokio::join!(Registry::builder().start(), Registry::builder().start());
        let (from, to) = (from.unwrap(), to.unwrap());
        let shared = layer(1, 40_000);
        let image = |platform: &str, seed| {
            let layers = [shared.clone(), layer(seed, 9_000)];
            let digest = from.put_platform_image("team/app", None, platform, &layers);
            Child { digest, platform: platform.to_owned() }
        };
        let children = [image("linux/amd64", 2), image("linux/arm64", 3)];
        from.put_index("team/app", Some("v1"), &children);
        from.put_image("team/other", "latest", &[shared.clone(), layer(4, 5_000)]);
        // Something that is there already, and something that is overwritten.
        for place in [&from, &to] {
            place.put_image("team/app", "same", &[layer(5, 2_000)]);
        }
        from.put_image("team/app", "moved", &[layer(6, 2_000)]);
        to.put_image("team/app", "moved", &[layer(7, 2_000)]);
        let at = async |name: &str, url: &str| {
            create_registry(client, &registry("docker-registry", name, url, None)).await
        };
        let source = at(&format!("{name}-from"), &from.url()).await;
        let target = at(&format!("{name}-to"), &to.url()).await;
        let body = json!({"name": name, "src_registry": {"id": source},
            "dest_registry": {"id": target}, "enabled": true, "override": true});
        let policy = client.post(POLICIES, &body).await.created_id();
        Self { from, to, policy }
    }

    async fn go(&self, client: &Client) -> (Value, String) {
        let id = client.post(EXECUTIONS, &json!({"policy_id": self.policy})).await.created_id();
        let path = format!("{EXECUTIONS}/{id}");
        let ended = eventually(LONG, "the execution ends", async || {
            let execution = client.get(&path).await.json();
            if execution["status"] == "InProgress" { Err(execution) } else { Ok(execution) }
        })
        .await;
        let mut log = ended["status_text"].as_str().unwrap_or_default().to_owned();
        let tasks = client.get(&format!("{path}/tasks?page_size=0")).await.json();
        for task in tasks.as_array().into_iter().flatten() {
            log += &client.get(&format!("{path}/tasks/{}/log", task["id"])).await.text();
        }
        (ended, log)
    }

    /// What is wrong with the destination, whatever the run said of itself.
    fn judge(&self, ended: &Value, log: &str) -> Result<(), String> {
        self.to.verify_all().map_err(|wrong| format!("not whole: {wrong:?}"))?;
        let arrived = self
            .from
            .tags()
            .into_iter()
            .all(|(name, tag)| self.to.tag(&name, &tag) == self.from.tag(&name, &tag));
        match (ended["status"].as_str(), arrived) {
            (Some("Succeed"), true) => Ok(()),
            (Some("Succeed"), false) => Err("it says Succeed and a tag is missing".to_owned()),
            (Some("Failed"), _) if log.trim().is_empty() => Err("it failed in silence".to_owned()),
            (Some("Failed"), _) => Ok(()),
            (other, _) => Err(format!("it ended as {other:?}")),
        }
    }
}

/// One cell: the fault is met, the run ends, the destination is whole; a second run, with
/// nothing wrong, brings everything. Says whether the fault met a request at all.
async fn cell(client: &Client, at_source: bool, kind: Kind, fault: Fault) -> Result<bool, String> {
    let name = format!("{}-{kind:?}-{fault:?}", if at_source { "source" } else { "destination" });
    let run = Run::new(client, &name).await;
    let faults = if at_source { run.from.faults() } else { run.to.faults() };
    fault.switch_on(&faults, kind);
    let (ended, log) = run.go(client).await;
    let met = faults.waiting() == 0;
    let told = |why: String| format!("{name}: {why}: {ended} {log}");
    run.judge(&ended, &log).map_err(told)?;
    if fault.must_be_survived() && ended["status"] != "Succeed" {
        return Err(told("another try was enough".to_owned()));
    }
    faults.clear();
    let (again, log) = run.go(client).await;
    run.judge(&again, &log).map_err(|why| format!("{name}, again: {why}"))?;
    if again["status"] != "Succeed" {
        return Err(format!("{name}: the next run does not succeed: {again} {log}"));
    }
    Ok(met)
}

#[tokio::test]
async fn every_fault_at_every_request_ends_well_or_is_told() {
    let data = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(data.path(), &[]).await;
    let client = daemon.admin();
    let places = SOURCE.map(|kind| (true, kind)).into_iter();
    let places: Vec<_> = places.chain(DESTINATION.map(|kind| (false, kind))).collect();
    let cells = places.iter().flat_map(|&(source, kind)| {
        let upload = matches!(kind, Kind::UploadPatch | Kind::UploadPut | Kind::UploadStart);
        let meant = move |fault: &Fault| upload || !matches!(fault, Fault::CutUpload);
        FAULTS.into_iter().filter(meant).map(move |fault| (source, kind, fault))
    });
    let client = &client;
    let cells = cells
        .map(async |(source, kind, fault)| (source, kind, cell(client, source, kind, fault).await));
    let seen: Vec<_> = stream::iter(cells).buffer_unordered(AT_ONCE).collect().await;
    let wrong: Vec<_> = seen.iter().filter_map(|(_, _, cell)| cell.as_ref().err()).collect();
    assert!(wrong.is_empty(), "{} of {}: {wrong:#?}", wrong.len(), seen.len());
    for (source, kind) in places {
        let met = seen.iter().filter(|(at, of, _)| (*at, *of) == (source, kind));
        let met = met.filter(|(_, _, cell)| *cell == Ok(true)).count();
        assert!(met > 0, "no fault met a {kind:?}: source {source}");
    }
}
