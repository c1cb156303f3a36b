//! Reports: the numbers of a campaign, broken down, and by recipient. From journal, store and frozen
//! list alone.

mod breakdown;
mod delays;
mod details;
mod export;
mod facts;
mod html;
mod rows;
mod tally;

use std::io::Write;

use jiff::{Timestamp, tz::TimeZone};
use volley_core::{CampaignId, Clock as _, SystemClock, UnixMicros};
use volley_journal::{Journal, JournalOptions};
use volley_reconciler::{CampaignStatus, Ledger, Summary};

use crate::{DataDir, Error, erase};

pub(crate) use self::export::write_rows;
pub(crate) use self::tally::amounts_json;
pub use self::{
    breakdown::{Breakdown, By, Line},
    details::Details,
    tally::Tally,
};

/// A campaign's report, from journal and store alone.
pub struct Report {
    dir: DataDir,
    ledger: Ledger,
    campaign: CampaignId,
    asked_at: UnixMicros,
    _lock: crate::data_dir::DataLock,
}

/// In which zone a report shows hours.
#[derive(Debug, Clone)]
pub struct ReportZone(TimeZone);

impl ReportZone {
    /// From an IANA name such as "Europe/Berlin", or "UTC".
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn named(name: &str) -> Result<Self, String> {
        let zone = TimeZone::get(name);
        zone.map(Self)
            .map_err(|_| format!("`{name}` is no time zone: write an IANA name such as Europe/Berlin, or UTC"))
    }
}

impl Report {
    /// Opens the report of the campaign with this name or number.
    ///
    /// # Errors
    /// When it isn't there, another process owns the data, or journal and store can't be read.
    pub fn open(dir: &DataDir, name_or_number: &str) -> Result<Self, Error> {
        if !dir.exists() {
            return Err(Error::NoData { root: dir.root().to_owned() });
        }
        let lock = dir.lock()?;
        let (mut journal, _) = Journal::open(&dir.journal(), JournalOptions::default())?;
        let mut ledger = Ledger::open(&dir.store(), &journal)?.ledger;
        erase::finish_begun(dir, &mut journal, &mut ledger)?;
        let campaign = ledger
            .find(name_or_number)
            .ok_or_else(|| Error::NoCampaign { name: name_or_number.to_owned(), root: dir.root().to_owned() })?;
        Ok(Self { dir: dir.clone(), ledger, campaign, asked_at: SystemClock.wall(), _lock: lock })
    }

    /// The numbers.
    ///
    /// # Errors
    /// When they don't add up, which would be our own bug.
    pub fn summary(&self) -> Result<Summary, Error> {
        self.asked().summary()
    }

    const fn asked(&self) -> Asked<'_> {
        Asked { dir: &self.dir, ledger: &self.ledger, campaign: self.campaign, at: self.asked_at }
    }

    /// Whether its rows lie in an archive: the counters are all that is left here.
    #[must_use]
    pub fn is_archived(&self) -> bool {
        let summary = self.ledger.summary(self.campaign);
        summary.is_some_and(|summary| summary.status == CampaignStatus::Archived)
    }

    /// Everything that is more than a counter, and the rows by each of `by`. `progress` hears the
    /// rows read so far.
    ///
    /// # Errors
    /// When files can't be read or are not what was approved, or the sums disagree, which would be
    /// our own bug.
    pub fn details(&self, by: &[By], zone: &ReportZone, progress: &mut dyn FnMut(u64)) -> Result<Details, Error> {
        Details::gather(self.asked(), by, &zone.0, progress)
    }

    /// Writes one line for each row of the list: those that could be sent in the order of the
    /// list, then those that were rejected. `progress` hears the rows written so far.
    ///
    /// # Errors
    /// When the plan or the store can't be read, or `out` can't be written.
    pub fn write_csv(&self, out: &mut impl Write, progress: &mut dyn FnMut(u64)) -> Result<(), Error> {
        export::write_rows(&self.dir, &self.ledger, self.campaign, out, progress)
    }
}

/// What a report is made from.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) dir: &'a DataDir,
    pub(crate) ledger: &'a Ledger,
    pub(crate) campaign: CampaignId,
    /// When it was asked for.
    pub(crate) at: UnixMicros,
}

impl Asked<'_> {
    /// The report without breakdowns, as `--json` shows it.
    pub(crate) fn json(self) -> Result<serde_json::Value, Error> {
        Ok(Details::gather(self, &[], &TimeZone::UTC, &mut |_| {})?.json())
    }

    fn summary(self) -> Result<Summary, Error> {
        let summary = self.ledger.summary(self.campaign);
        summary
            .filter(Summary::adds_up)
            .ok_or_else(|| self.does_not_add_up("the report's states don't add up to the rows of the list"))
    }

    fn does_not_add_up(self, what: &str) -> Error {
        Error::DoesNotReconcile { what: what.to_owned(), root: self.dir.root().to_owned() }
    }
}

/// RFC 3339 with milliseconds.
pub(crate) fn time_text(at: UnixMicros) -> String {
    let at = i64::try_from(at.0).ok().and_then(|us| Timestamp::from_microsecond(us).ok());
    at.map(|at| format!("{at:.3}")).unwrap_or_default()
}

/// Date, hour and minute of UTC: `2026-11-24 18:00`.
#[must_use]
pub fn hour_text(at: UnixMicros) -> String {
    let at = i64::try_from(at.0).ok().and_then(|us| Timestamp::from_microsecond(us).ok());
    at.map(|at| at.strftime("%F %H:%M").to_string()).unwrap_or_default()
}

/// A line of CSV.
pub(crate) fn put_line(line: &mut String, fields: &[&str]) {
    for (field, n) in fields.iter().zip(0..) {
        if n > 0 {
            line.push(',');
        }
        put_field(line, field);
    }
    line.push('\n');
}

/// A CSV field, quoted where it must be, and with an apostrophe where a spreadsheet would take
/// it for a formula.
pub(crate) fn put_field(line: &mut String, field: &str) {
    let needs_quotes = field.bytes().any(|c| matches!(c, b',' | b'"' | b'\n' | b'\r'));
    let is_number = || field.strip_prefix('+').is_some_and(|digits| digits.bytes().all(|c| c.is_ascii_digit()));
    let is_formula = field.starts_with(['=', '+', '-', '@', '\t', '\r']) && !is_number();
    if needs_quotes {
        line.push('"');
    }
    if is_formula {
        line.push('\'');
    }
    if needs_quotes {
        line.push_str(&field.replace('"', "\"\""));
        line.push('"');
    } else {
        line.push_str(field);
    }
}
