//! One artifact as its registry has it now, for people who look. Nothing is copied or kept.

use portolan_core::{
    id::EndpointId,
    oci::{Manifest, Reference, Repository},
};

use super::{
    Engine,
    connect::{ConnectError, Connections},
    queue::{locate, remote},
};
use crate::{distribution::DistributionError, plugin::PluginError};

/// Why an artifact cannot be looked at.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InspectError {
    /// The endpoint has no adapter.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The adapter cannot say where the repository is.
    #[error(transparent)]
    Plugin(#[from] PluginError),
    /// What is listed has no manifest yet.
    #[error(
        "what this provider lists becomes an artifact when it is copied: there is no manifest \
         to look at, and the listing has all that is known"
    )]
    Foreign,
    /// The registry did not give it.
    #[error(transparent)]
    Registry(#[from] DistributionError),
}

/// The manifest behind a reference, its bytes checked.
///
/// # Errors
/// As each variant says.
async fn manifest(
    connections: &Connections,
    id: EndpointId,
    repository: &Repository,
    reference: &Reference,
) -> Result<Manifest, InspectError> {
    let connection = connections.connection(id).await?;
    if connection.adapter().info().capabilities.foreign_content {
        return Err(InspectError::Foreign);
    }
    let (connection, target) = locate(connection, repository.as_str()).await?;
    Ok(remote(connection, target).get_manifest(reference).await?)
}

impl Engine {
    /// The manifest of an artifact as its registry has it now.
    pub(crate) async fn inspect(
        &self,
        id: EndpointId,
        repository: &Repository,
        reference: &Reference,
    ) -> Result<Manifest, InspectError> {
        manifest(&self.shared.connections, id, repository, reference).await
    }
}
