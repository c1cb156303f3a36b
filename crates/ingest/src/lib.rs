//! Recipient lists: CSV in, a frozen plan and rejected rows out.
//!
//! [`freeze()`] reads a list once, row by row: a row is valid, or rejected with line, column, code
//! and reason. What is valid lies in a file of our own afterwards ([`Plan`]), so that the CSV
//! may change or vanish. [`number`] makes E.164 of what people write; [`mod@generate`] makes lists.

mod blocks;
mod error;
mod form;
mod freeze;
pub mod generate;
mod judge;
pub mod number;
mod plan;
mod propose;
mod record;
mod rejects;
mod seen;
mod source;

pub use error::Error;
pub use form::{Compression, Encoding, ListForm};
pub use freeze::{
    Duplicates, FreezeProgress, Frozen, ListOptions, Rejection, RowCheck, RowFacts, RowView, VariantCount, freeze,
};
pub use plan::{Plan, PlanChunk, PlanRow};
pub use propose::{Proposal, ProposedColumn, Role, propose};
pub use rejects::{RejectedRow, Rejects};
pub use source::{STDIN, is_stdin, source_hash_of};
