//! The adapter against a scripted host that answers what was recorded.

use portolan_sdk::{
    http::Request,
    testing::{Exchange, Fixtures, Running, ScriptedHost},
};
use serde_json::{Value, json};

use super::*;

const BASE: &str = "https://artifacthub.io";

/// What every search asks for: deprecated packages, too, in an order without ties.
const WHOLE: &str = "kind=0&facets=false&deprecated=true&sort=last_updated&limit=60";

fn fixtures() -> Fixtures {
    Fixtures::parse(include_str!("../fixtures/artifact-hub.jsonl"))
}

fn anonymous() -> ScriptedHost {
    ScriptedHost::new(BASE)
}

fn keyed() -> ScriptedHost {
    ScriptedHost::new(BASE).credentials("key-id", "key-secret")
}

fn get(path: &str) -> Exchange {
    Exchange::new("GET", &format!("/api/v1/{path}"))
}

fn search(offset: usize) -> Exchange {
    get(&format!("packages/search?{WHOLE}&offset={offset}"))
}

fn rows(from: usize, to: usize) -> Value {
    let row = |n: usize| {
        json!({"package_id": "x", "name": format!("Chart {n}"), "version": "1.0.0",
            "normalized_name": format!("chart-{n}"), "repository": {"name": "acme", "kind": 0}})
    };
    json!({"packages": (from..to).map(row).collect::<Vec<_>>()})
}

fn packages(
    host: &Running,
    prefix: Option<&str>,
    cursor: Option<String>,
) -> Result<(Vec<String>, Option<String>)> {
    let filter = RepositoryFilter { prefix: prefix.map(str::to_owned), ..RepositoryFilter::all() };
    let page = PageRequest { cursor, limit: 100 };
    let page = ArtifactHub::list_repositories(host.endpoint(), &filter, &page)?;
    Ok((page.items.into_iter().map(|row| row.name).collect(), page.next))
}

fn versions(host: &Running, repository: &str) -> Result<Page<Artifact>> {
    let filter = ArtifactFilter::all();
    ArtifactHub::list_artifacts(host.endpoint(), repository, &filter, &PageRequest::first())
}

#[test]
fn describes_itself_without_a_host() {
    let info = ArtifactHub::describe();
    assert_eq!((&*info.provider, &*info.display_name), ("artifact-hub", "Artifact Hub"));
    assert_eq!((info.resources, info.can_push), (vec!["chart".to_owned()], false));
    assert_eq!((info.min_components, info.max_components), (2, Some(2)));
    let Some(EndpointPattern::Fixed(site)) = info.endpoints else { panic!("one address") };
    assert_eq!((&*site.name, &*site.url), ("artifacthub.io", BASE));
    let hosts: Vec<_> = info.allowed_hosts.into_iter().map(|it| (it.pattern, it.uses)).collect();
    assert_eq!(hosts, [("https://*".to_owned(), vec!["any-public-download".to_owned()])]);
    assert!(info.hint.contains("recorded"));
}

#[test]
fn health_tells_a_good_key_from_a_bad_one() {
    let stats = || get("stats").expect_no_header("X-API-KEY-ID");
    let profile = || {
        get("users/profile")
            .expect_header("X-API-KEY-ID", "key-id")
            .expect_header("X-API-KEY-SECRET", "key-secret")
    };
    for (host, exchange, authenticated) in [
        (anonymous(), stats().json(json!({"packages": {}})), false),
        (keyed(), profile().json(json!({"alias": "jdoe"})), true),
    ] {
        let host = host.exchange(exchange).start();
        let health = ArtifactHub::check_health(host.endpoint()).expect("healthy");
        assert_eq!(health.authenticated, authenticated);
    }
    for (host, exchange, expected) in [
        (
            keyed(),
            profile().answer(401).json(json!({"message": "unauthorized"})),
            "https://artifacthub.io does not accept the API key: GET https://artifacthub.io/api/v1/users/profile answered 401: unauthorized; check its id",
        ),
        (
            keyed(),
            profile().answer(500),
            "GET https://artifacthub.io/api/v1/users/profile answered 500",
        ),
        (
            anonymous(),
            stats().header("Content-Type", "text/html").text("<html>"),
            "GET https://artifacthub.io/api/v1/stats answered a web page",
        ),
        (
            anonymous(),
            stats().text("{\"packages\":"),
            "GET https://artifacthub.io/api/v1/stats answered no usable JSON",
        ),
        (anonymous(), stats().fails("connect", "refused"), "refused"),
        (
            anonymous(),
            stats().fails("denied-by-policy", "redirected to elsewhere.test"),
            "redirected to elsewhere.test",
        ),
    ] {
        let host = host.exchange(exchange).start();
        let error = ArtifactHub::check_health(host.endpoint()).expect_err("unhealthy");
        assert!(error.text().starts_with(expected), "{}", error.text());
        assert!(!error.text().contains("key-secret"));
    }
}

