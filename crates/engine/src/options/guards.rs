//! `[guards]`: what stops a campaign before anything is sent.

use std::{fmt, path::Path};

use jiff::civil;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::{AudienceOptions, FileError, Money};

/// `[guards]`. What goes beyond a limit is not sent, and nothing but another limit lets it pass.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct GuardOptions {
    /// Segments of the whole campaign at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_segments: Option<u64>,
    /// What the campaign may cost at most, whichever of its routes take it: "500 EUR".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_cost: Option<Budget>,
    /// Rows of the list that may be rejected, duplicates among them, of all rows: 0.05, or 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_rejected_share: Option<RejectedShare>,
    /// Rows whose `consent-column` is empty, or says a day before this one, are rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_consent_after: Option<ConsentDate>,
}

/// A campaign's money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget(pub Money);

/// A share in millionths, 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RejectedShare(pub u32);

/// The first day whose consent counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConsentDate(pub civil::Date);

impl GuardOptions {
    pub(super) fn check(&self, audience: &AudienceOptions, path: &Path, text: &str) -> Result<(), FileError> {
        if self.require_consent_after.is_some() && audience.consent_column.is_none() {
            let message = "`require-consent-after` needs the column with the day of consent";
            let error = FileError::new(path, message).at_key(text, "require-consent-after");
            return Err(error.with_hint("name it with `consent-column` under [audience]"));
        }
        Ok(())
    }
}

impl RejectedShare {
    /// Millionths of a whole.
    pub const WHOLE: u32 = 1_000_000;

    /// Whether so many of so many are more than it, to the row.
    #[must_use]
    pub fn is_exceeded(self, n_rejected: u64, n_rows: u64) -> bool {
        u128::from(n_rejected) * u128::from(Self::WHOLE) > u128::from(self.0) * u128::from(n_rows)
    }
}

impl fmt::Display for RejectedShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", f64::from(self.0) / f64::from(Self::WHOLE))
    }
}

impl Serialize for Budget {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Budget {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Money::parse_any(&String::deserialize(deserializer)?).map(Self).map_err(D::Error::custom)
    }
}

impl Serialize for RejectedShare {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(f64::from(self.0) / f64::from(Self::WHOLE))
    }
}

impl<'de> Deserialize<'de> for RejectedShare {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let share = f64::deserialize(deserializer)?;
        if !(0.0..=1.0).contains(&share) {
            return Err(D::Error::custom(format!("`{share}` is no share: write 0.05 for one row in twenty, or 0")));
        }
        Ok(Self((share * f64::from(Self::WHOLE)).round() as u32))
    }
}

impl Serialize for ConsentDate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ConsentDate {
    /// A date of TOML, or one in quotes.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Quoted(String),
            Plain(toml::value::Datetime),
        }
        let wrong = |text: &str| D::Error::custom(format!("`{text}` is no day: write it as 2026-11-24"));
        let written = Written::deserialize(deserializer).map_err(|_| wrong("what stands there"))?;
        let text = match written {
            Written::Quoted(text) => text,
            Written::Plain(date) => date.to_string(),
        };
        // A time of day would be passed over in silence.
        let is_day = text.len() == "2026-11-24".len();
        text.parse().ok().filter(|_| is_day).map(Self).ok_or_else(|| wrong(&text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_and_written_back() {
        let text = "max-segments = 20000\nmax-cost = \"12500 EUR\"\nmax-rejected-share = 0.05\n\
                    require-consent-after = 2024-02-29\n";
        let guards: GuardOptions = toml::from_str(text).unwrap();
        assert_eq!(guards.max_cost.map(|budget| budget.0.to_string()).as_deref(), Some("12500.00 EUR"));
        assert_eq!(guards.require_consent_after, Some(ConsentDate(civil::date(2024, 2, 29))));
        let quoted = text.replace("2024-02-29", "\"2024-02-29\"");
        assert_eq!(toml::from_str::<GuardOptions>(&quoted).unwrap(), guards);
        let json = serde_json::to_string(&guards).unwrap();
        assert_eq!(serde_json::from_str::<GuardOptions>(&json).unwrap(), guards);
    }

    #[test]
    fn wrong_limits_are_refused() {
        for (text, what) in [
            ("max-cost = \"500\"", "it has no currency"),
            ("max-cost = 500", "expected a string"),
            ("max-cost = \"-1 EUR\"", "at most one point"),
            ("max-cost = \"99999999999999 EUR\"", "it is too much"),
            ("max-rejected-share = 5", "`5` is no share"),
            ("max-rejected-share = -0.1", "is no share"),
            ("max-rejected-share = nan", "is no share"),
            ("max-segments = -1", "invalid value"),
            ("require-consent-after = \"24.11.2026\"", "is no day"),
            ("require-consent-after = 2024-02-29T10:00:00Z", "is no day"),
            ("require-consent-after = 2024", "is no day"),
            ("max-segment = 1", "unknown field"),
        ] {
            let error = toml::from_str::<GuardOptions>(text).unwrap_err().to_string();
            assert!(error.contains(what), "{text}: {error}");
        }
    }

    #[test]
    fn a_share_is_exceeded_by_one_row_more() {
        let share = RejectedShare(50_000);
        assert!(!share.is_exceeded(5, 100) && share.is_exceeded(6, 100) && share.is_exceeded(1, 19));
        let none = RejectedShare(0);
        assert!(!none.is_exceeded(0, 10) && none.is_exceeded(1, u64::MAX));
        assert!(!RejectedShare(RejectedShare::WHOLE).is_exceeded(10, 10));
    }
}
