//! The adapter against a scripted Harbor.

use portolan_sdk::{
    Auth, UpstreamError,
    testing::{Exchange, Fixtures, Running, ScriptedHost},
};
use serde_json::{Value, json};

use super::*;

/// Whether an error is the expected one.
type Fits = fn(&Error) -> bool;

const BASE: &str = "https://reg.example.test";
const USER: &str = "Basic dXNlcjpwYXNz";

fn fixtures() -> Fixtures {
    Fixtures::parse(include_str!("../fixtures/harbor.jsonl"))
}

fn user() -> ScriptedHost {
    ScriptedHost::new(BASE).credentials("user", "pass")
}

/// A host that has told its version.
fn harbor() -> ScriptedHost {
    user().exchange(fixtures().get("GET", "/api/version").expect_header("Authorization", USER))
}

fn get(path: &str) -> Exchange {
    Exchange::new("GET", path).expect_header("Authorization", USER)
}

fn denied(exchange: Exchange, status: u16) -> Exchange {
    exchange.answer(status).json(json!({"errors": [{"code": "FORBIDDEN", "message": "forbidden"}]}))
}

fn names<T>(page: &Page<T>, name: impl Fn(&T) -> &str) -> Vec<String> {
    page.items.iter().map(|item| name(item).to_owned()).collect()
}

#[test]
fn describes_itself_without_a_host() {
    let info = Harbor::describe();
    assert_eq!((&*info.provider, &*info.display_name), ("harbor", "Harbor"));
    assert_eq!((info.min_components, info.max_components), (2, None));
    assert_eq!(info.resources, ["image", "artifact"]);
    let told = ["supported_copy_by_chunk", "copies_visibility"];
    assert_eq!(info.extra, told.map(|name| KeyValue::new(name, "true")));
    assert!(info.accepted_manifests.is_empty() && info.hint.contains("recorded"));
}

mod health {
    use super::*;

    fn ping() -> Exchange {
        fixtures().get("GET", "/v2/").expect_no_header("Authorization")
    }

    fn token() -> Exchange {
        get("/service/token?service=harbor-registry").json(json!({"token": "t"}))
    }

    fn with_token() -> Exchange {
        Exchange::new("GET", "/v2/").expect_header("Authorization", "Bearer t")
    }

    fn info() -> Exchange {
        get("/api/v2.0/systeminfo").json(json!({"harbor_version": "v2.9.1"}))
    }

    fn account(host: &Running) -> (String, bool, Option<String>) {
        let health = Harbor::check_health(host.endpoint()).expect("healthy");
        let account = health.details.iter().find(|d| d.key == "account");
        let account = account.map(|d| d.value.clone()).unwrap_or_default();
        (account, health.authenticated, health.product)
    }

    #[test]
    fn users_and_robots_pass() {
        for (status, expected) in [(200, "user"), (401, "robot"), (403, "robot"), (412, "robot")] {
            let current = get("/api/v2.0/users/current").answer(status);
            let host = harbor().exchanges([ping(), token(), with_token(), info(), current]).start();
            let (account, authenticated, product) = account(&host);
            assert!(account.starts_with(expected), "{status}: {account}");
            assert_eq!((authenticated, product.as_deref()), (true, Some("Harbor v2.9.1")));
        }
    }

    #[test]
    fn without_credentials_reachable_is_enough() {
        let quiet = |path: &str| Exchange::new("GET", path).expect_no_header("Authorization");
        let host = ScriptedHost::new(BASE)
            .exchanges([
                fixtures().get("GET", "/api/version"),
                ping(),
                quiet("/api/v2.0/systeminfo").json(json!({})),
            ])
            .start();
        assert_eq!(account(&host), (String::new(), false, Some("Harbor 2.x".to_owned())));
    }

    #[test]
    fn a_wrong_password_is_named() {
        let wrong = fixtures().variant("GET", "/service/token", 1);
        let host = ScriptedHost::new(BASE)
            .credentials("user", "bad")
            .exchanges([fixtures().get("GET", "/api/version"), ping(), wrong])
            .start();
        let error = Harbor::check_health(host.endpoint()).expect_err("unhealthy");
        assert!(matches!(&error, Error::Unauthenticated(t) if t.contains("`user`")), "{error:?}");
    }

