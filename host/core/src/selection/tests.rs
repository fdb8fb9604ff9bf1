//! What filters, options and subjects select together.

use time::{Duration, macros::datetime};

use super::*;
use crate::filter::Decoration;

const NOW: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);

fn artifact(name: &str, tags: &[&str]) -> ArtifactEntry {
    ArtifactEntry {
        digest: Some(Digest::of(name.as_bytes())),
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        ..ArtifactEntry::unknown()
    }
}

/// Tags alone, as most listings give them.
fn tags(tags: &[&str]) -> Vec<ArtifactEntry> {
    let entry = |tag: &&str| ArtifactEntry { digest: None, ..artifact("", &[tag]) };
    tags.iter().map(entry).collect()
}

fn options(value: serde_json::Value) -> Options {
    Options::parse(&value, &Options::default()).unwrap()
}

fn keep(
    filters: &[Filter],
    options: &Options,
    artifacts: Vec<ArtifactEntry>,
) -> Result<Vec<ArtifactEntry>, SelectionError> {
    Selection { filters, options, seen: &Seen::nothing(NOW) }.keep(artifacts)
}

/// The tags that are kept, in order.
fn kept(filters: &[Filter], options: &Options, artifacts: Vec<ArtifactEntry>) -> Vec<String> {
    keep(filters, options, artifacts).unwrap().into_iter().flat_map(|it| it.tags).collect()
}

#[test]
fn contract_3_10_what_is_attached_goes_with_its_subject() {
    let attached = |name: &str, to: &str, tags: &[&str]| ArtifactEntry {
        subject: Some(Digest::of(to.as_bytes())),
        ..artifact(name, tags)
    };
    let digest = |name: &str| Digest::of(name.as_bytes());
    let listed = || {
        vec![
            attached("nested", "sbom", &[]),
            attached("signature", "A", &["sha256-a.sig"]),
            attached("sbom", "A", &[]),
            attached("other", "B", &[]),
            attached("tagged", "B", &["v1-tool"]),
            attached("lost", "nowhere", &[]),
            artifact("A", &["v1", "old"]),
            artifact("B", &["x"]),
        ]
    };
    for (filters, expected) in [
        (vec![], &["lost", "A", "B", "signature", "sbom", "other", "tagged", "nested"][..]),
        (
            vec![Filter::tag("v1*", Decoration::Matches)],
            &["A", "signature", "sbom", "nested", "tagged"][..],
        ),
        // An image that is excluded leaves no orphan behind; its signature was not asked for.
        (
            vec![Filter::tag("{v1,old}", Decoration::Excludes)],
            &["lost", "B", "other", "tagged"][..],
        ),
        (
            vec![
                Filter::tag("{v1,old}", Decoration::Excludes),
                Filter::tag("*", Decoration::Matches),
            ],
            &["lost", "B", "other", "tagged", "signature"][..],
        ),
        // A tag of its own that is excluded does not go with the subject.
        (
            vec![Filter::tag("sha256-*.sig", Decoration::Excludes)],
            &["lost", "A", "B", "sbom", "other", "tagged", "nested"][..],
        ),
    ] {
        let kept = keep(&filters, &Options::default(), listed()).unwrap();
        let found: Vec<_> = kept.iter().map(|it| it.digest.clone().unwrap()).collect();
        let expected: Vec<_> = expected.iter().map(|name| digest(name)).collect();
        assert_eq!(found, expected, "{filters:?}");
    }
}

#[test]
fn the_newest_versions_are_counted_by_tag() {
    let listed = || {
        vec![
            artifact("a", &["v1.2.0", "latest"]),
            artifact("b", &["1.10.0", "1.10"]),
            artifact("c", &["1.9.0"]),
            artifact("d", &["2.0.0-rc1"]),
            artifact("e", &[]),
            artifact("f", &["nightly"]),
        ]
    };
    let cases = [
        (1, &["2.0.0-rc1"][..]),
        (2, &["1.10", "2.0.0-rc1"]),
        (3, &["1.10.0", "1.10", "2.0.0-rc1"]),
        (99, &["v1.2.0", "1.10.0", "1.10", "1.9.0", "2.0.0-rc1"]),
    ];
    for (count, expected) in cases {
        let latest = options(serde_json::json!({"latest": {"count": count}}));
        assert_eq!(kept(&[], &latest, listed()), expected, "{count}");
    }
    let latest = options(serde_json::json!({"latest": {"count": 1, "by": "semver"}}));
    let released = [Filter::tag("*-rc*", Decoration::Excludes)];
    assert_eq!(kept(&released, &latest, listed()), ["1.10"]);
}

#[test]
fn the_newest_pushes_are_counted_by_artifact() {
    let pushed = |name: &str, days: Option<i64>| ArtifactEntry {
        pushed: days.map(|days| NOW - Duration::days(days)),
        ..artifact(name, &[name])
    };
    let listed = || vec![pushed("a", Some(3)), pushed("b", None), pushed("c", Some(1))];
    let latest =
        |count| options(serde_json::json!({"latest": {"count": count, "by": "push_time"}}));
    assert_eq!(kept(&[], &latest(1), listed()), ["c"]);
    assert_eq!(kept(&[], &latest(2), listed()), ["a", "c"]);
    assert_eq!(kept(&[], &latest(3), listed()), ["a", "b", "c"]);
    let error = keep(&[], &latest(1), tags(&["a", "b"])).unwrap_err();
    assert!(matches!(error, SelectionError::NoPushTimes(1)), "{error}");
    assert_eq!(kept(&[], &latest(2), tags(&["a", "b"])), ["a", "b"]);
}

