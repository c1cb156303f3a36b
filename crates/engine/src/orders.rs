//! What people order of a campaign: pause, resume, another pace, cancel. Told to the process that runs
//! it, or recorded here when none does; kept for good either way.

mod audit;
mod offline;

use std::{fmt, thread, time::Duration};

use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};
use volley_core::{CHUNK_ROWS, MessageState, Rate, UnixMicros};
use volley_reconciler::{OrderedBy, Standing, Summary, record::Order};

pub(crate) use self::audit::audit_of;
pub use self::audit::{AuditLine, audit};
use crate::{DataDir, Engine, Error, control};

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
