//! Judging a block of rows: everything about a row that doesn't depend on the rows before it.

use std::ops::{ControlFlow, Range};

use volley_core::Msisdn;

use crate::{
    ListOptions, Rejection, RowCheck, RowFacts, RowView,
    blocks::Block,
    form::{CsvFormat, Encoding},
    number::{Country, NumberError, NumberKind, NumberReader, Reading, is_country},
    plan::{RowHead, put_field},
    record::{Found, MAX_RECORD_OCTETS, Quoting, Record, Walk, walk},
};

/// The code of rows that aren't UTF-8.
pub(crate) const NOT_UTF8: &str = "not-utf8";

/// How rows are judged.
pub(crate) struct Judge<'a, C> {
    pub(crate) options: &'a ListOptions,
    pub(crate) header: Vec<String>,
    pub(crate) csv: CsvFormat,
    pub(crate) encoding: Encoding,
    pub(crate) to: usize,
    pub(crate) country: Option<usize>,
    pub(crate) columns: Vec<usize>,
    pub(crate) check: &'a C,
}

/// A block and what became of its rows. The memory is used again.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) block: Block,
    pub(crate) rows: Vec<JudgedRow>,
    /// The kept fields of all valid rows, as plans store them.
    pub(crate) fields: Vec<u8>,
    /// The line of a record that doesn't end.
    pub(crate) endless: Option<u64>,
}

/// A row's place and verdict.
pub(crate) struct JudgedRow {
    pub(crate) line: u64,
    /// Where it lies in the block.
    pub(crate) raw: Range<u32>,
    pub(crate) verdict: Verdict,
}

/// What is said of a row by itself.
pub(crate) enum Verdict {
    /// It can be sent, unless its number stands in another row.
    Valid {
        head: RowHead,
        n_segments: u8,
        is_ucs2: bool,
        /// Where its fields lie in [`Batch::fields`].
        fields: Range<u32>,
    },
    /// It can't be sent.
    Refused(Box<Refused>),
}

pub(crate) struct Refused {
    /// Its number, if that could be read and sent to: another row with it is a duplicate.
    pub(crate) msisdn: Option<Msisdn>,
    pub(crate) rejection: Rejection,
    /// The first octet of the list that isn't UTF-8 in this row.
    pub(crate) first_foreign: Option<u64>,
}

/// What one thread uses again from row to row.
#[derive(Default)]
pub(crate) struct Scratch<S> {
    walk: Walk,
    check: S,
    readers: Vec<(Country, NumberReader)>,
}

/// What is known of all rows of a block at once.
#[derive(Clone, Copy)]
struct Clean {
    is_utf8: bool,
    has_nul: bool,
    has_replacement: bool,
}

