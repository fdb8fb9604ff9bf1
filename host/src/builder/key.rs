//! The sealing key: read, or made at the first start.

use std::{
    fs::{self, OpenOptions},
    io::{ErrorKind, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use portolan_core::secret::Secret;
use zeroize::Zeroizing;

use super::KeySource;
use crate::{
    error::{Code, Error},
    store::SealingKey,
};

/// Gets the key from its source; makes the data directory where missing, so that a key file can
/// be put there.
pub(super) fn read(source: &KeySource, data_dir: Option<&Path>) -> Result<SealingKey, Error> {
    if let Some(directory) = data_dir {
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(directory);
        made.map_err(|error| {
            let text =
                format!("the data directory {} cannot be made: {error}", directory.display());
            Error::new(Code::Internal, text)
        })?;
    }
    let text = match source {
        KeySource::Given(secret) => secret.clone(),
        KeySource::Ephemeral => random_key()?,
        KeySource::File(path) => from_file(path)?,
    };
    Ok(SealingKey(text))
}

fn random_key() -> Result<Secret, Error> {
    let mut bytes = Zeroizing::new([0_u8; 32]);
    getrandom::fill(bytes.as_mut_slice()).map_err(|error| {
        Error::new(Code::Internal, format!("the system gives no random bytes: {error}"))
    })?;
    Ok(Secret::new(STANDARD.encode(bytes.as_slice())))
}

fn from_file(path: &Path) -> Result<Secret, Error> {
    let failed = |what: &str, error: std::io::Error| {
        Error::new(Code::Internal, format!("the sealing key {} {what}: {error}", path.display()))
    };
    match fs::read_to_string(path) {
        Ok(text) => return Ok(Secret::new(text.trim().to_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(failed("cannot be read", error)),
    }
    let key = random_key()?;
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut file = file.map_err(|error| failed("cannot be made", error))?;
    let written = file.write_all(key.expose().as_bytes()).and_then(|()| file.sync_all());
    written.map_err(|error| failed("cannot be written", error))?;
    Ok(key)
}
