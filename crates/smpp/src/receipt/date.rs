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
