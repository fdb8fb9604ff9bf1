//! Whole executions between two test registries, through the bundled adapter.

use std::time::Duration;

use portolan_core::{
    budget::Budget,
    endpoint::{Endpoint, Health},
    execution::Status,
    policy::{Destination, PolicySpec},
    secret::Secret,
    task::Task,
    trigger::Trigger,
};
use portolan_testregistry::{Builder, Kind, Registry, When, layer};
use tokio::sync::OnceCell;

use super::*;
use crate::{
    credentials::{SourceSettings, Sources},
    plugin::{Compiler, Limits, PluginOptions},
    store::{Location, SealingKey},
};

mod claims;
mod copies;
mod engines;
mod frugal;
mod limits;
mod listings;
mod options;
mod previews;
mod progress;
mod prunes;
mod resumes;
mod schedules;
mod sizes;
mod together;

/// How long anything here may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Two registries, and an engine between them.
struct World {
    store: Store,
    engine: Engine,
    from: Registry,
    to: Registry,
    source: Endpoint,
    target: Endpoint,
}

/// The adapter, compiled once for all tests.
async fn plugins() -> Plugins {
    static PLUGINS: OnceCell<Plugins> = OnceCell::const_new();
    let load = async || {
        let options = PluginOptions {
            cache: None,
            compiler: Compiler::InProcess,
            limits: Limits::default(),
            no_proxy: Vec::new(),
            layouts: None,
            budget: Budget::default(),
        };
        let plugins = Plugins::new(options).unwrap();
        let mut bundled = bundled_plugins::ALL.iter();
        let adapter = bundled.find(|one| one.provider == "docker-registry").unwrap();
        plugins.enable(plugins.load(adapter.bytes.to_vec()).await.unwrap(), Vec::new());
        plugins
    };
    PLUGINS.get_or_init(load).await.clone()
}

async fn engine(store: &Store, owner: &str, workers: usize) -> Engine {
    engine_with(store, owner, workers, Records::new(store.clone(), None)).await
}

async fn engine_with(store: &Store, owner: &str, workers: usize, records: Records) -> Engine {
    let connections =
        connections(store.clone(), plugins().await, None, Sources::new(SourceSettings::default()));
    let parts = EngineParts {
        store: store.clone(),
        connections,
        owner: owner.to_owned(),
        workers,
        records,
        event_window: time::Duration::milliseconds(200),
    };
    Engine::start(parts).await.unwrap()
}

fn spec(name: &str, url: &str) -> EndpointSpec {
    EndpointSpec::new(name, "docker-registry", url.parse().unwrap())
}

async fn endpoint(store: &Store, name: &str, url: &str) -> Endpoint {
    let now = OffsetDateTime::now_utc();
    let made = store.create_endpoint(spec(name, url), Credentials::default(), Health::Unknown, now);
    made.await.unwrap()
}

impl World {
    async fn new() -> Self {
        Self::with(Registry::builder(), Registry::builder()).await
    }

    async fn with(from: Builder, to: Builder) -> Self {
        let key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned();
        let store = Store::open(Location::Memory, SealingKey(Secret::new(key))).await.unwrap();
        let (from, to) = (from.start().await.unwrap(), to.start().await.unwrap());
        let source = endpoint(&store, "from", &from.url()).await;
        let target = endpoint(&store, "to", &to.url()).await;
        let engine = engine(&store, "host", 4).await;
        Self { store, engine, from, to, source, target }
    }

    fn rule(&self) -> PolicySpec {
        PolicySpec {
            name: "p".to_owned(),
            description: String::new(),
            source: self.source.id,
            destinations: vec![Destination { endpoint: self.target.id, namespace: None }],
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
        }
    }

    fn renamed(&self, name: &str) -> PolicySpec {
        PolicySpec { name: name.to_owned(), ..self.rule() }
    }

    async fn start(&self, rule: PolicySpec) -> Execution {
        let policy = self.store.create_policy(rule, OffsetDateTime::now_utc()).await.unwrap();
        self.engine.run_policy(&policy, StartedBy::Manual).await.unwrap()
    }

    async fn run(&self, rule: PolicySpec) -> Execution {
        let execution = self.start(rule).await;
        self.ended(execution.id).await
    }

    async fn ended(&self, id: ExecutionId) -> Execution {
        eventually("the execution ends", async || {
            let execution = self.store.execution(id).await.unwrap();
            execution.status.is_final().then_some(execution)
        })
        .await
    }

    async fn tasks(&self, id: ExecutionId) -> Vec<Task> {
        self.store.tasks(id).await.unwrap()
    }
}

/// Looks until there is something.
async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let end = tokio::time::Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(tokio::time::Instant::now() < end, "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
