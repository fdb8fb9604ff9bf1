//! The adapter against a scripted Harbor 1.x.

use portolan_sdk::{
    Adapter, ArtifactFilter, Auth, Endpoint, Error, KeyValue, Labels, Management, Page,
    PageRequest, Repository, RepositoryFilter, Result, Scope,
    testing::{Exchange, Fixtures, Running, ScriptedHost},
};
use serde_json::{Value, json};

use crate::Harbor;

type Fits = fn(&Error) -> bool;

const BASE: &str = "https://vic.example.test";
const USER: &str = "Basic dXNlcjpwYXNz";
const DIGEST: &str = "sha256:1111111111111111111111111111111111111111111111111111111111111111";

fn fixtures() -> Fixtures {
    Fixtures::parse(include_str!("../../fixtures/harbor-v1.jsonl"))
}

fn get(path: &str) -> Exchange {
    Exchange::new("GET", path).expect_header("Authorization", USER)
}

/// A host that has told its version, of an administrator.
fn harbor(version: &str) -> ScriptedHost {
    let info = json!({"auth_mode": "db_auth", "with_admiral": false, "admiral_endpoint": "NA",
        "harbor_version": version});
    let info = Exchange::new("GET", "/api/systeminfo").json(info);
    user().exchanges([fixtures().get("GET", "/api/version"), info])
}

/// vSphere Integrated Containers Registry.
fn vic() -> ScriptedHost {
    let (version, info) = (fixtures().get("GET", "/api/version"), "/api/systeminfo");
    user().exchanges([version, fixtures().get("GET", info).expect_no_header("Authorization")])
}

fn user() -> ScriptedHost {
    ScriptedHost::new(BASE).credentials("user", "pass")
}

mod health {
    use super::*;

    fn current() -> Exchange {
        get("/api/users/current").json(json!({"user_id": 1, "username": "user"}))
    }

    fn challenge() -> Exchange {
        let realm = r#"Bearer realm="https://vic/service/token",service="token-service""#;
        Exchange::new("GET", "/v2/").answer(401).header("WWW-Authenticate", realm)
    }

    fn token(authorization: &str) -> Exchange {
        Exchange::new("GET", "/service/token?service=token-service")
            .expect_header("Authorization", authorization)
            .json(json!({"token": "t", "expires_in": 1800}))
    }

    fn with_token() -> Exchange {
        Exchange::new("GET", "/v2/").expect_header("Authorization", "Bearer t")
    }

    #[test]
    fn users_and_robots_pass() {
        let host = vic().exchanges([current(), challenge(), token(USER), with_token()]).start();
        let health = Harbor::check_health(host.endpoint()).expect("healthy");
        assert_eq!(health.product.as_deref(), Some("Harbor v1.2.0-11-ge5b0eb2"));
        assert!(health.authenticated);
        let projects = health.details.iter().find(|detail| detail.key == "projects");
        let expected = "kept by Admiral https://vic.example.test:8282";
        assert_eq!(projects.map(|detail| detail.value.as_str()), Some(expected));
        host.finish();
        // `robot$ci`, which `/users/current` would refuse.
        let robot = token("Basic cm9ib3QkY2k6cGFzcw==");
        let host = harbor("v1.10.4").credentials("robot$ci", "pass");
        let version = host.exchanges([challenge(), robot, with_token()]);
        let host = version.start();
        assert!(Harbor::check_health(host.endpoint()).expect("healthy").authenticated);
    }

    #[test]
    fn without_credentials_reachable_is_enough() {
        let info = fixtures().get("GET", "/api/systeminfo");
        let host = ScriptedHost::new(BASE)
            .exchanges([fixtures().get("GET", "/api/version"), info, challenge()])
            .start();
        assert!(!Harbor::check_health(host.endpoint()).expect("healthy").authenticated);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let page = |e: Exchange| e.header("Content-Type", "text/html").text("<html>");
        let cases: Vec<(Vec<Exchange>, Fits)> = vec![
            (vec![current().answer(401).text("Unauthorized\n")], |e| {
                matches!(e, Error::Unauthenticated(t)
                    if t.contains("refused the credentials of `user`") && t.contains("check"))
            }),
            (
                vec![current().answer(429).header("Retry-After", "7")],
                |e| matches!(e, Error::RateLimited(l) if l.retry_after_seconds == Some(7)),
            ),
            (
                vec![page(current().answer(502))],
                |e| matches!(e, Error::Upstream(u) if u.retryable && u.message.contains("web page")),
            ),
            (vec![current(), challenge(), token(USER).answer(401)], |e| {
                matches!(e, Error::Unauthenticated(_))
            }),
            (vec![current(), challenge(), token(USER).text("{\"tok")], |e| {
                matches!(e, Error::MalformedResponse(_))
            }),
            (vec![current(), page(challenge().answer(200))], |e| {
                matches!(e, Error::Unauthenticated(_) | Error::MalformedResponse(_))
            }),
            (
                vec![current().fails("denied-by-policy", "a redirect to http://elsewhere")],
                |e| matches!(e, Error::Transport(t) if t.kind == "denied-by-policy"),
            ),
        ];
        for (exchanges, fits) in cases {
            let host = vic().exchanges(exchanges).start();
            let error = Harbor::check_health(host.endpoint()).expect_err("unhealthy");
            assert!(fits(&error), "{error:?}");
        }
    }
}

