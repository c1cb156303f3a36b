//! How hours, zones, dates and instants are written.

use std::{collections::BTreeMap, fmt, path::Path, str::FromStr, sync::Arc};

use jiff::{
    Timestamp, Zoned,
    civil::{Date, DateTime},
    tz::TimeZone,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use volley_core::UnixMicros;
use volley_scheduler::{Holidays, Hours, HoursError, Span, Weekdays};

use crate::options::{FileError, OneOrMany, nearest};

/// `window`, as it was written and as it is meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "WindowForm", into = "WindowForm")]
pub struct WindowOptions {
    form: WindowForm,
    hours: Hours,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "hours are written as \"09:00-20:00\", a list of such, or { mon-fri = \"09:00-20:00\", sat = \"10:00-16:00\" }"
)]
enum WindowForm {
    Daily(OneOrMany),
    Week(BTreeMap<String, OneOrMany>),
}

impl WindowOptions {
    /// What it means.
    #[must_use]
    pub const fn hours(&self) -> &Hours {
        &self.hours
    }
}

impl TryFrom<WindowForm> for WindowOptions {
    type Error = HoursError;

    fn try_from(form: WindowForm) -> Result<Self, HoursError> {
        let spans = |texts: &OneOrMany| texts.iter().map(Span::from_str).collect::<Result<Vec<_>, _>>();
        let hours = match &form {
            WindowForm::Daily(texts) => Hours::daily(&spans(texts)?)?,
            WindowForm::Week(days) => {
                let read = |(days, texts): (&String, &OneOrMany)| Ok((days.parse::<Weekdays>()?, spans(texts)?));
                let named = days.iter().map(read).collect::<Result<Vec<_>, HoursError>>()?;
                Hours::by_weekday(named.iter().map(|(days, spans)| (*days, spans.as_slice())))?
            }
        };
        Ok(Self { form, hours })
    }
}

impl From<WindowOptions> for WindowForm {
    fn from(window: WindowOptions) -> Self {
        window.form
    }
}

/// `time-zone`: whose clock counts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ZoneOption {
    /// Each recipient's own.
    #[default]
    Recipient,
    /// This one, by its IANA name.
    Named(TimeZone),
}

impl ZoneOption {
    /// Whether it is each recipient's own.
    #[must_use]
    pub const fn is_recipient(&self) -> bool {
        matches!(self, Self::Recipient)
    }

    /// The zone, when it is one for all.
    #[must_use]
    pub const fn zone(&self) -> Option<&TimeZone> {
        match self {
            Self::Recipient => None,
            Self::Named(zone) => Some(zone),
        }
    }
}

impl<'de> Deserialize<'de> for ZoneOption {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        if name == "recipient" {
            return Ok(Self::Recipient);
        }
        zone_named(&name).map(Self::Named).map_err(serde::de::Error::custom)
    }
}

impl Serialize for ZoneOption {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.zone().map_or("recipient", |zone| zone.iana_name().unwrap_or("UTC")))
    }
}

fn zone_named(name: &str) -> Result<TimeZone, String> {
    TimeZone::get(name).map_err(|_| {
        let known: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
        let meant = nearest(name, known.iter().map(String::as_str));
        let meant = meant.map(|meant| format!(", did you mean {meant}?")).unwrap_or_default();
        format!("`{name}` is no time zone: write \"recipient\" or an IANA name such as Europe/Berlin{meant}")
    })
}

/// `holidays`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "HolidayForm")]
#[serde(untagged)]
pub enum HolidayOptions {
    /// A file with one date on each line.
    File(String),
    /// The dates.
    Dates(Vec<DateText>),
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "holidays are a list of dates such as [\"2026-12-25\"], or the name of a file of them")]
enum HolidayForm {
    File(String),
    Dates(Vec<TextOrDatetime>),
}

impl TryFrom<HolidayForm> for HolidayOptions {
    type Error = String;

    fn try_from(form: HolidayForm) -> Result<Self, String> {
        match form {
            HolidayForm::File(file) => Ok(Self::File(file)),
            HolidayForm::Dates(dates) => {
                dates.into_iter().map(DateText::try_from).collect::<Result<_, _>>().map(Self::Dates)
            }
        }
    }
}

/// A date as it is written in a campaign file: `"2026-12-25"`, or without quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "TextOrDatetime", into = "String")]
pub struct DateText(Date);

