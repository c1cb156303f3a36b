//! Whether a campaign can run.

use volley_core::UnixMicros;

use super::{Funnel, GuardFinding, SendingPlan};
use crate::report::time_text;

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
    match (plan.finishes, plan.finish_by) {
        (None, _) => reasons.push("some messages can never be sent: their windows don't open".to_owned()),
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
