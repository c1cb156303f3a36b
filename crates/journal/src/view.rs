//! What a journal holds, without changing it.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    Base, BaseReader, Cut, Error, JournalOptions, Reader, Sequence,
    disk::{Access, Disk, RealDisk},
    recover, segment,
};

/// A journal as it lies there: from which record to which, and what a crash left behind them.
#[derive(Debug, Clone)]
pub struct View {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    first: Sequence,
    last: Sequence,
    torn: Option<Cut>,
    base: Option<Base>,
}

impl View {
    pub(crate) const fn new(
        disk: Arc<dyn Disk>,
        dir: PathBuf,
        first: Sequence,
        last: Sequence,
        base: Option<Base>,
    ) -> Self {
        Self { disk, dir, first, last, torn: None, base }
    }

    /// Reads the journal in `dir` from end to end, checking every record. A folder that isn't
    /// there is an empty journal.
    ///
    /// # Errors
    /// When files can't be read, or are damaged anywhere but at the very end.
    pub fn look(dir: &Path, options: JournalOptions) -> Result<Self, Error> {
        Self::look_on(Arc::new(RealDisk), dir, options)
    }

    /// As [`View::look`], on another disk than the system's own.
    ///
    /// # Errors
    /// As there.
    pub fn look_on(disk: Arc<dyn Disk>, dir: &Path, options: JournalOptions) -> Result<Self, Error> {
        let Some(found) = recover::look(&disk, dir, options.group_records)? else {
            return Ok(Self::new(disk, dir.to_owned(), Sequence(1), Sequence(0), None));
        };
        let last = Sequence(found.next.0 - 1);
        Ok(Self { disk, dir: dir.to_owned(), first: found.first, last, torn: found.torn, base: found.base })
    }

    /// The first record, or the one that comes next if there is none.
    #[must_use]
    pub const fn first(&self) -> Sequence {
        self.first
    }

    /// The last record; 0 when there was none yet.
    #[must_use]
    pub const fn last(&self) -> Sequence {
        self.last
    }

    /// The same journal, as it was when `last` was its last record.
    #[must_use]
    pub fn up_to(&self, last: Sequence) -> Self {
        Self { last, ..self.clone() }
    }

    /// What lies behind the last whole record, which the next opening for writing cuts.
    #[must_use]
    pub const fn torn(&self) -> Option<&Cut> {
        self.torn.as_ref()
    }

    /// What stands for the records up to one of them, if there is such a base.
    #[must_use]
    pub const fn base(&self) -> Option<&Base> {
        self.base.as_ref()
    }

    /// Reads what stands in the base.
    ///
    /// # Errors
    /// When it can't be opened.
    pub fn read_base(&self) -> Result<Option<BaseReader>, Error> {
        self.base.as_ref().map(|base| BaseReader::open(&self.disk, base)).transpose()
    }

    /// Reads records from `from` on.
    #[must_use]
    pub fn read_from(&self, from: Sequence) -> Reader {
        Reader::open_on(Arc::clone(&self.disk), &self.dir, from)
    }

    /// Its segment files with their sizes, in order.
    ///
    /// # Errors
    /// When the folder can't be read.
    pub fn segments(&self) -> Result<Vec<(PathBuf, u64)>, Error> {
        let with_len = |(_, path): (Sequence, PathBuf)| {
            let file = self.disk.open(&path, Access::Read).and_then(|file| file.len());
            let len = file.map_err(Error::io(&path, "can't read its size"))?;
            Ok((path, len))
        };
        match segment::list(&*self.disk, &self.dir) {
            Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            segments => segments?.into_iter().map(with_len).collect(),
        }
    }
}
