//! Compiled code kept between processes. It is machine code: only what we wrote is ever mapped.
//!
//! A file is named by the component's digest and wasmtime's compatibility hash; the digest of the
//! code stands beside it and is compared before mapping. Anything odd means: compile again.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, Read, Write},
    os::{
        fd::AsRawFd,
        unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    },
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use portolan_core::oci::{Algorithm, Digest, Verifier};
use wasmtime::component::Component;

use super::PluginError;

/// A draft older than this was left by a process that died.
const STALE: Duration = Duration::from_secs(3600);
/// Code for another engine is kept this long: another process may be using it.
const OTHERS: Duration = Duration::from_secs(7 * 24 * 3600);
/// Write permission of group or others.
const FOREIGN_WRITE: u32 = 0o022;

/// A directory of compiled components.
pub(super) struct Cache {
    directory: PathBuf,
    /// The user we write as.
    owner: u32,
}

/// A file being written; removed when dropped, unless it was taken in.
pub(super) struct Draft {
    pub(super) path: PathBuf,
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Gone already where it was taken in.
        let _ = fs::remove_file(&self.path);
    }
}

impl Cache {
    /// Makes the directory (mode 0700) or checks that nobody else may write to it.
    pub(super) fn open(directory: PathBuf) -> Result<Self, PluginError> {
        let open = || -> io::Result<Self> {
            DirBuilder::new().recursive(true).mode(0o700).create(&directory)?;
            let probe = Draft { path: draft_path(&directory) };
            let owner = create(&probe.path)?.metadata()?.uid();
            let cache = Self { owner, directory: directory.clone() };
            if !cache.is_ours(&fs::metadata(&directory)?) {
                return Err(io::Error::other("others may write to it; make it mode 0700 and ours"));
            }
            cache.sweep()?;
            Ok(cache)
        };
        open().map_err(|error| {
            PluginError::Internal(format!(
                "compiled adapters cannot be kept in {}: {error}",
                directory.display()
            ))
        })
    }

    /// File name for a component compiled by this engine.
    pub(super) fn name(engine: &wasmtime::Engine, digest: &Digest) -> String {
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        format!("{}-{:016x}", digest.hex(), hasher.finish())
    }

    /// A file name nobody else uses.
    pub(super) fn draft(&self) -> Draft {
        Draft { path: draft_path(&self.directory) }
    }

    /// Takes a finished draft in: hash first, then the code, so that a half is never trusted.
    pub(super) fn admit(&self, draft: &Draft, name: &str) -> Result<(), PluginError> {
        let admit = || -> io::Result<()> {
            let file = File::open(&draft.path)?;
            if !self.is_ours(&file.metadata()?) {
                return Err(io::Error::other("the compiler left a file that others may write to"));
            }
            let sum = self.draft();
            create(&sum.path)?.write_all(hash(&file)?.as_str().as_bytes())?;
            fs::rename(&sum.path, self.path(name, "sha256"))?;
            fs::rename(&draft.path, self.path(name, "cwasm"))?;
            self.forget_others(name)
        };
        admit().map_err(|error| {
            PluginError::Internal(format!(
                "keeping compiled code in {}: {error}",
                self.directory.display()
            ))
        })
    }

    /// Maps the code of that name; `None` where there is none, or where it is not what we wrote.
    pub(super) fn map(&self, engine: &wasmtime::Engine, name: &str) -> Option<Component> {
        let path = self.path(name, "cwasm");
        let file = File::open(&path).ok()?;
        match self.verify(&file, name).and_then(|()| load(engine, &file, &path)) {
            Ok(component) => Some(component),
            Err(error) => {
                tracing::warn!(file = %path.display(), %error, "compiled code is made anew");
                None
            }
        }
    }

    fn verify(&self, file: &File, name: &str) -> io::Result<()> {
        if !self.is_ours(&file.metadata()?) {
            return Err(io::Error::other("it is not ours, or others may write to it"));
        }
        let mut wanted = String::new();
        let sum = File::open(self.path(name, "sha256"))?;
        if !self.is_ours(&sum.metadata()?) {
            return Err(io::Error::other("its hash is not ours, or others may write to it"));
        }
        sum.take(256).read_to_string(&mut wanted)?;
        if hash(file)?.as_str() == wanted {
            Ok(())
        } else {
            Err(io::Error::other("its hash is not the one it was written with"))
        }
    }

    fn is_ours(&self, metadata: &fs::Metadata) -> bool {
        metadata.uid() == self.owner && metadata.mode() & FOREIGN_WRITE == 0
    }

    fn path(&self, name: &str, extension: &str) -> PathBuf {
        self.directory.join(format!("{name}.{extension}"))
    }

