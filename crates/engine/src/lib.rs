//! Wires ingest, scheduler, pipelines, journal and reconciler; owns tasks, queues, shutdown and
//! resume.
//!
//! [`Engine`] opens a data directory; [`Engine::preflight`] freezes a list, [`Engine::approve`]
//! makes it a campaign, [`Engine::prepare`] and [`Prepared::run`] send it, for the first time or
//! again. [`status()`] and [`Report`] tell what is known, also while nothing runs.

mod folding;
mod identify;
pub mod inspect;
pub mod options;

mod account;
mod approval;
mod archive;
mod asker;
mod board;
mod carrier_status;
mod check;
mod commit_times;
mod compact;
mod control;
mod cost;
mod country;
mod data_dir;
mod doctor;
mod doubt;
mod engine;
mod erase;
mod error;
mod explain;
mod ground;
mod guards;
mod hours;
mod lane;
mod ledger_task;
mod listen;
mod log;
mod numbers;
mod onboard;
mod orders;
mod pace;
mod parallel;
mod preflight;
mod render;
mod replies;
mod report;
mod retry;
mod rules;
mod run;
mod sample;
mod scratch;
mod seal;
mod segments;
mod source;
mod start;
mod status;
mod suppress;
mod text;
mod turn;

pub use approval::{Change, FileNames, ListTerms, SavedPlan, Terms, remove_plan, saved_plan, saved_plans};
pub use archive::{ArchiveFile, ArchiveOptions, ArchiveOutcome, Archived, ToArchive, archive};
pub use board::{Board, LaneBoard};
pub use check::{
    Bounds, Ceiling, Check, CostChange, CostForecast, CostLine, Decision, Forcing, Funnel, GuardFinding, Hour, Late,
    Load, MostParts, SendingPlan, SmartLevel, Texts,
};
pub use cost::{Amounts, Contract, PlannedCost};
pub use country::Country;
pub use data_dir::{DataDir, DataLock};
pub use doctor::{CampaignSums, Diagnosis, Finding, JournalFacts, Part, Sums, diagnose, repair};
pub use doubt::{Decided, DoubtRow, DoubtVerdict, Doubts, ListedDoubts, list_doubts};
pub use engine::{Engine, Outcome, Prepared};
pub use erase::{ErasePerson, Erasure, moment, now};
pub use error::Error;
pub use explain::{CarrierPace, Explained, HappenedEvent, Pace, RejectedNumber, explain, explain_pace};
pub use ground::{Ground, Tasks, Waits};
pub use listen::{Listened, Listener};
pub use onboard::{CarrierTest, CarrierVerdict, SendTest, TestMessage, TestStep, Verdict};
pub use orders::{
    AuditLine, Instructed, Instruction, OrderDoor, Owned, Refusal, Verb, audit, instruct, open_or_ask, untouched,
};
pub use preflight::{Approved, Preflight, PreflightProgress, carriers_file, propose_columns};
pub use replies::{Membership, Numbers, ReplyRow, replies, write_replies_csv};
pub use report::hour_text;
pub use report::{Breakdown, By, Details, Line, Report, ReportZone, Tally};
pub use rules::{
    CapPer, CapRule, Evidence, FieldRule, PackFacts, Region, RegionHours, RuleCode, RuleFinding, RulePack, SenderRule,
    TextRule, built_in_rules, load_rules, rule_packs,
};
pub use run::Ended;
pub use sample::{Sample, SampleFate, SampleMessage, SampleRows, sample};
pub use status::{running, running_carriers, status};
pub use suppress::{
    BadRow, Imported, ListFacts, OnList, SuppressImport, SuppressOptions, SuppressedRow, write_suppressed_csv,
};

pub use options::Money;
pub use tokio_util::sync::CancellationToken;
pub use volley_core::{CampaignId, MessageState, Rate, UnixMicros};
pub use volley_ingest::{FreezeProgress, Frozen, Proposal, ProposedColumn, RejectsFile, RejectsForm, Role, generate};
pub use volley_reconciler::{CampaignStatus, Summary, SuppressCause, is_in_sled};
pub use volley_simulator as simulator;
