//! Letting go of records that a base stands for.
//!
//! A crash at any point does no harm: a base counts only under its own name, which it gets when it
//! is durable; segments go one by one from the oldest on, so that what is left has no gap; and the
//! base before goes last.

use crate::{
    Base, BaseReader, BaseWriter, Error, Journal,
    base::{self, At},
    recover::Tail,
    segment::{self, HEAD, Head},
};

/// What was let go of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Trimmed {
    /// Segment files removed.
    pub n_segments: usize,
    /// Their octets.
    pub n_octets: u64,
}

impl Journal {
    /// Begins a base that will stand for every record so far.
    ///
    /// # Errors
    /// When it can't be created.
    pub fn begin_base(&self) -> Result<BaseWriter, Error> {
        let Tail { epoch, chain, .. } = self.tail;
        BaseWriter::begin(std::sync::Arc::clone(&self.disk), &self.dir, At { sequence: self.last(), chain, epoch })
    }

    /// Removes the segments that hold nothing but what the newest base stands for, after reading
    /// that base from end to end, and the bases before it. Without a base nothing is removed.
    ///
    /// # Errors
    /// When the base is damaged, or a file can't be created or removed.
    pub fn trim(&mut self) -> Result<Trimmed, Error> {
        let disk = std::sync::Arc::clone(&self.disk);
        let Some(base) = base::newest(&*disk, &self.dir)? else { return Ok(Trimmed::default()) };
        let mut reader = BaseReader::open(&disk, &base)?;
        while reader.next()?.is_some() {}
        self.begin_segment_behind(&base)?;
        let segments = segment::list(&*disk, &self.dir)?;
        let mut trimmed = Trimmed::default();
        for ((_, path), (next_first, _)) in segments.iter().zip(segments.iter().skip(1)) {
            if next_first.0 > base.sequence().0 + 1 {
                break;
            }
            let len = disk.open(path, crate::Access::Read).and_then(|file| file.len());
            trimmed.n_octets += len.map_err(Error::io(path, "can't read its size"))?;
            trimmed.n_segments += 1;
            self.remove(path)?;
            self.tail.first = *next_first;
        }
        for (_, path) in base::list(&*disk, &self.dir)?.iter().filter(|(sequence, _)| *sequence < base.sequence()) {
            self.remove(path)?;
        }
        self.base = Some(base);
        Ok(trimmed)
    }

    /// The last segment can go only when another one follows.
    fn begin_segment_behind(&mut self, base: &Base) -> Result<(), Error> {
        if base.sequence() != self.last() || self.tail.offset == HEAD as u64 {
            return Ok(());
        }
        let head = Head { first: self.tail.next, chain: self.tail.chain };
        let path = segment::path_of(&self.dir, head.first);
        let created = segment::create(&*self.disk, &self.dir, head);
        let (path, _) = created.map_err(Error::io(&path, "can't create a journal segment"))?;
        (self.tail.path, self.tail.offset) = (path, HEAD as u64);
        Ok(())
    }

    /// Each removal is durable before the next, so that no power cut leaves a gap.
    fn remove(&self, path: &std::path::Path) -> Result<(), Error> {
        let removed = self.disk.remove(path).and_then(|()| self.disk.sync_dir(&self.dir));
        removed.map_err(Error::io(path, "can't remove"))
    }
}
