//! What people order of a campaign: pause, resume, another pace, cancel. Told to the process that runs
//! it, or recorded here when none does; kept for good either way.

use std::{fmt, thread, time::Duration};

use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};
use volley_core::{CHUNK_ROWS, CampaignId, MessageState, Rate, UnixMicros};
use volley_journal::{Journal, JournalOptions};
use volley_reconciler::{
    CampaignStatus, Checkpoint, Ledger, OrderedBy, Standing, Summary,
    record::{Control, Order, Ordered},
};

use crate::{DataDir, Engine, Error, control, doubt, guards::CANARY};

/// Rows that one record cancels: what it opens of the ledger stays small.
pub(crate) const CANCELLED_PER_RECORD: u32 = 16 * CHUNK_ROWS;
/// How often an owner that doesn't answer is asked, and how long between two times.
const LOOKS: u32 = 20;
const LOOK: Duration = Duration::from_millis(100);
/// Orders that may wait for the loop.
const ORDERS: usize = 8;

/// What a person wants of a campaign.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Instruction {
    /// The campaign's name or number.
    pub campaign: String,
    /// What.
    pub verb: Verb,
    /// Of one carrier alone, by its name.
    pub carrier: Option<String>,
    /// Who, as `user@host`.
    pub by: String,
    /// Why, in words; may be empty.
    pub why: String,
}

/// What can be wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    /// Begin nothing, until it is lifted.
    Pause,
    /// Lift a pause.
    Resume,
    /// Another rate; `None` for what the files say.
    Pace(Option<Rate>),
    /// Never begin what was not begun.
    Cancel,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Instructed {
    /// The campaign's number.
    pub id: u32,
    /// Its numbers when the order took effect: the states sum to the rows.
    pub summary: Summary,
    /// Whether a process runs it.
    pub is_running: bool,
}

/// Why an order was not given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// No campaign by that name.
    NoCampaign,
    /// The process runs another one.
    RunsAnother(String),
    /// The process is about to end.
    Ending,
    /// The campaign has no such carrier; these it has.
    NoCarrier(Vec<String>),
    /// There is no pause to be lifted.
    NotPaused,
    /// Nothing of it is begun any more, whatever is ordered.
    Cancelled,
    /// Nothing of it is left.
    Finished,
}

/// How the loop answers.
pub(crate) type Reply = oneshot::Sender<Result<Summary, Refusal>>;

/// An instruction on its way to the loop.
pub(crate) struct OrderRequest {
    pub(crate) instruction: Instruction,
    pub(crate) reply: Reply,
}

/// A way to the loop, for who gives orders.
#[derive(Debug, Clone)]
pub struct OrderDoor(mpsc::Sender<OrderRequest>);

/// Both ends.
pub(crate) fn door() -> (OrderDoor, mpsc::Receiver<OrderRequest>) {
    let (sender, receiver) = mpsc::channel(ORDERS);
    (OrderDoor(sender), receiver)
}

impl OrderDoor {
    /// Gives an order, and returns the campaign's numbers when it is durable and in effect.
    ///
    /// # Errors
    /// When it can't be given.
    pub async fn give(&self, instruction: Instruction) -> Result<Summary, Refusal> {
        let (reply, answer) = oneshot::channel();
        self.0.send(OrderRequest { instruction, reply }).await.map_err(|_| Refusal::Ending)?;
        answer.await.unwrap_or(Err(Refusal::Ending))
    }
}

impl Verb {
    /// The order for the campaign, or for the carrier with this number; `None` when there is none
    /// such.
    pub(crate) const fn order(self, carrier: Option<u8>) -> Order {
        match self {
            Self::Pause => Order::Pause { carrier },
            Self::Resume => Order::Resume { carrier },
            Self::Pace(rate) => Order::Pace { carrier, rate },
            Self::Cancel => Order::Cancel,
        }
    }
}

/// Whether the order makes sense as things stand.
pub(crate) fn check(order: Order, standing: &Standing) -> Result<(), Refusal> {
    let is_paused = |carrier: Option<u8>| match carrier {
        None => standing.paused.is_some(),
        Some(carrier) => standing.paused_carriers.contains_key(&carrier),
    };
    match order {
        _ if standing.cancelled.is_some() => Err(Refusal::Cancelled),
        Order::Resume { carrier } if !is_paused(carrier) => Err(Refusal::NotPaused),
        Order::Resume { .. } | Order::Pause { .. } | Order::Pace { .. } | Order::Cancel | Order::Pass => Ok(()),
    }
}

