//! What a campaign will cost: at least, by the routes' weights, and at most.

use std::collections::{BTreeMap, HashMap};

use super::tally::Load;
use crate::{
    cost::{Amounts, Contract},
    country::Country,
    options::{Currency, Money, Prices, RouteOptions},
};

/// Cost over the routes that are possible. Sums of a table agree to the millionth.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bounds {
    /// When every carrier gets its share by weight, as far as prices are known.
    pub expected: Amounts,
    /// When the cheapest route takes everything; `None` where a price is missing or there are
    /// several currencies.
    pub least: Option<Money>,
    /// When the dearest does.
    pub most: Option<Money>,
}

/// A line of a table: what goes there, and what it costs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CostLine {
    /// Messages and segments; by carrier those by the routes' weights.
    pub load: Load,
    /// What they cost.
    pub cost: Bounds,
}

/// What all messages that are ready will cost.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CostForecast {
    /// Over all.
    pub total: CostLine,
    /// By carrier: at least what no other can take, at most everything.
    pub by_carrier: BTreeMap<String, CostLine>,
    /// By country; `None` for numbers of none.
    pub by_country: BTreeMap<Option<Country>, CostLine>,
    /// By number of parts.
    pub by_parts: BTreeMap<u8, CostLine>,
    /// Carriers that have no price for some country of the list.
    pub no_price: Vec<String>,
}

/// An amount that may be negative, by currency.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CostChange(pub BTreeMap<Currency, i128>);

/// What the routes charge.
pub(crate) struct Pricing<'a> {
    routes: Vec<(&'a RouteOptions, Option<&'a Contract>)>,
    weights: u128,
}

impl<'a> Pricing<'a> {
    pub(crate) fn new(routes: &'a [RouteOptions], contracts: &'a BTreeMap<String, Contract>) -> Self {
        let weights = routes.iter().map(|route| u128::from(route.weight.get())).sum::<u128>().max(1);
        Self { routes: routes.iter().map(|route| (route, contracts.get(&route.carrier))).collect(), weights }
    }

    fn price(contract: Option<&Contract>, country: Option<Country>) -> Option<(Currency, u64)> {
        let prices = contract?.prices.as_ref()?;
        Some((prices.currency(), prices.of(country)?))
    }

    /// Least and most of a segment to a country, where all routes have prices in one currency.
    fn range(&self, country: Option<Country>) -> Option<(Currency, u64, u64)> {
        let mut range: Option<(Currency, u64, u64)> = None;
        for (_, contract) in &self.routes {
            let (currency, price) = Self::price(*contract, country)?;
            let (known, least, most) = range.unwrap_or((currency, price, price));
            if known != currency {
                return None;
            }
            range = Some((known, least.min(price), most.max(price)));
        }
        range
    }

    /// What so many segments more cost by the routes' weights, as far as prices are known.
    pub(crate) fn change(&self, segments: impl Iterator<Item = (Option<Country>, i64)>) -> CostChange {
        let mut change = CostChange::default();
        for (country, n) in segments {
            for (route, contract) in &self.routes {
                let Some((currency, price)) = Self::price(*contract, country) else { continue };
                let whole = i128::from(n) * i128::from(price) * i128::from(route.weight.get());
                let weights = self.weights as i128;
                let half = weights / 2 * whole.signum();
                *change.0.entry(currency).or_default() += (whole + half) / weights;
            }
        }
        change
    }
}

impl Bounds {
    /// Nothing yet.
    fn nothing(currency: Option<Currency>) -> Self {
        let zero = currency.map(|currency| Money { micros: 0, currency });
        Self { expected: Amounts::default(), least: zero, most: zero }
    }

    /// Adds what lies between; `None` makes it unknown.
    fn widen(&mut self, range: Option<(Currency, u128, u128)>) {
        let add = |known: Option<Money>, more: Option<(Currency, u128)>| {
            let (known, (currency, micros)) = (known?, more?);
            (known.currency == currency).then_some(Money { micros: known.micros + micros, currency })
        };
        self.least = add(self.least, range.map(|(currency, least, _)| (currency, least)));
        self.most = add(self.most, range.map(|(currency, _, most)| (currency, most)));
    }
}

