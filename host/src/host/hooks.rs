//! Webhooks: proven by the host, read by the adapter, kept until rules run for them.
//!
//! No secret of a delivery is logged, stored, or handed to an adapter.

mod proof;
mod rates;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use portolan_core::{
    endpoint::{Credentials, EndpointSpec},
    event::Happening,
    id::EndpointId,
    provider::{DeliveryAuth, Event},
    secret::Secret,
};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use tokio::time::timeout;

use super::Host;
use crate::{
    error::{Code, Error},
    plugin::PluginError,
    store::{Accepted, StoreError, Told},
};

pub(super) use rates::Hooks;

/// Longest time an adapter may take to read a delivery.
const READING: Duration = Duration::from_secs(10);
/// Headers that are not handed to an adapter: they are or may hold a proof.
const PROOFS: [&str; 3] = ["authorization", "cookie", "proxy-authorization"];

/// A webhook as it came.
pub struct Delivery {
    /// What stands in the address behind the endpoint's id.
    pub token: Option<Secret>,
    /// Its headers.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Its body.
    pub body: Bytes,
}

impl Delivery {
    /// The values of one header.
    fn values(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        let fits = move |(one, _): &&(String, Vec<u8>)| one.eq_ignore_ascii_case(name);
        self.headers.iter().filter(fits).map(|(_, value)| value.as_slice())
    }
}

/// Why a webhook was not taken.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// There is no such endpoint, or the proof is wrong; which of them is not told.
    #[error("no such hook, or not its secret")]
    Refused,
    /// The endpoint takes none: it has no secret, or its adapter reads no webhooks.
    #[error("this endpoint takes no webhooks; the daemon's log says why")]
    Closed,
    /// Too many at once, or too much that waits.
    #[error("too many deliveries; send it again in a minute")]
    TooMany,
    /// The adapter does not understand it.
    #[error("the delivery is not understood: {0}")]
    Unreadable(String),
    /// It cannot be taken now.
    #[error("the delivery cannot be taken now; send it again later")]
    Unavailable,
}

/// What became of a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryOutcome {
    /// It told something new, which is kept until rules run for it.
    Accepted,
    /// It told what was known already.
    Repeated,
    /// It told nothing that rules run for, such as a pull.
    Nothing,
    /// Its proof was wrong, or there is no such endpoint.
    Refused,
    /// The endpoint takes none.
    Closed,
    /// Too many at once, or too much that waited.
    Throttled,
    /// The adapter did not understand it.
    Unreadable,
    /// It could not be taken then.
    Failed,
}

impl DeliveryOutcome {
    const ALL: [Self; 8] = [
        Self::Accepted,
        Self::Repeated,
        Self::Nothing,
        Self::Refused,
        Self::Closed,
        Self::Throttled,
        Self::Unreadable,
        Self::Failed,
    ];

    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Repeated => "repeated",
            Self::Nothing => "nothing",
            Self::Refused => "refused",
            Self::Closed => "closed",
            Self::Throttled => "throttled",
            Self::Unreadable => "unreadable",
            Self::Failed => "failed",
        }
    }
}

impl From<&DeliveryError> for DeliveryOutcome {
    fn from(error: &DeliveryError) -> Self {
        match error {
            DeliveryError::Refused => Self::Refused,
            DeliveryError::Closed => Self::Closed,
            DeliveryError::TooMany => Self::Throttled,
            DeliveryError::Unreadable(_) => Self::Unreadable,
            DeliveryError::Unavailable => Self::Failed,
        }
    }
}

/// The last webhook of an endpoint since the host was started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LastDelivery {
    /// When it came.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// What became of it.
    pub outcome: DeliveryOutcome,
    /// How many events it told, or why it was not taken.
    pub detail: String,
}

/// What is known of an endpoint's webhooks.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// How they may prove themselves; none where the adapter reads none.
    pub ways: Vec<DeliveryAuth>,
    /// Whether the endpoint has a webhook secret, without which it takes none.
    pub has_secret: bool,
    /// Tags and artifacts that wait for rules to run.
    pub waiting: usize,
    /// The last one.
    pub last: Option<LastDelivery>,
}

impl Host {
    /// Takes a webhook: checks its proof, has the adapter read it, and keeps what it tells. Once this
    /// says how many new events there were, they survive a kill.
    ///
    /// # Errors
    /// As [`DeliveryError`] says.
    pub async fn deliver(
        &self,
        id: EndpointId,
        delivery: Delivery,
    ) -> Result<usize, DeliveryError> {
        let known = self.stored_settings(id).await;
        let known_id = known.is_ok().then_some(id);
        let taken = match known {
            Ok((spec, credentials)) => self.take(id, &spec, credentials, &delivery).await,
            Err(error) => Err(missing(&error)),
        };
        let (outcome, detail) = match &taken {
            Ok(Accepted::Stored { new: 0, repeated: 0 }) => {
                (DeliveryOutcome::Nothing, String::new())
            }
            Ok(Accepted::Stored { new: 0, .. }) => (DeliveryOutcome::Repeated, String::new()),
            Ok(Accepted::Stored { new, .. }) => (DeliveryOutcome::Accepted, events(*new)),
            Ok(Accepted::Full) => (DeliveryOutcome::Throttled, DeliveryError::TooMany.to_string()),
            Err(error) => (DeliveryOutcome::from(error), error.to_string()),
        };
        let (endpoint, word) = (id.0, outcome.name());
        match &taken {
            Ok(_) => tracing::debug!(endpoint, outcome = word, detail, "a webhook came"),
            Err(_) => tracing::warn!(endpoint, outcome = word, detail, "a webhook was not taken"),
        }
        self.shared.hooks.note(known_id, outcome, detail);
        match taken? {
            Accepted::Stored { new, .. } => Ok(new),
            Accepted::Full => Err(DeliveryError::TooMany),
        }
    }

