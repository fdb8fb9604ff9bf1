//! How long calls take, and how much work a listing is: measurements, with budgets that hold for
//! an optimised build. Run them with
//! `cargo test --release --workspace --lib plugin::timing -- --ignored --nocapture`.

use std::time::{Duration, Instant};

use portolan_core::{
    endpoint::Credentials,
    provider::{RepositoryEntry, RepositoryQuery},
};
use portolan_testregistry::{Registry, layer};

use super::{Compiler, Limits, PluginOptions, Plugins, package, testing};

mod listing;

const RUNS: usize = 501;
/// What a fresh instance and its `describe` may take.
const DESCRIBE: Duration = Duration::from_millis(1);

fn plugins() -> Plugins {
    let options = PluginOptions {
        cache: None,
        compiler: Compiler::InProcess,
        limits: Limits::default(),
        no_proxy: Vec::new(),
        layouts: None,
        budget: portolan_core::budget::Budget::default(),
    };
    Plugins::new(options).unwrap()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

async fn timed<T>(mut call: impl AsyncFnMut() -> T) -> Duration {
    let mut times = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        let before = Instant::now();
        call().await;
        times.push(before.elapsed());
    }
    median(times)
}

#[tokio::test]
#[ignore = "a measurement"]
async fn how_long_calls_take() {
    let plugins = plugins();
    let server = Registry::builder().start().await.unwrap();
    for number in 0..100 {
        server.put_image(&format!("fleet/ship-{number}"), "v1", &[layer(1, 10)]);
    }
    for bundled in bundled_plugins::ALL {
        let before = Instant::now();
        let package = plugins.load(bundled.bytes.to_vec()).await.unwrap();
        let loaded = before.elapsed();
        plugins.enable(package.clone(), Vec::new());
        let describe = timed(async || {
            let pre = &package.pre;
            let component = (pre, &package.exports);
            let origin = package::Origin::Elsewhere;
            package::describe(&plugins.inner, component, &package.digest, origin).await.unwrap()
        });
        println!("{}: check, compile and describe {loaded:?}", bundled.provider);
        let describe = describe.await;
        println!("{}: instance + describe {describe:?}", bundled.provider);
        assert!(describe <= DESCRIBE || cfg!(debug_assertions), "{}", bundled.provider);
    }
    let mut spec = testing::spec(&server.url());
    spec.provider = "docker-registry".to_owned();
    let adapter = plugins.bind("1", 1, &spec, &Credentials::default()).unwrap();
    let query = RepositoryQuery::default();
    let locate = timed(async || adapter.locate("fleet/ship-1").await.unwrap()).await;
    let list = timed(async || {
        let page = adapter.list_repositories(&query, None).await.unwrap();
        let items: Vec<RepositoryEntry> = page.items;
        assert_eq!(items.len(), 100);
    })
    .await;
    println!("instance + locate {locate:?}");
    println!("instance + list-repositories, 100 names over loopback HTTP {list:?}");
}
