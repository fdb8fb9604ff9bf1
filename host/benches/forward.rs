//! How much of bare SHA-256's speed is left where a blob is hashed and handed on:
//! `cargo bench --workspace --features portolan/bench --bench forward`. The second line is to have
//! at least 85 % of the throughput of the first.

use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use portolan::{
    core::oci::{Algorithm, Descriptor, Digest, MediaType, Verifier},
    forwarded,
};

/// Bytes of a frame, as a connection that is busy gives them.
const FRAME: usize = 64 << 10;
const FRAMES: usize = 1_024;

fn hash(frames: &[Bytes]) -> Digest {
    let mut verifier = Verifier::new(Algorithm::Sha256);
    frames.iter().for_each(|frame| verifier.update(frame));
    verifier.finish()
}

fn forward(criterion: &mut Criterion) {
    let frames: Vec<Bytes> =
        (0..FRAMES).map(|number| Bytes::from(vec![(number % 251) as u8; FRAME])).collect();
    let size = (FRAME * FRAMES) as u64;
    let blob = Descriptor {
        media_type: MediaType::new("application/octet-stream"),
        digest: hash(&frames),
        size,
        platform: None,
        artifact_type: None,
        annotations: Default::default(),
    };
    let mut group = criterion.benchmark_group("64 MiB");
    group.throughput(Throughput::Bytes(size)).sample_size(20);
    group.bench_function("bare SHA-256", |bench| bench.iter(|| black_box(hash(&frames))));
    group.bench_function("hashed and handed on", |bench| {
        bench.iter(|| {
            let passed = at_once(forwarded(&frames, &blob));
            assert_eq!(passed, size);
        });
    });
    group.finish();
}

/// Runs what never waits.
fn at_once(work: impl Future<Output = u64>) -> u64 {
    let mut work = std::pin::pin!(work);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    loop {
        if let std::task::Poll::Ready(done) = work.as_mut().poll(&mut context) {
            return done;
        }
    }
}

criterion_group!(benches, forward);
criterion_main!(benches);
