//! Times in PDUs (SMPP 3.4, 7.1.1; HANDBOOK B.3): `YYMMDDhhmmsstnnp`.

/// A time as validity_period, schedule_delivery_time and final_date say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SmppTime {
    /// Empty: the SMSC's default.
    Default,
    /// A point in time.
    Absolute(AbsoluteTime),
    /// A span from when the SMSC takes the message.
    Relative(RelativeTime),
}

/// A point in time, as it is on a clock `quarter_hours` ahead of UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AbsoluteTime {
    /// Full year.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
    /// 0 to 9.
    pub tenth: u8,
    /// Quarters of an hour ahead of UTC: -48 to 48.
    pub quarter_hours: i8,
}

/// A span. How long a month or a year is, the standard doesn't say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct RelativeTime {
    /// 0 to 99.
    pub years: u8,
    /// 0 to 12.
    pub months: u8,
    /// 0 to 99.
    pub days: u8,
    /// 0 to 23.
    pub hours: u8,
    /// 0 to 59.
    pub minutes: u8,
    /// 0 to 59.
    pub seconds: u8,
}

/// A text that is no time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// Neither 0 nor 16 characters.
    #[error("a time has 16 characters or none, not {0}")]
    Length(usize),
    /// Something else than a digit.
    #[error("character {0} of the time is no digit")]
    NoDigit(usize),
    /// A number out of its range.
    #[error("the time's {0} is out of range")]
    OutOfRange(&'static str),
    /// Neither +, - nor R at the end.
    #[error("the time's last character is not +, - or R")]
    NoSign,
}

/// How strictly times are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Reading {
    /// As the standard says.
    #[default]
    Strict,
    /// As SMSCs write them: an absolute time without its sign is UTC, an offset beyond 48 quarters
    /// of an hour and what stands in t and nn of a relative time don't count.
    Tolerant,
}

/// The longest span written as relative: days, since months have no length (HANDBOOK B.3).
pub const RELATIVE_MAX_S: u64 = 30 * 86_400;

/// An absolute time in UTC, from seconds since 1970. UTC is the one form that all SMSCs read
/// alike.
#[must_use]
pub fn absolute_utc(unix_s: u64) -> [u8; 16] {
    let (days, of_day) = (unix_s / 86_400, unix_s % 86_400);
    let (year, month, day) = civil_from_days(days);
    AbsoluteTime {
        year,
        month,
        day,
        hour: (of_day / 3_600) as u8,
        minute: (of_day / 60 % 60) as u8,
        second: (of_day % 60) as u8,
        tenth: 0,
        quarter_hours: 0,
    }
    .to_text()
}

/// A relative time; `None` beyond [`RELATIVE_MAX_S`].
#[must_use]
pub fn relative(span_s: u64) -> Option<[u8; 16]> {
    let span = (span_s <= RELATIVE_MAX_S).then_some(RelativeTime {
        years: 0,
        months: 0,
        days: (span_s / 86_400) as u8,
        hours: (span_s / 3_600 % 24) as u8,
        minutes: (span_s / 60 % 60) as u8,
        seconds: (span_s % 60) as u8,
    })?;
    Some(span.to_text())
}

impl AbsoluteTime {
    /// As it stands in a PDU. Two-digit years: 38 to 99 are of the last century for readers, so
    /// nothing should be scheduled beyond 2037.
    #[must_use]
    pub fn to_text(self) -> [u8; 16] {
        let mut out = *b"000000000000000+";
        let year = (self.year % 100) as u8;
        put_pairs(&mut out, [year, self.month, self.day, self.hour, self.minute, self.second]);
        let [.., tenth, tens, ones, sign] = &mut out;
        let quarters = self.quarter_hours.unsigned_abs();
        (*tenth, *tens, *ones) = (b'0' + self.tenth % 10, b'0' + quarters / 10 % 10, b'0' + quarters % 10);
        *sign = if self.quarter_hours < 0 { b'-' } else { b'+' };
        out
    }
}

impl RelativeTime {
    /// As it stands in a PDU.
    #[must_use]
    pub fn to_text(self) -> [u8; 16] {
        let mut out = *b"000000000000000R";
        put_pairs(&mut out, [self.years, self.months, self.days, self.hours, self.minutes, self.seconds]);
        out
    }
}

fn put_pairs(out: &mut [u8; 16], values: [u8; 6]) {
    for (place, value) in out.chunks_exact_mut(2).zip(values) {
        if let [tens, ones] = place {
            (*tens, *ones) = (b'0' + value / 10 % 10, b'0' + value % 10);
        }
    }
}

/// Reads a time.
///
/// # Errors
/// When it is none.
pub fn parse(text: &[u8], reading: Reading) -> Result<SmppTime, TimeError> {
    if text.is_empty() {
        return Ok(SmppTime::Default);
    }
    let (digits, sign) = match (text, reading) {
        ([digits @ .., sign], _) if text.len() == 16 => (digits, *sign),
        (digits, Reading::Tolerant) if text.len() == 15 => (digits, b'+'),
        _ => return Err(TimeError::Length(text.len())),
    };
    if !matches!(sign, b'+' | b'-' | b'R') {
        return Err(TimeError::NoSign);
    }
    if let Some(at) = digits.iter().position(|digit| !digit.is_ascii_digit()) {
        return Err(TimeError::NoDigit(at + 1));
    }
    let pair = |at: usize| digits.iter().skip(at).take(2).fold(0, |number, digit| number * 10 + (digit - b'0'));
    let fields = [0, 2, 4, 6, 8, 10].map(pair);
    let tenth = digits.get(12).map_or(0, |digit| digit - b'0');
    match sign {
        b'R' => relative_of(fields, (tenth, pair(13)), reading).map(SmppTime::Relative),
        _ => absolute_of(fields, tenth, (pair(13), sign), reading).map(SmppTime::Absolute),
    }
}

