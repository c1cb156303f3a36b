//! Freezing: one pass over the list, after which what is sent no longer depends on the CSV.

mod options;
mod pass;
mod settle;

use std::{collections::BTreeMap, fs, path::Path};

use serde::{Deserialize, Serialize};
use volley_core::Msisdn;

pub(crate) use self::options::column;
pub use self::options::{Duplicates, ListOptions};
use self::{
    pass::run,
    settle::{LastLines, Settle},
};
use crate::{
    Error, ListForm,
    blocks::Blocks,
    judge::Judge,
    number::{self, Country, NumberKind, Reading},
    record::Record,
    rejects::RejectedRow,
    source,
};

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
    pub(crate) reading: Reading,
    pub(crate) record: Record<'a>,
    pub(crate) columns: &'a [usize],
}

impl RowView<'_> {
    /// The value of column `index` of [`ListOptions::columns`].
    #[must_use]
    pub fn field(&self, index: usize) -> &str {
        let field = self.columns.get(index).and_then(|column| self.record.get(*column));
        field.and_then(|octets| std::str::from_utf8(octets).ok()).unwrap_or_default()
    }

    /// The country of the number's range.
    #[must_use]
    pub const fn country(&self) -> Country {
        self.reading.country
    }

    /// What kind of line the number belongs to.
    #[must_use]
    pub const fn kind(&self) -> NumberKind {
        self.reading.kind
    }

    /// The time zones that the number may be in (IANA names).
    #[must_use]
    pub fn time_zones(&self) -> &'static [&'static str] {
        self.reading.zones.names()
    }
}

/// What is known of a row that can be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RowFacts {
    /// Segments of its text.
    pub n_segments: u8,
    /// Which of the campaign's texts it gets, from 0.
    pub variant: u8,
    /// Whether its text needs UCS-2.
    pub is_ucs2: bool,
}

/// Rows that get the same of a campaign's texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct VariantCount {
    /// How many.
    pub n_rows: u64,
    /// Segments of all of them.
    pub n_segments: u64,
    /// Those whose text needs UCS-2.
    pub n_ucs2: u64,
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
    /// Octets read, as they lie in the file: of a compressed list, compressed ones.
    pub n_bytes: u64,
    /// Octets to be read; `None` when nobody can know, as with stdin.
    pub total_bytes: Option<u64>,
    /// Whether all is done.
    pub is_end: bool,
}

/// A frozen list in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frozen {
    /// How it was read.
    pub options: ListOptions,
    /// The form that it turned out to have.
    pub form: ListForm,
    /// Records of the CSV, without its header.
    pub n_rows: u64,
    /// Rows that can be sent.
    pub n_valid: u32,
    /// Segments of all of them.
    pub n_segments: u64,
    /// Rows that can be sent, by number of segments.
    pub by_segments: BTreeMap<u8, u64>,
    /// Rows that can be sent, by the number of their text.
    #[serde(default)]
    pub by_variant: BTreeMap<u8, VariantCount>,
    /// Rows that can be sent, by country (ISO 3166; `001` for none, `-` where it is unknown).
    pub by_country: BTreeMap<String, u64>,
    /// Rejected rows by code.
    pub rejected: BTreeMap<String, u64>,
    /// The first of them.
    pub samples: Vec<RejectedRow>,
    /// SHA-256 of what was frozen, in hex.
    pub content_hash: String,
    /// SHA-256 of the file as it lies there, in hex.
    pub source_hash: String,
}

/// Reads the list and writes the plan into `dir`: the frozen list, and what was rejected. Rows are
/// judged on all cores and settled in the order of the list. Where the last row with a number
/// wins, the list is read twice.
///
/// # Errors
/// When the list can't be used as a whole, or files can't be read or written.
pub fn freeze<C: RowCheck>(
    options: &ListOptions,
    check: &C,
    dir: &Path,
    progress: &mut dyn FnMut(FreezeProgress),
) -> Result<Frozen, Error> {
    if let Some(country) = options.default_country.as_deref().filter(|country| !number::is_country(country)) {
        return Err(Error::UnknownCountry { country: country.to_owned() });
    }
    fs::create_dir_all(dir).map_err(Error::io(dir, "can't create the campaign's folder"))?;
    if options.duplicates == Duplicates::Last && source::is_stdin(&options.list) {
        let spool = dir.join("stdin.spool");
        let spooled = ListOptions { list: spool.clone(), ..options.clone() };
        let frozen = source::spool_stdin(&spool).and_then(|()| freeze_file(&spooled, options, check, dir, progress));
        let _ = fs::remove_file(&spool);
        return frozen;
    }
    freeze_file(options, options, check, dir, progress)
}

/// `shown` are the options that the plan keeps.
fn freeze_file<C: RowCheck>(
    options: &ListOptions,
    shown: &ListOptions,
    check: &C,
    dir: &Path,
    progress: &mut dyn FnMut(FreezeProgress),
) -> Result<Frozen, Error> {
    let last = match options.duplicates {
        Duplicates::First => None,
        Duplicates::Last => Some(LastLines::find(options, progress)?),
    };
    let (blocks, header) = Blocks::open(options)?;
    let judge = judge_of(options, &blocks, header, check)?;
    let mut settle = Settle::new(options, &judge.header, judge.to, judge.csv, dir, last, &blocks)?;
    let blocks = run(blocks, &judge, options, &mut |batch| {
        settle.batch(batch)?;
        progress(settle.progress(batch));
        Ok(())
    })?;
    settle.finish(shown, blocks.hash(), dir, progress)
}

/// Finds the columns.
fn judge_of<'a, C: RowCheck>(
    options: &'a ListOptions,
    blocks: &Blocks,
    header: Vec<String>,
    check: &'a C,
) -> Result<Judge<'a, C>, Error> {
    let column = |name: &str| column(options, &header, name);
    let to = column(&options.to)?;
    let country = options.country_column.as_deref().map(column).transpose()?;
    let columns = options.columns.iter().map(|name| column(name)).collect::<Result<Vec<_>, _>>()?;
    let form = blocks.form();
    Ok(Judge { options, csv: blocks.csv(), encoding: form.encoding, to, country, columns, check, header })
}
