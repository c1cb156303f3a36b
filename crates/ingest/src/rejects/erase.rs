//! Tables without a person, or without anybody: `rejects.csv`, and what was exported into the data
//! directory.

use std::{fs::File, io::BufWriter, path::Path};

use csv::ByteRecord;

use super::{OWN_COLUMNS, REJECTS, failed};
use crate::{Error, Whose, person};

/// Columns of `rejects.csv` that stay: line, column at fault, code.
const KEPT: usize = OWN_COLUMNS.len() - 1;

/// Writes the rejected rows in `dir` anew as `rejects.csv.erasing`, durably; nothing when they
/// don't speak of whom is meant. `country`: of numbers without a country code. Gives the rows whose
/// original columns and message are gone.
///
/// # Errors
/// When the file can't be read, or the new one can't be written.
pub fn erase_rejects(dir: &Path, country: Option<&str>, whose: &Whose<'_>) -> Result<u64, Error> {
    rewrite(&dir.join(REJECTS), KEPT, 1, &whose.reading(country))
}

/// As [`erase_rejects`], of any CSV file: a row that names a person loses all its values. The
/// header, and whatever else names nobody, stays.
///
/// # Errors
/// As there.
pub fn erase_table(path: &Path, whose: &Whose<'_>) -> Result<u64, Error> {
    rewrite(path, 0, 0, &whose.reading(None))
}

fn rewrite(path: &Path, n_kept: usize, n_header: u64, whose: &person::Reading<'_>) -> Result<u64, Error> {
    let mut n_rows = 0;
    each_record(path, |n, record| {
        n_rows += u64::from(n >= n_header && is_about(record, n_kept, whose));
        Ok(())
    })?;
    if n_rows == 0 {
        return Ok(0);
    }
    let new = person::beside(path);
    let failed_new = || Error::io(&new, "can't write a table without a person");
    let file = BufWriter::with_capacity(1 << 20, File::create(&new).map_err(failed_new())?);
    let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(file);
    each_record(path, |n, record| {
        let is_gone = n >= n_header && is_about(record, n_kept, whose);
        let fields = record.iter().enumerate().map(|(at, field)| match is_gone && at >= n_kept {
            true => person::GONE.as_bytes(),
            false => field,
        });
        writer.write_record(fields).map_err(|error| failed(&new, error))
    })?;
    let file = writer.into_inner().map_err(|error| failed_new()(error.into_error()))?;
    let file = file.into_inner().map_err(|error| failed_new()(error.into_error()))?;
    file.sync_all().map_err(failed_new())?;
    Ok(n_rows)
}

fn is_about(record: &ByteRecord, n_kept: usize, whose: &person::Reading<'_>) -> bool {
    record.iter().skip(n_kept).any(|field| whose.is_named_in(&String::from_utf8_lossy(field)))
}

fn each_record(path: &Path, mut each: impl FnMut(u64, &ByteRecord) -> Result<(), Error>) -> Result<(), Error> {
    let file = File::open(path).map_err(Error::io(path, "can't open the table"))?;
    let mut reader = csv::ReaderBuilder::new().flexible(true).has_headers(false).from_reader(file);
    let mut record = ByteRecord::new();
    let mut n = 0;
    while reader.read_byte_record(&mut record).map_err(|error| failed(path, error))? {
        each(n, &record)?;
        n += 1;
    }
    Ok(())
}
