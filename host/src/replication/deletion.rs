//! A task that deletes at the destination what is gone at the source.
//!
//! That it is gone is the source's to say, not the event's: what is there again stays.

use std::sync::Arc;

use portolan_core::{
    oci::{Digest, Reference, Tag},
    task::{Item, Task},
};

use super::{
    Shared,
    connect::Connection,
    failure::{Failures, Side, TransferError},
    log::TaskLog,
    queue::{locate, remote, source_of},
    source::Source,
};
use crate::{distribution::Remote, plugin::PluginError};

/// Deletes every item; one that fails does not hold the others.
pub(super) async fn run(shared: &Arc<Shared>, task: &Task, log: &Arc<TaskLog>) -> Failures {
    let spec = &task.spec;
    let (from, to) = (&spec.source_repository, &spec.destination_repository);
    log.info(format!("deleting {} item(s) of {to} that are gone in {from}", spec.item_count()))
        .await;
    let mut failures = Failures::default();
    let job = match Job::prepare(shared, task, log).await {
        Ok(job) => job,
        Err(error) => {
            log.error(error.to_string()).await;
            failures.add(error);
            return failures;
        }
    };
    for Item { digest, tags, .. } in &spec.items {
        let tags = tags.iter().map(What::Tag);
        for what in tags.chain(digest.iter().map(What::Artifact)) {
            if let Err(error) = job.delete(&what).await {
                log.error(format!("{}: {error}", what.reference())).await;
                failures.add(error);
            }
        }
    }
    failures
}

/// What is deleted.
enum What<'a> {
    Tag(&'a Tag),
    Artifact(&'a Digest),
}

impl What<'_> {
    fn reference(&self) -> Reference {
        match self {
            Self::Tag(tag) => Reference::Tag((*tag).clone()),
            Self::Artifact(digest) => Reference::Digest((*digest).clone()),
        }
    }
}

/// Everything one task needs.
struct Job<'a> {
    source: Source,
    destination: Connection,
    /// The distribution API of the destination.
    there: Remote,
    repository: &'a str,
    log: &'a TaskLog,
}

impl<'a> Job<'a> {
    async fn prepare(
        shared: &Arc<Shared>,
        task: &'a Task,
        log: &'a TaskLog,
    ) -> Result<Self, TransferError> {
        let (spec, budgets) = (&task.spec, shared.budgets_of(task).await);
        let binding = "binding the adapter";
        let source = shared.connections.connection(spec.source).await;
        let source = source.map_err(TransferError::at(Side::Source, binding))?.within(&budgets);
        let destination = shared.connections.connection(spec.destination).await;
        let destination = destination.map_err(TransferError::at(Side::Destination, binding))?;
        let destination = destination.within(&budgets);
        let source = source_of(shared, source, &spec.source_repository).await?;
        let repository = spec.destination_repository.as_str();
        let there = locate(destination.clone(), repository).await;
        let (connection, target) =
            there.map_err(TransferError::at(Side::Destination, "locating the repository"))?;
        let there = remote(connection, target);
        Ok(Self { source, destination, there, repository, log })
    }

    async fn delete(&self, what: &What<'_>) -> Result<(), TransferError> {
        let reference = what.reference();
        if self.source.has(&reference).await? {
            self.log.warn(format!("{reference} is at the source again; it stays")).await;
            return Ok(());
        }
        let there = self.there.head_manifest(&reference).await;
        let there = there.map_err(TransferError::at(Side::Destination, "asking for a manifest"))?;
        if there.is_none() {
            self.log.info(format!("{reference} is not there")).await;
            return Ok(());
        }
        let deleted = match self.destination.now().await {
            Ok(adapter) => match what {
                What::Tag(tag) => adapter.delete_tag(self.repository, tag.as_str()).await,
                What::Artifact(it) => adapter.delete_artifact(self.repository, it.as_str()).await,
            },
            Err(error) => Err(error),
        };
        match deleted {
            Ok(()) => self.log.info(format!("{reference} deleted")).await,
            Err(PluginError::NotFound(_)) => {
                self.log.info(format!("{reference} was not there")).await;
            }
            Err(error) => return Err(TransferError::at(Side::Destination, "deleting")(error)),
        }
        Ok(())
    }
}