    #[test]
    fn other_servers_are_told_apart() {
        let version = || get("/api/version");
        let no_info = || Exchange::new("GET", "/api/systeminfo").answer(404);
        let page = |e: Exchange| e.header("Content-Type", "text/html").text("<html>");
        let cases: Vec<(Vec<Exchange>, Fits)> = vec![
            (
                vec![page(version()), page(no_info().answer(200))],
                |e| matches!(e, Error::MalformedResponse(t) if t.contains("is not a Harbor")),
            ),
            (
                vec![version().answer(404), no_info()],
                |e| matches!(e, Error::MalformedResponse(t) if t.contains("is not a Harbor")),
            ),
            (
                vec![version().answer(302)],
                |e| matches!(e, Error::MalformedResponse(t) if t.contains("is not a Harbor")),
            ),
            (
                vec![version().answer(404), no_info().answer(200).json(json!({"ok": true}))],
                |e| matches!(e, Error::MalformedResponse(t) if t.contains("is not a Harbor")),
            ),
            (vec![version().text("{\"vers"), no_info()], |e| {
                matches!(e, Error::MalformedResponse(_))
            }),
            (vec![version().answer(503)], |e| matches!(e, Error::Upstream(u) if u.retryable)),
            (vec![version().answer(404), no_info().answer(503)], |e| {
                matches!(e, Error::Upstream(UpstreamError { status: 503, .. }))
            }),
            (vec![version().answer(429)], |e| matches!(e, Error::RateLimited(_))),
            (vec![version().fails("connect", "refused")], |e| matches!(e, Error::Transport(_))),
        ];
        for (exchanges, fits) in cases {
            let host = user().exchanges(exchanges).start();
            let error = Harbor::check_health(host.endpoint()).expect_err("unhealthy");
            assert!(fits(&error), "{error:?}");
        }
    }
}

mod listing {
    use super::*;

    fn projects(page: u32) -> Exchange {
        get(&format!("/api/v2.0/projects?page={page}&page_size=100"))
    }

    fn repositories(project: &str, page: u32, rows: Value) -> Exchange {
        let path = format!("/api/v2.0/projects/{project}/repositories?page={page}&page_size=100");
        get(&path).json(rows)
    }

    fn list(host: &Running, prefix: Option<&str>, cursor: Option<String>) -> Page<Repository> {
        let filter =
            RepositoryFilter { prefix: prefix.map(str::to_owned), ..RepositoryFilter::all() };
        let page = PageRequest { cursor, limit: 2 };
        Harbor::list_repositories(host.endpoint(), &filter, &page).expect("a page")
    }

    /// Follows the cursors to the end.
    fn walk(host: &Running, prefix: Option<&str>) -> Vec<Vec<String>> {
        let mut pages = Vec::new();
        let mut cursor = None;
        loop {
            let page = list(host, prefix, cursor);
            pages.push(names(&page, |repository| &repository.name));
            cursor = page.next.clone();
            if cursor.is_none() {
                return pages;
            }
        }
    }

    #[test]
    fn every_project_page_by_page() {
        let more = "</api/v2.0/projects?page=2&page_size=100>; rel=\"next\"";
        let first = fixtures()
            .get("GET", "/api/v2.0/projects")
            .at("/api/v2.0/projects?page=1&page_size=100");
        let host = harbor()
            .exchanges([
                first,
                repositories("library", 1, json!([{"name": "library/a"}, {"name": "library/b"}]))
                    .header("X-Total-Count", "101")
                    .header("Link", "</x?page=2>; rel=\"next\""),
                repositories("library", 2, json!([{"name": "library/c"}]))
                    .header("X-Total-Count", "101"),
                repositories("team", 1, json!([{"name": "team/app"}])),
                projects(2).header("Link", more).json(json!([{"name": "none", "repo_count": 0}])),
                projects(3).json(json!([{"name": "gone"}, {"name": "z"}])),
                repositories("gone", 1, json!(null)).answer(404),
                repositories("z", 1, json!(null)),
            ])
            .start();
        let pages = walk(&host, None);
        assert_eq!(pages, [vec!["library/a", "library/b"], vec!["library/c", "team/app"], vec![]]);
    }

