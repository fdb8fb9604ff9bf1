//! The adapter against a scripted Hub.

use portolan_sdk::{
    Auth,
    testing::{Exchange, Fixtures, Running, ScriptedHost},
};
use serde_json::{Value, json};

use super::*;

const BASE: &str = "https://hub.docker.com";
const BASIC: &str = "Basic YWxpY2U6ZGNrcl9wYXRfeA==";
const DIGEST: &str = "sha256:1111111111111111111111111111111111111111111111111111111111111111";

fn fixtures() -> Fixtures {
    Fixtures::parse(include_str!("../fixtures/docker-hub.jsonl"))
}

fn alice() -> ScriptedHost {
    ScriptedHost::new(BASE).credentials("alice", "dckr_pat_x")
}

fn login() -> Exchange {
    fixtures().get("POST", "https://hub.docker.com/v2/auth/token")
}

/// A host that has logged in.
fn hub(exchanges: impl IntoIterator<Item = Exchange>) -> Running {
    alice().exchange(login()).exchanges(exchanges).start()
}

fn get(path: &str) -> Exchange {
    Exchange::new("GET", path).expect_header("Authorization", "Bearer eyJh.b.c")
}

fn ping() -> Exchange {
    Exchange::new("GET", "https://registry-1.docker.io/v2/")
        .expect_no_header("Authorization")
        .answer(401)
        .header(
            "WWW-Authenticate",
            r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io""#,
        )
}

fn token(scope: &str) -> Exchange {
    let scope = if scope.is_empty() { String::new() } else { format!("&scope={scope}") };
    let address = format!("https://auth.docker.io/token?service=registry.docker.io{scope}");
    Exchange::new("GET", &address).json(json!({"token": "t", "expires_in": 300}))
}

fn namespaces() -> Exchange {
    fixtures().get("GET", "https://hub.docker.com/v2/repositories/namespaces")
}

fn page(namespace: &str, number: u32, names: &[&str], next: Option<&str>) -> Exchange {
    let row =
        |name: &&str| json!({"name": name, "namespace": namespace, "repository_type": "image"});
    let rows: Vec<Value> = names.iter().map(row).collect();
    get(&format!("/v2/repositories/{namespace}/?page={number}&page_size=100"))
        .json(json!({"count": 9, "next": next, "results": rows}))
}

fn listed(request: &PageRequest, endpoint: &Endpoint) -> (Vec<String>, Option<String>) {
    let page = DockerHub::list_repositories(endpoint, &RepositoryFilter::all(), request);
    let page = page.expect("a page");
    (page.items.into_iter().map(|it| it.name).collect(), page.next)
}

#[test]
fn describes_itself_without_a_host() {
    let info = DockerHub::describe();
    assert_eq!((&*info.provider, &*info.display_name), ("docker-hub", "Docker Hub"));
    assert_eq!((info.min_components, info.max_components), (2, Some(2)));
    assert!(info.hint.contains("recorded") && info.hint.contains("access token"));
    assert!(matches!(info.endpoints, Some(EndpointPattern::Fixed(it)) if it.url == BASE));
    let secret: Vec<_> = info
        .allowed_hosts
        .iter()
        .filter(|host| host.uses.iter().any(|name| name == "credentials"))
        .map(|host| &*host.pattern)
        .collect();
    assert_eq!(secret, ["https://auth.docker.io"]);
}

#[test]
fn health_proves_the_account_at_the_hub_and_at_the_registry() {
    let accepted = Exchange::new("GET", "https://registry-1.docker.io/v2/")
        .expect_header("Authorization", "Bearer t");
    let host = hub([ping(), token("").expect_header("Authorization", BASIC), accepted]);
    let health = DockerHub::check_health(host.endpoint()).expect("healthy");
    assert!(health.authenticated);
    host.finish();
    let host = ScriptedHost::new(BASE).exchange(ping()).start();
    assert!(!DockerHub::check_health(host.endpoint()).expect("healthy").authenticated);
}

