//! The adapter against a scripted host that answers what was recorded.

use portolan_sdk::{
    Error,
    testing::{Exchange, Fixtures, Running, ScriptedHost},
};
use serde_json::{Value, json};

use super::*;

const CHARTS: &str = "/api/chartsvc/v1/charts";
const PROBE: &str = "/api/chartsvc/v1/charts?page=1&size=1";

fn fixtures() -> Fixtures {
    Fixtures::parse(include_str!("../fixtures/helm-hub.jsonl"))
}

fn host() -> ScriptedHost {
    ScriptedHost::new("https://hub.helm.sh")
}

fn get(address: &str) -> Exchange {
    Exchange::new("GET", address)
}

/// The first question: the site lists charts itself.
fn monocular() -> Exchange {
    fixtures().get("GET", CHARTS).at(PROBE)
}

/// The first question: the site leads to Artifact Hub.
fn alias() -> Exchange {
    get(PROBE).answer(404).answered_by("https://artifacthub.io/api/chartsvc/v1/charts")
}

fn versions() -> Exchange {
    fixtures().get("GET", "/api/chartsvc/v1/charts/stable/redis/versions")
}

fn page(host: &Running, cursor: Option<String>) -> Result<(Vec<String>, Option<String>)> {
    let page = PageRequest { cursor, limit: 100 };
    let page = HelmHub::list_repositories(host.endpoint(), &RepositoryFilter::all(), &page)?;
    Ok((page.items.into_iter().map(|row| row.name).collect(), page.next))
}

#[test]
fn describes_itself_without_a_host() {
    let info = HelmHub::describe();
    assert_eq!((&*info.provider, &*info.display_name), ("helm-hub", "Helm Hub"));
    assert_eq!((info.resources, info.can_push), (vec!["chart".to_owned()], false));
    let Some(EndpointPattern::Fixed(site)) = info.endpoints else { panic!("one address") };
    assert_eq!((&*site.name, &*site.url), ("hub.helm.sh", "https://hub.helm.sh"));
    let hosts = info.allowed_hosts.into_iter().map(|it| format!("{} {:?}", it.pattern, it.uses));
    let expected = [
        "https://artifacthub.io [\"data\"]".to_owned(),
        "https://* [\"any-public-download\"]".to_owned(),
    ];
    assert_eq!(hosts.collect::<Vec<_>>(), expected);
    assert!(info.hint.contains("recorded"));
}

#[test]
fn health_of_the_site_or_of_what_it_is_an_alias_of() {
    let stats = || get("https://artifacthub.io/api/v1/stats");
    let host = self::host().exchange(monocular()).start();
    let health = HelmHub::check_health(host.endpoint()).expect("healthy");
    assert!(health.details.is_empty() && !health.authenticated);
    host.finish();
    let page = get(PROBE).header("Content-Type", "text/html").text("<html>Helm</html>");
    let elsewhere = get(PROBE).fails("denied-by-policy", "redirected to elsewhere.test");
    let lost = get(PROBE).fails("dns", "no such host");
    for first in [alias(), page, elsewhere, lost, get(PROBE).answer(500)] {
        let host = self::host().exchanges([first, stats().json(json!({}))]).start();
        let health = HelmHub::check_health(host.endpoint()).expect("healthy");
        assert_eq!(health.details.len(), 1);
    }
    for (exchange, expected) in [
        (stats().fails("connect", "refused"), "refused"),
        (stats().answer(503), "GET https://artifacthub.io/api/v1/stats answered 503"),
        (stats().text("<html>"), "GET https://artifacthub.io/api/v1/stats answered a web page"),
        (
            stats().fails("denied-by-policy", "redirected to elsewhere.test"),
            "redirected to elsewhere.test",
        ),
    ] {
        let host = self::host().exchanges([alias(), exchange]).start();
        let error = HelmHub::check_health(host.endpoint()).expect_err("unhealthy");
        assert!(error.text().starts_with(expected), "{}", error.text());
    }
}

#[test]
fn three_pages_of_charts() {
    let rows = |page: u32, ids: &[&str]| {
        let data: Vec<Value> = ids.iter().map(|id| json!({"id": id, "type": "chart"})).collect();
        let body = json!({"data": data, "meta": {"totalPages": 3}});
        get(&format!("{CHARTS}?page={page}&size=1000")).json(body)
    };
    let pages = [rows(1, &["a/x"]), rows(2, &["a/y"]), rows(3, &["b/z"])];
    let host = host().exchange(monocular()).exchanges(pages).start();
    let (first, next) = page(&host, None).expect("a page");
    let (second, next) = page(&host, next).expect("a page");
    let (third, next) = page(&host, next).expect("a page");
    assert_eq!([first, second, third].concat(), ["a/x", "a/y", "b/z"]);
    assert_eq!(next, None);
    host.finish();
    // All at once, as older servers do; an empty page is the last.
    let all = fixtures().get("GET", CHARTS).at("/api/chartsvc/v1/charts?page=1&size=1000");
    let host = self::host().exchanges([monocular(), all, rows(1, &[])]).start();
    assert_eq!(page(&host, None), Ok((vec!["stable/redis".to_owned()], None)));
    assert_eq!(page(&host, None), Ok((Vec::new(), None)));
}

