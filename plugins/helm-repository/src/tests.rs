//! The adapter against a scripted host.

use portolan_sdk::{
    Auth, Error,
    testing::{Exchange, Running, ScriptedHost},
};

use super::*;

const BASE: &str = "https://charts.test/stable";
const USER: &str = "Basic dXNlcjpwYXNz";
const INDEX: &str = "/index.yaml";
/// What Helm 4.2.3 made of two archives.
const HELM: &str = include_str!("../fixtures/index.yaml");

fn anonymous() -> ScriptedHost {
    ScriptedHost::new(BASE)
}

fn user() -> ScriptedHost {
    ScriptedHost::new(BASE).credentials("user", "pass")
}

fn get() -> Exchange {
    Exchange::new("GET", INDEX)
}

fn index(charts: usize, versions: usize) -> String {
    let mut text = "apiVersion: v1\nentries:\n".to_owned();
    for chart in 0..charts {
        text.push_str(&format!("  chart-{chart:04}:\n"));
        for version in 0..versions {
            text.push_str(&format!(
                "  - created: \"2024-01-02T03:04:05Z\"\n    name: chart-{chart:04}\n    urls:\n    \
                 - files/chart-{chart:04}-1.{version}.0.tgz\n    version: 1.{version}.0\n"
            ));
        }
    }
    text
}

fn charts(host: &Running, cursor: Option<String>) -> Result<(Vec<String>, Option<String>)> {
    let page = PageRequest { cursor, limit: 100 };
    let page = HelmRepository::list_repositories(host.endpoint(), &RepositoryFilter::all(), &page)?;
    Ok((page.items.into_iter().map(|row| row.name).collect(), page.next))
}

fn tags(
    host: &Running,
    chart: &str,
    cursor: Option<String>,
) -> Result<(Vec<String>, Option<String>)> {
    let page = PageRequest { cursor, limit: 100 };
    let filter = ArtifactFilter::all();
    let page = HelmRepository::list_artifacts(host.endpoint(), chart, &filter, &page)?;
    Ok((page.items.into_iter().flat_map(|row| row.tags).collect(), page.next))
}

#[test]
fn describes_itself_without_a_host() {
    let info = HelmRepository::describe();
    assert_eq!((&*info.provider, &*info.display_name), ("helm-repository", "Helm Repository"));
    assert_eq!((info.resources, info.can_push), (vec!["chart".to_owned()], false));
    assert_eq!((info.endpoints, info.credentials, info.login_urls.len()), (None, None, 0));
    let hosts: Vec<_> = info.allowed_hosts.into_iter().map(|it| (it.pattern, it.uses)).collect();
    assert_eq!(hosts, [("https://*".to_owned(), vec!["any-public-download".to_owned()])]);
}

#[test]
fn health() {
    let part = || get().expect_header("Range", "bytes=0-4095").answer(206).text("apiVersion: v1");
    let mine = || part().expect_header("Authorization", USER);
    for (host, exchanges, authenticated) in [
        (anonymous(), vec![part().expect_no_header("Authorization")], false),
        (anonymous(), vec![get().text("{\"entries\": {}}")], false),
        (user(), vec![mine(), part().expect_no_header("Authorization")], false),
        (user(), vec![mine(), get().expect_no_header("Authorization").answer(401)], true),
    ] {
        let host = host.exchanges(exchanges).start();
        let health = HelmRepository::check_health(host.endpoint()).expect("healthy");
        assert_eq!(health.authenticated, authenticated, "{:?}", host.requests());
    }
    // The whole address of the index is understood, too.
    let host = ScriptedHost::new("https://charts.test/stable/index.yaml");
    let whole = Exchange::new("GET", "https://charts.test/stable/index.yaml").text("entries:");
    let host = host.exchange(whole).start();
    assert!(HelmRepository::check_health(host.endpoint()).is_ok());
}

