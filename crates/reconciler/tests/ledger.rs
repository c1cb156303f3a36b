//! What the ledger promises, on a real journal and a real store: whatever happens between two
//! records, the state rebuilt is the state that was.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::{collections::BTreeMap, path::Path, sync::mpsc};

use volley_core::{
    CHUNK_ROWS, CampaignId, CarrierIndex, MessageState, MessageToken, ReceiptState, RecipientCheck, RowIndex,
    UnixMicros,
};
use volley_journal::{Event, Journal, JournalOptions, Writer};
use volley_reconciler::{
    Checkpoint, Ledger, ListIndex, NumberHash, Standing, Summary, SuppressCause,
    record::{
        Answer, AnswerEntry, Attempt, Control, DoubtCause, Event as Recorded, EventWriter, Events, Head, InferredEntry,
        IntentEntry, Order, Ordered, Planned, ReceiptEntry, ReceiptFacts, Resolution, SuppressChange, SuppressEntry,
    },
};

const CAMPAIGN: CampaignId = CampaignId(1);
const NORTH: CarrierIndex = CarrierIndex(0);

/// xorshift: the tests' only randomness, from a seed that they print.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

struct World {
    dir: tempfile::TempDir,
    writer: Option<(Writer, mpsc::Receiver<Event>)>,
    ledger: Option<Ledger>,
    now: u64,
}

impl World {
    fn new(n_valid: u32) -> Self {
        let mut world = Self { dir: tempfile::tempdir().unwrap(), writer: None, ledger: None, now: 1_000_000 };
        world.open();
        world.record(|events, head| {
            events.carrier(NORTH, "north");
            let rejected = BTreeMap::from([("duplicate".to_owned(), 3)]);
            let plan = Planned {
                name: "test".to_owned(),
                list_hash: String::new(),
                n_rows: u64::from(n_valid) + 3,
                n_valid,
                n_segments: n_valid.into(),
                rejected,
                files: BTreeMap::new(),
            };
            events.planned(CAMPAIGN, head.at, &plan);
            events.control(CAMPAIGN, head.at, Control::Started, "");
        });
        world
    }

    fn journal_dir(&self) -> std::path::PathBuf {
        self.dir.path().join("journal")
    }

    fn store_dir(&self) -> std::path::PathBuf {
        self.dir.path().join("store")
    }

    fn open(&mut self) {
        let (journal, _) = Journal::open(&self.journal_dir(), JournalOptions::default()).unwrap();
        self.ledger = Some(Ledger::open(&self.store_dir(), &journal).unwrap().ledger);
        let (events, durable) = mpsc::channel();
        self.writer = Some((journal.start(move |event| events.send(event).unwrap()).unwrap(), durable));
    }

    /// As a kill would: nothing is told, nothing is written.
    fn crash(&mut self) {
        self.ledger = None;
        self.writer = None;
    }

    fn ledger(&mut self) -> &mut Ledger {
        self.ledger.as_mut().unwrap()
    }

    fn summary(&mut self) -> Summary {
        self.ledger().summary(CAMPAIGN).unwrap()
    }

    fn record(&mut self, write: impl FnOnce(&mut EventWriter, Head)) {
        self.now += 1_000;
        let mut events = EventWriter::default();
        write(&mut events, Head { campaign: CAMPAIGN, carrier: NORTH, at: UnixMicros(self.now) });
        if events.is_empty() {
            return;
        }
        let (writer, durable) = self.writer.as_ref().unwrap();
        writer.append(events.take(Vec::new())).unwrap();
        let Event::Durable { sequence, payload } = durable.recv().unwrap() else { panic!("a write failed") };
        self.ledger.as_mut().unwrap().fold(sequence.0, &payload).unwrap();
    }

    fn report(&mut self) -> Vec<String> {
        let mut rows = Vec::new();
        let each = |row: &volley_reconciler::ReportRow<'_>| {
            rows.push(format!("{row:?}"));
            Ok::<_, volley_reconciler::Error>(())
        };
        self.ledger().report(CAMPAIGN, each).unwrap();
        rows
    }
}

