//! When rows may be begun, and how fast: start, hours, deadline, pace. What must wait is held in the
//! source; what must not go out any more is taken back from the carriers' queues.

mod words;

use std::{cell::RefCell, collections::BTreeMap, time::Duration};

use volley_core::{
    MessageState, MessageToken, Rate, UnixMicros,
    planted::{Bug, is_planted},
};
use volley_reconciler::record::Head;
use volley_scheduler::{Calendar, CalendarIndex, Deadline, Outlook, Pace};

use super::Runner;
use crate::{
    hours::{RowHours, Turn},
    options::ScheduleOptions,
    render::Renderer,
    source::{NextRow, RowSource},
};

/// So long before its hours end a message is on the wire, or it waits for the next opening: a
/// session has it in its hands for less.
const MARGIN: Duration = Duration::from_secs(2);
/// After an end, PDUs whose intents were on their way to the disk come into the queues, too.
const AFTER: Duration = Duration::from_secs(3);
/// How often the open time of all rows is looked at.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// How long a message waits for the disk and a session, beside its turn.
const LEAD: Duration = Duration::from_secs(1);
/// Rows that one turn holds at most; and rows that it gives up.
const HELD_PER_TURN: usize = 16_384;
const MISSED_PER_TURN: usize = 4_096;

/// A campaign's times, and what waits for them.
pub(crate) struct Timing {
    start: Option<UnixMicros>,
    finish_by: Option<UnixMicros>,
    hours: Option<RowHours>,
    /// The hours that all rows share.
    common: Calendar,
    /// Rows that are held, by calendar.
    held: BTreeMap<CalendarIndex, u64>,
    n_held_in_turn: usize,
    /// The first end of hours in which something was begun.
    closes: Option<UnixMicros>,
    pace: Pace,
    /// When the campaign began: ramps count from here.
    began: UnixMicros,
    segments_per_row: f64,
    /// Segments per second that the carriers take at most, where all say so.
    carriers_per_sec: Option<f64>,
    outlook: Option<Outlook>,
    /// What the pace allows now, in segments per second.
    rate_now: Option<f64>,
    open_left: Option<OpenLeft>,
}

/// Open time until the deadline, as it was a little while ago.
#[derive(Debug, Clone, Copy)]
struct OpenLeft {
    at: UnixMicros,
    /// Of the rows that have least, but some.
    least: Option<Duration>,
    n_hopeless: u64,
}

/// What a campaign's times are made of.
pub(crate) struct TimingSetup<'a> {
    pub(crate) schedule: &'a ScheduleOptions,
    pub(crate) hours: Option<RowHours>,
    pub(crate) began: UnixMicros,
    pub(crate) segments_per_row: f64,
    pub(crate) carriers_per_sec: Option<f64>,
}

/// Whether rows are begun now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gate {
    NotYet,
    Open,
    Over,
}

impl Timing {
    pub(crate) fn new(setup: TimingSetup<'_>) -> Self {
        let schedule = setup.schedule;
        let start = schedule.start_at();
        Self {
            start,
            finish_by: schedule.finish_at(),
            common: setup.hours.as_ref().map(RowHours::common).unwrap_or_default(),
            hours: setup.hours,
            held: BTreeMap::new(),
            n_held_in_turn: 0,
            closes: None,
            pace: schedule.pace(),
            began: start.map_or(setup.began, |start| start.max(setup.began)),
            segments_per_row: setup.segments_per_row,
            carriers_per_sec: setup.carriers_per_sec,
            outlook: None,
            rate_now: None,
            open_left: None,
        }
    }

    pub(super) fn gate(&self, now: UnixMicros) -> Gate {
        if self.finish_by.is_some_and(|finish| now.plus(MARGIN) >= finish) {
            Gate::Over
        } else if self.start.is_some_and(|start| now < start) {
            Gate::NotYet
        } else {
            Gate::Open
        }
    }

    /// A new turn may hold rows again.
    pub(super) const fn begin_turn(&mut self) {
        self.n_held_in_turn = 0;
    }

