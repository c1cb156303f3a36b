//! Rows that may go out at the same hours: a few groups, whatever the number of rows.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use volley_core::{Msisdn, UnixMicros};
use volley_ingest::{Plan, PlanRow, number};
use volley_scheduler::Calendar;

/// Zones of a number that are named one by one.
const MAX_NAMED: usize = 2;

/// When a campaign begins, and when it must be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Times {
    pub(crate) starts: UnixMicros,
    pub(crate) finish_by: Option<UnixMicros>,
}

/// Rows of one calendar in one place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Group {
    /// Where: time zones, for people.
    pub(crate) label: String,
    pub(crate) calendar: Calendar,
    /// No hour between start and deadline is open.
    is_closed: bool,
}

/// A group's number, and whether its rows can ever go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct GroupOfRow {
    pub(super) index: u16,
    pub(super) is_closed: bool,
}

/// Makes the calendar of a row.
pub(crate) type CalendarOfRow<'a> = dyn FnMut(&Plan, &PlanRow<'_>) -> Calendar + Send + 'a;

/// All groups that rows were found in.
pub(crate) struct Groups<'a> {
    times: Times,
    /// Where the column with a row's time zone lies.
    zone_column: Option<usize>,
    known: Mutex<Known<'a>>,
}

struct Known<'a> {
    groups: Vec<Group>,
    calendar_of: Box<CalendarOfRow<'a>>,
}

/// What decides a row's group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct RowKind {
    country: u16,
    zones: u16,
    /// Of `+1` numbers, whose states have rules of their own; else 0.
    area: u16,
    /// The zone in the row's own column, from 1; 0 for none.
    named: u16,
}

/// What one thread remembers.
#[derive(Default)]
pub(super) struct GroupCache {
    named: HashMap<String, u16>,
    groups: HashMap<RowKind, GroupOfRow>,
    last: Option<(RowKind, GroupOfRow)>,
}

impl<'a> Groups<'a> {
    pub(crate) fn new(times: Times, zone_column: Option<usize>, calendar_of: Box<CalendarOfRow<'a>>) -> Self {
        Self { times, zone_column, known: Mutex::new(Known { groups: Vec::new(), calendar_of }) }
    }

    pub(super) const fn times(&self) -> Times {
        self.times
    }

    /// All that were found, by their numbers.
    pub(super) fn take(&self) -> Vec<Group> {
        std::mem::take(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner).groups)
    }

    pub(super) fn of_row(&self, plan: &Plan, row: &PlanRow<'_>, cache: &mut GroupCache) -> GroupOfRow {
        let named = self.zone_column.map_or("", |column| row.field(column).trim());
        let kind = RowKind {
            country: row.country.index(),
            zones: row.zone_set(),
            area: row.msisdn.map_or(0, area),
            named: cache.number_of(named),
        };
        if let Some((_, group)) = cache.last.filter(|(known, _)| *known == kind) {
            return group;
        }
        let group = cache.groups.get(&kind).copied().unwrap_or_else(|| {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.find(plan, row, named, self.times)
        });
        cache.groups.insert(kind, group);
        cache.last = Some((kind, group));
        group
    }
}

impl GroupCache {
    /// A small number for a zone's name; 0 for none.
    fn number_of(&mut self, name: &str) -> u16 {
        if name.is_empty() {
            return 0;
        }
        if let Some(known) = self.named.get(name) {
            return *known;
        }
        // There are some 600 zones, and names that are none were rejected.
        let next = u16::try_from(self.named.len() + 1).unwrap_or(u16::MAX);
        self.named.insert(name.to_owned(), next);
        next
    }
}

impl Known<'_> {
    fn find(&mut self, plan: &Plan, row: &PlanRow<'_>, named: &str, times: Times) -> GroupOfRow {
        let (label, calendar) = (label(plan, row, named), (self.calendar_of)(plan, row));
        let known = self.groups.iter().position(|group| group.label == label && group.calendar == calendar);
        let index = known.unwrap_or_else(|| {
            let opens = calendar.next_opening(times.starts);
            let is_closed = opens.is_none_or(|opens| times.finish_by.is_some_and(|by| opens >= by));
            self.groups.push(Group { label, calendar, is_closed });
            self.groups.len() - 1
        });
        let is_closed = self.groups.get(index).is_some_and(|group| group.is_closed);
        GroupOfRow { index: u16::try_from(index).unwrap_or(u16::MAX), is_closed }
    }
}

/// The three digits behind `+1`; 0 for other numbers.
fn area(number: Msisdn) -> u16 {
    let national = number.as_u64().checked_sub(10_000_000_000).filter(|national| *national < 10_000_000_000);
    national.map_or(0, |national| (national / 10_000_000) as u16)
}

/// Where a recipient is, for people.
fn label(plan: &Plan, row: &PlanRow<'_>, named: &str) -> String {
    if !named.is_empty() {
        return named.to_owned();
    }
    let country = if row.country == number::Country::default() { "no country".into() } else { row.country.to_string() };
    match plan.time_zones(row) {
        [] => format!("{country}, zone unknown"),
        zones if zones.len() <= MAX_NAMED => zones.join(" or "),
        zones => format!("{country}, one of {} zones", zones.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn area_codes_are_those_behind_plus_one() {
        let of = |digits: &str| area(Msisdn::from_digits(digits.as_bytes()).unwrap());
        assert_eq!([of("12025550143"), of("4915112345678"), of("1202555014"), of("441212345678")], [202, 0, 0, 0]);
    }
}
