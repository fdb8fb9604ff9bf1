//! How an endpoint's registry may tell what happens there, and what became of the last delivery.
//! The secret itself is never shown.

use portolan_core::{id::EndpointId, provider::DeliveryAuth};
use serde::Serialize;

use crate::{
    api::{
        auth::Access,
        extract::Ids,
        respond::{Answer, json},
    },
    host::LastDelivery,
};

#[derive(Serialize)]
struct WebhookWire {
    /// Whether the endpoint's adapter reads webhooks.
    supported: bool,
    /// Whether there is a secret, without which none is taken.
    secret_set: bool,
    ways: Vec<Way>,
    /// Tags and artifacts that wait for rules to run.
    waiting: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_delivery: Option<LastDelivery>,
}

/// One way a delivery may prove itself, and the address for it.
#[derive(Serialize)]
struct Way {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    header: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hash: Option<String>,
    path: String,
    /// The whole address, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

impl Way {
    fn new(way: DeliveryAuth, id: u64, external: Option<&str>) -> Self {
        let plain = format!("/hooks/{id}");
        let (kind, header, hash, path) = match way {
            DeliveryAuth::UrlToken => ("url-token", None, None, format!("{plain}/{{secret}}")),
            DeliveryAuth::HeaderToken(header) => ("header-token", Some(header), None, plain),
            DeliveryAuth::HmacHeader(form) => {
                ("hmac-header", Some(form.header), Some(form.hash), plain)
            }
        };
        let url = external.map(|base| format!("{}{path}", base.trim_end_matches('/')));
        Self { kind, header, hash, path, url }
    }
}

/// `GET /endpoints/{id}/webhook`; 0 is Local.
pub(crate) async fn show(access: Access, Ids([id]): Ids<1>) -> Answer {
    let webhook = access.operator().await?.webhook(EndpointId(id)).await?;
    let external = access.settings().external_url.as_deref();
    let ways: Vec<Way> = webhook.ways.into_iter().map(|way| Way::new(way, id, external)).collect();
    Ok(json(&WebhookWire {
        supported: !ways.is_empty(),
        secret_set: webhook.has_secret,
        ways,
        waiting: webhook.waiting,
        last_delivery: webhook.last,
    }))
}
