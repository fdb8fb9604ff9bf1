//! A policy's filters: which repositories, tags and labels are meant.

use serde::{Deserialize, Serialize};

use crate::{pattern::BadPattern, provider::ArtifactEntry};

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
    /// Keep what matches.
    #[default]
    Matches,
    /// Drop what matches.
    Excludes,
}

/// Whether the filters keep a repository.
///
/// # Errors
/// When matching reached a malformed pattern: the whole execution fails, as in Harbor.
pub fn keeps_repository(filters: &[Filter], repository: &str) -> Result<bool, BadPattern> {
    let _ = (filters, repository);
    Ok(true)
}

/// The artifact with the tags that are kept, or `None` where nothing of it is.
///
/// # Errors
/// When matching reached a malformed pattern.
pub fn keep_artifact(
    filters: &[Filter],
    artifact: ArtifactEntry,
) -> Result<Option<ArtifactEntry>, BadPattern> {
    let _ = filters;
    Ok(Some(artifact))
}
