//! `price-per-segment`: exact, in millionths of a currency's unit.

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::country::Country;

/// Digits behind the decimal point that a price may have.
const N_DECIMALS: usize = 6;
/// Units of a currency that a segment may cost at most: what is above is a slip of the pen.
const MAX_UNITS: u64 = 1_000;
/// Units of a currency that a whole campaign may cost at most.
const MAX_BUDGET: u64 = 1_000_000_000_000;
const DEFAULT: &str = "default";

/// ISO 4217 code of a currency: three capital letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

/// An amount of money: never a float, never added to another currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Money {
    /// Millionths of the currency's unit.
    pub micros: u128,
    /// Of which currency.
    pub currency: Currency,
}

/// What a segment costs at one carrier, in its one currency, by the recipient's country.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prices {
    currency: Currency,
    default: Option<u64>,
    by_country: BTreeMap<Country, u64>,
}

impl Prices {
    /// The carrier's currency.
    #[must_use]
    pub const fn currency(&self) -> Currency {
        self.currency
    }

    /// Millionths of the currency's unit for one segment; `None` when neither the country nor
    /// `default` has a price.
    #[must_use]
    pub fn of(&self, country: Option<Country>) -> Option<u64> {
        country.and_then(|country| self.by_country.get(&country).copied()).or(self.default)
    }
}

impl FromStr for Money {
    type Err = String;

    /// A price, from text such as "0.045 EUR".
    fn from_str(text: &str) -> Result<Self, String> {
        Self::parse_below(text, MAX_UNITS)
    }
}

impl Money {
    /// An amount that is no price of one thing: "12500 EUR".
    pub(crate) fn parse_any(text: &str) -> Result<Self, String> {
        Self::parse_below(text, MAX_BUDGET)
    }

    fn parse_below(text: &str, limit: u64) -> Result<Self, String> {
        let wrong = |why: &str| {
            format!("`{text}` is no amount of money: {why}; write a number and a currency, such as \"0.045 EUR\"")
        };
        let (amount, currency) = text.trim().split_once(' ').ok_or_else(|| wrong("it has no currency"))?;
        let letters: Option<[u8; 3]> = currency.trim().as_bytes().try_into().ok();
        let letters = letters.filter(|letters| letters.iter().all(u8::is_ascii_uppercase));
        let currency = letters.map(Currency).ok_or_else(|| wrong("a currency has three capital letters"))?;
        let (units, decimals) = amount.split_once('.').unwrap_or((amount, "0"));
        let is_digits = |digits: &str| !digits.is_empty() && digits.bytes().all(|c| c.is_ascii_digit());
        if !is_digits(units) || !is_digits(decimals) {
            return Err(wrong("an amount has digits and at most one point"));
        }
        if decimals.len() > N_DECIMALS {
            return Err(wrong("at most six digits may stand behind the point"));
        }
        let units: u64 = units.parse().ok().filter(|units| *units < limit).ok_or_else(|| wrong("it is too much"))?;
        let millionths: u64 = format!("{decimals:0<N_DECIMALS$}").parse().unwrap_or(0);
        Ok(Self { micros: u128::from(units) * 1_000_000 + u128::from(millionths), currency })
    }

    /// The amount alone: two digits behind the point at least, no more than it needs.
    #[must_use]
    pub fn amount(&self) -> String {
        let mut text = format!("{}.{:06}", self.micros / 1_000_000, self.micros % 1_000_000);
        while text.ends_with('0') && !text.ends_with(".00") && text.len() > text.find('.').unwrap_or(0) + 3 {
            text.pop();
        }
        text
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount(), self.currency)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|letter| write!(f, "{}", char::from(*letter)))
    }
}

impl Serialize for Prices {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = |micros: u64| Money { micros: micros.into(), currency: self.currency }.to_string();
        let default = self.default.map(|micros| (DEFAULT, text(micros)));
        let by_country = self.by_country.iter().map(|(country, micros)| (country.code(), text(*micros)));
        serializer.collect_map(default.into_iter().chain(by_country))
    }
}

impl<'de> Deserialize<'de> for Prices {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let by_key: BTreeMap<Key, Price> = BTreeMap::deserialize(deserializer)?;
        let mut currencies = by_key.values().map(|price| price.0.currency);
        let Some(currency) = currencies.next() else {
            return Err(D::Error::custom("no price: write `default`, or countries such as `DE`, or leave it out"));
        };
        if let Some(other) = currencies.find(|other| *other != currency) {
            return Err(D::Error::custom(format!("prices in {currency} and {other}: a carrier has one currency")));
        }
        let mut prices = Self { currency, default: None, by_country: BTreeMap::new() };
        for (key, price) in by_key {
            let micros = u64::try_from(price.0.micros).unwrap_or(u64::MAX);
            match key {
                Key::Default => prices.default = Some(micros),
                Key::Country(country) => drop(prices.by_country.insert(country, micros)),
            }
        }
        Ok(prices)
    }
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Default,
    Country(Country),
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let key = String::deserialize(deserializer)?;
        match Country::from_code(&key) {
            Some(country) => Ok(Self::Country(country)),
            None if key == DEFAULT => Ok(Self::Default),
            None => {
                let what = "is neither `default` nor a country in two capital letters (ISO 3166), such as DE";
                Err(D::Error::custom(format!("`{key}` {what}")))
            }
        }
    }
}

struct Price(Money);

impl<'de> Deserialize<'de> for Price {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map(Self).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact() {
        for (text, micros, shown) in [
            ("0.045 EUR", 45_000, "0.045 EUR"),
            ("0.000001 EUR", 1, "0.000001 EUR"),
            ("12 USD", 12_000_000, "12.00 USD"),
            ("1.5 USD", 1_500_000, "1.50 USD"),
            ("999.999999 GBP", 999_999_999, "999.999999 GBP"),
            ("0 EUR", 0, "0.00 EUR"),
        ] {
            let money: Money = text.parse().unwrap();
            assert_eq!((money.micros, money.to_string().as_str()), (micros, shown), "{text}");
        }
        for wrong in [
            "",
            "0.045",
            "EUR",
            "0,045 EUR",
            "-1 EUR",
            "1 eur",
            "1 EURO",
            "0.0000001 EUR",
            "1000 EUR",
            ". EUR",
            "1e3 EUR",
        ] {
            assert!(wrong.parse::<Money>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_country_without_a_price_of_its_own_has_the_default() {
        let prices: Prices = toml::from_str("default = \"0.045 EUR\"\nDE = \"0.062 EUR\"\n").unwrap();
        let of = |code| prices.of(Country::from_code(code));
        assert_eq!((of("DE"), of("FR"), prices.of(None)), (Some(62_000), Some(45_000), Some(45_000)));
        let json = serde_json::to_string(&prices).unwrap();
        assert_eq!(serde_json::from_str::<Prices>(&json).unwrap(), prices);
        let some: Prices = toml::from_str("FR = \"0.05 EUR\"\n").unwrap();
        assert_eq!((some.of(Country::from_code("DE")), some.of(None)), (None, None));
    }

    #[test]
    fn wrong_prices_are_refused() {
        for (text, what) in [
            ("", "no price"),
            ("de = \"0.1 EUR\"", "`de` is neither"),
            ("DE = \"0.1 EUR\"\nFR = \"0.1 USD\"", "one currency"),
            ("DE = \"0.1\"", "it has no currency"),
            ("DE = 0.1", "expected a string"),
        ] {
            let error = toml::from_str::<Prices>(text).unwrap_err().to_string();
            assert!(error.contains(what), "{text}: {error}");
        }
    }
}
