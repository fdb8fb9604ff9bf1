//! Basic and Bearer: challenges, both token forms, scopes, expiry.

use std::time::Duration;

use super::client::{get, send};
use crate::Registry;

const BASIC: &str = "Basic dXNlcjpzM2NyZXQ=";

async fn bearer() -> Registry {
    let hour = Duration::from_secs(3600);
    let builder = Registry::builder().name("svc").bearer("user", "s3cret", hour);
    let registry = builder.anonymous_pull().token_post().start().await.unwrap();
    registry.put_image("a", "v1", &[]);
    registry
}

async fn token(registry: &Registry, query: &str, headers: &[(&str, &str)]) -> String {
    let answer = send(registry, &format!("GET /token?service=svc&{query}"), headers, "").await;
    format!("Bearer {}", answer.json()["token"].as_str().unwrap())
}

#[tokio::test]
async fn basic_is_asked_for_and_checked() {
    let registry = Registry::builder().name("b").basic("user", "s3cret").start().await.unwrap();
    let asked = get(&registry, "/v2/").await;
    assert_eq!(asked.header("www-authenticate"), "Basic realm=\"b\"");
    assert_eq!(
        send(&registry, "GET /v2/", &[("authorization", "Basic eDp5")], "").await.status,
        401
    );
    assert_eq!(send(&registry, "GET /v2/", &[("authorization", BASIC)], "").await.status, 200);
}

#[tokio::test]
async fn challenges_name_realm_service_and_scope() {
    let registry = bearer().await;
    let base = format!("Bearer realm=\"{}/token\",service=\"svc\"", registry.url());
    assert_eq!(get(&registry, "/v2/").await.header("www-authenticate"), base);
    for (line, scope) in [
        ("GET /v2/_catalog", "registry:catalog:*"),
        ("GET /v2/a/tags/list", "repository:a:pull"),
        ("PUT /v2/a/manifests/v1", "repository:a:pull,push"),
        ("DELETE /v2/a/manifests/v1", "repository:a:delete"),
        ("POST /v2/a/blobs/uploads/?mount=x&from=b", "repository:a:pull,push repository:b:pull"),
    ] {
        let asked = send(&registry, line, &[], "").await;
        let expected = format!("{base},scope=\"{scope}\"");
        assert_eq!((asked.status.as_u16(), asked.header("www-authenticate")), (401, &*expected));
    }
    registry.set_public_url("https://registry.example/");
    let asked = get(&registry, "/v2/").await;
    assert!(asked.header("www-authenticate").contains("\"https://registry.example/token\""));
}

#[tokio::test]
async fn tokens_carry_what_the_caller_may_have_until_they_expire() {
    let registry = bearer().await;
    let anonymous = token(&registry, "scope=repository:a:pull,push", &[]).await;
    let with = |token: &str, line: &str| {
        let (token, line) = (token.to_owned(), line.to_owned());
        let registry = &registry;
        async move { send(registry, &line, &[("authorization", &token)], "").await }
    };
    assert_eq!(with(&anonymous, "GET /v2/a/manifests/v1").await.status, 200);
    let refused = with(&anonymous, "POST /v2/a/blobs/uploads/").await;
    assert!(refused.header("www-authenticate").ends_with("error=\"insufficient_scope\""));
    let scopes = "scope=repository:a:pull,push+registry:catalog:*&scope=repository:b:pull";
    let known = token(&registry, scopes, &[("authorization", BASIC)]).await;
    for line in ["POST /v2/a/blobs/uploads/", "GET /v2/_catalog"] {
        assert!(with(&known, line).await.status.is_success(), "{line}");
    }
    assert_eq!(with(&known, "GET /v2/b/tags/list").await.status, 404);
    registry.expire_tokens();
    let expired = with(&known, "GET /v2/_catalog").await;
    assert!(expired.header("www-authenticate").ends_with("error=\"invalid_token\""));
    let wrong = send(&registry, "GET /token", &[("authorization", "Basic eDp5")], "").await;
    assert_eq!(wrong.status, 401);
}

#[tokio::test]
async fn the_oauth2_form_gives_and_takes_refresh_tokens() {
    let registry = bearer().await;
    let post = async |form: &str| send(&registry, "POST /token", &[], form.to_owned()).await;
    let scope = "client_id=c&service=svc&scope=repository:a:pull";
    let first =
        format!("grant_type=password&username=user&password=s3cret&access_type=offline&{scope}");
    let first = post(&first).await.json();
    let refresh = first["refresh_token"].as_str().unwrap();
    let again = post(&format!("grant_type=refresh_token&refresh_token={refresh}&{scope}")).await;
    let token = format!("Bearer {}", again.json()["access_token"].as_str().unwrap());
    let list = send(&registry, "GET /v2/a/tags/list", &[("authorization", &token)], "").await;
    assert_eq!(list.status, 200);
    let wrong = format!("grant_type=password&username=user&password=x&{scope}");
    assert_eq!(post(&wrong).await.status, 401);
    assert_eq!(post("grant_type=password").await.status, 400);
    let hour = Duration::from_secs(3600);
    let get_only = Registry::builder().bearer("u", "p", hour).start().await.unwrap();
    assert_eq!(send(&get_only, "POST /token", &[], "").await.status, 405);
}
