//! What the journal holds of questions for messages whose receipt doesn't come.

use volley_core::{MessageToken, ReceiptState};

/// A question for one segment, and what came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueriedEntry<'a> {
    /// Row and segment.
    pub token: MessageToken,
    /// As how often asked its message counts from here on, 0 to [`QUESTIONS_MAX`].
    pub n_asked: u8,
    /// What the carrier said.
    pub told: Told<'a>,
}

/// A message is asked for so often, at most.
pub const QUESTIONS_MAX: u8 = 3;

/// What a carrier says when it is asked for a message (SMPP 3.4, 4.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told<'a> {
    /// Where the message stands: counts like a receipt.
    State {
        /// The state.
        state: ReceiptState,
        /// The carrier's error code as text; empty when there is none.
        err: &'a [u8],
    },
    /// It doesn't say.
    Refused {
        /// The command status.
        status: u32,
    },
    /// It didn't answer.
    Nothing,
}

/// Octets that tell what an entry holds.
pub(super) mod told {
    pub(in crate::record) const STATE: u8 = 0;
    pub(in crate::record) const REFUSED: u8 = 1;
    pub(in crate::record) const NOTHING: u8 = 2;
}
