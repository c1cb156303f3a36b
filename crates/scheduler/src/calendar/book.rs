//! Calendars that many messages share, each with what it said last.

use volley_core::UnixMicros;

use super::{Calendar, Closed, FOREVER, Verdict};

/// Which calendar of a [`CalendarBook`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CalendarIndex(u32);

/// Calendars by number. What one said holds until a stated instant, so that asking again costs a
/// comparison.
#[derive(Debug, Default)]
pub struct CalendarBook {
    pages: Vec<Page>,
}

#[derive(Debug)]
struct Page {
    calendar: Calendar,
    said: Verdict,
    /// When it was asked, and until when the answer holds.
    from: UnixMicros,
    to: UnixMicros,
}

impl CalendarBook {
    /// Keeps a calendar; one that is known already has the same number.
    pub fn add(&mut self, calendar: Calendar) -> CalendarIndex {
        let known = self.pages.iter().position(|page| page.calendar == calendar);
        let index = known.unwrap_or_else(|| {
            let nothing = UnixMicros(0);
            self.pages.push(Page { calendar, said: Verdict::Never, from: nothing, to: nothing });
            self.pages.len() - 1
        });
        CalendarIndex(index as u32)
    }

    /// The calendar itself.
    #[must_use]
    pub fn calendar(&self, index: CalendarIndex) -> Option<&Calendar> {
        self.pages.get(index.0 as usize).map(|page| &page.calendar)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (CalendarIndex, &Calendar)> {
        (0..).map(CalendarIndex).zip(self.pages.iter().map(|page| &page.calendar))
    }

    /// What a calendar says at `now`. A clock that is set back is asked anew.
    pub fn verdict(&mut self, index: CalendarIndex, now: UnixMicros) -> &Verdict {
        let Some(page) = self.pages.get_mut(index.0 as usize) else { return &Verdict::Never };
        if now < page.from || now >= page.to {
            page.said = page.calendar.verdict(now);
            page.from = now;
            page.to = match &page.said {
                Verdict::Open { until } | Verdict::Closed(Closed { until, .. }) => *until,
                Verdict::Never => FOREVER,
            };
        }
        &page.said
    }
}
