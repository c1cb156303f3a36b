//! Which messages of one carrier are asked for (query_sm), and when: the walk over the list, the
//! rate, and what is under way. Knows neither the ledger nor the wire.

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

use volley_core::{MessageToken, RowIndex};
use volley_pipeline::{Question as WireQuestion, StatusClasses, Told};
use volley_reconciler::{Question, Questions, record::QUESTIONS_MAX};
use volley_smpp::{
    address::TonNpi,
    pdu::{Address, CommandId, CommandStatus, Header, Pdu, QuerySm, StatusClass},
};

use crate::options::QueryOptions;

/// Questions under way at once, at most.
const OPEN_MAX: usize = 64;
/// So many questions in a row without an answer: no more are asked until the next resume.
const UNANSWERED_MAX: u32 = 20;
/// How long nothing is asked after the carrier said that we are too fast.
const THROTTLE_PAUSE: Duration = Duration::from_secs(1);
/// How often the list is gone through, at most and at least.
const ROUND_MIN: Duration = Duration::from_millis(200);
const ROUND_MAX: Duration = Duration::from_secs(60);

/// What asks one carrier.
pub(crate) struct Asker {
    schedule: Schedule,
    /// From one question to the next.
    interval: Duration,
    statuses: StatusClasses,
    pub(crate) accepted_is_delivered: bool,
    /// Of the messages: a carrier tells their sender alone (SMPP 3.4, 4.8.1).
    source: (TonNpi, Vec<u8>),
    /// When the next question is due.
    due: Instant,
    next_round: Instant,
    from: RowIndex,
    waiting: VecDeque<Question>,
    /// Handed over and not answered, with how often each was asked for before.
    open: BTreeMap<MessageToken, u8>,
    n_unanswered: u32,
    /// Why no more is asked.
    given_up: Option<GivenUp>,
}

/// When a message is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Schedule {
    after: Duration,
    deadline: Duration,
}

/// Why a carrier is not asked any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GivenUp {
    /// It doesn't know the operation.
    Unknown,
    /// It never answers.
    Silent,
}

impl Schedule {
    /// `age`: since the message was submitted.
    pub(crate) fn is_due(self, n_asked: u8, age: Duration) -> bool {
        // What is asked for at the deadline alone would be answered after it.
        let last = self.deadline - self.deadline / 10;
        match n_asked {
            0 => age >= self.after.min(last),
            n if n < QUESTIONS_MAX => age >= self.after.saturating_mul(1 << n),
            _ => false,
        }
    }
}

impl Asker {
    /// `deadline`: after which the campaign waits for no receipt; `source`: the messages' sender.
    pub(crate) fn new(
        options: &QueryOptions,
        deadline: Duration,
        statuses: StatusClasses,
        accepted_is_delivered: bool,
        source: (TonNpi, &str),
        now: Instant,
    ) -> Self {
        let (ton_npi, sender) = source;
        let addr = sender.strip_prefix('+').unwrap_or(sender).as_bytes().to_vec();
        Self {
            schedule: Schedule { after: options.after.0, deadline },
            interval: options.rate.interval(),
            statuses,
            accepted_is_delivered,
            source: (ton_npi, addr),
            due: now,
            next_round: now,
            from: RowIndex(0),
            waiting: VecDeque::new(),
            open: BTreeMap::new(),
            n_unanswered: 0,
            given_up: None,
        }
    }

    pub(crate) const fn schedule(&self) -> Schedule {
        self.schedule
    }

    /// Where in the list to look for more, and for how many; `None` when there is enough, or it
    /// was looked through a moment ago.
    pub(crate) fn look(&self, now: Instant) -> Option<(RowIndex, usize)> {
        let is_idle = self.waiting.is_empty() && self.given_up.is_none() && self.due <= now;
        (is_idle && self.next_round <= now && self.open.len() < OPEN_MAX).then_some((self.from, OPEN_MAX))
    }

