//! Settling rows in the order of the list: what depends on the rows before.

use std::{collections::BTreeMap, path::Path};

use volley_core::Msisdn;

use super::{
    Duplicates, FreezeProgress, Frozen, ListOptions, Rejection, RowCheck, RowFacts, RowView, VariantCount, judge_of,
    run,
};
use crate::{
    Compression, Encoding, Error, ListForm,
    blocks::{Block, Blocks},
    form::CsvFormat,
    judge::{Batch, JudgedRow, NOT_UTF8, Refused, Verdict},
    number::Country,
    plan::PlanWriter,
    record::{Record, Walk, walk},
    rejects::{RejectedRow, RejectsWriter},
    seen::{MAX_LINE, Seen},
};

/// Rejected rows kept for the screen.
const SAMPLES: usize = 5;
/// A file with so large a share of rows that aren't UTF-8 is in another encoding as a whole.
const FOREIGN_SHARE: f64 = 0.01;
/// Octets of a row at least, by which the room for numbers is estimated before any was read.
const SHORT_ROW: u64 = 32;
/// Rows whose numbers are looked up together.
const NEAR_ROWS: usize = 32;
/// Numbers that room is made for beforehand at most.
const MAX_ROOM: u64 = 200_000_000;

/// The last line of each number, from a pass of its own.
pub(super) struct LastLines {
    seen: Seen,
    source_hash: String,
}

struct AcceptAll;

impl RowCheck for AcceptAll {
    type Scratch = ();

    fn check(&self, _row: &RowView<'_>, (): &mut ()) -> Result<RowFacts, Rejection> {
        Ok(RowFacts::default())
    }
}

impl LastLines {
    pub(super) fn find(options: &ListOptions, progress: &mut dyn FnMut(FreezeProgress)) -> Result<Self, Error> {
        let options = ListOptions { columns: Vec::new(), ..options.clone() };
        let (blocks, header) = Blocks::open(&options)?;
        let judge = judge_of(&options, &blocks, header, &AcceptAll)?;
        let form = blocks.form();
        let mut seen = None;
        let mut n_rows = 0;
        let blocks = run(blocks, &judge, &options, &mut |batch| {
            let seen = seen.get_or_insert_with(|| room_for(batch, form));
            for row in &batch.rows {
                if row.line >= MAX_LINE {
                    return Err(Error::TooLong { path: options.list.clone() });
                }
                if let Verdict::Valid { head, .. } = &row.verdict {
                    head.msisdn.into_iter().for_each(|msisdn| seen.keep_last(msisdn, row.line));
                }
            }
            n_rows += batch.rows.len() as u64;
            let (n_bytes, total_bytes) = batch.block.progress;
            progress(FreezeProgress { n_rows, n_bytes, total_bytes, is_end: false });
            Ok(())
        })?;
        Ok(Self { seen: seen.unwrap_or_else(|| Seen::with_room_for(0)), source_hash: blocks.hash() })
    }
}

/// Room for the numbers of a whole list, by its first block.
fn room_for(batch: &Batch, form: ListForm) -> Seen {
    let (n_read, total) = batch.block.progress;
    let n_rows = batch.rows.len() as u64;
    let n_text = batch.block.octets.len() as u64;
    // Octets of the file that the block stands for. Of a compressed list more are read than that.
    let n_octets = match (form.compression, form.encoding) {
        (Compression::Gzip | Compression::Zstd, _) => n_read,
        (Compression::None, Encoding::Utf16Le | Encoding::Utf16Be) => 2 * n_text,
        (Compression::None, Encoding::Utf8 | Encoding::Windows1252) => n_text,
    };
    let share = |total: u64| match batch.block.is_last {
        true => n_rows,
        false => total.saturating_mul(n_rows) / n_octets.max(1),
    };
    let n_rows = total.map_or(n_text / SHORT_ROW, share);
    Seen::with_room_for((n_rows + n_rows / 50).min(MAX_ROOM))
}

/// The number of a row that is asked for among those before.
fn number_of(row: &JudgedRow) -> Option<Msisdn> {
    match &row.verdict {
        Verdict::Valid { head, .. } => head.msisdn,
        Verdict::Refused(refused) => refused.msisdn,
    }
}

