//! Opening a journal: what is whole, what was torn off at the end, and where to go on.

mod behind;

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    Error, Sequence,
    disk::{Access, Disk},
    frame::{Chain, Expected},
    reader::Reader,
    segment::{self, HEAD, Head},
};

/// What recovery found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// Whole records.
    pub n_records: u64,
    /// What was cut off the end, if anything.
    pub cut: Option<Cut>,
}

/// Octets that were cut off the last segment: a record that a crash left half-written, which
/// was never reported as durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// The segment.
    pub path: PathBuf,
    /// Where its whole records end.
    pub offset: u64,
    /// Octets cut.
    pub n_octets: u64,
    /// What was wrong with them.
    pub what: &'static str,
}

/// Where writing goes on.
#[derive(Debug, Clone)]
pub(crate) struct Tail {
    pub(crate) first: Sequence,
    pub(crate) next: Sequence,
    pub(crate) epoch: u32,
    pub(crate) chain: Chain,
    pub(crate) path: PathBuf,
    pub(crate) offset: u64,
}

/// What a journal holds, and where its whole records end.
pub(crate) struct Found {
    pub(crate) first: Sequence,
    pub(crate) next: Sequence,
    pub(crate) torn: Option<Cut>,
    n_records: u64,
    epoch: u32,
    chain: Chain,
    path: PathBuf,
    /// Behind the last whole record of the last segment; 0 when it was torn off within its head.
    offset: u64,
}

/// Reads a journal from end to end without changing it; `None` when there is none, or no folder.
pub(crate) fn look(disk: &Arc<dyn Disk>, dir: &Path, group_records: usize) -> Result<Option<Found>, Error> {
    let segments = match segment::list(&**disk, dir) {
        Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
        segments => segments?,
    };
    let (Some((first, _)), Some((last_first, path))) = (segments.first().cloned(), segments.last().cloned()) else {
        return Ok(None);
    };
    let mut reader = Reader::open_on(Arc::clone(disk), dir, first);
    let mut n_records = 0;
    while reader.next()?.is_some() {
        n_records += 1;
    }
    let len = disk.open(&path, Access::Read).and_then(|file| file.len());
    let len = len.map_err(Error::io(&path, "can't read its size"))?;
    let torn = |offset: u64, what| {
        let n_octets = len.saturating_sub(offset);
        (n_octets > 0).then(|| Cut { path: path.clone(), offset, n_octets, what })
    };
    match reader.into_end() {
        Some(end) if end.path == path => {
            let Expected { sequence, epoch, chain } = end.expected;
            let torn = torn(end.offset, end.broken.unwrap_or("octets behind the last record"));
            if torn.is_some()
                && behind::holds_whole_record(&**disk, &path, end.offset, sequence.0 + group_records as u64)?
            {
                let what = "a broken record, and whole ones behind it that no crash can have left";
                return Err(Error::Damaged { path, offset: end.offset, what });
            }
            Ok(Some(Found { first, next: sequence, torn, n_records, epoch, chain, path, offset: end.offset }))
        }
        // The last segment was torn off within its head.
        end => {
            let (next, chain, epoch) = end.map_or((Sequence(1), [0; 16], 0), |end| {
                (end.expected.sequence, end.expected.chain, end.expected.epoch)
            });
            if next != last_first {
                let what = "the segment does not follow the one before";
                return Err(Error::Damaged { path, offset: 0, what });
            }
            let torn =
                Some(Cut { path: path.clone(), offset: 0, n_octets: len, what: "a segment without a whole head" });
            Ok(Some(Found { first, next, torn, n_records, epoch, chain, path, offset: 0 }))
        }
    }
}

pub(crate) fn recover(disk: &Arc<dyn Disk>, dir: &Path, group_records: usize) -> Result<(Tail, Recovery), Error> {
    disk.create_dir(dir).map_err(Error::io(dir, "can't create the journal"))?;
    let Some(found) = look(disk, dir, group_records)? else {
        let (first, chain) = (Sequence(1), [0; 16]);
        let (path, _) = segment::create(&**disk, dir, Head { first, chain })?;
        let tail = Tail { first, next: first, epoch: 1, chain, path, offset: HEAD as u64 };
        return Ok((tail, Recovery { n_records: 0, cut: None }));
    };
    let Found { first, next, torn, n_records, epoch, chain, path, offset } = found;
    let offset = match (&torn, offset) {
        (Some(_), 0) => {
            segment::create(&**disk, dir, Head { first: next, chain })?;
            HEAD as u64
        }
        (Some(_), offset) => {
            cut(&**disk, &path, offset)?;
            offset
        }
        (None, offset) => {
            sync(&**disk, &path)?;
            offset
        }
    };
    sync_names(&**disk, dir)?;
    Ok((Tail { first, next, epoch: epoch + 1, chain, path, offset }, Recovery { n_records, cut: torn }))
}

/// What a killed process wrote and did not sync reads as whole, and counts from here on.
fn sync(disk: &dyn Disk, path: &Path) -> Result<(), Error> {
    let file = disk.open(path, Access::Write).map_err(Error::io(path, "can't open for writing"))?;
    file.sync_data().map_err(Error::io(path, "can't sync the journal"))
}

/// The same of names: of a segment that was begun, and of the journal's own folder.
fn sync_names(disk: &dyn Disk, dir: &Path) -> Result<(), Error> {
    let folders = [Some(dir), dir.parent().filter(|above| !above.as_os_str().is_empty())];
    let sync = |dir: &Path| disk.sync_dir(dir).map_err(Error::io(dir, "can't sync the folder"));
    folders.into_iter().flatten().try_for_each(sync)
}

fn cut(disk: &dyn Disk, path: &Path, offset: u64) -> Result<(), Error> {
    let file = disk.open(path, Access::Write).map_err(Error::io(path, "can't open for writing"))?;
    file.set_len(offset).and_then(|()| file.sync_data()).map_err(Error::io(path, "can't cut off a torn record"))
}
