//! Which tags of a destination are gone at the source, and how many of them a run may delete.

use std::collections::HashSet;

use crate::{
    filter,
    oci::{AttachedTag, Tag},
    pattern::BadPattern,
    policy::PolicySpec,
    provider::ArtifactEntry,
};

/// The tags of one destination repository, held against the source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gone {
    /// How many the rule's filters select.
    pub selected: usize,
    /// Of these, those that the source does not have.
    pub tags: Vec<Tag>,
}

/// What of a destination repository's tags is gone; `is_at_source` says which are not. What goes
/// with an artifact (signatures and the like), backups that the rule makes, and tags that it calls
/// immutable are never gone.
///
/// # Errors
/// When a pattern is malformed.
pub fn gone(
    policy: &PolicySpec,
    there: &HashSet<String>,
    is_at_source: impl Fn(&str) -> bool,
) -> Result<Gone, BadPattern> {
    let backups = backups(policy, there);
    let mut gone = Gone::default();
    for name in there {
        let entry = ArtifactEntry { tags: vec![name.clone()], ..ArtifactEntry::unknown() };
        let ours = AttachedTag::of(name).is_none() && !backups.contains(name);
        if !ours || filter::keep_artifact(&policy.filters, entry)?.is_none() {
            continue;
        }
        gone.selected += 1;
        let goes = !is_at_source(name) && !policy.options.is_immutable(name);
        gone.tags.extend(name.parse().ok().filter(|_| goes));
    }
    gone.tags.sort_unstable_by(|one: &Tag, other| one.as_str().cmp(other.as_str()));
    Ok(gone)
}

/// The names under which the rule would keep the tags that are there.
fn backups(policy: &PolicySpec, there: &HashSet<String>) -> HashSet<String> {
    let Some(backup) = &policy.options.backup_tag else { return HashSet::new() };
    let tags = there.iter().filter_map(|name| name.parse::<Tag>().ok());
    tags.filter_map(|tag| Some(backup.of(&tag)?.to_string())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        filter::{Decoration, Filter},
        id::EndpointId,
        oci::Digest,
        policy::Options,
        trigger::Trigger,
    };

    #[test]
    fn only_what_the_rule_made_is_gone() {
        let options = serde_json::json!({"immutable_tags": ["v1.0"], "backup_tag": "{tag}-before"});
        let policy = PolicySpec {
            name: "p".to_owned(),
            description: String::new(),
            source: EndpointId(1),
            destinations: Vec::new(),
            replace_count: 0,
            filters: vec![Filter::tag("v*", Decoration::Matches)],
            trigger: Trigger::Manual,
            override_tags: true,
            enabled: true,
            deletion: false,
            speed: 0,
            copy_by_chunk: false,
            single_active: false,
            options: Options::parse(&options, &Options::default()).unwrap(),
        };
        let signature = format!("sha256-{}.sig", Digest::of(b"x").hex());
        let there = ["v1", "v2", "v2-before", "v1.0", "latest", &signature, "v9-before"];
        let there: HashSet<String> = there.into_iter().map(str::to_owned).collect();
        let found = gone(&policy, &there, |tag| tag == "v1").unwrap();
        let tags: Vec<&str> = found.tags.iter().map(Tag::as_str).collect();
        assert_eq!((found.selected, tags), (4, vec!["v2", "v9-before"]));
        let all = gone(&policy, &there, |_| true).unwrap();
        assert_eq!((all.selected, all.tags.len()), (4, 0));
    }
}
