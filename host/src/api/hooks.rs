//! `/hooks/{endpoint id}`: where registries tell what happened. No session and no role: a delivery
//! proves itself with the endpoint's webhook secret, which the host checks.
//!
//! An address here may hold that secret: it is shown nowhere.

use std::time::{Duration, Instant};

use axum::{
    Router,
    extract::{Path, Request, State},
    http::StatusCode,
    response::Response,
    routing::post,
};
use portolan_core::{id::EndpointId, secret::Secret};
use serde::Serialize;

use super::{
    Api,
    extract::read_body,
    guard,
    respond::{Answer, json_as},
};
use crate::host::{Delivery, DeliveryError};

/// Largest delivery, in bytes.
const MAX_BODY: usize = 1 << 20;
/// When a refusal is answered: whether an endpoint is there must not show in the time it takes.
const REFUSED_AFTER: Duration = Duration::from_millis(250);

/// Both routes of a hook.
pub(crate) fn routes() -> Router<Api> {
    Router::new()
        .route("/hooks/{id}", post(by_header))
        .route("/hooks/{id}/{token}", post(by_address))
        .route_layer(guard::at_most(guard::REQUEST_TIME))
}

/// Whether a path is a hook's, and so may hold a secret.
pub(crate) fn is_hook(path: &str) -> bool {
    path.starts_with("/hooks/")
}

#[derive(Serialize)]
struct Taken {
    /// Tags and artifacts that rules will run for.
    events: usize,
}

async fn by_header(State(api): State<Api>, Path(id): Path<String>, request: Request) -> Answer {
    deliver(api, &id, None, request).await
}

async fn by_address(
    State(api): State<Api>,
    Path((id, token)): Path<(String, String)>,
    request: Request,
) -> Answer {
    deliver(api, &id, Some(Secret::new(token)), request).await
}

/// 202 once what it tells is stored.
async fn deliver(api: Api, id: &str, token: Option<Secret>, request: Request) -> Answer {
    let begun = Instant::now();
    let pairs = request.headers().iter();
    let headers = pairs.map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()));
    let headers = headers.collect();
    let body = read_body(request, MAX_BODY).await?;
    // What is no id is one that nothing has.
    let id = EndpointId(id.parse().unwrap_or(u64::MAX));
    let taken = api.0.host.deliver(id, Delivery { token, headers, body }).await;
    if let Err(DeliveryError::Refused | DeliveryError::Closed) = &taken {
        tokio::time::sleep_until((begun + REFUSED_AFTER).into()).await;
    }
    Ok(accepted(taken?))
}

fn accepted(events: usize) -> Response {
    json_as(StatusCode::ACCEPTED, &Taken { events })
}
