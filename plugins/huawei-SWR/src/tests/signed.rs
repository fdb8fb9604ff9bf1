//! The same with a secret access key: signed requests, and temporary logins for the registry.

use super::*;

const MANAGE: &str = "https://swr-api.cn-north-4.myhuaweicloud.com/v2/manage";
/// `cn-north-4@TEMP:word`
const TEMPORARY: &str = "Y24tbm9ydGgtNEBURU1QOndvcmQ=";

fn key() -> ScriptedHost {
    ScriptedHost::new(BASE)
        .credentials("cn-north-4@AK", "secret access key")
        .settings(&json!({"secret_is": "secret-key"}))
}

fn signed(method: &str, path: &str) -> Exchange {
    Exchange::new(method, &format!("{MANAGE}{path}"))
        .expect_header("Content-Type", "application/json")
        .expect_header("X-Sdk-Date", "20010909T014640Z")
}

fn login(auth: &str) -> Exchange {
    let host = BASE.trim_start_matches("https://");
    Exchange::new("POST", &format!("{MANAGE}/utils/secret?projectname=cn-north-4"))
        .json(json!({"auths": {host: {"auth": auth}}}))
}

fn asked(login: &str) -> Exchange {
    token("&scope=repository:team/app:pull")
        .expect_header("Authorization", &format!("Basic {login}"))
}

fn pull(host: &Running) -> Result<Auth> {
    HuaweiSwr::authorize(host.endpoint(), &[Scope::pull("team/app")], None).map(|grant| grant.auth)
}