fn token(row: u32, segment: u8) -> MessageToken {
    MessageToken::new(RowIndex(row), segment)
}

fn check_of(row: u32) -> RecipientCheck {
    RecipientCheck(row as u16)
}

fn id_of(row: u32, segment: u8, attempt: u32) -> Vec<u8> {
    format!("{:x}", (u64::from(row) << 16) + (u64::from(segment) << 8) + u64::from(attempt) + 7).into_bytes()
}

fn facts_of(row: u32, submitted_s: u64) -> ReceiptFacts {
    ReceiptFacts { submitted: UnixMicros(1_000_000 * submitted_s), recipient: row, sender: 9 }
}

/// One random turn: intents, answers, losses, receipts in any order, early and doubled.
fn random_turn(world: &mut World, random: &mut Random, n_rows: u64, attempt: u32) {
    let rows: Vec<u32> = (0..1 + random.below(20)).map(|_| random.below(n_rows) as u32).collect();
    let n_segments = |row: u32| if row.is_multiple_of(13) { 3 } else { 1 };
    let kind = random.below(11);
    let mut dice = Random(random.below(u64::MAX) | 1);
    world.record(|events, head| {
        let tokens = || rows.iter().flat_map(|row| (0..n_segments(*row)).map(|segment| token(*row, segment)));
        match kind {
            0..=2 => events.intent(
                head,
                0,
                rows.iter().map(|row| IntentEntry { row: RowIndex(*row), n_segments: n_segments(*row), only: None }),
            ),
            3..=4 => {
                let ids: Vec<_> =
                    tokens().map(|token| (token, id_of(token.row().0, token.segment(), attempt))).collect();
                let answer = |status: u64, id| match status {
                    0 => Answer::Failed { status: 0x0B },
                    1 => Answer::Deferred { status: 0x08, until: head.at.plus(std::time::Duration::from_secs(30)) },
                    2 => Answer::Throttled { status: 0x58 },
                    _ => Answer::Accepted { id, folded: None, check: RecipientCheck(0) },
                };
                let entries = ids.iter().map(|(token, id)| {
                    let answer = match answer(dice.below(12), id.as_slice()) {
                        Answer::Accepted { id, folded, .. } => {
                            Answer::Accepted { id, folded, check: check_of(token.row().0) }
                        }
                        other @ (Answer::Failed { .. } | Answer::Deferred { .. } | Answer::Throttled { .. }) => other,
                    };
                    AnswerEntry { token: *token, answer }
                });
                events.answers(head, entries);
            }
            5 => events.in_doubt(head, DoubtCause::ConnectionLost, tokens()),
            6 => {
                let as_ = [Resolution::Resend, Resolution::Failed, Resolution::Sent][dice.below(3) as usize];
                events.resolved(head, as_, "test", tokens());
            }
            7 if dice.below(4) == 0 => {
                let ids: Vec<_> =
                    tokens().map(|token| (token, id_of(token.row().0, token.segment(), attempt))).collect();
                let entries = ids.iter().map(|(token, id)| InferredEntry {
                    token: *token,
                    id,
                    folded: None,
                    check: check_of(token.row().0),
                    attempt: if dice.below(4) == 0 { Attempt::Earlier } else { Attempt::Present },
                });
                events.inferred(head, entries);
            }
            7 if dice.below(3) == 0 => events.no_receipt(head, tokens()),
            7 => events.returned(head, tokens()),
            _ => {
                let ids: Vec<_> = tokens()
                    .map(|token| (token, id_of(token.row().0, token.segment(), attempt - dice.below(2) as u32)))
                    .collect();
                let entries = ids.iter().map(|(token, id)| ReceiptEntry {
                    id,
                    state: ReceiptState::from_u8(dice.below(10) as u8).unwrap(),
                    err: if dice.below(3) == 0 { b"001" } else { b"" },
                    check: Some(check_of(token.row().0 + u32::from(dice.below(50) == 0))),
                    raw: None,
                    facts: (dice.below(2) == 0).then(|| facts_of(token.row().0, dice.below(10))),
                });
                events.receipts(NORTH, head.at, entries);
            }
        }
    });
}

