//! Another sealing key. No key is ever in a request or an answer.

use serde::Serialize;

use crate::api::{
    auth::Access,
    respond::{Answer, json},
};

#[derive(Serialize)]
struct Rotated {
    /// Endpoints whose secrets were sealed anew.
    endpoints: usize,
}

/// `POST /key/rotate`: seals every stored secret with a new key.
pub(crate) async fn rotate(access: Access) -> Answer {
    let endpoints = access.admin().await?.rotate_key().await?;
    Ok(json(&Rotated { endpoints }))
}
