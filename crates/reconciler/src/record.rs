//! The events of a campaign as they lie in the journal.
//!
//! One journal record holds the events of one turn. Each event is a kind octet, its length,
//! and a body; numbers are LEB128, rows are written as the distance to the row before. No phone
//! number and no text stands here (DESIGN section 4): rows, codes, ids, times, and a short hash
//! of the recipient. Unknown kinds can be told apart by their length, but are refused: a record
//! that this version can't fold must not be passed over in silence.

mod erased;
mod order;
mod queried;
mod read;
mod receipt;
mod write;

pub use erased::{BatchEntry, Erased, ErasedCampaign, ErasedCause, SuppressBatch, SuppressEntries};
pub use order::{Order, Ordered};
pub use queried::{QUESTIONS_MAX, QueriedEntry, Told};
pub use read::{AnswerEntries, Events, InferredEntries, IntentEntries, QueriedEntries, ReceiptEntries, Tokens};
pub use receipt::{Attempt, FoldingStep, InferredEntry, ReceiptEntry, ReceiptFacts};
pub use write::EventWriter;

use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, ops::Range};
use volley_core::{CampaignId, CarrierIndex, MessageToken, RecipientCheck, RowIndex, UnixMicros};

use crate::{
    suppress::{ListIndex, NumberHash, SuppressCause},
    varint::Cursor,
};
use read::{Entries, checked};

/// One event, borrowed from the record that holds it.
#[derive(Debug)]
pub enum Event<'a> {
    /// A carrier account gets its number in this data directory.
    Carrier {
        /// The number.
        carrier: CarrierIndex,
        /// Its name in the carriers file.
        name: &'a str,
    },
    /// A list was frozen and approved.
    Planned {
        /// The campaign's number.
        campaign: CampaignId,
        /// When.
        at: UnixMicros,
        /// What was approved.
        plan: Planned,
    },
    /// How many messages may be in doubt after a crash from here on (DESIGN section 2, 2).
    Bound {
        /// The campaign.
        campaign: CampaignId,
        /// The lane.
        carrier: CarrierIndex,
        /// Window slots, intents committed ahead, and answers of one commit, together.
        bound: u32,
    },
    /// These rows may now be written to the carrier.
    Intent {
        /// Campaign, carrier and time.
        head: Head,
        /// Which channel step of the message (0 while there is one).
        leg: u8,
        /// The rows with their segments.
        entries: IntentEntries<'a>,
    },
    /// Answers to submits.
    Answers {
        /// Campaign, carrier and time.
        head: Head,
        /// One for each segment answered.
        entries: AnswerEntries<'a>,
    },
    /// Written and never answered: the fate is unknown.
    InDoubt {
        /// Campaign, carrier and time.
        head: Head,
        /// Why there is no answer.
        cause: DoubtCause,
        /// The segments.
        tokens: Tokens<'a>,
    },
    /// Never written: back to the list.
    Returned {
        /// Campaign, carrier and time.
        head: Head,
        /// The segments.
        tokens: Tokens<'a>,
    },
    /// A decision on segments in doubt.
    Resolved {
        /// Campaign, carrier and time.
        head: Head,
        /// What was decided.
        as_: Resolution,
        /// Who decided, and behind a colon why: "policy", or a person's name.
        by: &'a str,
        /// The segments.
        tokens: Tokens<'a>,
    },
    /// Receipts, acknowledged to the carrier once this is durable.
    Receipts {
        /// The account that they came from.
        carrier: CarrierIndex,
        /// When they arrived.
        at: UnixMicros,
        /// One for each receipt.
        entries: ReceiptEntries<'a>,
    },
    /// Receipts of earlier records whose ids are read by another rule now, and fit.
    Rematched {
        /// The account that they came from.
        carrier: CarrierIndex,
        /// When they were looked at again.
        at: UnixMicros,
        /// One for each receipt.
        entries: ReceiptEntries<'a>,
    },
    /// Receipts that told of segments without an answer: they were taken, under these ids.
    Inferred {
        /// Campaign, carrier and time.
        head: Head,
        /// One for each segment.
        entries: InferredEntries<'a>,
    },
    /// A receipt with an id that nobody knows fits more than one message in doubt.
    Ambiguous {
        /// The account that it came from.
        carrier: CarrierIndex,
        /// Its folded id.
        id: &'a [u8],
    },
    /// From here on a carrier's ids are read like this; those that await a receipt, too.
    Folding {
        /// The account.
        carrier: CarrierIndex,
        /// The mode's name ([`volley_smpp::receipt::IdMode::name`]).
        mode: &'a str,
        /// What is taken out of ids first; empty for nothing.
        strip: &'a str,
        /// Receipts that came before are matched between the two.
        step: FoldingStep,
    },
    /// The carrier was asked for messages whose receipt doesn't come.
    Queried {
        /// Campaign, carrier and time.
        head: Head,
        /// One for each segment.
        entries: QueriedEntries<'a>,
    },
    /// No final receipt came before the deadline.
    NoReceipt {
        /// Campaign, carrier and time.
        head: Head,
        /// The rows (their segment is of no meaning).
        tokens: Tokens<'a>,
    },
    /// A message to us that is no receipt; its content lies in a file of its own.
    Reply {
        /// The account that it came from.
        carrier: CarrierIndex,
        /// When it arrived.
        at: UnixMicros,
    },
    /// A number goes on the suppression list, or off it.
    Suppress(SuppressEntry),
    /// Personal data was erased.
    Erased(Box<Erased>),
    /// A suppression list gets its number in this data directory.
    SuppressList {
        /// The number.
        list: ListIndex,
        /// Its name.
        name: &'a str,
    },
    /// Numbers go on a suppression list, or off it.
    SuppressBatch(SuppressBatch<'a>),
    /// Rows that are not sent because their number is on the suppression list.
    Suppressed {
        /// Campaign, carrier that they would have gone to, and time.
        head: Head,
        /// How the number came on the list.
        cause: SuppressCause,
        /// The rows: all segments of theirs that wait (their segment is of no meaning).
        tokens: Tokens<'a>,
    },
    /// Rows that were not begun by the campaign's deadline: all segments of theirs that wait.
    Missed {
        /// Campaign, carrier that they would have gone to, and time.
        head: Head,
        /// The rows (their segment is of no meaning).
        tokens: Tokens<'a>,
    },
    /// A finished campaign's rows lie in an archive file from here on, and nowhere else.
    Archived {
        /// The campaign.
        campaign: CampaignId,
        /// When and where.
        archive: Archive,
    },
    /// A person or a guard ordered something of a campaign.
    Ordered(Box<Ordered>),
    /// Rows that were not begun never will be.
    Cancelled {
        /// The campaign.
        campaign: CampaignId,
        /// When.
        at: UnixMicros,
        /// All of them that wait in this range; the end is not part of it.
        rows: Range<u32>,
    },
    /// The campaign starts, is interrupted, finishes…
    Control {
        /// The campaign.
        campaign: CampaignId,
        /// When.
        at: UnixMicros,
        /// What.
        control: Control,
        /// Why, for people.
        why: &'a str,
    },
}

