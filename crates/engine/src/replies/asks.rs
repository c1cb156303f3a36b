//! Who may be told something: each number at most once a day for each of its words.

use std::collections::HashMap;

use volley_core::Msisdn;
use volley_smpp::reply::Decision;

use super::line::MessageLine;

/// After so long a number may be told the same again.
const DAY_US: u64 = 24 * 3600 * 1_000_000;
/// Numbers after which those of yesterday are forgotten.
const MANY: usize = 4_096;

/// What somebody wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Ask {
    /// To get nothing any more.
    OptOut,
    /// To get messages again.
    OptIn,
    /// To know who we are.
    Help,
}

impl Ask {
    const fn of(decision: Decision) -> Option<Self> {
        match decision {
            Decision::OptOut | Decision::OptOutScoped => Some(Self::OptOut),
            Decision::OptIn | Decision::OptInIfOptedOut => Some(Self::OptIn),
            Decision::Help => Some(Self::Help),
            Decision::None => None,
        }
    }
}

/// When each number was last told what. It follows from the replies alone, so that a restart knows
/// it, too.
#[derive(Default)]
pub(super) struct Asks {
    told: HashMap<(Msisdn, Ask), u64>,
}

impl Asks {
    /// Whether the message is to be answered; if so, the number is told from then on.
    pub(super) fn take(&mut self, message: &MessageLine) -> Option<(Msisdn, Ask)> {
        let key = (message.number()?, Ask::of(message.decision())?);
        let at = message.at_us;
        if self.told.get(&key).is_some_and(|told| at < told.saturating_add(DAY_US)) {
            return None;
        }
        self.told.insert(key, at);
        if self.told.len().is_multiple_of(MANY) {
            self.told.retain(|_, told| at < told.saturating_add(DAY_US));
        }
        Some(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(at_us: u64, number: u64, decision: Decision) -> MessageLine {
        MessageLine {
            n: 1,
            at_us,
            carrier: String::new(),
            from: String::new(),
            number: Some(number),
            to: String::new(),
            text: None,
            decision: decision.name().to_owned(),
            word: None,
            scope: None,
            incomplete: false,
            parts: Vec::new(),
        }
    }

    #[test]
    fn a_number_is_told_the_same_once_a_day() {
        let mut asks = Asks::default();
        let mut is_told = |at, number, decision| asks.take(&message(at, number, decision)).is_some();
        assert!(is_told(5, 4_915_112_345_678, Decision::Help));
        assert!(!is_told(DAY_US + 4, 4_915_112_345_678, Decision::Help));
        assert!(is_told(6, 4_915_112_345_678, Decision::OptOutScoped));
        assert!(is_told(6, 4_915_112_345_679, Decision::Help));
        assert!(is_told(DAY_US + 5, 4_915_112_345_678, Decision::Help));
        assert!(!is_told(7, 4_915_112_345_670, Decision::None));
    }
}
