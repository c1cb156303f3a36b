//! Values as they are written in `simulator.toml`: shares, times, rates, statuses.

use std::{collections::BTreeMap, fmt, marker::PhantomData, time::Duration};

use serde::{
    Deserialize, Deserializer,
    de::{self, Error as _, MapAccess, Visitor, value::MapAccessDeserializer},
};
use volley_smpp::pdu::CommandStatus;

/// A share from 0 to 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, PartialOrd)]
pub struct Share(pub f64);

impl Share {
    pub(super) fn checked<E: de::Error>(share: f64) -> Result<Self, E> {
        if (0.0..=1.0).contains(&share) {
            return Ok(Self(share));
        }
        Err(E::custom(format!("`{share}` is no share: write a number from 0 to 1")))
    }
}

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::checked(f64::deserialize(deserializer)?)
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
#[serde(deny_unknown_fields)]
pub(super) struct DelayTable {
    #[serde(deserialize_with = "duration")]
    min: Duration,
    #[serde(deserialize_with = "duration")]
    max: Duration,
}

impl ShortOrTable for Delay {
    type Table = DelayTable;
    const EXPECTED: &'static str = "a duration such as \"20ms\", or { min = \"5ms\", max = \"80ms\" }";

    fn of_text<E: de::Error>(text: &str) -> Result<Self, E> {
        let fixed = parse_duration(text)?;
        Ok(Self { min: fixed, max: fixed })
    }

    fn of_table<E: de::Error>(DelayTable { min, max }: DelayTable) -> Result<Self, E> {
        if min > max {
            return Err(E::custom("`min` is longer than `max`"));
        }
        Ok(Self { min, max })
    }
}

impl<'de> Deserialize<'de> for Delay {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        short_or_table(deserializer)
    }
}

/// A value that has a short form for the usual case, and a table for all else. Errors of the
/// table name its keys, which those of an untagged enum don't.
pub(super) trait ShortOrTable: Sized {
    type Table: for<'de> Deserialize<'de>;
    const EXPECTED: &'static str;

    fn of_text<E: de::Error>(text: &str) -> Result<Self, E> {
        Err(E::invalid_type(de::Unexpected::Str(text), &Self::EXPECTED))
    }

    fn of_number<E: de::Error>(number: f64) -> Result<Self, E> {
        Err(E::invalid_type(de::Unexpected::Float(number), &Self::EXPECTED))
    }

    fn of_table<E: de::Error>(table: Self::Table) -> Result<Self, E>;
}

pub(super) fn short_or_table<'de, T: ShortOrTable, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_any(Either(PhantomData))
}

struct Either<T>(PhantomData<T>);

impl<'de, T: ShortOrTable> Visitor<'de> for Either<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        T::of_text(text)
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<T, E> {
        T::of_number(number)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<T, E> {
        T::of_number(number as f64)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<T, E> {
        T::of_number(number as f64)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::of_table(T::Table::deserialize(MapAccessDeserializer::new(map))?)
    }
}

pub(super) fn parse_duration<E: de::Error>(text: &str) -> Result<Duration, E> {
    humantime::parse_duration(text).map_err(|_| E::custom(format!("`{text}` is no duration: write \"20ms\" or \"5s\"")))
}

pub(super) fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    parse_duration(&String::deserialize(deserializer)?)
}

pub(super) fn maybe_duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    duration(deserializer).map(Some)
}

pub(super) fn per_second<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let rate = text.strip_suffix("/s").and_then(|number| number.trim().replace('_', "").parse().ok());
    rate.filter(|rate| *rate > 0)
        .map(Some)
        .ok_or_else(|| D::Error::custom(format!("`{text}` is no rate in a second: write \"50/s\"")))
}

pub(super) fn parse_status<E: de::Error>(text: &str) -> Result<CommandStatus, E> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let status = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
    status
        .filter(|status| *status != 0)
        .map(CommandStatus)
        .ok_or_else(|| E::custom(format!("`{text}` is no error status: write it as \"0x0b\"")))
}

pub(super) fn maybe_status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<CommandStatus>, D::Error> {
    parse_status(&String::deserialize(deserializer)?).map(Some)
}

pub(super) fn statuses<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(CommandStatus, Share)>, D::Error> {
    let shares = BTreeMap::<String, Share>::deserialize(deserializer)?;
    shares.into_iter().map(|(text, share)| Ok((parse_status(&text)?, share))).collect()
}
