//! Tags as versions, and ranges of versions (SemVer 2.0, with Cargo's range operators).

use semver::{Version, VersionReq};

/// Most alternatives of one range.
const MAX_ALTERNATIVES: usize = 32;

/// The version that a tag is; `None` where it is none.
///
/// A leading `v` is passed over, missing minor and patch numbers are 0 (`1.27-alpine` is
/// `1.27.0-alpine`), and `_` stands for `+`, as Helm writes it in tags.
#[must_use]
pub fn version(tag: &str) -> Option<Version> {
    let text = tag.strip_prefix(['v', 'V']).unwrap_or(tag);
    if !text.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    if !text.contains('_')
        && let Ok(version) = Version::parse(text)
    {
        return Some(version);
    }
    let end = text.find(['-', '_', '+']).unwrap_or(text.len());
    let (numbers, rest) = text.split_at_checked(end)?;
    let missing = match numbers.split('.').count() {
        1 => ".0.0",
        2 => ".0",
        3 => "",
        _ => return None,
    };
    Version::parse(&format!("{numbers}{missing}{}", rest.replacen('_', "+", 1))).ok()
}

/// A range: alternatives between `||`, each a list of comparators between commas.
#[derive(Clone, Debug)]
pub(super) struct Range(Vec<VersionReq>);

impl Range {
    /// Reads a range.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let alternatives = text.split("||").map(|one| {
            VersionReq::parse(one.trim()).map_err(|error| {
                format!("{error}; a range is written like `>=1.2, <2` or `^1.2 || ~3.1`")
            })
        });
        let alternatives: Vec<VersionReq> = alternatives.collect::<Result<_, _>>()?;
        if alternatives.len() > MAX_ALTERNATIVES {
            return Err(format!("it has more than {MAX_ALTERNATIVES} alternatives"));
        }
        Ok(Self(alternatives))
    }

    /// Whether a tag is a version within the range.
    pub(super) fn holds(&self, tag: &str) -> bool {
        let version = version(tag);
        version.is_some_and(|version| self.0.iter().any(|range| range.matches(&version)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_that_are_versions() {
        let cases = [
            ("1.2.3", Some("1.2.3")),
            ("v1.2.3", Some("1.2.3")),
            ("V1.2.3-rc.1", Some("1.2.3-rc.1")),
            ("1.27-alpine", Some("1.27.0-alpine")),
            ("3", Some("3.0.0")),
            ("20261122", Some("20261122.0.0")),
            ("1.2.3_build.5", Some("1.2.3+build.5")),
            ("1.2_build", Some("1.2.0+build")),
            ("latest", None),
            ("", None),
            ("v", None),
            ("vv1", None),
            ("1.2.3.4", None),
            ("1.02.3", None),
            ("1.", None),
            ("release-1.2.3", None),
            ("99999999999999999999", None),
        ];
        for (tag, expected) in cases {
            assert_eq!(version(tag).map(|it| it.to_string()).as_deref(), expected, "{tag}");
        }
    }

    #[test]
    fn ranges() {
        let cases = [
            (">=1.2, <2", &["1.2.0", "v1.9", "2.0.0", "1.1.9", "1.5.0-rc1", "latest"][..], 2),
            ("^1.2 || ~3.1", &["1.9.0", "3.1.7", "3.2.0", "v2.0.0"], 2),
            ("1.2.3", &["1.2.3", "1.9.0", "2.0.0"], 2),
            ("=1.2.3", &["1.2.3", "v1.2.3", "1.2.4"], 2),
            ("*", &["0.0.1", "v7", "latest", "1.0.0-rc1"], 2),
            (">=1.5.0-rc0, <2", &["1.5.0-rc1", "1.6.0-rc1"], 1),
        ];
        for (range, tags, expected) in cases {
            let range_of = Range::parse(range).unwrap();
            let held = tags.iter().filter(|tag| range_of.holds(tag)).count();
            assert_eq!(held, expected, "{range}");
        }
        for bad in ["", "1.2 ||", "newest", ">=", ">=1.2 <2", &"1||".repeat(40)] {
            assert!(Range::parse(bad).is_err(), "{bad}");
        }
    }
}
