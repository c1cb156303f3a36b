//! A disk that keeps what was synced, and of the rest whatever it likes.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fmt, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use volley_journal::{Access, Disk, DiskFile};

use crate::simulation::dice::Dice;

/// Octets that a disk writes as a whole or not at all.
const SECTOR: usize = 512;

/// What was done to a file since its last sync.
#[derive(Debug, Clone)]
enum Change {
    Write { offset: usize, octets: Vec<u8> },
    Length(usize),
}

#[derive(Debug, Clone, Default)]
struct Inode {
    /// As a reader sees it.
    now: Vec<u8>,
    /// As a power cut leaves it at least.
    synced: Vec<u8>,
    since: Vec<Change>,
}

/// What was done to a folder's names since its last sync.
#[derive(Debug, Clone)]
enum Naming {
    Create(PathBuf, usize),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
}

/// Files, as readers see them and as they are on the platter.
#[derive(Debug, Clone, Default)]
pub(crate) struct Platter {
    inodes: Vec<Inode>,
    names: BTreeMap<PathBuf, usize>,
    synced_names: BTreeMap<PathBuf, usize>,
    naming: Vec<Naming>,
}

impl Platter {
    fn inode(&mut self, at: usize) -> io::Result<&mut Inode> {
        self.inodes.get_mut(at).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// The files, in the order of their names, as readers see them.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&Path, &[u8])> {
        self.names.iter().filter_map(|(path, at)| Some((path.as_path(), self.inodes.get(*at)?.now.as_slice())))
    }

    /// As [`Platter::files`], but only what is synced.
    pub(crate) fn synced_files(&self) -> impl Iterator<Item = (&Path, &[u8])> {
        self.synced_names
            .iter()
            .filter_map(|(path, at)| Some((path.as_path(), self.inodes.get(*at)?.synced.as_slice())))
    }

    /// What a power cut leaves: of what was not synced, each sector is kept, lost or garbled, and
    /// the names as of some moment.
    pub(crate) fn cut_power(&mut self, dice: &mut Dice) {
        let n_kept = dice.below(self.naming.len() as u64 + 1) as usize;
        let naming = std::mem::take(&mut self.naming);
        for naming in naming.iter().take(n_kept) {
            naming.apply(&mut self.synced_names);
        }
        self.names = self.synced_names.clone();
        for inode in &mut self.inodes {
            inode.cut_power(dice);
        }
    }
}

impl Inode {
    fn cut_power(&mut self, dice: &mut Dice) {
        for change in std::mem::take(&mut self.since) {
            match change {
                Change::Length(len) => {
                    if dice.chance(500) {
                        self.synced.resize(len, 0);
                    }
                }
                Change::Write { offset, octets } => {
                    let keep_all = dice.chance(250);
                    for (at, sector) in sectors(offset, &octets) {
                        match if keep_all { 0 } else { dice.below(4) } {
                            0 | 1 => put(&mut self.synced, at, sector),
                            2 => {}
                            _ => {
                                let garbage: Vec<u8> = sector.iter().map(|_| dice.below(256) as u8).collect();
                                put(&mut self.synced, at, &garbage);
                            }
                        }
                    }
                }
            }
        }
        self.now = self.synced.clone();
    }

    /// The kernel could not write: it may have dropped any of what it held.
    fn fail_sync(&mut self, dice: &mut Dice) {
        self.cut_power(dice);
    }
}

/// The parts of a write that lie in one sector each.
fn sectors(offset: usize, octets: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let first = (SECTOR - offset % SECTOR).min(octets.len());
    let (head, rest) = octets.split_at(first);
    let rest = rest.chunks(SECTOR).enumerate().map(move |(n, sector)| (offset + first + n * SECTOR, sector));
    std::iter::once((offset, head)).chain(rest)
}

fn put(file: &mut Vec<u8>, offset: usize, octets: &[u8]) {
    let end = offset + octets.len();
    if file.len() < end {
        file.resize(end, 0);
    }
    if let Some(place) = file.get_mut(offset..end) {
        place.copy_from_slice(octets);
    }
}