impl<C: RowCheck> Judge<'_, C> {
    /// Judges all rows of a block.
    pub(crate) fn judge(&self, batch: &mut Batch, scratch: &mut Scratch<C::Scratch>) {
        let Batch { block, rows, fields, endless } = batch;
        rows.clear();
        fields.clear();
        let clean = Clean {
            is_utf8: std::str::from_utf8(&block.octets).is_ok(),
            has_nul: memchr::memchr(0, &block.octets).is_some(),
            has_replacement: self.encoding != Encoding::Utf8
                && memchr::memmem::find(&block.octets, "\u{FFFD}".as_bytes()).is_some(),
        };
        let Scratch { walk: buffers, check, readers } = scratch;
        *endless = walk(block, self.csv, buffers, &mut |record, found| {
            let raw = found.raw.start as u32..found.raw.end as u32;
            let verdict = self.row(record, found, &block.octets, clean, fields, check, readers);
            rows.push(JudgedRow { line: found.place.line, raw, verdict });
            ControlFlow::Continue(())
        });
    }

    #[expect(clippy::too_many_arguments, reason = "the buffers of one thread, borrowed apart")]
    fn row(
        &self,
        record: Record<'_>,
        found: &Found,
        octets: &[u8],
        clean: Clean,
        fields: &mut Vec<u8>,
        check: &mut C::Scratch,
        readers: &mut Vec<(Country, NumberReader)>,
    ) -> Verdict {
        let refuse =
            |msisdn, rejection, first_foreign| Verdict::Refused(Box::new(Refused { msisdn, rejection, first_foreign }));
        if let Err((rejection, foreign)) = self.form(record, found, octets, clean) {
            return refuse(None, rejection, foreign);
        }
        let reading = match self.number(record, readers) {
            Ok(reading) => reading,
            Err(rejection) => return refuse(None, rejection, None),
        };
        let view = RowView { msisdn: reading.msisdn, reading, record, columns: &self.columns };
        let RowFacts { n_segments, variant, is_ucs2 } = match self.check.check(&view, check) {
            Ok(facts) => facts,
            Err(rejection) => return refuse(Some(reading.msisdn), rejection, None),
        };
        let start = fields.len() as u32;
        for column in &self.columns {
            put_field(record.get(*column).unwrap_or_default(), fields);
        }
        let Reading { msisdn, kind, country, zones, .. } = reading;
        let head = RowHead { msisdn: Some(msisdn), kind, country, zones: zones.index(), variant };
        Verdict::Valid { head, n_segments, is_ucs2, fields: start..fields.len() as u32 }
    }

    /// That the row is one, before anything is read in it. With the place of what isn't UTF-8.
    fn form(
        &self,
        record: Record<'_>,
        found: &Found,
        octets: &[u8],
        clean: Clean,
    ) -> Result<(), (Rejection, Option<u64>)> {
        let n_octets = record.n_octets();
        let (code, reason) = if found.quoting != Quoting::Sound {
            // What the quotes hold together may be rows of other people.
            (
                "broken-quotes",
                "a quote is not closed in its line, and following lines were taken for its text".to_owned(),
            )
        } else if n_octets > MAX_RECORD_OCTETS {
            ("row-too-long", format!("the row has {n_octets} octets: {MAX_RECORD_OCTETS} are allowed"))
        } else if record.len() != self.header.len() {
            ("ragged-row", format!("the row has {} fields: the header has {}", record.len(), self.header.len()))
        } else {
            return self.characters(record, found, octets, clean);
        };
        Err((Rejection { column: None, code, reason }, None))
    }

    /// That the row is text.
    fn characters(
        &self,
        record: Record<'_>,
        found: &Found,
        octets: &[u8],
        clean: Clean,
    ) -> Result<(), (Rejection, Option<u64>)> {
        // Field by field: the halves of two characters on both sides of a delimiter would make one.
        let column_where = |is: &dyn Fn(&[u8]) -> bool| record.iter().position(is);
        let named = |at: usize| self.header.get(at).cloned();
        if !clean.is_utf8
            && let Some(at) = column_where(&|field| std::str::from_utf8(field).is_err())
        {
            let raw = octets.get(found.raw.clone()).unwrap_or_default();
            let n_before = std::str::from_utf8(raw).map_or_else(|error| error.valid_up_to(), |_| 0);
            let byte = found.place.byte + n_before as u64;
            let reason = format!("the octet at byte {byte} of the file is not UTF-8");
            return Err((Rejection { column: named(at), code: NOT_UTF8, reason }, Some(byte)));
        }
        if clean.has_nul
            && let Some(at) = column_where(&|field| field.contains(&0))
        {
            let reason = "a NUL stands in the field: the file is damaged, or is no text".to_owned();
            return Err((Rejection { column: named(at), code: "nul-octet", reason }, None));
        }
        let is_replaced = |field: &[u8]| memchr::memmem::find(field, "\u{FFFD}".as_bytes()).is_some();
        if clean.has_replacement
            && let Some(at) = column_where(&is_replaced)
        {
            let reason = format!("the field is not {}, or a character was lost before", self.encoding.name());
            return Err((Rejection { column: named(at), code: "lost-character", reason }, None));
        }
        Ok(())
    }

    fn number(&self, record: Record<'_>, readers: &mut Vec<(Country, NumberReader)>) -> Result<Reading, Rejection> {
        let text = |column: usize| std::str::from_utf8(record.get(column).unwrap_or_default()).unwrap_or_default();
        let rejection = |code, reason| Rejection { column: self.header.get(self.to).cloned(), code, reason };
        let raw = text(self.to);
        if self.options.clean_e164 {
            return NumberReader::read_clean(raw).ok_or_else(|| {
                let what = if raw.is_empty() { ("missing-number", "no number") } else { ("invalid-number", NOT_CLEAN) };
                rejection(what.0, what.1.to_owned())
            });
        }
        let (country, is_unknown) = self.country_of(self.country.map(text).unwrap_or_default());
        let reading = reader_of(readers, country).read(raw).map_err(|error| {
            let code = match error {
                NumberError::NoCountry if is_unknown => return self.unknown_country(),
                NumberError::Missing => "missing-number",
                NumberError::Spreadsheet(_) => "spreadsheet-number",
                NumberError::NoCountry => "no-country",
                NumberError::NotANumber | NumberError::TooShort | NumberError::TooLong => "invalid-number",
            };
            rejection(code, error.to_string())
        })?;
        if reading.has_letters {
            return Err(rejection("invalid-number", "letters stand among the digits".to_owned()));
        }
        let is_sent = self.options.kinds.allow(reading.kind);
        if reading.kind == NumberKind::Unknown && !(is_sent && reading.is_possible) {
            return Err(rejection("invalid-number", "the number lies in no range that is in use".to_owned()));
        }
        if !is_sent {
            return Err(rejection("not-a-mobile", format!("the number is {}", reading.kind.name())));
        }
        Ok(reading)
    }

    /// The country of a row whose own column says so; whether it says what is none.
    fn country_of(&self, text: &str) -> (Country, bool) {
        let text = text.trim();
        if text.is_empty() {
            let default = self.options.default_country.as_deref().and_then(Country::from_code);
            return (default.unwrap_or_default(), false);
        }
        match Country::from_code(text).filter(|_| is_country(&text.to_ascii_uppercase())) {
            Some(country) => (country, false),
            None => (Country::default(), true),
        }
    }

    fn unknown_country(&self) -> Rejection {
        let reason = "the number has no country code, and the country is not two letters of ISO 3166".to_owned();
        Rejection { column: self.options.country_column.clone(), code: "unknown-country", reason }
    }
}

const NOT_CLEAN: &str = "not clean E.164 as the campaign says: a country code and 7 to 15 digits in all";

/// The reader for a country, made when it is first met. There are some 250 at most.
fn reader_of(readers: &mut Vec<(Country, NumberReader)>, country: Country) -> &NumberReader {
    let at = readers.iter().position(|(known, _)| *known == country).unwrap_or_else(|| {
        readers.push((country, NumberReader::new(country.code().as_deref())));
        readers.len() - 1
    });
    static NONE: std::sync::LazyLock<NumberReader> = std::sync::LazyLock::new(NumberReader::default);
    readers.get(at).map_or(&*NONE, |(_, reader)| reader)
}