fn check(in_range: bool, field: &'static str) -> Result<(), TimeError> {
    if in_range { Ok(()) } else { Err(TimeError::OutOfRange(field)) }
}

fn relative_of(fields: [u8; 6], rest: (u8, u8), reading: Reading) -> Result<RelativeTime, TimeError> {
    let [years, months, days, hours, minutes, seconds] = fields;
    check(months <= 12, "month")?;
    check(hours < 24, "hour")?;
    check(minutes < 60, "minute")?;
    check(seconds < 60, "second")?;
    check(rest == (0, 0) || reading == Reading::Tolerant, "t or nn of a relative time")?;
    Ok(RelativeTime { years, months, days, hours, minutes, seconds })
}

fn absolute_of(
    fields: [u8; 6],
    tenth: u8,
    (quarters, sign): (u8, u8),
    reading: Reading,
) -> Result<AbsoluteTime, TimeError> {
    let [year, month, day, hour, minute, second] = fields;
    let year = if year < 38 { 2000 } else { 1900 } + u16::from(year);
    check((1..=12).contains(&month), "month")?;
    check((1..=days_in_month(year, month)).contains(&day), "day")?;
    check(hour < 24, "hour")?;
    check(minute < 60, "minute")?;
    check(second < 60, "second")?;
    check(quarters <= 48 || reading == Reading::Tolerant, "offset from UTC")?;
    let quarters = if quarters <= 48 { quarters as i8 } else { 0 };
    let quarter_hours = if sign == b'-' { -quarters } else { quarters };
    Ok(AbsoluteTime { year, month, day, hour, minute, second, tenth, quarter_hours })
}

/// Days of a month in the Gregorian calendar; 0 for a month that there isn't.
pub(crate) const fn days_in_month(year: u16, month: u8) -> u8 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 0,
    }
}

/// Year, month and day of a day counted from 1970-01-01, in the Gregorian calendar; after
/// H. Hinnant's "chrono-compatible low-level date algorithms".
const fn civil_from_days(days: u64) -> (u16, u8, u8) {
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + (month <= 2) as u64;
    (year as u16, month as u8, day as u8)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn absolute_times_are_utc() {
        for (unix_s, expected) in [
            (1_795_521_600, b"261124120000000+"),
            (951_782_399, b"000228235959000+"),
            (951_782_400, b"000229000000000+"),
            (0, b"700101000000000+"),
        ] {
            assert_eq!(std::str::from_utf8(&absolute_utc(unix_s)), std::str::from_utf8(expected));
        }
    }

    #[test]
    fn relative_times_stay_in_days() {
        assert_eq!(relative(7_200).as_ref(), Some(b"000000020000000R"));
        assert_eq!(relative(RELATIVE_MAX_S).as_ref(), Some(b"000030000000000R"));
        assert_eq!(relative(RELATIVE_MAX_S + 1), None);
    }

    #[test]
    fn wrong_times_say_what_is_wrong() {
        let error = |text: &str| parse(text.as_bytes(), Reading::Strict).unwrap_err().to_string();
        assert_eq!(error("26112412000000+"), "a time has 16 characters or none, not 15");
        assert_eq!(error("261324120000000+"), "the time's month is out of range");
        assert_eq!(error("260229120000000+"), "the time's day is out of range");
        assert_eq!(error("2611241200x0000+"), "character 11 of the time is no digit");
        assert_eq!(error("261124120000049+"), "the time's offset from UTC is out of range");
        assert_eq!(error("261124120000000x"), "the time's last character is not +, - or R");
        assert_eq!(error("000000020000004R"), "the time's t or nn of a relative time is out of range");
        assert!(parse("ä2611241200000+".as_bytes(), Reading::Tolerant).is_err());
    }

    #[test]
    fn what_smscs_write_is_read_tolerantly() {
        let read = |text: &str| parse(text.as_bytes(), Reading::Tolerant);
        let utc = read("261124120000000+");
        assert!(utc.is_ok());
        assert_eq!((read("261124120000000"), read("261124120000060+")), (utc, utc));
        assert_eq!(read("000000020000004R"), read("000000020000000R"));
    }

    proptest! {
        #[test]
        fn times_come_back(unix_s in 0_u64..2_145_916_800, tenth in 0_u8..10, quarter_hours in -48_i8..=48, span_s in 0..=RELATIVE_MAX_S) {
            let Ok(SmppTime::Absolute(utc)) = parse(&absolute_utc(unix_s), Reading::Strict) else { panic!("{unix_s}") };
            let time = AbsoluteTime { tenth, quarter_hours, ..utc };
            prop_assert_eq!(parse(&time.to_text(), Reading::Strict), Ok(SmppTime::Absolute(time)));
            let Ok(SmppTime::Relative(span)) = parse(&relative(span_s).unwrap(), Reading::Strict) else { panic!("{span_s}") };
            prop_assert_eq!(span.to_text(), relative(span_s).unwrap());
        }
    }
}
