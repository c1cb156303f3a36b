//! Carrier pipelines: one module per carrier kind, today [`smpp`]. A [`Carrier`] takes batches of
//! encoded submits whose intents are durable, and gives back answers, receipts and replies as
//! batches of [`CarrierEvent`]s. It knows no store, no campaign and no text.
//!
//! What a carrier promises its owner:
//! - every token that was submitted comes back exactly once per submit: in
//!   [`EventKind::Answers`], [`EventKind::Lost`] (written, fate unknown) or
//!   [`EventKind::Returned`] (never written);
//! - nothing is ever sent twice by itself;
//! - a receipt or reply is acknowledged to the carrier only through [`Carrier::acknowledge`];
//! - events are never dropped: while the owner does not take them, the sessions stop reading,
//!   and TCP makes the carrier wait.
//!
//! Tasks, all started through the carrier's own tracker: one per bind (on drain: empties its
//! window, unbinds; on errors: logs, reconnects) and one for the carrier, which gives back what
//! can't be written (on drain: waits for the binds, then reports [`EventKind::Stopped`]).

mod carrier;
mod error;
mod event;
mod pacer;
mod queue;
mod secret;
pub mod smpp;
mod status;
mod submit;

pub use carrier::Carrier;
pub use error::Error;
pub use event::{
    Answer, AnswerBatch, CarrierEvent, ConnectStep, EventKind, LostCause, QueryAnswer, Question, Receipt, ReceiptBatch,
    ReceiptHandle, Reply, ReplyBatch, ReplyItem, ReplyKind, Told,
};
pub use pacer::{Admitted, Pacer, Unpaced};
pub use secret::Secret;
pub use smpp::{
    BackoffOptions, BindAs, ClientCertificate, Dial, Dialler, Dialling, HostNameCheck, ReceiverAccount, SmppOptions,
    StatusClasses, Stream, Timers, TlsOptions, TlsSetupError,
};
pub use status::{BindKind, BindPhase, BindStatus, CarrierStatus, Limit, Peer};
pub use submit::{SubmitBatch, SubmitItem};
