//! `[schedule]`: when, and how fast.

mod forms;

use std::{num::NonZeroU32, path::Path};

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use volley_core::{Rate, UnixMicros};
use volley_scheduler::{Over, Pace, Ramp};

use super::{FileError, HumanDuration};
pub(crate) use forms::read_holidays;
pub use forms::{DateText, HolidayOptions, Moment, WindowOptions, ZoneOption};

/// `[schedule]`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct ScheduleOptions {
    /// Segments per second (minute, hour, day) over all carriers; without it the carriers' own
    /// rates are the limit.
    pub rate: Option<Rate>,
    /// Segments that may leave back to back. Default 1: evenly spaced.
    pub burst: Option<NonZeroU32>,
    /// Hours in which messages are sent: `"09:00-20:00"`, several of them, or by days of the week.
    /// What comes outside waits for the opening. Default any time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<WindowOptions>,
    /// Whose clock `window` and `holidays` mean, and `start` and `finish-by` where they name no zone:
    /// each recipient's own, the default, or an IANA name.
    #[serde(skip_serializing_if = "ZoneOption::is_recipient")]
    pub time_zone: ZoneOption,
    /// Dates on which nothing is sent: a list of them, or a file with one on each line, relative to
    /// the campaign file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holidays: Option<HolidayOptions>,
    /// Nothing is sent before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<Moment>,
    /// What was not begun by then expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finish_by: Option<Moment>,
    /// Begins slower than `rate`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ramp: Option<RampOptions>,
    /// Whether the rows are spread evenly over the open hours until `finish-by`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub spread: bool,
    /// Which sending rules hold: `built-in`, the default where a carrier is neither simulated nor on
    /// this machine; `off`, which needs `rules-reason`; or a file of packs, relative to the campaign
    /// file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rules: Option<RulesChoice>,
    /// Why no sending rules hold, where `rules` is `off`. It is kept with the campaign.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rules_reason: Option<String>,
}

/// `ramp`: by time or by what was delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RampOptions {
    /// Segments per second at the beginning.
    pub from: Rate,
    /// How long it grows, e.g. "30m".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<HumanDuration>,
    /// Or until so many messages were delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over_delivered: Option<NonZeroU32>,
}

/// Where sending rules come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum RulesChoice {
    /// The packs that volley brings along, whatever the carriers are.
    BuiltIn,
    /// None.
    Off,
    /// A file of packs, relative to the campaign file.
    File(String),
}

impl From<String> for RulesChoice {
    fn from(text: String) -> Self {
        match text.as_str() {
            "built-in" => Self::BuiltIn,
            "off" => Self::Off,
            _ => Self::File(text),
        }
    }
}

impl From<RulesChoice> for String {
    fn from(rules: RulesChoice) -> Self {
        match rules {
            RulesChoice::BuiltIn => "built-in".to_owned(),
            RulesChoice::Off => "off".to_owned(),
            RulesChoice::File(path) => path,
        }
    }
}

