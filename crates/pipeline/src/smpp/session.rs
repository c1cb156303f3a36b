//! What one session knows, from connection to close: bind state, window, timers. It
//! performs no I/O and reads no clock: it is told what arrived and what time it is, appends what
//! it wants written to a buffer, and says when to close.

mod adaptive;
mod answer_times;
mod end;
mod timing;

use std::time::{Duration, Instant};

use volley_core::MessageToken;
use volley_smpp::{
    pdu::{CommandId, CommandStatus, Pdu, RawPdu, StatusClass, encode_header_only, patch_sequence, tag},
    receipt::{IdRules, Side},
};

pub(crate) use self::end::Close;
use self::{adaptive::AdaptiveWindow, answer_times::AnswerTimes, end::Retire, timing::Timing};
use super::{StatusClasses, options::Timers, questions::OpenQuestions, throttle::TurnAnswers, window::Window};
use crate::{AnswerBatch, BindKind, BindPhase, QueryAnswer, Question, Secret};

/// What a session is to know from the start.
#[derive(Debug, Clone)]
pub(crate) struct SessionOptions {
    pub(crate) kind: BindKind,
    pub(crate) window: u32,
    /// Finds a window up to `window` itself.
    pub(crate) adaptive: bool,
    pub(crate) timers: Timers,
    pub(crate) ids: IdRules,
    pub(crate) statuses: StatusClasses,
}

/// One TCP life of a bind.
#[derive(Debug)]
pub(crate) struct Session {
    options: SessionOptions,
    phase: Phase,
    window: Window,
    questions: OpenQuestions,
    adaptive: Option<AdaptiveWindow>,
    timing: Timing,
    /// Deliveries handed up and not yet acknowledged.
    n_unacknowledged: u32,
    /// When the present turn's input came, as submits are marked.
    turn_mark: u32,
    turn: TurnAnswers,
    pub(crate) answer_times: AnswerTimes,
    pub(crate) counters: Counters,
}

/// Counted since a session began, or over all sessions of a bind.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counters {
    pub(crate) n_submitted: u64,
    pub(crate) n_answered: u64,
    pub(crate) n_throttled: u64,
    pub(crate) n_unknown_answers: u64,
    pub(crate) n_deliveries: u64,
    pub(crate) n_unknown_requests: u64,
    pub(crate) n_enquiries_sent: u64,
    pub(crate) n_enquiries_answered: u64,
    pub(crate) n_enquiries_received: u64,
}

impl Counters {
    /// Both together.
    pub(crate) const fn plus(self, other: Self) -> Self {
        Self {
            n_submitted: self.n_submitted + other.n_submitted,
            n_answered: self.n_answered + other.n_answered,
            n_throttled: self.n_throttled + other.n_throttled,
            n_unknown_answers: self.n_unknown_answers + other.n_unknown_answers,
            n_deliveries: self.n_deliveries + other.n_deliveries,
            n_unknown_requests: self.n_unknown_requests + other.n_unknown_requests,
            n_enquiries_sent: self.n_enquiries_sent + other.n_enquiries_sent,
            n_enquiries_answered: self.n_enquiries_answered + other.n_enquiries_answered,
            n_enquiries_received: self.n_enquiries_received + other.n_enquiries_received,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Binding {
        sequence: u32,
        until: Instant,
    },
    Bound,
    /// No new submits; open answers and acknowledgements are waited for.
    Retiring {
        why: Retire,
        until: Instant,
    },
    /// Our unbind is on its way.
    Unbinding {
        why: Retire,
        sequence: u32,
        until: Instant,
    },
}

/// What a PDU turned out to be, where the session can't finish with it alone.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// Taken care of.
    Done,
    /// deliver_sm or data_sm: to be read after the answers.
    Delivery,
    /// The bind is up.
    Bound { system_id: String, interface_version: Option<u8> },
}

impl Session {
    /// Begins with the bind request on the wire. `first_sequence`: of the bind.
    pub(crate) fn begin(options: SessionOptions, request: &Secret, now: Instant, out: &mut Vec<u8>) -> Self {
        let limit = if options.kind.submits() { options.window } else { 0 };
        let mut window = Window::new(limit, 1);
        let adaptive = (options.adaptive && limit > 0).then(|| AdaptiveWindow::new(limit, now));
        if let Some(adaptive) = &adaptive {
            window.set_limit(adaptive.limit());
        }
        let sequence = window.next_sequence();
        let start = out.len();
        out.extend_from_slice(request.expose());
        patch_sequence(out.get_mut(start..).unwrap_or_default(), sequence);
        let until = now + options.timers.bind;
        Self {
            timing: Timing::new(options.timers, now),
            options,
            phase: Phase::Binding { sequence, until },
            window,
            questions: OpenQuestions::default(),
            adaptive,
            turn: TurnAnswers::default(),
            n_unacknowledged: 0,
            turn_mark: 0,
            answer_times: AnswerTimes::new(now),
            counters: Counters::default(),
        }
    }

