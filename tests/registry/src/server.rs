//! Connections: accepts, dispatches each request, records it, spoils it where a fault says so.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::{Bytes, BytesMut};
use http::{HeaderName, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};

use crate::{
    answer::{self, Answer, Refusal, refuse, set},
    blobs,
    body::{Body, Cut, flow},
    call::{Call, Route},
    faults::Instead,
    listing, manifests,
    registry::Shared,
    requests, token, uploads,
};

/// Connections served at once; more wait in the listener's backlog.
const CONNECTIONS: usize = 1024;

/// Serves until the sender of `stopped` is dropped, then lets connections finish for `grace`.
pub(crate) async fn accept(
    listener: TcpListener,
    shared: Arc<Shared>,
    mut stopped: watch::Receiver<()>,
    grace: Duration,
) {
    let mut connections = JoinSet::new();
    loop {
        let full = connections.len() >= CONNECTIONS;
        tokio::select! {
            _ = stopped.changed() => break,
            Some(_) = connections.join_next() => {}
            taken = listener.accept(), if !full => {
                // A failed accept concerns one client; the next one may succeed.
                if let Ok((stream, _)) = taken {
                    connections.spawn(connection(stream, Arc::clone(&shared), stopped.clone()));
                }
            }
        }
    }
    drop(listener);
    let finish = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(grace, finish).await;
}

async fn connection(stream: TcpStream, shared: Arc<Shared>, mut stopped: watch::Receiver<()>) {
    // Without it small answers wait for the client's delayed acknowledgement.
    let _ = stream.set_nodelay(true);
    let service = hyper::service::service_fn(move |request| serve(Arc::clone(&shared), request));
    let builder = auto::Builder::new(TokioExecutor::new());
    let mut serving = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        // What ends a connection is the client's matter, and seen there.
        _ = serving.as_mut() => return,
        _ = stopped.changed() => serving.as_mut().graceful_shutdown(),
    }
    let _ = serving.await;
}

async fn serve(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<Body>, Cut> {
    let running = shared.requests.enter();
    let (parts, body) = request.into_parts();
    let call = Call::new(shared, parts);
    call.effects.wait().await;
    let outcome = match spoilt(&call) {
        Some(answer) => Ok(answer),
        None => dispatch(&call, body).await,
    };
    let answer = match outcome {
        Ok(answer) => Some(answer),
        Err(Refusal::Error(answer)) => Some(*answer),
        Err(Refusal::Cut) => None,
    };
    let status = answer.as_ref().map_or(0, |answer| answer.status().as_u16());
    call.shared.requests.record(entry(&call, status), &running);
    let (mut parts, bytes) = finish(&call, answer.ok_or(Cut)?).into_parts();
    let padding = match call.effects.instead {
        Some(Instead::Huge(padding)) => padding,
        _ => 0,
    };
    if padding == 0 && !parts.headers.contains_key(header::CONTENT_LENGTH) {
        parts.headers.insert(header::CONTENT_LENGTH, bytes.len().into());
    }
    let bytes = if call.method() == Method::HEAD { Bytes::new() } else { bytes };
    let shape = call.effects.shape.clone();
    Ok(Response::from_parts(parts, flow(bytes, padding, shape, running)))
}

fn entry(call: &Call, status: u16) -> requests::Request {
    let scheme = call.header(header::AUTHORIZATION).and_then(|value| value.split(' ').next());
    requests::Request {
        method: call.method().clone(),
        path: call.path().to_owned(),
        kind: call.kind,
        authorization: scheme.map(str::to_owned),
        status,
        received: call.received(),
        sent: 0,
    }
}

/// The answer a fault gives in place of the right one.
fn spoilt(call: &Call) -> Option<Answer> {
    let authorization = call.header(header::AUTHORIZATION);
    match *call.effects.instead.as_ref()? {
        Instead::Status(status) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let code = if status.as_u16() == 429 { "TOOMANYREQUESTS" } else { "UNKNOWN" };
            Some(answer::error(status, code, "a fault was switched on", Value::Null))
        }
        Instead::Html(status) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
            let page = Bytes::from_static(b"<html><body><h1>Bad gateway</h1></body></html>");
            Some(answer::with_body(status, "text/html", page))
        }
        Instead::Huge(_) => {
            let start = Bytes::from_static(b"{\"repositories\":[],\"tags\":[],\"padding\":\"");
            Some(answer::with_body(StatusCode::OK, "application/json", start))
        }
        Instead::EchoBody => {
            let secret = decoded(authorization?);
            let body = json!({"authorization": authorization, "name": secret, "tags": [secret],
                "repositories": [secret]});
            Some(answer::document(StatusCode::OK, &body))
        }
        Instead::EchoHeader => {
            let mut answer = answer::document(StatusCode::OK, &json!({"tags": []}));
            set(&mut answer, HeaderName::from_static("x-echo"), &decoded(authorization?));
            Some(answer)
        }
    }
}

