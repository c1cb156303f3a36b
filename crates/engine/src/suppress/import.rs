//! Many numbers at once.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

use serde::Serialize;
use volley_core::{Msisdn, UnixMicros};
use volley_ingest::{ListedNumber, NumberListOptions, read_numbers};
use volley_reconciler::{Checkpoint, record::SuppressChange};

use super::{
    SuppressOptions,
    file::{self, Known},
};
use crate::{Engine, Error, erase::moment};

/// Bad rows that are named one by one.
const SHOWN: usize = 1_000;
/// Rows between two words about progress.
const ROWS_PER_PROGRESS: u64 = 10_000;

/// A CSV with numbers.
#[derive(Debug, Clone, Default)]
pub struct SuppressImport {
    /// The column with the number; the first one where it isn't given.
    pub column: Option<String>,
    /// The delimiter; found out from the file where it isn't given.
    pub delimiter: Option<char>,
}

/// What an import did.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Imported {
    /// The list's name.
    pub list: String,
    /// Rows of the file, without its header.
    pub rows: u64,
    /// Different numbers in it: all of them are on the list now.
    pub numbers: u64,
    /// Of them, those that were on it before.
    pub known: u64,
    /// Rows whose number can't be read.
    pub bad: u64,
    /// The first of them.
    pub bad_rows: Vec<BadRow>,
}

/// A row that could not be imported.
#[derive(Debug, Clone, Serialize)]
pub struct BadRow {
    /// Its line in the file.
    pub line: u64,
    /// Why.
    pub why: String,
}

impl Engine {
    /// Puts all numbers of a CSV on a list. Its columns `source`, `reason` and `expires` (a date, or
    /// RFC 3339) go before `options`. Rows that can't be read are told and passed over; a kill in
    /// the middle leaves part of it done, and doing it again completes it.
    ///
    /// # Errors
    /// When the file can't be read, or the list can't be written.
    pub fn suppress_import(
        &mut self,
        path: &Path,
        import: &SuppressImport,
        options: &SuppressOptions,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Imported, Error> {
        let at = self.ground.clock.wall();
        let mut imported = Imported { list: options.list().to_owned(), ..Imported::default() };
        let mut numbers: HashMap<u64, Known> = HashMap::new();
        let how = NumberListOptions {
            column: import.column.clone(),
            country: options.country.clone(),
            delimiter: import.delimiter,
        };
        read_numbers(path, &how, &mut |row| {
            imported.rows += 1;
            match known_of(row, options, at) {
                Ok(known) => drop(numbers.insert(known.number.as_u64(), known)),
                Err(why) => {
                    imported.bad += 1;
                    if imported.bad_rows.len() < SHOWN {
                        imported.bad_rows.push(BadRow { line: row.line, why });
                    }
                }
            }
            if imported.rows.is_multiple_of(ROWS_PER_PROGRESS) {
                progress(imported.rows);
            }
            Ok::<_, Error>(())
        })?;
        progress(imported.rows);
        imported.numbers = numbers.len() as u64;
        let list = self.list_to_write(options.list())?;
        let n_before = self.ledger.suppressed().list(list).map_or(0, |list| list.len() as u64);
        let known: Vec<Known> = numbers.into_values().collect();
        let those: HashSet<u64> = known.iter().map(|known| known.number.as_u64()).collect();
        file::rewrite(&self.dir.suppress_file(options.list()), &those, &known)?;
        let entries: Vec<(Msisdn, Option<UnixMicros>)> =
            known.iter().map(|known| (known.number, known.expires)).collect();
        self.change(list, at, SuppressChange::Add, &entries)?;
        let n_after = self.ledger.suppressed().list(list).map_or(0, |list| list.len() as u64);
        imported.known = imported.numbers.saturating_sub(n_after.saturating_sub(n_before));
        // So that the next start need not read all of it again.
        self.ledger.checkpoint(Checkpoint::All)?;
        self.ledger.sync()?;
        Ok(imported)
    }
}

fn known_of(row: &ListedNumber<'_>, options: &SuppressOptions, at: UnixMicros) -> Result<Known, String> {
    let number = *row.number.as_ref().map_err(ToString::to_string)?;
    let or = |column: &str, default: &str| match row.value(column) {
        "" => default.to_owned(),
        value => value.to_owned(),
    };
    let expires = match row.value("expires") {
        "" => options.expires,
        text => Some(moment(text).ok_or_else(|| format!("column expires: `{text}` is no date: write 2027-03-01"))?),
    };
    Ok(Known {
        number,
        since: at,
        expires,
        source: or("source", &options.source),
        reason: or("reason", &options.reason),
    })
}
