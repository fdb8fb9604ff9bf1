//! Image names, by the management API and by walking.

use portolan_sdk::testing::Running;

use super::*;

const US: &str = "/projects/proj/locations/us/repositories";

fn page(host: &Running, cursor: Option<String>, limit: u32) -> Result<Page<Repository>> {
    let page = PageRequest { cursor, limit };
    GoogleGcr::list_repositories(host.endpoint(), &RepositoryFilter::all(), &page)
}

/// The names of each page, to the end.
fn pages(host: &Running, limit: u32) -> Vec<Vec<String>> {
    let (mut all, mut cursor) = (Vec::new(), None);
    loop {
        let page = page(host, cursor, limit).expect("a page");
        all.push(page.items.into_iter().map(|it| it.name).collect());
        cursor = page.next;
        assert!(all.len() < 50 && cursor.as_ref().is_none_or(|it| it.len() < 4096));
        if cursor.is_none() {
            return all;
        }
    }
}

fn shelf(name: &str, format: &str, mode: &str) -> Value {
    json!({"name": format!("projects/proj/locations/us/repositories/{name}"),
        "format": format, "mode": mode})
}

fn packages(shelf: &str, token: &str, names: &[&str], next: &str) -> Exchange {
    let token = if token.is_empty() { String::new() } else { format!("&pageToken={token}") };
    let package = |name: &&str| {
        json!({"name": format!("projects/proj/locations/us/repositories/{shelf}/packages/{name}"),
            "createTime": "1970-01-01T00:01:00Z", "updateTime": "1970-01-01T00:02:00.5Z"})
    };
    let rows: Vec<Value> = names.iter().map(package).collect();
    api("GET", &format!("{US}/{shelf}/packages?pageSize=1000{token}"))
        .json(json!({"packages": rows, "nextPageToken": next}))
}

#[test]
fn artifact_registry_is_listed_page_by_page() {
    let first = json!({"nextPageToken": "r2", "repositories": [shelf("maven", "MAVEN", ""),
        shelf("a", "DOCKER", "STANDARD_REPOSITORY"), shelf("v", "DOCKER", "VIRTUAL_REPOSITORY"),
        shelf("gone", "DOCKER", "STANDARD_REPOSITORY")]});
    let second = json!({"repositories": [shelf("b", "DOCKER", "REMOTE_REPOSITORY")]});
    let host = key_file(PKG)
        .exchanges([
            access_token(),
            api("GET", &format!("{US}?pageSize=1000")).json(first),
            packages("a", "", &["app", "deep%2Fer"], "p=2"),
            packages("a", "p%3D2", &["last"], ""),
            packages("gone", "", &[], "").answer(404),
            api("GET", &format!("{US}?pageSize=1000&pageToken=r2")).json(second),
            packages("b", "", &[], "again"),
            packages("b", "again", &["x"], ""),
        ])
        .start();
    let expected: [&[&str]; 3] =
        [&["proj/a/app", "proj/a/deep/er"], &["proj/a/last"], &["proj/b/x"]];
    assert_eq!(pages(&host, 1), expected);
}

/// Only a repository that was never there is empty; a listing that breaks off is no whole one.
#[test]
fn a_repository_that_goes_between_two_pages_is_an_error() {
    let shelves = json!({"repositories": [shelf("a", "DOCKER", "STANDARD_REPOSITORY")]});
    let host = key_file(PKG)
        .exchanges([
            access_token(),
            api("GET", &format!("{US}?pageSize=1000")).json(shelves),
            packages("a", "", &["app"], "p2"),
            packages("a", "p2", &[], "").answer(404),
        ])
        .start();
    let first = page(&host, None, 1).expect("a page");
    let broken = page(&host, first.next, 1);
    assert!(matches!(broken, Err(Error::NotFound(_))), "{broken:?}");
}

#[test]
fn what_is_told_of_a_name_is_kept() {
    let host =
        key_file(GCR).exchanges([access_token(), packages("gcr.io", "", &["app"], "")]).start();
    let listed = page(&host, None, 100).expect("a page");
    let expected =
        Repository { created: Some(60), updated: Some(120), ..Repository::new("proj/app") };
    assert_eq!((listed.items, listed.next), (vec![expected], None));
}