/// TOML has dates and times of its own.
#[derive(Deserialize)]
#[serde(untagged, expecting = "a date or time was expected")]
enum TextOrDatetime {
    Text(String),
    Toml(toml::value::Datetime),
}

impl TextOrDatetime {
    fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Toml(datetime) => datetime.to_string(),
        }
    }
}

impl DateText {
    /// The date.
    #[must_use]
    pub const fn date(self) -> Date {
        self.0
    }
}

impl TryFrom<TextOrDatetime> for DateText {
    type Error = String;

    fn try_from(text: TextOrDatetime) -> Result<Self, String> {
        let text = text.into_text();
        date(&text).map(Self).ok_or_else(|| format!("`{text}` is no date: write it as 2026-12-25"))
    }
}

impl From<DateText> for String {
    fn from(DateText(date): DateText) -> Self {
        date.to_string()
    }
}

fn date(text: &str) -> Option<Date> {
    let is_date = text.len() == 10 && text.bytes().all(|c| c.is_ascii_digit() || c == b'-');
    is_date.then(|| text.parse().ok()).flatten()
}

impl HolidayOptions {
    /// The dates. `campaign_file`: what a file's name is relative to.
    ///
    /// # Errors
    /// When the file can't be read, or a line of it is no date.
    pub fn dates(&self, campaign_file: &Path) -> Result<Holidays, FileError> {
        match self {
            Self::Dates(dates) => Ok(Arc::new(dates.iter().map(|DateText(date)| *date).collect())),
            Self::File(file) => read_holidays(&campaign_file.with_file_name(file)),
        }
    }
}

/// A date on each line, and behind it whatever it is called; lines that are empty or begin with `#`
/// don't count.
pub(crate) fn read_holidays(path: &Path) -> Result<Holidays, FileError> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| FileError::new(path, format!("the file of holidays can't be read: {error}")))?;
    let mut dates = std::collections::BTreeSet::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let word = line.split([' ', '\t', ',', ';']).next().unwrap_or_default().trim();
        if !word.is_empty() && !word.starts_with('#') {
            let wrong = || FileError::new(path, format!("`{word}` is no date: write it as 2026-12-25"));
            dates.insert(date(word).ok_or_else(|| wrong().at_octet(&text, at))?);
        }
        at += line.len();
    }
    Ok(Arc::new(dates))
}

/// An instant as people write it: with an offset (`2026-11-30T09:00:00+01:00`), a zone
/// (`2026-11-30 09:00 Europe/Berlin`), or neither, which is the schedule's zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "TextOrDatetime", into = "String")]
pub struct Moment {
    text: String,
    at: MomentAt,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MomentAt {
    Absolute(Timestamp),
    Local(DateTime),
}

impl Moment {
    /// When it is; `None` when it names no zone and there is none. A local time that does not
    /// exist is as much later as the clock is set forward; of a repeated one the first counts.
    #[must_use]
    pub fn at(&self, zone: Option<&TimeZone>) -> Option<UnixMicros> {
        let at = match self.at {
            MomentAt::Absolute(at) => at,
            MomentAt::Local(local) => zone?.to_timestamp(local).ok()?,
        };
        Some(UnixMicros(u64::try_from(at.as_microsecond()).unwrap_or(0)))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let moment = |at| Ok(Self { text: text.to_owned(), at });
        // A date alone says nothing of the hour.
        if text.contains(':') {
            if let Ok(at) = text.parse::<Timestamp>() {
                return moment(MomentAt::Absolute(at));
            }
            if let Ok(at) = text.parse::<Zoned>() {
                return moment(MomentAt::Absolute(at.timestamp()));
            }
            if let Ok(local) = text.parse::<DateTime>() {
                return moment(MomentAt::Local(local));
            }
            if let Some((local, zone)) = text.rsplit_once(' ')
                && let Ok(local) = local.trim().parse::<DateTime>()
            {
                let at = zone_named(zone)?.to_timestamp(local).map_err(|error| format!("`{text}`: {error}"))?;
                return moment(MomentAt::Absolute(at));
            }
        }
        Err(format!(
            "`{text}` is no time: write it as \"2026-11-30T09:00:00+01:00\" or \"2026-11-30 09:00 Europe/Berlin\""
        ))
    }
}

impl TryFrom<TextOrDatetime> for Moment {
    type Error = String;

    fn try_from(text: TextOrDatetime) -> Result<Self, String> {
        text.into_text().parse()
    }
}

impl From<Moment> for String {
    fn from(moment: Moment) -> Self {
        moment.text
    }
}
