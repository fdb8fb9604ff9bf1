//! Patterns without wildcards name repositories outright: no catalogue needs to be listed for them.

/// Most repositories a pattern may name outright; beyond that the source is listed.
const MAX_PATHS: usize = 10_000;

/// The concrete repositories a pattern names without wildcards (Harbor's "specific path"), or
/// `None` where the source must be listed.
///
/// Every component has none of `* ? [ \ ] ^` and at most one brace; braces multiply out, their
/// items are not trimmed. Each name stands once, in order.
#[must_use]
pub fn specific_paths(pattern: &str) -> Option<Vec<String>> {
    let mut paths = vec![String::new()];
    for (index, component) in pattern.split('/').enumerate() {
        let names = specific_names(component)?;
        if names.len().checked_mul(paths.len())? > MAX_PATHS {
            return None;
        }
        let separator = if index == 0 { "" } else { "/" };
        paths = paths
            .iter()
            .flat_map(|path| names.iter().map(move |name| format!("{path}{separator}{name}")))
            .collect();
    }
    let mut seen = std::collections::HashSet::new();
    paths.retain(|path| seen.insert(path.clone()));
    Some(paths)
}

/// The components before the first that has a wildcard or a brace, each with its slash; `None`
/// where the first has one already.
#[must_use]
pub fn literal_prefix(pattern: &str) -> Option<String> {
    let first = pattern.find(['*', '?', '[', ']', '\\', '^', '{', '}']).unwrap_or(pattern.len());
    let end = pattern.get(..first)?.rfind('/')?;
    pattern.get(..=end).filter(|prefix| !prefix.starts_with('/')).map(str::to_owned)
}

fn specific_names(component: &str) -> Option<Vec<String>> {
    if component.is_empty() || component.contains(['*', '?', '[', '\\', ']', '^', '/']) {
        return None;
    }
    if !component.contains(['{', '}', ',']) {
        return Some(vec![component.to_owned()]);
    }
    let (before, rest) = component.split_once('{')?;
    let (items, after) = rest.split_once('}')?;
    if [before, items, after].iter().any(|part| part.contains(['{', '}'])) {
        return None;
    }
    Some(items.split(',').map(|item| format!("{before}{item}{after}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contract_3_5_components() {
        let cases: [(&str, Option<&[&str]>); 12] = [
            ("", None),
            ("library/hello-world", None),
            ("library", Some(&["library"])),
            ("lib*", None),
            ("{library}", Some(&["library"])),
            ("{library,test}", Some(&["library", "test"])),
            ("{library{a}c}", None),
            ("{a,b", None),
            ("a}", None),
            ("a,b", None),
            ("{a}{b}", None),
            ("lib-{a, b}-x", Some(&["lib-a-x", "lib- b-x"])),
        ];
        for (pattern, expected) in cases {
            assert_eq!(specific_names(pattern).as_deref().map(|v| v.to_vec()), owned(expected));
        }
    }

    #[test]
    fn prefixes_are_whole_components() {
        let cases = [
            ("team/**", Some("team/")),
            ("team/app-*", Some("team/")),
            ("team/sub/{a,b}", Some("team/sub/")),
            ("team/app", Some("team/")),
            ("team*/app", None),
            ("{a,b}/app", None),
            ("**", None),
            ("app", None),
            ("/x/*", None),
            ("", None),
        ];
        for (pattern, expected) in cases {
            assert_eq!(literal_prefix(pattern).as_deref(), expected, "{pattern}");
        }
    }

    #[test]
    fn contract_3_5_paths() {
        let cases: [(&str, Option<&[&str]>); 13] = [
            ("", None),
            ("library", Some(&["library"])),
            ("library/hello-world", Some(&["library/hello-world"])),
            ("library/**", None),
            ("{library}", Some(&["library"])),
            ("library/{hello-world,busybox}", Some(&["library/hello-world", "library/busybox"])),
            ("{a,b}/{c,d}", Some(&["a/c", "a/d", "b/c", "b/d"])),
            ("{a,a}", Some(&["a"])),
            ("{a/b,c}", None),
            ("a//b", None),
            ("a/", None),
            ("v[12]", None),
            ("a^", None),
        ];
        for (pattern, expected) in cases {
            assert_eq!(specific_paths(pattern), owned(expected), "{pattern}");
        }
    }

    #[test]
    fn too_many_paths_are_listed_instead() {
        assert_eq!(specific_paths(&vec!["{a,b}"; 13].join("/")).unwrap().len(), 1 << 13);
        assert_eq!(specific_paths(&vec!["{a,b}"; 14].join("/")), None);
        assert_eq!(specific_paths(&vec!["{a,b}"; 1000].join("/")), None);
    }

    fn owned(names: Option<&[&str]>) -> Option<Vec<String>> {
        names.map(|names| names.iter().map(|name| (*name).to_owned()).collect())
    }
}
