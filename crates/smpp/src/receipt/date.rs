//! Dates in a receipt's text (HANDBOOK C.3, rule 4).

use std::fmt;

use crate::time::days_in_month;

/// A date as a receipt writes it, in the time zone of the carrier's profile. Never used for
/// ordering: the clock at its arrival is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReceiptDate {
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
    /// 0 to 59; 0 where the receipt says none.
    pub second: u8,
}

impl ReceiptDate {
    /// Reads `YYMMDDhhmm`, `YYMMDDhhmmss` or `YYYYMMDDhhmmss`; `None` for zeros, impossible dates
    /// and other lengths.
    #[must_use]
    pub fn read(text: &[u8]) -> Option<Self> {
        if !text.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let pair = |at: usize| Some(text.get(at..at + 2)?.iter().fold(0, |number, digit| number * 10 + (digit - b'0')));
        let (year, rest) = match text.len() {
            10 | 12 => (2000 + u16::from(pair(0)?), 2),
            14 => (u16::from(pair(0)?) * 100 + u16::from(pair(2)?), 4),
            _ => return None,
        };
        let second = if text.len() == 10 { 0 } else { pair(rest + 8)? };
        let (month, day, hour, minute) = (pair(rest)?, pair(rest + 2)?, pair(rest + 4)?, pair(rest + 6)?);
        let date = Self { year, month, day, hour, minute, second };
        let is_possible =
            year > 0 && (1..=days_in_month(year, month)).contains(&day) && hour < 24 && minute < 60 && second < 60;
        is_possible.then_some(date)
    }

    /// Seconds since 1970, if the date is in UTC; `None` before.
    #[must_use]
    pub const fn unix_s(self) -> Option<u64> {
        // Days since 1970-03-01 less than a year before: March is the first month, so that the
        // leap day ends a year (the proleptic Gregorian calendar, ISO 8601).
        let (year, month, day) = (self.year as i64, self.month as i64, self.day as i64);
        let year = if month <= 2 { year - 1 } else { year };
        let months = (month + 9) % 12;
        let days = year * 365 + year / 4 - year / 100 + year / 400 + (months * 153 + 2) / 5 + day - 1 - 719_468;
        let seconds = days * 86_400 + self.hour as i64 * 3_600 + self.minute as i64 * 60 + self.second as i64;
        if seconds < 0 { None } else { Some(seconds as u64) }
    }
}

impl fmt::Display for ReceiptDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { year, month, day, hour, minute, second } = self;
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_seconds_since_1970() {
        let unix_s = |text: &str| ReceiptDate::read(text.as_bytes()).and_then(ReceiptDate::unix_s);
        assert_eq!(unix_s("19700101000000"), Some(0));
        assert_eq!(unix_s("20000229235959"), Some(951_868_799));
        assert_eq!(unix_s("2611241830"), Some(1_795_545_000));
        assert_eq!(unix_s("19691231235959"), None);
    }

    #[test]
    fn three_lengths_are_dates() {
        let read = |text: &str| ReceiptDate::read(text.as_bytes()).map(|date| date.to_string());
        assert_eq!(read("0809011130").as_deref(), Some("2008-09-01T11:30:00"));
        assert_eq!(read("080901113012").as_deref(), Some("2008-09-01T11:30:12"));
        assert_eq!(read("20110206193041").as_deref(), Some("2011-02-06T19:30:41"));
        assert_eq!(read("240229000000").as_deref(), Some("2024-02-29T00:00:00"));
        for none in
            ["0000000000", "2613231200", "2602291200", "2611232400", "261123126", "26112312OO", "", "00000000000000"]
        {
            assert_eq!(read(none), None, "{none}");
        }
    }
}
