//! The loops beside the work: claims are kept alive, what is over is forgotten, what was noted of
//! destinations is written. They start nothing.

use std::{sync::Arc, time::Duration};

use time::OffsetDateTime;

use super::{BEAT, LEASE, Shared};

/// How often what is kept no longer of the history is looked for.
const HISTORY: Duration = Duration::from_secs(600);
/// How long what is noted of destinations waits to be written.
const NOTED: Duration = Duration::from_secs(1);

/// Renews claims; cuts what is no longer ours, or was asked to stop by somebody else. Forgets what
/// is over.
pub(super) async fn claims(shared: Arc<Shared>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(BEAT) => {}
            () = shared.cutting.cancelled() => return,
        }
        shared.forget_what_is_over().await;
        let until = OffsetDateTime::now_utc() + LEASE;
        for id in shared.running.listings.ids() {
            if let Ok(false) = shared.store.renew_execution(id, &shared.owner, until).await {
                shared.running.listings.cancel(id);
            }
        }
        let ids = shared.running.tasks.ids();
        if ids.is_empty() {
            continue;
        }
        match shared.store.renew_tasks(ids.clone(), &shared.owner, until).await {
            Ok(ours) => {
                for id in ids.into_iter().filter(|id| !ours.contains(id)) {
                    shared.running.tasks.cancel(id);
                }
            }
            Err(error) => tracing::error!(%error, "claims could not be renewed"),
        }
    }
}

/// Forgets executions that are kept no longer, a few at a time, so that other writes get their turn.
pub(super) async fn history(shared: Arc<Shared>) {
    loop {
        while !shared.closing.is_cancelled() {
            match shared.store.prune_history(OffsetDateTime::now_utc()).await {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    tracing::warn!(%error, "old executions could not be forgotten");
                    break;
                }
            }
        }
        tokio::select! {
            () = tokio::time::sleep(HISTORY) => {}
            () = shared.closing.cancelled() => return,
        }
    }
}

/// Writes what was noted of destinations every so often.
pub(super) async fn records(shared: Arc<Shared>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(NOTED) => shared.records.flush().await,
            () = shared.closing.cancelled() => return,
        }
    }
}
