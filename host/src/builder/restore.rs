//! A data directory made from a backup, while no daemon runs on it.

use std::{
    fs::{self, File, OpenOptions},
    io::{BufReader, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use super::HostBuilder;
use crate::{
    error::{Code, Error},
    host::BackupKey,
    store::{self, BackupHeader},
};

impl HostBuilder {
    /// Makes the database and the sealing key of a directory that is empty or missing. Blocks.
    ///
    /// # Errors
    /// `Precondition` where something is in the directory; `Invalid` where the file is no backup, is
    /// damaged, or has another key. Nothing is left then.
    pub fn restore(directory: &Path, backup: &Path, key: BackupKey) -> Result<(), Error> {
        let place = directory.display();
        let failed = |what: &str, error: std::io::Error| {
            Error::new(Code::Internal, format!("{place}: {what}: {error}"))
        };
        let is_used = match fs::read_dir(directory) {
            Ok(mut entries) => entries.next().is_some(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
            Err(error) => return Err(failed("cannot be looked at", error)),
        };
        if is_used {
            let why = format!(
                "{place} is not empty: a backup is restored into a directory of its own; name another \
                 one, or move this one away"
            );
            return Err(Error::new(Code::Precondition, why));
        }
        let unread = |error: std::io::Error| {
            Error::new(Code::Invalid, format!("cannot read {}: {error}", backup.display()))
        };
        let mut file = File::open(backup).map_err(unread)?;
        file.seek(SeekFrom::Start(BackupHeader::LENGTH as u64)).map_err(unread)?;
        let (header, key) = key.split();
        let data_key = store::restore(directory, &header, &key, BufReader::new(file))?;
        let path = directory.join("sealing-key");
        let written =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).and_then(
                |mut file| file.write_all(data_key.expose().as_bytes()).and(file.sync_all()),
            );
        written.map_err(|error| failed("the sealing key cannot be written", error))
    }
}
