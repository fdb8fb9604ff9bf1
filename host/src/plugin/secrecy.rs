//! The law "no secret in a guest", looked at where it would be broken: every linear memory of the
//! real adapters is kept when its store goes, and searched.
//!
//! Nothing is cleared when a guest frees it, so what once was there is found there. Tests only.
#![cfg(feature = "daemon")]

use std::{
    alloc::{Layout, alloc_zeroed, dealloc},
    sync::{
        Arc, Mutex,
        atomic::{AtomicPtr, Ordering},
    },
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_STANDARD_NO_PAD};
use memchr::memmem;
use portolan_core::{
    endpoint::Credentials,
    provider::{Action, ArtifactQuery, RepositoryQuery, Scope},
    secret::Secret,
};
use portolan_testregistry::{Builder, Registry, layer};
use wasmtime::{InstanceAllocationStrategy, LinearMemory, MemoryCreator, MemoryType};

use super::{Adapter, Compiler, Inner, Limits, Plugins, compile, engine, memory, testing};

const KEY: &str = "robot-of-the-fleet";
const SECRET: &str = "fathom-line-of-the-deep-77";
const REPOSITORY: &str = "harbour/lighthouse";

/// Every memory there was, as it was at its end.
#[derive(Clone, Default)]
struct Witness(Arc<Mutex<Vec<Vec<u8>>>>);

impl Witness {
    /// How many memories hold a text.
    fn holding(&self, text: &str) -> usize {
        let finder = memmem::Finder::new(text);
        let memories = self.0.lock().unwrap();
        memories.iter().filter(|memory| finder.find(memory).is_some()).count()
    }
}

/// A memory that is handed to the witness when it goes. It never moves.
struct Watched {
    bytes: AtomicPtr<u8>,
    layout: Layout,
    size: usize,
    witness: Witness,
}

#[expect(unsafe_code, reason = "wasmtime takes memories of one's own only so; in this test alone")]
// SAFETY: zeroed, page-aligned, owned by the value returned, never moved, and as large as its
// maximum; the configuration below asks for neither reservation nor guard.
unsafe impl MemoryCreator for Witness {
    fn new_memory(
        &self,
        _: MemoryType,
        minimum: usize,
        maximum: Option<usize>,
        _: Option<usize>,
        guard: usize,
    ) -> Result<Box<dyn LinearMemory>, String> {
        assert_eq!(guard, 0);
        let most = Limits::default().memory;
        let capacity = maximum.map_or(most, |maximum| maximum.min(most)).max(minimum).max(1);
        let layout = Layout::from_size_align(capacity, 1 << 16).unwrap();
        // SAFETY: the layout is not empty.
        let bytes = unsafe { alloc_zeroed(layout) };
        assert!(!bytes.is_null());
        let witness = self.clone();
        Ok(Box::new(Watched { bytes: AtomicPtr::new(bytes), layout, size: minimum, witness }))
    }
}

#[expect(unsafe_code, reason = "as above")]
// SAFETY: `size` bytes, and `capacity` to grow into, stand behind a pointer that stays the same.
unsafe impl LinearMemory for Watched {
    fn byte_size(&self) -> usize {
        self.size
    }

    fn byte_capacity(&self) -> usize {
        self.layout.size()
    }

    fn grow_to(&mut self, size: usize) -> wasmtime::Result<()> {
        wasmtime::ensure!(size <= self.layout.size(), "no room");
        self.size = size;
        Ok(())
    }

    fn as_ptr(&self) -> *mut u8 {
        self.bytes.load(Ordering::Relaxed)
    }
}

impl Drop for Watched {
    #[expect(unsafe_code, reason = "as above")]
    fn drop(&mut self) {
        let bytes = self.as_ptr();
        // SAFETY: allocated with this layout, `size` is within it, and the store that wrote to it
        // is gone.
        let kept = unsafe { std::slice::from_raw_parts(bytes, self.size).to_vec() };
        self.witness.0.lock().unwrap().push(kept);
        // SAFETY: as above, and nobody has the pointer any more.
        unsafe { dealloc(bytes, self.layout) };
    }
}

/// The engine as it is, but for where memories come from.
fn plugins(witness: &Witness) -> Plugins {
    let limits = Limits { concurrent_calls: 4, ..Limits::default() };
    let mut config = engine::config(&limits);
    config
        .memory_reservation(0)
        .memory_reservation_for_growth(0)
        .memory_guard_size(0)
        .memory_init_cow(false)
        .allocation_strategy(InstanceAllocationStrategy::OnDemand)
        .with_host_memory(Arc::new(witness.clone()));
    let engine = engine::Engine::with(&config, &limits).unwrap();
    let workshop = compile::Workshop {
        engine: engine.wasm.clone(),
        compiler: Compiler::InProcess,
        cache: None,
        limits: limits.clone(),
    };
    let inner = Inner {
        limits,
        engine,
        workshop: Arc::new(workshop),
        adapters: Default::default(),
        changes: Default::default(),
        memories: memory::Memories::default(),
        no_proxy: Vec::new(),
        layouts: None,
        budgets: crate::net::Budgets::default(),
    };
    Plugins { inner: Arc::new(inner) }
}

