//! Blobs written: mounting, each upload style, and what goes wrong on the way.

use super::*;

const UPLOADS: &str = "POST /v2/library/app/blobs/uploads/";

fn stream(content: &'static [u8]) -> BlobStream {
    BlobStream { body: crate::net::full(content) }
}

fn other() -> Repository {
    "other/src".parse().unwrap()
}

/// A registry that keeps what chunks bring, with faults by the number of the `PATCH`.
struct Registry {
    held: Vec<u8>,
    patches: usize,
}

fn range(held: &[u8]) -> String {
    format!("0-{}", held.len().saturating_sub(1))
}

fn patched(registry: &mut Registry, seen: &Seen) -> Response<Body> {
    registry.patches += 1;
    registry.held.extend_from_slice(&seen.body);
    let location = format!("/up/{}?_state=a%3D", registry.patches);
    answer(202, &[("location", &location), ("range", &range(&registry.held))], "")
}

#[tokio::test]
async fn a_mount_is_201_and_nothing_else() {
    let digest = Digest::of(b"x");
    let mount = format!("{UPLOADS}?mount={digest}&from=other/src");
    for (status, mounted, requests) in
        [(201, true, 1), (202, false, 1), (405, false, 2), (404, false, 2)]
    {
        let wanted = mount.clone();
        let server = script(move |line, _| {
            let status = if line == wanted { status } else { 202 };
            Some(answer(status, &[("location", "../uploads/1?_state=a%2Bb")], ""))
        })
        .await;
        let outcome = remote(&server).mount_blob(&digest, &other()).await.unwrap();
        match outcome {
            Mount::Mounted => assert!(mounted, "{status}"),
            Mount::Declined(session) => {
                assert!(!mounted, "{status}");
                let path = "/v2/library/app/blobs/uploads/1?_state=a%2Bb";
                assert_eq!(session.location, server.url(path));
            }
        }
        assert_eq!(server.lines().len(), requests, "{status}");
        assert_eq!(server.lines()[0], mount);
        assert_eq!(server.seen()[0].header("content-length"), "0");
    }
}

#[tokio::test]
async fn a_whole_put_keeps_the_query_and_says_how_long_it_is() {
    let digest = Digest::of(b"hello");
    let locations = [
        ("/up/1", format!("/up/1?digest={digest}")),
        ("/up/1?_state=a%2Fb%3D&x", format!("/up/1?_state=a%2Fb%3D&x&digest={digest}")),
        ("/artifacts-uploads/n?", format!("/artifacts-uploads/n?digest={digest}")),
    ];
    for (location, target) in locations {
        let server = script(move |line, _| {
            let status = if line.starts_with("POST") { 202 } else { 201 };
            Some(answer(status, &[("location", location)], ""))
        })
        .await;
        let remote = remote(&server);
        let session = remote.start_upload().await.unwrap();
        remote.upload(session, &blob(b"hello"), stream(b"hello")).await.unwrap();
        let put = server.seen().remove(1);
        assert_eq!(put.line(), format!("PUT {target}"));
        assert_eq!((put.body.as_ref(), put.header("content-length")), (&b"hello"[..], "5"));
        assert_eq!(put.header("content-range"), "");
        assert_eq!(put.header("authorization"), "Bearer token0");
    }
}

#[tokio::test]
async fn wrong_bytes_never_complete_an_upload() {
    for style in [UploadStyle::SinglePut, UploadStyle::SinglePatch, UploadStyle::Chunked] {
        let source = script(|_, _| Some(answer(200, &[], "hellO"))).await;
        let server = script(|line, _| {
            let status = if line.starts_with("POST") { 202 } else { 201 };
            Some(answer(status, &[("location", "/up")], ""))
        })
        .await;
        let target = remote_with(&server, style, None);
        let session = target.start_upload().await.unwrap();
        let bytes = remote(&source).get_blob(&blob(b"hello")).await.unwrap();
        let error = target.upload(session, &blob(b"hello"), bytes).await.unwrap_err();
        assert!(matches!(error, DistributionError::Digest { .. }), "{style:?}: {error}");
        let stored = server
            .seen()
            .into_iter()
            .any(|seen| seen.complete && matches!(seen.method.as_str(), "PUT" | "PATCH"));
        assert!(!stored, "{style:?}: {:?}", server.lines());
        assert!(server.lines().contains(&"DELETE /up".to_owned()), "{style:?}: not cancelled");
    }
}

