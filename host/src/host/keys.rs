//! The key that seals secrets, and another in its place. While it is replaced, both are on disk: the
//! new one as a file beside the old, until the store says that it is in use; whatever moment the
//! process ends at, the next start finds the one that opens the store. It shows no key to anybody.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use portolan_core::secret::Secret;
use zeroize::Zeroizing;

use super::Host;
use crate::{
    error::{Code, Error},
    store::{SealingKey, Store},
};

/// Where the key in use is kept.
#[derive(Clone)]
pub(crate) enum KeyPlace {
    /// In this file.
    File(PathBuf),
    /// With whoever gave it.
    Outside,
    /// Nowhere: it is gone with the host.
    Memory,
}

impl Host {
    /// Makes a new key, seals every secret with it, and keeps it in place of the old one. Gives the
    /// number of endpoints with secrets. Goes on to its end once begun.
    ///
    /// # Errors
    /// `Precondition` where the key was given from outside, or a rotation before broke off;
    /// `Unavailable` while another is under way; `Internal` where a file or the store fails.
    pub async fn rotate_key(&self) -> Result<usize, Error> {
        let turn = self.shared.rotations.clone().try_acquire_owned().map_err(|_| {
            Error::new(Code::Unavailable, "the key is being replaced already; look again later")
        })?;
        let (store, place) = (self.store.clone(), self.shared.key.clone());
        let rotation = tokio::spawn(async move {
            let rotated = rotate(&store, place).await;
            drop(turn);
            rotated
        });
        rotation.await.map_err(|error| Error::new(Code::Internal, error.to_string()))?
    }
}

async fn rotate(store: &Store, place: KeyPlace) -> Result<usize, Error> {
    let key = random_key()?;
    let path = match place {
        KeyPlace::Memory => return Ok(store.rotate_key(&SealingKey(key)).await?),
        KeyPlace::Outside => {
            let why = "the sealing key was given to the daemon by a variable or a credential, so it \
                       cannot put another one there; write the key into the file `sealing-key` of \
                       the data directory, start without the variable or credential, and try again";
            return Err(Error::new(Code::Precondition, why));
        }
        KeyPlace::File(path) => path,
    };
    let (next, written) = (next_of(&path), key.clone());
    blocking(move || write_new(&next, &written)).await?;
    let rotated = store.rotate_key(&SealingKey(key.clone())).await;
    // Where this fails, too, both files stay, and the next start decides.
    let used = store.is_sealed_with(&SealingKey(key))?;
    blocking(move || settle(&path, used)).await?;
    Ok(rotated?)
}

async fn blocking(work: impl FnOnce() -> Result<(), Error> + Send + 'static) -> Result<(), Error> {
    let worked = tokio::task::spawn_blocking(work).await;
    worked.map_err(|error| Error::new(Code::Internal, error.to_string()))?
}

/// The file of a key that may come to be the one in use.
pub(crate) fn next_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".next");
    name.into()
}

/// 32 bytes in base64.
pub(crate) fn random_key() -> Result<Secret, Error> {
    let mut bytes = Zeroizing::new([0_u8; 32]);
    getrandom::fill(bytes.as_mut_slice()).map_err(|error| {
        Error::new(Code::Internal, format!("the system gives no random bytes: {error}"))
    })?;
    Ok(Secret::new(STANDARD.encode(bytes.as_slice())))
}

/// Writes a key into a file that is not there yet, mode 0600; on the disk when this returns.
pub(crate) fn write_new(path: &Path, key: &Secret) -> Result<(), Error> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut file = match file {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let text = format!(
                "{} is there: a rotation of the key broke off; start the daemon anew, which ends it",
                path.display()
            );
            return Err(Error::new(Code::Precondition, text));
        }
        file => file.map_err(|error| failed(path, "cannot be made", &error))?,
    };
    let written = file.write_all(key.expose().as_bytes()).and_then(|()| file.sync_all());
    let written = written.and_then(|()| sync_folder(path));
    written.map_err(|error| {
        let _ = fs::remove_file(path);
        failed(path, "cannot be written", &error)
    })
}

