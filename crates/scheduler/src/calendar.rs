//! When a message may be sent: windows, quiet hours and holidays in one or several time zones.

mod book;
mod hours;
mod local;

use jiff::Timestamp;
use volley_core::UnixMicros;

use self::local::Stretch;
pub use self::{
    book::{CalendarBook, CalendarIndex},
    hours::{Holidays, Hours, HoursError, Span, Weekdays},
    local::LocalHours,
};

/// Openings that are tried before hours that never meet are given up.
const OPENINGS_MAX: usize = 800;

/// All hours that a message must keep at once: a campaign's window, a country's rules, for each of
/// the zones that its recipient may be in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Calendar {
    parts: Vec<LocalHours>,
}

/// What a [`Calendar`] says at an instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Send. It stays so until this instant; the end of time where nothing closes.
    Open {
        /// The first instant at which it may not be sent.
        until: UnixMicros,
    },
    /// Not now.
    Closed(Closed),
    /// The hours of its zones don't meet within a year.
    Never,
}

/// Why not now, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// When it opens.
    pub until: UnixMicros,
    /// For people: "quiet hours until 08:00 in Europe/Berlin".
    pub reason: String,
}

impl Calendar {
    /// Open always.
    #[must_use]
    pub const fn always() -> Self {
        Self { parts: Vec::new() }
    }

    /// Hours that must be kept, too.
    pub fn add(&mut self, part: LocalHours) {
        if !self.parts.contains(&part) {
            self.parts.push(part);
        }
    }

    /// Whether nothing is ever closed.
    #[must_use]
    pub fn is_always(&self) -> bool {
        self.parts.iter().all(|part| part.stretch(Timestamp::UNIX_EPOCH) == Some(Stretch::ALWAYS))
    }

    /// Whether a message may be sent at `at`.
    #[must_use]
    pub fn allowed_at(&self, at: UnixMicros) -> bool {
        let at = timestamp(at);
        self.parts.iter().all(|part| part.stretch(at).is_some_and(|stretch| stretch.opens <= at))
    }

    /// The first instant from `at` on at which a message may be sent: `at` itself when it is open.
    /// `None` when there is none within a year.
    #[must_use]
    pub fn next_opening(&self, at: UnixMicros) -> Option<UnixMicros> {
        self.next(timestamp(at)).map(|(stretch, _)| micros(stretch.opens))
    }

    /// The first instant after `at` at which a message may no longer be sent, when it may at `at`;
    /// `None` when it may not, or nothing closes.
    #[must_use]
    pub fn closing(&self, at: UnixMicros) -> Option<UnixMicros> {
        match self.verdict(at) {
            Verdict::Open { until } => (until != FOREVER).then_some(until),
            Verdict::Closed(_) | Verdict::Never => None,
        }
    }

    /// All of it at once.
    #[must_use]
    pub fn verdict(&self, at: UnixMicros) -> Verdict {
        let at = timestamp(at);
        match self.next(at) {
            None => Verdict::Never,
            Some((stretch, _)) if stretch.opens <= at => {
                let until = if stretch.closes == Timestamp::MAX { FOREVER } else { micros(stretch.closes) };
                Verdict::Open { until }
            }
            Some((stretch, part)) => {
                Verdict::Closed(Closed { until: micros(stretch.opens), reason: reason(at, stretch.opens, part) })
            }
        }
    }

    /// How much of the time from `from` to `to` is open.
    #[must_use]
    pub fn open_time(&self, from: UnixMicros, to: UnixMicros) -> std::time::Duration {
        let mut open = std::time::Duration::ZERO;
        let mut at = from;
        while at < to {
            let Some((stretch, _)) = self.next(timestamp(at)) else { break };
            let (opens, closes) = (micros(stretch.opens).max(at), micros(stretch.closes).min(to));
            open += closes.since(opens);
            at = closes.max(UnixMicros(at.0 + 1));
        }
        open
    }

    /// The first stretch that all parts have in common and that ends after `at`, beginning at `at`
    /// at the earliest; and the part that opens last.
    fn next(&self, at: Timestamp) -> Option<(Stretch, Option<&LocalHours>)> {
        let (mut from, mut last) = (at, None);
        for _ in 0..OPENINGS_MAX {
            let mut common = Stretch { opens: from, closes: Timestamp::MAX };
            for part in &self.parts {
                let stretch = part.stretch(from)?;
                if stretch.opens > common.opens {
                    (common.opens, last) = (stretch.opens, Some(part));
                }
                common.closes = common.closes.min(stretch.closes);
            }
            if common.opens < common.closes {
                return Some((common, last));
            }
            from = common.opens;
        }
        None
    }
}

/// The end of time.
const FOREVER: UnixMicros = UnixMicros(u64::MAX);

/// "quiet hours until 08:00 in Europe/Berlin"; with the date when it is not within a day.
fn reason(at: Timestamp, opens: Timestamp, part: Option<&LocalHours>) -> String {
    let Some(part) = part else { return "quiet hours".to_owned() };
    let local = opens.to_zoned(part.zone().clone());
    let is_near = opens.duration_since(at) <= jiff::SignedDuration::from_hours(24);
    let when = local.strftime(if is_near { "%H:%M" } else { "%a %F %H:%M" });
    format!("quiet hours until {when} in {}", part.zone().iana_name().unwrap_or("local time"))
}

fn timestamp(at: UnixMicros) -> Timestamp {
    i64::try_from(at.0).ok().and_then(|at| Timestamp::from_microsecond(at).ok()).unwrap_or(Timestamp::MAX)
}

/// Rounded up, so that nothing is sent a part of a microsecond early.
fn micros(at: Timestamp) -> UnixMicros {
    if at == Timestamp::MAX {
        return FOREVER;
    }
    let whole = at.as_microsecond();
    let is_whole = at.subsec_nanosecond() % 1_000 == 0;
    UnixMicros(u64::try_from(whole).unwrap_or(0) + u64::from(!is_whole))
}

#[cfg(test)]
mod tests;
