//! The records of a block, with their places.

use std::ops::{ControlFlow, Range};

use csv::ByteRecord;

use crate::{blocks::Block, form::CsvFormat};

/// The longest record that is taken (CONTRACT section 7); longer ones are rejected.
pub(crate) const MAX_RECORD_OCTETS: usize = 64 << 10;

/// Counts lines as editors do: `\n`, `\r\n` and a lone `\r` each end one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LineCounter {
    pub(crate) line: u64,
    is_after_cr: bool,
}

impl Default for LineCounter {
    fn default() -> Self {
        Self { line: 1, is_after_cr: false }
    }
}

impl LineCounter {
    pub(crate) fn see(&mut self, octets: &[u8]) {
        if !self.is_after_cr && memchr::memchr(b'\r', octets).is_none() {
            self.line += memchr::memchr_iter(b'\n', octets).count() as u64;
            return;
        }
        for octet in octets {
            self.line += u64::from(*octet == b'\r' || *octet == b'\n' && !self.is_after_cr);
            self.is_after_cr = *octet == b'\r';
        }
    }

    /// Sees the line ends that these octets begin with, and gives how many octets they are.
    pub(crate) fn skip_line_ends(&mut self, octets: &[u8]) -> usize {
        // The usual case by itself: it comes once for each row.
        let n_usual = match octets {
            [b'\n', next, ..] if !self.is_after_cr && !is_line_end(*next) => 1,
            [b'\r', b'\n', next, ..] if !is_line_end(*next) => 2,
            _ => 0,
        };
        if n_usual > 0 {
            self.line += 1;
            self.is_after_cr = false;
            return n_usual;
        }
        let n = octets.iter().take_while(|octet| is_line_end(**octet)).count();
        self.see(octets.get(..n).unwrap_or_default());
        n
    }
}

const fn is_line_end(octet: u8) -> bool {
    matches!(octet, b'\r' | b'\n')
}

/// How the quotes of a record go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quoting {
    Sound,
    /// Something stands between a closing quote and the next delimiter.
    Broken,
    /// The last quote isn't closed.
    Open,
}

/// Where a record begins in the list, from 1 and 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) line: u64,
    pub(crate) byte: u64,
}

/// What is known of a record besides its fields.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) place: Place,
    /// Where it lies in the block, with its line end.
    pub(crate) raw: Range<usize>,
    pub(crate) quoting: Quoting,
}

/// The fields of a record, without their quotes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record<'a> {
    octets: &'a [u8],
    bounds: &'a [(u32, u32)],
}

impl<'a> Record<'a> {
    /// Fields where they lie in `octets`.
    pub(crate) const fn new(octets: &'a [u8], bounds: &'a [(u32, u32)]) -> Self {
        Self { octets, bounds }
    }

    pub(crate) const fn len(&self) -> usize {
        self.bounds.len()
    }

    pub(crate) fn get(&self, column: usize) -> Option<&'a [u8]> {
        let (start, end) = self.bounds.get(column)?;
        self.octets.get(*start as usize..*end as usize)
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = &'a [u8]> + Clone {
        (0..self.len()).filter_map(move |column| self.get(column))
    }

    /// Octets of all fields.
    pub(crate) fn n_octets(&self) -> usize {
        self.bounds.iter().map(|(start, end)| (end - start) as usize).sum()
    }
}

/// Buffers that are used again.
#[derive(Default)]
pub(crate) struct Walk {
    bounds: Vec<(u32, u32)>,
    record: ByteRecord,
}

