//! The file system as layouts use it: nothing is opened through a link, and a file has its name only
//! once all of it is on disk. It knows nothing of what is in them.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::MetadataExt as _,
    path::Path,
    time::{Duration, SystemTime},
};

use super::LayoutError;

/// How long an upload may rest before it is thrown away.
const RESTED: Duration = Duration::from_secs(7 * 24 * 3600);
/// How often, and how long, a lock is waited for that another instance may just be giving up.
const LOCK_TRIES: u32 = 50;
const LOCK_WAIT: Duration = Duration::from_millis(100);

/// Inode, size and time of a file: another one differs.
pub(super) type Version = (u64, u64, i64, i64);

/// Refuses a symbolic link.
pub(super) fn refuse_link(path: &Path) -> Result<(), LayoutError> {
    match fs::symlink_metadata(path) {
        Ok(seen) if seen.file_type().is_symlink() => {
            Err(LayoutError::unusable(path, "it is a symbolic link, and links are not followed"))
        }
        _ => Ok(()),
    }
}

/// A regular file and its size. What was looked at is what is opened.
pub(super) fn open(path: &Path) -> Result<Option<(File, u64)>, LayoutError> {
    let failed = |error| LayoutError::io("open", path, error);
    let seen = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(failed)?,
    };
    let no_file = || LayoutError::unusable(path, "it is no regular file; links are not followed");
    if !seen.is_file() {
        return Err(no_file());
    }
    let file = File::open(path).map_err(failed)?;
    let opened = file.metadata().map_err(failed)?;
    if (opened.dev(), opened.ino()) != (seen.dev(), seen.ino()) {
        return Err(no_file());
    }
    Ok(Some((file, opened.size())))
}

/// Which version of a file is there.
pub(super) fn version(path: &Path) -> Option<Version> {
    let seen = fs::symlink_metadata(path).ok()?;
    Some((seen.ino(), seen.size(), seen.mtime(), seen.mtime_nsec()))
}

/// A file, whole; one that is longer than `most` bytes is refused.
pub(super) fn read_file(path: &Path, most: u64) -> Result<Option<Vec<u8>>, LayoutError> {
    let Some((file, size)) = open(path)? else { return Ok(None) };
    let mut bytes = Vec::new();
    let read = if size > most { 0 } else { most.saturating_add(1) };
    file.take(read)
        .read_to_end(&mut bytes)
        .map_err(|error| LayoutError::io("read", path, error))?;
    if size > most || bytes.len() as u64 > most {
        return Err(LayoutError::unusable(path, format!("it is longer than {most} bytes")));
    }
    Ok(Some(bytes))
}

/// Writes a file beside the place it goes to, and gives it its name when it is on disk.
pub(super) fn replace(beside: &Path, path: &Path, bytes: &[u8]) -> Result<(), LayoutError> {
    let write = || {
        fs::remove_file(beside).or_else(absent)?;
        let mut file = OpenOptions::new().write(true).create_new(true).open(beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(beside, path)
    };
    write().map_err(|error| LayoutError::io("write", path, error))?;
    path.parent().map_or(Ok(()), sync)
}

/// Brings the names of a directory to disk.
pub(super) fn sync(directory: &Path) -> Result<(), LayoutError> {
    let synced = File::open(directory).and_then(|directory| directory.sync_all());
    synced.map_err(|error| LayoutError::io("write", directory, error))
}

/// What is not there need not be removed.
pub(super) fn absent(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

/// The lock of a layout; whoever held it last may be just about to give it up.
#[expect(clippy::disallowed_methods, reason = "files are worked on by threads that may wait")]
pub(super) fn held(path: &Path) -> Result<File, LayoutError> {
    refuse_link(path)?;
    let opened = OpenOptions::new().write(true).create(true).truncate(false).open(path);
    let file = opened.map_err(|error| LayoutError::io("lock", path, error))?;
    for _ in 0..LOCK_TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(fs::TryLockError::WouldBlock) => std::thread::sleep(LOCK_WAIT),
            Err(fs::TryLockError::Error(error)) => {
                return Err(LayoutError::io("lock", path, error));
            }
        }
    }
    Err(LayoutError::Busy { path: path.display().to_string() })
}

/// Throws uploads away that nobody went on with.
pub(super) fn forget_old(uploads: &Path) {
    let Ok(entries) = fs::read_dir(uploads) else { return };
    for entry in entries.flatten() {
        let changed = entry.metadata().and_then(|seen| seen.modified());
        let age = changed.ok().and_then(|at| SystemTime::now().duration_since(at).ok());
        if age.is_some_and(|age| age > RESTED) {
            let _gone = fs::remove_file(entry.path());
        }
    }
}
