//! From one listed repository to its tasks, no more at once than the tasks before them leave room for.

use std::time::Duration;

use portolan_core::{
    oci::Repository,
    plan::{self, PlannedDestination},
    provider::ArtifactEntry,
    selection,
    task::{Operation, TaskSpec},
    visibility::Visibility,
};
use time::OffsetDateTime;

use super::{
    super::{ages::Asks, prune::Pruning},
    Lister, ListingError,
};

/// Tasks of one execution that wait or run; from there on its listing waits. Each has the names of a
/// repository's tags, and any number of workers finds enough in so many.
const MAX_WAITING: u64 = 100;
/// How often a listing that waits looks whether there is room.
const LOOK: Duration = Duration::from_millis(200);

impl Lister {
    /// The destinations of one repository: what it is to be there, and where the listing told media
    /// types what each takes under the name it will have there. Where that cannot be had, the task
    /// will tell why.
    pub(super) async fn destinations_of(
        &self,
        repository: &Repository,
        visibility: Option<Visibility>,
        types_told: bool,
    ) -> Vec<PlannedDestination> {
        let mut planned = Vec::with_capacity(self.destinations.len());
        for (connection, destination) in &self.destinations {
            let mut destination = destination.clone();
            if let Ok(name) = destination.naming.destination(repository) {
                destination.visibility =
                    self.decided((connection, destination.endpoint), &name, visibility);
                if types_told
                    && let Ok(adapter) = connection.now().await
                    && let Ok(target) = adapter.locate(name.as_str()).await
                {
                    destination.accepts = adapter.accepts(&target);
                }
            }
            planned.push(destination);
        }
        planned
    }

    /// Plans one repository and adds its tasks; returns how many.
    pub(super) async fn add(
        &self,
        repository: &Repository,
        visibility: Option<Visibility>,
        mut artifacts: Vec<ArtifactEntry>,
    ) -> Result<usize, ListingError> {
        if let Some(at_source) = &self.at_source {
            at_source.note(self.destinations.iter().map(|(_, to)| to), repository, &artifacts);
        }
        let told = artifacts.iter().any(|artifact| artifact.media_type.is_some());
        let destinations = self.destinations_of(repository, visibility, told).await;
        let seen = self.seen(repository, &mut artifacts).await?;
        let listed = (artifacts, &seen);
        let specs = plan::tasks_for(&self.policy, &destinations, repository, self.kind, listed)?;
        self.add_tasks(repository, specs).await
    }

    /// What is known of the ages of a repository's artifacts; notes what is seen now.
    pub(super) async fn seen(
        &self,
        repository: &Repository,
        artifacts: &mut Vec<ArtifactEntry>,
    ) -> Result<selection::Seen, ListingError> {
        let asks = Asks {
            shared: &self.shared,
            policy: &self.policy,
            id: Some(self.execution.policy),
            source: &self.source,
            notes: true,
        };
        Ok(asks.seen(repository, artifacts).await?)
    }

    /// Adds the tasks of one repository, which is listed with that; returns how many.
    pub(super) async fn add_tasks(
        &self,
        repository: &Repository,
        specs: Vec<TaskSpec>,
    ) -> Result<usize, ListingError> {
        let copies = specs.iter().filter(|spec| spec.operation == Operation::Copy);
        let items = copies.map(TaskSpec::item_count).sum();
        let (id, now) = (self.execution.id, OffsetDateTime::now_utc());
        // Made before these are there, it does not count them twice.
        let course = self.shared.course(id).await;
        let added = self.shared.store.add_listed(id, repository, specs, now).await?;
        course.lists(items);
        self.shared.queued.notify_one();
        Ok(added)
    }

    /// Adds the tasks that delete what is gone at the source, once everything was copied; what is to
    /// be said of it.
    pub(super) async fn prune(&self) -> Result<String, ListingError> {
        let Some(at_source) = &self.at_source else { return Ok(String::new()) };
        let pruning = Pruning {
            shared: &self.shared,
            execution: &self.execution,
            policy: &self.policy,
            destinations: &self.destinations,
            at_source,
            kind: plan::resource_type(&self.source.adapter().info().resources),
        };
        let (tasks, said) = pruning.plan().await?;
        let (id, now) = (self.execution.id, OffsetDateTime::now_utc());
        for task in tasks {
            let repository = task.source_repository.clone();
            self.shared.store.add_listed(id, &repository, vec![task], now).await?;
        }
        self.shared.wake.notify_waiters();
        Ok(said)
    }

    /// Waits while so many tasks of the execution wait that more would only take room: a listing is
    /// no faster than what it is for.
    pub(super) async fn room(&self) -> Result<(), ListingError> {
        let _turn = self.turn.lock().await;
        loop {
            let execution = self.shared.store.execution(self.execution.id).await?;
            if execution.counters.in_progress < MAX_WAITING || execution.stop_requested {
                return Ok(());
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}
