//! `oci:DIR` and `oci-archive:FILE`, as skopeo writes them: image layouts as they were typed.

use std::path::{Path, PathBuf};

use portolan_core::{endpoint::EndpointUrl, oci::Digest};

use super::{
    super::{args::DEFAULT_PROVIDER, output::Failure},
    sides::Side,
};
use crate::LayoutPlace;

/// Longest readable part of a name.
const MAX_SHOWN: usize = 40;

/// A side that is an image layout.
pub(super) struct TypedLayout {
    /// Which one, by its name.
    pub(super) side: String,
    /// What its address calls it: the same for the same path.
    pub(super) name: String,
    pub(super) place: LayoutPlace,
}

impl TypedLayout {
    /// The address of its endpoint.
    pub(super) fn address(&self, side: &Side<'_>) -> Result<EndpointUrl, Failure> {
        let address = format!("oci:{}", self.name).parse();
        let (option, typed) = (side.option, side.location);
        address.map_err(|error| Failure::usage(format!("{option} {typed}: {error}")))
    }
}

/// The sides that are image layouts.
pub(super) fn of(
    source: &Side<'_>,
    destinations: &[Side<'_>],
) -> Result<Vec<TypedLayout>, Failure> {
    let from = typed(source, true)?;
    let to = destinations.iter().filter_map(|to| typed(to, false).transpose());
    let to: Vec<TypedLayout> = to.collect::<Result<_, _>>()?;
    if let Some(from) = &from
        && to.iter().any(|to| to.place.path == from.place.path)
    {
        let path = from.place.path.display();
        return Err(Failure::usage(format!("--from and --to are both {path}")));
    }
    Ok(from.into_iter().chain(to).collect())
}

fn typed(side: &Side<'_>, read_only: bool) -> Result<Option<TypedLayout>, Failure> {
    let (option, text) = (side.option, side.location);
    let (path, archive) = match (text.strip_prefix("oci:"), text.strip_prefix("oci-archive:")) {
        (Some(path), _) => (path, false),
        (None, Some(path)) => (path, true),
        (None, None) => return Ok(None),
    };
    let wrong = |why: &str| Err(Failure::usage(format!("{option} {text}: {why}")));
    if path.starts_with("//") {
        return wrong("oci:// is for registries elsewhere; here it is https://, or oci:DIR");
    }
    if path.contains(':') {
        return wrong("it is DIR or FILE alone; --repository and --tag choose images");
    }
    if path.is_empty() {
        return wrong("a path is missing");
    }
    if side.provider != DEFAULT_PROVIDER || side.access_id.is_some() {
        return wrong("an image layout has no provider and no credentials");
    }
    let path = absolute(Path::new(path));
    let path = path.map_err(|error| Failure::usage(format!("{option} {text}: {error}")))?;
    if read_only && !path.exists() {
        return wrong("there is no such file or directory");
    }
    let (side, name) = (side.name.clone(), name(&path));
    Ok(Some(TypedLayout { side, name, place: LayoutPlace { path, archive, read_only } }))
}

/// The path without links where it is there, so that it has one name.
fn absolute(path: &Path) -> std::io::Result<PathBuf> {
    path.canonicalize().or_else(|_| std::path::absolute(path))
}

/// A readable name, and one that no other path has.
fn name(path: &Path) -> String {
    let shown = path.file_name().map(|name| name.to_string_lossy().to_lowercase());
    let shown = shown.unwrap_or_default();
    let words = shown.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let words: Vec<_> = words.collect();
    let shown: String = words.join("-").chars().take(MAX_SHOWN).collect();
    let letter = if shown.starts_with(|c: char| c.is_ascii_lowercase()) { "" } else { "layout-" };
    let digest = Digest::of(path.as_os_str().as_encoded_bytes());
    let unique: String = digest.hex().chars().take(8).collect();
    let shown = shown.trim_end_matches('-');
    let dash = if shown.is_empty() { "" } else { "-" };
    format!("{letter}{shown}{dash}{unique}")
}

#[cfg(test)]
mod tests {
    use portolan_core::endpoint::address::check_layout_name;

    use super::*;

    #[test]
    fn any_path_has_a_name() {
        for path in ["/srv/air gap", "/", "/a/1.tar", "/Ünicode", "/x/..", "/srv/A__b.tar"] {
            let name = name(Path::new(path));
            assert!(check_layout_name(&name).is_ok(), "{path}: {name}");
        }
        let long = format!("/{}", "x-".repeat(100));
        assert!(check_layout_name(&name(Path::new(&long))).is_ok());
        assert_ne!(name(Path::new("/a/x")), name(Path::new("/b/x")));
        assert!(name(Path::new("/a/transfer.tar")).starts_with("transfer-tar-"));
    }
}
