//! A file whose whole text is a secret; below one of the directories that the settings name.

use std::{
    os::unix::fs::MetadataExt as _,
    path::{Component, Path, PathBuf},
};

use portolan_core::secret::Secret;

use super::MAX_SECRET;

/// Which file there is now. Mounted secrets are replaced by another link, others are written over.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Mark {
    /// Without links.
    path: PathBuf,
    inode: (u64, u64),
    changed: (i64, i64),
    length: u64,
}

/// Whether a path is written as one below a directory. Where its links lead is asked by [`mark`].
pub(super) fn is_below(path: &Path, directories: &[PathBuf]) -> bool {
    let plain = path.components().all(|part| part != Component::ParentDir);
    plain && directories.iter().any(|directory| path.starts_with(directory))
}

/// Looks at the file, and at where its links lead.
pub(super) async fn mark(path: &Path, directories: &[PathBuf]) -> Result<Mark, String> {
    let unseen = |error: std::io::Error| format!("{error}");
    let real = tokio::fs::canonicalize(path).await.map_err(unseen)?;
    let mut inside = false;
    for directory in directories {
        // One that is not there holds nothing.
        let directory = tokio::fs::canonicalize(directory).await;
        inside |= directory.is_ok_and(|directory| real.starts_with(directory));
    }
    if !inside {
        let real = real.display();
        return Err(format!("it is a link to {real}, outside the directories that are allowed"));
    }
    let seen = tokio::fs::metadata(&real).await.map_err(unseen)?;
    if !seen.is_file() {
        return Err("it is no file".to_owned());
    }
    if seen.len() > MAX_SECRET {
        return Err(format!("it is longer than {MAX_SECRET} bytes"));
    }
    Ok(Mark {
        path: real,
        inode: (seen.dev(), seen.ino()),
        changed: (seen.ctime(), seen.ctime_nsec()),
        length: seen.len(),
    })
}

/// The text, without the end of line that editors add.
pub(super) async fn read(mark: &Mark) -> Result<Secret, String> {
    let bytes = tokio::fs::read(&mark.path).await.map_err(|error| error.to_string())?;
    let text = String::from_utf8(bytes).map_err(|_| "it is no text in UTF-8".to_owned())?;
    let secret = Secret::new(text);
    let trimmed = secret.expose().strip_suffix('\n').unwrap_or(secret.expose());
    let trimmed = Secret::new(trimmed.strip_suffix('\r').unwrap_or(trimmed).to_owned());
    if trimmed.is_empty() { Err("it is empty".to_owned()) } else { Ok(trimmed) }
}
