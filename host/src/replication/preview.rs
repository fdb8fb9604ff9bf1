//! What a run of a rule would do, a page at a time: the listing, the filters and the names of a
//! run, and one question to the destination for each artifact. Nothing is copied, made or stored.

use std::{collections::HashSet, pin::pin, sync::Arc, time::Duration};

use futures_util::{StreamExt, stream};
use portolan_core::{
    accepts::Accepts,
    filter,
    id::{EndpointId, PolicyId},
    naming::Naming,
    oci::Repository,
    plan::{self, Decision, PlannedArtifact},
    policy::PolicySpec,
    provider::{ArtifactEntry, ArtifactQuery, RepositoryQuery},
    selection::{Seen, Selection},
};
use tokio::time::{Instant, timeout, timeout_at};

use super::{
    Shared, ages::Asks, connect::Connection, listing::pages::patiently, queue, source::Source,
};
use crate::plugin::PluginError;

mod decision;
mod gone;
mod page;
mod row;
mod vanished;

pub(crate) use page::{Place, Preview, PreviewError};
use row::{Draft, Target, draft, left_out};

/// Questions to registries at once, of one plan.
const QUESTIONS: usize = 6;
/// After this time a page ends with what it has; a plan waits as long for others to end.
pub(super) const PAGE_TIME: Duration = Duration::from_secs(20);
/// Most pages of repositories, and of artifacts of one repository, that one page of a plan reads.
const MAX_PAGES: usize = 200;
/// Most artifacts of one repository that are looked at; a row says where there are more.
const MAX_ARTIFACTS: usize = 20_000;

/// A destination of the policy.
struct Destination {
    endpoint: EndpointId,
    connection: Connection,
    naming: Naming,
}

struct Planner<'p> {
    shared: &'p Arc<Shared>,
    policy: &'p PolicySpec,
    /// `None` of one that is not stored.
    id: Option<PolicyId>,
    source: Connection,
    destinations: Vec<Destination>,
    time: Duration,
    ends: Instant,
}

/// One repository, before destinations are asked.
struct Prepared {
    drafts: Vec<Draft>,
    targets: Vec<Target>,
    source: Result<Source, String>,
}

/// Plans from `from` on, at most `limit` rows, within `time`.
pub(super) async fn make(
    shared: &Arc<Shared>,
    (id, policy): (Option<PolicyId>, &PolicySpec),
    from: Place,
    limit: usize,
    time: Duration,
) -> Result<Preview, PreviewError> {
    let closed = |_| PreviewError::Refused("the engine is closing".to_owned());
    let turn = timeout(time, shared.previews.acquire()).await;
    let _turn = turn.map_err(|_| PreviewError::Busy)?.map_err(closed)?;
    let ends = Instant::now() + time;
    let connect = async {
        let source = shared.connections.connection(policy.source).await?;
        Ok::<_, PreviewError>((source, destinations(shared, policy).await?))
    };
    let connected = timeout_at(ends, connect).await.map_err(|_| PreviewError::Slow(time))?;
    let (source, destinations) = connected?;
    Planner { shared, policy, id, source, destinations, time, ends }.plan(from, limit).await
}

async fn destinations(
    shared: &Shared,
    policy: &PolicySpec,
) -> Result<Vec<Destination>, PreviewError> {
    let mut found = Vec::with_capacity(policy.destinations.len());
    for destination in &policy.destinations {
        let connection = shared.connections.connection(destination.endpoint).await?;
        let info = connection.adapter().info();
        if !info.can_push {
            let provider = &info.provider;
            return Err(PreviewError::Refused(format!(
                "the destination takes no pushes: its provider `{provider}` is a source only"
            )));
        }
        let naming = Naming {
            namespace: destination.namespace.clone(),
            replace: policy.replace_count,
            min_components: info.min_components,
            max_components: info.max_components,
        };
        found.push(Destination { endpoint: destination.endpoint, connection, naming });
    }
    Ok(found)
}

fn refused(why: impl std::fmt::Display) -> PreviewError {
    PreviewError::Refused(why.to_string())
}

fn unlisted(what: &str) -> impl Fn(PluginError) -> PreviewError {
    move |cause| PreviewError::Listing(format!("listing {what} of the source failed: {cause}"))
}

