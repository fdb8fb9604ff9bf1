//! Everything that may be linked is permissively licensed: the list is cargo-deny's, and is kept here
//! also where cargo-deny is not installed.

use std::collections::BTreeSet;

use serde_json::Value;
use spdx::{Expression, ParseMode};
use tokio::process::Command;

const DENY: &str = include_str!("../../.cargo/deny.toml");

/// The licences that `allow` names.
fn allowed() -> BTreeSet<&'static str> {
    let list = DENY.split_once("\nallow = [").and_then(|(_, rest)| rest.split_once(']'));
    let (list, _) = list.expect("the list of licences");
    list.split('"').skip(1).step_by(2).collect()
}

fn is_allowed(licence: &str, allowed: &BTreeSet<&str>) -> bool {
    let expression = Expression::parse_mode(licence, ParseMode::LAX);
    expression.is_ok_and(|it| it.evaluate(|one| allowed.contains(&*one.to_string())))
}

#[tokio::test]
async fn dependencies_are_permissively_licensed() {
    let allowed = allowed();
    // What was not fetched, since it is for other systems, has no manifest here.
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    cargo.args(["metadata", "--locked", "--offline", "--format-version", "1"]);
    let output = cargo.args(["--filter-platform", &platform]).output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 100, "{} packages", packages.len());
    let refused = packages.iter().filter(|package| {
        let licence = package["license"].as_str();
        !licence.is_some_and(|licence| is_allowed(licence, &allowed))
    });
    let refused: Vec<_> =
        refused.map(|it| format!("{} {}: {}", it["name"], it["version"], it["license"])).collect();
    assert!(refused.is_empty(), "not in .cargo/deny.toml: {refused:#?}");
}

#[test]
fn one_licence_of_several_is_enough_where_one_may_choose() {
    let allowed = BTreeSet::from(["Apache-2.0 WITH LLVM-exception", "ISC", "MIT"]);
    for (licence, expected) in [
        ("MIT", true),
        ("MIT OR GPL-3.0-only", true),
        ("GPL-3.0-only/MIT", true),
        ("MIT AND ISC", true),
        ("Apache-2.0 WITH LLVM-exception", true),
        ("Apache-2.0", false),
        ("MIT AND GPL-3.0-only", false),
        ("(MIT OR GPL-2.0-only) AND MPL-2.0", false),
        ("SSPL-1.0", false),
        ("whatever you like", false),
        ("", false),
    ] {
        assert_eq!(is_allowed(licence, &allowed), expected, "{licence}");
    }
}
