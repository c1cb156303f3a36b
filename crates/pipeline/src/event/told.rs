//! Questions for messages (query_sm), and what the carrier says.

use volley_core::{MessageToken, ReceiptState};
use volley_smpp::pdu::CommandStatus;

/// A question for one message, encoded (SMPP 3.4, 4.8.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Whose fate is asked for.
    pub token: MessageToken,
    /// The id in the PDU: the answer must name it, or none.
    pub id: Vec<u8>,
    /// query_sm; its sequence number is filled in.
    pub pdu: Vec<u8>,
}

/// What came of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueryAnswer {
    /// What was asked for.
    pub token: MessageToken,
    /// What was said.
    pub told: Told,
}

/// What a carrier says of a message (SMPP 3.4, 4.8.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// Where it stands.
    State {
        /// The state; a number that nobody knows counts as [`ReceiptState::Unknown`].
        state: ReceiptState,
        /// The network's code; 0 for none.
        error_code: u8,
    },
    /// It doesn't say; what can't be read, or is said of another id, is
    /// [`CommandStatus::RUNKNOWNERR`].
    Refused {
        /// Why.
        status: CommandStatus,
    },
    /// No answer came in time, or before the connection ended.
    Nothing,
}
