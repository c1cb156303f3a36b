//! What comes up: events, in batches.

mod answers;
mod receipts;
mod replies;
mod told;

use std::time::Duration;

use volley_core::{CarrierIndex, MessageToken};
use volley_smpp::pdu::CommandStatus;

pub use answers::{Answer, AnswerBatch};
pub use receipts::{Receipt, ReceiptBatch};
pub(crate) use replies::NewReply;
pub use replies::{Reply, ReplyBatch, ReplyItem, ReplyKind};
pub use told::{QueryAnswer, Question, Told};

/// Something that happened at a carrier.
#[derive(Debug)]
pub struct CarrierEvent {
    /// Where.
    pub carrier: CarrierIndex,
    /// On which of its binds, from 0; the last bind's number plus 1 for the carrier as a whole.
    pub bind: u16,
    /// What.
    pub kind: EventKind,
}

/// What happened.
#[derive(Debug)]
pub enum EventKind {
    /// The bind is up.
    Bound {
        /// What the SMSC calls itself.
        system_id: String,
        /// sc_interface_version, where the SMSC tells it.
        interface_version: Option<u8>,
    },
    /// The SMSC refuses the bind.
    BindRefused {
        /// Why.
        status: CommandStatus,
        /// When we try again.
        retry_in: Duration,
    },
    /// No connection, or no answer to the bind.
    ConnectFailed {
        /// At which step.
        step: ConnectStep,
        /// Why.
        error: String,
        /// When we try again.
        retry_in: Duration,
    },
    /// The bind was up and is not any more. What was open on it was reported before.
    BindLost {
        /// Why.
        error: String,
        /// When we try again.
        retry_in: Duration,
    },
    /// Answers to submits.
    Answers(AnswerBatch),
    /// Receipts, to be acknowledged once they are durable.
    Receipts(ReceiptBatch),
    /// What came of questions ([`crate::Carrier::query`]).
    Told(Vec<QueryAnswer>),
    /// Messages to us that are no receipts, to be acknowledged once they are durable.
    Replies(ReplyBatch),
    /// Written and never answered: their fate is unknown. Never sent again from here. May be
    /// empty, when a session ended with nothing open.
    Lost {
        /// Which.
        tokens: Vec<MessageToken>,
        /// Why there is no answer.
        cause: LostCause,
    },
    /// Never written: the carrier definitely doesn't have them.
    Returned {
        /// Which.
        tokens: Vec<MessageToken>,
    },
    /// Drained: all windows are empty and all binds closed. What is submitted after this comes
    /// back as [`EventKind::Returned`].
    Stopped,
}

/// A step on the way to a bind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConnectStep {
    /// The host's name, and TCP.
    Tcp,
    /// TLS: certificates, names, versions. Nothing was ever sent in the clear.
    Tls,
    /// The bind was written, and the connection ended or nothing came.
    Bind,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LostCause {
    /// The connection ended first.
    ConnectionLost,
    /// The carrier let the response time or the drain's deadline pass.
    NoAnswer,
}

/// Names one deliver_sm (or data_sm) that waits for its acknowledgement. It is good for the
/// session that it came on; a later session ignores it, and the carrier delivers again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ReceiptHandle {
    pub(crate) bind: u16,
    pub(crate) request: Delivery,
    pub(crate) generation: u32,
    pub(crate) sequence_number: u32,
}

/// Which request is to be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Delivery {
    DeliverSm,
    DataSm,
}
