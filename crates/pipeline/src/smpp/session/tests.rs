//! The state machine alone: octets and times in, octets and decisions out.

use volley_core::{Clock, SystemClock};
use volley_smpp::pdu::{BindResp, MAX_PDU_LEN, MessageResp, ShortMessage, split_frame};

use super::*;
use crate::{Answer, LostCause};

/// A session with the time in the test's hands, and an SMSC that only speaks when told to.
struct Bench {
    session: Session,
    start: Instant,
    now: Instant,
    answers: AnswerBatch,
    out: Vec<u8>,
}

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

impl Bench {
    fn new(window: u32) -> Self {
        let start = SystemClock.now();
        let mut request = Vec::new();
        encode_header_only(CommandId::BindTransceiver, CommandStatus::ROK, 0, &mut request);
        let options = SessionOptions {
            kind: BindKind::Transceiver,
            window,
            adaptive: false,
            timers: Timers::default(),
            ids: IdRules::default(),
            statuses: StatusClasses::default(),
        };
        let mut out = Vec::new();
        let session = Session::begin(options, &Secret::new(request), start, &mut out);
        Self { session, start, now: start, answers: AnswerBatch::default(), out }
    }

    fn bound(window: u32) -> Self {
        let mut bench = Self::new(window);
        assert_eq!(bench.written(), [(CommandId::BindTransceiver, CommandStatus::ROK, 1)]);
        let mut resp = Vec::new();
        BindResp { system_id: b"SMSC", ..BindResp::default() }
            .encode(CommandId::BindTransceiverResp, CommandStatus::ROK, 1, &mut resp)
            .unwrap();
        let bound = Input::Bound { system_id: "SMSC".to_owned(), interface_version: None };
        assert_eq!(bench.read(&resp).unwrap(), bound);
        bench
    }

    /// What was written since the last look.
    fn written(&mut self) -> Vec<(CommandId, CommandStatus, u32)> {
        let mut pdus = Vec::new();
        let mut rest = self.out.as_slice();
        while let Some(pdu) = split_frame(rest, MAX_PDU_LEN).unwrap() {
            rest = &rest[pdu.n_octets()..];
            pdus.push((pdu.header.command_id, pdu.header.command_status, pdu.header.sequence_number));
        }
        assert!(rest.is_empty());
        self.out.clear();
        pdus
    }

    fn submit(&mut self, token: u64) -> u32 {
        let mut pdu = Vec::new();
        ShortMessage::default().encode(CommandId::SubmitSm, 0, &mut pdu).unwrap();
        let mark = self.session.write_mark(self.now);
        self.session.submit(&mut pdu, MessageToken(token), mark);
        u32::from_be_bytes(pdu[12..16].try_into().unwrap())
    }

    fn read(&mut self, octets: &[u8]) -> Result<Input, Close> {
        let pdu = split_frame(octets, MAX_PDU_LEN).unwrap().unwrap();
        self.session.begin_turn(self.now);
        let input = self.session.on_pdu(&pdu, self.now, &mut self.answers, &mut self.out);
        self.session.on_input(self.now, 1, false);
        input
    }

    fn header(&mut self, id: CommandId, status: CommandStatus, sequence: u32) -> Result<Input, Close> {
        let mut pdu = Vec::new();
        encode_header_only(id, status, sequence, &mut pdu);
        self.read(&pdu)
    }

    fn answer(&mut self, sequence: u32, id: &[u8]) {
        let mut pdu = Vec::new();
        MessageResp { message_id: id, ..MessageResp::default() }
            .encode(CommandId::SubmitSmResp, CommandStatus::ROK, sequence, &mut pdu)
            .unwrap();
        assert_eq!(self.read(&pdu).unwrap(), Input::Done);
    }

    fn tick_to(&mut self, after_start: Duration) -> Result<(), Close> {
        self.now = self.start + after_start;
        self.session.on_time(self.now, &mut self.out)
    }

    fn answered(&mut self) -> Vec<u64> {
        let tokens = self.answers.iter().map(|(token, _)| token.0).collect();
        self.answers = AnswerBatch::default();
        tokens
    }
}

