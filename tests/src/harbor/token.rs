//! `/service/token`: GET alone, one form of answer, and never more than the caller may have.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use hyper::{Method, Request, StatusCode, body::Incoming};
use serde_json::json;

use super::{
    Answer, document,
    listing::query,
    refusal,
    state::{Account, Kind, Scope, State},
};

pub(super) fn give(state: &State, request: &Request<Incoming>) -> Answer {
    if request.method() != Method::GET {
        return refusal(405, "METHOD_NOT_ALLOWED", "method not allowed");
    }
    let Ok(caller) = state.caller(request.headers()) else {
        return refusal(401, "UNAUTHORIZED", "unauthorized: authentication failed");
    };
    let query = query(request.uri());
    if !query.iter().any(|(key, value)| key == "service" && value == state.service()) {
        return refusal(400, "BAD_REQUEST", "bad request: unable to handle service");
    }
    let asked = query.iter().filter(|(key, _)| key == "scope").flat_map(|(_, s)| s.split(' '));
    let granted = asked.filter_map(parse).map(|scope| allowed(state, caller.as_ref(), scope));
    let granted: Vec<_> = granted.collect();
    let mut content = state.content();
    let token = BASE64_URL_SAFE_NO_PAD.encode(format!("harbor {}", content.tokens.len()));
    content.tokens.push((token.clone(), granted));
    let body = json!({"token": token, "access_token": "", "expires_in": 1800,
        "issued_at": "2026-08-21T08:00:00Z"});
    document(StatusCode::OK, &body)
}

fn parse(text: &str) -> Option<Scope> {
    let (kind, rest) = text.split_once(':')?;
    let (name, actions) = rest.rsplit_once(':')?;
    let actions = actions.split(',').map(str::to_owned).collect();
    Some(Scope { kind: kind.to_owned(), name: name.to_owned(), actions })
}

/// The scope with those of its actions that the caller has.
pub(super) fn allowed(state: &State, caller: Option<&Account>, scope: Scope) -> Scope {
    let content = state.content();
    let project = scope.name.split('/').next().and_then(|name| content.project(name));
    let administers = caller.is_some_and(|account| account.kind == Kind::Administrator);
    let may = |action: &String| match (scope.kind.as_str(), project) {
        ("registry", _) => administers,
        ("repository", Some(project)) => {
            caller.is_some_and(|account| account.may_use(&project.name))
                || (project.public && action == "pull")
        }
        _ => false,
    };
    Scope { actions: scope.actions.iter().filter(|a| may(a)).cloned().collect(), ..scope.clone() }
}
