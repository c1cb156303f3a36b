//! A million open receipts, answered in random order and in the order of the list. Both in one run,
//! in turns; medians of five.
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
// FIXME: four fifths are the aim; today each receipt in random order waits for its row's memory.
/// Share of the in-order rate that random order keeps at least.
const LEAST_RATIO: f64 = 0.45;

fn main() {
    let n_rows = std::env::var("VOLLEY_ROWS").ok().and_then(|n| n.parse().ok()).unwrap_or(1_000_000_u32);
    let seed = 7;
    let opening = opening(n_rows);
    let in_order: Vec<u32> = (0..n_rows).collect();
    let shuffled = shuffled(n_rows, seed);
    let orders = [("in order", receipts(&in_order)), ("shuffled", receipts(&shuffled))];
    let mut rates = [Vec::new(), Vec::new()];
    for _ in 0..N_RUNS {
        for ((_, records), rates) in orders.iter().zip(&mut rates) {
            rates.push(f64::from(n_rows) / fold(&opening, records, n_rows));
        }
    }
    println!("{n_rows} open receipts, seed {seed}, records of {PER_RECORD}:");
    for ((name, _), rates) in orders.iter().zip(&mut rates) {
        rates.sort_by(f64::total_cmp);
        let at = |at: usize| rates.get(at).copied().unwrap_or_default();
        println!("  {name}: min {:.0}, median {:.0}, max {:.0} receipts/s", at(0), at(N_RUNS / 2), at(N_RUNS - 1));
    }
    let median = |rates: &[f64]| rates.get(N_RUNS / 2).copied().unwrap_or_default();
    let [in_order, shuffled] = rates.each_ref().map(|rates| median(rates));
    println!("  shuffled : in order = {:.2}", shuffled / in_order);
    assert!(shuffled >= LEAST_RATIO * in_order, "receipts in random order are folded too slowly");
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

/// Folds into a new ledger, and gives the seconds that the receipts alone took.
fn fold(opening: &[Vec<u8>], receipts: &[Vec<u8>], n_rows: u32) -> f64 {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = Journal::open(&dir.path().join("journal"), JournalOptions::default()).unwrap();
    let mut ledger = Ledger::open(&dir.path().join("store"), &journal).unwrap().ledger;
    let mut sequence = 0;
    let mut fold_all = |records: &[Vec<u8>]| {
        for record in records {
            sequence += 1;
            ledger.fold(sequence, record).unwrap();
        }
    };
    fold_all(opening);
    let begun = Instant::now();
    fold_all(receipts);
    let seconds = begun.elapsed().as_secs_f64();
    let delivered = ledger.summary(CAMPAIGN).unwrap().states.get(MessageState::Delivered);
    assert_eq!(delivered, u64::from(n_rows));
    seconds
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