#[test]
fn answers_out_of_order_unknown_and_repeated_ones_are_told_apart() {
    let mut bench = Bench::bound(3);
    let sequences: Vec<_> = (0..3).map(|token| bench.submit(token)).collect();
    assert_eq!((sequences.as_slice(), bench.session.room()), (&[2, 3, 4][..], 0));
    bench.answer(4, b"c");
    bench.answer(2, b"a");
    bench.answer(2, b"a");
    bench.answer(999, b"?");
    assert_eq!(bench.session.room(), 2, "a slot is free as soon as its answer is read");
    assert_eq!(bench.answered(), [2, 0]);
    assert_eq!((bench.session.counters.n_answered, bench.session.counters.n_unknown_answers), (2, 2));
    assert_eq!(bench.session.close(), [MessageToken(1)]);
}

#[test]
fn a_missing_answer_ends_the_session_but_late_ones_still_count() {
    let mut bench = Bench::bound(10);
    bench.submit(7);
    bench.tick_to(secs(20)).unwrap();
    let second = bench.submit(8);
    bench.header(CommandId::EnquireLinkResp, CommandStatus::ROK, 99).unwrap();
    bench.tick_to(Duration::from_millis(49_999)).unwrap();
    bench.header(CommandId::EnquireLinkResp, CommandStatus::ROK, 99).unwrap();
    bench.tick_to(Duration::from_millis(59_999)).unwrap();
    assert_eq!(bench.session.phase(), BindPhase::Bound);
    assert!(bench.session.next_wake(bench.now) <= bench.start + secs(60));
    bench.tick_to(secs(60)).unwrap();
    assert_eq!((bench.session.phase(), bench.session.room()), (BindPhase::Draining, 0));
    bench.written();
    bench.answer(second, b"late but known");
    assert_eq!(bench.answered(), [8]);
    bench.tick_to(secs(65)).unwrap();
    let [(CommandId::Unbind, _, sequence)] = bench.written()[..] else { panic!("unbind is written") };
    assert!(matches!(bench.session.reason(Close::PeerClosed), Close::NoAnswer), "it does what we asked for");
    let close = bench.header(CommandId::UnbindResp, CommandStatus::ROK, sequence).unwrap_err();
    assert!(matches!(close, Close::NoAnswer));
    assert_eq!((close.lost_cause(), bench.session.close()), (LostCause::NoAnswer, vec![MessageToken(7)]));
}

#[test]
fn time_in_which_nothing_is_read_does_not_count_against_the_smsc() {
    let mut bench = Bench::bound(10);
    let sequence = bench.submit(7);
    bench.now = bench.start + secs(3_600);
    bench.session.was_not_reading(bench.start, bench.now);
    bench.tick_to(secs(3_600)).unwrap();
    assert_eq!((bench.session.phase(), bench.written()), (BindPhase::Bound, vec![]));
    bench.answer(sequence, b"x");
    assert_eq!(bench.answered(), [7]);
}

#[test]
fn an_idle_link_is_asked_and_a_dead_one_found_within_two_intervals() {
    let mut bench = Bench::bound(10);
    bench.tick_to(Duration::from_millis(29_999)).unwrap();
    assert!(bench.written().is_empty());
    bench.tick_to(secs(30)).unwrap();
    let [(CommandId::EnquireLink, _, sequence)] = bench.written()[..] else { panic!("enquire_link is written") };
    bench.header(CommandId::EnquireLinkResp, CommandStatus::ROK, sequence).unwrap();
    bench.tick_to(secs(60)).unwrap();
    assert_eq!(bench.written().len(), 1, "the next one");
    // Requests of the SMSC don't prove that it answers ours.
    bench.now = bench.start + secs(80);
    bench.header(CommandId::EnquireLink, CommandStatus::ROK, 5).unwrap();
    assert_eq!(bench.written(), [(CommandId::EnquireLinkResp, CommandStatus::ROK, 5)]);
    bench.tick_to(Duration::from_millis(89_999)).unwrap();
    assert!(matches!(bench.tick_to(secs(90)), Err(Close::EnquireUnanswered)));
}

#[test]
fn a_busy_link_is_not_asked() {
    let mut bench = Bench::bound(10);
    for n in 1..20 {
        bench.tick_to(secs(n * 20)).unwrap();
        let sequence = bench.submit(n);
        bench.answer(sequence, b"x");
    }
    assert!(bench.written().is_empty());
}

