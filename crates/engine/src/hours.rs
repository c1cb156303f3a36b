//! When each row of a list may be sent: the campaign's window and the rules of its country, in the
//! time zones that its recipient may be in.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use jiff::{civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};
use volley_core::UnixMicros;
use volley_ingest::{Plan, PlanRow};
use volley_scheduler::{Calendar, CalendarBook, CalendarIndex, Closed, Holidays, Hours, LocalHours, Verdict};

use crate::{
    Country,
    options::{CampaignOptions, Class},
    preflight::roles::RoleColumns,
    rules::{RulePack, area_code},
};

/// What a campaign was approved with, besides its file: holidays and rule packs as they were.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SendingRules {
    /// The campaign's own holidays.
    pub holidays: BTreeSet<Date>,
    /// The packs that hold.
    pub packs: Vec<RulePack>,
}

/// What decides which calendar a row has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct RowKind {
    /// Of [`volley_ingest::number::Country`] and [`volley_ingest::number::ZoneSet`].
    country: u16,
    zones: u16,
    /// Of `+1` numbers where a pack has regions; else 0.
    area: u16,
    /// The zone in the row's own column, from 1; 0 for none.
    column: u16,
}

/// The calendars of a campaign's rows.
pub(crate) struct RowHours {
    class: Class,
    window: Option<(Hours, Holidays, Option<TimeZone>)>,
    packs: Vec<RulePack>,
    has_regions: bool,
    zone_column: Option<usize>,
    column_zones: HashMap<String, u16>,
    book: CalendarBook,
    /// `None`: open always.
    known: HashMap<RowKind, Option<CalendarIndex>>,
    last: Option<(RowKind, Option<CalendarIndex>)>,
    /// Of calendars that are about to close: when, and when they open again.
    reopens: HashMap<CalendarIndex, (UnixMicros, UnixMicros)>,
}

impl RowHours {
    /// `None` when every row may be sent at any time.
    pub(crate) fn new(options: &CampaignOptions, rules: &SendingRules, roles: &RoleColumns) -> Option<Self> {
        let schedule = &options.schedule;
        let zone = schedule.zone().cloned();
        let is_limited = schedule.window.is_some() || !rules.holidays.is_empty();
        let hours = schedule.window.as_ref().map_or_else(Hours::always, |window| window.hours().clone());
        let window = is_limited.then(|| (hours, Arc::new(rules.holidays.clone()), zone));
        let packs: Vec<_> = rules.packs.iter().filter(|pack| pack.has_hours(options.class)).cloned().collect();
        (window.is_some() || !packs.is_empty()).then(|| Self {
            class: options.class,
            window,
            has_regions: packs.iter().any(|pack| !pack.regions.is_empty()),
            packs,
            zone_column: roles.time_zone(),
            column_zones: HashMap::new(),
            book: CalendarBook::default(),
            known: HashMap::new(),
            last: None,
            reopens: HashMap::new(),
        })
    }

    /// A row's calendar; `None` when it may be sent at any time.
    pub(crate) fn of_row(&mut self, plan: &Plan, row: &PlanRow<'_>) -> Option<CalendarIndex> {
        let kind = self.kind_of(row);
        match &self.last {
            Some((known, index)) if *known == kind => *index,
            Some(_) | None => {
                let known = self.known.get(&kind).copied();
                let index = known.unwrap_or_else(|| self.make(kind, plan, row));
                self.last = Some((kind, index));
                index
            }
        }
    }

    /// A row's calendar, for who makes no difference between rows.
    pub(crate) fn calendar_of(&mut self, plan: &Plan, row: &PlanRow<'_>) -> Calendar {
        let index = self.of_row(plan, row);
        index.and_then(|index| self.book.calendar(index)).cloned().unwrap_or_default()
    }

    /// What a calendar says at `now`.
    pub(crate) fn verdict(&mut self, index: CalendarIndex, now: UnixMicros) -> &Verdict {
        self.book.verdict(index, now)
    }

    /// The calendars of the rows that were asked for so far.
    pub(crate) fn calendars(&self) -> impl Iterator<Item = (CalendarIndex, &Calendar)> {
        self.book.iter()
    }

