//! The text of a list in blocks that end where a record ends, so that each can be read by itself.

use std::io;

use crate::{
    Error, ListForm, ListOptions,
    form::CsvFormat,
    record::{LineCounter, Walk, walk},
    source::Source,
};

/// Octets of text after which a block is cut.
const BLOCK_OCTETS: usize = 512 << 10;
/// Octets after which a record is taken for one that never ends.
const MAX_SPAN: usize = 1 << 20;
/// Columns that a list has at most (CONTRACT section 7).
const MAX_COLUMNS: usize = 256;

/// Whole records.
#[derive(Debug, Default)]
pub(crate) struct Block {
    pub(crate) octets: Vec<u8>,
    /// Its place among the blocks, from 0.
    pub(crate) number: u64,
    /// Where it begins in the text.
    pub(crate) byte: u64,
    /// The line in which it begins, from 1.
    pub(crate) lines: LineCounter,
    /// Whether there may be quotes in it.
    pub(crate) has_quotes: bool,
    /// Whether the list ends with it.
    pub(crate) is_last: bool,
    /// Octets of the file that were read up to here, and all of them, if known.
    pub(crate) progress: (u64, Option<u64>),
}

/// Cuts a list into blocks.
pub(crate) struct Blocks {
    source: Source,
    /// Text that was read and not yet given.
    rest: Vec<u8>,
    number: u64,
    byte: u64,
    lines: LineCounter,
    at_end: bool,
}

impl Blocks {
    /// Opens a list and reads its header.
    pub(crate) fn open(options: &ListOptions) -> Result<(Self, Vec<String>), Error> {
        let source = Source::open(options)?;
        let byte = source.n_mark();
        let lines = LineCounter::default();
        let mut blocks = Self { source, rest: Vec::new(), number: 0, byte, lines, at_end: false };
        let header = blocks.header(options)?;
        Ok((blocks, header))
    }

    pub(crate) const fn form(&self) -> ListForm {
        self.source.form
    }

    pub(crate) const fn csv(&self) -> CsvFormat {
        self.source.csv
    }

    /// SHA-256 of the file, once all of it was read.
    pub(crate) fn hash(&self) -> String {
        self.source.hash()
    }

    fn header(&mut self, options: &ListOptions) -> Result<Vec<String>, Error> {
        let path = options.list.as_path();
        let mut first = Block::default();
        if !self.next(options, &mut first)? {
            return Err(Error::Empty { path: path.to_owned(), has_header: false });
        }
        let mut names: Vec<String> = Vec::new();
        let (mut n_taken, mut wrong) = (0, None);
        let is_endless = walk(&first, self.csv(), &mut Walk::default(), &mut |record, found| {
            for (field, n) in record.iter().zip(1_u64..) {
                match std::str::from_utf8(field) {
                    _ if !options.header => names.push(format!("column_{n}")),
                    Ok(name) if !name.contains('\0') => names.push(name.trim().to_owned()),
                    Ok(_) => wrong = Some(found.place.byte),
                    Err(error) => wrong = Some(found.place.byte + error.valid_up_to() as u64),
                }
            }
            n_taken = if options.header { found.raw.end } else { 0 };
            std::ops::ControlFlow::Break(())
        });
        if let Some(line) = is_endless {
            return Err(Error::EndlessRow { path: path.to_owned(), line });
        }
        if let Some(byte) = wrong {
            return Err(Error::NotUtf8 { path: path.to_owned(), line: 1, byte });
        }
        if names.len() > MAX_COLUMNS {
            return Err(Error::TooManyColumns { path: path.to_owned(), n_columns: names.len(), max: MAX_COLUMNS });
        }
        if names.is_empty() {
            return Err(Error::Empty { path: path.to_owned(), has_header: false });
        }
        // What follows is cut anew.
        let (header, rows) = first.octets.split_at_checked(n_taken).unwrap_or_default();
        self.lines = first.lines;
        self.lines.see(header);
        self.byte = first.byte + n_taken as u64;
        let mut rest = rows.to_vec();
        rest.append(&mut self.rest);
        self.rest = rest;
        self.number = 0;
        Ok(names)
    }

    /// The next block; `false` at the end.
    pub(crate) fn next(&mut self, options: &ListOptions, block: &mut Block) -> Result<bool, Error> {
        let failed = Error::io(&options.list, "can't read the list");
        let end = match self.fill() {
            Ok(end) => end,
            Err(error) if is_endless(&error) => {
                let mut lines = self.lines;
                lines.skip_line_ends(&self.rest);
                return Err(Error::EndlessRow { path: options.list.clone(), line: lines.line });
            }
            Err(error) => return Err(failed(error)),
        };
        let Some((end, has_quotes)) = end else { return Ok(false) };
        block.octets.clear();
        std::mem::swap(&mut block.octets, &mut self.rest);
        self.rest.extend_from_slice(block.octets.get(end..).unwrap_or_default());
        block.octets.truncate(end);
        block.number = self.number;
        block.byte = self.byte;
        block.lines = self.lines;
        block.has_quotes = has_quotes;
        block.is_last = self.at_end && self.rest.is_empty();
        block.progress = self.source.progress();
        self.number += 1;
        self.byte += end as u64;
        self.lines.see(&block.octets);
        Ok(true)
    }

    /// Reads on until a block is full. Gives where it ends and whether there are quotes in it.
    fn fill(&mut self) -> io::Result<Option<(usize, bool)>> {
        let mut wanted = BLOCK_OCTETS;
        loop {
            while !self.at_end && self.rest.len() < wanted {
                self.at_end = !self.source.read_into(&mut self.rest)?;
            }
            let quote = self.source.csv.quote;
            let has_quotes = quote.is_some_and(|quote| memchr::memchr(quote, &self.rest).is_some());
            if self.at_end && self.rest.len() <= 2 * BLOCK_OCTETS {
                let len = self.rest.len();
                return Ok((len > 0).then_some((len, has_quotes)));
            }
            let end = match quote.filter(|_| has_quotes) {
                Some(quote) => last_record_end(&self.rest, self.source.csv.delimiter, quote),
                None => memchr::memrchr2(b'\n', b'\r', &self.rest).map(|at| at + 1),
            };
            if let Some(end) = end {
                return Ok(Some((end, has_quotes)));
            }
            if self.at_end {
                return Ok(Some((self.rest.len(), has_quotes)));
            }
            if self.rest.len() > MAX_SPAN {
                return Err(io::ErrorKind::FileTooLarge.into());
            }
            wanted = self.rest.len() + BLOCK_OCTETS;
        }
    }
}

/// Whether it is what [`Blocks::fill`] says of a record that never ends.
fn is_endless(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::FileTooLarge
}

/// Where the last whole record ends, with its line end. A quote opens a field only at its begin.
fn last_record_end(octets: &[u8], delimiter: u8, quote: u8) -> Option<usize> {
    let mut end = None;
    let (mut at_begin, mut in_quotes) = (true, false);
    for (octet, at) in octets.iter().zip(1..) {
        if in_quotes {
            // A doubled quote closes and opens again at once: what follows decides.
            if *octet == quote {
                in_quotes = false;
                at_begin = true;
            }
        } else if *octet == quote && at_begin {
            in_quotes = true;
        } else if matches!(octet, b'\n' | b'\r') {
            end = Some(at);
            at_begin = true;
        } else {
            at_begin = *octet == delimiter;
        }
    }
    end
}
