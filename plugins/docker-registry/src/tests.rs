//! The adapter against a scripted host: every row of health, paging and error handling.

use portolan_sdk::{
    Auth, Error, Scope,
    testing::{Exchange, Fixtures, Running, ScriptedHost},
};
use serde_json::json;

use super::*;

/// Whether an error is the expected one.
type Fits = fn(&Error) -> bool;

const BASE: &str = "https://r.test/prefix";
const USER: &str = "Basic dXNlcjpwYXNz";

fn fixtures() -> Fixtures {
    Fixtures::parse(include_str!("../fixtures/docker-registry.jsonl"))
}

fn get(path: &str) -> Exchange {
    Exchange::new("GET", path)
}

fn open() -> Exchange {
    get("/v2/").header("Docker-Distribution-Api-Version", "registry/2.0").json(json!({}))
}

fn anonymous() -> ScriptedHost {
    ScriptedHost::new(BASE)
}

fn user() -> ScriptedHost {
    ScriptedHost::new(BASE).credentials("user", "pass")
}

fn limit(limit: u32) -> PageRequest {
    PageRequest { cursor: None, limit }
}

fn after(cursor: &str) -> PageRequest {
    PageRequest { cursor: Some(cursor.to_owned()), limit: 2 }
}

fn repositories(host: &Running, page: &PageRequest) -> Result<(Vec<String>, Option<String>)> {
    let page = DockerRegistry::list_repositories(host.endpoint(), &RepositoryFilter::all(), page)?;
    Ok((page.items.into_iter().map(|r| r.name).collect(), page.next))
}

fn tags(host: &Running, page: &PageRequest) -> Result<(Vec<String>, Option<String>)> {
    let filter = ArtifactFilter::all();
    let page = DockerRegistry::list_artifacts(host.endpoint(), "a/app", &filter, page)?;
    Ok((page.items.into_iter().flat_map(|a| a.tags).collect(), page.next))
}

#[test]
fn describes_itself_without_a_host() {
    let info = DockerRegistry::describe();
    assert_eq!((&*info.provider, &*info.display_name), ("docker-registry", "Docker Registry"));
    assert_eq!((info.min_components, info.can_push, info.endpoints), (1, true, None));
    assert!(info.allowed_hosts.is_empty() && info.login_urls.is_empty());
}