    /// Removes code of the same component for other versions of wasmtime.
    fn forget_others(&self, name: &str) -> io::Result<()> {
        let component = name.split('-').next().unwrap_or(name);
        self.remove_where(|file, metadata| {
            file.starts_with(component)
                && !file.starts_with(name)
                && age(metadata).is_some_and(|age| age > OTHERS)
        })
    }

    fn sweep(&self) -> io::Result<()> {
        self.remove_where(|file, metadata| {
            file.starts_with(".draft-") && age(metadata).is_some_and(|age| age > STALE)
        })
    }

    fn remove_where(&self, unwanted: impl Fn(&str, &fs::Metadata) -> bool) -> io::Result<()> {
        for entry in fs::read_dir(&self.directory)?.flatten() {
            let (name, Ok(metadata)) = (entry.file_name(), entry.metadata()) else { continue };
            if name.to_str().is_some_and(|name| unwanted(name, &metadata)) {
                // Another process may have been faster.
                let _ = fs::remove_file(entry.path());
            }
        }
        Ok(())
    }
}

/// The file that was verified is the one that is mapped, whatever its name means by now.
#[expect(
    unsafe_code,
    reason = "wasmtime cannot check machine code; `verify` has, and 0700 keeps it"
)]
fn load(engine: &wasmtime::Engine, file: &File, path: &Path) -> io::Result<Component> {
    let same = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
    let path = if same.exists() { &same } else { path };
    // SAFETY: the bytes are those this program's compiler produced: their SHA-256 was compared
    // with the one noted when they were written, in a directory and a file that only this user
    // may write to. wasmtime itself refuses code of another version or configuration.
    unsafe { Component::deserialize_file(engine, path) }
        .map_err(|error| io::Error::other(format!("{error:#}")))
}

fn hash(mut file: &File) -> io::Result<Digest> {
    let mut verifier = Verifier::new(Algorithm::Sha256);
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut buffer)?;
        let Some(bytes @ [_, ..]) = buffer.get(..read) else { return Ok(verifier.finish()) };
        verifier.update(bytes);
    }
}

fn age(metadata: &fs::Metadata) -> Option<Duration> {
    metadata.modified().ok()?.elapsed().ok()
}

fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

fn draft_path(directory: &Path) -> PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    directory.join(format!(".draft-{}-{number}", std::process::id()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// The smallest component there is.
    const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

    struct Kept {
        directory: tempfile::TempDir,
        cache: Cache,
        engine: wasmtime::Engine,
        name: String,
    }

    fn kept() -> Kept {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::open(directory.path().join("compiled")).unwrap();
        let engine = wasmtime::Engine::default();
        let name = Cache::name(&engine, &Digest::of(EMPTY));
        let draft = cache.draft();
        let code = engine.precompile_component(EMPTY).unwrap();
        create(&draft.path).unwrap().write_all(&code).unwrap();
        cache.admit(&draft, &name).unwrap();
        Kept { directory, cache, engine, name }
    }

    fn mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn what_was_written_is_mapped() {
        let Kept { directory, cache, engine, name } = kept();
        assert!(cache.map(&engine, &name).is_some());
        assert!(cache.map(&engine, "another").is_none());
        let other = wasmtime::Engine::new(wasmtime::Config::new().epoch_interruption(true));
        assert!(cache.map(&other.unwrap(), &name).is_none(), "code of another configuration");
        let files = fs::read_dir(directory.path().join("compiled")).unwrap();
        assert_eq!(files.count(), 2, "drafts are gone");
    }

    #[test]
    fn what_was_changed_is_not_mapped() {
        let changes: [fn(&Cache, &str); 5] = [
            |cache, name| {
                let mut code = fs::read(cache.path(name, "cwasm")).unwrap();
                let middle = code.len() / 2;
                code[middle] ^= 1;
                fs::write(cache.path(name, "cwasm"), code).unwrap();
            },
            |cache, name| fs::remove_file(cache.path(name, "sha256")).unwrap(),
            |cache, name| fs::write(cache.path(name, "sha256"), "").unwrap(),
            |cache, name| mode(&cache.path(name, "cwasm"), 0o660),
            |cache, name| mode(&cache.path(name, "sha256"), 0o602),
        ];
        for change in changes {
            let Kept { cache, engine, name, directory: _directory } = kept();
            change(&cache, &name);
            assert!(cache.map(&engine, &name).is_none());
        }
    }

    #[test]
    fn a_directory_that_others_write_to_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        mode(directory.path(), 0o777);
        let error = Cache::open(directory.path().to_owned()).err().unwrap().to_string();
        assert!(error.contains("0700"), "{error}");
    }
}
