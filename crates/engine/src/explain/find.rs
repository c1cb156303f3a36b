//! Where a number stands in a frozen list, and among its rejected rows.

use std::path::Path;

use volley_core::{CHUNK_ROWS, Msisdn, RowIndex};
use volley_ingest::{Plan, PlanChunk, Rejects};

use super::RejectedNumber;
use crate::{Error, erase::read, preflight::Approved};

/// What was found.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// As it was understood; `None` where it stands in a rejected row alone, and is no number.
    pub(crate) number: Option<Msisdn>,
    /// As it was typed.
    pub(crate) typed: String,
    /// The row that can be sent, with its line.
    pub(crate) row: Option<(RowIndex, u64)>,
    pub(crate) rejected: Vec<RejectedNumber>,
}

/// Reads the list from its beginning to the row, and all rejected rows.
pub(crate) fn find(folder: &Path, approved: &Approved, typed: &str) -> Result<Found, Error> {
    let country = approved.options.audience.default_country.as_deref();
    let number = read(typed, country);
    let plan = Plan::open(folder)?;
    let row = number.as_ref().map_or(Ok(None), |number| row_of(&plan, *number))?;
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let wanted = digits(typed);
    let mut rejected = Vec::new();
    for row in Rejects::open(folder, &plan.frozen().options.to)? {
        let row = row?;
        let raw = read(&row.raw, country);
        let is_it = match (&raw, &number) {
            (Ok(raw), Ok(number)) => raw == number,
            (_, _) => !wanted.is_empty() && digits(&row.raw) == wanted,
        };
        if is_it {
            let (line, column, code, reason) = (row.line, row.column, row.code, row.reason);
            rejected.push(RejectedNumber { line, column, code, reason });
        }
    }
    let number = match number {
        Err(_) if !rejected.is_empty() => None,
        number => Some(number?),
    };
    Ok(Found { number, typed: typed.to_owned(), row, rejected })
}

fn row_of(plan: &Plan, number: Msisdn) -> Result<Option<(RowIndex, u64)>, Error> {
    let mut chunk = PlanChunk::default();
    for n in 0..plan.n_chunks() {
        plan.read_chunk(n, &mut chunk)?;
        for offset in 0..CHUNK_ROWS as u16 {
            let Some(row) = chunk.row(offset) else { break };
            if row.msisdn == Some(number) {
                return Ok(Some((RowIndex::in_chunk(n, offset), row.line)));
            }
        }
    }
    Ok(None)
}
