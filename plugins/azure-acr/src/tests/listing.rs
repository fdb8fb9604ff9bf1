//! The catalog and tags: paged to the end, in loops, with every refusal.

use super::*;

const CATALOG: &str = "registry:catalog:*";
const TAGS: &str = "repository:team/app:metadata_read";

/// A registry that has given out the token `t` for a listing.
fn with_token(scope: &str, exchanges: Vec<Exchange>) -> Running {
    let first = [ping(), token(scope, "t")];
    running(first.into_iter().chain(exchanges.into_iter().map(|it| with(it, "t"))))
}

fn page(cursor: Option<String>, limit: u32) -> PageRequest {
    PageRequest { cursor, limit }
}

fn repositories(host: &Running, page: &PageRequest) -> Result<(Vec<String>, Option<String>)> {
    let page = AzureAcr::list_repositories(host.endpoint(), &RepositoryFilter::all(), page)?;
    Ok((page.items.into_iter().map(|it| it.name).collect(), page.next))
}

fn artifacts(host: &Running, page: &PageRequest) -> Result<Page<Artifact>> {
    AzureAcr::list_artifacts(host.endpoint(), "team/app", &ArtifactFilter::all(), page)
}

fn tags(host: &Running, page: &PageRequest) -> Result<(Vec<String>, Option<String>)> {
    let page = artifacts(host, page)?;
    Ok((page.items.into_iter().flat_map(|it| it.tags).collect(), page.next))
}

/// Every page of a listing.
fn walk(list: impl Fn(&PageRequest) -> Result<(Vec<String>, Option<String>)>) -> Vec<Vec<String>> {
    let (mut pages, mut cursor) = (Vec::new(), None);
    loop {
        let (names, next) = list(&page(cursor, 2)).expect("a page");
        pages.push(names);
        assert!(pages.len() < 10, "{pages:?}");
        match next {
            Some(_) => cursor = next,
            None => return pages,
        }
    }
}

fn link(exchange: Exchange, to: &str) -> Exchange {
    exchange.header("Link", &format!("<{to}>; rel=\"next\""))
}

#[test]
fn the_catalog_is_listed_to_its_end() {
    let catalog = |query: &str| get(&format!("/v2/_catalog?{query}"));
    // Whoever asks without a token is told which one; the adapter knows that beforehand.
    let told = fixtures().get("GET", "/v2/_catalog").at("/v2/");
    let host = running([
        told,
        fixtures().get("GET", "/oauth2/token?service=contoso.azurecr.io&scope=registry"),
        fixtures().get("GET", "/v2/_catalog?n=2"),
        link(catalog("last=team%2Fapp&n=2&orderby="), "/v2/_catalog?last=x%2Fz&n=2&orderby=")
            .json(json!({"repositories": ["x/y", "x/z"]})),
        catalog("last=x%2Fz&n=2&orderby=").json(json!({"repositories": ["z"]})),
    ]);
    let pages = walk(|page| repositories(&host, page));
    assert_eq!(pages, [vec!["base", "team/app"], vec!["x/y", "x/z"], vec!["z"]]);
    let tokens = host.requests().iter().filter(|line| line.contains("/oauth2/")).count();
    assert_eq!(tokens, 1, "one token for all pages");
}

#[test]
fn a_listing_that_repeats_itself_ends() {
    let again = "/v2/_catalog?last=b&n=2";
    let full = |path: &str| get(path).json(json!({"repositories": ["a", "b"]}));
    let host =
        with_token(CATALOG, vec![link(full("/v2/_catalog?n=2"), again), link(full(again), again)]);
    assert_eq!(walk(|page| repositories(&host, page)), [vec!["a", "b"], vec![]]);
    host.finish();
    let again = "/acr/v1/team/app/_tags?last=v2&n=2&orderby=";
    let full = |path: &str| get(path).json(json!({"tags": [{"name": "v1"}, {"name": "v2"}]}));
    let first = link(full("/acr/v1/team/app/_tags?n=2"), again);
    let host = with_token(TAGS, vec![first, link(full(again), again)]);
    assert_eq!(walk(|page| tags(&host, page)), [vec!["v1", "v2"], vec![]]);
}

#[test]
fn a_token_of_some_repositories_is_told_to_name_them() {
    let catalog = || get("/v2/_catalog?n=1000");
    let denied = || refused(catalog(), 401, "UNAUTHORIZED", "authentication required");
    // Refused by the registry, or by its token service.
    for exchanges in [
        vec![ping(), token(CATALOG, "t"), with(denied(), "t"), token("", "u")],
        vec![ping(), refused(token(CATALOG, ""), 401, "UNAUTHORIZED", "no"), token("", "u")],
    ] {
        let host = running(exchanges);
        let error = repositories(&host, &page(None, 1000)).expect_err("no catalog");
        let told = matches!(&error, Error::Forbidden(t) if t.contains("name the repositories"));
        assert!(told, "{error:?}");
    }
    // Where the credentials are wrong altogether, that is it.
    let wrong = || refused(token("", ""), 401, "UNAUTHORIZED", "no");
    let catalog_token = refused(token(CATALOG, ""), 401, "UNAUTHORIZED", "no");
    let host = running([ping(), catalog_token, wrong()]);
    let error = repositories(&host, &page(None, 1000)).expect_err("no catalog");
    assert!(matches!(error, Error::Unauthenticated(_)), "{error:?}");
    host.finish();
    let host = with_token(CATALOG, vec![catalog().json(json!({"repositories": []}))]);
    assert_eq!(repositories(&host, &page(None, 1000)), Ok((vec![], None)));
    assert!(host.logs().iter().any(|line| line.contains("name them")), "{:?}", host.logs());
}

