//! What a carrier speaks, and how it writes texts and ids.

use serde::{Deserialize, Deserializer};
use volley_smpp::text::Language;

/// What a carrier speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CarrierKind {
    /// SMPP 3.4 over TCP.
    Smpp,
    /// SMPP 3.4 over TCP to a simulator that volley starts on loopback.
    Simulated,
}

impl CarrierKind {
    /// As it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Smpp => "smpp",
            Self::Simulated => "simulated",
        }
    }
}

/// How ids are written on both sides, by name (HANDBOOK C.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IdMode(pub volley_smpp::receipt::IdMode);

impl<'de> Deserialize<'de> for IdMode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use volley_smpp::receipt::IdMode as Mode;
        by_name(deserializer, "id mode", Mode::ALL.into_iter().map(|known| (known.name(), Self(known))))
    }
}

/// What data_coding 0 means, by name (HANDBOOK B.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DefaultAlphabet(pub volley_smpp::text::DefaultAlphabet);

impl<'de> Deserialize<'de> for DefaultAlphabet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use volley_smpp::text::DefaultAlphabet as Alphabet;
        by_name(deserializer, "alphabet", Alphabet::ALL.into_iter().map(|known| (known.name(), Self(known))))
    }
}

/// A language with national tables, by its ISO 639-1 code (HANDBOOK B.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NationalLanguage(pub Language);

impl<'de> Deserialize<'de> for NationalLanguage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        by_name(
            deserializer,
            "language with tables",
            Language::ALL.into_iter().map(|known| (known.code(), Self(known))),
        )
    }
}

pub(super) fn by_name<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    what: &str,
    known: impl Iterator<Item = (&'static str, T)>,
) -> Result<T, D::Error> {
    let name = String::deserialize(deserializer)?;
    let mut names = Vec::new();
    for (its_name, value) in known {
        if its_name == name {
            return Ok(value);
        }
        names.push(its_name);
    }
    Err(serde::de::Error::custom(format!("`{name}` is no {what}: {} are", names.join(", "))))
}

/// See HANDBOOK B.7.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Concatenation {
    /// User data header with an 8-bit reference.
    #[default]
    Udh8,
    /// User data header with a 16-bit reference.
    Udh16,
    /// sar_* TLVs.
    Sar,
    /// The whole text in message_payload.
    Payload,
}