fn give(world: &mut World, order: Order) {
    let at_us = world.now;
    let ordered = Ordered { campaign: CAMPAIGN.0, at_us, by: "anna@host".to_owned(), why: "test".to_owned(), order };
    world.record(|events, _| events.ordered(&ordered));
}

/// What holds, and all that was ever ordered.
fn orders(world: &mut World) -> (Standing, Vec<Ordered>) {
    (world.ledger().standing(CAMPAIGN).unwrap().clone(), world.ledger().audit().unwrap())
}

fn run_seed(seed: u64) {
    eprintln!("seed {seed}");
    let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let n_valid = CHUNK_ROWS * 2 + 100;
    // A few rows at both sides of chunk borders, so that each is hit often.
    let n_rows = [30, u64::from(n_valid)][random.below(2) as usize];
    let mut world = World::new(n_valid);
    for step in 0..300_u32 {
        random_turn(&mut world, &mut random, n_rows, 1 + step / 60);
        if random.below(20) == 0 {
            let carrier = (random.below(3) == 0).then_some(NORTH.0);
            let order = [Order::Pause { carrier }, Order::Resume { carrier }, Order::Pass][random.below(3) as usize];
            give(&mut world, order);
        }
        // A third of the campaigns is cancelled towards the end, a range for each record.
        if seed.is_multiple_of(3) && step == 220 {
            give(&mut world, Order::Cancel);
        }
        if seed.is_multiple_of(3) && (221..224).contains(&step) {
            let from = (step - 221) * CHUNK_ROWS;
            world.record(|events, head| events.cancelled(CAMPAIGN, head.at, &(from..(from + CHUNK_ROWS).min(n_valid))));
        }
        if seed.is_multiple_of(3) && step >= 224 {
            let states = world.summary().states;
            let waiting = states.get(MessageState::Pending) + states.get(MessageState::Deferred);
            assert_eq!(waiting, 0, "seed {seed}, step {step}: what comes back is cancelled, too");
        }
        let summary = world.summary();
        assert!(summary.adds_up(), "seed {seed}, step {step}: {summary:?}");
        match random.below(40) {
            0 => drop(world.ledger().checkpoint(Checkpoint::Due).unwrap()),
            1 => drop(world.ledger().checkpoint(Checkpoint::All).unwrap()),
            2 | 3 => {
                let (before, rows, receipts) = (world.summary(), world.report(), world.ledger().receipt_counters());
                let (standing, audit) = orders(&mut world);
                world.crash();
                if random.below(3) == 0 {
                    std::fs::remove_dir_all(world.store_dir()).unwrap();
                }
                world.open();
                assert_eq!(world.summary(), before, "seed {seed}, step {step}");
                assert_eq!(world.report(), rows, "seed {seed}, step {step}");
                assert_eq!(world.ledger().receipt_counters(), receipts, "seed {seed}, step {step}");
                assert_eq!(orders(&mut world), (standing, audit), "seed {seed}, step {step}");
            }
            _ => {}
        }
    }
}

#[test]
fn state_rebuilt_at_any_point_is_the_state_that_was() {
    for seed in 1..=40 {
        run_seed(seed);
    }
}

fn accept(world: &mut World, row: u32, id: &[u8]) {
    world.record(|events, head| {
        events.intent(head, 0, [IntentEntry { row: RowIndex(row), n_segments: 1, only: None }]);
        let answer = Answer::Accepted { id, folded: None, check: check_of(row) };
        events.answers(head, [AnswerEntry { token: token(row, 0), answer }]);
    });
}

fn receipt(world: &mut World, id: &[u8], state: ReceiptState, check: Option<RecipientCheck>) {
    world.record(|events, head| {
        events.receipts(NORTH, head.at, [ReceiptEntry { id, state, err: b"", check, raw: None, facts: None }])
    });
}

