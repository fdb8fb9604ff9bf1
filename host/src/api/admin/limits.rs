//! What an endpoint's hosts say of how often they may be asked. Nothing is asked of them for it.

use portolan_core::id::EndpointId;
use serde::Serialize;

use crate::{
    api::{
        auth::Access,
        extract::Ids,
        harbor::wire::Time,
        respond::{Answer, json},
    },
    host::limits::RateLimit,
};

#[derive(Serialize)]
struct LimitsWire {
    limits: Vec<LimitWire>,
}

#[derive(Serialize)]
struct LimitWire {
    host: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remaining: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    window_seconds: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reset: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_at: Option<Time>,
    seen: Time,
}

impl From<RateLimit> for LimitWire {
    fn from(it: RateLimit) -> Self {
        Self {
            host: it.host,
            limit: it.limit,
            remaining: it.remaining,
            window_seconds: it.window,
            reset: it.reset.map(Time::from),
            retry_at: it.retry_at.map(Time::from),
            seen: it.seen.into(),
        }
    }
}

/// `GET /endpoints/{id}/limits`; 0 is Local.
pub(crate) async fn show(access: Access, Ids([id]): Ids<1>) -> Answer {
    let limits = access.viewer().await?.rate_limits(EndpointId(id)).await?;
    Ok(json(&LimitsWire { limits: limits.into_iter().map(LimitWire::from).collect() }))
}
