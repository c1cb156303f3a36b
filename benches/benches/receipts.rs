//! A million open receipts, answered in random order and in the order of the list. Both in one run,
//! a few records of each in turns; the ratio is taken run by run, and its median of five asserted.
//!
//! `VOLLEY_ROWS=200000` makes it shorter.
#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]
#![expect(clippy::print_stdout, reason = "its figures are its output")]
#![expect(clippy::disallowed_methods, reason = "a bench measures real time")]

use std::{collections::BTreeMap, time::Instant};

use volley_core::{
    CampaignId, CarrierIndex, MessageState, MessageToken, ReceiptState, RecipientCheck, RowIndex, UnixMicros,
};
use volley_journal::{Journal, JournalOptions};
use volley_reconciler::{
    Ledger,
    record::{Answer, AnswerEntry, Control, EventWriter, Head, IntentEntry, Planned, ReceiptEntry},
};

const CAMPAIGN: CampaignId = CampaignId(1);
const NORTH: CarrierIndex = CarrierIndex(0);
/// Events of one turn.
const PER_RECORD: usize = 2_048;
const N_RUNS: usize = 5;
/// Records folded in one order before it is the other's turn: what else the machine does meanwhile
/// hits both alike.
const PER_TURN: usize = 16;
/// Share of the in-order rate that random order keeps at least, by the median run.
const LEAST_RATIO: f64 = 0.8;

fn main() {
    let n_rows = std::env::var("VOLLEY_ROWS").ok().and_then(|n| n.parse().ok()).unwrap_or(1_000_000_u32);
    let seed = 7;
    let opening = opening(n_rows);
    let in_order: Vec<u32> = (0..n_rows).collect();
    let shuffled = shuffled(n_rows, seed);
    let orders = [receipts(&in_order), receipts(&shuffled)];
    let mut runs: Vec<Run> = (0..N_RUNS).map(|_| run(&opening, &orders, n_rows)).collect();
    println!("{n_rows} open receipts, seed {seed}, records of {PER_RECORD}, {N_RUNS} runs:");
    let mut spread = |name, of: fn(&Run) -> f64, digits| {
        runs.sort_by(|a, b| of(a).total_cmp(&of(b)));
        let at = |at: usize| runs.get(at).map(of).unwrap_or_default();
        let (min, median, max) = (at(0), at(N_RUNS / 2), at(N_RUNS - 1));
        println!("  {name}: min {min:.digits$}, median {median:.digits$}, max {max:.digits$}");
        median
    };
    spread("in order, receipts/s", |run| run.in_order_per_s, 0);
    spread("shuffled, receipts/s", |run| run.shuffled_per_s, 0);
    let ratio = spread("shuffled : in order", |run| run.shuffled_per_s / run.in_order_per_s, 2);
    assert!(ratio >= LEAST_RATIO, "receipts in random order are folded too slowly");
}

struct Run {
    in_order_per_s: f64,
    shuffled_per_s: f64,
}

/// Folds both orders into ledgers of their own, a few records of the one and of the other in turns.
fn run(opening: &[Vec<u8>], orders: &[Vec<Vec<u8>>; 2], n_rows: u32) -> Run {
    let mut sides = [Side::new(opening), Side::new(opening)];
    let [in_order, shuffled] = orders;
    for (in_order, shuffled) in in_order.chunks(PER_TURN).zip(shuffled.chunks(PER_TURN)) {
        for (side, records) in sides.iter_mut().zip([in_order, shuffled]) {
            side.fold(records);
        }
    }
    let [in_order_per_s, shuffled_per_s] = sides.map(|side| side.rate(n_rows));
    Run { in_order_per_s, shuffled_per_s }
}

struct Side {
    ledger: Ledger,
    sequence: u64,
    seconds: f64,
    _dir: tempfile::TempDir,
}

