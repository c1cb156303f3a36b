//! `statuses`: what a carrier's refusals mean, where that differs from HANDBOOK A.7.
//!
//! ```toml
//! [carriers.north.statuses]
//! "0x45" = { class = "transient", tries = 3, retry = ["30s", "2m", "10m"] }
//! "0x400-0x4ff" = "permanent"
//! "0x410" = "throttle"
//! ```

use std::{collections::BTreeMap, fmt, ops::RangeInclusive};

use serde::{
    Deserialize, Deserializer,
    de::{IntoDeserializer, MapAccess, Visitor, value::MapAccessDeserializer},
};
use volley_smpp::pdu::StatusClass;

use crate::options::HumanDuration;

/// A code such as "0x45", or a range of codes such as "0x400-0x4ff".
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StatusCodes {
    first: u32,
    last: u32,
}

impl StatusCodes {
    /// The codes.
    #[must_use]
    pub const fn range(&self) -> RangeInclusive<u32> {
        self.first..=self.last
    }
}

impl<'de> Deserialize<'de> for StatusCodes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let code = |text: &str| {
            let digits = text.trim().strip_prefix("0x").or_else(|| text.trim().strip_prefix("0X"));
            digits.and_then(|digits| u32::from_str_radix(digits, 16).ok())
        };
        let (first, last) = text.split_once('-').unwrap_or((&text, &text));
        match (code(first), code(last)) {
            (Some(first), Some(last)) if 0 < first && first <= last => Ok(Self { first, last }),
            (_, _) => Err(serde::de::Error::custom(format!(
                "`{text}` is no command status: write one such as \"0x45\", or a range such as \"0x400-0x4ff\""
            ))),
        }
    }
}

/// What to do about a refusal. Throttle: slow down, no attempt used up. Transient: try again
/// later. Permanent: the message fails. Config: the message fails, and so would all others; many
/// in a row pause the carrier. Session: bind anew, then try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "all of them are told above")]
pub enum StatusClassName {
    Throttle,
    Transient,
    Permanent,
    Config,
    Session,
}

impl StatusClassName {
    /// As the handbook's table has it.
    #[must_use]
    pub const fn class(self) -> StatusClass {
        match self {
            Self::Throttle => StatusClass::Throttle,
            Self::Transient => StatusClass::Transient,
            Self::Permanent => StatusClass::Permanent,
            Self::Config => StatusClass::Config,
            Self::Session => StatusClass::Session,
        }
    }
}

/// What a carrier's own table says of a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusRule {
    /// What to do.
    pub class: StatusClassName,
    /// How often a message is tried again. Default: once for each wait of `retry`.
    pub tries: Option<u8>,
    /// Waits before it is tried again; the last one holds for all that follow. Default: the
    /// carrier's `retry`.
    pub retry: Option<Vec<HumanDuration>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RuleTable {
    class: StatusClassName,
    #[serde(default)]
    tries: Option<u8>,
    #[serde(default)]
    retry: Option<Vec<HumanDuration>>,
}

impl<'de> Deserialize<'de> for StatusRule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Form;
        impl<'de> Visitor<'de> for Form {
            type Value = StatusRule;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a class such as \"permanent\", or a table such as { class = \"transient\", tries = 3 }")
            }

            fn visit_str<E: serde::de::Error>(self, class: &str) -> Result<StatusRule, E> {
                let class = StatusClassName::deserialize(class.into_deserializer())?;
                Ok(StatusRule { class, tries: None, retry: None })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<StatusRule, A::Error> {
                let RuleTable { class, tries, retry } = RuleTable::deserialize(MapAccessDeserializer::new(map))?;
                Ok(StatusRule { class, tries, retry })
            }
        }
        deserializer.deserialize_any(Form)
    }
}

/// What can't work, in words.
pub(super) fn check(statuses: &BTreeMap<StatusCodes, StatusRule>) -> Result<(), String> {
    for (codes, rule) in statuses {
        let code = format!("0x{:02x}", codes.first);
        let tried_again = match rule.class {
            StatusClassName::Transient | StatusClassName::Session => true,
            StatusClassName::Throttle | StatusClassName::Permanent | StatusClassName::Config => false,
        };
        if !tried_again && (rule.tries.is_some() || rule.retry.is_some()) {
            return Err(format!("`statuses`, {code}: `tries` and `retry` are for the classes transient and session"));
        }
        if rule.retry.as_ref().is_some_and(Vec::is_empty) {
            return Err(format!("`statuses`, {code}: `retry` is empty: write `tries = 0`, or class permanent"));
        }
    }
    Ok(())
}
