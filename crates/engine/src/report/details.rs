//! Everything that a report says of one campaign.

use std::fs;

use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};
use volley_core::{CampaignId, MessageState, UnixMicros};
use volley_ingest::person;
use volley_reconciler::{CampaignReceipts, Summary};

use super::{
    Asked,
    breakdown::{Breakdown, By, Words},
    delays::{Delays, Percentiles, Series},
    facts::{Doubtful, Facts, price_table},
    html,
    rows::Rows,
    tally::{Tally, amounts_json},
    time_text,
};
use crate::{DataDir, Error, PlannedCost, preflight::Approved, replies, seal};

/// Everything that a report says of one campaign.
pub struct Details {
    /// The numbers that `status` has, too.
    pub summary: Summary,
    /// What was planned to be spent.
    pub planned: PlannedCost,
    /// Sums over all rows, rejected ones among them.
    pub total: Tally,
    /// The breakdowns that were asked for, in that order.
    pub breakdowns: Vec<Breakdown>,
    /// Receipts out of the ordinary.
    pub receipts: CampaignReceipts,
    /// Recipients of this campaign who replied to opt out.
    pub opt_outs: u64,
    /// When the last event happened that is in these numbers.
    pub as_of: UnixMicros,
    /// When the report was asked for.
    pub asked_at: UnixMicros,
    pub(super) begun_at: UnixMicros,
    pub(super) approved: Approved,
    pub(super) delays: Delays,
    pub(super) submitted: Series,
    pub(super) delivered: Series,
    pub(super) doubtful: Vec<DoubtfulRow>,
    pub(super) zone: TimeZone,
}

/// A row in doubt as a report names it.
pub(super) struct DoubtfulRow {
    pub(super) line: u64,
    /// Masked.
    pub(super) number: String,
    pub(super) carrier: String,
    pub(super) since: String,
    pub(super) reason: String,
}

impl Details {
    pub(super) fn gather(
        asked: Asked<'_>,
        by: &[By],
        zone: &TimeZone,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Self, Error> {
        let summary = asked.summary()?;
        let (ledger, id) = (asked.ledger, asked.campaign);
        let no_plan = || asked.does_not_add_up("the campaign has no plan");
        let ((planned_at, as_of), plan) = ledger.times(id).zip(ledger.plan(id)).ok_or_else(no_plan)?;
        let rows = Rows::open(asked.dir, ledger, id)?;
        let approved = approved(asked.dir, id)?;
        let planned = PlannedCost::of(&approved);
        let facts = Facts::gather(&rows, by, &price_table(ledger, &approved), planned_at, progress)?;
        let words = Words {
            carrier: &|carrier| ledger.carrier_name(carrier).to_owned(),
            reason: &|reason| ledger.reason(id, reason).to_owned(),
            sender: &approved.options.message.sender,
            variant: &|variant| approved.options.message.variant_name(variant),
            time_zone: zone,
            rejected: &plan.rejected,
            planned: &planned,
        };
        let breakdowns: Vec<_> = by.iter().map(|by| Breakdown::of(&facts, *by, &words)).collect();
        let doubtful = facts.doubtful.iter().map(|row| doubtful_row(row, &words)).collect();
        let mut total = facts.total;
        total.states.add(MessageState::Rejected, plan.rejected.values().sum());
        check(asked, &summary, &total, &breakdowns, rows.knows_segments())?;
        Ok(Self {
            summary,
            planned,
            total,
            breakdowns,
            receipts: ledger.campaign_receipts(id),
            opt_outs: opt_outs(asked)?,
            as_of,
            asked_at: asked.at,
            begun_at: planned_at,
            approved,
            delays: facts.delays,
            submitted: facts.submitted,
            delivered: facts.delivered,
            doubtful,
            zone: zone.clone(),
        })
    }

    /// The summary's keys, and what only a report has; the keys are a promise.
    #[must_use]
    pub fn json(&self) -> Value {
        let mut value = json!(self.summary);
        let Some(map) = value.as_object_mut() else { return value };
        let mut put = |key: &str, value: Value| drop(map.insert(key.to_owned(), value));
        put("as_of", json!(time_text(self.as_of)));
        put("asked_at", json!(time_text(self.asked_at)));
        put("answer_delay_ms", self.answer_delay().json());
        put("receipt_delay_ms", self.receipt_delay().json());
        put("late_corrections", json!(self.receipts.corrections + self.receipts.late));
        put("receipt_conflicts", json!(self.receipts.conflicts));
        put("receipt_duplicates", json!(self.receipts.duplicates));
        put("opt_outs", json!(self.opt_outs));
        put("cost", self.cost_json());
        if !self.breakdowns.is_empty() {
            let all = self.breakdowns.iter().map(|breakdown| (breakdown.by.name().to_owned(), breakdown.json()));
            put("breakdowns", Value::Object(all.collect::<Map<_, _>>()));
        }
        value
    }

    fn cost_json(&self) -> Value {
        let range = self.planned.range.map(|(least, most)| {
            json!({ "currency": least.currency.to_string(), "least": least.amount(), "most": most.amount() })
        });
        json!({
            "planned": amounts_json(&self.planned.total),
            "planned_range": range,
            "submitted": amounts_json(&self.total.cost_submitted),
            "settled": amounts_json(&self.total.cost_settled),
            "no_price_segments": self.total.no_price,
            "no_price_carriers": self.planned.no_price,
        })
    }

    /// One self-contained page.
    #[must_use]
    pub fn html(&self) -> String {
        html::page(self)
    }

    pub(super) fn answer_delay(&self) -> Percentiles {
        self.delays.answer()
    }

    pub(super) fn receipt_delay(&self) -> Percentiles {
        self.delays.receipt()
    }

    /// Lines for people below the summary: delays, corrections, cost, times.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (what, delay) in [("answers", self.answer_delay()), ("receipts", self.receipt_delay())] {
            if let Some([p50, p90, p99, max]) = delay.ms {
                lines.push(format!("{what} after {p50} ms (p50), {p90} (p90), {p99} (p99), {max} (max)"));
            }
        }
        for (n, what) in [
            (self.receipts.corrections + self.receipts.late, "late corrections by receipts"),
            (self.receipts.conflicts, "receipts that contradict an earlier one"),
            (self.receipts.duplicates, "receipts that came twice"),
            (self.opt_outs, "recipients opted out"),
        ] {
            if n > 0 {
                lines.push(format!("{what}: {n}"));
            }
        }
        lines.push(format!("cost: {}", self.cost_in_words()));
        lines.push(format!("as of {}, asked at {}", time_text(self.as_of), time_text(self.asked_at)));
        lines
    }

    pub(super) fn cost_in_words(&self) -> String {
        let amounts = [
            ("planned", &self.planned.total),
            ("submitted", &self.total.cost_submitted),
            ("settled", &self.total.cost_settled),
        ];
        let known = amounts.iter().filter(|(_, amounts)| !amounts.is_empty());
        let mut words: Vec<_> = known.map(|(what, amounts)| format!("{what} {}", amounts.in_words())).collect();
        if !self.planned.no_price.is_empty() {
            words.push(format!("no price for {}", self.planned.no_price.join(", ")));
        }
        if words.is_empty() { "no price".to_owned() } else { words.join(", ") }
    }
}

