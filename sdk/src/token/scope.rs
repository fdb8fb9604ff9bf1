//! Scopes: `type:name:actions`, several of them merged and sorted.

use crate::{Action, Scope};

/// The scope of the repository catalog.
pub const CATALOG: &str = "registry:catalog:*";

/// A scope as token services read it. Writing needs reading too: `push` alone becomes
/// `pull,push`.
#[must_use]
pub fn text(scope: &Scope) -> String {
    let has = |action| scope.actions.contains(&action);
    let mut actions = Vec::new();
    if has(Action::Pull) || has(Action::Push) {
        actions.push("pull");
    }
    if has(Action::Push) {
        actions.push("push");
    }
    if has(Action::Delete) {
        actions.push("delete");
    }
    written(&format!("repository:{}", scope.repository), &actions)
}

/// What `join` does, which a component would hold once more for a list of this kind.
fn written(resource: &str, actions: &[&str]) -> String {
    let mut text = resource.to_owned();
    for (place, action) in actions.iter().enumerate() {
        text.push(if place == 0 { ':' } else { ',' });
        text.push_str(action);
    }
    text
}

/// The asked scopes with those of a challenge (separated by spaces), actions of one resource
/// joined, in a fixed order.
pub(crate) fn merge(scopes: &[String], challenge: &str) -> Vec<String> {
    // Lists kept in order: maps are eight kilobytes of a component.
    let mut merged: Vec<(&str, Vec<&str>)> = Vec::new();
    let all = scopes.iter().map(String::as_str).chain(challenge.split_ascii_whitespace());
    for scope in all {
        // A service may have words of its own, such as `read`: they stay as they are.
        let (resource, actions) = scope.rsplit_once(':').unwrap_or((scope, ""));
        let at = merged.partition_point(|(known, _)| *known < resource);
        if merged.get(at).is_none_or(|(known, _)| *known != resource) {
            merged.insert(at, (resource, Vec::new()));
        }
        let Some((_, known)) = merged.get_mut(at) else { continue };
        for action in actions.split(',').filter(|action| !action.is_empty()) {
            let at = known.partition_point(|other| *other < action);
            if known.get(at) != Some(&action) {
                known.insert(at, action);
            }
        }
    }
    merged.iter().map(|(resource, actions)| written(resource, actions)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_scopes() {
        assert_eq!(text(&Scope::pull("a/b")), "repository:a/b:pull");
        assert_eq!(text(&Scope::push("a/b")), "repository:a/b:pull,push");
        let push = Scope { repository: "a".into(), actions: vec![Action::Push] };
        assert_eq!(text(&push), "repository:a:pull,push");
        let delete = Scope { repository: "a".into(), actions: vec![Action::Delete] };
        assert_eq!(text(&delete), "repository:a:delete");
    }

    #[test]
    fn merges_and_sorts() {
        let owned = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
        for (scopes, challenge, expected) in [
            (vec!["repository:b:pull"], "", vec!["repository:b:pull"]),
            (
                vec!["repository:b:pull", "repository:a:pull,push"],
                "repository:b:push repository:h.test:5000/c:pull",
                vec![
                    "repository:a:pull,push",
                    "repository:b:pull,push",
                    "repository:h.test:5000/c:pull",
                ],
            ),
            (vec![], CATALOG, vec![CATALOG]),
            (vec!["repository:a:pull"], "read", vec!["read", "repository:a:pull"]),
            (vec![], "", vec![]),
        ] {
            assert_eq!(merge(&owned(&scopes), challenge), owned(&expected));
        }
    }
}