/// Does what is wanted: in the process that runs on the data directory, or here when none does.
///
/// # Errors
/// When there is no such campaign or carrier, it makes no sense as things stand, or it can't be kept.
pub fn instruct(dir: &DataDir, instruction: &Instruction) -> Result<Instructed, Error> {
    if !dir.exists() {
        return Err(Error::NoData { root: dir.root().to_owned() });
    }
    match open_or_ask(dir, || control::give_order(&dir.control_socket(), instruction))? {
        Owned::Ours(engine) => engine.instruct(instruction),
        Owned::Theirs(given) => given.map_err(|refusal| refused(dir, refusal, instruction)),
    }
}

/// Who owns a data directory.
pub enum Owned<T> {
    /// This process, from now on.
    Ours(Box<Engine>),
    /// Another, which answered.
    Theirs(T),
}

/// Opens the data directory, or gives the answer of the process that owns it. One that only looks, and
/// so answers nothing, is waited for a moment.
///
/// # Errors
/// When the owner does not answer, or the directory can't be read.
pub fn open_or_ask<T>(dir: &DataDir, mut ask: impl FnMut() -> Option<T>) -> Result<Owned<T>, Error> {
    let mut n_looks = 0;
    loop {
        n_looks += 1;
        match Engine::open(dir) {
            Ok(engine) => return Ok(Owned::Ours(Box::new(engine))),
            Err(in_use @ Error::InUse { .. }) => match ask() {
                Some(answer) => return Ok(Owned::Theirs(answer)),
                None if n_looks >= LOOKS => return Err(in_use),
                None => thread::sleep(LOOK),
            },
            Err(other) => return Err(other),
        }
    }
}

fn refused(dir: &DataDir, refusal: Refusal, instruction: &Instruction) -> Error {
    let name = instruction.campaign.clone();
    match refusal == Refusal::NoCampaign {
        true => Error::NoCampaign { name, root: dir.root().to_owned() },
        false => Error::NotOrdered { name, refusal },
    }
}

impl Engine {
    /// Records an order while no process runs the campaign; the next run begins with it.
    fn instruct(mut self, instruction: &Instruction) -> Result<Instructed, Error> {
        let dir = self.dir.clone();
        let refused = |refusal| refused(&dir, refusal, instruction);
        let id = self.ledger.find(&instruction.campaign).ok_or_else(|| refused(Refusal::NoCampaign))?;
        let summary = self.ledger.summary(id);
        if summary.is_some_and(|it| it.n_open() == 0) {
            return Err(refused(Refusal::Finished));
        }
        let carrier = match &instruction.carrier {
            None => None,
            Some(name) => Some(self.carrier_of(id, name)?.ok_or_else(|| {
                let routes = self.approved(id).map(|approved| approved.options.routes).unwrap_or_default();
                refused(Refusal::NoCarrier(routes.into_iter().map(|route| route.carrier).collect()))
            })?),
        };
        self.order(id, instruction.verb.order(carrier), &instruction.by, &instruction.why)
            .and_then(|given| given.map_err(refused))?;
        self.ledger.checkpoint(Checkpoint::All)?;
        self.ledger.sync()?;
        let summary = self.ledger.summary(id).ok_or_else(|| refused(Refusal::NoCampaign))?;
        Ok(Instructed { id: id.0, summary, is_running: false })
    }

    /// The number of a carrier that the campaign has a route through.
    fn carrier_of(&mut self, id: CampaignId, name: &str) -> Result<Option<u8>, Error> {
        let is_route = self.approved(id)?.options.routes.iter().any(|route| route.carrier == name);
        if !is_route {
            return Ok(None);
        }
        Ok(Some(self.carrier_index(name)?.0))
    }

