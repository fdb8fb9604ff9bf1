//! A policy's filters: which repositories, tags, labels and kinds of artifact are meant
//! (contract 3.4). They are applied one after another; none at all means everything.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::{
    oci::{Digest, Repository},
    pattern::{self, BadPattern},
    provider::ArtifactEntry,
};

mod form;
mod resource;

pub use form::InvalidFilter;

/// One filter. Several of a kind are applied one after another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Filter {
    /// Full repository name against a glob.
    Name(String),
    /// Each tag against a glob.
    Tag(String, Decoration),
    /// Labels an artifact carries.
    Label(Vec<String>, Decoration),
    /// `image` or `artifact`.
    Resource(String),
}

/// Whether a filter keeps or drops what it matches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Decoration {
    /// Nothing was said, which means the same as [`Matches`](Self::Matches) but is shown as it was
    /// given.
    #[default]
    Unsaid,
    /// Keep what matches.
    Matches,
    /// Drop what matches.
    Excludes,
}

impl Decoration {
    fn keeps(self, matched: bool) -> bool {
        matched != (self == Self::Excludes)
    }
}

/// Whether the filters keep a repository.
///
/// # Errors
/// When matching reached a malformed pattern: the whole execution fails, as in Harbor.
pub fn keeps_repository(filters: &[Filter], repository: &str) -> Result<bool, BadPattern> {
    for filter in filters {
        if let Filter::Name(name) = filter
            && !pattern::matches(name, repository)?
        {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The repositories the filters name outright, so that no catalogue need be listed; `None` where
/// it must be. Each still has to pass [`keeps_repository`]; what no registry can have is left out.
#[must_use]
pub fn specific_repositories(filters: &[Filter]) -> Option<Vec<String>> {
    let mut names = filters.iter().find_map(|filter| match filter {
        Filter::Name(name) => pattern::specific_paths(name),
        _ => None,
    })?;
    names.retain(|name| name.parse::<Repository>().is_ok());
    Some(names)
}

/// The leading components that every repository the filters keep begins with, each with its slash
/// (`team/` of `team/app-*`), so that a provider may list less; `None` where there are none.
#[must_use]
pub fn common_prefix(filters: &[Filter]) -> Option<String> {
    filters.iter().find_map(|filter| match filter {
        Filter::Name(name) => pattern::literal_prefix(name),
        _ => None,
    })
}

/// The artifact with the tags that are kept, or `None` where nothing of it is.
///
/// # Errors
/// When matching reached a malformed pattern.
pub fn keep_artifact(
    filters: &[Filter],
    artifact: ArtifactEntry,
) -> Result<Option<ArtifactEntry>, BadPattern> {
    let mut artifact = artifact;
    for filter in filters {
        let kept = match filter {
            Filter::Name(_) => true,
            Filter::Tag(glob, decoration) => keep_tags(glob, *decoration, &mut artifact.tags)?,
            Filter::Label(labels, decoration) => keeps_labels(labels, *decoration, &artifact),
            Filter::Resource(kind) => resource::keeps(kind, &artifact),
        };
        if !kept {
            return Ok(None);
        }
    }
    Ok(Some(artifact))
}

/// The artifacts that are kept, each with its tags that are.
///
/// What refers to another artifact of the list (a signature, an SBOM) goes where its subject goes,
/// and after it (contract 3.10): what a rule says of tags it says of the subject. But a tag of its
/// own that a filter excludes does not go, and where it has no other, neither does it. Where the
/// subject stays, it goes only for a tag of its own that a filter asks for.
///
/// # Errors
/// When matching reached a malformed pattern.
pub fn keep_artifacts(
    filters: &[Filter],
    artifacts: Vec<ArtifactEntry>,
) -> Result<Vec<ArtifactEntry>, BadPattern> {
    Ok(keep_places(filters, artifacts)?.into_iter().map(|(_, kept)| kept).collect())
}

/// The same, each with its place in the list.
pub(crate) fn keep_places(
    filters: &[Filter],
    artifacts: Vec<ArtifactEntry>,
) -> Result<Vec<(usize, ArtifactEntry)>, BadPattern> {
    let listed: HashSet<Digest> = artifacts.iter().filter_map(|it| it.digest.clone()).collect();
    let refers_to = |it: &ArtifactEntry, to: &HashSet<Digest>| {
        it.subject.as_ref().is_some_and(|subject| to.contains(subject))
    };
    let (mut attached, own): (Vec<_>, Vec<_>) =
        artifacts.into_iter().enumerate().partition(|(_, it)| refers_to(it, &listed));
    let keep = |(at, artifact)| {
        Ok(keep_artifact(filters, artifact)?.map(|kept: ArtifactEntry| (at, kept)))
    };
    let mut kept = Vec::with_capacity(own.len());
    for artifact in own {
        kept.extend(keep(artifact)?);
    }
    let mut goes: HashSet<Digest> = kept.iter().filter_map(|(_, it)| it.digest.clone()).collect();
    // What is attached to something attached comes with the next turn.
    loop {
        let (follow, left): (Vec<_>, Vec<_>) =
            attached.into_iter().partition(|(_, it)| refers_to(it, &goes));
        attached = left;
        if follow.is_empty() {
            break;
        }
        for (at, mut artifact) in follow {
            if drop_excluded(filters, &mut artifact.tags)? {
                goes.extend(artifact.digest.clone());
                kept.push((at, artifact));
            }
        }
    }
    if !filters.iter().any(asks_for_tags) {
        return Ok(kept);
    }
    for artifact in attached.into_iter().filter(|(_, it)| !it.tags.is_empty()) {
        kept.extend(keep(artifact)?);
    }
    Ok(kept)
}

/// Whether a filter names tags that are wanted.
fn asks_for_tags(filter: &Filter) -> bool {
    matches!(filter, Filter::Tag(glob, Decoration::Matches | Decoration::Unsaid) if !glob.is_empty())
}

/// Takes out the tags that a filter excludes; false where none of those that were there is left.
fn drop_excluded(filters: &[Filter], tags: &mut Vec<String>) -> Result<bool, BadPattern> {
    let had_any = !tags.is_empty();
    for filter in filters {
        if let Filter::Tag(glob, decoration @ Decoration::Excludes) = filter
            && !tags.is_empty()
        {
            keep_tags(glob, *decoration, tags)?;
        }
    }
    Ok(!had_any || !tags.is_empty())
}

/// Takes out the tags that are not kept; false where the artifact goes as a whole.
///
/// Untagged artifacts are judged by the empty string: `excludes v*` keeps them, `v*` does not.
fn keep_tags(
    glob: &str,
    decoration: Decoration,
    tags: &mut Vec<String>,
) -> Result<bool, BadPattern> {
    if glob.is_empty() {
        return Ok(true);
    }
    if tags.is_empty() {
        return Ok(decoration.keeps(pattern::matches(glob, "")?));
    }
    let mut kept = Vec::with_capacity(tags.len());
    for tag in tags.drain(..) {
        if decoration.keeps(pattern::matches(glob, &tag)?) {
            kept.push(tag);
        }
    }
    *tags = kept;
    Ok(!tags.is_empty())
}

/// `excludes` means "not all of them": one label that is missing is enough to stay.
fn keeps_labels(labels: &[String], decoration: Decoration, artifact: &ArtifactEntry) -> bool {
    labels.is_empty()
        || decoration.keeps(labels.iter().all(|label| artifact.labels.contains(label)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn artifact(name: &str, tags: &[&str], labels: &[&str]) -> ArtifactEntry {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        ArtifactEntry {
            digest: Some(crate::oci::Digest::of(name.as_bytes())),
            tags: owned(tags),
            media_type: None,
            artifact_type: None,
            size: None,
            pushed: None,
            labels: owned(labels),
            subject: None,
        }
    }

    fn selected(filters: &[Filter]) -> Vec<(&'static str, Vec<String>)> {
        let all = [
            ("A", artifact("A", &["test1", "test2", "harbor1"], &["label1"])),
            ("B", artifact("B", &["test3", "harbor2"], &["label1", "label2"])),
            ("C", artifact("C", &["harbor3"], &["label3"])),
            ("D", artifact("D", &[], &[])),
        ];
        all.into_iter()
            .filter_map(|(name, entry)| {
                keep_artifact(filters, entry).unwrap().map(|kept| (name, kept.tags))
            })
            .collect()
    }

    fn names(filters: &[Filter]) -> String {
        selected(filters).into_iter().map(|(name, _)| name).collect()
    }

    fn tag(glob: &str, decoration: Decoration) -> Filter {
        Filter::Tag(glob.to_owned(), decoration)
    }

    fn label(labels: &[&str], decoration: Decoration) -> Filter {
        Filter::Label(labels.iter().map(|label| (*label).to_owned()).collect(), decoration)
    }

    #[test]
    fn contract_3_4_tags() {
        let kept = |filter: Filter| -> Vec<String> {
            let show = |(name, tags): (&str, Vec<String>)| format!("{name}[{}]", tags.join(","));
            selected(&[filter]).into_iter().map(show).collect()
        };
        for decoration in [Decoration::Unsaid, Decoration::Matches] {
            assert_eq!(kept(tag("test*", decoration)), ["A[test1,test2]", "B[test3]"]);
        }
        assert_eq!(
            kept(tag("test*", Decoration::Excludes)),
            ["A[harbor1]", "B[harbor2]", "C[harbor3]", "D[]"]
        );
    }

    #[test]
    fn contract_3_4_untagged_artifacts_are_judged_by_the_empty_string() {
        use Decoration::{Excludes, Matches};
        let cases = [
            ("*", Matches, true),
            ("**", Matches, true),
            ("v*", Matches, false),
            ("{v*,}", Matches, true),
            ("v*", Excludes, true),
            ("*", Excludes, false),
            ("**", Excludes, false),
            ("", Matches, true),
            ("", Excludes, true),
        ];
        for (glob, decoration, stays) in cases {
            let kept = keep_artifact(&[tag(glob, decoration)], artifact("D", &[], &[])).unwrap();
            assert_eq!(kept.is_some(), stays, "{glob} {decoration:?}");
        }
    }

    #[test]
    fn contract_3_10_what_is_attached_goes_with_its_subject() {
        let attached = |name: &str, to: &str, tags: &[&str]| ArtifactEntry {
            subject: Some(crate::oci::Digest::of(to.as_bytes())),
            ..artifact(name, tags, &[])
        };
        let digest = |name: &str| crate::oci::Digest::of(name.as_bytes());
        let listed = || {
            vec![
                attached("nested", "sbom", &[]),
                attached("signature", "A", &["sha256-a.sig"]),
                attached("sbom", "A", &[]),
                attached("other", "B", &[]),
                attached("tagged", "B", &["v1-tool"]),
                attached("lost", "nowhere", &[]),
                artifact("A", &["v1", "old"], &[]),
                artifact("B", &["x"], &[]),
            ]
        };
        for (filters, expected) in [
            (vec![], &["lost", "A", "B", "signature", "sbom", "other", "tagged", "nested"][..]),
            (
                vec![tag("v1*", Decoration::Matches)],
                &["A", "signature", "sbom", "nested", "tagged"][..],
            ),
            // An image that is excluded leaves no orphan behind; its signature was not asked for.
            (vec![tag("{v1,old}", Decoration::Excludes)], &["lost", "B", "other", "tagged"][..]),
            (
                vec![tag("{v1,old}", Decoration::Excludes), tag("*", Decoration::Matches)],
                &["lost", "B", "other", "tagged", "signature"][..],
            ),
            // A tag of its own that is excluded does not go with the subject.
            (
                vec![tag("sha256-*.sig", Decoration::Excludes)],
                &["lost", "A", "B", "sbom", "other", "tagged", "nested"][..],
            ),
        ] {
            let kept = keep_artifacts(&filters, listed()).unwrap();
            let found: Vec<_> = kept.iter().map(|it| it.digest.clone().unwrap()).collect();
            let expected: Vec<_> = expected.iter().map(|name| digest(name)).collect();
            assert_eq!(found, expected, "{filters:?}");
        }
    }

    #[test]
    fn contract_3_4_labels() {
        use Decoration::{Excludes, Matches};
        let cases: [(&[&str], Decoration, &str); 7] = [
            (&["label1"], Matches, "AB"),
            (&["label1"], Excludes, "CD"),
            (&["label1", "label2"], Matches, "B"),
            (&["label1", "label2"], Excludes, "ACD"),
            (&["other"], Matches, ""),
            (&["other"], Excludes, "ABCD"),
            (&[], Excludes, "ABCD"),
        ];
        for (labels, decoration, expected) in cases {
            assert_eq!(names(&[label(labels, decoration)]), expected, "{labels:?} {decoration:?}");
        }
    }

    #[test]
    fn filters_are_applied_one_after_another() {
        assert_eq!(names(&[]), "ABCD");
        let both = [tag("test*", Decoration::Matches), tag("*1", Decoration::Excludes)];
        assert_eq!(
            selected(&both),
            [("A", vec!["test2".to_owned()]), ("B", vec!["test3".to_owned()])]
        );
        let mixed = [tag("test*", Decoration::Matches), label(&["label2"], Decoration::Matches)];
        assert_eq!(names(&mixed), "B");
        // An artifact that lost its tags is gone; it is not taken for an untagged one.
        let emptied = [tag("nothing", Decoration::Matches), tag("**", Decoration::Matches)];
        assert_eq!(names(&emptied), "");
    }

    #[test]
    fn names_are_matched_whole_and_all_must_fit() {
        let name = |glob: &str| Filter::Name(glob.to_owned());
        let keeps = |filters: &[Filter]| keeps_repository(filters, "library/alpine").unwrap();
        assert!(keeps(&[]));
        assert!(keeps(&[name("")]));
        assert!(keeps(&[name("library/*"), name("**/alpine")]));
        assert!(!keeps(&[name("library/*"), name("**/busybox")]));
        assert!(!keeps(&[name("library")]));
        assert!(keeps_repository(&[name("library/[")], "library/alpine").is_err());
        assert!(
            keep_artifact(&[tag("[", Decoration::Matches)], artifact("A", &["a"], &[])).is_err()
        );
    }

    #[test]
    fn a_name_without_wildcards_needs_no_catalogue() {
        let name = |glob: &str| Filter::Name(glob.to_owned());
        assert_eq!(specific_repositories(&[]), None);
        assert_eq!(specific_repositories(&[name("library/**")]), None);
        assert_eq!(specific_repositories(&[tag("v1", Decoration::Matches)]), None);
        assert_eq!(specific_repositories(&[name("{a,}/{b, c}")]).unwrap(), ["a/b"]);
        assert_eq!(
            specific_repositories(&[name("**/b"), name("a/{b,c}")]).unwrap(),
            ["a/b", "a/c"]
        );
    }
}
