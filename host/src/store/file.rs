//! Where the database lies: the data directory (0700) and the file in it (0600).
//!
//! It never looks into the file; `migrations` does.

use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
};

use redb::{Database, DatabaseError, backends::InMemoryBackend};

use super::{Location, StoreError};

/// Name of the database in the data directory.
const FILE: &str = "portolan.redb";

/// Pages kept in memory, in bytes: the whole of a small store. redb's own default is 1 GiB.
const CACHE: usize = 32 << 20;

/// Opens the database, makes it where missing; returns it with the place that errors name.
pub(super) fn open(location: Location) -> Result<(Database, String), StoreError> {
    let mut builder = Database::builder();
    builder.set_cache_size(CACHE);
    let (database, path) = match location {
        Location::Memory => {
            (builder.create_with_backend(InMemoryBackend::new()), "memory".to_owned())
        }
        Location::Directory(directory) => {
            let file = directory.join(FILE);
            let path = file.display().to_string();
            prepare(&directory, &file).map_err(|error| refused(&path, error))?;
            (builder.create(&file), path)
        }
    };
    match database {
        Ok(database) => Ok((database, path)),
        Err(DatabaseError::DatabaseAlreadyOpen) => Err(refused(
            &path,
            "another process has it open; stop that one, or talk to it through its socket",
        )),
        Err(error) => Err(refused(&path, error)),
    }
}

/// Makes directory and file with their modes, so that neither is ever open to others.
fn prepare(directory: &Path, file: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600).open(file)?;
    Ok(())
}

fn refused(path: &str, why: impl std::fmt::Display) -> StoreError {
    StoreError::Database {
        path: path.to_owned(),
        attempted: "cannot be opened",
        why: why.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn directory_and_file_are_the_owners_alone() {
        let scratch = tempfile::tempdir().unwrap();
        let directory = scratch.path().join("a/b");
        let (_database, path) = open(Location::Directory(directory.clone())).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&directory), 0o700);
        assert_eq!(mode(Path::new(&path)), 0o600);
    }

    #[test]
    fn what_cannot_be_opened_says_why() {
        let scratch = tempfile::tempdir().unwrap();
        let held = open(Location::Directory(scratch.path().to_owned())).unwrap();
        let text = open(Location::Directory(scratch.path().to_owned())).err().unwrap().to_string();
        assert!(text.contains("another process has it open"), "{text}");
        assert!(text.contains(FILE), "{text}");
        drop(held);
        fs::write(scratch.path().join(FILE), "something else").unwrap();
        assert!(open(Location::Directory(scratch.path().to_owned())).is_err());
        let below_a_file = scratch.path().join(FILE).join("x");
        assert!(open(Location::Directory(below_a_file)).is_err());
    }
}
