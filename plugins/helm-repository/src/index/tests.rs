//! The three readers agree; what the quick one does not know, it leaves alone.

use super::*;

/// What Helm 4.2.3 made of two archives (`helm repo index`).
const HELM: &str = include_str!("../../fixtures/index.yaml");

fn version<'t>(version: &'t str, url: &'t str, digest: &'t str, created: &'t str) -> Version<'t> {
    Version {
        version: version.into(),
        url: url.into(),
        digest: digest.into(),
        created: created.into(),
    }
}

fn of<'t>(catalog: &Catalog<'t>, chart: &str) -> Vec<Version<'t>> {
    let rows = catalog.rows.iter().filter(|(name, _)| name == chart);
    rows.map(|(_, version)| version.clone()).collect()
}

fn shown(catalog: &Catalog<'_>) -> Vec<String> {
    let rows = catalog.rows.iter();
    rows.map(|(name, it)| format!("{name}: {} {}", it.version, it.url)).collect()
}

#[test]
fn an_index_of_helm_is_read_quickly() {
    let catalog = lines::read(HELM).expect("the form Helm writes");
    let created = "2024-05-06T07:08:09.123456789Z";
    let full = version(
        "1.2.3+build.5",
        "https://charts.example.com/files/full-1.2.3+build.5.tgz",
        "34f6a5308e6525048e2541fc7256c173e3ca185821087d396e80527edd2899a8",
        created,
    );
    let old = version(
        "0.1.0",
        "https://charts.example.com/files/old-0.1.0.tgz",
        "c3750b12f9916d1dcfd5d91ea4b8eed373ff6843f318678a662abb3f050a593f",
        created,
    );
    assert_eq!(of(&catalog, "full"), [full]);
    assert_eq!(of(&catalog, "old"), [old]);
    assert_eq!(events::read(HELM), Ok(catalog));
}

/// The quick reader gives what the real one gives, or nothing.
#[test]
fn the_readers_agree_or_the_quick_one_steps_back() {
    let cases = [
        // Text that looks like keys, deeper than the key it belongs to.
        (
            true,
            "entries:\n  a:\n  - description: |\n      version: 9\n    version: 1\n    urls:\n    - a-1.tgz\n",
        ),
        (
            true,
            "entries:\n    a:\n        - version: \"1\"\n          urls: \n            - 'it''s.tgz'\n            - b.tgz\n",
        ),
        (
            true,
            "---\n# x\napiVersion: v1\nentries:\n  a: []\n  b:\n  - urls:\n    - b.tgz\n    version: 1\r\n    digest: d\n",
        ),
        (true, "entries: {}\n"),
        (
            true,
            "entries:\n  a:\n  - maintainers:\n    - name: x\n      version: 7\n    urls:\n    - a.tgz\n    version: 1\n  - version: 2\n    urls:\n    - b.tgz\ngenerated: x\n",
        ),
        (
            true,
            "entries:\n  a:\n  - version: 1\n    home: long text\n      over two lines\n    urls:\n    - a.tgz\n",
        ),
        (false, "entries:\n  \"a\":\n  - version: 1 # the first\n"),
        // Flow style, anchors, escapes, texts over lines: for the real parser.
        (false, "entries:\n  a: [{version: 1, urls: [a.tgz]}]\n"),
        (false, "entries:\n  a:\n  - {version: 1, urls: [a.tgz]}\n"),
        (false, "entries:\n  a:\n  - version: \"\\u0031\"\n    urls:\n    - a.tgz\n"),
        (false, "entries:\n  a:\n  - version: >-\n      1\n    urls:\n    - a.tgz\n"),
        (false, "entries:\n  a:\n  - version:\n      1\n    urls:\n    - a.tgz\n"),
        (false, "entries:\n  a:\n  - version: &v 1\n    urls:\n    - a.tgz\n"),
        (false, "entries:\n  a:\n  -\n    version: 1\n    urls:\n    - a.tgz\n"),
        (false, "entries:\n  a:\n  - \"version\": 1\n    urls: [a.tgz, b.tgz]\n"),
        (
            false,
            "entries:\n  a:\n  - version: 1\n    keywords: [a,\n    b]\n    urls:\n    - a.tgz\n",
        ),
        (false, "{entries: {a: [{version: 1, urls: [a.tgz]}]}}\n"),
    ];
    for (quick, text) in cases {
        let read = lines::read(text);
        let slow = events::read(text);
        assert_eq!(read.is_some() && slow.is_ok(), quick, "{text}\n{read:?}\n{slow:?}");
        if quick {
            assert_eq!(slow.as_ref().ok(), read.as_ref(), "{text}");
        }
        assert_eq!(parse(text).map(|c| shown(&c)), slow.map(|c| shown(&c)), "{text}");
    }
}

#[test]
fn json_is_an_index_too() {
    let text = r#"{"apiVersion":"v1","entries":{"a":[{"version":"1.0.0+x","urls":["a.tgz","b"],
        "digest":"d","created":"c","maintainers":[{"name":"n"}]},{"version":"2"}],"b":null}}"#;
    let catalog = parse(text).expect("an index");
    assert_eq!(of(&catalog, "a"), [version("1.0.0+x", "a.tgz", "d", "c")]);
    assert_eq!(catalog.rows.len(), 1);
}

/// What parts texts on the shelf must not come from an index.
#[test]
fn control_characters_are_in_no_text() {
    let escaped = r#"{"entries":{"a":[{"version":"1\u001f2","urls":["a.tgz"]},
        {"version":"3","urls":["b.tgz"]}],"b\n":[{"version":"1","urls":["c.tgz"]}]}}"#;
    assert_eq!(parse(escaped).map(|catalog| shown(&catalog)), Ok(vec!["a: 3 b.tgz".to_owned()]));
    let raw = "entries:\n  a:\n  - version: 1\u{1f}2\n    urls:\n    - a.tgz\n";
    assert!(parse(raw).is_err_and(|why| why.contains("control")));
}

/// Helm sorts the charts; who writes an index by hand may not, and may name one twice.
#[test]
fn charts_are_brought_into_order() {
    let text = "entries:\n  b:\n  - version: 2\n    urls:\n    - b.tgz\n  - version: 1\n    \
                urls:\n    - c.tgz\n  a:\n  - version: 1\n    urls:\n    - a.tgz\n";
    let wanted = ["a: 1 a.tgz", "b: 2 b.tgz", "b: 1 c.tgz"];
    assert_eq!(parse(text).map(|catalog| shown(&catalog)), Ok(wanted.map(str::to_owned).to_vec()));
}

#[test]
fn what_is_no_index_is_said() {
    for (text, why) in [
        ("apiVersion: v1\n", "no `entries`"),
        ("- a\n", "no mapping"),
        ("", "no mapping"),
        ("{\"apiVersion\":\"v1\"}", "no `entries`"),
        ("{\"entries\":{\"a\":[{\"version\":\"1\"", "EOF"),
        ("entries:\n  a:\n  - version: 1\n    urls:\n    - a.tgz\n    diges", "no valid YAML"),
        ("entries:\n  a:\n - b\n", "no valid YAML"),
        ("entries: [\n", "no valid YAML"),
    ] {
        let error = parse(text).expect_err(text);
        assert!(error.contains(why), "{text}: {error}");
    }
}
