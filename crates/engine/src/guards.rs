//! Guards of a run: plain values that are told what happened, and say what should be done.

mod budget;
mod canary;
mod watch;

pub(crate) use budget::Budget;
pub(crate) use canary::{Canary, CanaryFacts, Verdict};
pub(crate) use watch::{LaneWatch, ReplyWatch};

/// How guards sign what they order, behind [`crate::orders::GUARD`].
pub(crate) const CANARY: &str = "guard canary";
pub(crate) const PAUSE: &str = "guard pause";
pub(crate) const BUDGET: &str = "guard budget";

/// "12.5 %".
fn percent(n: u64, of: u64) -> String {
    match of {
        0 => "0 %".to_owned(),
        of => format!("{:.1} %", n as f64 * 100.0 / of as f64),
    }
}
