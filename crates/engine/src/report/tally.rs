//! What is added up of rows, for all of them and for each line of a breakdown.

use serde_json::{Map, Value, json};
use volley_core::{MessageState, StateCounts};
use volley_reconciler::Segments;

use crate::{cost::Amounts, options::Currency};

/// One row as sums take it.
pub(super) struct Counted {
    pub(super) state: MessageState,
    pub(super) segments: Segments,
    pub(super) possible_duplicate: bool,
    /// Of one segment, in millionths: at the carrier that it went to last.
    pub(super) price: Option<(Currency, u64)>,
}

/// Sums over rows. Every column of a breakdown adds up to the same column of the whole report.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    /// Rows in each state.
    pub states: StateCounts,
    /// Their segments at each step.
    pub segments: Segments,
    /// Rows sent again although the fate of an earlier attempt was unknown.
    pub possible_duplicates: u64,
    /// What it would cost if the carrier charged every segment written.
    pub cost_submitted: Amounts,
    /// What the segments cost that a carrier took.
    pub cost_settled: Amounts,
    /// Segments taken by a carrier that has no price for them.
    pub no_price: u64,
}

impl Tally {
    pub(super) fn add(&mut self, row: &Counted) {
        self.states.add(row.state, 1);
        self.segments.planned += row.segments.planned;
        self.segments.submitted += row.segments.submitted;
        self.segments.accepted += row.segments.accepted;
        self.segments.delivered += row.segments.delivered;
        self.possible_duplicates += u64::from(row.possible_duplicate);
        match row.price {
            Some((currency, price)) if row.segments.submitted > 0 => {
                let cost = |n_segments: u64| u128::from(n_segments) * u128::from(price);
                self.cost_submitted.add(currency, cost(row.segments.submitted));
                self.cost_settled.add(currency, cost(row.segments.accepted));
            }
            Some(_) => {}
            None => self.no_price += row.segments.accepted,
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.states.merge(&other.states);
        self.segments.planned += other.segments.planned;
        self.segments.submitted += other.segments.submitted;
        self.segments.accepted += other.segments.accepted;
        self.segments.delivered += other.segments.delivered;
        self.possible_duplicates += other.possible_duplicates;
        self.cost_submitted.merge(&other.cost_submitted);
        self.cost_settled.merge(&other.cost_settled);
        self.no_price += other.no_price;
    }

    /// Rows in all states.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.states.total()
    }

    /// As JSON; the keys are a promise, the same as the summary's where they say the same.
    #[must_use]
    pub fn json(&self) -> Map<String, Value> {
        let states: Map<String, Value> =
            self.states.iter().map(|(state, n_rows)| (state.name().to_owned(), json!(n_rows))).collect();
        let mut map = Map::new();
        map.insert("rows".to_owned(), json!(self.rows()));
        map.insert("states".to_owned(), Value::Object(states));
        map.insert("segments".to_owned(), json!(self.segments));
        map.insert("possible_duplicates".to_owned(), json!(self.possible_duplicates));
        map.insert("cost_submitted".to_owned(), amounts_json(&self.cost_submitted));
        map.insert("cost_settled".to_owned(), amounts_json(&self.cost_settled));
        map.insert("no_price_segments".to_owned(), json!(self.no_price));
        map
    }
}

/// `{"EUR": "12.50"}`: text, because a float could not hold it.
pub(crate) fn amounts_json(amounts: &Amounts) -> Value {
    Value::Object(amounts.iter().map(|money| (money.currency.to_string(), json!(money.amount()))).collect())
}