#[test]
fn versions_and_their_archives() {
    let host = host().exchanges([monocular(), versions(), versions()]).start();
    let filter = ArtifactFilter::all();
    let page = PageRequest::first();
    let page = HelmHub::list_artifacts(host.endpoint(), "stable/redis", &filter, &page);
    let tags: Vec<_> = page.expect("a page").items.into_iter().flat_map(|row| row.tags).collect();
    assert_eq!(tags, ["1.0.0"]);
    let chart = HelmHub::resolve_chart(host.endpoint(), "stable/redis", "1.0.0").expect("a chart");
    assert_eq!(chart.url, "https://charts.stable.test/redis-1.0.0.tgz");
    host.finish();
    // Harbor writes addresses in small letters, and takes a version of one chart for all.
    let body = |url: &str| {
        json!({"data": [{"attributes": {"version": "1.0.0+A", "urls": [url]}, "relationships":
            {"chart": {"data": {"repo": {"url": "https://Charts.test/Stable/"}}}}}]})
    };
    for (url, expected) in [
        ("Files/Redis.tgz", "https://Charts.test/Stable/Files/Redis.tgz"),
        ("https://CDN.test/Redis.TGZ", "https://CDN.test/Redis.TGZ"),
    ] {
        let host = self::host().exchanges([monocular(), versions().json(body(url))]).start();
        let chart = HelmHub::resolve_chart(host.endpoint(), "stable/redis", "1.0.0_A");
        assert_eq!(chart.expect("a chart").url, expected);
    }
    let host = self::host().exchanges([monocular(), versions()]).start();
    let error = HelmHub::resolve_chart(host.endpoint(), "stable/redis", "2.0.0");
    assert!(matches!(error, Err(Error::NotFound(_))));
}

#[test]
fn as_an_alias_it_lists_artifact_hub() {
    let search = "https://artifacthub.io/api/v1/packages/search?kind=0&facets=false\
        &deprecated=true&sort=last_updated&limit=60&offset=0";
    let found = json!({"packages": [{"name": "nginx", "repository": {"name": "acme"}}]});
    let package = "https://artifacthub.io/api/v1/packages/helm/acme/nginx";
    let details = json!({"available_versions": [{"version": "1.0.0"}],
        "content_url": "https://charts.test/n.tgz"});
    let host = host()
        .exchanges([
            alias(),
            get(search).json(found),
            get(package).json(details.clone()),
            get(&format!("{package}/1.0.0")).json(details),
        ])
        .start();
    assert_eq!(page(&host, None), Ok((vec!["acme/nginx".to_owned()], None)));
    let filter = ArtifactFilter::all();
    let rows =
        HelmHub::list_artifacts(host.endpoint(), "acme/nginx", &filter, &PageRequest::first());
    assert_eq!(rows.map(|page| page.items.len()), Ok(1));
    let chart = HelmHub::resolve_chart(host.endpoint(), "acme/nginx", "1.0.0").expect("a chart");
    assert_eq!(chart.url, "https://charts.test/n.tgz");
}

#[test]
fn errors_keep_their_kind() {
    type Fits = fn(&Error) -> bool;
    let list = || get("/api/chartsvc/v1/charts?page=1&size=1000");
    let cases: Vec<(Exchange, Fits)> = vec![
        (
            list().answer(429).header("Retry-After", "7"),
            |e| matches!(e, Error::RateLimited(l) if l.retry_after_seconds == Some(7)),
        ),
        (list().answer(502), |e| matches!(e, Error::Upstream(u) if u.retryable)),
        (list().text("<html>"), |e| matches!(e, Error::MalformedResponse(_))),
        (list().text("{\"data\":[{"), |e| matches!(e, Error::MalformedResponse(_))),
        (list().fails("denied-by-policy", "redirected to elsewhere.test"), |e| {
            e.text().starts_with("redirected to elsewhere.test")
        }),
    ];
    for (exchange, fits) in cases {
        let host = host().exchanges([monocular(), exchange]).start();
        let error = page(&host, None).expect_err("an error");
        assert!(fits(&error), "{error:?}");
    }
}

/// There is no token that could be renewed: what is refused is refused at once, and asked for once.
#[test]
fn what_the_site_refuses_is_not_asked_for_again() {
    for (status, fits) in [
        (401, (|e| matches!(e, Error::Unauthenticated(_))) as fn(&Error) -> bool),
        (403, |e| matches!(e, Error::Forbidden(_))),
    ] {
        let refused = get("/api/chartsvc/v1/charts?page=1&size=1000").answer(status);
        let host = host().exchanges([monocular(), refused]).start();
        let error = page(&host, None).expect_err("refused");
        assert!(fits(&error), "{error:?}");
        host.finish();
    }
}
