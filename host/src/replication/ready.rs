//! A destination's repository, made ready to be pushed to once it is found to lack something: where
//! everything is there already, its adapter is asked for nothing.

use portolan_core::{
    oci::{Descriptor, Reference},
    visibility::Visibility,
};
use tokio::sync::OnceCell;

use super::{
    connect::Connection,
    failure::{Side, TransferError},
};
use crate::{distribution::Remote, plugin::PluginError};

/// One repository at its destination.
pub(super) struct Ready {
    connection: Connection,
    repository: String,
    /// Of what has to be made for it.
    visibility: Option<Visibility>,
    /// Tried once: each tag would meet the same refusal.
    made: OnceCell<Result<(), PluginError>>,
}

impl Ready {
    /// Nothing is made yet.
    pub(super) fn new(
        connection: Connection,
        repository: String,
        visibility: Option<Visibility>,
    ) -> Self {
        Self { connection, repository, visibility, made: OnceCell::new() }
    }

    /// Makes the repository ready, unless that was tried.
    pub(super) async fn make(&self) -> Result<(), TransferError> {
        let make = async || {
            let adapter = self.connection.now().await?;
            let targets = std::slice::from_ref(&self.repository);
            let results = adapter.prepare_targets(targets, self.visibility).await;
            results.and_then(|mut results| results.pop().unwrap_or(Ok(())))
        };
        // Large, and seldom wanted.
        let made = self.made.get_or_init(|| Box::pin(make())).await.clone();
        made.map_err(TransferError::at(Side::Destination, "preparing the repository"))
    }

    /// Whether that was tried.
    pub(super) fn is_made(&self) -> bool {
        self.made.initialized()
    }

    /// The manifest that the destination has. Where it has none, the repository is ready by then;
    /// where it refused to answer before that, it is asked again: some refuse what is in no project
    /// of theirs. Where it cannot be made ready, it is not asked any more.
    pub(super) async fn head(
        &self,
        destination: &Remote,
        reference: &Reference,
    ) -> Result<Option<Descriptor>, TransferError> {
        let was_made = self.is_made();
        if was_made {
            self.make().await?;
        }
        match head(destination, reference).await {
            Ok(None) => self.make().await.map(|()| None),
            Err(error) if !was_made && error.is_refusal() => {
                self.make().await?;
                head(destination, reference).await
            }
            answer => answer,
        }
    }
}

async fn head(
    destination: &Remote,
    reference: &Reference,
) -> Result<Option<Descriptor>, TransferError> {
    let there = destination.head_manifest(reference).await;
    there.map_err(TransferError::at(Side::Destination, "asking for a manifest"))
}
