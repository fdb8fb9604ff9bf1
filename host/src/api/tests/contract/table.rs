//! The table of `HARBOR.md` against the routes.

use std::collections::BTreeSet;

use crate::api::tests::accounts::ROUTES;

const DOCUMENT: &str = include_str!("../../../../HARBOR.md");

#[test]
fn every_route_of_harbor_is_in_the_document() {
    let routes: BTreeSet<&str> = ROUTES.iter().map(|(line, _)| *line).collect();
    let harbors = |line: &&&str| {
        [" /api/v2.0/", " /api/version", " /v2/"].iter().any(|path| line.contains(path))
    };
    let routes: BTreeSet<&str> = routes.iter().filter(harbors).copied().collect();
    let mut named = BTreeSet::new();
    for row in DOCUMENT.lines().filter_map(|line| line.strip_prefix("| `")) {
        let (operation, rest) = row.split_once('`').unwrap();
        // Other tables of the document are about other things.
        if !operation.contains(" /") {
            continue;
        }
        let cells: Vec<&str> = rest.split('|').map(str::trim).collect();
        assert_eq!(cells.len(), 4, "operation, done, differences: {row}");
        assert!(["yes", "stub", "no"].contains(&cells[1]), "{row}");
        assert!(!cells[2].is_empty(), "say `none` where there is no difference: {row}");
        if cells[1] != "no" {
            named.insert(operation);
        }
    }
    let forgotten: Vec<_> = routes.difference(&named).collect();
    assert!(forgotten.is_empty(), "HARBOR.md does not name {forgotten:?}");
    let invented: Vec<_> = named.difference(&routes).collect();
    assert!(invented.is_empty(), "HARBOR.md names what the router has not: {invented:?}");
}
