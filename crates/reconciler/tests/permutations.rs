//! The order of what carriers and people say does not matter (CONTRACT I6, fault F19): all
//! permutations of six events out of seven, for each of twenty choices of seven, give one state.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use volley_core::{
    CampaignId, CarrierIndex, MessageState, MessageToken, ReceiptState, RecipientCheck, RowIndex, UnixMicros,
};
use volley_journal::{Journal, JournalOptions};
use volley_reconciler::{
    Error, Ledger,
    record::{
        Answer, AnswerEntry, Attempt, DoubtCause, EventWriter, Head, InferredEntry, IntentEntry, Planned, ReceiptEntry,
        Resolution,
    },
};

const CAMPAIGN: CampaignId = CampaignId(1);
const NORTH: CarrierIndex = CarrierIndex(0);

/// What can happen to a segment that was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Happens {
    Answer,
    Inferred,
    Failed,
    Sent,
    Receipt(u8),
    Again(u8),
}

use Happens::{Again, Answer as Answered, Failed, Inferred, Receipt, Sent};

const ENROUTE: u8 = ReceiptState::Enroute as u8;
const DELIVERED: u8 = ReceiptState::Delivered as u8;
const EXPIRED: u8 = ReceiptState::Expired as u8;
const UNDELIVERABLE: u8 = ReceiptState::Undeliverable as u8;
const UNKNOWN: u8 = ReceiptState::Unknown as u8;

/// Every sequence of six of the seven.
fn permutations(pool: &[Happens]) -> Vec<Vec<Happens>> {
    let mut all = vec![Vec::new()];
    for _ in 0..6 {
        let grown = all.iter().flat_map(|begun: &Vec<usize>| {
            (0..pool.len()).filter(|at| !begun.contains(at)).map(|at| [begun.as_slice(), &[at]].concat())
        });
        all = grown.collect();
    }
    all.into_iter().map(|places| places.into_iter().filter_map(|at| pool.get(at).copied()).collect()).collect()
}

struct World {
    journal: Journal,
    ledger: Ledger,
    now: u64,
}

impl World {
    fn record(&mut self, write: impl FnOnce(&mut EventWriter, Head)) {
        self.now += 1_000_000;
        let mut events = EventWriter::default();
        write(&mut events, Head { campaign: CAMPAIGN, carrier: NORTH, at: UnixMicros(self.now) });
        let record = events.take(Vec::new());
        let sequence = self.journal.append(record.clone()).unwrap();
        self.ledger.fold(sequence.0, &record).unwrap();
    }
}

fn put(events: &mut EventWriter, head: Head, row: u32, what: Happens) {
    let token = MessageToken::new(RowIndex(row), 0);
    let id = format!("id-{row}").into_bytes();
    let check = RecipientCheck(row as u16);
    let receipt = |state| ReceiptEntry {
        id: &id,
        state: ReceiptState::from_u8(state).unwrap(),
        err: b"",
        check: Some(check),
        raw: None,
        facts: None,
    };
    match what {
        Answered => {
            let answer = Answer::Accepted { id: &id, folded: None, check };
            events.answers(head, [AnswerEntry { token, answer }]);
        }
        Inferred => {
            let entry = InferredEntry { token, id: &id, folded: None, check, attempt: Attempt::Present };
            events.inferred(head, [entry]);
        }
        Failed => events.resolved(head, Resolution::Failed, "test", [token]),
        Sent => events.resolved(head, Resolution::Sent, "test", [token]),
        Receipt(state) | Again(state) => events.receipts(NORTH, head.at, [receipt(state)]),
    }
}

/// A row for each permutation; all events at one place of them are one record.
fn check_pool(pool: &[Happens]) -> usize {
    let sequences = permutations(pool);
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = Journal::open(&dir.path().join("journal"), JournalOptions::default()).unwrap();
    let ledger = Ledger::open(&dir.path().join("store"), &journal).unwrap().ledger;
    let mut world = World { journal, ledger, now: 1_000_000 };
    let rows = 0..sequences.len() as u32;
    world.record(|events, head| {
        events.carrier(NORTH, "north");
        let n_valid = sequences.len() as u32;
        let (n_rows, n_segments) = (n_valid.into(), n_valid.into());
        let (rejected, files) = (BTreeMap::new(), BTreeMap::new());
        let (name, list_hash) = ("test".to_owned(), String::new());
        events.planned(
            head.campaign,
            head.at,
            &Planned { name, list_hash, n_rows, n_valid, n_segments, rejected, files },
        );
        events.intent(head, 0, rows.clone().map(|row| IntentEntry { row: RowIndex(row), n_segments: 1, only: None }));
        let tokens = rows.clone().map(|row| MessageToken::new(RowIndex(row), 0));
        events.in_doubt(head, DoubtCause::ConnectionLost, tokens);
    });
    for place in 0..6 {
        world.record(|events, head| {
            for (row, sequence) in rows.clone().zip(&sequences) {
                put(events, head, row, *sequence.get(place).unwrap());
            }
        });
    }
    let mut states: BTreeMap<Vec<Happens>, MessageState> = BTreeMap::new();
    let mut sequences = sequences.iter();
    let each = |row: &volley_reconciler::ReportRow<'_>| {
        let sequence = sequences.next().unwrap();
        let mut events = sequence.clone();
        events.sort_unstable();
        let state = *states.entry(events).or_insert(row.state);
        assert_eq!(row.state, state, "{sequence:?}");
        Ok::<_, Error>(())
    };
    world.ledger.report(CAMPAIGN, each).unwrap();
    assert!(world.ledger.summary(CAMPAIGN).unwrap().adds_up());
    assert_eq!(states.len(), 7, "{pool:?}");
    rows.len()
}

#[test]
fn any_order_of_answers_receipts_inferences_and_decisions_gives_one_state() {
    let receipts = [
        [Receipt(ENROUTE), Receipt(DELIVERED), Receipt(UNDELIVERABLE), Again(DELIVERED), Again(ENROUTE)],
        [Receipt(UNKNOWN), Receipt(EXPIRED), Receipt(UNDELIVERABLE), Again(EXPIRED), Receipt(ENROUTE)],
        [Receipt(DELIVERED), Again(DELIVERED), Receipt(EXPIRED), Again(EXPIRED), Receipt(UNKNOWN)],
        [Receipt(ENROUTE), Again(ENROUTE), Receipt(UNKNOWN), Receipt(UNDELIVERABLE), Again(UNDELIVERABLE)],
        [Receipt(EXPIRED), Receipt(UNDELIVERABLE), Receipt(DELIVERED), Receipt(UNKNOWN), Receipt(ENROUTE)],
    ];
    let openings = [[Answered, Inferred], [Inferred, Failed], [Inferred, Sent], [Inferred, Again(UNKNOWN)]];
    let mut n_permutations = 0;
    for (opening, receipts) in openings.iter().flat_map(|opening| receipts.iter().map(move |it| (opening, it))) {
        n_permutations += check_pool(&[&opening[..], receipts].concat());
    }
    assert_eq!(n_permutations, 20 * 5_040);
}
