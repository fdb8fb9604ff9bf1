//! Repositories that are made for a push, and deletes that are told from their failures.

use super::*;

const NAME: &str = "team/app";

fn looked_for() -> Exchange {
    call("DescribeRepositories", json!({"repositoryNames": [NAME]}))
}

fn denied(exchange: Exchange) -> Exchange {
    refused(exchange, 400, "AccessDeniedException", "not authorized")
}

fn prepare(host: ScriptedHost, exchanges: Vec<Exchange>) -> Result<()> {
    let host = started(host, exchanges);
    AwsEcr::prepare_targets(host.endpoint(), &[NAME.to_owned()], &[]).remove(0)
}

fn probed(code: &str) -> Exchange {
    Exchange::new("GET", &format!("{REGISTRY}/v2/{NAME}/manifests/portolan-probe"))
        .expect_header("Authorization", BASIC)
        .answer(404)
        .json(json!({"errors": [{"code": code}]}))
}

#[test]
fn missing_ones_are_made_and_existing_ones_taken() {
    let there = json!({"repositories": [{"repositoryName": NAME}]});
    let quicker = refused(created(), 400, "RepositoryAlreadyExistsException", "exists");
    for exchanges in [
        vec![looked_for().json(there)],
        vec![not_found(), created()],
        vec![not_found(), quicker],
        // Who may push need not be allowed to look.
        vec![denied(looked_for()), token(), probed("MANIFEST_UNKNOWN")],
        vec![denied(looked_for()), token(), probed("NAME_UNKNOWN"), created()],
    ] {
        let shown = format!("{exchanges:?}");
        assert_eq!(prepare(aws(), exchanges), Ok(()), "{shown}");
    }
}

#[test]
fn settings_shape_new_repositories() {
    let settings = json!({"image_tag_mutability": "IMMUTABLE", "scan_on_push": true,
        "kms_key": "alias/registry"});
    let expected = json!({"repositoryName": NAME, "imageTagMutability": "IMMUTABLE",
        "imageScanningConfiguration": {"scanOnPush": true},
        "encryptionConfiguration": {"encryptionType": "KMS", "kmsKey": "alias/registry"}});
    let create = call("CreateRepository", expected).json(json!({}));
    assert_eq!(prepare(aws().settings(&settings), vec![not_found(), create]), Ok(()));
}

#[test]
fn the_account_of_the_address_gets_them() {
    let account = "210987654321";
    let looked_for =
        call("DescribeRepositories", json!({"registryId": account, "repositoryNames": [NAME]}));
    let missing = refused(looked_for, 400, "RepositoryNotFoundException", "not there");
    let create = call("CreateRepository", json!({"registryId": account, "repositoryName": NAME}));
    let host = at(&format!("https://{account}.dkr.ecr.us-east-1.amazonaws.com"));
    assert_eq!(prepare(host, vec![missing, create.json(json!({}))]), Ok(()));
}

#[test]
fn who_must_create_them_is_said() {
    for exchanges in [
        vec![not_found(), denied(created())],
        vec![denied(looked_for()), token(), probed("NAME_UNKNOWN"), denied(created())],
    ] {
        let error = prepare(aws(), exchanges).expect_err("no repository");
        let Error::Forbidden(text) = error else { panic!("{error:?}") };
        assert!(text.starts_with("the repository `team/app` does not exist on https://api.ecr."));
        assert!(text.contains("allow them ecr:CreateRepository"), "{text}");
    }
    let quota = refused(created(), 400, "LimitExceededException", "10000 repositories");
    let error = prepare(aws(), vec![not_found(), quota]).expect_err("a quota");
    assert!(matches!(&error, Error::Upstream(u) if !u.retryable), "{error:?}");
    assert!(error.text().contains("a quota of the AWS account is used up"), "{error:?}");
}

#[test]
fn one_that_fails_does_not_hold_the_others() {
    let other = call("DescribeRepositories", json!({"repositoryNames": ["other"]}));
    let host = started(aws(), [looked_for().answer(500), other.json(json!({"repositories": []}))]);
    let names = ["a", NAME, "other"].map(str::to_owned);
    let results = AwsEcr::prepare_targets(host.endpoint(), &names, &[]);
    assert!(matches!(results[0], Err(Error::InvalidInput(_))));
    assert!(matches!(results[1], Err(Error::Upstream(_))));
    assert_eq!(results[2], Ok(()));
}

fn delete(ids: Value, answer: Value) -> Exchange {
    call("BatchDeleteImage", json!({"repositoryName": NAME, "imageIds": ids})).json(answer)
}

#[test]
fn tags_go_as_tags_and_digests_as_digests() {
    let digest = format!("sha256:{}", "1".repeat(64));
    let done = |id: &Value| json!({"imageIds": [id], "failures": []});
    let (tag, image) = (json!({"imageTag": "v1"}), json!({"imageDigest": digest}));
    let host = started(
        aws(),
        [delete(json!([tag]), done(&tag)), delete(json!([image]), done(&image)), not_deleted()],
    );
    assert_eq!(AwsEcr::delete_tag(host.endpoint(), NAME, "v1"), Ok(()));
    assert_eq!(AwsEcr::delete_artifact(host.endpoint(), NAME, &digest), Ok(()));
    // Gone already.
    assert_eq!(AwsEcr::delete_tag(host.endpoint(), NAME, "nope"), Ok(()));
}

#[test]
fn a_delete_that_failed_is_an_error_although_it_was_answered_200() {
    let failed = |code: &str| {
        let failure = json!({"imageId": {"imageTag": "v1"}, "failureCode": code,
            "failureReason": "for this reason"});
        delete(json!([{"imageTag": "v1"}]), json!({"imageIds": [], "failures": [failure]}))
    };
    let cases: [(&str, Fits); 4] = [
        ("ImageReferencedByManifestList", |e| matches!(e, Error::Conflict(_))),
        ("InvalidImageTag", |e| matches!(e, Error::InvalidInput(_))),
        ("KmsError", |e| matches!(e, Error::Upstream(u) if !u.retryable)),
        ("UpstreamUnavailable", |e| matches!(e, Error::Upstream(u) if u.retryable)),
    ];
    for (code, fits) in cases {
        let host = started(aws(), [failed(code)]);
        let error = AwsEcr::delete_tag(host.endpoint(), NAME, "v1").expect_err("not deleted");
        assert!(fits(&error) && error.text().contains("for this reason"), "{error:?}");
    }
    let gone = delete(json!([{"imageTag": "v1"}]), json!({}));
    let gone = refused(gone, 400, "RepositoryNotFoundException", "no such repository");
    let host = started(aws(), [gone]);
    assert_eq!(AwsEcr::delete_tag(host.endpoint(), NAME, "v1"), Ok(()));
}

#[test]
fn a_404_that_names_no_error_deletes_nothing() {
    let asked = || delete(json!([{"imageTag": "v1"}]), json!({})).answer(404);
    let page = asked().header("Content-Type", "text/html").text("<html>Not found</html>");
    for answer in [page, asked()] {
        let host = started(aws(), [answer]);
        let error = AwsEcr::delete_tag(host.endpoint(), NAME, "v1").expect_err("not deleted");
        assert!(matches!(&error, Error::Upstream(it) if it.status == 404), "{error:?}");
    }
}