mod listing {
    use super::*;

    fn projects(page: u32, rows: Value) -> Exchange {
        get(&format!("/api/projects?page={page}&page_size=100")).json(rows)
    }

    fn repositories(id: u32, page: u32, rows: Value) -> Exchange {
        get(&format!("/api/repositories?project_id={id}&page={page}&page_size=100")).json(rows)
    }

    fn list(host: &Running, prefix: Option<&str>, cursor: Option<String>) -> Page<Repository> {
        let filter =
            RepositoryFilter { prefix: prefix.map(str::to_owned), ..RepositoryFilter::all() };
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
            .exchanges([
                recorded,
                Exchange::new("GET", "/api/repositories/team/a/b/tags").json(rows),
            ])
            .start();
        let (all, first) = (ArtifactFilter::all(), PageRequest::first());
        let page = Harbor::list_artifacts(host.endpoint(), "team/app", &all, &first);
        let artifact = page.expect("a page").items.remove(0);
        assert_eq!((artifact.tags, artifact.digest), (vec!["v1".into()], Some(DIGEST.into())));
        let page = artifacts(host.endpoint(), None);
        let shown: Vec<_> = page
            .items
            .iter()
            .map(|it| (&*it.tags[0], it.size, it.pushed, it.labels.len()))
            .collect();
        let expected =
            [("v2", Some(7), Some(60), 1), ("v1", None, None, 0), ("bare", None, None, 0)];
        assert_eq!((shown.as_slice(), page.next), (expected.as_slice(), None));
        assert_eq!(page.items[2].digest, None);
    }

    /// Harbor gives all at once; the host takes no page of any length.
    #[test]
    fn many_tags_are_cut_into_pages() {
        let rows: Vec<Value> =
            (0..12_000).rev().map(|n| json!({"name": format!("t{n:05}")})).collect();
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
            (projects(1, json!(null)).text("[{\"name\""), |e| {
                matches!(e, Error::MalformedResponse(_))
            }),
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
        let labels =
            get("/api/labels?page=1&page_size=100&scope=g").json(json!([{"name": "prod"}]));
        let host = harbor("v1.6.0").exchange(labels).start();
        assert_eq!(list(&host), ["prod"]);
    }
}

mod projects {
    use super::*;

    fn head() -> Exchange {
        fixtures().get("HEAD", "/api/projects").expect_header("Authorization", USER)
    }

    fn create() -> Exchange {
        fixtures().get("POST", "/api/projects").expect_header("Authorization", USER)
    }

    fn prepare(host: ScriptedHost, exchanges: Vec<Exchange>) -> Result<()> {
        let host = host.exchanges(exchanges).start();
        Harbor::prepare_targets(host.endpoint(), &["team/app".to_owned()], &[]).remove(0)
    }

    #[test]
    fn existing_ones_are_taken_and_missing_ones_made() {
        for exchanges in [
            vec![head().answer(200)],
            vec![head(), create()],
            vec![head(), create().answer(409).text("project team already exists")],
            // A robot is shown nothing: the push will tell.
            vec![head().answer(401), create().answer(401)],
            vec![head().answer(403), create().answer(403)],
        ] {
            let shown = format!("{exchanges:?}");
            assert_eq!(prepare(vic(), exchanges), Ok(()), "{shown}");
        }
    }

    #[test]
    fn the_body_is_that_of_the_version() {
        let old = json!({"project_name": "team", "public": 1});
        let both = json!({"project_name": "team", "public": 1, "metadata": {"public": "true"}});
        let new = json!({"project_name": "team", "metadata": {"public": "true"}});
        for (version, body) in [
            ("v1.1.1", &old),
            ("v1.2.0-11-ge5b0eb2", &old),
            ("v1.3.0", &both),
            ("v1.4.0-rc1", &both),
            ("v1.5.0", &new),
            ("v1.10.19-9a6c1a3f", &new),
        ] {
            let created = Exchange::new("POST", "/api/projects").expect_body(body.clone());
            let host = harbor(version).exchanges([head(), created.answer(201)]).start();
            let public = [KeyValue::new("visibility", "public")];
            let results = Harbor::prepare_targets(host.endpoint(), &["team/a".to_owned()], &public);
            assert_eq!(results, [Ok(())], "{version}");
        }
    }

