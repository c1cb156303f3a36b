//! Wires ingest, scheduler, pipelines, journal and reconciler; owns tasks, queues, shutdown and
//! resume.
//!
//! [`Engine`] opens a data directory; [`Engine::preflight`] freezes a list, [`Engine::approve`]
//! makes it a campaign, [`Engine::prepare`] and [`Prepared::run`] send it, for the first time or
//! again. [`status()`] and [`Report`] tell what is known, also while nothing runs.

pub mod inspect;
pub mod options;

mod account;
mod board;
mod carrier_status;
mod control;
mod data_dir;
mod doctor;
mod doubt;
mod engine;
mod error;
mod ground;
mod lane;
mod ledger_task;
mod log;
mod numbers;
mod onboard;
mod pace;
mod preflight;
mod render;
mod replies;
mod report;
mod retry;
mod run;
mod seal;
mod source;
mod start;
mod status;
mod suppress;
mod text;
mod turn;

pub use board::{Board, LaneBoard};
pub use data_dir::{DataDir, DataLock};
pub use doctor::{CampaignSums, Diagnosis, Finding, JournalFacts, Part, Sums, diagnose, repair};
pub use doubt::{Decided, DoubtRow, DoubtVerdict, Doubts};
pub use engine::{Engine, Outcome, Prepared};
pub use error::Error;
pub use ground::{Ground, Tasks, Waits};
pub use onboard::{CarrierTest, CarrierVerdict, TestStep, Verdict};
pub use preflight::{Approved, Preflight, carriers_file, propose_columns};
pub use replies::{Membership, Numbers, ReplyRow, replies, write_replies_csv};
pub use report::Report;
pub use run::Ended;
pub use status::{running_carriers, status};

pub use tokio_util::sync::CancellationToken;
pub use volley_core::{CampaignId, MessageState};
pub use volley_ingest::{FreezeProgress, Frozen, Proposal, ProposedColumn, Role, generate};
pub use volley_reconciler::{CampaignStatus, Summary, is_opening as store_is_opening};
pub use volley_simulator as simulator;
