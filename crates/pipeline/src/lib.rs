//! Carrier pipelines: SMPP sessions, windows, reconnect; answers and receipts as events.
//!
//! A [`Carrier`] is one account: hosts times binds, with one queue in front of them. What goes in
//! is encoded already and may be written at once ([`SubmitBatch`]); what comes out are batches of
//! [`CarrierEvent`]s. What it promises its owner:
//! - every token that was submitted comes back exactly once per submit: in
//!   [`EventKind::Answers`], [`EventKind::Lost`] (written, fate unknown) or
//!   [`EventKind::Returned`] (never written);
//! - nothing is ever sent twice by itself;
//! - a receipt or reply is acknowledged to the carrier only through [`Carrier::acknowledge`];
//! - events are never dropped: while the owner does not take them, the sessions stop reading,
//!   and TCP makes the carrier wait.
//!
//! Tasks: one per bind (on drain: empties its window and unbinds; on errors: reconnects) and one
//! for the carrier, which gives back what can't be written (on drain: waits for the binds, then
//! reports [`EventKind::Stopped`]).

mod backoff;
mod bind_task;
mod carrier;
mod event;
mod options;
mod pacer;
mod queue;
mod session;
mod submit;
mod window;

pub use carrier::{BindPhase, BindStatus, Carrier};
pub use event::{
    Answer, AnswerBatch, CarrierEvent, EventKind, LostCause, Receipt, ReceiptBatch, ReceiptHandle, Reply, ReplyBatch,
    ReplyItem, ReplyKind,
};
pub use options::{Secret, SmppOptions, Timers};
pub use pacer::{Admitted, Pacer, Unpaced};
pub use submit::{SubmitBatch, SubmitItem};
