//! The listeners: a TCP port, and a Unix socket for the daemon's own user alone.
//!
//! A socket that a dead daemon left is replaced; one that somebody answers on never is.

use std::{
    fs::{self, DirBuilder, Permissions},
    io,
    net::SocketAddr,
    os::unix::fs::{DirBuilderExt, FileTypeExt, PermissionsExt},
    path::{Path, PathBuf},
};

use tokio::net::{TcpListener, UnixListener, UnixStream};

use super::DaemonError;

/// Both listeners, bound; nothing is served yet.
pub(super) struct Listeners {
    pub(super) tcp: TcpListener,
    pub(super) unix: UnixListener,
    pub(super) socket_file: SocketFile,
    /// Where the TCP listener is: the port that was taken for port 0.
    pub(super) address: SocketAddr,
}

impl Listeners {
    pub(super) async fn bind(address: SocketAddr, socket: &Path) -> Result<Self, DaemonError> {
        let failed = |source| DaemonError::Listen { address, source };
        // First the socket: where a daemon runs with this very data directory, that is the news.
        let (unix, socket_file) = bind_socket(socket).await?;
        let tcp = TcpListener::bind(address).await.map_err(failed)?;
        let address = tcp.local_addr().map_err(failed)?;
        Ok(Self { tcp, unix, socket_file, address })
    }
}

/// Removes the socket when the daemon ends.
#[derive(Debug)]
pub(super) struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Makes the data directory for the daemon's own user alone; one that is there stays as it is.
pub(super) fn make_data_dir(path: &Path) -> Result<(), DaemonError> {
    make_dir(path).map_err(|source| DaemonError::DataDir { path: path.to_owned(), source })
}

/// Makes the directory that is watched for adapters, so that there is a place to drop one.
pub(super) fn make_plugin_dir(path: &Path) -> Result<(), DaemonError> {
    make_dir(path).map_err(|source| DaemonError::PluginDir { path: path.to_owned(), source })
}

fn make_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Binds under another name and moves into place, so that nobody ever meets the socket before its
/// mode is 0600.
async fn bind_socket(path: &Path) -> Result<(UnixListener, SocketFile), DaemonError> {
    let failed = |why: String| DaemonError::Socket { path: path.to_owned(), why };
    if let Some(why) = occupied(path).await {
        return Err(failed(why));
    }
    let mut draft = path.as_os_str().to_owned();
    draft.push("~");
    let draft = PathBuf::from(draft);
    let bind = || {
        if is_socket(&draft) {
            fs::remove_file(&draft)?;
        }
        let listener = UnixListener::bind(&draft)?;
        fs::set_permissions(&draft, Permissions::from_mode(0o600))?;
        fs::rename(&draft, path)?;
        io::Result::Ok(listener)
    };
    let listener = bind().map_err(|error| failed(error.to_string()))?;
    Ok((listener, SocketFile(path.to_owned())))
}

/// Why the path cannot be taken; `None` where nothing is there, or a socket nobody answers on.
async fn occupied(path: &Path) -> Option<String> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => return Some(error.to_string()),
        Ok(_) if !is_socket(path) => {
            return Some("something else than a socket is there".to_owned());
        }
        Ok(_) => {}
    }
    match UnixStream::connect(path).await {
        Ok(_) => Some("a daemon answers there already; stop that one first".to_owned()),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => None,
        Err(error) => Some(error.to_string()),
    }
}

fn is_socket(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_a_socket_nobody_answers_on_is_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("portolan.sock");
        let (listener, file) = bind_socket(&path).await.unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);

        let message = bind_socket(&path).await.err().unwrap().to_string();
        assert!(message.contains("a daemon answers there already"), "{message}");
        assert!(UnixStream::connect(&path).await.is_ok());

        drop(listener);
        assert!(is_socket(&path), "a dead daemon leaves its socket");
        std::mem::forget(file);
        let (_listener, file) = bind_socket(&path).await.unwrap();
        drop(file);
        assert!(!path.exists(), "a daemon that ends does not");

        fs::write(&path, "precious").unwrap();
        let message = bind_socket(&path).await.err().unwrap().to_string();
        assert!(message.contains("something else than a socket"), "{message}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    }

    #[tokio::test]
    async fn a_data_directory_is_for_its_owner_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a/b");
        make_data_dir(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        make_data_dir(&path).unwrap();
        fs::write(path.join("file"), "").unwrap();
        assert!(matches!(make_data_dir(&path.join("file")), Err(DaemonError::DataDir { .. })));
    }
}
