//! Journals of earlier versions: replayed to the same report by every later one, or refused by
//! name. `VOLLEY_WRITE_GOLDEN=1` writes the files of the present version anew, which only a new
//! version may do.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use volley_core::{CampaignId, CarrierIndex, MessageToken, ReceiptState, RecipientCheck, RowIndex, UnixMicros};
use volley_journal::{Journal, JournalOptions, View};
use volley_reconciler::{
    CampaignStatus, Checkpoint, Error, Ledger,
    record::{
        Answer, AnswerEntry, Archive, Control, DoubtCause, EventWriter, Head, IntentEntry, Planned, ReceiptEntry,
        Resolution,
    },
};

const CAMPAIGN: CampaignId = CampaignId(1);
const NORTH: CarrierIndex = CarrierIndex(0);

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

const fn token(row: u32, segment: u8) -> MessageToken {
    MessageToken::new(RowIndex(row), segment)
}

fn head(at: u64) -> Head {
    Head { campaign: CAMPAIGN, carrier: NORTH, at: UnixMicros(at * 1_000_000) }
}

fn record(write: impl FnOnce(&mut EventWriter)) -> Vec<u8> {
    let mut events = EventWriter::default();
    write(&mut events);
    events.take(Vec::new())
}

fn planned() -> Planned {
    Planned {
        name: "golden".to_owned(),
        list_hash: "00ff".to_owned(),
        n_rows: 13,
        n_valid: 12,
        n_segments: 13,
        rejected: BTreeMap::from([("duplicate".to_owned(), 1)]),
        files: BTreeMap::from([("plan.json".to_owned(), "aa55".to_owned())]),
    }
}

/// Every kind of event of version 1.
fn records_of_version_1() -> Vec<Vec<u8>> {
    let plan = planned();
    let accepted = |row, id, folded| AnswerEntry {
        token: token(row, 0),
        answer: Answer::Accepted { id, folded, check: RecipientCheck(row as u16) },
    };
    let answer = |row, answer| AnswerEntry { token: token(row, 0), answer };
    let receipt = |id, state, err, check| ReceiptEntry { id, state, err, check, raw: None, facts: None };
    vec![
        record(|events| {
            events.carrier(NORTH, "north");
            events.planned(CAMPAIGN, UnixMicros(1_000_000), &plan);
            events.control(CAMPAIGN, UnixMicros(2_000_000), Control::Started, "");
        }),
        record(|events| {
            events.bound(CAMPAIGN, NORTH, 42);
            let n_segments = |row| if row == 3 { 2 } else { 1 };
            let entry = |row| IntentEntry { row: RowIndex(row), n_segments: n_segments(row), only: None };
            events.intent(head(3), 0, (0..11).map(entry));
        }),
        record(|events| {
            let entries = [
                accepted(0, b"00AB", Some(b"171")),
                accepted(1, b"id-1", None),
                accepted(2, b"id-2", None),
                accepted(3, b"id-3", None),
                answer(4, Answer::Failed { status: 0x0B }),
                answer(5, Answer::Deferred { status: 0x08, until: UnixMicros(60_000_000) }),
                answer(6, Answer::Throttled { status: 0x58 }),
            ];
            events.answers(head(4), entries);
            events.in_doubt(head(5), DoubtCause::NoAnswer, (7..11).map(|row| token(row, 0)));
            events.returned(head(5), [token(3, 1)]);
        }),
        record(|events| {
            events.resolved(head(6), Resolution::Sent, "ops: the portal", [token(7, 0)]);
            events.resolved(head(6), Resolution::Failed, "ops", [token(8, 0)]);
            events.resolved(head(6), Resolution::Resend, "policy", [token(9, 0)]);
            let entries = [
                receipt(b"171", ReceiptState::Delivered, b"", Some(RecipientCheck(0))),
                receipt(b"id-1", ReceiptState::Undeliverable, b"027", None),
                receipt(b"early", ReceiptState::Delivered, b"", None),
            ];
            events.receipts(NORTH, UnixMicros(7_000_000), entries);
            events.no_receipt(head(8), [token(2, 0)]);
            events.reply(NORTH, UnixMicros(8_000_000));
            events.control(CAMPAIGN, UnixMicros(9_000_000), Control::Interrupted, "stopped by a person");
        }),
    ]
}

fn write(dir: &Path, records: &[Vec<u8>]) -> Journal {
    let (mut journal, _) = Journal::open(dir, JournalOptions::default()).unwrap();
    for record in records {
        journal.append(record.clone()).unwrap();
    }
    journal
}

/// Summary, counters and every row, as words.
fn told(ledger: &Ledger) -> String {
    let mut out = format!("{:#}\n", serde_json::json!(ledger.summary(CAMPAIGN).unwrap()));
    out.push_str(&format!("{:#}\n", serde_json::json!(ledger.receipt_counters())));
    let each = |row: &volley_reconciler::ReportRow<'_>| {
        // What every version knew of a row, in the words of the first.
        out.push_str(&format!(
            "ReportRow {{ row: {:?}, state: {:?}, reason: {:?}, carrier: {:?}, id: {:?}, n_segments: {:?}, n_delivered: {:?}, ",
            row.row, row.state, row.reason, row.carrier, row.id, row.n_segments, row.n_delivered
        ));
        out.push_str(&format!(
            "attempts: {:?}, possible_duplicate: {:?}, submitted_at: {:?}, answered_at: {:?}, settled_at: {:?} }}\n",
            row.attempts, row.possible_duplicate, row.submitted_at, row.answered_at, row.settled_at
        ));
        Ok::<_, Error>(())
    };
    ledger.report(CAMPAIGN, each).unwrap();
    out
}