    /// What was found there.
    pub(crate) fn found(&mut self, questions: Questions, now: Instant) {
        let open = &self.open;
        self.waiting.extend(questions.found.into_iter().filter(|question| !open.contains_key(&question.token)));
        self.from = questions.next.unwrap_or_default();
        if questions.next.is_none() {
            let round = self.schedule.after.min(self.schedule.deadline) / 20;
            self.next_round = now + round.clamp(ROUND_MIN, ROUND_MAX);
        }
    }

    /// What is to be asked at `now`. `tick`: since the last call, about; what was not asked then
    /// is not made up for.
    pub(crate) fn take(&mut self, now: Instant, tick: Duration) -> Vec<WireQuestion> {
        let mut taken = Vec::new();
        self.due = self.due.max(now.checked_sub(tick).unwrap_or(now));
        while self.due <= now && self.open.len() < OPEN_MAX && self.given_up.is_none() {
            let Some(question) = self.waiting.pop_front() else { break };
            // An id that is too long for the operation can't be asked for.
            let Some(pdu) = self.encode(&question.id) else { continue };
            self.due += self.interval;
            self.open.insert(question.token, question.n_asked);
            taken.push(WireQuestion { token: question.token, id: question.id, pdu });
        }
        taken
    }

    fn encode(&self, id: &[u8]) -> Option<Vec<u8>> {
        let (TonNpi { ton, npi }, addr) = &self.source;
        let source = Address { ton: *ton, npi: *npi, addr };
        let mut pdu = Vec::new();
        let header = Header {
            command_length: 0,
            command_id: CommandId::QuerySm,
            command_status: CommandStatus::ROK,
            sequence_number: 0,
        };
        Pdu::QuerySm(QuerySm { message_id: id, source }).encode(&header, &mut pdu).ok()?;
        Some(pdu)
    }

    /// A question came back: as how often asked its message counts now.
    pub(crate) fn answered(&mut self, token: MessageToken, told: Told, now: Instant) -> u8 {
        let before = self.open.remove(&token).unwrap_or_default();
        self.n_unanswered = if told == Told::Nothing { self.n_unanswered + 1 } else { 0 };
        match told {
            Told::State { .. } => before + 1,
            Told::Nothing => {
                if self.n_unanswered >= UNANSWERED_MAX {
                    self.given_up.get_or_insert(GivenUp::Silent);
                }
                before + 1
            }
            Told::Refused { status: CommandStatus::RINVCMDID } => {
                self.given_up = Some(GivenUp::Unknown);
                before + 1
            }
            Told::Refused { status } => match self.statuses.class_of(status) {
                StatusClass::Throttle => {
                    self.due = now + THROTTLE_PAUSE;
                    before
                }
                StatusClass::Transient | StatusClass::Session => before + 1,
                StatusClass::Ok | StatusClass::Permanent | StatusClass::Config | StatusClass::Auth => QUESTIONS_MAX,
            },
        }
    }

    pub(crate) const fn given_up(&self) -> Option<GivenUp> {
        self.given_up
    }
}

impl GivenUp {
    /// What a person should know of it.
    pub(crate) const fn in_words(self) -> &'static str {
        match self {
            Self::Unknown => "doesn't know query_sm: take `query` out of its profile",
            Self::Silent => "doesn't answer query_sm: nothing more is asked until the next resume",
        }
    }
}

#[cfg(test)]
mod tests {
    use volley_core::{Clock as _, ReceiptState, SystemClock};

    use super::*;
    use crate::options::HumanDuration;

    const TICK: Duration = Duration::from_millis(200);

    fn asker(rate: &str, now: Instant) -> Asker {
        let options = QueryOptions { after: HumanDuration(Duration::from_secs(60)), rate: rate.parse().unwrap() };
        let source = (TonNpi::ALPHANUMERIC, "ACME");
        Asker::new(&options, Duration::from_secs(600), StatusClasses::default(), false, source, now)
    }