    /// The campaign's own window where it means one zone: what its rows have in common.
    pub(crate) fn common(&self) -> Calendar {
        let mut calendar = Calendar::always();
        if let Some((hours, holidays, Some(zone))) = &self.window {
            calendar.add(LocalHours::new(hours.clone(), holidays.clone(), zone.clone()));
        }
        calendar
    }

    fn kind_of(&mut self, row: &PlanRow<'_>) -> RowKind {
        let number = row.msisdn.filter(|_| self.has_regions);
        let area = number.and_then(area_code).unwrap_or(0);
        let column = self.zone_column.map_or(0, |column| self.column_zone(row.field(column).trim()));
        RowKind { country: row.country.index(), zones: row.zone_set(), area, column }
    }

    fn column_zone(&mut self, name: &str) -> u16 {
        if name.is_empty() {
            return 0;
        }
        if let Some(known) = self.column_zones.get(name) {
            return *known;
        }
        // There are some 600 zones, and names that are none were rejected.
        let next = u16::try_from(self.column_zones.len() + 1).unwrap_or(u16::MAX);
        self.column_zones.insert(name.to_owned(), next);
        next
    }

    fn make(&mut self, kind: RowKind, plan: &Plan, row: &PlanRow<'_>) -> Option<CalendarIndex> {
        let own = self.zone_column.map(|column| row.field(column).trim()).filter(|name| !name.is_empty());
        let named = |name: &str| TimeZone::get(name).ok();
        let mut zones: Vec<TimeZone> = match own {
            Some(name) => named(name).into_iter().collect(),
            None => plan.time_zones(row).iter().filter_map(|name| named(name)).collect(),
        };
        if zones.is_empty() {
            zones.push(TimeZone::UTC);
        }
        let mut calendar = Calendar::always();
        let mut add = |hours: &Hours, holidays: &Holidays, zone: &TimeZone| {
            calendar.add(LocalHours::new(hours.clone(), holidays.clone(), zone.clone()));
        };
        if let Some((hours, holidays, zone)) = &self.window {
            let fixed = zone.as_slice();
            let zones = if fixed.is_empty() { zones.as_slice() } else { fixed };
            zones.iter().for_each(|zone| add(hours, holidays, zone));
        }
        let country = Country::of_row(row).map_or("", Country::code);
        for pack in self.packs.iter().filter(|pack| pack.is_for(country)) {
            for (hours, holidays) in pack.hours_of(self.class, row.msisdn) {
                zones.iter().for_each(|zone| add(&hours, &holidays, zone));
            }
        }
        let index = (!calendar.is_always()).then(|| self.book.add(calendar));
        self.known.insert(kind, index);
        index
    }
}

/// Whether a row may be sent now, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Until this instant, if there is an end.
    Now(Option<UnixMicros>),
    /// Not before this one.
    Later(UnixMicros),
}

impl RowHours {
    /// Whether a message may be begun at `now` that must be left at least `margin` before its
    /// hours end.
    pub(crate) fn turn(&mut self, index: CalendarIndex, now: UnixMicros, margin: Duration) -> Turn {
        match self.book.verdict(index, now) {
            Verdict::Open { until } if *until == UnixMicros(u64::MAX) => Turn::Now(None),
            Verdict::Open { until } if now.plus(margin) < *until => Turn::Now(Some(*until)),
            Verdict::Open { until } => {
                let end = *until;
                Turn::Later(self.reopening(index, end))
            }
            Verdict::Closed(Closed { until, .. }) => Turn::Later(*until),
            Verdict::Never => Turn::Later(never(now)),
        }
    }

    /// The first opening after hours that end at `end`.
    fn reopening(&mut self, index: CalendarIndex, end: UnixMicros) -> UnixMicros {
        if let Some((_, opens)) = self.reopens.get(&index).filter(|(known, _)| *known == end) {
            return *opens;
        }
        let opens = self.book.calendar(index).and_then(|calendar| calendar.next_opening(end));
        let opens = opens.unwrap_or_else(|| never(end));
        self.reopens.insert(index, (end, opens));
        opens
    }
}

/// Hours that never meet are looked at again each day; a deadline ends it.
fn never(now: UnixMicros) -> UnixMicros {
    now.plus(Duration::from_secs(86_400))
}
