//! The frozen list: what is sent, whatever happens to the CSV.
//!
//! `list.bin` holds chunks of 4,096 rows one after the other, each with its length and CRC32C;
//! `plan.json` the numbers of the list and where its chunks lie. An older plan in the folder goes
//! first and the new one is renamed into place last, so that a plan is whole or not there. Rows of
//! people who were erased keep their place, line and kind, and nothing else.
//!
//! A row is 8 octets (from the lowest bit: 50 of the number, 4 of its kind, 10 of its country),
//! its set of time zones in 2, its variant in 1, how many lines it stands below the row before as
//! a varint, and its fields, each behind its length as a varint.

mod erase;
mod write;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use volley_core::{CHUNK_ROWS, Msisdn};

pub(crate) use self::write::{PlanWriter, put_field};
use crate::{
    Error, Frozen,
    number::{Country, NumberKind},
};

pub use erase::{ErasedPlan, erase_plan};

const LIST: &str = "list.bin";
const PLAN: &str = "plan.json";
/// The version of both files.
const FORMAT: u32 = 2;
/// Octets before a chunk: its length and CRC32C.
const CHUNK_HEAD: usize = 8;
/// What stands in place of the number of an erased row; no number is 0.
const ERASED: u64 = 0;
/// Octets of a row before its line.
const ROW_HEAD: usize = 11;
const NUMBER_BITS: u32 = 50;
const KIND_BITS: u32 = 4;

/// What a row says besides its line and fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RowHead {
    /// `None`: erased.
    pub(crate) msisdn: Option<Msisdn>,
    pub(crate) kind: NumberKind,
    pub(crate) country: Country,
    /// Of [`crate::number::ZoneSet`].
    pub(crate) zones: u16,
    pub(crate) variant: u8,
}

impl RowHead {
    fn to_octets(self) -> [u8; ROW_HEAD] {
        let kind = u64::from(self.kind.index()) << NUMBER_BITS;
        let country = u64::from(self.country.index()) << (NUMBER_BITS + KIND_BITS);
        let [a, b, c, d, e, f, g, h] = (self.msisdn.map_or(ERASED, Msisdn::as_u64) | kind | country).to_le_bytes();
        let [i, j] = self.zones.to_le_bytes();
        [a, b, c, d, e, f, g, h, i, j, self.variant]
    }

    fn from_octets(octets: [u8; ROW_HEAD]) -> Option<Self> {
        let [a, b, c, d, e, f, g, h, i, j, variant] = octets;
        let packed = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
        let msisdn = match packed & ((1 << NUMBER_BITS) - 1) {
            ERASED => None,
            number => Some(Msisdn::from_u64(number)?),
        };
        let kind = packed >> NUMBER_BITS & ((1 << KIND_BITS) - 1);
        Some(Self {
            msisdn,
            kind: *NumberKind::ALL.get(usize::try_from(kind).ok()?)?,
            country: Country::from_index((packed >> (NUMBER_BITS + KIND_BITS)) as u16)?,
            zones: u16::from_le_bytes([i, j]),
            variant,
        })
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct PlanFile {
    format: u32,
    frozen: Frozen,
    /// The time zones of the sets that rows name: other versions may number them otherwise.
    zones: BTreeMap<u16, Vec<String>>,
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

/// Of any version.
#[derive(Deserialize)]
struct AnyPlan {
    format: u32,
}

impl PlanFile {
    const fn n_chunks(&self) -> u32 {
        self.frozen.n_valid.div_ceil(CHUNK_ROWS)
    }
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
        if let Some(AnyPlan { format }) =
            serde_json::from_slice(&text).ok().filter(|any: &AnyPlan| any.format != FORMAT)
        {
            return Err(Error::OtherVersion { path, format, ours: FORMAT });
        }
        let plan: Option<PlanFile> = serde_json::from_slice(&text).ok();
        let plan = plan.filter(|plan| plan.chunks.len() == plan.n_chunks() as usize);
        let plan = plan.ok_or(Error::Damaged { path, offset: 0, what: "not a whole plan" })?;
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

    /// The time zones that a row may be in (IANA names), as they were known when it was frozen;
    /// none where nothing was known.
    #[must_use]
    pub fn time_zones(&self, row: &PlanRow<'_>) -> &[String] {
        self.plan.zones.get(&row.zones).map_or(&[], Vec::as_slice)
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
    /// Where each row begins, where its fields do, and its line.
    rows: Vec<(u32, u32, u64)>,
}

/// One row of a frozen list.
#[derive(Debug, Clone, Copy)]
pub struct PlanRow<'a> {
    /// Its number; `None` when the row was erased: it must not be sent to, and its columns are empty.
    pub msisdn: Option<Msisdn>,
    /// Its line in the CSV.
    pub line: u64,
    /// What kind of line the number belongs to.
    pub kind: NumberKind,
    /// The country of the number's range.
    pub country: Country,
    /// Which of the campaign's texts it gets, from 0.
    pub variant: u8,
    zones: u16,
    fields: &'a [u8],
}

impl PlanChunk {
    fn index(&mut self, n_rows: u32, n_columns: usize) -> Option<()> {
        self.rows.clear();
        let (mut at, mut line) = (CHUNK_HEAD, 0_u64);
        for _ in 0..n_rows {
            let start = at as u32;
            let rest = self.octets.get(at + ROW_HEAD..)?;
            let (below, mut rest) = varint(rest)?;
            line = line.checked_add(below)?;
            let fields = self.octets.len() - rest.len();
            for _ in 0..n_columns {
                rest = next_field(rest)?.1;
            }
            at = self.octets.len() - rest.len();
            self.rows.push((start, fields as u32, line));
        }
        (at == self.octets.len()).then_some(())
    }

    /// The row at `offset` of the chunk.
    #[must_use]
    pub fn row(&self, offset: u16) -> Option<PlanRow<'_>> {
        let (start, fields, line) = *self.rows.get(usize::from(offset))?;
        let head = RowHead::from_octets(*self.octets.get(start as usize..)?.first_chunk()?)?;
        let fields = self.octets.get(fields as usize..)?;
        let RowHead { msisdn, kind, country, zones, variant } = head;
        Some(PlanRow { msisdn, line, kind, country, variant, zones, fields })
    }
}

impl<'a> PlanRow<'a> {
    /// Which time zones it may be in, as a number: rows of a plan with the same have the same
    /// [`Plan::time_zones`].
    #[must_use]
    pub const fn zone_set(&self) -> u16 {
        self.zones
    }

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
    let (len, rest) = varint(octets)?;
    rest.split_at_checked(usize::try_from(len).ok()?)
}

/// LEB128.
fn varint(octets: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0;
    for (octet, shift) in octets.iter().zip((0..64).step_by(7)) {
        value |= u64::from(octet & 0x7F) << shift;
        if octet & 0x80 == 0 {
            return Some((value, octets.get(shift as usize / 7 + 1..)?));
        }
    }
    None
}
