//! A base in place of records: the same ledger, whatever was lost.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{collections::BTreeMap, fs, path::Path};

use volley_core::{CampaignId, CarrierIndex, MessageToken, ReceiptState, RecipientCheck, RowIndex, UnixMicros};
use volley_journal::{Journal, JournalOptions};
use volley_reconciler::{
    CampaignStatus, Checkpoint, Error, Ledger, Recount, ReportRow,
    record::{Answer, AnswerEntry, Archive, Control, EventWriter, Head, IntentEntry, Planned, ReceiptEntry},
};

const ROWS: u32 = 5_000;
const NORTH: CarrierIndex = CarrierIndex(0);
const SMALL: JournalOptions =
    JournalOptions { segment_bytes: 2_000, queue_records: 8, group_records: 2, reserve_segments: 0, min_free_bytes: 0 };

fn head(campaign: u32, at: u64) -> Head {
    Head { campaign: CampaignId(campaign), carrier: NORTH, at: UnixMicros(at * 1_000) }
}

fn record(write: impl FnOnce(&mut EventWriter)) -> Vec<u8> {
    let mut events = EventWriter::default();
    write(&mut events);
    events.take(Vec::new())
}

fn planned(campaign: u32) -> Vec<u8> {
    let plan = Planned {
        name: format!("campaign-{campaign}"),
        list_hash: String::new(),
        n_rows: ROWS.into(),
        n_valid: ROWS,
        n_segments: ROWS.into(),
        rejected: BTreeMap::new(),
        files: BTreeMap::new(),
    };
    record(|events| {
        events.carrier(NORTH, "north");
        events.planned(CampaignId(campaign), UnixMicros(1), &plan);
        events.control(CampaignId(campaign), UnixMicros(2), Control::Started, "");
    })
}

/// xorshift
struct Random(u64);

impl Random {
    fn below(&mut self, n: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % u64::from(n)) as u32
    }
}

/// Something that may happen to some rows: intents, answers, receipts, also before their answers.
fn happening(random: &mut Random, at: u64) -> Vec<u8> {
    let rows: Vec<u32> = (0..1 + random.below(40)).map(|_| random.below(ROWS / 100) * 100).collect();
    let mut sorted = rows;
    sorted.sort_unstable();
    sorted.dedup();
    let ids: Vec<String> = sorted.iter().map(|row| format!("id{row}")).collect();
    let what = random.below(5);
    record(|events| match what {
        0 | 1 => {
            let entry = |row: &u32| IntentEntry { row: RowIndex(*row), n_segments: 1, only: None };
            events.intent(head(1, at), 0, sorted.iter().map(entry));
        }
        2 | 3 => {
            let entries = sorted.iter().zip(&ids).map(|(row, id)| AnswerEntry {
                token: MessageToken::new(RowIndex(*row), 0),
                answer: Answer::Accepted { id: id.as_bytes(), folded: None, check: RecipientCheck(*row as u16) },
            });
            events.answers(head(1, at), entries);
        }
        _ => {
            let state = if at.is_multiple_of(2) { ReceiptState::Delivered } else { ReceiptState::Undeliverable };
            let entries = ids.iter().map(|id| ReceiptEntry {
                id: id.as_bytes(),
                state,
                err: b"",
                check: None,
                raw: None,
                facts: None,
            });
            events.receipts(NORTH, UnixMicros(at * 1_000), entries);
        }
    })
}

fn told(ledger: &Ledger) -> String {
    let mut out = String::new();
    for (id, summary) in ledger.campaigns() {
        assert_eq!(ledger.recount(id).unwrap(), Some(Recount::of_counters(&summary)), "{summary:?}");
        out.push_str(&format!("{summary:?}\n"));
        let each = |row: &ReportRow<'_>| {
            if row.submitted_at.is_some() {
                out.push_str(&format!("{row:?}\n"));
            }
            Ok::<_, Error>(())
        };
        ledger.report(id, each).unwrap();
    }
    format!("{out}{:?}", ledger.receipt_counters())
}

/// From the journal alone, as the engine does it.
fn compact(dir: &Path, journal: &mut Journal) {
    let scratch = dir.join("scratch");
    let mut ledger = Ledger::open(&scratch, journal).unwrap().ledger;
    ledger.write_base(journal.begin_base().unwrap()).unwrap();
    drop(ledger);
    fs::remove_dir_all(&scratch).unwrap();
    journal.trim().unwrap();
}

fn open(dir: &Path) -> (Journal, Ledger) {
    let (journal, _) = Journal::open(&dir.join("journal"), SMALL).unwrap();
    let ledger = Ledger::open(&dir.join("store"), &journal).unwrap().ledger;
    (journal, ledger)
}