#[test]
fn ill_health_says_what_is_wrong() {
    for (host, exchange, expected) in [
        (
            user(),
            get().answer(401),
            "unauthenticated: GET https://charts.test/stable/index.yaml answered 401: it refused the credentials of `user`",
        ),
        (
            user(),
            get().answer(403),
            "unauthenticated: GET https://charts.test/stable/index.yaml answered 403: it refused",
        ),
        (
            anonymous(),
            get().answer(401),
            "unauthenticated: GET https://charts.test/stable/index.yaml answered 401: it asks for a user name and password",
        ),
        (
            anonymous(),
            get().answer(404),
            "not-found: GET https://charts.test/stable/index.yaml answered 404: there is no index; give the address of the folder",
        ),
        (anonymous(), get().answer(503), "upstream: "),
        (anonymous(), get().answer(429).header("Retry-After", "9"), "limited: "),
        (
            anonymous(),
            get().header("Content-Type", "text/html").text("<html>entries"),
            "malformed: GET https://charts.test/stable/index.yaml answered something that is no index",
        ),
        (anonymous(), get().text("hello"), "malformed: "),
        (anonymous(), get().answer(302), "malformed: "),
        (
            anonymous(),
            get().fails("denied-by-policy", "redirected to cdn.test"),
            "transport: redirected to cdn.test",
        ),
        (
            anonymous(),
            get().fails("protocol", "the exchange broke"),
            "transport: the exchange broke",
        ),
    ] {
        let host = host.exchange(exchange).start();
        let error = HelmRepository::check_health(host.endpoint()).expect_err("unhealthy");
        let shown = format!("{}: {}", kind(&error), error.text());
        assert!(shown.starts_with(expected), "{shown}");
        assert!(!shown.contains("pass ") && !shown.contains("dXNl"), "{shown}");
    }
}

fn kind(error: &Error) -> &'static str {
    match error {
        Error::Unauthenticated(_) => "unauthenticated",
        Error::Forbidden(_) => "forbidden",
        Error::NotFound(_) => "not-found",
        Error::MalformedResponse(_) => "malformed",
        Error::Upstream(it) if it.retryable => "upstream",
        Error::RateLimited(it) if it.retry_after_seconds == Some(9) => "limited",
        Error::Transport(_) => "transport",
        _ => "other",
    }
}

