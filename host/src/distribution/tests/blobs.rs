//! Blobs read: redirects, ranges, sizes.

use portolan_core::oci::{Algorithm, Verifier};

use super::*;

async fn read(stream: Result<BlobStream, DistributionError>) -> Result<Bytes, String> {
    let stream = stream.map_err(|error| error.to_string())?;
    match stream.body.collect().await {
        Ok(all) => Ok(all.to_bytes()),
        Err(error) => Err(error.to_string()),
    }
}

#[tokio::test]
async fn a_redirected_blob_comes_without_authority() {
    let storage = script(|_, _| Some(answer(200, &[], "hello"))).await;
    let location = storage.url_by_name("/b?sig=1").to_string();
    let server = script(move |_, _| Some(answer(307, &[("location", &location)], ""))).await;
    let allowed = portolan_core::provider::AllowedHost {
        pattern: storage.url_by_name("").origin().ascii_serialization(),
        uses: vec![HostUse::Storage],
    };
    let grants = vec![HostGrant::parse(&allowed, true).unwrap()];
    let target = target(&server, UploadStyle::SinglePut, None);
    let remote = Remote::new(client(&server, grants), Arc::new(Counting::default()), target);
    assert_eq!(read(remote.get_blob(&blob(b"hello")).await).await.unwrap(), "hello");
    assert!(server.seen()[0].header("authorization").starts_with("Bearer"));
    assert_eq!(storage.seen()[0].header("authorization"), "");
    assert_eq!(storage.seen()[0].header("accept-encoding"), "identity");
    assert!(remote.has_blob(&Digest::of(b"hello")).await.unwrap(), "a redirect says it is there");
}

#[tokio::test]
async fn wrong_bytes_and_sizes_are_errors() {
    let cases = [
        ("hello", "", 200),
        ("hellO", "hash to", 200),
        ("hell", "4 bytes", 200),
        ("hello!", "6 bytes", 200),
        ("hello", "404", 404),
    ];
    for (body, expected, status) in cases {
        let server = script(move |_, _| Some(answer(status, &[], body))).await;
        let why = read(remote(&server).get_blob(&blob(b"hello")).await).await.err();
        let why = why.unwrap_or_default();
        assert!(why.contains(expected) && why.is_empty() == expected.is_empty(), "{body}: {why}");
    }
}

#[tokio::test]
async fn goes_on_where_it_stopped_also_where_ranges_are_ignored() {
    let cases = [
        (206, "bytes 6-10/11", "world", Ok("world")),
        (206, "bytes 0-10/11", "world", Err("another range")),
        (200, "", "hello world", Ok("world")),
    ];
    for (status, range, body, expected) in cases {
        let server = script(move |_, seen| {
            assert_eq!(seen.header("range"), "bytes=6-");
            Some(answer(status, &[("content-range", range)], body))
        })
        .await;
        let mut hashed = Verifier::new(Algorithm::Sha256);
        hashed.update(b"hello ");
        let blob = blob(b"hello world");
        let rest = remote(&server).get_blob_from(&blob, hashed, 6, Marks::default()).await;
        let outcome = read(rest).await;
        match (outcome, expected) {
            (Ok(bytes), Ok(text)) => assert_eq!(bytes, text),
            (Err(why), Err(part)) => assert!(why.contains(part), "{why}"),
            (outcome, _) => panic!("{status} {range}: {outcome:?}"),
        }
    }
}