    #[test]
    fn a_prefix_spares_requests() {
        let inside = || repositories("team", 1, json!([{"name": "team/app"}]));
        let named = || get("/api/v2.0/projects?page=1&page_size=100&name=team");
        let public = json!([{"name": "steam"}, {"name": "team", "metadata": {"public": "true"}}]);
        for (project, private) in [
            (named().json(public), Some(false)),
            // What an account of one project is told.
            (named().json(json!([])), None),
            (named().answer(403), None),
        ] {
            let host = harbor().exchanges([project, inside()]).start();
            let page = list(&host, Some("team/"), None);
            assert_eq!((page.items[0].private, page.next), (private, None));
            assert_eq!(page.items[0].name, "team/app");
            host.finish();
        }
        let two = projects(1).json(json!([{"name": "library"}, {"name": "team"}]));
        let host = harbor()
            .exchanges([two, repositories("team", 1, json!([{"name": "team/app"}]))])
            .start();
        assert_eq!(walk(&host, Some("te")), [vec!["team/app"]]);
    }

    #[test]
    fn empty_projects_do_not_make_a_call_endless() {
        let rows: Vec<Value> = (0..25).map(|i| json!({"name": format!("p{i:02}")})).collect();
        let empty = (0..25).map(|i| repositories(&format!("p{i:02}"), 1, json!([])));
        let host = harbor().exchange(projects(1).json(json!(rows))).exchanges(empty).start();
        let first = list(&host, None, None);
        assert!(first.items.is_empty() && host.requests().len() == 22);
        assert_eq!(list(&host, None, first.next), Page::empty());
    }

    #[test]
    fn repositories_carry_what_harbor_tells() {
        let row = json!({"name": "p/a", "description": "", "artifact_count": 3,
            "creation_time": "1970-01-01T00:01:00.000Z", "update_time": "0001-01-01T00:00:00Z"});
        let project = json!([{"name": "p", "metadata": {"public": "true"}}]);
        let host = harbor()
            .exchanges([projects(1).json(project), repositories("p", 1, json!([row]))])
            .start();
        let expected = Repository {
            created: Some(60),
            artifact_count: Some(3),
            private: Some(false),
            ..Repository::new("p/a")
        };
        assert_eq!(list(&host, None, None).items, [expected]);
    }

    #[test]
    fn artifacts_with_digests_tags_and_labels() {
        let path = "/api/v2.0/projects/team/repositories/a%252Fb/artifacts?page=1&page_size=100&with_tag=true&with_label=true&with_accessory=true";
        let host = harbor()
            .exchange(fixtures().get("GET", "/api/v2.0/projects/team/repositories").at(path))
            .start();
        let (filter, page) = (ArtifactFilter::all(), PageRequest::first());
        let listed = Harbor::list_artifacts(host.endpoint(), "team/a/b", &filter, &page);
        let artifact = listed.expect("a page").items.remove(0);
        assert_eq!(artifact.digest, Some(format!("sha256:{}", "1".repeat(64))));
        assert_eq!((artifact.tags, artifact.labels), (vec!["v1".into()], vec!["prod".into()]));
        let image = "application/vnd.oci.image.manifest.v1+json";
        assert_eq!((artifact.media_type.as_deref(), artifact.size), (Some(image), Some(1024)));
    }

    #[test]
    fn artifacts_are_paged_and_untagged_ones_kept() {
        let page = |number: u32| {
            get(&format!("/api/v2.0/projects/p/repositories/r/artifacts?page={number}&page_size=1&with_tag=true&with_label=true&with_accessory=true"))
                .header("X-Total-Count", "2")
        };
        let index = json!([{"digest": "sha256:a", "tags": null, "labels": null,
            "push_time": "1970-01-01T00:00:09Z",
            "references": [{"platform": {"os": "linux", "architecture": "arm", "variant": "v7"}},
                {"platform": {"os": "linux", "architecture": "amd64", "variant": ""}}, {}]}]);
        let host = harbor()
            .exchanges([page(1).json(index), page(2).json(json!([{"digest": "sha256:b"}]))])
            .start();
        let list = |cursor| {
            let at = PageRequest { cursor, limit: 1 };
            Harbor::list_artifacts(host.endpoint(), "p/r", &ArtifactFilter::all(), &at)
                .expect("a page")
        };
        let first = list(None);
        assert_eq!(first.items[0].platforms, ["linux/arm/v7", "linux/amd64"]);
        assert_eq!((first.items[0].tags.len(), first.items[0].pushed), (0, Some(9)));
        let second = list(first.next);
        assert_eq!(names(&second, |a| a.digest.as_deref().unwrap_or_default()), ["sha256:b"]);
        assert_eq!(second.next, None);
    }

