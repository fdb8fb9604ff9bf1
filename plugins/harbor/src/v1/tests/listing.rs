//! Projects, repositories, tags and labels.

use super::*;

fn projects(page: u32, rows: Value) -> Exchange {
    get(&format!("/api/projects?page={page}&page_size=100")).json(rows)
}

fn repositories(id: u32, page: u32, rows: Value) -> Exchange {
    get(&format!("/api/repositories?project_id={id}&page={page}&page_size=100")).json(rows)
}

fn list(host: &Running, prefix: Option<&str>, cursor: Option<String>) -> Page<Repository> {
    let filter = RepositoryFilter { prefix: prefix.map(str::to_owned), ..RepositoryFilter::all() };
    let page = PageRequest { cursor, limit: 1 };
    Harbor::list_repositories(host.endpoint(), &filter, &page).expect("a page")
}

/// Every page to the end.
fn walk(host: &Running, prefix: Option<&str>) -> Vec<Vec<Repository>> {
    let (mut pages, mut cursor) = (Vec::new(), None);
    loop {
        let page = list(host, prefix, cursor);
        pages.push(page.items);
        cursor = page.next;
        if cursor.is_none() {
            return pages;
        }
    }
}

fn names(pages: Vec<Vec<Repository>>) -> Vec<String> {
    pages.into_iter().flatten().map(|row| row.name).collect()
}

#[test]
fn every_project_page_by_page() {
    let next = "</api/repositories?project_id=7&page=2&page_size=100>; rel=\"next\"";
    let recorded = fixtures().get("GET", "/api/repositories?");
    let host = vic()
        .exchanges([
            projects(
                1,
                json!([{"project_id": 7, "name": "team", "public": 0, "repo_count": 3},
                {"project_id": 8, "name": "none", "public": 1, "repo_count": 0}]),
            )
            .header("X-Total-Count", "101"),
            recorded.header("Link", next).expect_header("Authorization", USER),
            repositories(7, 2, json!([{"name": "team/b"}])),
            projects(2, json!([{"project_id": 9, "name": "shown", "public": 1}])),
            // The form of Harbor 1.1.
            repositories(9, 1, json!(["shown/c"])),
        ])
        .start();
    let pages = walk(&host, None);
    assert_eq!(pages.len(), 3);
    let first = &pages[0][0];
    assert_eq!((first.artifact_count, first.private), (Some(1), Some(true)));
    assert_eq!(pages[2][0].private, Some(false));
    assert_eq!(names(pages), ["team/app", "team/b", "shown/c"]);
}

#[test]
fn a_prefix_is_looked_up_by_its_exact_name() {
    let like = |page: u32, rows: Value| {
        get(&format!("/api/projects?page={page}&page_size=100&name=team")).json(rows)
    };
    let host = vic()
        .exchanges([
            like(1, json!([{"project_id": 6, "name": "team2"}])).header("X-Total-Count", "101"),
            like(2, json!([{"project_id": 7, "name": "team"}])),
            repositories(7, 1, json!([{"name": "team/app"}])),
            like(1, json!(null)),
        ])
        .start();
    assert_eq!(names(walk(&host, Some("team/"))), ["team/app"]);
    assert_eq!(list(&host, Some("team/x"), None), Page::empty());
}

fn tags(rows: Value) -> Exchange {
    fixtures()
        .get("GET", "/api/repositories/team/app/tags")
        .at("/api/repositories/team/a/b/tags")
        .text(&rows.to_string())
}

fn artifacts(endpoint: &Endpoint, cursor: Option<String>) -> Page<portolan_sdk::Artifact> {
    let page = PageRequest { cursor, limit: 100 };
    Harbor::list_artifacts(endpoint, "team/a/b", &ArtifactFilter::all(), &page).expect("a page")
}