impl CostForecast {
    pub(super) fn new(by_country: &HashMap<(Option<Country>, u8), u64>, pricing: &Pricing<'_>) -> Self {
        let mut cells: BTreeMap<Option<Country>, Vec<(u8, Load)>> = BTreeMap::new();
        for ((country, parts), rows) in by_country {
            let load = Load { rows: *rows, segments: u64::from(*parts) * rows };
            cells.entry(*country).or_default().push((*parts, load));
        }
        cells.values_mut().for_each(|parts| parts.sort_unstable_by_key(|(parts, _)| *parts));
        let currency = pricing.routes.iter().find_map(|(_, contract)| Some((*contract)?.prices.as_ref()?.currency()));
        let line = || CostLine { load: Load::default(), cost: Bounds::nothing(currency) };
        let mut forecast = Self { total: line(), ..Self::default() };
        for (country, parts) in &cells {
            let range = pricing.range(*country);
            for (parts, load) in parts {
                let segments = u128::from(load.segments);
                let range = range.map(|(currency, least, most)| {
                    (currency, segments * u128::from(least), segments * u128::from(most))
                });
                let of_country = forecast.by_country.entry(*country).or_insert_with(line);
                let of_parts = forecast.by_parts.entry(*parts).or_insert_with(line);
                for line in [&mut forecast.total, of_country, of_parts] {
                    line.load.add(*load);
                    line.cost.widen(range);
                }
            }
            forecast.add_shares(*country, parts, pricing);
        }
        forecast
    }

    /// What each route gets of one country by its weight.
    fn add_shares(&mut self, country: Option<Country>, parts: &[(u8, Load)], pricing: &Pricing<'_>) {
        let is_only = pricing.routes.len() == 1;
        let mut before = 0;
        for (route, contract) in &pricing.routes {
            let price = Pricing::price(*contract, country);
            if price.is_none() && !self.no_price.contains(&route.carrier) {
                self.no_price.push(route.carrier.clone());
            }
            let own = contract.and_then(|contract| contract.prices.as_ref()).map(Prices::currency);
            let start = || CostLine { load: Load::default(), cost: Bounds::nothing(own) };
            let of_carrier = self.by_carrier.entry(route.carrier.clone()).or_insert_with(start);
            let weight = u128::from(route.weight.get());
            // Each message goes to one route.
            let share = |n: u64| {
                let up_to = |weight: u128| u128::from(n) * weight / pricing.weights;
                u64::try_from(up_to(before + weight) - up_to(before)).unwrap_or(n)
            };
            let all = parts.iter().fold(Load::default(), |mut sum, (_, load)| {
                sum.add(*load);
                sum
            });
            of_carrier.load.add(Load { rows: share(all.rows), segments: share(all.segments) });
            before += weight;
            let mut so_far = 0;
            for (parts, load) in parts {
                let segments = u128::from(load.segments);
                of_carrier.cost.widen(price.map(|(currency, price)| {
                    let whole = segments * u128::from(price);
                    (currency, if is_only { whole } else { 0 }, whole)
                }));
                let Some((currency, price)) = price else { continue };
                // Rounded so that parts add up to the whole.
                let rounded = |n: u128| (n * u128::from(price) * weight + pricing.weights / 2) / pricing.weights;
                let micros = rounded(so_far + segments) - rounded(so_far);
                so_far += segments;
                let of_country = self.by_country.get_mut(&country).map(|line| &mut line.cost);
                let of_parts = self.by_parts.get_mut(parts).map(|line| &mut line.cost);
                let bounds = [Some(&mut self.total.cost), Some(&mut of_carrier.cost), of_country, of_parts];
                bounds.into_iter().flatten().for_each(|bounds| bounds.expected.add(currency, micros));
            }
        }
    }
}
