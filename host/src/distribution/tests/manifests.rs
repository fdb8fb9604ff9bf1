//! Manifests: types asked for, digests checked, bytes kept.

use portolan_core::oci::{Manifest, Reference};

use super::*;

const BODY: &str = r#"{ "schemaVersion": 2, "layers": [] }"#;

fn headers(digest: Option<&str>) -> Vec<(String, String)> {
    let mut all = vec![("content-type".to_owned(), format!("{}; x=y", MediaType::OCI_MANIFEST))];
    all.extend(digest.map(|digest| ("docker-content-digest".to_owned(), digest.to_owned())));
    all
}

/// A registry with one manifest, whose answers announce `digest`.
async fn registry(digest: Option<String>) -> Scripted {
    script(move |line, seen| {
        if !seen.header("accept").contains(MediaType::OCI_INDEX) {
            return None;
        }
        let headers = headers(digest.as_deref());
        let headers: Vec<_> = headers.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        if line.ends_with("/gone") {
            return Some(answer(404, &[], ""));
        }
        Some(answer(200, &headers, BODY))
    })
    .await
}

#[tokio::test]
async fn what_is_there_is_described_and_what_is_not_is_none() {
    let right = Digest::of(BODY.as_bytes());
    for (announced, lines) in [(Some(right.to_string()), vec!["HEAD"]), (None, vec!["HEAD", "GET"])]
    {
        let server = registry(announced).await;
        let remote = remote(&server);
        let found = remote.head_manifest(&"latest".parse().unwrap()).await.unwrap().unwrap();
        assert_eq!((found.digest, found.size), (right.clone(), BODY.len() as u64));
        assert_eq!(found.media_type.as_str(), MediaType::OCI_MANIFEST);
        let methods: Vec<_> =
            server.lines().iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect();
        assert_eq!(methods, lines);
        assert_eq!(remote.head_manifest(&"gone".parse().unwrap()).await.unwrap(), None);
    }
}

#[tokio::test]
async fn bytes_must_be_what_was_asked_for_and_announced() {
    let (right, wrong) = (Digest::of(BODY.as_bytes()), Digest::of(b"other"));
    let tag: Reference = "latest".parse().unwrap();
    let cases = [
        (tag.clone(), Some(&right), true),
        (tag.clone(), None, true),
        (tag, Some(&wrong), false),
        (right.clone().into(), None, true),
        (wrong.clone().into(), None, false),
        (wrong.clone().into(), Some(&wrong), false),
    ];
    for (reference, announced, good) in cases {
        let server = registry(announced.map(ToString::to_string)).await;
        let outcome = remote(&server).get_manifest(&reference).await;
        match outcome {
            Ok(manifest) => assert!(good && manifest.bytes == BODY.as_bytes(), "{reference}"),
            Err(error) => assert!(
                !good && matches!(error, DistributionError::Digest { .. }),
                "{reference}: {error}"
            ),
        }
    }
    let server = registry(Some(wrong.to_string())).await;
    let error = remote(&server).head_manifest(&right.into()).await.unwrap_err();
    assert!(matches!(error, DistributionError::Digest { .. }), "{error}");
}

#[tokio::test]
async fn too_large_a_manifest_is_refused() {
    let server = script(|_, _| Some(answer(200, &[], vec![b' '; (4 << 20) + 1]))).await;
    let error = remote(&server).get_manifest(&"a".parse().unwrap()).await.unwrap_err();
    assert!(error.to_string().contains("larger than"), "{error}");
}

#[tokio::test]
async fn pushes_the_very_bytes() {
    let manifest = Manifest::parse(BODY.into(), MediaType::OCI_MANIFEST).unwrap();
    let reference: Reference = "v1".parse().unwrap();
    let wrong = Digest::of(b"other").to_string();
    for (returned, good) in [(manifest.digest.to_string(), true), (wrong, false)] {
        let server = script(move |line, _| {
            assert_eq!(line, "PUT /v2/library/app/manifests/v1");
            Some(answer(201, &[("docker-content-digest", &returned)], ""))
        })
        .await;
        let outcome = remote(&server).put_manifest(&reference, &manifest).await;
        assert_eq!(outcome.is_ok(), good, "{outcome:?}");
        let seen = server.seen().remove(0);
        assert_eq!(seen.body, BODY);
        assert_eq!(seen.header("content-type"), MediaType::OCI_MANIFEST);
    }
}
