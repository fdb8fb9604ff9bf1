//! Lists of referrers under a fallback tag, made and added to. Pure: bytes in, bytes out.

use portolan_core::oci::{Descriptor, Manifest, MediaType};
use serde_json::{Value, json};

/// A new list; `None` where there is nothing to list.
pub(super) fn of(referrers: &[Descriptor]) -> Option<Manifest> {
    if referrers.is_empty() {
        return None;
    }
    let index = json!({
        "schemaVersion": 2,
        "mediaType": MediaType::OCI_INDEX,
        "manifests": referrers,
    });
    written(&index)
}

/// A list with what it lacks of others, all else as it stood; `None` where it lacks nothing, or is
/// no list.
pub(super) fn with(list: &Manifest, referrers: &[Descriptor]) -> Option<Manifest> {
    let has = |referrer: &&Descriptor| {
        list.children.iter().any(|listed| listed.digest == referrer.digest)
    };
    let lacks: Vec<&Descriptor> = referrers.iter().filter(|referrer| !has(referrer)).collect();
    let mut index: Value = serde_json::from_slice(&list.bytes).ok()?;
    let children = index.get_mut("manifests")?.as_array_mut()?;
    if lacks.is_empty() {
        return None;
    }
    for referrer in lacks {
        children.push(serde_json::to_value(referrer).ok()?);
    }
    written(&index)
}

fn written(index: &Value) -> Option<Manifest> {
    Manifest::parse(serde_json::to_vec(index).ok()?, MediaType::OCI_INDEX).ok()
}

#[cfg(test)]
mod tests {
    use portolan_core::oci::Digest;

    use super::*;

    fn referrer(name: &str) -> Descriptor {
        Descriptor {
            media_type: MediaType::new(MediaType::OCI_MANIFEST),
            digest: Digest::of(name.as_bytes()),
            size: 7,
            platform: None,
            artifact_type: Some("a/b".to_owned()),
            annotations: Default::default(),
        }
    }

    #[test]
    fn a_list_gains_what_it_lacks_and_loses_nothing() {
        assert!(of(&[]).is_none());
        let first = of(&[referrer("a")]).unwrap();
        assert_eq!(first.children, [referrer("a")]);
        assert!(with(&first, &[referrer("a")]).is_none());
        let both = with(&first, &[referrer("a"), referrer("b")]).unwrap();
        assert_eq!(both.children, [referrer("a"), referrer("b")]);
        let foreign = br#"{"schemaVersion":2,"manifests":[],"annotations":{"x":"y"}}"#.to_vec();
        let foreign = Manifest::parse(foreign, MediaType::OCI_INDEX).unwrap();
        let merged = with(&foreign, &[referrer("c")]).unwrap();
        assert!(String::from_utf8(merged.bytes).unwrap().contains(r#""x":"y""#));
    }
}
