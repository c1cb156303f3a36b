//! `[carriers.NAME.receipts]`: how a carrier's receipts are read, where that differs from
//! HANDBOOK C.

use std::{collections::BTreeMap, time::Duration};

use jiff::{
    civil::DateTime,
    tz::{self, Offset, TimeZone},
};
use serde::{Deserialize, Deserializer, de::Error as _};
use volley_core::UnixMicros;
use volley_smpp::receipt::{MessageState, ReceiptDate, ReceiptPatterns, ReceiptRules, Regex};

use super::kinds::by_name;
use crate::options::HumanDuration;

/// `[carriers.NAME.receipts]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct ReceiptOptions {
    /// Finds the id in a receipt's text; its group is the value.
    pub id: Option<ValuePattern>,
    /// Finds the state's word.
    pub stat: Option<ValuePattern>,
    /// Finds the error code.
    pub err: Option<ValuePattern>,
    /// What the words of `stat` mean, where that differs from HANDBOOK C.6.
    pub states: BTreeMap<String, ReceiptStateName>,
    /// "Accepted" is the last that this carrier says: it counts as delivered. Default false.
    pub accepted_is_delivered: bool,
    /// The local time in which its receipts write dates: "UTC", "+02:00", or a name such as
    /// "Europe/Berlin". Default UTC.
    pub time_zone: ReceiptZone,
    /// How much its clock may be ahead of ours, where the time of a message decides what a receipt
    /// is of. Default 2m.
    pub clock_skew: ClockSkew,
}

/// See [`ReceiptOptions::clock_skew`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct ClockSkew(pub HumanDuration);

impl Default for ClockSkew {
    fn default() -> Self {
        Self(HumanDuration(Duration::from_secs(120)))
    }
}

/// The local time of a carrier's receipts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ReceiptZone(Option<TimeZone>);

impl ReceiptZone {
    /// The moment that a date names; `None` where the clock was put forward or back, so that none
    /// or two are meant.
    #[must_use]
    pub fn read(&self, date: ReceiptDate) -> Option<UnixMicros> {
        let unix_s = match &self.0 {
            None => date.unix_s()?,
            Some(zone) => {
                let ReceiptDate { year, month, day, hour, minute, second } = date;
                let signed = |field: u8| field.cast_signed();
                let year = i16::try_from(year).ok()?;
                let local =
                    DateTime::new(year, signed(month), signed(day), signed(hour), signed(minute), signed(second), 0);
                let at = zone.to_ambiguous_timestamp(local.ok()?).unambiguous().ok()?;
                u64::try_from(at.as_second()).ok()?
            }
        };
        Some(UnixMicros(unix_s.checked_mul(1_000_000)?))
    }
}

impl<'de> Deserialize<'de> for ReceiptZone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.eq_ignore_ascii_case("utc") {
            return Ok(Self(None));
        }
        let zone = fixed_offset(&text).or_else(|| tz::db().get(&text).ok());
        zone.map(|zone| Self(Some(zone))).ok_or_else(|| {
            D::Error::custom(format!("`{text}` is no time zone: write \"UTC\", \"+02:00\" or \"Europe/Berlin\""))
        })
    }
}

/// `+hh:mm` or `-hh:mm`.
fn fixed_offset(text: &str) -> Option<TimeZone> {
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = text.get(1..)?.split_once(':')?;
    let minutes = hours.parse::<i32>().ok()? * 60 + minutes.parse::<i32>().ok().filter(|minutes| *minutes < 60)?;
    Some(TimeZone::fixed(Offset::from_seconds(sign * minutes * 60).ok()?))
}

impl ReceiptOptions {
    /// What can't work, in words.
    pub(super) fn check(&self) -> Result<(), String> {
        match (&self.id, &self.stat, &self.err) {
            // One of them alone would make the built-in reading of the others vanish silently.
            (Some(_), Some(_), _) | (None, None, None) => Ok(()),
            _ => Err("`receipts` with patterns needs both `id` and `stat`".to_owned()),
        }
    }