/// What all rows before have come to.
pub(super) struct Settle<'a> {
    options: &'a ListOptions,
    header: &'a [String],
    to: usize,
    csv: CsvFormat,
    form: ListForm,
    seen: Option<Seen>,
    /// Where the last row with a number wins: the hash of the file that was read before.
    last_of: Option<String>,
    plan: PlanWriter,
    rejects: RejectsWriter,
    walk: Walk,
    one: Block,
    n_rows: u64,
    n_segments: u64,
    by_segments: BTreeMap<u8, u64>,
    by_variant: Vec<VariantCount>,
    by_country: Vec<u64>,
    rejected: BTreeMap<&'static str, u64>,
    samples: Vec<RejectedRow>,
    /// Line and byte of the first octet that isn't UTF-8.
    first_foreign: Option<(u64, u64)>,
}

impl<'a> Settle<'a> {
    pub(super) fn new(
        options: &'a ListOptions,
        header: &'a [String],
        to: usize,
        csv: CsvFormat,
        dir: &Path,
        last: Option<LastLines>,
        blocks: &Blocks,
    ) -> Result<Self, Error> {
        let (seen, last_of) = last.map(|last| (last.seen, last.source_hash)).unzip();
        Ok(Self {
            options,
            header,
            to,
            csv,
            form: blocks.form(),
            seen,
            last_of,
            plan: PlanWriter::create(dir, &options.columns)?,
            rejects: RejectsWriter::create(dir, header, options.rejects.as_ref())?,
            walk: Walk::default(),
            one: Block::default(),
            n_rows: 0,
            n_segments: 0,
            by_segments: BTreeMap::new(),
            by_variant: vec![VariantCount::default(); usize::from(u8::MAX) + 1],
            by_country: vec![0; usize::from(Country::NON_GEOGRAPHIC.index()) + 1],
            rejected: BTreeMap::new(),
            samples: Vec::new(),
            first_foreign: None,
        })
    }

    pub(super) fn batch(&mut self, batch: &Batch) -> Result<(), Error> {
        if self.seen.is_none() {
            self.seen = Some(room_for(batch, self.form));
        }
        let mut n_segments = [0_u64; 256];
        for rows in batch.rows.chunks(NEAR_ROWS) {
            self.seen.iter().for_each(|seen| seen.bring_near(rows.iter().filter_map(number_of)));
            rows.iter().try_for_each(|row| self.row(batch, row, &mut n_segments))?;
        }
        for (n, n_rows) in (0..=u8::MAX).zip(n_segments).filter(|(_, n_rows)| *n_rows > 0) {
            self.n_segments += u64::from(n) * n_rows;
            *self.by_segments.entry(n).or_default() += n_rows;
        }
        Ok(())
    }

    fn row(&mut self, batch: &Batch, row: &JudgedRow, n_segments: &mut [u64; 256]) -> Result<(), Error> {
        self.n_rows += 1;
        match &row.verdict {
            Verdict::Valid { head, n_segments: n, is_ucs2, fields } => {
                if let Some(rejection) = head.msisdn.and_then(|msisdn| self.duplicate(msisdn, row.line)) {
                    return self.reject(batch, row, rejection);
                }
                n_segments.get_mut(usize::from(*n)).into_iter().for_each(|n_rows| *n_rows += 1);
                if let Some(count) = self.by_variant.get_mut(usize::from(head.variant)) {
                    count.n_rows += 1;
                    count.n_segments += u64::from(*n);
                    count.n_ucs2 += u64::from(*is_ucs2);
                }
                let country = usize::from(head.country.index());
                self.by_country.get_mut(country).into_iter().for_each(|n_rows| *n_rows += 1);
                let fields = batch.fields.get(fields.start as usize..fields.end as usize).unwrap_or_default();
                self.plan.push(&self.options.list, *head, row.line, fields)?;
            }
            Verdict::Refused(refused) => {
                let Refused { msisdn, rejection, first_foreign } = &**refused;
                let byte = first_foreign.map(|byte| (row.line, byte));
                self.first_foreign = self.first_foreign.or(byte);
                let duplicate = msisdn.and_then(|msisdn| self.duplicate(msisdn, row.line));
                self.reject(batch, row, duplicate.unwrap_or_else(|| rejection.clone()))?;
            }
        }
        Ok(())
    }