#[test]
fn three_pages_of_charts_take_one_request() {
    let host = anonymous().exchange(get().text(&index(2_001, 1))).start();
    let (mut names, mut cursor, mut pages) = (Vec::new(), None, 0);
    loop {
        let (mut page, next) = charts(&host, cursor).expect("a page");
        names.append(&mut page);
        pages += 1;
        cursor = next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!((names.len(), pages), (2_001, 3));
    assert_eq!(names.last().map(String::as_str), Some("chart-2000"));
    // Their versions are on the shelf, and so is where the archives are.
    assert_eq!(tags(&host, "chart-0007", None), Ok((vec!["1.0.0".to_owned()], None)));
    assert!(HelmRepository::resolve_chart(host.endpoint(), "chart-0007", "1.0.0").is_ok());
}

#[test]
fn versions_are_paged_and_told_once() {
    let host = anonymous().exchange(get().text(&index(1, 2_500))).start();
    let (first, next) = tags(&host, "chart-0000", None).expect("a page");
    let (second, next) = tags(&host, "chart-0000", next).expect("a page");
    let (third, next) = tags(&host, "chart-0000", next).expect("a page");
    assert_eq!((first.len(), second.len(), third.len(), next), (1000, 1000, 500, None));
    host.finish();
    let twice = "entries:\n  a:\n  - version: 1+b\n    urls:\n    - a.tgz\n  - version: 1_b\n    urls:\n    - b.tgz\n";
    let host = anonymous().exchange(get().text(twice)).start();
    assert_eq!(tags(&host, "a", None), Ok((vec!["1_b".to_owned()], None)));
    let chart = HelmRepository::resolve_chart(host.endpoint(), "a", "1_b").expect("a chart");
    assert_eq!(chart.url, "https://charts.test/stable/a.tgz", "the first, as Helm does");
}

#[test]
fn the_index_is_read_again_when_it_may_have_changed() {
    let old = || get().text(&index(1, 1));
    let new = || get().text(&index(1, 2));
    let host = anonymous().exchanges([old(), new(), new()]).start();
    assert_eq!(charts(&host, None).map(|page| page.0.len()), Ok(1));
    // A version that is not kept is looked for in the index of now; others need no request.
    host.advance(90);
    let resolve = |version| HelmRepository::resolve_chart(host.endpoint(), "chart-0000", version);
    assert!(resolve("1.0.0").is_ok());
    assert_eq!(host.requests().len(), 1);
    assert!(resolve("1.1.0").is_ok());
    host.advance(61);
    assert_eq!(tags(&host, "chart-0000", None).map(|page| page.0.len()), Ok(2));
}

#[test]
fn archives_are_where_the_index_says() {
    let version = |url: &str, more: &str| {
        format!("entries:\n  a:\n  - version: 1.0.0+b\n    urls:\n    - {url}\n{more}")
    };
    let digest = "AB".repeat(32);
    let with_digest = format!("    digest: {digest}\n    created: x\n");
    for (url, more, expected, provenance) in [
        (
            "a.tgz",
            "",
            "https://charts.test/stable/a.tgz",
            Some("https://charts.test/stable/a.tgz.prov"),
        ),
        ("/x/A.tgz", "", "https://charts.test/x/A.tgz", Some("https://charts.test/x/A.tgz.prov")),
        (
            "https://cdn.test/Case/A.tgz?s=1",
            &*with_digest,
            "https://cdn.test/Case/A.tgz?s=1",
            Some("https://cdn.test/Case/A.tgz.prov?s=1"),
        ),
        ("oci://r.test/c/a:1", "", "oci://r.test/c/a:1", None),
    ] {
        let host = anonymous().exchange(get().text(&version(url, more))).start();
        for asked in ["1.0.0+b", "1.0.0_b"] {
            let chart = HelmRepository::resolve_chart(host.endpoint(), "a", asked);
            let chart = chart.expect("a chart");
            assert_eq!(chart.url, expected);
            assert_eq!(chart.provenance.as_deref(), provenance);
            let expected = (!more.is_empty()).then(|| format!("sha256:{}", digest.to_lowercase()));
            assert_eq!(chart.digest, expected);
            assert_eq!(chart.extra.is_empty(), more.is_empty());
        }
    }
}

#[test]
fn what_is_not_there_is_not_found() {
    let host = anonymous().exchanges([get().text(HELM), get().text(HELM)]).start();
    let error = tags(&host, "none", None).expect_err("no chart");
    assert_eq!(error.text(), "the index of https://charts.test/stable has no chart `none`");
    host.advance(1);
    let error = HelmRepository::resolve_chart(host.endpoint(), "old", "9").expect_err("no version");
    assert_eq!(error.text(), "the index of https://charts.test/stable has no version 9 of `old`");
    assert!(matches!(error, Error::NotFound(_)));
}

#[test]
fn listing_errors_keep_their_kind() {
    for (exchange, expected) in [
        (get().answer(401), "unauthenticated"),
        (get().answer(403), "forbidden"),
        (get().answer(404), "not-found"),
        (get().answer(429).header("Retry-After", "9"), "limited"),
        (get().answer(502), "upstream"),
        (get().text("<html>"), "malformed"),
        (get().text("entries:\n  a:\n  - version: 1\n    ur"), "malformed"),
        (get().text("{\"entries\":{\"a\":[{"), "malformed"),
        (get().fails("body-too-large", "more than 33554432 bytes"), "transport"),
    ] {
        let host = user().exchange(exchange.expect_header("Authorization", USER)).start();
        let error = charts(&host, None).expect_err("an error");
        assert_eq!(kind(&error), expected, "{error:?}");
    }
}

#[test]
fn names_that_oci_cannot_hold_are_logged() {
    let text = "entries:\n  Big:\n  - version: 1\n    urls:\n    - a.tgz\n";
    let host = anonymous().exchange(get().text(text)).start();
    assert!(charts(&host, None).is_ok());
    assert!(host.logs().iter().any(|line| line.contains("capital letters")), "{:?}", host.logs());
}

#[test]
fn archives_on_the_own_host_get_the_account() {
    let host = user().start();
    let grant = HelmRepository::authorize(host.endpoint(), &[], None);
    assert_eq!(grant.map(|grant| grant.auth), Ok(Auth::Basic));
    host.finish();
    let host = anonymous().start();
    let grant = HelmRepository::authorize(host.endpoint(), &[], None);
    assert_eq!(grant.map(|grant| grant.auth), Ok(Auth::Anonymous));
}

/// There is no token that could be renewed: a password that is refused is not sent again.
#[test]
fn what_the_server_refuses_is_not_asked_for_again() {
    let host = user().exchange(get().expect_header("Authorization", USER).answer(401)).start();
    let error = charts(&host, None).expect_err("refused");
    assert!(matches!(error, Error::Unauthenticated(_)), "{error:?}");
    assert_eq!(host.requests().len(), 1);
    host.finish();
}
