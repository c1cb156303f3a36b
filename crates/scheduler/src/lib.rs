//! Whose turn it is, and at which rate: decisions as values; time is an argument.
//!
//! [`Limit`] is one rate, over governor's GCRA; [`Stack`] several at once, of which each gives
//! exactly what all of them allow; [`Lanes`] shares work among carriers by weight.

mod lanes;
mod limit;
mod stack;

pub use lanes::Lanes;
pub use limit::Limit;
pub use stack::{Admitted, Stack, Wait};