#[test]
fn health() {
    let basic = || fixtures().get("GET", "/v2/");
    let bearer = || {
        get("/v2/").answer(401).header("WWW-Authenticate", r#"Bearer realm="/token",service="s""#)
    };
    let token = || get("https://r.test/token?service=s").json(json!({"token": "t"}));
    let with_token = |status| get("/v2/").expect_header("Authorization", "Bearer t").answer(status);
    let with_basic = |status| get("/v2/").expect_header("Authorization", USER).answer(status);
    for (host, exchanges, authenticated) in [
        (anonymous(), vec![open()], false),
        (anonymous(), vec![basic()], false),
        (anonymous(), vec![bearer()], false),
        (
            anonymous(),
            vec![get("/v2/").answer(403).json(json!({"errors":[{"code":"DENIED"}]}))],
            false,
        ),
        (user(), vec![open(), open().expect_header("Authorization", USER)], false),
        (user(), vec![basic(), with_basic(200)], true),
        // Open to anonymous users, tokens for the others.
        (
            user(),
            vec![open(), bearer().expect_header("Authorization", USER), token(), with_token(200)],
            true,
        ),
        (
            user(),
            vec![bearer(), token().expect_header("Authorization", USER), with_token(200)],
            true,
        ),
    ] {
        let host = host.exchanges(exchanges).start();
        let health = DockerRegistry::check_health(host.endpoint()).expect("healthy");
        assert_eq!(health.authenticated, authenticated, "{:?}", host.requests());
    }
}

#[test]
fn ill_health_says_what_is_wrong() {
    let basic = || fixtures().get("GET", "/v2/");
    let page = || get("/v2/").header("Content-Type", "text/html").text("<html>Welcome</html>");
    let wrong = || basic().expect_header("Authorization", USER);
    for (host, exchanges, expected) in [
        (
            anonymous(),
            vec![page()],
            "malformed: https://r.test/prefix is not a registry: https://r.test/prefix/v2/ answered a web page (status 200)",
        ),
        (user(), vec![page().answer(404)], "malformed: https://r.test/prefix is not a registry"),
        (
            anonymous(),
            vec![get("/v2/").answer(404)],
            "malformed: https://r.test/prefix is not a registry",
        ),
        (
            anonymous(),
            vec![get("/v2/").answer(302)],
            "malformed: https://r.test/prefix is not a registry",
        ),
        (
            anonymous(),
            vec![get("/v2/").answer(401)],
            "malformed: https://r.test/prefix is not a registry",
        ),
        (
            anonymous(),
            vec![page().answered_by("https://sso.test/login")],
            "malformed: https://r.test/prefix is not a registry",
        ),
        (
            anonymous(),
            vec![get("/v2/").answer(503)],
            "upstream: GET https://r.test/prefix/v2/ answered 503",
        ),
        (
            anonymous(),
            vec![get("/v2/").answer(429)],
            "limited: GET https://r.test/prefix/v2/ answered 429",
        ),
        (
            anonymous(),
            vec![get("/v2/").fails("tls", "bad certificate")],
            "transport: bad certificate",
        ),
        (
            user(),
            vec![basic(), wrong()],
            "unauthenticated: https://r.test/prefix does not accept the credentials: GET https://r.test/prefix/v2/ answered 401: UNAUTHORIZED",
        ),
        (
            user(),
            vec![basic(), wrong().answer(403)],
            "unauthenticated: https://r.test/prefix does not accept",
        ),
        (user(), vec![open(), wrong()], "unauthenticated: https://r.test/prefix does not accept"),
        (
            user(),
            vec![basic(), wrong().answer(500)],
            "upstream: GET https://r.test/prefix/v2/ answered 500",
        ),
    ] {
        let host = host.exchanges(exchanges).start();
        let error = DockerRegistry::check_health(host.endpoint()).expect_err("unhealthy");
        let kind = match &error {
            Error::MalformedResponse(_) => "malformed",
            Error::Unauthenticated(_) => "unauthenticated",
            Error::Upstream(_) => "upstream",
            Error::RateLimited(_) => "limited",
            Error::Transport(_) => "transport",
            _ => "other",
        };
        let shown = format!("{kind}: {}", error.text());
        assert!(shown.starts_with(expected), "{shown}");
        assert!(!shown.contains("pass"), "{shown}");
    }
}

#[test]
fn the_catalog_is_paged_by_links() {
    let first = fixtures().get("GET", "/v2/_catalog?n=2");
    let last = get("/v2/_catalog?last=b%2Fapp&n=2").json(json!({"repositories": ["c"]}));
    let host = anonymous().exchanges([open(), first, last]).start();
    let (names, next) = repositories(&host, &limit(2)).expect("a page");
    assert_eq!(names, ["a/app", "b/app"]);
    let next = next.expect("a second page");
    assert_eq!(repositories(&host, &after(&next)), Ok((vec!["c".to_owned()], None)));
}

#[test]
fn pages_end_whatever_the_server_does() {
    let hundred: Vec<String> = (0..100).map(|i| format!("r{i:03}")).collect();
    let full = |path: &str| get(path).json(json!({"repositories": hundred}));
    // Cut short without a link: the page after the last name is asked for.
    let more = get("/v2/_catalog?n=1000&last=r099").json(json!({"repositories": ["s"]}));
    let host = anonymous().exchanges([open(), full("/v2/_catalog?n=1000"), more]).start();
    let (_, next) = repositories(&host, &limit(1000)).expect("a page");
    let (names, end) = repositories(&host, &after(&next.expect("a try"))).expect("a page");
    assert_eq!((names, end), (vec!["s".to_owned()], None));
    host.finish();
    // A server that ignores `last` repeats itself.
    let again = full("/v2/_catalog?n=1000&last=r099");
    let host = anonymous().exchanges([open(), again]).start();
    let page = repositories(&host, &after("n=1000&last=r099"));
    assert_eq!(page, Ok((Vec::new(), None)));
    host.finish();
    // A link to the very same page.
    let looping = get("/v2/_catalog?token=x")
        .header("Link", "</v2/_catalog?token=x>; rel=next")
        .json(json!({"repositories": ["q"]}));
    let host = anonymous().exchanges([open(), looping]).start();
    assert_eq!(repositories(&host, &after("token=x")), Ok((vec!["q".to_owned()], None)));
}

#[test]
fn a_page_size_that_is_refused_is_lowered() {
    let refused = |n| {
        get(&format!("/v2/_catalog?n={n}"))
            .answer(400)
            .json(json!({"errors": [{"code": "PAGINATION_NUMBER_INVALID", "detail": {"n": n}}]}))
    };
    let names = json!({"repositories": ["a"]});
    let page = Ok((vec!["a".to_owned()], None));
    let hundred = get("/v2/_catalog?n=100").json(names.clone());
    let host = anonymous().exchanges([open(), refused(1000), hundred]).start();
    assert_eq!(repositories(&host, &limit(1000)), page);
    host.finish();
    let plain = get("/v2/_catalog").json(names);
    let host = anonymous().exchanges([open(), refused(1000), refused(100), plain]).start();
    assert_eq!(repositories(&host, &limit(1000)), page);
}

/// As zuul-registry does: a web page for a parameter that it does not have.
#[test]
fn a_registry_without_pages_is_asked_for_all() {
    let page = |path| get(path).answer(404).header("Content-Type", "text/html").text("<html>");
    let all = get("/v2/a/app/tags/list").json(json!({"tags": ["v1"]}));
    let host = anonymous().exchanges([open(), page("/v2/a/app/tags/list?n=1000"), all]).start();
    assert_eq!(tags(&host, &limit(1000)), Ok((vec!["v1".to_owned()], None)));
    host.finish();
    let absent = [page("/v2/_catalog?n=1000"), page("/v2/_catalog")];
    let host = anonymous().exchange(open()).exchanges(absent).start();
    assert!(matches!(repositories(&host, &limit(1000)), Err(Error::Unsupported(_))));
}

#[test]
fn absent_and_empty_lists_are_empty_pages() {
    let list = || get("/v2/a/app/tags/list?n=1000");
    let unknown = json!({"errors": [{"code": "NAME_UNKNOWN", "message": "not known"}]});
    let empty = Ok((Vec::new(), None));
    for (exchange, expected) in [
        (
            fixtures().get("GET", "/v2/a/app/tags/list").at("/v2/a/app/tags/list?n=1000"),
            empty.clone(),
        ),
        (list().json(json!({"name": "a/app"})), empty.clone()),
        (list().answer(404).json(unknown), empty),
        (
            list().json(json!({"tags": ["v1", "v2"]})),
            Ok((vec!["v1".to_owned(), "v2".to_owned()], None)),
        ),
    ] {
        let host = anonymous().exchanges([open(), exchange]).start();
        assert_eq!(tags(&host, &limit(1000)), expected);
    }
}

#[test]
fn tags_follow_links_of_every_kind() {
    for link in [
        "</v2/a/app/tags/list?last=v1&n=1>; rel=\"next\"",
        "<http://inner:5000/v2/a/app/tags/list?last=v1&n=1>; rel=next",
        "/prefix/v2/a/app/tags/list?last=v1&n=1; rel=next",
    ] {
        let first =
            get("/v2/a/app/tags/list?n=1").header("Link", link).json(json!({"tags": ["v1"]}));
        let host = anonymous().exchanges([open(), first]).start();
        let (_, next) = tags(&host, &limit(1)).expect("a page");
        assert_eq!(next.as_deref(), Some("last=v1&n=1"), "{link}");
    }
}

#[test]
fn listing_errors_keep_their_kind() {
    let list = || get("/v2/_catalog?n=1000");
    let cases: Vec<(Exchange, Fits)> = vec![
        (list().answer(401), |e| matches!(e, Error::Unauthenticated(_))),
        (list().answer(403), |e| matches!(e, Error::Forbidden(_))),
        (list().answer(404), |e| matches!(e, Error::Unsupported(t) if t.contains("name them"))),
        (list().answer(405), |e| matches!(e, Error::Unsupported(_))),
        (
            list().answer(429).header("Retry-After", "9"),
            |e| matches!(e, Error::RateLimited(l) if l.retry_after_seconds == Some(9)),
        ),
        (list().answer(502), |e| matches!(e, Error::Upstream(u) if u.retryable)),
        (list().text("{\"repositories\":[\"a\""), |e| matches!(e, Error::MalformedResponse(_))),
        (list().text("<html>"), |e| matches!(e, Error::MalformedResponse(_))),
        (list().json(json!({"repositories": 7})), |e| matches!(e, Error::MalformedResponse(_))),
    ];
    for (exchange, fits) in cases {
        let host = anonymous().exchanges([open(), exchange]).start();
        let error = repositories(&host, &limit(1000)).expect_err("an error");
        assert!(fits(&error), "{error:?}");
    }
    let list = get("/v2/a/app/tags/list?n=1000").answer(404).text("404 page not found");
    let host = anonymous().exchanges([open(), list]).start();
    assert!(matches!(tags(&host, &limit(1000)), Err(Error::NotFound(_))));
}

#[test]
fn the_catalog_asks_for_its_own_scope() {
    let challenge = r#"Bearer realm="https://auth.test/t",service="s""#;
    let host = user()
        .exchanges([
            get("/v2/").answer(401).header("WWW-Authenticate", challenge),
            get("https://auth.test/t?service=s&scope=registry:catalog:*")
                .expect_header("Authorization", USER)
                .json(json!({"token": "c"})),
            get("/v2/_catalog?n=1000")
                .expect_header("Authorization", "Bearer c")
                .json(json!({"repositories": null})),
        ])
        .start();
    assert_eq!(repositories(&host, &limit(5000)), Ok((Vec::new(), None)));
}

#[test]
fn locates_and_authorises() {
    let basic = fixtures().get("GET", "/v2/");
    let host = user().settings(&json!({"max_chunk_bytes": 8_388_608})).exchange(basic).start();
    let target = DockerRegistry::locate(host.endpoint(), "a/app").expect("a target");
    assert_eq!((&*target.base_url, &*target.repository), (BASE, "a/app"));
    assert_eq!((&*target.upload, target.max_chunk_bytes), ("chunked", Some(8_388_608)));
    let grant = DockerRegistry::authorize(host.endpoint(), &[Scope::push("a/app")], None);
    assert_eq!(grant.map(|grant| grant.auth), Ok(Auth::Basic));
}

const DIGEST: &str = "sha256:1111111111111111111111111111111111111111111111111111111111111111";
const OTHER: &str = "sha256:2222222222222222222222222222222222222222222222222222222222222222";

fn delete(reference: &str) -> Exchange {
    Exchange::new("DELETE", &format!("/v2/a/app/manifests/{reference}"))
}

fn head(tag: &str, digest: &str) -> Exchange {
    Exchange::new("HEAD", &format!("/v2/a/app/manifests/{tag}"))
        .header("Docker-Content-Digest", digest)
}

fn listed(tags: &[&str]) -> Exchange {
    get("/v2/a/app/tags/list?n=100").json(json!({"name": "a/app", "tags": tags}))
}

#[test]
fn a_tag_goes_alone_or_not_at_all() {
    let no_tags = || delete("v1").answer(400).json(json!({"errors":[{"code":"DIGEST_INVALID"}]}));
    let off = || fixtures().get("DELETE", "/v2/a/app/manifests/v1");
    let page = || delete("v1").answer(404).header("Content-Type", "text/html").text("<html>");
    let cases: Vec<(Vec<Exchange>, Option<Fits>)> = vec![
        (vec![delete("v1").answer(202)], None),
        (
            vec![delete("v1").answer(404).json(json!({"errors":[{"code":"MANIFEST_UNKNOWN"}]}))],
            None,
        ),
        (
            vec![
                no_tags(),
                head("v1", DIGEST),
                listed(&["v1", "v2"]),
                head("v2", OTHER),
                delete(DIGEST).answer(202),
            ],
            None,
        ),
        (
            vec![no_tags(), head("v1", DIGEST), listed(&["v1", "v2"]), head("v2", DIGEST)],
            Some(|e| matches!(e, Error::Unsupported(text) if text.contains("`v2` is on the same"))),
        ),
        (
            vec![
                no_tags(),
                head("v1", DIGEST),
                listed(&[]).header("Link", "</x?last=v1>; rel=next"),
            ],
            Some(|e| matches!(e, Error::Unsupported(text) if text.contains("more than 100 tags"))),
        ),
        (vec![no_tags(), Exchange::new("HEAD", "/v2/a/app/manifests/v1").answer(404)], None),
        (
            vec![no_tags(), Exchange::new("HEAD", "/v2/a/app/manifests/v1")],
            Some(|e| matches!(e, Error::Unsupported(text) if text.contains("without a digest"))),
        ),
        // Deletes are turned off.
        (
            vec![
                off(),
                head("v1", DIGEST),
                listed(&["v1"]),
                off().at(&format!("/v2/a/app/manifests/{DIGEST}")),
            ],
            Some(|e| matches!(e, Error::Unsupported(text) if text.contains("turned off"))),
        ),
        (vec![page()], Some(|e| !matches!(e, Error::Unsupported(_)))),
    ];
    for (exchanges, wanted) in cases {
        let host = anonymous().exchanges([open()]).exchanges(exchanges).start();
        let outcome = DockerRegistry::delete_tag(host.endpoint(), "a/app", "v1");
        match wanted {
            None => assert_eq!(outcome, Ok(()), "{:?}", host.requests()),
            Some(fits) => {
                let error = outcome.expect_err("refused");
                assert!(fits(&error), "{error:?}");
            }
        }
        host.finish();
    }
}

#[test]
fn an_artifact_goes_by_its_digest() {
    let off = fixtures().get("DELETE", "/v2/a/app/manifests/v1");
    let off = off.at(&format!("/v2/a/app/manifests/{DIGEST}"));
    for (exchange, fits) in [
        (delete(DIGEST).answer(202), (|it| it.is_ok()) as fn(&Result<()>) -> bool),
        (delete(DIGEST).answer(404), |it| it.is_ok()),
        (off, |it| matches!(it, Err(Error::Unsupported(text)) if text.contains("turned off"))),
        (delete(DIGEST).answer(403), |it| matches!(it, Err(Error::Forbidden(_)))),
    ] {
        let host = anonymous().exchanges([open(), exchange]).start();
        let outcome = DockerRegistry::delete_artifact(host.endpoint(), "a/app", DIGEST);
        assert!(fits(&outcome), "{outcome:?}");
    }
    let host = anonymous().start();
    let mixed_up = [
        DockerRegistry::delete_artifact(host.endpoint(), "a/app", "v1"),
        DockerRegistry::delete_tag(host.endpoint(), "a/app", DIGEST),
    ];
    assert!(mixed_up.iter().all(|it| matches!(it, Err(Error::InvalidInput(_)))), "{mixed_up:?}");
}

/// A registry that was started anew, or lost its key, refuses tokens that have not expired.
#[test]
fn a_token_that_is_refused_before_its_time_is_renewed_once() {
    let challenge = |exchange: Exchange| {
        let bearer =
            r#"Bearer realm="https://r.test/token",service="s",scope="registry:catalog:*""#;
        exchange.answer(401).header("WWW-Authenticate", bearer)
    };
    let token = |value: &str| {
        get("https://r.test/token?service=s&scope=registry:catalog:*")
            .json(json!({"token": value, "expires_in": 3600}))
    };
    let listing = |value: &str| {
        get("/v2/_catalog?n=100").expect_header("Authorization", &format!("Bearer {value}"))
    };
    let page = || json!({"repositories": ["a/app"]});
    let host = user()
        .exchanges([challenge(get("/v2/")), token("one"), listing("one").json(page())])
        .exchanges([challenge(listing("one")), token("two"), listing("two").json(page())])
        .exchanges([challenge(listing("two")), token("three"), challenge(listing("three"))])
        .start();
    for _ in 0..2 {
        let names = repositories(&host, &limit(100)).map(|page| page.0);
        assert_eq!(names, Ok(vec!["a/app".to_owned()]), "{:?}", host.requests());
    }
    let refused = repositories(&host, &limit(100)).expect_err("refused for good");
    assert!(matches!(refused, Error::Unauthenticated(_)), "{refused:?}");
    host.finish();
}

/// As docker-registry 2.8 sends them; a deletion as version 3 does, too.
#[test]
fn notifications() {
    let digest = format!("sha256:{}", "1".repeat(64));
    let manifest = "application/vnd.docker.distribution.manifest.v2+json";
    let sent = |action: &str, kind: &str, tag: Option<&str>, digest: Option<&str>| {
        let mut target = json!({"mediaType": kind, "size": 524, "length": 524,
            "repository": "team/app", "url": "http://r.test/v2/team/app/manifests/sha256:1"});
        for (name, value) in [("tag", tag), ("digest", digest)] {
            if let Some(value) = value {
                target[name] = json!(value);
            }
        }
        let event = json!({"id": "6d8e4ab2", "timestamp": "2026-11-22T04:00:00.123456789Z",
            "action": action, "target": target,
            "request": {"id": "9", "addr": "127.0.0.1:1", "host": "r.test", "method": "PUT"},
            "actor": {}, "source": {"addr": "r:5000", "instanceID": "i"}});
        json!({ "events": [event] }).to_string()
    };
    let sha = Some(digest.as_str());
    let blob = "application/octet-stream";
    let index = "application/vnd.oci.image.index.v1+json";
    let cases = [
        (sent("push", manifest, Some("v1"), sha), Some(("pushed", Some("v1"), sha))),
        (sent("push", index, None, sha), Some(("pushed", None, sha))),
        (sent("push", blob, None, sha), None),
        (sent("pull", manifest, Some("v1"), sha), None),
        (sent("mount", blob, None, sha), None),
        (sent("delete", "", None, sha), Some(("deleted", None, sha))),
        (sent("delete", "", Some("v1"), None), Some(("deleted", Some("v1"), None))),
        (sent("delete", "", Some("v1"), sha), Some(("deleted", Some("v1"), None))),
        (sent("delete", "", None, None), None),
        (json!({"events": []}).to_string(), None),
        (json!({"zen": "Keep it logically awesome."}).to_string(), None),
        (json!({"events": [{"action": "push"}, {}]}).to_string(), None),
    ];
    let endpoint = Endpoint::new(BASE);
    for (body, expected) in cases {
        let events = DockerRegistry::parse(&endpoint, &[], body.as_bytes()).unwrap();
        let shown: Vec<_> = events
            .iter()
            .map(|it| (it.kind.as_str(), it.tag.as_deref(), it.digest.as_deref()))
            .collect();
        assert_eq!(shown, expected.into_iter().collect::<Vec<_>>(), "{body}");
        for event in events {
            assert_eq!((&*event.repository, event.at), ("team/app", Some(1_795_320_000)));
            assert_eq!(event.id.as_deref(), Some("6d8e4ab2"));
        }
    }
    for bad in [&b""[..], b"{", b"\xff", b"{\"events\": 1}"] {
        let error = DockerRegistry::parse(&endpoint, &[], bad).unwrap_err();
        assert!(matches!(error, Error::MalformedResponse(_)));
    }
    let [header, url] = DockerRegistry::authentication().try_into().unwrap();
    assert_eq!(header, DeliveryAuth::HeaderToken("Authorization".to_owned()));
    assert_eq!(url, DeliveryAuth::UrlToken);
}