fn n_in(world: &mut World, state: MessageState) -> u64 {
    world.summary().states.get(state)
}

#[test]
fn a_long_list_is_cancelled_in_little_memory() {
    const N_ROWS: u32 = 2_000_000;
    const RANGE: u32 = 16 * CHUNK_ROWS;
    let mut world = World::new(N_ROWS);
    accept(&mut world, 7, b"seven");
    give(&mut world, Order::Cancel);
    let mut most = 0;
    for from in (0..N_ROWS).step_by(RANGE as usize) {
        world.record(|events, head| events.cancelled(CAMPAIGN, head.at, &(from..(from + RANGE).min(N_ROWS))));
        most = most.max(world.ledger().n_octets_open());
        world.ledger().checkpoint(Checkpoint::Due).unwrap();
    }
    assert_eq!(n_in(&mut world, MessageState::Cancelled), u64::from(N_ROWS) - 1);
    assert!(most < 4 << 20, "{most} octets were in memory");
    let before = world.summary();
    world.crash();
    world.open();
    assert_eq!(world.summary(), before);
}

#[test]
fn an_early_receipt_waits_for_its_answer_also_over_a_restart() {
    let mut world = World::new(10);
    receipt(&mut world, b"abc", ReceiptState::Delivered, None);
    world.ledger().checkpoint(Checkpoint::All).unwrap();
    world.crash();
    world.open();
    accept(&mut world, 4, b"abc");
    assert_eq!(n_in(&mut world, MessageState::Delivered), 1);
    world.crash();
    world.open();
    assert_eq!((n_in(&mut world, MessageState::Delivered), world.ledger().receipt_counters().early), (1, 1));
}

#[test]
fn a_receipt_for_another_recipient_is_an_orphan() {
    let mut world = World::new(10);
    accept(&mut world, 4, b"abc");
    receipt(&mut world, b"abc", ReceiptState::Delivered, Some(check_of(5)));
    assert_eq!((n_in(&mut world, MessageState::Accepted), world.ledger().receipt_counters().orphans), (1, 1));
    receipt(&mut world, b"abc", ReceiptState::Delivered, Some(check_of(4)));
    assert_eq!(n_in(&mut world, MessageState::Delivered), 1);
}

#[test]
fn late_success_corrects_and_the_count_says_so() {
    let mut world = World::new(10);
    accept(&mut world, 0, b"1");
    receipt(&mut world, b"1", ReceiptState::Undeliverable, None);
    assert_eq!(n_in(&mut world, MessageState::Undelivered), 1);
    receipt(&mut world, b"1", ReceiptState::Delivered, None);
    assert_eq!((n_in(&mut world, MessageState::Delivered), n_in(&mut world, MessageState::Undelivered)), (1, 0));
    assert_eq!(world.ledger().receipt_counters().corrections, 1);
    assert!(world.summary().reasons.iter().all(|(reason, _)| reason == "duplicate"));
}

#[test]
fn an_unknown_outcome_is_never_taken_for_a_refusal() {
    let mut world = World::new(10);
    world.record(|events, head| {
        events.intent(head, 0, (0..3).map(|row| IntentEntry { row: RowIndex(row), n_segments: 1, only: None }));
    });
    assert_eq!(world.ledger().unanswered(CAMPAIGN).unwrap().len(), 3);
    world.record(|events, head| events.in_doubt(head, DoubtCause::Crash, (0..3).map(|row| token(row, 0))));
    let waiting = |world: &mut World| -> Vec<u32> {
        world.ledger().touched_rows_to_send(CAMPAIGN).unwrap().iter().map(|waiting| waiting.row.0).collect()
    };
    assert_eq!((n_in(&mut world, MessageState::InDoubt), waiting(&mut world)), (3, (3..10).collect()));
    world.record(|events, head| events.resolved(head, Resolution::Resend, "operator", [token(1, 0)]));
    assert_eq!(waiting(&mut world), [1, 3, 4, 5, 6, 7, 8, 9]);
    assert_eq!((n_in(&mut world, MessageState::InDoubt), world.summary().possible_duplicates), (2, 1));
}

