//! A layout that somebody is connected to: its files, what they hold, and the one place where the
//! index is written. Changes that wait together are written together.

use std::{
    sync::{Mutex, PoisonError, RwLock, RwLockReadGuard},
    time::{Duration, Instant},
};

use portolan_core::oci::Repository;

use super::{
    LayoutError, LayoutPlace,
    contents::{Change, Contents},
    files::{Files, Stamp},
    index::own_repository,
    lock, seal,
    uploads::Uploads,
    walk,
};

/// How long nobody writes to a layout before its tar file is written.
const REST: Duration = Duration::from_secs(5);

/// An open layout.
pub(super) struct Layout {
    pub(super) files: Files,
    pub(super) uploads: Uploads,
    contents: Mutex<Contents>,
    disk: Mutex<Disk>,
    /// Held by whoever adds blobs or names them; alone by whoever seals.
    gate: RwLock<()>,
    touched: Mutex<Instant>,
    /// The repository of bare tags.
    own: Repository,
}

/// What `index.json` has.
struct Disk {
    stamp: Stamp,
    /// The last change in it.
    written: u64,
    /// Which reading of it `contents` is.
    reading: u64,
}

impl Layout {
    /// Reads what is at a place.
    pub(super) fn open(place: LayoutPlace) -> Result<Self, LayoutError> {
        let name = if place.archive { place.path.file_stem() } else { place.path.file_name() };
        let name = name.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let own = own_repository(&name);
        let own = own.ok_or_else(|| LayoutError::unusable(&place.path, "it has no name"))?;
        let files = Files::open(place)?;
        let stamp = files.stamp();
        let contents = walk::read(&files, &own)?;
        Ok(Self {
            files,
            uploads: Uploads::default(),
            contents: Mutex::new(contents),
            disk: Mutex::new(Disk { stamp, written: 0, reading: 0 }),
            gate: RwLock::new(()),
            touched: Mutex::new(Instant::now()),
            own,
        })
    }

    /// Looks at what it holds, as it is on disk now: another tool may have written there.
    pub(super) fn look<T>(&self, look: impl FnOnce(&Contents) -> T) -> Result<T, LayoutError> {
        let mut disk = lock(&self.disk);
        let waiting = lock(&self.contents).changes > disk.written;
        if !waiting && self.files.stamp() != disk.stamp {
            self.read_anew(&mut disk)?;
        }
        drop(disk);
        Ok(look(&lock(&self.contents)))
    }

    /// Changes what it holds, and waits until that is on disk. Nothing changes where `change` gives
    /// `None`.
    pub(super) fn change<T>(
        &self,
        change: impl FnOnce(&mut Contents) -> Option<(Change, T)>,
    ) -> Result<Option<T>, LayoutError> {
        self.files.begin()?;
        self.touch();
        let Some((change, told)) = change(&mut lock(&self.contents)) else { return Ok(None) };
        self.commit(change).map(|()| Some(told))
    }

    /// Whoever holds this adds blobs, or names them; nobody seals meanwhile.
    pub(super) fn adding(&self) -> RwLockReadGuard<'_, ()> {
        self.touch();
        self.gate.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn commit(&self, change: Change) -> Result<(), LayoutError> {
        let mut disk = lock(&self.disk);
        let path = || self.files.path().display().to_string();
        if disk.reading != change.reading {
            return Err(LayoutError::Changed { path: path() });
        }
        // Somebody who waited together with us has written it.
        if disk.written >= change.number {
            return Ok(());
        }
        if self.files.stamp() != disk.stamp {
            self.read_anew(&mut disk)?;
            return Err(LayoutError::Changed { path: path() });
        }
        let (now, index) = {
            let contents = lock(&self.contents);
            (contents.changes, contents.index())
        };
        let bytes = serde_json::to_vec(&index)
            .map_err(|error| LayoutError::unusable(self.files.path(), error.to_string()))?;
        self.files.write_index(&bytes)?;
        disk.stamp = self.files.stamp();
        disk.written = now;
        Ok(())
    }

    fn read_anew(&self, disk: &mut Disk) -> Result<(), LayoutError> {
        let stamp = self.files.stamp();
        self.files.reopen()?;
        let mut now = walk::read(&self.files, &self.own)?;
        let mut contents = lock(&self.contents);
        disk.reading = disk.reading.saturating_add(1);
        now.reading = disk.reading;
        now.changes = contents.changes;
        disk.written = now.changes;
        disk.stamp = stamp;
        *contents = now;
        Ok(())
    }

    /// Whether it is a tar file that has been left alone for a while since it was written to.
    pub(super) fn rests(&self) -> bool {
        self.files.waits() && lock(&self.touched).elapsed() >= REST
    }

    /// Writes the tar file, where something is to be written.
    pub(super) fn seal(&self) -> Result<(), LayoutError> {
        let _alone = self.gate.write().unwrap_or_else(PoisonError::into_inner);
        let mut disk = lock(&self.disk);
        if !self.files.waits() {
            return Ok(());
        }
        seal::write(&self.files)?;
        disk.stamp = self.files.stamp();
        Ok(())
    }

    fn touch(&self) {
        *lock(&self.touched) = Instant::now();
    }
}
