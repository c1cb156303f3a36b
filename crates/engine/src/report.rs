//! The per-recipient report.

use std::io::{self, Write};

use jiff::Timestamp;
use volley_core::{CampaignId, UnixMicros};
use volley_ingest::{Plan, PlanChunk, RejectedRow, Rejects};
use volley_journal::{Journal, JournalOptions};
use volley_reconciler::{Ledger, ReportRow, Summary};

use crate::{DataDir, Error, seal};

const HEADER: &str = "line,number,state,reason,carrier,carrier_id,segments,segments_delivered,attempts,possible_duplicate,submitted_at,answered_at,settled_at,inferred\n";

/// A campaign's report, from journal and store alone.
pub struct Report {
    dir: DataDir,
    ledger: Ledger,
    campaign: CampaignId,
    _lock: crate::data_dir::DataLock,
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
        let (journal, _) = Journal::open(&dir.journal(), JournalOptions::default())?;
        let ledger = Ledger::open(&dir.store(), &journal)?.ledger;
        let campaign = ledger
            .find(name_or_number)
            .ok_or_else(|| Error::NoCampaign { name: name_or_number.to_owned(), root: dir.root().to_owned() })?;
        Ok(Self { dir: dir.clone(), ledger, campaign, _lock: lock })
    }

    /// The numbers.
    ///
    /// # Errors
    /// When they don't add up, which would be our own bug.
    pub fn summary(&self) -> Result<Summary, Error> {
        let summary = self.ledger.summary(self.campaign);
        summary.filter(Summary::adds_up).ok_or_else(|| Error::DoesNotReconcile {
            what: "the report's states don't add up to the rows of the list".to_owned(),
            root: self.dir.root().to_owned(),
        })
    }

    /// Writes one line for each row of the list: those that could be sent in the order of the
    /// list, then those that were rejected.
    ///
    /// # Errors
    /// When the plan or the store can't be read, or `out` can't be written.
    pub fn write_csv(&self, out: &mut impl Write) -> Result<(), Error> {
        write_rows(&self.dir, &self.ledger, self.campaign, out)
    }
}

pub(crate) fn write_rows(
    dir: &DataDir,
    ledger: &Ledger,
    campaign: CampaignId,
    out: &mut impl Write,
) -> Result<(), Error> {
    let folder = dir.campaign(campaign);
    let failed = |source: io::Error| Error::Io { path: "report".into(), action: "can't write the report", source };
    seal::check(dir, ledger, campaign, &[seal::PLAN, seal::REJECTS])?;
    let plan = Plan::open(&folder)?;
    out.write_all(HEADER.as_bytes()).map_err(failed)?;
    let mut chunk = PlanChunk::default();
    let mut in_chunk = None;
    let mut line = String::new();
    ledger.report(campaign, |row| {
        if in_chunk != Some(row.row.chunk()) {
            plan.read_chunk(row.row.chunk(), &mut chunk)?;
            in_chunk = Some(row.row.chunk());
        }
        let Some(planned) = chunk.row(row.row.offset()) else { return Ok(()) };
        line.clear();
        put_row(&mut line, planned.line, &planned.msisdn.to_string(), row);
        out.write_all(line.as_bytes()).map_err(failed)
    })?;
    for rejected in Rejects::open(&folder, &plan.frozen().options.to)? {
        line.clear();
        put_rejected(&mut line, &rejected?);
        out.write_all(line.as_bytes()).map_err(failed)?;
    }
    out.flush().map_err(failed)
}

fn put_row(line: &mut String, number_line: u64, number: &str, row: &ReportRow<'_>) {
    use std::fmt::Write as _;
    // Writing to a string never fails.
    let _ = write!(line, "{number_line},+{number},{},", row.state);
    put_field(line, row.reason);
    line.push(',');
    put_field(line, row.carrier.unwrap_or(""));
    line.push(',');
    put_field(line, &String::from_utf8_lossy(row.id));
    let duplicate = if row.possible_duplicate { "yes" } else { "" };
    let _ = write!(line, ",{},{},{},{duplicate}", row.n_segments, row.n_delivered, row.attempts);
    for at in [row.submitted_at, row.answered_at, row.settled_at] {
        line.push(',');
        put_time(line, at);
    }
    line.push_str(if row.inferred { ",yes\n" } else { ",\n" });
}

fn put_rejected(line: &mut String, rejected: &RejectedRow) {
    use std::fmt::Write as _;
    let _ = write!(line, "{},", rejected.line);
    put_field(line, &rejected.raw);
    line.push_str(",rejected,");
    let column = rejected.column.as_deref().map(|column| format!("column {column}: ")).unwrap_or_default();
    put_field(line, &format!("{}: {column}{}", rejected.code, rejected.reason));
    line.push_str(",,,,,,,,,,\n");
}

fn put_time(line: &mut String, at: Option<UnixMicros>) {
    let at = at.and_then(|at| i64::try_from(at.0).ok()).and_then(|us| Timestamp::from_microsecond(us).ok());
    if let Some(at) = at {
        use std::fmt::Write as _;
        let _ = write!(line, "{at:.3}");
    }
}

/// A CSV field, quoted where it must be, and with an apostrophe where a spreadsheet would take
/// it for a formula.
pub(crate) fn put_field(line: &mut String, field: &str) {
    let is_number = field.strip_prefix('+').is_some_and(|digits| digits.bytes().all(|c| c.is_ascii_digit()));
    let is_formula = field.starts_with(['=', '+', '-', '@', '\t', '\r']) && !is_number;
    let needs_quotes = field.contains([',', '"', '\n', '\r']);
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