impl Naming {
    fn apply(&self, names: &mut BTreeMap<PathBuf, usize>) {
        match self {
            Self::Create(path, inode) => drop(names.insert(path.clone(), *inode)),
            Self::Rename(from, to) => {
                if let Some(inode) = names.remove(from) {
                    names.insert(to.clone(), inode);
                }
            }
            Self::Remove(path) => drop(names.remove(path)),
        }
    }
}

/// What befalls an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is done.
    Done,
    /// So many octets are written; then the machine is dead.
    Torn(usize),
    /// The machine is dead already.
    Dead,
    /// There is no room.
    Full,
    /// The device fails.
    Broken,
}

/// Decides what befalls operations, and sees what became of them.
pub(crate) trait Watch: Send + Sync {
    /// Before octets are written, or room is taken.
    fn before_write(&self, n_octets: usize) -> Fate;
    /// These octets are to be written; some or all of them may be.
    fn writes(&self, octets: &[u8]);
    /// Before a file is synced.
    fn before_sync(&self) -> Fate;
    /// A file was synced.
    fn synced(&self);
    /// Chance, for what a failed sync leaves.
    fn dice(&self) -> Dice;
}

/// A disk over a platter; without a watch nothing ever fails.
#[derive(Clone)]
pub(crate) struct SimDisk {
    platter: Arc<Mutex<Platter>>,
    watch: Option<Arc<dyn Watch>>,
}

impl fmt::Debug for SimDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SimDisk")
    }
}

impl SimDisk {
    /// A disk whose operations `watch` decides on.
    #[must_use]
    pub(crate) fn watched(platter: Arc<Mutex<Platter>>, watch: Arc<dyn Watch>) -> Self {
        Self { platter, watch: Some(watch) }
    }

    /// A disk for looking at a copy.
    #[must_use]
    pub(crate) fn calm(platter: Platter) -> Self {
        Self { platter: Arc::new(Mutex::new(platter)), watch: None }
    }

    /// What it holds.
    pub(crate) fn platter(&self) -> MutexGuard<'_, Platter> {
        self.platter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fate(&self, n_octets: usize) -> Fate {
        self.watch.as_ref().map_or(Fate::Done, |watch| watch.before_write(n_octets))
    }

    /// For operations that need no room.
    fn check(&self) -> io::Result<()> {
        match self.fate(0) {
            Fate::Done | Fate::Full => Ok(()),
            fate @ (Fate::Torn(_) | Fate::Dead | Fate::Broken) => Err(error(fate)),
        }
    }

    /// For operations that do.
    fn check_room(&self) -> io::Result<()> {
        match self.fate(0) {
            Fate::Done => Ok(()),
            fate @ (Fate::Torn(_) | Fate::Dead | Fate::Full | Fate::Broken) => Err(error(fate)),
        }
    }
}

fn error(fate: Fate) -> io::Error {
    match fate {
        Fate::Full => io::ErrorKind::StorageFull.into(),
        Fate::Broken => io::Error::other("simulated device error"),
        Fate::Done | Fate::Dead | Fate::Torn(_) => io::ErrorKind::BrokenPipe.into(),
    }
}