/// What was approved. That it still is must have been checked.
pub(super) fn approved(dir: &DataDir, campaign: CampaignId) -> Result<Approved, Error> {
    let path = dir.campaign(campaign).join(seal::APPROVED);
    let failed = |source| Error::Io { path: path.clone(), action: "can't read the approved campaign", source };
    let text = fs::read(&path).map_err(failed)?;
    serde_json::from_slice(&text).map_err(|error| failed(error.into()))
}

fn doubtful_row(row: &Doubtful, words: &Words<'_>) -> DoubtfulRow {
    DoubtfulRow {
        line: row.line,
        number: row.number.map_or_else(|| person::GONE.to_owned(), |number| format!("+{}", number.masked())),
        carrier: row.carrier.map(words.carrier).unwrap_or_default(),
        since: row.submitted_at.map(time_text).unwrap_or_default(),
        reason: (words.reason)(row.reason),
    }
}

/// Recipients whose reply was read as opting out of everything or of something.
fn opt_outs(asked: Asked<'_>) -> Result<u64, Error> {
    let id = asked.campaign.0;
    let replies = replies::replies(asked.dir, Some(&id.to_string()))?;
    let opting_out = replies.iter().filter(|reply| matches!(reply.decision.as_str(), "opt_out" | "opt_out_scoped"));
    let numbers: std::collections::HashSet<_> = opting_out.map(|reply| reply.number).collect();
    Ok(numbers.len() as u64)
}

/// Every breakdown's columns add up to the report's totals, and those are the ledger's own.
fn check(
    asked: Asked<'_>,
    summary: &Summary,
    total: &Tally,
    breakdowns: &[Breakdown],
    knows_segments: bool,
) -> Result<(), Error> {
    let (rows, ledger) = (total.segments, summary.segments);
    let agrees = total.states == summary.states
        && total.possible_duplicates == summary.possible_duplicates
        && (rows.submitted, rows.accepted, rows.delivered) == (ledger.submitted, ledger.accepted, ledger.delivered)
        && (rows.planned == ledger.planned || !knows_segments);
    if !agrees {
        return Err(asked.does_not_add_up("the report's rows don't add up to the ledger's counters"));
    }
    match breakdowns.iter().find(|breakdown| breakdown.total() != *total) {
        None => Ok(()),
        Some(wrong) => {
            Err(asked.does_not_add_up(&format!("the breakdown by {} does not add up to the report", wrong.by.name())))
        }
    }
}
