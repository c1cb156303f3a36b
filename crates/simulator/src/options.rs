//! How a simulated carrier behaves: `simulator.toml`. Every key is optional; without any it
//! accepts all and delivers all at once.

use std::{collections::BTreeMap, path::Path, time::Duration};

use serde::{Deserialize, Deserializer};
use volley_smpp::{pdu::CommandStatus, receipt::MessageState};

use crate::Error;

/// `simulator.toml`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct SimulatorOptions {
    /// Same seed, same decisions.
    pub seed: u64,
    /// From submit to answer.
    pub answer_latency: Delay,
    /// From answer to receipt.
    pub receipt_delay: Delay,
    /// Above so many submits in any sliding second, answers 0x58. "50/s".
    #[serde(deserialize_with = "per_second")]
    pub throttle_above: Option<u32>,
    /// Share of each final state; what is left is delivered.
    pub final_states: FinalStates,
    /// Share of each error status, such as `"0x08" = 0.001`.
    #[serde(deserialize_with = "statuses")]
    pub answer_errors: Vec<(CommandStatus, Share)>,
    /// How ids are written in answers.
    pub message_ids: IdForm,
    /// How ids are written in receipts; as in answers when not given.
    pub receipt_ids: Option<IdForm>,
    /// Where a receipt says what it says.
    pub receipt_form: ReceiptForm,
    /// Binds beyond so many are refused with 0x0D.
    pub max_binds: Option<u32>,
    /// Every bind is refused with this status.
    #[serde(deserialize_with = "status")]
    pub refuse_binds: Option<CommandStatus>,
    /// What goes wrong on purpose.
    pub faults: Faults,
}

/// `[faults]`: shares of submits.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Faults {
    /// Taken, and never answered.
    pub lost_answers: Share,
    /// The connection is cut instead of an answer; taken all the same.
    pub disconnects: Share,
    /// The receipt goes out before the answer.
    pub early_receipts: Share,
    /// The receipt goes out twice.
    pub double_receipts: Share,
    /// No receipt ever.
    pub lost_receipts: Share,
}

/// A share from 0 to 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, PartialOrd)]
pub struct Share(pub f64);

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let share = f64::deserialize(deserializer)?;
        if (0.0..=1.0).contains(&share) {
            return Ok(Self(share));
        }
        Err(serde::de::Error::custom(format!("`{share}` is no share: write a number from 0 to 1")))
    }
}

/// `final-states`.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct FinalStates {
    /// Reached the handset: what the others leave, whatever stands here.
    pub delivered: Share,
    /// Can't be delivered.
    pub undelivered: Share,
    /// Validity passed.
    pub expired: Share,
    /// Refused after acceptance.
    pub rejected: Share,
    /// The carrier doesn't know.
    pub unknown: Share,
}

impl FinalStates {
    pub(crate) fn others(&self) -> [(MessageState, Share); 4] {
        [
            (MessageState::Undeliverable, self.undelivered),
            (MessageState::Expired, self.expired),
            (MessageState::Rejected, self.rejected),
            (MessageState::Unknown, self.unknown),
        ]
    }
}

/// A time, or a range of which each is as likely.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Delay {
    /// Shortest.
    pub min: Duration,
    /// Longest.
    pub max: Duration,
}

impl Delay {
    pub(crate) const fn is_zero(&self) -> bool {
        self.max.is_zero()
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum DelayForm {
    Fixed(String),
    Range(DelayRange),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DelayRange {
    min: String,
    max: String,
}

impl<'de> Deserialize<'de> for Delay {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let parse = |text: &str| {
            humantime::parse_duration(text)
                .map_err(|_| serde::de::Error::custom(format!("`{text}` is no duration: write \"20ms\" or \"5s\"")))
        };
        let (min, max) = match DelayForm::deserialize(deserializer)? {
            DelayForm::Fixed(text) => (parse(&text)?, parse(&text)?),
            DelayForm::Range(DelayRange { min, max }) => (parse(&min)?, parse(&max)?),
        };
        if min > max {
            return Err(serde::de::Error::custom("`min` is longer than `max`"));
        }
        Ok(Self { min, max })
    }
}

/// How ids are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IdForm {
    /// Decimal.
    #[default]
    Decimal,
    /// Hexadecimal, upper case.
    Hex,
    /// Decimal with leading zeros to 12 digits.
    Padded,
    /// 36 characters.
    Uuid,
}

/// Where a receipt says what it says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReceiptForm {
    /// In its text and in TLVs.
    #[default]
    Both,
    /// In its text.
    Text,
    /// In TLVs.
    Tlv,
}

impl SimulatorOptions {
    /// Reads `simulator.toml`; `path` is for errors.
    ///
    /// # Errors
    /// When a key or value is wrong.
    pub fn from_toml(text: &str, path: &Path) -> Result<Self, Error> {
        toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
            let message = error.message().lines().collect::<Vec<_>>().join(" ");
            Error::Options { path: path.to_owned(), line, column, message }
        })
    }
}

fn per_second<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let rate = text.strip_suffix("/s").and_then(|number| number.trim().replace('_', "").parse().ok());
    rate.filter(|rate| *rate > 0)
        .map(Some)
        .ok_or_else(|| serde::de::Error::custom(format!("`{text}` is no rate in a second: write \"50/s\"")))
}

fn parse_status<E: serde::de::Error>(text: &str) -> Result<CommandStatus, E> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let status = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
    status
        .filter(|status| *status != 0)
        .map(CommandStatus)
        .ok_or_else(|| E::custom(format!("`{text}` is no error status: write it as \"0x0b\"")))
}

fn status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<CommandStatus>, D::Error> {
    parse_status(&String::deserialize(deserializer)?).map(Some)
}

fn statuses<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(CommandStatus, Share)>, D::Error> {
    let shares = BTreeMap::<String, Share>::deserialize(deserializer)?;
    shares.into_iter().map(|(text, share)| Ok((parse_status(&text)?, share))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_file_is_read() {
        let text = r#"
            seed = 7
            answer-latency = { min = "5ms", max = "80ms" }
            receipt-delay = "1s"
            throttle-above = "50/s"
            final-states = { delivered = 0.95, undelivered = 0.04, expired = 0.01 }
            answer-errors = { "0x08" = 0.001, "0x0b" = 0.002 }
            message-ids = "hex"
            receipt-ids = "decimal"
            [faults]
            lost-answers = 0.001
        "#;
        let options = SimulatorOptions::from_toml(text, Path::new("sim.toml")).unwrap();
        assert_eq!((options.throttle_above, options.answer_errors.len()), (Some(50), 2));
        assert_eq!((options.receipt_delay.min, options.answer_latency.max.as_millis()), (Duration::from_secs(1), 80));
    }

    #[test]
    fn a_wrong_key_is_named_with_its_place() {
        for (text, expected) in [
            ("seed = 1\nanswer-latancy = \"1s\"", "sim.toml:2:1: unknown field `answer-latancy`"),
            ("throttle-above = \"fast\"", "sim.toml:1:18: `fast` is no rate"),
            ("final-states = { expired = 2.0 }", "is no share"),
        ] {
            let error = SimulatorOptions::from_toml(text, Path::new("sim.toml")).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
