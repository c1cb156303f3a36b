//! Freezing: one pass over the list, after which what is sent no longer depends on the CSV.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use csv::ByteRecord;
use hashbrown::{HashMap, hash_map::Entry};
use serde::{Deserialize, Serialize};
use volley_core::Msisdn;

use crate::{
    Error,
    csv_list::CsvList,
    judge::{Batch, Judge, Judged, NOT_UTF8, Row},
    number,
    plan::PlanWriter,
    rejects::{RejectedRow, RejectsWriter},
};

/// Rejected rows kept for the screen.
const SAMPLES: usize = 5;
/// A file with so large a share of rows that aren't UTF-8 is in another encoding as a whole.
const FOREIGN_SHARE: f64 = 0.01;

/// How a list is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListOptions {
    /// The CSV.
    pub list: PathBuf,
    /// The column with the number.
    pub to: String,
    /// Country of numbers without a country code.
    pub default_country: Option<String>,
    /// The delimiter, if it should not be found out.
    pub delimiter: Option<char>,
    /// The columns to keep, in the order in which rows give them.
    pub columns: Vec<String>,
}

/// What is checked of a row beyond its number: that its text can be made, and fits. Called from
/// several threads.
pub trait RowCheck: Sync {
    /// What checking reuses from row to row, on one thread.
    type Scratch: Default + Send;

    /// Facts of a row that can be sent.
    ///
    /// # Errors
    /// Why it can't be sent.
    fn check(&self, row: &RowView<'_>, scratch: &mut Self::Scratch) -> Result<RowFacts, Rejection>;
}

/// A valid row while it is being frozen.
#[derive(Debug)]
pub struct RowView<'a> {
    /// Its number.
    pub msisdn: Msisdn,
    pub(crate) record: &'a ByteRecord,
    pub(crate) columns: &'a [usize],
}

impl RowView<'_> {
    /// The value of column `index` of [`ListOptions::columns`].
    #[must_use]
    pub fn field(&self, index: usize) -> &str {
        let field = self.columns.get(index).and_then(|column| self.record.get(*column));
        field.and_then(|octets| std::str::from_utf8(octets).ok()).unwrap_or_default()
    }
}

/// What is known of a row that can be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowFacts {
    /// Segments of its text.
    pub n_segments: u8,
}

/// Why a row can't be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The column at fault, if it is one.
    pub column: Option<String>,
    /// A short word, the same for all rows with the same fault.
    pub code: &'static str,
    /// A sentence for people.
    pub reason: String,
}

/// How far freezing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FreezeProgress {
    /// Rows read.
    pub n_rows: u64,
    /// Octets read.
    pub n_bytes: u64,
    /// Octets of the file.
    pub total_bytes: u64,
}

/// A frozen list in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frozen {
    /// How it was read.
    pub options: ListOptions,
    /// Records of the CSV, without its header.
    pub n_rows: u64,
    /// Rows that can be sent.
    pub n_valid: u32,
    /// Segments of all of them.
    pub n_segments: u64,
    /// Rows by number of segments.
    pub by_segments: BTreeMap<u8, u64>,
    /// Rejected rows by code.
    pub rejected: BTreeMap<String, u64>,
    /// The first of them.
    pub samples: Vec<RejectedRow>,
    /// SHA-256 of what was frozen, in hex.
    pub content_hash: String,
    /// SHA-256 of the CSV, in hex.
    pub source_hash: String,
}

/// Reads the list and writes the plan into `dir`: the frozen list, and what was rejected. Rows are
/// judged on all cores and settled in the order of the list.
///
/// # Errors
/// When the list can't be used as a whole, or files can't be read or written.
pub fn freeze<C: RowCheck>(
    options: &ListOptions,
    check: &C,
    dir: &Path,
    progress: &mut dyn FnMut(FreezeProgress),
) -> Result<Frozen, Error> {
    let path = options.list.as_path();
    if let Some(country) = options.default_country.as_deref().filter(|country| !number::is_country(country)) {
        return Err(Error::UnknownCountry { country: country.to_owned() });
    }
    let mut list = CsvList::open(path, options.delimiter)?;
    let to = list.column(path, &options.to)?;
    let columns = options.columns.iter().map(|name| list.column(path, name)).collect::<Result<Vec<_>, _>>()?;
    let total_bytes = fs::metadata(path).map_or(0, |metadata| metadata.len());
    fs::create_dir_all(dir).map_err(Error::io(dir, "can't create the campaign's folder"))?;
    let mut pass = Pass {
        options,
        seen: HashMap::default(),
        plan: PlanWriter::create(dir, &options.columns)?,
        rejects: RejectsWriter::create(dir, &list.header)?,
        n_rows: 0,
        n_segments: 0,
        by_segments: BTreeMap::new(),
        rejected: BTreeMap::new(),
        samples: Vec::new(),
        first_foreign: None,
    };
    let judge = Judge { options, header: list.header.clone(), to, columns, check };
    let mut batch = Batch::<C>::new();
    while batch.read(&mut list, path)? {
        batch.judge(&judge);
        for (row, judged) in batch.judged() {
            pass.settle(&judge, row, judged)?;
        }
        progress(FreezeProgress { n_rows: pass.n_rows, n_bytes: list.byte().min(total_bytes), total_bytes });
    }
    progress(FreezeProgress { n_rows: pass.n_rows, n_bytes: total_bytes, total_bytes });
    pass.finish(list.hash(), dir)
}

