//! A data directory made from a backup, while no daemon runs on it.
//!
//! Everything is made in a directory within it and moved to its place at the end, the key first: a
//! database never stands without its key. (Within it, since it may be the root of a volume.)

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, BufReader, Seek, SeekFrom, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
};

use super::HostBuilder;
use crate::{
    error::{Code, Error},
    host::BackupKey,
    store::{self, BackupHeader},
};

/// Where a restore works, within the data directory.
const PARTIAL: &str = ".restoring";
/// What a restore makes, in the order it is moved.
const FILES: [&str; 2] = ["sealing-key", "portolan.redb"];

impl HostBuilder {
    /// Makes the database and the sealing key of a directory that is empty or missing. Blocks.
    ///
    /// # Errors
    /// `Precondition` where something is in the directory, but for what a restore that was killed
    /// left; `Invalid` where the file is no backup, is damaged, or has another key. Nothing is left
    /// then.
    pub fn restore(directory: &Path, backup: &Path, key: BackupKey) -> Result<(), Error> {
        let place = directory.display();
        let failed = |what: &str, error: io::Error| {
            Error::new(Code::Internal, format!("{place}: {what}: {error}"))
        };
        let is_new = match fs::read_dir(directory) {
            Ok(entries) => {
                if is_used(entries).map_err(|error| failed("cannot be looked at", error))? {
                    let why = format!(
                        "{place} is not empty: a backup is restored into a directory of its own; \
                         name another one, or move this one away"
                    );
                    return Err(Error::new(Code::Precondition, why));
                }
                false
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => true,
            Err(error) => return Err(failed("cannot be looked at", error)),
        };
        let partial = directory.join(PARTIAL);
        let restored = clear(&partial)
            .map_err(|error| failed("what a restore before left cannot be removed", error))
            .and_then(|()| fill(&partial, backup, key))
            .and_then(|()| {
                settle(directory, &partial)
                    .map_err(|error| failed("the restored files cannot be moved into it", error))
            });
        if restored.is_err() {
            // The error that is told is the first one.
            let _ = clear(&partial);
            if is_new {
                let _ = fs::remove_dir(directory);
            }
        }
        restored
    }
}

/// Whether anything but what a restore left is in a directory.
fn is_used(entries: fs::ReadDir) -> io::Result<bool> {
    for entry in entries {
        if entry?.file_name() != PARTIAL {
            return Ok(true);
        }
    }
    Ok(false)
}

fn clear(partial: &Path) -> io::Result<()> {
    match fs::remove_dir_all(partial) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes database and key, both on the disk when this returns.
fn fill(partial: &Path, backup: &Path, key: BackupKey) -> Result<(), Error> {
    let unread = |error: io::Error| {
        Error::new(Code::Invalid, format!("cannot read {}: {error}", backup.display()))
    };
    let mut file = File::open(backup).map_err(unread)?;
    file.seek(SeekFrom::Start(BackupHeader::LENGTH as u64)).map_err(unread)?;
    let unwritten = |error: io::Error| {
        let why = format!("{}: the sealing key cannot be written: {error}", partial.display());
        Error::new(Code::Internal, why)
    };
    DirBuilder::new().recursive(true).mode(0o700).create(partial).map_err(unwritten)?;
    let (header, key) = key.split();
    let data_key = store::restore(partial, &header, &key, BufReader::new(file))?;
    let [path, _] = FILES.map(|name| partial.join(name));
    let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).and_then(
        |mut file| file.write_all(data_key.expose().as_bytes()).and_then(|()| file.sync_all()),
    );
    written.map_err(unwritten)
}

/// Moves the files to their place; where one cannot be, none is left there.
fn settle(directory: &Path, partial: &Path) -> io::Result<()> {
    let moved = FILES
        .iter()
        .try_for_each(|name| fs::rename(partial.join(name), directory.join(name)))
        .and_then(|()| clear(partial))
        .and_then(|()| File::open(directory)?.sync_all());
    if moved.is_err() {
        for name in FILES {
            // It was empty: nothing of somebody else's is there.
            let _ = fs::remove_file(directory.join(name));
        }
    }
    moved
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_move_together_or_not_at_all() {
        let made = |names: &[&str]| {
            let scratch = tempfile::tempdir().unwrap();
            let partial = scratch.path().join(PARTIAL);
            fs::create_dir(&partial).unwrap();
            names.iter().for_each(|name| fs::write(partial.join(name), name).unwrap());
            (settle(scratch.path(), &partial).is_ok(), scratch)
        };
        let left = |scratch: &tempfile::TempDir| {
            let entries = fs::read_dir(scratch.path()).unwrap();
            let mut names: Vec<_> = entries.map(|it| it.unwrap().file_name()).collect();
            names.sort();
            names
        };
        let (moved, scratch) = made(&FILES);
        assert!(moved);
        assert_eq!(left(&scratch), ["portolan.redb", "sealing-key"]);
        for names in [&["sealing-key"][..], &["portolan.redb"]] {
            let (moved, scratch) = made(names);
            assert!(!moved);
            assert_eq!(left(&scratch), [PARTIAL], "{names:?}");
        }
    }

    #[test]
    fn what_a_killed_restore_left_is_no_hindrance() {
        let scratch = tempfile::tempdir().unwrap();
        let used = || is_used(fs::read_dir(scratch.path()).unwrap()).unwrap();
        assert!(!used());
        fs::create_dir(scratch.path().join(PARTIAL)).unwrap();
        assert!(!used());
        fs::write(scratch.path().join("other"), "").unwrap();
        assert!(used());
    }
}
