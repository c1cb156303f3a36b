//! Refused segments: again at once, later, or never; and the carrier that refuses everything.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    time::{Duration, Instant},
};

use volley_core::{MessageToken, RowIndex, UnixMicros};
use volley_reconciler::record::Answer;
use volley_smpp::pdu::CommandStatus;

use super::Runner;
use crate::{
    retry::{Disposition, QueueFull, StatusTable},
    source::{NextRow, RowSource},
};

/// A segment that was refused for now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tried {
    /// Attempts so far that count.
    pub(crate) attempts: u8,
    /// When it was refused first: its validity counts from there.
    pub(crate) since: UnixMicros,
}

/// Segments that were refused for now, until they are accepted or given up; without a segment,
/// all of a row that was refused before a restart.
#[derive(Debug, Default)]
pub(crate) struct Tries(HashMap<(RowIndex, Option<u8>), Tried>);

impl Tries {
    pub(crate) fn insert(&mut self, row: RowIndex, segment: Option<u8>, tried: Tried) {
        self.0.insert((row, segment), tried);
    }

    pub(crate) fn get(&self, token: MessageToken) -> Option<Tried> {
        let (row, segment) = (token.row(), token.segment());
        self.0.get(&(row, Some(segment))).or_else(|| self.0.get(&(row, None))).copied()
    }

    fn remove(&mut self, token: MessageToken) {
        if !self.0.is_empty() {
            self.0.remove(&(token.row(), Some(token.segment())));
        }
    }
}

/// What one carrier's refusals mean, and how many came.
pub(crate) struct Refusals {
    table: StatusTable,
    queue_full: QueueFull,
    /// Refusals of class config since the last acceptance.
    n_config: u32,
    pause_after: NonZeroU32,
}

/// What decides about one turn's refusals.
pub(super) struct Judge<'a> {
    pub(super) refusals: &'a mut Refusals,
    pub(super) source: &'a mut RowSource,
    pub(super) tries: &'a mut Tries,
    /// How long a message is worth sending, if that has an end.
    pub(super) validity: Option<Duration>,
    pub(super) at: UnixMicros,
    pub(super) queue_full: bool,
    /// The last refusal of class config, when there was one.
    pub(super) config: Option<CommandStatus>,
}

impl Refusals {
    pub(crate) const fn new(table: StatusTable, pause_after: NonZeroU32, now: Instant) -> Self {
        Self { table, queue_full: QueueFull::new(now), n_config: 0, pause_after }
    }

    /// Counts a turn's answers; says whether full queues concern the account as a whole.
    pub(super) fn count(&mut self, now: Instant, n_answers: u32, n_full: u32) -> bool {
        self.queue_full.count(now, n_answers, n_full)
    }
}

impl Judge<'_> {
    pub(super) fn accepted(&mut self, token: MessageToken) {
        self.refusals.n_config = 0;
        self.tries.remove(token);
    }

    pub(super) fn refused<'a>(&mut self, token: MessageToken, status: CommandStatus) -> Answer<'a> {
        let row = token.row();
        let tried = self.tries.get(token).unwrap_or(Tried { attempts: 0, since: self.at });
        let attempts = tried.attempts.saturating_add(1);
        let next = |attempts| NextRow { row, only: Some(token.segment()), attempts, held: false };
        let disposition = self.refusals.table.disposition(status, attempts, self.queue_full);
        match disposition {
            Disposition::Throttled => {
                self.source.give_back(next(tried.attempts));
                return Answer::Throttled { status: status.0 };
            }
            Disposition::Defer(wait) if self.is_worth_sending_at(tried.since, wait) => {
                let until = self.at.plus(wait);
                self.tries.insert(row, Some(token.segment()), Tried { attempts, ..tried });
                self.source.defer(next(attempts), until);
                return Answer::Deferred { status: status.0, until };
            }
            Disposition::FailAll => {
                self.refusals.n_config = self.refusals.n_config.saturating_add(1);
                self.config = Some(status);
            }
            Disposition::Defer(_) | Disposition::Fail => {}
        }
        self.tries.remove(token);
        Answer::Failed { status: status.0 }
    }

    /// Whether a message first refused at `since` is still valid after `wait` from now.
    fn is_worth_sending_at(&self, since: UnixMicros, wait: Duration) -> bool {
        self.validity.is_none_or(|validity| self.at.plus(wait) < since.plus(validity))
    }
}

impl Runner {
    /// Pauses a carrier that has refused too much in a row for a reason that concerns every
    /// message. The others go on.
    pub(super) fn pause_if_hopeless(&mut self, lane: usize, status: CommandStatus) {
        let Some(lane) = self.lanes.get_mut(lane).filter(|lane| lane.paused.is_none()) else { return };
        if lane.refusals.n_config < lane.refusals.pause_after.get() {
            return;
        }
        let n = lane.refusals.n_config;
        let why = format!("{n} refusals in a row, the last with {status}: it would refuse every other message too");
        lane.carrier.suspend();
        tracing::warn!(carrier = lane.name, command_status = %status, "carrier paused");
        self.board.note(format!("carrier {} is paused: {why}", lane.name));
        lane.paused = Some(why);
    }

    /// Each paused carrier with the reason; empty when none is paused.
    pub(super) fn paused_in_words(&self) -> String {
        let paused =
            self.lanes.iter().filter_map(|lane| Some(format!("{} was paused: {}", lane.name, lane.paused.as_ref()?)));
        paused.collect::<Vec<_>>().join("; ")
    }
}
