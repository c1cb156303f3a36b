//! `[carriers.NAME.receipts]`: how a carrier's receipts are read, where that differs from
//! HANDBOOK C.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, de::Error as _};
use volley_smpp::receipt::{MessageState, ReceiptPatterns, ReceiptRules, Regex};

use super::kinds::by_name;

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
    fn what_cannot_work_says_why() {
        for (text, words) in [
            ("id = 'id:(\\S+)'", "needs both `id` and `stat`"),
            ("id = 'id:'", "`id:` has 0 groups: exactly one is the value"),
            ("id = '(a)(b)'", "has 2 groups"),
            ("id = 'id:('", "`id:(` is no pattern: unclosed group"),
            ("states = { OK = \"done\" }", "`done` is no state: scheduled, enroute, delivered"),
            ("pattern = 'x'", "unknown field `pattern`"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }
}