fn page(offset: usize, to: usize, total: &str) -> Exchange {
    search(offset).header("Pagination-Total-Count", total).json(rows(offset, to))
}

/// Every package to the end, and how many pages they were on.
fn all(host: &Running) -> (Vec<String>, usize) {
    let (mut names, mut cursor, mut pages) = (Vec::new(), None, 0);
    loop {
        let (rows, next) = packages(host, None, cursor).expect("a page");
        names.extend(rows);
        (cursor, pages) = (next, pages + 1);
        if cursor.is_none() {
            return (names, pages);
        }
    }
}

#[test]
fn three_pages_of_packages() {
    let pages = [page(0, 60, "130"), page(57, 117, "130"), page(114, 130, "130")];
    let host = anonymous().exchanges(pages).start();
    let expected: Vec<String> = (0..130).map(|n| format!("acme/chart-{n}")).collect();
    assert_eq!(all(&host), (expected, 3));
}

/// What is updated while the catalog is read comes to the front and moves the rest: nothing is left
/// out, and the front is read again.
#[test]
fn a_catalog_that_changes_is_read_whole() {
    let part = |ranges: &[(usize, usize)]| {
        let rows = ranges.iter().map(|(from, to)| rows(*from, *to)["packages"].clone());
        let rows: Vec<Value> = rows.flat_map(|it| it.as_array().unwrap().clone()).collect();
        json!({"packages": rows})
    };
    let at = |offset: usize, total: &str, ranges: &[(usize, usize)]| {
        search(offset).header("Pagination-Total-Count", total).json(part(ranges))
    };
    let list = |exchanges: Vec<Exchange>| {
        let host = anonymous().exchanges(exchanges).start();
        let (mut names, pages) = all(&host);
        names.sort_unstable();
        names.dedup();
        (names.len(), pages)
    };
    let first = || at(0, "130", &[(0, 60)]);
    // The last two were updated: they are the first ones now.
    let moved = vec![
        first(),
        at(57, "130", &[(55, 115)]),
        at(114, "130", &[(112, 128)]),
        at(0, "130", &[(128, 130), (0, 58)]),
    ];
    assert_eq!(list(moved), (130, 4));
    // The last one of the first page was.
    let last = vec![
        first(),
        at(57, "130", &[(56, 59), (60, 117)]),
        at(114, "130", &[(114, 130)]),
        at(0, "130", &[(59, 60), (0, 59)]),
    ];
    assert_eq!(list(last), (130, 4));
    // Two of the first page were deleted.
    let fewer = vec![first(), at(57, "128", &[(59, 119)]), at(114, "128", &[(116, 130)])];
    assert_eq!(list(fewer), (130, 3));
}

