//! Which messages are asked for, and what answers change.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{collections::BTreeMap, path::Path};

use volley_core::{
    CampaignId, CarrierIndex, MessageState, MessageToken, ReceiptState, RecipientCheck, RowIndex, UnixMicros,
};
use volley_journal::{Journal, JournalOptions};
use volley_reconciler::{
    Checkpoint, Error, Ledger, Questions,
    record::{
        Answer, AnswerEntry, EventWriter, Head, IntentEntry, Planned, QUESTIONS_MAX, QueriedEntry, ReceiptEntry, Told,
    },
};

const CAMPAIGN: CampaignId = CampaignId(1);
const NORTH: CarrierIndex = CarrierIndex(0);
const CHECK: RecipientCheck = RecipientCheck(7);

struct World {
    journal: Journal,
    ledger: Ledger,
    now: u64,
}

impl World {
    /// Five rows that north took as "0" to "4".
    fn new(dir: &Path) -> Self {
        let (journal, _) = Journal::open(&dir.join("journal"), JournalOptions::default()).unwrap();
        let ledger = Ledger::open(&dir.join("store"), &journal).unwrap().ledger;
        let mut world = Self { journal, ledger, now: 1_000_000 };
        world.record(|events, head| {
            events.carrier(NORTH, "north");
            let (name, list_hash) = ("test".to_owned(), String::new());
            let (rejected, files) = (BTreeMap::new(), BTreeMap::new());
            let plan = Planned { name, list_hash, n_rows: 5, n_valid: 5, n_segments: 5, rejected, files };
            events.planned(head.campaign, head.at, &plan);
            let intents = (0..5).map(|row| IntentEntry { row: RowIndex(row), n_segments: 1, only: None });
            events.intent(head, 0, intents);
        });
        (0..5).for_each(|row| world.accept(row, &row.to_string()));
        world
    }

    fn record(&mut self, write: impl FnOnce(&mut EventWriter, Head)) {
        self.now += 1_000_000;
        let mut events = EventWriter::default();
        write(&mut events, Head { campaign: CAMPAIGN, carrier: NORTH, at: UnixMicros(self.now) });
        let record = events.take(Vec::new());
        let sequence = self.journal.append(record.clone()).unwrap();
        self.ledger.fold(sequence.0, &record).unwrap();
    }

    fn accept(&mut self, row: u32, id: &str) {
        let answer = Answer::Accepted { id: id.as_bytes(), folded: None, check: CHECK };
        self.record(|events, head| events.answers(head, [AnswerEntry { token: token(row), answer }]));
    }

    fn told(&mut self, row: u32, n_asked: u8, told: Told<'_>) {
        self.record(|events, head| events.queried(head, [QueriedEntry { token: token(row), n_asked, told }]));
    }

    fn questions(&mut self, from: u32, limit: usize) -> Questions {
        let is_due = |n_asked, _| n_asked < QUESTIONS_MAX;
        self.ledger.questions((CAMPAIGN, NORTH), RowIndex(from), limit, UnixMicros(self.now), is_due).unwrap()
    }

    /// Row and how often it was asked for.
    fn asked_for(&mut self) -> Vec<(u32, u8)> {
        self.questions(0, 10).found.iter().map(|question| (question.token.row().0, question.n_asked)).collect()
    }

    fn states(&self) -> Vec<MessageState> {
        let mut states = Vec::new();
        let each = |row: &volley_reconciler::ReportRow<'_>| {
            states.push(row.state);
            Ok::<_, Error>(())
        };
        self.ledger.report(CAMPAIGN, each).unwrap();
        assert!(self.ledger.summary(CAMPAIGN).unwrap().adds_up());
        states
    }
}

fn token(row: u32) -> MessageToken {
    MessageToken::new(RowIndex(row), 0)
}

const fn state(state: ReceiptState) -> Told<'static> {
    Told::State { state, err: b"009" }
}

