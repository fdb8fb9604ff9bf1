//! Repositories and tags over many pages, in both editions.

use super::*;

fn repos(number: u32) -> String {
    format!("/repos/team?Page={number}&PageSize=100")
}

fn list_repository(namespace: &str, page: u32) -> Exchange {
    let query =
        format!("RepoNamespaceName={namespace}&RepoStatus=NORMAL&PageNo={page}&PageSize=100");
    ask("ListRepository", &query)
}

fn list_namespace(page: u32) -> Exchange {
    ask("ListNamespace", &format!("PageNo={page}&PageSize=100"))
}

/// An answer of the enterprise API; the total as text, as it is sent.
fn rows(kind: &str, total: u32, rows: &[Value]) -> Value {
    json!({"IsSuccess": true, "Code": "success", "TotalCount": total.to_string(), kind: rows})
}

fn named(key: &str, names: &[&str]) -> Vec<Value> {
    names.iter().map(|name| json!({key: name, "RepoType": "PUBLIC"})).collect()
}

fn page_of(
    host: &Running,
    prefix: Option<&str>,
    cursor: Option<String>,
) -> Result<Page<Repository>> {
    let filter = RepositoryFilter { prefix: prefix.map(str::to_owned), ..RepositoryFilter::all() };
    AliAcr::list_repositories(host.endpoint(), &filter, &PageRequest { cursor, limit: 2 })
}

/// Follows the cursors to the end.
fn walk(host: &Running, prefix: Option<&str>) -> Vec<Vec<String>> {
    let (mut pages, mut cursor) = (Vec::new(), None);
    loop {
        let page = page_of(host, prefix, cursor).expect("a page");
        pages.push(page.items.into_iter().map(|it| it.name).collect());
        cursor = page.next;
        if cursor.is_none() {
            return pages;
        }
    }
}

/// Namespaces and repositories in three pages each; one namespace is empty, one gone.
#[test]
fn every_page_of_an_enterprise_instance() {
    let host = enterprise()
        .exchanges([
            list_namespace(1).json(rows("Namespaces", 5, &named("NamespaceName", &["a", "b"]))),
            list_repository("a", 1).json(rows("Repositories", 5, &named("RepoName", &["1", "2"]))),
            list_repository("a", 2).json(rows("Repositories", 5, &named("RepoName", &["3", "4"]))),
            list_repository("a", 3).json(rows("Repositories", 5, &named("RepoName", &["x/5"]))),
            no(list_repository("b", 1), 200, "NAMESPACE_NOT_EXIST"),
            list_namespace(2).json(rows("Namespaces", 5, &named("NamespaceName", &["c", "d"]))),
            list_repository("c", 1).json(rows("Repositories", 0, &[])),
            list_repository("d", 1).json(rows("Repositories", 1, &named("RepoName", &["6"]))),
            list_namespace(3).json(rows("Namespaces", 5, &named("NamespaceName", &["e"]))),
            list_repository("e", 1).json(rows("Repositories", 1, &named("RepoName", &["7"]))),
        ])
        .start();
    let expected = vec![vec!["a/1", "a/2"], vec!["a/3", "a/4"], vec!["a/x/5", "d/6"], vec!["e/7"]];
    assert_eq!(walk(&host, None), expected);
}

/// Only what was listed a moment ago may be gone; a listing that breaks off is no whole one.
#[test]
fn a_namespace_that_was_named_or_breaks_off_is_an_error() {
    let list = |exchanges: Vec<Exchange>| {
        let host = enterprise().exchanges(exchanges).start();
        let page = page_of(&host, Some("a/"), None)?;
        page_of(&host, Some("a/"), page.next)
    };
    let gone = |number| no(list_repository("a", number), 200, "NAMESPACE_NOT_EXIST");
    let named = list(vec![gone(1)]);
    assert!(matches!(named, Err(Error::NotFound(_))), "{named:?}");
    let some = rows("Repositories", 5, &named_rows());
    let broken = list(vec![list_repository("a", 1).json(some), gone(2)]);
    assert!(matches!(broken, Err(Error::NotFound(_))), "{broken:?}");
}

fn named_rows() -> Vec<Value> {
    named("RepoName", &["1", "2"])
}

