//! Opening a journal: what is whole, what was torn off at the end, and where to go on.

use std::{
    fs::{self, OpenOptions},
    path::{Path, PathBuf},
};

use crate::{
    Error, Sequence,
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

pub(crate) fn recover(dir: &Path) -> Result<(Tail, Recovery), Error> {
    fs::create_dir_all(dir).map_err(Error::io(dir, "can't create the journal"))?;
    let segments = segment::list(dir)?;
    let Some((first, _)) = segments.first().cloned() else {
        let head = Head { first: Sequence(1), chain: [0; 16] };
        let (path, _) = segment::create(dir, head)?;
        return Ok((fresh_tail(head, path), Recovery { n_records: 0, cut: None }));
    };
    let mut reader = Reader::open_dir(dir, first);
    let mut n_records = 0;
    while reader.next()?.is_some() {
        n_records += 1;
    }
    let end = reader.into_end();
    let (last_first, last_path) = segments.last().cloned().unwrap_or((first, dir.to_owned()));
    match end {
        Some(end) if end.path == last_path => {
            let cut = cut_tail(&end.path, end.offset, end.broken)?;
            let Expected { sequence, epoch, chain } = end.expected;
            let tail = Tail { first, next: sequence, epoch: epoch + 1, chain, path: end.path, offset: end.offset };
            Ok((tail, Recovery { n_records, cut }))
        }
        // The last segment was torn off within its head: begin it again.
        end => {
            let chain = end.as_ref().map_or([0; 16], |end| end.expected.chain);
            let expected = end.as_ref().map_or(Sequence(1), |end| end.expected.sequence);
            if expected != last_first {
                let what = "the segment does not follow the one before";
                return Err(Error::Damaged { path: last_path, offset: 0, what });
            }
            let head = Head { first: last_first, chain };
            let n_octets = fs::metadata(&last_path).map_or(0, |metadata| metadata.len());
            let (path, _) = segment::create(dir, head)?;
            let cut = Cut { path: path.clone(), offset: 0, n_octets, what: "a segment without a whole head" };
            let epoch = end.map_or(1, |end| end.expected.epoch + 1);
            let tail = Tail { first, epoch, ..fresh_tail(head, path) };
            Ok((tail, Recovery { n_records, cut: Some(cut) }))
        }
    }
}

const fn fresh_tail(head: Head, path: PathBuf) -> Tail {
    Tail { first: head.first, next: head.first, epoch: 1, chain: head.chain, path, offset: HEAD as u64 }
}

fn cut_tail(path: &Path, offset: u64, broken: Option<&'static str>) -> Result<Option<Cut>, Error> {
    let file = OpenOptions::new().write(true).open(path).map_err(Error::io(path, "can't open for writing"))?;
    let len = file.metadata().map_err(Error::io(path, "can't read its size"))?.len();
    let n_octets = len.saturating_sub(offset);
    if n_octets == 0 {
        return Ok(None);
    }
    file.set_len(offset).and_then(|()| file.sync_all()).map_err(Error::io(path, "can't cut off a torn record"))?;
    let what = broken.unwrap_or("octets behind the last record");
    Ok(Some(Cut { path: path.to_owned(), offset, n_octets, what }))
}
