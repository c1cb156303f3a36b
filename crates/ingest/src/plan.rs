//! The frozen list: what is sent, whatever happens to the CSV.
//!
//! `list.bin` holds chunks of 4,096 rows one after the other, each with its length and CRC32C;
//! `plan.json` the numbers of the list and where its chunks lie. An older plan in the folder goes
//! first and the new one is renamed into place last, so that a plan is whole or not there. Rows of
//! people who were erased keep their place and line, and nothing else.

mod erase;

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write as _},
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use volley_core::{CHUNK_ROWS, Msisdn};

use crate::{Error, Frozen, csv_list::hex};

pub use erase::{ErasedPlan, erase_plan};

const LIST: &str = "list.bin";
const PLAN: &str = "plan.json";
/// The version of both files.
const FORMAT: u32 = 1;
/// Octets before a chunk: its length and CRC32C.
const CHUNK_HEAD: usize = 8;
/// What stands in place of the number of an erased row; no number is 0.
const ERASED: u64 = 0;

#[derive(Debug, Serialize, Deserialize)]
struct PlanFile {
    format: u32,
    frozen: Frozen,
    /// Where each chunk begins in the list, and how long it is with its head.
    chunks: Vec<(u64, u32)>,
    /// Rows that were erased.
    #[serde(default, skip_serializing_if = "is_zero")]
    erased: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
const fn is_zero(n: &u32) -> bool {
    *n == 0
}

impl PlanFile {
    const fn n_chunks(&self) -> u32 {
        self.frozen.n_valid.div_ceil(CHUNK_ROWS)
    }
}

/// Writes a frozen list.
pub(crate) struct PlanWriter {
    path: PathBuf,
    file: BufWriter<File>,
    hash: Sha256,
    chunk: Vec<u8>,
    n_in_chunk: u32,
    n_valid: u32,
    offset: u64,
    chunks: Vec<(u64, u32)>,
}

impl PlanWriter {
    pub(crate) fn create(dir: &Path, columns: &[String]) -> Result<Self, Error> {
        let path = dir.join(LIST);
        // Durably, before a new list overwrites what the old plan speaks of.
        let removed = fs::remove_file(dir.join(PLAN)).and_then(|()| File::open(dir)?.sync_all());
        removed.or_else(gone_is_fine).map_err(Error::io(dir, "can't remove the older plan"))?;
        let file = File::create(&path).map_err(Error::io(&path, "can't create the frozen list"))?;
        // The same values under other names are another content.
        let hash = columns.iter().fold(Sha256::new(), |hash, name| hash.chain_update(name).chain_update([0]));
        Ok(Self {
            path,
            file: BufWriter::with_capacity(1 << 20, file),
            hash,
            chunk: Vec::new(),
            n_in_chunk: 0,
            n_valid: 0,
            offset: 0,
            chunks: Vec::new(),
        })
    }

    pub(crate) fn push<'a>(
        &mut self,
        list: &Path,
        msisdn: Msisdn,
        line: u64,
        fields: impl Iterator<Item = &'a [u8]>,
    ) -> Result<(), Error> {
        self.n_valid = self.n_valid.checked_add(1).ok_or_else(|| Error::TooLong { path: list.to_owned() })?;
        self.chunk.extend(msisdn.as_u64().to_le_bytes());
        self.chunk.extend(line.to_le_bytes());
        for field in fields {
            self.chunk.extend((field.len() as u32).to_le_bytes());
            self.chunk.extend_from_slice(field);
        }
        self.n_in_chunk += 1;
        if self.n_in_chunk == CHUNK_ROWS {
            self.finish_chunk()?;
        }
        Ok(())
    }

    fn finish_chunk(&mut self) -> Result<(), Error> {
        if self.n_in_chunk == 0 {
            return Ok(());
        }
        let len = self.chunk.len() as u32;
        let crc = crc32c::crc32c(&self.chunk);
        self.hash.update(&self.chunk);
        let written = self
            .file
            .write_all(&len.to_le_bytes())
            .and_then(|()| self.file.write_all(&crc.to_le_bytes()))
            .and_then(|()| self.file.write_all(&self.chunk));
        written.map_err(Error::io(&self.path, "can't write the frozen list"))?;
        self.chunks.push((self.offset, len + CHUNK_HEAD as u32));
        self.offset += u64::from(len) + CHUNK_HEAD as u64;
        self.chunk.clear();
        self.n_in_chunk = 0;
        Ok(())
    }

    pub(crate) fn finish(mut self, dir: &Path, frozen: &mut Frozen) -> Result<(), Error> {
        self.finish_chunk()?;
        let synced = self.file.flush().and_then(|()| self.file.get_ref().sync_all());
        synced.map_err(Error::io(&self.path, "can't write the frozen list"))?;
        frozen.n_valid = self.n_valid;
        frozen.content_hash = hex(&self.hash.finalize());
        let plan = PlanFile { format: FORMAT, frozen: frozen.clone(), chunks: self.chunks, erased: 0 };
        let (path, unfinished) = (dir.join(PLAN), dir.join("plan.json.new"));
        let write = || {
            let mut file = File::create(&unfinished)?;
            serde_json::to_writer(&mut file, &plan)?;
            file.sync_all()?;
            fs::rename(&unfinished, &path)?;
            File::open(dir)?.sync_all()
        };
        write().map_err(Error::io(&path, "can't write the plan"))
    }
}

