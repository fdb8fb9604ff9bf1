//! Tags and digests.

use super::*;

const LIST: &str = "https://gcr.io/v2/proj/app/tags/list";

fn list(host: &portolan_sdk::testing::Running, cursor: Option<String>) -> Result<Page<Artifact>> {
    let page = PageRequest { cursor, limit: 100 };
    GoogleGcr::list_artifacts(host.endpoint(), "proj/app", &ArtifactFilter::all(), &page)
}

fn opened() -> ScriptedHost {
    key_file(GCR).exchanges([challenge(GCR), token(GCR, &["repository:proj/app:pull"])])
}

fn page(query: &str) -> Exchange {
    get(&format!("{LIST}?{query}")).expect_header("Authorization", "Bearer t")
}

#[test]
fn digests_come_with_their_tags() {
    let row = fixtures().get("GET", LIST).at(&format!("{LIST}?n=1000"));
    let host = opened().exchange(row).start();
    let artifact = list(&host, None).expect("a page").items.remove(0);
    assert_eq!(artifact.digest, Some(format!("sha256:{}", "1".repeat(64))));
    assert_eq!(artifact.tags, ["v1", "latest"]);
    let type_ = "application/vnd.docker.distribution.manifest.v2+json";
    assert_eq!(artifact.media_type.as_deref(), Some(type_));
    assert_eq!((artifact.size, artifact.pushed), (Some(763_789), Some(1_597_767_277)));
}

#[test]
fn pages_are_followed_and_parts_of_images_left_out() {
    let link = |last: &str| format!("</v2/proj/app/tags/list?n=1000&last={last}>; rel=\"next\"");
    // Artifact Registry writes this number as one.
    let manifest = json!({"sha256:a": {"tag": ["v1"], "timeUploadedMs": 9000},
        "sha256:b": {"tag": [], "mediaType": ""}, "sha256:c": {}});
    let host = opened()
        .exchanges([
            page("n=1000").header("Link", &link("v2")).json(json!({"manifest": manifest,
                "tags": ["v1", "v2"]})),
            page("n=1000&last=v2").header("Link", &link("v3")).json(json!({"tags": ["v3"]})),
            page("n=1000&last=v3").json(json!({"tags": null, "manifest": null, "child": null})),
        ])
        .start();
    let shown = |page: &Page<Artifact>| {
        let one = |a: &Artifact| format!("{} {:?} {:?}", a.tags.join(","), a.digest, a.pushed);
        page.items.iter().map(one).collect::<Vec<_>>()
    };
    let first = list(&host, None).expect("a page");
    assert_eq!(shown(&first), [r#"v1 Some("sha256:a") Some(9)"#, "v2 None None"]);
    let second = list(&host, first.next).expect("a page");
    assert_eq!(shown(&second), ["v3 None None"]);
    assert_eq!(list(&host, second.next), Ok(Page::empty()));
}

#[test]
fn errors_keep_their_kind() {
    let unknown = json!({"errors": [{"code": "NAME_UNKNOWN"}]});
    let host = opened().exchange(page("n=1000").answer(404).json(unknown)).start();
    assert_eq!(list(&host, None), Ok(Page::empty()));
    host.finish();
    let link = "</v2/proj/app/tags/list?last=v1>; rel=\"next\"";
    let round = page("last=v1").header("Link", link).json(json!({"tags": ["v1"]}));
    let host = opened().exchange(round).start();
    let endless = list(&host, Some("last=v1".to_owned()));
    assert!(matches!(endless, Err(Error::MalformedResponse(text)) if text.contains("end")));
    host.finish();
    let denied = json!({"errors": [{"code": "DENIED", "message":
        "Permission \"artifactregistry.repositories.downloadArtifacts\" denied"}]});
    let cases: Vec<(Exchange, Fits)> = vec![
        (page("n=1000").answer(404), |e| matches!(e, Error::NotFound(_))),
        (
            page("n=1000").answer(403).json(denied),
            |e| matches!(e, Error::Forbidden(text) if text.contains("downloadArtifacts")),
        ),
        (page("n=1000").answer(401), |e| matches!(e, Error::Unauthenticated(_))),
        (page("n=1000").answer(429), |e| matches!(e, Error::RateLimited(_))),
        (page("n=1000").answer(502), |e| matches!(e, Error::Upstream(e) if e.retryable)),
        (page("n=1000").text("<html>"), |e| matches!(e, Error::MalformedResponse(_))),
        (page("n=1000").text(r#"{"tags":["v1""#), |e| matches!(e, Error::MalformedResponse(_))),
        (page("n=1000").answer(302), |e| matches!(e, Error::MalformedResponse(_))),
    ];
    for (exchange, fits) in cases {
        let host = opened().exchange(exchange).start();
        let error = list(&host, None).expect_err("an error");
        assert!(fits(&error), "{error:?}");
    }
}
