//! What a campaign costs: planned from what was approved, submitted and settled from the rows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use volley_core::Rate;

use crate::{
    country::Country,
    options::{Currency, Money, Prices, RouteOptions},
    preflight::Approved,
};

/// What a carrier was when the campaign was approved. A report goes by this, whatever becomes of
/// the carriers file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contract {
    /// What a segment costs; `None` when no price was given.
    pub prices: Option<Prices>,
    /// Segments that it allows.
    pub rate: Option<Rate>,
}

/// Segments to one country; no code for numbers of no country.
pub(crate) type SegmentsByCountry = BTreeMap<String, u64>;
/// How [`SegmentsByCountry`] calls numbers of no country.
pub(crate) const NO_COUNTRY: &str = "none";

/// Amounts by currency: never added to each other.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Amounts(BTreeMap<Currency, u128>);

impl Amounts {
    pub(crate) fn add(&mut self, currency: Currency, micros: u128) {
        *self.0.entry(currency).or_default() += micros;
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        other.0.iter().for_each(|(currency, micros)| self.add(*currency, *micros));
    }

    /// Each currency with its amount.
    pub fn iter(&self) -> impl Iterator<Item = Money> {
        self.0.iter().map(|(currency, micros)| Money { micros: *micros, currency: *currency })
    }

    /// The amount in one currency; zero when there is none.
    #[must_use]
    pub fn of(&self, currency: Currency) -> Money {
        Money { micros: self.0.get(&currency).copied().unwrap_or(0), currency }
    }

    /// Whether there is no amount at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// For people: "12.50 EUR + 3.00 USD".
    #[must_use]
    pub fn in_words(&self) -> String {
        self.iter().map(|money| money.to_string()).collect::<Vec<_>>().join(" + ")
    }
}

/// The planned cost of what one carrier gets for one country, by its weight among the routes.
struct Share<'a> {
    carrier: &'a str,
    country: Option<Country>,
    cost: Option<Money>,
}

/// What a campaign is to cost when every carrier gets its share by weight.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PlannedCost {
    /// Over all.
    pub total: Amounts,
    /// By carrier.
    pub by_carrier: BTreeMap<String, Amounts>,
    /// By country code.
    pub by_country: BTreeMap<Option<Country>, Amounts>,
    /// Carriers that have no price for some country of the list.
    pub no_price: Vec<String>,
    /// Least and most that it can come to, where all carriers have prices in one currency.
    pub range: Option<(Money, Money)>,
}

impl PlannedCost {
    /// From what was approved. Each carrier's share of each country is rounded to the nearest
    /// millionth and only then added up, so that all sums agree.
    #[must_use]
    pub fn of(approved: &Approved) -> Self {
        let mut planned = Self::default();
        for share in shares(approved) {
            let Some(cost) = share.cost else {
                if planned.no_price.iter().all(|known| known != share.carrier) {
                    planned.no_price.push(share.carrier.to_owned());
                }
                continue;
            };
            planned.total.add(cost.currency, cost.micros);
            planned.by_carrier.entry(share.carrier.to_owned()).or_default().add(cost.currency, cost.micros);
            planned.by_country.entry(share.country).or_default().add(cost.currency, cost.micros);
        }
        planned.range = range(approved);
        planned
    }
}

fn shares(approved: &Approved) -> impl Iterator<Item = Share<'_>> {
    let routes = &approved.options.routes;
    let weights: u128 = routes.iter().map(|route| u128::from(route.weight.get())).sum();
    routes.iter().flat_map(move |route| {
        approved.segments_by_country.iter().map(move |(code, n_segments)| {
            let country = Country::from_code(code);
            let price = price(approved, route, country);
            let cost = price.map(|(currency, micros)| {
                let weighted = u128::from(*n_segments) * u128::from(micros) * u128::from(route.weight.get());
                Money { micros: (weighted + weights / 2) / weights.max(1), currency }
            });
            Share { carrier: &route.carrier, country, cost }
        })
    })
}

fn price(approved: &Approved, route: &RouteOptions, country: Option<Country>) -> Option<(Currency, u64)> {
    let prices = approved.contracts.get(&route.carrier)?.prices.as_ref()?;
    Some((prices.currency(), prices.of(country)?))
}

fn range(approved: &Approved) -> Option<(Money, Money)> {
    let mut range: Option<(Money, Money)> = None;
    for (code, n_segments) in &approved.segments_by_country {
        let of = |route| price(approved, route, Country::from_code(code));
        let prices: Option<Vec<_>> = approved.options.routes.iter().map(of).collect();
        let prices = prices?;
        let (currency, _) = *prices.first()?;
        let (least, most) = (prices.iter().map(|(_, micros)| *micros).min()?, prices.iter().map(|(_, m)| *m).max()?);
        let (low, high) = range.get_or_insert((Money { micros: 0, currency }, Money { micros: 0, currency }));
        if prices.iter().any(|(other, _)| *other != low.currency) {
            return None;
        }
        low.micros += u128::from(*n_segments) * u128::from(least);
        high.micros += u128::from(*n_segments) * u128::from(most);
    }
    range.filter(|(low, high)| low != high)
}