#[tokio::test]
async fn a_single_patch_is_closed_by_an_empty_put() {
    let server = script(|line, _| {
        Some(match line.split(' ').next() {
            Some("POST") => answer(202, &[("location", "/up/0")], ""),
            Some("PATCH") => answer(204, &[("location", "/up/1?s")], ""),
            _ => answer(204, &[], ""),
        })
    })
    .await;
    let remote = remote_with(&server, UploadStyle::SinglePatch, None);
    let session = remote.start_upload().await.unwrap();
    remote.upload(session, &blob(b"hello"), stream(b"hello")).await.unwrap();
    let closing = format!("PUT /up/1?s&digest={}", Digest::of(b"hello"));
    assert_eq!(server.lines()[1..], ["PATCH /up/0".to_owned(), closing]);
    assert_eq!(server.seen()[1].header("content-range"), "");
    assert_eq!(server.seen()[2].header("content-length"), "0");
}

/// What a registry does to the second `PATCH`, and what requests follow.
type Fault = fn(&mut Registry, &Seen) -> Response<Body>;

#[tokio::test]
async fn chunks_go_to_the_newest_location_and_recover() {
    let faults: [(&str, Fault, usize); 7] = [
        ("none", patched, 3),
        (
            "nothing stored, told by the 416",
            |registry, _| {
                registry.patches += 1;
                answer(416, &[("location", "/up/r"), ("range", &range(&registry.held))], "")
            },
            4,
        ),
        (
            "half stored, told by the 416",
            |registry, seen| {
                registry.patches += 1;
                registry.held.extend_from_slice(&seen.body[..2]);
                answer(416, &[("location", "/up/r"), ("range", &range(&registry.held))], "")
            },
            4,
        ),
        (
            "half stored, told when asked",
            |registry, seen| {
                registry.patches += 1;
                registry.held.extend_from_slice(&seen.body[..2]);
                answer(503, &[], "")
            },
            4,
        ),
        (
            "half stored, told by the 202",
            |registry, seen| {
                registry.patches += 1;
                registry.held.extend_from_slice(&seen.body[..2]);
                answer(202, &[("location", "/up/r"), ("range", &range(&registry.held))], "")
            },
            4,
        ),
        (
            "an old Range",
            |registry, seen| {
                let old = range(&registry.held);
                patched(registry, seen);
                answer(201, &[("location", "/up/r"), ("range", &old)], "")
            },
            3,
        ),
        (
            "no Range",
            |registry, seen| {
                patched(registry, seen);
                answer(202, &[("location", "/up/r")], "")
            },
            3,
        ),
    ];
    for (name, fault, patches) in faults {
        let registry = Mutex::new(Registry { held: Vec::new(), patches: 0 });
        let server = script(move |line, seen| {
            let mut registry = registry.lock().unwrap();
            Some(match line.split(' ').next() {
                Some("POST") => answer(202, &[("location", "/up/0"), ("range", "0-0")], ""),
                Some("PATCH") if registry.patches == 1 => fault(&mut registry, seen),
                Some("PATCH") => patched(&mut registry, seen),
                Some("GET") => {
                    let held = range(&registry.held);
                    answer(204, &[("location", "/up/asked"), ("range", &held)], "")
                }
                Some("PUT") if registry.held == b"hello world" => answer(201, &[], ""),
                _ => answer(400, &[], String::from_utf8_lossy(&registry.held).into_owned()),
            })
        })
        .await;
        let remote = remote_with(&server, UploadStyle::Chunked, Some(4));
        let session = remote.start_upload().await.unwrap();
        let outcome = remote.upload(session, &blob(b"hello world"), stream(b"hello world")).await;
        assert!(outcome.is_ok(), "{name}: {outcome:?} {:?}", server.lines());
        let seen = server.seen();
        let sent: Vec<_> = seen.iter().filter(|seen| seen.method == "PATCH").collect();
        assert_eq!(sent.len(), patches, "{name}: {:?}", server.lines());
        assert_eq!((sent[0].target.as_str(), sent[0].header("content-range")), ("/up/0", "0-3"));
        assert_eq!(sent[1].target, "/up/1?_state=a%3D", "{name}");
        assert_eq!(sent[1].header("content-range"), "4-7");
        let closing = seen.last().unwrap();
        assert_eq!((closing.method.as_str(), closing.body.len()), ("PUT", 0), "{name}");
    }
}

#[tokio::test]
async fn recoveries_end() {
    let server = script(|line, _| {
        Some(match line.split(' ').next() {
            Some("POST") => answer(202, &[("location", "/up/0")], ""),
            Some("PATCH") => answer(416, &[("location", "/up/0"), ("range", "0-0")], ""),
            _ => answer(204, &[], ""),
        })
    })
    .await;
    let remote = remote_with(&server, UploadStyle::Chunked, Some(4));
    let session = remote.start_upload().await.unwrap();
    let outcome = remote.upload(session, &blob(b"hello"), stream(b"hello")).await;
    let error = outcome.unwrap_err();
    assert!(matches!(error, DistributionError::Status { status: 416, .. }), "{error}");
    let patches = server.lines().iter().filter(|line| line.starts_with("PATCH")).count();
    assert!((2..=11).contains(&patches), "{patches}");
}