    fn questions(rows: std::ops::Range<u32>) -> Questions {
        let token = |row| MessageToken::new(RowIndex(row), 0);
        let found = rows.map(|row| Question { token: token(row), id: row.to_string().into_bytes(), n_asked: 0 });
        Questions { found: found.collect(), next: None }
    }

    #[test]
    fn a_message_is_asked_for_three_times_and_once_before_the_deadline_in_any_case() {
        let schedule = Schedule { after: Duration::from_secs(60), deadline: Duration::from_secs(600) };
        let due_s = |n_asked| (0..=600).find(|s| schedule.is_due(n_asked, Duration::from_secs(*s)));
        assert_eq!([0, 1, 2, 3].map(due_s), [Some(60), Some(120), Some(240), None]);
        let schedule = Schedule { after: Duration::from_secs(3_600), ..schedule };
        assert!(schedule.is_due(0, Duration::from_secs(540)) && !schedule.is_due(0, Duration::from_secs(539)));
    }

    #[test]
    fn the_rate_is_kept_to_and_what_was_missed_is_not_made_up_for() {
        let start = SystemClock.now();
        let mut asker = asker("10/s", start);
        asker.found(questions(0..60), start);
        let mut taken = |after| asker.take(start + after, TICK).len();
        assert_eq!(taken(Duration::ZERO), 1);
        let in_a_second: usize = (1..=5).map(|n| taken(TICK * n)).sum();
        assert_eq!(in_a_second, 10);
        assert_eq!(taken(Duration::from_secs(60)), 3);
    }

    #[test]
    fn the_list_is_gone_through_again_after_a_round_and_what_is_under_way_is_not_asked_twice() {
        let start = SystemClock.now();
        let mut asker = asker("1000/s", start);
        assert_eq!(asker.look(start), Some((RowIndex(0), OPEN_MAX)));
        asker.found(Questions { next: Some(RowIndex(7)), ..questions(0..5) }, start);
        assert_eq!(asker.look(start), None, "five wait");
        let at = start + TICK;
        assert_eq!(asker.take(at, TICK).len(), 5);
        assert_eq!(asker.look(at), Some((RowIndex(7), OPEN_MAX)));
        asker.found(questions(3..5), at);
        assert!(asker.take(at + TICK, TICK).is_empty());
        assert_eq!(asker.look(at + TICK), None);
        assert_eq!(asker.look(at + Duration::from_secs(3)), Some((RowIndex(0), OPEN_MAX)));
    }

    #[test]
    fn refusals_and_silence_end_it() {
        let start = SystemClock.now();
        let token = MessageToken::new(RowIndex(0), 0);
        let refused = |status| Told::Refused { status };
        let asked = |told| {
            let mut asker = asker("1000/s", start);
            asker.found(questions(0..1), start);
            assert_eq!(asker.take(start, TICK).len(), 1);
            (asker.answered(token, told, start), asker.given_up())
        };
        let enroute = Told::State { state: ReceiptState::Enroute, error_code: 0 };
        assert_eq!(asked(enroute), (1, None));
        assert_eq!(asked(Told::Nothing), (1, None));
        assert_eq!(asked(refused(CommandStatus::RQUERYFAIL)), (QUESTIONS_MAX, None));
        assert_eq!(asked(refused(CommandStatus::RTHROTTLED)), (0, None));
        assert_eq!(asked(refused(CommandStatus::RINVCMDID)), (1, Some(GivenUp::Unknown)));
        let mut silent = asker("1000/s", start);
        silent.found(questions(0..40), start);
        for n in 0..UNANSWERED_MAX {
            assert_eq!(silent.given_up(), None, "{n}");
            silent.answered(MessageToken::new(RowIndex(n), 0), Told::Nothing, start);
        }
        assert_eq!((silent.given_up(), silent.take(start + TICK, TICK).len()), (Some(GivenUp::Silent), 0));
    }
}
