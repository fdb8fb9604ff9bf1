//! A backup as a download, sealed under a passphrase that comes in the body and is kept nowhere.

use axum::{
    body::Body,
    http::header,
    response::{IntoResponse, Response},
};
use futures_util::stream;
use portolan_core::secret::Secret;
use serde::Deserialize;

use crate::{
    api::{
        auth::{self, Access},
        extract::{Json, Parameter},
        respond::Answer,
    },
    error::{Code, Error},
};

/// Body of `POST /backup`.
#[derive(Default, Deserialize)]
pub(crate) struct Passphrase {
    #[serde(default)]
    passphrase: String,
}

impl Parameter for Passphrase {
    const NAME: &'static str = "backup";
}

/// `POST /backup`: the whole store as of one moment. One that breaks off ends without its last
/// chunk, and is refused by `portolan restore`.
pub(crate) async fn make(access: Access, Json(body): Json<Passphrase>) -> Answer {
    let passphrase = Secret::new(body.passphrase);
    let host = access.admin().await?;
    let turn = host.backup_turn()?;
    // Given up or not, the turn lasts as long as the work.
    let derive = move || {
        let mut salt = [0; 16];
        getrandom::fill(&mut salt)
            .map_err(|error| Error::new(Code::Internal, format!("no randomness: {error}")))?;
        auth::backup_key(&passphrase, &salt).map(|key| (turn, key))
    };
    let derived = tokio::task::spawn_blocking(derive).await;
    let (turn, key) = derived.map_err(|error| Error::new(Code::Internal, error.to_string()))??;
    let pieces = host.backup(turn, key)?;
    let pieces = stream::unfold(pieces, async |mut pieces| Some((pieces.recv().await?, pieces)));
    Ok(download(Body::from_stream(pieces)))
}

fn download(body: Body) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"portolan.backup\""),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, body).into_response()
}
