//! Deleting tags and artifacts.

use super::*;

/// Whether a result is the expected one.
type Ends = fn(&Result<()>) -> bool;

fn id() -> Exchange {
    fixtures().get("GET", &format!("{MANAGEMENT}/?Action=GetRepository"))
}

fn not_there() -> serde_json::Value {
    json!({"code": "IMAGE_NOT_EXIST", "message": "image not exist"})
}

#[test]
fn a_tag_is_deleted_by_the_api_and_one_that_is_gone_is_no_error() {
    let by_id = || fixtures().get("POST", &format!("{MANAGEMENT}/?Action=DeleteRepoTag"));
    let gone =
        || no(ask("GetRepository", "RepoNamespaceName=team&RepoName=app"), 200, "REPO_NOT_EXIST");
    let cases: Vec<(ScriptedHost, Ends)> = vec![
        (enterprise().exchanges([id(), by_id()]), |r| r.is_ok()),
        (enterprise().exchanges([id(), no(by_id(), 200, "TAG_NOT_EXIST")]), |r| r.is_ok()),
        (enterprise().exchange(gone()), |r| r.is_ok()),
        (
            enterprise().exchanges([id(), no(by_id(), 200, "TAG_IMMUTABLE")]),
            |r| matches!(r, Err(Error::Upstream(u)) if u.code.as_deref() == Some("TAG_IMMUTABLE")),
        ),
        (enterprise().exchanges([id(), no(by_id(), 403, "Forbidden.RAM")]), |r| {
            matches!(r, Err(Error::Forbidden(_)))
        }),
        (
            personal().exchange(
                fixtures().get("DELETE", &format!("{MANAGEMENT}/repos/team/app/tags/v1")),
            ),
            |r| r.is_ok(),
        ),
        (
            personal()
                .exchange(at("DELETE", "/repos/team/app/tags/v1").answer(404).json(not_there())),
            |r| r.is_ok(),
        ),
        // A proxy's page, not the registry's word.
        (personal().exchange(at("DELETE", "/repos/team/app/tags/v1").answer(404)), |r| {
            matches!(r, Err(Error::Upstream(_)))
        }),
        (personal().exchange(at("DELETE", "/repos/team/app/tags/v1").answer(500)), |r| {
            matches!(r, Err(Error::Upstream(_)))
        }),
    ];
    for (host, fits) in cases {
        let host = host.start();
        let result = AliAcr::delete_tag(host.endpoint(), "team/app", "v1");
        assert!(fits(&result), "{result:?}");
    }
}

#[test]
fn the_personal_edition_deletes_every_tag_on_a_digest() {
    let (one, two) = ("1".repeat(64), "2".repeat(64));
    let tags = |page: u32, rows: Value| {
        at("GET", &format!("/repos/team/app/tags?Page={page}&PageSize=100"))
            .json(json!({"data": {"total": 5, "tags": rows}}))
    };
    let row = |tag: &str, digest: &str| json!({"tag": tag, "digest": digest});
    let delete = |tag: &str| at("DELETE", &format!("/repos/team/app/tags/{tag}"));
    let host = personal()
        .exchanges([
            tags(1, json!([row("a", &one), row("b", &two)])),
            tags(2, json!([row("c", &two), row("d", &format!("sha256:{one}"))])),
            tags(3, json!([row("e", &one)])),
            delete("a"),
            delete("d").answer(404).json(not_there()),
            delete("e"),
        ])
        .start();
    let digest = format!("sha256:{one}");
    assert_eq!(AliAcr::delete_artifact(host.endpoint(), "team/app", &digest), Ok(()));
    host.finish();
    let host = personal().exchange(no(tags(1, json!([])), 404, "REPO_NOT_EXIST")).start();
    assert_eq!(AliAcr::delete_artifact(host.endpoint(), "team/app", &digest), Ok(()));
}