    #[test]
    fn admiral_and_missing_rights_are_told_and_not_tried_again() {
        for status in [400, 401, 403, 404, 412, 500] {
            let refused = create().answer(status).text("projects are managed by admiral");
            let error = prepare(vic(), vec![head(), refused]).expect_err("refused");
            let Error::Forbidden(text) = error else { panic!("{status}: {error:?}") };
            for part in ["(Admiral https://vic.example.test:8282)", "create `team` there", "`user`"]
            {
                assert!(text.contains(part), "{part}: {text}");
            }
        }
        let plain = || harbor("v1.2.2");
        let refused = create().answer(403).text("Only system admin can create project");
        let error = prepare(plain(), vec![head(), refused]).expect_err("refused");
        assert!(matches!(&error, Error::Forbidden(t) if t.contains("ask an administrator")));
        let error = prepare(plain(), vec![head(), create().answer(500)]).expect_err("refused");
        assert!(matches!(&error, Error::Upstream(u) if u.retryable), "{error:?}");
        let error = prepare(plain(), vec![head().answer(503)]).expect_err("refused");
        assert!(matches!(&error, Error::Upstream(u) if u.retryable), "{error:?}");
        let error = prepare(vic(), vec![head(), create().answer(503)]).expect_err("refused");
        assert!(matches!(&error, Error::Upstream(u) if u.retryable), "{error:?}");
    }
}

mod deletes {
    use super::*;

    const TAGS: &str = "/api/repositories/team/app/tags";

    fn tags(rows: Value) -> Exchange {
        get(TAGS).json(rows)
    }

    fn delete(tag: &str) -> Exchange {
        Exchange::new("DELETE", &format!("{TAGS}/{tag}")).expect_header("Authorization", USER)
    }

    fn shared() -> Exchange {
        let other = format!("sha256:{}", "2".repeat(64));
        tags(json!([{"name": "v1", "digest": DIGEST}, {"name": "latest", "digest": DIGEST},
            {"name": "old", "digest": other}]))
    }

    #[test]
    fn a_tag_goes_where_it_is_alone_on_its_manifest() {
        let tag = |name: &str, exchanges: Vec<Exchange>| {
            let host = vic().exchanges(exchanges).start();
            Harbor::delete_tag(host.endpoint(), "team/app", name)
        };
        assert_eq!(tag("old", vec![shared(), delete("old")]), Ok(()));
        assert_eq!(tag("old", vec![shared(), delete("old").answer(404)]), Ok(()));
        assert_eq!(tag("gone", vec![shared()]), Ok(()));
        assert_eq!(tag("v1", vec![tags(json!(null)).answer(404)]), Ok(()));
        let kept = tag("v1", vec![shared()]).expect_err("it is not alone");
        let Error::Unsupported(text) = kept else { panic!("{kept:?}") };
        assert!(text.contains("has `latest` on that of `v1`") && !text.contains("`old`"), "{text}");
        let denied = tag("old", vec![shared(), delete("old").answer(403)]);
        assert!(matches!(denied, Err(Error::Forbidden(_))));
    }

    #[test]
    fn an_artifact_goes_by_one_of_its_tags() {
        let artifact = |digest: &str, exchanges: Vec<Exchange>| {
            let host = vic().exchanges(exchanges).start();
            Harbor::delete_artifact(host.endpoint(), "team/app", digest)
        };
        assert_eq!(artifact(DIGEST, vec![shared(), delete("v1")]), Ok(()));
        let untagged = format!("sha256:{}", "3".repeat(64));
        let ping = || Exchange::new("GET", "/v2/");
        let head = || Exchange::new("HEAD", &format!("/v2/team/app/manifests/{untagged}"));
        let gone = vec![shared(), ping().json(json!({})), head().answer(404)];
        assert_eq!(artifact(&untagged, gone), Ok(()));
        let kept = artifact(&untagged, vec![shared(), ping().json(json!({})), head()]);
        assert!(matches!(kept, Err(Error::Unsupported(t)) if t.contains("garbage collection")));
    }
}

#[test]
fn it_takes_dockers_manifests_alone() {
    let host = vic().start();
    let target = Harbor::locate(host.endpoint(), "team/app").expect("a target");
    let expected = "application/vnd.docker.distribution.manifest.v2+json,\
        application/vnd.docker.distribution.manifest.list.v2+json";
    assert_eq!(target.extra, [KeyValue::new("accepted-manifests", expected)]);
    assert_eq!((target.mount, &*target.upload), (true, "single-put"));
}

/// The second call finds the version and the token in the cache, until they are too old.
#[test]
fn what_was_found_out_is_kept_for_a_while() {
    let realm = r#"Bearer realm="https://vic/service/token",service="token-service""#;
    let ping = Exchange::new("GET", "/v2/").answer(401).header("WWW-Authenticate", realm);
    let token = |value: &str| {
        get("/service/token?service=token-service&scope=repository:team/app:pull")
            .json(json!({"token": value, "expires_in": 1800}))
    };
    let host = vic().exchanges([ping.clone(), token("one"), ping, token("two")]).start();
    let grant = || Harbor::authorize(host.endpoint(), &[Scope::pull("team/app")], None);
    for _ in 0..2 {
        assert!(Harbor::locate(host.endpoint(), "team/app").is_ok());
        assert_eq!(grant().map(|it| it.auth), Ok(Auth::Bearer("one".to_owned())));
    }
    host.advance(1_790);
    assert_eq!(grant().map(|it| it.auth), Ok(Auth::Bearer("two".to_owned())));
}