/// The password of Basic credentials, else what stands after the scheme.
fn decoded(authorization: &str) -> String {
    let value = authorization.split_once(' ').map_or(authorization, |(_, value)| value);
    let text = BASE64_STANDARD.decode(value).ok().and_then(|text| String::from_utf8(text).ok());
    let password = text.as_deref().and_then(|text| text.split_once(':')).map(|(_, pass)| pass);
    password.unwrap_or(value).to_owned()
}

async fn dispatch(call: &Call, body: Incoming) -> Result<Answer, Refusal> {
    if call.route == Route::Token {
        return token::give(call, body).await;
    }
    call.shared.access.check(call)?;
    call.route.check()?;
    match (&call.route, call.method().as_str()) {
        (Route::Ping, "GET" | "HEAD") => Ok(answer::document(StatusCode::OK, &json!({}))),
        (Route::Catalog, "GET") => listing::catalog(call),
        (Route::Tags { repository }, "GET") => listing::tags(call, repository),
        (Route::Referrers { repository, digest }, "GET") => {
            listing::referrers(call, repository, digest)
        }
        (Route::Blob { repository, digest }, _) => blobs::handle(call, repository, digest),
        (Route::Manifest { repository, reference }, _) => {
            manifests::handle(call, repository, reference, body).await
        }
        (Route::Uploads { repository }, "POST") => uploads::start(call, repository, body).await,
        (Route::Upload { repository, id }, _) => uploads::handle(call, repository, id, body).await,
        (Route::Unknown | Route::Token, _) => {
            refuse(StatusCode::NOT_FOUND, "NAME_UNKNOWN", "no such resource")
        }
        _ => unsupported(),
    }
}

/// 405 `UNSUPPORTED`.
pub(crate) fn unsupported<T>() -> Result<T, Refusal> {
    refuse(StatusCode::METHOD_NOT_ALLOWED, "UNSUPPORTED", "the operation is unsupported")
}

/// Headers every answer has, and the faults that spoil a body.
fn finish(call: &Call, mut answer: Answer) -> Answer {
    set(&mut answer, answer::VERSION, "registry/2.0");
    for (name, value) in &call.effects.headers {
        set(&mut answer, name.clone(), value);
    }
    if !answer.status().is_success() || answer.body().is_empty() {
        return answer;
    }
    if call.effects.corrupt {
        let mut bytes = BytesMut::from(answer.body().as_ref());
        if let Some(last) = bytes.last_mut() {
            *last ^= 1;
        }
        *answer.body_mut() = bytes.freeze();
    }
    if let Some(length) = call.effects.truncate {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        answer.body_mut().truncate(length);
        answer.headers_mut().remove(header::CONTENT_LENGTH);
    }
    answer
}

/// Reads a whole request body of at most `limit` bytes.
pub(crate) async fn whole(call: &Call, mut body: Incoming, limit: usize) -> Result<Bytes, Refusal> {
    use http_body_util::BodyExt as _;
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Refusal::Cut)?.into_data() else { continue };
        call.add_received(data.len());
        if bytes.len() + data.len() > limit {
            let status = StatusCode::PAYLOAD_TOO_LARGE;
            return refuse(status, "SIZE_INVALID", "the body is larger than this registry takes");
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.freeze())
}
