//! The octets of a list: from a file or stdin, hashed, decompressed, and made UTF-8.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read, Write as _},
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::{FrameDecoder, StreamingDecoder};
use sha2::{Digest, Sha256};

use crate::{
    Error, ListForm, ListOptions,
    form::{self, Compression, CsvFormat},
};

/// What names stdin in place of a file.
pub const STDIN: &str = "-";

/// Octets read at once.
const READ_OCTETS: usize = 256 << 10;
/// Octets at the beginning by which encoding and delimiter are found out.
const SAMPLE_OCTETS: usize = 256 << 10;
/// How many octets one compressed octet may stand for on the whole (CONTRACT section 7).
const MAX_RATIO: u64 = 100;
/// Octets that are decompressed before the ratio counts.
const RATIO_GRACE: u64 = 16 << 20;
/// Octets of text that a list has at most: 1 TiB.
const MAX_TEXT_OCTETS: u64 = 1 << 40;

/// Whether a path stands for stdin.
#[must_use]
pub fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == STDIN
}

/// A list's text in UTF-8 (or what claims to be), piece by piece.
pub(crate) struct Source {
    text: Box<dyn Read + Send>,
    /// Of the text before decoding: read and not yet given.
    sample: Vec<u8>,
    decoder: Option<encoding_rs::Decoder>,
    raw: Arc<Raw>,
    buffer: Vec<u8>,
    total_bytes: Option<u64>,
    n_text: u64,
    pub(crate) form: ListForm,
    pub(crate) csv: CsvFormat,
}

/// What is known of the octets as they lie in the file.
#[derive(Default)]
struct Raw {
    hash: Mutex<Sha256>,
    n_octets: AtomicU64,
}

/// The octets as they lie in the file.
type Octets = Box<dyn BufRead + Send>;

struct Hashing {
    inner: Box<dyn Read + Send>,
    raw: Arc<Raw>,
}

impl Read for Hashing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        let octets = buffer.get(..n).unwrap_or_default();
        self.raw.hash.lock().unwrap_or_else(PoisonError::into_inner).update(octets);
        self.raw.n_octets.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

impl Source {
    pub(crate) fn open(options: &ListOptions) -> Result<Self, Error> {
        let path = options.list.as_path();
        let quote = options.quote.as_deref().map_or(Ok(Some(b'"')), form::quote_of)?;
        let given_delimiter = options.delimiter.map(form::delimiter_of).transpose()?;
        if let Some(delimiter) = options.delimiter.filter(|_| given_delimiter == quote) {
            return Err(Error::BadDelimiter { delimiter });
        }
        let (inner, total_bytes): (Box<dyn Read + Send>, _) = if is_stdin(path) {
            (Box::new(io::stdin()), None)
        } else {
            let file = File::open(path).map_err(Error::io(path, "can't open the list"))?;
            let len = file.metadata().ok().filter(std::fs::Metadata::is_file).map(|metadata| metadata.len());
            (Box::new(file), len)
        };
        let raw = Arc::new(Raw::default());
        let mut file = BufReader::with_capacity(READ_OCTETS, Hashing { inner, raw: Arc::clone(&raw) });
        let failed = |source| Error::io(path, "can't read the list")(source);
        // A pipe may give less at once.
        let mut first = Vec::new();
        file.by_ref().take(4).read_to_end(&mut first).map_err(failed)?;
        let compression = Compression::of(&first);
        let file: Octets = Box::new(io::Cursor::new(first).chain(file));
        let mut text: Box<dyn Read + Send> = match compression {
            Compression::None => Box::new(file),
            Compression::Gzip => Box::new(MultiGzDecoder::new(file)),
            Compression::Zstd => Box::new(ZstdFrames { inner: ZstdState::Between(file) }),
        };
        if compression != Compression::None {
            text = Box::new(Bounded { inner: text, raw: Arc::clone(&raw), n_given: 0 });
        }
        let mut sample = Vec::new();
        text.by_ref().take(SAMPLE_OCTETS as u64).read_to_end(&mut sample).map_err(failed)?;
        let (encoding, n_mark) = match options.encoding {
            Some(encoding) => (encoding, form::mark_of(encoding, &sample)),
            None => form::encoding_of(&sample),
        };
        sample.drain(..n_mark);
        let mut source = Self {
            text,
            sample,
            decoder: encoding.decoder(),
            raw,
            buffer: Vec::new(),
            total_bytes,
            n_text: 0,
            form: ListForm {
                compression,
                encoding,
                has_bom: n_mark > 0,
                delimiter: ',',
                quote: quote.map(char::from),
                has_header: options.header,
            },
            csv: CsvFormat { delimiter: b',', quote },
        };
        let delimiter = given_delimiter.unwrap_or_else(|| form::sniff_delimiter(&source.decoded_sample(), quote));
        source.form.delimiter = char::from(delimiter);
        source.csv.delimiter = delimiter;
        Ok(source)
    }

    /// Octets that the byte order mark takes.
    pub(crate) fn n_mark(&self) -> u64 {
        if self.form.has_bom && self.decoder.is_none() { 3 } else { 0 }
    }

