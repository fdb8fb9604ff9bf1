//! Deletes.

use super::*;

const APP: &str = "https://us-docker.pkg.dev/v2/proj/repo/app";

fn opened() -> ScriptedHost {
    key_file(PKG).exchange(challenge(PKG))
}

fn writing() -> Exchange {
    token(PKG, &["repository:proj/repo/app:pull,push"])
}

fn reading() -> Exchange {
    token(PKG, &["repository:proj/repo/app:pull"])
}

fn delete(reference: &str) -> Exchange {
    Exchange::new("DELETE", &format!("{APP}/manifests/{reference}")).answer(202)
}

fn coded(exchange: Exchange, status: u16, code: &str, message: &str) -> Exchange {
    exchange.answer(status).json(json!({"errors": [{"code": code, "message": message}]}))
}

#[test]
fn a_tag_goes_alone() {
    let row =
        || fixtures().get("DELETE", "https://us-docker.pkg.dev/v2/proj/repo/app/manifests/v1");
    let cases: Vec<(Exchange, Option<Fits>)> = vec![
        (row(), None),
        (coded(row(), 404, "MANIFEST_UNKNOWN", ""), None),
        (
            coded(row(), 400, "FAILED_PRECONDITION", "Tags are immutable here"),
            Some(|e| matches!(e, Error::Conflict(text) if text.contains("tags are immutable"))),
        ),
        (coded(row(), 403, "DENIED", "no"), Some(|e| matches!(e, Error::Forbidden(_)))),
        (row().answer(429), Some(|e| matches!(e, Error::RateLimited(_)))),
    ];
    for (exchange, fits) in cases {
        let host = opened().exchanges([writing(), exchange]).start();
        let result = GoogleGcr::delete_tag(host.endpoint(), "proj/repo/app", "v1");
        match (&result, fits) {
            (Ok(()), None) => {}
            (Err(error), Some(fits)) if fits(error) => {}
            _ => panic!("{result:?}"),
        }
    }
    let host = key_file(PKG).start();
    let digest = GoogleGcr::delete_tag(host.endpoint(), "proj/repo/app", "sha256:a");
    assert!(matches!(digest, Err(Error::InvalidInput(_))));
}

#[test]
fn every_tag_goes_before_its_digest_on_whatever_page_it_is() {
    let list = |query: &str| get(&format!("{APP}/tags/list?{query}"));
    let link = |last: &str| format!("<{APP}/tags/list?last={last}>; rel=\"next\"");
    let tags = |tags: &[&str]| json!({"manifest": {"sha256:a": {"tag": tags}, "sha256:b": {"tag": ["o"]}}});
    let host = opened()
        .exchanges([
            reading(),
            list("n=1000").header("Link", &link("b")).json(tags(&["a"])),
            list("last=b").header("Link", &link("c")).json(tags(&["c", "a"])),
            list("last=c").json(tags(&["z"])),
            writing(),
            delete("a"),
            delete("c"),
            delete("z").answer(404),
            delete("sha256:a"),
        ])
        .start();
    let result = GoogleGcr::delete_artifact(host.endpoint(), "proj/repo/app", "sha256:a");
    assert_eq!(result, Ok(()));
}

#[test]
fn what_cannot_be_deleted_says_why() {
    let list = || get(&format!("{APP}/tags/list?n=1000")).json(json!({"tags": []}));
    for (code, expected) in [
        ("GOOGLE_MANIFEST_DANGLING_TAG", "a tag came to it meanwhile"),
        ("GOOGLE_MANIFEST_DANGLING_PARENT_IMAGE", "for several platforms"),
    ] {
        let refused = coded(delete("sha256:a"), 400, code, "no");
        let host = opened().exchanges([reading(), list(), writing(), refused]).start();
        let result = GoogleGcr::delete_artifact(host.endpoint(), "proj/repo/app", "sha256:a");
        assert!(matches!(&result, Err(Error::Conflict(text)) if text.contains(expected)));
    }
    let unknown = coded(list(), 404, "NAME_UNKNOWN", "");
    let gone = coded(delete("sha256:a"), 404, "NAME_UNKNOWN", "");
    let host = opened().exchanges([reading(), unknown, writing(), gone]).start();
    assert_eq!(GoogleGcr::delete_artifact(host.endpoint(), "proj/repo/app", "sha256:a"), Ok(()));
}
