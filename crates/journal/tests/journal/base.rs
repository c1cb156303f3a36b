//! Bases and trimming, on a disk in memory that is cut off at every step.

use std::{
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use volley_journal::{Access, Disk, DiskFile, Error, Journal, JournalOptions, Sequence, View};

use crate::memory_disk::MemoryDisk;

const OPTIONS: JournalOptions =
    JournalOptions { segment_bytes: 300, queue_records: 8, group_records: 2, reserve_segments: 0, min_free_bytes: 0 };

fn dir() -> &'static Path {
    Path::new("/journal")
}

fn shared(disk: &MemoryDisk) -> Arc<dyn Disk> {
    Arc::new(disk.clone())
}

fn open(disk: Arc<dyn Disk>) -> Result<Journal, Error> {
    Journal::open_on(disk, dir(), OPTIONS).map(|(journal, _)| journal)
}

fn append(journal: &mut Journal, n: u64) {
    for _ in 0..n {
        let next = journal.last().0 + 1;
        journal.append(vec![next as u8; 30]).unwrap();
    }
}

fn compact(journal: &mut Journal) -> Result<(), Error> {
    let mut base = journal.begin_base()?;
    for block in 1..4 {
        base.put(&[block; 100])?;
    }
    base.finish()?;
    journal.trim().map(drop)
}

/// All that can be known: from the base on, or from the first record on.
fn known(view: &View) -> (u64, u64) {
    let mut n_blocks = 0;
    if let Some(mut base) = view.read_base().unwrap() {
        while let Some(block) = base.next().unwrap() {
            n_blocks += 1;
            assert_eq!(block, [n_blocks as u8; 100]);
        }
    }
    let from = view.base().map_or(1, |base| base.sequence().0 + 1);
    let mut reader = view.read_from(Sequence(from));
    let mut next = from;
    while let Some(record) = reader.next().unwrap() {
        assert_eq!((record.sequence.0, record.payload[0]), (next, next as u8));
        next += 1;
    }
    (n_blocks, next - 1)
}

#[test]
fn a_base_stands_for_the_records_before_it() {
    let disk = MemoryDisk::default();
    let mut journal = open(shared(&disk)).unwrap();
    append(&mut journal, 10);
    let epoch = journal.epoch();
    compact(&mut journal).unwrap();
    assert_eq!((journal.first(), journal.last()), (Sequence(11), Sequence(10)));
    assert_eq!(known(&journal.view()), (3, 10));
    let mut journal = open(shared(&disk)).unwrap();
    assert_eq!((journal.first(), journal.last(), journal.epoch()), (Sequence(11), Sequence(10), epoch + 1));
    append(&mut journal, 5);
    assert_eq!(known(&journal.view()), (3, 15));
    compact(&mut journal).unwrap();
    append(&mut journal, 1);
    let view = View::look_on(shared(&disk), dir(), OPTIONS).unwrap();
    assert_eq!((view.first(), known(&view)), (Sequence(16), (3, 16)));
    assert_eq!(disk.names().len(), 2, "{:?}", disk.names());
}

/// A disk whose process dies before its nth change.
#[derive(Debug)]
struct Dying {
    disk: MemoryDisk,
    left: Arc<AtomicU32>,
}

#[derive(Debug)]
struct DyingFile {
    file: Box<dyn DiskFile>,
    left: Arc<AtomicU32>,
}

fn step(left: &AtomicU32) -> io::Result<()> {
    let take = |left: u32| left.checked_sub(1);
    left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take).map(drop).map_err(|_| io::Error::other("died"))
}

impl Disk for Dying {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        self.disk.create_dir(dir)
    }
    fn list(&self, dir: &Path) -> io::Result<Vec<std::ffi::OsString>> {
        self.disk.list(dir)
    }
    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn DiskFile>> {
        if access == Access::Create {
            step(&self.left)?;
        }
        Ok(Box::new(DyingFile { file: self.disk.open(path, access)?, left: Arc::clone(&self.left) }))
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        step(&self.left)?;
        self.disk.rename(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        step(&self.left)?;
        self.disk.remove(path)
    }
    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        step(&self.left)?;
        self.disk.sync_dir(dir)
    }
    fn free_bytes(&self, dir: &Path) -> io::Result<u64> {
        self.disk.free_bytes(dir)
    }
}

impl DiskFile for DyingFile {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }
    fn read_at(&self, offset: u64, octets: &mut [u8]) -> io::Result<usize> {
        self.file.read_at(offset, octets)
    }
    fn write_at(&self, offset: u64, octets: &[u8]) -> io::Result<()> {
        step(&self.left)?;
        self.file.write_at(offset, octets)
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        step(&self.left)?;
        self.file.set_len(len)
    }
    fn allocate(&self, len: u64) -> io::Result<()> {
        step(&self.left)?;
        self.file.allocate(len)
    }
    fn sync_data(&self) -> io::Result<()> {
        step(&self.left)?;
        self.file.sync_data()
    }
}

