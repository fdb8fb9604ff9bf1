//! Listings of repositories and tags.

use super::*;

const ALL: &str = "/dockyard/v2/repositories?filter=center::self";

fn page(offset: u64) -> Exchange {
    get(&format!("{ALL}|limit::1000|offset::{offset}"))
}

/// Rows `team/r<from>` and on, as SWR gives them.
fn rows(from: usize, count: usize, total: usize) -> Value {
    let row = |number: usize| {
        json!({"name": format!("r{number:05}"), "namespace": "team", "is_public": false,
            "tags": ["v1"], "total_range": total})
    };
    Value::from((from..from + count).map(row).collect::<Vec<_>>())
}

fn list(
    host: &Running,
    filter: &RepositoryFilter,
    cursor: Option<String>,
) -> Result<Page<Repository>> {
    let page = PageRequest { cursor, limit: 100 };
    HuaweiSwr::list_repositories(host.endpoint(), filter, &page)
}

/// Follows the cursors to the end; the names of each page.
fn walk(host: &Running, filter: &RepositoryFilter) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut cursor = None;
    loop {
        let page = list(host, filter, cursor).expect("a page");
        pages.push(page.items.into_iter().map(|repository| repository.name).collect());
        cursor = page.next;
        if cursor.is_none() {
            return pages;
        }
    }
}

fn sizes(host: &Running) -> Vec<usize> {
    walk(host, &RepositoryFilter::all()).iter().map(Vec::len).collect()
}

/// The recorded answer is to the question without a page, which is asked where SWR refuses the
/// other.
#[test]
fn repositories_carry_what_swr_tells() {
    let unknown = fault(page(0), 400, "SVCSTG.SWR.4000000", "invalid filter");
    let recorded = fixtures().get("GET", ALL).expect_header("Authorization", USER);
    let host = user().exchanges([unknown, recorded]).start();
    let listed = list(&host, &RepositoryFilter::all(), None).expect("a page");
    let expected = Repository {
        created: Some(1_785_542_400),
        updated: Some(1_785_628_800),
        artifact_count: Some(1),
        private: Some(true),
        ..Repository::new("team/app")
    };
    assert_eq!((listed.items, listed.next), (vec![expected], None));
}

#[test]
fn every_page_is_read() {
    let host = user()
        .exchanges([
            page(0).json(rows(0, 1000, 2500)),
            page(1000).json(rows(1000, 1000, 2500)),
            page(2000).json(rows(2000, 500, 2500)),
        ])
        .start();
    let pages = walk(&host, &RepositoryFilter::all());
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [1000, 1000, 500]);
    assert_eq!(pages[2][499], "team/r02499");
}

#[test]
fn listings_end() {
    let whole = || rows(0, 2500, 2500);
    let unknown = |offset| page(offset).answer(400);
    let recorded = || get(ALL).json(whole());
    for (exchanges, expected) in [
        // No total: one more question.
        (vec![page(0).json(rows(0, 7, 0)), page(7).json(json!([]))], vec![7, 0]),
        (vec![page(0).json(rows(0, 7, 0)), page(7).json(json!(null))], vec![7, 0]),
        // A server with smaller pages.
        (
            vec![
                page(0).json(rows(0, 100, 250)),
                page(100).json(rows(100, 100, 250)),
                page(200).json(rows(200, 50, 250)),
            ],
            vec![100, 100, 50],
        ),
        // The same page for ever, without a total: shorter than was asked for, so all there is.
        (vec![page(0).json(rows(0, 7, 0)), page(7).json(rows(0, 7, 0))], vec![7, 0]),
        // Everything at once, each time.
        (
            vec![page(0).json(whole()), page(1000).json(whole()), page(2000).json(whole())],
            vec![1000, 1000, 500],
        ),
        (
            vec![unknown(0), recorded(), unknown(1000), recorded(), unknown(2000), recorded()],
            vec![1000, 1000, 500],
        ),
        (vec![page(0).json(json!([]))], vec![0]),
    ] {
        let shown: Vec<_> = exchanges.iter().map(|e| format!("{e:.120?}")).collect();
        let host = user().exchanges(exchanges).start();
        assert_eq!(sizes(&host), expected, "{shown:?}");
    }
    let host = user().exchange(page(999_999).json(rows(0, 1, 0))).start();
    let far = json!({"offset": 999_999, "first": "team/x"}).to_string();
    let endless = list(&host, &RepositoryFilter::all(), Some(far));
    assert!(matches!(endless, Err(Error::MalformedResponse(t)) if t.contains("does not end")));
    host.finish();
    let host = user().start();
    let foreign = list(&host, &RepositoryFilter::all(), Some("x".to_owned()));
    assert!(matches!(foreign, Err(Error::InvalidInput(_))));
}

