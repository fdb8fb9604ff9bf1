//! Faults as a client sees them.

use std::time::{Duration, Instant};

use super::client::{get, send, try_send};
use crate::{Digest, Kind, Registry, When, layer};

const BASIC: &str = "Basic dXNlcjpzM2NyZXQ=";

async fn with_blob() -> (Registry, String, bytes::Bytes) {
    let registry = Registry::builder().start().await.unwrap();
    let blob = layer(3, 300_000);
    let digest = registry.put_blob("a", blob.clone());
    (registry, format!("/v2/a/blobs/{digest}"), blob)
}

#[tokio::test]
async fn downloads_are_cut_truncated_and_corrupted() {
    let (registry, path, blob) = with_blob().await;
    registry.faults().drop_after(100_000);
    let cut = get(&registry, &path).await;
    assert_eq!((cut.complete, &cut.body[..]), (false, &blob[..100_000]));
    assert_eq!(registry.requests().last().map(|request| request.sent), Some(100_000));
    assert_eq!(get(&registry, &path).await.body, blob, "only once");
    registry.faults().truncate(Kind::BlobGet, 10);
    let short = get(&registry, &path).await;
    assert_eq!((short.complete, &short.body[..]), (true, &blob[..10]));
    registry.faults().clear();
    registry.faults().wrong_digest_once(Kind::BlobGet);
    let wrong = get(&registry, &path).await.body;
    assert_eq!((wrong.len(), wrong == blob), (blob.len(), false));
    assert_eq!(get(&registry, &path).await.body, blob);
}

#[tokio::test]
async fn a_cut_upload_keeps_what_arrived() {
    let registry = Registry::builder().start().await.unwrap();
    let opened = send(&registry, "POST /v2/a/blobs/uploads/", &[], "").await;
    let location = opened.header("location").to_owned();
    registry.faults().cut_upload_after(5);
    let patch = format!("PATCH {location}");
    assert!(try_send(&registry, &patch, &[], "0123456789").await.is_none());
    assert_eq!(get(&registry, &location).await.header("range"), "0-4");
    let rest = send(&registry, &patch, &[("content-range", "5-9")], "56789").await;
    assert_eq!((rest.status.as_u16(), rest.header("range")), (202, "0-9"));
    let close = format!("PUT {location}&digest={}", Digest::of(b"0123456789"));
    assert_eq!(send(&registry, &close, &[], "").await.status, 201);
}

#[tokio::test]
async fn answers_are_replaced() {
    let (registry, path, _) = with_blob().await;
    let faults = registry.faults();
    faults.retry_after(Kind::BlobGet, "7", 1);
    let slow_down = get(&registry, &path).await;
    assert_eq!((slow_down.status.as_u16(), slow_down.header("retry-after")), (429, "7"));
    assert_eq!(get(&registry, &path).await.header("retry-after"), "");
    faults.html_error(Kind::Catalog, 502);
    let html = get(&registry, "/v2/_catalog").await;
    assert_eq!((html.status.as_u16(), html.header("content-type")), (502, "text/html"));
    faults.huge_answer(When::any().path("tags"), 1_000_000);
    let huge = get(&registry, "/v2/a/tags/list").await;
    assert!(huge.body.len() > 1_000_000 && huge.header("content-length").is_empty());
    faults.redirect_blobs_to("http://127.0.0.1:9/storage/");
    let away = get(&registry, &path).await;
    let elsewhere = format!("http://127.0.0.1:9/storage{path}");
    assert_eq!((away.status.as_u16(), away.header("location")), (307, elsewhere.as_str()));
}

#[tokio::test]
async fn the_secret_comes_back_where_it_is_asked_to() {
    let registry = Registry::builder().basic("user", "s3cret").start().await.unwrap();
    registry.faults().echo_authorization(Kind::Ping);
    registry.faults().echo_authorization_in_header(Kind::Catalog);
    assert_eq!(get(&registry, "/v2/").await.status, 401, "nothing to echo");
    let basic = [("authorization", BASIC)];
    let body = send(&registry, "GET /v2/", &basic, "").await.json();
    assert_eq!((&body["authorization"], &body["name"]), (&BASIC.into(), &"s3cret".into()));
    let header = send(&registry, "GET /v2/_catalog", &basic, "").await;
    assert_eq!(header.header("x-echo"), "s3cret");
    assert_eq!(registry.requests()[1].authorization.as_deref(), Some("Basic"));
}

#[tokio::test]
async fn stalls_hold_until_they_are_released_and_a_slow_body_is_slow() {
    let (registry, path, blob) = with_blob().await;
    let stall = registry.faults().stall(Kind::BlobGet);
    let asking = [get(&registry, &path), get(&registry, &path)];
    let mut asking = std::pin::pin!(futures_util::future::join_all(asking));
    let early = tokio::time::timeout(Duration::from_millis(200), asking.as_mut()).await;
    assert!(early.is_err() && registry.count(Kind::BlobGet) == 0);
    drop(stall);
    assert!(asking.await.iter().all(|answer| answer.body == blob));
    assert_eq!(registry.peak_concurrency(), 2);
    registry.faults().clear();
    registry.faults().slow(Kind::BlobGet, 1_000_000);
    let started = Instant::now();
    assert_eq!(get(&registry, &path).await.body, blob);
    assert!(started.elapsed() >= Duration::from_millis(280), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_dropped_registry_stops_listening_and_lets_answers_finish() {
    let (registry, path, blob) = with_blob().await;
    registry.faults().slow(Kind::BlobGet, 2_000_000);
    let (registry_, address) = (&registry, registry.address());
    let answer = get(registry_, &path).await;
    assert_eq!(answer.body, blob);
    registry.stop().await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}
