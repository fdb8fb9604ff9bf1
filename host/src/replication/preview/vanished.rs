//! The end of a plan of a rule that prunes: repositories that its runs filled, and that the source no
//! longer lists. Nothing is noted.

use std::collections::{HashMap, HashSet};

use portolan_core::{
    filter,
    id::EndpointId,
    oci::Repository,
    plan::{Decision, PlannedArtifact},
};
use tokio::time::Instant;

use super::{Destination, Place, Planner, Preview, PreviewError, endless, refused, row::left_out};
use crate::replication::{listing::pages::Pages, prune};

/// A repository of a destination that nothing at the source is listed for.
struct Vanished<'d> {
    destination: &'d Destination,
    /// What it is called there, and what it was filled from.
    name: Repository,
    source: Repository,
    /// The source lists nothing at all for the destination: then nothing is pruned there.
    held: bool,
}

/// What the source lists, as each destination names it.
type Listed = HashMap<EndpointId, HashSet<Repository>>;

impl Planner<'_> {
    /// The rows of repositories that are gone as a whole, from `place` on.
    pub(super) async fn vanished(
        &self,
        mut rows: Vec<PlannedArtifact>,
        mut place: Place,
        from: &Place,
        limit: usize,
    ) -> Result<Preview, PreviewError> {
        let Some(gone) = self.in_time(self.no_longer_listed()).await? else {
            if place != *from {
                return self.cut(rows, place, from);
            }
            rows.push(unknown(format!(
                "which repositories are gone as a whole could not be found out within {} s; a run \
                 finds out",
                self.time.as_secs()
            )));
            return Ok(Preview { artifacts: rows, next: None });
        };
        for repository in gone.iter().skip(place.repositories) {
            if rows.len() >= limit || Instant::now() >= self.ends {
                return self.cut(rows, place, from);
            }
            let Some(found) = self.in_time(self.of(repository)).await? else {
                return self.cut(rows, place, from);
            };
            let (before, room) = (rows.len(), limit - rows.len());
            let more = found.len() > place.artifacts.saturating_add(room);
            rows.extend(found.into_iter().skip(place.artifacts).take(room));
            place.artifacts += rows.len() - before;
            if more {
                return self.cut(rows, place, from);
            }
            (place.repositories, place.artifacts) = (place.repositories + 1, 0);
        }
        Ok(Preview { artifacts: rows, next: None })
    }

    /// What runs of the rule filled, and nothing of the source is listed for.
    async fn no_longer_listed(&self) -> Result<Vec<Vanished<'_>>, PreviewError> {
        let Some(id) = self.id.filter(|_| self.policy.options.prune.enabled) else {
            return Ok(Vec::new());
        };
        let (mut gone, mut met) = (Vec::new(), HashSet::new());
        for destination in &self.destinations {
            let prunes = destination.connection.adapter().info().capabilities.management;
            // Under several namespaces it is one destination.
            if !prunes || !met.insert(destination.endpoint) {
                continue;
            }
            let most = prune::MAX_REPOSITORIES;
            let filled = self.shared.store.filled(id, destination.endpoint, most).await;
            let filled = filled.map_err(refused)?.into_iter();
            gone.extend(filled.map(|it| Vanished {
                destination,
                name: it.0,
                source: it.1,
                held: true,
            }));
        }
        if gone.is_empty() {
            return Ok(gone);
        }
        let listed = self.listed().await?;
        gone.retain_mut(|it| match listed.get(&it.destination.endpoint) {
            Some(listed) => {
                it.held = false;
                !listed.contains(&it.name)
            }
            None => true,
        });
        Ok(gone)
    }

    /// Every repository that the source lists and the rule selects by its name.
    async fn listed(&self) -> Result<Listed, PreviewError> {
        let (mut listed, mut cursor, mut pages) = (Listed::new(), None::<String>, Pages::default());
        loop {
            let (names, next) = self.repositories(cursor.as_deref()).await?;
            let brought = names.len();
            for name in names {
                let kept = filter::keeps_repository(&self.policy.filters, &name);
                let Ok(source) = name.parse::<Repository>() else { continue };
                if !kept.map_err(refused)? {
                    continue;
                }
                for destination in &self.destinations {
                    if let Ok(there) = destination.naming.destination(&source) {
                        listed.entry(destination.endpoint).or_default().insert(there);
                    }
                }
            }
            match next {
                None => return Ok(listed),
                Some(next) if cursor.as_ref() == Some(&next) || pages.is_endless(brought) => {
                    return Err(endless("the repositories"));
                }
                Some(next) => cursor = Some(next),
            }
        }
    }

    /// The rows of one of them. What the source still has, unlisted, stays, as in a run.
    async fn of(&self, gone: &Vanished<'_>) -> Result<Vec<PlannedArtifact>, PreviewError> {
        let Vanished { destination, name, source, held } = gone;
        let row = |tag, decision, reason| PlannedArtifact {
            destination: Some(destination.endpoint),
            destination_repository: Some(name.clone()),
            decision,
            ..left_out(source.as_str(), tag, None, reason)
        };
        let unknown = |why| vec![row(None, Decision::Unknown, why)];
        let tags = match prune::tags(&self.source, source).await {
            Ok(tags) => tags,
            Err(error) => {
                return Ok(unknown(format!("the source no longer lists it, and {error}")));
            }
        };
        let found = match self.missing(destination, name, &tags).await? {
            Ok(found) => found,
            Err(why) => return Ok(unknown(why)),
        };
        let held = *held;
        let told = |(tag, decision, reason)| match held {
            false => (tag, decision, reason),
            true => {
                let why =
                    "it is gone at the source; it stays while the source lists nothing at all";
                (tag, Decision::Kept, why.to_owned())
            }
        };
        let rows = found.into_iter().map(told);
        Ok(rows.map(|(tag, decision, why)| row(Some(tag.to_string()), decision, why)).collect())
    }
}

fn unknown(why: String) -> PlannedArtifact {
    PlannedArtifact { decision: Decision::Unknown, ..left_out("", None, None, why) }
}
