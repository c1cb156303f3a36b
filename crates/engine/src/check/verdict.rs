//! Whether a campaign can run.

use volley_core::UnixMicros;

use super::{Funnel, GuardFinding, SendingPlan};
use crate::report::{hour_text, time_text};

/// Places that are named.
const MAX_PLACES: usize = 5;

/// What a check comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It can run.
    Runs,
    /// No row is ready.
    NothingToSend,
    /// It can't be done by the deadline, or some of it never.
    Late,
    /// A guard stops it.
    Stopped,
}

impl Decision {
    /// The word in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Runs => "runs",
            Self::NothingToSend => "nothing-to-send",
            Self::Late => "late",
            Self::Stopped => "stopped",
        }
    }

    /// The gravest of all that speaks against it.
    pub(super) fn of(funnel: &Funnel, plan: &SendingPlan, guards: &[GuardFinding]) -> Self {
        if guards.iter().any(|guard| guard.stops) {
            Self::Stopped
        } else if funnel.ready == 0 {
            Self::NothingToSend
        } else if plan.n_late() > 0 || plan.finishes.is_none() {
            Self::Late
        } else {
            Self::Runs
        }
    }
}

/// All that speaks against it, and when it is done.
pub(super) fn reasons(funnel: &Funnel, plan: &SendingPlan, guards: &[GuardFinding]) -> Vec<String> {
    let stopping = guards.iter().filter(|guard| guard.stops);
    let mut reasons: Vec<_> = stopping.map(GuardFinding::in_words).collect();
    if funnel.ready == 0 {
        reasons.push("no row of the list is ready to be sent".to_owned());
        return reasons;
    }
    if funnel.outside_windows > 0 {
        reasons.push(format!("{} rows have no open hour before it ends", funnel.outside_windows));
    }
    let n_late = plan.n_late();
    if n_late > 0 {
        reasons.push(format!("{n_late} messages are not begun by the deadline: {}", places(plan)));
        reasons.push(capacity(plan));
    }
    match (plan.finishes, plan.finish_by) {
        (None, _) => reasons.push("some messages can't be sent within a year".to_owned()),
        (Some(at), None) if plan.per_sec.is_none() => {
            reasons
                .push(format!("nothing in the files limits the rate: from {} as fast as carriers answer", shown(at)));
        }
        (Some(at), None) => reasons.push(format!("can be done by {}", shown(at))),
        (Some(at), Some(by)) if at <= by => {
            reasons.push(format!("can be done by {}, before the deadline {}", shown(at), shown(by)));
        }
        (Some(at), Some(by)) => {
            reasons.push(format!("is done by {} at the earliest, after the deadline {}", shown(at), shown(by)));
        }
    }
    reasons
}

fn shown(at: UnixMicros) -> String {
    time_text(UnixMicros(at.0 - at.0 % 1_000_000)).replace(".000Z", "Z")
}

/// Where what is late would go, the most first.
fn places(plan: &SendingPlan) -> String {
    let mut late: Vec<_> = plan.late.iter().collect();
    late.sort_by_key(|late| std::cmp::Reverse(late.load.rows));
    let mut words: Vec<_> =
        late.iter().take(MAX_PLACES).map(|late| format!("{} in {}", late.load.rows, late.place)).collect();
    if let Some(n_more) = late.len().checked_sub(MAX_PLACES).filter(|n| *n > 0) {
        words.push(format!("{n_more} places more"));
    }
    let carriers = plan.ceilings.iter().zip(&plan.late_by_carrier).filter(|(_, n)| **n > 0);
    let carriers: Vec<_> = carriers.map(|(ceiling, n)| format!("{n} of {}", ceiling.carrier)).collect();
    format!("{} ({})", words.join(", "), carriers.join(", "))
}

/// What it takes, what there is, and which hours are full.
fn capacity(plan: &SendingPlan) -> String {
    let possible = plan.per_sec.map_or_else(|| "no limit".to_owned(), |rate| format!("{rate:.2}/s"));
    let needed = plan.needed_per_sec.filter(|needed| needed.is_finite());
    let needed = needed.map_or_else(|| "more than any rate".to_owned(), |needed| format!("{needed:.2}/s"));
    let in_time = |begins: UnixMicros| plan.finish_by.is_none_or(|by| begins < by);
    let full: Vec<_> = plan.hours.iter().filter(|hour| hour.waiting > 0 && in_time(hour.begins)).collect();
    let hours = match full.as_slice() {
        [] => "no hour before it is full: windows leave too little time".to_owned(),
        [only] => format!("the hour from {} is full", hour_text(only.begins)),
        [first, .., last] => {
            format!("{} hours from {} to {} are full", full.len(), hour_text(first.begins), hour_text(last.begins))
        }
    };
    format!("it takes {needed} over the open hours, carriers and campaign allow {possible}; {hours}")
}
