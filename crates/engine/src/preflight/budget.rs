//! Whether a campaign's budget can be kept: each route must have a price for every row.

use crate::{
    Error,
    country::Country,
    guards::Budget,
    options::{FileError, Prices},
    preflight::Approved,
};

/// The budget that the campaign was given, if it was: nothing of it is spent.
///
/// # Errors
/// When a route has no price for some country of the list, or one in another currency.
pub(crate) fn budget(approved: &Approved) -> Result<Option<Budget>, Error> {
    let Some(options) = &approved.options.guards.budget else { return Ok(None) };
    let currency = options.at_most.currency();
    let wrong = |carrier: &str, what: String| {
        let message = format!("`[guards.budget]` can't be kept: carrier `{carrier}` {what}");
        let hint = "give it `price-per-segment` with a `default`, or take the budget away".to_owned();
        Error::from(FileError::new(&approved.campaign_file, message).with_hint(hint))
    };
    let mut prices: Vec<Prices> = Vec::new();
    for route in &approved.options.routes {
        let name = &route.carrier;
        let of_route = approved.contracts.get(name).and_then(|contract| contract.prices.clone());
        let of_route = of_route.ok_or_else(|| wrong(name, "has no price".to_owned()))?;
        if of_route.currency() != currency {
            return Err(wrong(name, format!("has prices in {}, and the budget is in {currency}", of_route.currency())));
        }
        let countries = approved.segments_by_country.keys();
        if let Some(code) = countries.into_iter().find(|code| of_route.of(Country::from_code(code)).is_none()) {
            return Err(wrong(name, format!("has no price for {code}")));
        }
        prices.push(of_route);
    }
    Ok(Some(Budget::new(options.at_most, prices)))
}
