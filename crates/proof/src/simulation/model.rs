//! What the durable records say, folded a second time and in the simplest way; and what really
//! happened on the wire and at the carriers. Where both meet, the invariants are checked.

use std::collections::{BTreeMap, BTreeSet};

use volley_core::{MessageState, MessageToken, ReceiptState, RecipientCheck};
use volley_reconciler::record::{
    Answer, AnswerEntry, Attempt, Event, Events, Head, InferredEntry, Order, ReceiptEntry, Resolution, SuppressChange,
};

/// An invariant that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{invariant}: {what}")]
pub struct Violation {
    /// Its number in CONTRACT section 4, or another word.
    pub invariant: &'static str,
    /// What was found.
    pub what: String,
    /// The row concerned, if it is one.
    pub row: Option<u32>,
}

/// Fails with a [`Violation`].
pub(crate) fn broken(invariant: &'static str, row: u32, what: String) -> Violation {
    Violation { invariant, what, row: Some(row) }
}

/// Where a segment stands, by the records.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
enum Stand {
    #[default]
    Waiting,
    InFlight,
    Doubt,
    Failed,
    GivenUp,
    Suppressed,
    Missed,
    Cancelled,
    /// With the key that receipts name, unless a person said that it was sent.
    Accepted(Option<Vec<u8>>),
}

/// One segment: the records' side, and the truth.
#[derive(Debug, Clone, Default)]
pub(crate) struct SegmentFacts {
    stand: Stand,
    carrier: u8,
    n_intents: u32,
    n_returned: u32,
    n_resends: u32,
    n_accepted: u32,
    n_refused: u32,
    /// The truth: PDUs written to their end.
    pub(crate) n_wire: u32,
    /// The truth: taken by a carrier.
    pub(crate) n_taken: u32,
    /// The truth: refused by a carrier.
    pub(crate) n_refused_truly: u32,
}

#[derive(Debug, Clone, Default)]
struct RowFacts {
    check: RecipientCheck,
    n_segments: u8,
    segments: Vec<SegmentFacts>,
    deferred: bool,
    timed_out: bool,
    /// A receipt told of an attempt before the last, too.
    taken_twice: bool,
}

/// A receipt as the journal holds it.
type ReceiptKey = (u8, Vec<u8>, u8, Option<u16>);

/// The fold of the durable records, and the truth.
#[derive(Debug, Clone, Default)]
pub(crate) struct Model {
    rows: Vec<RowFacts>,
    receipts: BTreeMap<ReceiptKey, u32>,
    n_receipts: u64,
    n_replies: u64,
    bounds: BTreeMap<u8, u32>,
    suppressed: BTreeSet<u16>,
    /// What was ordered and holds.
    is_paused: bool,
    paused_carriers: BTreeSet<u8>,
    is_cancelled: bool,
    /// The wall clock jumped ahead so far that early receipts count as orphans by their age.
    pub(crate) receipts_aged: bool,
    /// No intent may be later: set when a stop was acknowledged.
    pub(crate) no_intent_after: Option<u64>,
    /// Records are read again: what is true by now may be ahead of them.
    is_behind: bool,
    /// Checks made so far.
    pub(crate) n_checks: u64,
}

impl Model {
    /// For rows with these checks.
    #[must_use]
    pub(crate) fn new(checks: impl IntoIterator<Item = RecipientCheck>) -> Self {
        let rows = checks.into_iter().map(|check| RowFacts { check, ..RowFacts::default() });
        Self { rows: rows.collect(), ..Self::default() }
    }

    /// Forgets what records said; the truth stays.
    fn forget_records(&mut self) {
        for row in &mut self.rows {
            (row.n_segments, row.deferred, row.timed_out, row.taken_twice) = (0, false, false, false);
            for it in &mut row.segments {
                *it = SegmentFacts {
                    n_wire: it.n_wire,
                    n_taken: it.n_taken,
                    n_refused_truly: it.n_refused_truly,
                    ..SegmentFacts::default()
                };
            }
        }
        self.receipts.clear();
        self.bounds.clear();
        self.suppressed.clear();
        self.paused_carriers.clear();
        (self.is_paused, self.is_cancelled) = (false, false);
        (self.n_receipts, self.n_replies) = (0, 0);
    }

    /// The segment, which exists from its first mention on.
    pub(crate) fn segment(&mut self, row: u32, segment: u8) -> Option<&mut SegmentFacts> {
        let row = self.rows.get_mut(row as usize)?;
        let at = usize::from(segment);
        if row.segments.len() <= at {
            row.segments.resize_with(at + 1, SegmentFacts::default);
        }
        row.segments.get_mut(at)
    }

