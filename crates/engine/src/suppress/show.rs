//! Suppression lists for people and programs.

use std::{
    collections::{HashMap, HashSet},
    io::{self, Write},
};

use serde::Serialize;
use serde_json::{Value, json};
use volley_core::{Msisdn, UnixMicros};
use volley_reconciler::{GLOBAL_LIST, NumberHash, Suppression};

use super::file::{self, Known};
use crate::{Engine, Error, Numbers, erase::in_words, replies, report::put_line};

const HEADER: &str = "number,list,since,expires,cause,source,reason\n";

/// One list in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListFacts {
    /// Its name.
    pub list: String,
    /// Numbers that get nothing because of it now.
    pub numbers: u64,
    /// Numbers whose time on it is over.
    pub expired: u64,
}

/// One number on a list. It has no `Debug`: numbers stay out of logs.
pub struct SuppressedRow {
    /// The number; `None` where only its keyed hash is known, as of people who were erased.
    pub number: Option<Msisdn>,
    /// The list's name.
    pub list: String,
    /// Since when, how, and until when.
    pub suppression: Suppression,
    /// Where it came from, as far as known.
    pub source: String,
    /// Why, as far as known.
    pub reason: String,
}

impl Engine {
    /// All lists in numbers.
    #[must_use]
    pub fn suppress_lists(&self) -> Vec<ListFacts> {
        let lists = self.ledger.suppressed();
        let at = self.ground.clock.wall();
        let facts = lists.names().map(|(index, name)| {
            let list = lists.list(index);
            let holds = |found: &Suppression| found.expires.is_none_or(|end| at < end);
            let numbers =
                list.into_iter().flat_map(|list| list.iter()).filter(|(_, found)| holds(found)).count() as u64;
            let expired = list.map_or(0, |list| list.len() as u64) - numbers;
            ListFacts { list: name.to_owned(), numbers, expired }
        });
        facts.collect()
    }

    /// The numbers on one list, or on all, that count now: those that are known first, then those
    /// of which only the hash is.
    ///
    /// # Errors
    /// When no list has that name, or a file can't be read.
    pub fn suppressed_rows(&self, list: Option<&str>) -> Result<Vec<SuppressedRow>, Error> {
        list.map(|list| self.list_to_read(list)).transpose()?;
        let (lists, key, at) = (self.ledger.suppressed(), self.number_key()?, self.ground.clock.wall());
        let mut rows = Vec::new();
        for (index, name) in lists.names().filter(|(_, name)| list.is_none_or(|list| list == *name)) {
            let Some(on_list) = lists.list(index) else { continue };
            let mut last: HashMap<u64, Known> = HashMap::new();
            file::read(&self.dir.suppress_file(name), |known| drop(last.insert(known.number.as_u64(), known)))?;
            let mut seen: HashSet<NumberHash> = HashSet::new();
            let mut known: Vec<Known> = last.into_values().collect();
            if name == GLOBAL_LIST {
                replies::numbers(&self.dir, |number| {
                    let (source, reason) = ("reply".to_owned(), String::new());
                    known.push(Known { number, since: at, expires: None, source, reason });
                })?;
            }
            for Known { number, source, reason, .. } in known {
                let hash = key.hash(number);
                if let Some(suppression) = on_list.get(&hash, at).filter(|_| seen.insert(hash)) {
                    rows.push(SuppressedRow {
                        number: Some(number),
                        list: name.to_owned(),
                        suppression,
                        source,
                        reason,
                    });
                }
            }
            let is_unknown = |(hash, found): &(&NumberHash, Suppression)| {
                !seen.contains(*hash) && found.expires.is_none_or(|end| at < end)
            };
            let unknown = on_list.iter().filter(is_unknown).map(|(_, suppression)| SuppressedRow {
                number: None,
                list: name.to_owned(),
                suppression,
                source: String::new(),
                reason: String::new(),
            });
            rows.extend(unknown);
        }
        let place = |row: &SuppressedRow| (row.number.is_none(), row.suppression.since, row.number.map(Msisdn::as_u64));
        rows.sort_by(|a, b| a.list.cmp(&b.list).then_with(|| place(a).cmp(&place(b))));
        Ok(rows)
    }
}

impl SuppressedRow {
    /// The number as it is shown; empty where it isn't known.
    #[must_use]
    pub fn number(&self, numbers: Numbers) -> String {
        match (self.number, numbers) {
            (None, _) => String::new(),
            (Some(number), Numbers::Full) => format!("+{number}"),
            (Some(number), Numbers::Masked) => format!("+{}", number.masked()),
        }
    }

    /// Since when, RFC 3339.
    #[must_use]
    pub fn since(&self) -> String {
        in_words(self.suppression.since)
    }

    /// Until when, RFC 3339; empty for good.
    #[must_use]
    pub fn expires(&self) -> String {
        self.suppression.expires.map_or_else(String::new, |at: UnixMicros| in_words(at))
    }

    /// As JSON; the keys are a promise.
    #[must_use]
    pub fn json(&self, numbers: Numbers) -> Value {
        json!({
            "number": self.number.map(|_| self.number(numbers)),
            "list": self.list,
            "since": self.since(),
            "expires": self.suppression.expires.map(in_words),
            "cause": self.suppression.cause.name(),
            "source": self.source,
            "reason": self.reason,
        })
    }
}

/// Writes a line for each number, safe to open in a spreadsheet.
///
/// # Errors
/// When `out` can't be written.
pub fn write_suppressed_csv(rows: &[SuppressedRow], numbers: Numbers, out: &mut impl Write) -> Result<(), Error> {
    let failed = |source: io::Error| Error::Io { path: "export".into(), action: "can't write the export", source };
    out.write_all(HEADER.as_bytes()).map_err(failed)?;
    let mut line = String::new();
    for row in rows {
        line.clear();
        let (number, since, expires) = (row.number(numbers), row.since(), row.expires());
        let cause = row.suppression.cause.name();
        let fields = [&number, &row.list, &since, &expires, cause, &row.source, &row.reason];
        put_line(&mut line, &fields);
        out.write_all(line.as_bytes()).map_err(failed)?;
    }
    out.flush().map_err(failed)
}
