//! Why a recipient was sent to, skipped or deferred: where its row stands, and everything that
//! happened to it, out of list, journal and ledger.

mod find;
mod history;
mod pace;

use std::fs;

use serde::{Deserialize, Serialize};
use tokio::task;
use volley_core::{CampaignId, CarrierIndex, MessageState, UnixMicros};
use volley_journal::{Sequence, View};
use volley_reconciler::Ledger;

pub use self::pace::{CarrierPace, Pace, explain_pace};
use self::{find::Found, history::Whose};
use crate::{
    DataDir, Engine, Error, control,
    ledger_task::LedgerDoor,
    numbers::NumberKey,
    orders::{Owned, moment, open_or_ask, since},
    preflight::Approved,
    seal,
};

/// What is known of one recipient of one campaign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explained {
    /// The campaign's name.
    pub campaign: String,
    /// The number, as it was understood.
    pub number: String,
    /// Its row among those that can be sent, from 1; `None` when it isn't one of them.
    pub row: Option<u64>,
    /// Its line in the list.
    pub line: Option<u64>,
    /// Where the row stands.
    pub state: Option<String>,
    /// Why, in a sentence.
    pub why: String,
    /// The carrier that it went to last.
    pub carrier: Option<String>,
    /// The routes that it can take, with their shares.
    pub routes: Vec<String>,
    /// Rows of the list with this number that were rejected.
    pub rejected: Vec<RejectedNumber>,
    /// Suppression lists that it is on now.
    pub suppressed: Vec<String>,
    /// Everything that happened to it, in the order of time.
    pub events: Vec<HappenedEvent>,
}

/// A rejected row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedNumber {
    /// Its line in the list.
    pub line: u64,
    /// The column at fault.
    pub column: Option<String>,
    /// A short word for the fault.
    pub code: String,
    /// A sentence.
    pub reason: String,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HappenedEvent {
    /// When, RFC 3339.
    pub at: String,
    /// What, in a word: intent, accepted, refused, receipt, …
    pub what: String,
    /// Through which carrier.
    pub carrier: Option<String>,
    /// Which segment, from 1, where the message has several.
    pub segment: Option<u8>,
    /// The details.
    pub details: String,
}

/// What is asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Wanted {
    pub(crate) campaign: String,
    pub(crate) number: String,
}

/// Where a row stands, as the ledger has it.
#[derive(Debug)]
pub(crate) struct RowFacts {
    pub(crate) state: MessageState,
    pub(crate) reason: String,
    pub(crate) carrier: Option<String>,
    pub(crate) settled_at: Option<UnixMicros>,
    pub(crate) attempts: u8,
}

/// What the ledger says of a recipient.
#[derive(Debug)]
pub(crate) struct LedgerPart {
    name: String,
    /// The last record that it knows.
    applied: u64,
    /// Names of the carriers, by their numbers.
    carriers: Vec<String>,
    /// Suppression lists with this number, now.
    suppressed: Vec<String>,
    /// Who paused the campaign, in words.
    paused: Option<String>,
    /// Why nothing of it is begun now, where it runs.
    holds: Option<String>,
    facts: Option<RowFacts>,
}

/// Why the recipient with this number was skipped, deferred or sent. While a process runs on the
/// data directory it is asked.
///
/// # Errors
/// When there is no such campaign, it is no number, or list, journal or store can't be read.
pub fn explain(dir: &DataDir, campaign: &str, number: &str) -> Result<Explained, Error> {
    if !dir.exists() {
        return Err(Error::NoData { root: dir.root().to_owned() });
    }
    let wanted = Wanted { campaign: campaign.to_owned(), number: number.to_owned() };
    match open_or_ask(dir, || control::ask_explain(&dir.control_socket(), &wanted))? {
        Owned::Ours(engine) => engine.explain(&wanted),
        Owned::Theirs(Ok(explained)) => Ok(explained),
        Owned::Theirs(Err(why)) if why.is_empty() => {
            Err(Error::NoCampaign { name: campaign.to_owned(), root: dir.root().to_owned() })
        }
        Owned::Theirs(Err(why)) => Err(Error::NoNumber { why }),
    }
}

