//! Image layouts (OCI image-spec, "OCI Image Layout"), directories and tar files, that speak the
//! distribution API within this process: to everything else they are registries.
//!
//! Connections come along `net::Inside`; no port is opened. What is read is checked: names in it
//! never become paths, links are not followed, and all of it has bounds.

mod answer;
mod archive;
mod call;
mod contents;
mod disk;
mod failure;
mod files;
mod index;
mod manifests;
mod open;
mod seal;
mod serve;
#[cfg(test)]
mod tests;
mod uploads;
mod walk;

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use portolan_core::endpoint::address::{check_layout_name, layout_of_host};
use tokio::{
    sync::{Mutex as AsyncMutex, mpsc::Receiver},
    task::JoinSet,
};

pub(crate) use failure::LayoutError;
use open::Layout;

use crate::net::{Inside, Visit};

/// How often tar files are looked at that were written to.
const LOOK: Duration = Duration::from_secs(1);

/// Where an image layout is, and what it is for.
#[derive(Clone, Debug)]
pub struct LayoutPlace {
    /// The directory, or the tar file.
    pub path: PathBuf,
    /// Whether it is a tar file. What is written waits in a directory beside it, `FILE.partial`,
    /// until [`Host::seal_layouts`](crate::Host::seal_layouts).
    pub archive: bool,
    /// Whether nothing is ever written: then it must be there.
    pub read_only: bool,
}

/// Which layouts there are.
#[derive(Clone, Debug, Default)]
pub(crate) struct LayoutSettings {
    /// Those with a place of their own, by name.
    pub(crate) named: HashMap<String, LayoutPlace>,
    /// A directory in which every other name is one, a tar file where it ends in `.tar`.
    pub(crate) directory: Option<PathBuf>,
}

/// The layouts of one host. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Layouts {
    shared: Arc<Shared>,
}

struct Shared {
    settings: LayoutSettings,
    /// Those that somebody is connected to: one instance each, since its index is in memory.
    open: AsyncMutex<HashMap<String, Weak<Layout>>>,
}

impl Layouts {
    /// Serves layouts to whoever comes along the way that is returned, as long as it is there.
    /// `None` where there are none.
    pub(crate) fn start(settings: LayoutSettings) -> (Self, Option<Inside>) {
        let none = settings.named.is_empty() && settings.directory.is_none();
        let shared = Arc::new(Shared { settings, open: AsyncMutex::default() });
        let layouts = Self { shared };
        if none {
            return (layouts, None);
        }
        let (inside, visits) = Inside::new();
        tokio::spawn(layouts.clone().serve(visits));
        (layouts, Some(inside))
    }

    /// Writes the tar files whose contents changed.
    ///
    /// # Errors
    /// The first that cannot be written; what it was to hold stays beside it.
    pub(crate) async fn seal(&self) -> Result<(), LayoutError> {
        let named = self.shared.settings.named.iter();
        let named = named.filter(|(_, place)| place.archive && !place.read_only);
        let mut layouts = self.connected().await;
        for (name, _) in named {
            // One that a run before this one left is sealed, too.
            layouts.push(self.layout(name).await?);
        }
        for layout in layouts {
            blocking(move || layout.seal()).await?;
        }
        Ok(())
    }

    /// Takes up connections; they end with this task.
    async fn serve(self, mut visits: Receiver<Visit>) {
        let mut connections = JoinSet::new();
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                visit = visits.recv() => {
                    let Some(Visit { host, stream }) = visit else { return };
                    let layouts = self.clone();
                    connections.spawn(async move {
                        let name = layout_of_host(&host).unwrap_or_default();
                        serve::connection(stream, layouts.layout(name).await).await;
                    });
                }
                _ = look.tick() => self.seal_resting().await,
            }
            while connections.try_join_next().is_some() {}
        }
    }

    /// Writes the tar files below the directory that nobody has written to for a while. Those with
    /// a place of their own are sealed by whoever named them.
    async fn seal_resting(&self) {
        if self.shared.settings.directory.is_none() {
            return;
        }
        for layout in self.connected().await.into_iter().filter(|layout| layout.rests()) {
            if let Err(error) = blocking(move || layout.seal()).await {
                tracing::error!(%error, "a tar file cannot be written");
            }
        }
    }

    /// Those that somebody is connected to.
    async fn connected(&self) -> Vec<Arc<Layout>> {
        self.shared.open.lock().await.values().filter_map(Weak::upgrade).collect()
    }

    /// The one instance of a layout.
    async fn layout(&self, name: &str) -> Result<Arc<Layout>, LayoutError> {
        let place = self.place(name)?;
        let mut open = self.shared.open.lock().await;
        if let Some(layout) = open.get(name).and_then(Weak::upgrade) {
            return Ok(layout);
        }
        let layout = blocking(move || Layout::open(place)).await.map(Arc::new)?;
        open.retain(|_, layout| layout.strong_count() > 0);
        open.insert(name.to_owned(), Arc::downgrade(&layout));
        Ok(layout)
    }

    fn place(&self, name: &str) -> Result<LayoutPlace, LayoutError> {
        let settings = &self.shared.settings;
        if let Some(place) = settings.named.get(name) {
            return Ok(place.clone());
        }
        let directory = settings.directory.as_ref();
        let directory = directory.filter(|_| check_layout_name(name).is_ok());
        let directory = directory.ok_or_else(|| LayoutError::Unknown { name: name.to_owned() })?;
        let path = directory.join(name);
        disk::refuse_link(&path)?;
        Ok(LayoutPlace { path, archive: name.ends_with(".tar"), read_only: false })
    }
}

/// Does what waits for a disk on a thread where it holds nobody up.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LayoutError> + Send + 'static,
) -> Result<T, LayoutError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(_) => Err(LayoutError::Stopped),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
