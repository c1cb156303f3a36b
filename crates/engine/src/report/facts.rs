//! One pass over all rows: everything that a report shows beyond the ledger's own counters.

use std::collections::{BTreeMap, HashMap};

use volley_core::{CarrierIndex, MessageState, Msisdn, UnixMicros};
use volley_reconciler::{Ledger, Segments};

use super::{
    By, Tally,
    delays::{Delays, Series},
    rows::{FullRow, RowScratch, Rows},
    tally::Counted,
};
use crate::{
    Error,
    country::Country,
    options::{Currency, Prices},
    parallel,
};

/// Rows in doubt that a report names one by one.
const MAX_DOUBTFUL: usize = 200;

/// A small number that stands for what rows have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct ByKey(u32);

impl ByKey {
    /// Rows that have no such property.
    pub(super) const NONE: Self = Self(u32::MAX);

    fn new(key: Option<impl Into<u32>>) -> Self {
        key.map_or(Self::NONE, |key| Self(key.into()))
    }

    pub(super) fn get(self) -> Option<u32> {
        (self != Self::NONE).then_some(self.0)
    }
}

/// A row whose fate is unknown.
#[derive(Debug, Clone)]
pub(super) struct Doubtful {
    pub(super) line: u64,
    pub(super) number: Option<Msisdn>,
    pub(super) carrier: Option<CarrierIndex>,
    pub(super) submitted_at: Option<UnixMicros>,
    pub(super) reason: u16,
}

/// What the pass adds up. Adding up is the same in any order of rows.
#[derive(Default)]
pub(super) struct Facts {
    pub(super) total: Tally,
    by: BTreeMap<By, HashMap<ByKey, Tally>>,
    pub(super) delays: Delays,
    pub(super) submitted: Series,
    pub(super) delivered: Series,
    pub(super) doubtful: Vec<Doubtful>,
}

/// What of one chunk goes to the whole.
struct Part {
    total: Tally,
    by: Vec<(By, HashMap<ByKey, Tally>)>,
    answers_ms: Vec<u32>,
    receipts_ms: Vec<u32>,
    /// Second since the approval, and segments.
    submitted: Vec<(u32, u32)>,
    delivered: Vec<(u32, u32)>,
    doubtful: Vec<Doubtful>,
}

/// What a row costs, by its carrier.
pub(super) struct PriceTable<'a>(pub(super) HashMap<CarrierIndex, &'a Prices>);

impl PriceTable<'_> {
    fn of(&self, carrier: Option<CarrierIndex>, country: Option<Country>) -> Option<(Currency, u64)> {
        let prices = self.0.get(&carrier?)?;
        Some((prices.currency(), prices.of(country)?))
    }
}

impl Facts {
    /// Reads every row once, on all cores.
    pub(super) fn gather(
        rows: &Rows<'_>,
        by: &[By],
        prices: &PriceTable<'_>,
        planned_at: UnixMicros,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Self, Error> {
        let mut facts = Self::default();
        let make = |number: u32, scratch: &mut RowScratch| {
            let mut part = Part::new(by);
            rows.each(number, scratch, |row| part.add(row, prices, planned_at))?;
            Ok(part)
        };
        parallel::in_order(rows.n_chunks(), make, |part| {
            facts.merge(part);
            progress(facts.total.rows());
            Ok(())
        })?;
        Ok(facts)
    }

    fn merge(&mut self, part: Part) {
        self.total.merge(&part.total);
        for (by, tallies) in part.by {
            let mine = self.by.entry(by).or_default();
            for (key, tally) in tallies {
                mine.entry(key).or_default().merge(&tally);
            }
        }
        self.delays.answers(&part.answers_ms);
        self.delays.receipts(&part.receipts_ms);
        part.submitted.iter().for_each(|(second, n)| self.submitted.add(*second, (*n).into()));
        part.delivered.iter().for_each(|(second, n)| self.delivered.add(*second, (*n).into()));
        let room = MAX_DOUBTFUL.saturating_sub(self.doubtful.len());
        self.doubtful.extend(part.doubtful.into_iter().take(room));
    }

    pub(super) fn by(&self, by: By) -> impl Iterator<Item = (&ByKey, &Tally)> {
        self.by.get(&by).into_iter().flatten()
    }
}

impl Part {
    fn new(by: &[By]) -> Self {
        Self {
            total: Tally::default(),
            by: by.iter().map(|by| (*by, HashMap::new())).collect(),
            answers_ms: Vec::new(),
            receipts_ms: Vec::new(),
            submitted: Vec::new(),
            delivered: Vec::new(),
            doubtful: Vec::new(),
        }
    }

