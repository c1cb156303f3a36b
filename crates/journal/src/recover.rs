//! Opening a journal: what is whole, what was torn off at the end, and where to go on.

mod behind;

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    Error, Sequence,
    base::{self, Base},
    disk::{Access, Disk, DiskFile},
    frame::{Chain, Expected},
    reader::Reader,
    segment::{self, HEAD, Head},
};

pub(crate) use behind::Behind;

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
    pub(crate) base: Option<Base>,
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
    let base = base::newest(&**disk, dir)?;
    let (Some((first, _)), Some((last_first, path))) = (segments.first().cloned(), segments.last().cloned()) else {
        return match base {
            Some(base) => Err(base.refused("the journal behind this base is gone")),
            None => Ok(None),
        };
    };
    if let Some(base) = &base {
        base.check_first(&**disk, &segments)?;
    }
    let mut reader = Reader::open_on(Arc::clone(disk), dir, first);
    let mut n_records = 0;
    while let Some(record) = reader.next()? {
        n_records += 1;
        let sequence = record.sequence;
        if let Some(base) = base.as_ref().filter(|base| base.sequence() == sequence)
            && reader.expected().is_some_and(|expected| expected.chain != base.at.chain)
        {
            return Err(base.refused("this base is not of this journal"));
        }
    }
    match reader.into_end() {
        Some(end) if end.path == path => {
            let Expected { sequence, epoch, chain } = end.expected;
            let mut torn = None;
            if let Some(what) = end.broken {
                let behind = Behind::read(&**disk, &path, end.offset)?;
                if behind.holds_whole_record(sequence.0 + group_records as u64) {
                    let what = "a broken record, and whole ones behind it that no crash can have left";
                    return Err(Error::Damaged { path, offset: end.offset, what });
                }
                torn = Some(Cut { path: path.clone(), offset: end.offset, n_octets: behind.n_octets(), what });
            }
            if let Some(base) = base.as_ref().filter(|base| base.sequence() >= sequence) {
                return Err(base.refused("the journal ends before the record that this base stands for"));
            }
            let epoch = base.as_ref().map_or(epoch, |base| epoch.max(base.at.epoch));
            Ok(Some(Found { first, next: sequence, torn, base, n_records, epoch, chain, path, offset: end.offset }))
        }
        // The last segment was torn off within its head.
        end => {
            let start = base.as_ref().map_or((Sequence(1), [0; 16], 0), |base| {
                (Sequence(base.sequence().0 + 1), base.at.chain, base.at.epoch)
            });
            let (next, chain, epoch) =
                end.map_or(start, |end| (end.expected.sequence, end.expected.chain, end.expected.epoch.max(start.2)));
            if next != last_first {
                let what = "the segment does not follow the one before";
                return Err(Error::Damaged { path, offset: 0, what });
            }
            let n_octets = Behind::read(&**disk, &path, 0)?.n_octets();
            let torn = Some(Cut { path: path.clone(), offset: 0, n_octets, what: "a segment without a whole head" });
            Ok(Some(Found { first, next, torn, base, n_records, epoch, chain, path, offset: 0 }))
        }
    }
}

pub(crate) fn recover(disk: &Arc<dyn Disk>, dir: &Path, group_records: usize) -> Result<(Tail, Recovery), Error> {
    disk.create_dir(dir).map_err(Error::io(dir, "can't create the journal"))?;
    let Some(found) = look(disk, dir, group_records)? else {
        let (first, chain) = (Sequence(1), [0; 16]);
        let (path, _) = create(disk, dir, Head { first, chain })?;
        let tail = Tail { first, next: first, epoch: 1, chain, path, offset: HEAD as u64 };
        return Ok((tail, Recovery { n_records: 0, cut: None }));
    };
    let Found { first, next, torn, base: _, n_records, epoch, chain, path, offset } = found;
    let offset = match (&torn, offset) {
        (Some(_), 0) => {
            create(disk, dir, Head { first: next, chain })?;
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

fn create(disk: &Arc<dyn Disk>, dir: &Path, head: Head) -> Result<(PathBuf, Box<dyn DiskFile>), Error> {
    let path = segment::path_of(dir, head.first);
    segment::create(&**disk, dir, head).map_err(Error::io(&path, "can't create a journal segment"))
}

fn cut(disk: &dyn Disk, path: &Path, offset: u64) -> Result<(), Error> {
    let file = disk.open(path, Access::Write).map_err(Error::io(path, "can't open for writing"))?;
    file.set_len(offset).and_then(|()| file.sync_data()).map_err(Error::io(path, "can't cut off a torn record"))
}