    async fn take(
        &self,
        id: EndpointId,
        spec: &EndpointSpec,
        credentials: Credentials,
        delivery: &Delivery,
    ) -> Result<Accepted, DeliveryError> {
        let ways = match self.shared.plugins.authentication(&spec.provider).await {
            Ok(ways) => ways,
            Err(error) => return Err(unread(id, &error)),
        };
        let Some(secret) = credentials.webhook_secret else {
            let (endpoint, name) = (id.0, spec.name.as_str());
            tracing::warn!(
                endpoint,
                name,
                "a webhook came and the endpoint has no secret for it: set webhook_secret"
            );
            return Err(DeliveryError::Closed);
        };
        if !proof::is_proven(&ways, &secret, delivery) {
            return Err(DeliveryError::Refused);
        }
        if !self.shared.hooks.may(id, Instant::now()) {
            return Err(DeliveryError::TooMany);
        }
        let events = self.read(id, &ways, delivery).await?;
        let told = told(&events, &delivery.body);
        if told.is_empty() {
            return Ok(Accepted::Stored { new: 0, repeated: 0 });
        }
        self.shared.engine.accept_events(id, told).await.map_err(|error| match error {
            StoreError::NotFound { .. } => DeliveryError::Refused,
            error => {
                tracing::error!(endpoint = id.0, %error, "a webhook could not be kept");
                DeliveryError::Unavailable
            }
        })
    }

    /// Has the adapter read a delivery; it sees no header that may be a proof.
    async fn read(
        &self,
        id: EndpointId,
        ways: &Arc<[DeliveryAuth]>,
        delivery: &Delivery,
    ) -> Result<Vec<Event>, DeliveryError> {
        let proof = |name: &str| {
            let declared = ways.iter().any(|way| match way {
                DeliveryAuth::UrlToken => false,
                DeliveryAuth::HeaderToken(header) => name.eq_ignore_ascii_case(header),
                DeliveryAuth::HmacHeader(form) => name.eq_ignore_ascii_case(&form.header),
            });
            declared || PROOFS.iter().any(|one| name.eq_ignore_ascii_case(one))
        };
        let shown = delivery.headers.iter().filter(|(name, _)| !proof(name));
        let shown: Vec<(String, Vec<u8>)> = shown.cloned().collect();
        let reading = async {
            let adapter = self.shared.engine.connections().adapter(id).await;
            let adapter = adapter.map_err(|error| Error::from(error).to_string())?;
            Ok(adapter.parse(&shown, &delivery.body).await)
        };
        let late = || Err("the adapter took too long".to_owned());
        match timeout(READING, reading).await.unwrap_or_else(|_| late()) {
            Ok(Ok(events)) => Ok(events),
            Ok(Err(error @ (PluginError::Malformed(_) | PluginError::Invalid(_)))) => {
                Err(DeliveryError::Unreadable(error.to_string()))
            }
            Ok(Err(error)) => Err(failed(id, &error.to_string())),
            Err(error) => Err(failed(id, &error)),
        }
    }

    /// How an endpoint's registry may tell what happens there; 0 is Local.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn webhook(&self, id: EndpointId) -> Result<Webhook, Error> {
        let (spec, credentials) = self.stored_settings(id).await?;
        let ways = match self.shared.plugins.authentication(&spec.provider).await {
            Ok(ways) => ways.to_vec(),
            Err(PluginError::Unsupported(_) | PluginError::UnknownProvider(_)) => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        Ok(Webhook {
            ways,
            has_secret: credentials.webhook_secret.is_some(),
            waiting: self.store.pending_events(id).await?,
            last: self.shared.hooks.last(id),
        })
    }
}

fn events(count: usize) -> String {
    if count == 1 { "1 event".to_owned() } else { format!("{count} events") }
}

/// What is answered where the endpoint cannot be had.
fn missing(error: &Error) -> DeliveryError {
    match error.code() {
        Code::NotFound | Code::Invalid => DeliveryError::Refused,
        _ => {
            tracing::error!(%error, "a webhook came and its endpoint cannot be read");
            DeliveryError::Unavailable
        }
    }
}

/// What is answered where the adapter does not say how webhooks prove themselves.
fn unread(id: EndpointId, error: &PluginError) -> DeliveryError {
    tracing::warn!(endpoint = id.0, %error, "a webhook came that no adapter reads");
    match error {
        PluginError::Unsupported(_) | PluginError::UnknownProvider(_) => DeliveryError::Closed,
        _ => DeliveryError::Unavailable,
    }
}

fn failed(id: EndpointId, error: &str) -> DeliveryError {
    tracing::error!(endpoint = id.0, error, "a webhook could not be read");
    DeliveryError::Unavailable
}

/// The events that change something, each with what a second delivery of it is known by: the
/// registry's id of it, else the whole body, together with what it is about.
fn told(events: &[Event], body: &[u8]) -> Vec<Told> {
    let one = |event: &Event| {
        let happening = Happening::of(event)?;
        let mut hash = Sha256::new();
        hash.update(event.id.as_ref().map_or(body, |id| id.as_bytes()));
        hash.update([0]);
        hash.update(happening.subject());
        let id = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Some(Told { id, happening })
    };
    events.iter().filter_map(one).collect()
}
