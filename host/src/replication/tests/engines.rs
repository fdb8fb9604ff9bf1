//! Two engines on one store, against real registries on loopback.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use portolan_core::{
    budget::Budget,
    endpoint::Health,
    execution::Status,
    id::EndpointId,
    policy::{Destination, PolicySpec},
    secret::Secret,
    trigger::Trigger,
};
use portolan_testregistry::{Kind, Registry, layer};
use tokio::time::Instant;

use super::*;
use crate::{
    credentials::{SourceSettings, Sources},
    plugin::{Compiler, Limits, PluginOptions},
    store::{Location, SealingKey},
};

const REPOSITORIES: u64 = 40;
/// Long enough for a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

async fn store() -> Store {
    let key = SealingKey(Secret::new(BASE64_STANDARD.encode([7; 32])));
    Store::open(Location::Memory, key).await.unwrap()
}

async fn plugins() -> Plugins {
    let limits = Limits { concurrent_calls: 16, ..Limits::default() };
    let compiler = Compiler::InProcess;
    let options = PluginOptions {
        cache: None,
        compiler,
        limits,
        no_proxy: Vec::new(),
        layouts: None,
        budget: Budget::default(),
        layouts: None,
    };
    let plugins = Plugins::new(options).unwrap();
    let adapter = bundled_plugins::ALL.iter().find(|it| it.provider == "docker-registry").unwrap();
    plugins.enable(plugins.load(adapter.bytes.to_vec()).await.unwrap(), Vec::new());
    plugins
}

async fn endpoint(store: &Store, name: &str, registry: &Registry) -> EndpointId {
    let spec = EndpointSpec::new(name, "docker-registry", registry.url().parse().unwrap());
    let now = OffsetDateTime::now_utc();
    let made = store.create_endpoint(spec, Credentials::default(), Health::Unknown, now).await;
    made.unwrap().id
}

async fn policy(store: &Store, from: &Registry, to: &Registry) -> Policy {
    let (source, to) = (endpoint(store, "from", from).await, endpoint(store, "to", to).await);
    let spec = PolicySpec {
        name: "all".to_owned(),
        description: String::new(),
        source,
        destinations: vec![Destination { endpoint: to, namespace: None }],
        replace_count: 0,
        filters: Vec::new(),
        trigger: Trigger::Manual,
        override_tags: true,
        enabled: true,
        deletion: false,
        speed: 0,
        copy_by_chunk: false,
        single_active: false,
        options: Default::default(),
    };
    store.create_policy(spec, OffsetDateTime::now_utc()).await.unwrap()
}

async fn engine(store: &Store, plugins: &Plugins, owner: &str) -> Engine {
    let connections =
        connections(store.clone(), plugins.clone(), None, Sources::new(SourceSettings::default()));
    let (store, owner) = (store.clone(), owner.to_owned());
    let (records, event_window) = (Records::default(), time::Duration::ZERO);
    let parts = EngineParts { store, connections, owner, workers: 3, records, event_window };
    Engine::start(parts).await.unwrap()
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !holds().await {
        assert!(Instant::now() < end, "{what}: not within {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_engines_on_one_store_do_each_task_once() {
    let (from, to) = (Registry::builder().start(), Registry::builder().start());
    let (from, to) = (from.await.unwrap(), to.await.unwrap());
    for number in 0..REPOSITORIES {
        from.put_image(&format!("fleet/ship-{number}"), "v1", &[layer(number, 1_000)]);
    }
    let (store, plugins) = (store().await, plugins().await);
    let policy = policy(&store, &from, &to).await;
    let (one, other) =
        (engine(&store, &plugins, "one").await, engine(&store, &plugins, "other").await);
    // Nothing ends before both have their hands full.
    let stall = to.faults().stall(Kind::ManifestPut);
    let execution = one.run_policy(&policy, StartedBy::Manual).await.unwrap();
    let busy = |engine: &Engine| engine.shared.running.tasks.len() == 3;
    until("both engines are at work", async || busy(&one) && busy(&other)).await;
    drop(stall);
    let status = async || store.execution(execution.id).await.unwrap().status;
    until("the execution ends", async || status().await.is_final()).await;
    assert_eq!(status().await, Status::Success);
    let tasks = store.tasks(execution.id).await.unwrap();
    assert_eq!(tasks.len() as u64, REPOSITORIES);
    assert!(tasks.iter().all(|task| task.status == Status::Success && task.failures == 0));
    // A layer and a configuration for each, its manifest by its tag, and nothing twice.
    let uploads = to.count(Kind::UploadStart) + to.count(Kind::Mount);
    assert_eq!((uploads, to.count(Kind::ManifestPut)), (2 * REPOSITORIES, REPOSITORIES));
    let (ones, others) = (one.totals().artifacts, other.totals().artifacts);
    assert_eq!(ones + others, REPOSITORIES);
    assert!(ones >= 3 && others >= 3, "{ones} and {others}");
    assert_eq!(to.verify_all().unwrap().tags as u64, REPOSITORIES);
    for engine in [one, other] {
        engine.shutdown(Duration::from_secs(5)).await;
    }
}
