//! A policy's filters: which repositories, tags, labels and kinds of artifact are meant
//! (contract 3.4). They are applied one after another; none at all means everything.

use serde::{Deserialize, Deserializer, Serialize};

use crate::{
    oci::Repository,
    pattern::{self, BadPattern, Pattern},
    provider::ArtifactEntry,
};

mod form;
mod resource;

pub use form::InvalidFilter;

/// One filter. Several of a kind are applied one after another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Filter {
    /// Full repository name against a pattern.
    #[serde(deserialize_with = "name")]
    Name(Pattern, Decoration),
    /// Each tag against a pattern.
    Tag(Pattern, Decoration),
    /// Labels an artifact carries.
    Label(Vec<String>, Decoration),
    /// `image` or `artifact`.
    Resource(String),
}

/// Names were once kept without a decoration.
fn name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(Pattern, Decoration), D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Stored {
        Decorated(Pattern, Decoration),
        Bare(Pattern),
    }
    Ok(match Stored::deserialize(deserializer)? {
        Stored::Decorated(pattern, decoration) => (pattern, decoration),
        Stored::Bare(pattern) => (pattern, Decoration::Unsaid),
    })
}

impl Filter {
    /// Keeps repositories by a glob of Harbor.
    #[must_use]
    pub fn name(glob: impl Into<String>) -> Self {
        Self::Name(Pattern::glob(glob), Decoration::Unsaid)
    }

    /// Keeps, or drops, tags by a glob of Harbor.
    #[must_use]
    pub fn tag(glob: impl Into<String>, decoration: Decoration) -> Self {
        Self::Tag(Pattern::glob(glob), decoration)
    }

    /// The glob that repositories must match; `None` of any other filter.
    fn name_glob(&self) -> Option<&str> {
        match self {
            Self::Name(_, Decoration::Excludes) => None,
            Self::Name(pattern, _) => pattern.as_glob(),
            _ => None,
        }
    }
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
        if let Filter::Name(pattern, decoration) = filter
            && !pattern.is_empty()
            && !decoration.keeps(pattern.matches(repository)?)
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
    let specific = |filter: &Filter| pattern::specific_paths(filter.name_glob()?);
    let mut names = filters.iter().find_map(specific)?;
    names.retain(|name| name.parse::<Repository>().is_ok());
    Some(names)
}

/// The leading components that every repository the filters keep begins with, each with its slash
/// (`team/` of `team/app-*`), so that a provider may list less; `None` where there are none.
#[must_use]
pub fn common_prefix(filters: &[Filter]) -> Option<String> {
    filters.iter().find_map(|filter| pattern::literal_prefix(filter.name_glob()?))
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
            Filter::Name(..) => true,
            Filter::Tag(pattern, decoration) => {
                keep_tags(pattern, *decoration, &mut artifact.tags)?
            }
            Filter::Label(labels, decoration) => keeps_labels(labels, *decoration, &artifact),
            Filter::Resource(kind) => resource::keeps(kind, &artifact),
        };
        if !kept {
            return Ok(None);
        }
    }
    Ok(Some(artifact))
}

/// Whether a filter names tags that are wanted.
pub(crate) fn asks_for_tags(filter: &Filter) -> bool {
    matches!(
        filter,
        Filter::Tag(pattern, Decoration::Matches | Decoration::Unsaid) if !pattern.is_empty()
    )
}

/// Takes out the tags that a filter excludes; false where none of those that were there is left.
pub(crate) fn drop_excluded(
    filters: &[Filter],
    tags: &mut Vec<String>,
) -> Result<bool, BadPattern> {
    let had_any = !tags.is_empty();
    for filter in filters {
        if let Filter::Tag(pattern, decoration @ Decoration::Excludes) = filter
            && !tags.is_empty()
        {
            keep_tags(pattern, *decoration, tags)?;
        }
    }
    Ok(!had_any || !tags.is_empty())
}

/// Takes out the tags that are not kept; false where the artifact goes as a whole.
///
/// Untagged artifacts are judged by the empty string: `excludes v*` keeps them, `v*` does not.
fn keep_tags(
    pattern: &Pattern,
    decoration: Decoration,
    tags: &mut Vec<String>,
) -> Result<bool, BadPattern> {
    if pattern.is_empty() {
        return Ok(true);
    }
    if tags.is_empty() {
        return Ok(decoration.keeps(pattern.matches("")?));
    }
    let mut bad = None;
    tags.retain(|tag| match pattern.matches(tag) {
        Ok(matched) => decoration.keeps(matched),
        Err(error) => {
            bad.get_or_insert(error);
            true
        }
    });
    bad.map_or(Ok(!tags.is_empty()), Err)
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
        Filter::tag(glob, decoration)
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
        let name = |glob: &str| Filter::name(glob);
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
        let name = |glob: &str| Filter::name(glob);
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