    /// Whether this turn has held as many rows as it may.
    pub(super) const fn has_held_enough(&self) -> bool {
        self.n_held_in_turn >= HELD_PER_TURN
    }

    /// Whether a row may be begun now, and when its hours end; `None` when it was held.
    /// `min_validity`: the shortest that its carrier takes.
    pub(super) fn admit(
        &mut self,
        next: NextRow,
        now: UnixMicros,
        min_validity: Duration,
        (source, renderer): (&mut RowSource, &mut Renderer),
    ) -> Option<Option<UnixMicros>> {
        let Some(hours) = self.hours.as_mut() else { return Some(None) };
        let Some(index) = renderer.hours_of(next, hours) else { return Some(None) };
        if next.held {
            self.held.entry(index).and_modify(|n| *n = n.saturating_sub(1));
        }
        match hours.turn(index, now, MARGIN.max(min_validity)) {
            Turn::Now(end) => {
                self.closes = [self.closes, end].into_iter().flatten().min();
                Some(end)
            }
            Turn::Later(_) if is_planted(Bug::OutsideItsHours) => Some(None),
            Turn::Later(until) => {
                source.hold(next, until);
                if next.is_fresh() {
                    *self.held.entry(index).or_default() += 1;
                }
                self.n_held_in_turn += 1;
                None
            }
        }
    }

    /// How long it may take until a segment is written that has `n_ahead` before it.
    pub(super) fn lead(&self, n_ahead: u32, carrier: Option<Rate>) -> Duration {
        let rates = [self.rate_now.or(self.pace.full_per_sec), carrier.map(Rate::as_per_sec)];
        let slowest = rates.into_iter().flatten().reduce(f64::min);
        let waits = slowest.and_then(|rate| Duration::try_from_secs_f64(f64::from(n_ahead) / rate).ok());
        waits.unwrap_or_default() + LEAD
    }

    /// When something changes by itself.
    pub(super) fn next_change(&self, now: UnixMicros) -> Option<UnixMicros> {
        let early = |at: UnixMicros| at.minus(MARGIN);
        let changes = [self.start, self.finish_by.map(early), self.closes.map(early)];
        changes.into_iter().flatten().filter(|at| *at > now).min()
    }

    /// Whether what waits in the carriers' queues must be looked at: hours end.
    fn is_closing(&self, now: UnixMicros) -> bool {
        let is_near = |end: UnixMicros| now.plus(MARGIN) >= end;
        self.closes.is_some_and(is_near) || self.finish_by.is_some_and(is_near)
    }

    /// Whether a row's message must not go out any more.
    fn is_closed(&mut self, token: MessageToken, now: UnixMicros, renderer: &mut Renderer) -> bool {
        if self.gate(now) == Gate::Over {
            return true;
        }
        let Some(hours) = self.hours.as_mut() else { return false };
        let next = NextRow { row: token.row(), only: Some(token.segment()), attempts: 0, held: false };
        let index = renderer.hours_of(next, hours);
        index.is_some_and(|index| matches!(hours.turn(index, now, MARGIN), Turn::Later(_)))
    }

    /// Sets the rate for the time that is left, and says whether the deadline can be kept.
    fn renew(&mut self, now: UnixMicros, n_rows_left: u64, n_delivered: u64) {
        let from = self.start.map_or(now, |start| start.max(now));
        let n_left = (n_rows_left as f64 * self.segments_per_row).ceil() as u64;
        let deadline = self.finish_by.map(|finish| {
            let (open_left, n_hopeless) = self.open_left(from, finish.minus(MARGIN));
            let n_hopeless = (n_hopeless as f64 * self.segments_per_row) as u64;
            (Deadline { n_left: n_left.saturating_sub(n_hopeless), open_left }, n_hopeless)
        });
        let possible = [self.pace.full_per_sec, self.carriers_per_sec].into_iter().flatten().reduce(f64::min);
        self.outlook = deadline.map(|(deadline, n_hopeless)| {
            let outlook = deadline.outlook(possible);
            Outlook { n_short: outlook.n_short + n_hopeless, ..outlook }
        });
        let deadline = deadline.map(|(deadline, _)| deadline);
        self.rate_now = match self.pace.is_constant() {
            true => None,
            false => self.pace.rate(now.since(self.began), n_delivered, deadline),
        };
    }

