//! How long a rule's filters take for the artifacts of a very large repository:
//! `cargo bench -p portolan-core`.

#![expect(clippy::unwrap_used, reason = "a bench can only end by a panic")]

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use portolan_core::{
    filter::Filter,
    policy::Options,
    provider::ArtifactEntry,
    selection::{Seen, Selection},
};
use time::OffsetDateTime;

const ARTIFACTS: usize = 100_000;

/// Ten filters of each syntax that keep everything, so that each looks at each tag.
fn filters() -> Vec<Filter> {
    [
        ("v*", "", ""),
        ("*-rc*", "excludes", "glob"),
        ("{v1,v2,v3}.*", "matches", "glob"),
        ("*.*.*", "", "glob"),
        ("v?.*", "", "glob"),
        ("^v[0-9]+[.]", "matches", "regex"),
        ("beta", "excludes", "regex"),
        (">=1, <9", "matches", "semver"),
        ("v[0-9]*", "", "glob"),
        ("=9.9.9", "excludes", "semver"),
    ]
    .map(|(value, decoration, syntax)| {
        Filter::parse("tag", &value.into(), decoration, syntax).unwrap()
    })
    .to_vec()
}

fn artifacts() -> Vec<ArtifactEntry> {
    let tag = |n: usize| format!("v{}.{}.{n}", n % 3 + 1, n % 100);
    let entry = |n| ArtifactEntry { tags: vec![tag(n)], ..ArtifactEntry::unknown() };
    (0..ARTIFACTS).map(entry).collect()
}

fn selection(criterion: &mut Criterion) {
    let (filters, options, list) = (filters(), Options::default(), artifacts());
    let seen = Seen::nothing(OffsetDateTime::UNIX_EPOCH);
    let selection = Selection { filters: &filters, options: &options, seen: &seen };
    assert_eq!(selection.keep(list.clone()).unwrap().len(), ARTIFACTS);
    criterion.bench_function("100,000 artifacts through ten filters", |bencher| {
        let keep = |list| selection.keep(list).unwrap();
        bencher.iter_batched(|| list.clone(), keep, BatchSize::LargeInput);
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(30);
    targets = selection
}
criterion_main!(benches);
