//! Reading records in order, checking each.

use std::{
    collections::VecDeque,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    Error, Sequence,
    disk::{Access, Disk, Forward, RealDisk},
    frame::{Expected, HEADER, Header, VERSION},
    recover::Behind,
    segment::{self, HEAD, Head, HeadError},
};

/// Octets read at once.
const READ_AHEAD: usize = 256 << 10;

/// One record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its number.
    pub sequence: Sequence,
    /// Which opening of the journal wrote it.
    pub epoch: u32,
    /// What was appended.
    pub payload: &'a [u8],
}

/// Reads records in order. At the end of what is whole in the last segment it gives `None`; a
/// journal that is being written may be read by another process meanwhile.
#[derive(Debug)]
pub struct Reader {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    from: Sequence,
    segments: Option<VecDeque<(Sequence, PathBuf)>>,
    current: Option<SegmentReader>,
    last_segment: Option<SegmentEnd>,
}

/// Where the whole records of a segment end, and what comes behind them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SegmentEnd {
    pub(crate) path: PathBuf,
    pub(crate) offset: u64,
    pub(crate) expected: Expected,
    /// Why the next record is not whole; `None` at a clean end.
    pub(crate) broken: Option<&'static str>,
}

impl Reader {
    /// Reads the journal in `dir` from `from` on, without writing anything.
    #[must_use]
    pub fn open_dir(dir: &Path, from: Sequence) -> Self {
        Self::open_on(Arc::new(RealDisk), dir, from)
    }

    /// As [`Reader::open_dir`], on another disk than the system's own.
    #[must_use]
    pub fn open_on(disk: Arc<dyn Disk>, dir: &Path, from: Sequence) -> Self {
        Self { disk, dir: dir.to_owned(), from, segments: None, current: None, last_segment: None }
    }

    /// The next record, or `None` at the end.
    ///
    /// # Errors
    /// When a file can't be read, or is damaged anywhere but at the very end.
    #[expect(clippy::should_implement_trait, reason = "a record borrows the reader's buffer")]
    pub fn next(&mut self) -> Result<Option<Record<'_>>, Error> {
        loop {
            if self.current.is_none() && !self.open_next()? {
                return Ok(None);
            }
            let is_last = self.segments.as_ref().is_none_or(VecDeque::is_empty);
            let Some(current) = &mut self.current else { return Ok(None) };
            match current.step(is_last)? {
                Step::Record if current.expected.sequence.0 <= self.from.0 => {}
                Step::Record => break,
                Step::End(broken) => {
                    self.last_segment = Some(current.end(broken));
                    self.current = None;
                }
            }
        }
        Ok(self.current.as_ref().map(SegmentReader::record))
    }

    /// What would follow the record just given.
    pub(crate) fn expected(&self) -> Option<Expected> {
        self.current.as_ref().map(|current| current.expected)
    }

    /// Where the last segment's whole records end; known once [`Reader::next`] gave `None`.
    pub(crate) fn into_end(self) -> Option<SegmentEnd> {
        self.last_segment
    }

    /// Opens the next segment; `false` when there is none.
    fn open_next(&mut self) -> Result<bool, Error> {
        if self.segments.is_none() {
            let mut segments: VecDeque<_> = segment::list(&*self.disk, &self.dir)?.into();
            // Whole segments before the one that holds `from` need not be read.
            while segments.get(1).is_some_and(|(first, _)| *first <= self.from) {
                segments.pop_front();
            }
            self.segments = Some(segments);
        }
        let Some((first, path)) = self.segments.as_mut().and_then(VecDeque::pop_front) else { return Ok(false) };
        let is_last = self.segments.as_ref().is_none_or(VecDeque::is_empty);
        let previous = self.last_segment.as_ref().map(|end| end.expected);
        self.current = SegmentReader::open(&*self.disk, path, first, previous, is_last)?;
        Ok(self.current.is_some())
    }
}

#[derive(Debug)]
struct SegmentReader {
    path: PathBuf,
    file: BufReader<Forward>,
    /// Behind the last whole record.
    offset: u64,
    expected: Expected,
    epoch: u32,
    payload: Vec<u8>,
}