    /// A signature with a tag, an SBOM without, and the SBOM's own signature.
    #[test]
    fn accessories_are_listed_with_their_subject_and_its_labels() {
        let path = "/api/v2.0/projects/p/repositories/r/artifacts";
        let query = "page=1&page_size=100&with_tag=true&with_label=true&with_accessory=true";
        let list = json!([
            {"digest": "sha256:a", "tags": [{"name": "v1"}], "labels": [{"name": "prod"}],
                "accessories": [{"digest": "sha256:s", "type": "signature.cosign"},
                    {"digest": "sha256:b", "type": "sbom.harbor"},
                    {"digest": "sha256:gone"}, {"digest": "../../../../x"}]},
            {"digest": "sha256:z", "tags": [{"name": "v2"}], "accessories": null},
        ]);
        let one = |digest: &str, row: Value| {
            let address = format!("{path}/sha256:{digest}?with_tag=true&with_accessory=true");
            get(&address).json(row)
        };
        let host = harbor()
            .exchanges([
                get(&format!("{path}?{query}")).json(list),
                one("s", json!({"digest": "sha256:s", "tags": [{"name": "sha256-a.sig"}]})),
                one(
                    "b",
                    json!({"digest": "sha256:b", "artifact_type": "application/spdx+json",
                    "tags": null, "accessories": [{"digest": "sha256:n"}]}),
                ),
                one("n", json!({"digest": "sha256:n", "accessories": []})),
                one("gone", json!({})).answer(404),
            ])
            .start();
        let (all, first) = (ArtifactFilter::all(), PageRequest::first());
        let page = Harbor::list_artifacts(host.endpoint(), "p/r", &all, &first).expect("a page");
        let shown: Vec<String> = page
            .items
            .iter()
            .map(|it| {
                let (digest, subject) = (it.digest.as_deref(), it.subject.as_deref());
                let (tags, labels) = (it.tags.join(","), it.labels.join(","));
                format!("{} {} [{tags}] [{labels}]", digest.unwrap(), subject.unwrap_or("-"))
            })
            .collect();
        let expected = [
            "sha256:a - [v1] [prod]",
            "sha256:z - [v2] []",
            "sha256:s sha256:a [sha256-a.sig] [prod]",
            "sha256:b sha256:a [] [prod]",
            "sha256:n sha256:b [] [prod]",
        ];
        assert_eq!((shown, page.next), (expected.map(str::to_owned).to_vec(), None));
        assert_eq!(page.items[3].artifact_type.as_deref(), Some("application/spdx+json"));
    }

    #[test]
    fn many_accessories_take_several_calls() {
        let path = "/api/v2.0/projects/p/repositories/r/artifacts";
        let query = "page=1&page_size=100&with_tag=true&with_label=true&with_accessory=true";
        let many: Vec<Value> = (0..20).map(|n| json!({"digest": format!("sha256:{n}")})).collect();
        let list = || {
            let row = json!([{"digest": "sha256:a", "accessories": many}]);
            get(&format!("{path}?{query}")).header("X-Total-Count", "1").json(row)
        };
        let one = |n: usize, row: Value| {
            get(&format!("{path}/sha256:{n}?with_tag=true&with_accessory=true")).json(row)
        };
        let found = |n: usize| one(n, json!({"digest": format!("sha256:{n}")}));
        let page = |host: &Running, cursor| {
            let at = PageRequest { cursor, limit: 100 };
            Harbor::list_artifacts(host.endpoint(), "p/r", &ArtifactFilter::all(), &at)
        };
        let host = harbor().exchange(list()).exchanges((0..16).map(found)).exchange(list());
        let host = host.exchanges((16..20).map(found)).start();
        let first = page(&host, None).expect("a page");
        let second = page(&host, first.next).expect("a page");
        assert_eq!((first.items.len(), second.items.len(), second.next), (17, 4, None));
        host.finish();
    }

