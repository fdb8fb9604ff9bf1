//! The name under which a tag is kept before it is overwritten.

use serde::{Deserialize, Serialize};

use crate::oci::Tag;

/// Stands for the tag.
const TAG: &str = "{tag}";

/// A template that makes another tag of a tag, e.g. `{tag}-before`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BackupTag(String);

/// Why a text is no such template.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "`{0}` makes no tag to keep another under; write it like {{tag}}-before, with {{tag}} once and \
     letters, digits, `.`, `_` or `-` around it"
)]
pub struct InvalidBackupTag(String);

impl BackupTag {
    /// What a tag is kept under; `None` where that is longer than tags may be.
    #[must_use]
    pub fn of(&self, tag: &Tag) -> Option<Tag> {
        self.0.replace(TAG, tag.as_str()).parse().ok()
    }

    /// The template.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for BackupTag {
    type Error = InvalidBackupTag;

    fn try_from(text: String) -> Result<Self, InvalidBackupTag> {
        let makes_tags = text.replace(TAG, "x").parse::<Tag>().is_ok();
        if !makes_tags || text == TAG || text.matches(TAG).count() != 1 {
            return Err(InvalidBackupTag(text.chars().take(160).collect()));
        }
        Ok(Self(text))
    }
}

impl From<BackupTag> for String {
    fn from(backup: BackupTag) -> Self {
        backup.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_makes_another_tag() {
        for bad in ["", "before", "{tag}", "{tag} x", "{tag}{tag}", "-{tag}", "{tag}/x", "{Tag}-x"]
        {
            assert!(BackupTag::try_from(bad.to_owned()).is_err(), "{bad}");
        }
        let backup = BackupTag::try_from("old-{tag}".to_owned()).unwrap();
        assert_eq!(backup.of(&"v1".parse().unwrap()).unwrap().as_str(), "old-v1");
        assert_eq!(backup.of(&"x".repeat(128).parse().unwrap()), None);
    }
}
