//! `[carriers.NAME] query`: whether a carrier is asked for messages whose receipt doesn't come.

use serde::Deserialize;
use volley_core::Rate;

use crate::options::HumanDuration;

/// `query = { after = "1h", rate = "5/s" }`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct QueryOptions {
    /// A message is asked for when it was submitted so long ago, and again after twice and four
    /// times as long; the first time before nine tenths of the receipt deadline in any case.
    pub after: HumanDuration,
    /// Questions that the carrier takes; each also takes a place in the window, and one of `rate`.
    pub rate: Rate,
}

impl QueryOptions {
    /// What can't work, in words.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.after.0.is_zero() { Err("`query.after` is zero".to_owned()) } else { Ok(()) }
    }
}