    /// Records an order, and carries out what needs no run.
    pub(crate) fn order(
        &mut self,
        id: CampaignId,
        order: Order,
        by: &str,
        why: &str,
    ) -> Result<Result<(), Refusal>, Error> {
        let standing = self.ledger.standing(id).cloned().unwrap_or_default();
        if let Err(refusal) = check(order, &standing) {
            return Ok(Err(refusal));
        }
        if order == Order::Cancel {
            let at = self.ground.clock.wall();
            doubt::note_crash(&mut self.journal, &mut self.ledger, id, self.dir.root(), at)?;
        }
        let at_us = self.ground.clock.wall().0;
        let ordered = Ordered { campaign: id.0, at_us, by: by.to_owned(), why: why.to_owned(), order };
        let was_canary = standing.paused.is_some_and(|by| by.by == CANARY);
        let pass = Ordered { order: Order::Pass, ..ordered.clone() };
        self.record(|events| {
            events.ordered(&ordered);
            if was_canary && order == (Order::Resume { carrier: None }) {
                events.ordered(&pass);
            }
        })?;
        if order == Order::Cancel {
            self.cancel_what_waits(id)?;
        }
        Ok(Ok(()))
    }

    /// Finishes a cancellation: once more is the same as once.
    fn cancel_what_waits(&mut self, id: CampaignId) -> Result<(), Error> {
        let n_rows = self.ledger.plan(id).map_or(0, |plan| plan.n_valid);
        let mut from = 0;
        while from < n_rows {
            let rows = from..from.saturating_add(CANCELLED_PER_RECORD).min(n_rows);
            let at = self.ground.clock.wall();
            self.record(|events| events.cancelled(id, at, &rows))?;
            if self.ledger.is_crowded() {
                self.ledger.checkpoint(Checkpoint::Due)?;
            }
            from = rows.end;
        }
        let is_over = self.ledger.summary(id).is_some_and(|summary| summary.n_open() == 0);
        if is_over {
            let at = self.ground.clock.wall();
            self.record(|events| events.control(id, at, Control::Finished, ""))?;
        }
        Ok(())
    }

    /// Lifts every pause of a campaign, also of single carriers; gives them in words.
    ///
    /// # Errors
    /// When it can't be recorded.
    pub fn lift(&mut self, id: CampaignId, by: &str, why: &str) -> Result<Vec<String>, Error> {
        let Standing { paused, paused_carriers, .. } = self.ledger.standing(id).cloned().unwrap_or_default();
        let of_carriers = paused_carriers.into_iter().map(|(carrier, by)| (Some(carrier), by));
        let mut lifted = Vec::new();
        for (carrier, paused) in paused.map(|by| (None, by)).into_iter().chain(of_carriers) {
            if self.order(id, Order::Resume { carrier }, by, why)?.is_ok() {
                lifted.push(since(&paused));
            }
        }
        Ok(lifted)
    }

    /// Who paused the campaign, in words, if it is paused.
    #[must_use]
    pub fn paused(&self, id: CampaignId) -> Option<String> {
        self.ledger.standing(id)?.paused.as_ref().map(since)
    }

    /// Whether a guard stopped the last run of the campaign: whoever resumes it decides to go on.
    #[must_use]
    pub fn was_stopped_by_guard(&self, id: CampaignId) -> bool {
        let is_stopped = self.ledger.summary(id).is_some_and(|summary| summary.status == CampaignStatus::Stopped);
        let standing = self.ledger.standing(id);
        let mut pauses = standing.into_iter().flat_map(|it| it.paused.iter().chain(it.paused_carriers.values()));
        is_stopped && pauses.any(|by| by.by.starts_with(GUARD))
    }
}

/// How orders of guards begin, where people's names stand else.
pub(crate) const GUARD: &str = "guard ";

/// "anna@host since 12:03 because of a wrong text".
pub(crate) fn since(by: &OrderedBy) -> String {
    let because = if by.why.is_empty() { String::new() } else { format!(" because: {}", by.why) };
    format!("{} since {}{because}", by.by, moment(UnixMicros(by.at_us)))
}

/// A time for people: UTC, to the second.
pub(crate) fn moment(at: UnixMicros) -> String {
    let at = i64::try_from(at.0).ok().and_then(|us| Timestamp::from_microsecond(us).ok()).unwrap_or_default();
    at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// One line of the audit log.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AuditLine {
    /// When, RFC 3339.
    pub at: String,
    /// The campaign's name.
    pub campaign: String,
    /// Its number.
    pub id: u32,
    /// What: pause, resume, pace, cancel or pass.
    pub order: String,
    /// Of which carrier alone.
    pub carrier: Option<String>,
    /// The new rate; `None` for what the files say, and where no rate was set.
    pub rate: Option<String>,
    /// Who.
    pub by: String,
    /// Why.
    pub why: String,
}