/// Shows all records of a block to `visit`. Gives the line of a record whose last quote is not
/// closed before the list ends.
pub(crate) fn walk(
    block: &Block,
    format: CsvFormat,
    walk: &mut Walk,
    visit: &mut impl FnMut(Record<'_>, &Found) -> ControlFlow<()>,
) -> Option<u64> {
    match format.quote.filter(|_| block.has_quotes) {
        None => {
            plain(block, format.delimiter, walk, visit);
            None
        }
        Some(quote) => quoted(block, format.delimiter, quote, walk, visit),
    }
}

/// Without quotes a record is a line, and a field ends where the delimiter stands.
fn plain(block: &Block, delimiter: u8, walk: &mut Walk, visit: &mut impl FnMut(Record<'_>, &Found) -> ControlFlow<()>) {
    let mut lines = block.lines;
    let mut start = 0;
    while let Some(rest) = block.octets.get(start..).filter(|rest| !rest.is_empty()) {
        let n_before = lines.skip_line_ends(rest);
        let text = rest.get(n_before..).unwrap_or_default();
        if text.is_empty() {
            return;
        }
        start += n_before;
        let n_text = memchr::memchr2(b'\n', b'\r', text).unwrap_or(text.len());
        let text = text.get(..n_text).unwrap_or_default();
        walk.bounds.clear();
        let mut field = 0;
        for at in memchr::memchr_iter(delimiter, text) {
            walk.bounds.push((field, at as u32));
            field = at as u32 + 1;
        }
        walk.bounds.push((field, n_text as u32));
        lines.is_after_cr = false;
        let found = Found {
            place: Place { line: lines.line, byte: block.byte + start as u64 },
            raw: start..start + n_text,
            quoting: Quoting::Sound,
        };
        if visit(Record { octets: text, bounds: &walk.bounds }, &found).is_break() {
            return;
        }
        start += n_text;
    }
}

/// As the csv crate reads it. It takes the line feed of a CRLF before a record, and empty lines, as
/// part of it, and knows no lines that end in a lone CR: places are found anew.
fn quoted(
    block: &Block,
    delimiter: u8,
    quote: u8,
    walk: &mut Walk,
    visit: &mut impl FnMut(Record<'_>, &Found) -> ControlFlow<()>,
) -> Option<u64> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .quote(quote)
        .flexible(true)
        .has_headers(false)
        .buffer_capacity(64 << 10)
        .from_reader(block.octets.as_slice());
    let mut lines = block.lines;
    let mut start = 0;
    loop {
        let there_is_one = reader.read_byte_record(&mut walk.record).unwrap_or(false);
        if !there_is_one {
            return None;
        }
        let end = usize::try_from(reader.position().byte()).unwrap_or(usize::MAX);
        let raw = block.octets.get(start..end).unwrap_or_default();
        let n_before = lines.skip_line_ends(raw);
        let raw = raw.get(n_before..).unwrap_or_default();
        let place = Place { line: lines.line, byte: block.byte + (start + n_before) as u64 };
        // Within one line nothing can be swallowed: only records of several lines, and the last.
        let n_text = raw.iter().rposition(|octet| !is_line_end(*octet)).map_or(0, |last| last + 1);
        let text = raw.get(..n_text).unwrap_or_default();
        let has_lines = memchr::memchr2(b'\n', b'\r', text).is_some();
        let is_last = block.is_last && end == block.octets.len();
        let quoting = if has_lines || is_last { quoting_of(raw, delimiter, quote) } else { Quoting::Sound };
        if quoting == Quoting::Open {
            return Some(place.line);
        }
        lines.see(raw);
        let record = &walk.record;
        let ranges = (0..record.len()).filter_map(|n| record.range(n));
        walk.bounds.clear();
        walk.bounds.extend(ranges.map(|range| (range.start as u32, range.end as u32)));
        let found = Found { place, raw: start + n_before..end, quoting };
        if visit(Record { octets: record.as_slice(), bounds: &walk.bounds }, &found).is_break() {
            return None;
        }
        start = end;
    }
}

/// How the quotes of one record go, as the reader takes them: a quote opens a field only at its begin.
fn quoting_of(raw: &[u8], delimiter: u8, quote: u8) -> Quoting {
    #[derive(Clone, Copy)]
    enum In {
        Begin,
        Plain,
        Quotes,
        /// A quote within quotes: the end, or the first half of an escaped one.
        Closing,
    }
    let mut state = In::Begin;
    let mut is_broken = false;
    for octet in raw {
        let is_end_of_field = *octet == delimiter || is_line_end(*octet);
        state = match state {
            In::Begin | In::Plain | In::Closing if is_end_of_field => In::Begin,
            In::Begin if *octet == quote => In::Quotes,
            In::Quotes if *octet == quote => In::Closing,
            In::Closing if *octet == quote => In::Quotes,
            In::Closing => {
                is_broken = true;
                In::Plain
            }
            In::Begin | In::Plain => In::Plain,
            In::Quotes => In::Quotes,
        };
    }
    match state {
        In::Quotes => Quoting::Open,
        In::Begin | In::Plain | In::Closing if is_broken => Quoting::Broken,
        In::Begin | In::Plain | In::Closing => Quoting::Sound,
    }
}
