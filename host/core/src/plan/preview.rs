//! What a run would do about an artifact, as people see it before they start one; and which filter
//! leaves one out.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;

use crate::{
    filter::{self, Filter},
    id::EndpointId,
    oci::{Digest, Repository},
    pattern::BadPattern,
    provider::ArtifactEntry,
    selection::{Selection, SelectionError, Told},
};

/// What would be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// It would be copied.
    Copy,
    /// The destination has it.
    AlreadyThere,
    /// The destination has another under its tag, and that one stays.
    Kept,
    /// The destination has what is gone at the source, and it is deleted there.
    Delete,
    /// A filter leaves it out.
    Skipped,
    /// The destination, or its provider, does not take it.
    Refused,
    /// The destination did not say whether it has it.
    Unknown,
}

/// One tag, or one untagged artifact, or a repository that is left out, at one destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlannedArtifact {
    /// Repository at the source.
    pub repository: String,
    /// Tag; `None` for an untagged artifact and for a whole repository.
    pub tag: Option<String>,
    /// Digest at the source, where the listing tells.
    pub digest: Option<Digest>,
    /// Endpoint it goes to; `None` where a filter leaves it out.
    pub destination: Option<EndpointId>,
    /// Repository there.
    pub destination_repository: Option<Repository>,
    /// What would be done.
    pub decision: Decision,
    /// Why.
    pub reason: String,
    /// Bytes, where the listing tells.
    pub size: Option<u64>,
}

/// How many of which, and their bytes as far as listings tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PlannedCounts {
    /// To be copied.
    pub copy: u64,
    /// At the destination already.
    pub already_there: u64,
    /// Tags that stay as they are at the destination.
    pub kept: u64,
    /// To be deleted, since they are gone at the source.
    pub delete: u64,
    /// Left out by a filter.
    pub skipped: u64,
    /// Not taken by the destination.
    pub refused: u64,
    /// Of which the destination did not say.
    pub unknown: u64,
    /// Bytes to be copied at most, where the listing tells: blobs that are there are not copied.
    pub bytes: u64,
    /// How many of those to be copied have no size in the listing.
    pub sizes_unknown: u64,
}

impl PlannedCounts {
    /// Counts these.
    #[must_use]
    pub fn of(artifacts: &[PlannedArtifact]) -> Self {
        let mut counts = Self::default();
        for artifact in artifacts {
            *match artifact.decision {
                Decision::Copy => &mut counts.copy,
                Decision::AlreadyThere => &mut counts.already_there,
                Decision::Kept => &mut counts.kept,
                Decision::Delete => &mut counts.delete,
                Decision::Skipped => &mut counts.skipped,
                Decision::Refused => &mut counts.refused,
                Decision::Unknown => &mut counts.unknown,
            } += 1;
            if artifact.decision == Decision::Copy {
                match artifact.size {
                    Some(size) => counts.bytes = counts.bytes.saturating_add(size),
                    None => counts.sizes_unknown += 1,
                }
            }
        }
        counts
    }
}

/// An artifact after the filters: what is kept of it, and what each filter took.
#[derive(Clone, Debug, PartialEq)]
pub struct Sifted {
    /// Its digest, where the listing tells.
    pub digest: Option<Digest>,
    /// What is kept; `None` where nothing is.
    pub kept: Option<ArtifactEntry>,
    /// Tags that were left out (`None` for the artifact as a whole), each with the filter.
    pub skipped: Vec<(Option<String>, String)>,
    /// What else is to be said of what is kept.
    pub note: Option<String>,
}

/// Which filter leaves a repository out; `None` where none does.
///
/// # Errors
/// When a pattern is malformed.
pub fn skips_repository(
    filters: &[Filter],
    repository: &str,
) -> Result<Option<String>, BadPattern> {
    for filter in filters {
        if !filter::keeps_repository(std::slice::from_ref(filter), repository)? {
            return Ok(Some(worded(filter)));
        }
    }
    Ok(None)
}