impl Engine {
    fn explain(&self, wanted: &Wanted) -> Result<Explained, Error> {
        let no_campaign = || Error::NoCampaign { name: wanted.campaign.clone(), root: self.dir.root().to_owned() };
        let id = self.ledger.find(&wanted.campaign).ok_or_else(no_campaign)?;
        let approved = self.approved(id)?;
        seal::check(&self.dir, &self.ledger, id, &[seal::PLAN])?;
        let found = find::find(&self.dir.campaign(id), &approved, &wanted.number)?;
        let key = NumberKey::open(&self.dir, !self.ledger.suppressed().is_empty())?;
        let part = of_ledger(&self.ledger, id, &found, &key, self.ground.clock.wall())?;
        tell(part, id, &approved, found, &key, &self.journal.view())
    }
}

/// The same, where a process runs, from the ledger behind `door` and its journal; with why nothing is
/// begun now, if so.
///
/// # Errors
/// As [`explain`], in words; empty when there is no such campaign.
pub(crate) async fn explain_running(
    dir: &DataDir,
    door: &LedgerDoor,
    journal: View,
    (wanted, holds): (Wanted, Option<String>),
    now: UnixMicros,
) -> Result<Explained, String> {
    let gone = |_| "the run has just ended: ask again".to_owned();
    let name = wanted.campaign.clone();
    let id = door.look(move |ledger| ledger.find(&name)).await.map_err(gone)?.ok_or_else(String::new)?;
    let (folder, path) = (dir.campaign(id), dir.approved(id));
    let looked_up = task::spawn_blocking(move || {
        let approved: Approved = fs::read(path).ok().and_then(|text| serde_json::from_slice(&text).ok())?;
        let found = find::find(&folder, &approved, &wanted.number);
        Some(found.map(|found| (approved, found)))
    });
    let ended = |_| "it could not be looked up".to_owned();
    let (approved, found) = looked_up.await.map_err(ended)?.ok_or("its files can't be read")?.map_err(in_words)?;
    let key = NumberKey::open(dir, true).or_else(|_| NumberKey::open(dir, false)).map_err(in_words)?;
    let asked = (found.clone(), key.clone());
    let part = door.look(move |ledger| of_ledger(ledger, id, &asked.0, &asked.1, now));
    let mut part = part.await.map_err(gone)?.map_err(in_words)?;
    part.holds = holds;
    let told = task::spawn_blocking(move || tell(part, id, &approved, found, &key, &journal));
    told.await.map_err(ended)?.map_err(in_words)
}

#[expect(clippy::needless_pass_by_value, reason = "as `map_err` gives it")]
fn in_words(error: Error) -> String {
    error.to_string()
}

fn of_ledger(
    ledger: &Ledger,
    id: CampaignId,
    found: &Found,
    key: &NumberKey,
    now: UnixMicros,
) -> Result<LedgerPart, Error> {
    let mut facts = None;
    if let Some((wanted, _)) = found.row {
        ledger.report_chunk(id, wanted.chunk(), |row| {
            if row.row == wanted {
                facts = Some(RowFacts {
                    state: row.state,
                    reason: row.reason.to_owned(),
                    carrier: row.carrier.map(str::to_owned),
                    settled_at: row.settled_at,
                    attempts: row.attempts,
                });
            }
            Ok::<(), Error>(())
        })?;
    }
    let lists = ledger.suppressed();
    let on = lists.names().filter_map(|(index, name)| {
        let number = found.number?;
        let entry = lists.get(&[index], number.check(), now, || key.hash(number))?;
        Some(format!("{name} (since {}, {})", moment(entry.since), entry.cause.name()))
    });
    let carriers = (0..=u8::MAX).map(|n| ledger.carrier_name(CarrierIndex(n)).to_owned());
    Ok(LedgerPart {
        name: ledger.plan(id).map_or_else(String::new, |plan| plan.name.clone()),
        applied: ledger.applied(),
        suppressed: on.collect(),
        carriers: carriers.take_while(|name| !name.is_empty()).collect(),
        paused: ledger.standing(id).and_then(|it| it.paused.as_ref()).map(since),
        holds: None,
        facts,
    })
}