#[tokio::test]
async fn the_least_chunk_a_registry_takes_is_honoured() {
    let server = script(|line, _| {
        let headers = [("location", "/up/0"), ("oci-chunk-min-length", "20971520")];
        Some(answer(if line.starts_with("PUT") { 201 } else { 202 }, &headers, ""))
    })
    .await;
    let content: &'static [u8] = vec![7; 25 << 20].leak();
    let remote = remote_with(&server, UploadStyle::Chunked, None);
    let session = remote.start_upload().await.unwrap();
    remote.upload(session, &blob(content), stream(content)).await.unwrap();
    let lengths: Vec<_> = server.seen().iter().map(|seen| seen.body.len()).collect();
    assert_eq!(lengths, [0, 20 << 20, 5 << 20, 0]);
}

#[tokio::test]
async fn a_413_says_so_and_a_retry_goes_in_chunks() {
    let server = script(|line, seen| {
        Some(match line.split(' ').next() {
            Some("PUT") if !seen.body.is_empty() => answer(413, &[], ""),
            Some("PUT") => answer(201, &[], ""),
            _ => answer(202, &[("location", "/up")], ""),
        })
    })
    .await;
    let remote = remote(&server);
    for retryable in [true, false] {
        let session = remote.start_upload().await.unwrap();
        let outcome = remote.upload(session, &blob(b"hello"), stream(b"hello")).await;
        assert_eq!(outcome.as_ref().is_err_and(DistributionError::is_retryable), retryable);
        assert_eq!(outcome.is_err(), retryable, "{outcome:?}");
    }
    assert!(server.lines().contains(&"PATCH /up".to_owned()));
}

#[tokio::test]
async fn a_location_elsewhere_gets_no_authority_unless_granted() {
    let storage = script(|_, _| Some(answer(201, &[], ""))).await;
    let location = storage.url_by_name("/up").to_string();
    let server = script(move |_, _| Some(answer(202, &[("location", &location)], ""))).await;
    for (uses, authority) in [
        (vec![HostUse::Data], Some("")),
        (vec![HostUse::Data, HostUse::Signed], Some("Bearer token0")),
        (vec![HostUse::Storage], None),
    ] {
        let allowed = portolan_core::provider::AllowedHost {
            pattern: storage.url_by_name("").origin().ascii_serialization(),
            uses,
        };
        let grants = vec![HostGrant::parse(&allowed, true).unwrap()];
        let target = target(&server, UploadStyle::SinglePut, None);
        let remote = Remote::new(client(&server, grants), Arc::new(Counting::default()), target);
        let before = storage.seen().len();
        let session = remote.start_upload().await.unwrap();
        let outcome = remote.upload(session, &blob(b"hello"), stream(b"hello")).await;
        assert_eq!(outcome.is_ok(), authority.is_some(), "{outcome:?}");
        let sent = storage.seen().get(before).map(|seen| seen.header("authorization").to_owned());
        assert_eq!(sent.as_deref(), authority);
    }
}

#[tokio::test]
async fn a_token_that_ended_is_renewed_between_chunks_and_forgotten_otherwise() {
    let ended = "Your authorization token has expired. Reauthenticate and try again.";
    let cases = [
        (401, UploadStyle::Chunked, true),
        (401, UploadStyle::SinglePut, false),
        (403, UploadStyle::Chunked, true),
        (403, UploadStyle::SinglePut, false),
    ];
    for (status, style, works) in cases {
        let server = script(move |line, seen| {
            let old = seen.header("authorization") == "Bearer token0";
            let challenge = [("www-authenticate", r#"Bearer realm="https://a/t""#)];
            Some(match line.split(' ').next() {
                Some("POST" | "DELETE") => answer(202, &[("location", "/up")], ""),
                _ if old && status == 401 => answer(401, &challenge, ""),
                _ if old => answer(status, &[], ended),
                Some("PATCH") => answer(202, &[("location", "/up")], ""),
                _ => answer(201, &[], ""),
            })
        })
        .await;
        let remote = remote_with(&server, style, None);
        let session = remote.start_upload().await.unwrap();
        let first = remote.upload(session, &blob(b"hello"), stream(b"hello")).await;
        assert_eq!(first.is_ok(), works, "{style:?} {first:?}");
        let session = remote.start_upload().await.unwrap();
        remote.upload(session, &blob(b"hello"), stream(b"hello")).await.unwrap();
    }
}
