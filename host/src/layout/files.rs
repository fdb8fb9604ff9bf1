//! The files of a layout: blobs by digest, the index, uploads under way. Everything here waits for
//! the disk.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use portolan_core::oci::{Algorithm, Digest};

use super::{
    LayoutError, LayoutPlace,
    archive::Archive,
    disk::{
        Version, absent, forget_old, held, open, read_file, refuse_link, replace, sync, version,
    },
    index, lock,
};

/// What the file `oci-layout` says (image-spec, "oci-layout file").
pub(super) const MARK: &str = r#"{"imageLayoutVersion":"1.0.0"}"#;
/// Ours alone, beside what the specification names.
const OWN: &str = ".portolan";

/// Bytes in a file.
pub(super) struct Content {
    pub(super) file: Arc<File>,
    pub(super) offset: u64,
    pub(super) size: u64,
}

/// Which version of the index it is, and of the tar file behind it; `None` where there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    index: Option<Version>,
    archive: Option<Version>,
}

/// A layout on disk.
pub(super) struct Files {
    place: LayoutPlace,
    /// What is written, and read first: the layout itself, or what a tar file is to become. `None`
    /// for a tar file that is only read.
    root: Option<PathBuf>,
    archive: Mutex<Option<Arc<Archive>>>,
    /// The lock of whoever writes, once that has begun.
    writing: Mutex<Option<File>>,
}

impl Files {
    /// Looks at what is there. A place where nothing is becomes a layout when it is written to.
    pub(super) fn open(place: LayoutPlace) -> Result<Self, LayoutError> {
        let archive = if place.archive { Archive::open(&place.path)? } else { None };
        let there = if place.archive { archive.is_some() } else { place.path.is_dir() };
        if !there && place.path.exists() {
            let why = "it is no directory; a tar file is oci-archive:FILE";
            return Err(LayoutError::unusable(&place.path, why));
        }
        if place.read_only && !there {
            return Err(LayoutError::unusable(&place.path, "there is nothing"));
        }
        let root = match (place.archive, place.read_only) {
            (false, _) => Some(place.path.clone()),
            (true, false) => Some(partial(&place.path)),
            (true, true) => None,
        };
        let files = Self {
            place,
            root,
            archive: Mutex::new(archive.map(Arc::new)),
            writing: Mutex::new(None),
        };
        files.check()?;
        Ok(files)
    }

    /// Where the layout is, for people.
    pub(super) fn path(&self) -> &Path {
        &self.place.path
    }

    fn seals(&self) -> bool {
        self.place.archive && !self.place.read_only
    }

    /// The directory that is written to.
    pub(super) fn root(&self) -> Result<&Path, LayoutError> {
        let read_only = || LayoutError::ReadOnly { path: self.path().display().to_string() };
        self.root.as_deref().filter(|_| !self.place.read_only).ok_or_else(read_only)
    }

    /// The tar file as it is now.
    pub(super) fn archive(&self) -> Option<Arc<Archive>> {
        lock(&self.archive).clone()
    }

    /// Reads the tar file, where it is one, anew.
    pub(super) fn reopen(&self) -> Result<(), LayoutError> {
        if !self.place.archive {
            return Ok(());
        }
        let now = Archive::open(&self.place.path)?.map(Arc::new);
        *lock(&self.archive) = now;
        Ok(())
    }

