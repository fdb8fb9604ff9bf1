//! Options as people write them, and as they are kept.

use serde_json::{json, to_value};

use super::*;

fn parse(value: Value) -> Result<Options, InvalidOptions> {
    Options::parse(&value, &Options::default())
}

#[test]
fn the_defaults_are_shown_whole() {
    let shown = to_value(Options::default()).unwrap();
    let expected = json!({
        "platforms": {"include": [], "index": "whole"},
        "latest": {"count": 0, "by": "semver"},
        "age": {"min": null, "max": null},
        "media_types": [],
        "referrers": {"copy": true, "artifact_types": []},
        "prune": {"enabled": false, "max_share": 0.1, "grace": "24h"},
        "immutable_tags": [],
        "backup_tag": null,
        "budget": {"bytes_per_second": 0, "requests_per_minute": 0},
        "history": {"executions": 0, "days": 0},
    });
    assert_eq!(shown, expected);
    assert_eq!(parse(shown).unwrap(), Options::default());
    assert!(serde_json::from_str::<Options>("{}").unwrap().is_default());
}

#[test]
fn options_come_back_as_they_were_given() {
    let given = json!({
        "platforms": {"include": ["linux/amd64", "linux/arm/v7"], "index": "sparse"},
        "latest": {"count": 10, "by": "push_time"},
        "age": {"min": "72h", "max": "2160h"},
        "media_types": ["application/vnd.oci.image.*"],
        "referrers": {"copy": false, "artifact_types": ["application/spdx+json"]},
        "prune": {"enabled": true, "max_share": 0.25, "grace": "1d"},
        "immutable_tags": ["v*"],
        "backup_tag": "{tag}-before",
        "budget": {"bytes_per_second": 1_000_000, "requests_per_minute": 60},
        "history": {"executions": 500, "days": 30},
    });
    let options = parse(given.clone()).unwrap();
    assert_eq!(to_value(&options).unwrap(), given);
    let stored: Options = serde_json::from_value(given).unwrap();
    assert_eq!(stored, options);
    // What is absent stays, `null` and an empty text take away.
    let changed = json!({"age": {"min": ""}, "latest": null, "backup_tag": ""});
    let changed = Options::parse(&changed, &options).unwrap();
    assert_eq!((changed.age, changed.latest), (Age::default(), Latest::default()));
    assert_eq!((changed.backup_tag, changed.immutable_tags), (None, options.immutable_tags));
}

#[test]
fn what_cannot_be_says_which_option_and_why() {
    let many: Vec<String> = (0..=MAX_ITEMS).map(|n| format!("v{n}")).collect();
    let cases = [
        (json!([]), "must be an object"),
        (json!({"lastest": {}}), "there is no option `lastest`"),
        (json!({"latest": {"number": 1}}), "options.latest: unknown field `number`"),
        (json!({"latest": {"count": -1}}), "options.latest: invalid value"),
        (json!({"latest": {"count": 1, "by": "size"}}), "options.latest: unknown variant `size`"),
        (json!({"age": {"min": "soon"}}), "options.age: `soon` is no length of time"),
        (json!({"age": {"min": 72}}), "options.age: invalid type"),
        (json!({"platforms": {"include": ["amd64"]}}), "options.platforms: `amd64` is no platform"),
        (json!({"platforms": {"index": "some"}}), "options.platforms: unknown variant `some`"),
        (json!({"media_types": ["["]}), "options.media_types: the glob `[`"),
        (json!({"media_types": "x"}), "options.media_types: invalid type"),
        (json!({"immutable_tags": many}), "options.immutable_tags: it lists more than 100"),
        (json!({"backup_tag": "before"}), "options.backup_tag: `before`"),
        (json!({"prune": {"max_share": 1.5}}), "options.prune: 1.5 is no share"),
        (json!({"history": {"executions": 10_001}}), "options.history: at most 10000 runs"),
        (json!({"budget": {"requests_per_minute": -1}}), "options.budget: invalid value"),
    ];
    for (value, why) in cases {
        let error = parse(value.clone()).unwrap_err().to_string();
        assert!(error.contains(why), "{value}: {error}");
    }
}

#[test]
fn types_are_globs_of_which_one_must_fit() {
    let options = parse(json!({"media_types": ["application/vnd.cncf.helm.*", "a/b"]})).unwrap();
    assert!(options.takes_type(&["", "application/vnd.cncf.helm.config.v1+json"]));
    assert!(!options.takes_type(&["application/vnd.oci.image.index.v1+json", ""]));
    assert!(Options::default().takes_type(&[]));
    let referrers = Referrers { copy: false, ..Referrers::default() };
    assert!(!referrers.takes("a/b") && Referrers::default().takes(""));
}