#[test]
fn pages_end_whatever_the_server_does() {
    for (exchange, next) in [
        (search(0).json(json!({"packages": []})), None),
        (search(0).header("Pagination-Total-Count", "900").json(json!({"packages": null})), None),
        (search(0).json(rows(0, 59)), None),
        (search(0).json(rows(0, 60)), Some(r#"[60,"acme/chart-59",0]"#.to_owned())),
    ] {
        let host = anonymous().exchange(exchange).start();
        assert_eq!(packages(&host, None, None).map(|page| page.1), Ok(next));
    }
    // Whatever page is asked for, the first comes.
    let same = search(57).header("Pagination-Total-Count", "130").json(rows(0, 60));
    let host = anonymous().exchange(same).start();
    let error = packages(&host, None, Some(r#"[60,"acme/chart-59",0]"#.to_owned()));
    assert!(matches!(error, Err(Error::MalformedResponse(t)) if t.contains("more than 60")));
    host.finish();
    let host = anonymous().exchange(search(999_987).json(rows(0, 60))).start();
    let far = Some(r#"[999990,"acme/chart-2",0]"#.to_owned());
    assert_eq!(packages(&host, None, far).map(|page| page.1), Ok(None));
    host.finish();
    let host = anonymous().start();
    assert!(packages(&host, None, Some("x".to_owned())).is_err(), "no cursor of ours");
}

#[test]
fn a_prefix_narrows_the_search() {
    let acme = get(&format!("packages/search?{WHOLE}&offset=0&repo=acme"));
    let host = anonymous().exchange(acme.json(rows(0, 1))).start();
    assert_eq!(packages(&host, Some("acme/"), None), Ok((vec!["acme/chart-0".to_owned()], None)));
}

#[test]
fn versions_of_one_package() {
    let one = fixtures().get("GET", "/api/v1/packages/helm/acme/nginx/5.6.10");
    let one = one.at("/api/v1/packages/helm/acme/nginx");
    let host = keyed().exchange(one.expect_header("X-API-KEY-SECRET", "key-secret")).start();
    let page = versions(&host, "acme/nginx").expect("a page");
    let row = page.items.first().expect("a row");
    assert_eq!(
        (row.tags.as_slice(), row.pushed),
        (&["5.6.10".to_owned()][..], Some(1_618_431_211))
    );
    assert_eq!(row.artifact_type.as_deref(), Some("application/vnd.cncf.helm.config.v1+json"));
    assert_eq!((page.next, &row.digest), (None, &None));
    host.finish();
    let many: Vec<Value> = (0..12_000).map(|n| json!({"version": format!("1.0.{n}+b")})).collect();
    let body = json!({"version": "1", "available_versions": many});
    let big = || get("packages/helm/a/big").json(body.clone());
    let host = anonymous().exchanges([big(), big(), big()]).start();
    let (mut cursor, mut tags, mut pages) = (None, Vec::new(), 0);
    loop {
        let page = PageRequest { cursor, limit: 100 };
        let filter = ArtifactFilter::all();
        let page = ArtifactHub::list_artifacts(host.endpoint(), "a/big", &filter, &page);
        let page = page.expect("a page");
        tags.extend(page.items.into_iter().flat_map(|row| row.tags));
        (cursor, pages) = (page.next, pages + 1);
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!((tags.len(), pages), (12_000, 3));
    assert_eq!(tags.first().map(String::as_str), Some("1.0.0_b"));
    host.finish();
    let only = get("packages/helm/a/b").json(json!({"version": "2", "available_versions": null}));
    let host = anonymous().exchange(only).start();
    assert_eq!(versions(&host, "a/b").map(|page| page.items.len()), Ok(1));
    assert!(matches!(versions(&host, "nginx"), Err(Error::InvalidInput(_))));
}

/// A version of one chart says nothing about another (Harbor takes it for all).
#[test]
fn each_chart_has_its_own_versions() {
    let list = |name: &str, version: &str| {
        get(&format!("packages/helm/acme/{name}"))
            .json(json!({"available_versions": [{"version": version}]}))
    };
    let host = anonymous().exchanges([list("a", "1.0.0"), list("b", "2.0.0")]).start();
    for (name, expected) in [("acme/a", "1.0.0"), ("acme/b", "2.0.0")] {
        let rows = versions(&host, name).expect("a page").items;
        let tags: Vec<_> = rows.into_iter().flat_map(|row| row.tags).collect();
        assert_eq!(tags, [expected]);
    }
}

#[test]
fn archives_are_where_the_catalog_says() {
    let recorded = || fixtures().get("GET", "/api/v1/packages/helm/acme/nginx/5.6.10");
    let path = "/api/v1/packages/helm/acme/nginx/5.6.10%2Bb1";
    let hex = "ab".repeat(32);
    let full = json!({"content_url": "https://Charts.test/Case/N.tgz", "digest": hex, "ts": 1_618_431_211,
        "signatures": ["prov"]});
    let oci = json!({"content_url": "oci://ghcr.io/acme/charts/web:1.0.0", "signatures": ["prov"],
        "digest": format!("sha256:{hex}")});
    for (exchange, version, expected) in [
        (recorded(), "5.6.10", ("https://charts.acme.test/nginx-5.6.10.tgz", None, None, None)),
        (
            recorded().at(path).json(full),
            "5.6.10_b1",
            (
                "https://Charts.test/Case/N.tgz",
                Some(format!("sha256:{hex}")),
                Some("https://Charts.test/Case/N.tgz.prov".to_owned()),
                Some("1618431211".to_owned()),
            ),
        ),
        (
            recorded().at(path).json(oci),
            "5.6.10+b1",
            ("oci://ghcr.io/acme/charts/web:1.0.0", None, None, None),
        ),
    ] {
        let host = anonymous().exchange(exchange).start();
        let chart = ArtifactHub::resolve_chart(host.endpoint(), "acme/nginx", version);
        let chart = chart.expect("a chart");
        let created = chart.extra.into_iter().next().map(|pair| pair.value);
        assert_eq!((&*chart.url, chart.digest, chart.provenance, created), expected);
    }
}

#[test]
fn errors_keep_their_kind() {
    let none = fixtures().get("GET", "/api/v1/packages/helm/acme/none/1");
    let host = anonymous().exchange(none).start();
    let error = ArtifactHub::resolve_chart(host.endpoint(), "acme/none", "1").expect_err("none");
    assert!(matches!(&error, Error::NotFound(why) if why.ends_with("not found")), "{error:?}");
    host.finish();
    let nowhere = get("packages/helm/acme/a/1").json(json!({"content_url": ""}));
    let host = anonymous().exchange(nowhere).start();
    let error = ArtifactHub::resolve_chart(host.endpoint(), "acme/a", "1");
    assert!(matches!(error, Err(Error::NotFound(_))));
    host.finish();
    type Fits = fn(&Error) -> bool;
    let limited = fixtures().get("GET", "/api/v1/packages/search");
    let here = &format!("/api/v1/packages/search?{WHOLE}&offset=0");
    let cases: Vec<(Exchange, Fits)> = vec![
        (
            limited.clone().at(here),
            |e| matches!(e, Error::RateLimited(l) if l.retry_after_seconds.is_none() && l.message.ends_with("too many requests")),
        ),
        (
            limited.at(here).header("Retry-After", "7"),
            |e| matches!(e, Error::RateLimited(l) if l.retry_after_seconds == Some(7)),
        ),
        (search(0).answer(401), |e| matches!(e, Error::Unauthenticated(_))),
        (search(0).answer(403), |e| matches!(e, Error::Forbidden(_))),
        (search(0).answer(503), |e| matches!(e, Error::Upstream(u) if u.retryable)),
        (search(0).text("<html>"), |e| matches!(e, Error::MalformedResponse(_))),
        (search(0).text("{\"packages\":[{\"na"), |e| matches!(e, Error::MalformedResponse(_))),
        (search(0).json(json!({"packages": 7})), |e| matches!(e, Error::MalformedResponse(_))),
    ];
    for (exchange, fits) in cases {
        let host = anonymous().exchange(exchange).start();
        let error = packages(&host, None, None).expect_err("an error");
        assert!(fits(&error), "{error:?}");
    }
}

/// The dump made for Harbor has every version of every chart, too much for one answer: it is never
/// asked for. What it says of a version is what the catalog says.
#[test]
fn the_dump_and_the_catalog_agree() {
    let dump = fixtures().get("GET", "/api/v1/harbor-replication");
    let version = fixtures().get("GET", "/api/v1/packages/helm/acme/nginx/5.6.10");
    let host = anonymous().exchanges([dump, version]).start();
    let dump = Request::get("/api/v1/harbor-replication").send().expect("an answer");
    let rows: Vec<Value> = dump.json().expect("rows");
    let row = &rows[0];
    let name =
        format!("{}/{}", row["repository"].as_str().unwrap(), row["package"].as_str().unwrap());
    let version = row["version"].as_str().unwrap();
    let chart = ArtifactHub::resolve_chart(host.endpoint(), &name, version).expect("a chart");
    assert_eq!(chart.url, row["url"]);
}