/// The API deletes by tag, so what has none stays: that is success only where nothing is there.
#[test]
fn what_has_no_tag_in_the_personal_edition_is_gone_or_cannot_be_deleted() {
    let digest = format!("sha256:{}", "1".repeat(64));
    let none = || {
        at("GET", "/repos/team/app/tags?Page=1&PageSize=100")
            .json(json!({"data": {"total": 0, "tags": []}}))
    };
    let login = || fixtures().get("GET", &format!("{MANAGEMENT}/tokens"));
    let token = || {
        Exchange::new(
            "GET",
            "https://dockerauth.cn-hangzhou.aliyuncs.com/auth?scope=repository:team/app:pull\
             &service=registry.aliyuncs.com:cn-hangzhou:26842",
        )
        .expect_header("Authorization", LOGINS[0])
        .json(json!({"token": "t"}))
    };
    for (status, fits) in [
        (404, (|r| r.is_ok()) as Ends),
        (200, |r| matches!(r, Err(Error::Unsupported(t)) if t.contains("by tag alone"))),
        (403, |r| matches!(r, Err(Error::Forbidden(_)))),
        (503, |r| matches!(r, Err(Error::Upstream(_)))),
    ] {
        let head = Exchange::new("HEAD", &format!("/v2/team/app/manifests/{digest}"));
        let head = head.expect_header("Authorization", "Bearer t").answer(status);
        let host = personal().exchanges([none(), login(), token(), head]).start();
        let result = AliAcr::delete_artifact(host.endpoint(), "team/app", &digest);
        assert!(fits(&result), "{status}: {result:?}");
    }
}

/// Every answer of the enterprise API says whether it did what was asked.
#[test]
fn silence_of_the_enterprise_api_is_no_success() {
    let bare = || Exchange::new("POST", &format!("{MANAGEMENT}/?{}", by_id_query()));
    for answer in [bare(), bare().json(json!({})), bare().json(json!({"RequestId": "7"}))] {
        let host = enterprise().exchanges([id(), answer]).start();
        let result = AliAcr::delete_tag(host.endpoint(), "team/app", "v1");
        assert!(
            matches!(&result, Err(Error::MalformedResponse(t)) if t.contains("`IsSuccess`")),
            "{result:?}"
        );
    }
    let host = enterprise().exchanges([id(), bare().json(json!({"Code": "success"}))]).start();
    assert_eq!(AliAcr::delete_tag(host.endpoint(), "team/app", "v1"), Ok(()));
}

fn by_id_query() -> &'static str {
    "Action=DeleteRepoTag&InstanceId=cri-abcdefgh12345678&RepoId=crr-1&Tag=v1&Version=2018-12-01"
}

#[test]
fn the_enterprise_edition_deletes_through_the_registry() {
    let login = || fixtures().get("GET", &format!("{MANAGEMENT}/?Action=GetAuthorizationToken"));
    let token = || {
        Exchange::new(
            "GET",
            "https://dockerauth-ee.cn-hangzhou.aliyuncs.com/auth?scope=repository:team/a/b:delete\
             &service=registry.aliyuncs.com:cn-hangzhou:china:cri-abcdefgh12345678",
        )
        .expect_header("Authorization", LOGINS[1])
        .json(json!({"token": "t"}))
    };
    for (status, fits) in [
        (202, (|r| r.is_ok()) as Ends),
        (404, |r| r.is_ok()),
        (405, |r| matches!(r, Err(Error::Unsupported(_)))),
        (403, |r| matches!(r, Err(Error::Forbidden(_)))),
    ] {
        let delete = Exchange::new("DELETE", "/v2/team/a/b/manifests/sha256:1").answer(status);
        let host = enterprise().exchanges([login(), token(), delete]).start();
        let result = AliAcr::delete_artifact(host.endpoint(), "team/a/b", "sha256:1");
        assert!(fits(&result), "{status}: {result:?}");
    }
}
