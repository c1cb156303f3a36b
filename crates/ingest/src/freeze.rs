//! Freezing: one pass over the list, after which what is sent no longer depends on the CSV.

use std::{collections::BTreeMap, fs, path::Path, path::PathBuf};

use csv::ByteRecord;
use hashbrown::{HashMap, hash_map::Entry};
use serde::{Deserialize, Serialize};
use volley_core::Msisdn;

use crate::{
    Error,
    csv_list::{CsvList, MAX_RECORD_BYTES, Place, Quoting},
    number::{self, NumberError},
    plan::PlanWriter,
    rejects::{RejectedRow, RejectsWriter},
};

/// Rejected rows kept for the screen.
const SAMPLES: usize = 5;
/// Rows between two reports of progress.
const PROGRESS_ROWS: u64 = 4_096;
/// A file with so large a share of rows that aren't UTF-8 is in another encoding as a whole.
const FOREIGN_SHARE: f64 = 0.01;

/// The code of rows that aren't UTF-8.
const NOT_UTF8: &str = "not-utf8";

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

/// What is checked of a row beyond its number: that its text can be made, and fits.
pub trait RowCheck {
    /// What checking reuses from row to row.
    type Scratch: Default;

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
    record: &'a ByteRecord,
    columns: &'a [usize],
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

/// Reads the list and writes the plan into `dir`: the frozen list, and what was rejected.
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
        header: list.header.clone(),
        to,
        columns,
        seen: HashMap::default(),
        plan: PlanWriter::create(dir)?,
        rejects: RejectsWriter::create(dir, &list.header)?,
        n_rows: 0,
        n_segments: 0,
        by_segments: BTreeMap::new(),
        rejected: BTreeMap::new(),
        samples: Vec::new(),
        first_foreign: None,
    };
    let mut record = ByteRecord::new();
    let mut scratch = C::Scratch::default();
    while list.read(path, &mut record)? {
        pass.row(&list, &record, check, &mut scratch)?;
        if pass.n_rows.is_multiple_of(PROGRESS_ROWS) {
            let n_bytes = record.position().map_or(0, csv::Position::byte);
            progress(FreezeProgress { n_rows: pass.n_rows, n_bytes, total_bytes });
        }
    }
    progress(FreezeProgress { n_rows: pass.n_rows, n_bytes: total_bytes, total_bytes });
    pass.finish(list.hash(), dir)
}

struct Pass<'a> {
    options: &'a ListOptions,
    header: Vec<String>,
    to: usize,
    columns: Vec<usize>,
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
    fn row<C: RowCheck>(
        &mut self,
        list: &CsvList,
        record: &ByteRecord,
        check: &C,
        scratch: &mut C::Scratch,
    ) -> Result<(), Error> {
        self.n_rows += 1;
        let Place { line, byte } = list.place(record);
        let judged = match list.quoting(record) {
            Quoting::Sound => self.judge(record, line, check, scratch),
            // What the quotes hold together may be rows of other people.
            Quoting::Broken | Quoting::Open => Err(Rejection {
                column: None,
                code: "broken-quotes",
                reason: "a quote is not closed in its line, and following lines were taken for its text".to_owned(),
            }),
        };
        if self.first_foreign.is_none() && judged.as_ref().is_err_and(|rejection| rejection.code == NOT_UTF8) {
            self.first_foreign = Some((line, list.first_foreign(byte)));
        }
        match judged {
            Ok((msisdn, facts)) => {
                self.n_segments += u64::from(facts.n_segments);
                *self.by_segments.entry(facts.n_segments).or_default() += 1;
                let fields = self.columns.iter().map(|column| record.get(*column).unwrap_or_default());
                self.plan.push(&self.options.list, msisdn, line, fields)
            }
            Err(rejection) => {
                *self.rejected.entry(rejection.code.to_owned()).or_default() += 1;
                let raw = String::from_utf8_lossy(record.get(self.to).unwrap_or_default()).into_owned();
                let Rejection { column, code, reason } = rejection;
                let rejected = RejectedRow { line, column, code: code.to_owned(), reason, raw };
                self.rejects.push(record, &rejected)?;
                if self.samples.len() < SAMPLES {
                    self.samples.push(rejected);
                }
                Ok(())
            }
        }
    }

    fn judge<C: RowCheck>(
        &mut self,
        record: &ByteRecord,
        line: u64,
        check: &C,
        scratch: &mut C::Scratch,
    ) -> Result<(Msisdn, RowFacts), Rejection> {
        let whole_row = |code, reason| Rejection { column: None, code, reason };
        if record.as_slice().len() > MAX_RECORD_BYTES {
            let reason = format!("the row has {} octets: {MAX_RECORD_BYTES} are allowed", record.as_slice().len());
            return Err(whole_row("row-too-long", reason));
        }
        if record.len() != self.header.len() {
            let reason = format!("the row has {} fields: the header has {}", record.len(), self.header.len());
            return Err(whole_row("ragged-row", reason));
        }
        if std::str::from_utf8(record.as_slice()).is_err() {
            let column = record.iter().position(|field| std::str::from_utf8(field).is_err());
            let column = column.and_then(|at| self.header.get(at)).cloned();
            return Err(Rejection { column, code: NOT_UTF8, reason: "the row is not UTF-8 text".to_owned() });
        }
        let in_to = |code, reason| Rejection { column: Some(self.options.to.clone()), code, reason };
        let raw = std::str::from_utf8(record.get(self.to).unwrap_or_default()).unwrap_or_default();
        let number = number::normalise(raw, self.options.default_country.as_deref()).map_err(|error| {
            let code = match error {
                NumberError::Missing => "missing-number",
                NumberError::Spreadsheet(_) => "spreadsheet-number",
                NumberError::NoCountry => "no-country",
                NumberError::NotANumber => "invalid-number",
            };
            in_to(code, error.to_string())
        })?;
        if !number.is_valid() {
            return Err(in_to("invalid-number", "the number lies in no range that is in use".to_owned()));
        }
        if !number.kind.can_get_sms() {
            return Err(in_to("not-a-mobile", format!("the number is {}", number.kind.name())));
        }
        match self.seen.entry(number.msisdn.as_u64()) {
            Entry::Occupied(first) => {
                return Err(in_to("duplicate", format!("the same number stands in line {}", first.get())));
            }
            Entry::Vacant(entry) => drop(entry.insert(u32::try_from(line).unwrap_or(u32::MAX))),
        }
        let row = RowView { msisdn: number.msisdn, record, columns: &self.columns };
        check.check(&row, scratch).map(|facts| (number.msisdn, facts))
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