#[test]
fn a_wrong_password_is_told_with_what_to_do() {
    let wrong = fixtures().variant("POST", "https://hub.docker.com/v2/auth/token", 1);
    let host = ScriptedHost::new(BASE).credentials("alice", "bad").exchange(wrong).start();
    let error = DockerHub::check_health(host.endpoint()).expect_err("unhealthy");
    assert!(
        matches!(&error, Error::Unauthenticated(t)
        if t.contains("`alice`") && t.contains("access token") && !t.contains("bad")),
        "{error:?}"
    );
    host.finish();
    // The Hub lets it in, the token service does not.
    let refused = token("").answer(401).json(json!({"details": "incorrect username or password"}));
    let host = hub([ping(), refused]);
    let error = DockerHub::check_health(host.endpoint()).expect_err("unhealthy");
    assert!(matches!(&error, Error::Unauthenticated(t) if t.contains("`alice`")), "{error:?}");
}

#[test]
fn repositories_of_every_namespace_page_by_page() {
    let host = hub([
        namespaces(),
        page("acme", 1, &["a"], Some("x")),
        page("acme", 2, &["b"], Some("x")),
        page("acme", 3, &["c"], Some("")),
        page("alice", 1, &["own"], None),
    ]);
    let (mut request, mut all) = (PageRequest { cursor: None, limit: 1 }, Vec::new());
    for _ in 0..4 {
        let (names, next) = listed(&request, host.endpoint());
        all.extend(names);
        request.cursor = next;
    }
    assert_eq!(all, ["acme/a", "acme/b", "acme/c", "alice/own"]);
    assert_eq!(request.cursor, None);
    host.finish();
}

#[test]
fn a_prefix_lists_one_namespace_also_without_an_account() {
    let row = json!({"name": "alpine", "namespace": "library", "repository_type": "image"});
    let plugin = json!({"name": "x", "namespace": "library", "repository_type": "plugin"});
    let host = ScriptedHost::new(BASE)
        .exchange(
            Exchange::new("GET", "/v2/repositories/library/?page=1&page_size=100")
                .expect_no_header("Authorization")
                .json(json!({"next": null, "results": [row, plugin]})),
        )
        .start();
    let filter =
        RepositoryFilter { prefix: Some("library/al".to_owned()), ..RepositoryFilter::all() };
    let page = DockerHub::list_repositories(host.endpoint(), &filter, &PageRequest::first());
    let names: Vec<_> = page.expect("a page").items.into_iter().map(|it| it.name).collect();
    assert_eq!(names, ["library/alpine"]);
    let all = DockerHub::list_repositories(
        host.endpoint(),
        &RepositoryFilter::all(),
        &PageRequest::first(),
    );
    assert!(matches!(all, Err(Error::Unsupported(t)) if t.contains("library/alpine")));
}

/// Only what the account's own list named may be gone; a listing that breaks off is no whole one.
#[test]
fn a_namespace_that_is_not_there_ends_the_listing_only_where_it_was_left() {
    let gone = |number| page("acme", number, &[], None).answer(404);
    let list = |exchanges: Vec<Exchange>, prefix: Option<&str>| {
        let host = hub(exchanges);
        let prefix = prefix.map(str::to_owned);
        let filter = RepositoryFilter { prefix, ..RepositoryFilter::all() };
        DockerHub::list_repositories(host.endpoint(), &filter, &PageRequest::first())
    };
    let left = list(vec![namespaces(), gone(1), page("alice", 1, &["own"], None)], None);
    assert_eq!(left.expect("a page").items.len(), 1);
    let broken = list(vec![namespaces(), page("acme", 1, &["a"], Some("x")), gone(2)], None);
    assert!(matches!(broken, Err(Error::NotFound(_))), "{broken:?}");
    let named = list(vec![gone(1)], Some("acme/"));
    assert!(matches!(named, Err(Error::NotFound(_))), "{named:?}");
    let foreign = gone(1).text("<html>no such site</html>");
    let foreign = list(vec![namespaces(), foreign], None);
    assert!(matches!(foreign, Err(Error::NotFound(_))), "{foreign:?}");
}