#[test]
fn every_page_of_a_personal_registry() {
    let repo =
        |name: &str| json!({"repoName": name, "repoNamespace": "team", "repoType": "PRIVATE"});
    let page = |number: u32, names: &[&str]| {
        let rows: Vec<Value> = names.iter().map(|name| repo(name)).collect();
        at("GET", &repos(number)).json(json!({"data": {"total": 5, "repos": rows}}))
    };
    let namespaces = fixtures().variant("GET", &format!("{MANAGEMENT}/namespace"), 1);
    let three = || [page(1, &["a", "b"]), page(2, &["c", "d"]), page(3, &["e"])];
    let host = personal().exchange(namespaces).exchanges(three()).start();
    let expected = [vec!["team/a", "team/b"], vec!["team/c", "team/d"], vec!["team/e"]];
    assert_eq!(walk(&host, None), expected);
    host.finish();
    // A prefix that names the namespace spares the list of namespaces.
    let host = personal().exchanges(three()).start();
    assert_eq!(walk(&host, Some("team/")), expected);
}

#[test]
fn recorded_repositories() {
    let repos = fixtures()
        .get("GET", &format!("{MANAGEMENT}/repos/team?"))
        .at(&format!("{MANAGEMENT}{}", repos(1)));
    let host = personal().exchange(repos).start();
    let page = page_of(&host, Some("team/"), None).expect("a page");
    assert_eq!(page.items, [Repository { private: Some(true), ..Repository::new("team/app") }]);
    host.finish();
    let recorded = |action: &str| fixtures().get("GET", &format!("{MANAGEMENT}/?Action={action}&"));
    let host = enterprise().exchanges([recorded("ListNamespace"), recorded("ListRepository")]);
    let host = host.start();
    let page = page_of(&host, None, None).expect("a page");
    assert_eq!((&*page.items[0].name, page.items[0].private), ("team/app", Some(true)));
    assert_eq!(page.items[0].description.as_deref(), Some("s"));
}

#[test]
fn a_server_that_does_not_page_ends_as_an_error() {
    let same = rows("Repositories", 1000, &named("RepoName", &["a", "b"]));
    let host = enterprise()
        .exchanges([list_repository("t", 1).json(same.clone()), list_repository("t", 2).json(same)])
        .start();
    let first = page_of(&host, Some("t/"), None).expect("a page");
    let error = page_of(&host, Some("t/"), first.next).expect_err("the same page");
    assert!(matches!(&error, Error::MalformedResponse(t) if t.contains("once more")), "{error:?}");
    host.finish();
    // An empty page ends, whatever the total says.
    let host = enterprise().exchange(list_repository("t", 1).json(rows("Repositories", 9, &[])));
    let host = host.start();
    assert_eq!(page_of(&host, Some("t/"), None), Ok(Page::empty()));
    let odd = page_of(&host, None, Some("nonsense".into())).expect_err("no cursor of ours");
    assert!(matches!(odd, Error::InvalidInput(_)));
}

#[test]
fn many_empty_namespaces_do_not_make_a_call_endless() {
    let names: Vec<String> = (0..25).map(|number| format!("n{number:02}")).collect();
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    let empty =
        names.iter().map(|name| list_repository(name, 1).json(rows("Repositories", 0, &[])));
    let host = enterprise()
        .exchange(list_namespace(1).json(rows("Namespaces", 25, &named("NamespaceName", &all))))
        .exchanges(empty)
        .start();
    let first = page_of(&host, None, None).expect("a page");
    assert!(first.items.is_empty() && first.next.is_some());
    assert_eq!(page_of(&host, None, first.next), Ok(Page::empty()));
}

fn artifacts(host: &Running, cursor: Option<String>) -> Result<Page<Artifact>> {
    let page = PageRequest { cursor, limit: 2 };
    AliAcr::list_artifacts(host.endpoint(), "team/app", &ArtifactFilter::all(), &page)
}

fn id() -> Exchange {
    fixtures().get("GET", &format!("{MANAGEMENT}/?Action=GetRepository"))
}

fn list_tag(id: &str, page: u32) -> Exchange {
    ask("ListRepoTag", &format!("RepoId={id}&PageNo={page}&PageSize=2"))
}

