//! What a campaign may cost: reserved before a segment is written, given back when it was not taken.

use crate::{
    country::Country,
    options::{Cap, Money, Prices},
};

/// A budget, in millionths of its currency.
#[derive(Debug)]
pub(crate) struct Budget {
    cap: Cap,
    /// What carriers took, and what they may have taken or may yet take.
    reserved: u128,
    /// Each lane's prices.
    prices: Vec<Prices>,
    /// What did not fit last, while it does not.
    missing: Option<u64>,
}

impl Budget {
    /// `prices`: of each lane, all in the budget's currency.
    pub(crate) const fn new(cap: Cap, prices: Vec<Prices>) -> Self {
        Self { cap, reserved: 0, prices, missing: None }
    }

    /// Millionths that `n_segments` to a country cost through a lane. What has no price can't be
    /// afforded.
    pub(crate) fn cost(&self, lane: usize, country: Option<Country>, n_segments: u32) -> u64 {
        let price = self.prices.get(lane).and_then(|prices| prices.of(country));
        price.map_or(u64::MAX, |price| price.saturating_mul(n_segments.into()))
    }

    /// Takes it from what is left, if that is enough.
    pub(crate) fn reserve(&mut self, cost: u64) -> bool {
        let fits = self.reserved + u128::from(cost) <= self.cap.0.micros;
        if fits {
            self.reserved += u128::from(cost);
        }
        self.missing = (!fits).then_some(cost);
        fits
    }

    /// What was spent or may have been before the run.
    pub(crate) fn spent_before(&mut self, cost: u64) {
        self.reserved += u128::from(cost);
    }

    /// A segment was not taken after all.
    pub(crate) fn release(&mut self, cost: u64) {
        self.reserved = self.reserved.saturating_sub(cost.into());
        let left = self.cap.0.micros.saturating_sub(self.reserved);
        self.missing = self.missing.filter(|missing| u128::from(*missing) > left);
    }

    /// Whether the next row does not fit.
    pub(crate) const fn is_used_up(&self) -> bool {
        self.missing.is_some()
    }

    /// For people.
    pub(crate) fn in_words(&self) -> String {
        let money = |micros| Money { micros, currency: self.cap.currency() };
        let next = self.missing.filter(|cost| *cost < u64::MAX).map(|cost| money(cost.into()));
        let next = next.map_or_else(|| "the next row has no price".to_owned(), |cost| format!("the next costs {cost}"));
        format!("{} of {} are spent, and {next}", money(self.reserved), self.cap.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_never_exceeded_and_what_is_given_back_can_be_spent() {
        let prices: Prices = toml::from_str("default = \"0.045 EUR\"\nDE = \"0.062 EUR\"").unwrap();
        let mut budget = Budget::new("0.20 EUR".parse().unwrap(), vec![prices]);
        let (de, other) = (budget.cost(0, Country::from_code("DE"), 2), budget.cost(0, None, 1));
        assert_eq!((de, other), (124_000, 45_000));
        assert!(budget.reserve(de) && budget.reserve(other));
        assert!(!budget.reserve(other) && budget.is_used_up());
        assert_eq!(budget.in_words(), "0.169 EUR of 0.20 EUR are spent, and the next costs 0.045 EUR");
        budget.release(other);
        assert!(!budget.is_used_up() && budget.reserve(other));
        budget.release(31_000);
        assert!(budget.reserve(31_000) && budget.reserve(31_000) && !budget.reserve(1), "to the millionth");
        assert!(!budget.reserve(budget.cost(7, None, 1)));
    }
}
