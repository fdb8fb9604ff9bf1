//! The console's files as a browser gets them, and what they may not be: large, incomplete, from
//! elsewhere, or other than what was published.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use axum::body::Body;
use flate2::read::GzDecoder;
use serde_json::Value;

use super::*;
use crate::api::tests::{Seen, api, request, send_raw};

/// The bar: everything that a browser loads, compressed.
const MOST_COMPRESSED: usize = 150_000;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("console")
}

fn below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { below(&path, found) } else { found.push(path) }
    }
}

async fn ask(path: &str, headers: &[(&str, &str)]) -> (Seen, Vec<u8>) {
    let mut request = request(&format!("GET {path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    send_raw(api().await, request.body(Body::empty()).unwrap()).await
}

#[test]
fn every_file_is_in_the_program() {
    let mut found = Vec::new();
    below(&folder(), &mut found);
    let names = found.iter().map(|path| path.strip_prefix(folder()).unwrap().to_str().unwrap());
    let there: BTreeSet<&str> = names.filter(|it| *it != "index.html").collect();
    let listed: BTreeSet<&str> = FILES.iter().map(|(name, _)| *name).collect();
    assert_eq!(there, listed, "host/src/api/console/files.rs has the list");
}

#[test]
fn all_of_it_is_small() {
    let bundle = bundle().unwrap();
    let files: usize = bundle.files.values().map(|both| both.gzip.len()).sum();
    let total = files + bundle.page.gzip.len();
    println!("{total} bytes compressed, {} files", bundle.files.len() + 1);
    assert!(total <= MOST_COMPRESSED, "{total} bytes compressed");
}

#[test]
fn libraries_are_as_they_were_published() {
    let read = |name: &str| std::fs::read_to_string(folder().join("vendor").join(name)).unwrap();
    let manifest: Value = serde_json::from_str(&read("manifest.json")).unwrap();
    let mut told = BTreeSet::from(["manifest.json"]);
    for entry in manifest["files"].as_array().unwrap() {
        let name = entry["file"].as_str().unwrap();
        let mut content = read(name);
        if let Some(here) = entry["here"].as_str() {
            assert_eq!(content.matches(here).count(), 1, "{name}");
            content = content.replace(here, entry["published"].as_str().unwrap());
        }
        let digest = Sha256::digest(content.as_bytes());
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(digest, entry["sha256"], "{name}");
        told.insert(name);
    }
    let there = FILES.iter().filter_map(|(name, _)| name.strip_prefix("vendor/"));
    assert_eq!(told, there.collect::<BTreeSet<_>>());
}

/// What a module imports is there, and is ours; nothing names another host, but for the names of
/// XML that are no addresses.
#[test]
fn modules_import_what_is_there_and_nothing_else_is_loaded() {
    let listed: BTreeSet<&str> = FILES.iter().map(|(name, _)| *name).collect();
    for (name, content) in FILES.iter().filter(|(name, _)| name.starts_with("js/")) {
        let text = std::str::from_utf8(content).unwrap();
        let marks = ["from \"", "import(\"", "import \""];
        for mark in marks {
            for rest in text.split(mark).skip(1) {
                let target = rest.split('"').next().unwrap();
                let path = Path::new(name).parent().unwrap().join(target);
                let mut parts = Vec::new();
                for part in path.iter().map(|it| it.to_str().unwrap()) {
                    match part {
                        "." => {}
                        ".." => {
                            parts.pop();
                        }
                        other => parts.push(other),
                    }
                }
                let path = parts.join("/");
                assert!(listed.contains(path.as_str()), "{name} imports {target}");
            }
        }
        let first = text.lines().next().unwrap();
        assert!(first.starts_with("// "), "{name} does not say what it is for");
        assert!(text.lines().count() <= 350, "{name} is long");
    }
    for (name, content) in FILES.iter().filter(|(name, _)| kind(name).starts_with("text/css")) {
        let text = std::str::from_utf8(content).unwrap();
        assert!(!text.contains("url(") && !text.contains("@import"), "{name}");
    }
}

#[tokio::test]
async fn the_page_names_the_files_of_its_release() {
    let (page, _) = ask("/", &[]).await;
    assert_eq!((page.status, &page.headers["cache-control"]), (200, &"no-cache".parse().unwrap()));
    assert_eq!(page.headers["content-security-policy"], POLICY);
    assert!(!page.body.contains(PLACE) && !page.body.contains("<style"), "{}", page.body);
    assert!(!page.body.replace("<script type=\"module\" src=", "").contains("<script"));
    let tag = page.headers["etag"].to_str().unwrap();
    assert_eq!(ask("/", &[("if-none-match", tag)]).await.0.status, 304);
    let mut seen = 0;
    for rest in page.body.split("\"/console/").skip(1) {
        let path = format!("/console/{}", rest.split('"').next().unwrap());
        let (file, bytes) = ask(&path, &[]).await;
        assert_eq!(file.status, 200, "{path}");
        assert!(file.headers["cache-control"].to_str().unwrap().contains("immutable"), "{path}");
        let (packed, gzip) = ask(&path, &[("accept-encoding", "br, gzip;q=0.5")]).await;
        assert_eq!(packed.headers["content-encoding"], "gzip", "{path}");
        assert_ne!(packed.headers["etag"], file.headers["etag"], "{path}");
        let mut whole = Vec::new();
        std::io::Read::read_to_end(&mut GzDecoder::new(gzip.as_slice()), &mut whole).unwrap();
        assert_eq!(whole, bytes, "{path}");
        seen += 1;
    }
    assert!(seen >= 3, "{seen} files are named");
}

#[tokio::test]
async fn another_release_and_what_is_not_there_are_not_found() {
    let release = &bundle().unwrap().release;
    let nothing = format!("/console/{release}/js/nothing.js");
    for path in ["/console/0000000000000000/app.css", &nothing, "/console/x/../app.css"] {
        assert_eq!(ask(path, &[]).await.0.status, 404, "{path}");
    }
}

#[test]
fn codings() {
    let cases = [
        ("gzip", true),
        ("br, GZIP", true),
        ("gzip;q=0.2", true),
        ("gzip; q=0", false),
        ("gzip;q=0.000", false),
        ("br", false),
        ("", false),
    ];
    for (value, takes) in cases {
        let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, value.parse().unwrap())]);
        assert_eq!(takes_gzip(&headers), takes, "{value}");
    }
    assert!(!takes_gzip(&HeaderMap::new()));
}
