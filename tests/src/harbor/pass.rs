//! The distribution API: who may do it, then the registry behind does it.

use http_body_util::BodyExt as _;
use hyper::{
    HeaderMap, Method, Request, StatusCode, Uri,
    body::Incoming,
    header::{AUTHORIZATION, CONTENT_TYPE, HOST, WWW_AUTHENTICATE},
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};

use super::{
    Answer,
    listing::query,
    refusal,
    state::{Scope, State},
    token::allowed,
    whole,
};

pub(super) async fn on(state: &State, mut request: Request<Incoming>) -> Answer {
    let needed = needed(request.method(), request.uri());
    if !has(state, request.headers(), &needed) {
        return challenge(state, request.headers(), &needed);
    }
    let writes = needed.iter().find(|scope| scope.actions.iter().any(|action| action == "push"));
    if let Some(scope) = writes {
        let project = scope.name.split('/').next().unwrap_or_default();
        let upstream = state.content().project(project).map(|project| project.upstream);
        match upstream {
            Some(None) => {}
            Some(Some(_)) => return refusal(405, "UNSUPPORTED", "can not push to proxy cache"),
            None => return refusal(404, "NOT_FOUND", &format!("project {project} not found")),
        }
    }
    if let Some(refused) = oci_before_2(state, &request) {
        return refused;
    }
    let inside = format!("{}{}", state.registry.url(), request.uri());
    *request.uri_mut() = inside.parse().expect("it was an address");
    request.headers_mut().remove(HOST);
    request.headers_mut().remove(AUTHORIZATION);
    let client: Client<HttpConnector, Incoming> =
        Client::builder(TokioExecutor::new()).build_http();
    match client.request(request).await {
        Ok(answer) => answer.map(|body| body.boxed()),
        Err(error) => refusal(502, "UNKNOWN", &error.to_string()),
    }
}

/// Harbor 1.10 answers a push of OCI manifests so (goharbor/harbor#10952).
fn oci_before_2(state: &State, request: &Request<Incoming>) -> Option<Answer> {
    let kind = request.headers().get(CONTENT_TYPE)?.to_str().ok()?;
    let pushes = *request.method() == Method::PUT && request.uri().path().contains("/manifests/");
    (state.first.is_some() && pushes && kind.starts_with("application/vnd.oci.")).then(|| {
        whole(StatusCode::INTERNAL_SERVER_ERROR, format!("unsupported content type {kind}\n"))
    })
}

/// By token, or by Basic, which the core of Harbor 2.x takes here too.
fn has(state: &State, headers: &HeaderMap, needed: &[Scope]) -> bool {
    let sent = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if let Some(token) = sent.strip_prefix("Bearer ") {
        let content = state.content();
        let issued = content.tokens.iter().find(|(known, _)| known == token);
        return issued.is_some_and(|(_, scopes)| needed.iter().all(|need| covered(scopes, need)));
    }
    if state.first.is_some() {
        return false;
    }
    let Ok(caller) = state.caller(headers) else { return false };
    match (&caller, needed) {
        (None, []) => false,
        _ => needed.iter().all(|need| allowed(state, caller.as_ref(), need.clone()) == *need),
    }
}

fn covered(scopes: &[Scope], need: &Scope) -> bool {
    let of = |scope: &&Scope| scope.kind == need.kind && scope.name == need.name;
    let has = |action| scopes.iter().filter(of).any(|scope| scope.actions.contains(action));
    need.actions.iter().all(has)
}

/// The core of Harbor 2.x asks whoever sent something for the password, and says nothing of a project
/// that it does not have (`src/server/middleware/v2auth`).
fn challenge(state: &State, headers: &HeaderMap, needed: &[Scope]) -> Answer {
    let text = |scope: &Scope| format!("{}:{}:{}", scope.kind, scope.name, scope.actions.join(","));
    let scopes: Vec<_> = needed.iter().map(text).collect();
    let mut value =
        format!("Bearer realm=\"{}/service/token\",service=\"{}\"", state.url(), state.service());
    let message = match needed.first() {
        Some(scope) => {
            value.push_str(&format!(",scope=\"{}\"", scopes.join(" ")));
            format!("unauthorized to access repository: {}", scope.name)
        }
        None => "unauthorized: unauthorized".to_owned(),
    };
    if state.first.is_none() && headers.contains_key(AUTHORIZATION) {
        let project = needed.iter().filter_map(|scope| scope.name.split('/').next()).next();
        let known = project.is_none_or(|name| state.content().project(name).is_some());
        value = if known { "Basic realm=\"harbor\"".to_owned() } else { String::new() };
    }
    let mut answer = refusal(401, "UNAUTHORIZED", &message);
    answer.headers_mut().insert(WWW_AUTHENTICATE, value.parse().expect("a header"));
    let version = "registry/2.0".parse().expect("a header");
    answer.headers_mut().insert("docker-distribution-api-version", version);
    answer
}

fn needed(method: &Method, uri: &Uri) -> Vec<Scope> {
    let scope = |kind: &str, name: &str, actions: &[&str]| Scope {
        kind: kind.to_owned(),
        name: name.to_owned(),
        actions: actions.iter().map(|&action| action.to_owned()).collect(),
    };
    let path = uri.path().strip_prefix("/v2/").unwrap_or_default();
    if path == "_catalog" {
        return vec![scope("registry", "catalog", &["*"])];
    }
    let ends = ["/manifests/", "/blobs/", "/tags/", "/referrers/"];
    let Some(end) = ends.iter().filter_map(|part| path.rfind(part)).max() else {
        return Vec::new();
    };
    let name = &path[..end].trim_end_matches("/blobs");
    let actions: &[&str] = match *method {
        Method::GET if path.contains("/blobs/uploads/") => &["pull", "push"],
        Method::GET | Method::HEAD => &["pull"],
        Method::DELETE if !path.contains("/blobs/uploads/") => &["delete"],
        _ => &["pull", "push"],
    };
    let mut scopes = vec![scope("repository", name, actions)];
    let from = query(uri).into_iter().find(|(key, _)| key == "from");
    scopes.extend(from.map(|(_, from)| scope("repository", &from, &["pull"])));
    scopes
}