    fn add(&mut self, row: &FullRow<'_, '_>, prices: &PriceTable<'_>, planned_at: UnixMicros) {
        let state = row.state;
        let country = row.country;
        let counted = Counted {
            state: state.state,
            segments: Segments {
                planned: row.n_planned.into(),
                submitted: state.n_submitted.into(),
                accepted: state.n_accepted.into(),
                delivered: state.n_delivered.into(),
            },
            possible_duplicate: state.possible_duplicate,
            price: prices.of(state.carrier_index, country),
        };
        self.total.add(&counted);
        for (by, tallies) in &mut self.by {
            let key = match by {
                By::Carrier => ByKey::new(state.carrier_index.map(|carrier| carrier.0)),
                By::Country => ByKey::new(country.map(|country| country.as_usize() as u32)),
                By::Sender => ByKey::new(Some(0_u32)),
                By::Variant => ByKey::new(Some(row.variant)),
                By::Error => ByKey::new(Some(state.reason_index).filter(|reason| *reason > 0)),
                By::Hour => ByKey::new(state.submitted_at.map(|at| (at.0 / 900_000_000) as u32)),
            };
            tallies.entry(key).or_default().add(&counted);
        }
        self.add_times(row, planned_at);
        if state.state == MessageState::InDoubt && self.doubtful.len() < MAX_DOUBTFUL {
            self.doubtful.push(Doubtful {
                line: row.line,
                number: row.number,
                carrier: state.carrier_index,
                submitted_at: state.submitted_at,
                reason: state.reason_index,
            });
        }
    }

    fn add_times(&mut self, row: &FullRow<'_, '_>, planned_at: UnixMicros) {
        let state = row.state;
        let second = |at: UnixMicros| u32::try_from(at.since(planned_at).as_secs()).unwrap_or(u32::MAX);
        let ms = |from: UnixMicros, to: UnixMicros| u32::try_from(to.since(from).as_millis()).unwrap_or(u32::MAX);
        let Some(submitted_at) = state.submitted_at else { return };
        let count = |times: &mut Vec<(u32, u32)>, second: u32, n: u32| match times.last_mut() {
            Some((same, sum)) if *same == second => *sum += n,
            Some(_) | None => times.push((second, n)),
        };
        count(&mut self.submitted, second(submitted_at), state.n_submitted.into());
        if let Some(answered_at) = state.answered_at.filter(|at| *at >= submitted_at) {
            self.answers_ms.push(ms(submitted_at, answered_at));
        }
        let by_receipt =
            matches!(state.state, MessageState::Delivered | MessageState::Undelivered | MessageState::Expired);
        let Some(settled_at) = state.settled_at.filter(|_| by_receipt) else { return };
        self.receipts_ms.push(ms(submitted_at, settled_at));
        count(&mut self.delivered, second(settled_at), state.n_delivered.into());
    }
}

/// The prices of the carriers that the ledger knows.
pub(super) fn price_table<'a>(ledger: &Ledger, approved: &'a crate::Approved) -> PriceTable<'a> {
    let prices = approved.contracts.iter().filter_map(|(name, contract)| {
        let prices = contract.prices.as_ref()?;
        Some((ledger.carrier(name)?, prices))
    });
    PriceTable(prices.collect())
}
