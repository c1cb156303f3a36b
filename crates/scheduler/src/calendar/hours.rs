//! Hours of a week in local time, as people write them: "09:00-20:00", "mon-fri".

use std::{collections::BTreeSet, fmt, str::FromStr, sync::Arc};

use jiff::civil::{Date, DateTime, Time, Weekday};

/// Minutes of a day.
const DAY: u16 = 24 * 60;

/// Dates on which nothing is sent, in the recipient's calendar.
pub type Holidays = Arc<BTreeSet<Date>>;

/// A span of local time. One that ends at or before its beginning ends on the next day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// In minutes of the day, below 1,440.
    from: u16,
    /// In minutes of the same day: above `from`, at most a day later.
    to: u16,
}

/// Days of the week, as a range or a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Weekdays([bool; 7]);

/// Hours for each day of the week; a day without any is closed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Hours {
    /// From Monday, each sorted by the beginning.
    days: [Vec<Span>; 7],
}

/// Hours that can't be read, or mean nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HoursError {
    /// No span of time.
    #[error("`{given}` is no span of hours: write it as \"09:00-20:00\", from 00:00 to 24:00")]
    Span {
        /// As it was written.
        given: String,
    },
    /// Beginning and end are the same.
    #[error("`{given}` has no length: write \"00:00-24:00\" for the whole day")]
    Empty {
        /// As it was written.
        given: String,
    },
    /// No days.
    #[error("`{given}` names no days: write \"mon\", \"mon-fri\" or \"sat, sun\"")]
    Days {
        /// As it was written.
        given: String,
    },
    /// Two spans of one day overlap.
    #[error("on {day} `{first}` and `{second}` overlap: write them as one span")]
    Overlap {
        /// The day.
        day: &'static str,
        /// The span that begins first.
        first: Span,
        /// The other.
        second: Span,
    },
    /// A day was named twice.
    #[error("{day} is named twice: name each day once")]
    Twice {
        /// The day.
        day: &'static str,
    },
    /// Nothing is ever open.
    #[error("no hours are left: name at least one span on one day")]
    Never,
}

const NAMES: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

impl Span {
    /// The whole day.
    pub const DAY: Self = Self { from: 0, to: DAY };

    /// Whether it reaches into the next day.
    #[must_use]
    pub const fn is_over_midnight(self) -> bool {
        self.to > DAY
    }

    /// Where it lies when it begins on `day`.
    pub(super) fn on(self, day: Date) -> Option<(DateTime, DateTime)> {
        let midnight = day.to_datetime(Time::midnight());
        let at = |minute: u16| midnight.checked_add(jiff::SignedDuration::from_mins(minute.into())).ok();
        Some((at(self.from)?, at(self.to)?))
    }
}

impl FromStr for Span {
    type Err = HoursError;

    fn from_str(text: &str) -> Result<Self, HoursError> {
        let wrong = || HoursError::Span { given: text.to_owned() };
        let (from, to) = text.split_once(['-', '–']).ok_or_else(wrong)?;
        let (from, to) = (minute(from).ok_or_else(wrong)?, minute(to).ok_or_else(wrong)?);
        if from == DAY {
            return Err(wrong());
        }
        if from == to {
            return Err(HoursError::Empty { given: text.to_owned() });
        }
        // "22:00-00:00" ends at the end of the day, "22:00-06:00" on the next.
        Ok(Self { from, to: if to < from { to + DAY } else { to } })
    }
}

/// "9:00", "09:00", "24:00".
fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.trim().split_once(':')?;
    let number = |digits: &str, most: usize| {
        let is_right = (1..=most).contains(&digits.len()) && digits.bytes().all(|c| c.is_ascii_digit());
        is_right.then(|| digits.parse::<u16>().ok()).flatten()
    };
    let (hour, minute) = (number(hour, 2)?, number(minute, 2).filter(|minute| *minute < 60)?);
    Some(hour * 60 + minute).filter(|minute| *minute <= DAY)
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let to = if self.to > DAY { self.to - DAY } else { self.to };
        write!(f, "{:02}:{:02}-{:02}:{:02}", self.from / 60, self.from % 60, to / 60, to % 60)
    }
}

impl Weekdays {
    /// All seven.
    pub const ALL: Self = Self([true; 7]);
}

impl FromStr for Weekdays {
    type Err = HoursError;

    fn from_str(text: &str) -> Result<Self, HoursError> {
        let wrong = || HoursError::Days { given: text.to_owned() };
        let day = |name: &str| {
            let name = name.trim().to_ascii_lowercase();
            let is_it = |known: &&str| name.get(..3).is_some_and(|start| start.eq_ignore_ascii_case(known));
            let long = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
            let at = NAMES.iter().position(is_it)?;
            (name.len() == 3 || long.get(at).is_some_and(|long| name == *long)).then_some(at)
        };
        let mut days = [false; 7];
        for part in text.split(',') {
            let (first, last) = match part.split_once(['-', '–']) {
                Some((first, last)) => (day(first).ok_or_else(wrong)?, day(last).ok_or_else(wrong)?),
                None => {
                    let only = day(part).ok_or_else(wrong)?;
                    (only, only)
                }
            };
            // "sat-mon" goes over the end of the week.
            let n_days = (last + 7 - first) % 7 + 1;
            (first..first + n_days).for_each(|at| days.get_mut(at % 7).into_iter().for_each(|day| *day = true));
        }
        Ok(Self(days))
    }
}

impl Hours {
    /// The same on every day.
    ///
    /// # Errors
    /// When spans overlap, or there are none.
    pub fn daily(spans: &[Span]) -> Result<Self, HoursError> {
        Self::by_weekday([(Weekdays::ALL, spans)].into_iter())
    }

