//! A small HTTP client for the tests: one request, one whole answer.

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};

use crate::Registry;

pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// What arrived, and whether that was all.
    pub(super) body: Bytes,
    pub(super) complete: bool,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(super) fn code(&self) -> String {
        self.json()["errors"][0]["code"].as_str().unwrap().to_owned()
    }
}

/// Sends a request; `None` when the connection was closed without an answer.
pub(super) async fn try_send(
    registry: &Registry,
    line: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Option<Answer> {
    let (method, path) = line.split_once(' ').unwrap();
    let mut request = Request::builder().method(method).uri(format!("{}{path}", registry.url()));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let answer = client.request(request.body(Full::new(body.into())).unwrap()).await.ok()?;
    let (parts, mut stream) = answer.into_parts();
    let (mut bytes, mut complete) = (Vec::new(), true);
    while let Some(frame) = stream.frame().await {
        match frame {
            Ok(frame) => bytes.extend_from_slice(&frame.into_data().unwrap_or_default()),
            Err(_) => {
                complete = false;
                break;
            }
        }
    }
    let (status, headers) = (parts.status, parts.headers);
    Some(Answer { status, headers, body: bytes.into(), complete })
}

pub(super) async fn send(
    registry: &Registry,
    line: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Answer {
    try_send(registry, line, headers, body).await.unwrap()
}

pub(super) async fn get(registry: &Registry, path: &str) -> Answer {
    send(registry, &format!("GET {path}"), &[], "").await
}