/// A run fails by it as well.
fn endless(what: &str) -> PreviewError {
    let why = "it gives the same place to go on from twice";
    PreviewError::Listing(format!("listing {what} of the source does not end: {why}"))
}

impl Planner<'_> {
    async fn plan(&self, from: Place, limit: usize) -> Result<Preview, PreviewError> {
        let (mut rows, mut place) = (Vec::new(), from.clone());
        if place.gone {
            return self.vanished(rows, place, &from, limit).await;
        }
        for _ in 0..MAX_PAGES {
            let listed = self.in_time(self.repositories(place.cursor.as_deref())).await?;
            let Some((names, next)) = listed else { return self.cut(rows, place, &from) };
            for name in names.iter().skip(place.repositories) {
                if rows.len() >= limit || Instant::now() >= self.ends {
                    return self.cut(rows, place, &from);
                }
                let room = limit - rows.len();
                let (found, more) = self.repository(name, place.artifacts, room).await?;
                place.artifacts += found.len();
                rows.extend(found);
                if more {
                    return self.cut(rows, place, &from);
                }
                (place.repositories, place.artifacts) = (place.repositories + 1, 0);
            }
            if next.is_none() {
                let place = Place { gone: true, ..Place::default() };
                return self.vanished(rows, place, &from, limit).await;
            }
            if next == place.cursor {
                return Err(endless("the repositories"));
            }
            place = Place { cursor: next, ..Place::default() };
        }
        Ok(Preview { artifacts: rows, next: Some(place) })
    }

    /// A page that ends before the plan does. One that brought nothing would be asked for for ever.
    fn cut(
        &self,
        artifacts: Vec<PlannedArtifact>,
        place: Place,
        from: &Place,
    ) -> Result<Preview, PreviewError> {
        if artifacts.is_empty() && place == *from && Instant::now() >= self.ends {
            return Err(PreviewError::Slow(self.time));
        }
        Ok(Preview { artifacts, next: Some(place) })
    }

    /// What comes of it before the page's time is over; `None` where nothing does.
    async fn in_time<T>(
        &self,
        work: impl Future<Output = Result<T, PreviewError>>,
    ) -> Result<Option<T>, PreviewError> {
        timeout_at(self.ends, work).await.ok().transpose()
    }

    /// One page of repository names, and the cursor of the next.
    async fn repositories(
        &self,
        cursor: Option<&str>,
    ) -> Result<(Vec<String>, Option<String>), PreviewError> {
        if let Some(names) = filter::specific_repositories(&self.policy.filters) {
            return Ok((names, None));
        }
        let prefix = filter::common_prefix(&self.policy.filters);
        let query = &RepositoryQuery { prefix, ..RepositoryQuery::default() };
        let source = &self.source;
        let ask = || async move { source.now().await?.list_repositories(query, cursor).await };
        let page = patiently(ask).await.map_err(unlisted("the repositories"))?;
        Ok((page.items.into_iter().map(|row| row.name).collect(), page.next))
    }

    /// The rows of one repository after the first `skip`, at most `room`; and whether there are
    /// more.
    async fn repository(
        &self,
        name: &str,
        skip: usize,
        room: usize,
    ) -> Result<(Vec<PlannedArtifact>, bool), PreviewError> {
        if let Some(why) = plan::skips_repository(&self.policy.filters, name).map_err(refused)? {
            return Ok((vec![left_out(name, None, None, why)], false));
        }
        let Ok(repository) = name.parse::<Repository>() else {
            let why = "its name is outside the grammar of repository names".to_owned();
            return Ok((vec![left_out(name, None, None, why)], false));
        };
        let prepared = self.in_time(self.prepared(name, &repository)).await?;
        let Some(Prepared { drafts, targets, source }) = prepared else {
            return Ok((Vec::new(), true));
        };
        let more = drafts.len() > skip.saturating_add(room);
        let (source, targets) = (&source, &targets);
        let after = drafts.into_iter().skip(skip).take(room);
        let decided = stream::iter(after).map(|draft| self.decide(draft, source, targets));
        let mut decided = pin!(decided.buffered(QUESTIONS));
        let mut rows = Vec::new();
        loop {
            match timeout_at(self.ends, decided.next()).await {
                Ok(Some(row)) => rows.push(row),
                Ok(None) => return Ok((rows, more)),
                Err(_) => return Ok((rows, true)),
            }
        }
    }

    async fn prepared(
        &self,
        name: &str,
        repository: &Repository,
    ) -> Result<Prepared, PreviewError> {
        let (mut artifacts, is_whole) = self.artifacts(name).await?;
        let (shared, policy, id) = (self.shared, self.policy, self.id);
        let asks = Asks { shared, policy, id, source: &self.source, notes: false };
        let tags: HashSet<String> = artifacts.iter().flat_map(|it| it.tags.clone()).collect();
        let seen = asks.seen(repository, &mut artifacts).await.map_err(refused)?;
        let targets = self.targets(repository).await?;
        let mut drafts = self.drafts(name, (artifacts, &seen), &targets)?;
        if is_whole {
            drafts.extend(self.gone(repository, &tags, &targets).await?);
        } else {
            let why = format!(
                "the plan is cut short here: it looks at no more than {MAX_ARTIFACTS} artifacts, \
                 in {MAX_PAGES} pages, of a repository; a run looks at all"
            );
            let row = left_out(name, None, None, why);
            let row = PlannedArtifact { decision: Decision::Unknown, ..row };
            drafts.push(Draft { row, target: None, media_type: None, note: None });
        }
        let source = queue::source_of(self.shared, self.source.clone(), repository).await;
        Ok(Prepared { drafts, targets, source: source.map_err(|error| error.to_string()) })
    }

    /// The artifacts of a repository, and whether these are all.
    async fn artifacts(&self, name: &str) -> Result<(Vec<ArtifactEntry>, bool), PreviewError> {
        let (mut artifacts, mut cursor) = (Vec::new(), None::<String>);
        for _ in 0..MAX_PAGES {
            let (source, at) = (&self.source, cursor.as_deref());
            let query = &ArtifactQuery::default();
            let ask = || async move { source.now().await?.list_artifacts(name, query, at).await };
            let what = format!("the artifacts of {name}");
            let page = patiently(ask).await.map_err(unlisted(&what))?;
            artifacts.extend(page.items);
            let is_over = artifacts.len() > MAX_ARTIFACTS;
            if is_over || page.next.is_none() {
                artifacts.truncate(MAX_ARTIFACTS);
                return Ok((artifacts, !is_over));
            }
            if page.next == cursor {
                return Err(endless(&what));
            }
            cursor = page.next;
        }
        Ok((artifacts, false))
    }

    async fn targets(&self, repository: &Repository) -> Result<Vec<Target>, PreviewError> {
        let mut targets = Vec::with_capacity(self.destinations.len());
        for destination in &self.destinations {
            let name = destination.naming.destination(repository).map_err(refused)?;
            let located = queue::locate(destination.connection.clone(), name.as_str()).await;
            let accepts = match &located {
                Ok((connection, target)) => connection.adapter().accepts(target),
                Err(_) => Accepts::default(),
            };
            let remote = located.map(|(connection, target)| queue::remote(connection, target));
            let remote = remote.map_err(|error| error.to_string());
            targets.push(Target {
                endpoint: destination.endpoint,
                repository: name,
                remote,
                accepts,
            });
        }
        Ok(targets)
    }

    /// Every row of a repository, in an order that another listing of the same gives again.
    fn drafts(
        &self,
        name: &str,
        (artifacts, seen): (Vec<ArtifactEntry>, &Seen),
        targets: &[Target],
    ) -> Result<Vec<Draft>, PreviewError> {
        let mut drafts = Vec::new();
        let PolicySpec { filters, options, .. } = self.policy;
        let selection = Selection { filters, options, seen };
        for sifted in plan::sift(selection, artifacts).map_err(refused)? {
            let digest = &sifted.digest;
            drafts.extend(sifted.skipped.into_iter().map(|(tag, why)| Draft {
                row: left_out(name, tag, digest.clone(), why),
                target: None,
                media_type: None,
                note: None,
            }));
            let Some(kept) = sifted.kept else { continue };
            let tags: Vec<Option<String>> = match kept.tags.is_empty() {
                true => vec![None],
                false => kept.tags.iter().cloned().map(Some).collect(),
            };
            for tag in tags {
                let row = |at| draft(name, tag.clone(), &kept, at);
                let noted = |draft| Draft { note: sifted.note.clone(), ..draft };
                drafts.extend(targets.iter().enumerate().map(row).map(noted));
            }
        }
        Ok(drafts)
    }
}
