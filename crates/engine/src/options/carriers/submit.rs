//! How a carrier wants its submits written (HANDBOOK B.1 to B.3).

use serde::{Deserialize, Deserializer};
use volley_smpp::address::TonNpi;

/// Which receipts we ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RegisteredDelivery {
    /// None: rows stay accepted until the receipt deadline, and end as unknown.
    None,
    /// Of every final state.
    #[default]
    All,
    /// Of failures alone: what was delivered ends as unknown.
    Failure,
    /// Of successes alone (SMPP 5.0).
    Success,
}

impl RegisteredDelivery {
    /// The field, with intermediate notifications or without.
    #[must_use]
    pub const fn octet(self, intermediate: bool) -> u8 {
        let receipts = match self {
            Self::None => 0,
            Self::All => 1,
            Self::Failure => 2,
            Self::Success => 3,
        };
        if intermediate { receipts | 0x10 } else { receipts }
    }
}

/// How the SMSC is to handle messages, where contracts say so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MessageMode {
    /// As it does without being told.
    #[default]
    Default,
    /// Tried once.
    Datagram,
    /// Answered when delivered.
    Forward,
    /// Stored until delivered.
    StoreAndForward,
}

impl MessageMode {
    /// The lowest bits of esm_class.
    #[must_use]
    pub const fn bits(self) -> u8 {
        match self {
            Self::Default => 0,
            Self::Datagram => 1,
            Self::Forward => 2,
            Self::StoreAndForward => 3,
        }
    }
}

/// What stands before a recipient's digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub enum DestinationPrefix {
    /// Nothing: 4915112345678.
    #[default]
    #[serde(rename = "none")]
    None,
    /// +4915112345678.
    #[serde(rename = "+")]
    Plus,
    /// 004915112345678.
    #[serde(rename = "00")]
    Zeros,
}

impl DestinationPrefix {
    /// As it is written.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Plus => "+",
            Self::Zeros => "00",
        }
    }
}

/// How the validity period is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ValidityForm {
    /// As a time in UTC, the most portable form.
    #[default]
    Absolute,
    /// As a span, for SMSCs with wrong clocks. At most 30 days.
    Relative,
    /// Not at all: the carrier's own default holds.
    None,
}

/// Type of number and numbering plan by kind of address: `[ton, npi]` each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct TonNpiOptions {
    /// Of senders with letters. Default [5, 0].
    #[serde(deserialize_with = "ton_npi")]
    pub alphanumeric: TonNpi,
    /// Of short codes. Default [3, 0].
    #[serde(deserialize_with = "ton_npi")]
    pub short_code: TonNpi,
    /// Of senders that are international numbers. Default [1, 1].
    #[serde(deserialize_with = "ton_npi")]
    pub international: TonNpi,
    /// Of recipients. Default [1, 1].
    #[serde(deserialize_with = "ton_npi")]
    pub destination: TonNpi,
}

impl Default for TonNpiOptions {
    fn default() -> Self {
        Self {
            alphanumeric: TonNpi::ALPHANUMERIC,
            short_code: TonNpi::SHORT_CODE,
            international: TonNpi::INTERNATIONAL,
            destination: TonNpi::INTERNATIONAL,
        }
    }
}

impl TonNpiOptions {
    /// For this sender.
    #[must_use]
    pub fn of_sender(&self, sender: &str) -> TonNpi {
        match TonNpi::of_sender(sender) {
            TonNpi::ALPHANUMERIC => self.alphanumeric,
            TonNpi::SHORT_CODE => self.short_code,
            _ => self.international,
        }
    }
}

fn ton_npi<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TonNpi, D::Error> {
    let [ton, npi] = <[u8; 2]>::deserialize(deserializer)?;
    Ok(TonNpi { ton, npi })
}
