//! Folds the journal into the ledger and matches receipts; keeps its state in sled.
//!
//! The journal is the truth; the ledger is what follows from it. [`record`] is how events lie in
//! the journal, [`Ledger::fold`] how they change rows, [`Ledger::checkpoint`] what is kept in
//! the store so that a start need not read the whole journal again, and [`Summary`] what people
//! see.

pub mod record;

mod campaign;
mod chunk;
mod error;
mod index;
mod inference;
mod ledger;
mod segment;
mod store;
mod summary;
mod suppress;
mod suspects;
mod varint;

pub use error::Error;
pub use inference::{Identity, Inference, Inferences, Settled};
pub use ledger::{
    CampaignReceipts, Checkpoint, Doubt, DoubtfulSegment, FoldingProposal, Ledger, Opened, OrderedBy, Question,
    Questions, ReceiptCounters, Recount, ReportRow, RowToSend, SetAside, Standing,
};
pub use store::is_in_sled;
pub use summary::{CampaignStatus, Segments, Summary};
pub use suppress::{
    GLOBAL as GLOBAL_LIST, ListIndex, NumberHash, SuppressCause, SuppressList, SuppressLists, Suppression,
};
pub use suspects::{Fate, Suspect};
