//! What options leave behind of what filters keep: types, then ages, then all but the newest.

use std::collections::HashSet;

use semver::Version;
use time::OffsetDateTime;

use super::{Selection, SelectionError, Told};
use crate::{pattern, policy::options::Newer, provider::ArtifactEntry};

/// Artifacts, each with its place in the list.
type Placed = Vec<(usize, ArtifactEntry)>;

impl Selection<'_> {
    pub(super) fn narrow(&self, kept: Placed, told: &mut Told) -> Result<Placed, SelectionError> {
        let kept = self.of_types(kept, told);
        let kept = self.of_age(kept, told);
        match (self.options.latest.count, self.options.latest.by) {
            (0, _) => Ok(kept),
            (count, Newer::Semver) => Ok(newest_versions(count, kept, told)),
            (count, Newer::PushTime) => newest_pushed(count, kept, told),
        }
    }

    /// What is of no wanted type, as far as the listing tells: the copy looks at the rest.
    fn of_types(&self, mut kept: Placed, told: &mut Told) -> Placed {
        if self.options.media_types.is_empty() {
            return kept;
        }
        kept.retain(|(at, artifact)| {
            let Some(kind) = artifact.artifact_type.as_deref() else { return true };
            let manifest = artifact.media_type.as_ref().map_or("", |it| it.as_str());
            let taken = self.options.takes_type(&[kind, manifest]);
            if !taken {
                told.whole(*at, artifact, || {
                    format!("left out by the option `media_types`: it is of the type `{kind}`")
                });
            }
            taken
        });
        kept
    }

    fn of_age(&self, mut kept: Placed, told: &mut Told) -> Placed {
        let age = &self.options.age;
        if age.min.is_none() && age.max.is_none() {
            return kept;
        }
        kept.retain(|(at, artifact)| {
            let why = self.too_young(artifact).or_else(|| self.too_old(artifact));
            let Some(why) = why else { return true };
            told.whole(*at, artifact, || why);
            false
        });
        kept
    }

    /// Why an artifact is in quarantine.
    fn too_young(&self, artifact: &ArtifactEntry) -> Option<String> {
        let min = self.options.age.min.as_ref()?;
        let wait = min.as_str();
        let Some(digest) = &artifact.digest else {
            return Some(format!(
                "left out by the option `age`: its digest is not known, so that it cannot be said \
                 to have been here for {wait}"
            ));
        };
        let Some(first) = self.seen.first.get(digest) else {
            return Some(format!(
                "left out by the option `age`: new, it goes {wait} after a run saw it first"
            ));
        };
        let goes = first.saturating_add(min.duration());
        (self.seen.now < goes).then(|| {
            format!(
                "left out by the option `age`: first seen {}, it goes from {} on",
                minute(*first),
                minute(goes)
            )
        })
    }

    /// Why an artifact is too old; one whose age is not told is not.
    fn too_old(&self, artifact: &ArtifactEntry) -> Option<String> {
        let (max, pushed) = (self.options.age.max.as_ref()?, artifact.pushed?);
        (self.seen.now > pushed.saturating_add(max.duration())).then(|| {
            let (pushed, max) = (minute(pushed), max.as_str());
            format!("left out by the option `age`: pushed {pushed}, more than {max} ago")
        })
    }

    /// What people should know of an artifact that goes: nothing, for most.
    pub(crate) fn note(&self, artifact: &ArtifactEntry) -> Option<String> {
        let unknown_age = self.options.age.max.is_some() && artifact.pushed.is_none();
        let unknown_type = !self.options.media_types.is_empty() && artifact.artifact_type.is_none();
        match (unknown_age, unknown_type) {
            (false, false) => None,
            (true, false) => Some("its age is unknown: the listing tells no push time".to_owned()),
            (false, true) => Some("its type is looked at when it is copied".to_owned()),
            (true, true) => Some(
                "its age is unknown: the listing tells no push time; its type is looked at when \
                 it is copied"
                    .to_owned(),
            ),
        }
    }
}

/// The newest versions; tags are counted, whatever artifact they stand for.
fn newest_versions(count: u32, kept: Placed, told: &mut Told) -> Placed {
    let mut versions: Vec<(Version, usize, usize)> = Vec::new();
    for (place, (_, artifact)) in kept.iter().enumerate() {
        let found = artifact.tags.iter().enumerate();
        versions.extend(found.filter_map(|(nth, tag)| Some((pattern::version(tag)?, place, nth))));
    }
    versions.sort_unstable_by(|a, b| b.cmp(a));
    versions.truncate(usize::try_from(count).unwrap_or(usize::MAX));
    let newest: HashSet<(usize, usize)> =
        versions.into_iter().map(|(_, place, nth)| (place, nth)).collect();
    let why = |tag: &str| match pattern::version(tag) {
        Some(_) => format!("left out by the option `latest`: {count} are newer"),
        None => "left out by the option `latest`: its tag is no version".to_owned(),
    };
    let keep = |(place, (at, mut artifact)): (usize, (usize, ArtifactEntry))| {
        if artifact.tags.is_empty() {
            told.whole(at, &artifact, || why(""));
        }
        let tags = std::mem::take(&mut artifact.tags).into_iter().enumerate();
        artifact.tags = tags
            .filter_map(|(nth, tag)| {
                if newest.contains(&(place, nth)) {
                    return Some(tag);
                }
                told.tag(at, &tag, || why(&tag));
                None
            })
            .collect();
        (!artifact.tags.is_empty()).then_some((at, artifact))
    };
    kept.into_iter().enumerate().filter_map(keep).collect()
}

/// What was pushed last; where that is not told of one, it counts as the oldest.
fn newest_pushed(count: u32, kept: Placed, told: &mut Told) -> Result<Placed, SelectionError> {
    let most = usize::try_from(count).unwrap_or(usize::MAX);
    if kept.len() <= most {
        return Ok(kept);
    }
    if kept.iter().all(|(_, artifact)| artifact.pushed.is_none()) {
        return Err(SelectionError::NoPushTimes(count));
    }
    let mut places: Vec<(Option<OffsetDateTime>, usize)> =
        kept.iter().enumerate().map(|(place, (_, it))| (it.pushed, place)).collect();
    places.sort_unstable_by_key(|(pushed, place)| (std::cmp::Reverse(*pushed), *place));
    let newest: HashSet<usize> = places.into_iter().take(most).map(|(_, place)| place).collect();
    let keep = |(place, (at, artifact)): (usize, (usize, ArtifactEntry))| {
        if newest.contains(&place) {
            return Some((at, artifact));
        }
        told.whole(at, &artifact, || {
            format!("left out by the option `latest`: {count} were pushed later")
        });
        None
    };
    Ok(kept.into_iter().enumerate().filter_map(keep).collect())
}

/// An instant to the minute, in UTC.
fn minute(at: OffsetDateTime) -> String {
    let at = at.to_offset(time::UtcOffset::UTC);
    let date = at.date();
    format!("{date} {:02}:{:02} UTC", at.hour(), at.minute())
}
