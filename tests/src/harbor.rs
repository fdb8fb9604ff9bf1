//! A double of a Harbor server, 2.x or 1.x: its management API, its token service, and the distribution
//! API of an in-memory registry behind it. Written from Harbor's API description, not from our
//! adapter.
//!
//! It never creates a project by a push, as Harbor does not either.

mod listing;
mod management;
mod pass;
mod state;
mod token;
mod v1;
mod webhook;

use std::{convert::Infallible, sync::Arc};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, combinators::BoxBody};
use hyper::{
    Request, Response, StatusCode, body::Incoming, header::CONTENT_TYPE, service::service_fn,
};
use hyper_util::rt::TokioIo;
use portolan_testregistry::{Digest, Registry};
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    task::{JoinHandle, JoinSet},
};

pub use state::{Account, Kind, Lie};
use state::{First, Project, State};
pub use webhook::{Happened, Payload};

/// The administrator's password.
pub const PASSWORD: &str = "Harbor12345";

type Body = BoxBody<Bytes, hyper::Error>;
type Answer = Response<Body>;

/// A running double with the account `admin`. Stops when dropped.
pub struct Harbor {
    state: Arc<State>,
    task: JoinHandle<()>,
}

impl Harbor {
    /// Listens on a free port; holds no project.
    ///
    /// # Panics
    /// When there is no free port.
    pub async fn start() -> Self {
        Self::with(None).await
    }

    /// A Harbor 1.x: `v1.2.0`, or what `/api/systeminfo` is to tell; with an Admiral that keeps
    /// the projects, as in vSphere Integrated Containers.
    ///
    /// # Panics
    /// When there is no free port.
    pub async fn first(version: &str, with_admiral: bool) -> Self {
        Self::with(Some(First { version: version.to_owned(), with_admiral })).await
    }

    async fn with(first: Option<First>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let registry = Registry::builder().start().await.expect("a free port");
        let state = Arc::new(State::new(address, registry, first));
        let harbor = Self { task: tokio::spawn(accept(listener, Arc::clone(&state))), state };
        harbor.add_account(Account::new("admin", PASSWORD, Kind::Administrator, &[]));
        harbor
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        self.state.url()
    }

    /// Its content; what is put in here was pushed.
    pub fn registry(&self) -> &Registry {
        &self.state.registry
    }

    /// Lets somebody in.
    pub fn add_account(&self, account: Account) {
        self.state.content().accounts.push(account);
    }

    /// Creates a project.
    pub fn add_project(&self, name: &str, public: bool) {
        self.state.content().add_project(Project::new(name, public));
    }

    /// Creates a project that caches another registry, and takes no pushes.
    pub fn add_proxy_cache(&self, name: &str) {
        self.state.content().add_project(Project { upstream: Some(9), ..Project::new(name, true) });
    }

    /// Puts labels on the artifact of a tag; those that are new become global labels.
    ///
    /// # Panics
    /// When there is no such tag.
    pub fn label(&self, repository: &str, tag: &str, labels: &[&str]) {
        let digest = self.state.registry.tag(repository, tag).expect("a tag that is there");
        let mut content = self.state.content();
        for label in labels {
            if !content.labels.iter().any(|known| known == label) {
                content.labels.push((*label).to_owned());
            }
            let key = (repository.to_owned(), digest.to_string());
            content.labelled.entry(key).or_default().push((*label).to_owned());
        }
    }

    /// Attaches something to the artifact of a tag, as a signature is, without a tag of its own.
    ///
    /// # Panics
    /// When there is no such tag.
    pub fn attach(&self, repository: &str, tag: &str, kind: &str, media_type: &str) -> Digest {
        let registry = &self.state.registry;
        let subject = registry.tag(repository, tag).expect("a tag that is there");
        let text = format!("{kind} of {tag}");
        let digest = registry.put_referrer(repository, &subject, media_type, text);
        let key = (repository.to_owned(), subject.to_string());
        let row = (kind.to_owned(), digest.to_string());
        self.state.content().attached.entry(key).or_default().push(row);
        digest
    }

    /// Forgets every token that it gave, as a Harbor that was set up anew does.
    pub fn forget_tokens(&self) {
        self.state.content().tokens.clear();
    }

    /// Lies from now on.
    pub fn lie(&self, lie: Lie) {
        self.state.content().lie = Some(lie);
    }

    /// Names of the projects, and whether each is public.
    pub fn projects(&self) -> Vec<(String, bool)> {
        let content = self.state.content();
        content.projects.iter().map(|project| (project.name.clone(), project.public)).collect()
    }

    /// `METHOD path?query` of every request so far, as they came.
    pub fn requests(&self) -> Vec<String> {
        self.state.content().requests.clone()
    }
}

impl Drop for Harbor {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The connections end with this task.
async fn accept(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let state = Arc::clone(&state);
        let service = service_fn(move |request| {
            let state = Arc::clone(&state);
            async move { Ok::<_, Infallible>(answer(&state, request).await) }
        });
        let io = TokioIo::new(stream);
        connections.spawn(hyper::server::conn::http1::Builder::new().serve_connection(io, service));
        while connections.try_join_next().is_some() {}
    }
}

async fn answer(state: &State, request: Request<Incoming>) -> Answer {
    state.content().requests.push(format!("{} {}", request.method(), request.uri()));
    let path = request.uri().path();
    if path.starts_with("/api/") && state.first.is_some() {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        return v1::answer(state, &parts, &body);
    }
    if path == "/api/version" {
        return document(StatusCode::OK, &json!({"version": "v2.0"}));
    }
    if path == "/service/token" {
        return token::give(state, &request);
    }
    if path.starts_with("/v2/") {
        return pass::on(state, request).await;
    }
    if path.starts_with("/api/v2.0/") {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        return management::answer(state, &parts, &body);
    }
    // The portal answers everything else with its page.
    let mut page = whole(StatusCode::OK, "<!doctype html><title>Harbor</title>");
    page.headers_mut().insert(CONTENT_TYPE, "text/html".parse().expect("a header"));
    page
}

fn whole(status: StatusCode, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()).map_err(|never| match never {}).boxed());
    *answer.status_mut() = status;
    answer
}

fn document(status: StatusCode, value: &Value) -> Answer {
    let mut answer = whole(status, format!("{value}\n"));
    let kind = "application/json; charset=utf-8".parse().expect("a header");
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    answer
}

fn refusal(status: u16, code: &str, message: &str) -> Answer {
    let status = StatusCode::from_u16(status).expect("a status");
    document(status, &json!({"errors": [{"code": code, "message": message}]}))
}
