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
mod number_list;
pub mod person;
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
pub use number_list::{ListedNumber, NumberListOptions, read_numbers};
pub use person::{Person, Whose};
pub use plan::{ErasedPlan, Plan, PlanChunk, PlanRow, erase_plan};
pub use propose::{Proposal, ProposedColumn, Role, propose};
pub use rejects::{RejectedRow, Rejects, RejectsFile, RejectsForm, erase_rejects, erase_table};
pub use source::{STDIN, is_stdin, source_hash_of};
