//! Messages to us: kept in a file of their own before they are acknowledged, joined, read. What is
//! personal does not belong into the journal; the file can be rewritten without touching it.

mod asks;
mod desk;
mod erase;
mod file;
mod line;
mod list;
mod show;

pub(crate) use asks::Ask;
pub(crate) use desk::{DeskSetup, Effect, ReplyDesk};
pub(crate) use erase::{WhoseReplies, erase};
pub use list::{Membership, ReplyRow, replies};
pub(crate) use list::{numbers, of_campaigns};
pub use show::{Numbers, write_replies_csv};