#[test]
fn several_projects_are_listed_one_after_the_other() {
    let other = "/projects/example.com%3Ateam/locations/europe/repositories/eu.gcr.io/packages";
    let own = US.replace("/us/", "/europe/");
    let none = own.replace("/proj/", "/none/");
    let rows = json!({"packages": [{"name": "x/packages/app"}]});
    let host = key_file("https://eu.gcr.io")
        .settings(&json!({"projects": ["example.com:team", "none"]}))
        .exchanges([
            access_token(),
            api("GET", &format!("{own}/eu.gcr.io/packages?pageSize=1000")).json(rows.clone()),
            api("GET", &format!("{other}?pageSize=1000")).json(rows),
            api("GET", &format!("{none}/eu.gcr.io/packages?pageSize=1000")).answer(404),
        ])
        .start();
    let expected: [&[&str]; 3] = [&["proj/app"], &["example.com/team/app"], &[]];
    assert_eq!(pages(&host, 1), expected);
}

#[test]
fn the_api_says_what_is_wrong() {
    let list = || api("GET", &format!("{US}?pageSize=1000"));
    let same = json!({"repositories": [], "nextPageToken": "r"});
    let denied = "Permission 'artifactregistry.repositories.list' denied";
    let moved = list().header("Content-Type", "text/html").text("<html>");
    let cases: Vec<(Vec<Exchange>, Fits)> = vec![
        (vec![fault(list(), 403, "PERMISSION_DENIED", denied)], |e| {
            matches!(e, Error::Forbidden(text) if text.contains("PERMISSION_DENIED: Permission '")
                && text.contains("Artifact Registry Reader"))
        }),
        (vec![fault(list(), 429, "RESOURCE_EXHAUSTED", "Quota").header("Retry-After", "5")], |e| {
            matches!(e, Error::RateLimited(limit) if limit.retry_after_seconds == Some(5)
                && limit.message.contains("RESOURCE_EXHAUSTED"))
        }),
        (
            vec![fault(list(), 503, "UNAVAILABLE", "Later")],
            |e| matches!(e, Error::Upstream(e) if e.retryable && e.code.as_deref() == Some("UNAVAILABLE")),
        ),
        (vec![list().answer(500).text("<html>")], |e| matches!(e, Error::Upstream(_))),
        (
            vec![moved.answered_by("https://sso.test/")],
            |e| matches!(e, Error::MalformedResponse(text) if text.contains("https://sso.test/")),
        ),
        (vec![list().answer(302)], |e| matches!(e, Error::MalformedResponse(_))),
        (vec![list().text(r#"{"repositories":[{"na"#)], |e| {
            matches!(e, Error::MalformedResponse(_))
        }),
        (vec![list().fails("connect", "refused")], |e| matches!(e, Error::Transport(_))),
        (
            vec![
                list().json(same.clone()),
                list().at(&format!("{API}{US}?pageSize=1000&pageToken=r")).json(same),
            ],
            |e| matches!(e, Error::MalformedResponse(text) if text.contains("again and again")),
        ),
        // A token that was revoked, and then a key.
        (vec![list().answer(401), access_token(), list().answer(401)], |e| {
            matches!(e, Error::Unauthenticated(_))
        }),
    ];
    for (exchanges, fits) in cases {
        let host = key_file(PKG).exchange(access_token()).exchanges(exchanges).start();
        let error = page(&host, None, 100).expect_err("an error");
        assert!(fits(&error), "{error:?}");
    }
    let refused = fixtures().get("POST", google::TOKEN_URL);
    let host = key_file(PKG).exchange(refused).start();
    let error = page(&host, None, 100).expect_err("an error");
    assert!(matches!(&error, Error::Unauthenticated(text)
        if text.contains("Invalid JWT Signature.") && text.contains("make a new key")));
}

#[test]
fn without_a_key_file_somebody_must_say_where_to_look() {
    for (host, expected) in [
        (login(PKG), "lists its repositories only to a service account"),
        (login(GCR), "the endpoint's setting `projects`"),
        (ScriptedHost::new("https://mirror.gcr.io"), "the repositories in the rule"),
    ] {
        let host = host.start();
        let error = page(&host, None, 100).expect_err("unknown");
        assert!(matches!(&error, Error::Unsupported(text) if text.contains(expected)), "{error:?}");
    }
}

mod walking {
    use super::*;

    /// An endpoint that cannot use the management API.
    fn walker() -> ScriptedHost {
        login(GCR).settings(&json!({"projects": ["proj"]})).any_order().exchange(challenge(GCR))
    }

    fn scopes(names: &[&str]) -> Exchange {
        let scopes: Vec<String> =
            names.iter().map(|name| format!("repository:{name}:pull")).collect();
        token(GCR, &scopes.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn list(name: &str) -> Exchange {
        get(&format!("{GCR}/v2/{name}/tags/list?n=1000"))
    }

    fn node(name: &str, children: &[&str], tags: &[&str]) -> Exchange {
        list(name).json(json!({"child": children, "tags": tags, "manifest": {}, "name": name}))
    }

    /// What the recorded project holds: `proj/app` with `web` and `api` below it, and `proj/base`.
    fn root() -> Exchange {
        let root = fixtures().get("GET", "https://gcr.io/v2/proj/tags/list");
        root.at(&format!("{GCR}/v2/proj/tags/list?n=1000"))
    }

    fn app() -> Exchange {
        node("proj/app", &["web", "api"], &["v1"])
    }

    fn base() -> Exchange {
        list("proj/base").json(json!({"manifest": {"sha256:a": {}}}))
    }

    const PAGES: [&[&str]; 4] = [&["proj/app"], &["proj/app/api"], &["proj/base"], &[]];

    #[test]
    fn a_project_is_walked_over_several_pages_and_nothing_is_asked_twice() {
        let host = walker()
            .exchanges([
                scopes(&["proj"]),
                root(),
                scopes(&["proj/app", "proj/base"]),
                app(),
                base(),
                scopes(&["proj/app/api", "proj/app/web"]),
                node("proj/app/api", &[], &["v1"]),
                node("proj/app/web", &[], &[]),
            ])
            .start();
        assert_eq!(pages(&host, 1), PAGES);
    }

    #[test]
    fn where_nothing_is_kept_the_lists_above_are_read_again() {
        let host = walker()
            .exchanges([
                scopes(&["proj"]),
                root(),
                scopes(&["proj/app", "proj/base"]),
                app(),
                base(),
                // The second page: behind `proj/app`, where `web` and `api` are.
                scopes(&["proj", "proj/app"]),
                root(),
                app(),
                scopes(&["proj/app/api", "proj/app/web"]),
                node("proj/app/api", &[], &["v1"]),
                node("proj/app/web", &[], &[]),
                // The third: behind `proj/app/api`.
                scopes(&["proj", "proj/app", "proj/app/api"]),
                root(),
                app(),
                node("proj/app/api", &[], &["v1"]),
                scopes(&["proj/app/web"]),
                node("proj/app/web", &[], &[]),
                scopes(&["proj/base"]),
                base(),
                // The last finds nothing more.
                scopes(&["proj", "proj/base"]),
                root(),
                base(),
            ])
            .start();
        let (mut all, mut cursor) = (Vec::new(), None);
        loop {
            let page = page(&host, cursor, 1).expect("a page");
            all.push(page.items.into_iter().map(|it| it.name).collect::<Vec<_>>());
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
            host.advance(61);
        }
        assert_eq!(all, PAGES);
    }

    #[test]
    fn lists_of_children_are_paged_and_gone_names_hold_nothing() {
        let link = |last: &str| format!("</v2/proj/tags/list?last={last}>; rel=\"next\"");
        let more = |last: &str| get(&format!("{GCR}/v2/proj/tags/list?last={last}"));
        let unknown = json!({"errors": [{"code": "NAME_UNKNOWN"}]});
        let host = walker()
            .exchanges([
                scopes(&["proj"]),
                list("proj").header("Link", &link("a")).json(json!({"child": ["a", "", "x/y"]})),
                more("a").header("Link", &link("b")).json(json!({"child": ["b", "a"]})),
                more("b").json(json!({"child": ["c"]})),
                scopes(&["proj/a", "proj/b", "proj/c"]),
                node("proj/a", &[], &["v1"]),
                list("proj/b").answer(404).json(unknown),
                // A service that gives one scope at a time.
                list("proj/c").answer(401),
                scopes(&["proj/c"]),
                node("proj/c", &[], &["v1"]).expect_header("Authorization", "Bearer t"),
            ])
            .start();
        assert_eq!(pages(&host, 100), [["proj/a", "proj/c"]]);
    }

    #[test]
    fn names_that_grow_for_ever_come_to_an_end() {
        let component = "x".repeat(100);
        let (one, two) = (format!("proj/{component}"), format!("proj/{component}/{component}"));
        let host = walker()
            .exchanges([
                scopes(&["proj"]),
                node("proj", &[&component], &[]),
                scopes(&[&one]),
                node(&one, &[&component], &["v1"]),
                scopes(&[&two]),
                node(&two, &[&component], &["v1"]),
            ])
            .start();
        assert_eq!(pages(&host, 100), [[one, two]]);
        host.finish();
        let round = || {
            let link = "</v2/proj/tags/list?last=a>; rel=\"next\"";
            list("proj").header("Link", link).json(json!({"child": ["a"]}))
        };
        let again = round().at(&format!("{GCR}/v2/proj/tags/list?last=a"));
        let host = walker().exchanges([scopes(&["proj"]), round(), again]).start();
        let error = page(&host, None, 100).expect_err("endless");
        assert!(matches!(error, Error::MalformedResponse(text) if text.contains("without an end")));
    }

    #[test]
    fn a_call_asks_for_so_many_names_and_no_more() {
        let names: Vec<String> = (0..250).map(|number| format!("n{number:03}")).collect();
        let all: Vec<&str> = names.iter().map(String::as_str).collect();
        let node = |name: &str, children: &[&str]| {
            let body = json!({"child": children, "tags": ["v1"]});
            get(&format!("/v2/{name}/tags/list?n=1000")).json(body)
        };
        let open = get("/v2/").json(json!({}));
        // Each is asked for once, also what a call had asked for and not met when it ended.
        let asked = names.iter().map(|name| node(&format!("proj/{name}"), &[]));
        let host = ScriptedHost::new("https://mirror.gcr.io")
            .settings(&json!({"projects": ["proj"]}))
            .any_order()
            .exchange(open)
            .exchange(node("proj", &all))
            .exchanges(asked)
            .start();
        let pages = pages(&host, 1000);
        let sizes: Vec<usize> = pages.iter().map(Vec::len).collect();
        assert!(sizes.len() == 3 && sizes.iter().all(|size| *size <= 100), "{sizes:?}");
        let expected: Vec<String> = names.iter().map(|name| format!("proj/{name}")).collect();
        assert_eq!(pages.concat(), expected);
    }

    #[test]
    fn it_takes_the_place_of_an_api_that_is_closed() {
        let denied = packages("gcr.io", "", &[], "");
        let denied = fault(denied, 403, "PERMISSION_DENIED", "SERVICE_DISABLED");
        let host = key_file(GCR)
            .exchanges([
                access_token(),
                denied,
                challenge(GCR),
                scopes(&["proj"]),
                node("proj", &["app"], &[]),
                scopes(&["proj/app"]),
                node("proj/app", &[], &["v1"]),
            ])
            .start();
        assert_eq!(pages(&host, 100), [["proj/app"]]);
        assert!(host.logs()[0].contains("walking the registry instead"));
        host.finish();
        // One that is only busy is asked again by the host.
        let busy = packages("gcr.io", "", &[], "").answer(429);
        let host = key_file(GCR).exchanges([access_token(), busy]).start();
        assert!(matches!(page(&host, None, 100), Err(Error::RateLimited(_))));
    }
}