fn gone_is_fine(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

/// A frozen list, open for reading.
#[derive(Debug)]
pub struct Plan {
    path: PathBuf,
    file: File,
    plan: PlanFile,
}

impl Plan {
    /// Opens the plan in `dir`.
    ///
    /// # Errors
    /// When it isn't there, can't be read, or isn't whole.
    pub fn open(dir: &Path) -> Result<Self, Error> {
        let path = dir.join(PLAN);
        let text = fs::read(&path).map_err(Error::io(&path, "can't read the plan"))?;
        let plan: Option<PlanFile> = serde_json::from_slice(&text).ok();
        let plan = plan.filter(|plan| plan.format == FORMAT && plan.chunks.len() == plan.n_chunks() as usize);
        let plan = plan.ok_or(Error::Damaged { path, offset: 0, what: "not a plan of this version" })?;
        let path = dir.join(LIST);
        let opened = File::open(&path).and_then(|file| file.metadata().map(|metadata| (file, metadata.len())));
        let (file, len) = opened.map_err(Error::io(&path, "can't open the frozen list"))?;
        let expected = plan.chunks.last().map_or(0, |(offset, len)| offset + u64::from(*len));
        if len != expected {
            return Err(Error::Damaged { path, offset: len.min(expected), what: "its length is not that of the plan" });
        }
        Ok(Self { path, file, plan })
    }

    /// The list in numbers.
    #[must_use]
    pub const fn frozen(&self) -> &Frozen {
        &self.plan.frozen
    }

    /// Rows that can be sent.
    #[must_use]
    pub const fn n_valid(&self) -> u32 {
        self.plan.frozen.n_valid
    }

    /// Rows that were erased.
    #[must_use]
    pub const fn n_erased(&self) -> u32 {
        self.plan.erased
    }

    /// Chunks that they lie in.
    #[must_use]
    pub const fn n_chunks(&self) -> u32 {
        self.plan.n_chunks()
    }

    /// The columns that rows give, in their order.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        &self.plan.frozen.options.columns
    }

    /// SHA-256 of what was frozen, in hex.
    #[must_use]
    pub fn content_hash(&self) -> &str {
        &self.plan.frozen.content_hash
    }

    /// SHA-256 of the CSV as it was, in hex.
    #[must_use]
    pub fn source_hash(&self) -> &str {
        &self.plan.frozen.source_hash
    }

    /// Reads chunk `number` into `chunk`, whose memory is used again.
    ///
    /// # Errors
    /// When it can't be read or was damaged.
    pub fn read_chunk(&self, number: u32, chunk: &mut PlanChunk) -> Result<(), Error> {
        let damaged = |offset, what| Error::Damaged { path: self.path.clone(), offset, what };
        let (offset, len) = *self.plan.chunks.get(number as usize).ok_or_else(|| damaged(0, "no such chunk"))?;
        chunk.octets.resize(len as usize, 0);
        self.file
            .read_exact_at(&mut chunk.octets, offset)
            .map_err(Error::io(&self.path, "can't read the frozen list"))?;
        let (head, payload) = chunk.octets.split_at_checked(CHUNK_HEAD).ok_or_else(|| damaged(offset, "too short"))?;
        let crc = head.get(4..).and_then(|crc| crc.try_into().ok()).map(u32::from_le_bytes);
        if crc != Some(crc32c::crc32c(payload)) {
            return Err(damaged(offset, "wrong checksum"));
        }
        let n_columns = self.plan.frozen.options.columns.len();
        let n_rows = self.n_valid().saturating_sub(number * CHUNK_ROWS).min(CHUNK_ROWS);
        chunk.index(n_rows, n_columns).ok_or_else(|| damaged(offset, "rows are missing"))
    }
}

/// A chunk's rows. Reused from chunk to chunk.
#[derive(Debug, Default)]
pub struct PlanChunk {
    octets: Vec<u8>,
    starts: Vec<u32>,
}

/// One row of a frozen list.
#[derive(Debug, Clone, Copy)]
pub struct PlanRow<'a> {
    /// Its number; `None` when the row was erased: it must not be sent to, and its columns are empty.
    pub msisdn: Option<Msisdn>,
    /// Its line in the CSV.
    pub line: u64,
    fields: &'a [u8],
}

impl PlanChunk {
    fn index(&mut self, n_rows: u32, n_columns: usize) -> Option<()> {
        self.starts.clear();
        let mut at = CHUNK_HEAD;
        for _ in 0..n_rows {
            self.starts.push(at as u32);
            at += 16;
            for _ in 0..n_columns {
                let len = self.octets.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes)?;
                at += 4 + len as usize;
            }
        }
        (at == self.octets.len()).then_some(())
    }

    /// The row at `offset` of the chunk.
    #[must_use]
    pub fn row(&self, offset: u16) -> Option<PlanRow<'_>> {
        let start = *self.starts.get(usize::from(offset))? as usize;
        let rest = self.octets.get(start..)?;
        let (msisdn, rest) = rest.split_first_chunk()?;
        let (line, fields) = rest.split_first_chunk()?;
        let msisdn = match u64::from_le_bytes(*msisdn) {
            ERASED => None,
            number => Some(Msisdn::from_u64(number)?),
        };
        Some(PlanRow { msisdn, line: u64::from_le_bytes(*line), fields })
    }
}

impl<'a> PlanRow<'a> {
    /// The value of column `index` of the list's columns.
    #[must_use]
    pub fn field(&self, index: usize) -> &'a str {
        let mut rest = self.fields;
        for _ in 0..index {
            rest = next_field(rest).map(|(_, rest)| rest).unwrap_or_default();
        }
        next_field(rest).and_then(|(field, _)| std::str::from_utf8(field).ok()).unwrap_or_default()
    }
}

fn next_field(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = octets.split_first_chunk()?;
    rest.split_at_checked(u32::from_le_bytes(*len) as usize)
}