    fn of(&mut self, token: MessageToken) -> Result<&mut SegmentFacts, Violation> {
        let row = token.row().0;
        self.segment(row, token.segment()).ok_or_else(|| broken("I1", row, "a row that is not in the list".to_owned()))
    }

    /// Folds all durable records anew: after a crash.
    ///
    /// # Errors
    /// When an invariant does not hold.
    pub(crate) fn fold_anew<'a>(&mut self, records: impl Iterator<Item = &'a [u8]>) -> Result<(), Violation> {
        self.forget_records();
        self.no_intent_after = None;
        self.is_behind = true;
        for record in records {
            self.fold(record)?;
        }
        self.is_behind = false;
        let all = (0_u32..).zip(&self.rows).flat_map(|(row, facts)| facts.segments.iter().map(move |it| (row, it)));
        all.into_iter().try_for_each(|(row, it)| check_attempts(it, row))
    }

    /// Folds one durable record.
    ///
    /// # Errors
    /// When an invariant does not hold.
    pub(crate) fn fold(&mut self, record: &[u8]) -> Result<(), Violation> {
        for event in Events::new(record) {
            let unreadable = |error: volley_reconciler::record::EventError| Violation {
                invariant: "I9",
                what: error.to_string(),
                row: None,
            };
            self.fold_event(event.map_err(unreadable)?)?;
        }
        self.check_bounds()
    }

    fn fold_event(&mut self, event: Event<'_>) -> Result<(), Violation> {
        self.n_checks += 1;
        match event {
            Event::Carrier { .. }
            | Event::Planned { .. }
            | Event::Archived { .. }
            | Event::Erased(_)
            | Event::Rematched { .. }
            | Event::Ambiguous { .. }
            | Event::Queried { .. }
            | Event::Folding { .. }
            | Event::SuppressList { .. } => {}
            Event::Ordered(ordered) => self.on_ordered(ordered.order),
            Event::Cancelled { rows, .. } => rows.for_each(|row| self.stop(row, &Stand::Cancelled)),
            Event::Inferred { head, entries } => {
                for entry in entries {
                    self.on_inferred(head, &entry)?;
                }
            }
            Event::Bound { carrier, bound, .. } => drop(self.bounds.insert(carrier.0, bound)),
            Event::Intent { head, entries, .. } => {
                for entry in entries {
                    self.on_intent(head, entry.row.0, entry.n_segments, entry.only)?;
                }
            }
            Event::Answers { head, entries } => {
                for entry in entries {
                    self.on_answer(head, &entry)?;
                }
            }
            Event::InDoubt { tokens, .. } => self.each(tokens, |it| {
                if it.stand == Stand::InFlight {
                    it.stand = Stand::Doubt;
                }
            })?,
            Event::Returned { tokens, .. } => self.on_returned(tokens)?,
            Event::Resolved { as_, tokens, .. } => {
                let waiting = self.waiting();
                self.each(tokens, |it| it.resolve(as_, &waiting))?;
            }
            Event::Receipts { carrier, entries, .. } => {
                entries.into_iter().for_each(|it| self.on_receipt(carrier.0, &it))
            }
            Event::NoReceipt { tokens, .. } => {
                for token in tokens {
                    let is_accepted = self.state_of(token.row().0) == Some((MessageState::Accepted, true));
                    if let Some(row) = self.rows.get_mut(token.row().0 as usize).filter(|_| is_accepted) {
                        row.timed_out = true;
                    }
                }
            }
            Event::Reply { .. } => self.n_replies += 1,
            Event::Suppress(entry) => self.suppress(entry.change, entry.check),
            Event::SuppressBatch(batch) => batch.entries.for_each(|entry| self.suppress(batch.change, entry.check)),
            Event::Suppressed { tokens, .. } => {
                tokens.into_iter().for_each(|token| self.stop(token.row().0, &Stand::Suppressed));
            }
            Event::Missed { tokens, .. } => {
                tokens.into_iter().for_each(|token| self.stop(token.row().0, &Stand::Missed));
            }
            Event::Control { .. } => {}
        }
        Ok(())
    }

    fn on_returned(&mut self, tokens: impl IntoIterator<Item = MessageToken>) -> Result<(), Violation> {
        let waiting = self.waiting();
        for token in tokens {
            let it = self.of(token)?;
            if it.stand == Stand::InFlight {
                it.stand = waiting.clone();
                it.n_returned += 1;
            }
            let it = it.clone();
            if !self.is_behind {
                check_attempts(&it, token.row().0)?;
            }
        }

        Ok(())
    }

    fn on_ordered(&mut self, order: Order) {
        match order {
            Order::Pause { carrier: None } => self.is_paused = true,
            Order::Pause { carrier: Some(carrier) } => drop(self.paused_carriers.insert(carrier)),
            Order::Resume { carrier: None } => self.is_paused = false,
            Order::Resume { carrier: Some(carrier) } => drop(self.paused_carriers.remove(&carrier)),
            Order::Cancel => self.is_cancelled = true,
            Order::Pace { .. } | Order::Pass => {}
        }
    }

    /// What becomes of a segment that comes back.
    const fn waiting(&self) -> Stand {
        if self.is_cancelled { Stand::Cancelled } else { Stand::Waiting }
    }

    /// What waits of a row never leaves.
    fn stop(&mut self, row: u32, as_: &Stand) {
        let Some(row) = self.rows.get_mut(row as usize) else { return };
        row.deferred = false;
        if row.segments.is_empty() {
            row.segments.push(SegmentFacts::default());
        }
        let waiting = row.segments.iter_mut().filter(|it| it.stand == Stand::Waiting);
        waiting.for_each(|it| it.stand = as_.clone());
    }

    fn suppress(&mut self, change: SuppressChange, check: RecipientCheck) {
        match change {
            SuppressChange::Add => self.suppressed.insert(check.0),
            SuppressChange::Lift => self.suppressed.remove(&check.0),
        };
    }

    fn each(
        &mut self,
        tokens: impl IntoIterator<Item = MessageToken>,
        mut change: impl FnMut(&mut SegmentFacts),
    ) -> Result<(), Violation> {
        tokens.into_iter().try_for_each(|token| {
            change(self.of(token)?);
            Ok(())
        })
    }

    fn on_intent(&mut self, head: Head, row: u32, n_segments: u8, only: Option<u8>) -> Result<(), Violation> {
        if self.no_intent_after.is_some_and(|at| head.at.0 > at) {
            return Err(broken("I15", row, "an intent after the stop was acknowledged".to_owned()));
        }
        if self.is_paused || self.is_cancelled || self.paused_carriers.contains(&head.carrier.0) {
            return Err(broken("order", row, "an intent while paused or cancelled".to_owned()));
        }
        let known = self.rows.get_mut(row as usize);
        let Some(facts) = known else { return Err(broken("I1", row, "an intent for no row of the list".to_owned())) };
        if self.suppressed.contains(&facts.check.0) {
            return Err(broken("I16", row, "an intent for a suppressed number".to_owned()));
        }
        facts.n_segments = n_segments;
        facts.deferred = false;
        for segment in only.map_or(0..n_segments, |only| only..only + 1) {
            let Some(it) = self.segment(row, segment) else { continue };
            if it.stand == Stand::Waiting {
                (it.stand, it.carrier) = (Stand::InFlight, head.carrier.0);
                it.n_intents += 1;
            }
        }
        Ok(())
    }

    fn on_answer(&mut self, head: Head, entry: &AnswerEntry<'_>) -> Result<(), Violation> {
        let row = entry.token.row().0;
        let waiting = self.waiting();
        let it = self.of(entry.token)?;
        let is_open = matches!(it.stand, Stand::InFlight | Stand::Doubt);
        match entry.answer {
            Answer::Accepted { id, folded, .. } => {
                it.n_accepted += 1;
                if it.n_accepted > it.n_taken {
                    return Err(broken("I2", row, "recorded as accepted, and no carrier took it".to_owned()));
                }
                if is_open {
                    it.stand = Stand::Accepted(Some(folded.unwrap_or(id).to_vec()));
                    it.carrier = head.carrier.0;
                }
                return Ok(());
            }
            Answer::Failed { .. } | Answer::Deferred { .. } | Answer::Throttled { .. } => it.n_refused += 1,
        }
        if it.n_refused > it.n_refused_truly {
            return Err(broken("I2", row, "recorded as refused, and no carrier refused it".to_owned()));
        }
        if is_open {
            let failed = matches!(entry.answer, Answer::Failed { .. });
            it.stand = if failed { Stand::Failed } else { waiting };
            if let Some(row) = self.rows.get_mut(row as usize) {
                row.deferred |= matches!(entry.answer, Answer::Deferred { .. });
            }
        }
        Ok(())
    }

    /// A receipt ended a doubt: only what was taken may be told of. Which segment of a message it
    /// tells of no receipt says, so they count together.
    fn on_inferred(&mut self, head: Head, entry: &InferredEntry<'_>) -> Result<(), Violation> {
        let row = entry.token.row().0;
        if entry.attempt == Attempt::Earlier {
            if let Some(facts) = self.rows.get_mut(row as usize) {
                facts.taken_twice = true;
            }
            return Ok(());
        }
        let it = self.of(entry.token)?;
        if !matches!(it.stand, Stand::Doubt | Stand::GivenUp | Stand::Accepted(None)) {
            return Ok(());
        }
        it.n_accepted += 1;
        it.stand = Stand::Accepted(Some(entry.folded.unwrap_or(entry.id).to_vec()));
        it.carrier = head.carrier.0;
        let row_facts = self.rows.get(row as usize);
        let all = row_facts.into_iter().flat_map(|row| &row.segments);
        let (n_accepted, n_taken) = all.fold((0, 0), |(a, t), it| (a + it.n_accepted, t + it.n_taken));
        match n_accepted > n_taken {
            true => Err(broken("I2", row, format!("{n_accepted} segments accepted, {n_taken} taken"))),
            false => Ok(()),
        }
    }

    fn on_receipt(&mut self, carrier: u8, entry: &ReceiptEntry<'_>) {
        let key = (carrier, entry.id.to_vec(), entry.state as u8, entry.check.map(|check| check.0));
        *self.receipts.entry(key).or_default() += 1;
        self.n_receipts += 1;
    }

    /// I4: what is open never exceeds the bound that the journal holds.
    fn check_bounds(&self) -> Result<(), Violation> {
        let mut open: BTreeMap<u8, u32> = BTreeMap::new();
        for it in self.rows.iter().flat_map(|row| &row.segments).filter(|it| it.stand == Stand::InFlight) {
            *open.entry(it.carrier).or_default() += 1;
        }
        for (carrier, n) in open {
            let bound = self.bounds.get(&carrier).copied().unwrap_or_default();
            if n > bound {
                let what = format!("{n} segments open at carrier {carrier}, and the bound is {bound}");
                return Err(Violation { invariant: "I4", what, row: None });
            }
        }
        Ok(())
    }

    /// A submit was written to its end.
    ///
    /// # Errors
    /// I5: when no durable intent allows it.
    pub(crate) fn on_wire(&mut self, row: u32, segment: u8) -> Result<(), Violation> {
        self.n_checks += 1;
        let it = self.of(MessageToken::new(volley_core::RowIndex(row), segment))?;
        it.n_wire += 1;
        check_attempts(it, row)
    }

    /// A carrier took a submit.
    ///
    /// # Errors
    /// I3: when it was taken before, and nobody asked for it again.
    pub(crate) fn on_taken(&mut self, row: u32, segment: u8) -> Result<(), Violation> {
        self.n_checks += 1;
        let it = self.of(MessageToken::new(volley_core::RowIndex(row), segment))?;
        it.n_taken += 1;
        if it.n_taken > 1 + it.n_resends {
            let what = format!("segment {segment} taken {} times, {} resends recorded", it.n_taken, it.n_resends);
            return Err(broken("I3", row, what));
        }
        Ok(())
    }

    /// How often the journal holds this receipt.
    #[must_use]
    pub(crate) fn n_durable(&self, carrier: u8, id: &[u8], state: u8, check: RecipientCheck) -> u32 {
        let with = |check| self.receipts.get(&(carrier, id.to_vec(), state, check)).copied().unwrap_or_default();
        with(Some(check.0)) + with(None)
    }

    /// Whether the number with this check gets nothing any more.
    pub(crate) fn is_suppressed(&self, check: RecipientCheck) -> bool {
        self.suppressed.contains(&check.0)
    }

    /// Receipts and replies that the journal holds.
    #[must_use]
    pub(crate) const fn n_arrived(&self) -> (u64, u64) {
        (self.n_receipts, self.n_replies)
    }

    /// A row of which nothing is known but that it may have been written. Where another segment has
    /// failed the row is done, and an open one changes nothing.
    pub(crate) fn row_in_flight(&self) -> Option<u32> {
        let is_open = |row: &u32| self.state_of(*row).is_some_and(|(state, _)| state == MessageState::InFlight);
        (0..self.rows.len() as u32).find(is_open)
    }

    /// Rows that something should still happen to, with their states and segments.
    pub(crate) fn open_rows(&self) -> Vec<String> {
        let rows = (0_u32..).zip(&self.rows).filter_map(|(row, facts)| Some((row, facts, self.state_of(row)?.0)));
        let open = rows.filter(|(_, _, state)| !state.is_final() && *state != MessageState::InDoubt);
        open.map(|(row, facts, state)| format!("{row} {state} {:?}", facts.segments)).collect()
    }

    /// Segments that were written or may be, and that nothing is known of.
    #[must_use]
    pub(crate) fn n_in_flight(&self) -> usize {
        self.rows.iter().flat_map(|row| &row.segments).filter(|it| it.stand == Stand::InFlight).count()
    }

    /// I2, I6, I17: a row's state as it follows from the records; and whether it is certain: receipts
    /// of two takes of one message can't be told apart, nor what the wall clock made too old.
    #[must_use]
    pub(crate) fn state_of(&self, row: u32) -> Option<(MessageState, bool)> {
        let row = self.rows.get(row as usize)?;
        let certain = !self.receipts_aged && !row.taken_twice;
        let mut worst = (1, MessageState::Delivered);
        let n = usize::from(row.n_segments).max(row.segments.len()).max(1);
        for at in 0..n {
            let known = row.segments.get(at).cloned().unwrap_or_default();
            let candidate = self.weigh(row, &known);
            if candidate.0 > worst.0 {
                worst = candidate;
            }
        }
        Some((worst.1, certain))
    }

    /// HANDBOOK C.7: what the message is if this segment decides, and how much that weighs.
    fn weigh(&self, row: &RowFacts, it: &SegmentFacts) -> (u8, MessageState) {
        match &it.stand {
            Stand::Failed | Stand::GivenUp => (10, MessageState::Failed),
            Stand::InFlight => (8, MessageState::InFlight),
            Stand::Doubt => (7, MessageState::InDoubt),
            Stand::Waiting if row.deferred => (6, MessageState::Deferred),
            Stand::Waiting => (6, MessageState::Pending),
            Stand::Suppressed => (5, MessageState::Suppressed),
            Stand::Missed => (5, MessageState::Expired),
            Stand::Cancelled => (5, MessageState::Cancelled),
            Stand::Accepted(id) => {
                let highest = id.as_ref().and_then(|id| self.highest(it.carrier, id, row.check));
                match highest {
                    Some(ReceiptState::Delivered) => (1, MessageState::Delivered),
                    Some(ReceiptState::Expired) => (3, MessageState::Expired),
                    Some(state) if state.is_final() => (9, MessageState::Undelivered),
                    Some(_) | None if row.timed_out => (2, MessageState::Unknown),
                    Some(_) | None => (4, MessageState::Accepted),
                }
            }
        }
    }

    /// I6: the highest of all receipts for an id that name the right recipient.
    fn highest(&self, carrier: u8, id: &[u8], check: RecipientCheck) -> Option<ReceiptState> {
        let fits = |known: Option<u16>| known.is_none_or(|known| known == check.0);
        let of_id = self.receipts.keys().filter(|(c, i, _, known)| *c == carrier && i == id && fits(*known));
        let states = of_id.filter_map(|(_, _, state, _)| ReceiptState::from_u8(*state));
        states.max_by_key(|state| (state.rank(), *state as u8))
    }

    /// Whether some receipt in the journal, for whichever id of this row's recipient, says that it
    /// was delivered: without one it can't be.
    #[must_use]
    pub(crate) fn may_be_delivered(&self, row: u32) -> bool {
        let Some(row) = self.rows.get(row as usize) else { return false };
        let fits = |known: Option<u16>| known.is_none_or(|known| known == row.check.0);
        self.receipts.keys().any(|(_, _, state, known)| *state == ReceiptState::Delivered as u8 && fits(*known))
    }

    /// Whether the row was ever sent again after an attempt of unknown fate.
    #[must_use]
    pub(crate) fn was_resent(&self, row: u32) -> bool {
        self.rows.get(row as usize).is_some_and(|row| row.segments.iter().any(|it| it.n_resends > 0))
    }
}

impl SegmentFacts {
    fn resolve(&mut self, as_: Resolution, waiting: &Stand) {
        if self.stand != Stand::Doubt {
            return;
        }
        self.stand = match as_ {
            Resolution::Resend => {
                self.n_resends += 1;
                waiting.clone()
            }
            Resolution::Failed => Stand::GivenUp,
            Resolution::Sent => Stand::Accepted(None),
        };
    }
}

/// I5: attempts on the wire, and intents that allow them.
fn check_attempts(it: &SegmentFacts, row: u32) -> Result<(), Violation> {
    let allowed = it.n_intents.saturating_sub(it.n_returned);
    if it.n_wire > allowed {
        let what =
            format!("written {} times; {} durable intents, {} given back", it.n_wire, it.n_intents, it.n_returned);
        return Err(broken("I5", row, what));
    }
    Ok(())
}