    /// Siblings are no circle, what comes back to itself is one, and what is not shown is given as
    /// the list tells of it.
    #[test]
    fn accessories_of_accessories_end() {
        let path = "/api/v2.0/projects/p/repositories/r/artifacts";
        let query = "page=1&page_size=100&with_tag=true&with_label=true&with_accessory=true";
        let row = |digest: &str, attached: &[String]| {
            let attached: Vec<_> = attached.iter().map(|it| json!({"digest": it})).collect();
            json!({"digest": digest, "accessories": attached})
        };
        let one = |digest: &str| get(&format!("{path}/{digest}?with_tag=true&with_accessory=true"));
        let list = |exchanges: Vec<Exchange>| {
            let first = json!([row("sha256:a", &["sha256:1".to_owned()])]);
            let host = harbor().exchange(get(&format!("{path}?{query}")).json(first));
            let host = host.exchanges(exchanges).start();
            let (all, at) = (ArtifactFilter::all(), PageRequest::first());
            let page = Harbor::list_artifacts(host.endpoint(), "p/r", &all, &at).expect("a page");
            host.finish();
            page.items.len()
        };
        let circle = ["sha256:1".to_owned(), "sha256:2".to_owned(), "sha256:a".to_owned()];
        let to_itself = one("sha256:1").json(row("sha256:1", &circle));
        let back = one("sha256:2").json(row("sha256:2", &circle));
        assert_eq!(list(vec![to_itself, back]), 3);
        let siblings: Vec<_> = (100..300).map(|n| format!("sha256:{n}")).collect();
        let many = one("sha256:1").json(row("sha256:1", &siblings));
        let asked = siblings.iter().rev().take(31).map(|it| one(it).json(row(it, &[])));
        assert_eq!(list(std::iter::once(many).chain(asked).collect()), 202);
        assert_eq!(list(vec![denied(one("sha256:1"), 403)]), 2);
        assert_eq!(list(vec![one("sha256:1").answer(404)]), 1);
    }

    #[test]
    fn errors_keep_their_kind() {
        let cases: Vec<(Exchange, Fits)> = vec![
            (projects(1).answer(401), |e| matches!(e, Error::Unauthenticated(_))),
            (denied(projects(1), 403), |e| matches!(e, Error::Forbidden(_))),
            (projects(1).answer(429), |e| matches!(e, Error::RateLimited(_))),
            (projects(1).answer(500), |e| matches!(e, Error::Upstream(u) if u.retryable)),
            (projects(1).text("[{\"name\":"), |e| matches!(e, Error::MalformedResponse(_))),
            (projects(1).text("<html>"), |e| matches!(e, Error::MalformedResponse(_))),
        ];
        for (exchange, fits) in cases {
            let host = harbor().exchange(exchange).start();
            let (filter, page) = (RepositoryFilter::all(), PageRequest::first());
            let error =
                Harbor::list_repositories(host.endpoint(), &filter, &page).expect_err("an error");
            assert!(fits(&error), "{error:?}");
        }
        let host = ScriptedHost::new(BASE).start();
        let short = Harbor::locate(host.endpoint(), "alone").expect_err("no project");
        assert!(matches!(short, Error::InvalidInput(_)));
    }
}

mod projects {
    use super::*;

    fn found(rows: Value) -> Exchange {
        get("/api/v2.0/projects?page=1&page_size=100&name=team").json(rows)
    }

    fn create() -> Exchange {
        fixtures().get("POST", "/api/v2.0/projects").expect_header("Authorization", USER)
    }

    fn one() -> Exchange {
        get("/api/v2.0/projects/team").expect_header("X-Is-Resource-Name", "true")
    }

    fn head() -> Exchange {
        Exchange::new("HEAD", "/api/v2.0/projects?project_name=team")
    }

    fn prepare(exchanges: Vec<Exchange>) -> Result<()> {
        let host = harbor().exchanges(exchanges).start();
        Harbor::prepare_targets(host.endpoint(), &["team/app".to_owned()], &[]).remove(0)
    }