/// Puts the artifacts of a repository through filters and options, as a run does, and says what
/// each took; in the order of the list.
///
/// # Errors
/// When a pattern is malformed, or options cannot be applied.
pub fn sift(
    selection: Selection<'_>,
    artifacts: Vec<ArtifactEntry>,
) -> Result<Vec<Sifted>, SelectionError> {
    // What is attached follows its subject: only the whole list tells what is kept.
    let mut told = Told::asked();
    let kept = selection.places(artifacts.clone(), &mut told)?;
    let mut kept: BTreeMap<usize, ArtifactEntry> = kept.into_iter().collect();
    let mut told = told.by_place();
    let attached: HashSet<String> = selection.attached_tags(&artifacts)?.into_iter().collect();
    let each = |(at, artifact)| {
        let options = told.remove(&at).unwrap_or_default();
        let mut sifted = sifted(selection.filters, artifact, kept.remove(&at), options)?;
        for (tag, why) in &mut sifted.skipped {
            if tag.as_ref().is_some_and(|tag| attached.contains(tag)) {
                *why = "it goes with what it is attached to, where that goes".to_owned();
            }
        }
        sifted.note = sifted.kept.as_ref().and_then(|kept| selection.note(kept));
        Ok(sifted)
    };
    artifacts.into_iter().enumerate().map(each).collect()
}

/// What is `kept` of an artifact, and why the rest is not; `options` took what filters kept.
fn sifted(
    filters: &[Filter],
    artifact: ArtifactEntry,
    kept: Option<ArtifactEntry>,
    options: Vec<Out>,
) -> Result<Sifted, BadPattern> {
    let (digest, subject) = (artifact.digest.clone(), artifact.subject.clone());
    let (alone, mut skipped) = reasons(filters, artifact)?;
    match (&kept, subject) {
        (Some(kept), _) => {
            skipped.retain(|(tag, _)| tag.as_ref().is_some_and(|tag| !kept.tags.contains(tag)));
        }
        (None, Some(subject)) if alone && options.is_empty() => {
            let why = format!("it is attached to {subject}, and goes only with it");
            // With a tag of its own it would be kept.
            skipped = vec![(None, why)];
        }
        (None, _) => {}
    }
    skipped.extend(options);
    Ok(Sifted { digest, kept, skipped, note: None })
}

/// A tag that is left out, or `None` for what has none, and why.
type Out = (Option<String>, String);

/// Whether the filters keep an artifact by itself, and which took what of it.
fn reasons(filters: &[Filter], artifact: ArtifactEntry) -> Result<(bool, Vec<Out>), BadPattern> {
    let (mut left, mut skipped) = (artifact, Vec::new());
    for filter in filters {
        let before = left.tags.clone();
        let kept = filter::keep_artifact(std::slice::from_ref(filter), left)?;
        let gone = |tag: &String| kept.as_ref().is_none_or(|kept| !kept.tags.contains(tag));
        let words = worded(filter);
        skipped.extend(
            before.iter().filter(|tag| gone(tag)).map(|it| (Some(it.clone()), words.clone())),
        );
        let Some(kept) = kept else {
            if before.is_empty() {
                skipped.push((None, words));
            }
            return Ok((false, skipped));
        };
        left = kept;
    }
    Ok((true, skipped))
}

