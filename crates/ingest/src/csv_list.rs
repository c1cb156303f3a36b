//! The list as it comes: delimiter, header, records with their places, and the hash of it all.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, Read},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use csv::ByteRecord;
use sha2::{Digest, Sha256};

use crate::Error;

/// The longest record that is taken (CONTRACT section 7); longer ones are rejected.
pub(crate) const MAX_RECORD_BYTES: usize = 64 << 10;
const READ_AHEAD: usize = 1 << 20;
/// Octets after which a record is taken for one that never ends.
const MAX_SPAN: u64 = READ_AHEAD as u64;

/// Reads a list record by record.
pub(crate) struct CsvList {
    reader: csv::Reader<Hashing<File>>,
    seen: Arc<Mutex<SeenOctets>>,
    delimiter: u8,
    pub(crate) header: Vec<String>,
    /// Of the record that was read last.
    place: Place,
    quoting: Quoting,
    lines: LineCounter,
}

/// Counts lines as editors do: `\n`, `\r\n` and a lone `\r` each end one.
struct LineCounter {
    line: u64,
    is_after_cr: bool,
}

impl LineCounter {
    fn see(&mut self, octets: &[u8]) {
        for octet in octets {
            self.line += u64::from(*octet == b'\r' || *octet == b'\n' && !self.is_after_cr);
            self.is_after_cr = *octet == b'\r';
        }
    }
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

/// Where a record begins in the file, from 1 and 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) line: u64,
    pub(crate) byte: u64,
}

/// Passes octets on, hashes them, and keeps the latest.
struct Hashing<R> {
    inner: R,
    seen: Arc<Mutex<SeenOctets>>,
}

#[derive(Default)]
struct SeenOctets {
    hash: Sha256,
    /// The latest octets of the file, and where they begin in it.
    recent: Vec<u8>,
    recent_start: u64,
    /// Where the record begins that is being read.
    record_start: u64,
    at_end: bool,
}

impl SeenOctets {
    fn see(&mut self, octets: &[u8]) {
        self.hash.update(octets);
        self.at_end |= octets.is_empty();
        self.recent.extend_from_slice(octets);
        if self.recent.len() > 4 * READ_AHEAD {
            let n_old = self.recent.len() - 2 * READ_AHEAD;
            self.recent.drain(..n_old);
            self.recent_start += n_old as u64;
        }
    }

    fn end(&self) -> u64 {
        self.recent_start + self.recent.len() as u64
    }

    /// The file from `byte` on, as far as it is kept.
    fn from(&self, byte: u64) -> &[u8] {
        let at = byte.checked_sub(self.recent_start).and_then(|at| usize::try_from(at).ok());
        at.and_then(|at| self.recent.get(at..)).unwrap_or_default()
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.end() - seen.record_start > MAX_SPAN {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let n = self.inner.read(buffer)?;
        seen.see(buffer.get(..n).unwrap_or_default());
        Ok(n)
    }
}

impl CsvList {
    pub(crate) fn open(path: &Path, delimiter: Option<char>) -> Result<Self, Error> {
        let delimiter = match delimiter {
            Some(c) if c.is_ascii() && !matches!(c, '"' | '\r' | '\n') => c as u8,
            Some(delimiter) => return Err(Error::BadDelimiter { delimiter }),
            None => sniff(path)?,
        };
        let file = File::open(path).map_err(Error::io(path, "can't open the list"))?;
        let seen = Arc::new(Mutex::new(SeenOctets::default()));
        let reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .flexible(true)
            .has_headers(false)
            .buffer_capacity(READ_AHEAD)
            .from_reader(Hashing { inner: file, seen: Arc::clone(&seen) });
        let mut list = Self {
            reader,
            seen,
            delimiter,
            header: Vec::new(),
            place: Place { line: 1, byte: 0 },
            quoting: Quoting::Sound,
            lines: LineCounter { line: 1, is_after_cr: false },
        };
        let mut record = ByteRecord::new();
        if !list.read(path, &mut record)? {
            return Err(Error::Empty { path: path.to_owned(), has_header: false });
        }
        for field in &record {
            let name = std::str::from_utf8(field).map_err(|error| Error::NotUtf8 {
                path: path.to_owned(),
                line: 1,
                byte: error.valid_up_to() as u64,
            })?;
            // An export in UTF-16 is full of NULs.
            if name.contains('\0') {
                return Err(Error::NotUtf8 { path: path.to_owned(), line: 1, byte: 0 });
            }
            list.header.push(name.trim().to_owned());
        }
        Ok(list)
    }

    /// Reads the next record; `false` at the end.
    pub(crate) fn read(&mut self, path: &Path, record: &mut ByteRecord) -> Result<bool, Error> {
        let start = self.reader.position().byte();
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).record_start = start;
        let there_is_one = self.reader.read_byte_record(record);
        self.locate(start);
        let endless = || Error::EndlessRow { path: path.to_owned(), line: self.place.line };
        match there_is_one {
            Ok(true) if self.quoting == Quoting::Open => Err(endless()),
            Ok(there_is_one) => Ok(there_is_one),
            Err(error) if is_endless(&error) => Err(endless()),
            Err(error) => {
                let source = io::Error::other(error);
                Err(Error::Io { path: path.to_owned(), action: "can't read the list", source })
            }
        }
    }

