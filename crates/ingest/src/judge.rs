//! Judging rows, in batches and on all cores: everything about a row that doesn't depend on the
//! rows before it.

use std::{num::NonZero, path::Path, thread};

use csv::ByteRecord;
use volley_core::Msisdn;

use crate::{
    Error, ListOptions, Rejection, RowCheck, RowFacts, RowView,
    csv_list::{CsvList, MAX_RECORD_BYTES, Place, Quoting},
    number::{self, NumberError},
};

/// The code of rows that aren't UTF-8.
pub(crate) const NOT_UTF8: &str = "not-utf8";

/// Rows of a batch at most.
const BATCH_ROWS: usize = 8_192;
/// Octets after which a batch is full, however few rows it has.
const BATCH_BYTES: usize = 4 << 20;
/// Fewer rows are not worth a thread.
const MIN_PART_ROWS: usize = 512;
const MAX_THREADS: usize = 16;

/// A row's number and what the check says of it, or why it can't be sent whatever the check says.
pub(crate) type Judged = Result<(Msisdn, Result<RowFacts, Rejection>), Rejection>;

/// How rows are judged.
pub(crate) struct Judge<'a, C> {
    pub(crate) options: &'a ListOptions,
    pub(crate) header: Vec<String>,
    pub(crate) to: usize,
    pub(crate) columns: Vec<usize>,
    pub(crate) check: &'a C,
}

/// A record, and what only its reader knows.
pub(crate) struct Row {
    pub(crate) record: ByteRecord,
    pub(crate) place: Place,
    /// The first octet of the file that isn't UTF-8 in this row.
    pub(crate) first_foreign: Option<u64>,
    quoting: Quoting,
    judged: Option<Judged>,
}

/// Rows that are judged together. Their memory is used again.
pub(crate) struct Batch<C: RowCheck> {
    rows: Vec<Row>,
    n_rows: usize,
    scratches: Vec<C::Scratch>,
}

impl<C: RowCheck> Batch<C> {
    pub(crate) fn new() -> Self {
        let n_threads = thread::available_parallelism().map_or(1, NonZero::get).min(MAX_THREADS);
        Self { rows: Vec::new(), n_rows: 0, scratches: (0..n_threads).map(|_| C::Scratch::default()).collect() }
    }

    /// Reads the next rows; `false` at the end of the list.
    pub(crate) fn read(&mut self, list: &mut CsvList, path: &Path) -> Result<bool, Error> {
        self.n_rows = 0;
        let mut n_bytes = 0;
        while self.n_rows < BATCH_ROWS && n_bytes < BATCH_BYTES {
            if self.n_rows == self.rows.len() {
                self.rows.push(Row::new());
            }
            let Some(row) = self.rows.get_mut(self.n_rows) else { break };
            // One giant must not be remembered in each of the rows.
            if row.record.as_slice().len() > MAX_RECORD_BYTES {
                *row = Row::new();
            }
            if !list.read(path, &mut row.record)? {
                break;
            }
            row.place = list.place();
            row.quoting = list.quoting();
            // Field by field: the halves of two characters on both sides of a delimiter would make one.
            let is_foreign = row.record.iter().any(|field| std::str::from_utf8(field).is_err());
            row.first_foreign = is_foreign.then(|| list.first_foreign(row.place.byte));
            n_bytes += row.record.as_slice().len();
            self.n_rows += 1;
        }
        Ok(self.n_rows > 0)
    }

    /// Judges all rows.
    pub(crate) fn judge(&mut self, judge: &Judge<'_, C>) {
        let rows = self.rows.get_mut(..self.n_rows).unwrap_or_default();
        let n_part = rows.len().div_ceil(self.scratches.len()).max(MIN_PART_ROWS);
        thread::scope(|scope| {
            let mut parts = rows.chunks_mut(n_part).zip(&mut self.scratches);
            let own = parts.next();
            for (part, scratch) in parts {
                scope.spawn(move || judge.all(part, scratch));
            }
            if let Some((part, scratch)) = own {
                judge.all(part, scratch);
            }
        });
    }

    /// The rows with their verdicts, in the order of the list.
    pub(crate) fn judged(&mut self) -> impl Iterator<Item = (&Row, Judged)> {
        let rows = self.rows.get_mut(..self.n_rows).unwrap_or_default();
        rows.iter_mut().map(|row| {
            let judged = row.judged.take().expect("every row of a batch is judged");
            (&*row, judged)
        })
    }
}

impl Row {
    fn new() -> Self {
        let (record, place) = (ByteRecord::new(), Place { line: 0, byte: 0 });
        Self { record, place, first_foreign: None, quoting: Quoting::Sound, judged: None }
    }
}

impl<C: RowCheck> Judge<'_, C> {
    fn all(&self, rows: &mut [Row], scratch: &mut C::Scratch) {
        for row in rows {
            let judged = self.form(row).and_then(|()| self.number(&row.record)).map(|msisdn| {
                let view = RowView { msisdn, record: &row.record, columns: &self.columns };
                (msisdn, self.check.check(&view, scratch))
            });
            row.judged = Some(judged);
        }
    }

    /// That the row is one, before anything is read in it.
    fn form(&self, row: &Row) -> Result<(), Rejection> {
        let record = &row.record;
        let n_bytes = record.as_slice().len();
        let (code, reason) = if row.quoting != Quoting::Sound {
            // What the quotes hold together may be rows of other people.
            (
                "broken-quotes",
                "a quote is not closed in its line, and following lines were taken for its text".to_owned(),
            )
        } else if n_bytes > MAX_RECORD_BYTES {
            ("row-too-long", format!("the row has {n_bytes} octets: {MAX_RECORD_BYTES} are allowed"))
        } else if record.len() != self.header.len() {
            ("ragged-row", format!("the row has {} fields: the header has {}", record.len(), self.header.len()))
        } else if let Some(byte) = row.first_foreign {
            let column = record.iter().position(|field| std::str::from_utf8(field).is_err());
            let column = column.and_then(|at| self.header.get(at)).cloned();
            let reason = format!("the octet at byte {byte} of the file is not UTF-8");
            return Err(Rejection { column, code: NOT_UTF8, reason });
        } else {
            return Ok(());
        };
        Err(Rejection { column: None, code, reason })
    }

    fn number(&self, record: &ByteRecord) -> Result<Msisdn, Rejection> {
        let rejection = |code, reason| Rejection { column: Some(self.options.to.clone()), code, reason };
        let raw = std::str::from_utf8(record.get(self.to).unwrap_or_default()).unwrap_or_default();
        let number = number::normalise(raw, self.options.default_country.as_deref()).map_err(|error| {
            let code = match error {
                NumberError::Missing => "missing-number",
                NumberError::Spreadsheet(_) => "spreadsheet-number",
                NumberError::NoCountry => "no-country",
                NumberError::NotANumber | NumberError::TooShort | NumberError::TooLong => "invalid-number",
            };
            rejection(code, error.to_string())
        })?;
        if number.has_letters {
            return Err(rejection("invalid-number", "letters stand among the digits".to_owned()));
        }
        if !number.is_valid() {
            return Err(rejection("invalid-number", "the number lies in no range that is in use".to_owned()));
        }
        if !number.kind.can_get_sms() {
            return Err(rejection("not-a-mobile", format!("the number is {}", number.kind.name())));
        }
        Ok(number.msisdn)
    }
}