/// A filter in words.
fn worded(filter: &Filter) -> String {
    use filter::Decoration::Excludes;
    let but = |decoration| if decoration == Excludes { "excluding " } else { "" };
    match filter {
        Filter::Name(pattern, decoration) | Filter::Tag(pattern, decoration) => {
            let kind = filter.kind();
            let syntax = filter.syntax().filter(|it| *it != "glob");
            let syntax = syntax.map(|name| format!("{name} ")).unwrap_or_default();
            let text = pattern.as_str();
            format!("left out by the {kind} filter {}{syntax}`{text}`", but(*decoration))
        }
        Filter::Label(labels, decoration) => {
            format!("left out by the label filter {}`{}`", but(*decoration), labels.join(", "))
        }
        Filter::Resource(kind) => format!("left out by the resource filter `{kind}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{filter::Decoration, policy::Options, selection::Seen};

    fn sift(filters: &[Filter], list: Vec<ArtifactEntry>) -> Result<Vec<Sifted>, SelectionError> {
        let seen = Seen::nothing(time::OffsetDateTime::UNIX_EPOCH);
        super::sift(Selection { filters, options: &Options::default(), seen: &seen }, list)
    }

    fn keep(filters: &[Filter], list: Vec<ArtifactEntry>) -> Vec<ArtifactEntry> {
        let seen = Seen::nothing(time::OffsetDateTime::UNIX_EPOCH);
        Selection { filters, options: &Options::default(), seen: &seen }.keep(list).unwrap()
    }

    #[test]
    fn each_filter_says_what_it_took() {
        let filters = [
            Filter::name("lib/**"),
            Filter::tag("v*", Decoration::Matches),
            Filter::tag("*-rc", Decoration::Excludes),
        ];
        let tags = ["v1", "v2-rc", "latest"].map(str::to_owned).to_vec();
        let sift_one = |it| sift(&filters, vec![it]).unwrap().pop().unwrap();
        let sifted = sift_one(ArtifactEntry { tags, ..ArtifactEntry::unknown() });
        assert_eq!(sifted.kept.unwrap().tags, ["v1"]);
        let told: Vec<(&str, &str)> = sifted
            .skipped
            .iter()
            .map(|(tag, why)| (tag.as_deref().unwrap(), why.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                ("latest", "left out by the tag filter `v*`"),
                ("v2-rc", "left out by the tag filter excluding `*-rc`")
            ]
        );
        let regex = Filter::parse("tag", &"^v".into(), "excludes", "regex").unwrap();
        assert_eq!(worded(&regex), "left out by the tag filter excluding regex `^v`");
        let untagged = sift_one(ArtifactEntry::unknown());
        assert!(untagged.kept.is_none());
        assert_eq!(untagged.skipped, [(None, "left out by the tag filter `v*`".to_owned())]);
        assert_eq!(skips_repository(&filters, "lib/a").unwrap(), None);
        let why = skips_repository(&filters, "other/a").unwrap().unwrap();
        assert_eq!(why, "left out by the name filter `lib/**`");
    }

    #[test]
    fn a_sifted_list_is_what_a_run_takes() {
        let artifact = |name: &str, tags: &[&str], subject: Option<&str>| ArtifactEntry {
            digest: Some(Digest::of(name.as_bytes())),
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            subject: subject.map(|name| Digest::of(name.as_bytes())),
            ..ArtifactEntry::unknown()
        };
        let list = || {
            vec![
                artifact("nested", &[], Some("sbom")),
                artifact("sbom", &["sha256-a.sbom"], Some("a")),
                artifact("a", &["v1", "old"], None),
                artifact("other", &[], Some("b")),
                artifact("tagged", &["v1-tool", "x"], Some("b")),
                artifact("b", &["x"], None),
                artifact("lost", &[], Some("nowhere")),
                ArtifactEntry { labels: vec!["l".to_owned()], ..artifact("l", &["v1"], None) },
                ArtifactEntry { tags: vec!["v3".to_owned()], ..ArtifactEntry::unknown() },
            ]
        };
        let tag = |glob: &str, decoration| Filter::tag(glob, decoration);
        let cases = [
            vec![],
            vec![tag("v*", Decoration::Matches)],
            vec![tag("v*", Decoration::Excludes)],
            vec![Filter::Label(vec!["l".to_owned()], Decoration::Excludes)],
            vec![Filter::Resource("image".to_owned())],
        ];
        for filters in cases {
            let mut taken = keep(&filters, list());
            let sifted = sift(&filters, list()).unwrap();
            assert_eq!(sifted.len(), list().len());
            for (one, listed) in sifted.iter().zip(list()) {
                let told = one.skipped.iter().filter_map(|(tag, _)| tag.as_ref());
                let mut tags: Vec<_> =
                    told.chain(one.kept.iter().flat_map(|it| &it.tags)).collect();
                let mut all: Vec<_> = listed.tags.iter().collect();
                tags.sort();
                all.sort();
                assert_eq!(tags, all, "{filters:?}: each tag once");
                assert!(one.kept.is_some() || !one.skipped.is_empty(), "{filters:?} {listed:?}");
            }
            let mut kept: Vec<_> = sifted.into_iter().filter_map(|one| one.kept).collect();
            let key =
                |it: &ArtifactEntry| (it.digest.clone().map(|it| it.to_string()), it.tags.clone());
            kept.sort_by_key(key);
            taken.sort_by_key(key);
            assert_eq!(kept, taken, "{filters:?}");
        }
        let sifted = sift(&[tag("{,v*}", Decoration::Matches)], list()).unwrap();
        let (tag, why) = sifted.get(3).and_then(|other| other.skipped.first()).unwrap();
        assert!(tag.is_none() && why.contains("it is attached to"), "{why}");
    }
}