    #[test]
    fn existing_ones_are_taken_and_missing_ones_made() {
        let other = json!([{"name": "team2"}, {"name": "a-team"}]);
        for exchanges in [
            vec![found(json!([{"name": "team", "registry_id": 0}]))],
            vec![found(json!([])), create().answer(201)],
            vec![found(other), create()],
            vec![denied(found(json!([])), 403), create()],
            vec![found(json!([])), denied(create(), 403), one().json(json!({"name": "team"}))],
            vec![found(json!([])), denied(create(), 403), denied(one(), 403), head()],
            vec![found(json!([])), denied(create(), 412), one().answer(404), head()],
            // Nothing is shown to the account: the push will tell.
            vec![
                denied(found(json!([])), 401),
                denied(create(), 401),
                denied(one(), 403),
                head().answer(403),
            ],
        ] {
            let shown = format!("{exchanges:?}");
            assert_eq!(prepare(exchanges), Ok(()), "{shown}");
        }
    }

    #[test]
    fn a_missing_one_names_who_must_create_it() {
        for exchanges in [
            vec![found(json!([])), denied(create(), 403), denied(one(), 403), head().answer(404)],
            vec![found(json!([])), denied(create(), 403), one().answer(404), head().answer(403)],
            vec![
                denied(found(json!([])), 403),
                denied(create(), 403),
                denied(one(), 403),
                head().answer(404),
            ],
            vec![found(json!([])), denied(create(), 401), denied(one(), 403), head().answer(403)],
        ] {
            let error = prepare(exchanges).expect_err("no project");
            let Error::Forbidden(text) = error else { panic!("{error:?}") };
            let expected = "the project `team` does not exist on https://reg.example.test, \
                and `user` may not create it";
            assert!(text.starts_with(expected), "{text}");
            assert!(text.contains("ask an administrator of https://reg.example.test"), "{text}");
        }
    }

    #[test]
    fn proxy_caches_and_faults_are_refused() {
        let cache = json!({"name": "team", "registry_id": 3});
        let seen = prepare(vec![found(json!([cache]))]);
        assert!(matches!(&seen, Err(Error::Unsupported(t)) if t.contains("proxy cache")));
        let hidden = vec![denied(found(json!([])), 403), denied(create(), 403), one().json(cache)];
        assert!(matches!(prepare(hidden), Err(Error::Unsupported(_))));
        let broken = prepare(vec![found(json!([])), create().answer(500)]);
        assert!(matches!(broken, Err(Error::Upstream(_))));
        let odd = prepare(vec![found(json!([])), create().answer(400)]);
        assert!(matches!(odd, Err(Error::Upstream(UpstreamError { status: 400, .. }))));
    }

    #[test]
    fn one_question_for_each_project_and_an_answer_for_each_repository() {
        let host = harbor().exchange(found(json!([{"name": "team"}]))).start();
        let repositories = ["team/a", "alone", "team/b/c"].map(str::to_owned);
        let results = Harbor::prepare_targets(host.endpoint(), &repositories, &[]);
        let good: Vec<bool> = results.iter().map(Result::is_ok).collect();
        assert_eq!(good, [true, false, true]);
    }

    #[test]
    fn visibility_is_copied() {
        let body = json!({"project_name": "team", "metadata": {"public": "true"}});
        let public = create().expect_body(body).answer(201);
        let host = harbor().exchanges([found(json!([])), public]).start();
        let metadata = [KeyValue::new("visibility", "public")];
        let results = Harbor::prepare_targets(host.endpoint(), &["team/a".to_owned()], &metadata);
        assert_eq!(results, [Ok(())]);
    }
}

#[test]
fn deletes_are_idempotent_and_say_when_a_tag_is_immutable() {
    let tag = || fixtures().get("DELETE", "/api/v2.0/projects/team/repositories/a%252Fb");
    let immutable = tag().answer(412).json(json!({"errors": [{"code": "PRECONDITION"}]}));
    for (exchange, fits) in [
        (tag(), (|r| r.is_ok()) as fn(&Result<()>) -> bool),
        (tag().answer(404).json(json!({"errors": [{"code": "NOT_FOUND"}]})), |r| r.is_ok()),
        // What stands before Harbor, and does not know its paths.
        (tag().answer(404).text("<html>no such site</html>"), |r| {
            matches!(r, Err(Error::NotFound(_)))
        }),
        (tag().answer(404).text("404 page not found"), |r| matches!(r, Err(Error::NotFound(_)))),
        (immutable, |r| matches!(r, Err(Error::Conflict(t)) if t.contains("PRECONDITION"))),
        (tag().answer(403), |r| matches!(r, Err(Error::Forbidden(_)))),
    ] {
        let host = harbor().exchange(exchange).start();
        let result = Harbor::delete_tag(host.endpoint(), "team/a/b", "v1");
        assert!(fits(&result), "{result:?}");
    }
    let path = "/api/v2.0/projects/p/repositories/r/artifacts/sha256:1";
    let host = harbor().exchange(Exchange::new("DELETE", path)).start();
    assert_eq!(Harbor::delete_artifact(host.endpoint(), "p/r", "sha256:1"), Ok(()));
}