/// Where a campaign's rows lie that are no longer in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Archive {
    /// When it was archived, in microseconds since 1970-01-01T00:00:00Z.
    pub at_us: u64,
    /// The archive file, as it was named then.
    pub file: String,
    /// SHA-256 of that file, in hex.
    pub hash: String,
}

/// What most events begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The campaign.
    pub campaign: CampaignId,
    /// The carrier account.
    pub carrier: CarrierIndex,
    /// When it happened.
    pub at: UnixMicros,
}

/// A change of the suppression list. The number itself stands nowhere in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SuppressEntry {
    /// When.
    pub at: UnixMicros,
    /// The number's keyed hash.
    pub number: NumberHash,
    /// The number's check, which receipts pass, too: tells most numbers apart without a hash.
    pub check: RecipientCheck,
    /// Whether it goes on the list, or off it.
    pub change: SuppressChange,
    /// How.
    pub cause: SuppressCause,
    /// The reply's number in its file; 0 when it was none. Replies with effects come in order.
    pub reply: u64,
}

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum SuppressChange {
    /// Off the list.
    Lift = 0,
    /// On the list.
    Add = 1,
}

impl SuppressChange {
    pub(crate) const ALL: [Self; 2] = [Self::Lift, Self::Add];
}

/// A row that may be written, and which of its segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IntentEntry {
    /// The row.
    pub row: RowIndex,
    /// Segments of the whole message, at least 1.
    pub n_segments: u8,
    /// The one segment to send again, or all of them.
    pub only: Option<u8>,
}

/// One answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnswerEntry<'a> {
    /// Which segment was answered.
    pub token: MessageToken,
    /// What the carrier said.
    pub answer: Answer<'a>,
}

/// What a carrier says to a submit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer<'a> {
    /// Taken, under this id.
    Accepted {
        /// The id as it came.
        id: &'a [u8],
        /// The id as receipts are matched by it, when it differs.
        folded: Option<&'a [u8]>,
        /// What a receipt's address must pass.
        check: RecipientCheck,
    },
    /// Refused for good.
    Failed {
        /// The command status.
        status: u32,
    },
    /// Refused for now; to be tried again.
    Deferred {
        /// The command status.
        status: u32,
        /// When it is due.
        until: UnixMicros,
    },
    /// Refused because we are too fast: goes back without using up an attempt.
    Throttled {
        /// The command status.
        status: u32,
    },
}

/// Why an answer is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum DoubtCause {
    /// Our process died between intent and answer.
    Crash = 0,
    /// The connection was lost.
    ConnectionLost = 1,
    /// The carrier did not answer in time.
    NoAnswer = 2,
}

