//! What a policy says beyond Harbor's properties: narrower selections, what goes with an artifact,
//! how the destination's tags are treated, and what it may use. Kept and shown in one form of JSON.

mod backup;
mod history;
mod platforms;
mod prune;
mod span;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{budget::Budget, pattern::Glob};

pub use backup::BackupTag;
pub use history::History;
pub use platforms::{Chosen, IndexMode, PlatformName, Platforms};
pub use prune::{Prune, Share};
pub use span::Span;

/// Most items of any list of an option.
const MAX_ITEMS: usize = 100;

/// The options of a policy; the default asks for nothing but that referrers come along.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Options {
    /// Which platforms of an index.
    pub platforms: Platforms,
    /// The newest alone.
    pub latest: Latest,
    /// How old an artifact is.
    pub age: Age,
    /// Types of manifests, or of what they hold; none means all.
    pub media_types: Vec<Glob>,
    /// What goes with an artifact.
    pub referrers: Referrers,
    /// Deletion of what is gone at the source.
    pub prune: Prune,
    /// Tags that never move once they are at the destination.
    pub immutable_tags: Vec<Glob>,
    /// What a tag that is overwritten is kept under.
    #[serde(deserialize_with = "span::or_empty")]
    pub backup_tag: Option<BackupTag>,
    /// What all runs of the policy together may use.
    pub budget: Budget,
    /// How long its ended runs are kept.
    pub history: History,
}

/// The newest of a repository, after filters and age.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Latest {
    /// How many; 0 is all.
    pub count: u32,
    /// What makes one newer.
    pub by: Newer,
}

/// What makes one artifact newer than another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Newer {
    /// The version that a tag is; tags are counted, and those that are no version stay behind.
    #[default]
    Semver,
    /// When the provider says it was pushed; artifacts are counted.
    PushTime,
}

/// Bounds of an artifact's age.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Age {
    /// Quarantine: how long ago a run of the policy must have seen it first.
    #[serde(deserialize_with = "span::or_empty")]
    pub min: Option<Span>,
    /// How long ago it may have been pushed at most, where the provider tells.
    #[serde(deserialize_with = "span::or_empty")]
    pub max: Option<Span>,
}

/// What goes with an artifact: OCI referrers, and cosign's tags.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Referrers {
    /// Whether anything does.
    pub copy: bool,
    /// Only of these types; none means all.
    pub artifact_types: Vec<Glob>,
}

impl Default for Referrers {
    fn default() -> Self {
        Self { copy: true, artifact_types: Vec::new() }
    }
}

impl Referrers {
    /// Whether a referrer of this type goes; an unknown type is looked at when it is copied.
    #[must_use]
    pub fn takes(&self, artifact_type: &str) -> bool {
        self.copy && is_listed(&self.artifact_types, &[artifact_type])
    }
}

/// Why options cannot be.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidOptions {
    /// Not an object.
    #[error("`options` must be an object")]
    NoObject,
    /// No such option.
    #[error(
        "there is no option `{0}`; there are platforms, latest, age, media_types, referrers, \
         prune, immutable_tags, backup_tag, budget and history"
    )]
    Unknown(String),
    /// An option that cannot have this value.
    #[error("options.{option}: {why}")]
    Value {
        /// Its name.
        option: String,
        /// What is wrong.
        why: String,
    },
}

impl Options {
    /// Reads options over those that hold: what is absent stays, `null` is the default again.
    ///
    /// # Errors
    /// Where an option does not exist, or its value cannot be.
    pub fn parse(value: &Value, base: &Self) -> Result<Self, InvalidOptions> {
        let object = value.as_object().ok_or(InvalidOptions::NoObject)?;
        let mut options = base.clone();
        for (name, value) in object {
            match name.as_str() {
                "platforms" => options.platforms = read(name, value)?,
                "latest" => options.latest = read(name, value)?,
                "age" => options.age = read(name, value)?,
                "media_types" => options.media_types = read(name, value)?,
                "referrers" => options.referrers = read(name, value)?,
                "prune" => options.prune = read(name, value)?,
                "immutable_tags" => options.immutable_tags = read(name, value)?,
                "backup_tag" => {
                    let text: String = read(name, value)?;
                    let parsed = (!text.is_empty()).then(|| BackupTag::try_from(text)).transpose();
                    options.backup_tag = parsed.map_err(|error| wrong(name, error))?;
                }
                "budget" => options.budget = read(name, value)?,
                "history" => options.history = read(name, value)?,
                other => return Err(InvalidOptions::Unknown(other.chars().take(64).collect())),
            }
        }
        options.check().map(|()| options)
    }

    /// Checks what the types do not hold.
    ///
    /// # Errors
    /// The first option that cannot be.
    pub fn check(&self) -> Result<(), InvalidOptions> {
        let lists = [
            ("platforms", self.platforms.include.len()),
            ("media_types", self.media_types.len()),
            ("referrers", self.referrers.artifact_types.len()),
            ("immutable_tags", self.immutable_tags.len()),
        ];
        if let Some((name, _)) = lists.into_iter().find(|(_, length)| *length > MAX_ITEMS) {
            return Err(wrong(name, format!("it lists more than {MAX_ITEMS}")));
        }
        self.history.fault().map_or(Ok(()), |why| Err(wrong("history", why)))
    }

    /// Whether nothing was asked for.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Whether some of what filters keep stays behind for its age, rank or type.
    #[must_use]
    pub fn narrows(&self) -> bool {
        self.latest.count > 0 || self.age != Age::default() || !self.media_types.is_empty()
    }

    /// Whether manifests of one of these types are meant; an empty type is none.
    #[must_use]
    pub fn takes_type(&self, types: &[&str]) -> bool {
        is_listed(&self.media_types, types)
    }

    /// Whether a tag never moves.
    #[must_use]
    pub fn is_immutable(&self, tag: &str) -> bool {
        self.immutable_tags.iter().any(|glob| glob.matches(tag))
    }
}

fn is_listed(globs: &[Glob], types: &[&str]) -> bool {
    let listed = |kind: &&str| !kind.is_empty() && globs.iter().any(|glob| glob.matches(kind));
    globs.is_empty() || types.iter().any(listed)
}

fn read<T: DeserializeOwned + Default>(name: &str, value: &Value) -> Result<T, InvalidOptions> {
    match value {
        Value::Null => Ok(T::default()),
        value => T::deserialize(value).map_err(|error| wrong(name, error)),
    }
}

fn wrong(option: &str, why: impl ToString) -> InvalidOptions {
    InvalidOptions::Value { option: option.to_owned(), why: why.to_string() }
}

#[cfg(test)]
mod tests;