    pub(crate) const fn phase(&self) -> BindPhase {
        match self.phase {
            Phase::Binding { .. } => BindPhase::Binding,
            Phase::Bound => BindPhase::Bound,
            Phase::Retiring { .. } => BindPhase::Draining,
            Phase::Unbinding { .. } => BindPhase::Unbinding,
        }
    }

    /// Whether submits may be written, the window permitting.
    pub(crate) const fn is_up(&self) -> bool {
        matches!(self.phase, Phase::Bound) && self.options.kind.submits()
    }

    pub(crate) const fn n_open(&self) -> u32 {
        self.window.n_open()
    }

    /// Submits or questions that may be written now, as far as the window is concerned.
    pub(crate) fn room(&self) -> u32 {
        match self.phase {
            Phase::Bound => self.window.n_free().saturating_sub(self.questions.len()),
            Phase::Binding { .. } | Phase::Retiring { .. } | Phase::Unbinding { .. } => 0,
        }
    }

    /// What the answers since the last call say of our pace; `None` when none came.
    pub(crate) fn take_turn(&mut self) -> Option<TurnAnswers> {
        let turn = std::mem::take(&mut self.turn);
        (turn != TurnAnswers::default()).then_some(turn)
    }

    /// The window was found full, at the end of a turn.
    pub(crate) const fn note_full(&mut self) {
        if let Some(adaptive) = &mut self.adaptive {
            adaptive.full();
        }
    }

    /// Unanswered submits allowed at present.
    pub(crate) const fn window_limit(&self) -> u32 {
        self.window.limit()
    }

    /// The mark that submits written at `now` carry.
    pub(crate) fn write_mark(&self, now: Instant) -> u32 {
        self.timing.mark(now)
    }

    /// Opens a slot for `pdu`, which is on its way, and gives it its sequence number.
    pub(crate) fn submit(&mut self, pdu: &mut [u8], token: MessageToken, mark: u32) {
        let opened = self.window.insert(token, mark);
        assert!(opened.is_ok(), "no more submits are taken than the window has room for");
        patch_sequence(pdu, opened.unwrap_or_default());
        self.counters.n_submitted += 1;
    }

    /// Questions that may be written now, as far as the window is concerned: a quarter of it, so
    /// that an SMSC that doesn't answer them does not end the sending.
    pub(crate) fn room_for_questions(&self) -> u32 {
        let most = (self.window.limit() / 4).max(1);
        self.room().min(most.saturating_sub(self.questions.len()))
    }

    /// Appends a question to what is written.
    pub(crate) fn query(&mut self, question: Question, now: Instant, out: &mut Vec<u8>) {
        let Question { token, id, pdu } = question;
        let sequence = self.window.next_sequence();
        let start = out.len();
        out.extend_from_slice(&pdu);
        patch_sequence(out.get_mut(start..).unwrap_or_default(), sequence);
        self.questions.insert(sequence, token, id, now + self.options.timers.response);
    }

    /// What came of questions since the last call.
    pub(crate) fn take_told(&mut self) -> Vec<QueryAnswer> {
        self.questions.take_answers()
    }

    /// A submit that no octet of was written after all: its token.
    pub(crate) fn take_back(&mut self, sequence: u32) -> Option<MessageToken> {
        let (token, _) = self.window.answer(sequence)?;
        self.counters.n_submitted -= 1;
        Some(token)
    }

    /// Everything still open, the oldest first. The session is over.
    pub(crate) fn close(&mut self) -> Vec<MessageToken> {
        self.questions.close();
        self.window.drain()
    }

    /// Why the session is over, when its connection ended with `close`: an SMSC that closes it
    /// instead of answering our unbind does what we asked for.
    pub(crate) fn reason(&self, close: Close) -> Close {
        match (self.phase, &close) {
            (Phase::Unbinding { why, .. }, Close::PeerClosed | Close::Io(_)) => why.close(),
            _ => close,
        }
    }

