//! `[guards]`: what stops a campaign before anything is sent.

use std::path::Path;

use jiff::civil;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::{
    AudienceOptions, FileError,
    run_guards::{BudgetOptions, CanaryOptions, Cap, PauseOptions, Portion},
};

/// `[guards]`. What goes beyond a limit is not sent, and nothing but another limit lets it pass.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct GuardOptions {
    /// Segments of the whole campaign at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_segments: Option<u64>,
    /// What the campaign may cost at most, whichever of its routes take it: "500 EUR".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_cost: Option<Cap>,
    /// Rows of the list that may be rejected, duplicates among them, of all rows: 0.05, or 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_rejected_share: Option<Portion>,
    /// Rows whose `consent-column` is empty, or says a day before this one, are rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_consent_after: Option<ConsentDate>,
    /// While it runs: the first rows go ahead of the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canary: Option<CanaryOptions>,
    /// While it runs: shares above which a carrier or the campaign is paused.
    pub pause: PauseOptions,
    /// While it runs: what it may cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<BudgetOptions>,
}

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
        self.canary.as_ref().map_or(Ok(()), |canary| canary.check(path, text))
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
}
