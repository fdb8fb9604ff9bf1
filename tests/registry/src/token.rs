//! The token endpoint, `/token`: Docker's GET form and the OAuth2 POST form. Never refuses a
//! scope: a token simply carries less than was asked.

use http::{StatusCode, header};
use hyper::body::Incoming;
use serde_json::json;

use crate::{
    access::{Access, Bearer, Scope, challenge},
    answer::{Answer, Refusal, document, refuse},
    call::Call,
    server::{unsupported, whole},
};

/// Who asks, as far as it was proven.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Caller {
    Nobody,
    Account,
}

const FORM_BYTES: usize = 64 * 1024;

/// Answers a request for a token.
pub(crate) async fn give(call: &Call, body: Incoming) -> Result<Answer, Refusal> {
    let Access::Bearer(bearer) = &call.shared.access else {
        return refuse(StatusCode::NOT_FOUND, "NAME_UNKNOWN", "no tokens are given out here");
    };
    match call.method().as_str() {
        "GET" => by_get(call, bearer),
        "POST" if bearer.post => {
            let form = whole(call, body, FORM_BYTES).await?;
            by_post(bearer, &form)
        }
        _ => unsupported(),
    }
}

fn by_get(call: &Call, bearer: &Bearer) -> Result<Answer, Refusal> {
    let caller = match call.header(header::AUTHORIZATION) {
        None => Caller::Nobody,
        Some(value) if bearer.account.is(value) => Caller::Account,
        Some(_) => return challenge(&format!("Basic realm=\"{}\"", call.shared.settings.name)),
    };
    let asked: Vec<_> = call.query_all("scope").flat_map(|s| s.split(' ')).collect();
    let offline = call.query("offline_token") == Some("true") && caller == Caller::Account;
    Ok(answer(bearer, &asked, caller, offline))
}

fn by_post(bearer: &Bearer, form: &[u8]) -> Result<Answer, Refusal> {
    let form: Vec<(String, String)> = url::form_urlencoded::parse(form).into_owned().collect();
    let field = |key: &str| form.iter().find(|(k, _)| k == key).map_or("", |(_, v)| v.as_str());
    if field("client_id").is_empty() {
        return refuse(StatusCode::BAD_REQUEST, "UNAUTHORIZED", "client_id is required");
    }
    let known = match field("grant_type") {
        "password" => {
            field("username") == bearer.account.user && field("password") == bearer.account.password
        }
        "refresh_token" => field("refresh_token") == bearer.refresh,
        _ => return refuse(StatusCode::BAD_REQUEST, "UNSUPPORTED", "unknown grant_type"),
    };
    if !known {
        return refuse(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", "wrong user name or password");
    }
    let asked: Vec<_> = field("scope").split(' ').collect();
    Ok(answer(bearer, &asked, Caller::Account, field("access_type") == "offline"))
}

fn answer(bearer: &Bearer, asked: &[&str], caller: Caller, offline: bool) -> Answer {
    let scopes: Vec<_> = asked.iter().filter_map(|text| Scope::parse(text)).collect();
    let granted: Vec<_> = scopes.into_iter().filter_map(|s| allowed(bearer, s, caller)).collect();
    let text: Vec<_> = granted.iter().map(Scope::to_text).collect();
    let token = bearer.issue(granted);
    let mut body = json!({"token": token, "access_token": token, "scope": text.join(" "),
        "expires_in": bearer.lifetime.as_secs()});
    if offline && let Some(body) = body.as_object_mut() {
        body.insert("refresh_token".to_owned(), json!(bearer.refresh));
    }
    document(StatusCode::OK, &body)
}

/// What of a scope the caller may have.
fn allowed(bearer: &Bearer, scope: Scope, caller: Caller) -> Option<Scope> {
    if caller == Caller::Account {
        return Some(scope);
    }
    let pulls = scope.kind == "repository" && scope.actions.iter().any(|action| action == "pull");
    (bearer.anonymous_pull && pulls).then(|| Scope { actions: vec!["pull".to_owned()], ..scope })
}