#[test]
fn tags_are_listed_with_their_digests() {
    let path = |query: &str| get(&format!("/acr/v1/team/app/_tags?{query}"));
    let row = |tag: &str, digit: &str| {
        json!({"name": tag, "digest": format!("sha256:{}", digit.repeat(64)),
            "createdTime": "1970-01-01T00:00:01.123Z", "lastUpdateTime": "1970-01-01T00:01:00.5Z",
            "signed": false, "changeableAttributes": {"deleteEnabled": true, "writeEnabled": true,
            "readEnabled": true, "listEnabled": true}})
    };
    let body = |rows: Value| {
        json!({"registry": "contoso.azurecr.io", "imageName": "team/app",
        "tags": rows})
    };
    let next = |last: &str| format!("/acr/v1/team/app/_tags?last={last}&n=2&orderby=");
    let rest = |last: &str| path(&format!("last={last}&n=2&orderby="));
    let host = running([
        ping(),
        fixtures().get("GET", "/oauth2/token?service=contoso.azurecr.io&scope=repository"),
        with(link(path("n=2"), &next("v2")), "eyJ.m.r")
            .json(body(json!([row("v1", "1"), row("v2", "1")]))),
        with(link(rest("v2"), &next("v4")), "eyJ.m.r")
            .json(body(json!([row("v3", "2"), {"name": "v4"}]))),
        with(rest("v4"), "eyJ.m.r").json(body(json!(null))),
    ]);
    let first = artifacts(&host, &page(None, 2)).expect("a page");
    let digest = format!("sha256:{}", "1".repeat(64));
    let expected =
        Artifact { digest: Some(digest), pushed: Some(60), ..Artifact::new(vec!["v1".to_owned()]) };
    assert_eq!((first.items.len(), &first.items[0]), (2, &expected));
    let second = artifacts(&host, &page(first.next, 2)).expect("a page");
    assert_eq!((second.items.len(), &second.items[1].digest), (2, &None));
    assert_eq!(artifacts(&host, &page(second.next, 2)), Ok(Page::empty()));
}

#[test]
fn without_the_native_listing_the_distribution_api_is_asked() {
    let absent = || get("/acr/v1/team/app/_tags?n=2").answer(404).text("404 page not found");
    let list = |query: &str| get(&format!("/v2/team/app/tags/list?{query}"));
    let host = with_token(
        TAGS,
        vec![
            absent(),
            link(list("n=2"), "/v2/team/app/tags/list?last=b&n=2")
                .json(json!({"tags": ["a", "b"]})),
            link(list("last=b&n=2"), "/v2/team/app/tags/list?last=d&n=2")
                .json(json!({"tags": ["c", "d"]})),
            list("last=d&n=2").json(json!({"tags": ["e"]})),
        ],
    );
    assert_eq!(walk(|page| tags(&host, page)), [vec!["a", "b"], vec!["c", "d"], vec!["e"]]);
    host.finish();
    let unknown = |exchange| refused(exchange, 404, "NAME_UNKNOWN", "not known");
    let native = unknown(get("/acr/v1/team/app/_tags?n=2"));
    let host = with_token(TAGS, vec![native, unknown(list("n=2"))]);
    assert_eq!(tags(&host, &page(None, 2)), Ok((vec![], None)));
}

#[test]
fn errors_keep_their_kind() {
    let list = || get("/acr/v1/team/app/_tags?n=1000");
    let cases: Vec<(Exchange, Fits)> = vec![
        (list().answer(403), |e| matches!(e, Error::Forbidden(_))),
        (
            list().answer(429).header("Retry-After", "7"),
            |e| matches!(e, Error::RateLimited(l) if l.retry_after_seconds == Some(7)),
        ),
        (refused(list(), 400, "TOOMANYREQUESTS", "Rate exceeded"), |e| {
            matches!(e, Error::RateLimited(_))
        }),
        (list().answer(500), |e| matches!(e, Error::Upstream(u) if u.retryable)),
        (list().text("<html>"), |e| matches!(e, Error::MalformedResponse(_))),
        (list().text("{\"tags\":[{\"name\":"), |e| matches!(e, Error::MalformedResponse(_))),
        (list().json(json!({"tags": [{}]})), |e| matches!(e, Error::MalformedResponse(_))),
        (list().fails("timeout", "too slow"), |e| matches!(e, Error::Transport(_))),
    ];
    for (exchange, fits) in cases {
        let host = with_token(TAGS, vec![exchange]);
        let error = tags(&host, &page(None, 1000)).expect_err("an error");
        assert!(fits(&error), "{error:?}");
    }
    let denied = refused(list(), 401, "UNAUTHORIZED", "authentication required");
    let host = running([ping(), token(TAGS, "t"), with(denied, "t"), token("", "u")]);
    let error = tags(&host, &page(None, 1000)).expect_err("an error");
    assert!(matches!(&error, Error::Forbidden(t) if t.contains("metadata/read")), "{error:?}");
    host.finish();
    // A repository that goes while it is listed is no end of the listing.
    let gone = get("/acr/v1/team/app/_tags?last=v2&n=2").answer(404);
    let host = with_token(TAGS, vec![gone]);
    let error = tags(&host, &page(Some("last=v2&n=2".to_owned()), 2));
    assert!(matches!(error, Err(Error::NotFound(_))), "{error:?}");
}