    /// By days of the week; days that are not named are closed.
    ///
    /// # Errors
    /// When a day is named twice, spans of a day overlap, or none are left.
    pub fn by_weekday<'a>(named: impl Iterator<Item = (Weekdays, &'a [Span])>) -> Result<Self, HoursError> {
        let mut hours = Self::default();
        let mut known = [false; 7];
        for (days, spans) in named {
            for (((on, known), day), name) in days.0.iter().zip(&mut known).zip(&mut hours.days).zip(NAMES) {
                if *on && std::mem::replace(known, true) {
                    return Err(HoursError::Twice { day: name });
                }
                if *on {
                    day.extend_from_slice(spans);
                    day.sort_unstable();
                }
            }
        }
        for (day, name) in hours.days.iter().zip(NAMES) {
            let mut pairs = day.iter().zip(day.iter().skip(1));
            if let Some((first, second)) = pairs.find(|(first, second)| second.from < first.to) {
                return Err(HoursError::Overlap { day: name, first: *first, second: *second });
            }
        }
        if hours.days.iter().all(Vec::is_empty) { Err(HoursError::Never) } else { Ok(hours) }
    }

    /// Every hour of every day.
    #[must_use]
    pub fn always() -> Self {
        Self { days: std::array::from_fn(|_| vec![Span::DAY]) }
    }

    /// Whether every hour of the week is open.
    #[must_use]
    pub fn is_always(&self) -> bool {
        self.days.iter().all(|day| matches!(day.as_slice(), [Span::DAY]))
    }

    /// The spans that begin on a day of the week, in order.
    pub(super) fn on(&self, day: Weekday) -> &[Span] {
        self.days.get(usize::from(day.to_monday_zero_offset().unsigned_abs())).map_or(&[], Vec::as_slice)
    }
}

impl fmt::Display for Hours {
    /// "Mon-Fri 09:00-20:00, Sat 10:00-16:00", or "09:00-20:00" when all days are alike.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spans = |day: &[Span]| day.iter().map(Span::to_string).collect::<Vec<_>>().join(" and ");
        let mut runs: Vec<(usize, usize, &[Span])> = Vec::new();
        for (at, day) in self.days.iter().enumerate().filter(|(_, day)| !day.is_empty()) {
            match runs.last_mut() {
                Some((_, last, known)) if *last + 1 == at && *known == day => *last = at,
                Some(_) | None => runs.push((at, at, day)),
            }
        }
        if let [(0, 6, day)] = runs.as_slice() {
            return f.write_str(&spans(day));
        }
        let name = |at: usize| NAMES.get(at).copied().unwrap_or_default();
        let words = runs.iter().map(|(first, last, day)| match first == last {
            true => format!("{} {}", name(*first), spans(day)),
            false => format!("{}-{} {}", name(*first), name(*last), spans(day)),
        });
        f.write_str(&words.collect::<Vec<_>>().join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(text: &str) -> Span {
        text.parse().unwrap()
    }

    #[test]
    fn spans_are_read_as_people_write_them() {
        for (text, shown) in [
            ("09:00-20:00", "09:00-20:00"),
            ("9:00 - 20:30", "09:00-20:30"),
            ("22:00-06:00", "22:00-06:00"),
            ("22:00-00:00", "22:00-24:00"),
            ("00:00-24:00", "00:00-24:00"),
        ] {
            assert_eq!(span(text).to_string(), shown);
        }
        for wrong in ["", "9-20", "09:00", "09:60-10:00", "25:00-26:00", "24:00-08:00", "9am-5pm", "09:000-10:00"] {
            assert!(matches!(wrong.parse::<Span>(), Err(HoursError::Span { .. })), "{wrong}");
        }
        assert!(matches!("08:00-08:00".parse::<Span>(), Err(HoursError::Empty { .. })));
        assert!(span("22:00-06:00").is_over_midnight() && !span("22:00-24:00").is_over_midnight());
    }

    #[test]
    fn days_are_ranges_and_lists() {
        let on = |text: &str| {
            let days: Weekdays = text.parse().unwrap();
            days.0.iter().map(|on| if *on { 'x' } else { '.' }).collect::<String>()
        };
        assert_eq!(
            ["mon-fri", "sat", "Sat, Sun", "fri-mon", "Tuesday,thu"].map(on),
            ["xxxxx..", ".....x.", ".....xx", "x...xxx", ".x.x..."]
        );
        for wrong in ["", "mo", "monda", "mon-", "weekend", "mon;tue"] {
            assert!(wrong.parse::<Weekdays>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        let daily = |spans: &[&str]| Hours::daily(&spans.iter().map(|text| span(text)).collect::<Vec<_>>());
        assert!(matches!(daily(&["08:00-12:00", "11:00-14:00"]), Err(HoursError::Overlap { day: "Mon", .. })));
        assert_eq!(daily(&[]), Err(HoursError::Never));
        assert_eq!(daily(&["13:00-14:00", "08:00-12:00"]).unwrap().to_string(), "08:00-12:00 and 13:00-14:00");
        let spans = [span("09:00-20:00")];
        let (week, sat) = ("mon-fri".parse().unwrap(), "fri-sat".parse().unwrap());
        let twice = Hours::by_weekday([(week, &spans[..]), (sat, &spans[..])].into_iter());
        assert_eq!(twice, Err(HoursError::Twice { day: "Fri" }));
        let hours = Hours::by_weekday([(week, &spans[..])].into_iter()).unwrap();
        assert_eq!(hours.to_string(), "Mon-Fri 09:00-20:00");
        assert!(!hours.is_always() && Hours::daily(&[Span::DAY]).unwrap().is_always());
    }
}
