//! What goes down: encoded submits.

use std::fmt;

use volley_core::MessageToken;

/// Messages whose intents are durable, ready for the wire: PDUs encoded with sequence number 0,
/// one after the other in one buffer. Parts of one message lie side by side, in order.
#[derive(Clone, Default)]
pub struct SubmitBatch {
    /// The PDUs.
    pub pdus: Vec<u8>,
    /// One for each PDU, in the same order.
    pub items: Vec<SubmitItem>,
}

/// One PDU of a [`SubmitBatch`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubmitItem {
    /// What the answer is matched to.
    pub token: MessageToken,
    /// Where its PDU ends in `pdus`; it begins where the one before ends.
    pub end: u32,
}

impl SubmitBatch {
    /// Ends the PDU that was just appended to `pdus`.
    pub fn finish_item(&mut self, token: MessageToken) {
        self.items.push(SubmitItem { token, end: self.pdus.len() as u32 });
    }

    /// Whether it holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}

/// PDUs hold numbers and texts, which no log may show.
impl fmt::Debug for SubmitBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubmitBatch").field("n_items", &self.items.len()).field("octets", &self.pdus.len()).finish()
    }
}