/// Where an error belongs, and what it is.
struct Wrong(&'static str, String);

impl ScheduleOptions {
    /// When sending may begin at the earliest.
    #[must_use]
    pub fn start_at(&self) -> Option<UnixMicros> {
        self.start.as_ref()?.at(self.zone())
    }

    /// When sending ends at the latest.
    #[must_use]
    pub fn finish_at(&self) -> Option<UnixMicros> {
        self.finish_by.as_ref()?.at(self.zone())
    }

    /// What the rate is over time.
    #[must_use]
    pub fn pace(&self) -> Pace {
        let over = |ramp: &RampOptions| match (ramp.over, ramp.over_delivered) {
            (_, Some(n)) => Over::Delivered(n.get().into()),
            (over, None) => Over::Time(over.map(|over| over.0).unwrap_or_default()),
        };
        let ramp = self.ramp.as_ref().map(|ramp| Ramp { from_per_sec: ramp.from.as_per_sec(), over: over(ramp) });
        Pace { full_per_sec: self.rate.map(Rate::as_per_sec), ramp, spread: self.spread }
    }

    /// The zone that is written here; `None` for each recipient's own.
    #[must_use]
    pub fn zone(&self) -> Option<&TimeZone> {
        self.time_zone.zone()
    }

    pub(super) fn check(&self, path: &Path, text: &str) -> Result<(), FileError> {
        let wrong = |Wrong(key, what)| FileError::new(path, what).at_key(text, key);
        self.check_moments().and_then(|()| self.check_pace()).and_then(|()| self.check_rules()).map_err(wrong)?;
        if let Some(HolidayOptions::File(file)) = &self.holidays {
            read_holidays(&path.with_file_name(file))?;
        }
        Ok(())
    }

    fn check_moments(&self) -> Result<(), Wrong> {
        for (key, moment) in [("start", &self.start), ("finish-by", &self.finish_by)] {
            if let Some(moment) = moment
                && moment.at(self.zone()).is_none()
            {
                let what = format!(
                    "`{key}` is `{moment}`, and nothing says in which zone: write \"{moment} Europe/Berlin\", a time \
                     with an offset, or a `time-zone` for all of [schedule]"
                );
                return Err(Wrong(key, what));
            }
        }
        if let (Some(start), Some(finish)) = (self.start_at(), self.finish_at())
            && start >= finish
        {
            let words = |moment: &Option<Moment>| moment.as_ref().map(Moment::to_string).unwrap_or_default();
            let (start, finish) = (words(&self.start), words(&self.finish_by));
            return Err(Wrong("finish-by", format!("`finish-by` ({finish}) is not after `start` ({start})")));
        }
        let is_idle = self.window.is_none() && self.holidays.is_none();
        if is_idle && !self.time_zone.is_recipient() && self.start.is_none() && self.finish_by.is_none() {
            let what = "`time-zone` changes nothing without `window`, `holidays`, `start` or `finish-by`: drop it";
            return Err(Wrong("time-zone", what.to_owned()));
        }
        Ok(())
    }

    fn check_pace(&self) -> Result<(), Wrong> {
        if self.spread && self.finish_by.is_none() {
            return Err(Wrong("spread", "`spread` needs an end to spread until: write `finish-by`".to_owned()));
        }
        if self.burst.is_some() && self.rate.is_none() {
            return Err(Wrong("burst", "`burst` belongs to a `rate`: write one, or drop it".to_owned()));
        }
        let Some(ramp) = &self.ramp else { return Ok(()) };
        let Some(rate) = self.rate else {
            return Err(Wrong("ramp", "`ramp` grows to `rate`: write one".to_owned()));
        };
        if ramp.from.as_per_sec() >= rate.as_per_sec() {
            let what = format!("`ramp` begins at {}, which is not below `rate` ({rate})", ramp.from);
            return Err(Wrong("ramp", what));
        }
        match (ramp.over, ramp.over_delivered) {
            (Some(_), Some(_)) => Err("write one of `over` and `over-delivered`"),
            (None, None) => Err("write `over = \"30m\"` or `over-delivered = 5000`: how far it grows"),
            (Some(over), None) if over.0.is_zero() => Err("`over` is no time at all"),
            (Some(_), None) | (None, Some(_)) => Ok(()),
        }
        .map_err(|what| Wrong("ramp", format!("`ramp`: {what}")))
    }

    fn check_rules(&self) -> Result<(), Wrong> {
        let reason = self.rules_reason.as_deref().map(str::trim).unwrap_or_default();
        match (&self.rules, self.rules_reason.is_some()) {
            (Some(RulesChoice::Off), _) if reason.is_empty() => {
                let what = "`rules = \"off\"` needs a `rules-reason`: why no country's sending rules hold";
                Err(Wrong("rules", what.to_owned()))
            }
            (Some(RulesChoice::BuiltIn | RulesChoice::File(_)) | None, true) => {
                let what = "`rules-reason` belongs to `rules = \"off\"`: drop it, or write that";
                Err(Wrong("rules-reason", what.to_owned()))
            }
            (_, _) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