/// SWR ignores filters by name (goharbor/harbor#21133).
#[test]
fn filters_are_applied_here() {
    let all = json!([
        {"name": "app", "namespace": "team", "total_range": 4},
        {"name": "deep$er/app", "namespace": "team", "description": "x"},
        {"name": "app", "namespace": "teamwork"},
        {"name": "other", "namespace": "team"},
    ]);
    let filter = |prefix: Option<&str>, part: Option<&str>| RepositoryFilter {
        prefix: prefix.map(str::to_owned),
        name_contains: part.map(str::to_owned),
        ..RepositoryFilter::all()
    };
    for (filter, expected) in [
        (filter(None, None), vec!["team/app", "team/deep/er/app", "teamwork/app", "team/other"]),
        (filter(Some("team/"), None), vec!["team/app", "team/deep/er/app", "team/other"]),
        (filter(Some("team/"), Some("app")), vec!["team/app", "team/deep/er/app"]),
        (filter(None, Some("nothing")), vec![]),
    ] {
        let host = user().exchange(page(0).json(all.clone())).start();
        assert_eq!(walk(&host, &filter), [expected]);
    }
}

/// A server that caps its pages, or does not page, hides no repository without saying so.
#[test]
fn a_listing_that_is_cut_short_is_an_error() {
    let unknown = || page(0).answer(400);
    for (exchanges, says) in [
        // The same page for ever: `offset` is ignored.
        (vec![page(0).json(rows(0, 7, 90)), page(7).json(rows(0, 7, 90))], ["90", "7 of them"]),
        (
            vec![page(0).json(rows(0, 1000, 0)), page(1000).json(rows(0, 1000, 0))],
            ["first 1000", "again and again"],
        ),
        // Nothing more, though more was announced.
        (
            vec![
                page(0).json(rows(0, 100, 250)),
                page(100).json(rows(100, 100, 250)),
                page(200).json(json!([])),
            ],
            ["250", "200 of them"],
        ),
        // Not paged, and capped all the same.
        (vec![unknown(), get(ALL).json(rows(0, 500, 800))], ["800", "500 of them"]),
        (vec![page(0).json(rows(0, 2000, 2500))], ["2500", "2000 of them"]),
    ] {
        let host = user().exchanges(exchanges).start();
        let mut cursor = None;
        let error = loop {
            match list(&host, &RepositoryFilter::all(), cursor) {
                Ok(page) => cursor = Some(page.next.expect("not the end")),
                Err(error) => break error,
            }
        };
        let Error::MalformedResponse(text) = &error else { panic!("{error:?}") };
        assert!(says.iter().all(|part| text.contains(part)), "{says:?}: {text}");
    }
}

#[test]
fn bad_answers_are_told_apart() {
    for (exchange, fits) in bad_answers(&page(0)) {
        let host = user().exchange(exchange).start();
        let error = list(&host, &RepositoryFilter::all(), None).expect_err("an error");
        assert!(fits(&error), "{error:?}");
    }
    let host = ScriptedHost::new(BASE).start();
    let error = list(&host, &RepositoryFilter::all(), None).expect_err("no credentials");
    assert!(matches!(error, Error::Unauthenticated(t) if t.contains("access key")));
}

#[test]
fn tags_are_the_registrys_page_by_page() {
    let tags = |query: &str| {
        Exchange::new("GET", &format!("/v2/team/deep/app/tags/list?{query}"))
            .expect_header("Authorization", "Bearer t")
    };
    let link = |last: &str| format!("</v2/team/deep/app/tags/list?n=1&last={last}>; rel=\"next\"");
    let asked = token("&scope=repository:team/deep/app:pull");
    let host = user()
        .exchanges([
            ping(),
            asked,
            tags("n=1").header("Link", &link("a")).json(json!({"tags": ["a"]})),
            tags("n=1&last=a").header("Link", &link("b")).json(json!({"tags": ["b"]})),
            tags("n=1&last=b").json(json!({"tags": ["c"]})),
        ])
        .start();
    let mut found = Vec::new();
    let mut cursor = None;
    loop {
        let page = PageRequest { cursor, limit: 1 };
        let all = ArtifactFilter::all();
        let page = HuaweiSwr::list_artifacts(host.endpoint(), "team/deep/app", &all, &page);
        let page = page.expect("a page");
        found.extend(page.items.into_iter().flat_map(|artifact| artifact.tags));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(found, ["a", "b", "c"]);
}