impl Disk for SimDisk {
    fn create_dir(&self, _: &Path) -> io::Result<()> {
        self.check()
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<OsString>> {
        let platter = self.platter();
        let inside = platter.names.keys().filter(|path| path.parent() == Some(dir));
        Ok(inside.filter_map(|path| path.file_name().map(OsString::from)).collect())
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn DiskFile>> {
        if access == Access::Create {
            self.check_room()?;
        }
        let mut platter = self.platter();
        let known = platter.names.get(path).copied();
        let inode = match (access, known) {
            (Access::Read | Access::Write, known) => known.ok_or(io::ErrorKind::NotFound)?,
            (Access::Create, Some(inode)) => {
                let file = platter.inode(inode)?;
                file.now.clear();
                file.since.push(Change::Length(0));
                inode
            }
            (Access::Create, None) => {
                platter.inodes.push(Inode::default());
                let inode = platter.inodes.len() - 1;
                platter.names.insert(path.to_owned(), inode);
                platter.naming.push(Naming::Create(path.to_owned(), inode));
                inode
            }
        };
        Ok(Box::new(SimFile { disk: self.clone(), inode }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.check()?;
        let mut platter = self.platter();
        let naming = Naming::Rename(from.to_owned(), to.to_owned());
        naming.apply(&mut platter.names);
        platter.naming.push(naming);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.check()?;
        let mut platter = self.platter();
        let naming = Naming::Remove(path.to_owned());
        naming.apply(&mut platter.names);
        platter.naming.push(naming);
        Ok(())
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        self.check()?;
        let mut platter = self.platter();
        platter.naming.clear();
        platter.synced_names = platter.names.clone();
        Ok(())
    }

    fn free_bytes(&self, _: &Path) -> io::Result<u64> {
        Ok(1 << 40)
    }
}

struct SimFile {
    disk: SimDisk,
    inode: usize,
}

impl fmt::Debug for SimFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SimFile")
    }
}

impl SimFile {
    fn change(&self, change: Change) -> io::Result<()> {
        let mut platter = self.disk.platter();
        let inode = platter.inode(self.inode)?;
        match &change {
            Change::Write { offset, octets } => put(&mut inode.now, *offset, octets),
            Change::Length(len) => inode.now.resize(*len, 0),
        }
        inode.since.push(change);
        Ok(())
    }
}

impl DiskFile for SimFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.disk.platter().inode(self.inode)?.now.len() as u64)
    }

    fn read_at(&self, offset: u64, octets: &mut [u8]) -> io::Result<usize> {
        let mut platter = self.disk.platter();
        let rest = platter.inode(self.inode)?.now.get(offset as usize..).unwrap_or_default();
        let n = rest.len().min(octets.len());
        for (to, from) in octets.iter_mut().zip(rest) {
            *to = *from;
        }
        Ok(n)
    }

    fn write_at(&self, offset: u64, octets: &[u8]) -> io::Result<()> {
        if let Some(watch) = &self.disk.watch {
            watch.writes(octets);
        }
        // Room that a file has already can't be missing.
        let has_room = offset + octets.len() as u64 <= self.len()?;
        let fate = self.disk.fate(octets.len());
        let fate = if fate == Fate::Full && has_room { Fate::Done } else { fate };
        let n_written = match fate {
            Fate::Done => octets.len(),
            Fate::Torn(n) => n.min(octets.len()),
            Fate::Full => octets.len() / 2,
            Fate::Dead | Fate::Broken => 0,
        };
        if let Some(octets) = octets.get(..n_written).filter(|octets| !octets.is_empty()) {
            self.change(Change::Write { offset: offset as usize, octets: octets.to_vec() })?;
        }
        if fate == Fate::Done { Ok(()) } else { Err(error(fate)) }
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.disk.check()?;
        self.change(Change::Length(len as usize))
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        self.disk.check_room()?;
        let now = self.len()?;
        self.change(Change::Length(len.max(now) as usize))
    }

    fn sync_data(&self) -> io::Result<()> {
        let fate = self.disk.watch.as_ref().map_or(Fate::Done, |watch| watch.before_sync());
        if fate == Fate::Broken {
            let mut dice = self.disk.watch.as_ref().map_or_else(|| Dice::new(0), |watch| watch.dice());
            self.disk.platter().inode(self.inode)?.fail_sync(&mut dice);
        }
        if fate != Fate::Done {
            return Err(error(fate));
        }
        let mut platter = self.disk.platter();
        let inode = platter.inode(self.inode)?;
        inode.since.clear();
        inode.synced = inode.now.clone();
        drop(platter);
        if let Some(watch) = &self.disk.watch {
            watch.synced();
        }
        Ok(())
    }
}
