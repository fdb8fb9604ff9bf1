//! A tar file is written in one pass, from its directory and from the tar file that was before, and
//! takes that one's place when it is on disk. It holds what the index leads to, and nothing else.

use std::{
    collections::BTreeSet,
    fs::{File, OpenOptions},
    io::{self, BufWriter, Read, Write as _},
    os::unix::fs::FileExt as _,
    path::Path,
};

use portolan_core::oci::{Digest, Manifest, manifest::MAX_BYTES};
use tar::{Builder, EntryType, Header};

use super::{
    LayoutError,
    disk::{absent, sync},
    files::{Content, Files, MARK, blob_name},
    index::Index,
};

/// How deep indexes are followed.
const MAX_DEPTH: usize = 8;

/// Writes the tar file anew, and removes what it holds now from beside it.
pub(super) fn write(files: &Files) -> Result<(), LayoutError> {
    let path = files.path();
    let Some(bytes) = files.index()? else { return Ok(()) };
    let index: Index = serde_json::from_slice(&bytes)
        .map_err(|error| LayoutError::unusable(path, error.to_string()))?;
    let mut wanted = BTreeSet::new();
    for entry in &index.manifests {
        reach(files, &entry.digest, entry.media_type.as_str(), 0, &mut wanted)?;
    }
    let beside = files.root()?.join(".portolan/archive");
    let failed = |error| LayoutError::io("write", path, error);
    std::fs::remove_file(&beside).or_else(absent).map_err(failed)?;
    let file = OpenOptions::new().write(true).create_new(true).open(&beside).map_err(failed)?;
    fill(files, file, &bytes, &wanted)?;
    std::fs::rename(&beside, path).map_err(failed)?;
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).map_or(Ok(()), sync)?;
    files.reopen()?;
    files.archive().map_or(Ok(()), |archive| files.clear(&archive))
}

/// Everything that a manifest leads to and that is there.
fn reach(
    files: &Files,
    digest: &Digest,
    kind: &str,
    depth: usize,
    wanted: &mut BTreeSet<Digest>,
) -> Result<(), LayoutError> {
    if depth > MAX_DEPTH || wanted.contains(digest) {
        return Ok(());
    }
    let Some(bytes) = files.read(digest, MAX_BYTES as u64)? else { return Ok(()) };
    wanted.insert(digest.clone());
    let Ok(manifest) = Manifest::parse(bytes, kind) else { return Ok(()) };
    wanted.extend(manifest.blobs.into_iter().map(|blob| blob.digest));
    for child in &manifest.children {
        reach(files, &child.digest, child.media_type.as_str(), depth + 1, wanted)?;
    }
    Ok(())
}

fn fill(
    files: &Files,
    file: File,
    index: &[u8],
    wanted: &BTreeSet<Digest>,
) -> Result<(), LayoutError> {
    let failed = |error| LayoutError::io("write", files.path(), error);
    let mut tar = Builder::new(BufWriter::with_capacity(1 << 20, file));
    add(&mut tar, "oci-layout", MARK.len() as u64, MARK.as_bytes()).map_err(failed)?;
    add(&mut tar, "index.json", index.len() as u64, index).map_err(failed)?;
    for digest in wanted {
        // A layer that stays where its `urls` say is not there.
        let Some(content) = files.content(digest)? else { continue };
        let size = content.size;
        add(&mut tar, &blob_name(digest), size, Reading(content, 0)).map_err(failed)?;
    }
    let mut buffered = tar.into_inner().map_err(failed)?;
    buffered.flush().map_err(failed)?;
    let file = buffered.into_inner().map_err(|error| failed(error.into_error()))?;
    file.sync_all().map_err(failed)
}

/// The same bytes make the same tar file: there is no time in it.
fn add(
    tar: &mut Builder<BufWriter<File>>,
    name: &str,
    size: u64,
    bytes: impl Read,
) -> io::Result<()> {
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::Regular);
    header.set_mode(0o644);
    header.set_mtime(0);
    header.set_size(size);
    tar.append_data(&mut header, Path::new(name), bytes)
}

/// A blob from its first byte on.
struct Reading(Content, u64);

impl Read for Reading {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Self(content, at) = self;
        let left = usize::try_from(content.size.saturating_sub(*at)).unwrap_or(usize::MAX);
        let room = left.min(buffer.len());
        let Some(part) = buffer.get_mut(..room).filter(|part| !part.is_empty()) else {
            return Ok(0);
        };
        let read = content.file.read_at(part, content.offset.saturating_add(*at))?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        *at = at.saturating_add(read as u64);
        Ok(read)
    }
}