impl Side {
    fn new(opening: &[Vec<u8>]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (journal, _) = Journal::open(&dir.path().join("journal"), JournalOptions::default()).unwrap();
        let ledger = Ledger::open(&dir.path().join("store"), &journal).unwrap().ledger;
        let mut side = Self { ledger, sequence: 0, seconds: 0.0, _dir: dir };
        side.fold(opening);
        side.seconds = 0.0;
        side
    }

    fn fold(&mut self, records: &[Vec<u8>]) {
        let begun = Instant::now();
        for record in records {
            self.sequence += 1;
            self.ledger.fold(self.sequence, record).unwrap();
        }
        self.seconds += begun.elapsed().as_secs_f64();
    }

    fn rate(&self, n_rows: u32) -> f64 {
        let delivered = self.ledger.summary(CAMPAIGN).unwrap().states.get(MessageState::Delivered);
        assert_eq!(delivered, u64::from(n_rows));
        f64::from(n_rows) / self.seconds
    }
}

/// The records that leave every row taken and waiting for its receipt.
fn opening(n_rows: u32) -> Vec<Vec<u8>> {
    let mut records = Vec::new();
    let head = Head { campaign: CAMPAIGN, carrier: NORTH, at: UnixMicros(2_000_000) };
    records.push(record(|events| {
        events.carrier(NORTH, "north");
        let plan = Planned {
            name: "bench".to_owned(),
            list_hash: String::new(),
            n_rows: n_rows.into(),
            n_valid: n_rows,
            n_segments: n_rows.into(),
            rejected: BTreeMap::new(),
            files: BTreeMap::new(),
        };
        events.planned(CAMPAIGN, UnixMicros(1_000_000), &plan);
        events.control(CAMPAIGN, head.at, Control::Started, "");
    }));
    let rows: Vec<u32> = (0..n_rows).collect();
    for rows in rows.chunks(PER_RECORD) {
        records.push(record(|events| {
            let intents = rows.iter().map(|row| IntentEntry { row: RowIndex(*row), n_segments: 1, only: None });
            events.intent(head, 0, intents);
        }));
        let ids: Vec<_> = rows.iter().map(|row| id(*row)).collect();
        records.push(record(|events| {
            let answers = rows.iter().zip(&ids).map(|(row, id)| AnswerEntry {
                token: MessageToken::new(RowIndex(*row), 0),
                answer: Answer::Accepted { id: id.as_bytes(), folded: None, check: RecipientCheck(*row as u16) },
            });
            events.answers(head, answers);
        }));
    }
    records
}

fn receipts(rows: &[u32]) -> Vec<Vec<u8>> {
    let of_record = |rows: &[u32]| {
        let ids: Vec<_> = rows.iter().map(|row| id(*row)).collect();
        record(|events| {
            let entries = rows.iter().zip(&ids).map(|(row, id)| ReceiptEntry {
                id: id.as_bytes(),
                state: ReceiptState::Delivered,
                err: b"000",
                check: Some(RecipientCheck(*row as u16)),
                raw: None,
                facts: None,
            });
            events.receipts(NORTH, UnixMicros(3_000_000), entries);
        })
    };
    rows.chunks(PER_RECORD).map(of_record).collect()
}

fn record(write: impl FnOnce(&mut EventWriter)) -> Vec<u8> {
    let mut events = EventWriter::default();
    write(&mut events);
    events.take(Vec::new())
}

/// As carriers count: hexadecimal, with a beginning of its own.
fn id(row: u32) -> String {
    format!("7a{:08x}", row.wrapping_mul(17).wrapping_add(0x1000_0000))
}

/// Fisher and Yates with xorshift.
fn shuffled(n_rows: u32, seed: u64) -> Vec<u32> {
    let mut rows: Vec<u32> = (0..n_rows).collect();
    let mut random = seed;
    for at in (1..rows.len()).rev() {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        rows.swap(at, (random % (at as u64 + 1)) as usize);
    }
    rows
}