#[test]
fn compacting_restarting_and_losing_the_store_never_change_the_ledger() {
    for seed in 1..=6_u64 {
        eprintln!("seed {seed}");
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let root = tempfile::tempdir().unwrap();
        let (plain, dir) = (root.path().join("plain"), root.path().join("compacted"));
        let (mut whole, mut reference) = open(&plain);
        let (mut journal, mut ledger) = open(&dir);
        let mut n_compacted = 0;
        for at in 0..150 {
            let payload = if at == 0 { planned(1) } else { happening(&mut random, at) };
            for (journal, ledger) in [(&mut whole, &mut reference), (&mut journal, &mut ledger)] {
                let sequence = journal.append(payload.clone()).unwrap();
                ledger.fold(sequence.0, &payload).unwrap();
            }
            match random.below(12) {
                0 => drop(ledger.checkpoint(Checkpoint::Due).unwrap()),
                1 => drop(ledger.checkpoint(Checkpoint::All).unwrap()),
                2 => {
                    // The live store is brought up to date first.
                    ledger.checkpoint(Checkpoint::All).unwrap();
                    ledger.sync().unwrap();
                    compact(&dir, &mut journal);
                    ledger.journal_begins_at(journal.first());
                    n_compacted += 1;
                }
                3 => {
                    drop((journal, ledger));
                    (journal, ledger) = open(&dir);
                }
                4 => {
                    drop((journal, ledger));
                    fs::remove_dir_all(dir.join("store")).unwrap();
                    (journal, ledger) = open(&dir);
                }
                _ => {}
            }
            if at % 30 == 0 {
                assert_eq!(told(&ledger), told(&reference), "seed {seed}, record {at}");
            }
        }
        assert!(n_compacted > 2 && journal.first().0 > 1, "seed {seed}: {n_compacted}");
        assert_eq!(told(&ledger), told(&reference), "seed {seed}");
    }
}

#[test]
fn a_store_older_than_the_base_is_set_aside_and_rebuilt() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path();
    let mut random = Random(7);
    let (mut journal, mut ledger) = open(dir);
    let append = |journal: &mut Journal, ledger: &mut Ledger, payload: Vec<u8>| {
        let sequence = journal.append(payload.clone()).unwrap();
        ledger.fold(sequence.0, &payload).unwrap();
    };
    append(&mut journal, &mut ledger, planned(1));
    ledger.checkpoint(Checkpoint::All).unwrap();
    ledger.sync().unwrap();
    for at in 1..50 {
        append(&mut journal, &mut ledger, happening(&mut random, at));
    }
    let before = told(&ledger);
    drop(ledger);
    compact(dir, &mut journal);
    let opened = Ledger::open(&dir.join("store"), &journal).unwrap();
    assert!(opened.set_aside.unwrap().why.contains("must read the journal from record"));
    assert_eq!(told(&opened.ledger), before);
}

#[test]
fn an_archived_campaign_keeps_its_sums_and_nothing_else() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path();
    let mut random = Random(3);
    let (mut journal, mut ledger) = open(dir);
    let archive = Archive { at_us: 9, file: "one.tar.zst".to_owned(), hash: "00".to_owned() };
    let mut sums = String::new();
    for at in 0..=60 {
        let payload = match at {
            0 => planned(1),
            59 => {
                ledger.checkpoint(Checkpoint::All).unwrap();
                sums = format!("{:?}", Recount::of_counters(&ledger.summary(CampaignId(1)).unwrap()));
                record(|events| events.archived(CampaignId(1), &archive))
            }
            60 => planned(2),
            _ => happening(&mut random, at),
        };
        let sequence = journal.append(payload.clone()).unwrap();
        ledger.fold(sequence.0, &payload).unwrap();
    }
    let check = |ledger: &Ledger| {
        let summary = ledger.summary(CampaignId(1)).unwrap();
        assert_eq!((summary.status, summary.adds_up()), (CampaignStatus::Archived, true));
        assert_eq!(format!("{:?}", Recount::of_counters(&summary)), sums);
        assert_eq!(format!("{:?}", ledger.recount(CampaignId(1)).unwrap().unwrap()), sums);
        assert_eq!(ledger.archive(CampaignId(1)), Some(&archive));
        assert_eq!(ledger.n_awaiting().0, 0, "its ids are forgotten");
        assert_eq!(ledger.summary(CampaignId(2)).unwrap().status, CampaignStatus::Running);
        let mut n_chunks = 0;
        let count = |_, _: &[u8]| {
            n_chunks += 1;
            Ok::<_, Error>(())
        };
        ledger.packed_chunks(CampaignId(1), count).unwrap();
        assert_eq!(n_chunks, 0);
    };
    check(&ledger);
    ledger.checkpoint(Checkpoint::All).unwrap();
    drop((journal, ledger));
    let (mut journal, ledger) = open(dir);
    check(&ledger);
    drop(ledger);
    fs::remove_dir_all(dir.join("store")).unwrap();
    check(&Ledger::open(&dir.join("store"), &journal).unwrap().ledger);
    compact(dir, &mut journal);
    let n_octets = fs::metadata(journal.view().base().unwrap().path()).unwrap().len();
    assert!(n_octets < 6_000, "the base holds its rows: {n_octets} octets");
    fs::remove_dir_all(dir.join("store")).unwrap();
    check(&Ledger::open(&dir.join("store"), &journal).unwrap().ledger);
}
