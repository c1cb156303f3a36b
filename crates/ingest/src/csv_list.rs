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

/// Reads a list record by record.
pub(crate) struct CsvList {
    reader: csv::Reader<Hashing<File>>,
    seen: Arc<Mutex<SeenOctets>>,
    pub(crate) header: Vec<String>,
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
}

impl SeenOctets {
    fn see(&mut self, octets: &[u8]) {
        self.hash.update(octets);
        self.recent.extend_from_slice(octets);
        if self.recent.len() > 4 * READ_AHEAD {
            let n_old = self.recent.len() - 2 * READ_AHEAD;
            self.recent.drain(..n_old);
            self.recent_start += n_old as u64;
        }
    }

    /// The file from `byte` on, as far as it is kept.
    fn from(&self, byte: u64) -> &[u8] {
        let at = byte.checked_sub(self.recent_start).and_then(|at| usize::try_from(at).ok());
        at.and_then(|at| self.recent.get(at..)).unwrap_or_default()
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).see(buffer.get(..n).unwrap_or_default());
        Ok(n)
    }
}

impl CsvList {
    pub(crate) fn open(path: &Path, delimiter: Option<char>) -> Result<Self, Error> {
        let delimiter = match delimiter.and_then(|c| u8::try_from(c).ok()) {
            Some(delimiter) => delimiter,
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
        let mut list = Self { reader, seen, header: Vec::new() };
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
        self.reader.read_byte_record(record).map_err(|error| {
            let source = io::Error::other(error);
            Error::Io { path: path.to_owned(), action: "can't read the list", source }
        })
    }

    /// SHA-256 of the file, once all of it was read.
    pub(crate) fn hash(&self) -> String {
        hex(&self.seen.lock().unwrap_or_else(PoisonError::into_inner).hash.clone().finalize())
    }

    /// Where a record really begins: the reader counts the line feed of a CRLF before it, and
    /// empty lines, as part of it.
    pub(crate) fn place(&self, record: &ByteRecord) -> Place {
        let (line, byte) = record.position().map_or((0, 0), |position| (position.line(), position.byte()));
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let before = seen.from(byte).iter().take_while(|octet| matches!(octet, b'\r' | b'\n'));
        let (n_octets, n_lines) =
            before.fold((0, 0), |(octets, lines), octet| (octets + 1, lines + u64::from(*octet == b'\n')));
        Place { line: line + n_lines, byte: byte + n_octets }
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
                Err(Error::NoColumn { path: path.to_owned(), wanted: wanted.to_owned(), found })
            }
            _ => Err(Error::AmbiguousColumn { path: path.to_owned(), column: wanted.to_owned() }),
        }
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
