//! What a person or a guard orders of a campaign: kept for good, with who, when and why.

use serde::{Deserialize, Serialize};
use volley_core::Rate;

/// An order, as the journal and the audit log hold it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ordered {
    /// The campaign's number.
    pub campaign: u32,
    /// When, in microseconds since 1970-01-01T00:00:00Z.
    pub at_us: u64,
    /// Who: a person as `user@host`, or `guard` and its name.
    pub by: String,
    /// Why, in words; may be empty.
    pub why: String,
    /// What.
    #[serde(flatten)]
    pub order: Order,
}

/// What is ordered. Carriers stand as their numbers in the data directory; `None` is the whole
/// campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case")]
pub enum Order {
    /// Nothing is begun until it is lifted; answers and receipts are taken.
    Pause {
        /// One carrier alone.
        carrier: Option<u8>,
    },
    /// A pause is lifted.
    Resume {
        /// One carrier's alone.
        carrier: Option<u8>,
    },
    /// Another rate from here on.
    Pace {
        /// One carrier's rate, over its binds.
        carrier: Option<u8>,
        /// Segments; `None` is what the files say.
        rate: Option<Rate>,
    },
    /// What was not begun never will be.
    Cancel,
    /// A guard looked and let the run go on.
    Pass,
}