/// Raw, and base64 at each of the three places it may start, without the edges.
fn forms(secret: &str) -> Vec<String> {
    let shifted = (0..3).map(|shift| {
        let encoded = BASE64_STANDARD_NO_PAD.encode(format!("{}{secret}", "x".repeat(shift)));
        encoded[4..encoded.len() - 4].to_owned()
    });
    shifted.chain([secret.to_owned()]).collect()
}

/// Everything replication asks of an adapter. What a registry that is none of its kind makes of
/// it does not matter; what the guest was given on the way does.
async fn exercise(adapter: &Adapter) -> usize {
    let scope = Scope {
        repository: REPOSITORY.parse().unwrap(),
        actions: vec![Action::Pull, Action::Push],
    };
    let targets = [REPOSITORY.to_owned()];
    let well = [
        adapter.check_health().await.is_ok(),
        adapter.list_repositories(&RepositoryQuery::default(), None).await.is_ok(),
        adapter.list_artifacts(REPOSITORY, &ArtifactQuery::default(), None).await.is_ok(),
        adapter.locate(REPOSITORY).await.is_ok(),
        adapter.prepare_targets(&targets, None).await.is_ok(),
        adapter.authorize(&[scope], None).await.is_ok(),
    ];
    well.into_iter().filter(|well| *well).count()
}

#[tokio::test]
async fn no_secret_is_ever_in_a_guests_memory() {
    let witness = Witness::default();
    let plugins = plugins(&witness);
    for adapter in bundled_plugins::ALL {
        plugins.enable(plugins.load(adapter.bytes.to_vec()).await.unwrap(), Vec::new());
    }
    let life = Duration::from_secs(300);
    let bearer = || Registry::builder().bearer(KEY, SECRET, life);
    let servers: [Builder; 3] =
        [Registry::builder().basic(KEY, SECRET), bearer(), bearer().token_post()];
    for (number, server) in servers.into_iter().enumerate() {
        let server = server.start().await.unwrap();
        server.put_image(REPOSITORY, "v1", &[layer(1, 100)]);
        for provider in ["docker-registry", "harbor"] {
            let mut spec = testing::spec(&server.url());
            (spec.provider, spec.access_key) = (provider.to_owned(), Some(KEY.to_owned()));
            let secret = Some(Secret::new(SECRET.to_owned()));
            let credentials = Credentials { access_secret: secret, ..Credentials::default() };
            let adapter = plugins.bind(&number.to_string(), 1, &spec, &credentials).unwrap();
            server.forget_requests();
            let well = exercise(&adapter).await;
            assert!(provider == "harbor" || well == 6, "{number}: {well} of 6 calls went well");
            let used = |scheme: &str| {
                let requests = server.requests();
                requests.iter().any(|it| it.authorization.as_deref() == Some(scheme))
            };
            assert!(used("Basic") || number == 2, "{number} {provider}: the secret was not used");
        }
    }
    let holding = |text: &str| witness.holding(text);
    assert!(holding(KEY) >= 30, "the search finds what guests are told: {}", holding(KEY));
    for form in forms(SECRET) {
        assert_eq!(holding(&form), 0, "{form}");
    }
}

/// The adapter has its assertion signed and finds nobody to take it.
#[tokio::test]
async fn of_a_key_file_a_guest_has_the_public_parts_alone() {
    let key = include_str!("../../../tests/oracles/rfc7515-a2.pem");
    let file = serde_json::json!({"project_id": "fleet-of-google", "private_key_id": "key-of-77",
        "private_key": key, "client_email": "pilot@fleet.example"});
    let (witness, mut spec) = (Witness::default(), testing::spec("https://gcr.io"));
    let plugins = plugins(&witness);
    let adapter = bundled_plugins::ALL.iter().find(|it| it.provider == "google-gcr").unwrap();
    plugins.enable(plugins.load(adapter.bytes.to_vec()).await.unwrap(), Vec::new());
    (spec.provider, spec.access_key) = ("google-gcr".to_owned(), Some("_json_key".to_owned()));
    spec.proxy = Some("http://127.0.0.1:1".to_owned());
    let secret = Some(Secret::new(file.to_string()));
    let credentials = Credentials { access_secret: secret, ..Credentials::default() };
    let adapter = plugins.bind("1", 1, &spec, &credentials).unwrap();
    assert!(adapter.list_repositories(&RepositoryQuery::default(), None).await.is_err());
    // Of the key's name the header of the assertion may be all that is left.
    let header = br#"{"typ": "JWT", "alg": "RS256", "kid": "key-of-77"}"#;
    let header = BASE64_STANDARD_NO_PAD.encode(header);
    for told in ["fleet-of-google", "pilot@fleet.example", &header] {
        assert!(witness.holding(told) > 0, "{told}");
    }
    // Header and claims, signed: it got so far.
    assert!(witness.holding("grant_type=urn") > 0);
    for line in key.lines().filter(|line| line.len() == 64) {
        for form in forms(line) {
            assert_eq!(witness.holding(&form), 0, "{form}");
        }
    }
}