/// What version 2 adds: a base in place of the first records, and an archived campaign.
fn write_version_2(journal_dir: &Path, scratch: &Path) -> Journal {
    let records = records_of_version_1();
    let (before, behind) = records.split_at(2);
    let mut journal = write(journal_dir, before);
    let mut ledger = Ledger::open(scratch, &journal).unwrap().ledger;
    ledger.write_base(journal.begin_base().unwrap()).unwrap();
    assert_eq!(journal.trim().unwrap().n_segments, 1);
    for record in behind {
        journal.append(record.clone()).unwrap();
    }
    let plan = Planned { name: "older".to_owned(), n_rows: 1, n_valid: 1, rejected: BTreeMap::new(), ..planned() };
    let archive = Archive { at_us: 11_000_000, file: "older.tar.zst".to_owned(), hash: "77ff".to_owned() };
    let older = CampaignId(2);
    journal.append(record(|events| events.planned(older, UnixMicros(10_000_000), &plan))).unwrap();
    journal.append(record(|events| events.archived(older, &archive))).unwrap();
    journal
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

#[test]
fn the_journal_of_every_version_gives_its_report() {
    let dir = tempfile::tempdir().unwrap();
    let present = golden().join("v2");
    if std::env::var_os("VOLLEY_WRITE_GOLDEN").is_some() {
        let _ = fs::remove_dir_all(&present);
        let journal = write_version_2(&present.join("journal"), &dir.path().join("scratch"));
        let opened = Ledger::open(&dir.path().join("fresh"), &journal).unwrap();
        fs::write(present.join("report.txt"), told(&opened.ledger)).unwrap();
    }
    let versions: Vec<_> = fs::read_dir(golden()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(versions.contains(&present));
    for version in versions {
        let name = version.file_name().unwrap();
        let journal_dir = dir.path().join(name);
        copy(&version.join("journal"), &journal_dir);
        let (journal, recovery) = Journal::open(&journal_dir, JournalOptions::default()).unwrap();
        assert_eq!(recovery.cut, None, "{}", version.display());
        let store = dir.path().join(name).join("store");
        if version.join("store").is_dir() {
            copy(&version.join("store"), &store);
        }
        let opened = Ledger::open(&store, &journal).unwrap();
        assert_eq!(opened.set_aside, None, "{}: a store of that version is used as it is", version.display());
        let expected = fs::read_to_string(version.join("report.txt")).unwrap();
        assert_eq!(told(&opened.ledger), expected, "{}", version.display());
        let summary = opened.ledger.summary(CampaignId(2));
        assert_eq!(summary.map(|summary| summary.status), (version == present).then_some(CampaignStatus::Archived));
    }
}

#[test]
fn records_and_bases_of_today_are_those_of_their_versions_to_the_octet() {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("v1"), &records_of_version_1());
    write_version_2(&dir.path().join("v2"), &dir.path().join("scratch"));
    for version in ["v1", "v2"] {
        for entry in fs::read_dir(golden().join(version).join("journal")).unwrap() {
            let entry = entry.unwrap();
            let today = fs::read(dir.path().join(version).join(entry.file_name())).unwrap();
            assert_eq!(fs::read(entry.path()).unwrap(), today, "{version}, {}", entry.path().display());
        }
    }
}

#[test]
fn events_of_a_later_version_are_refused_with_their_place_not_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let mut records = records_of_version_1();
    records.push(vec![99, 0]);
    let journal = write(&dir.path().join("journal"), &records);
    let refused = Ledger::open(&dir.path().join("store"), &journal).unwrap_err();
    assert!(matches!(&refused, Error::Record { sequence: 5, source } if source.kind == 99), "{refused}");
    assert!(refused.to_string().contains("can't be read by this version of volley"), "{refused}");
}

#[test]
fn a_store_of_another_format_is_set_aside_and_rebuilt() {
    let dir = tempfile::tempdir().unwrap();
    let (journal_dir, store) = (dir.path().join("journal"), dir.path().join("store"));
    let mut opened = Ledger::open(&store, &write(&journal_dir, &records_of_version_1())).unwrap();
    opened.ledger.checkpoint(Checkpoint::All).unwrap();
    opened.ledger.sync().unwrap();
    let before = told(&opened.ledger);
    drop(opened);
    let db = sled::open(&store).unwrap();
    let global = String::from_utf8(db.get("g").unwrap().unwrap().to_vec()).unwrap();
    assert!(global.starts_with("{\"format\":2,"), "{global}");
    db.insert("g", global.replacen("\"format\":2", "\"format\":99", 1).into_bytes()).unwrap();
    db.flush().unwrap();
    drop(db);
    let view = View::look(&journal_dir, JournalOptions::default()).unwrap();
    let opened = Ledger::open_at(&store, &view).unwrap();
    assert_eq!(told(&opened.ledger), before);
    let aside = opened.set_aside.unwrap();
    assert!(aside.why.contains("format 99") && aside.path.is_dir(), "{aside:?}");
}
