//! Room taken ahead (CONTRACT W7): a few empty segments, so that what carriers say can be recorded
//! when the disk is full, and whether the disk is about to be.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use crossbeam::channel::{self, RecvTimeoutError, Sender};

use crate::{
    Error, JournalOptions,
    disk::{Access, Disk, DiskFile},
};

/// How often the room on the disk is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The segments in reserve. A reserve file is as long as a segment and full of zeros.
#[derive(Debug)]
pub(crate) struct Reserve {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    options: JournalOptions,
    ready: Mutex<Vec<PathBuf>>,
    tight: AtomicBool,
    /// The room is no longer needed: whoever held it closed it, and nobody else can have it yet.
    released: AtomicBool,
}

impl Reserve {
    /// Takes what an earlier process left, and makes what is missing.
    pub(crate) fn open(disk: Arc<dyn Disk>, dir: &Path, options: JournalOptions) -> Result<Self, Error> {
        let names = disk.list(dir).map_err(Error::io(dir, "can't list the journal"))?;
        let mut ready = Vec::new();
        for name in names.iter().filter(|name| is_reserve(name)) {
            let path = dir.join(name);
            let len = disk.open(&path, Access::Read).and_then(|file| file.len());
            match len.is_ok_and(|len| len == options.segment_bytes) && ready.len() < options.reserve_segments {
                true => ready.push(path),
                // One that was being made when its process died.
                false => disk.remove(&path).map_err(Error::io(&path, "can't remove"))?,
            }
        }
        let (ready, dir) = (Mutex::new(ready), dir.to_owned());
        let reserve = Self { disk, dir, options, ready, tight: false.into(), released: false.into() };
        reserve.tend();
        Ok(reserve)
    }

    fn ready(&self) -> MutexGuard<'_, Vec<PathBuf>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes what is missing, and finds out whether there is little room.
    pub(crate) fn tend(&self) {
        let mut is_tight = self.disk.free_bytes(&self.dir).is_ok_and(|free| free < self.options.min_free_bytes);
        while !is_tight && self.ready().len() < self.options.reserve_segments {
            match self.make() {
                Ok(path) => self.ready().push(path),
                Err(_no_room) => is_tight = true,
            }
        }
        // Little room is no reason to stop sending while nothing is kept in reserve at all.
        self.tight.store(is_tight && self.options.reserve_segments > 0, Ordering::Release);
    }

    fn make(&self) -> io::Result<PathBuf> {
        let ready = self.ready().clone();
        let paths = (0..=self.options.reserve_segments).map(|n| self.dir.join(format!("reserve-{n}")));
        let path = paths.into_iter().find(|path| !ready.contains(path)).ok_or(io::ErrorKind::AlreadyExists)?;
        let make = || {
            let file = self.disk.open(&path, Access::Create)?;
            file.allocate(self.options.segment_bytes)?;
            file.sync_data()
        };
        make().inspect_err(|_| drop(self.disk.remove(&path)))?;
        Ok(path)
    }

    /// A segment's worth of room, if there is one.
    pub(crate) fn take(&self) -> Option<(PathBuf, Box<dyn DiskFile>)> {
        let path = self.ready().pop()?;
        let file = self.disk.open(&path, Access::Write).ok()?;
        Some((path, file))
    }

    pub(crate) fn has_any(&self) -> bool {
        !self.ready().is_empty()
    }

    /// Whether nothing new should be begun: the disk is full, or nearly.
    pub(crate) fn is_tight(&self) -> bool {
        self.tight.load(Ordering::Acquire)
    }

    /// A write just failed for want of room.
    pub(crate) fn note_full(&self) {
        self.tight.store(true, Ordering::Release);
    }

    /// Says that the room may be given back.
    pub(crate) fn let_go(&self) {
        self.released.store(true, Ordering::Release);
    }

    pub(crate) fn is_let_go(&self) -> bool {
        self.released.load(Ordering::Acquire)
    }

    /// Gives the room back.
    pub(crate) fn release(&self) {
        for path in self.ready().drain(..) {
            // What stays is found by the next opening.
            let _ = self.disk.remove(&path);
        }
    }
}

/// Whether there is room, for those who want to know while a writer runs.
#[derive(Debug, Clone)]
pub struct Room(pub(crate) Arc<Reserve>);

impl Room {
    /// As [`crate::Writer::is_tight`].
    #[must_use]
    pub fn is_tight(&self) -> bool {
        self.0.is_tight()
    }
}

fn is_reserve(name: &std::ffi::OsStr) -> bool {
    name.to_str().and_then(|name| name.strip_prefix("reserve-")).is_some_and(|n| n.parse::<usize>().is_ok())
}

/// The thread that tends the reserve, so that the one that writes never waits for it.
#[derive(Debug)]
pub(crate) struct Keeper {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    pub(crate) fn start(reserve: Arc<Reserve>) -> Result<Self, Error> {
        let (stop, stopped) = channel::bounded(0);
        let failed = Error::io(&reserve.dir, "can't start the thread of the journal's reserve");
        let run = move || {
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(LOOK_EVERY) {
                reserve.tend();
            }
        };
        let spawned = thread::Builder::new().name("journal-reserve".to_owned()).spawn(run);
        Ok(Self { stop: Some(stop), thread: Some(spawned.map_err(failed)?) })
    }
}

/// Whoever opens the journal next must not find it at work.
impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join)
            && !thread::panicking()
        {
            std::panic::resume_unwind(panic);
        }
    }
}