#[test]
fn tags_are_paged_and_the_id_asked_for_once() {
    let hex = "1".repeat(64);
    let tag =
        |name: &str, digest: &str| json!({"Tag": name, "Digest": digest, "ImageUpdate": "9000"});
    let host = enterprise()
        .exchanges([
            id(),
            list_tag("crr-1", 1).json(rows("Images", 5, &[tag("a", &hex), tag("b", "sha256:")])),
            list_tag("crr-1", 2).json(rows(
                "Images",
                5,
                &[tag("c", &format!("sha256:{hex}")), tag("d", "1111")],
            )),
            list_tag("crr-1", 3).json(rows("Images", 5, &[tag("e", &hex)])),
        ])
        .start();
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let page = artifacts(&host, cursor).expect("a page");
        seen.extend(page.items.into_iter().map(|it| (it.tags[0].clone(), it.digest, it.pushed)));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    let digest = || Some(format!("sha256:{hex}"));
    let row = |tag: &str, digest| (tag.to_owned(), digest, Some(9));
    let expected = [
        row("a", digest()),
        row("b", None),
        row("c", digest()),
        row("d", None),
        row("e", digest()),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn recorded_tags() {
    let recorded =
        fixtures().get("GET", &format!("{MANAGEMENT}/?Action=ListRepoTag")).at(&list_tag_address());
    let host = enterprise().exchanges([id(), recorded]).start();
    let page = artifacts(&host, None).expect("a page");
    assert_eq!((page.items[0].tags[0].as_str(), page.items[0].size), ("v1", Some(10)));
    assert_eq!((page.items[0].pushed, page.next), (Some(1_787_300_000), None));
    host.finish();
    let recorded = fixtures()
        .get("GET", &format!("{MANAGEMENT}/repos/team/app/tags"))
        .at(&format!("{MANAGEMENT}/repos/team/app/tags?Page=1&PageSize=2"));
    let host = personal().exchange(recorded).start();
    let page = artifacts(&host, None).expect("a page");
    assert_eq!(page.items[0].digest, Some(format!("sha256:{}", "1".repeat(64))));
}

fn list_tag_address() -> String {
    format!(
        "{MANAGEMENT}/?Action=ListRepoTag&Version=2018-12-01&InstanceId=cri-abcdefgh12345678\
         &RepoId=crr-1&PageNo=1&PageSize=2"
    )
}

#[test]
fn a_repository_made_anew_is_found_again() {
    let other = json!({"IsSuccess": true, "Code": "success", "RepoId": "crr-2"});
    let new_id = ask("GetRepository", "RepoNamespaceName=team&RepoName=app").json(other);
    let none = || rows("Images", 0, &[]);
    let host = enterprise()
        .exchanges([
            id(),
            list_tag("crr-1", 1).json(none()),
            no(list_tag("crr-1", 1), 200, "REPO_NOT_EXIST"),
            new_id,
            list_tag("crr-2", 1).json(none()),
            no(list_tag("crr-2", 1), 200, "REPO_NOT_EXIST"),
            no(ask("GetRepository", "RepoNamespaceName=team&RepoName=app"), 200, "REPO_NOT_EXIST"),
        ])
        .start();
    assert_eq!(artifacts(&host, None), Ok(Page::empty()));
    assert_eq!(artifacts(&host, None), Ok(Page::empty()));
    assert!(matches!(artifacts(&host, None), Err(Error::NotFound(_))));
}

#[test]
fn a_no_with_status_200_is_a_no() {
    for (code, fits) in [
        ("NO_PERMISSION", (|e| matches!(e, Error::Forbidden(_))) as Fits),
        ("Throttling.User", |e| matches!(e, Error::RateLimited(_))),
        ("INTERNAL_ERROR", |e| matches!(e, Error::Upstream(u) if u.retryable)),
        ("SOMETHING_NEW", |e| matches!(e, Error::Upstream(u) if !u.retryable)),
    ] {
        let host = enterprise().exchange(no(list_namespace(1), 200, code)).start();
        let error = page_of(&host, None, None).expect_err(code);
        assert!(fits(&error), "{code}: {error:?}");
    }
}