#[test]
fn throttled_answers_go_up_and_are_told_apart() {
    let mut bench = Bench::bound(10);
    let (first, second, third) = (bench.submit(1), bench.submit(2), bench.submit(3));
    bench.now += Duration::from_millis(7);
    bench.header(CommandId::SubmitSmResp, CommandStatus::RTHROTTLED, first).unwrap();
    bench.header(CommandId::GenericNack, CommandStatus::RMSGQFUL, second).unwrap();
    bench.header(CommandId::SubmitSmResp, CommandStatus::RINVDSTADR, third).unwrap();
    let refused: Vec<_> = bench.answers.iter().map(|(_, answer)| answer).collect();
    let refusal = |status| Answer::Refused { status };
    let expected = [CommandStatus::RTHROTTLED, CommandStatus::RMSGQFUL, CommandStatus::RINVDSTADR];
    assert_eq!(refused, expected.map(refusal));
    assert_eq!((bench.session.room(), bench.session.counters.n_throttled), (10, 2));
    let turn = TurnAnswers { n_accepted: 1, n_throttled: 1, n_queue_full: 1, youngest: Duration::from_millis(7) };
    assert_eq!((bench.session.take_turn(), bench.session.take_turn()), (Some(turn), None));
}

#[test]
fn unknown_requests_are_nacked_and_unknown_responses_never_answered() {
    let mut bench = Bench::bound(10);
    bench.header(CommandId::Unknown(0x1234), CommandStatus::ROK, 0x8000_0007).unwrap();
    bench.header(CommandId::QuerySm, CommandStatus::ROK, 6).unwrap();
    bench.header(CommandId::Unknown(0x8000_1234), CommandStatus::ROK, 7).unwrap();
    bench.header(CommandId::AlertNotification, CommandStatus::ROK, 8).unwrap();
    let nack = |sequence| (CommandId::GenericNack, CommandStatus::RINVCMDID, sequence);
    assert_eq!(bench.written(), [nack(0x8000_0007), nack(6)], "the sequence number is echoed as it came");
}

#[test]
fn a_refused_or_unanswered_bind_is_over() {
    let refused = Bench::new(1).header(CommandId::BindTransceiverResp, CommandStatus::RINVPASWD, 1);
    assert!(matches!(refused, Err(Close::BindRefused(CommandStatus::RINVPASWD))));
    let nacked = Bench::new(1).header(CommandId::GenericNack, CommandStatus::RINVCMDID, 1);
    assert!(matches!(nacked, Err(Close::BindRefused(CommandStatus::RINVCMDID))));
    let mut silent = Bench::new(1);
    assert_eq!(silent.session.room(), 0);
    silent.tick_to(Duration::from_millis(29_999)).unwrap();
    assert!(matches!(silent.tick_to(secs(30)), Err(Close::BindUnanswered)));
    assert!(matches!(Bench::new(1).session.drain(silent.now), Err(Close::Drained)));
}

#[test]
fn before_the_bind_is_answered_only_enquire_link_is() {
    let mut bench = Bench::new(1);
    bench.written();
    bench.header(CommandId::EnquireLink, CommandStatus::ROK, 4).unwrap();
    assert_eq!(bench.header(CommandId::DeliverSm, CommandStatus::ROK, 5).unwrap(), Input::Done);
    let expected =
        [(CommandId::EnquireLinkResp, CommandStatus::ROK, 4), (CommandId::DeliverSmResp, CommandStatus::RINVBNDSTS, 5)];
    assert_eq!(bench.written(), expected);
}

#[test]
fn draining_waits_for_answers_and_acknowledgements_then_unbinds() {
    let mut bench = Bench::bound(10);
    let sequence = bench.submit(1);
    assert_eq!(bench.header(CommandId::DeliverSm, CommandStatus::ROK, 5).unwrap(), Input::Delivery);
    bench.session.drain(bench.now).unwrap();
    bench.session.drain(bench.now).unwrap();
    assert_eq!(bench.session.room(), 0);
    bench.answer(sequence, b"x");
    bench.tick_to(secs(1)).unwrap();
    assert!(bench.written().is_empty(), "a delivery is not acknowledged yet");
    bench.session.acknowledged(1);
    bench.tick_to(secs(2)).unwrap();
    let [(CommandId::Unbind, _, sequence)] = bench.written()[..] else { panic!("unbind is written") };
    assert_eq!(bench.header(CommandId::DeliverSm, CommandStatus::ROK, 6).unwrap(), Input::Delivery);
    assert!(matches!(bench.header(CommandId::UnbindResp, CommandStatus::ROK, sequence), Err(Close::Drained)));
}

