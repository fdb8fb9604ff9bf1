//! ECR Public: with keys and without.

use super::*;

const PUBLIC: &str = "https://public.ecr.aws";
const PUBLIC_API: &str = "https://api.ecr-public.us-east-1.amazonaws.com";

fn public_token() -> Exchange {
    fixtures().get("POST", PUBLIC_API)
}

fn ping() -> Exchange {
    let challenge = "Bearer realm=\"https://public.ecr.aws/token/\",service=\"public.ecr.aws\",\
        scope=\"aws\"";
    Exchange::new("GET", "/v2/").answer(401).header("WWW-Authenticate", challenge)
}

fn anonymous_token(scope: &str) -> Exchange {
    Exchange::new("GET", &format!("/token/?service=public.ecr.aws{scope}"))
        .expect_no_header("Authorization")
        .json(json!({"token": "anonymous"}))
}

fn tags(host: &Running) -> Result<Page<Artifact>> {
    let (all, page) = (ArtifactFilter::all(), PageRequest::first());
    AwsEcr::list_artifacts(host.endpoint(), "docker/library/alpine", &all, &page)
}

fn tags_page() -> Exchange {
    Exchange::new("GET", "/v2/docker/library/alpine/tags/list?n=1000")
        .expect_header("Authorization", "Bearer anonymous")
}

#[test]
fn anybody_may_read_it() {
    let scope = "&scope=repository:docker/library/alpine:pull";
    let exchanges = [
        ping(),
        ping(),
        anonymous_token(scope),
        tags_page().json(json!({"tags": ["3.20", "3.21"]})),
    ];
    let host = started(ScriptedHost::new(PUBLIC), exchanges[..1].to_vec());
    let health = AwsEcr::check_health(host.endpoint()).expect("healthy");
    assert_eq!(
        (health.authenticated, health.product.as_deref()),
        (false, Some("Amazon ECR Public"))
    );
    host.finish();
    let host = started(ScriptedHost::new(PUBLIC), exchanges[1..].to_vec());
    assert_eq!(tags(&host).expect("tags").items.len(), 2);
    let scopes = [Scope::pull("docker/library/alpine")];
    let grant = AwsEcr::authorize(host.endpoint(), &scopes, None).expect("a grant");
    assert_eq!(grant.auth, Auth::Bearer("anonymous".to_owned()));
    let target = AwsEcr::locate(host.endpoint(), "docker/library/alpine").expect("a target");
    assert_eq!((&*target.base_url, target.mount), (PUBLIC, false));
}

/// The token of the keys goes as Bearer, which the registry takes; as Basic it refuses the same.
#[test]
fn keys_get_a_token_of_their_own() {
    let with_token =
        Exchange::new("GET", "/v2/").expect_header("Authorization", "Bearer QVdTOnRva2Vu");
    let host = started(at(PUBLIC), [public_token(), with_token]);
    let health = AwsEcr::check_health(host.endpoint()).expect("healthy");
    assert!(health.authenticated);
    let grant = AwsEcr::authorize(host.endpoint(), &[], None).expect("the same token");
    assert_eq!(grant.auth, Auth::Bearer("QVdTOnRva2Vu".to_owned()));
    assert_eq!(grant.expires, Some(1_787_343_200));
    host.finish();
    let unknown = refused(public_token(), 400, "UnrecognizedClientException", "invalid");
    let host = started(at(PUBLIC), [unknown]);
    assert!(matches!(AwsEcr::check_health(host.endpoint()), Err(Error::Unauthenticated(_))));
}

/// The secret key is no password of the token service, and must not be sent to it.
#[test]
fn tags_are_asked_for_anonymously_also_with_keys() {
    let scope = "&scope=repository:docker/library/alpine:pull";
    let page = tags_page().json(json!({"tags": ["3.20"]}));
    let host = started(at(PUBLIC), [ping(), anonymous_token(scope), page]);
    assert_eq!(tags(&host).expect("tags").items.len(), 1);
    assert!(host.requests().iter().all(|line| !line.contains("[Basic]")), "{:?}", host.requests());
}

#[test]
fn own_repositories_are_listed_and_no_others() {
    let host = started(ScriptedHost::new(PUBLIC), []);
    let list = |host: &Running, cursor: Option<String>| {
        let page = PageRequest { cursor, limit: 1 };
        AwsEcr::list_repositories(host.endpoint(), &RepositoryFilter::all(), &page)
    };
    let error = list(&host, None).expect_err("nobody's");
    assert!(matches!(error, Error::Unsupported(text) if text.contains("name the repositories")));
    host.finish();
    let page = |arguments: Value, name: &str, next: Option<&str>| {
        let uri = format!("public.ecr.aws/x1y2z3/{name}");
        Exchange::new("POST", &format!("{PUBLIC_API}/"))
            .expect_header("X-Amz-Target", "SpencerFrontendService.DescribeRepositories")
            .expect_body(arguments)
            .json(json!({"repositories": [{"repositoryName": name, "repositoryUri": uri}],
                "nextToken": next}))
    };
    let host = started(
        at(PUBLIC),
        [
            page(json!({"maxResults": 1}), "app", Some("1")),
            page(json!({"maxResults": 1, "nextToken": "1"}), "deep/er", Some("2")),
            page(json!({"maxResults": 1, "nextToken": "2"}), "last", None),
        ],
    );
    let (mut names, mut cursor) = (Vec::new(), None);
    for _ in 0..3 {
        let listed = list(&host, cursor).expect("a page");
        names.extend(listed.items.into_iter().map(|row| row.name));
        cursor = listed.next;
    }
    assert_eq!((names.join(" "), cursor), ("x1y2z3/app x1y2z3/deep/er x1y2z3/last".into(), None));
}

#[test]
fn nothing_is_written_there() {
    let host = started(at(PUBLIC), []);
    let endpoint = host.endpoint();
    let results = [
        AwsEcr::prepare_targets(endpoint, &["x1y2z3/app".to_owned()], &[]).remove(0),
        AwsEcr::delete_tag(endpoint, "x1y2z3/app", "v1"),
        AwsEcr::delete_artifact(endpoint, "x1y2z3/app", "sha256:a"),
    ];
    for result in results {
        assert!(
            matches!(&result, Err(Error::Unsupported(text)) if text.contains("open to anybody"))
        );
    }
}