fn tell(
    part: LedgerPart,
    id: CampaignId,
    approved: &Approved,
    found: Found,
    key: &NumberKey,
    journal: &View,
) -> Result<Explained, Error> {
    let journal = journal.up_to(Sequence(part.applied));
    let whose =
        Whose { campaign: id, row: found.row.map(|(row, _)| row), number: found.number.map(|number| key.hash(number)) };
    let history = history::read(&journal, &whose, &part.carriers)?;
    let weights: u64 = approved.options.routes.iter().map(|route| u64::from(route.weight.get())).sum();
    let routes = approved.options.routes.iter().map(|route| {
        let share = f64::from(route.weight.get()) * 100.0 / weights.max(1) as f64;
        format!("{} (weight {}, {share:.0} %)", route.carrier, route.weight)
    });
    let why = why(&part, &found);
    Ok(Explained {
        campaign: part.name,
        number: found.number.map_or(found.typed, |number| format!("+{number}")),
        row: found.row.map(|(row, _)| u64::from(row.0) + 1),
        line: found.row.map(|(_, line)| line),
        state: part.facts.as_ref().map(|facts| facts.state.name().to_owned()),
        why,
        carrier: part.facts.and_then(|facts| facts.carrier),
        routes: routes.collect(),
        rejected: found.rejected,
        suppressed: part.suppressed,
        events: history,
    })
}

/// One sentence.
fn why(part: &LedgerPart, found: &Found) -> String {
    let lists = part.suppressed.join(", ");
    let Some(facts) = &part.facts else {
        return match found.rejected.first() {
            Some(RejectedNumber { line, reason, .. }) => format!("line {line} was rejected: {reason}"),
            None => "the number is not in the list".to_owned(),
        };
    };
    let through = facts.carrier.as_deref().map_or_else(String::new, |carrier| format!(" through {carrier}"));
    let because = if facts.reason.is_empty() { String::new() } else { format!(": {}", facts.reason) };
    match facts.state {
        MessageState::Pending if !lists.is_empty() => format!("it will not be sent: the number is on {lists}"),
        MessageState::Pending => match &part.paused {
            Some(by) => format!("its turn has not come: the campaign is paused by {by}"),
            None if part.holds.is_some() => {
                format!("its turn has not come: {}", part.holds.as_deref().unwrap_or_default())
            }
            None if facts.attempts > 0 => "it was begun, given back, and waits for its turn again".to_owned(),
            None => "its turn has not come".to_owned(),
        },
        MessageState::Deferred => {
            let due = facts.settled_at.map_or_else(String::new, |at| format!(", due at {}", moment(at)));
            format!("it will be tried again{because}{due}")
        }
        MessageState::Suppressed if lists.is_empty() => format!("it was not sent{because}"),
        MessageState::Suppressed => format!("it was not sent{because}; the number is on {lists}"),
        MessageState::Cancelled => format!("it was not sent{because}"),
        MessageState::InFlight => format!("it was sent{through}, and its answer is awaited"),
        MessageState::InDoubt => format!("it may have been sent{through}{because}"),
        MessageState::Accepted => format!("it was taken{through}, and its receipt is awaited"),
        MessageState::Delivered => format!("it was delivered{through}"),
        MessageState::Undelivered | MessageState::Expired | MessageState::Unknown => {
            format!("it was taken{through}, and is {}{because}", facts.state.name())
        }
        MessageState::Failed => format!("it failed{through}{because}"),
        MessageState::Rejected => format!("it was rejected{because}"),
    }
}