/// Everything that was ordered of the campaign with this name or number, or of all, oldest first.
/// Works while a campaign runs, whose process is asked then.
///
/// # Errors
/// When there is no such campaign, or journal and store can't be read.
pub fn audit(dir: &DataDir, campaign: Option<&str>) -> Result<Vec<AuditLine>, Error> {
    if !dir.exists() {
        return Err(Error::NoData { root: dir.root().to_owned() });
    }
    let no_campaign =
        || Error::NoCampaign { name: campaign.unwrap_or_default().to_owned(), root: dir.root().to_owned() };
    match dir.lock() {
        Ok(_lock) => {
            let (journal, _) = Journal::open(&dir.journal(), JournalOptions::default())?;
            let ledger = Ledger::open(&dir.store(), &journal)?.ledger;
            audit_of(&ledger, campaign)?.ok_or_else(no_campaign)
        }
        Err(in_use @ Error::InUse { .. }) => {
            control::ask_audit(&dir.control_socket(), campaign).ok_or(in_use)?.ok_or_else(no_campaign)
        }
        Err(other) => Err(other),
    }
}

/// `None` when there is no such campaign.
pub(crate) fn audit_of(
    ledger: &Ledger,
    campaign: Option<&str>,
) -> Result<Option<Vec<AuditLine>>, volley_reconciler::Error> {
    let wanted = campaign.map(|name| ledger.find(name));
    if wanted == Some(None) {
        return Ok(None);
    }
    let is_wanted = |ordered: &Ordered| wanted.flatten().is_none_or(|id| id.0 == ordered.campaign);
    let lines = ledger.audit()?.into_iter().filter(is_wanted).map(|ordered| {
        let name = ledger.plan(CampaignId(ordered.campaign)).map_or_else(String::new, |plan| plan.name.clone());
        let carrier_name = |carrier: u8| ledger.carrier_name(volley_core::CarrierIndex(carrier)).to_owned();
        let (order, carrier, rate) = match ordered.order {
            Order::Pause { carrier } => ("pause", carrier, None),
            Order::Resume { carrier } => ("resume", carrier, None),
            Order::Pace { carrier, rate } => ("pace", carrier, rate),
            Order::Cancel => ("cancel", None, None),
            Order::Pass => ("pass", None, None),
        };
        let at = i64::try_from(ordered.at_us).ok().and_then(|us| Timestamp::from_microsecond(us).ok());
        AuditLine {
            at: at.map_or_else(String::new, |at| format!("{at:.3}")),
            campaign: name,
            id: ordered.campaign,
            order: order.to_owned(),
            carrier: carrier.map(carrier_name),
            rate: rate.map(|rate| rate.to_string()),
            by: ordered.by,
            why: ordered.why,
        }
    });
    Ok(Some(lines.collect()))
}

/// Rows that wait for their turn.
#[must_use]
pub fn untouched(summary: &Summary) -> u64 {
    summary.states.get(MessageState::Pending) + summary.states.get(MessageState::Deferred)
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCampaign => write!(f, "there is no such campaign"),
            Self::RunsAnother(name) => write!(f, "the process that owns the data runs `{name}`"),
            Self::Ending => write!(f, "its run is just ending"),
            Self::NoCarrier(known) => write!(f, "it has no such carrier; there are {}", known.join(", ")),
            Self::NotPaused => write!(f, "it is not paused"),
            Self::Cancelled => write!(f, "it is cancelled"),
            Self::Finished => write!(f, "nothing of it is left to be sent or to come back"),
        }
    }
}

impl Refusal {
    /// What to do about it.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::NoCampaign => "`volley list` shows all",
            Self::RunsAnother(_) => "wait for it, or stop it first",
            Self::Ending => "say it again in a moment",
            Self::NoCarrier(_) => "name one of them with --carrier",
            Self::NotPaused => "`volley audit` shows what was ordered; a carrier's own pause is lifted with --carrier",
            Self::Cancelled | Self::Finished => "`volley run --again` sends the campaign anew, to everyone",
        }
    }
}
