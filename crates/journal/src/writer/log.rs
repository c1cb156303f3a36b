//! The segment being written.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};

use crate::{
    Error, JournalOptions, Sequence,
    disk::{Access, Disk, DiskFile},
    frame::{self, Chain},
    recover::Tail,
    reserve::Reserve,
    segment::{self, HEAD, Head},
};

/// How often a write is tried again for which there was no room, and how long after.
const FULL_TRIES: u32 = 20;
const FULL_WAIT: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(crate) struct Log {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    path: PathBuf,
    file: Box<dyn DiskFile>,
    offset: u64,
    segment_bytes: u64,
    next: Sequence,
    epoch: u32,
    chain: Chain,
    octets: Vec<u8>,
    reserve: Option<Arc<Reserve>>,
    /// Whether the room of the whole segment was taken ahead.
    allocated: bool,
    tries: u32,
}

impl Log {
    pub(crate) fn open(disk: Arc<dyn Disk>, dir: &Path, options: JournalOptions, tail: &Tail) -> Result<Self, Error> {
        let opened = disk.open(&tail.path, Access::Write);
        let file = opened.map_err(Error::io(&tail.path, "can't open for writing"))?;
        Ok(Self {
            disk,
            dir: dir.to_owned(),
            path: tail.path.clone(),
            file,
            offset: tail.offset,
            segment_bytes: options.segment_bytes,
            next: tail.next,
            epoch: tail.epoch,
            chain: tail.chain,
            octets: Vec::new(),
            reserve: None,
            allocated: true,
            tries: 1,
        })
    }

    /// Takes room ahead: for the rest of this segment, and for the next ones.
    pub(crate) fn take_room(&mut self, options: JournalOptions) -> Result<Arc<Reserve>, Error> {
        let reserve = Arc::new(Reserve::open(Arc::clone(&self.disk), &self.dir, options)?);
        if options.reserve_segments > 0 && self.offset < self.segment_bytes {
            self.allocated = self.file.allocate(self.segment_bytes).is_ok();
        }
        self.reserve = Some(Arc::clone(&reserve));
        Ok(reserve)
    }

    /// Tries a write again for a while when there is no room for it.
    pub(crate) const fn be_patient(&mut self) {
        self.tries = FULL_TRIES;
    }

    /// Gives back room that was taken ahead. What can't be given back does no harm.
    pub(crate) fn give_room_back(&self) {
        if let Some(reserve) = &self.reserve {
            reserve.release();
            if self.file.len().is_ok_and(|len| len > self.offset) {
                let _ = self.file.set_len(self.offset).and_then(|()| self.file.sync_data());
            }
        }
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where writing goes on after this log.
    pub(crate) fn tail(self, first: Sequence) -> Tail {
        let Self { next, epoch, chain, path, offset, .. } = self;
        Tail { first, next, epoch, chain, path, offset }
    }

    /// Makes a group durable and gives the number of its first record.
    pub(crate) fn commit(&mut self, group: &[Vec<u8>]) -> Result<Sequence, Error> {
        let (first, mut chain, mut next) = (self.next, self.chain, self.next);
        let mut octets = std::mem::take(&mut self.octets);
        octets.clear();
        for payload in group {
            chain = frame::put(&mut octets, chain, self.epoch, next, payload);
            next.0 += 1;
        }
        let does_not_fit = self.offset + octets.len() as u64 > self.segment_bytes && self.offset > HEAD as u64;
        let can_do_better = !self.allocated && self.reserve.as_ref().is_some_and(|reserve| reserve.has_any());
        if does_not_fit || can_do_better {
            self.begin_segment()?;
        }
        let written = self.again_when_full(|| self.file.write_at(self.offset, &octets));
        written.map_err(Error::io(&self.path, "can't write the journal"))?;
        self.file.sync_data().map_err(Error::io(&self.path, "can't sync the journal"))?;
        self.offset += octets.len() as u64;
        (self.chain, self.next, self.octets) = (chain, next, octets);
        Ok(first)
    }

    /// The last segment is durable as it is. The next one lies where room was taken for it, or
    /// else wherever there is some.
    fn begin_segment(&mut self) -> Result<(), Error> {
        let head = Head { first: self.next, chain: self.chain };
        let reserved = self.reserve.as_ref().and_then(|reserve| reserve.take());
        self.allocated = reserved.is_some() || self.reserve.is_none();
        let (path, file) = match reserved {
            Some((from, file)) => segment::create_from(&*self.disk, &self.dir, head, &from, file)?,
            None => {
                let path = segment::path_of(&self.dir, head.first);
                let created = self.again_when_full(|| segment::create(&*self.disk, &self.dir, head));
                created.map_err(Error::io(&path, "can't create a journal segment"))?
            }
        };
        (self.path, self.file, self.offset) = (path, file, HEAD as u64);
        Ok(())
    }

    /// A write for which there was no room has written nothing that matters: the same octets go to
    /// the same place. A sync is never tried again (CONTRACT W5).
    fn again_when_full<T>(&self, write: impl Fn() -> io::Result<T>) -> io::Result<T> {
        let is_full =
            |error: &io::Error| matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        for _ in 1..self.tries {
            match write() {
                Err(error) if is_full(&error) => {
                    self.reserve.iter().for_each(|reserve| reserve.note_full());
                    thread::sleep(FULL_WAIT);
                }
                done => return done,
            }
        }
        write()
    }
}
