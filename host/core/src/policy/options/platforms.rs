//! Which platforms of an index are copied, and what becomes of the index. Pure: a manifest in, what
//! goes out.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::oci::{Descriptor, Digest, Manifest, Platform};

/// Where BuildKit says which image of the index an attestation is of.
const ATTESTED: &str = "vnd.docker.reference.digest";
/// What stands for the platform of what runs nowhere.
const NOWHERE: &str = "unknown";

/// The platforms that are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Platforms {
    /// Which; none means all.
    pub include: Vec<PlatformName>,
    /// What becomes of an index that has others, too.
    pub index: IndexMode,
}

/// What becomes of an index that has platforms which are not wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IndexMode {
    /// It goes with all of them; one that has none of the wanted stays behind.
    #[default]
    Whole,
    /// It goes byte for byte, so that its digest stays, but the others do not go.
    Sparse,
    /// It is written anew without the others, under a digest of its own.
    Rewrite,
}

/// A platform as people write it: `os/architecture`, or `os/architecture/variant`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PlatformName {
    os: String,
    architecture: String,
    variant: Option<String>,
}

/// Why a text is no platform.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is no platform; write it like linux/amd64 or linux/arm/v7, in Go's spelling")]
pub struct InvalidPlatform(String);

/// What of a manifest goes to the destination.
#[derive(Clone, Debug)]
pub enum Chosen {
    /// It, and all below it.
    Whole,
    /// Nothing: it has none of the platforms.
    Nothing,
    /// It byte for byte, with these children alone.
    Sparse(Vec<Descriptor>),
    /// Another in its place.
    Rewritten(Box<Manifest>),
}

impl Platforms {
    /// What of a manifest goes. One that is no index goes as it is: which platform it is for stands
    /// in its configuration, which is not read. So does an index within an index.
    #[must_use]
    pub fn choose(&self, manifest: &Manifest) -> Chosen {
        if self.include.is_empty() || !manifest.media_type.is_index() {
            return Chosen::Whole;
        }
        let wanted: Vec<bool> = manifest.children.iter().map(|it| self.wants(it)).collect();
        let pairs = || manifest.children.iter().zip(&wanted);
        let goes: Vec<&Digest> =
            pairs().filter(|(_, wanted)| **wanted).map(|(child, _)| &child.digest).collect();
        if goes.is_empty() && !manifest.children.is_empty() {
            return Chosen::Nothing;
        }
        let follows = |child: &Descriptor| {
            attested(child).is_some_and(|of| goes.iter().any(|it| it.as_str() == of))
        };
        let kept: Vec<bool> = pairs().map(|(child, wanted)| *wanted || follows(child)).collect();
        if self.index == IndexMode::Whole || kept.iter().all(|kept| *kept) {
            return Chosen::Whole;
        }
        match self.index {
            IndexMode::Rewrite => {
                let index = rewritten(manifest, &kept).map(Box::new);
                index.map_or(Chosen::Whole, Chosen::Rewritten)
            }
            IndexMode::Sparse | IndexMode::Whole => {
                let kept = manifest.children.iter().zip(kept).filter(|(_, kept)| *kept);
                Chosen::Sparse(kept.map(|(child, _)| child.clone()).collect())
            }
        }
    }

    /// Whether a child is wanted by itself; one without a platform is.
    fn wants(&self, child: &Descriptor) -> bool {
        match &child.platform {
            Some(platform) if !child.media_type.is_index() => {
                self.include.iter().any(|name| name.fits(platform))
            }
            _ => attested(child).is_none(),
        }
    }
}

/// Which image an attestation is of.
fn attested(child: &Descriptor) -> Option<&str> {
    let nowhere = child.platform.as_ref().is_none_or(|platform| platform.os == NOWHERE);
    child.annotations.get(ATTESTED).filter(|_| nowhere).map(String::as_str)
}

/// The index without what is not kept; all else stands as it stood. `None` where it is not what it
/// was parsed as.
fn rewritten(manifest: &Manifest, kept: &[bool]) -> Option<Manifest> {
    let mut index: Value = serde_json::from_slice(&manifest.bytes).ok()?;
    let children = index.get_mut("manifests")?.as_array_mut()?;
    let mut kept = kept.iter();
    children.retain(|_| kept.next().copied().unwrap_or(true));
    let bytes = serde_json::to_vec(&index).ok()?;
    Manifest::parse(bytes, manifest.media_type.as_str()).ok()
}

impl PlatformName {
    /// Whether a platform is the one, whatever its variant where none is said.
    #[must_use]
    pub fn fits(&self, platform: &Platform) -> bool {
        (&self.os, &self.architecture) == (&platform.os, &platform.architecture)
            && (self.variant.is_none() || self.variant == platform.variant)
    }
}

impl TryFrom<String> for PlatformName {
    type Error = InvalidPlatform;

