//! `[guards.canary]`, `[guards.pause]` and `[guards.budget]`: what stops a campaign while it runs.

use std::{collections::BTreeMap, fmt, num::NonZeroU32, path::Path, str::FromStr, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use volley_smpp::pdu::StatusClass;

use super::{Currency, FileError, HumanDuration, Money};

/// `[guards.canary]`: the first rows go ahead of the others, which follow when enough of them
/// arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CanaryOptions {
    /// So many rows; or `share`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<NonZeroU32>,
    /// So large a part of the rows that can be sent, rounded up; or `rows`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<Portion>,
    /// How many of them must be delivered, 0 to 1.
    pub delivered: Portion,
    /// How long their receipts are waited for, from the last of them being sent.
    pub wait: HumanDuration,
}

/// `[guards.pause]`: what is counted over a sliding window, and the shares above which it pauses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct PauseOptions {
    /// Over how long outcomes are counted. Default 5m.
    pub window: HumanDuration,
    /// Fewer outcomes in the window are no sample. Default 100.
    pub minimum: NonZeroU32,
    /// Of a carrier's outcomes, those that failed: refused for good, or reported as anything final
    /// but delivered. Pauses that carrier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<Portion>,
    /// Of the recipients that were reached, those that opted out. Pauses the campaign.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opted_out: Option<Portion>,
    /// Of a carrier's answers, those with this command status (`"0x45"`), of these (`"0x400-0x4ff"`), or
    /// of this class (`permanent`, `transient`, `config`, …). Pauses that carrier.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub refused: BTreeMap<Refused, Portion>,
}

/// `[guards.budget]`: what the campaign may cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct BudgetOptions {
    /// Never more than this, to the millionth, such as "250.00 EUR". A segment is reserved when it
    /// is to be written, and settled when the carrier took it.
    pub at_most: Cap,
}

impl Default for PauseOptions {
    fn default() -> Self {
        Self {
            window: HumanDuration(Duration::from_secs(300)),
            minimum: NonZeroU32::MIN.saturating_add(99),
            failed: None,
            opted_out: None,
            refused: BTreeMap::new(),
        }
    }
}

/// A share in millionths, 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Portion(u32);

impl Portion {
    const WHOLE: u32 = 1_000_000;

    /// Whether `n` of `of` is less than it.
    #[must_use]
    pub fn is_missed(self, n: u64, of: u64) -> bool {
        u128::from(n) * u128::from(Self::WHOLE) < u128::from(self.0) * u128::from(of)
    }

    /// Whether `n` of `of` is more than it.
    #[must_use]
    pub fn is_exceeded(self, n: u64, of: u64) -> bool {
        u128::from(n) * u128::from(Self::WHOLE) > u128::from(self.0) * u128::from(of)
    }

    /// So much of `of`, rounded up.
    #[must_use]
    pub fn of(self, of: u32) -> u32 {
        let part = (u64::from(of) * u64::from(self.0)).div_ceil(u64::from(Self::WHOLE));
        u32::try_from(part).unwrap_or(of)
    }
}

impl fmt::Display for Portion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", f64::from(self.0) / 10_000.0)
    }
}

impl Serialize for Portion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(f64::from(self.0) / f64::from(Self::WHOLE))
    }
}

impl<'de> Deserialize<'de> for Portion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let share = f64::deserialize(deserializer)?;
        if !(0.0..=1.0).contains(&share) {
            return Err(D::Error::custom(format!("`{share}` is no share: write 0 to 1, such as 0.05 for 5 %")));
        }
        Ok(Self((share * f64::from(Self::WHOLE)).round() as u32))
    }
}

/// A command status, a range of them, or a class of them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refused {
    text: String,
    what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Codes(u32, u32),
    Class(&'static str),
}

