//! What the journal holds of receipts, and of what follows from them.

use serde::{Deserialize, Serialize};
use volley_core::{MessageToken, ReceiptState, RecipientCheck, UnixMicros};

/// One receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReceiptEntry<'a> {
    /// The id, folded for matching.
    pub id: &'a [u8],
    /// What it says.
    pub state: ReceiptState,
    /// The carrier's error code as text; empty when there is none.
    pub err: &'a [u8],
    /// Of the recipient's address, where it was readable.
    pub check: Option<RecipientCheck>,
    /// The id as it came, when it differs.
    pub raw: Option<&'a [u8]>,
    /// What else it says of its message, where it says all of it.
    pub facts: Option<ReceiptFacts>,
}

/// What tells a message whose answer never came from all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptFacts {
    /// When the carrier took the message, by its own clock.
    #[serde(with = "micros")]
    pub submitted: UnixMicros,
    /// A keyed hash of the recipient's last digits.
    pub recipient: u32,
    /// The sender's check ([`volley_core::SenderCheck`]).
    pub sender: u16,
}

mod micros {
    use serde::{Deserialize as _, Deserializer, Serializer};
    use volley_core::UnixMicros;

    pub(super) fn serialize<S: Serializer>(at: &UnixMicros, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(at.0)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<UnixMicros, D::Error> {
        u64::deserialize(deserializer).map(UnixMicros)
    }
}

/// A segment that a receipt told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InferredEntry<'a> {
    /// Row and segment.
    pub token: MessageToken,
    /// The id as the receipt has it.
    pub id: &'a [u8],
    /// The id as receipts are matched by it, when it differs.
    pub folded: Option<&'a [u8]>,
    /// What a receipt's address must pass.
    pub check: RecipientCheck,
    /// Which of its attempts was taken.
    pub attempt: Attempt,
}

/// A change of how ids are read takes more than one record; a crash in between begins it anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum FoldingStep {
    /// Ids that await a receipt are read anew.
    Begins = 0,
    /// Receipts that came before were matched.
    Ends = 1,
}

impl FoldingStep {
    pub(crate) const ALL: [Self; 2] = [Self::Begins, Self::Ends];
}

/// Which attempt at sending a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Attempt {
    /// The last one.
    Present = 0,
    /// One before: it was sent again since.
    Earlier = 1,
}

impl Attempt {
    pub(crate) const ALL: [Self; 2] = [Self::Present, Self::Earlier];
}