#[test]
fn a_page_without_rows_ends_a_listing_that_says_more() {
    let host =
        hub([namespaces(), page("acme", 1, &[], Some("x")), page("alice", 1, &[], Some("x"))]);
    assert_eq!(listed(&PageRequest::first(), host.endpoint()), (Vec::new(), None));
}

#[test]
fn recorded_repositories_and_tags_are_read() {
    let host = hub([
        namespaces(),
        fixtures().get("GET", "https://hub.docker.com/v2/repositories/acme/?page=1"),
        page("alice", 1, &[], None),
        fixtures().get("GET", "https://hub.docker.com/v2/repositories/acme/app/tags/"),
    ]);
    assert_eq!(listed(&PageRequest::first(), host.endpoint()).0, ["acme/app"]);
    let tags = DockerHub::list_artifacts(
        host.endpoint(),
        "acme/app",
        &ArtifactFilter::all(),
        &PageRequest::first(),
    )
    .expect("a page");
    assert_eq!((tags.next, tags.total), (None, Some(1)));
    let tag = &tags.items[0];
    assert_eq!((tag.digest.as_deref(), tag.size), (Some(DIGEST), Some(2048)));
    assert_eq!(tag.tags, ["v1"]);
    host.finish();
}

#[test]
fn the_session_is_kept_nine_minutes_and_renewed_when_it_has_ended() {
    let tags = "/v2/repositories/acme/app/tags/?page=1&page_size=100";
    let answer = || get(tags).json(json!({"next": null, "results": []}));
    let again = |token: &str| {
        Exchange::new("GET", tags).expect_header("Authorization", &format!("Bearer {token}"))
    };
    let host = hub([
        answer(),
        answer(),
        again("eyJh.b.c").answer(401).json(json!({"detail": "expired"})),
        login().text(r#"{"access_token":"second"}"#),
        again("second").json(json!({"next": null, "results": []})),
        login(),
        answer(),
    ]);
    let list = |host: &Running| {
        let all = ArtifactFilter::all();
        DockerHub::list_artifacts(host.endpoint(), "acme/app", &all, &PageRequest::first())
    };
    for _ in 0..3 {
        list(&host).expect("a page");
    }
    host.advance(541);
    list(&host).expect("a page");
    host.finish();
}

#[test]
fn names_become_those_of_the_registry() {
    let endpoint = Endpoint::new(BASE);
    for (name, expected) in [("alpine", "library/alpine"), ("acme/app", "acme/app")] {
        let target = DockerHub::locate(&endpoint, name).expect("a target");
        assert_eq!((&*target.repository, &*target.base_url), (expected, REGISTRY));
        assert_eq!((&*target.upload, target.mount), ("single-put", true));
    }
    for name in ["a/b/c", "", "/x", "x/"] {
        let error = DockerHub::locate(&endpoint, name).expect_err("no name");
        assert!(matches!(error, Error::InvalidInput(t) if t.contains("namespace")), "{name}");
    }
}

#[test]
fn authority_is_a_token_for_the_registrys_names() {
    let host = alice()
        .exchanges([
            ping(),
            token("repository:library/alpine:pull").expect_header("Authorization", BASIC),
        ])
        .start();
    let grant = DockerHub::authorize(host.endpoint(), &[Scope::pull("alpine")], None);
    assert_eq!(grant.expect("a grant").auth, Auth::Bearer("t".to_owned()));
    host.finish();
}

#[test]
fn only_own_namespaces_are_pushed_to_and_none_is_created() {
    let host = hub([namespaces()]);
    let names = ["acme/app", "alice/x", "other/x", "a/b/c"].map(str::to_owned);
    let public = [KeyValue::new("visibility", "public")];
    let results = DockerHub::prepare_targets(host.endpoint(), &names, &public);
    assert_eq!((&results[0], &results[1]), (&Ok(()), &Ok(())));
    assert!(matches!(&results[2], Err(Error::Forbidden(t)) if t.contains("`acme`")), "{results:?}");
    assert!(matches!(results[3], Err(Error::InvalidInput(_))));
    host.finish();
    let host = ScriptedHost::new(BASE).start();
    let results = DockerHub::prepare_targets(host.endpoint(), &names[..1], &[]);
    assert!(matches!(results[0], Err(Error::Unauthenticated(_))));
}

#[test]
fn a_private_repository_is_made_before_the_push() {
    let path = "/v2/namespaces/acme/repositories";
    let create = |name: &str, status| {
        Exchange::new("POST", path)
            .expect_body(json!({"name": name, "namespace": "acme", "description": "",
                "full_description": "", "registry": "docker.io", "is_private": true}))
            .answer(status)
            .json(json!({"message": "private repository quota exceeded"}))
    };
    let private = [KeyValue::new("visibility", "private")];
    // A source that does not tell must not become public.
    for metadata in [&private[..], &[]] {
        let host = hub([
            namespaces(),
            create("new", 201),
            create("old", 400),
            get(&format!("{path}/old")),
            create("given", 403),
            get(&format!("{path}/given")),
            create("full", 400),
            get(&format!("{path}/full")).answer(404),
        ]);
        let names = ["acme/new", "acme/old", "acme/given", "acme/full"].map(str::to_owned);
        let results = DockerHub::prepare_targets(host.endpoint(), &names, metadata);
        assert_eq!(results[..3], [Ok(()), Ok(()), Ok(())]);
        let full = &results[3];
        assert!(matches!(full, Err(Error::Forbidden(t)) if t.contains("quota")), "{full:?}");
        host.finish();
    }
}

#[test]
fn tags_are_deleted_by_name_and_digests_by_the_registry_or_by_their_tags() {
    let tags = |rows: Value| {
        get("/v2/repositories/acme/app/tags/?page=1&page_size=100")
            .json(json!({"next": null, "results": rows}))
    };
    let manifest = |status| {
        Exchange::new(
            "DELETE",
            &format!("https://registry-1.docker.io/v2/acme/app/manifests/{DIGEST}"),
        )
        .answer(status)
    };
    let delete =
        || fixtures().get("DELETE", "https://hub.docker.com/v2/repositories/acme/app/tags/v1/");
    let host = hub([delete(), delete().answer(404)]);
    assert_eq!(DockerHub::delete_tag(host.endpoint(), "acme/app", "v1"), Ok(()));
    assert_eq!(DockerHub::delete_tag(host.endpoint(), "acme/app", "v1"), Ok(()));
    host.finish();
    // A page of a proxy says nothing of what is there.
    let foreign = |exchange: Exchange| exchange.answer(404).text("<html>no such site</html>");
    let host = hub([foreign(delete())]);
    let result = DockerHub::delete_tag(host.endpoint(), "acme/app", "v1");
    assert!(matches!(result, Err(Error::NotFound(_))), "{result:?}");
    host.finish();
    let flow = || [ping(), token("repository:acme/app:delete")];
    let host = alice().exchanges(flow()).exchange(manifest(202)).start();
    assert_eq!(DockerHub::delete_artifact(host.endpoint(), "acme/app", DIGEST), Ok(()));
    host.finish();
    let rows = json!([{"name": "v1", "digest": DIGEST}, {"name": "v2", "digest": "sha256:2"}]);
    let host =
        alice().exchanges(flow()).exchanges([manifest(405), login(), tags(rows), delete()]).start();
    assert_eq!(DockerHub::delete_artifact(host.endpoint(), "acme/app", DIGEST), Ok(()));
    host.finish();
    // No tag is on it: it has gone, or cannot be deleted.
    let head = |status| {
        let address = format!("https://registry-1.docker.io/v2/acme/app/manifests/{DIGEST}");
        [token("repository:acme/app:pull"), Exchange::new("HEAD", &address).answer(status)]
    };
    for (status, fits) in [
        (404, (|r| r.is_ok()) as fn(&Result<()>) -> bool),
        (200, |r| matches!(r, Err(Error::Unsupported(t)) if t.contains("by their tags alone"))),
        (429, |r| matches!(r, Err(Error::RateLimited(_)))),
    ] {
        let before = [manifest(405), login(), tags(json!([]))];
        let host = alice().exchanges(flow()).exchanges(before).exchanges(head(status)).start();
        let result = DockerHub::delete_artifact(host.endpoint(), "acme/app", DIGEST);
        assert!(fits(&result), "{status}: {result:?}");
    }
    let none = || get("/v2/repositories/acme/app/tags/?page=1&page_size=100").answer(404);
    for (answer, gone) in [(none(), true), (foreign(none()), false)] {
        let host = alice().exchanges(flow()).exchanges([manifest(405), login(), answer]).start();
        let result = DockerHub::delete_artifact(host.endpoint(), "acme/app", DIGEST);
        assert_eq!(result.is_ok(), gone, "{result:?}");
    }
}

#[test]
fn trouble_is_told_as_what_it_is() {
    let path = "/v2/repositories/acme/app/tags/?page=1&page_size=100";
    let limited = fixtures().get("GET", "https://hub.docker.com/v2/repositories/acme/?page=2");
    type Fits = fn(&Error) -> bool;
    let cases: [(Exchange, Fits); 7] = [
        (
            limited.at(path),
            |e| matches!(e, Error::RateLimited(l) if l.retry_after_seconds == Some(86_400)),
        ),
        (
            get(path).answer(429).header("Retry-After", "7"),
            |e| matches!(e, Error::RateLimited(l) if l.retry_after_seconds == Some(7)),
        ),
        (get(path).header("Content-Type", "text/html").text("<html>"), |e| {
            matches!(e, Error::MalformedResponse(_))
        }),
        (get(path).text(r#"{"results":[{"na"#), |e| matches!(e, Error::MalformedResponse(_))),
        (
            get(path).answer(502).text("<html>bad gateway"),
            |e| matches!(e, Error::Upstream(e) if e.retryable),
        ),
        (get(path).answer(404).json(json!({"message": "object not found"})), |e| {
            matches!(e, Error::NotFound(_))
        }),
        (
            get(path).fails("denied-by-policy", "a redirect elsewhere"),
            |e| matches!(e, Error::Transport(t) if t.kind == "denied-by-policy"),
        ),
    ];
    for (number, (exchange, fits)) in cases.into_iter().enumerate() {
        let host = hub([exchange]);
        let all = ArtifactFilter::all();
        let error =
            DockerHub::list_artifacts(host.endpoint(), "acme/app", &all, &PageRequest::first())
                .expect_err("trouble");
        assert!(fits(&error), "{number}: {error:?}");
        assert!(!error.text().contains("dckr_pat_x"));
    }
}

/// As the Hub's documentation shows it, shortened.
#[test]
fn webhooks() {
    let published = json!({
        "callback_url": "https://registry.hub.docker.com/u/svendowideit/testhook/hook/2141b5bi/",
        "push_data": {"images": ["27d47432a69b"], "pushed_at": 1.417_566_161e9,
            "pusher": "trustedbuilder", "tag": "latest"},
        "repository": {"comment_count": "0", "date_created": 1.417_494_799e9, "is_private": true,
            "name": "testhook", "namespace": "svendowideit", "owner": "svendowideit",
            "repo_name": "svendowideit/testhook", "status": "Active"},
    });
    let endpoint = Endpoint::new("https://hub.docker.com");
    let read = |body: &serde_json::Value| {
        DockerHub::parse(&endpoint, &[], body.to_string().as_bytes()).unwrap()
    };
    let [event] = read(&published).try_into().unwrap();
    assert_eq!((&*event.kind, &*event.repository), ("pushed", "svendowideit/testhook"));
    assert_eq!((event.tag.as_deref(), event.digest, event.id), (Some("latest"), None, None));
    let mut without = published;
    without["push_data"]["tag"] = json!(null);
    for harmless in [without, json!({}), json!({"push_data": {"tag": "a"}})] {
        assert_eq!(read(&harmless), []);
    }
    assert!(DockerHub::parse(&endpoint, &[], b"tag=latest").is_err());
    assert_eq!(DockerHub::authentication(), [DeliveryAuth::UrlToken]);
}