    fn try_from(text: String) -> Result<Self, InvalidPlatform> {
        let fine = |part: &&str| {
            !part.is_empty()
                && part.len() <= 64
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
        };
        let parts: Vec<&str> = text.split('/').collect();
        let owned = |part: &str| part.to_owned();
        match parts.as_slice() {
            [os, architecture, rest @ ..] if rest.len() <= 1 && parts.iter().all(fine) => {
                Ok(Self {
                    os: owned(os),
                    architecture: owned(architecture),
                    variant: rest.first().copied().map(owned),
                })
            }
            _ => Err(InvalidPlatform(text.chars().take(64).collect())),
        }
    }
}

impl From<PlatformName> for String {
    fn from(name: PlatformName) -> Self {
        let PlatformName { os, architecture, variant } = name;
        match variant {
            Some(variant) => format!("{os}/{architecture}/{variant}"),
            None => format!("{os}/{architecture}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::oci::MediaType;

    fn child(name: &str, platform: &str, of: Option<&str>) -> Value {
        let mut parts = platform.split('/');
        let mut child = json!({
            "mediaType": MediaType::OCI_MANIFEST, "size": 2,
            "digest": Digest::of(name.as_bytes()),
            "x-kept": name,
        });
        if let (Some(os), Some(architecture)) = (parts.next(), parts.next()) {
            child["platform"] = json!({"os": os, "architecture": architecture});
            if let Some(variant) = parts.next() {
                child["platform"]["variant"] = variant.into();
            }
        }
        if let Some(of) = of {
            child["annotations"] = json!({ATTESTED: Digest::of(of.as_bytes())});
        }
        child
    }

    fn index(children: Vec<Value>) -> Manifest {
        let index = json!({"schemaVersion": 2, "mediaType": MediaType::OCI_INDEX,
            "manifests": children, "annotations": {"a": "b"}});
        Manifest::parse(index.to_string().into_bytes(), MediaType::OCI_INDEX).unwrap()
    }

    fn sample() -> Manifest {
        index(vec![
            child("amd", "linux/amd64", None),
            child("v6", "linux/arm/v6", None),
            child("v7", "linux/arm/v7", None),
            child("amd-proof", "unknown/unknown", Some("amd")),
            child("v7-proof", "unknown/unknown", Some("v7")),
        ])
    }

    fn platforms(include: &[&str], index: IndexMode) -> Platforms {
        let include = include.iter().map(|text| (*text).to_owned().try_into().unwrap()).collect();
        Platforms { include, index }
    }

    /// The names of the children that go; `None` where all do.
    fn chosen(platforms: &Platforms, manifest: &Manifest) -> Option<Vec<String>> {
        let kept = match platforms.choose(manifest) {
            Chosen::Whole => return None,
            Chosen::Nothing => Vec::new(),
            Chosen::Sparse(children) => children,
            Chosen::Rewritten(index) => {
                let written: Value = serde_json::from_slice(&index.bytes).unwrap();
                assert_eq!(written["annotations"], json!({"a": "b"}));
                assert!(written["manifests"][0]["x-kept"].is_string(), "nothing else is lost");
                assert_ne!(index.digest, manifest.digest);
                index.children
            }
        };
        let names = ["amd", "v6", "v7", "amd-proof", "v7-proof"];
        let name = |child: &Descriptor| {
            names.iter().find(|name| Digest::of(name.as_bytes()) == child.digest).unwrap()
        };
        Some(kept.iter().map(|child| (*name(child)).to_owned()).collect())
    }

    #[test]
    fn what_goes_of_an_index() {
        let cases: [(&[&str], Option<&[&str]>); 6] = [
            (&[], None),
            (&["linux/amd64"], Some(&["amd", "amd-proof"])),
            (&["linux/arm/v7"], Some(&["v7", "v7-proof"])),
            (&["linux/arm"], Some(&["v6", "v7", "v7-proof"])),
            (&["linux/amd64", "linux/arm"], None),
            (&["windows/amd64"], Some(&[])),
        ];
        for (include, expected) in cases {
            for mode in [IndexMode::Sparse, IndexMode::Rewrite] {
                let found = chosen(&platforms(include, mode), &sample());
                let expected =
                    expected.map(|names| names.iter().map(|it| (*it).to_owned()).collect());
                assert_eq!(found, expected, "{include:?} {mode:?}");
            }
        }
        let whole = |include: &[&str]| chosen(&platforms(include, IndexMode::Whole), &sample());
        assert_eq!(whole(&["linux/amd64"]), None);
        assert_eq!(whole(&["windows/amd64"]), Some(Vec::new()));
        let bare = index(vec![child("amd", "", None)]);
        assert_eq!(chosen(&platforms(&["linux/arm"], IndexMode::Rewrite), &bare), None);
    }

    #[test]
    fn a_platform_is_two_or_three_names() {
        for good in ["linux/amd64", "linux/arm/v7", "windows/amd64"] {
            let name = PlatformName::try_from(good.to_owned()).unwrap();
            assert_eq!(String::from(name), good);
        }
        for bad in ["", "linux", "linux/", "/amd64", "linux/arm/v7/x", "linux/*", "a b/c"] {
            assert!(PlatformName::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }
}