fn damage(path: &Path, seed: u64) {
    let mut random = Random(seed | 1);
    let files: Vec<_> =
        std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).filter(|p| p.is_file()).collect();
    let Some(file) = files.get(random.below(files.len() as u64) as usize) else { return };
    let mut octets = std::fs::read(file).unwrap();
    match random.below(4) {
        0 => octets.truncate(random.below(octets.len() as u64 + 1) as usize),
        1 => octets.extend((0..1 + random.below(64)).map(|n| n as u8)),
        2 => octets.clear(),
        _ => {
            let at = random.below(octets.len().max(1) as u64) as usize;
            if let Some(octet) = octets.get_mut(at) {
                *octet ^= 1 << random.below(8);
            }
        }
    }
    std::fs::write(file, octets).unwrap();
}

#[test]
fn a_damaged_store_is_set_aside_and_the_report_is_the_same() {
    for seed in 1..=25 {
        eprintln!("seed {seed}");
        let mut random = Random(seed * 77 + 1);
        let mut world = World::new(500);
        for step in 0..40 {
            random_turn(&mut world, &mut random, 500, 1 + step / 10);
        }
        world.ledger().checkpoint(Checkpoint::All).unwrap();
        world.ledger().sync().unwrap();
        let (before, rows) = (world.summary(), world.report());
        world.crash();
        damage(&world.store_dir(), seed);
        world.open();
        assert_eq!((world.summary(), world.report()), (before, rows), "seed {seed}");
    }
}

#[test]
fn rows_that_miss_the_deadline_expire_and_stay_so() {
    let mut world = World::new(4);
    world.record(|events, head| {
        let intent = |row| IntentEntry { row: RowIndex(row), n_segments: 1, only: None };
        events.intent(head, 0, [intent(0), intent(1)]);
        events.returned(head, [MessageToken::new(RowIndex(1), 0)]);
        // The first was begun, and is what its answer says.
        events.missed(head, [0, 1, 2, 3].map(|row| MessageToken::new(RowIndex(row), 0)));
    });
    for _ in 0..2 {
        let summary = world.summary();
        let n_in = [MessageState::Expired, MessageState::InFlight].map(|state| summary.states.get(state));
        assert_eq!((n_in, summary.adds_up()), ([3, 1], true), "{summary:?}");
        let missed = summary.reasons.iter().find(|(reason, _)| reason == "not begun by the deadline");
        assert_eq!(missed.map(|(_, n_rows)| *n_rows), Some(3), "{summary:?}");
        world.ledger().checkpoint(Checkpoint::All).unwrap();
        world.crash();
        world.open();
    }
}