impl DoubtCause {
    pub(crate) const ALL: [Self; 3] = [Self::Crash, Self::ConnectionLost, Self::NoAnswer];

    /// For reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Crash => "in doubt: stopped before the answer",
            Self::ConnectionLost => "in doubt: connection lost before the answer",
            Self::NoAnswer => "in doubt: no answer in time",
        }
    }
}

/// What becomes of a segment in doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Resolution {
    /// Sent once more: a possible duplicate.
    Resend = 0,
    /// Taken for failed.
    Failed = 1,
    /// Taken for accepted; no receipt can be matched.
    Sent = 2,
}

impl Resolution {
    pub(crate) const ALL: [Self; 3] = [Self::Resend, Self::Failed, Self::Sent];
}

/// The life of a campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Control {
    /// Sending begins, for the first time or again.
    Started = 0,
    /// Stopped by a person; can be resumed.
    Interrupted = 1,
    /// Nothing more is expected.
    Finished = 2,
    /// Stopped because something is wrong; can be resumed.
    Stopped = 3,
}

impl Control {
    pub(crate) const ALL: [Self; 4] = [Self::Started, Self::Interrupted, Self::Finished, Self::Stopped];
}

/// What was approved: enough to add up a report from the journal alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// The campaign's name.
    pub name: String,
    /// SHA-256 of the frozen list, in hex.
    pub list_hash: String,
    /// Records of the list.
    pub n_rows: u64,
    /// Rows that can be sent.
    pub n_valid: u32,
    /// Segments of all of them.
    pub n_segments: u64,
    /// Rows that can't be sent, by the code of the reason.
    pub rejected: BTreeMap<String, u64>,
    /// SHA-256 in hex of each file of the campaign that has no checksum of its own; none of
    /// campaigns approved by versions before this field.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, String>,
}

/// A record that can't be read: the journal's checks passed, so another version wrote it, or
/// we have a bug.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("event of kind {kind} at octet {offset} of the record can't be read by this version of volley")]
pub struct EventError {
    /// The kind octet.
    pub kind: u8,
    /// Where the event begins.
    pub offset: usize,
}

/// Kind octets: never reused, never renumbered.
pub(crate) mod kind {
    pub(crate) const CARRIER: u8 = 1;
    pub(crate) const PLANNED: u8 = 2;
    pub(crate) const BOUND: u8 = 3;
    pub(crate) const INTENT: u8 = 4;
    pub(crate) const ANSWERS: u8 = 5;
    pub(crate) const IN_DOUBT: u8 = 6;
    pub(crate) const RETURNED: u8 = 7;
    pub(crate) const RESOLVED: u8 = 8;
    pub(crate) const RECEIPTS: u8 = 9;
    pub(crate) const NO_RECEIPT: u8 = 10;
    pub(crate) const REPLY: u8 = 11;
    pub(crate) const CONTROL: u8 = 12;
    pub(crate) const SUPPRESS: u8 = 20;
    pub(crate) const SUPPRESSED: u8 = 21;
    pub(crate) const INFERRED: u8 = 30;
    /// [`RECEIPTS`] of which at least one has a raw id or facts.
    pub(crate) const RECEIPTS_IN_FULL: u8 = 31;
    pub(crate) const AMBIGUOUS: u8 = 32;
    pub(crate) const FOLDING: u8 = 33;
    pub(crate) const REMATCHED: u8 = 34;
    pub(crate) const QUERIED: u8 = 35;
    pub(crate) const ERASED: u8 = 40;
    pub(crate) const SUPPRESS_LIST: u8 = 41;
    pub(crate) const SUPPRESS_BATCH: u8 = 42;
    pub(crate) const ARCHIVED: u8 = 50;
    pub(crate) const MISSED: u8 = 65;
    pub(crate) const ORDERED: u8 = 70;
    pub(crate) const CANCELLED: u8 = 71;
}

/// What an answer's first octet holds.
pub(crate) mod tag {
    pub(crate) const KIND: u8 = 0b0000_0011;
    pub(crate) const ACCEPTED: u8 = 0;
    pub(crate) const FAILED: u8 = 1;
    pub(crate) const DEFERRED: u8 = 2;
    pub(crate) const THROTTLED: u8 = 3;
    /// A segment number follows; without it the segment is 0.
    pub(crate) const SEGMENT: u8 = 0b0000_0100;
    /// A folded id follows the id.
    pub(crate) const FOLDED: u8 = 0b0000_1000;
    /// In a receipt: an error text follows.
    pub(crate) const ERR: u8 = 0b0001_0000;
    /// In a receipt: a recipient check follows.
    pub(crate) const CHECK: u8 = 0b0010_0000;
    /// In a receipt of kind 31: the id as it came follows the id.
    pub(crate) const RAW: u8 = 0b0100_0000;
    /// In a receipt of kind 31: facts follow.
    pub(crate) const FACTS: u8 = 0b1000_0000;
}
