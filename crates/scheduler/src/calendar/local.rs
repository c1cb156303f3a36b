//! Hours in one time zone, as stretches of absolute time.

use jiff::{
    Timestamp,
    civil::{Date, DateTime, Time},
    tz::{AmbiguousOffset, TimeZone},
};

use super::hours::{Holidays, Hours};

/// Days that are looked through for an opening.
const HORIZON_DAYS: u32 = 400;

/// Hours of a week, holidays, and the zone whose clock counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalHours {
    hours: Hours,
    holidays: Holidays,
    zone: TimeZone,
    /// Every hour of every day.
    is_always: bool,
}

/// Time without a break in which messages may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) opens: Timestamp,
    /// The first instant that is no longer in it.
    pub(super) closes: Timestamp,
}

impl Stretch {
    pub(super) const ALWAYS: Self = Self { opens: Timestamp::MIN, closes: Timestamp::MAX };
}

impl LocalHours {
    /// `holidays`: dates on which nothing is sent, in the zone's calendar. A span over midnight
    /// belongs to the day on which it begins, and ends before a holiday.
    #[must_use]
    pub fn new(hours: Hours, holidays: Holidays, zone: TimeZone) -> Self {
        let is_always = hours.is_always() && holidays.is_empty();
        Self { hours, holidays, zone, is_always }
    }

    /// The zone.
    #[must_use]
    pub const fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// The first stretch that ends after `at`; `None` when there is none within a year. One that
    /// began long before is said to begin some days before `at`.
    pub(super) fn stretch(&self, at: Timestamp) -> Option<Stretch> {
        if self.is_always {
            return Some(Stretch::ALWAYS);
        }
        let mut day = self.zone.to_datetime(at).date().yesterday().and_then(Date::yesterday).ok()?;
        let mut run: Option<(DateTime, DateTime)> = None;
        for _ in 0..HORIZON_DAYS {
            for (from, to) in self.spans_of(day) {
                run = match run {
                    Some((begin, end)) if from <= end => Some((begin, end.max(to))),
                    Some(done) => match self.absolute(done).filter(|stretch| stretch.closes > at) {
                        Some(stretch) => return Some(stretch),
                        None => Some((from, to)),
                    },
                    None => Some((from, to)),
                };
            }
            // A run that can't grow any more is looked at before the next days are.
            if let Some(done) = run.filter(|(_, end)| end.date() <= day)
                && let Some(stretch) = self.absolute(done).filter(|stretch| stretch.closes > at)
            {
                return Some(stretch);
            }
            day = day.tomorrow().ok()?;
        }
        run.and_then(|run| self.absolute(run)).filter(|stretch| stretch.closes > at)
    }

    /// What begins on `day`, without holidays.
    fn spans_of(&self, day: Date) -> impl Iterator<Item = (DateTime, DateTime)> {
        let is_open = !self.holidays.contains(&day);
        let spans = if is_open { self.hours.on(day.weekday()) } else { &[] };
        let next_holiday = day.tomorrow().ok().filter(|day| self.holidays.contains(day));
        let cut = next_holiday.map(|holiday| holiday.to_datetime(Time::midnight()));
        spans.iter().filter_map(move |span| {
            let (from, to) = span.on(day)?;
            Some((from, cut.map_or(to, |cut| to.min(cut))))
        })
    }

    /// Local time as absolute time. An edge that does not exist lies where the clock is set
    /// forward. Where it is set back, a stretch opens at the second reading of its beginning and
    /// closes at the first of its end, so that it never has its hours twice; one that lies within
    /// the repeated hour takes the first.
    fn absolute(&self, (from, to): (DateTime, DateTime)) -> Option<Stretch> {
        let edges = |at| Edges::of(&self.zone, at);
        let nanosecond = jiff::SignedDuration::from_nanos(1);
        let (opens, last) = (edges(from)?, edges(to.checked_sub(nanosecond).ok()?)?);
        let stretch = if opens.is_repeated() && last.is_repeated() {
            Stretch { opens: opens.first, closes: last.first.checked_add(nanosecond).ok()? }
        } else {
            Stretch { opens: opens.last, closes: edges(to)?.first }
        };
        (stretch.opens < stretch.closes).then_some(stretch)
    }
}

/// When a clock shows a local time, first and last.
struct Edges {
    first: Timestamp,
    last: Timestamp,
}

impl Edges {
    fn is_repeated(&self) -> bool {
        self.first < self.last
    }

    fn of(zone: &TimeZone, at: DateTime) -> Option<Self> {
        let (first, last) = match zone.to_ambiguous_timestamp(at).offset() {
            AmbiguousOffset::Unambiguous { offset } => {
                let at = offset.to_timestamp(at).ok()?;
                (at, at)
            }
            AmbiguousOffset::Fold { before, after } => (before.to_timestamp(at).ok()?, after.to_timestamp(at).ok()?),
            AmbiguousOffset::Gap { after, .. } => {
                let transition = zone.following(after.to_timestamp(at).ok()?).next()?.timestamp();
                (transition, transition)
            }
        };
        Some(Self { first, last })
    }
}