#[test]
fn the_list_is_gone_through_in_parts() {
    let dir = tempfile::tempdir().unwrap();
    let mut world = World::new(dir.path());
    let rows = |questions: &Questions| questions.found.iter().map(|q| q.token.row().0).collect::<Vec<_>>();
    let first = world.questions(1, 2);
    assert_eq!((rows(&first), first.next), (vec![1, 2], Some(RowIndex(3))));
    let second = world.questions(3, 2);
    assert_eq!((rows(&second), second.next), (vec![3, 4], None));
    assert_eq!(second.found.first().unwrap().id, b"3");
    let ledger = &mut world.ledger;
    let none = ledger.questions((CAMPAIGN, CarrierIndex(1)), RowIndex(0), 9, UnixMicros(world.now), |_, _| true);
    assert_eq!(none.unwrap(), Questions::default(), "another carrier took none of them");
}

#[test]
fn answers_count_as_receipts_and_what_was_asked_is_known_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let mut world = World::new(dir.path());
    world.told(0, 1, state(ReceiptState::Delivered));
    world.told(1, 1, state(ReceiptState::Enroute));
    world.told(1, 2, state(ReceiptState::Enroute));
    world.told(2, QUESTIONS_MAX, Told::Refused { status: 0x67 });
    world.told(3, 1, Told::Nothing);
    // A receipt of higher rank stands, also when the answer comes later.
    let (id, check, err) = (&b"4"[..], Some(CHECK), &b""[..]);
    let receipt = ReceiptEntry { id, state: ReceiptState::Undeliverable, err, check, raw: None, facts: None };
    world.record(|events, head| events.receipts(NORTH, head.at, [receipt]));
    world.told(4, 1, state(ReceiptState::Enroute));
    let expected = [
        MessageState::Delivered,
        MessageState::Accepted,
        MessageState::Accepted,
        MessageState::Accepted,
        MessageState::Undelivered,
    ];
    for restart in [None, Some(Checkpoint::All), Some(Checkpoint::Due)] {
        if let Some(checkpoint) = restart {
            world.ledger.checkpoint(checkpoint).unwrap();
            let World { journal, ledger, now } = world;
            drop(ledger);
            if checkpoint == Checkpoint::Due {
                std::fs::remove_dir_all(dir.path().join("store")).unwrap();
            }
            let ledger = Ledger::open(&dir.path().join("store"), &journal).unwrap().ledger;
            world = World { journal, ledger, now };
        }
        assert_eq!(world.states(), expected, "{restart:?}");
        assert_eq!(world.asked_for(), [(1, 2), (3, 1)], "{restart:?}");
        let counted = world.ledger.receipt_counters();
        assert_eq!((counted.queried, counted.queries_refused, counted.queries_unanswered), (6, 1, 1), "{restart:?}");
    }
}

#[test]
fn an_id_that_was_given_again_is_not_asked_for_and_its_answer_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut world = World::new(dir.path());
    world.record(|events, head| {
        let (name, list_hash) = ("next".to_owned(), String::new());
        let (rejected, files) = (BTreeMap::new(), BTreeMap::new());
        let plan = Planned { name, list_hash, n_rows: 1, n_valid: 1, n_segments: 1, rejected, files };
        let head = Head { campaign: CampaignId(2), ..head };
        events.planned(head.campaign, head.at, &plan);
        events.intent(head, 0, [IntentEntry { row: RowIndex(0), n_segments: 1, only: None }]);
        let answer = Answer::Accepted { id: b"3", folded: None, check: CHECK };
        events.answers(head, [AnswerEntry { token: token(0), answer }]);
    });
    assert_eq!(world.asked_for(), [(0, 0), (1, 0), (2, 0), (4, 0)]);
    world.told(3, 1, state(ReceiptState::Delivered));
    assert_eq!(world.states(), [MessageState::Accepted; 5]);
}
