//! Rates as people write them: "300/s", "30/min", "5000/h".

use std::{fmt, num::NonZeroU32, str::FromStr, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// So many segments in so much time; never zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rate {
    n_segments: NonZeroU32,
    per: Per,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Per {
    Second,
    Minute,
    Hour,
    Day,
}

impl Per {
    const fn as_secs(self) -> u64 {
        match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 3_600,
            Self::Day => 86_400,
        }
    }
}

/// A rate that can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{given}` is no rate: write a whole number of segments and a unit, such as \"300/s\", \"30/min\", \"5000/h\" or \"100000/day\""
)]
pub struct RateError {
    given: String,
}

impl Rate {
    /// So many segments in each second.
    #[must_use]
    pub const fn per_second(n_segments: NonZeroU32) -> Self {
        Self { n_segments, per: Per::Second }
    }

    /// Segments in a second, on average.
    #[must_use]
    pub fn as_per_sec(self) -> f64 {
        f64::from(self.n_segments.get()) / self.per.as_secs() as f64
    }

    /// The time from one segment to the next.
    #[must_use]
    pub fn interval(self) -> Duration {
        Duration::from_secs(self.per.as_secs()) / self.n_segments.get()
    }
}

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        let error = || RateError { given: text.to_owned() };
        let (number, unit) = text.split_once('/').ok_or_else(error)?;
        let per = match unit.trim() {
            "s" | "sec" | "second" => Per::Second,
            "m" | "min" | "minute" => Per::Minute,
            "h" | "hour" => Per::Hour,
            "d" | "day" => Per::Day,
            _ => return Err(error()),
        };
        let n_segments = number.trim().replace('_', "").parse().map_err(|_| error())?;
        Ok(Self { n_segments, per })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.per {
            Per::Second => "s",
            Per::Minute => "min",
            Per::Hour => "h",
            Per::Day => "day",
        };
        write!(f, "{}/{unit}", self.n_segments)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_as_people_write_them() {
        for (text, shown, per_sec) in [
            ("300/s", "300/s", 300.0),
            ("30/min", "30/min", 0.5),
            (" 1_000 / s", "1000/s", 1000.0),
            ("86400/day", "86400/day", 1.0),
        ] {
            let rate: Rate = text.parse().unwrap();
            assert_eq!((rate.to_string().as_str(), rate.as_per_sec()), (shown, per_sec));
        }
        for wrong in ["", "300", "0/s", "-1/s", "1.5/s", "300/week", "/s"] {
            assert!(wrong.parse::<Rate>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn interval_is_the_time_between_two_segments() {
        assert_eq!("30/min".parse::<Rate>().unwrap().interval(), Duration::from_secs(2));
    }
}