    /// The open time from `from` to `finish` of the rows that have least, and how many held rows
    /// have none.
    fn open_left(&mut self, from: UnixMicros, finish: UnixMicros) -> (Duration, u64) {
        if finish <= from {
            return (Duration::ZERO, 0);
        }
        let common = self.common.open_time(from, finish);
        let Some(hours) = &self.hours else { return (common, 0) };
        let is_fresh = |known: &OpenLeft| known.at <= from && from < known.at.plus(LOOK_AGAIN);
        let known = match self.open_left.filter(is_fresh) {
            Some(known) => known,
            None => {
                let times: Vec<_> = hours.calendars().map(|(index, it)| (index, it.open_time(from, finish))).collect();
                let least = times.iter().map(|(_, time)| *time).filter(|time| !time.is_zero()).min();
                let hopeless = times.iter().filter(|(_, time)| time.is_zero());
                let n_hopeless = hopeless.filter_map(|(index, _)| self.held.get(index)).sum();
                *self.open_left.insert(OpenLeft { at: from, least, n_hopeless })
            }
        };
        (known.least.map_or(common, |least| least.min(common)), known.n_hopeless)
    }
}

impl Runner {
    /// Rows that were not begun by the deadline.
    pub(super) fn miss(&mut self) {
        let wall = self.clock.wall();
        self.timing.held.clear();
        let mut missed = Vec::new();
        while missed.len() < MISSED_PER_TURN {
            let Some(next) = self.source.next(UnixMicros(u64::MAX)) else { break };
            missed.push(MessageToken::new(next.row, 0));
        }
        if let Some(lane) = self.lanes.first().filter(|_| !missed.is_empty()) {
            let head = Head { campaign: self.campaign, carrier: lane.limits.carrier, at: wall };
            self.state.turn.events.missed(head, missed);
        }
    }

    /// Renews pace and outlook, and takes back what must not go out any more.
    pub(crate) fn keep_time(&mut self) {
        let now = self.clock.wall();
        let states = self.ledger.view.borrow().states;
        let n_left = states.get(MessageState::Pending) + states.get(MessageState::Deferred);
        self.timing.renew(now, n_left, states.get(MessageState::Delivered));
        // What a person orders goes before the campaign's own pace.
        if let Some(rate) = self.timing.rate_now.filter(|_| self.orders.standing().rate.is_none()) {
            let what = if self.timing.pace.spread { "spread until finish-by" } else { "ramp" };
            self.orders.rate().set_pace(rate, what);
        }
        if let Some(alarm) = self.timing.alarm().filter(|_| !self.state.deadline_told) {
            self.state.deadline_told = true;
            self.board.note(alarm);
        }
        let words = self.timing.json(now);
        self.board.set_schedule(self.campaign.0, words);
        self.take_back_late(now);
    }

    fn take_back_late(&mut self, now: UnixMicros) {
        if !self.timing.is_closing(now) || is_planted(Bug::OutsideItsHours) {
            return;
        }
        for lane in 0..self.lanes.len() {
            let tools = RefCell::new((&mut self.timing, &mut self.renderer));
            let is_late = |token: MessageToken| {
                let (timing, renderer) = &mut *tools.borrow_mut();
                !crate::render::is_confirmation(token) && timing.is_closed(token, now, renderer)
            };
            let late = self.lanes.get(lane).map(|lane| lane.carrier.withdraw(is_late)).unwrap_or_default();
            self.on_returned(lane, &late);
        }
        self.timing.closes = self.timing.closes.filter(|end| now < end.plus(AFTER));
    }
}
