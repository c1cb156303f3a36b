//! What was erased and who gets nothing, from the journal, from the store, and after the store is
//! lost.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use volley_core::{CampaignId, RecipientCheck, UnixMicros};
use volley_journal::{Journal, JournalOptions};
use volley_reconciler::{
    Checkpoint, Ledger, ListIndex, NumberHash, SuppressCause,
    record::{BatchEntry, Control, Erased, ErasedCampaign, ErasedCause, EventWriter, Events, Planned, SuppressChange},
};

const CAMPAIGN: CampaignId = CampaignId(1);
const BRAND: ListIndex = ListIndex(1);

fn entry(n: u8, expires: Option<u64>) -> BatchEntry {
    let expires = expires.map(|seconds| UnixMicros(seconds * 1_000_000));
    BatchEntry { number: NumberHash([n; 16]), check: RecipientCheck(n.into()), expires }
}

fn erased(cause: ErasedCause, hash: &str) -> Erased {
    let files = BTreeMap::from([("plan.json".to_owned(), hash.to_owned())]);
    Erased {
        at_us: 5_000_000,
        cause,
        number: None,
        by: "ops".to_owned(),
        why: "request 17".to_owned(),
        campaigns: vec![ErasedCampaign { campaign: 1, rows: 1, rejected: 0, mentions: 0, files }],
        replies: 0,
        files: 0,
    }
}

fn record() -> Vec<u8> {
    let mut events = EventWriter::default();
    let plan = Planned {
        name: "c".to_owned(),
        list_hash: String::new(),
        n_rows: 1,
        n_valid: 1,
        n_segments: 1,
        rejected: BTreeMap::new(),
        files: BTreeMap::from(
            [("plan.json", "old"), ("rejects.csv", "kept")].map(|(a, b)| (a.to_owned(), b.to_owned())),
        ),
    };
    events.planned(CAMPAIGN, UnixMicros(1_000_000), &plan);
    events.control(CAMPAIGN, UnixMicros(2_000_000), Control::Finished, "");
    events.erased(&erased(ErasedCause::Person, "new"));
    events.suppress_list(BRAND, "brand-x");
    let (add, lift, person) = (SuppressChange::Add, SuppressChange::Lift, SuppressCause::Person);
    let at = UnixMicros(3_000_000);
    events.suppress_batch(BRAND, at, add, person, [entry(1, None), entry(2, Some(9)), entry(3, None)]);
    events.suppress_batch(BRAND, at, lift, person, [entry(3, None)]);
    events.take(Vec::new())
}

#[track_caller]
fn check(ledger: &Ledger) {
    let files = &ledger.plan(CAMPAIGN).unwrap().files;
    assert_eq!((files["plan.json"].as_str(), files["rejects.csv"].as_str()), ("new", "kept"));
    assert_eq!((ledger.n_erasures(), ledger.finished_at(CAMPAIGN)), (1, Some((UnixMicros(2_000_000), false))));
    let lists = ledger.suppressed();
    assert_eq!(lists.find("brand-x"), Some(BRAND));
    let is_on = |n: u8, seconds: u64| {
        let now = UnixMicros(seconds * 1_000_000);
        lists.get(&[ListIndex::GLOBAL, BRAND], RecipientCheck(n.into()), now, || NumberHash([n; 16])).is_some()
    };
    assert_eq!([is_on(1, 8), is_on(2, 8), is_on(2, 9), is_on(3, 8)], [true, true, false, false]);
    assert!(lists.only(&[]).is_empty());
}

#[test]
fn erasures_and_lists_outlive_a_restart_and_the_loss_of_the_store() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, _) = Journal::open(&dir.path().join("journal"), JournalOptions::default()).unwrap();
    journal.append(record()).unwrap();
    let store = dir.path().join("store");
    let mut ledger = Ledger::open(&store, &journal).unwrap().ledger;
    check(&ledger);
    ledger.checkpoint(Checkpoint::All).unwrap();
    ledger.sync().unwrap();
    drop(ledger);
    let reopened = Ledger::open(&store, &journal).unwrap();
    assert_eq!(reopened.n_replayed, 0);
    check(&reopened.ledger);
    check(&Ledger::open(&dir.path().join("fresh"), &journal).unwrap().ledger);
    // A campaign whose time is over is remembered as such.
    let mut events = EventWriter::default();
    events.erased(&erased(ErasedCause::Retention, "none"));
    journal.append(events.take(Vec::new())).unwrap();
    let ledger = Ledger::open(&store, &journal).unwrap().ledger;
    assert_eq!((ledger.n_erasures(), ledger.finished_at(CAMPAIGN)), (2, Some((UnixMicros(2_000_000), true))));
}

#[test]
fn records_that_were_cut_are_refused_and_none_panics() {
    let whole = record();
    for len in 0..whole.len() {
        let events: Vec<_> = Events::new(&whole[..len]).collect();
        assert!(events.iter().rev().skip(1).all(Result::is_ok), "only the last can be cut");
    }
    assert!(Events::new(&whole).all(|event| event.is_ok()));
}