    /// No more submits; closes once nothing is open, or at the drain's deadline. A session that
    /// is not bound yet closes at once.
    pub(crate) fn drain(&mut self, now: Instant) -> Result<(), Close> {
        if matches!(self.phase, Phase::Binding { .. }) {
            return Err(Close::Drained);
        }
        self.retire(Retire::Drained, now);
        Ok(())
    }

    /// `n` deliveries were acknowledged.
    pub(crate) const fn acknowledged(&mut self, n: u32) {
        self.n_unacknowledged = self.n_unacknowledged.saturating_sub(n);
    }

    /// Nothing was read from `since` to `now`, because nobody took our events: the SMSC is not
    /// to blame for what we could not see.
    pub(crate) fn was_not_reading(&mut self, since: Instant, now: Instant) {
        self.timing.skip(now.saturating_duration_since(since));
    }

    /// Something arrived: what follows came at `now`.
    pub(crate) fn begin_turn(&mut self, now: Instant) {
        self.turn_mark = self.timing.mark(now);
    }

    /// One PDU arrived.
    pub(crate) fn on_pdu(
        &mut self,
        pdu: &RawPdu<'_>,
        now: Instant,
        answers: &mut AnswerBatch,
        out: &mut Vec<u8>,
    ) -> Result<Input, Close> {
        let sequence = pdu.header.sequence_number;
        match pdu.header.command_id {
            CommandId::SubmitSmResp => self.on_submit_answer(pdu, now, answers),
            CommandId::GenericNack => return self.on_nack(pdu, now, answers),
            CommandId::DeliverSm | CommandId::DataSm => return Ok(self.on_delivery(pdu, out)),
            CommandId::EnquireLink => {
                self.counters.n_enquiries_received += 1;
                encode_header_only(CommandId::EnquireLinkResp, CommandStatus::ROK, sequence, out);
            }
            // Even one that comes late says that the SMSC lives.
            CommandId::EnquireLinkResp => {
                self.counters.n_enquiries_answered += 1;
                self.timing.on_answer();
            }
            CommandId::BindTransceiverResp | CommandId::BindTransmitterResp | CommandId::BindReceiverResp => {
                return self.on_bind_answer(pdu, now);
            }
            CommandId::Unbind => self.on_peer_unbind(sequence, now),
            CommandId::UnbindResp => return self.on_unbind_answer(sequence),
            // No response exists for these two.
            CommandId::Outbind | CommandId::AlertNotification => self.counters.n_unknown_requests += 1,
            CommandId::QuerySmResp if self.questions.answer(pdu, &self.options.ids) => self.timing.on_answer(),
            CommandId::QuerySmResp
            | CommandId::ReplaceSmResp
            | CommandId::CancelSmResp
            | CommandId::SubmitMultiResp
            | CommandId::DeliverSmResp
            | CommandId::DataSmResp => self.counters.n_unknown_answers += 1,
            // A response is never answered, known or not.
            CommandId::Unknown(_) if pdu.header.command_id.is_response() => self.counters.n_unknown_answers += 1,
            CommandId::BindReceiver
            | CommandId::BindTransmitter
            | CommandId::BindTransceiver
            | CommandId::QuerySm
            | CommandId::SubmitSm
            | CommandId::ReplaceSm
            | CommandId::CancelSm
            | CommandId::SubmitMulti
            | CommandId::Unknown(_) => {
                self.counters.n_unknown_requests += 1;
                encode_header_only(CommandId::GenericNack, CommandStatus::RINVCMDID, sequence, out);
            }
        }
        Ok(Input::Done)
    }

    fn on_submit_answer(&mut self, pdu: &RawPdu<'_>, now: Instant, answers: &mut AnswerBatch) {
        let Some((token, mark)) = self.window.answer(pdu.header.sequence_number) else {
            self.counters.n_unknown_answers += 1;
            return;
        };
        self.on_answered(mark);
        match pdu.header.command_status {
            CommandStatus::ROK => {
                self.turn.n_accepted += 1;
                let id = if let Ok(Pdu::SubmitSmResp(resp)) = pdu.decode() { resp.message_id } else { &[] };
                answers.push_accepted(token, id, |out| self.options.ids.fold(Side::Response, id, out));
            }
            status => self.on_refusal(token, status, mark, now, answers),
        }
    }

    fn on_answered(&mut self, written: u32) {
        self.timing.on_answer();
        let micros = self.turn_mark.wrapping_sub(written);
        self.answer_times.record(micros);
        if let Some(adaptive) = &mut self.adaptive {
            adaptive.answered(micros);
        }
        self.counters.n_answered += 1;
    }

