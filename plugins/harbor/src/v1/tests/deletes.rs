//! Deletes by tag.

use super::*;

const TAGS: &str = "/api/repositories/team/app/tags";

fn tags(rows: Value) -> Exchange {
    get(TAGS).json(rows)
}

fn delete(tag: &str) -> Exchange {
    Exchange::new("DELETE", &format!("{TAGS}/{tag}")).expect_header("Authorization", USER)
}

fn shared() -> Exchange {
    let other = format!("sha256:{}", "2".repeat(64));
    tags(json!([{"name": "v1", "digest": DIGEST}, {"name": "latest", "digest": DIGEST},
        {"name": "old", "digest": other}]))
}

#[test]
fn a_tag_goes_where_it_is_alone_on_its_manifest() {
    let tag = |name: &str, exchanges: Vec<Exchange>| {
        let host = vic().exchanges(exchanges).start();
        Harbor::delete_tag(host.endpoint(), "team/app", name)
    };
    assert_eq!(tag("old", vec![shared(), delete("old")]), Ok(()));
    assert_eq!(tag("old", vec![shared(), delete("old").answer(404)]), Ok(()));
    // A page of a proxy says nothing of what is there.
    let foreign = |exchange: Exchange| exchange.answer(404).text("<html>no such site</html>");
    let result = tag("old", vec![shared(), foreign(delete("old"))]);
    assert!(matches!(result, Err(Error::NotFound(_))), "{result:?}");
    let result = tag("old", vec![foreign(shared())]);
    assert!(matches!(result, Err(Error::NotFound(_))), "{result:?}");
    assert_eq!(tag("gone", vec![shared()]), Ok(()));
    assert_eq!(tag("v1", vec![tags(json!(null)).answer(404)]), Ok(()));
    let kept = tag("v1", vec![shared()]).expect_err("it is not alone");
    let Error::Unsupported(text) = kept else { panic!("{kept:?}") };
    assert!(text.contains("has `latest` on that of `v1`") && !text.contains("`old`"), "{text}");
    let denied = tag("old", vec![shared(), delete("old").answer(403)]);
    assert!(matches!(denied, Err(Error::Forbidden(_))));
}

#[test]
fn an_artifact_goes_by_one_of_its_tags() {
    let artifact = |digest: &str, exchanges: Vec<Exchange>| {
        let host = vic().exchanges(exchanges).start();
        Harbor::delete_artifact(host.endpoint(), "team/app", digest)
    };
    assert_eq!(artifact(DIGEST, vec![shared(), delete("v1")]), Ok(()));
    let untagged = format!("sha256:{}", "3".repeat(64));
    let ping = || Exchange::new("GET", "/v2/");
    let head = || Exchange::new("HEAD", &format!("/v2/team/app/manifests/{untagged}"));
    let gone = vec![shared(), ping().json(json!({})), head().answer(404)];
    assert_eq!(artifact(&untagged, gone), Ok(()));
    let kept = artifact(&untagged, vec![shared(), ping().json(json!({})), head()]);
    assert!(matches!(kept, Err(Error::Unsupported(t)) if t.contains("garbage collection")));
}