#[test]
fn health_proves_the_key_pair_and_the_registry() {
    let registry = Exchange::new("GET", "/v2/").expect_header("Authorization", "Bearer t");
    let temporary = format!("Basic {TEMPORARY}");
    let asked = token("").expect_header("Authorization", &temporary);
    let host = key().exchanges([login(TEMPORARY), ping(), asked, registry]).start();
    assert!(HuaweiSwr::check_health(host.endpoint()).expect("healthy").authenticated);
    let lines = host.requests();
    assert!(lines[0].ends_with("[SDK-HMAC-SHA256]"), "{lines:?}");
    assert!(!lines.iter().any(|line| line.contains("secret access key")), "{lines:?}");
    host.finish();
    let gateway = json!({"error_code": "APIGW.0301", "error_msg":
        "Incorrect IAM authentication information: verify aksk signature fail"});
    let host = key().exchange(login("").answer(401).json(gateway)).start();
    let error = HuaweiSwr::check_health(host.endpoint()).expect_err("a wrong key");
    let Error::Unauthenticated(text) = error else { panic!("{error:?}") };
    for part in ["APIGW.0301", "verify aksk signature fail", "secret access key (SK)", "clock"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn logins_are_kept_until_just_before_their_end() {
    for (expires, kept, gone) in [
        (Some("2001-09-09T02:46:40Z"), 3_539, 3_540),
        (Some("tomorrow"), 1_739, 1_740),
        (None, 1_739, 1_740),
        (Some("2031-09-09T02:46:40Z"), 21_539, 21_540),
    ] {
        let mut first = login("Zmlyc3Q=");
        if let Some(expires) = expires {
            first = first.header("X-Swr-Expireat", expires);
        }
        let quick = |login: &str, scope: &str| {
            token(&format!("&scope=repository:{scope}:pull"))
                .expect_header("Authorization", &format!("Basic {login}"))
        };
        let host = key()
            .any_order()
            .exchanges([first, login("c2Vjb25k"), ping(), ping()])
            .exchanges([quick("Zmlyc3Q=", "a/1"), quick("Zmlyc3Q=", "a/2")])
            .exchange(quick("c2Vjb25k", "a/3"))
            .start();
        let pull = |name: &str| {
            let grant = HuaweiSwr::authorize(host.endpoint(), &[Scope::pull(name)], None);
            grant.expect("a grant");
        };
        pull("a/1");
        host.advance(kept);
        pull("a/2");
        host.advance(gone - kept);
        pull("a/3");
    }
}

#[test]
fn a_login_that_is_taken_no_longer_is_made_anew_once() {
    let refused = || fault(asked("Zmlyc3Q="), 401, "SVCSTG.SWR.4010000", "Authenticate Error");
    let host = key()
        .exchanges([login("Zmlyc3Q="), ping(), asked("Zmlyc3Q=")])
        .exchanges([refused(), login("c2Vjb25k"), asked("c2Vjb25k")])
        .start();
    assert_eq!(pull(&host), Ok(Auth::Bearer("t".to_owned())));
    // The token is not taken from the cache after a challenge.
    let challenge = Challenge {
        scheme: "Bearer".to_owned(),
        params: vec![
            KeyValue::new("realm", format!("{BASE}/swr/auth/v2/registry/auth")),
            KeyValue::new("service", "dockyard"),
        ],
    };
    let scopes = [Scope::pull("team/app")];
    let again = HuaweiSwr::authorize(host.endpoint(), &scopes, Some(&challenge));
    assert_eq!(again.map(|grant| grant.auth), Ok(Auth::Bearer("t".to_owned())));
    host.finish();
    let host = key().exchanges([login("Zmlyc3Q="), ping(), refused()]).start();
    assert!(matches!(pull(&host), Err(Error::Unauthenticated(_))));
}

#[test]
fn odd_logins_are_not_sent() {
    for answer in [
        json!({}),
        json!({"auths": {}}),
        json!({"auths": {"h": {}}}),
        json!({"auths": {"h": {"auth": "a\r\nX: y"}}}),
    ] {
        let host = key().exchange(login("").json(answer)).start();
        assert!(matches!(pull(&host), Err(Error::MalformedResponse(_))));
    }
    for (exchange, fits) in bad_answers(&login("x")) {
        let host = key().exchange(exchange).start();
        let error = pull(&host).expect_err("no login");
        assert!(fits(&error), "{error:?}");
    }
}

#[test]
fn listings_are_signed_and_paged() {
    let page = |offset: u32, name: &str| {
        signed("GET", &format!("/repos?filter=limit::1000|offset::{offset}"))
            .json(json!([{"name": name, "namespace": "team", "total_range": 3}]))
    };
    let host = key().exchanges([page(0, "a"), page(1, "b"), page(2, "c$d")]).start();
    let mut names = Vec::new();
    let mut cursor = None;
    loop {
        let page = PageRequest { cursor, limit: 1000 };
        let all = RepositoryFilter::all();
        let page = HuaweiSwr::list_repositories(host.endpoint(), &all, &page).expect("a page");
        names.extend(page.items.into_iter().map(|repository| repository.name));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(names, ["team/a", "team/b", "team/c/d"]);
}

#[test]
fn organisations_are_created_by_the_management_api() {
    let missing = || fault(signed("GET", "/namespaces/team"), 404, "SVCSTG.SWR.4040000", "no such");
    let create = || signed("POST", "/namespaces").expect_body(json!({"namespace": "team"}));
    let visible = signed("GET", "/namespaces?filter=mode::visible");
    for exchanges in [
        vec![missing(), create().answer(201)],
        vec![
            missing(),
            create().answer(409),
            visible.json(json!({"namespaces": [{"name": "team"}]})),
        ],
    ] {
        let host = key().exchanges(exchanges).start();
        let done = HuaweiSwr::prepare_targets(host.endpoint(), &["team/app".to_owned()], &[]);
        assert_eq!(done, [Ok(())]);
    }
}

#[test]
fn a_tag_is_deleted_by_the_management_api() {
    for (status, fits) in [
        (204, (|r| r.is_ok()) as fn(&Result<()>) -> bool),
        (403, |r| matches!(r, Err(Error::Forbidden(_)))),
        (409, |r| matches!(r, Err(Error::Conflict(_)))),
    ] {
        let delete = signed("DELETE", "/namespaces/team/repos/a%24b/tags/v1").answer(status);
        let host = key().exchange(delete).start();
        let result = HuaweiSwr::delete_tag(host.endpoint(), "team/a/b", "v1");
        assert!(fits(&result), "{status} {result:?}");
    }
}

/// The gateway answers 404 to an API it does not know, and a proxy to anything.
#[test]
fn a_gateways_404_is_not_gone() {
    let gateway = |code: &str| json!({"error_code": code, "error_msg": "The API does not exist"});
    let tag = || signed("DELETE", "/namespaces/team/repos/app/tags/v1").answer(404);
    let gone = json!({"errors": [{"errorCode": "SVCSTG.SWR.4040001", "errorMessage": "no tag"}]});
    let not_told = |r: &Result<()>| {
        matches!(r, Err(Error::Upstream(UpstreamError { status: 404, message, retryable, .. }))
            if !retryable && message.contains("is not SWR's answer"))
    };
    for (answer, is_gone) in [
        (tag(), false),
        (tag().text("404 page not found"), false),
        (tag().json(gone), true),
        (tag().json(gateway("APIGW.0101")), false),
        (tag().json(gateway("APIG.0101")), false),
        (tag().text("<html>not here</html>"), false),
    ] {
        let host = key().exchange(answer).start();
        let result = HuaweiSwr::delete_tag(host.endpoint(), "team/app", "v1");
        assert!(if is_gone { result.is_ok() } else { not_told(&result) }, "{result:?}");
    }
    let organisation = signed("GET", "/namespaces/team").answer(404);
    let host = key().exchange(organisation.json(gateway("APIGW.0101"))).start();
    let done = HuaweiSwr::prepare_targets(host.endpoint(), &["team/app".to_owned()], &[]);
    assert!(not_told(&done[0]), "{done:?}");
}

/// A signature is for one address: a redirect is an answer, and nothing was done.
#[test]
fn signed_requests_follow_no_redirect() {
    let tag = signed("DELETE", "/namespaces/team/repos/app/tags/v1").answer(307);
    let list = signed("GET", "/repos?filter=limit::1000|offset::0").answer(302);
    let host = key()
        .exchanges([
            tag.header("Location", "https://elsewhere.example/").expect_no_follow(),
            list.header("Location", "/log-in").expect_no_follow(),
        ])
        .start();
    let deleted = HuaweiSwr::delete_tag(host.endpoint(), "team/app", "v1");
    assert!(matches!(deleted, Err(Error::MalformedResponse(_))), "{deleted:?}");
    let (all, first) = (RepositoryFilter::all(), PageRequest::first());
    let listed = HuaweiSwr::list_repositories(host.endpoint(), &all, &first);
    assert!(matches!(listed, Err(Error::MalformedResponse(_))), "{listed:?}");
}

/// Where the registry has another name, the region is that of the access key.
#[test]
fn the_management_api_is_found_by_the_registrys_name_or_the_access_key() {
    for (url, access_key, host) in [
        ("https://swr.eu-west-101.myhuaweicloud.eu", "AK", "swr-api.eu-west-101.myhuaweicloud.eu"),
        ("https://hub.example", "ap-1_sub@AK", "swr-api.ap-1.myhuaweicloud.com"),
    ] {
        let address = format!("https://{host}/v2/manage/namespaces/team");
        let found = Exchange::new("GET", &address).json(json!({"name": "team"}));
        let host = ScriptedHost::new(url)
            .credentials(access_key, "sk")
            .settings(&json!({"secret_is": "secret-key"}))
            .exchange(found)
            .start();
        let done = HuaweiSwr::prepare_targets(host.endpoint(), &["team/app".to_owned()], &[]);
        assert_eq!(done, [Ok(())]);
    }
    let host = ScriptedHost::new("https://hub.example")
        .credentials("AK", "sk")
        .settings(&json!({"secret_is": "secret-key"}))
        .start();
    let unknown = HuaweiSwr::check_health(host.endpoint());
    assert!(matches!(unknown, Err(Error::InvalidInput(t)) if t.contains("REGION@AK")));
}