    fn on_refusal(
        &mut self,
        token: MessageToken,
        status: CommandStatus,
        written: u32,
        now: Instant,
        answers: &mut AnswerBatch,
    ) {
        answers.push_refused(token, status);
        let class = self.options.statuses.class_of(status);
        if class == StatusClass::Throttle {
            self.counters.n_throttled += 1;
            let age = Duration::from_micros(u64::from(self.turn_mark.wrapping_sub(written)));
            let is_first = self.turn.n_throttled + self.turn.n_queue_full == 0;
            self.turn.youngest = if is_first { age } else { self.turn.youngest.min(age) };
            let is_queue_full = status == CommandStatus::RMSGQFUL;
            self.turn.n_queue_full += u32::from(is_queue_full);
            self.turn.n_throttled += u32::from(!is_queue_full);
        } else {
            // A refusal for another reason was not throttled: it counts as taken.
            self.turn.n_accepted += 1;
        }
        // An operation that the SMSC doesn't know is none the better on a new bind.
        if class == StatusClass::Session && status != CommandStatus::RINVCMDID {
            self.retire(Retire::NotBound, now);
        }
    }

    /// generic_nack may stand for the response to anything.
    fn on_nack(&mut self, pdu: &RawPdu<'_>, now: Instant, answers: &mut AnswerBatch) -> Result<Input, Close> {
        let (sequence, status) = (pdu.header.sequence_number, pdu.header.command_status);
        match self.phase {
            Phase::Binding { sequence: own, .. } if own == sequence || sequence == 0 => {
                return Err(Close::BindRefused(status));
            }
            Phase::Unbinding { sequence: own, .. } if own == sequence => return self.on_unbind_answer(sequence),
            Phase::Binding { .. } | Phase::Bound | Phase::Retiring { .. } | Phase::Unbinding { .. } => {}
        }
        if let Some((token, mark)) = self.window.answer(sequence) {
            self.on_answered(mark);
            // A nack without a reason is a refusal still.
            let status = if status == CommandStatus::ROK { CommandStatus::RUNKNOWNERR } else { status };
            self.on_refusal(token, status, mark, now, answers);
        } else if self.questions.answer(pdu, &self.options.ids) {
            self.timing.on_answer();
        } else if !self.timing.on_enquire_answer(sequence) {
            self.counters.n_unknown_answers += 1;
        }
        Ok(Input::Done)
    }

    fn on_delivery(&mut self, pdu: &RawPdu<'_>, out: &mut Vec<u8>) -> Input {
        if matches!(self.phase, Phase::Binding { .. }) {
            // Too early to be ours; the SMSC keeps it and offers it again.
            let response = pdu.header.command_id.response();
            encode_header_only(response, CommandStatus::RINVBNDSTS, pdu.header.sequence_number, out);
            return Input::Done;
        }
        self.counters.n_deliveries += 1;
        self.n_unacknowledged += 1;
        Input::Delivery
    }

    fn on_bind_answer(&mut self, pdu: &RawPdu<'_>, now: Instant) -> Result<Input, Close> {
        match self.phase {
            Phase::Binding { sequence, .. } if sequence == pdu.header.sequence_number => {}
            Phase::Binding { .. } | Phase::Bound | Phase::Retiring { .. } | Phase::Unbinding { .. } => {
                self.counters.n_unknown_answers += 1;
                return Ok(Input::Done);
            }
        }
        match pdu.header.command_status {
            CommandStatus::ROK => {}
            status => return Err(Close::BindRefused(status)),
        }
        self.phase = Phase::Bound;
        self.timing.on_bound(now);
        let Ok(Pdu::BindResp(resp)) = pdu.decode() else {
            return Ok(Input::Bound { system_id: String::new(), interface_version: None });
        };
        let interface_version = resp.tlvs.find(tag::SC_INTERFACE_VERSION).and_then(|value| value.first().copied());
        Ok(Input::Bound { system_id: String::from_utf8_lossy(resp.system_id).into_owned(), interface_version })
    }

    fn on_peer_unbind(&mut self, sequence: u32, now: Instant) {
        self.retire(Retire::PeerUnbound { sequence }, now);
    }

    fn on_unbind_answer(&mut self, sequence: u32) -> Result<Input, Close> {
        match self.phase {
            Phase::Unbinding { why, sequence: own, .. } if own == sequence => Err(why.close()),
            Phase::Binding { .. } | Phase::Bound | Phase::Retiring { .. } | Phase::Unbinding { .. } => {
                self.counters.n_unknown_answers += 1;
                Ok(Input::Done)
            }
        }
    }

