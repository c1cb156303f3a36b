//! A disk in memory, with room that ends and syncs that matter.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use volley_journal::{Access, Disk, DiskFile};

/// Clones are the same disk.
#[derive(Debug, Clone, Default)]
pub(crate) struct MemoryDisk(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    /// As programs see them.
    names: BTreeMap<PathBuf, usize>,
    /// As a power cut leaves them.
    synced_names: BTreeMap<PathBuf, usize>,
    files: Vec<Content>,
    dirs: Vec<PathBuf>,
    /// Octets that all files may take together, if there is a bound.
    room: Option<u64>,
    sync_takes: Duration,
    n_syncs: u64,
}

#[derive(Debug, Default, Clone)]
struct Content {
    now: Vec<u8>,
    synced: Vec<u8>,
}

impl MemoryDisk {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }

    /// From now on all files together may take so much.
    pub(crate) fn set_room(&self, room: Option<u64>) {
        self.lock().room = room;
    }

    pub(crate) fn used(&self) -> u64 {
        self.lock().used()
    }

    /// How long each sync of a file takes.
    pub(crate) fn set_sync_takes(&self, duration: Duration) {
        self.lock().sync_takes = duration;
    }

    pub(crate) fn n_syncs(&self) -> u64 {
        self.lock().n_syncs
    }

    /// What was not synced is gone.
    pub(crate) fn cut_power(&self) {
        let mut inner = self.lock();
        inner.names = inner.synced_names.clone();
        for file in &mut inner.files {
            file.now = file.synced.clone();
        }
    }

    /// A disk with the same content, on its own from here on.
    pub(crate) fn copy(&self) -> Self {
        let inner = self.lock();
        Self(Arc::new(Mutex::new(Inner {
            names: inner.names.clone(),
            synced_names: inner.synced_names.clone(),
            files: inner.files.clone(),
            dirs: inner.dirs.clone(),
            room: inner.room,
            sync_takes: inner.sync_takes,
            n_syncs: inner.n_syncs,
        })))
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.lock().names.keys().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
    }

    /// Changes a file behind everyone's back.
    pub(crate) fn damage(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let mut inner = self.lock();
        let index = *inner.names.iter().find(|(path, _)| path.ends_with(name)).unwrap().1;
        let file = &mut inner.files[index];
        change(&mut file.now);
        file.synced = file.now.clone();
    }
}

impl Inner {
    fn used(&self) -> u64 {
        self.names.values().map(|index| self.files[*index].now.len() as u64).sum()
    }

    fn grow(&mut self, index: usize, len: u64) -> io::Result<()> {
        let more = len.saturating_sub(self.files[index].now.len() as u64);
        if more > 0 && self.room.is_some_and(|room| self.used() + more > room) {
            return Err(ErrorKind::StorageFull.into());
        }
        if more > 0 {
            self.files[index].now.resize(len as usize, 0);
        }
        Ok(())
    }
}

impl Disk for MemoryDisk {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        self.lock().dirs.push(dir.to_owned());
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<OsString>> {
        let inner = self.lock();
        if !inner.dirs.iter().any(|known| known == dir) {
            return Err(ErrorKind::NotFound.into());
        }
        let inside = inner.names.keys().filter(|path| path.parent() == Some(dir));
        Ok(inside.map(|path| path.file_name().unwrap().to_owned()).collect())
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn DiskFile>> {
        let mut inner = self.lock();
        let index = match inner.names.get(path) {
            Some(index) => *index,
            None if access == Access::Create => {
                inner.files.push(Content::default());
                let index = inner.files.len() - 1;
                inner.names.insert(path.to_owned(), index);
                index
            }
            None => return Err(ErrorKind::NotFound.into()),
        };
        if access == Access::Create {
            inner.files[index].now.clear();
        }
        Ok(Box::new(MemoryFile { disk: self.clone(), index }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut inner = self.lock();
        let index = inner.names.remove(from).ok_or(ErrorKind::NotFound)?;
        inner.names.insert(to.to_owned(), index);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.lock().names.remove(path).map(drop).ok_or_else(|| ErrorKind::NotFound.into())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut inner = self.lock();
        inner.synced_names.retain(|path, _| path.parent() != Some(dir));
        let names: Vec<_> = inner.names.iter().filter(|(path, _)| path.parent() == Some(dir)).collect();
        let names: Vec<_> = names.into_iter().map(|(path, index)| (path.clone(), *index)).collect();
        inner.synced_names.extend(names);
        Ok(())
    }

    fn free_bytes(&self, _dir: &Path) -> io::Result<u64> {
        let inner = self.lock();
        Ok(inner.room.map_or(u64::MAX, |room| room.saturating_sub(inner.used())))
    }
}

#[derive(Debug)]
struct MemoryFile {
    disk: MemoryDisk,
    index: usize,
}

impl DiskFile for MemoryFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.disk.lock().files[self.index].now.len() as u64)
    }

    fn read_at(&self, offset: u64, octets: &mut [u8]) -> io::Result<usize> {
        let inner = self.disk.lock();
        let content = &inner.files[self.index].now;
        let from = content.get(offset as usize..).unwrap_or_default();
        let n = from.len().min(octets.len());
        octets[..n].copy_from_slice(&from[..n]);
        Ok(n)
    }

    fn write_at(&self, offset: u64, octets: &[u8]) -> io::Result<()> {
        let mut inner = self.disk.lock();
        let end = offset + octets.len() as u64;
        inner.grow(self.index, end)?;
        inner.files[self.index].now[offset as usize..end as usize].copy_from_slice(octets);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut inner = self.disk.lock();
        inner.grow(self.index, len)?;
        inner.files[self.index].now.truncate(len as usize);
        Ok(())
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        self.disk.lock().grow(self.index, len)
    }

    fn sync_data(&self) -> io::Result<()> {
        let takes = self.disk.lock().sync_takes;
        if !takes.is_zero() {
            std::thread::sleep(takes);
        }
        let mut inner = self.disk.lock();
        inner.n_syncs += 1;
        let file = &mut inner.files[self.index];
        file.synced = file.now.clone();
        Ok(())
    }
}