enum Step {
    Record,
    End(Option<&'static str>),
}

impl SegmentReader {
    /// `None` when the last segment was torn off within its head: it holds nothing then.
    fn open(
        disk: &dyn Disk,
        path: PathBuf,
        first: Sequence,
        previous: Option<Expected>,
        is_last: bool,
    ) -> Result<Option<Self>, Error> {
        let file = disk.open(&path, Access::Read).map_err(Error::io(&path, "can't open"))?;
        let mut file = BufReader::with_capacity(READ_AHEAD, Forward::new(file, 0));
        let mut octets = [0; HEAD];
        let n = read_up_to(&mut file, &mut octets).map_err(Error::io(&path, "can't read"))?;
        if n < HEAD && is_last {
            return Ok(None);
        }
        let head = match Head::parse(&octets) {
            // Its name became durable before its content did.
            Err(HeadError::Damaged(_)) if is_last && !Behind::read(disk, &path, 0)?.holds_whole_record(first.0) => {
                return Ok(None);
            }
            head => head.map_err(|error| error.at(&path))?,
        };
        let follows = previous.is_none_or(|previous| previous.sequence == head.first && previous.chain == head.chain);
        if head.first != first || !follows {
            let what = "the segment does not follow the one before";
            return Err(Error::Damaged { path, offset: 0, what });
        }
        let epoch = previous.map_or(0, |previous| previous.epoch);
        let expected = Expected { sequence: head.first, epoch, chain: head.chain };
        Ok(Some(Self { path, file, offset: HEAD as u64, expected, epoch, payload: Vec::new() }))
    }

    fn step(&mut self, is_last: bool) -> Result<Step, Error> {
        let mut octets = [0; HEADER];
        let n = read_up_to(&mut self.file, &mut octets).map_err(Error::io(&self.path, "can't read"))?;
        if n == 0 {
            return Ok(Step::End(None));
        }
        // Room taken ahead, and never used.
        if octets.iter().all(|octet| *octet == 0) {
            return match only_zeros(&mut self.file).map_err(Error::io(&self.path, "can't read"))? {
                true => Ok(Step::End(None)),
                false => self.broken(is_last, "not a whole record"),
            };
        }
        let header = Header::parse(&octets);
        if n < HEADER || !header.has_possible_len() {
            return self.broken(is_last, "not a whole record");
        }
        self.payload.clear();
        let len = u64::from(header.payload_len);
        let n =
            (&mut self.file).take(len).read_to_end(&mut self.payload).map_err(Error::io(&self.path, "can't read"))?;
        if (n as u64) < len {
            return self.broken(is_last, "not a whole record");
        }
        match header.check(&octets, &self.payload, self.expected) {
            Err(what) => self.broken(is_last, what),
            Ok(_) if header.version != VERSION => {
                Err(Error::UnknownVersion { path: self.path.clone(), offset: self.offset, found: header.version })
            }
            Ok(chain) => {
                self.offset += HEADER as u64 + len;
                self.epoch = header.epoch;
                self.expected = Expected { sequence: Sequence(header.sequence.0 + 1), epoch: header.epoch, chain };
                Ok(Step::Record)
            }
        }
    }

    /// A record that is not whole: the end of the last segment, damage in any other.
    fn broken(&self, is_last: bool, what: &'static str) -> Result<Step, Error> {
        if is_last {
            return Ok(Step::End(Some(what)));
        }
        Err(Error::Damaged { path: self.path.clone(), offset: self.offset, what })
    }

    fn record(&self) -> Record<'_> {
        let sequence = Sequence(self.expected.sequence.0 - 1);
        Record { sequence, epoch: self.epoch, payload: &self.payload }
    }

    fn end(&self, broken: Option<&'static str>) -> SegmentEnd {
        SegmentEnd { path: self.path.clone(), offset: self.offset, expected: self.expected, broken }
    }
}

/// Whether nothing but zeros is left.
fn only_zeros(file: &mut impl BufRead) -> std::io::Result<bool> {
    loop {
        let octets = file.fill_buf()?;
        if octets.is_empty() {
            return Ok(true);
        }
        if octets.iter().any(|octet| *octet != 0) {
            return Ok(false);
        }
        let n = octets.len();
        file.consume(n);
    }
}

fn read_up_to(file: &mut impl Read, octets: &mut [u8]) -> std::io::Result<usize> {
    let mut n = 0;
    while let Some(rest) = octets.get_mut(n..).filter(|rest| !rest.is_empty()) {
        match file.read(rest)? {
            0 => break,
            more => n += more,
        }
    }
    Ok(n)
}