#[test]
fn a_drain_ends_at_its_deadline() {
    let mut bench = Bench::bound(10);
    bench.submit(1);
    bench.session.drain(bench.now).unwrap();
    bench.tick_to(Duration::from_millis(29_999)).unwrap();
    assert!(bench.written().is_empty());
    bench.tick_to(secs(30)).unwrap();
    assert_eq!(bench.written()[0].0, CommandId::Unbind);
    bench.tick_to(Duration::from_millis(39_999)).unwrap();
    assert!(matches!(bench.tick_to(secs(40)), Err(Close::Drained)));
    assert_eq!(bench.session.close(), [MessageToken(1)]);
}

#[test]
fn the_peers_unbind_is_answered_once_the_window_is_empty() {
    let mut bench = Bench::bound(10);
    let sequence = bench.submit(1);
    bench.header(CommandId::Unbind, CommandStatus::ROK, 44).unwrap();
    assert_eq!(bench.session.room(), 0);
    bench.tick_to(secs(1)).unwrap();
    bench.answer(sequence, b"x");
    assert!(matches!(bench.tick_to(secs(2)), Err(Close::PeerUnbound)));
    assert_eq!(bench.written(), [(CommandId::UnbindResp, CommandStatus::ROK, 44)]);

    let mut bench = Bench::bound(10);
    bench.submit(1);
    bench.header(CommandId::Unbind, CommandStatus::ROK, 44).unwrap();
    assert!(matches!(bench.tick_to(secs(5)), Err(Close::PeerUnbound)), "not for ever");
    assert_eq!(bench.session.close(), [MessageToken(1)]);
}

#[test]
fn a_session_that_counts_as_not_bound_retires() {
    let mut bench = Bench::bound(10);
    let sequence = bench.submit(1);
    bench.header(CommandId::SubmitSmResp, CommandStatus::RINVBNDSTS, sequence).unwrap();
    assert_eq!((bench.answered(), bench.session.room()), (vec![1], 0));
    bench.tick_to(secs(0)).unwrap();
    assert_eq!(bench.written()[0].0, CommandId::Unbind);
}

#[test]
fn a_carriers_own_reading_of_codes_slows_us_down_or_has_us_bind_anew() {
    let mut bench = Bench::bound(10);
    let own = [
        (0x45..=0x45, StatusClass::Throttle),
        (0x58..=0x58, StatusClass::Transient),
        (0x400..=0x4FF, StatusClass::Session),
    ];
    bench.session.options.statuses = StatusClasses::new(own);
    let (first, second, third) = (bench.submit(1), bench.submit(2), bench.submit(3));
    bench.header(CommandId::SubmitSmResp, CommandStatus::RSUBMITFAIL, first).unwrap();
    bench.header(CommandId::SubmitSmResp, CommandStatus::RTHROTTLED, second).unwrap();
    assert_eq!((bench.session.counters.n_throttled, bench.session.phase()), (1, BindPhase::Bound));
    bench.header(CommandId::SubmitSmResp, CommandStatus(0x410), third).unwrap();
    assert_eq!(bench.session.phase(), BindPhase::Draining);
}

#[test]
fn half_a_pdu_is_waited_for_only_so_long() {
    let mut bench = Bench::bound(10);
    for second in 0..10 {
        bench.now = bench.start + secs(second);
        bench.session.on_input(bench.now, 0, true);
        bench.tick_to(secs(second)).unwrap();
    }
    assert!(matches!(bench.tick_to(secs(10)), Err(Close::PartialPdu)));
    let mut bench = Bench::bound(10);
    for second in 0..25 {
        bench.now = bench.start + secs(second);
        bench.session.on_input(bench.now, 1, true);
        bench.tick_to(secs(second)).unwrap();
    }
}

#[test]
fn wakes_are_never_in_the_past_while_nothing_is_due() {
    let mut bench = Bench::bound(2);
    bench.submit(1);
    for ms in (0..120_000).step_by(250) {
        let result = bench.tick_to(Duration::from_millis(ms));
        if result.is_err() {
            return;
        }
        let wake = bench.session.next_wake(bench.now);
        assert!(wake > bench.now, "after {ms} ms in {:?}", bench.session.phase());
    }
    panic!("a silent SMSC is left in the end");
}
