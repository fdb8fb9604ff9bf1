//! The plug-in directory: what is dropped there is installed, and waits for approval.
//!
//! It is looked at every two seconds rather than watched by the kernel: that works on every file
//! system, and a plug-in is no hurry.

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Weak},
    time::{Duration, SystemTime},
};

use tokio::io::AsyncReadExt;

use super::{Host, Shared};

const EVERY: Duration = Duration::from_secs(2);
/// Most components looked at in one directory.
const MAX_FILES: usize = 256;
/// Largest file read, in bytes; the loader has a limit of its own below it.
const MAX_BYTES: u64 = 64 << 20;

/// What was seen of a file when it was last tried.
type Seen = HashMap<PathBuf, (u64, Option<SystemTime>)>;

/// Looks at the directory until the host is gone.
pub(super) fn spawn(host: &Host, directory: PathBuf) {
    let weak = Arc::downgrade(&host.shared);
    let closing = host.shared.closing.clone();
    tokio::spawn(async move {
        let mut seen = Seen::new();
        loop {
            if !look(&weak, &directory, &mut seen).await {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                () = closing.cancelled() => return,
            }
        }
    });
}

/// One look; false where the host is gone.
async fn look(weak: &Weak<Shared>, directory: &Path, seen: &mut Seen) -> bool {
    let Ok(mut entries) = tokio::fs::read_dir(directory).await else {
        return weak.strong_count() > 0;
    };
    let mut files = 0;
    while let Ok(Some(entry)) = entries.next_entry().await {
        let path = entry.path();
        if path.extension().is_none_or(|extension| extension != "wasm") || files >= MAX_FILES {
            continue;
        }
        files += 1;
        let Ok(metadata) = entry.metadata().await else { continue };
        let now = (metadata.len(), metadata.modified().ok());
        if seen.get(&path) == Some(&now) || !metadata.is_file() {
            continue;
        }
        let Some(shared) = weak.upgrade() else { return false };
        seen.insert(path.clone(), now);
        let store = shared.store.clone();
        install(&Host { shared, store }, &path).await;
    }
    weak.strong_count() > 0
}

async fn install(host: &Host, path: &Path) {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = name.unwrap_or_default();
    let component = match read(path).await {
        Ok(component) => component,
        Err(error) => {
            tracing::warn!(file = %path.display(), %error, "the plug-in cannot be read");
            return;
        }
    };
    match host.install_plugin(component, name).await {
        Ok(plugin) => {
            tracing::info!(
                file = %path.display(), provider = plugin.info.provider, state = ?plugin.state,
                digest = %plugin.digest, "plug-in found"
            );
        }
        Err(error) => {
            tracing::warn!(file = %path.display(), %error, "the plug-in cannot be installed");
        }
    }
}

/// A whole file. One that is too large is not read to its end, whatever its size was said to be.
async fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = tokio::fs::File::open(path).await?;
    let size = file.metadata().await?.len();
    let mut bytes = Vec::new();
    if size <= MAX_BYTES {
        file.take(MAX_BYTES + 1).read_to_end(&mut bytes).await?;
    }
    let size = size.max(bytes.len() as u64);
    if size > MAX_BYTES {
        let text = format!("it has {size} bytes, more than any component may have");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, text));
    }
    Ok(bytes)
}
