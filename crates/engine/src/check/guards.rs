//! What `[guards]` says to a list.

use volley_ingest::Frozen;

use super::{cost::CostForecast, funnel::Funnel};
use crate::{
    options::{GuardOptions, Money},
    preflight::roles::NO_CONSENT,
};

/// A guard with what it found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardFinding {
    /// Its key in the campaign file.
    pub guard: &'static str,
    /// What the list comes to.
    pub figure: String,
    /// What is allowed.
    pub limit: String,
    /// Whether nothing may be sent.
    pub stops: bool,
}

impl GuardFinding {
    /// For people: figure and limit.
    #[must_use]
    pub fn in_words(&self) -> String {
        format!("{}: {}; the limit is {}", self.guard, self.figure, self.limit)
    }
}

/// All guards that the campaign has.
pub(super) fn findings(
    guards: &GuardOptions,
    frozen: &Frozen,
    funnel: &Funnel,
    cost: &CostForecast,
) -> Vec<GuardFinding> {
    let mut found = Vec::new();
    if let Some(limit) = guards.max_segments {
        let n_segments = cost.total.load.segments;
        let (figure, limit_words) = (format!("{n_segments} segments"), limit.to_string());
        found.push(GuardFinding { guard: "max-segments", figure, limit: limit_words, stops: n_segments > limit });
    }
    if let Some(limit) = guards.max_cost {
        found.push(of_cost(limit.0, cost));
    }
    if let Some(limit) = guards.max_rejected_share {
        let (n_rejected, n_rows) = (funnel.n_rejected(), funnel.rows);
        let share = n_rejected as f64 / n_rows.max(1) as f64;
        let figure = format!("{share:.6} ({n_rejected} of {n_rows} rows)");
        let stops = limit.is_exceeded(n_rejected, n_rows);
        found.push(GuardFinding { guard: "max-rejected-share", figure, limit: limit.to_string(), stops });
    }
    if let Some(from) = guards.require_consent_after {
        let n_rows = frozen.rejected.get(NO_CONSENT).copied().unwrap_or(0);
        let figure = format!("{n_rows} rows rejected as {NO_CONSENT}");
        let limit = from.0.to_string();
        // It rejects rows; whether too many were rejected is for `max-rejected-share`.
        found.push(GuardFinding { guard: "require-consent-after", figure, limit, stops: false });
    }
    found
}

/// Held against what the dearest routes would cost: any of them may have to take everything.
fn of_cost(limit: Money, cost: &CostForecast) -> GuardFinding {
    let guard = "max-cost";
    let finding = |figure, stops| GuardFinding { guard, figure, limit: limit.to_string(), stops };
    if !cost.no_price.is_empty() {
        return finding(format!("unknown: no price at {}", cost.no_price.join(", ")), true);
    }
    let Some(most) = cost.total.cost.most.or((cost.total.load.rows == 0).then_some(Money { micros: 0, ..limit }))
    else {
        return finding("unknown: the routes have prices in several currencies".to_owned(), true);
    };
    let least = cost.total.cost.least.filter(|least| *least != most);
    let figure = match least {
        None => most.to_string(),
        Some(_) => format!("{most} at most ({} by the routes' weights)", cost.total.cost.expected.in_words()),
    };
    finding(figure, most.currency != limit.currency || most.micros > limit.micros)
}