    fn decoded_sample(&self) -> Vec<u8> {
        match self.form.encoding.decoder() {
            None => self.sample.clone(),
            Some(mut decoder) => {
                let mut text = String::with_capacity(self.sample.len() * 3 + 16);
                let _ = decoder.decode_to_string(&self.sample, &mut text, false);
                text.into_bytes()
            }
        }
    }

    /// Appends the next piece of text; `false` at the end.
    pub(crate) fn read_into(&mut self, out: &mut Vec<u8>) -> io::Result<bool> {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        if self.sample.is_empty() {
            self.text.by_ref().take(READ_OCTETS as u64).read_to_end(&mut buffer)?;
        } else {
            std::mem::swap(&mut buffer, &mut self.sample);
        }
        let is_end = buffer.is_empty();
        let before = out.len();
        match &mut self.decoder {
            None => out.extend_from_slice(&buffer),
            Some(decoder) => decode(decoder, &buffer, is_end, out),
        }
        self.n_text += (out.len() - before) as u64;
        self.buffer = buffer;
        if self.n_text > MAX_TEXT_OCTETS {
            return Err(io::Error::other(format!("more than {MAX_TEXT_OCTETS} octets of text")));
        }
        Ok(!is_end)
    }

    /// Octets of the file that were read so far, and all of them, if known.
    pub(crate) fn progress(&self) -> (u64, Option<u64>) {
        (self.raw.n_octets.load(Ordering::Relaxed), self.total_bytes)
    }

    /// SHA-256 of the octets as they lie in the file, once all were read.
    pub(crate) fn hash(&self) -> String {
        hex(&self.raw.hash.lock().unwrap_or_else(PoisonError::into_inner).clone().finalize())
    }
}

fn decode(decoder: &mut encoding_rs::Decoder, octets: &[u8], is_end: bool, out: &mut Vec<u8>) {
    let mut rest = octets;
    loop {
        let room = decoder.max_utf8_buffer_length(rest.len()).unwrap_or(rest.len()).max(16);
        let before = out.len();
        out.resize(before + room, 0);
        let space = out.get_mut(before..).unwrap_or_default();
        let (result, n_read, n_written, _) = decoder.decode_to_utf8(rest, space, is_end);
        out.truncate(before + n_written);
        rest = rest.get(n_read..).unwrap_or_default();
        if result == encoding_rs::CoderResult::InputEmpty {
            return;
        }
    }
}

/// Refuses what grows beyond all measure.
struct Bounded {
    inner: Box<dyn Read + Send>,
    raw: Arc<Raw>,
    n_given: u64,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.n_given += n as u64;
        let n_raw = self.raw.n_octets.load(Ordering::Relaxed);
        if self.n_given > n_raw.saturating_mul(MAX_RATIO).saturating_add(RATIO_GRACE) {
            let what =
                format!("more than {MAX_RATIO} times what it has compressed: unpack it yourself if that is right");
            return Err(io::Error::other(what));
        }
        Ok(n)
    }
}

/// Zstandard frames one after the other.
struct ZstdFrames {
    inner: ZstdState,
}

enum ZstdState {
    Between(Octets),
    Within(Box<StreamingDecoder<Octets, FrameDecoder>>),
    End,
}

impl Read for ZstdFrames {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match std::mem::replace(&mut self.inner, ZstdState::End) {
                ZstdState::End => return Ok(0),
                ZstdState::Between(mut file) => {
                    if file.fill_buf()?.is_empty() {
                        return Ok(0);
                    }
                    if skip_frame(&mut file)? {
                        self.inner = ZstdState::Between(file);
                        continue;
                    }
                    let decoder = StreamingDecoder::new(file).map_err(io::Error::other)?;
                    self.inner = ZstdState::Within(Box::new(decoder));
                }
                ZstdState::Within(mut decoder) => {
                    let n = decoder.read(buffer)?;
                    if n > 0 {
                        self.inner = ZstdState::Within(decoder);
                        return Ok(n);
                    }
                    let sums = (decoder.decoder.get_checksum_from_data(), decoder.decoder.get_calculated_checksum());
                    if sums.0.is_some() && sums.0 != sums.1 {
                        return Err(io::Error::new(io::ErrorKind::InvalidData, "wrong checksum of a zstd frame"));
                    }
                    self.inner = ZstdState::Between(decoder.into_inner());
                }
            }
        }
    }
}

/// Skips a frame that holds no text (RFC 8878, 3.1.2), if the next is one.
fn skip_frame(file: &mut Octets) -> io::Result<bool> {
    if !matches!(file.fill_buf()?, [0x50..=0x5F, 0x2A, 0x4D, 0x18, ..]) {
        return Ok(false);
    }
    let mut head = [0; 8];
    file.read_exact(&mut head)?;
    let len = head.last_chunk::<4>().map_or(0, |len| u32::from_le_bytes(*len));
    io::copy(&mut file.by_ref().take(len.into()), &mut io::sink())?;
    Ok(true)
}

/// Copies stdin to a file, for who has to read it twice.
pub(crate) fn spool_stdin(to: &Path) -> Result<(), Error> {
    let failed = Error::io(to, "can't keep what comes from stdin");
    let copy = || {
        let mut file = File::create(to)?;
        io::copy(&mut io::stdin().lock(), &mut file)?;
        file.flush()
    };
    copy().map_err(failed)
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
