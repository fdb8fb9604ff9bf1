//! The sealing key at the start: read, or made; and the store opened with the one it was sealed with
//! last, where a rotation broke off.

use std::{
    fs,
    io::ErrorKind,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use portolan_core::secret::Secret;

use super::KeySource;
use crate::{
    error::{Code, Error},
    host::keys::{self, KeyPlace},
    store::{Location, SealingKey, Store, StoreError},
};

/// Opens the store of a directory, or one in memory, with the key from its source.
pub(super) async fn open_store(
    source: KeySource,
    data_dir: Option<PathBuf>,
) -> Result<(Store, KeyPlace), Error> {
    if let Some(directory) = &data_dir {
        make(directory)?;
    }
    let location = data_dir.map_or(Location::Memory, Location::Directory);
    let (key, place) = match source {
        KeySource::Given(secret) => (secret, KeyPlace::Outside),
        KeySource::Ephemeral => (keys::random_key()?, KeyPlace::Memory),
        KeySource::File(path) => {
            let key = read_or_make(&path)?;
            match read(&keys::next_of(&path))? {
                Some(next) => {
                    return Ok((settled(location, key, next, &path).await?, KeyPlace::File(path)));
                }
                None => (key, KeyPlace::File(path)),
            }
        }
    };
    Ok((Store::open(location, SealingKey(key)).await?, place))
}

/// Opens the store with the key that it says is in use, and ends the rotation that broke off.
async fn settled(
    location: Location,
    key: Secret,
    next: Secret,
    path: &Path,
) -> Result<Store, Error> {
    let (store, used) = match Store::open(location.clone(), SealingKey(key)).await {
        Err(error @ StoreError::Seal(_)) => {
            let opened = Store::open(location, SealingKey(next)).await;
            (opened.map_err(|_| Error::from(error))?, true)
        }
        opened => (opened?, false),
    };
    keys::settle(path, used)?;
    tracing::warn!(used, "a rotation of the sealing key had broken off; it is settled now");
    Ok(store)
}

fn make(directory: &Path) -> Result<(), Error> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(directory);
    made.map_err(|error| {
        let text = format!("the data directory {} cannot be made: {error}", directory.display());
        Error::new(Code::Internal, text)
    })
}

fn read_or_make(path: &Path) -> Result<Secret, Error> {
    if let Some(key) = read(path)? {
        return Ok(key);
    }
    let key = keys::random_key()?;
    keys::write_new(path, &key)?;
    Ok(key)
}

fn read(path: &Path) -> Result<Option<Secret>, Error> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(Secret::new(text.trim().to_owned()))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(keys::failed(path, "cannot be read", &error)),
    }
}