    /// Whether another row with this number wins, whatever becomes of it.
    fn duplicate(&mut self, msisdn: Msisdn, line: u64) -> Option<Rejection> {
        let seen = self.seen.as_mut()?;
        let winner = match self.options.duplicates {
            Duplicates::First => seen.first(msisdn, line)?,
            Duplicates::Last => seen.line_of(msisdn).filter(|winner| *winner != line)?,
        };
        let reason = match winner {
            MAX_LINE => format!("the same number stands in an earlier line, behind line {MAX_LINE}"),
            winner => format!("the same number stands in line {winner}"),
        };
        Some(Rejection { column: self.header.get(self.to).cloned(), code: "duplicate", reason })
    }

    fn reject(&mut self, batch: &Batch, row: &JudgedRow, rejection: Rejection) -> Result<(), Error> {
        *self.rejected.entry(rejection.code).or_default() += 1;
        let Self { one, walk: buffers, rejects, samples, to, .. } = self;
        let raw = batch.block.octets.get(row.raw.start as usize..row.raw.end as usize).unwrap_or_default();
        one.octets.clear();
        one.octets.extend_from_slice(raw);
        one.has_quotes = batch.block.has_quotes;
        let Rejection { column, code, reason } = rejection;
        let mut rejected = RejectedRow { line: row.line, column, code: code.to_owned(), reason, raw: String::new() };
        let mut written = None;
        walk(one, self.csv, buffers, &mut |record, _| {
            let raw = record.get(*to).unwrap_or_default();
            rejected.raw = String::from_utf8_lossy(raw).into_owned();
            written = Some(rejects.push(record, &rejected));
            std::ops::ControlFlow::Break(())
        });
        // A row that is nothing but a byte order mark is no record by itself.
        let written = written.unwrap_or_else(|| {
            rejected.raw = String::from_utf8_lossy(raw).into_owned();
            rejects.push(Record::new(raw, &[(0, raw.len() as u32)]), &rejected)
        });
        if samples.len() < SAMPLES {
            samples.push(rejected);
        }
        written
    }

    pub(super) fn progress(&self, batch: &Batch) -> FreezeProgress {
        let (n_bytes, total_bytes) = batch.block.progress;
        FreezeProgress { n_rows: self.n_rows, n_bytes, total_bytes, is_end: false }
    }

    pub(super) fn finish(
        self,
        shown: &ListOptions,
        source_hash: String,
        dir: &Path,
        progress: &mut dyn FnMut(FreezeProgress),
    ) -> Result<Frozen, Error> {
        let path = self.options.list.clone();
        if self.n_rows == 0 {
            return Err(Error::Empty { path, has_header: self.options.header && !self.header.is_empty() });
        }
        if self.last_of.as_ref().is_some_and(|first| *first != source_hash) {
            return Err(Error::ChangedMeanwhile { path });
        }
        let n_foreign = self.rejected.get(NOT_UTF8).copied().unwrap_or(0);
        if let Some((line, byte)) = self.first_foreign
            && n_foreign as f64 > self.n_rows as f64 * FOREIGN_SHARE
        {
            return Err(Error::NotUtf8 { path, line, byte });
        }
        self.rejects.finish()?;
        let by_country = self.by_country.iter().zip(0..).filter(|(n_rows, _)| **n_rows > 0);
        let by_variant = self.by_variant.iter().zip(0..=u8::MAX).filter(|(count, _)| count.n_rows > 0);
        let name = |index| Country::from_index(index).unwrap_or_default().to_string();
        let mut frozen = Frozen {
            options: ListOptions { to: self.header.get(self.to).cloned().unwrap_or_default(), ..shown.clone() },
            form: self.form,
            n_rows: self.n_rows,
            n_valid: 0,
            n_segments: self.n_segments,
            by_segments: self.by_segments,
            by_variant: by_variant.map(|(count, number)| (number, *count)).collect(),
            by_country: by_country.map(|(n_rows, index)| (name(index), *n_rows)).collect(),
            rejected: self.rejected.into_iter().map(|(code, n_rows)| (code.to_owned(), n_rows)).collect(),
            samples: self.samples,
            content_hash: String::new(),
            source_hash,
        };
        self.plan.finish(dir, &mut frozen)?;
        let n_bytes = 0;
        progress(FreezeProgress { n_rows: frozen.n_rows, n_bytes, total_bytes: None, is_end: true });
        Ok(frozen)
    }
}
