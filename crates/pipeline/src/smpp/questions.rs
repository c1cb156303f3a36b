//! Questions that wait to be written, and those that wait for their answer on one session.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use volley_core::{MessageToken, ReceiptState};
use volley_smpp::{
    pdu::{CommandStatus, Pdu, RawPdu},
    receipt::{IdRules, MessageState, Side},
};

use super::delivery::state;
use crate::{QueryAnswer, Question, Told};

/// Questions of an account that are not written yet. Its owner bounds them.
#[derive(Debug, Default)]
pub(crate) struct QuestionQueue {
    waiting: Mutex<VecDeque<Question>>,
    /// Whether there may be any: asked in every turn of every session.
    has_any: AtomicBool,
}

impl QuestionQueue {
    fn with<T>(&self, act: impl FnOnce(&mut VecDeque<Question>) -> T) -> T {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let result = act(&mut waiting);
        self.has_any.store(!waiting.is_empty(), Ordering::Release);
        result
    }

    pub(crate) fn push(&self, questions: impl IntoIterator<Item = Question>) {
        self.with(|waiting| waiting.extend(questions));
    }

    pub(crate) fn take(&self) -> Option<Question> {
        if !self.has_any.load(Ordering::Acquire) {
            return None;
        }
        self.with(VecDeque::pop_front)
    }

    /// It could not be written now.
    pub(crate) fn give_back(&self, question: Question) {
        self.with(|waiting| waiting.push_front(question));
    }
}

/// Questions of one session that wait for their answer, the oldest first.
#[derive(Debug, Default)]
pub(super) struct OpenQuestions {
    open: VecDeque<Open>,
    answers: Vec<QueryAnswer>,
}

#[derive(Debug)]
struct Open {
    sequence: u32,
    token: MessageToken,
    id: Vec<u8>,
    until: Instant,
}

impl OpenQuestions {
    pub(super) fn len(&self) -> u32 {
        self.open.len() as u32
    }

    pub(super) fn insert(&mut self, sequence: u32, token: MessageToken, id: Vec<u8>, until: Instant) {
        self.open.push_back(Open { sequence, token, id, until });
    }

    /// A query_sm_resp or generic_nack came; `false` when it answers none of ours.
    pub(super) fn answer(&mut self, pdu: &RawPdu<'_>, ids: &IdRules) -> bool {
        let at = self.open.iter().position(|open| open.sequence == pdu.header.sequence_number);
        let Some(open) = at.and_then(|at| self.open.remove(at)) else { return false };
        self.answers.push(QueryAnswer { token: open.token, told: read(pdu, &open.id, ids) });
        true
    }

    /// Gives up those that waited too long.
    pub(super) fn expire(&mut self, now: Instant) {
        while let Some(open) = self.open.pop_front_if(|open| open.until <= now) {
            self.answers.push(QueryAnswer { token: open.token, told: Told::Nothing });
        }
    }

    /// The session is over.
    pub(super) fn close(&mut self) {
        let lost = self.open.drain(..).map(|open| QueryAnswer { token: open.token, told: Told::Nothing });
        self.answers.extend(lost);
    }

    pub(super) fn next_until(&self) -> Option<Instant> {
        self.open.front().map(|open| open.until)
    }

    /// What came of questions since the last call.
    pub(super) fn take_answers(&mut self) -> Vec<QueryAnswer> {
        std::mem::take(&mut self.answers)
    }
}

fn read(pdu: &RawPdu<'_>, asked: &[u8], ids: &IdRules) -> Told {
    let unreadable = Told::Refused { status: CommandStatus::RUNKNOWNERR };
    match (pdu.header.command_status, pdu.decode()) {
        (CommandStatus::ROK, Ok(Pdu::QuerySmResp(resp))) => {
            let is_of_it = resp.message_id.is_empty() || folded(ids, resp.message_id) == folded(ids, asked);
            let known = MessageState::from_tlv(resp.message_state).map_or(ReceiptState::Unknown, state);
            if is_of_it { Told::State { state: known, error_code: resp.error_code } } else { unreadable }
        }
        // A nack without a reason is a refusal still.
        (CommandStatus::ROK, _) => unreadable,
        (status, _) => Told::Refused { status },
    }
}

fn folded(ids: &IdRules, id: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    ids.fold(Side::Response, id, &mut out);
    out
}