impl Refused {
    /// Whether a refusal is meant.
    #[must_use]
    pub fn is_meant(&self, status: u32, class: StatusClass) -> bool {
        match self.what {
            What::Codes(first, last) => (first..=last).contains(&status),
            What::Class(name) => class.name() == name,
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Refused {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const CLASSES: [StatusClass; 5] = [
            StatusClass::Throttle,
            StatusClass::Transient,
            StatusClass::Permanent,
            StatusClass::Config,
            StatusClass::Session,
        ];
        let class = CLASSES.into_iter().map(StatusClass::name).find(|name| *name == text).map(What::Class);
        let code = |text: &str| u32::from_str_radix(text.trim().strip_prefix("0x")?, 16).ok();
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let codes = code(first).zip(code(last)).filter(|(first, last)| 0 < *first && first <= last);
        let what = class.or_else(|| codes.map(|(first, last)| What::Codes(first, last)));
        what.map(|what| Self { text: text.to_owned(), what }).ok_or_else(|| {
            format!("`{text}` is no refusal: write \"0x45\", a range such as \"0x400-0x4ff\", or a class: throttle, transient, permanent, config, session")
        })
    }
}

impl Serialize for Refused {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Refused {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// A campaign's money: an amount of any size in one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cap(pub Money);

impl Cap {
    /// Of which currency.
    #[must_use]
    pub const fn currency(self) -> Currency {
        self.0.currency
    }
}

impl FromStr for Cap {
    type Err = String;

    /// From text such as "12500.00 EUR".
    fn from_str(text: &str) -> Result<Self, String> {
        Money::parse_any(text).map(Self)
    }
}

impl Serialize for Cap {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Cap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl CanaryOptions {
    /// Rows of the canary, of so many that can be sent.
    #[must_use]
    pub fn n_rows(&self, n_valid: u32) -> u32 {
        let rows = self.rows.map(NonZeroU32::get).or_else(|| self.share.map(|share| share.of(n_valid)));
        rows.unwrap_or(0).min(n_valid)
    }

    pub(super) fn check(&self, path: &Path, text: &str) -> Result<(), FileError> {
        if self.rows.is_some() == self.share.is_some() {
            let message = "`[guards.canary]` needs `rows` or `share`, and not both";
            return Err(FileError::new(path, message).at_key(text, "delivered"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_and_refusals_are_read_exactly() {
        for (text, micros) in [("250.00 EUR", 250_000_000), ("12500 USD", 12_500_000_000), ("0.000001 EUR", 1)] {
            assert_eq!(text.parse::<Cap>().unwrap().0.micros, micros, "{text}");
        }
        assert!(["", "EUR", "1.5", "-1 EUR", "x EUR", "1,5 EUR"].iter().all(|text| text.parse::<Cap>().is_err()));
        let meant = |rule: &str, status, class| rule.parse::<Refused>().unwrap().is_meant(status, class);
        assert!(meant("0x45", 0x45, StatusClass::Permanent) && !meant("0x45", 0x46, StatusClass::Permanent));
        assert!(meant("0x400-0x4ff", 0x41a, StatusClass::Permanent));
        assert!(meant("config", 0x0a, StatusClass::Config) && !meant("config", 0x0a, StatusClass::Permanent));
        assert!(["69", "0x", "0x5-0x4", "bad"].iter().all(|text| text.parse::<Refused>().is_err()));
    }

    #[test]
    fn portions_are_exact() {
        let portion: Portion = serde_json::from_str("0.1").unwrap();
        assert_eq!((portion.is_missed(9, 100), portion.is_missed(10, 100)), (true, false));
        assert_eq!((portion.is_exceeded(10, 100), portion.is_exceeded(11, 100)), (false, true));
        let none: Portion = serde_json::from_str("0").unwrap();
        assert!(!none.is_exceeded(0, 10) && none.is_exceeded(1, u64::MAX));
        assert_eq!((portion.of(11), portion.of(0), portion.to_string()), (2, 0, "10 %".to_owned()));
        assert!(serde_json::from_str::<Portion>("1.1").is_err());
    }
}
