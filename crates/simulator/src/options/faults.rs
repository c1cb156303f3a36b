//! `[faults]`: what goes wrong on purpose, and when.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    time::Duration,
};

use serde::{Deserialize, Deserializer, de};

use super::values::{Share, ShortOrTable, duration, maybe_duration, short_or_table};
use crate::fault::Fault;

/// `[faults]`. Each key but `repeat-receipts` and `slow-reading` is a share of the submits that
/// the account takes (what it refuses or throttles is not counted), or `{ after-submits = N }`:
/// once, at the N-th. `stalls` and `late-receipts` also say for how long: `{ share = 0.01, for =
/// "2s" }`, `{ after-submits = 100, for = "2s" }`. Where several strike one submit and can't all
/// happen, the harshest does; all are counted.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Faults {
    /// Taken, and never answered.
    pub lost_answers: When,
    /// The answer goes out after the next one of its session, or a twentieth of a second later.
    pub reordered_answers: When,
    /// The answer goes out twice.
    pub double_answers: When,
    /// An answer to a sequence number that was never used goes out before the true one.
    pub unknown_answers: When,

    /// The receipt goes out before the answer.
    pub early_receipts: When,
    /// The receipt goes out twice.
    pub double_receipts: When,
    /// A receipt that says ENROUTE follows the final one.
    pub reordered_receipts: When,
    /// A receipt for an id that was never given goes out too.
    pub unknown_receipts: When,
    /// No receipt ever.
    pub lost_receipts: When,
    /// The receipt comes later by this much.
    #[serde(deserialize_with = "late")]
    pub late_receipts: TimedWhen,
    /// Each receipt goes out so many times: a flood of so many times the submit rate.
    pub repeat_receipts: Option<NonZeroU32>,

    /// The connection is closed instead of an answer.
    pub disconnects: When,
    /// The connection is closed in the middle of an answer.
    pub cut_pdus: When,
    /// The connection is reset (RST) instead of an answer; what was not written yet is lost.
    pub resets: When,
    /// Octets that are no PDU go out instead of an answer.
    pub garbage: When,
    /// The SMSC asks to unbind after the answer, goes on answering, and closes when it is agreed to.
    pub unbinds: When,
    /// Nothing is written any more on this session, from this answer on; all is read and taken.
    /// After the time given what was held back goes out; without one, never.
    pub stalls: TimedWhen,
    /// From this submit on nothing is read or written on this session; the connection stays open.
    pub half_opens: When,
    /// Every session is read slowly.
    pub slow_reading: Option<SlowReading>,
}

/// When a fault strikes.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum When {
    /// Never.
    #[default]
    Never,
    /// At each submit with this chance, decided by the seed.
    Share(Share),
    /// Once, at this submit of those that the account takes, from 1.
    At(u64),
}

/// When a fault strikes, and how long it lasts.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct TimedWhen {
    /// When.
    pub when: When,
    /// How long; `None`: for good.
    pub lasts: Option<Duration>,
}

/// How a session is read slowly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SlowReading {
    /// Octets read at once, at most.
    pub octets: NonZeroUsize,
    /// How often.
    #[serde(deserialize_with = "duration")]
    pub every: Duration,
}

impl Faults {
    /// The faults that strike single submits and can strike at all, each with when.
    pub(crate) fn armed(&self) -> Vec<(Fault, When)> {
        let all = [
            (Fault::LostAnswer, self.lost_answers),
            (Fault::ReorderedAnswer, self.reordered_answers),
            (Fault::DoubleAnswer, self.double_answers),
            (Fault::UnknownAnswer, self.unknown_answers),
            (Fault::EarlyReceipt, self.early_receipts),
            (Fault::DoubleReceipt, self.double_receipts),
            (Fault::ReorderedReceipt, self.reordered_receipts),
            (Fault::UnknownReceipt, self.unknown_receipts),
            (Fault::LostReceipt, self.lost_receipts),
            (Fault::LateReceipt, self.late_receipts.when),
            (Fault::Disconnect, self.disconnects),
            (Fault::CutPdu, self.cut_pdus),
            (Fault::Reset, self.resets),
            (Fault::Garbage, self.garbage),
            (Fault::Unbind, self.unbinds),
            (Fault::Stall, self.stalls.when),
            (Fault::HalfOpen, self.half_opens),
        ];
        all.into_iter().filter(|(_, when)| *when != When::Never).collect()
    }
}

impl When {
    const fn of_share(share: Share) -> Self {
        if share.0 > 0.0 { Self::Share(share) } else { Self::Never }
    }

    fn of_keys<E: de::Error>(share: Option<Share>, after_submits: Option<u64>) -> Result<Self, E> {
        match (share, after_submits) {
            (Some(share), None) => Ok(Self::of_share(share)),
            (None, Some(n)) if n > 0 => Ok(Self::At(n)),
            (None, Some(_)) => Err(E::custom("`after-submits` counts from 1")),
            (None, None) | (Some(_), Some(_)) => Err(E::custom("one of `share` and `after-submits` is needed")),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct WhenTable {
    share: Option<Share>,
    after_submits: Option<u64>,
}

impl ShortOrTable for When {
    type Table = WhenTable;
    const EXPECTED: &'static str = "a share from 0 to 1, or { after-submits = N }";

    fn of_number<E: de::Error>(number: f64) -> Result<Self, E> {
        Share::checked(number).map(Self::of_share)
    }

    fn of_table<E: de::Error>(table: WhenTable) -> Result<Self, E> {
        Self::of_keys(table.share, table.after_submits)
    }
}

impl<'de> Deserialize<'de> for When {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        short_or_table(deserializer)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct TimedWhenTable {
    share: Option<Share>,
    after_submits: Option<u64>,
    #[serde(rename = "for", default, deserialize_with = "maybe_duration")]
    lasts: Option<Duration>,
}

impl ShortOrTable for TimedWhen {
    type Table = TimedWhenTable;
    const EXPECTED: &'static str = "a share from 0 to 1, or { after-submits = N, for = \"2s\" }";

    fn of_number<E: de::Error>(number: f64) -> Result<Self, E> {
        Ok(Self { when: When::of_number(number)?, lasts: None })
    }

    fn of_table<E: de::Error>(table: TimedWhenTable) -> Result<Self, E> {
        Ok(Self { when: When::of_keys(table.share, table.after_submits)?, lasts: table.lasts })
    }
}

impl<'de> Deserialize<'de> for TimedWhen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        short_or_table(deserializer)
    }
}

/// Late by how much must be said: late for good is lost.
fn late<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TimedWhen, D::Error> {
    let late = TimedWhen::deserialize(deserializer)?;
    if late.lasts.is_none() {
        return Err(de::Error::custom("`for` is missing: write { share = 0.1, for = \"3s\" }"));
    }
    Ok(late)
}