    /// As the pipeline wants them.
    #[must_use]
    pub fn rules(&self) -> ReceiptRules {
        let pattern = |pattern: &Option<ValuePattern>| pattern.as_ref().map(|pattern| pattern.0.clone());
        let (id, stat, err) = (pattern(&self.id), pattern(&self.stat), pattern(&self.err));
        ReceiptRules {
            patterns: id.is_some().then_some(ReceiptPatterns { id, stat, err }),
            states: self.states.iter().map(|(word, state)| (word.clone(), state.0)).collect(),
            accepted_is_delivered: self.accepted_is_delivered,
        }
    }
}

/// A pattern with one group.
#[derive(Debug, Clone)]
pub struct ValuePattern(pub Regex);

impl<'de> Deserialize<'de> for ValuePattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let pattern = regex(&String::deserialize(deserializer)?)?;
        match pattern.captures_len() {
            2 => Ok(Self(pattern)),
            n => Err(D::Error::custom(format!(
                "`{pattern}` has {} groups: exactly one is the value, as in 'id:(\\S+)'",
                n - 1
            ))),
        }
    }
}

/// What is taken out of ids on both sides.
#[derive(Debug, Clone)]
pub struct StripPattern(pub Regex);

impl<'de> Deserialize<'de> for StripPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        regex(&String::deserialize(deserializer)?).map(Self)
    }
}

fn regex<E: serde::de::Error>(pattern: &str) -> Result<Regex, E> {
    // The library draws a picture over several lines; its last says what is wrong.
    let reason = |error: String| error.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
    Regex::new(pattern).map_err(|error| E::custom(format!("`{pattern}` is no pattern: {}", reason(error.to_string()))))
}

/// A state by its name in reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReceiptStateName(pub MessageState);

impl<'de> Deserialize<'de> for ReceiptStateName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        by_name(deserializer, "state", MessageState::ALL.into_iter().map(|state| (state.name(), Self(state))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ReceiptRules, String> {
        let options: ReceiptOptions = toml::from_str(text).map_err(|error| error.message().to_owned())?;
        options.check()?;
        Ok(options.rules())
    }

    #[test]
    fn a_carrier_s_own_form_is_told_by_patterns_and_words() {
        let rules = read("id = '^MSG=(\\w+);'\nstat = ';ST=(\\w+)'\nstates = { OK = \"delivered\" }").unwrap();
        assert!(rules.patterns.is_some_and(|patterns| patterns.err.is_none()));
        assert_eq!(rules.states, [("OK".to_owned(), MessageState::Delivered)]);
        assert!(read("").unwrap().patterns.is_none());
        assert!(read("accepted-is-delivered = true").unwrap().accepted_is_delivered);
    }

    #[test]
    fn dates_are_read_in_the_carriers_local_time() {
        let at = |zone: &str, date: &str| {
            let options: ReceiptOptions = toml::from_str(&format!("time-zone = \"{zone}\"")).unwrap();
            let at = options.time_zone.read(ReceiptDate::read(date.as_bytes()).unwrap())?;
            Some(at.0 / 1_000_000 - 1_795_545_000)
        };
        assert_eq!(ReceiptOptions::default().time_zone, ReceiptZone(None));
        assert_eq!(at("UTC", "2611241830"), Some(0));
        assert_eq!(at("+02:00", "2611242030"), Some(0));
        assert_eq!(at("-05:30", "2611241300"), Some(0));
        assert_eq!(at("Europe/Berlin", "2611241930"), Some(0));
        // The hour that comes twice.
        assert_eq!(at("Europe/Berlin", "2610250230"), None);
    }

    #[test]
    fn what_cannot_work_says_why() {
        for (text, words) in [
            ("id = 'id:(\\S+)'", "needs both `id` and `stat`"),
            ("id = 'id:'", "`id:` has 0 groups: exactly one is the value"),
            ("id = '(a)(b)'", "has 2 groups"),
            ("id = 'id:('", "`id:(` is no pattern: unclosed group"),
            ("states = { OK = \"done\" }", "`done` is no state: scheduled, enroute, delivered"),
            ("pattern = 'x'", "unknown field `pattern`"),
            ("time-zone = 'Mars'", "`Mars` is no time zone"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }
}
