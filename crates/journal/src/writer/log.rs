//! The segment being written.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    Error, JournalOptions, Sequence,
    disk::{Access, Disk, DiskFile},
    frame::{self, Chain},
    recover::Tail,
    segment::{self, HEAD, Head},
};

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
        })
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
        if self.offset >= self.segment_bytes {
            self.begin_segment()?;
        }
        let first = self.next;
        self.octets.clear();
        for payload in group {
            self.chain = frame::put(&mut self.octets, self.chain, self.epoch, self.next, payload);
            self.next.0 += 1;
        }
        let written = self.file.write_at(self.offset, &self.octets);
        written.map_err(Error::io(&self.path, "can't write the journal"))?;
        self.file.sync_data().map_err(Error::io(&self.path, "can't sync the journal"))?;
        self.offset += self.octets.len() as u64;
        Ok(first)
    }

    fn begin_segment(&mut self) -> Result<(), Error> {
        let head = Head { first: self.next, chain: self.chain };
        let (path, file) = segment::create(&*self.disk, &self.dir, head)?;
        (self.path, self.file, self.offset) = (path, file, HEAD as u64);
        Ok(())
    }
}