#[test]
fn tags_are_artifacts_with_their_own_labels() {
    let recorded = fixtures().get("GET", "/api/repositories/team/app/tags");
    let rows = json!([{"digest": DIGEST, "name": "v2", "size": 7, "labels": [{"name": "prod"}],
        "push_time": "1970-01-01T00:01:00Z"}, {"digest": DIGEST, "name": "v1", "labels": null},
        {"name": "bare"}]);
    let host = vic()
        .exchanges([recorded, Exchange::new("GET", "/api/repositories/team/a/b/tags").json(rows)])
        .start();
    let (all, first) = (ArtifactFilter::all(), PageRequest::first());
    let page = Harbor::list_artifacts(host.endpoint(), "team/app", &all, &first);
    let artifact = page.expect("a page").items.remove(0);
    assert_eq!((artifact.tags, artifact.digest), (vec!["v1".into()], Some(DIGEST.into())));
    let page = artifacts(host.endpoint(), None);
    let shown: Vec<_> =
        page.items.iter().map(|it| (&*it.tags[0], it.size, it.pushed, it.labels.len())).collect();
    let expected = [("v2", Some(7), Some(60), 1), ("v1", None, None, 0), ("bare", None, None, 0)];
    assert_eq!((shown.as_slice(), page.next), (expected.as_slice(), None));
    assert_eq!(page.items[2].digest, None);
}

/// Harbor gives all at once; the host takes no page of any length.
#[test]
fn many_tags_are_cut_into_pages() {
    let rows: Vec<Value> = (0..12_000).rev().map(|n| json!({"name": format!("t{n:05}")})).collect();
    let (all, mut fewer) = (tags(json!(rows)), rows.clone());
    // The last of the first page, and one after it, go before the second is asked for.
    assert_eq!(fewer.remove(4_999), json!({"name": "t07000"}));
    fewer.remove(9_000);
    let fewer = tags(json!(fewer));
    let host = vic().exchanges([all, fewer.clone(), fewer]).start();
    let (mut seen, mut cursor, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = artifacts(host.endpoint(), cursor);
        seen.extend(page.items.into_iter().map(|mut it| it.tags.remove(0)));
        (cursor, pages) = (page.next, pages + 1);
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!((pages, seen.len()), (3, 11_999));
    seen.dedup();
    assert_eq!(
        (seen.len(), seen[4_999].as_str(), seen[5_000].as_str()),
        (11_999, "t07000", "t06999")
    );
}

#[test]
fn errors_keep_their_kind_and_their_plain_words() {
    let missing = projects(1, json!(null)).answer(404).text("404 page not found");
    let cases: Vec<(Exchange, Fits)> = vec![
        (projects(1, json!(null)).answer(401), |e| matches!(e, Error::Unauthenticated(_))),
        (
            projects(1, json!(null)).answer(403).text("no permission"),
            |e| matches!(e, Error::Forbidden(t) if t.ends_with("no permission")),
        ),
        (missing, |e| matches!(e, Error::NotFound(_))),
        (
            projects(1, json!(null)).answer(500).text("Internal Server Error"),
            |e| matches!(e, Error::Upstream(u) if u.retryable && u.message.ends_with("Error")),
        ),
        (projects(1, json!(null)).text("<html>"), |e| matches!(e, Error::MalformedResponse(_))),
        (projects(1, json!(null)).text("[{\"name\""), |e| matches!(e, Error::MalformedResponse(_))),
    ];
    for (exchange, fits) in cases {
        let host = vic().exchange(exchange).start();
        let (all, first) = (RepositoryFilter::all(), PageRequest::first());
        let error = Harbor::list_repositories(host.endpoint(), &all, &first);
        let error = error.expect_err("an error");
        assert!(fits(&error), "{error:?}");
    }
}

#[test]
fn labels_since_1_6() {
    let host = harbor("v1.5.4").start();
    let list = |host: &Running| {
        Harbor::list_labels(host.endpoint(), &PageRequest::first()).expect("labels").items
    };
    assert_eq!(list(&host), Vec::<String>::new());
    host.finish();
    let labels = get("/api/labels?page=1&page_size=100&scope=g").json(json!([{"name": "prod"}]));
    let host = harbor("v1.6.0").exchange(labels).start();
    assert_eq!(list(&host), ["prod"]);
}