/// What all rows before have come to.
struct Pass<'a> {
    options: &'a ListOptions,
    /// Number to the line where it stands first.
    seen: HashMap<u64, u32, foldhash::fast::FixedState>,
    plan: PlanWriter,
    rejects: RejectsWriter,
    n_rows: u64,
    n_segments: u64,
    by_segments: BTreeMap<u8, u64>,
    rejected: BTreeMap<String, u64>,
    samples: Vec<RejectedRow>,
    /// Line and byte of the first octet that isn't UTF-8.
    first_foreign: Option<(u64, u64)>,
}

impl Pass<'_> {
    fn settle<C: RowCheck>(&mut self, judge: &Judge<'_, C>, row: &Row, judged: Judged) -> Result<(), Error> {
        self.n_rows += 1;
        let line = row.place.line;
        if let (None, Some(byte)) = (self.first_foreign, row.first_foreign) {
            self.first_foreign = Some((line, byte));
        }
        let judged = judged.and_then(|(msisdn, facts)| {
            self.first_of(msisdn, line)?;
            Ok((msisdn, facts?))
        });
        match judged {
            Ok((msisdn, facts)) => {
                self.n_segments += u64::from(facts.n_segments);
                *self.by_segments.entry(facts.n_segments).or_default() += 1;
                let fields = judge.columns.iter().map(|column| row.record.get(*column).unwrap_or_default());
                self.plan.push(&self.options.list, msisdn, line, fields)
            }
            Err(rejection) => {
                *self.rejected.entry(rejection.code.to_owned()).or_default() += 1;
                let raw = String::from_utf8_lossy(row.record.get(judge.to).unwrap_or_default()).into_owned();
                let Rejection { column, code, reason } = rejection;
                let rejected = RejectedRow { line, column, code: code.to_owned(), reason, raw };
                self.rejects.push(&row.record, &rejected)?;
                if self.samples.len() < SAMPLES {
                    self.samples.push(rejected);
                }
                Ok(())
            }
        }
    }

    /// The first row with a number wins, whatever becomes of it.
    fn first_of(&mut self, msisdn: Msisdn, line: u64) -> Result<(), Rejection> {
        match self.seen.entry(msisdn.as_u64()) {
            Entry::Occupied(first) => Err(Rejection {
                column: Some(self.options.to.clone()),
                code: "duplicate",
                reason: format!("the same number stands in line {}", first.get()),
            }),
            Entry::Vacant(entry) => {
                entry.insert(u32::try_from(line).unwrap_or(u32::MAX));
                Ok(())
            }
        }
    }

    fn finish(self, source_hash: String, dir: &Path) -> Result<Frozen, Error> {
        let path = self.options.list.clone();
        if self.n_rows == 0 {
            return Err(Error::Empty { path, has_header: true });
        }
        let n_foreign = self.rejected.get(NOT_UTF8).copied().unwrap_or(0);
        if let Some((line, byte)) = self.first_foreign
            && n_foreign as f64 > self.n_rows as f64 * FOREIGN_SHARE
        {
            return Err(Error::NotUtf8 { path, line, byte });
        }
        self.rejects.finish()?;
        let mut frozen = Frozen {
            options: self.options.clone(),
            n_rows: self.n_rows,
            n_valid: 0,
            n_segments: self.n_segments,
            by_segments: self.by_segments,
            rejected: self.rejected,
            samples: self.samples,
            content_hash: String::new(),
            source_hash,
        };
        self.plan.finish(dir, &mut frozen)?;
        Ok(frozen)
    }
}
