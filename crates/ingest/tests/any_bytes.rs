//! Any octets as a list never panic, and what is frozen adds up.

use std::fs;

use proptest::prelude::*;
use volley_ingest::{
    Duplicates, ListOptions, Plan, PlanChunk, Rejection, Rejects, RowCheck, RowFacts, RowView, freeze, propose,
};

struct AcceptAll;

impl RowCheck for AcceptAll {
    type Scratch = ();

    fn check(&self, _row: &RowView<'_>, (): &mut ()) -> Result<RowFacts, Rejection> {
        Ok(RowFacts { n_segments: 1, ..RowFacts::default() })
    }
}

/// Octets, words that mean something in lists, or both.
fn list() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        any::<Vec<u8>>(),
        prop::sample::select(vec![
            "phone",
            "name",
            ",",
            ";",
            "\"",
            "\"\"",
            "\n",
            "\r\n",
            "\r",
            "\0",
            "+4915112345678",
            "0151 12345679",
            "é",
            "\u{FEFF}",
            "12",
            "'",
            "=1+1",
        ])
        .prop_map(|word| word.as_bytes().to_vec()),
    ];
    (any::<bool>(), prop::collection::vec(word, 0..60)).prop_map(|(has_header, words)| {
        let header: &[u8] = if has_header { b"phone,name\n" } else { b"" };
        [header, &words.concat()].concat()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn sums_hold_whatever_the_list(octets in list(), header: bool, last: bool, clean_e164: bool) {
        let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let path = dir.path().join("list.csv");
        fs::write(&path, &octets).unwrap();
        let duplicates = if last { Duplicates::Last } else { Duplicates::First };
        let default_country = Some("DE".to_owned());
        let options =
            ListOptions { header, duplicates, clean_e164, default_country, ..ListOptions::new(path, "#1") };
        let _ = propose(&options);
        if let Ok(frozen) = freeze(&options, &AcceptAll, &dir.path().join("plan"), &mut |_| ()) {
            let n_rejected: u64 = frozen.rejected.values().sum();
            prop_assert_eq!(frozen.n_rows, u64::from(frozen.n_valid) + n_rejected);
            let rejects = Rejects::open(&dir.path().join("plan"), &frozen.options.to).unwrap();
            prop_assert_eq!(rejects.filter(Result::is_ok).count() as u64, n_rejected);
            let plan = Plan::open(&dir.path().join("plan")).unwrap();
            let mut chunk = PlanChunk::default();
            let mut n_rows = 0;
            for number in 0..plan.n_chunks() {
                plan.read_chunk(number, &mut chunk).unwrap();
                n_rows += (0..=u16::MAX).map_while(|offset| chunk.row(offset)).count();
            }
            prop_assert_eq!(n_rows as u32, frozen.n_valid);
        }
    }
}

#[test]
fn a_row_that_is_a_byte_order_mark_alone_is_among_the_rejects() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("list.csv");
    fs::write(&path, "phone,name\n\n\u{FEFF}\n,\0\"\0").unwrap();
    let plan = dir.path().join("plan");
    let options = ListOptions { header: false, ..ListOptions::new(path, "#1") };
    let frozen = freeze(&options, &AcceptAll, &plan, &mut |_| ()).unwrap();
    let rejects = Rejects::open(&plan, &frozen.options.to).unwrap();
    let n_rejected: u64 = frozen.rejected.values().sum();
    assert_eq!((rejects.filter(Result::is_ok).count() as u64, n_rejected), (frozen.n_rows, frozen.n_rows));
}
