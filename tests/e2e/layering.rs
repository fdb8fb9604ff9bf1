//! The arrows between the modules of the host, and who may name which outside crate. Reads the
//! sources as text: `crate::…` and `super::…` paths outside comments and tests.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// What each module may import. Nothing points up, so no knot can form.
const ARROWS: [(&str, &[&str]); 15] = [
    ("error", &[]),
    ("config", &["error"]),
    ("store", &[]),
    ("net", &[]),
    ("credentials", &["net"]),
    ("distribution", &["net"]),
    ("layout", &["net"]),
    ("plugin", &["net"]),
    ("replication", &["store", "plugin", "distribution", "net", "credentials"]),
    ("host", &["error", "store", "net", "layout", "plugin", "distribution", "replication"]),
    (
        "builder",
        &["error", "host", "layout", "plugin", "store", "replication", "net", "credentials"],
    ),
    ("api", &["error", "host", "config"]),
    ("daemon", &["config", "builder", "host", "api", "error"]),
    ("oneshot", &["config", "builder", "host", "api", "error"]),
    ("cli", &["error", "config", "daemon", "oneshot", "api"]),
];

/// Paths into outside crates, and the modules that may name them.
const OWNERS: [(&str, &[&str]); 10] = [
    ("redb::", &["store"]),
    ("wasmtime::", &["plugin"]),
    ("wasmtime_wasi::", &["plugin"]),
    ("portolan_bindings::", &["plugin"]),
    ("tar::", &["layout", "replication"]),
    // The CLI speaks to the daemon; every other request goes through `net`.
    ("hyper::client::", &["net", "cli"]),
    ("hyper_util::client::", &["net", "cli"]),
    ("hyper::", &["net", "distribution", "layout", "api", "daemon", "cli"]),
    ("rustls::", &["net"]),
    ("axum::", &["api"]),
];

/// The library's users within the crate: like any embedder, they may name what `lib.rs` gives
/// away (`crate::Host`).
const EMBEDDERS: [&str; 4] = ["api", "daemon", "oneshot", "cli"];

/// May name everything: they hold no logic.
const FACES: [&str; 2] = ["lib", "main"];

#[test]
fn modules_import_only_what_the_table_allows() {
    let allowed: BTreeMap<_, _> = ARROWS.into_iter().collect();
    let mut wrong = Vec::new();
    for source in sources() {
        let Some(may) = allowed.get(source.module.as_str()) else {
            wrong.push(format!("{}: add the module to the table", source.name()));
            continue;
        };
        for target in source.imports() {
            let inner = target == source.module;
            let given_away = target.starts_with(char::is_uppercase);
            let by_face = given_away && EMBEDDERS.contains(&source.module.as_str());
            if !inner && !by_face && !may.contains(&target.as_str()) {
                wrong.push(format!("{} -> {target}", source.name()));
            }
        }
    }
    assert!(wrong.is_empty(), "arrows that are not in the table:\n{}", wrong.join("\n"));
}

#[test]
fn outside_crates_have_one_owner() {
    let mut wrong = Vec::new();
    for source in sources() {
        for (path, owners) in OWNERS {
            if source.names(path) && !owners.contains(&source.module.as_str()) {
                wrong.push(format!("{} names {path} of {owners:?}", source.name()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_has_no_knot() {
    let mut settled = BTreeSet::new();
    for _ in ARROWS {
        let free = |(_, may): &&(&str, &[&str])| may.iter().all(|name| settled.contains(name));
        settled = ARROWS.iter().filter(free).map(|(name, _)| *name).collect();
    }
    assert_eq!(settled.len(), ARROWS.len(), "only {settled:?} are free of knots");
}

/// What the two checks above stand on.
#[test]
fn imports_are_found_in_every_form() {
    let text = "
        //! crate::comment
        use crate::{net::{Client, tls}, store, plugin as p};
        use super::super::{host::Host};
        use super::sibling;
        fn f() { crate::api::serve(); } // crate::daemon
        const S: &str = \"x\"; /// crate::config
        #[cfg(test)]
        mod tests {
            use crate::oneshot;
        }
    ";
    let source = Source::new(Path::new("replication/blob.rs"), text);
    let found: Vec<_> = source.imports().into_iter().collect();
    assert_eq!(found, ["api", "host", "net", "plugin", "replication", "store"]);
    let source = Source::new(Path::new("store.rs"), "use redb::Key; use super::net; a_redb::x()");
    assert_eq!(source.imports().into_iter().collect::<Vec<_>>(), ["net"]);
    assert!(source.names("redb::") && !source.names("hyper::"));
    assert!(!Source::new(Path::new("net.rs"), "my_redb::x; a::redb::y").names("redb::"));
}

/// One file without its comments and tests.
struct Source {
    path: PathBuf,
    module: String,
    text: String,
}

impl Source {
    fn new(path: &Path, text: &str) -> Self {
        let lines = text.lines().map(|line| line.split("//").next().unwrap_or_default().trim());
        let mut code: Vec<_> = lines.collect();
        let tests = |two: &[&str]| matches!(two, ["#[cfg(test)]", line] if line.starts_with("mod ") && line.ends_with('{'));
        // Tests stand at the end of their file.
        let end = code.windows(2).position(tests).unwrap_or(code.len());
        code.truncate(end);
        let module = path.with_extension("");
        let module = module.iter().next().unwrap().to_str().unwrap().to_owned();
        Self { path: path.to_owned(), module, text: code.join("\n") }
    }

    fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// Whether a path that begins with `path` is used.
    fn names(&self, path: &str) -> bool {
        let starts = |at: usize| {
            let before = self.text[..at].chars().next_back();
            before.is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != ':')
        };
        self.text.match_indices(path).any(|(at, _)| starts(at))
    }

    /// The top modules that `crate::…` and `super::…` paths lead to.
    fn imports(&self) -> BTreeSet<String> {
        let depth = self.path.components().count();
        let above = "super::".repeat(depth);
        let from_root = ["crate::", &above].map(|root| self.paths(root));
        // Fewer `super`s stay within the module.
        let within = self.text.contains("super::").then(|| self.module.clone());
        let within = within.filter(|_| depth > 1);
        from_root.into_iter().flatten().chain(within).collect()
    }

    fn paths(&self, root: &str) -> Vec<String> {
        let after = self.text.match_indices(root).map(|(at, _)| &self.text[at + root.len()..]);
        after.flat_map(first_names).filter(|name| name != "super").collect()
    }
}

/// `a` of `a::b`; `a` and `b` of `{a::{x, y}, b}`.
fn first_names(text: &str) -> Vec<String> {
    let ident = |text: &str| {
        let text = text.trim_start();
        let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
        text[..end].to_owned()
    };
    let Some(group) = text.strip_prefix('{') else { return vec![ident(text)] };
    let (mut depth, mut names) = (0, vec![ident(group)]);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(ident(&group[at + 1..])),
            _ => {}
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../host/src");
    let mut folders = vec![root.clone()];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                sources.push(Source::new(path.strip_prefix(&root).unwrap(), &text));
            }
        }
    }
    sources.retain(|source| !FACES.contains(&source.module.as_str()));
    // Files that hold tests alone.
    sources.retain(|source| source.path.with_extension("").iter().all(|name| name != "tests"));
    assert!(sources.len() > 5, "the host's sources are not where they were");
    sources
}