#[test]
fn suppressed_numbers_and_rows_stay_so_over_crash_and_clean_end() {
    let mut world = World::new(3);
    let entry = |n: u8, change, reply| SuppressEntry {
        at: UnixMicros(5),
        number: NumberHash([n; 16]),
        check: RecipientCheck(n.into()),
        change,
        cause: SuppressCause::Reply,
        reply,
    };
    world.record(|events, head| {
        events.suppress(&entry(1, SuppressChange::Add, 1));
        events.suppress(&entry(2, SuppressChange::Add, 2));
        events.suppress(&entry(1, SuppressChange::Lift, 3));
        let two_parts = IntentEntry { row: RowIndex(1), n_segments: 2, only: None };
        events.intent(head, 0, [two_parts]);
        events.returned(head, [MessageToken::new(RowIndex(1), 1)]);
        events.suppressed(head, SuppressCause::Reply, [0, 1].map(|row| MessageToken::new(RowIndex(row), 0)));
    });
    let check = |world: &mut World, in_flight: u64| {
        let summary = world.summary();
        let n_in = |state| summary.states.get(state);
        let states = [MessageState::Suppressed, MessageState::InFlight, MessageState::Pending].map(n_in);
        assert_eq!(states, [2 - in_flight, in_flight, 1], "{summary:?}");
        assert!(summary.adds_up());
        let list = world.ledger().suppressed();
        let is_on = |n: u8| {
            let hash = || NumberHash([n; 16]);
            list.get(&[ListIndex::GLOBAL], RecipientCheck(n.into()), UnixMicros(u64::MAX), hash).is_some()
        };
        assert_eq!(
            (is_on(1), is_on(2), list.list(ListIndex::GLOBAL).unwrap().len(), list.last_reply()),
            (false, true, 1, 3)
        );
    };
    check(&mut world, 1);
    world.crash();
    world.open();
    check(&mut world, 1);
    // The part that was sent decides while nobody knows its fate; then the row is what it is.
    world.record(|events, head| {
        let answer = Answer::Accepted { id: b"7", folded: None, check: RecipientCheck(1) };
        events.answers(head, [AnswerEntry { token: MessageToken::new(RowIndex(1), 0), answer }]);
    });
    world.ledger().checkpoint(Checkpoint::All).unwrap();
    check(&mut world, 0);
    world.crash();
    world.open();
    check(&mut world, 0);
}

#[test]
fn a_receipt_finds_a_segment_that_went_elsewhere_than_its_row_also_after_a_restart() {
    let mut world = World::new(1);
    let south = CarrierIndex(1);
    let check = RecipientCheck(7);
    let token = |segment| MessageToken::new(RowIndex(0), segment);
    let accepted =
        |segment| AnswerEntry { token: token(segment), answer: Answer::Accepted { id: b"77", folded: None, check } };
    let intent = |only| IntentEntry { row: RowIndex(0), n_segments: 2, only };
    world.record(|events, _| events.carrier(south, "south"));
    world.record(|events, head| events.intent(head, 0, [intent(None)]));
    let throttled = AnswerEntry { token: token(1), answer: Answer::Throttled { status: 0x58 } };
    world.record(|events, head| events.answers(head, [accepted(0), throttled]));
    world.record(|events, head| events.intent(Head { carrier: south, ..head }, 0, [intent(Some(1))]));
    world.record(|events, head| events.answers(Head { carrier: south, ..head }, [accepted(1)]));
    world.ledger().checkpoint(Checkpoint::All).unwrap();
    world.crash();
    world.open();
    for carrier in [NORTH, south] {
        let receipt = ReceiptEntry {
            id: b"77",
            state: ReceiptState::Delivered,
            err: b"",
            check: Some(check),
            raw: None,
            facts: None,
        };
        world.record(|events, head| events.receipts(carrier, head.at, [receipt]));
    }
    assert_eq!(world.summary().segments.delivered, 2);
    assert_eq!(world.summary().states.get(MessageState::Delivered), 1);
}

#[test]
fn a_receipt_comes_back_from_its_record_with_all_that_it_says() {
    let facts = |submitted_s: u64| ReceiptFacts {
        submitted: UnixMicros(submitted_s * 1_000_000),
        recipient: 0xDEAD_BEEF,
        sender: 0xACE,
    };
    let entry = |raw, facts| ReceiptEntry {
        id: b"171",
        state: ReceiptState::Delivered,
        err: b"000",
        check: Some(RecipientCheck(7)),
        raw,
        facts,
    };
    // Before and after its arrival, by a carrier whose clock is ahead.
    let entries = [entry(Some(&b"00AB"[..]), Some(facts(999))), entry(None, Some(facts(1_100))), entry(None, None)];
    let mut events = EventWriter::default();
    events.receipts(NORTH, UnixMicros(1_000_500_000), entries);
    let record = events.take(Vec::new());
    let read = Events::new(&record).next().unwrap().unwrap();
    let Recorded::Receipts { entries: read, .. } = read else { panic!("{read:?}") };
    assert_eq!(read.collect::<Vec<_>>(), entries);
}
