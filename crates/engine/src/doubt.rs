//! Rows in doubt: which they are, and what a person decides about them.

use std::{collections::BTreeSet, path::Path, sync::Arc};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use volley_core::{CampaignId, CarrierIndex, MessageToken, UnixMicros};
use volley_ingest::{Plan, PlanChunk, person};
use volley_journal::Journal;
use volley_reconciler::{
    Doubt, Ledger, Summary,
    record::{DoubtCause, Head, Resolution},
};

use crate::{
    DataDir, Error, Ground, control,
    data_dir::DataLock,
    engine::{by_carrier, record},
    erase,
    orders::Refusal,
    seal,
};

/// The rows in doubt of one campaign, while nothing runs on the data directory.
pub struct Doubts {
    dir: DataDir,
    journal: Journal,
    ledger: Ledger,
    campaign: CampaignId,
    ground: Ground,
    _lock: DataLock,
}

/// All rows in doubt of a campaign.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ListedDoubts {
    /// Its name.
    pub campaign: String,
    /// In the order of the list.
    pub rows: Vec<DoubtRow>,
}

/// A row in doubt.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DoubtRow {
    /// Its number among the rows that can be sent, from 1.
    pub row: u64,
    /// Its line in the list.
    pub line: u64,
    /// The recipient's number, masked.
    pub number: String,
    /// The carrier that it went to.
    pub carrier: String,
    /// Since when it is in doubt, RFC 3339.
    pub since: String,
    /// Why its answer is missing.
    pub cause: String,
    /// Segments of the message that are in doubt.
    pub segments: u8,
    /// Whether an earlier attempt is of unknown fate, too.
    pub possible_duplicate: bool,
}

/// What a person says of rows in doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DoubtVerdict {
    /// The carrier took them.
    Sent,
    /// It did not, and they are given up.
    Failed,
    /// Send them once more: possible duplicates.
    Resend,
}

/// What was decided.
#[derive(Debug, Clone, Serialize)]
pub struct Decided {
    /// Rows decided on.
    pub rows: u64,
    /// Segments of theirs that were in doubt.
    pub segments: u64,
    /// Rows that are still in doubt.
    pub remaining: u64,
}

impl Doubts {
    /// Opens the campaign with this name or number, and records as in doubt what was in flight
    /// when its process died.
    ///
    /// # Errors
    /// When it isn't there, another process owns the data, or journal and store can't be read.
    pub fn open(dir: &DataDir, name_or_number: &str) -> Result<Self, Error> {
        Self::open_on(dir, name_or_number, Ground::default())
    }

    /// [`Doubts::open`] on other ground than the system's.
    ///
    /// # Errors
    /// As there.
    pub fn open_on(dir: &DataDir, name_or_number: &str, ground: Ground) -> Result<Self, Error> {
        if ground.disk.list(&dir.journal()).is_err() {
            return Err(Error::NoData { root: dir.root().to_owned() });
        }
        let lock = dir.lock()?;
        let (mut journal, _) = Journal::open_on(Arc::clone(&ground.disk), &dir.journal(), ground.journal)?;
        let mut ledger = Ledger::open(&dir.store(), &journal)?.ledger;
        let campaign = ledger
            .find(name_or_number)
            .ok_or_else(|| Error::NoCampaign { name: name_or_number.to_owned(), root: dir.root().to_owned() })?;
        erase::finish_begun(dir, &mut journal, &mut ledger)?;
        note_crash(&mut journal, &mut ledger, campaign, dir.root(), ground.clock.wall())?;
        Ok(Self { dir: dir.clone(), journal, ledger, campaign, ground, _lock: lock })
    }

    /// The campaign's name.
    #[must_use]
    pub fn name(&self) -> String {
        self.summary().map_or_else(String::new, |summary| summary.campaign)
    }

    /// The campaign's numbers as they are now.
    #[must_use]
    pub fn summary(&self) -> Option<Summary> {
        self.ledger.summary(self.campaign)
    }

    /// The rows in doubt, in the order of the list.
    ///
    /// # Errors
    /// When the plan or the store can't be read.
    pub fn list(&mut self) -> Result<Vec<DoubtRow>, Error> {
        let doubts = self.ledger.doubts(self.campaign)?;
        seal::check(&self.dir, &self.ledger, self.campaign, &[seal::PLAN])?;
        let named = doubts.into_iter().map(|doubt| (self.ledger.carrier_name(doubt.carrier).to_owned(), doubt));
        rows_of(&self.dir.campaign(self.campaign), named)
    }

    /// Decides on the rows with these numbers, or on all that are in doubt, and returns when the
    /// decision is durable. Rows to be sent again leave with the next `resume`.
    ///
    /// # Errors
    /// When one of the rows is not in doubt, or the campaign is cancelled and they should be sent again
    /// (then nothing is decided), or it can't be recorded.
    pub fn resolve(
        &mut self,
        rows: Option<&BTreeSet<u64>>,
        verdict: DoubtVerdict,
        who: &str,
        why: &str,
    ) -> Result<Decided, Error> {
        let is_cancelled = self.ledger.standing(self.campaign).is_some_and(|standing| standing.cancelled.is_some());
        if verdict == DoubtVerdict::Resend && is_cancelled {
            return Err(Error::NotOrdered { name: self.name(), refusal: Refusal::Cancelled });
        }
        let doubts = self.ledger.doubts(self.campaign)?;
        let known: BTreeSet<u64> = doubts.iter().map(|doubt| row_number(doubt.token)).collect();
        if let Some(row) = rows.into_iter().flatten().find(|row| !known.contains(row)) {
            return Err(Error::NotInDoubt { row: *row, campaign: self.name() });
        }
        let is_meant = |doubt: &&Doubt| rows.is_none_or(|rows| rows.contains(&row_number(doubt.token)));
        let meant: Vec<Doubt> = doubts.iter().filter(is_meant).cloned().collect();
        let decided: BTreeSet<u64> = meant.iter().map(|doubt| row_number(doubt.token)).collect();
        self.decide(&meant, verdict.resolution(), &by(who, why))?;
        Ok(Decided {
            rows: decided.len() as u64,
            segments: meant.len() as u64,
            remaining: (known.len() - decided.len()) as u64,
        })
    }

