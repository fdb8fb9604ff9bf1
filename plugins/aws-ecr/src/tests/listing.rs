//! Repositories and images, paged to their end and no further.

use super::*;

fn repositories(token: Option<&str>, names: &[&str], next: Option<&str>) -> Exchange {
    let mut arguments = json!({"maxResults": 2});
    if let Some(token) = token {
        arguments["nextToken"] = json!(token);
    }
    let rows: Vec<Value> = names
        .iter()
        .map(|name| {
            json!({"repositoryName": name, "createdAt": 1_787_300_000.072,
            "repositoryUri": format!("123456789012.dkr.ecr.us-east-1.amazonaws.com/{name}")})
        })
        .collect();
    call("DescribeRepositories", arguments).json(json!({"repositories": rows, "nextToken": next}))
}

/// Follows the cursors to the end.
fn walk<T>(list: impl Fn(&PageRequest) -> Result<Page<T>>) -> Result<Vec<T>> {
    let (mut items, mut cursor) = (Vec::new(), None);
    loop {
        let page = list(&PageRequest { cursor, limit: 2 })?;
        items.extend(page.items);
        cursor = page.next;
        if cursor.is_none() {
            return Ok(items);
        }
    }
}

fn walk_repositories(host: &Running) -> Result<Vec<Repository>> {
    walk(|page| AwsEcr::list_repositories(host.endpoint(), &RepositoryFilter::all(), page))
}

fn walk_artifacts(host: &Running) -> Result<Vec<Artifact>> {
    let all = ArtifactFilter::all();
    walk(|page| AwsEcr::list_artifacts(host.endpoint(), "team/app", &all, page))
}

#[test]
fn every_repository_page_by_page() {
    let pages = [
        repositories(None, &["aa", "bb"], Some("1")),
        repositories(Some("1"), &[], Some("2")),
        repositories(Some("2"), &["cc", "dd"], Some("3")),
        repositories(Some("3"), &["team/ee"], None),
    ];
    let host = started(aws(), pages);
    let all = walk_repositories(&host).expect("pages");
    let names: Vec<&str> = all.iter().map(|repository| repository.name.as_str()).collect();
    assert_eq!(names, ["aa", "bb", "cc", "dd", "team/ee"]);
    assert_eq!((all[0].created, all[0].private), (Some(NOW), Some(true)));
}

#[test]
fn the_account_of_the_address_is_asked() {
    let account = "https://210987654321.dkr.ecr.us-east-1.amazonaws.com";
    let arguments = json!({"registryId": "210987654321", "maxResults": 2});
    let answer = call("DescribeRepositories", arguments).json(json!({"repositories": null}));
    let host = started(at(account), [answer]);
    assert_eq!(walk_repositories(&host), Ok(Vec::new()));
}

#[test]
fn listings_that_do_not_get_on_end() {
    let same =
        [repositories(None, &["aa"], Some("1")), repositories(Some("1"), &["bb"], Some("1"))];
    let empty: Vec<Exchange> = (0..10)
        .map(|at: u32| {
            let before = at.to_string();
            let token = (at > 0).then_some(before.as_str());
            repositories(token, &[], Some(&(at + 1).to_string()))
        })
        .collect();
    for pages in [same.to_vec(), empty] {
        let error = walk_repositories(&started(aws(), pages)).expect_err("endless");
        assert!(matches!(error, Error::MalformedResponse(text) if text.contains("without end")));
    }
}

fn images(operation: &str, token: Option<&str>, answer: Value) -> Exchange {
    let mut arguments = json!({"repositoryName": "team/app", "maxResults": 2});
    if operation == "DescribeImages" {
        arguments["filter"] = json!({"tagStatus": "TAGGED"});
    }
    if let Some(token) = token {
        arguments["nextToken"] = json!(token);
    }
    call(operation, arguments).json(answer)
}

#[test]
fn images_carry_what_ecr_tells() {
    let index = "application/vnd.oci.image.index.v1+json";
    let row = json!({"registryId": "123456789012", "repositoryName": "team/app",
        "imageDigest": "sha256:a", "imageTags": ["v1", "latest"], "imageSizeInBytes": 52_428_800,
        "imagePushedAt": 1_787_300_000.5, "imageManifestMediaType": index,
        "artifactMediaType": "application/vnd.oci.image.config.v1+json"});
    let host = started(
        aws(),
        [
            images("DescribeImages", None, json!({"imageDetails": [row], "nextToken": "1"})),
            images(
                "DescribeImages",
                Some("1"),
                json!({"imageDetails": [{"imageDigest": "sha256:b", "imageTags": ["b"]}],
                    "nextToken": "2"}),
            ),
            images(
                "DescribeImages",
                Some("2"),
                json!({"imageDetails": [{"imageDigest": "sha256:c", "imageTags": ["c"]}]}),
            ),
        ],
    );
    let all = walk_artifacts(&host).expect("pages");
    let expected = Artifact {
        digest: Some("sha256:a".to_owned()),
        media_type: Some(index.to_owned()),
        artifact_type: Some("application/vnd.oci.image.config.v1+json".to_owned()),
        size: Some(52_428_800),
        pushed: Some(NOW),
        ..Artifact::new(vec!["v1".to_owned(), "latest".to_owned()])
    };
    assert_eq!((all.len(), &all[0]), (3, &expected));
}

/// Keys that may only list tags: the recorded page, and two more.
#[test]
fn tags_alone_are_listed_where_no_more_is_allowed() {
    let denied = refused(
        call(
            "DescribeImages",
            json!({"repositoryName": "team/app", "maxResults": 1,
            "filter": {"tagStatus": "TAGGED"}}),
        ),
        400,
        "AccessDeniedException",
        "not authorized to perform: ecr:DescribeImages",
    );
    let page = |token: &str, rows: Value, next: Option<&str>| {
        let arguments = json!({"repositoryName": "team/app", "maxResults": 1, "nextToken": token});
        call("ListImages", arguments).json(json!({"imageIds": rows, "nextToken": next}))
    };
    let two = json!([{"imageDigest": "sha256:b", "imageTag": "v2"}, {"imageDigest": "sha256:x"}]);
    let three = json!([{"imageDigest": "sha256:c", "imageTag": "v3"}]);
    let pages = [denied, listed(), page("opaque", two, Some("2")), page("2", three, None)];
    let host = started(aws(), pages);
    let mut cursor = None;
    let mut all = Vec::new();
    for _ in 0..3 {
        let at = PageRequest { cursor, limit: 1 };
        let listed =
            AwsEcr::list_artifacts(host.endpoint(), "team/app", &ArtifactFilter::all(), &at);
        let page = listed.expect("a page");
        all.extend(page.items);
        cursor = page.next;
    }
    assert_eq!(cursor, None);
    let first = format!("sha256:{}", "1".repeat(64));
    let shown: Vec<_> =
        all.iter().map(|it| (it.digest.as_deref().unwrap_or_default(), &*it.tags[0])).collect();
    assert_eq!(shown, [(&*first, "v1"), ("sha256:b", "v2"), ("sha256:c", "v3")]);
}

#[test]
fn a_foreign_cursor_is_refused() {
    let host = started(aws(), []);
    let page = PageRequest { cursor: Some("nonsense".to_owned()), limit: 2 };
    let listed = AwsEcr::list_repositories(host.endpoint(), &RepositoryFilter::all(), &page);
    assert!(matches!(listed, Err(Error::InvalidInput(_))));
}