#[test]
fn compaction_may_die_at_every_step_by_a_kill_or_a_power_cut() {
    let before = MemoryDisk::default();
    let mut journal = open(shared(&before)).unwrap();
    append(&mut journal, 10);
    compact(&mut journal).unwrap();
    append(&mut journal, 10);
    drop(journal);
    let mut n_died = 0;
    for n_steps in 0.. {
        let disk = before.copy();
        let left = Arc::new(AtomicU32::new(n_steps));
        let dying: Arc<dyn Disk> = Arc::new(Dying { disk: disk.clone(), left: Arc::clone(&left) });
        // Opening writes, too: what a killed process left is synced.
        let done = open(dying).and_then(|mut journal| compact(&mut journal)).is_ok();
        n_died += u32::from(!done);
        for cut_power in [false, true] {
            let disk = disk.copy();
            if cut_power {
                disk.cut_power();
            }
            let view = View::look_on(shared(&disk), dir(), OPTIONS).unwrap();
            assert_eq!(known(&view), (3, 20), "died after {n_steps} steps, power cut: {cut_power}");
            let mut journal = open(shared(&disk)).unwrap();
            append(&mut journal, 1);
            compact(&mut journal).unwrap();
            assert_eq!((journal.first(), known(&journal.view())), (Sequence(22), (3, 21)), "after {n_steps} steps");
        }
        if done {
            break;
        }
    }
    assert!(n_died > 20, "{n_died}");
}

#[test]
fn a_base_that_is_damaged_or_of_another_journal_is_refused() {
    let disk = MemoryDisk::default();
    let mut journal = open(shared(&disk)).unwrap();
    append(&mut journal, 4);
    compact(&mut journal).unwrap();
    append(&mut journal, 4);
    let name = disk.names().into_iter().find(|name| name.ends_with(".base")).unwrap();
    let mut len = 0;
    disk.damage(&name, |octets| len = octets.len());
    for at in 0..=len {
        let damaged = disk.copy();
        damaged.damage(&name, |octets| match octets.get_mut(at) {
            Some(octet) => *octet ^= 1 << (at % 8),
            None => octets.push(0),
        });
        let read = || -> Result<(), Error> {
            let view = View::look_on(shared(&damaged), dir(), OPTIONS)?;
            let mut base = view.read_base()?.unwrap();
            while base.next()?.is_some() {}
            Ok(())
        };
        let error = read().unwrap_err();
        assert!(matches!(error, Error::Damaged { .. } | Error::UnknownVersion { .. }), "octet {at}: {error}");
    }
    // Of a journal with other records.
    let other = MemoryDisk::default();
    let mut journal = open(shared(&other)).unwrap();
    for _ in 0..8 {
        journal.append(vec![9; 30]).unwrap();
    }
    let foreign = Journal::begin_base(&open(shared(&other)).unwrap()).unwrap().finish().unwrap();
    assert_eq!(foreign.sequence(), Sequence(8));
    let mut octets = Vec::new();
    other.damage(foreign.path().file_name().unwrap().to_str().unwrap(), |content| octets.clone_from(content));
    let file = disk.open(foreign.path(), Access::Create).unwrap();
    file.write_at(0, &octets).unwrap();
    let refused = View::look_on(shared(&disk), dir(), OPTIONS).unwrap_err();
    assert!(refused.to_string().contains("this base is not of this journal"), "{refused}");
}

#[test]
fn records_missing_behind_a_base_are_never_taken_for_none() {
    let disk = MemoryDisk::default();
    let mut journal = open(shared(&disk)).unwrap();
    append(&mut journal, 4);
    compact(&mut journal).unwrap();
    append(&mut journal, 7);
    for nth in 0..2 {
        let damaged = disk.copy();
        let gone = damaged.names().into_iter().filter(|name| name.ends_with(".journal")).nth(nth).unwrap();
        damaged.remove(&dir().join(gone)).unwrap();
        let refused = View::look_on(shared(&damaged), dir(), OPTIONS).unwrap_err();
        assert!(matches!(refused, Error::Damaged { .. }), "{refused}");
    }
    let damaged = disk.copy();
    for name in damaged.names().into_iter().filter(|name| name.ends_with(".journal")) {
        damaged.remove(&dir().join(name)).unwrap();
    }
    assert!(View::look_on(shared(&damaged), dir(), OPTIONS).is_err(), "the journal is gone");
}