    fn decide(&mut self, meant: &[Doubt], as_: Resolution, by: &str) -> Result<(), Error> {
        let mut by_carrier: std::collections::BTreeMap<CarrierIndex, Vec<MessageToken>> = Default::default();
        for doubt in meant {
            by_carrier.entry(doubt.carrier).or_default().push(doubt.token);
        }
        let (campaign, at) = (self.campaign, self.ground.clock.wall());
        record(&mut self.journal, &mut self.ledger, |events| {
            for (carrier, tokens) in by_carrier {
                events.resolved(Head { campaign, carrier, at }, as_, by, tokens);
            }
        })
    }
}

/// The rows in doubt of the campaign with this name or number, also while another process runs.
///
/// # Errors
/// When it isn't there, another process owns the data and doesn't answer, or journal, plan or store
/// can't be read.
pub fn list_doubts(dir: &DataDir, name_or_number: &str) -> Result<ListedDoubts, Error> {
    match Doubts::open(dir, name_or_number) {
        Ok(mut doubts) => Ok(ListedDoubts { campaign: doubts.name(), rows: doubts.list()? }),
        Err(in_use @ Error::InUse { .. }) => match control::ask_doubts(&dir.control_socket(), name_or_number) {
            Some(Some(listed)) => Ok(listed),
            Some(None) => Err(Error::NoCampaign { name: name_or_number.to_owned(), root: dir.root().to_owned() }),
            None => Err(in_use),
        },
        Err(other) => Err(other),
    }
}

/// A line for each row in doubt, in the order of the list. `doubts`: with their carriers' names;
/// `folder`: of their campaign.
pub(crate) fn rows_of(
    folder: &Path,
    doubts: impl IntoIterator<Item = (String, Doubt)>,
) -> Result<Vec<DoubtRow>, Error> {
    let plan = Plan::open(folder)?;
    let mut chunk = PlanChunk::default();
    let mut in_chunk = None;
    let mut rows: Vec<DoubtRow> = Vec::new();
    for (carrier, doubt) in doubts {
        let (row, number) = (doubt.token.row(), row_number(doubt.token));
        if let Some(same) = rows.last_mut().filter(|last| last.row == number) {
            same.segments += 1;
            continue;
        }
        if in_chunk != Some(row.chunk()) {
            plan.read_chunk(row.chunk(), &mut chunk)?;
            in_chunk = Some(row.chunk());
        }
        let planned = chunk.row(row.offset());
        rows.push(DoubtRow {
            row: number,
            line: planned.map_or(0, |planned| planned.line),
            number: planned.map_or_else(String::new, |planned| match planned.msisdn {
                Some(number) => format!("+{}", number.masked()),
                None => person::GONE.to_owned(),
            }),
            carrier,
            since: in_words(doubt.since),
            cause: doubt.cause,
            segments: 1,
            possible_duplicate: doubt.possible_duplicate,
        });
    }
    Ok(rows)
}

/// Records as in doubt what had an intent and no answer when the campaign's process died. Gives
/// the bound that held.
pub(crate) fn note_crash(
    journal: &mut Journal,
    ledger: &mut Ledger,
    campaign: CampaignId,
    root: &Path,
    at: UnixMicros,
) -> Result<u64, Error> {
    let unanswered = ledger.unanswered(campaign)?;
    let bound = ledger.summary(campaign).map_or(0, |summary| summary.in_doubt_bound);
    if unanswered.len() as u64 > bound {
        return Err(Error::DoesNotReconcile {
            what: format!("{} segments are in doubt, and the bound was {bound}", unanswered.len()),
            root: root.to_owned(),
        });
    }
    record(journal, ledger, |events| {
        for (carrier, tokens) in by_carrier(&unanswered) {
            events.in_doubt(Head { campaign, carrier, at }, DoubtCause::Crash, tokens);
        }
    })?;
    Ok(bound)
}

impl DoubtVerdict {
    const fn resolution(self) -> Resolution {
        match self {
            Self::Sent => Resolution::Sent,
            Self::Failed => Resolution::Failed,
            Self::Resend => Resolution::Resend,
        }
    }
}

const fn row_number(token: MessageToken) -> u64 {
    token.row().0 as u64 + 1
}

fn by(who: &str, why: &str) -> String {
    if why.is_empty() { who.to_owned() } else { format!("{who}: {why}") }
}

fn in_words(at: UnixMicros) -> String {
    let at = i64::try_from(at.0).ok().and_then(|us| Timestamp::from_microsecond(us).ok());
    at.map_or_else(String::new, |at| format!("{at:.3}"))
}