#[test]
fn labels_are_listed_where_harbor_knows_any() {
    let labels = |page: u32| get(&format!("/api/v2.0/labels?page={page}&page_size=100&scope=g"));
    let next = "</api/v2.0/labels?page=2>; rel=\"next\"";
    let host = harbor()
        .exchanges([
            labels(1).header("Link", next).json(json!([{"name": "prod"}])),
            labels(2).json(json!([{"name": "test"}])),
            labels(1).answer(404),
        ])
        .start();
    let list = |cursor| {
        let page = PageRequest { cursor, limit: 1000 };
        Harbor::list_labels(host.endpoint(), &page).expect("labels")
    };
    let first = list(None);
    assert_eq!(first.items, ["prod"]);
    let second = list(first.next);
    assert_eq!((second.items, second.next), (vec!["test".to_owned()], None));
    assert_eq!(list(None).items, Vec::<String>::new());
}

#[test]
fn tokens_come_from_the_endpoint_whatever_realm_is_announced() {
    let elsewhere = r#"Bearer realm="http://inner/service/token",service="harbor-registry""#;
    let ping = || Exchange::new("GET", "/v2/").answer(401).header("WWW-Authenticate", elsewhere);
    let token = || fixtures().get("GET", "/service/token");
    for (answer, expected) in [
        (token(), Ok(Auth::Bearer("eyJ0.h.s".to_owned()))),
        (token().answer(404), Ok(Auth::Basic)),
        (token().text("<html>").header("Content-Type", "text/html"), Ok(Auth::Basic)),
    ] {
        let host = user().exchanges([ping(), answer]).start();
        let grant = Harbor::authorize(host.endpoint(), &[Scope::pull("team/app")], None);
        assert_eq!(grant.map(|grant| grant.auth), expected);
    }
    let fits: [(u16, Fits); 3] = [
        (401, |e| matches!(e, Error::Unauthenticated(_))),
        (429, |e| matches!(e, Error::RateLimited(_))),
        (503, |e| matches!(e, Error::Upstream(_))),
    ];
    for (status, fits) in fits {
        let host = user().exchanges([ping(), token().answer(status)]).start();
        let grant = Harbor::authorize(host.endpoint(), &[Scope::pull("team/app")], None);
        assert!(fits(&grant.expect_err("no grant")), "{status}");
    }
}

/// A Harbor that was set up anew refuses tokens that have not expired.
#[test]
fn a_token_that_is_refused_before_its_time_is_renewed_once() {
    let realm = r#"Bearer realm="http://inner/service/token",service="harbor-registry""#;
    let ping = Exchange::new("GET", "/v2/").answer(401).header("WWW-Authenticate", realm);
    let token = |value: &str| {
        fixtures().get("GET", "/service/token").json(json!({"token": value, "expires_in": 1800}))
    };
    let refused = fixtures().get("GET", "/service/token").answer(401);
    let host = user().exchanges([ping, token("one"), token("two"), refused]).start();
    let challenge = portolan_sdk::token::parse_challenges(realm).remove(0);
    let ask = |met: Option<&Challenge>| {
        let grant = Harbor::authorize(host.endpoint(), &[Scope::pull("team/app")], met);
        grant.map(|grant| grant.auth)
    };
    let bearer = |value: &str| Ok(Auth::Bearer(value.to_owned()));
    assert_eq!([ask(None), ask(None)], [bearer("one"), bearer("one")]);
    assert_eq!([ask(Some(&challenge)), ask(None)], [bearer("two"), bearer("two")]);
    let error = ask(Some(&challenge)).expect_err("refused for good");
    assert!(matches!(error, Error::Unauthenticated(_)), "{error:?}");
    host.finish();
}