/// Puts the next key in the place of the one before where it is `used`; else removes it.
pub(crate) fn settle(path: &Path, used: bool) -> Result<(), Error> {
    let next = next_of(path);
    let settled = if used { fs::rename(&next, path) } else { fs::remove_file(&next) };
    settled
        .and_then(|()| sync_folder(path))
        .map_err(|error| failed(&next, "cannot be moved to its place", &error))
}

/// A name is on the disk once its folder is.
fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

/// A file of a key that is in the way.
pub(crate) fn failed(path: &Path, what: &str, error: &io::Error) -> Error {
    Error::new(Code::Internal, format!("the sealing key {} {what}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use portolan_core::endpoint::{Credentials, EndpointSpec, Health};

    use super::*;
    use crate::{HostBuilder, KeySource};

    async fn start(directory: &Path) -> Result<Host, Error> {
        HostBuilder::in_directory(directory).build().await
    }

    /// The next start, once what the host before had running has let the store go.
    async fn restart(host: Host, directory: &Path) -> Host {
        host.shutdown(Duration::ZERO).await;
        drop(host);
        let started = async {
            loop {
                match start(directory).await {
                    Err(error) if error.to_string().contains("another process") => {
                        tokio::time::sleep(Duration::from_millis(10)).await;
                    }
                    started => break started.unwrap(),
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(30), started).await.unwrap()
    }

    async fn opens(host: &Host) -> bool {
        let listed = host.store.endpoints().await.unwrap();
        let known = host.store.endpoint_with_credentials(listed[0].id).await;
        known.unwrap().1.access_secret.is_some_and(|secret| secret.expose() == "s")
    }

    async fn filled(directory: &Path) -> Host {
        let host = start(directory).await.unwrap();
        let spec = EndpointSpec::new("a", "none", "http://localhost:1".parse().unwrap());
        let secret = Some(Secret::new("s".to_owned()));
        let credentials = Credentials { access_secret: secret, ..Credentials::default() };
        host.store_endpoint(spec, credentials, Health::Healthy).await.unwrap();
        host
    }

    #[tokio::test]
    async fn another_key_is_in_the_file_and_the_one_before_nowhere() {
        let directory = tempfile::tempdir().unwrap();
        let host = filled(directory.path()).await;
        let path = directory.path().join("sealing-key");
        let before = fs::read_to_string(&path).unwrap();
        assert_eq!(host.rotate_key().await.unwrap(), 1);
        assert_ne!(fs::read_to_string(&path).unwrap(), before);
        assert!(!next_of(&path).exists() && opens(&host).await);
        assert!(opens(&restart(host, directory.path()).await).await);
    }

    /// The two moments at which a kill leaves both files.
    #[tokio::test]
    async fn the_next_start_ends_a_rotation_that_broke_off() {
        let directory = tempfile::tempdir().unwrap();
        let host = filled(directory.path()).await;
        let path = directory.path().join("sealing-key");
        let old = fs::read_to_string(&path).unwrap();
        write_new(&next_of(&path), &random_key().unwrap()).unwrap();
        let refused = host.rotate_key().await.unwrap_err();
        assert_eq!(refused.code(), Code::Precondition, "{refused}");
        let host = restart(host, directory.path()).await;
        assert!(opens(&host).await && !next_of(&path).exists());
        assert_eq!(fs::read_to_string(&path).unwrap(), old);
        let new = random_key().unwrap();
        write_new(&next_of(&path), &new).unwrap();
        host.store.rotate_key(&SealingKey(new.clone())).await.unwrap();
        assert!(opens(&restart(host, directory.path()).await).await);
        assert_eq!(fs::read_to_string(&path).unwrap(), new.expose());
        assert!(!next_of(&path).exists());
    }

    #[tokio::test]
    async fn a_key_from_outside_is_not_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let given = KeySource::Given(random_key().unwrap());
        let host = HostBuilder::in_directory(directory.path()).key(given).build().await.unwrap();
        assert_eq!(host.rotate_key().await.unwrap_err().code(), Code::Precondition);
    }
}