    fn retire(&mut self, why: Retire, now: Instant) {
        let timers = &self.options.timers;
        let patience = match why {
            Retire::Drained => timers.drain,
            Retire::PeerUnbound { .. } | Retire::NoAnswer | Retire::NotBound => timers.grace,
        };
        match (self.phase, why) {
            // The SMSC's request wants an answer, whatever else is going on.
            (Phase::Bound | Phase::Retiring { .. }, _) => {
                let until = now + patience;
                let (why, until) = match self.phase {
                    Phase::Retiring { why: before, until: earlier } => (before.joined(why), earlier.min(until)),
                    Phase::Binding { .. } | Phase::Bound | Phase::Unbinding { .. } => (why, until),
                };
                self.phase = Phase::Retiring { why, until };
            }
            (Phase::Unbinding { .. }, Retire::PeerUnbound { .. }) => self.phase = Phase::Retiring { why, until: now },
            (Phase::Binding { .. } | Phase::Unbinding { .. }, _) => {}
        }
    }

    /// To be called after each turn and whenever [`Session::next_wake`] has come.
    /// `partial`: a PDU has begun to arrive and is not complete.
    pub(crate) fn on_time(&mut self, now: Instant, out: &mut Vec<u8>) -> Result<(), Close> {
        match self.phase {
            Phase::Binding { until, .. } if until <= now => return Err(Close::BindUnanswered),
            Phase::Retiring { why, until } if self.is_settled() || until <= now => self.unbind(why, now, out)?,
            Phase::Unbinding { why, until, .. } if until <= now => return Err(why.close()),
            Phase::Binding { .. } | Phase::Bound | Phase::Retiring { .. } | Phase::Unbinding { .. } => {}
        }
        if let Some(limit) = self.adaptive.as_mut().and_then(|adaptive| adaptive.measure(now)) {
            self.window.set_limit(limit);
        }
        self.questions.expire(now);
        self.timing.check_input(now)?;
        if matches!(self.phase, Phase::Binding { .. } | Phase::Unbinding { .. }) {
            return Ok(());
        }
        if matches!(self.phase, Phase::Bound) && self.timing.is_answer_overdue(self.window.oldest_written(), now) {
            self.retire(Retire::NoAnswer, now);
        }
        if self.timing.check_enquire(now)? {
            let sequence = self.window.next_sequence();
            self.timing.on_enquire_sent(sequence, now);
            self.counters.n_enquiries_sent += 1;
            encode_header_only(CommandId::EnquireLink, CommandStatus::ROK, sequence, out);
        }
        Ok(())
    }

    /// Whether nothing is open any more, in either direction.
    const fn is_settled(&self) -> bool {
        self.window.n_open() == 0 && self.n_unacknowledged == 0
    }

    fn unbind(&mut self, why: Retire, now: Instant, out: &mut Vec<u8>) -> Result<(), Close> {
        if let Retire::PeerUnbound { sequence } = why {
            encode_header_only(CommandId::UnbindResp, CommandStatus::ROK, sequence, out);
            return Err(Close::PeerUnbound);
        }
        let sequence = self.window.next_sequence();
        encode_header_only(CommandId::Unbind, CommandStatus::ROK, sequence, out);
        self.phase = Phase::Unbinding { why, sequence, until: now + self.options.timers.unbind };
        Ok(())
    }

    /// Octets arrived; `partial` when they end in the middle of a PDU, and `n_pdus` were whole.
    pub(crate) fn on_input(&mut self, now: Instant, n_pdus: usize, partial: bool) {
        self.timing.on_input(now, n_pdus, partial);
    }

    /// When [`Session::on_time`] is to be called at the latest.
    pub(crate) fn next_wake(&mut self, now: Instant) -> Instant {
        let input = self.timing.next_input_wake();
        match self.phase {
            Phase::Binding { until, .. } | Phase::Unbinding { until, .. } => input.min(until),
            Phase::Retiring { until, .. } if self.is_settled() => until.min(now),
            // The open submits have the session's deadline now instead of their own.
            Phase::Retiring { until, .. } => input.min(self.timing.next_enquire_wake()).min(until),
            Phase::Bound => {
                let wake = input.min(self.timing.next_enquire_wake());
                let wake = self.questions.next_until().map_or(wake, |until| wake.min(until));
                let oldest = self.window.oldest_written();
                oldest.map_or(wake, |written| wake.min(self.timing.answer_deadline(written, now)))
            }
        }
    }
}

#[cfg(test)]
mod tests;