#[test]
fn ages_have_bounds() {
    let seen = |name: &str, hours: i64| (Digest::of(name.as_bytes()), NOW - Duration::hours(hours));
    let seen = Seen { now: NOW, first: [seen("old", 73), seen("young", 71)].into() };
    let pushed = |name: &str, days: i64| ArtifactEntry {
        pushed: Some(NOW - Duration::days(days)),
        ..artifact(name, &[name])
    };
    let listed = vec![pushed("old", 10), pushed("young", 10), pushed("new", 10), artifact("", &[])];
    let listed = [listed, vec![pushed("old", 100)], tags(&["untold"])].concat();
    let age = options(serde_json::json!({"age": {"min": "72h", "max": "90d"}}));
    let selection = Selection { filters: &[], options: &age, seen: &seen };
    let mut told = Told::asked();
    let kept = selection.places(listed, &mut told).unwrap();
    assert_eq!(kept.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [0]);
    let told = told.by_place();
    let why = |at: usize| told[&at][0].1.clone();
    assert!(why(1).contains("first seen 2026-11-18 13:00 UTC, it goes from 2026-11-21 13:00"));
    assert!(why(2).contains("new, it goes 72h after"), "{}", why(2));
    assert_eq!(told[&3][0].0, None);
    assert!(why(4).contains("pushed 2026-08-13 12:00 UTC, more than 90d ago"), "{}", why(4));
    assert!(why(5).contains("its digest is not known"), "{}", why(5));
    assert!(selection.note(&artifact("x", &[])).unwrap().contains("age is unknown"));
}

#[test]
fn types_are_judged_where_the_listing_tells_them() {
    let of = |tag: &str, kind: Option<&str>| ArtifactEntry {
        artifact_type: kind.map(str::to_owned),
        ..artifact(tag, &[tag])
    };
    let charts = options(serde_json::json!({"media_types": ["application/vnd.cncf.helm.*"]}));
    let listed = vec![
        of("chart", Some("application/vnd.cncf.helm.config.v1+json")),
        of("image", Some("application/vnd.oci.image.config.v1+json")),
        of("untold", None),
    ];
    assert_eq!(kept(&[], &charts, listed), ["chart", "untold"]);
}

#[test]
fn tags_that_name_their_subject_go_with_it() {
    let hex = Digest::of(b"a").hex().to_owned();
    let (sig, fallback) = (format!("sha256-{hex}.sig"), format!("sha256-{hex}"));
    let listed = || tags(&["v1", "old", &sig, &fallback]);
    let attached = |filters: &[Filter], options: &Options| {
        let seen = Seen::nothing(NOW);
        Selection { filters, options, seen: &seen }.attached_tags(&listed()).unwrap()
    };
    let both = [sig.clone(), fallback.clone()];
    let by_tag = [Filter::tag("v*", Decoration::Matches)];
    let without = [Filter::tag("sha256-*", Decoration::Excludes)];
    let none = options(serde_json::json!({"referrers": {"copy": false}}));
    let latest = options(serde_json::json!({"latest": {"count": 1}}));
    let all = ["v1", "old", &sig, &fallback];
    type Case<'a> = (&'a [Filter], &'a Options, &'a [&'a str], &'a [String]);
    let cases: [Case<'_>; 5] = [
        (&[], &Options::default(), &all, &both),
        (&by_tag, &Options::default(), &["v1"], &both),
        (&without, &Options::default(), &["v1", "old"], &[]),
        (&[], &none, &["v1", "old"], &[]),
        (&[], &latest, &["v1"], &both),
    ];
    for (filters, options, own, follow) in cases {
        assert_eq!(kept(filters, options, listed()), own, "{filters:?} {options:?}");
        assert_eq!(attached(filters, options), follow, "{filters:?} {options:?}");
    }
    // Where the listing tells digests, the name of the tag is as good as a subject.
    let told = vec![artifact("s", &[&sig]), artifact("a", &["v1"]), artifact("b", &["old"])];
    assert_eq!(kept(&by_tag, &Options::default(), told), ["v1", &sig]);
}

#[test]
fn referrers_are_taken_by_type() {
    let to = |name: &str, kind: &str| ArtifactEntry {
        subject: Some(Digest::of(b"a")),
        artifact_type: Some(kind.to_owned()),
        ..artifact(name, &[name])
    };
    let listed = || {
        vec![
            artifact("a", &["v1"]),
            to("sbom", "application/spdx+json"),
            to("sig", "application/vnd.dev.cosign.artifact.sig.v1+json"),
        ]
    };
    let only = options(serde_json::json!({"referrers": {"artifact_types": ["application/spdx*"]}}));
    let none = options(serde_json::json!({"referrers": {"copy": false}}));
    assert_eq!(kept(&[], &Options::default(), listed()), ["v1", "sbom", "sig"]);
    assert_eq!(kept(&[], &only, listed()), ["v1", "sbom"]);
    assert_eq!(kept(&[], &none, listed()), ["v1"]);
    assert_eq!(kept(&[Filter::tag("s*", Decoration::Matches)], &none, listed()), ["sbom", "sig"]);
}