    /// Finds out where the record really begins whose reading began at `start`, and how its quotes
    /// go: the reader takes the line feed of a CRLF before it, and empty lines, as part of it, and
    /// knows no lines that end in a lone CR.
    fn locate(&mut self, start: u64) {
        let end = self.reader.position().byte();
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let raw = seen.from(start);
        let raw = usize::try_from(end.saturating_sub(start)).ok().and_then(|len| raw.get(..len)).unwrap_or(raw);
        let is_line_end = |octet: &u8| matches!(octet, b'\r' | b'\n');
        let n_before = raw.iter().take_while(|octet| is_line_end(octet)).count();
        let (before, raw) = raw.split_at_checked(n_before).unwrap_or_default();
        self.lines.see(before);
        self.place = Place { line: self.lines.line, byte: start + n_before as u64 };
        self.lines.see(raw);
        // Within one line nothing can be swallowed: only records of several lines, and the last.
        let n_text = raw.iter().rposition(|octet| !is_line_end(octet)).map_or(0, |last| last + 1);
        let has_lines = raw.iter().take(n_text).any(is_line_end);
        let is_last = seen.at_end && end == seen.end();
        self.quoting = if has_lines || is_last { quoting_of(raw, self.delimiter) } else { Quoting::Sound };
    }

    /// Where the record begins that was read last.
    pub(crate) const fn place(&self) -> Place {
        self.place
    }

    /// How the quotes of the record go that was read last.
    pub(crate) const fn quoting(&self) -> Quoting {
        self.quoting
    }

    /// How far the file was read.
    pub(crate) fn byte(&self) -> u64 {
        self.reader.position().byte()
    }

    /// SHA-256 of the file, once all of it was read.
    pub(crate) fn hash(&self) -> String {
        hex(&self.seen.lock().unwrap_or_else(PoisonError::into_inner).hash.clone().finalize())
    }

    /// The first octet from `byte` on that is not UTF-8.
    pub(crate) fn first_foreign(&self, byte: u64) -> u64 {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        match std::str::from_utf8(seen.from(byte)) {
            Ok(_) => byte,
            Err(error) => byte + error.valid_up_to() as u64,
        }
    }

    /// The column with this name: exactly, else whatever the case.
    pub(crate) fn column(&self, path: &Path, wanted: &str) -> Result<usize, Error> {
        let found = |is: &dyn Fn(&str) -> bool| -> Vec<usize> {
            self.header.iter().enumerate().filter(|(_, name)| is(name)).map(|(at, _)| at).collect()
        };
        let exact = found(&|name| name == wanted);
        let similar = if exact.is_empty() { found(&|name| name.eq_ignore_ascii_case(wanted.trim())) } else { exact };
        match similar.as_slice() {
            [column] => Ok(*column),
            [] => {
                let found = self.header.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
                let likeness = |name: &str| {
                    let (name, wanted) = (name.to_lowercase(), wanted.to_lowercase());
                    if name.contains(&wanted) { 1.0 } else { strsim::jaro_winkler(&name, &wanted) }
                };
                let nearest = self.header.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
                let nearest = nearest.filter(|name| likeness(name) > 0.75).cloned();
                Err(Error::NoColumn { path: path.to_owned(), wanted: wanted.to_owned(), found, nearest })
            }
            _ => Err(Error::AmbiguousColumn { path: path.to_owned(), column: wanted.to_owned() }),
        }
    }
}

/// Whether it is what [`Hashing`] says of a record that never ends.
fn is_endless(error: &csv::Error) -> bool {
    matches!(error.kind(), csv::ErrorKind::Io(source) if source.kind() == io::ErrorKind::InvalidData)
}

/// How the quotes of one record go, as the reader takes them: a quote opens a field only at its begin.
fn quoting_of(raw: &[u8], delimiter: u8) -> Quoting {
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
    for octet in raw.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(raw) {
        let is_end_of_field = *octet == delimiter || matches!(octet, b'\r' | b'\n');
        state = match state {
            In::Begin | In::Plain | In::Closing if is_end_of_field => In::Begin,
            In::Begin if *octet == b'"' => In::Quotes,
            In::Quotes if *octet == b'"' => In::Closing,
            In::Closing if *octet == b'"' => In::Quotes,
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

/// The delimiter that stands most often in the first line, outside quotes.
fn sniff(path: &Path) -> Result<u8, Error> {
    let file = File::open(path).map_err(Error::io(path, "can't open the list"))?;
    let mut line = Vec::new();
    let limited = file.take(MAX_RECORD_BYTES as u64);
    BufReader::new(limited).read_until(b'\n', &mut line).map_err(Error::io(path, "can't read the list"))?;
    let mut quoted = false;
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0), (b'|', 0)];
    for octet in line {
        quoted ^= octet == b'"';
        if let Some((_, n)) = counts.iter_mut().find(|(delimiter, _)| !quoted && *delimiter == octet) {
            *n += 1;
        }
    }
    // The first of equals: a comma when there is none at all.
    Ok(counts.iter().rev().max_by_key(|(_, n)| *n).map_or(b',', |(delimiter, _)| *delimiter))
}

/// SHA-256 of a file, in hex: to tell whether a list changed since it was frozen.
///
/// # Errors
/// When it can't be read.
pub fn source_hash_of(path: &Path) -> Result<String, Error> {
    let mut file = File::open(path).map_err(Error::io(path, "can't open the list"))?;
    let mut hash = Sha256::new();
    io::copy(&mut file, &mut HashWriter(&mut hash)).map_err(Error::io(path, "can't read the list"))?;
    Ok(hex(&hash.finalize()))
}

struct HashWriter<'a>(&'a mut Sha256);

impl io::Write for HashWriter<'_> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.update(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(crate) fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