    /// Refuses links where directories must be, and a directory of something else.
    fn check(&self) -> Result<(), LayoutError> {
        let Some(root) = self.root.as_deref().filter(|root| root.is_dir()) else { return Ok(()) };
        for name in ["blobs", "blobs/sha256", "blobs/sha512", OWN, ".portolan/uploads"] {
            refuse_link(&root.join(name))?;
        }
        let mark = root.join("oci-layout");
        if let Some(text) = read_file(&mark, 4096)? {
            let version = serde_json::from_slice::<serde_json::Value>(&text).ok();
            let version =
                version.and_then(|mark| Some(mark.get("imageLayoutVersion")?.to_string()));
            return match version.as_deref() {
                Some(r#""1.0.0""#) => Ok(()),
                _ => Err(LayoutError::unusable(&mark, "it names no version that is known (1.0.0)")),
            };
        }
        let entries = fs::read_dir(root).map_err(|error| LayoutError::io("list", root, error))?;
        let foreign = entries.flatten().any(|entry| entry.file_name() != OWN);
        if foreign || self.place.read_only {
            let why = "it has no file `oci-layout`, and is not empty";
            return Err(LayoutError::unusable(root, why));
        }
        Ok(())
    }

    /// A blob, where it is there.
    pub(super) fn content(&self, digest: &Digest) -> Result<Option<Content>, LayoutError> {
        if let Some(root) = &self.root
            && let Some((file, size)) = open(&root.join(blob_name(digest)))?
        {
            return Ok(Some(Content { file: Arc::new(file), offset: 0, size }));
        }
        Ok(self.archive().and_then(|archive| archive.blob(digest)))
    }

    /// A small blob, whole.
    pub(super) fn read(&self, digest: &Digest, most: u64) -> Result<Option<Vec<u8>>, LayoutError> {
        let Some(content) = self.content(digest)? else { return Ok(None) };
        content.whole(most).map_err(|error| LayoutError::io("read a blob of", self.path(), error))
    }

    /// The index; `None` where there is none yet.
    pub(super) fn index(&self) -> Result<Option<Vec<u8>>, LayoutError> {
        if let Some(root) = &self.root
            && let Some(bytes) = read_file(&root.join("index.json"), index::MAX_BYTES)?
        {
            return Ok(Some(bytes));
        }
        let Some(archive) = self.archive() else { return Ok(None) };
        let bytes = archive.index().whole(index::MAX_BYTES);
        let bytes = bytes.map_err(|error| LayoutError::io("read", self.path(), error))?;
        bytes.map(Some).ok_or_else(|| LayoutError::unusable(self.path(), "its index is too large"))
    }

    /// Which index it is.
    pub(super) fn stamp(&self) -> Stamp {
        let index = self.root.as_ref().and_then(|root| version(&root.join("index.json")));
        let archive = if self.place.archive { version(&self.place.path) } else { None };
        Stamp { index, archive }
    }

    /// Whether something waits to go into the tar file.
    pub(super) fn waits(&self) -> bool {
        self.seals() && self.stamp().index.is_some()
    }

    /// Makes a layout of the place, and keeps other processes from writing there. Only the first
    /// call does anything, until it is cleared.
    pub(super) fn begin(&self) -> Result<&Path, LayoutError> {
        let root = self.root()?;
        let mut writing = lock(&self.writing);
        if writing.is_some() {
            return Ok(root);
        }
        let uploads = root.join(OWN).join("uploads");
        for directory in [&uploads, &root.join("blobs/sha256")] {
            let made = fs::create_dir_all(directory);
            made.map_err(|error| LayoutError::io("make", directory, error))?;
        }
        self.check_directories(root)?;
        let held = held(&root.join(OWN).join("lock"))?;
        forget_old(&uploads);
        if read_file(&root.join("oci-layout"), 4096)?.is_none() {
            replace(&root.join(OWN).join("mark"), &root.join("oci-layout"), MARK.as_bytes())?;
        }
        *writing = Some(held);
        Ok(root)
    }

    fn check_directories(&self, root: &Path) -> Result<(), LayoutError> {
        let names = ["blobs", "blobs/sha256", "blobs/sha512", OWN, ".portolan/uploads"];
        names.iter().try_for_each(|name| refuse_link(&root.join(name)))
    }

    /// A new file for an upload.
    pub(super) fn new_upload(&self, id: &str) -> Result<File, LayoutError> {
        let path = self.begin()?.join(OWN).join("uploads").join(id);
        let made = OpenOptions::new().read(true).write(true).create_new(true).open(&path);
        made.map_err(|error| LayoutError::io("make", &path, error))
    }

    /// The file of an upload that an earlier process began.
    pub(super) fn old_upload(&self, id: &str) -> Result<Option<File>, LayoutError> {
        let path = self.root()?.join(OWN).join("uploads").join(id);
        if open(&path)?.is_none() {
            return Ok(None);
        }
        let opened = OpenOptions::new().read(true).write(true).open(&path);
        opened.map(Some).map_err(|error| LayoutError::io("open", &path, error))
    }

    /// Throws an upload away.
    pub(super) fn drop_upload(&self, id: &str) {
        if let Ok(root) = self.root() {
            // What is left is thrown away a week later.
            let _gone = fs::remove_file(root.join(OWN).join("uploads").join(id));
        }
    }

    /// Makes a blob of an upload whose bytes were checked.
    pub(super) fn adopt(&self, id: &str, file: &File, digest: &Digest) -> Result<(), LayoutError> {
        let root = self.begin()?;
        let (path, blob) = (root.join(OWN).join("uploads").join(id), root.join(blob_name(digest)));
        if digest.algorithm() == Algorithm::Sha512 {
            let directory = root.join("blobs/sha512");
            let made = fs::create_dir_all(&directory);
            made.map_err(|error| LayoutError::io("make", &directory, error))?;
        }
        file.sync_all().map_err(|error| LayoutError::io("write", &path, error))?;
        fs::rename(&path, &blob).map_err(|error| LayoutError::io("name", &blob, error))
    }

    /// Stores a small blob; one that is there and whole is left.
    pub(super) fn put(&self, digest: &Digest, bytes: &[u8]) -> Result<(), LayoutError> {
        if self.read(digest, bytes.len() as u64)?.as_deref() == Some(bytes) {
            return Ok(());
        }
        let id = fresh_id()?;
        let mut file = self.new_upload(&id)?;
        let written = file.write_all(bytes);
        written.map_err(|error| LayoutError::io("write to", self.path(), error))?;
        self.adopt(&id, &file, digest)
    }

    /// Forgets a blob whose size is not what its digest's is.
    pub(super) fn discard(&self, digest: &Digest) -> Result<(), LayoutError> {
        let path = self.begin()?.join(blob_name(digest));
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(LayoutError::io("remove", &path, error))
            }
            _ => Ok(()),
        }
    }

    /// Puts a new index in the place of the old, after every blob that it may name.
    pub(super) fn write_index(&self, bytes: &[u8]) -> Result<(), LayoutError> {
        let root = self.begin()?;
        for name in ["blobs/sha256", "blobs/sha512"] {
            let directory = root.join(name);
            if directory.is_dir() {
                sync(&directory)?;
            }
        }
        replace(&root.join(OWN).join("index"), &root.join("index.json"), bytes)
    }

    /// Removes what a tar file holds now; uploads under way stay.
    pub(super) fn clear(&self, held: &Archive) -> Result<(), LayoutError> {
        let root = self.root()?;
        let mut writing = lock(&self.writing);
        let gone = |path: &Path| fs::remove_file(path).or_else(absent);
        let failed = |error| LayoutError::io("clear", root, error);
        gone(&root.join("index.json")).map_err(failed)?;
        for digest in held.digests() {
            gone(&root.join(blob_name(digest))).map_err(failed)?;
        }
        // What still has something in it stays.
        for name in ["blobs/sha256", "blobs/sha512"] {
            let _kept = fs::remove_dir(root.join(name));
        }
        let uploads = root.join(OWN).join("uploads");
        if fs::remove_dir(root.join("blobs")).is_ok() && fs::remove_dir(&uploads).is_ok() {
            fs::remove_dir_all(root).map_err(failed)?;
            *writing = None;
        } else {
            for directory in [uploads, root.join("blobs/sha256")] {
                fs::create_dir_all(directory).map_err(failed)?;
            }
        }
        Ok(())
    }
}

impl Content {
    /// All of it; `None` where it is longer than `most`.
    fn whole(&self, most: u64) -> io::Result<Option<Vec<u8>>> {
        let Some(size) = usize::try_from(self.size).ok().filter(|_| self.size <= most) else {
            return Ok(None);
        };
        let mut bytes = vec![0; size];
        self.file.read_exact_at(&mut bytes, self.offset)?;
        Ok(Some(bytes))
    }
}

/// A name for an upload that no other has: 32 hex digits.
pub(super) fn fresh_id() -> Result<String, LayoutError> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|_| LayoutError::TooMany("there is no randomness"))?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Where what a tar file is to become is kept.
pub(super) fn partial(archive: &Path) -> PathBuf {
    let mut name = archive.as_os_str().to_owned();
    name.push(".partial");
    name.into()
}

/// `blobs/sha256/…`: the digest is checked, so its parts are names.
pub(super) fn blob_name(digest: &Digest) -> String {
    format!("blobs/{}/{}", digest.algorithm().name(), digest.hex())
}
